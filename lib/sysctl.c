// SPDX-License-Identifier: MIT
/*
 * lib/sysctl.c - the kernel settings that libcop follows, read from /proc.
 *
 * Those under net are of the reading thread's network namespace, so only a thread
 * in the home namespace reads them.
 *
 * Owns: cop_sysctl, and the choice of which ports are allowed. Protected by:
 * atomic operations; one caller in a second wins the right to read. May call:
 * cop_port.c, lib/netns.c, lib/scratch.c and the kernel. Counterpart in the
 * kernel: sysctl_net_ipv4.c.
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
#include "port/port_crowd.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "cop_port.h"
#include "lib/scratch.h"
#include "lib/sysctl.h"

#define IPV4 "/proc/sys/net/ipv4/"
#define CORE "/proc/sys/net/core/"

struct cop_sysctl cop_sysctl = {
	.rmem_default = 212992,
	.wmem_default = 212992,
	.optmem_max = 131072,
	.prot_sock = 1024,
};

/* A file that is read a number at a time; the settings may be long lists. */
struct reader {
	int fd;
	ssize_t len, pos;
	size_t size;
	char *buf; /* room, or where that is too small a mapping */
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

/* The next number, or -1 at the end; *@after is the character behind it. */
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

static bool read_range(int *lowest, int *highest)
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
	*lowest = low;
	*highest = high;
	return true;
}

/*
 * The kernel gives a list to the first read and nothing to a second, so what
 * fills the room is read again into as much as a list can need. Without memory
 * for that its beginning has to do.
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

/* The list's form is "1,5-9,70-80": a '-' behind a number opens a range. */
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

/*
 * "UDP: inuse N mem ...": the sockets that have a port. /proc/net would be of the
 * process's first thread, which may be in another namespace.
 */
static unsigned int read_inuse(void)
{
	static const char want[] = "\nUDP: inuse ";
	struct reader r;
	size_t match = 0;
	int c, after, n = -1;

	if (!reader_open(&r, "/proc/thread-self/net/sockstat"))
		return 0;
	while (want[match] && (c = reader_char(&r)) >= 0)
		match = c == want[match] ? match + 1 : c == want[0];
	if (!want[match])
		n = reader_number(&r, &after);
	reader_close(&r);
	return n < 0 ? 0 : n;
}

static void read_ports(void)
{
	static struct cop_port_bits reserved; /* too large for some stacks */
	int low = 32768;
	int high = 60999;

	if (!read_range(&low, &high) && READ_ONCE(cop_port_table.places))
		return;
	memset(&reserved, 0, sizeof(reserved));
	read_reserved(&reserved);
	cop_port_allow(&cop_port_table, low, high, &reserved);
	cop_contention_measure(read_inuse(), cop_port_held(&cop_port_table),
			       high - low + 1);
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
