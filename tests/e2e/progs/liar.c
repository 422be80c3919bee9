// SPDX-License-Identifier: MIT
/*
 * liar.c - a process with libcop that lies to whoever reads its memory. Its table of
 * descriptors leads to sockets that it has made up, laid out as the library's own
 * are, in the way that its argument says. Their numbers are from 100 on.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inet/export.h"

#define FIRST 100
#define CHAIN 100000
#define LOST  0x123456789000

static struct cop_export *x; /* the library's own */
static struct cop_export is; /* as it was in the beginning */
static char *chain;	     /* of flows */
static char *socks, *sockets, *table;
static void **slots;
static int n = 1;

static void put(char *object, enum cop_export_name name, uint64_t value)
{
	if (is.field[name].size)
		memcpy(object + is.field[name].offset, &value,
		       is.field[name].size);
}

static char *objects(enum cop_export_object what, size_t count)
{
	return calloc(count, is.object[what]);
}

static char *flow(int i)
{
	return chain + (size_t)i * is.object[COP_OBJ_FLOW];
}

static void link_chain(int count)
{
	for (int i = 0; i < count; i++) {
		put(flow(i), COP_FLOW_ADDR, i);
		put(flow(i), COP_FLOW_TX, 5);
		put(flow(i), COP_FLOW_TABLE, 1);
		put(flow(i), COP_FLOW_PREV, i ? (uintptr_t)flow(i - 1) : 0);
		put(flow(i), COP_FLOW_NEXT,
		    i < count - 1 ? (uintptr_t)flow(i + 1) : 0);
	}
}

static void make_sock(int i)
{
	char *socket = sockets + (size_t)i * is.object[COP_OBJ_SOCKET];
	char *sk = socks + (size_t)i * is.object[COP_OBJ_SOCK];

	put(socket, COP_SOCKET_SK, (uintptr_t)sk);
	put(sk, COP_SOCK_SOCKET, (uintptr_t)socket);
	put(sk, COP_SOCK_FAMILY, AF_INET);
	put(sk, COP_SOCK_PROT, (uintptr_t)is.protos[COP_KIND_COP]);
	put(sk, COP_SOCK_TX, 5);
	put(sk, COP_SOCK_MISSED, 5);
	put(sk, COP_SOCK_SENT_FLOWS, (uintptr_t)chain);
	slots[FIRST + i] = socket;
}

/* What leads to the slots, a chunk at a time. */
static char *make_chunks(size_t count)
{
	const size_t offset = is.field[COP_SLOTS_CHUNK].offset;
	char *chunks = calloc(1, offset + count * sizeof(void *));

	slots = calloc(count * COP_EXPORT_CHUNK, sizeof(*slots));
	for (size_t i = 0; i < count; i++) {
		void *chunk = slots + i * COP_EXPORT_CHUNK;

		memcpy(chunks + offset + i * sizeof(chunk), &chunk,
		       sizeof(chunk));
	}
	return chunks;
}

static void make_all(void)
{
	char *chunks = make_chunks((n + FIRST) / COP_EXPORT_CHUNK + 1);

	chain = objects(COP_OBJ_FLOW, CHAIN);
	socks = objects(COP_OBJ_SOCK, n);
	sockets = objects(COP_OBJ_SOCKET, n);
	link_chain(5);
	for (int i = 0; i < n; i++)
		make_sock(i);
	table = (char *)is.table;
	put(table, COP_TABLE_SLOTS, (uintptr_t)chunks);
	put(table, COP_TABLE_MAX, n + FIRST);
}

/* ---- lies ---------------------------------------------------------------- */

static void honest(void)
{
}

/* A slot that leads out of memory, a socket that does, a sock whose flows do. */
static void no_socket(void)
{
	slots[FIRST + n - 1] = (void *)LOST;
}

static void no_sock(void)
{
	put(sockets, COP_SOCKET_SK, LOST);
}

static void no_flow(void)
{
	put(flow(2), COP_FLOW_NEXT, LOST);
}

/* There is no end to the table of descriptors. */
static void everywhere(void)
{
	put(table, COP_TABLE_MAX, UINT32_MAX);
	put(table, COP_TABLE_SLOTS, LOST);
}

static void ring(void)
{
	put(flow(4), COP_FLOW_NEXT, (uintptr_t)chain);
}

static void endless(void)
{
	link_chain(CHAIN);
}

/* The sock belongs to another socket. */
static void stranger(void)
{
	put(socks, COP_SOCK_SOCKET, (uintptr_t)sockets + 8);
}

/* Whoever believed it would read all over the place. */
static void export(void)
{
	memset(x, 0x5a, sizeof(*x));
}

/* Nobody finds the library by what it exports. */
static void nameless(void)
{
	memset(x, 0, sizeof(*x));
}

/* Of a family that COP does not have. */
static void family(void)
{
	put(socks, COP_SOCK_FAMILY, 0xffff);
}

/* Addresses that are as long as can be in text. */
static void longest(void)
{
	for (int i = 0; i < 4; i++) {
		put(socks, COP_SOCK_RCV_SADDR + i, UINT64_MAX);
		put(socks, COP_SOCK_DADDR + i, UINT64_MAX);
	}
	put(socks, COP_SOCK_FAMILY, AF_INET6);
	for (int i = 0; i < 5; i++)
		for (int at = 0; at < 4; at++)
			put(flow(i), COP_FLOW_ADDR + at, UINT64_MAX);
}

static void name(void)
{
	prctl(PR_SET_NAME, "\xc2\x9b\x9b\xe2\x80\xae\",(\\\033");
}

static const struct lie {
	const char *name;
	void (*tell)(void);
} lies[] = {
	{ "honest", honest },
	{ "no_socket", no_socket },
	{ "no_sock", no_sock },
	{ "no_flow", no_flow },
	{ "everywhere", everywhere },
	{ "ring", ring },
	{ "endless", endless },
	{ "stranger", stranger },
	{ "export", export },
	{ "nameless", nameless },
	{ "name", name },
	{ "family", family },
	{ "longest", longest },
	{ "many", endless },
};

/* ---- the process --------------------------------------------------------- */

static void make_writable(void)
{
	uintptr_t page = (uintptr_t)x & ~(uintptr_t)4095;

	mprotect((void *)page, (uintptr_t)(x + 1) - page,
		 PROT_READ | PROT_WRITE);
}

/* What the kernel says of them is true. */
static void open_descriptors(void)
{
	struct rlimit limit = { n + FIRST + 64, n + FIRST + 64 };
	int fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < n; i++)
		syscall(SYS_dup2, fd, FIRST + i);
}

int main(int argc, char *argv[])
{
	x = dlsym(RTLD_DEFAULT, COP_EXPORT_SYMBOL);
	if (!x || argc < 2)
		return 2;
	is = *x;
	n = argc > 2 ? atoi(argv[2]) : 1;
	make_writable();
	open_descriptors();
	make_all();
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		if (!strcmp(lies[i].name, argv[1]))
			lies[i].tell();
	printf("ready\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	_exit(0);
}
