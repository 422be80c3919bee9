// SPDX-License-Identifier: MIT
/*
 * test_only6.c - what sockets of AF_INET6 have and those of AF_INET don't.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_only6, the_largest_payload_over_ipv6_is_65511_bytes)
{
	run_same_inet("only6", "longest"); /* knows both limits */
}

Test(e2e_only6, the_largest_payload_to_ipv4_is_that_of_ipv4)
{
	run_same_inet("only6", "longest_mapped");
}

Test(e2e_only6, a_probe_takes_any_length)
{
	run_same_inet("only6", "probes");
}

Test(e2e_only6, an_address_shorter_than_28_bytes_has_no_scope)
{
	run_same_inet("only6", "short_scopes");
}

Test(e2e_only6, a_socket_that_becomes_one_of_ipv4_has_its_addresses)
{
	run_same_inet("only6", "addrform");
}

Test(e2e_only6, the_length_of_a_name_comes_even_if_the_name_is_unwritable)
{
	run_same_inet("only6", "bad_names");
}

Test(e2e_only6, a_receive_tells_the_mtu_of_the_path)
{
	run_same_inet("only6", "path_mtu");
}

Test(e2e_only6, ipv4_works_on_a_kernel_without_ipv6)
{
	run_same_inet("only6", "without_ipv6");
}

Test(e2e_only6, an_option_without_a_value_is_0)
{
	run_same_inet("only6", "no_value");
}
