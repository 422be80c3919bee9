// SPDX-License-Identifier: MIT
/*
 * test_rx_count.c - datagram/rx_count.c: a batch has the figures that its datagrams have
 * one by one.
 */
#include "lib/process.h"
#include "unit/datagram/messages.h"

TestSuite(cop_rx_count, .init = t_init, .timeout = 20);

static struct cop_flow_report report_of(int fd, uint16_t port)
{
	struct cop_flow_report reports[8];
	unsigned int n = cop_flow_list(&cop_sk(t_sk(fd))->flows, 0, reports,
				       ARRAY_SIZE(reports));

	for (unsigned int i = 0; i < n && i < ARRAY_SIZE(reports); i++)
		if (reports[i].peer.port == htons(port))
			return reports[i];
	return (struct cop_flow_report){ 0 };
}

static void send_numbered(int udp, uint16_t to, uint16_t dest, uint32_t seq,
			  size_t len)
{
	struct {
		struct cophdr hdr;
		char text[ROOM];
	} wire = { .hdr = { .magic = htons(COP_MAGIC),
			    .ver_hlen = COP_VERSION << 4 | COP_HLEN_WORDS,
			    .flags = seq ? 0 : COP_F_FIRST,
			    .source = htons(t_port(udp)),
			    .dest = htons(dest),
			    .seq = htonl(seq) } };

	t_udp_send(udp, to, &wire, COP_HLEN + len);
}

static void receive_singly(int fd)
{
	char buf[10];

	while (t_recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
}

static void receive_many(int fd, bool named)
{
	int n;

	do {
		fresh(20);
		for (unsigned int i = 0; i < 20; i++) {
			iov[i].iov_len = 10;
			if (!named)
				vec[i].msg_hdr.msg_name = NULL;
		}
		n = t_recvmmsg(fd, vec, 20, MSG_DONTWAIT, NULL);
	} while (n > 0);
}

static void assert_same(int a, int b, uint16_t port)
{
	const struct cop_source x = report_of(a, port).rx;
	const struct cop_source y = report_of(b, port).rx;

	cr_assert(gt(u64, x.datagrams, 0));
	cr_assert(eq(u64, x.datagrams, y.datagrams));
	cr_assert(eq(u64, x.bytes, y.bytes));
	cr_assert(eq(u64, x.next, y.next));
	cr_assert(eq(u64, x.window, y.window));
	cr_assert(eq(u64, x.missing, y.missing));
	cr_assert(eq(u32, x.reordered, y.reordered));
	cr_assert(eq(u32, x.duplicated, y.duplicated));
	cr_assert(eq(u32, x.unordered, y.unordered));
}

/* Loss, repetition, reordering, truncation, a NAT, from two senders in turn. */
static void compare(bool named, bool connected)
{
	static const uint32_t seqs[] = { 0, 1, 2, 5, 6, 4, 7, 7, 8, 9, 20, 21 };
	int udp[2] = { t_udp(), t_udp() }, a = t_open_bound(),
	    b = t_open_bound();

	if (connected) {
		t_connect(a, LOOPBACK, t_port(udp[0]));
		t_connect(b, LOOPBACK, t_port(udp[0]));
	}
	for (unsigned int i = 0; i < 5 * ARRAY_SIZE(seqs); i++) {
		const uint32_t seq = seqs[i % 12] + i / 12 * 30;
		const int from = udp[connected ? 0 : i / 3 % 2];

		send_numbered(from, t_port(a), t_port(a) + (i % 9 == 8), seq,
			      i % 14);
		send_numbered(from, t_port(b), t_port(b) + (i % 9 == 8), seq,
			      i % 14);
	}
	receive_singly(a);
	receive_many(b, named);
	for (int i = 0; i < (connected ? 1 : 2); i++)
		assert_same(a, b, t_port(udp[i]));
	cr_assert(eq(u32, t_count(a)->rx_datagrams, 60));
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 60));
	cr_assert(eq(u64, t_count(a)->rx_bytes, t_count(b)->rx_bytes));
	cr_assert(eq(u32, t_count(a)->rx_truncated, t_count(b)->rx_truncated));
	cr_assert(eq(u32, t_count(a)->port_mismatch, 6));
	cr_assert(eq(u32, t_count(b)->port_mismatch, 6));
}

Test(cop_rx_count, a_batch_counts_as_its_datagrams_one_by_one)
{
	compare(true, false);
	compare(false, false);
	compare(true, true);
	compare(false, true);
}

/* The handler that has interrupted this thread may hold the lock: nobody waits for it. */
Test(cop_rx_count, a_batch_leaves_its_datagrams_in_the_backlog_of_a_held_lock)
{
	int udp = t_udp(), fd = t_open_bound();
	struct cop_flows *flows = &cop_sk(t_sk(fd))->flows;

	send_numbered(udp, t_port(fd), t_port(fd), 0, 5);
	receive_many(fd, true);
	WRITE_ONCE(flows->lock, cop_process()->id);
	for (uint32_t seq = 1; seq < 9; seq++)
		send_numbered(udp, t_port(fd), t_port(fd), seq, 5);
	receive_many(fd, true);
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 9));
	cr_assert(eq(u32, READ_ONCE(flows->waiting), 8));
	WRITE_ONCE(flows->lock, 0);
	cr_assert(eq(u64, report_of(fd, t_port(udp)).rx.datagrams, 9));
	cr_assert(zero(u64, report_of(fd, t_port(udp)).rx.missing));
}
