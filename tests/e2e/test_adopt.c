// SPDX-License-Identifier: MIT
/*
 * test_adopt.c - COP_ADOPT=udp: what UDP has and COP has not, and what is left to
 * the kernel. That the rest is as on UDP is part of all tests that run_same()
 * makes. progs/adopt.c has the calls.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "runner.h"

static struct run_result result;

/* ---- UDP's name ---------------------------------------------------------- */

Test(e2e_adopt, a_socket_says_that_it_is_udp)
{
	run_same_adopted("ours", "type");
}

Test(e2e_adopt, udp_is_adopted_however_it_is_asked_for)
{
	run_same_adopted("adopt", "asked_for");
}

Test(e2e_adopt, other_types_protocols_and_families_are_the_kernels)
{
	run_same_adopted("adopt", "others");
}

/* ---- UDP's ports --------------------------------------------------------- */

Test(e2e_adopt, a_taken_port_is_refused_at_its_address)
{
	run_same_adopted("ours", "port_rule");
}

Test(e2e_adopt, a_taken_port_is_shared_by_so_reuseaddr_and_so_reuseport)
{
	run_same_adopted("ours", "reuse_rule");
}

Test(e2e_adopt, a_port_taken_by_another_process_is_refused_at_its_address)
{
	run_same_adopted("ours", "process_rule");
}

Test(e2e_adopt, two_addresses_share_a_port)
{
	run_same_adopted("adopt", "two_addresses");
}

Test(e2e_adopt, of_sockets_with_so_reuseaddr_the_kernels_choice_hears)
{
	run_same_adopted("adopt", "reuse_address");
}

Test(e2e_adopt, a_group_of_so_reuseport_shares_the_arrivals)
{
	run_same_adopted("adopt", "reuse_port");
}

Test(e2e_adopt, processes_share_a_port)
{
	run_same_adopted("adopt", "shared_by_processes");
}

Test(e2e_adopt, a_connected_socket_hears_its_peer_beside_one_for_all)
{
	run_same_adopted("adopt", "connected_beside");
}

Test(e2e_adopt, multicast_and_broadcast_reach_all_that_share_a_port)
{
	run_same_adopted("adopt", "to_all");
}

Test(e2e_adopt, a_program_that_does_not_look_chooses_from_a_group)
{
	run_same_adopted("adopt", "choosers");
}

Test(e2e_adopt, a_program_that_looks_at_the_payload_chooses_from_a_group)
{
	run_same_adopted("adopt", "payload_choosers");
}

#define LENGTH_CHOOSER "choose_by(by_length, ARRAY_SIZE(by_length)) = "

/* It would be told the header's, too. */
Test(e2e_adopt, a_program_that_asks_for_the_length_is_refused)
{
	run_unadopted_says("adopt", "length_chooser", LENGTH_CHOOSER "0\n");
	run_adopted_says("adopt", "length_chooser",
			 LENGTH_CHOOSER "-1 EINVAL\n");
}

Test(e2e_adopt, a_descriptor_that_is_no_ebpf_program_is_refused_as_on_udp)
{
	run_same_adopted("adopt", "not_an_ebpf_chooser");
}

#define EBPF_CHOOSER                                                        \
	"setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) = 0\n" \
	"setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, "   \
	"sizeof(program)) = "

/* Nobody can see what it looks at. */
Test(e2e_adopt, an_ebpf_program_that_chooses_is_refused)
{
	run_unadopted_says("faults", "ebpf_chooser", EBPF_CHOOSER "0\n");
	run_adopted_says("faults", "ebpf_chooser", EBPF_CHOOSER "-1 EINVAL\n");
}

/* ---- beside COP's own ---------------------------------------------------- */

#define IN_USE "-1 EADDRINUSE\n"
#define REFUSED                                                               \
	"cop_at(\"127.0.0.1\") = " IN_USE "cop_at(\"127.0.0.2\") = " IN_USE   \
	"cop_at(\"0.0.0.0\") = " IN_USE "share(0, \"127.0.0.1\") = " IN_USE   \
	"share(SO_REUSEADDR, \"127.0.0.1\") = " IN_USE                        \
	"share(0, \"0.0.0.0\") = " IN_USE "share(0, \"127.0.0.2\") < 0 = 0\n" \
	"cop_at(\"127.0.0.3\") = " IN_USE

/* Once in the process that has bound the port, and once in another. */
Test(e2e_adopt, beside_a_cop_socket_each_goes_by_its_own_rule)
{
	run_adopted_says("adopt", "beside_cop", REFUSED REFUSED);
}

Test(e2e_adopt, a_cop_socket_is_refused_a_port_that_an_adopted_one_has)
{
	run_adopted_says("adopt", "cop_beside", REFUSED REFUSED);
}

#define RECVFROM(fd)                                                 \
	"recvfrom(" fd ", buf, 64, MSG_DONTWAIT, ((struct sockaddr " \
	"*)(&from)), &fromlen) = 6\n"

Test(e2e_adopt, an_adopted_socket_and_a_cop_socket_hear_each_other)
{
	run_adopted_says(
		"adopt", "talks_to_cop",
		"sendto(sock_a, \"to COP\", 6, 0, SA(&addr), sizeof(addr)) = "
		"6\n" RECVFROM(
			"cop") "  buf to COP..................  address (16) "
			       "127.0.0.1:A\n"
			       "sendto(cop, \"to UDP\", 6, 0, SA(&addr_a), "
			       "sizeof(addr_a)) = 6\n" RECVFROM(
				       "sock_a") "  buf to "
						 "UDP..................  "
						 "address (16) 127.0.0.1:P\n");
}

/* ---- on the wire ---------------------------------------------------------- */

#define ON_WIRE(bytes, header) SENT("addr", bytes, header)
#define SENT(to, bytes, header)                                            \
	"sendto(fd, \"payload\", 7, 0, SA(&" to "), sizeof(" to ")) = 7\n" \
	"recv(tap, buf, 64, MSG_DONTWAIT) = " bytes "\n"                   \
	"has_header() = " header "\n"
#define ON_COP ON_WIRE("23", "1")
#define ON_UDP ON_WIRE("7", "0")

Test(e2e_adopt, a_datagram_of_an_adopted_socket_has_a_header)
{
	run_adopted_says("adopt", "wire", ON_COP "close(fd) = 0\n" ON_COP);
}

Test(e2e_adopt, a_socket_of_ipv6_sends_a_header_to_ipv4_as_well)
{
	run_adopted_says("adopt", "wire_of_ipv6", SENT("mapped", "23", "1"));
}

Test(e2e_adopt, without_the_variable_udp_is_the_kernels)
{
	run_unadopted_says("adopt", "wire", ON_UDP "close(fd) = 0\n" ON_UDP);
}

Test(e2e_adopt, an_adopted_socket_has_stats)
{
	static const char *const argv[] = { COP_BUILD_DIR "/tests/progs/adopt",
					    "adopted", "wire", NULL };
	static const char *const env[] = { "COP_ADOPT=udp", "COP_STATS=stderr",
					   NULL };
	static const char *const udp[] = { "COP_STATS=stderr", NULL };

	cr_expect_eq(run(&result, argv, true, env), 0, "%s", result.err);
	cr_expect_not_null(strstr(result.err, " tx=1 tx_bytes=7 "), "%s",
			   result.err);
	cr_expect_eq(run(&result, argv, true, udp), 0, "%s", result.err);
	cr_expect_str_empty(result.err);
}

/* Such a thread's descriptors are not those that the table knows. */
Test(e2e_adopt, a_thread_with_descriptors_of_its_own_makes_plain_udp)
{
	run_adopted_says("adopt", "parted",
			 "unshare(CLONE_FILES) = 0\n"
			 "lacks_peek_offset(fd) = 0\n" ON_UDP
			 "of_the_kind(sock_a) = 1\n"
			 "of_the_kind(sock()) = 1\n" ON_COP);
}

/* ---- handed on ------------------------------------------------------------- */

#define USED(keeps, own, wire)                                            \
	"lacks_peek_offset(fd) = " keeps "\n"                             \
	"lacks_peek_offset(sock()) = " own "\n"                           \
	"sendto(fd, \"handed on\", 9, 0, SA(&addr_b), sizeof(addr_b)) = " \
	"9\n" wire "close(fd) = 0\n"                                      \
	"status 0\n"                                                      \
	"recvfrom(sock_b, buf, 64, MSG_DONTWAIT, ((struct sockaddr "      \
	"*)(&from)), &fromlen) = 9\n"                                     \
	"  buf handed on...............  address (16) 127.0.0.1:A\n"

Test(e2e_adopt, an_adopted_socket_is_handed_to_programs_with_and_without)
{
	run_adopted_says("adopt", "inherited",
			 USED("1", "1", ON_COP) USED("1", "0", ON_COP));
}

Test(e2e_adopt, an_adopted_socket_is_sent_to_programs_with_and_without)
{
	run_adopted_says("adopt", "received",
			 USED("1", "1", ON_COP) USED("1", "0", ON_COP));
}

/* What was plain stays so, also where new ones are adopted. */
Test(e2e_adopt, plain_udp_is_handed_to_programs_without_and_with)
{
	run_unadopted_says("adopt", "inherited",
			   USED("0", "0", ON_UDP) USED("0", "1", ON_UDP));
}

Test(e2e_adopt, plain_udp_is_sent_to_programs_without_and_with)
{
	run_unadopted_says("adopt", "received",
			   USED("0", "0", ON_UDP) USED("0", "1", ON_UDP));
}
