// SPDX-License-Identifier: MIT
/*
 * test_memory.c - calls with memory that can't be read, or can be read only, on UDP
 * and on COP. progs/memory.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

TestSuite(e2e_memory, .timeout = 60);

Test(e2e_memory, sendmmsg_sends_up_to_the_end_of_the_vectors_memory)
{
	run_same("memory", "sends_past_the_memory");
}

Test(e2e_memory, recvmmsg_receives_up_to_the_end_of_the_vectors_memory)
{
	run_same("memory", "receives_past_the_memory");
}

Test(e2e_memory, iovecs_that_run_past_their_memory_move_nothing)
{
	run_same("memory", "iovecs_past_the_memory");
}

Test(e2e_memory, a_read_only_vector_is_efault_behind_the_first_datagram)
{
	run_same("memory", "vector_that_is_read_only");
}

Test(e2e_memory, a_vector_that_becomes_read_only_is_served_up_to_there)
{
	run_same("memory", "vector_that_becomes_read_only");
}

Test(e2e_memory, a_time_out_is_read_first_and_written_last)
{
	run_same("memory", "time_that_is_read_only");
}

Test(e2e_memory, a_bad_room_for_a_name_is_efault_and_never_a_signal)
{
	run_same("memory", "name_that_is_bad");
}

Test(e2e_memory, a_read_only_msghdr_is_efault_behind_the_receive)
{
	run_same("memory", "header_that_is_read_only");
}

Test(e2e_memory, a_bad_iovec_is_efault_whatever_their_number)
{
	run_same("memory", "iovecs_that_are_bad");
}

Test(e2e_memory, a_bad_payload_is_the_last_error_to_be_checked)
{
	run_same("memory", "payload_that_is_bad_too");
}

Test(e2e_memory, a_bad_buffer_is_efault_and_loses_the_datagram)
{
	run_same("memory", "buffer_that_is_bad");
}

Test(e2e_memory, payload_name_and_length_are_written_in_the_kernels_order)
{
	run_same("memory", "room_that_is_read_only");
}

Test(e2e_memory, read_only_options_are_efault)
{
	run_same_adopted("memory", "options_that_are_read_only");
}

Test(e2e_memory, a_read_only_position_is_efault_behind_the_datagram)
{
	run_same("memory", "position_that_is_read_only");
}

Test(e2e_memory, an_error_into_bad_memory_is_efault_as_on_udp)
{
	run_same("memory", "errors_into_bad_memory");
}
