// SPDX-License-Identifier: MIT
/*
 * stat.c - cop stat's reader, and a process that lies: its table of descriptors, its
 * sockets, flows and transports are what the input says. The reader comes to an end,
 * stays within its limits, and what it shows is well formed.
 *
 * The process is this one: the reader sees one piece of its memory, in which all
 * objects are made up. They begin as honest ones.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/input.h"
#include "inet/export.h"
#include "tools/budget.h"
#include "tools/sockets.h"
#include "tools/supervise.h"
#include "tools/target.h"

#define ARENA	  (1 << 17)
#define FLOWS	  5
#define SOCKETS	  3
#define FIRST	  20 /* the descriptors of the sockets */
#define NAME	  "LIAR"
#define PAGE_SIZE 4096

extern const struct cop_export libcop_export;

static struct {
	uint8_t bytes[ARENA];
	size_t used;
} arena;

static struct cop_export x;
static uint8_t *table, *chunks, *chunk, *process;
static uint8_t *socks[SOCKETS], *sockets[SOCKETS], *flows[FLOWS];
static uint8_t *cop_proto, *proto, *wire, *names;

static uint8_t *make(size_t size)
{
	uint8_t *at = arena.bytes + arena.used;

	arena.used += (size + 15) & ~(size_t)15;
	HOLDS(arena.used <= ARENA);
	return at;
}

static void put(uint8_t *object, enum cop_export_name name, uint64_t value)
{
	memcpy(object + x.field[name].offset, &value, x.field[name].size);
}

static uint64_t address(const void *at)
{
	return (uintptr_t)at;
}

static void make_flows(void)
{
	for (int i = 0; i < FLOWS; i++)
		flows[i] = make(x.object[COP_OBJ_FLOW]);
	for (int i = 0; i < FLOWS; i++) {
		put(flows[i], COP_FLOW_ADDR, i + 1);
		put(flows[i], COP_FLOW_TX, 5);
		put(flows[i], COP_FLOW_TABLE, 1);
		put(flows[i], COP_FLOW_PREV, i ? address(flows[i - 1]) : 0);
		put(flows[i], COP_FLOW_NEXT,
		    i < FLOWS - 1 ? address(flows[i + 1]) : 0);
	}
}

static void make_transport(void)
{
	proto = make(x.object[COP_OBJ_PROTO]);
	wire = make(x.object[COP_OBJ_WIRE]);
	names = make(64);
	strcpy((char *)names + 32, NAME);
	memcpy(names, &(uint64_t){ address(names + 32) }, 8);
	put(proto, COP_PROTO_NAME, address(names + 32));
	put(proto, COP_PROTO_COUNTERS, address(names));
	put(proto, COP_PROTO_N_COUNTERS, 1);
	put(proto, COP_PROTO_COUNTERS_AT, 8);
	put(proto, COP_PROTO_WIRE, address(wire));
	cop_proto = make(x.object[COP_OBJ_PROTO]);
	put(cop_proto, COP_PROTO_NAME, address(names + 32));
	put(cop_proto, COP_PROTO_WIRE, address(wire));
}

static void make_sock(int i)
{
	socks[i] = make(x.object[COP_OBJ_SOCK]);
	sockets[i] = make(x.object[COP_OBJ_SOCKET]);
	put(sockets[i], COP_SOCKET_SK, address(socks[i]));
	put(socks[i], COP_SOCK_SOCKET, address(sockets[i]));
	put(socks[i], COP_SOCK_FAMILY, i % 2 ? AF_INET6 : AF_INET);
	put(socks[i], COP_SOCK_PROT, address(i ? proto : cop_proto));
	put(socks[i], COP_SOCK_SENT_FLOWS, address(flows[0]));
	put(socks[i], COP_SOCK_RECEIVED_FLOWS, address(flows[FLOWS - 1]));
	memcpy(chunk + (FIRST + i) * sizeof(void *), &sockets[i],
	       sizeof(void *));
}

/* Everything is where it was in the last run. */
static void make_all(void)
{
	memset(&arena, 0, sizeof(arena));
	table = make(x.object[COP_OBJ_TABLE]);
	process = make(x.object[COP_OBJ_PROCESS]);
	chunks = make(x.object[COP_OBJ_SLOTS] + 64);
	chunk = make(COP_EXPORT_CHUNK * sizeof(void *));
	put(table, COP_TABLE_MAX, COP_EXPORT_CHUNK);
	put(table, COP_TABLE_SLOTS, address(chunks));
	memcpy(chunks + x.field[COP_SLOTS_CHUNK].offset, &chunk, sizeof(chunk));
	make_flows();
	make_transport();
	for (int i = 0; i < SOCKETS; i++)
		make_sock(i);
}

/* ---- lies ----------------------------------------------------------------- */

static uint8_t *object(uint8_t which)
{
	uint8_t *const all[] = { table,	     chunks,	 chunk,	   process,
				 socks[0],   socks[1],	 socks[2], sockets[0],
				 sockets[1], sockets[2], flows[0], flows[1],
				 flows[2],   flows[4],	 proto,	   wire,
				 names };

	return all[which % (sizeof(all) / sizeof(*all))];
}

/* An address in the arena, a small or large number, or anything. */
static uint64_t lie(struct input *in)
{
	uint8_t how = input_byte(in);

	switch (how % 6) {
	case 0:
		return address(object(input_byte(in)));
	case 1:
		return address(arena.bytes) + input_word(in) % (2 * ARENA);
	case 2:
		return address(object(input_byte(in))) + (int8_t)input_byte(in);
	case 3:
		return input_byte(in);
	case 4:
		return -(uint64_t)input_byte(in);
	default:
		return (uint64_t)input_word(in) << 32 | input_word(in);
	}
}

static void tell(struct input *in)
{
	uint8_t what = input_byte(in);
	uint64_t value;
	size_t at, size;

	if (what < COP_FIELDS) {
		at = x.field[what].offset;
		size = x.field[what].size;
	} else {
		at = input_byte(in) * 8;
		size = 8;
	}
	at += object(input_byte(in)) - arena.bytes;
	value = lie(in);
	if (at + size <= ARENA)
		memcpy(arena.bytes + at, &value, size);
}

/* ---- the reader ----------------------------------------------------------- */

static void take(void *arg, const struct stat_sock *s)
{
	HOLDS(++*(int *)arg <= COP_EXPORT_CHUNK);
	HOLDS(s->n_fds >= 1 && s->n_fds <= COP_EXPORT_CHUNK);
	/* A lie may name another socket of this process, too. */
	for (int i = 0; i < s->n_fds; i++)
		HOLDS(s->fds[i] >= 0 && s->fds[i] < COP_EXPORT_CHUNK &&
		      (!i || s->fds[i] > s->fds[i - 1]));
	HOLDS(s->family == AF_INET || s->family == AF_INET6);
	HOLDS(s->kind != COP_KIND_PLAIN);
	HOLDS(memchr(s->transport->name, '\0', TRANSPORT_NAME_MAX));
	HOLDS(s->transport->n_counters >= 0 &&
	      s->transport->n_counters <= COP_COUNTERS_MAX);
	for (int i = 0; i < s->transport->n_counters; i++)
		HOLDS(memchr(s->transport->counter[i], '\0',
			     sizeof(s->transport->counter[i])));
	HOLDS(s->n_flows >= 0 && s->n_flows <= 2 * x.flows_max + 2);
}

/* The reader says that it goes on; nobody supervises it here. */
void supervise_beat(void)
{
}

static void begin(void)
{
	static bool begun;
	int fd;

	if (begun)
		return;
	begun = true;
	x = libcop_export;
	make_all();
	x.table = table;
	x.process = process;
	x.protos[COP_KIND_COP] = cop_proto;
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	HOLDS(fd >= 0 && fd < FIRST);
	for (int i = 0; i < SOCKETS; i++)
		HOLDS(dup2(fd, FIRST + i) == FIRST + i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range range = { address(arena.bytes),
			       address(arena.bytes) + ARENA };
	struct wanted w = { .flows = true };
	struct input in = { data, size };
	struct target t;
	int n = 0;

	begin();
	make_all();
	while (in.left)
		tell(&in);
	HOLDS(!target_open(&t, getpid()) && target_mem(&t));
	t.ranges = &range;
	t.n_ranges = 1;
	budget_begin();
	budget_begin_process();
	sockets_read(&t, &x, &w, take, &n);
	HOLDS(size || n == SOCKETS);
	target_close(&t);
	return 0;
}
