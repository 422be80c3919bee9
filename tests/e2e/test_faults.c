// SPDX-License-Identifier: MIT
/*
 * test_faults.c - calls with something wrong about them, on UDP and on COP.
 * progs/faults.c has the calls.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"

Test(e2e_faults, a_bad_room_for_the_address_is_seen_behind_the_receive)
{
	run_same("faults", "room_for_address");
}

Test(e2e_faults, recvmmsg_leaves_unreceived_messages_as_they_are)
{
	run_same("faults", "many_messages");
}

Test(e2e_faults, a_payload_that_is_too_long_is_refused_as_the_kernel_does)
{
	run_same("faults", "too_long");
}

Test(e2e_faults, a_single_buffer_may_have_any_length)
{
	run_same("faults", "endless_buffers");
	run_same("faults", "endless_error_buffers");
}

Test(e2e_faults, the_length_of_a_name_counts_behind_the_payload)
{
	run_same("faults", "length_under_the_payload");
}

Test(e2e_faults, nothing_at_a_place_outside_of_the_program_is_efault)
{
	run_same("faults", "nothing_at_a_bad_place");
}

Test(e2e_faults, a_name_of_no_length_is_none_or_one_too_short)
{
	run_same("faults", "name_of_no_length");
}

Test(e2e_faults, a_name_that_cannot_be_read_ends_sendmmsg)
{
	run_same("faults", "bad_names");
}

Test(e2e_faults, sendmmsg_ends_with_the_first_probe_that_has_a_payload)
{
	run_same("faults", "probes");
}

Test(e2e_faults, msg_cmsg_compat_is_refused_where_the_kernel_refuses_it)
{
	run_same("faults", "compat");
}

Test(e2e_faults, socketpair_writes_two_descriptors_before_it_fails)
{
	run_same("faults", "unix_pair");
}

Test(e2e_faults, a_refused_bind_takes_the_address_that_a_disconnect_left)
{
	run_same("faults", "refused_bind");
}

Test(e2e_faults, an_autobind_keeps_the_address_that_a_disconnect_left)
{
	run_same("faults", "refused_send");
}

Test(e2e_faults, a_socket_that_the_parent_has_bound_is_einval_to_bind)
{
	run_same("faults", "bound_by_the_parent");
}

Test(e2e_faults,
     a_bad_name_of_a_message_in_many_parts_is_seen_behind_the_receive)
{
	run_same("faults", "many_iovecs");
}

Test(e2e_faults, recvmmsg_looks_for_a_pending_error_before_any_message)
{
	run_same("faults", "pending_error");
}

Test(e2e_faults, recvmmsg_looks_for_a_pending_error_before_the_vector)
{
	run_same("faults", "pending_error_and_a_bad_vector");
}

Test(e2e_faults, a_filter_without_a_descriptor_left_is_enobufs)
{
	run_says("faults", "filter_without_a_descriptor",
		 "setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog, "
		 "sizeof(prog)) = -1 ENOBUFS\n"
		 "  1 more, then EAGAIN\n");
}

Test(e2e_faults, a_filter_from_a_number_that_is_nobodys_is_ebadf)
{
	run_same("faults", "filter_from_next_number");
}

Test(e2e_faults, a_filter_that_the_parent_has_set_is_the_childs_too)
{
	run_same("faults", "filter_of_the_parent");
}

Test(e2e_faults, an_ebpf_program_is_refused)
{
	run_says("faults", "ebpf",
		 "setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_BPF, &program, "
		 "sizeof(program)) = -1 ENOPROTOOPT\n"
		 "  1 more, then EAGAIN\n");
}

/* The kernel says EFAULT; the library touches what it copies itself. */
static void expect_touched(const char *scenario)
{
	struct run_result res;
	char args[64];

	snprintf(args, sizeof(args), "udp %s", scenario);
	run_prog(&res, "faults", args, false);
	cr_assert(eq(int, res.status, 0));
	cr_assert(ne(ptr, strstr(res.out, "= -1 EFAULT\n"), NULL));
	snprintf(args, sizeof(args), "cop %s", scenario);
	run_prog(&res, "faults", args, true);
	cr_assert(eq(int, res.status, 128 + SIGSEGV));
}

Test(e2e_faults, a_payload_that_was_unmapped_is_a_sigsegv_or_efault)
{
	expect_touched("unmapped_payload");
	run_same("faults", "unmapped_long_payload");
}

Test(e2e_faults, a_buffer_that_was_made_read_only_is_a_sigsegv_or_efault)
{
	expect_touched("readonly_buffer");
	expect_touched("readonly_large_buffer");
	run_same("faults", "readonly_long_payload");
}

Test(e2e_faults, a_fault_in_the_error_queue_leaves_what_udp_leaves)
{
	run_same("faults", "fault_in_the_error_queue");
	run_same_inet("faults", "fault_in_a_frame");
}
