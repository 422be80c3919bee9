// SPDX-License-Identifier: MIT
/*
 * flow/lock.c - the lock of a socket's flows, and what becomes of it in a forked
 * child. A thread that finds the lock held does not wait, because it may be a
 * signal handler that has interrupted the holder. It leaves its arrival in the
 * backlog or its new flow in flow_table.fresh, and the holder sees to both.
 *
 * A signal handler may jump out of the holder by siglongjmp(). Then nobody lets go of the
 * lock: in this process the socket's figures of arrivals stand still for good, and so do
 * those of a later socket in the same memory. Each arrival counts as missed once the backlog
 * is full. Sends go on and their numbers stay right, see flow/sent.c. A forked child takes
 * the lock over only if a process with several threads has left it, because there the
 * holder can't be in the child. With FLOW_ALONE it can: the handler that has interrupted it
 * may have forked. No stack address tells whether it is gone, since a handler may also
 * change to another context of the program (swapcontext()), and the holder goes on later. For a
 * socket that a call holds a wrong guess does no harm (socket/hold.c); here two holders
 * would change the lists at once, and a list could become a ring.
 *
 * Owns: nothing. Protected by: atomic operations. The lock is a leaf: its holder
 * takes no other lock and makes no system call, but for memory. Counterpart in
 * the kernel: lock_sock(), whose holder sees to the socket's backlog as well.
 */
#include "flow/lists.h"
#include "flow/lock.h"
#include "lib/random.h"

noinline uint32_t cop_flow_mark_make(void)
{
	struct cop_process *process = cop_process();
	uint32_t none = 0;

	atomic_compare_exchange_strong(&process->id, &none, cop_random() | 1);
	return READ_ONCE(process->id);
}

void cop_flow_prepare(void)
{
	cop_flow_mark();
}

/*
 * If the lock has the mark of another process, a thread of the parent held it when
 * this process was forked. That thread does not exist here, so nobody will finish
 * its change of the lists.
 */
static bool take_over(struct cop_flows *flows, struct flow_table *table)
{
	const uint32_t me = cop_flow_mark();
	uint32_t holder = READ_ONCE(flows->lock);

	if (holder == FLOW_ALONE || holder == me ||
	    !u32_cas(&flows->lock, &holder, me))
		return false;
	if (holder)
		cop_flow_lists_rebuild(flows, table);
	return true;
}

void cop_flow_lock_taken(struct cop_flows *flows, struct flow_table *table)
{
	if (table->gen != READ_ONCE(flows->gen))
		cop_flow_lists_clear(flows, table);
}

noinline bool cop_flow_lock_slow(struct cop_flows *flows,
				 struct flow_table *table, bool taken)
{
	if (!taken && !take_over(flows, table))
		return false;
	cop_flow_lock_taken(flows, table);
	return true;
}
