// SPDX-License-Identifier: MIT
/*
 * sockets.c - reads the COP sockets of another process out of its memory, while
 * that process runs. Slots point to objects in type-stable memory (lib/slab.c):
 * an object may be another socket's by now, but it always has the right type.
 * After each read this checks that the object still belongs to the slot or
 * object that pointed to it. It trusts no value in that memory, and ends every
 * walk after a limit. It keeps one socket at a time, however many there are.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "budget.h"
#include "flows.h"
#include "object.h"
#include "sockets.h"

#define READ_TRIES 8

/* A descriptor whose slot says that it is a COP socket's. */
struct lead {
	uint64_t socket; /* address of the struct socket */
	uint64_t inode;	 /* inode of the kernel socket */
	int fd;
};

struct leads {
	struct lead *lead;
	size_t n, size;
};

/* The descriptors of one socket. */
struct group {
	const struct lead *lead;
	size_t n;
};

/* The table of descriptors, and a copy of a part of it. */
struct slots {
	uint64_t start, max; /* address of the chunks' table, number of slots */
	uint64_t first, n;   /* the copied part: first slot, number of slots */
	void *slot[COP_EXPORT_CHUNK];
};

/* ---- descriptors --------------------------------------------------------- */

/* Returns a descriptor's inode, 0 if it is no socket. */
static uint64_t socket_inode(const struct target *t, int fd)
{
	char name[32], link[64];
	unsigned long inode = 0;
	ssize_t n;

	snprintf(name, sizeof(name), "fd/%d", fd);
	n = readlinkat(t->dir, name, link, sizeof(link) - 1);
	if (n < 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "socket:[%lu]", &inode) == 1 ? inode : 0;
}

static void lead_add(struct leads *leads, uint64_t socket, uint64_t inode,
		     int fd)
{
	size_t size = leads->size ? leads->size * 2 : 64;

	if (leads->n == leads->size) {
		struct lead *more = realloc(leads->lead, size * sizeof(*more));

		if (!more) {
			budget_cut();
			return;
		}
		leads->lead = more;
		leads->size = size;
	}
	leads->lead[leads->n++] = (struct lead){ socket, inode, fd };
}

/* The slots lie in chunks; a chunk is one piece of memory. */
static bool read_slots(const struct target *t, const struct cop_export *x,
		       struct slots *s, uint64_t first)
{
	uint64_t at = s->start + first / COP_EXPORT_CHUNK * sizeof(void *);
	uint64_t chunk;

	s->n = 0;
	if (!object_peek(t, x, COP_SLOTS_CHUNK, at, &chunk) ||
	    !target_peek(t, chunk, s->slot, sizeof(s->slot)))
		return false;
	s->first = first;
	s->n = COP_EXPORT_CHUNK;
	return true;
}

/* Returns the address of a descriptor's struct socket, or 0. */
static uint64_t slot_of(const struct target *t, const struct cop_export *x,
			struct slots *s, uint64_t fd)
{
	if (fd >= s->max)
		return 0;
	if ((fd < s->first || fd - s->first >= s->n) &&
	    !read_slots(t, x, s, fd - fd % COP_EXPORT_CHUNK))
		return 0;
	return (uintptr_t)s->slot[fd - s->first] & ~COP_EXPORT_SLOT_NOTES;
}

static int by_socket(const void *a, const void *b)
{
	const struct lead *x = a, *y = b;

	if (x->socket != y->socket)
		return x->socket < y->socket ? -1 : 1;
	return x->fd - y->fd;
}

/*
 * Reads the slots of open descriptors only: most of the table was never used.
 * Leaves half of the time for the sockets themselves.
 */
static void find_leads(const struct target *t, const struct cop_export *x,
		       struct slots *slots, struct leads *leads)
{
	int fd = openat(t->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (budget_has_half() && (entry = readdir(dir))) {
		uint64_t socket = 0, inode = 0;

		fd = atoi(entry->d_name);
		if (entry->d_name[0] != '.')
			socket = slot_of(t, x, slots, fd);
		if (socket)
			inode = socket_inode(t, fd);
		if (inode)
			lead_add(leads, socket, inode, fd);
	}
	closedir(dir);
	if (!budget_has_half())
		budget_cut();
	if (leads->n)
		qsort(leads->lead, leads->n, sizeof(*leads->lead), by_socket);
}

/* ---- one socket ---------------------------------------------------------- */

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*
 * The copy is good if the object has the same owner before and after the read.
 */
static bool read_sock(const struct target *t, const struct cop_export *x,
		      uint64_t socket, uint64_t *addr, struct object *sk)
{
	uint64_t again;

	for (int i = 0; i < READ_TRIES; i++) {
		if (!object_peek(t, x, COP_SOCKET_SK, socket, addr) ||
		    !object_read(t, x, COP_OBJ_SOCK, *addr, sk) ||
		    !object_peek(t, x, COP_SOCKET_SK, socket, &again))
			return false;
		if (*addr == again &&
		    object_value(x, COP_SOCK_SOCKET, sk) == socket)
			return true;
	}
	return false;
}

/* Returns whether the socket is to be shown. */
static bool take_kind(const struct target *t, const struct cop_export *x,
		      uint64_t addr, const struct object *sk,
		      struct stat_sock *s)
{
	uint64_t prot = object_value(x, COP_SOCK_PROT, sk);

	s->kind = protos_kind(x, prot);
	if (s->kind == COP_KIND_PLAIN)
		return false;
	s->transport = protos_find(t, x, prot);
	if (!s->transport) {
		if (!target_has_ended(t))
			budget_cut();
		return false;
	}
	protos_counters(t, s->transport, addr, s->own);
	return true;
}

/* Returns whether the family is one that COP has. */
static bool take_sock(const struct cop_export *x, const struct object *sk,
		      struct stat_sock *s)
{
	s->family = object_value(x, COP_SOCK_FAMILY, sk);
	s->local = object_endpoint(x, COP_SOCK_RCV_SADDR, sk);
	s->local.port = htons(object_value(x, COP_SOCK_NUM, sk));
	s->peer = object_endpoint(x, COP_SOCK_DADDR, sk);
	for (int i = 0; i < STAT_COUNTERS; i++)
		s->counter[i] = object_value(x, COP_SOCK_TX + i, sk);
	return s->family == AF_INET || s->family == AF_INET6;
}

/* ---- the kernel socket --------------------------------------------------- */

/*
 * A descriptor that was closed unseen may be another socket's by now. Its family and
 * its port show that, here as in the library. Another process may have made an IPv6
 * socket one of IPv4 (IPV6_ADDRFORM), but never the other way round. The kernel does
 * not list a socket without a port.
 */
static bool is_its_own(const struct stat_sock *s, const struct kernel_sock *ks)
{
	return !ks || ((s->family == ks->family || s->family == AF_INET6) &&
		       (!s->local.port || s->local.port == ks->local.port));
}

static bool take_fds(struct target *t, const struct lead *lead, size_t n,
		     struct stat_sock *s)
{
	static size_t size;
	static int *room;

	if (n > size) {
		int *more = realloc(room, n * sizeof(*more));

		if (!more)
			return false;
		room = more;
		size = n;
	}
	s->fds = room;
	for (; n && budget_step(); lead++, n--) {
		const struct kernel_sock *ks =
			kernel_find(t, lead->inode, s->local.port);

		if (!is_its_own(s, ks) || (s->n_fds && lead->inode != s->inode))
			continue;
		s->inode = lead->inode;
		s->fds[s->n_fds++] = lead->fd;
		s->is_listed = ks || !s->local.port;
		if (ks)
			s->kernel = *ks;
	}
	return s->n_fds;
}

/* Where the kernel tells no scope, the sock's own stays if the rest is the same. */
static void take_name(struct cop_endpoint *end,
		      const struct cop_endpoint *kernels)
{
	uint32_t scope = kernels->scope;

	if (!scope && IN6_ARE_ADDR_EQUAL(&end->addr, &kernels->addr))
		scope = end->scope;
	*end = *kernels;
	end->scope = scope;
}

/*
 * If another process has bound or connected the socket, or changed its family, only
 * the kernel knows it.
 */
static void take_names(struct stat_sock *s)
{
	if (!s->kernel.inode)
		return;
	s->family = s->kernel.family;
	take_name(&s->local, &s->kernel.local);
	take_name(&s->peer, &s->kernel.peer);
}

/* ---- all of a process ---------------------------------------------------- */

static bool has_port(long port, __be16 is)
{
	return !port || port == ntohs(is);
}

static bool is_wanted(const struct wanted *w, const struct stat_sock *s)
{
	return has_port(w->sport, s->local.port) &&
	       has_port(w->dport, s->peer.port) &&
	       (has_port(w->port, s->local.port) ||
		has_port(w->port, s->peer.port));
}

static bool read_one(struct target *t, const struct cop_export *x,
		     const struct group *g, const struct wanted *w,
		     struct stat_sock *s)
{
	struct object sk;
	uint64_t addr;

	memset(s, 0, sizeof(*s));
	if (!read_sock(t, x, g->lead->socket, &addr, &sk) ||
	    !take_kind(t, x, addr, &sk, s))
		return false;
	s->when = now_us();
	s->pid = t->pid;
	s->addr = g->lead->socket;
	memcpy(s->command, t->command, sizeof(s->command));
	if (!take_sock(x, &sk, s))
		return false;
	s->has_flows = w->flows;
	if (w->flows)
		s->n_flows = flows_read(t, x, addr, &sk, &s->flows);
	if (!take_fds(t, g->lead, g->n, s))
		return false;
	take_names(s);
	s->is_connected =
		!IN6_IS_ADDR_UNSPECIFIED(&s->peer.addr) || s->peer.port;
	return is_wanted(w, s);
}

static int by_fd(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->lead->fd - y->lead->fd;
}

/*
 * Groups descriptors by socket, in the order of first descriptors. Returns how
 * many.
 */
static size_t make_groups(const struct leads *leads, struct group *group)
{
	size_t n = 0;

	for (size_t i = 0; i < leads->n; i++) {
		const struct lead *lead = &leads->lead[i];

		if (!i || lead->socket != lead[-1].socket)
			group[n++] = (struct group){ .lead = lead };
		group[n - 1].n++;
	}
	qsort(group, n, sizeof(*group), by_fd);
	return n;
}

/* A vfork() child has its parent's memory, but not its parent's sockets. */
static bool is_owner(const struct target *t, const struct cop_export *x)
{
	uint64_t page, owner;

	if (!target_peek(t, (uintptr_t)x->process, &page, sizeof(void *)) ||
	    !page || !object_peek(t, x, COP_PROCESS_OWNER, page, &owner))
		return true;
	return !owner || (long)owner == target_status(t, "NSpid:", true);
}

void sockets_read(struct target *t, const struct cop_export *x,
		  const struct wanted *w,
		  void (*take)(void *arg, const struct stat_sock *s), void *arg)
{
	struct leads leads = { 0 };
	struct slots slots = { 0 };
	struct group *group;
	struct object table;
	struct stat_sock s;
	size_t n = 0;

	if (!object_read(t, x, COP_OBJ_TABLE, (uintptr_t)x->table, &table))
		return;
	slots.start = object_value(x, COP_TABLE_SLOTS, &table);
	slots.max = object_value(x, COP_TABLE_MAX, &table);
	if (!slots.start || !slots.max || !is_owner(t, x))
		return;
	protos_begin();
	find_leads(t, x, &slots, &leads);
	group = leads.n ? malloc(leads.n * sizeof(*group)) : NULL;
	if (group)
		n = make_groups(&leads, group);
	for (size_t i = 0; i < n && !budget_is_spent(); i++)
		if (read_one(t, x, &group[i], w, &s))
			take(arg, &s);
	free(group);
	free(leads.lead);
}
