// SPDX-License-Identifier: MIT
/*
 * test_lock.c - flow/lock.c: nobody waits for the lock, whatever a signal handler
 * or a fork interrupts.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "flow/backlog.h"
#include "flow/lock.h"
#include "unit/flow/flows.h"
#include "lib/process.h"
#include "unit/step.h"

TestSuite(cop_flow_lock, .init = t_flow_init, .timeout = 60);

/* What the other thread has nobody can have, so room is made in the child. */
static int next_in_child(void)
{
	CHECK(t_next(2, 1) == 2);
	CHECK(t_next(1, 1) == 1);
	t_arrive(7, 0);
	CHECK(!t_flows.missed && !t_flows.waiting && !t_flows.lock);
	for (uint32_t i = 10; i < 10 + 2 * COP_FLOWS_MAX; i++)
		CHECK(t_next(i, 1) == 0);
	CHECK(cop_flow_list(&t_flows, 0, NULL, 0) == COP_FLOWS_MAX);
	return 0;
}

/* As if another thread had had the lock when the process forked. */
Test(cop_flow_lock, a_lock_held_at_a_fork_does_not_stop_the_child)
{
	t_next(1, 1);
	t_next(2, 1);
	t_next(2, 1);
	t_flows.lock = getpid() | 1;
	T_CHILD(next_in_child);
}

Test(cop_flow_lock, nobody_waits_for_the_lock_and_each_number_is_right)
{
	for (uint32_t i = 1; i < 20; i++)
		t_next(i, 1);
	t_hold_lock();
	for (uint64_t seq = 1; seq < 5; seq++)
		for (uint32_t i = 1; i < 20; i++)
			cr_expect(eq(u64, t_next(i, 1), seq));
	t_undo(3, 1, 4);
	cr_expect(eq(u64, t_next(3, 1), 4));
	for (uint64_t seq = 0; seq < 5; seq++)
		for (uint32_t i = 20; i < 40; i++)
			cr_expect(eq(u64, t_next(i, 1), seq));
	cr_expect(eq(u32, cop_flow_list(&t_flows, 0, NULL, 0), 39));
	t_flows.lock = 0;
	cr_expect(eq(u64, t_next(40, 1), 0));
	cr_expect(eq(u64, t_next(39, 1), 5));
	cr_expect(eq(u32, cop_flow_list(&t_flows, 0, NULL, 0), 40));
	cr_expect(zero(u32, t_flows.missed));
}

enum { BACKLOG = 32 };

static int next_beside_a_lost_lock(void)
{
	const uint32_t missed = t_flows.missed;

	for (uint32_t seq = 0; seq < 8; seq++)
		t_arrive(7, seq);
	CHECK(t_flows.missed == missed + 8);
	CHECK(t_next(1, 1) == 2);
	CHECK(t_next(2, 1) == 0);
	CHECK(t_next(2, 1) == 1);
	return 0;
}

/* A handler has jumped out of the holder, and no call comes to where that was. */
Test(cop_flow_lock,
     beside_a_lock_that_stays_numbers_are_right_and_arrivals_missed)
{
	t_next(1, 1);
	t_next(1, 1);
	t_flows.lock = FLOW_ALONE;
	for (uint32_t seq = 0; seq < BACKLOG; seq++)
		t_arrive(7, seq);
	cr_assert(zero(u32, t_flows.missed));
	T_CHILD(next_beside_a_lost_lock);
	cr_assert(zero(int, next_beside_a_lost_lock()));
}

/* ---- a signal handler behind each instruction ------------------------------ */

enum { SEEN_BEFORE = 3 }; /* datagrams of peer 1 ahead of the step */

static _Atomic(uint32_t) fresh_seq; /* of peer 1 */

static void arrive_main(void)
{
	t_arrive(1, u32_add(&fresh_seq, 1));
}

static void send_main(void)
{
	t_next(1, 1);
}

static void list_main(void)
{
	cop_flow_list(&t_flows, 0, NULL, 0);
}

static void fold_main(void)
{
	struct cop_sent sent = t_sent(1, 1, 1);

	t_fold(1, &sent);
}

static void defer_main(void)
{
	uint32_t seq = u32_add(&fresh_seq, 1);
	struct cop_peer k = t_peer_of(1, 1);
	struct cop_arrival a = {
		.now = 1000000, .seq = seq, .tstamp = seq * 1000, .len = T_LEN
	};

	cop_backlog_put(&t_flows, &k, &a);
}

/* The holder goes on later, so nobody may take its lock over. */
static void expect_lock(uint32_t was)
{
	cr_assert(eq(u32, t_flows.lock, was));
}

static void arrive_here(void)
{
	const uint32_t lock = t_flows.lock;

	t_arrive(1, u32_add(&fresh_seq, 1));
	expect_lock(lock);
}

static void stranger_here(void)
{
	const uint32_t lock = t_flows.lock;

	t_arrive(77, 0);
	expect_lock(lock);
}

static void send_here(void)
{
	t_next(1, 1);
}

static void list_here(void)
{
	cop_flow_list(&t_flows, 0, NULL, 0);
}

static pid_t parent;

static void fork_here(void)
{
	fork();
}

static const struct {
	const char *what;
	void (*fn)(void);
	void (*between)(void);
	uint64_t rx, tx;  /* behind it, of peer 1 */
	uint64_t rx_each; /* and for each interruption */
	bool waits;	  /* one was put aside already */
} steps[] = {
	{ "arrive amid arrive", arrive_main, arrive_here, 4, 1, 1, false },
	{ "arrive amid send", send_main, arrive_here, 3, 2, 1, false },
	{ "arrive amid list", list_main, arrive_here, 3, 1, 1, false },
	{ "arrive amid fold", fold_main, arrive_here, 3, 2, 1, false },
	{ "arrive amid defer", defer_main, arrive_here, 4, 1, 1, false },
	{ "another amid defer", defer_main, arrive_here, 5, 1, 1, true },
	{ "another amid arrive", arrive_main, arrive_here, 5, 1, 1, true },
	{ "stranger amid arrive", arrive_main, stranger_here, 4, 1, 0, false },
	{ "stranger amid send", send_main, stranger_here, 3, 2, 0, false },
	{ "stranger amid list", list_main, stranger_here, 3, 1, 0, false },
	{ "send amid arrive", arrive_main, send_here, 4, 0, 0, false },
	{ "send amid list", list_main, send_here, 3, 0, 0, false },
	{ "list amid arrive", arrive_main, list_here, 4, 1, 0, false },
	{ "list amid send", send_main, list_here, 3, 2, 0, false },
	{ "fork amid arrive", arrive_main, fork_here, 4, 1, 0, false },
	{ "fork amid send", send_main, fork_here, 3, 2, 0, false },
	{ "fork amid defer", defer_main, fork_here, 4, 1, 0, false },
};

static void step_from_new(size_t i)
{
	cop_flow_init(&t_flows);
	t_next(99, 99);
	t_next(1, 1);
	for (fresh_seq = 0; fresh_seq < SEEN_BEFORE; fresh_seq++)
		t_arrive(1, fresh_seq);
	if (steps[i].waits)
		defer_main();
}

/* What a child has too, whatever its parent was doing; returns a line, or 0. */
static int step_was_right(size_t i, unsigned int times)
{
	const uint64_t rx = steps[i].rx + times * steps[i].rx_each;
	struct cop_flow_report r;

	CHECK(!t_flows.lock);
	r = t_known(1, 1);
	CHECK(!t_flows.waiting && !t_flows.missed);
	CHECK(r.rx.datagrams == rx);
	CHECK(r.rx.bytes == r.rx.datagrams * T_LEN);
	CHECK(!cop_source_lost(&r.rx) && !r.rx.duplicated);
	/* that which a send came upon has no place for its number */
	CHECK(steps[i].between == send_here || r.tx_datagrams == steps[i].tx);
	CHECK(!t_flows.evicted);
	t_arrive(1, fresh_seq);
	CHECK(t_known(1, 1).rx.datagrams == rx + 1);
	t_next(2, 1);
	CHECK(t_next(2, 1) == 1);
	return 0;
}

static void reap(unsigned int at, const char *what)
{
	int status;

	while (wait(&status) > 0)
		cr_assert(zero(int, status), "%s: child of %u, line %d", what,
			  at, WEXITSTATUS(status));
}

/* So far apart are those in one run; there are as many runs. */
enum { APART = 40 };

static void step_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		for (unsigned int nth = 0; nth < APART; nth++) {
			unsigned int n;

			if (steps[i].between == fork_here)
				continue;
			step_from_new(i);
			n = t_step(steps[i].fn, nth, APART, steps[i].between);
			cr_assert(ge(u32, n, 1));
			cr_assert(zero(int, step_was_right(i, n)),
				  "%s, instruction %u", steps[i].what, nth);
		}
}

Test(cop_flow_lock, a_handler_may_make_any_call_during_any_call)
{
	step_all();
}

/* A sanitizer makes many more of them, and a fork slow. */
#define FORK_EACH (SHADOWED ? 23 : 1)

static void step_and_fork(size_t i)
{
	parent = getpid();
	for (unsigned int nth = 0;; nth += FORK_EACH) {
		int line;

		step_from_new(i);
		if (!t_step(steps[i].fn, nth, 0, fork_here))
			return;
		line = step_was_right(i, 1);
		if (getpid() != parent)
			_exit(line ? line & 0xff ?: 1 : 0);
		cr_assert(zero(int, line), "%s, instruction %u", steps[i].what,
			  nth);
		reap(nth, steps[i].what);
	}
}

Test(cop_flow_lock, a_handler_may_fork_during_any_call)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].between == fork_here)
			step_and_fork(i);
}

/* ---- the only thread, and a handler that jumps out ---------------------------- */

#if defined(__x86_64__) && !defined(COP_TSAN)
static const char yes = 1;

Test(cop_flow_lock,
     a_handler_of_the_only_thread_may_make_any_call_during_any_call)
{
	cop_one_thread_at = &yes;
	step_all();
}

static sigjmp_buf out;
static uint32_t stranger = 1000;

static void jump_here(void)
{
	siglongjmp(out, 1);
}

static void stranger_main(void)
{
	t_arrive(stranger++, 0);
}

static void new_peer_main(void)
{
	t_next(stranger++, 1);
}

static void (*const jumped[])(void) = { arrive_main, stranger_main,
					new_peer_main, list_main };

/*
 * Then calls it again, from nearly the same place. Returns whether the first call had so many
 * instructions.
 */
static bool jump_out_of(void (*fn)(void), unsigned int nth)
{
	if (!sigsetjmp(out, 1))
		return t_step(fn, nth, 0, jump_here);
	fn();
	return true;
}

/* The flow of the interrupted call may be there, or not, and its datagram likewise. */
static int counts_go_on(unsigned int flows)
{
	uint64_t rx = t_known(1, 1).rx.datagrams;
	unsigned int n;

	CHECK(!t_flows.missed);
	CHECK(!t_flows.lock);
	CHECK(rx >= SEEN_BEFORE && rx <= SEEN_BEFORE + 3);
	t_arrive(1, u32_add(&fresh_seq, 1));
	CHECK(t_known(1, 1).rx.datagrams == rx + 1);
	n = cop_flow_list(&t_flows, 0, NULL, 0);
	CHECK(n >= flows && n <= flows + 2);
	for (uint32_t i = 2; i < 2 * COP_FLOWS_MAX; i += 100)
		t_arrive(i, 0);
	CHECK(!t_flows.lock && !t_flows.missed);
	return 0;
}

Test(cop_flow_lock, behind_a_jump_out_of_any_call_the_next_one_counts)
{
	if (SHADOWED)
		cr_skip("the library knows its frames as they are without");
	cop_one_thread_at = &yes;
	for (size_t i = 0; i < ARRAY_SIZE(jumped); i++)
		for (unsigned int nth = 0;; nth += i ? 7 : 1) {
			unsigned int flows;
			int line;

			step_from_new(0);
			flows = cop_flow_list(&t_flows, 0, NULL, 0);
			if (!jump_out_of(jumped[i], nth))
				break;
			line = counts_go_on(flows);
			cr_assert(zero(int, line), "%zu, %u, line %d", i, nth,
				  line);
		}
}

/* As if a holder whose frame was here had been left before. */
static void take_over_here(void)
{
	t_flows.lock = (uintptr_t)__builtin_frame_address(0) & ~15u;
	t_arrive(1, u32_add(&fresh_seq, 1));
	expect_lock(0);
}

/* The send without the lock puts its flow in a list: the rebuild may have done so. */
Test(cop_flow_lock, a_handler_amid_a_send_may_take_the_lock_over)
{
	unsigned int n = 1, flows;

	cop_one_thread_at = &yes;
	for (unsigned int nth = 0; n; nth++) {
		step_from_new(0);
		flows = cop_flow_list(&t_flows, 0, NULL, 0);
		t_flows.lock = FLOW_ALONE;
		n = t_step(new_peer_main, nth, 0, take_over_here);
		if (!n)
			break;
		t_arrive(1, fresh_seq);
		cr_assert(zero(u32, t_flows.lock));
		cr_assert(eq(u32, cop_flow_list(&t_flows, 0, NULL, 0),
			     flows + 1),
			  "instruction %u", nth);
	}
}
#endif

/* ---- a fork amid other threads --------------------------------------------- */

static atomic_bool enough;

static void *arrive_and_send(void *arg)
{
	for (uint32_t i = 0; !enough; i++) {
		t_arrive(1 + i % 50, i / 50);
		t_next(i % 50, 1);
	}
	return arg;
}

/* Whatever of the table was in a thread's hands, it can be used. */
static int uses_the_table(void)
{
	struct cop_flow_report reports[COP_FLOWS_MAX];

	cop_flow_list(&t_flows, 0, reports, COP_FLOWS_MAX);
	for (uint32_t seq = 0; seq < 5; seq++)
		t_arrive(5000, seq);
	CHECK(t_known(5000, 1).rx.datagrams == 5);
	t_next(6000, 1);
	CHECK(t_next(6000, 1) == 1);
	CHECK(cop_flow_list(&t_flows, 0, reports, COP_FLOWS_MAX) <= 100);
	cop_flow_destroy(&t_flows);
	cop_flow_init(&t_flows);
	CHECK(t_next(6000, 1) == 0);
	return 0;
}

Test(cop_flow_lock, a_child_of_busy_threads_can_use_the_table)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, arrive_and_send, NULL);
	for (int i = 0; i < 300; i++)
		T_CHILD(uses_the_table);
	enough = true;
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}
