// SPDX-License-Identifier: MIT
/*
 * test_pktinfo.c - lib/pktinfo.c: the addresses in control messages.
 */
#include "lib/pktinfo.h"
#include "unit/helpers.h"

#ifndef IPV6_2292PKTINFO
#define IPV6_2292PKTINFO 2
#endif

TestSuite(cop_pktinfo, .init = t_init, .timeout = 20);

static struct cop_endpoint end_of(const char *ip)
{
	struct cop_endpoint end = { .port = htons(7) };

	cr_assert(eq(int, inet_pton(AF_INET6, ip, &end.addr), 1));
	return end;
}

static void is_on_wire(const union cop_addr *addr, const char *ip)
{
	char text[COP_ADDR_TEXT];

	cop_addr_print(text, sizeof(text), addr);
	cr_assert(eq(str, text, (char *)ip));
}

Test(cop_pktinfo, an_end_on_the_wire_has_the_family_of_its_ip_header)
{
	struct cop_endpoint end = end_of("::ffff:192.0.2.1");
	union cop_addr addr;

	cop_addr_on_wire(&end, &addr);
	is_on_wire(&addr, "192.0.2.1:0");
	end = end_of("2001:db8::1");
	cop_addr_on_wire(&end, &addr);
	is_on_wire(&addr, "[2001:db8::1]:0");
	end = end_of("::");
	cop_addr_on_wire(&end, &addr);
	cr_assert(eq(int, addr.family, AF_UNSPEC));
	end = end_of("::ffff:0.0.0.0");
	cop_addr_on_wire(&end, &addr);
	cr_assert(eq(int, addr.family, AF_UNSPEC));
}

static const struct {
	const char *to, *from, *reached;
} any[] = {
	{ "::ffff:0.0.0.0", "::", "::ffff:127.0.0.1" },
	{ "::ffff:0.0.0.0", "::ffff:0.0.0.0", "::ffff:127.0.0.1" },
	{ "::ffff:0.0.0.0", "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
	{ "::", "::", "::1" },
	{ "::", "::ffff:0.0.0.0", "::ffff:127.0.0.1" },
	{ "::", "2001:db8::1", "::1" },
	{ "::", "::ffff:192.0.2.1", "::ffff:127.0.0.1" },
	{ "2001:db8::2", "::", "2001:db8::2" },
	{ "::ffff:192.0.2.2", "::", "::ffff:192.0.2.2" },
};

Test(cop_pktinfo, the_wildcard_is_reached_where_the_kernel_sends_it)
{
	for (size_t i = 0; i < ARRAY_SIZE(any); i++) {
		struct cop_endpoint to = end_of(any[i].to);
		struct cop_endpoint from = end_of(any[i].from);
		struct cop_endpoint reached = end_of(any[i].reached);

		cop_dest_of_any(&to, &from);
		cr_assert(zero(int, memcmp(&to.addr, &reached.addr, 16)),
			  "%s from %s", any[i].to, any[i].from);
	}
}

Test(cop_pktinfo, the_kernel_says_where_a_datagram_was_sent_to)
{
	unsigned char control[256] __attribute__((aligned(8)));
	struct msghdr msg = { .msg_control = control,
			      .msg_controllen = sizeof(control) };
	union cop_addr dest = { .family = AF_UNSPEC };
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	cop_pktinfo_ask(udp, AF_INET);
	cr_assert(zero(int, bind(udp,
				 (struct sockaddr *)&(struct sockaddr_in){
					 .sin_family = AF_INET },
				 sizeof(struct sockaddr_in))));
	t_udp_send(t_udp(), t_port(udp), "x", 1);
	cr_assert(eq(long, recvmsg(udp, &msg, 0), 0));
	cr_assert(cop_pktinfo_dest(CMSG_FIRSTHDR(&msg), AF_INET, &dest));
	is_on_wire(&dest, "127.0.0.1:0");
	cr_assert(not(cop_pktinfo_dest(CMSG_FIRSTHDR(&msg), AF_INET6, &dest)));
}

static bool source_for(int family, bool to_v4, int level, int type,
		       const void *data, size_t len, union cop_addr *source)
{
	unsigned char room[CMSG_SPACE(64)] __attribute__((aligned(8)));
	struct cmsghdr *cmsg = (struct cmsghdr *)room;

	*cmsg = (struct cmsghdr){ CMSG_LEN(len), level, type };
	memcpy(CMSG_DATA(cmsg), data, len);
	return cop_pktinfo_source(cmsg, family, to_v4, source);
}

static bool source_of(int level, int type, const void *data, size_t len,
		      union cop_addr *source)
{
	return source_for(AF_INET6, true, level, type, data, len, source);
}

Test(cop_pktinfo, a_message_names_the_source_of_a_send)
{
	struct in_pktinfo in = { .ipi_spec_dst.s_addr =
					 inet_addr("192.0.2.1") };
	struct in6_pktinfo in6 = { .ipi6_addr = end_of("2001:db8::1").addr };
	union cop_addr source;

	cr_assert(source_of(IPPROTO_IP, IP_PKTINFO, &in, sizeof(in), &source));
	is_on_wire(&source, "192.0.2.1:0");
	cr_assert(source_of(IPPROTO_IPV6, IPV6_PKTINFO, &in6, sizeof(in6),
			    &source));
	is_on_wire(&source, "[2001:db8::1]:0");
	cr_assert(not(source_of(IPPROTO_IPV6, IPV6_2292PKTINFO, &in6,
				sizeof(in6), &source)));
	source.family = AF_UNSPEC;
	cr_assert(source_for(AF_INET6, false, IPPROTO_IPV6, IPV6_2292PKTINFO,
			     &in6, sizeof(in6), &source));
	is_on_wire(&source, "[2001:db8::1]:0");
	in6.ipi6_addr = end_of("::ffff:192.0.2.3").addr;
	cr_assert(source_of(IPPROTO_IPV6, IPV6_PKTINFO, &in6, sizeof(in6),
			    &source));
	is_on_wire(&source, "192.0.2.3:0");
}

Test(cop_pktinfo, a_message_without_an_address_names_no_source_of_its_own)
{
	struct in6_pktinfo in6 = { .ipi6_ifindex = 1 };
	struct in_pktinfo in = { .ipi_ifindex = 1 };
	union cop_addr source = { .family = AF_INET };

	cr_assert(source_of(IPPROTO_IP, IP_PKTINFO, &in, sizeof(in), &source));
	cr_assert(eq(int, source.family, AF_UNSPEC));
	cr_assert(not(source_of(IPPROTO_IPV6, IPV6_PKTINFO, &in6, sizeof(in6),
				&source)));
	in.ipi_spec_dst.s_addr = 1;
	cr_assert(not(source_of(IPPROTO_IP, IP_PKTINFO, &in, 4, &source)));
	cr_assert(not(source_of(IPPROTO_IP, IP_TTL, &in, sizeof(in), &source)));
}

Test(cop_pktinfo, each_family_has_an_option_of_its_own)
{
	cr_assert(cop_is_pktinfo(AF_INET, IPPROTO_IP, IP_PKTINFO));
	cr_assert(not(cop_is_pktinfo(AF_INET6, IPPROTO_IP, IP_PKTINFO)));
	cr_assert(cop_is_pktinfo(AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO));
	cr_assert(not(cop_is_pktinfo(AF_INET, IPPROTO_IPV6, IPV6_RECVPKTINFO)));
}

Test(cop_pktinfo, a_message_for_another_family_counts_for_nothing)
{
	struct in_pktinfo in = { .ipi_spec_dst.s_addr =
					 inet_addr("192.0.2.1") };
	struct in6_pktinfo in6 = { .ipi6_addr = end_of("2001:db8::1").addr };
	union cop_addr source;

	cr_assert(not(source_for(AF_INET, true, IPPROTO_IPV6, IPV6_PKTINFO,
				 &in6, sizeof(in6), &source)));
	cr_assert(not(source_for(AF_INET6, false, IPPROTO_IP, IP_PKTINFO, &in,
				 sizeof(in), &source)));
	cr_assert(source_for(AF_INET, true, IPPROTO_IP, IP_PKTINFO, &in,
			     sizeof(in), &source));
}
