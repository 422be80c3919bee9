// SPDX-License-Identifier: MIT
/*
 * test_ports.c - who gets a port, between processes, threads and signal
 * handlers, and what kind of address it can be at. progs/ports.c and
 * progs/kinds.c have the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

static void expect_says(const char *scenario, const char *expected)
{
	run_says("ports", scenario, expected);
}

/* ---- two processes ------------------------------------------------------ */

/* Where UDP would allow some of them. */
#define REFUSED(ip, against) ip " against " against ": EADDRINUSE\n"
#define ALL_REFUSED                       \
	REFUSED("0.0.0.0", "0.0.0.0")     \
	REFUSED("127.0.0.1", "127.0.0.1") \
	REFUSED("127.0.0.2", "127.0.0.1") \
	REFUSED("127.0.0.1", "0.0.0.0")   \
	REFUSED("0.0.0.0", "127.0.0.1")   \
	REFUSED("127.0.0.1", "224.0.0.1") \
	REFUSED("224.0.0.1", "0.0.0.0")   \
	REFUSED("127.0.0.1", "127.255.255.255")

Test(e2e_ports, a_port_of_another_process_is_refused_at_any_address)
{
	expect_says("taken_by_number", ALL_REFUSED);
}

Test(e2e_ports, an_ephemeral_port_of_another_process_is_refused_at_any_address)
{
	expect_says("taken", ALL_REFUSED);
}

#define RACED(end)                                                         \
	"0.0.0.0 and 0.0.0.0: both had it 0 times, other errors 0" end     \
	"127.0.0.1 and 127.0.0.1: both had it 0 times, other errors 0" end \
	"127.0.0.1 and 127.0.0.2: both had it 0 times, other errors 0" end \
	"0.0.0.0 and 127.0.0.1: both had it 0 times, other errors 0" end   \
	"127.0.0.1 and 0.0.0.0: both had it 0 times, other errors 0" end   \
	"224.0.0.1 and 127.0.0.1: both had it 0 times, other errors 0" end \
	"0.0.0.0 and 224.0.0.1: both had it 0 times, other errors 0" end   \
	"127.255.255.255 and 127.0.0.1: both had it 0 times, "             \
	"other errors 0" end

Test(e2e_ports, of_two_processes_that_race_for_a_port_one_gets_it)
{
	expect_says("race", RACED(", none 0\n"));
}

Test(e2e_ports, of_two_threads_that_race_for_a_port_one_gets_it)
{
	expect_says("race_of_threads", RACED(", none 0\n"));
}

Test(e2e_ports, a_killed_process_leaves_its_port_free_at_once)
{
	run_same("ports", "killed");
}

Test(e2e_ports, a_port_is_taken_until_the_forked_child_closes_it_too)
{
	run_same("ports", "inherited");
}

/* ---- all ports ---------------------------------------------------------- */

Test(e2e_ports, a_process_gets_every_port_once_and_then_the_right_error)
{
	run_same("ports", "exhausted_alone");
}

Test(e2e_ports, eight_processes_get_every_port_once_and_then_the_right_error)
{
	run_same("ports", "exhausted_together");
}

/* When all is closed: by number, then by chance. */
#define ALL_TAKEN                         \
	"100 of 100 can be bound again\n" \
	"100 ports of 100, 100 of them once, 0 twice at a time\n"

Test(e2e_ports, eight_threads_get_no_port_twice_and_lose_none)
{
	expect_says("threads",
		    "opened many: yes\n"
		    "0 twice at a time, 0 refused, 0 other errors\n" ALL_TAKEN);
}

Test(e2e_ports, a_signal_handler_may_bind_and_close_during_a_bind_or_close)
{
	expect_says("signals", "0 of the program's failed, 0 of the handler's\n"
			       "descriptors left: 0\n"
			       "many: yes\n" ALL_TAKEN);
}

/* ---- settings ----------------------------------------------------------- */

Test(e2e_ports, a_change_of_range_and_reserved_ports_is_followed_in_a_second)
{
	expect_says("live",
		    "50 of 50 from 40000 to 40099, 0 refused\n"
		    "ip_local_port_range = 41000 41059: "
		    "50 of 50 from 41000 to 41059, 0 refused\n"
		    "ip_local_reserved_ports = 41000-41999,42001,42003-42008: "
		    "0 of 5 from 0 to 0, 5 refused\n"
		    "ip_local_port_range = 42000 42019: "
		    "13 of 13 from 42000 to 42019, 0 refused\n"
		    "try_bind(\"0.0.0.0\", htons(42001)) = 0\n"
		    "ip_local_reserved_ports = 42001: "
		    "6 of 7 from 42003 to 42008, 1 refused\n");
}

/* ---- kinds of addresses ------------------------------------------------- */

Test(e2e_ports, every_kind_of_address_is_bound_and_reached_as_by_udp)
{
	run_same("kinds", "still");
}

Test(e2e_ports, an_addresss_kind_is_the_present_one)
{
	run_same("kinds", "added_and_removed");
}

Test(e2e_ports, no_kind_of_an_address_is_remembered)
{
	run_same("kinds", "added_once_more");
}

Test(e2e_ports, ip_freebind_binds_the_same_addresses_as_udp)
{
	run_same("kinds", "freely");
}

Test(e2e_ports, ip_nonlocal_bind_binds_the_same_addresses_as_udp)
{
	run_same("kinds", "nonlocal");
}

Test(e2e_ports, a_socket_on_a_device_binds_and_reaches_the_same_as_udp)
{
	run_same("kinds", "on_device");
}

Test(e2e_ports, a_missing_device_has_udps_errors)
{
	run_same("kinds", "no_device");
}

Test(e2e_ports, a_privileged_port_is_eacces_taken_or_not)
{
	run_same("kinds", "privileged");
}

Test(e2e_ports, a_privileged_port_is_eacces_if_another_process_has_it)
{
	run_same("kinds", "privileged_elsewhere");
}

Test(e2e_ports, ip_unprivileged_port_start_says_which_are_privileged)
{
	run_same("kinds", "less_privileged");
}
