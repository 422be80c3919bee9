// SPDX-License-Identifier: MIT
/*
 * cop_flow.c - the flows of an unconnected socket, in a uthash table.
 *
 * Owns: the slabs that flows and tables come from. Protected by: a lock in each
 * table, held for one look-up and never across a system call. It is a leaf: no
 * other lock is taken under it. A signal handler that finds its own thread
 * holding it goes without. May call: cop_slab.c, cop_process.c, cop_random.c.
 * Counterpart in the kernel: the flow table of net/core/flow_dissector.c,
 * loosely.
 */
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "cop/atomic.h"
#include "cop/compiler.h"
#include "cop/flow.h"
#include "cop/process.h"
#include "cop/random.h"
#include "cop/slab.h"

/*
 * uthash takes its memory from slabs, which are async-signal-safe, and its
 * table never grows: 1,024 flows in 256 buckets are four to a bucket.
 */
#define FLOW_BUCKETS	256
#define FLOW_LOCK_TRIES 10000
#define FLOW_LOCK_FEW	20

#define FIRST_GONE	(~0ull)

static void *flow_table_alloc(size_t size);
static void flow_table_free(void *mem, size_t size);

#define uthash_malloc(size)    flow_table_alloc(size)
#define uthash_free(mem, size) flow_table_free(mem, size)
#define HASH_NONFATAL_OOM      1
#include <uthash.h>
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_INITIAL_NUM_BUCKETS      FLOW_BUCKETS
#define HASH_INITIAL_NUM_BUCKETS_LOG2 8
#define HASH_BKT_CAPACITY_THRESH      (COP_FLOWS_MAX + 1)

struct cop_flow {
	struct slab_node node;
	struct cop_flow_key key;
	uint64_t next_seq; /* (l) datagrams sent so far */
	UT_hash_handle hh; /* (l) */
};

struct flow_table_mem {
	struct slab_node node;
	UT_hash_table table;
};

struct flow_buckets_mem {
	struct slab_node node;
	UT_hash_bucket bucket[FLOW_BUCKETS];
};

static struct cop_slab flow_slab = COP_SLAB(struct cop_flow);
static struct cop_slab table_slab = COP_SLAB(struct flow_table_mem);
static struct cop_slab buckets_slab = COP_SLAB(struct flow_buckets_mem);

/* uthash asks for two sizes only: its table, and the buckets. */
static void *flow_table_alloc(size_t size)
{
	struct flow_buckets_mem *buckets;
	struct flow_table_mem *table;

	if (size == sizeof(table->table)) {
		table = cop_slab_alloc(&table_slab);
		return table ? &table->table : NULL;
	}
	buckets = cop_slab_alloc(&buckets_slab);
	return buckets ? buckets->bucket : NULL;
}

static void flow_table_free(void *mem, size_t size)
{
	if (size == sizeof(UT_hash_table))
		cop_slab_free(&table_slab,
			      container_of(mem, struct flow_table_mem, table));
	else
		cop_slab_free(&buckets_slab,
			      container_of(mem, struct flow_buckets_mem,
					   bucket));
}

/* The table whose lock this thread holds, or is about to take. */
static __thread struct cop_flows *flows_held
	__attribute__((tls_model("initial-exec")));

/* Which process this is, for the lock: not its id, which may be reused. */
static uint32_t flow_owner(void)
{
	struct cop_process *process = cop_process();
	uint32_t none = 0;

	if (unlikely(!READ_ONCE(process->id)))
		atomic_compare_exchange_strong(&process->id, &none,
					       cop_random() | 1);
	return READ_ONCE(process->id);
}

/*
 * A lock that carries another process's mark was held by a thread of the parent
 * when this process was forked; that thread does not exist here, and what it
 * was doing to the table was never finished.
 */
static bool flow_trylock(struct cop_flows *flows, uint32_t me)
{
	uint32_t holder = 0;

	if (u32_cas(&flows->lock, &holder, me))
		return true;
	if (holder == me || !u32_cas(&flows->lock, &holder, me))
		return false;
	flows->head = NULL;
	return true;
}

/*
 * Another thread holds the lock for some 30 ns at a time. One that never lets
 * go was thrown out of it by a signal handler's longjmp; who comes after one that
 * gave up does not wait as long again.
 */
static bool flow_lock(struct cop_flows *flows, struct cop_flows **outer)
{
	uint32_t me = flow_owner();
	int tries = READ_ONCE(flows->restart) ? FLOW_LOCK_FEW : FLOW_LOCK_TRIES;

	*outer = flows_held;
	if (unlikely(flows_held == flows))
		return false;
	flows_held = flows;
	atomic_signal_fence(memory_order_seq_cst);
	while (!flow_trylock(flows, me) && --tries)
		sched_yield();
	if (unlikely(!tries))
		flows_held = *outer;
	return tries;
}

static void flow_unlock(struct cop_flows *flows, struct cop_flows *outer)
{
	atomic_store_explicit(&flows->lock, 0, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	flows_held = outer;
}

static void flow_delete(struct cop_flows *flows, struct cop_flow *flow)
{
	HASH_DEL(flows->head, flow);
	cop_slab_free(&flow_slab, flow);
}

static struct cop_flow *table_find(struct cop_flows *flows,
				   const struct cop_flow_key *key)
{
	struct cop_flow *flow;

	HASH_FIND(hh, flows->head, key, sizeof(*key), flow);
	return flow;
}

/* The first flow is older than any in the table. */
static void evict_oldest(struct cop_flows *flows)
{
	if (READ_ONCE(flows->first) != FIRST_GONE)
		WRITE_ONCE(flows->first, FIRST_GONE);
	else
		flow_delete(flows, flows->head);
	u32_add(&flows->evicted, 1);
}

static unsigned int flow_count(struct cop_flows *flows)
{
	return HASH_COUNT(flows->head) +
	       (READ_ONCE(flows->first) != FIRST_GONE);
}

static struct cop_flow *table_add(struct cop_flows *flows,
				  const struct cop_flow_key *key)
{
	struct cop_flow *flow;

	if (flow_count(flows) >= COP_FLOWS_MAX)
		evict_oldest(flows);
	flow = cop_slab_alloc(&flow_slab);
	if (!flow)
		return NULL;
	flow->key = *key;
	flow->next_seq = 0;
	HASH_ADD(hh, flows->head, key, sizeof(flow->key), flow);
	if (flow->hh.tbl)
		return flow;
	cop_slab_free(&flow_slab, flow); /* no memory for the table */
	return NULL;
}

static void table_clear(struct cop_flows *flows)
{
	while (flows->head)
		flow_delete(flows, flows->head);
}

static uint64_t table_next(struct cop_flows *flows,
			   const struct cop_flow_key *key)
{
	struct cop_flows *outer;
	struct cop_flow *flow;
	uint64_t seq = 0;

	if (!flow_lock(flows, &outer)) {
		WRITE_ONCE(flows->restart, 1);
		return 0;
	}
	if (unlikely(READ_ONCE(flows->restart))) {
		WRITE_ONCE(flows->restart, 0);
		table_clear(flows);
	}
	flow = flows->head ? table_find(flows, key) : NULL;
	if (unlikely(!flow))
		flow = table_add(flows, key);
	if (likely(flow))
		seq = flow->next_seq++;
	flow_unlock(flows, outer);
	return seq;
}

static void table_undo(struct cop_flows *flows, const struct cop_flow_key *key,
		       uint64_t seq)
{
	struct cop_flows *outer;
	struct cop_flow *flow;

	if (!flow_lock(flows, &outer))
		return;
	flow = flows->head ? table_find(flows, key) : NULL;
	if (flow && flow->next_seq == seq + 1)
		flow->next_seq = seq;
	flow_unlock(flows, outer);
}

/* The lock-free way: whether this is, or can become, the first flow. */
static bool is_first(struct cop_flows *flows, const struct cop_flow_key *key)
{
	uint64_t want = (uint64_t)key->addr << 16 | key->port;
	uint64_t first = READ_ONCE(flows->first);

	if (likely(first == want))
		return true;
	return !first && want && u64_cas(&flows->first, &first, want);
}

/*
 * A send that began before the last owner's end may be at the table still, or a
 * signal handler have interrupted it there. The lock is left to it then, and the
 * table is emptied by the next who comes to it.
 */
void cop_flow_init(struct cop_flows *flows)
{
	struct cop_flows *outer;

	WRITE_ONCE(flows->first, 0);
	WRITE_ONCE(flows->first_seq, 0);
	WRITE_ONCE(flows->evicted, 0);
	if (!flow_lock(flows, &outer)) {
		WRITE_ONCE(flows->restart, 1);
		return;
	}
	table_clear(flows);
	WRITE_ONCE(flows->restart, 0);
	flow_unlock(flows, outer);
}

uint64_t cop_flow_next(struct cop_flows *flows, const struct cop_flow_key *key)
{
	if (likely(is_first(flows, key)))
		return u64_add(&flows->first_seq, 1);
	return table_next(flows, key);
}

void cop_flow_undo(struct cop_flows *flows, const struct cop_flow_key *key,
		   uint64_t seq)
{
	uint64_t next = seq + 1;

	if (likely(is_first(flows, key)))
		u64_cas(&flows->first_seq, &next, seq);
	else
		table_undo(flows, key, seq);
}

void cop_flow_destroy(struct cop_flows *flows)
{
	struct cop_flows *outer;

	WRITE_ONCE(flows->first, 0);
	WRITE_ONCE(flows->first_seq, 0);
	if (!flow_lock(flows, &outer))
		return;
	table_clear(flows);
	flow_unlock(flows, outer);
}
