// SPDX-License-Identifier: MIT
/*
 * test_stale.c - descriptors closed unseen whose numbers are something else's by
 * now: each call acts on what the number means, as without libcop. progs/stale.c
 * has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_stale, a_file_with_a_stale_number_is_read_and_written_whole)
{
	run_same("stale", "by_file");
}

Test(e2e_stale, memory_with_a_stale_number_is_read_and_written_whole)
{
	run_same("stale", "by_memory");
}

Test(e2e_stale, devices_with_stale_numbers_are_read_and_written)
{
	run_same("stale", "by_null");
}

Test(e2e_stale, a_pipe_with_stale_numbers_is_read_and_written_whole)
{
	run_same("stale", "by_pipe");
}

Test(e2e_stale, an_eventfd_with_a_stale_number_is_an_eventfd)
{
	run_same("stale", "by_event");
}

Test(e2e_stale, an_epoll_set_with_a_stale_number_is_an_epoll_set)
{
	run_same("stale", "by_epoll");
}

Test(e2e_stale, a_unix_stream_with_stale_numbers_is_read_and_written_whole)
{
	run_same("stale", "by_unix_stream");
}

Test(e2e_stale, unix_datagrams_with_stale_numbers_are_read_and_written_whole)
{
	run_same("stale", "by_unix_datagram");
}

Test(e2e_stale, udp_sockets_with_stale_numbers_speak_udp)
{
	run_same_on_cop("stale", "by_udp"); /* "by_same_kind" otherwise */
}

Test(e2e_stale, sockets_of_the_same_kind_with_stale_numbers_work)
{
	run_same("stale", "by_same_kind");
}

Test(e2e_stale, a_duplicate_with_a_stale_number_is_read_and_written_whole)
{
	run_same("stale", "by_dup");
}

Test(e2e_stale, unix_datagrams_made_unseen_are_read_whole)
{
	run_same("stale", "by_unseen_unix");
}

Test(e2e_stale, udp_sockets_made_unseen_are_read_whole)
{
	run_same("stale", "by_unseen_udp");
}

Test(e2e_stale, tcp_with_stale_numbers_is_read_and_written_whole)
{
	run_same("stale", "by_tcp");
}

Test(e2e_stale, a_stdio_file_with_a_stale_number_is_read_and_written_whole)
{
	run_same("stale", "by_fopen");
}

Test(e2e_stale, numbers_closed_by_closefrom_are_not_captured)
{
	run_same("stale", "by_closefrom");
}

Test(e2e_stale, a_port_closed_unseen_can_be_bound_again)
{
	run_same("stale", "port_is_free");
}

Test(e2e_stale, a_socket_closed_unseen_is_ebadf)
{
	run_same("stale", "closed_and_used");
}

Test(e2e_stale, a_port_closed_unseen_is_free_though_its_number_is_a_files)
{
	run_same("stale", "port_is_free_though_the_number_is_used");
}
