// SPDX-License-Identifier: MIT
/*
 * test_splice.c - sendfile and splice: COP sends, refuses and keeps what the
 * kernel's UDP does. progs/splice.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

/* ---- sendfile ----------------------------------------------------------- */

Test(e2e_splice, sendfile_makes_one_datagram_of_the_file)
{
	run_same("splice", "file_sizes");
}

Test(e2e_splice, sendfile_refuses_more_than_a_datagram_can_hold)
{
	run_same("splice", "file_too_large");
}

/* The kernel's inet6_dgram_ops have no splice_eof: UDPv6 keeps the datagram back. */
Test(e2e_splice, sendfile_ends_with_the_file)
{
	run_same_inet("splice", "file_ends");
}

Test(e2e_splice, sendfile_judges_its_arguments_as_udp_does)
{
	run_same("splice", "file_refused");
}

Test(e2e_splice, a_sendfile_that_fails_loses_nothing)
{
	run_same("splice", "file_kept");
}

Test(e2e_splice, sendfile_goes_on_with_a_corked_datagram)
{
	run_same("splice", "file_corked");
}

Test(e2e_splice, sendfile_has_other_names)
{
	run_same("splice", "file_names");
}

/* ---- splice into a socket ------------------------------------------------ */

Test(e2e_splice, splice_makes_one_datagram_of_the_pipe)
{
	run_same("splice", "pipe_sizes");
}

Test(e2e_splice, splice_refuses_more_than_a_datagram_can_hold)
{
	run_same("splice", "pipe_too_large");
}

Test(e2e_splice, splice_f_more_makes_one_datagram_of_the_parts)
{
	run_same("splice", "pipe_parts");
}

Test(e2e_splice, packets_of_a_pipe_are_joined_and_parted)
{
	run_same("splice", "pipe_packets");
}

Test(e2e_splice, an_empty_pipe_is_eagain_or_the_end)
{
	run_same("splice", "pipe_empty");
}

Test(e2e_splice, splice_judges_its_arguments_as_udp_does)
{
	run_same("splice", "pipe_refused");
}

Test(e2e_splice, a_splice_that_fails_loses_nothing)
{
	run_same("splice", "pipe_kept");
}

Test(e2e_splice, splice_is_called_by_number)
{
	run_same("splice", "pipe_by_number");
}

/* ---- a wait for the pipe ------------------------------------------------- */

Test(e2e_splice, a_wait_holds_no_descriptor_and_ends_with_the_data)
{
	run_same("splice", "wait_ends");
}

Test(e2e_splice, a_wait_is_interrupted_or_goes_on_as_sa_restart_says)
{
	run_same("splice", "wait_is_interrupted");
}

Test(e2e_splice, a_thread_cancelled_in_a_wait_leaves_nothing)
{
	run_same("splice", "wait_is_cancelled");
}

Test(e2e_splice, splice_is_a_cancellation_point_and_sendfile_is_none)
{
	run_same("splice", "cancelled_before");
}

Test(e2e_splice, a_handler_that_jumps_out_of_a_wait_leaves_nothing)
{
	run_same("splice", "wait_is_jumped_out_of");
}

/* ---- a socket that takes no more ----------------------------------------- */

Test(e2e_splice, a_full_socket_is_eagain_and_loses_nothing)
{
	run_same("splice", "full");
}

Test(e2e_splice, a_thread_cancelled_in_a_full_socket_leaves_nothing)
{
	run_same("splice", "cancelled_in_send");
}

/* ---- what stays behind --------------------------------------------------- */

Test(e2e_splice, no_descriptor_stays_behind)
{
	run_same("splice", "nothing_behind");
}

Test(e2e_splice, large_datagrams_are_sent_from_a_small_stack)
{
	run_same("splice", "small_stack");
}

Test(e2e_splice, a_number_that_is_no_socket_any_more_is_the_kernels)
{
	run_same("splice", "stale");
}

/* ---- where COP differs --------------------------------------------------- */

Test(e2e_splice, many_pieces_in_a_pipe_make_one_datagram)
{
	run_says("splice", "pipe_pieces",
		 "splice(pipes[0], NULL, sock_a, NULL, 100000, 0) = 65491\n"
		 "  datagram of 65491, the file's bytes\n"
		 "  then EAGAIN\n"
		 "splice(pipes[0], NULL, sock_a, NULL, 39500, 0) = 39500\n"
		 "  500 left in the pipe\n"
		 "  datagram of 39500, the file's bytes\n"
		 "  then EAGAIN\n"
		 "splice(pipes[0], NULL, sock_a, NULL, 200000, 0) = "
		 "-1 EMSGSIZE\n"
		 "  120000 left in the pipe\n"
		 "  then EAGAIN\n");
}

Test(e2e_splice, without_a_second_pipe_splice_fails)
{
	run_says("splice", "no_descriptor",
		 "splice(pipes[0], NULL, sock_a, NULL, 5, 0) = -1 ENOBUFS\n"
		 "  10 left in the pipe\n"
		 "sendfile(sock_a, fd, NULL, 5) = 5\n"
		 "  datagram of 5, the file's bytes\n"
		 "  then EAGAIN\n");
}

Test(e2e_splice, datagrams_with_a_header_do_not_go_into_a_pipe)
{
	run_says("splice", "out_of_socket",
		 "send(sock_a, content, 10, 0) = 10\n"
		 "splice(sock_b, NULL, pipes[1], NULL, 10, 0) = -1 EINVAL\n"
		 "splice(sock_b, NULL, pipes[1], NULL, 10, "
		 "SPLICE_F_NONBLOCK) = -1 EINVAL\n"
		 "sendfile(pipes[1], sock_b, NULL, 10) = -1 EINVAL\n"
		 "syscall(SYS_splice, sock_b, NULL, pipes[1], NULL, 10ul, 0) = "
		 "-1 EINVAL\n"
		 "  0 left in the pipe\n"
		 "  datagram of 10, the file's bytes\n"
		 "  then EAGAIN\n");
}

Test(e2e_splice, splice_out_of_a_socket_judges_its_arguments_as_udp_does)
{
	run_same("splice", "out_refused");
}
