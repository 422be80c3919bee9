// SPDX-License-Identifier: MIT
/*
 * test_process.c - cop_process.c: which process this memory belongs to.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "cop/process.h"
#include "unit/helpers.h"

TestSuite(cop_process, .timeout = 20);

Test(cop_process, without_vfork_whoever_asks_is_the_owner)
{
	cr_assert(cop_process_is_owner());
	cr_assert(zero(int, cop_process()->owner));
}

static int child_has_a_page_of_its_own(void)
{
	CHECK(cop_process()->owner == 0);
	CHECK(cop_process()->id == 0);
	CHECK(cop_process()->random_pos == 0);
	CHECK(cop_process_is_owner());
	return 0;
}

Test(cop_process, a_forked_child_has_a_page_of_zeros)
{
	cop_process_share();
	cop_process()->id = 5;
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
