// SPDX-License-Identifier: MIT
/*
 * cop_stats.c - a socket's performance data, printed when it is closed.
 *
 * Owns: nothing. Protected by: each line is one write(). May call: the kernel.
 * Counterpart in the kernel: /proc/net/udp, at the end of a socket's life.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cop/cancel.h"
#include "cop/compiler.h"
#include "cop/env.h"
#include "cop/libc.h"
#include "cop/proto.h"
#include "cop/stats.h"

/* What the kernel threw away: no room in the buffer, or not COP. */
static uint32_t kernel_drops(int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(meminfo);

	if (fd >= 0)
		cop_libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len);
	return meminfo[SK_MEMINFO_DROPS];
}

static void name_of(char *name, size_t size, __be32 addr, __be16 port)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &addr, text, sizeof(text));
	snprintf(name, size, "%s:%u", text, ntohs(port));
}

static int stats_line(char *line, size_t size, struct sock *sk, int fd)
{
	struct cop_counters *c = &cop_sk(sk)->count;
	struct inet_sock *inet = inet_sk(sk);
	char local[32], peer[32];

	name_of(local, sizeof(local), READ_ONCE(inet->inet_saddr),
		htons(READ_ONCE(inet->inet_num)));
	name_of(peer, sizeof(peer), READ_ONCE(inet->inet_daddr),
		READ_ONCE(inet->inet_dport));
	return snprintf(line, size,
			"cop pid=%d local=%s peer=%s tx=%u tx_bytes=%" PRIu64
			" tx_errors=%u rx=%u rx_bytes=%" PRIu64
			" truncated=%u port_mismatch=%u stray_short=%u"
			" stray_magic=%u stray_version=%u stray_length=%u"
			" kernel_drops=%u\n",
			getpid(), local, peer, READ_ONCE(c->tx_datagrams),
			READ_ONCE(c->tx_bytes), READ_ONCE(c->tx_errors),
			READ_ONCE(c->rx_datagrams), READ_ONCE(c->rx_bytes),
			READ_ONCE(c->rx_truncated), READ_ONCE(c->port_mismatch),
			READ_ONCE(c->strays[COP_STRAY_SHORT]),
			READ_ONCE(c->strays[COP_STRAY_MAGIC]),
			READ_ONCE(c->strays[COP_STRAY_VERSION]),
			READ_ONCE(c->strays[COP_STRAY_LENGTH]),
			kernel_drops(fd));
}

static void stats_write(const char *line, size_t len)
{
	int out;

	if (!strcmp(cop_env.stats, "stderr")) {
		if (cop_libc.write(STDERR_FILENO, line, len) < 0)
			cop_debug("performance data could not be printed");
		return;
	}
	out = open(cop_env.stats, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		   0644);
	if (out < 0 || cop_libc.write(out, line, len) < 0)
		cop_debug("%s could not be written", cop_env.stats);
	if (out >= 0)
		cop_libc.close(out);
}

void cop_stats_report(struct sock *sk, int fd)
{
	char line[512];
	int cancel, len;

	if (likely(!cop_env.stats) || !sock_flag(sk, SOCK_CARRIED))
		return;
	if (u32_or(&sk->sk_flags, SOCK_REPORTED) & SOCK_REPORTED)
		return;
	cancel = cancel_off();
	len = stats_line(line, sizeof(line), sk, fd);
	if (len > 0 && (size_t)len < sizeof(line))
		stats_write(line, len);
	cancel_on(cancel);
}
