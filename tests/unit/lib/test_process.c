// SPDX-License-Identifier: MIT
/*
 * test_process.c - lib/process.c: which process this memory belongs to.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/atomic.h"
#include "lib/process.h"
#include "unit/helpers.h"

TestSuite(cop_process, .timeout = 20);

Test(cop_process, without_vfork_each_caller_is_the_owner)
{
	cr_assert(cop_process_is_owner());
	cr_assert(zero(int, cop_process()->owner));
}

static int child_has_a_page_of_its_own(void)
{
	CHECK(cop_process()->owner == 0);
	CHECK(cop_process()->id == 0);
	CHECK(cop_process()->first == 0);
	CHECK(cop_process()->naming == 0);
	CHECK(cop_process()->random_pos == 0);
	CHECK(cop_process_is_owner());
	return 0;
}

Test(cop_process, a_forked_child_has_a_page_of_zeros)
{
	cop_process_share();
	cop_process()->id = 5;
	cop_process()->naming = 1;
	cop_process()->random_pos = 6;
	T_CHILD(child_has_a_page_of_its_own);
	cr_assert(eq(int, cop_process()->owner, getpid()));
	cr_assert(eq(u32, cop_process()->id, 5));
	cr_assert(eq(u32, cop_process()->random_pos, 6));
}

static bool owner_in_vfork_child(void)
{
	volatile bool owner = true;
	pid_t pid;

	cop_process_share();
	pid = vfork();
	if (!pid) {
		owner = cop_process_is_owner();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return owner;
}

Test(cop_process, a_vfork_child_is_not_the_owner)
{
	if (!t_vfork_shares_memory())
		cr_skip("vfork() is fork() here");
	cr_assert(not(owner_in_vfork_child()));
	cr_assert(cop_process_is_owner());
	cr_assert(not(owner_in_vfork_child()));
}

static void *page_of_thread(void *arg)
{
	(void)arg;
	return cop_process_is_owner() ? cop_process() : NULL;
}

Test(cop_process, all_threads_are_owners_of_one_page)
{
	pthread_t thread[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, page_of_thread, NULL);
	for (int i = 0; i < 8; i++) {
		void *page;

		pthread_join(thread[i], &page);
		cr_assert(eq(ptr, page, cop_process()));
	}
}

/* ---- threads that leave the others' descriptors --------------------------- */

static pthread_barrier_t step;

static void *wait_twice(void *arg)
{
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	return arg;
}

static int alone_without_a_thread(void)
{
	pthread_t thread;
	bool alone;

#ifdef COP_TSAN
	return T_SKIP; /* which has a thread of its own */
#endif
	errno = 4000;
	CHECK(cop_process_is_alone());
	pthread_barrier_init(&step, NULL, 2);
	pthread_create(&thread, NULL, wait_twice, NULL);
	pthread_barrier_wait(&step);
	alone = cop_process_is_alone();
	pthread_barrier_wait(&step);
	pthread_join(thread, NULL);
	CHECK(!alone);
	while (!cop_process_is_alone())
		sched_yield(); /* it is on its way out still */
	CHECK(errno == 4000);
	return 0;
}

Test(cop_process, a_process_with_one_thread_is_alone)
{
	T_CHILD(alone_without_a_thread);
}

static int is_remnant(void)
{
#ifdef COP_TSAN
	return T_SKIP; /* which has a thread of its own */
#endif
	errno = 4000;
	CHECK(cop_process_is_remnant());
	CHECK(errno == 4000);
	return 0;
}

static int is_no_remnant(void)
{
#if defined(COP_TSAN) || !defined(__x86_64__)
	return T_SKIP; /* it can't know that there never was another thread */
#endif
	__libc_single_threaded = 1;
	CHECK(!cop_process_is_remnant());
	return 0;
}

static int child_is_remnant_until_it_has_a_thread(void)
{
	pthread_t thread;
	int line = is_remnant();

	if (line)
		return line;
	pthread_barrier_init(&step, NULL, 2);
	pthread_create(&thread, NULL, wait_twice, NULL);
	CHECK(!cop_process_is_remnant());
	return 0;
}

static void *fork_a_remnant(void *line)
{
	*(int *)line = t_child(child_is_remnant_until_it_has_a_thread);
	return NULL;
}

Test(cop_process, a_child_of_a_process_with_one_thread_is_no_remnant)
{
	cop_process();
	T_CHILD(is_no_remnant);
}

Test(cop_process, only_a_child_that_was_forked_beside_threads_is_a_remnant)
{
	pthread_t thread;
	int line = 0;

	cop_process();
	pthread_create(&thread, NULL, fork_a_remnant, &line);
	pthread_join(thread, NULL);
	cr_assert(not(cop_process_is_remnant()));
	if (line == T_SKIP)
		cr_skip("ThreadSanitizer has a thread of its own");
	cr_assert(zero(int, line), "failing line, or signal");
}

static int nobody_to_part_from(void)
{
#ifdef COP_TSAN
	return T_SKIP;
#endif
	CHECK(!cop_process_part());
	CHECK(cop_process_is_owner());
	CHECK(cop_process()->owner == 0);
	return 0;
}

Test(cop_process, a_process_with_one_thread_does_not_part)
{
	T_CHILD(nobody_to_part_from);
}

static int owns_its_copy(void)
{
	CHECK(cop_process_is_owner());
	CHECK(!cop_process_has_parted());
	cop_process_share();
	CHECK(cop_process_is_owner());
	return 0;
}

static void *part_and_rejoin(void *failed)
{
	bool *bad = failed;

	*bad = cop_process_has_parted();
	*bad |= !cop_process_part() || cop_process_part();
	*bad |= cop_process_is_owner() || !cop_process_has_parted();
	*bad |= t_child(owns_its_copy) != 0;
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	*bad |= cop_process_is_owner();
	cop_process_rejoin();
	*bad |= !cop_process_is_owner() || cop_process_has_parted();
	return NULL;
}

Test(cop_process, a_thread_that_parts_is_no_owner_but_its_child_and_others_are)
{
	pthread_t thread;
	bool bad = true;

	pthread_barrier_init(&step, NULL, 2);
	pthread_create(&thread, NULL, part_and_rejoin, &bad);
	pthread_barrier_wait(&step);
	cr_expect(cop_process_is_owner());
	pthread_barrier_wait(&step);
	pthread_join(thread, NULL);
	cr_assert(not(bad));
}

static void *is_member(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)cop_process_is_owner();
}

static int member_without_kcmp(void)
{
	struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kcmp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(refuse), refuse };
	pthread_t thread;
	void *member;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		return T_SKIP;
	cop_process_share();
	cop_process()->parting = 1;
	cop_process()->member = getpid();
	pthread_create(&thread, NULL, is_member, NULL);
	pthread_join(thread, &member);
	CHECK(member);
	return 0;
}

Test(cop_process, if_the_kernel_can_not_tell_a_thread_is_a_member)
{
	T_CHILD(member_without_kcmp);
}

static void *part_and_make_a_thread(void *arg)
{
	pthread_t thread;
	void *member;

	(void)arg;
	if (!cop_process_part() || unshare(CLONE_FILES))
		return (void *)1;
	pthread_create(&thread, NULL, is_member, NULL);
	pthread_join(thread, &member);
	return member;
}

Test(cop_process, a_thread_that_a_parted_thread_makes_is_no_owner)
{
	pthread_t thread;
	void *member;

	pthread_create(&thread, NULL, part_and_make_a_thread, NULL);
	pthread_join(thread, &member);
	cr_assert(zero(ptr, member));
	cr_assert(cop_process_is_owner());
	pthread_create(&thread, NULL, is_member, NULL);
	pthread_join(thread, &member);
	cr_assert(not(zero(ptr, member)));
}

/* Ahead of a clone() that libc does not see. */
Test(cop_process, a_thread_that_libc_does_not_know_of_is_one)
{
	threads_begin();
	cr_expect(not(one_thread()));
}
