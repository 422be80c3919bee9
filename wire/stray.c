// SPDX-License-Identifier: MIT
/*
 * wire/stray.c - count strays (see wire/hdr.h), and with COP_DEBUG name their
 * senders.
 *
 * Owns: the list of senders that it has named. Protected by: each entry is one
 * atomic word. Counterpart in the kernel: net_warn_ratelimited().
 */
#include <arpa/inet.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "datagram/proto.h"
#include "wire/stray.h"

/* So many senders are named; the others are only counted. */
#define NAMED_MAX 256

static bool is_news(const struct sockaddr_in *from)
{
	static _Atomic(uint64_t) named[NAMED_MAX];
	uint64_t peer = (uint64_t)from->sin_addr.s_addr << 16 | from->sin_port;
	uint64_t is;

	for (int i = 0; peer && i < NAMED_MAX; i++) {
		is = 0;
		if (u64_cas(&named[i], &is, peer))
			return true;
		if (is == peer)
			return false;
	}
	return false;
}

static void name_peer(int fd, enum cop_stray reason,
		      const struct sockaddr_in *from)
{
	static const char *const what[] = {
		[COP_STRAY_SHORT] = "are not COP",
		[COP_STRAY_MAGIC] = "are not COP",
		[COP_STRAY_VERSION] = "are COP of another version",
		[COP_STRAY_LENGTH] = "have a COP header of no such length",
	};
	char addr[INET_ADDRSTRLEN];

	if (!is_news(from))
		return;
	inet_ntop(AF_INET, &from->sin_addr, addr, sizeof(addr));
	cop_log(fd, "datagrams from %s:%u %s", addr, ntohs(from->sin_port),
		what[reason]);
}

void cop_rx_stray(struct sock *sk, int fd, enum cop_stray reason,
		  const void *name, socklen_t len)
{
	const struct sockaddr_in *from = name;

	u32_add(&cop_sk(sk)->count.strays[reason], 1);
	if (unlikely(cop_env.debug) && from && len >= sizeof(*from) &&
	    from->sin_family == AF_INET)
		name_peer(fd, reason, from);
}
