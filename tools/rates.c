// SPDX-License-Identifier: MIT
/*
 * rates.c - rates per second: from two readings of a socket and the time
 * between them.
 */
#include <stdlib.h>

#include "rates.h"

struct memory {
	pid_t pid;
	uint64_t inode, addr, when;
	uint64_t tx, tx_bytes, rx, rx_bytes;
};

struct look {
	struct memory *memory;
	size_t n, size;
};

static struct look now, old;

/*
 * An address may be another sock's by now; an inode is not reused for a long
 * time.
 */
static int by_identity(const void *a, const void *b)
{
	const struct memory *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

void rates_begin(void)
{
	struct look unused = old;

	old = now;
	now = unused;
	now.n = 0;
	if (old.n)
		qsort(old.memory, old.n, sizeof(*old.memory), by_identity);
}

static struct memory remember(const struct stat_sock *s)
{
	return (struct memory){
		.pid = s->pid,
		.inode = s->inode,
		.addr = s->addr,
		.when = s->when,
		.tx = stat_counter(s, COP_SOCK_TX),
		.tx_bytes = stat_counter(s, COP_SOCK_TX_BYTES),
		.rx = stat_counter(s, COP_SOCK_RX),
		.rx_bytes = stat_counter(s, COP_SOCK_RX_BYTES),
	};
}

void rates_note(const struct stat_sock *s)
{
	size_t size = now.size ? now.size * 2 : 64;
	struct memory *more;

	if (now.n == now.size) {
		more = realloc(now.memory, size * sizeof(*more));
		if (!more)
			return;
		now.memory = more;
		now.size = size;
	}
	now.memory[now.n++] = remember(s);
}

/* The count of datagrams has 32 bits and wraps. */
static double per_second(uint64_t before, uint64_t after, uint64_t us)
{
	uint64_t more = after - before;

	if (after < before)
		more = before <= UINT32_MAX ? (uint32_t)more : 0;
	return (double)more * 1e6 / (double)us;
}

bool rates_find(const struct stat_sock *s, struct rates *rates)
{
	struct memory is = remember(s);
	const struct memory *was = NULL;
	uint64_t us;

	if (old.n)
		was = bsearch(&is, old.memory, old.n, sizeof(is), by_identity);
	if (!was || is.when <= was->when)
		return false;
	us = is.when - was->when;
	rates->tx = per_second(was->tx, is.tx, us);
	rates->tx_bytes = per_second(was->tx_bytes, is.tx_bytes, us);
	rates->rx = per_second(was->rx, is.rx, us);
	rates->rx_bytes = per_second(was->rx_bytes, is.rx_bytes, us);
	return true;
}
