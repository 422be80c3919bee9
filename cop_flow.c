// SPDX-License-Identifier: MIT
/*
 * cop_flow.c - the flows of a socket, in two uthash tables: those that were sent
 * to, whose numbers have to go on, and those that only sent, of which forged
 * sources may make as many as they like.
 *
 * Owns: the slabs that flows and tables come from. Protected by: a lock for each
 * socket, held for one look-up and never across a system call. It is a leaf: no
 * other lock is taken under it. A signal handler that finds its own thread
 * holding it goes without; what arrives never waits for it. May call:
 * cop_deferred.c, cop_source.c, cop_slab.c, cop_process.c, cop_random.c.
 * Counterpart in the kernel: the flow table of net/core/flow_dissector.c,
 * loosely.
 */
#include <stdbool.h>
#include <string.h>

#include "cop/atomic.h"
#include "cop/compiler.h"
#include "cop/confine.h"
#include "cop/deferred.h"
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

/* What whoever has the table next does to it. */
#define RESTART_NUMBERS 1 /* a number was given out that it does not know of */
#define RESTART_FLOWS	2 /* they are the memory's last owner's */

static void *flow_table_alloc(size_t size);
static void flow_table_free(void *mem, size_t size);

#define uthash_malloc(size)    flow_table_alloc(size)
#define uthash_free(mem, size) flow_table_free(mem, size)
#define HASH_NONFATAL_OOM      1
#include "cop/flow_table.h"
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_INITIAL_NUM_BUCKETS      FLOW_BUCKETS
#define HASH_INITIAL_NUM_BUCKETS_LOG2 8
#define HASH_BKT_CAPACITY_THRESH      (COP_FLOWS_MAX + 1)

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

void cop_flow_prepare(void)
{
	flow_owner();
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
	flows->head = flows->rx_head = flows->rx_last = NULL;
	return true;
}

static void flows_restart(struct cop_flows *flows);

/* The lock has been taken. */
static bool flow_got(struct cop_flows *flows)
{
	if (unlikely(READ_ONCE(flows->restart)))
		flows_restart(flows);
	return true;
}

static bool flow_enter(struct cop_flows *flows, struct cop_flows **outer)
{
	*outer = flows_held;
	if (unlikely(flows_held == flows))
		return false;
	flows_held = flows;
	atomic_signal_fence(memory_order_seq_cst);
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

	if (!flow_enter(flows, outer))
		return false;
	while (!flow_trylock(flows, me) && --tries)
		cop_yield();
	if (likely(tries))
		return flow_got(flows);
	flows_held = *outer;
	return false;
}

static bool flow_lock_now(struct cop_flows *flows, struct cop_flows **outer)
{
	if (!flow_enter(flows, outer))
		return false;
	if (likely(flow_trylock(flows, flow_owner())))
		return flow_got(flows);
	flows_held = *outer;
	return false;
}

static void flow_leave(struct cop_flows *flows, struct cop_flows *outer)
{
	atomic_store_explicit(&flows->lock, 0, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	flows_held = outer;
}

/* ---- the tables ---------------------------------------------------------- */

static struct cop_flow *find_in(struct cop_flow *head,
				const struct cop_flow_key *key)
{
	struct cop_flow *flow;

	if (!head)
		return NULL;
	HASH_FIND(hh, head, key, sizeof(*key), flow);
	return flow;
}

static void flow_delete(struct cop_flows *flows, struct cop_flow **head,
			struct cop_flow *flow)
{
	if (flows->rx_last == flow)
		flows->rx_last = NULL;
	HASH_DEL(*head, flow);
	cop_slab_free(&flow_slab, flow);
}

/* What cop_flows.first is where it is this one. */
static uint64_t first_of(const struct cop_flow_key *key)
{
	return (uint64_t)key->addr << 16 | key->port;
}

static bool table_add(struct cop_flow **head, struct cop_flow *flow)
{
	HASH_ADD(hh, *head, key, sizeof(flow->key), flow);
	return flow->hh.tbl; /* NULL: no memory for the table */
}

static unsigned int flow_count(struct cop_flows *flows)
{
	return HASH_COUNT(flows->head) + HASH_COUNT(flows->rx_head) +
	       (READ_ONCE(flows->first) != FIRST_GONE);
}

static struct cop_flow *flow_make(struct cop_flows *flows,
				  struct cop_flow **head,
				  const struct cop_flow_key *key)
{
	const size_t rest = offsetof(struct cop_flow, next_seq);
	struct cop_flow *flow = cop_slab_alloc(&flow_slab);

	if (!flow)
		return NULL;
	memset((char *)flow + rest, 0, sizeof(*flow) - rest);
	flow->key = *key;
	flow->unknown = READ_ONCE(flows->unknown);
	if (table_add(head, flow))
		return flow;
	cop_slab_free(&flow_slab, flow);
	return NULL;
}

/* One that only sent until now has its numbers from here on. */
static struct cop_flow *move_to_sent(struct cop_flows *flows,
				     struct cop_flow *flow)
{
	HASH_DEL(flows->rx_head, flow);
	if (table_add(&flows->head, flow))
		return flow;
	if (flows->rx_last == flow)
		flows->rx_last = NULL;
	cop_slab_free(&flow_slab, flow);
	return NULL;
}

static void first_gone(struct cop_flows *flows)
{
	WRITE_ONCE(flows->first, FIRST_GONE);
	WRITE_ONCE(flows->first_sent.datagrams, 0);
	WRITE_ONCE(flows->first_sent.bytes, 0);
}

/* What has come from the first is not in the table of those that were sent to. */
static bool evict_sender(struct cop_flows *flows)
{
	struct cop_flow *oldest = flows->rx_head;

	if (oldest && READ_ONCE(flows->first) == first_of(&oldest->key)) {
		move_to_sent(flows, oldest);
		oldest = flows->rx_head;
	}
	if (!oldest)
		return false;
	flow_delete(flows, &flows->rx_head, oldest);
	u32_add(&flows->evicted, 1);
	return true;
}

/*
 * Those that only sent go first: of those that were sent to the numbers would
 * begin anew. The first flow is older than any in the tables.
 */
static void evict_oldest(struct cop_flows *flows)
{
	if (evict_sender(flows))
		return;
	if (READ_ONCE(flows->first) != FIRST_GONE)
		first_gone(flows);
	else
		flow_delete(flows, &flows->head, flows->head);
	u32_add(&flows->evicted, 1);
}

static struct cop_flow *flow_to(struct cop_flows *flows,
				const struct cop_flow_key *key)
{
	struct cop_flow *flow = find_in(flows->head, key);

	if (likely(flow))
		return flow;
	flow = find_in(flows->rx_head, key);
	if (flow)
		return move_to_sent(flows, flow);
	if (flow_count(flows) >= COP_FLOWS_MAX)
		evict_oldest(flows);
	return flow_make(flows, &flows->head, key);
}

/* Nobody who was sent to has to go for one who was not. */
static struct cop_flow *flow_from(struct cop_flows *flows,
				  const struct cop_flow_key *key)
{
	struct cop_flow *flow = flows->rx_last;

	if (likely(flow && !memcmp(&flow->key, key, sizeof(*key))))
		return flow;
	flow = find_in(flows->head, key) ?: find_in(flows->rx_head, key);
	if (!flow && flow_count(flows) >= COP_FLOWS_MAX && !evict_sender(flows))
		return NULL;
	if (!flow)
		flow = flow_make(flows, &flows->rx_head, key);
	flows->rx_last = flow;
	return flow;
}

static void table_clear(struct cop_flows *flows)
{
	while (flows->head)
		flow_delete(flows, &flows->head, flows->head);
	while (flows->rx_head)
		flow_delete(flows, &flows->rx_head, flows->rx_head);
	flows->rx_last = NULL;
}

/* What has been received of each stays known where only the numbers are lost. */
static void flows_restart(struct cop_flows *flows)
{
	if (atomic_exchange(&flows->restart, 0) & RESTART_FLOWS)
		table_clear(flows);
	for (struct cop_flow *flow = flows->head; flow; flow = flow->hh.next)
		flow->next_seq = 0;
}

static void flow_times(struct cop_flow *flow, uint64_t now)
{
	if (!flow->begin || now < flow->begin)
		flow->begin = now;
	if (now > flow->end)
		flow->end = now;
}

/* ---- what arrives -------------------------------------------------------- */

__thread uint32_t cop_rx_serial __attribute__((tls_model("initial-exec")));

/*
 * Whether what came late did so on the path. Of two threads that receive, one may
 * have been held up behind its receive; as many in a row as are remembered of a
 * flow tell that this one is alone.
 */
static bool is_alone(struct cop_flow *flow)
{
	const void *me = &cop_rx_serial;

	if (flow->receiver != me)
		flow->run = 0;
	flow->receiver = me;
	flow->run++;
	return one_thread() || flow->run > COP_SOURCE_WINDOW ||
	       flow->run > flow->rx.datagrams;
}

/* Whoever finds no room in the table is none of those who are in it. */
static void take_arrival(struct cop_flows *flows,
			 const struct cop_flow_key *key, struct cop_arrival *a)
{
	struct cop_flow *flow = flow_from(flows, key);

	if (unlikely(!flow)) {
		u32_add(&flows->missed, 1);
		return;
	}
	if (unlikely(flow->unknown != READ_ONCE(flows->unknown))) {
		flow->unknown = READ_ONCE(flows->unknown);
		cop_source_skip(&flow->rx);
	}
	if (!is_alone(flow))
		a->ordered = false;
	cop_source_update(&flow->rx, a);
	flow_times(flow, a->now);
}

static void take_deferred(struct cop_flows *flows)
{
	struct cop_flow_key key;
	struct cop_arrival a;

	while (cop_deferred_take(flows, &key, &a))
		take_arrival(flows, &key, &a);
}

/*
 * Whoever came upon the lock has left what he had. Who is still at it looks for
 * the lock himself, and may be what this is a signal handler of: there is nothing
 * to be waited for.
 */
static void flow_unlock(struct cop_flows *flows, struct cop_flows *outer)
{
	do {
		if (unlikely(READ_ONCE(flows->waiting)))
			take_deferred(flows);
		flow_leave(flows, outer);
	} while (unlikely(READ_ONCE(flows->waiting)) &&
		 cop_deferred_any(flows) && flow_lock_now(flows, &outer));
}

static noinline void defer(struct cop_flows *flows,
			   const struct cop_flow_key *key,
			   struct cop_arrival *a)
{
	struct cop_flows *outer;

	a->ordered = false;
	if (!cop_deferred_put(flows, key, a)) {
		u32_add(&flows->missed, 1);
		u32_add(&flows->unknown, 1);
	} else if (flow_lock_now(flows, &outer)) {
		flow_unlock(flows, outer);
	}
}

void cop_flow_arrived(struct cop_flows *flows, const struct cop_flow_key *key,
		      struct cop_arrival *a, uint32_t serial)
{
	struct cop_flows *outer;

	a->ordered = serial == cop_rx_serial;
	cop_rx_serial++;
	if (likely(flow_lock_now(flows, &outer))) {
		take_arrival(flows, key, a);
		flow_unlock(flows, outer);
	} else {
		defer(flows, key, a);
	}
}

/* ---- what is sent -------------------------------------------------------- */

static uint64_t table_next(struct cop_flows *flows,
			   const struct cop_flow_key *key, size_t len,
			   uint64_t now)
{
	struct cop_flows *outer;
	struct cop_flow *flow;
	uint64_t seq = 0;

	if (!flow_lock(flows, &outer)) {
		u32_or(&flows->restart, RESTART_NUMBERS);
		return 0;
	}
	flow = flow_to(flows, key);
	if (likely(flow)) {
		seq = flow->next_seq++;
		flow->tx_datagrams++;
		flow->tx_bytes += len;
		flow_times(flow, now);
	}
	flow_unlock(flows, outer);
	return seq;
}

static void table_undo(struct cop_flows *flows, const struct cop_flow_key *key,
		       uint64_t seq, size_t len)
{
	struct cop_flows *outer;
	struct cop_flow *flow;

	if (!flow_lock(flows, &outer))
		return;
	flow = find_in(flows->head, key);
	if (flow && flow->next_seq == seq + 1)
		flow->next_seq = seq;
	if (flow && flow->tx_datagrams) {
		flow->tx_datagrams--;
		flow->tx_bytes -= len;
	}
	flow_unlock(flows, outer);
}

/* The lock-free way: whether this is, or can become, the first flow. */
static bool is_first(struct cop_flows *flows, const struct cop_flow_key *key)
{
	uint64_t want = first_of(key);
	uint64_t first = READ_ONCE(flows->first);

	if (likely(first == want))
		return true;
	return !first && want && u64_cas(&flows->first, &first, want);
}

static void flows_begin(struct cop_flows *flows)
{
	WRITE_ONCE(flows->first, 0);
	WRITE_ONCE(flows->first_sent.datagrams, 0);
	WRITE_ONCE(flows->first_sent.bytes, 0);
	WRITE_ONCE(flows->first_sent.begin, 0);
	WRITE_ONCE(flows->first_sent.end, 0);
}

/*
 * A send that began before the last owner's end may be at the table still, or a
 * signal handler have interrupted it there. The lock is left to it then, and the
 * table is emptied by the next who comes to it.
 */
void cop_flow_init(struct cop_flows *flows)
{
	struct cop_flows *outer;

	flows_begin(flows);
	WRITE_ONCE(flows->evicted, 0);
	WRITE_ONCE(flows->missed, 0);
	WRITE_ONCE(flows->unknown, 0);
	if (!flow_lock(flows, &outer)) {
		u32_or(&flows->restart, RESTART_FLOWS);
		return;
	}
	take_deferred(flows);
	table_clear(flows);
	flow_leave(flows, outer);
}

uint64_t cop_flow_next(struct cop_flows *flows, const struct cop_flow_key *key,
		       size_t len, uint64_t now)
{
	uint64_t seq;

	if (unlikely(!is_first(flows, key)))
		return table_next(flows, key, len, now);
	seq = cop_sent_add(&flows->first_sent, len, now);
	if (unlikely(!seq))
		WRITE_ONCE(flows->first_sent.begin, now);
	return seq;
}

void cop_flow_undo(struct cop_flows *flows, const struct cop_flow_key *key,
		   uint64_t seq, size_t len)
{
	if (likely(is_first(flows, key)))
		cop_sent_undo(&flows->first_sent, seq, len);
	else
		table_undo(flows, key, seq, len);
}

void cop_flow_more(struct cop_flows *flows, const struct cop_flow_key *key,
		   size_t len)
{
	struct cop_flows *outer;
	struct cop_flow *flow;

	if (is_first(flows, key)) {
		u64_add(&flows->first_sent.bytes, len);
		return;
	}
	if (!flow_lock(flows, &outer))
		return;
	flow = find_in(flows->head, key);
	if (flow)
		flow->tx_bytes += len;
	flow_unlock(flows, outer);
}

static void take_sent(struct cop_flow *flow, struct cop_sent *sent)
{
	uint64_t datagrams = atomic_exchange(&sent->datagrams, 0);

	flow->tx_bytes += atomic_exchange(&sent->bytes, 0);
	flow->tx_datagrams += datagrams;
	if (datagrams) {
		flow_times(flow, READ_ONCE(sent->begin));
		flow_times(flow, READ_ONCE(sent->end));
	}
}

/*
 * The peer has seen two flows where it was sent to unconnected as well. What is
 * sent to it next is neither's: it begins anew.
 */
void cop_flow_fold(struct cop_flows *flows, const struct cop_flow_key *key,
		   struct cop_sent *sent)
{
	uint64_t first = first_of(key);
	struct cop_flows *outer;
	struct cop_flow *flow;
	bool was_first;

	if (!READ_ONCE(sent->datagrams) || !flow_lock(flows, &outer))
		return;
	was_first = u64_cas(&flows->first, &first, FIRST_GONE);
	flow = flow_to(flows, key);
	if (flow) {
		take_sent(flow, sent);
		if (was_first)
			take_sent(flow, &flows->first_sent);
		flow->next_seq = 0;
	}
	flow_unlock(flows, outer);
}

/* ---- for who asks -------------------------------------------------------- */

static void report_one(const struct cop_flow *flow, struct cop_flow_report *to)
{
	to->key = flow->key;
	to->tx_datagrams = flow->tx_datagrams;
	to->tx_bytes = flow->tx_bytes;
	to->begin = flow->begin;
	to->end = flow->end;
	to->rx = flow->rx;
}

struct listing {
	unsigned int from, n, total;
	struct cop_flow_report *reports;
};

static void list_table(struct listing *list, const struct cop_flow *flow)
{
	for (; flow; flow = flow->hh.next, list->total++)
		if (list->total - list->from < list->n)
			report_one(flow,
				   &list->reports[list->total - list->from]);
}

unsigned int cop_flow_list(struct cop_flows *flows, unsigned int from,
			   struct cop_flow_report *reports, unsigned int n)
{
	struct listing list = { .from = from, .n = n, .reports = reports };
	struct cop_flows *outer;

	if (!flow_lock(flows, &outer))
		return 0;
	take_deferred(flows);
	list_table(&list, flows->head);
	list_table(&list, flows->rx_head);
	flow_unlock(flows, outer);
	return list.total;
}

void cop_flow_destroy(struct cop_flows *flows)
{
	struct cop_flows *outer;

	flows_begin(flows);
	if (!flow_lock(flows, &outer))
		return;
	take_deferred(flows);
	table_clear(flows);
	flow_leave(flows, outer);
}
