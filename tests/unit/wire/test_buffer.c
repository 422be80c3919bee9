// SPDX-License-Identifier: MIT
/*
 * test_buffer.c - wire/buffer.c: buffers for datagrams whose payload is encoded.
 */
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
