// SPDX-License-Identifier: MIT
/*
 * test_sendmmsg.c - datagram/sendmmsg.c: many datagrams out in one call.
 */
#include "unit/datagram/messages.h"

TestSuite(cop_sendmmsg, .init = t_init, .timeout = 20);

Test(cop_sendmmsg, each_message_has_a_header_of_its_own)
{
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	cr_assert(eq(int, t_sendmmsg(fd, texts(MANY, t_port(udp)), MANY, 0),
		     MANY));
	for (unsigned int i = 0; i < MANY; i++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), i));
		cr_assert(eq(int, wire.hdr.flags, i ? 0 : COP_F_FIRST));
		cr_assert(eq(int, wire.hdr.source, htons(t_port(fd))));
		cr_assert(eq(int, wire.hdr.dest, htons(t_port(udp))));
		memcpy(room[i], wire.payload, wire.len);
		assert_text(i, i);
	}
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, MANY));
}

Test(cop_sendmmsg, an_unbound_socket_is_autobound)
{
	int udp = t_udp(), fd = t_open();
	struct t_wire wire;

	cr_assert(eq(int, t_sendmmsg(fd, texts(2, t_port(udp)), 2, 0), 2));
	t_wire_recv(udp, &wire);
	cr_assert(ne(int, wire.hdr.source, 0));
	cr_assert(eq(int, wire.hdr.source, htons(t_port(fd))));
}

/* Another thread has replaced the descriptor: what it leads to now gets no headers. */
Test(cop_sendmmsg, a_call_ends_where_the_descriptor_leads_elsewhere)
{
	int udp = t_udp(), fd = t_open_bound();
	struct sock *sk = t_sk(fd);
	int sent;

	texts(MANY, t_port(udp));
	t_leave(fd);
	sent = cop_sendmmsg(sk, fd, vec, MANY, 0);
	cr_assert(gt(int, sent, 0));
	cr_assert(lt(int, sent, MANY));
}

/* Message 20, in the second batch, can't be sent. */
Test(cop_sendmmsg, a_message_that_fails_ends_the_call_and_spends_no_number)
{
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	texts(MANY, t_port(udp));
	name[20].sin_family = AF_INET6;
	cr_assert(eq(int, t_sendmmsg(fd, vec, MANY, 0), 20));
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 20));
	cr_assert(
		eq(int, t_sendmmsg(fd, vec + 20, MANY - 20, 0), -EAFNOSUPPORT));
	cr_assert(eq(int, t_sendmmsg(fd, vec + 21, 1, 0), 1));
	for (unsigned int i = 0; i < 21; i++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), i));
	}
}

Test(cop_sendmmsg, a_first_message_that_fails_is_the_calls_error)
{
	int udp = t_udp(), fd = t_open_bound();

	texts(3, t_port(udp));
	vec[0].msg_hdr.msg_name = NULL;
	vec[0].msg_hdr.msg_namelen = 0;
	cr_assert(eq(int, t_sendmmsg(fd, vec, 3, 0), -EDESTADDRREQ));
}

Test(cop_sendmmsg, a_message_of_many_iovecs_goes_in_its_place)
{
	static struct iovec bytes[1024];
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	texts(5, t_port(udp));
	for (int i = 0; i < 1024; i++)
		bytes[i] = (struct iovec){ room[0], 1 };
	vec[2].msg_hdr.msg_iov = bytes;
	vec[2].msg_hdr.msg_iovlen = 1024;
	cr_assert(eq(int, t_sendmmsg(fd, vec, 5, 0), 5));
	for (unsigned int i = 0; i < 5; i++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), i));
		cr_assert(eq(int, wire.len, i == 2 ? 1024 : 9));
		cr_assert(eq(int, vec[i].msg_len, i == 2 ? 1024 : 9));
	}
}

Test(cop_sendmmsg, no_more_than_1024_messages_are_sent)
{
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(eq(int, t_sendmmsg(fd, texts(1100, t_port(udp)), 1100, 0),
		     1024));
}

Test(cop_sendmmsg, no_messages_and_no_vector_answer_as_udp_does)
{
	struct mmsghdr *const bad = (struct mmsghdr *)8;
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(eq(int, t_sendmmsg(fd, fresh(1), 0, 0),
		     sendmmsg(udp, vec, 0, 0)));
	cr_assert(eq(int, t_sendmmsg(fd, bad, 1, 0),
		     sendmmsg(udp, bad, 1, 0) < 0 ? -errno : 0));
	cr_assert(eq(int, t_recvmmsg(fd, fresh(1), 0, MSG_DONTWAIT, NULL),
		     recvmmsg(udp, vec, 0, MSG_DONTWAIT, NULL)));
	cr_assert(
		eq(int, t_recvmmsg(fd, bad, 1, MSG_DONTWAIT, NULL),
		   recvmmsg(udp, bad, 1, MSG_DONTWAIT, NULL) < 0 ? -errno : 0));
}
