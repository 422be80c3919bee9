// SPDX-License-Identifier: MIT
/*
 * test_buffer.c - wire/buffer.c: buffers for datagrams whose payload is encoded.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "lib/confine.h"
#include "unit/helpers.h"
#include "wire/buffer.h"

TestSuite(cop_buffer, .init = t_init, .timeout = 20);

Test(cop_buffer, two_that_are_in_use_are_not_one)
{
	struct cop_buffer *a = cop_buffer_get(), *b = cop_buffer_get();

	cr_assert(ne(ptr, a, NULL));
	cr_assert(ne(ptr, b, NULL));
	cr_assert(ne(ptr, a, b));
	memset(a->data, 1, COP_DATAGRAM_MAX);
	memset(b->data, 2, COP_DATAGRAM_MAX);
	cr_assert(eq(int, a->data[COP_DATAGRAM_MAX - 1], 1));
	cr_assert(eq(int, b->data[0], 2));
	cop_buffer_put(a);
	cop_buffer_put(b);
}

Test(cop_buffer, what_was_used_is_wiped)
{
	struct cop_buffer *a = cop_buffer_get();

	memset(a->data, 0xee, 100);
	a->used = 100;
	cop_buffer_put(a);
	for (int i = 0; i < 100; i++)
		cr_assert(zero(int, a->data[i]), "byte %d", i);
}

Test(cop_buffer, one_call_after_another_needs_one_buffer)
{
	struct cop_buffer *a = cop_buffer_get(), *b;

	cop_buffer_put(a);
	for (int i = 0; i < 1000; i++) {
		b = cop_buffer_get();
		cr_assert(eq(ptr, b, a));
		cr_assert(zero(sz, b->used));
		cop_buffer_put(b);
	}
}

static struct cop_buffer *used;

static ssize_t wait_in(struct cop_buffer *buffer, void *args)
{
	used = buffer;
	sem_post(args);
	pause();
	return 0;
}

static void *use_and_wait(void *arg)
{
	cop_buffer_use(wait_in, arg);
	return arg;
}

static ssize_t say_which(struct cop_buffer *buffer, void *args)
{
	*(struct cop_buffer **)args = buffer;
	return -77;
}

Test(cop_buffer, a_call_gives_its_buffer_back_even_if_its_thread_is_cancelled)
{
	struct cop_buffer *next = NULL, *one, *other;
	pthread_t thread;
	sem_t in_it;

#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("AddressSanitizer does not clean the stack of a thread "
		     "that is cancelled");
#endif
	sem_init(&in_it, 0, 0);
	cr_assert(
		zero(int, pthread_create(&thread, NULL, use_and_wait, &in_it)));
	sem_wait(&in_it);
	cr_expect(eq(long, cop_buffer_use(say_which, &next), -77));
	cr_expect(ne(ptr, next, used));
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	one = cop_buffer_get();
	other = cop_buffer_get();
	cr_expect(one == used || other == used);
	cop_buffer_put(one);
	cop_buffer_put(other);
}

/* One of them is the spare one. */
Test(cop_buffer, buffers_that_were_put_are_all_used_again)
{
	enum { N = 5 };
	struct cop_buffer *was[N], *is[N];

	for (int i = 0; i < N; i++)
		was[i] = cop_buffer_get();
	for (int i = 0; i < N; i++)
		cop_buffer_put(was[i]);
	for (int i = 0; i < N; i++)
		is[i] = cop_buffer_get();
	for (int i = 0; i < N; i++) {
		int same = 0;

		for (int k = 0; k < N; k++)
			same += is[k] == was[i];
		cr_expect(eq(int, same, 1), "buffer %d", i);
	}
}

Test(cop_buffer, a_call_without_a_buffer_is_enobufs)
{
	struct cop_buffer *none = NULL;

	WRITE_ONCE(cop_is_confined, true);
	cr_expect(eq(long, cop_buffer_use(say_which, &none), -ENOBUFS));
	cr_expect(eq(ptr, none, NULL));
	WRITE_ONCE(cop_is_confined, false);
}

Test(cop_buffer, a_confined_process_has_the_buffers_of_before)
{
	int n = 0;

	cop_buffer_reserve();
	WRITE_ONCE(cop_is_confined, true);
	while (cop_buffer_get())
		n++;
	WRITE_ONCE(cop_is_confined, false);
	cr_assert(eq(int, n, 15));
	cr_assert(ne(ptr, cop_buffer_get(), NULL));
}
