// SPDX-License-Identifier: MIT
/*
 * rates.c - what goes on in a second: two looks at a socket, and the time between
 * them.
 */
#include <stdlib.h>

#include "rates.h"

/* Memory is used again, kernel sockets are not (for long). */
static int by_identity(const void *a, const void *b)
{
	const struct stat_sock *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

void rates_sort(struct stat_list *list)
{
	if (list->n)
		qsort(list->socks, list->n, sizeof(*list->socks), by_identity);
}

/* Datagrams are counted in 32 bits, which overflow. */
static double per_second(const struct stat_sock *old,
			 const struct stat_sock *new, enum cop_export_name name)
{
	uint64_t before = stat_counter(old, name);
	uint64_t after = stat_counter(new, name);
	uint64_t more = after - before;

	if (after < before)
		more = before <= UINT32_MAX ? (uint32_t)more : 0;
	return (double)more * 1e6 / (double)(new->when - old->when);
}

bool rates_find(const struct stat_list *old, const struct stat_sock *s,
		struct rates *rates)
{
	const struct stat_sock *was = NULL;

	if (old->n)
		was = bsearch(s, old->socks, old->n, sizeof(*s), by_identity);
	if (!was || s->when <= was->when)
		return false;
	rates->tx = per_second(was, s, COP_SOCK_TX);
	rates->tx_bytes = per_second(was, s, COP_SOCK_TX_BYTES);
	rates->rx = per_second(was, s, COP_SOCK_RX);
	rates->rx_bytes = per_second(was, s, COP_SOCK_RX_BYTES);
	return true;
}
