// SPDX-License-Identifier: MIT
/*
 * kernel.c - reads the kernel's lists of UDP sockets, /proc/PID/net/udp and udp6,
 * once for each network namespace. The kernel returns a page at a time, and finds
 * the start of the next page by counting sockets from the beginning: sockets
 * that are opened or closed meanwhile make it skip others. So if a socket is
 * missing, the list is read again. The list is not cut for a process's budget,
 * because it serves other processes, too. Counterpart in the kernel:
 * udp_seq_start(), udp4_format_sock(), udp6_seq_show().
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "kernel.h"
#include "supervise.h"

#define READ_SIZE  (64 * 1024)
#define BEAT_EVERY 1024 /* sockets */
#define READS_MAX  5	/* reads of one list, until kernel_forget() */

struct network {
	struct network *next;
	uint64_t ino;		   /* the namespace's inode */
	struct kernel_sock *socks; /* sorted by inode */
	size_t n, size;
	int reads;
	bool has_asked; /* diag.c, since the last reading */
};

static struct network *networks;

static int by_inode(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_inode_latest_first(const void *a, const void *b)
{
	const struct kernel_sock *x = a, *y = b;
	int order = by_inode(a, b);

	return order ? order : y->read - x->read;
}

static struct kernel_sock *place(struct network *net)
{
	size_t size = net->size ? net->size * 2 : 64;
	struct kernel_sock *more;

	if (net->n < net->size)
		return &net->socks[net->n];
	more = realloc(net->socks, size * sizeof(*more));
	if (!more)
		return NULL;
	net->socks = more;
	net->size = size;
	return &more[net->n];
}

/*
 * The kernel prints each 4 bytes of an address as a number in the machine's own byte
 * order: one number for IPv4, four for IPv6.
 */
static bool take_addr(const char *addr, int family, struct in6_addr *to)
{
	uint32_t *word = to->s6_addr32;

	if (family == AF_INET6)
		return sscanf(addr, "%8x%8x%8x%8x", &word[0], &word[1],
			      &word[2], &word[3]) == 4;
	if (sscanf(addr, "%8x", &word[3]) != 1)
		return false;
	if (word[3])
		word[2] = htonl(0xffff);
	return true;
}

static int family_of(const char *addr)
{
	switch (strlen(addr)) {
	case 8:
		return AF_INET;
	case 32:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

static bool take_end(const char *addr, unsigned long port, int family,
		     struct cop_endpoint *end)
{
	*end = (struct cop_endpoint){ .port = htons(port) };
	return family_of(addr) == family && port <= UINT16_MAX &&
	       take_addr(addr, family, &end->addr);
}

static void take_line(struct network *net, const char *line)
{
	struct kernel_sock is = { .read = net->reads }, *ks;
	char local[33], peer[33];
	unsigned long num, dport, inode, drops;

	if (sscanf(line,
		   " %*u: %32[0-9A-F]:%lx %32[0-9A-F]:%lx %*x %x:%x %*x:%*x "
		   "%*x %*u %*u %lu %*d %*s %lu",
		   local, &num, peer, &dport, &is.tx_queue, &is.rx_queue,
		   &inode, &drops) != 8)
		return;
	is.family = family_of(local);
	if (!is.family || !take_end(local, num, is.family, &is.local) ||
	    !take_end(peer, dport, is.family, &is.peer))
		return;
	is.inode = inode;
	is.drops = drops;
	ks = place(net);
	if (!ks)
		return;
	*ks = is;
	net->n++;
}

/* Sorts the sockets by inode, and keeps the latest reading of each. */
static void sort(struct network *net)
{
	size_t n = 1;

	if (!net->n)
		return;
	qsort(net->socks, net->n, sizeof(*net->socks), by_inode_latest_first);
	for (size_t i = 1; i < net->n; i++)
		if (net->socks[i].inode != net->socks[n - 1].inode)
			net->socks[n++] = net->socks[i];
	net->n = n;
}

static void list_read(struct network *net, const struct target *t,
		      const char *name)
{
	int fd = openat(t->dir, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[256];

	if (!f) {
		if (fd >= 0)
			close(fd);
		return;
	}
	setvbuf(f, NULL, _IOFBF, READ_SIZE);
	while (fgets(line, sizeof(line), f)) {
		take_line(net, line);
		if (net->n % BEAT_EVERY == 0)
			supervise_beat();
	}
	fclose(f);
}

static void network_read(struct network *net, const struct target *t)
{
	net->reads++;
	net->has_asked = false;
	list_read(net, t, "net/udp");
	list_read(net, t, "net/udp6");
	sort(net);
}

/* Returns the process's namespace; NULL if it is unknown, or without memory. */
static struct network *network_of(struct target *t)
{
	struct network *net;
	struct stat st;

	if (!t->network && !fstatat(t->dir, "ns/net", &st, 0))
		t->network = st.st_ino;
	if (!t->network)
		return NULL;
	for (net = networks; net; net = net->next)
		if (net->ino == t->network)
			return net;
	net = calloc(1, sizeof(*net));
	if (!net)
		return NULL;
	net->ino = t->network;
	network_read(net, t);
	net->next = networks;
	networks = net;
	return net;
}

static struct kernel_sock *find_in(const struct network *net, uint64_t inode)
{
	if (!net->n)
		return NULL;
	return bsearch(&inode, net->socks, net->n, sizeof(*net->socks),
		       by_inode);
}

static void take_diag(void *arg, const struct diag_sock *d)
{
	struct kernel_sock *ks = find_in(arg, d->inode);

	if (!ks)
		return;
	if (d->has_v6only)
		ks->v6only = d->v6only ? V6ONLY_YES : V6ONLY_NO;
	if (cop_addr_needs_scope(&ks->local.addr))
		ks->local.scope = d->device;
	if (cop_addr_needs_scope(&ks->peer.addr))
		ks->peer.scope = d->device;
}

/* The kernel is asked only where an IPv6 socket is wanted. */
static void ask_about(struct network *own, const struct target *t,
		      const struct kernel_sock *ks)
{
	if (!own || !ks || ks->family != AF_INET6 || own->has_asked)
		return;
	own->has_asked = true;
	diag_udp6(t, take_diag, own);
}

/*
 * A socket stays in the namespace in which it was created, whoever receives it.
 */
const struct kernel_sock *kernel_find(struct target *t, uint64_t inode,
				      bool is_listed)
{
	struct network *own = network_of(t), *net;
	const struct kernel_sock *ks = own ? find_in(own, inode) : NULL;

	for (net = networks; net && !ks; net = net->next)
		ks = find_in(net, inode);
	while (is_listed && !ks && own && own->reads < READS_MAX) {
		network_read(own, t);
		ks = find_in(own, inode);
	}
	ask_about(own, t, ks);
	return ks;
}

void kernel_forget(void)
{
	while (networks) {
		struct network *net = networks;

		networks = net->next;
		free(net->socks);
		free(net);
	}
}
