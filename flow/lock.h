/* SPDX-License-Identifier: MIT */
/*
 * lock.h - the lock of a socket's flows: who may change the lists, remove a flow
 * and write the figures of what arrives. Nobody waits for it.
 */
#ifndef COP_FLOW_LOCK_H
#define COP_FLOW_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"
#include "flow/table.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/process.h"

/* Give this process a mark for its locks, if it has none; returns the mark. */
uint32_t cop_flow_mark_make(void);

/* Another mark for each process. Not its id, which the kernel may reuse. */
static inline uint32_t cop_flow_mark(void)
{
	uint32_t mark = READ_ONCE(cop_process_now()->id);

	return likely(mark) ? mark : cop_flow_mark_make();
}

/*
 * The mark of a thread that was alone in its process is even: the lower half of its stack
 * pointer, or FLOW_ALONE where a processor would need an instruction more for that. A
 * forked child that finds it may be the holder itself: its handler has forked. (The lower
 * half would be 0, which is "free", for one frame in 2^28: one that ends at a multiple of
 * 4 GB.)
 */
#define FLOW_ALONE 2

static inline bool cop_flow_mark_is_alone(uint32_t mark)
{
	return !(mark & 1);
}

static inline void cop_flow_mark_alone(struct cop_flows *flows)
{
#ifdef __x86_64__
	__asm__ volatile("movl %%esp, %0"
			 : "=m"(*(volatile uint32_t *)&flows->lock));
#else
	WRITE_ONCE(flows->lock, FLOW_ALONE);
#endif
}

/* The rest of cop_flow_trylock(): @taken: whether the caller holds the lock now. */
bool cop_flow_lock_slow(struct cop_flows *flows, struct flow_table *table,
			bool taken);

/*
 * If the lock is free, take it. A thread that is @alone needs no compare and swap: a
 * signal handler that comes in between has let go of the lock when it ends. Returns
 * whether it was free.
 */
static inline bool cop_flow_lock_free(struct cop_flows *flows, const bool alone)
{
	uint32_t holder = 0;

	if (!alone)
		return atomic_compare_exchange_strong(&flows->lock, &holder,
						      cop_flow_mark());
	if (unlikely(READ_ALONE(flows->lock)))
		return false;
	cop_flow_mark_alone(flows);
	atomic_signal_fence(memory_order_seq_cst);
	return true;
}

/* Behind cop_flow_lock_free(): no flow of an earlier owner may stay in the lists. */
void cop_flow_lock_taken(struct cop_flows *flows, struct flow_table *table);

/* cop_flow_trylock() for a caller that has asked one_thread() already. */
static inline bool cop_flow_trylock_as(struct cop_flows *flows,
				       struct flow_table *table,
				       const bool alone)
{
	const bool taken = cop_flow_lock_free(flows, alone);

	if (likely(taken) && likely(table->gen == READ_ONCE(flows->gen)))
		return true;
	return cop_flow_lock_slow(flows, table, taken);
}

/**
 * cop_flow_trylock - take the lock, unless another thread holds it
 * @flows: the socket's flows
 * @table: their table
 *
 * Once it returns true, all flows in the lists belong to the socket. Lock-free,
 * async-signal-safe.
 */
static inline bool cop_flow_trylock(struct cop_flows *flows,
				    struct flow_table *table)
{
	return cop_flow_trylock_as(flows, table, one_thread());
}

/**
 * cop_flow_leave - let go of the lock
 * @flows: the socket's flows
 *
 * Only for a caller that has emptied the backlog; all others need
 * cop_flow_unlock(), which does so.
 */
static inline void cop_flow_leave(struct cop_flows *flows)
{
	atomic_store_explicit(&flows->lock, 0, memory_order_release);
}

#endif /* COP_FLOW_LOCK_H */
