// SPDX-License-Identifier: MIT
/*
 * test_ends.c - datagram/ends.c: the addresses of a datagram that is sent.
 */
#include "datagram/ends.h"
#include "unit/helpers.h"

TestSuite(cop_ends_sent, .init = t_init, .timeout = 20);

static struct cop_ends sent(int fd, const char *to, const struct msghdr *msg)
{
	struct sockaddr_in name = t_addr(to ?: LOOPBACK, 9);
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	struct cop_ends ends;
	struct cop_tx tx;

	cop_tx_begin(t_sk(fd), to ? &name : NULL, to ? sizeof(name) : 0, 1, 1,
		     &tx, hdr);
	cr_assert(zero(int, cop_ends_sent(t_sk(fd), fd, &tx, msg, &ends)));
	return ends;
}

static void are(const struct cop_ends *ends, const char *source,
		const char *dest)
{
	cr_assert(eq(int, ends->source.family, AF_INET));
	cr_assert(eq(u32, ends->source.in.sin_addr.s_addr, inet_addr(source)),
		  "from %s", source);
	cr_assert(eq(u32, ends->dest.in.sin_addr.s_addr, inet_addr(dest)),
		  "to %s", dest);
}

Test(cop_ends_sent, a_bound_sock_sends_from_its_address)
{
	int fd = t_open();
	struct cop_ends ends;

	cr_assert(zero(int, t_bind(fd, "127.0.0.2", 0)));
	ends = sent(fd, "127.0.0.3", NULL);
	are(&ends, "127.0.0.2", "127.0.0.3");
	ends = sent(fd, "0.0.0.0", NULL);
	are(&ends, "127.0.0.2", "127.0.0.2");
}

Test(cop_ends_sent, the_route_gives_the_source_of_a_sock_without_an_address)
{
	struct cop_ends ends = sent(t_open(), "127.0.0.3", NULL);

	are(&ends, "127.0.0.1", "127.0.0.3");
	ends = sent(t_open(), "0.0.0.0", NULL);
	are(&ends, "127.0.0.1", "127.0.0.1");
}

Test(cop_ends_sent, a_connected_sock_sends_to_its_peer)
{
	int fd = t_open();
	struct cop_ends ends;

	cr_assert(zero(int, t_connect(fd, "127.0.0.5", 9)));
	ends = sent(fd, NULL, NULL);
	are(&ends, "127.0.0.1", "127.0.0.5");
}

Test(cop_ends_sent, a_control_message_decides_on_the_source)
{
	unsigned char control[CMSG_SPACE(sizeof(struct in_pktinfo))]
		__attribute__((aligned(8)));
	struct msghdr msg = { .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct in_pktinfo info = { .ipi_spec_dst.s_addr =
					   inet_addr("127.0.0.9") };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct cop_ends ends;

	*cmsg = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IP,
				  IP_PKTINFO };
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	ends = sent(t_open_bound(), "127.0.0.3", &msg);
	are(&ends, "127.0.0.9", "127.0.0.3");
	msg.msg_control = (void *)8;
	ends = sent(t_open_bound(), "127.0.0.3", &msg);
	are(&ends, LOOPBACK, "127.0.0.3");
}

Test(cop_ends_sent, a_message_without_a_source_decides_on_the_wildcard)
{
	unsigned char control[CMSG_SPACE(sizeof(struct in_pktinfo))]
		__attribute__((aligned(8))) = { 0 };
	struct msghdr msg = { .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = t_open();
	struct cop_ends ends;

	*CMSG_FIRSTHDR(&msg) =
		(struct cmsghdr){ CMSG_LEN(sizeof(struct in_pktinfo)),
				  IPPROTO_IP, IP_PKTINFO };
	cr_assert(zero(int, t_bind(fd, "127.0.0.2", 0)));
	ends = sent(fd, "0.0.0.0", &msg);
	are(&ends, LOOPBACK, LOOPBACK);
}

/* 127.0.0.6, as the kernel has it, and as the route says. */
Test(cop_ends_sent, a_sock_at_an_address_of_IPv6_sends_to_IPv4)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = t_open_inet6(NULL);
	struct cop_ends ends;

	cop_slot_set(&inet_sk(t_sk(fd))->inet_saddr, (union cop_addr *)&at);
	ends = sent(fd, "127.0.0.3", NULL);
	are(&ends, LOOPBACK, "127.0.0.3");
	t_sk(fd)->sk_userlocks |= SOCK_BINDADDR_LOCK;
	ends = sent(fd, "127.0.0.3", NULL);
	are(&ends, "127.0.0.6", "127.0.0.3");
}

/* As after a fork: the kernel knows of the connect(), and the sock does not. */
Test(cop_ends_sent, the_kernel_knows_the_peer_that_another_process_has_set)
{
	struct sockaddr_in peer = t_addr("127.0.0.5", 9);
	int fd = t_open();
	struct cop_ends ends;

	cr_assert(
		zero(int, connect(fd, (struct sockaddr *)&peer, sizeof(peer))));
	ends = sent(fd, NULL, NULL);
	are(&ends, LOOPBACK, "127.0.0.5");
}

Test(cop_ends_sent, without_a_destination_no_address_is_known)
{
	struct cop_ends ends = sent(t_open(), NULL, NULL);

	cr_assert(eq(int, ends.dest.family, AF_UNSPEC));
	cr_assert(eq(int, ends.source.family, AF_UNSPEC));
}

Test(cop_ends_sent, the_source_of_a_group_is_that_of_IP_MULTICAST_IF)
{
	struct in_addr loopback = { .s_addr = inet_addr(LOOPBACK) };
	int fd = t_open();
	struct cop_ends ends;

	cr_assert(zero(int, setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF,
				       &loopback, sizeof(loopback))));
	ends = sent(fd, "239.1.2.3", NULL);
	are(&ends, LOOPBACK, "239.1.2.3");
}
