// SPDX-License-Identifier: MIT
/*
 * test_mapped.c - addresses of IPv4 on sockets of AF_INET6: the scenarios of other tests,
 * with ::ffff:127.0.0.1 for the loopback address and :: for any.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "runner.h"

struct scenario {
	char prog[16];
	char what[32];
};

static struct scenario scenarios[] = {
	{ "corked", "after_parts" },
	{ "corked", "by_the_option" },
	{ "corked", "in_fragments" },
	{ "corked", "shut_meanwhile" },
	{ "corked", "while_others_are_under_way" },
	{ "data", "bad_buffers" },
	{ "data", "bad_payloads" },
	{ "data", "destinations" },
	{ "data", "do_not_wait" },
	{ "data", "empty" },
	{ "data", "ioctls" },
	{ "data", "many_iovecs" },
	{ "data", "message_destinations" },
	{ "data", "more" },
	{ "data", "more_elsewhere" },
	{ "data", "more_refused" },
	{ "data", "nothing_asked" },
	{ "data", "nothing_written" },
	{ "data", "odd_iovecs" },
	{ "data", "offsets" },
	{ "data", "other_flags" },
	{ "data", "peek" },
	{ "data", "queued" },
	{ "data", "queued_behind_an_error" },
	{ "data", "receive_ways" },
	{ "data", "rw_flags" },
	{ "data", "send_ways" },
	{ "data", "short_buffers" },
	{ "data", "sizes" },
	{ "data", "source_faults" },
	{ "data", "sources" },
	{ "data", "too_large" },
	{ "messages", "control_in_many" },
	{ "messages", "control_malformed" },
	{ "messages", "control_received" },
	{ "messages", "control_sent" },
	{ "messages", "error_comes_late" },
	{ "messages", "error_queue" },
	{ "messages", "error_queue_connected" },
	{ "messages", "error_queue_in_many" },
	{ "messages", "frames" },
	{ "messages", "length_behind_an_error" },
	{ "messages", "many" },
	{ "messages", "many_at_most" },
	{ "messages", "many_cut" },
	{ "messages", "many_iovecs_each" },
	{ "messages", "many_peeked" },
	{ "messages", "one_is_refused" },
	{ "messages", "segments" },
	{ "messages", "time_without_end" },
	{ "messages", "timestamps_received" },
	{ "messages", "until_time_is_up" },
	{ "messages", "wait_for_one" },
	{ "names", "bind_after_disconnect" },
	{ "names", "bind_again" },
	{ "names", "bind_families" },
	{ "names", "bind_fault_pairs" },
	{ "names", "bind_freely" },
	{ "names", "bind_kinds" },
	{ "names", "bind_lengths" },
	{ "names", "bind_pointers" },
	{ "names", "bind_taken" },
	{ "names", "broadcast" },
	{ "names", "broadcast_is_heard" },
	{ "names", "connect_failed_unbound" },
	{ "names", "connect_families" },
	{ "names", "connect_lengths" },
	{ "names", "connect_names" },
	{ "names", "connect_pointers" },
	{ "names", "disconnect_frees_port" },
	{ "names", "disconnect_unbound" },
	{ "names", "disconnect_ways" },
	{ "names", "name_lengths" },
	{ "names", "name_pointers" },
	{ "names", "no_stream_calls" },
	{ "names", "only_peer_is_heard" },
	{ "names", "refused" },
	{ "names", "shutdown_ways" },
	{ "names", "unreachable" },
	{ "ports", "exhausted_alone" },
	{ "ports", "exhausted_together" },
	{ "ports", "inherited" },
	{ "ports", "killed" },
};

ParameterizedTestParameters(e2e_mapped, ipv4_on_a_socket_of_ipv6_is_as_on_udp)
{
	return cr_make_param_array(struct scenario, scenarios,
				   sizeof(scenarios) / sizeof(*scenarios));
}

ParameterizedTest(struct scenario *s, e2e_mapped,
		  ipv4_on_a_socket_of_ipv6_is_as_on_udp)
{
	run_same_mapped(s->prog, s->what);
}
