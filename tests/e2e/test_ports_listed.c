// SPDX-License-Identifier: MIT
/*
 * test_ports_listed.c - COP_ADOPT=udp:PORTS: which sockets are put on COP, when
 * that is decided, and what a socket is until then. progs/listed.c has the calls
 * that decide, progs/undecided.c the others.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "runner.h"

static struct run_result result;

/* ---- bind ------------------------------------------------------------------ */

Test(e2e_ports_listed, a_bind_to_a_listed_port_puts_a_socket_on_cop)
{
	run_same_listed("listed", "binds_listed");
}

Test(e2e_ports_listed, a_bind_to_another_port_leaves_it_to_the_destination)
{
	run_same_listed("listed", "binds_unlisted");
}

Test(e2e_ports_listed, a_bind_that_fails_decides_nothing)
{
	run_same_listed("listed", "bind_fails");
}

/* ---- the first destination ---------------------------------------------------- */

Test(e2e_ports_listed, a_first_send_to_a_listed_port_puts_a_socket_on_cop)
{
	run_same_listed("listed", "sends_to_listed");
}

Test(e2e_ports_listed, after_a_send_to_another_port_it_stays_udp)
{
	run_same_listed("listed", "sends_to_unlisted");
}

Test(e2e_ports_listed, a_connect_to_a_listed_port_puts_a_socket_on_cop)
{
	run_same_listed("listed", "connects_to_listed");
}

Test(e2e_ports_listed, after_a_connect_to_another_port_it_stays_udp)
{
	run_same_listed("listed", "connects_to_unlisted");
}

Test(e2e_ports_listed, a_call_without_a_destination_decides_nothing)
{
	run_same_listed("listed", "goes_nowhere");
}

Test(e2e_ports_listed, a_connect_to_port_0_decides_nothing)
{
	run_same_listed("listed", "connects_to_port_0");
}

Test(e2e_ports_listed, a_send_to_port_0_decides_nothing)
{
	run_same_listed("listed", "sends_to_port_0");
}

Test(e2e_ports_listed, a_connect_that_fails_decides)
{
	run_same_listed("listed", "connect_fails");
}

Test(e2e_ports_listed, the_first_of_many_messages_decides)
{
	run_same_listed("listed", "sends_messages");
}

Test(e2e_ports_listed, the_first_part_of_a_datagram_decides)
{
	run_same_listed("listed", "sends_in_parts");
}

Test(e2e_ports_listed, all_calls_of_a_connected_socket_follow_the_decision)
{
	run_same_listed("listed", "sends_by_all_ways");
}

Test(e2e_ports_listed, sendfile_and_splice_follow_the_decision)
{
	run_same_listed("listed", "sends_files");
}

Test(e2e_ports_listed, a_stream_from_before_follows_the_decision)
{
	run_same_listed("listed", "has_streams");
}

/* ---- receiving first ------------------------------------------------------------- */

Test(e2e_ports_listed, a_receive_at_an_unlisted_port_leaves_it_udp)
{
	run_same_listed("listed", "receives_first");
}

Test(e2e_ports_listed, a_receive_at_a_listed_port_puts_it_on_cop)
{
	run_same_listed("listed", "all_receives_first");
}

Test(e2e_ports_listed, a_peek_at_an_unlisted_port_decides)
{
	run_same_listed("listed", "looks_first");
}

Test(e2e_ports_listed, a_peek_at_a_listed_port_decides)
{
	run_same_listed("listed", "all_looks_first");
}

Test(e2e_ports_listed, recvmmsg_at_an_unlisted_port_gets_the_queued_datagrams)
{
	run_same_listed("listed", "receives_many");
}

Test(e2e_ports_listed, recvmmsg_at_a_listed_port_gets_the_queued_datagrams)
{
	run_same_listed("listed", "all_receives_many");
}

Test(e2e_ports_listed, a_forged_source_port_does_not_put_a_server_on_cop)
{
	run_same_listed("listed", "source_is_forged");
}

Test(e2e_ports_listed, a_receive_that_gets_nothing_decides_nothing)
{
	run_same_listed("listed", "receives_nothing");
}

Test(e2e_ports_listed, the_end_of_a_socket_that_is_shut_decides_nothing)
{
	run_same_listed("listed", "is_shut");
}

Test(e2e_ports_listed, a_waiting_receive_follows_a_decision_of_another_thread)
{
	run_same_listed("listed", "sleeps_meanwhile");
}

/* ---- until it is decided ----------------------------------------------------------- */

Test(e2e_ports_listed, an_undecided_socket_says_that_it_is_udp)
{
	run_same_listed("undecided", "is_udp");
}

Test(e2e_ports_listed, options_from_before_the_decision_stay_set)
{
	run_same_listed("undecided", "keeps_options");
}

#define REFUSED                                              \
	"set(fd, SOL_SOCKET, SO_PEEK_OFF) = -1 EOPNOTSUPP\n" \
	"set(fd, SOL_SOCKET, SO_ZEROCOPY) = -1 EOPNOTSUPP\n" \
	"set(fd, IPPROTO_UDP, UDP_GRO) = 0\n"                \
	"set(fd, IPPROTO_UDP, UDP_ENCAP) = -1 ENOPROTOOPT\n"
#define ACCEPTED                                 \
	"set(fd, SOL_SOCKET, SO_PEEK_OFF) = 0\n" \
	"set(fd, SOL_SOCKET, SO_ZEROCOPY) = 0\n" \
	"set(fd, IPPROTO_UDP, UDP_GRO) = 0\n"    \
	"set(fd, IPPROTO_UDP, UDP_ENCAP) = 0\n"
#define STAYS_UDP                          \
	"send_port(fd, port) = 7\n"        \
	"  on the wire: as it should be\n" \
	"  the socket: as it should be\n"

Test(e2e_ports_listed, options_that_cop_refuses_are_refused_until_it_is_udp)
{
	run_listed_says("undecided", "refuses", REFUSED STAYS_UDP ACCEPTED);
}

Test(e2e_ports_listed, a_wait_at_an_unlisted_port_decides_nothing)
{
	run_same_listed("undecided", "waits");
}

Test(e2e_ports_listed, a_wait_at_a_listed_port_decides_nothing)
{
	run_same_listed("undecided", "all_waits");
}

Test(e2e_ports_listed, a_stray_wakes_no_epoll_from_before_the_decision)
{
	run_same_listed("undecided", "watched_by_epoll");
}

Test(e2e_ports_listed, a_stray_does_not_end_a_wait_from_before_the_decision)
{
	run_same_listed("undecided", "waits_meanwhile");
}

/* ---- filters -------------------------------------------------------------------------- */

Test(e2e_ports_listed, a_filter_is_moved_with_the_socket)
{
	run_same_listed("undecided", "has_filter");
}

/* And says so, as often as there was something to decide. */
static void stays_udp_with(const char *scenario)
{
	static const char *const env[] = { "COP_DEBUG=1", NULL };
	const char *const argv[] = { COP_BUILD_DIR "/tests/progs/undecided",
				     "listed", scenario, NULL };
	const char *said = result.err;
	int times = 0;

	run_same_listed("undecided", scenario);
	cr_expect_eq(run(&result, argv, true, env), 0, "%s", result.err);
	while ((said = strstr(said, " stays UDP: its filter can't be moved"))) {
		times++;
		said++;
	}
	cr_expect_eq(times, 2, "%s", result.err);
}

Test(e2e_ports_listed, a_socket_with_a_filter_that_cannot_be_moved_stays_udp)
{
	stays_udp_with("unmovable");
}

Test(e2e_ports_listed, a_socket_whose_filter_is_locked_stays_udp)
{
	stays_udp_with("locked");
}

/* ---- all who have it ------------------------------------------------------------------ */

Test(e2e_ports_listed, a_decision_is_for_all_duplicates)
{
	run_same_listed("undecided", "has_duplicates");
}

Test(e2e_ports_listed, a_decision_is_the_same_on_both_sides_of_a_fork)
{
	run_same_listed("undecided", "forks");
	run_same_listed("undecided", "shares");
}

Test(e2e_ports_listed, a_program_gets_a_socket_as_it_was_decided)
{
	run_same_listed("undecided", "is_handed_on");
}

Test(e2e_ports_listed, a_socket_that_is_closed_leaves_nothing)
{
	run_same_listed("undecided", "closes");
}

Test(e2e_ports_listed, eight_threads_that_decide_at_once_come_to_one_decision)
{
	run_same_listed("undecided", "races");
}

/* ---- what is said of it ----------------------------------------------------------------- */

static void run_counted(const char *setting)
{
	static const char *const argv[] = { COP_BUILD_DIR
					    "/tests/progs/undecided",
					    "listed", "counted", NULL };
	const char *const env[] = { setting, NULL };

	cr_expect_eq(run(&result, argv, true, env), 0, "%s", result.err);
}

static const char *behind(const char *text, const char *part)
{
	const char *at = strstr(text, part);

	return at ? at + strlen(part) : NULL;
}

Test(e2e_ports_listed, stats_are_printed_for_cop_sockets_only)
{
	const char *rest;

	run_counted("COP_STATS=stderr");
	rest = behind(result.err, " tx=1 tx_bytes=7 ");
	cr_assert_not_null(rest, "%s", result.err);
	rest = behind(rest, "\nflow pid=");
	cr_assert_not_null(rest, "%s", result.err);
	cr_expect_str_eq(strchrnul(rest, '\n'), "\n", "%s", result.err);
}

Test(e2e_ports_listed, debug_says_which_sockets_stay_udp_and_why)
{
	const char *rest;

	run_counted("COP_DEBUG=2");
	rest = behind(result.err, " stays UDP: port ");
	cr_assert_not_null(rest, "%s", result.err);
	rest = behind(rest, " stays UDP: port ");
	cr_assert_not_null(rest, "%s", result.err);
	rest = behind(rest, " is not listed\n");
	cr_assert_not_null(rest, "%s", result.err);
	cr_expect_null(behind(rest, " stays UDP: port "));
}
