// SPDX-License-Identifier: MIT
/*
 * flow/flow.c - the flows of a socket: one hash table for all, which takes no lock,
 * and two lists in order of age: those that were sent to, whose numbers have to go
 * on, and those that only sent, of which forged sources may make as many as they
 * like.
 *
 * A number is taken from its flow by one atomic operation, and a flow is added to
 * its bucket by another, so a send never waits, whatever it has interrupted. The
 * lists, what is known of arrivals, and taking a flow out of the table are the
 * business of whoever has the lock. Nobody waits for that either: who comes upon it
 * leaves what he has beside it, and the holder sees to it.
 *
 * Owns: the slabs that flows and tables come from. Protected by: atomic
 * operations; a lock for each socket, held for one look-up and never across a
 * system call. It is a leaf: no other lock is taken under it. May call:
 * flow/backlog.c, flow/source.c, lib/slab.c, lib/process.c, lib/random.c.
 * Counterpart in the kernel: the flow table of net/core/flow_dissector.c,
 * loosely, and net/ipv4/inetpeer.c.
 */
#include <stdbool.h>
#include <string.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "flow/backlog.h"
#include "flow/flow.h"
#include "flow/flow_table.h"
#include "lib/process.h"
#include "lib/random.h"
#include "lib/slab.h"

#define BUCKET_BITS 8 /* 1,024 flows are four to a bucket */
#define BUCKETS	    (1 << BUCKET_BITS)

/* So many more may be added while nobody can have the lock. */
#define FLOWS_SLACK 64

#define FIRST_GONE  (~0ull)

#define NO_GEN	    UINT32_MAX /* what is in the table is to be looked at */

#define NO_TSAN	    __attribute__((no_sanitize("thread")))

enum { LIST_NONE, LIST_RECEIVED, LIST_SENT };

/*
 * Pointers of a process need 48 bits. In a bucket's head the others are a tag,
 * which each change of the bucket makes another; in a flow's number they are the
 * generation of its memory.
 */
#define LOW_BITS  48
#define LOW_MASK  ((1ull << LOW_BITS) - 1)
#define HIGH_ONE  (1ull << LOW_BITS)
#define HIGH_MASK (~LOW_MASK)

/* It stays with the memory of the sock, for whoever is late at it. */
struct flow_table {
	struct slab_node node;
	uint64_t factor; /* (c) of the hash; odd, and a secret */
	struct cop_flow
		*tail[2]; /* (l) cop_flows.lock; the ends of the lists */
	_Atomic(struct cop_flow *) fresh; /* (a) in a bucket, but in no list
					   * yet; linked by newer */
	_Atomic(uint32_t) count;	  /* (a) flows in the buckets */
	uint32_t gen; /* (l) the owner whose flows these are */
	_Atomic(uint64_t) bucket[BUCKETS]; /* (a) tag, and the first flow */
};

static struct cop_slab flow_slab = COP_SLAB(struct cop_flow);
static struct cop_slab table_slab = COP_SLAB(struct flow_table);

static noinline struct flow_table *table_make(struct cop_flows *flows)
{
	struct flow_table *table = cop_slab_alloc(&table_slab), *none = NULL;

	if (!table)
		return NULL;
	table->factor = (uint64_t)cop_random() << 32 | cop_random() | 1;
	if (atomic_compare_exchange_strong(&flows->table, &none, table))
		return table;
	cop_slab_free(&table_slab, table);
	return none;
}

static struct flow_table *table_get(struct cop_flows *flows)
{
	struct flow_table *table =
		atomic_load_explicit(&flows->table, memory_order_acquire);

	return likely(table) ? table : table_make(flows);
}

/* ---- the lock ------------------------------------------------------------ */

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

static void lists_rebuild(struct cop_flows *flows, struct flow_table *table);
static void table_clear(struct cop_flows *flows, struct flow_table *table);

/*
 * A lock that carries another process's mark was held by a thread of the parent
 * when this process was forked; that thread does not exist here, and what it
 * was doing to the lists was never finished.
 */
static noinline bool flow_takeover(struct cop_flows *flows,
				   struct flow_table *table, uint32_t holder,
				   uint32_t me)
{
	if (holder == me || !u32_cas(&flows->lock, &holder, me))
		return false;
	lists_rebuild(flows, table);
	return true;
}

static bool flow_trylock(struct cop_flows *flows, struct flow_table *table)
{
	uint32_t me = flow_owner(), holder = 0;

	if (unlikely(!u32_cas(&flows->lock, &holder, me)) &&
	    !flow_takeover(flows, table, holder, me))
		return false;
	if (unlikely(table->gen != READ_ONCE(flows->gen)))
		table_clear(flows, table);
	return true;
}

static void flow_leave(struct cop_flows *flows)
{
	atomic_store_explicit(&flows->lock, 0, memory_order_release);
}

/* ---- the table ----------------------------------------------------------- */

/*
 * Whose a flow is: the sock's memory, and how often that has changed hands. A flow
 * that a late send adds for the last owner is none of the next one's.
 */
static uint64_t token_of(struct cop_flows *flows)
{
	return (uint64_t)READ_ONCE(flows->gen) << LOW_BITS |
	       ((uintptr_t)flows & LOW_MASK);
}

static struct cop_flow *flow_at(uint64_t head)
{
	return (struct cop_flow *)(uintptr_t)(head & LOW_MASK);
}

static uint64_t key_word(const struct cop_flow_key *key)
{
	uint64_t word;

	_Static_assert(sizeof(*key) == sizeof(word), "one word");
	memcpy(&word, key, sizeof(word));
	return word;
}

static struct cop_flow_key key_of(const struct cop_flow *flow)
{
	uint64_t word = READ_ONCE(flow->key_word);
	struct cop_flow_key key;

	memcpy(&key, &word, sizeof(key));
	return key;
}

/* Multiply-shift: with a factor that nobody knows, nobody can fill one bucket. */
static _Atomic(uint64_t) *bucket_of(struct flow_table *table, uint64_t key)
{
	return &table->bucket[key * table->factor >> (64 - BUCKET_BITS)];
}

/*
 * The memory is type-stable, so whatever is taken out meanwhile, this ends, and
 * what it finds is what was looked for when @number was read: a compare and swap
 * of that fails if the flow has become another's since.
 */
static struct cop_flow *chain_find(struct cop_flow *flow, uint64_t token,
				   uint64_t key, uint64_t *number)
{
	for (int i = 0; flow && i < 2 * COP_FLOWS_MAX; i++) {
		*number = atomic_load_explicit(&flow->number,
					       memory_order_acquire);
		if (likely(READ_ONCE(flow->key_word) == key &&
			   READ_ONCE(flow->token) == token))
			return flow;
		flow = atomic_load_explicit(&flow->chain, memory_order_acquire);
	}
	return NULL;
}

static struct cop_flow *flow_find(struct cop_flows *flows, uint64_t key,
				  uint64_t *number)
{
	struct flow_table *table =
		atomic_load_explicit(&flows->table, memory_order_acquire);
	uint64_t head;

	if (!table)
		return NULL;
	head = atomic_load_explicit(bucket_of(table, key),
				    memory_order_acquire);
	return chain_find(flow_at(head), token_of(flows), key, number);
}

static struct cop_flow *flow_make(struct cop_flows *flows, uint64_t token,
				  uint64_t key, bool sent)
{
	const size_t rest = offsetof(struct cop_flow, receiver);
	struct cop_flow *flow = cop_slab_alloc(&flow_slab);
	uint64_t was;

	if (!flow)
		return NULL;
	memset((char *)flow + rest, 0, sizeof(*flow) - rest);
	was = READ_ONCE(flow->number);
	atomic_store_explicit(&flow->number, (was & HIGH_MASK) + HIGH_ONE,
			      memory_order_release);
	WRITE_ONCE(flow->tx_datagrams, 0);
	WRITE_ONCE(flow->tx_bytes, 0);
	WRITE_ONCE(flow->begin, 0);
	WRITE_ONCE(flow->end, 0);
	WRITE_ONCE(flow->sent, sent);
	flow->list = 0;
	flow->unknown = READ_ONCE(flows->unknown);
	WRITE_ONCE(flow->key_word, key);
	atomic_store_explicit(&flow->token, token, memory_order_release);
	return flow;
}

static void flow_free(struct cop_flow *flow)
{
	WRITE_ONCE(flow->token, 0);
	atomic_fetch_add(&flow->number, HIGH_ONE);
	cop_slab_free(&flow_slab, flow);
}

static void fresh_push(struct flow_table *table, struct cop_flow *flow)
{
	struct cop_flow *top = READ_ONCE(table->fresh);

	do {
		flow->newer = top;
	} while (!atomic_compare_exchange_weak(&table->fresh, &top, flow));
	u32_add(&table->count, 1);
}

/*
 * Add a flow to its bucket, or find the one that somebody else has added first.
 * Whoever takes one out changes the bucket's tag before its memory is used again,
 * so that what was not found is not there where the bucket is as it was.
 */
static noinline struct cop_flow *flow_add(struct cop_flows *flows,
					  struct flow_table *table,
					  uint64_t token, uint64_t key,
					  bool sent, uint64_t *number)
{
	_Atomic(uint64_t) *bucket = bucket_of(table, key);
	struct cop_flow *flow = flow_make(flows, token, key, sent), *there;
	uint64_t head = atomic_load(bucket);

	if (!flow)
		return NULL;
	do {
		there = chain_find(flow_at(head), token, key, number);
		if (there) {
			flow_free(flow);
			return there;
		}
		WRITE_ONCE(flow->chain, flow_at(head));
	} while (!u64_cas(bucket, &head,
			  ((head & HIGH_MASK) + HIGH_ONE) |
				  ((uintptr_t)flow & LOW_MASK)));
	*number = READ_ONCE(flow->number);
	fresh_push(table, flow);
	return flow;
}

/* Under the lock. Others may add at the bucket's head meanwhile. */
static void chain_remove(_Atomic(uint64_t) *bucket, struct cop_flow *flow)
{
	struct cop_flow *next = READ_ONCE(flow->chain), *at;
	uint64_t head = atomic_load(bucket), to;

	do {
		to = head & LOW_MASK;
		if (flow_at(head) == flow) {
			to = (uintptr_t)next & LOW_MASK;
			continue;
		}
		for (at = flow_at(head); at && READ_ONCE(at->chain) != flow;)
			at = READ_ONCE(at->chain);
		if (at)
			atomic_store_explicit(&at->chain, next,
					      memory_order_release);
	} while (!u64_cas(bucket, &head, ((head & HIGH_MASK) + HIGH_ONE) | to));
}

/* ---- the lists, all under the lock ---------------------------------------- */

static struct cop_flow **list_head(struct cop_flows *flows, bool sent)
{
	return sent ? &flows->head : &flows->rx_head;
}

static void list_add(struct cop_flows *flows, struct flow_table *table,
		     struct cop_flow *flow)
{
	bool sent = READ_ONCE(flow->sent);

	flow->list = sent ? LIST_SENT : LIST_RECEIVED;
	flow->next = NULL;
	flow->prev = table->tail[sent];
	if (flow->prev)
		flow->prev->next = flow;
	else
		*list_head(flows, sent) = flow;
	table->tail[sent] = flow;
}

static void list_del(struct cop_flows *flows, struct flow_table *table,
		     struct cop_flow *flow)
{
	bool sent = flow->list == LIST_SENT;

	if (flow->prev)
		flow->prev->next = flow->next;
	else
		*list_head(flows, sent) = flow->next;
	if (flow->next)
		flow->next->prev = flow->prev;
	else
		table->tail[sent] = flow->prev;
}

/* The stack has the newest on top, and the lists want it last. */
static void lists_update(struct cop_flows *flows, struct flow_table *table)
{
	struct cop_flow *top = atomic_exchange(&table->fresh, NULL);
	struct cop_flow *flow, *oldest = NULL;

	while ((flow = top)) {
		top = flow->newer;
		flow->newer = oldest;
		oldest = flow;
	}
	while ((flow = oldest)) {
		oldest = flow->newer;
		list_add(flows, table, flow);
	}
}

/*
 * The buckets are whole at any moment: only how old each flow is, is lost. One that
 * was just being taken out has no token, and goes with those of other owners.
 */
static void lists_rebuild(struct cop_flows *flows, struct flow_table *table)
{
	uint32_t count = 0;

	flows->head = flows->rx_head = flows->rx_last = NULL;
	table->tail[0] = table->tail[1] = NULL;
	WRITE_ONCE(table->fresh, NULL);
	for (int i = 0; i < BUCKETS; i++) {
		struct cop_flow *flow = flow_at(READ_ONCE(table->bucket[i]));

		for (; flow; flow = READ_ONCE(flow->chain), count++)
			list_add(flows, table, flow);
	}
	WRITE_ONCE(table->count, count);
	table->gen = NO_GEN;
}

static void flow_delete(struct cop_flows *flows, struct flow_table *table,
			struct cop_flow *flow)
{
	if (flows->rx_last == flow)
		flows->rx_last = NULL;
	list_del(flows, table, flow);
	WRITE_ONCE(flow->token, 0);
	chain_remove(bucket_of(table, READ_ONCE(flow->key_word)), flow);
	u32_add(&table->count, -1);
	flow_free(flow);
}

/* One that only sent until now has its numbers from here on. */
static void move_to_sent(struct cop_flows *flows, struct flow_table *table,
			 struct cop_flow *flow)
{
	list_del(flows, table, flow);
	WRITE_ONCE(flow->sent, true);
	list_add(flows, table, flow);
}

/* Those of the sock's last owner, and such as a late send has added for it. */
static noinline void table_clear(struct cop_flows *flows,
				 struct flow_table *table)
{
	const uint64_t token = token_of(flows);
	struct cop_flow *flow, *next;

	lists_update(flows, table);
	for (int sent = 0; sent < 2; sent++)
		for (flow = *list_head(flows, sent); flow; flow = next) {
			next = flow->next;
			if (READ_ONCE(flow->token) != token)
				flow_delete(flows, table, flow);
		}
	table->gen = token >> LOW_BITS;
}

/* What cop_flows.first is where it is this one. */
static uint64_t first_of(const struct cop_flow_key *key)
{
	return (uint64_t)key->addr << 16 | key->port;
}

static unsigned int flow_count(struct cop_flows *flows,
			       struct flow_table *table)
{
	return READ_ONCE(table->count) +
	       (READ_ONCE(flows->first) != FIRST_GONE);
}

static bool is_full(struct cop_flows *flows, struct flow_table *table)
{
	return flow_count(flows, table) >= COP_FLOWS_MAX;
}

static void first_gone(struct cop_flows *flows)
{
	WRITE_ONCE(flows->first, FIRST_GONE);
	WRITE_ONCE(flows->first_sent.datagrams, 0);
	WRITE_ONCE(flows->first_sent.bytes, 0);
}

/* What has come from the first is not in the list of those that were sent to. */
static bool was_sent_to(struct cop_flows *flows, struct cop_flow *flow)
{
	struct cop_flow_key key = key_of(flow);

	return READ_ONCE(flow->sent) ||
	       READ_ONCE(flows->first) == first_of(&key);
}

static bool evict_sender(struct cop_flows *flows, struct flow_table *table)
{
	struct cop_flow *oldest;

	while ((oldest = flows->rx_head) && was_sent_to(flows, oldest))
		move_to_sent(flows, table, oldest);
	if (!oldest)
		return false;
	flow_delete(flows, table, oldest);
	u32_add(&flows->evicted, 1);
	return true;
}

/*
 * Those that only sent go first: of those that were sent to the numbers would
 * begin anew. The first flow is older than any in the tables.
 */
static bool evict_oldest(struct cop_flows *flows, struct flow_table *table)
{
	if (evict_sender(flows, table))
		return true;
	if (READ_ONCE(flows->first) != FIRST_GONE)
		first_gone(flows);
	else if (flows->head)
		flow_delete(flows, table, flows->head);
	else
		return false;
	u32_add(&flows->evicted, 1);
	return true;
}

/* For so many more. */
static void make_room(struct cop_flows *flows, struct flow_table *table,
		      unsigned int more)
{
	while (flow_count(flows, table) + more > COP_FLOWS_MAX &&
	       evict_oldest(flows, table))
		;
}

/* Flows that were added while nobody could make room for them. */
static noinline void take_fresh(struct cop_flows *flows,
				struct flow_table *table)
{
	lists_update(flows, table);
	make_room(flows, table, 0);
}

static void flow_times(struct cop_flow *flow, uint64_t now)
{
	uint64_t begin = READ_ONCE(flow->begin);

	if (!begin || now < begin)
		WRITE_ONCE(flow->begin, now);
	if (now > READ_ONCE(flow->end))
		WRITE_ONCE(flow->end, now);
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

/* Nobody who was sent to has to go for one who was not. */
static noinline struct cop_flow *
flow_add_sender(struct cop_flows *flows, struct flow_table *table, uint64_t key)
{
	struct cop_flow *flow;
	uint64_t number;

	take_fresh(flows, table);
	if (is_full(flows, table) && !evict_sender(flows, table))
		return NULL;
	flow = flow_add(flows, table, token_of(flows), key, false, &number);
	lists_update(flows, table);
	return flow;
}

static struct cop_flow *flow_from(struct cop_flows *flows,
				  struct flow_table *table, uint64_t key)
{
	struct cop_flow *flow = flows->rx_last;
	uint64_t number;

	if (likely(flow && READ_ONCE(flow->key_word) == key))
		return flow;
	flow = flow_find(flows, key, &number);
	if (unlikely(!flow))
		flow = flow_add_sender(flows, table, key);
	flows->rx_last = flow;
	return flow;
}

/* Whoever finds no room in the table is none of those who are in it. */
static void take_arrival(struct cop_flows *flows, struct flow_table *table,
			 const struct cop_flow_key *key, struct cop_arrival *a)
{
	struct cop_flow *flow = flow_from(flows, table, key_word(key));

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

static noinline void take_backlog(struct cop_flows *flows,
				  struct flow_table *table)
{
	struct cop_flow_key key;
	struct cop_arrival a;

	while (cop_backlog_take(flows, &key, &a))
		take_arrival(flows, table, &key, &a);
}

/*
 * Whoever came upon the lock has left what he had. Who is still at it looks for
 * the lock himself, and may be what this is a signal handler of: there is nothing
 * to be waited for.
 */
static void flow_unlock(struct cop_flows *flows, struct flow_table *table)
{
	do {
		if (unlikely(READ_ONCE(flows->waiting)))
			take_backlog(flows, table);
		if (unlikely(READ_ONCE(table->fresh)))
			take_fresh(flows, table);
		flow_leave(flows);
	} while (unlikely((READ_ONCE(flows->waiting) &&
			   cop_backlog_any(flows)) ||
			  READ_ONCE(table->fresh)) &&
		 flow_trylock(flows, table));
}

static noinline void defer(struct cop_flows *flows, struct flow_table *table,
			   const struct cop_flow_key *key,
			   struct cop_arrival *a)
{
	a->ordered = false;
	if (!cop_backlog_put(flows, key, a)) {
		u32_add(&flows->missed, 1);
		u32_add(&flows->unknown, 1);
	} else if (flow_trylock(flows, table)) {
		flow_unlock(flows, table);
	}
}

flatten void cop_flow_arrived(struct cop_flows *flows,
			      const struct cop_flow_key *key,
			      struct cop_arrival *a, uint32_t serial)
{
	struct flow_table *table = table_get(flows);

	a->ordered = serial == cop_rx_serial;
	cop_rx_serial++;
	if (unlikely(!table)) {
		u32_add(&flows->missed, 1);
	} else if (likely(flow_trylock(flows, table))) {
		take_arrival(flows, table, key, a);
		flow_unlock(flows, table);
	} else {
		defer(flows, table, key, a);
	}
}

/* ---- what is sent -------------------------------------------------------- */

static struct cop_flow *flow_to_locked(struct cop_flows *flows,
				       struct flow_table *table, uint64_t key,
				       uint64_t *number)
{
	struct cop_flow *flow;

	take_fresh(flows, table);
	flow = flow_find(flows, key, number);
	if (!flow) {
		make_room(flows, table, 1);
		flow = flow_add(flows, table, token_of(flows), key, true,
				number);
		lists_update(flows, table);
	}
	if (flow && flow->list == LIST_RECEIVED)
		move_to_sent(flows, table, flow);
	return flow;
}

/*
 * Where somebody has the lock, room is made by him later. One who was thrown out of
 * it by a longjmp() never will.
 */
static struct cop_flow *flow_to_unlocked(struct cop_flows *flows,
					 struct flow_table *table, uint64_t key,
					 uint64_t *number)
{
	struct cop_flow *flow = flow_find(flows, key, number);

	if (!flow && READ_ONCE(table->count) < COP_FLOWS_MAX + FLOWS_SLACK)
		flow = flow_add(flows, table, token_of(flows), key, true,
				number);
	return flow;
}

/* A flow that is sent to for the first time, or is the first to have no room. */
static noinline struct cop_flow *flow_to(struct cop_flows *flows, uint64_t key,
					 uint64_t *number)
{
	struct flow_table *table = table_get(flows);
	struct cop_flow *flow;

	if (!table)
		return NULL;
	if (flow_trylock(flows, table)) {
		flow = flow_to_locked(flows, table, key, number);
		flow_unlock(flows, table);
	} else {
		flow = flow_to_unlocked(flows, table, key, number);
	}
	if (flow)
		WRITE_ONCE(flow->sent, true);
	return flow;
}

static struct cop_flow *flow_sent_to(struct cop_flows *flows, uint64_t key,
				     uint64_t *number)
{
	struct cop_flow *flow = flow_find(flows, key, number);

	return likely(flow && READ_ONCE(flow->sent))
		       ? flow
		       : flow_to(flows, key, number);
}

static uint64_t table_next(struct cop_flows *flows,
			   const struct cop_flow_key *key, size_t len,
			   uint64_t now)
{
	const uint64_t word = key_word(key);
	struct cop_flow *flow;
	uint64_t number;

	do {
		flow = flow_sent_to(flows, word, &number);
		if (unlikely(!flow))
			return 0;
	} while (unlikely(!u64_cas(&flow->number, &number, number + 1)));
	u64_add(&flow->tx_datagrams, 1);
	u64_add(&flow->tx_bytes, len);
	flow_times(flow, now);
	return number & LOW_MASK;
}

static void table_undo(struct cop_flows *flows, const struct cop_flow_key *key,
		       uint64_t seq, size_t len)
{
	struct cop_flow *flow;
	uint64_t number;

	do {
		flow = flow_find(flows, key_word(key), &number);
	} while (flow && (number & LOW_MASK) == seq + 1 &&
		 !u64_cas(&flow->number, &number, number - 1));
	if (flow && READ_ONCE(flow->tx_datagrams)) {
		u64_add(&flow->tx_datagrams, -1);
		u64_add(&flow->tx_bytes, -(uint64_t)len);
	}
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
 * A send that began before the last owner's end may be under way still: what it
 * finds and adds is the last owner's. What is left of that goes when the lock can
 * be had.
 */
static void flows_renew(struct cop_flows *flows)
{
	struct flow_table *table = READ_ONCE(flows->table);

	flows_begin(flows);
	WRITE_ONCE(flows->gen, (uint16_t)(READ_ONCE(flows->gen) + 1));
	if (!table || !flow_trylock(flows, table))
		return;
	take_backlog(flows, table);
	table_clear(flows, table);
	flow_leave(flows);
}

void cop_flow_init(struct cop_flows *flows)
{
	flows_renew(flows);
	WRITE_ONCE(flows->evicted, 0);
	WRITE_ONCE(flows->missed, 0);
	WRITE_ONCE(flows->unknown, 0);
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
	struct cop_flow *flow;
	uint64_t number;

	if (is_first(flows, key)) {
		u64_add(&flows->first_sent.bytes, len);
		return;
	}
	flow = flow_find(flows, key_word(key), &number);
	if (flow)
		u64_add(&flow->tx_bytes, len);
}

static void take_sent(struct cop_flow *flow, struct cop_sent *sent)
{
	uint64_t datagrams = atomic_exchange(&sent->datagrams, 0);

	u64_add(&flow->tx_bytes, atomic_exchange(&sent->bytes, 0));
	u64_add(&flow->tx_datagrams, datagrams);
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
	uint64_t first = first_of(key), number;
	struct cop_flow *flow;
	bool was_first;

	if (!READ_ONCE(sent->datagrams))
		return;
	was_first = u64_cas(&flows->first, &first, FIRST_GONE);
	do {
		flow = flow_sent_to(flows, key_word(key), &number);
		if (!flow)
			return;
	} while (!u64_cas(&flow->number, &number, number & HIGH_MASK));
	take_sent(flow, sent);
	if (was_first)
		take_sent(flow, &flows->first_sent);
}

/* ---- for who asks -------------------------------------------------------- */

static void report_one(const struct cop_flow *flow, struct cop_flow_report *to)
{
	to->key = key_of(flow);
	to->tx_datagrams = READ_ONCE(flow->tx_datagrams);
	to->tx_bytes = READ_ONCE(flow->tx_bytes);
	to->begin = READ_ONCE(flow->begin);
	to->end = READ_ONCE(flow->end);
	to->rx = flow->rx;
}

struct listing {
	unsigned int from, n, total;
	struct cop_flow_report *reports;
};

static void list_one(struct listing *list, const struct cop_flow *flow)
{
	if (list->total - list->from < list->n)
		report_one(flow, &list->reports[list->total - list->from]);
	list->total++;
}

static void list_table(struct listing *list, const struct cop_flow *flow)
{
	for (; flow; flow = flow->next)
		list_one(list, flow);
}

/* While somebody has the lock: in no order, and as each is at the moment. */
static NO_TSAN void list_buckets(struct listing *list, struct flow_table *table,
				 uint64_t token)
{
	for (int i = 0; i < BUCKETS; i++) {
		struct cop_flow *flow = flow_at(READ_ONCE(table->bucket[i]));

		for (int n = 0; flow && n < 2 * COP_FLOWS_MAX; n++) {
			if (READ_ONCE(flow->token) == token)
				list_one(list, flow);
			flow = READ_ONCE(flow->chain);
		}
	}
}

unsigned int cop_flow_list(struct cop_flows *flows, unsigned int from,
			   struct cop_flow_report *reports, unsigned int n)
{
	struct listing list = { .from = from, .n = n, .reports = reports };
	struct flow_table *table = READ_ONCE(flows->table);

	if (!table)
		return 0;
	if (flow_trylock(flows, table)) {
		take_backlog(flows, table);
		take_fresh(flows, table);
		list_table(&list, flows->head);
		list_table(&list, flows->rx_head);
		flow_unlock(flows, table);
	} else {
		list_buckets(&list, table, token_of(flows));
	}
	return list.total;
}

void cop_flow_destroy(struct cop_flows *flows)
{
	flows_renew(flows);
}
