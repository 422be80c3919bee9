// SPDX-License-Identifier: MIT
/*
 * lib/sysctl.c - the kernel settings that libcop follows, read from /proc.
 *
 * The files under net show the network namespace of the thread that reads them, so
 * only a thread in the home namespace reads.
 *
 * Owns: cop_sysctl. Protected by: atomic operations; in each second one caller wins
 * the right to read. Counterpart in the kernel: sysctl_net_ipv4.c.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "lib/scratch.h"
#include "lib/sysctl.h"

#define IPV4 "/proc/sys/net/ipv4/"
#define IPV6 "/proc/sys/net/ipv6/"
#define CORE "/proc/sys/net/core/"

struct cop_sysctl cop_sysctl = {
	.rmem_default = 212992,
	.wmem_default = 212992,
	.optmem_max = 131072,
	.prot_sock = 1024,
	.bindv6only = -1,
	.port_range = COP_PORT_RANGE(32768, 60999),
};

/* A file from which one number after the other is read. */
struct reader {
	int fd;
	ssize_t len, pos;
	size_t size;
	char *buf; /* room, or a mapping if the file is longer */
	char room[512];
};

static bool reader_open(struct reader *r, const char *path)
{
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	r->len = 0;
	r->pos = 0;
	r->buf = r->room;
	r->size = sizeof(r->room);
	return r->fd >= 0;
}

static void reader_close(struct reader *r)
{
	if (r->buf != r->room)
		munmap(r->buf, r->size);
	cop_libc.close(r->fd);
}

static int reader_char(struct reader *r)
{
	if (r->pos == r->len) {
		r->len = cop_libc.read(r->fd, r->buf, r->size);
		r->pos = 0;
	}
	return r->len > 0 ? r->buf[r->pos++] : -1;
}

/* The next number, or -1 at the end; *@after is the character after it. */
static int reader_number(struct reader *r, int *after)
{
	int c = reader_char(r);
	int n = 0;

	while (c >= 0 && (c < '0' || c > '9'))
		c = reader_char(r);
	if (c < 0)
		return -1;
	for (; c >= '0' && c <= '9'; c = reader_char(r))
		n = n > (1 << 24) ? n : n * 10 + (c - '0');
	*after = c;
	return n;
}

static void read_int(const char *path, _Atomic(int) *value)
{
	struct reader r;
	int after, n;

	if (!reader_open(&r, path))
		return;
	n = reader_number(&r, &after);
	if (n >= 0)
		atomic_store_explicit(value, n, memory_order_relaxed);
	reader_close(&r);
}

static bool read_range(void)
{
	int low, high;
	struct reader r;
	int after;

	if (!reader_open(&r, IPV4 "ip_local_port_range"))
		return false;
	low = reader_number(&r, &after);
	high = reader_number(&r, &after);
	reader_close(&r);
	if (low < 0 || low > high || high >= COP_PORTS)
		return false;
	WRITE_ONCE(cop_sysctl.port_range, COP_PORT_RANGE(low, high));
	return true;
}

/*
 * The kernel gives a list to the first read() only. A list that fills the room is
 * therefore read again from its start, into a mapping that holds the longest
 * list. If there is no memory for it, the ports in the room have to do.
 */
static void reader_widen(struct reader *r)
{
	const size_t size = COP_PORTS / 2 * sizeof("65535"); /* every other */
	char *all;

	r->len = cop_libc.read(r->fd, r->room, sizeof(r->room));
	if (r->len < (ssize_t)sizeof(r->room))
		return;
	all = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return;
	r->buf = all;
	r->size = size;
	r->len = pread(r->fd, all, size, 0);
}

/* The list looks like "1,5-9,70-80": a '-' after a number begins a range. */
static void read_reserved(struct cop_port_bits *reserved)
{
	struct reader r;
	int after, from, to;

	if (!reader_open(&r, IPV4 "ip_local_reserved_ports"))
		return;
	reader_widen(&r);
	while ((from = reader_number(&r, &after)) >= 0) {
		to = after == '-' ? reader_number(&r, &after) : from;
		for (; from <= to && to < COP_PORTS; from++)
			cop_port_bit(reserved, from);
	}
	reader_close(&r);
}

/* A range that can't be read stays as it is, and so do the reserved ports. */
static void read_ports(void)
{
	if (!read_range() && READ_ONCE(cop_sysctl.port_reads))
		return;
	for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++)
		for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++)
			WRITE_ONCE(cop_sysctl.reserved.word[q][w], 0);
	read_reserved(&cop_sysctl.reserved);
	atomic_fetch_add(&cop_sysctl.port_reads, 1);
}

static _Atomic(bool) has_elsewhere; /* (a) see cop_sysctl_elsewhere() */

void cop_sysctl_elsewhere(void)
{
	WRITE_ONCE(has_elsewhere, true);
	WRITE_ONCE(cop_sysctl.optmem_max, INT_MAX);
}

static void read_all(void)
{
	read_int(CORE "rmem_default", &cop_sysctl.rmem_default);
	read_int(CORE "wmem_default", &cop_sysctl.wmem_default);
	if (likely(!READ_ONCE(has_elsewhere)))
		read_int(CORE "optmem_max", &cop_sysctl.optmem_max);
	read_int(IPV4 "ip_unprivileged_port_start", &cop_sysctl.prot_sock);
	read_int(IPV6 "bindv6only", &cop_sysctl.bindv6only);
	read_ports();
}

void cop_sysctl_refresh(void)
{
	static _Atomic(int64_t) last_read = -1;
	int64_t last = READ_ONCE(last_read);
	struct timespec now;
	struct cop_scratch part;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (likely(last == now.tv_sec) || cop_confined())
		return;
	if (!atomic_compare_exchange_strong(&last_read, &last, now.tv_sec))
		return;
	cop_scratch_begin(&part);
	if (cop_netns_at_home())
		read_all();
	cop_scratch_end(&part);
}

bool cop_sysctl_may_be_v6only(void)
{
	return READ_ONCE(cop_sysctl.bindv6only) || READ_ONCE(cop_netns_left);
}

/*
 * "UDP: inuse N mem ...": the sockets that have a port. /proc/net would show the
 * namespace of the process's first thread, which may be another one.
 */
static int read_inuse(void)
{
	static const char want[] = "\nUDP: inuse ";
	struct reader r;
	size_t match = 0;
	int c, after, n = -1;

	if (!reader_open(&r, "/proc/thread-self/net/sockstat"))
		return -1;
	while (want[match] && (c = reader_char(&r)) >= 0)
		match = c == want[match] ? match + 1 : c == want[0];
	if (!want[match])
		n = reader_number(&r, &after);
	reader_close(&r);
	return n;
}

int cop_sysctl_inuse(void)
{
	struct cop_scratch part;
	int inuse = -1;

	if (cop_confined())
		return -1;
	cop_scratch_begin(&part);
	if (cop_netns_at_home())
		inuse = read_inuse();
	cop_scratch_end(&part);
	return inuse;
}
