// SPDX-License-Identifier: MIT
/*
 * fake.c - a library with libcop's symbol of data, which leads to one socket, and
 * lies in the way that FAKE says. It catches no call. The socket is number 100.
 * Without FAKE it is a program that does nothing.
 */
#ifndef FAKE
int main(void)
{
	return 0;
}
#else

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop/export.h"

enum {
	HONEST,
	NO_MAGIC,
	OTHER_LAYOUT,
	BEYOND,	    /* a field is not in its object */
	HUGE,	    /* an object is larger than any */
	ODD,	    /* a field has an impossible size */
	NO_SOCKET,  /* a slot that leads out of memory */
	NO_SOCK,    /* a socket that does */
	NO_FLOW,    /* a sock whose flows do */
	EVERYWHERE, /* there is no end to the table of descriptors */
	RING,	    /* flows in a ring */
	ENDLESS,    /* more flows than there can be */
	STRANGER,   /* the sock belongs to another socket */
	CUT,	    /* fewer fields: as an older library */
};

#define FD    100
#define CHAIN 100000
#define LOST  ((void *)0x123456789000)

struct flow {
	uint64_t number; /* each field's value, where it is no pointer */
	const void *table;
	struct flow *prev, *next;
};

struct sock {
	struct object *socket;
	const void *prot;
	struct flow *flows;
	uint64_t number, zero;
};

struct object {
	struct sock *sk;
};

static struct flow chain[CHAIN];
static struct object object;
static char prot;
static struct sock sock = { .socket = &object,
			    .prot = &prot,
			    .flows = chain,
			    .number = 5 };
static struct object *chunk[FD + 1];
static struct slots {
	struct object **chunk;
} slots = { chunk };
static struct {
	uint32_t max;
	struct slots *slots;
} table = { FD + 1, &slots };
static void *process;

#define PUT(i, of, type, member)                  \
	[i] = { .object = (of),                   \
		.offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member) }
#define IN_SOCK(i, member) PUT(i, COP_OBJ_SOCK, struct sock, member)
#define IN_FLOW(i, member) PUT(i, COP_OBJ_FLOW, struct flow, member)

__attribute__((visibility("default"))) struct cop_export libcop_export = {
	.magic = COP_EXPORT_MAGIC,
	.layout = COP_EXPORT_LAYOUT,
	.size = sizeof(struct cop_export),
	.version = "9.8.7",
	.table = &table,
	.process = &process,
	.protos = { &prot, &prot + 1, &prot + 1 },
	.fields = COP_FIELDS,
	.object = { sizeof(table), 8, sizeof(object), sizeof(sock),
		    sizeof(struct flow), sizeof(slots) },
	.field = {
		[COP_TABLE_MAX] = { .size = 4 },
		[COP_TABLE_SLOTS] = { .size = 8, .offset = 8 },
		[COP_PROCESS_OWNER] = { .size = 4, .object = COP_OBJ_PROCESS },
		PUT(COP_SOCKET_SK, COP_OBJ_SOCKET, struct object, sk),
		IN_SOCK(COP_SOCK_SOCKET, socket),
		IN_SOCK(COP_SOCK_PROT, prot),
		IN_SOCK(COP_SOCK_TX, number),
		IN_SOCK(COP_SOCK_MISSED, number),
		IN_SOCK(COP_SOCK_SENT_FLOWS, flows),
		IN_SOCK(COP_SOCK_RECEIVED_FLOWS, zero),
		IN_FLOW(COP_FLOW_ADDR, number),
		IN_FLOW(COP_FLOW_TX, number),
		IN_FLOW(COP_FLOW_TABLE, table),
		IN_FLOW(COP_FLOW_PREV, prev),
		IN_FLOW(COP_FLOW_NEXT, next),
		PUT(COP_SLOTS_CHUNK, COP_OBJ_SLOTS, struct slots, chunk),
	},
};

static void link_chain(int n)
{
	for (int i = 0; i < n; i++) {
		chain[i].number = i;
		chain[i].table = chain;
		chain[i].prev = i ? &chain[i - 1] : NULL;
		chain[i].next = i < n - 1 ? &chain[i + 1] : NULL;
	}
}

static void lie(void)
{
	switch (FAKE) {
	case NO_MAGIC:
		memset(libcop_export.magic, 'x', sizeof(libcop_export.magic));
		break;
	case OTHER_LAYOUT:
		libcop_export.layout++;
		break;
	case BEYOND:
		libcop_export.field[COP_SOCK_TX].offset = sizeof(sock) - 4;
		break;
	case HUGE:
		libcop_export.object[COP_OBJ_SOCK] = 65535;
		break;
	case ODD:
		libcop_export.field[COP_SOCK_TX].size = 3;
		break;
	case NO_SOCKET:
		chunk[FD] = LOST;
		break;
	case NO_SOCK:
		object.sk = LOST;
		break;
	case NO_FLOW:
		chain[2].next = LOST;
		break;
	case EVERYWHERE:
		table.max = UINT32_MAX;
		table.slots = LOST;
		break;
	case RING:
		chain[4].next = chain;
		break;
	case ENDLESS:
		link_chain(CHAIN);
		break;
	case STRANGER:
		sock.socket = &object + 1;
		break;
	case CUT:
		libcop_export.fields = COP_SOCK_SENT_FLOWS;
		break;
	}
}

__attribute__((constructor)) static void begin(void)
{
	link_chain(5);
	object.sk = &sock;
	chunk[FD] = &object;
	lie();
	dup2(socket(AF_INET, SOCK_DGRAM, 0), FD); /* it is ready */
}

#endif
