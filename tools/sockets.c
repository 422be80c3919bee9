// SPDX-License-Identifier: MIT
/*
 * sockets.c - the COP sockets of another process, out of its memory, while it goes
 * on. Slots lead to objects in type-stable memory (cop_slab.c), so what is read may
 * be another socket's by now, but always is of its type; that an object still
 * belongs to the one that led to it is checked behind the read. Nothing is followed
 * without end, nor believed.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flows.h"
#include "object.h"
#include "sockets.h"

#define READ_TRIES 8

/* A descriptor that a slot says is a COP socket's. */
struct lead {
	uint64_t socket; /* the struct socket */
	uint64_t inode;	 /* of the kernel socket */
	int fd;
};

struct leads {
	struct lead *lead;
	size_t n, size;
};

/* ---- descriptors --------------------------------------------------------- */

/* 0: it is no socket. */
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

		if (!more)
			return;
		leads->lead = more;
		leads->size = size;
	}
	leads->lead[leads->n++] = (struct lead){ socket, inode, fd };
}

/* Slots come in chunks; what a slot notes beside its pointer is none of it. */
static uint64_t slot_of(const struct target *t, const struct cop_export *x,
			uint64_t slots, int fd)
{
	uint64_t chunk;
	void *sock;

	slots += fd / COP_EXPORT_CHUNK * sizeof(void *);
	if (!object_peek(t, x, COP_SLOTS_CHUNK, slots, &chunk) ||
	    !target_peek(t, chunk + fd % COP_EXPORT_CHUNK * sizeof(sock), &sock,
			 sizeof(sock)))
		return 0;
	return (uintptr_t)sock & ~COP_EXPORT_SLOT_NOTES;
}

static int by_socket(const void *a, const void *b)
{
	const struct lead *x = a, *y = b;

	if (x->socket != y->socket)
		return x->socket < y->socket ? -1 : 1;
	return x->fd - y->fd;
}

/* Only what is open is asked for: most of the table was never touched. */
static void find_leads(const struct target *t, const struct cop_export *x,
		       uint64_t slots, uint64_t max, struct leads *leads)
{
	int fd = openat(t->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		uint64_t socket = 0, inode = 0;

		fd = atoi(entry->d_name);
		if (entry->d_name[0] != '.' && (uint64_t)fd < max)
			socket = slot_of(t, x, slots, fd);
		if (socket)
			inode = socket_inode(t, fd);
		if (inode)
			lead_add(leads, socket, inode, fd);
	}
	closedir(dir);
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

/* Whose it is when it was read is who had it before and has it still. */
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

static bool take_kind(const struct cop_export *x, const struct object *sk,
		      enum cop_export_kind *kind)
{
	uint64_t prot = object_value(x, COP_SOCK_PROT, sk);

	for (int i = 0; i < COP_KINDS; i++) {
		*kind = i;
		if (prot == (uintptr_t)x->protos[i])
			return true;
	}
	return false; /* it stays UDP */
}

static void take_sock(const struct cop_export *x, const struct object *sk,
		      struct stat_sock *s)
{
	s->saddr = object_value(x, COP_SOCK_RCV_SADDR, sk);
	s->daddr = object_value(x, COP_SOCK_DADDR, sk);
	s->num = object_value(x, COP_SOCK_NUM, sk);
	s->dport = ntohs(object_value(x, COP_SOCK_DPORT, sk));
	for (int i = 0; i < STAT_COUNTERS; i++)
		s->counter[i] = object_value(x, COP_SOCK_TX + i, sk);
}

/* ---- what the kernel has of it ------------------------------------------- */

/*
 * A descriptor that was closed unseen may be another socket's by now, which the
 * port tells, as it does to the library. One without a port is in no list.
 */
static bool is_its_own(const struct stat_sock *s, const struct kernel_sock *ks)
{
	return !ks || !s->num || s->num == ks->num;
}

static bool take_fds(const struct target *t, const struct lead *lead, size_t n,
		     struct stat_sock *s)
{
	s->fds = malloc(n * sizeof(*s->fds));
	if (!s->fds)
		return false;
	for (; n; lead++, n--) {
		const struct kernel_sock *ks =
			kernel_find(t, lead->inode, s->num);

		if (!is_its_own(s, ks) || (s->n_fds && lead->inode != s->inode))
			continue;
		s->inode = lead->inode;
		s->fds[s->n_fds++] = lead->fd;
		s->is_listed = ks || !s->num;
		if (ks)
			s->kernel = *ks;
	}
	return s->n_fds;
}

/* What was bound or connected in another process is known to the kernel alone. */
static void take_names(struct stat_sock *s)
{
	if (!s->kernel.inode)
		return;
	s->saddr = s->kernel.saddr;
	s->num = s->kernel.num;
	s->daddr = s->kernel.daddr;
	s->dport = s->kernel.dport;
}

/* ---- all of a process ---------------------------------------------------- */

static struct stat_sock *list_place(struct stat_list *list)
{
	size_t size = list->size ? list->size * 2 : 64;
	struct stat_sock *more;

	if (list->n < list->size)
		return &list->socks[list->n];
	more = realloc(list->socks, size * sizeof(*more));
	if (!more)
		return NULL;
	list->socks = more;
	list->size = size;
	return &more[list->n];
}

static void sock_free(struct stat_sock *s)
{
	free(s->fds);
	free(s->flows);
}

/* The leads are all to one socket. */
static void add_sock(const struct target *t, const struct cop_export *x,
		     const struct lead *lead, size_t n, bool want_flows,
		     struct stat_list *list)
{
	struct stat_sock *s = list_place(list);
	struct object sk;
	uint64_t addr;

	if (!s)
		return;
	memset(s, 0, sizeof(*s));
	if (!read_sock(t, x, lead->socket, &addr, &sk) ||
	    !take_kind(x, &sk, &s->kind))
		return;
	s->when = now_us();
	s->pid = t->pid;
	s->addr = lead->socket;
	memcpy(s->command, t->command, sizeof(s->command));
	take_sock(x, &sk, s);
	s->has_flows = want_flows;
	if (want_flows)
		s->n_flows = flows_read(t, x, addr, &sk, &s->flows);
	if (!take_fds(t, lead, n, s)) {
		sock_free(s);
		return;
	}
	take_names(s);
	s->is_connected = s->daddr || s->dport;
	list->n++;
}

static int by_fd(const void *a, const void *b)
{
	const struct stat_sock *x = a, *y = b;

	return x->fds[0] - y->fds[0];
}

static void add_all(const struct target *t, const struct cop_export *x,
		    const struct leads *leads, bool want_flows,
		    struct stat_list *list)
{
	size_t before = list->n, n;

	for (size_t i = 0; i < leads->n; i += n) {
		const struct lead *lead = &leads->lead[i];

		for (n = 1; i + n < leads->n; n++)
			if (lead[n].socket != lead->socket)
				break;
		add_sock(t, x, lead, n, want_flows, list);
	}
	if (list->n > before)
		qsort(list->socks + before, list->n - before,
		      sizeof(*list->socks), by_fd);
}

/* A child of vfork() has its parent's memory, but not its parent's sockets. */
static bool is_owner(const struct target *t, const struct cop_export *x)
{
	uint64_t page, owner;

	if (!target_peek(t, (uintptr_t)x->process, &page, sizeof(void *)) ||
	    !page || !object_peek(t, x, COP_PROCESS_OWNER, page, &owner))
		return true;
	return !owner || (long)owner == target_status(t, "\nNSpid:", true);
}

void sockets_read(const struct target *t, const struct cop_export *x,
		  struct stat_list *list, bool want_flows)
{
	struct leads leads = { 0 };
	struct object table;
	uint64_t slots, max;

	if (!object_read(t, x, COP_OBJ_TABLE, (uintptr_t)x->table, &table))
		return;
	slots = object_value(x, COP_TABLE_SLOTS, &table);
	max = object_value(x, COP_TABLE_MAX, &table);
	if (!slots || !max || !is_owner(t, x))
		return;
	find_leads(t, x, slots, max, &leads);
	add_all(t, x, &leads, want_flows, list);
	free(leads.lead);
}

void sockets_free(struct stat_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		sock_free(&list->socks[i]);
	free(list->socks);
	*list = (struct stat_list){ 0 };
}
