// SPDX-License-Identifier: MIT
/*
 * test_corners.c - calls that go wrong halfway, and things that change under a
 * socket: its filter, its number, the ports that there are. progs/corners.c has
 * the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

static void expect_says(const char *scenario, const char *expected)
{
	run_says("corners", scenario, expected);
}

Test(e2e_corners, an_option_that_fails_with_ebadf_leaves_a_cop_socket)
{
	run_same("corners", "filter_from_bad_descriptor");
}

Test(e2e_corners, a_stray_wakes_nobody_once_the_programs_filter_is_gone)
{
	expect_says("filter_taken_away",
		    "epoll_ctl(epfd, EPOLL_CTL_ADD, sock_b, &event) = 0\n"
		    "setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog, "
		    "sizeof(prog)) = 0\n"
		    "setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &none, "
		    "sizeof(none)) = 0\n"
		    "wait_for_events(epfd) = 0\n"
		    "wait_for_events(epfd) = 1\n"
		    "recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT) = 3\n");
}

Test(e2e_corners, recvmmsg_delivers_nothing_if_strays_use_up_its_time)
{
	expect_says("stray_uses_up_the_time",
		    "recvmmsg(sock_b, &msg, 1, MSG_DONTWAIT, &no_time) = -1 "
		    "EAGAIN\n");
}

#define NUMBERED(first, number)                               \
	"recv(peer, wire, sizeof(wire), MSG_DONTWAIT) = 18\n" \
	"  first: " first ", number " number "\n"

Test(e2e_corners, sendmmsg_with_a_name_of_no_length_numbers_on)
{
	expect_says("numbered_by_sendmmsg",
		    NUMBERED("1", "0") NUMBERED("0", "1") NUMBERED("0", "2"));
}

Test(e2e_corners, a_datagram_of_which_a_part_fails_has_one_header)
{
	run_same("corners", "part_that_fails");
}

Test(e2e_corners, a_unix_stream_that_is_passed_to_a_stale_number_is_whole)
{
	run_same("corners", "passed_unix");
}

Test(e2e_corners, tcp_that_is_passed_to_a_stale_number_is_whole)
{
	run_same("corners", "passed_tcp");
}

Test(e2e_corners, a_port_is_found_when_the_one_before_disconnect_is_taken)
{
	run_same("corners", "port_taken_after_disconnect");
}

Test(e2e_corners, a_range_that_changes_before_bind_leaves_a_cop_socket)
{
	expect_says("range_changes_before_bind",
		    "bind_at(fd, \"127.0.0.1\", 0) = 0\n"
		    "recv(fd, buf, sizeof(buf), MSG_DONTWAIT) = -1 EAGAIN\n"
		    "getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) = 0\n"
		    "  type 7\n");
}
