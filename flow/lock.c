// SPDX-License-Identifier: MIT
/*
 * flow/lock.c - the lock of a socket's flows, and what becomes of it in a forked
 * child. A thread that finds the lock held does not wait, because it may be a
 * signal handler that has interrupted the holder. It leaves its arrival in the
 * backlog or its new flow in flow_table.fresh, and the holder sees to both.
 *
 * A signal handler may jump out of the holder by siglongjmp(). Then nobody lets go of the
 * lock. The next call takes it over if it is sure that the holder will never go on, because
 * its own stack frames lie where those of the holder were: is_overwritten(). Most programs
 * receive from the same place again, so this is their next receive. Anything less is a
 * guess, since a handler may also change to another context of the program
 * (swapcontext()), and the holder goes on later. For a socket that a call holds a wrong
 * guess does no harm (socket/hold.c); here two holders would change the lists at once,
 * and a list could become a ring.
 *
 * Until such a call comes, the socket's figures of arrivals stand still, and so do those
 * of a later socket in the same memory. Each arrival counts as missed once the backlog is
 * full. Sends go on and their numbers stay right, see flow/sent.c. So it stays for good in a
 * process with several threads: any of them may be the holder. A forked child takes the
 * lock over if such a process has left it, because there the holder can't be in the child.
 *
 * Owns: nothing. Protected by: atomic operations. The lock is a leaf: its holder
 * takes no other lock and makes no system call, but for memory. Counterpart in
 * the kernel: lock_sock(), whose holder sees to the socket's backlog as well.
 */
#include "flow/lists.h"
#include "flow/lock.h"
#include "lib/random.h"

/*
 * Bytes between the stack frame of a call that takes the lock and that of
 * cop_flow_lock_slow(), if both are of one call. A processor's frame for a signal handler
 * has more.
 */
#define FLOW_SAME_FRAMES 768

/* So many bytes below that frame are taken for a look at the holder. */
#define FLOW_OWN_FRAMES 512

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
 * Whether the holder's stack frame, at @holder, is one that this call's frames have
 * overwritten: those from @ours up to that of the call which found the lock taken. Above
 * are its callers' frames. A handler's call is further below the holder: between them is
 * what the kernel pushes for a handler, with all registers, on this stack or on top of the
 * handlers' own. And no other stack of a program ends so near to a frame of the holder.
 */
static noinline bool is_overwritten(uint32_t holder, uint32_t frame)
{
	unsigned char ours[FLOW_OWN_FRAMES];
	uintptr_t bottom = (uintptr_t)ours;

	__asm__ volatile("" : "+r"(bottom) : : "memory");
	return holder != FLOW_ALONE &&
	       holder - (uint32_t)bottom <
		       frame - (uint32_t)bottom + FLOW_SAME_FRAMES &&
	       one_thread();
}

/* No compare and swap: a handler that comes in between takes nothing over. */
static bool take_over_alone(struct cop_flows *flows, struct flow_table *table,
			    uint32_t holder, uint32_t frame)
{
	if (!is_overwritten(holder, frame))
		return false;
	WRITE_ONCE(flows->lock, frame);
	atomic_signal_fence(memory_order_seq_cst);
	cop_flow_lists_rebuild(flows, table);
	return true;
}

/*
 * If the lock has the mark of another process, a thread of the parent held it when
 * this process was forked. That thread does not exist here, so nobody will finish
 * its change of the lists.
 */
static bool take_over(struct cop_flows *flows, struct flow_table *table,
		      uint32_t frame)
{
	const uint32_t me = cop_flow_mark();
	uint32_t holder = READ_ONCE(flows->lock);

	if (holder && cop_flow_mark_is_alone(holder))
		return take_over_alone(flows, table, holder, frame);
	if (holder == me || !u32_cas(&flows->lock, &holder, me))
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
	const uint32_t frame = (uintptr_t)__builtin_frame_address(0);

	if (!taken && !take_over(flows, table, frame))
		return false;
	cop_flow_lock_taken(flows, table);
	return true;
}
