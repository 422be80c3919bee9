// SPDX-License-Identifier: MIT
/*
 * test_rx.c - datagram/rx.c: one datagram in, and what is counted.
 */
#include <signal.h>
#include <ucontext.h>

#include "datagram/rx_short.h"
#include "unit/raw_peer.h"

TestSuite(cop_rx, .init = raw_peer_init, .timeout = 20);

Test(cop_rx, options_are_skipped_by_a_plain_receive)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int options = 0; options <= 11; options++)
		for (size_t len = 0; len <= 4096; len += 1024) {
			t_udp_send_cop(udp, t_port(fd), options, data, len);
			cr_assert(eq(int, t_recv(fd, room, sizeof(room), 0),
				     len));
			cr_assert(zero(int, memcmp(room, data, len)));
		}
}

static const size_t caps[] = { 0, 1, 15, 16, 17, 99, 100, 101, 3000 };

Test(cop_rx, a_short_buffer_gets_the_beginning_and_MSG_TRUNC_the_length)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		size_t cap = caps[i], want = cap < 100 ? cap : 100;

		t_udp_send_cop(udp, t_port(fd), 0, data, 100);
		t_udp_send_cop(udp, t_port(fd), 3, data, 100);
		memset(room, 0, 200);
		cr_assert(eq(int, t_recv(fd, room, cap, 0), want));
		cr_assert(zero(int, memcmp(room, data, want)));
		cr_assert(zero(int, room[want]));
		cr_assert(eq(int, t_recv(fd, room, cap, MSG_TRUNC), 100));
	}
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 2 * 6));
}

Test(cop_rx, a_peek_leaves_the_datagram_for_the_next_receive)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_cop(udp, t_port(fd), 2, data, 100);
	cr_assert(eq(int, t_recv(fd, room, 10, MSG_PEEK), 10));
	cr_assert(eq(int, t_recv(fd, room, 10, MSG_PEEK | MSG_TRUNC), 100));
	cr_assert(eq(int, t_recv(fd, room, 200, MSG_PEEK), 100));
	cr_assert(zero(u32, t_count(fd)->rx_datagrams));
	cr_assert(eq(int, t_recv(fd, room, 200, 0), 100));
	cr_assert(zero(int, memcmp(room, data, 100)));
	cr_assert(eq(int, t_recv(fd, room, 200, MSG_DONTWAIT), -EAGAIN));
}

Test(cop_rx, two_cop_sockets_exchange_and_count_datagrams)
{
	int a = t_open_bound(), b = t_open_bound();
	struct sockaddr_in from, to = t_addr(LOOPBACK, t_port(b));
	char buf[16];

	cr_assert(eq(int, t_sendto(a, "question", 8, 0, &to), 8));
	cr_assert(eq(int, t_recvfrom(b, buf, 16, 0, &from), 8));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(a)));
	cr_assert(eq(int, t_sendto(b, "answer", 6, 0, &from), 6));
	cr_assert(eq(int, t_recv(a, buf, 16, 0), 6));
	cr_assert(eq(u64, t_count(a)->tx_bytes, 8));
	cr_assert(eq(u64, t_count(a)->rx_bytes, 6));
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 1));
	cr_assert(eq(u32, t_count(b)->tx_datagrams, 1));
	cr_assert(zero(u32, t_count(a)->port_mismatch));
	cr_assert(zero(u32, t_count(b)->port_mismatch));
}

/* As a NAT would do it. */
Test(cop_rx, a_source_port_that_differs_is_counted_and_delivered)
{
	int udp = t_udp(), fd = t_open_bound();
	struct sockaddr_in from;
	struct cophdr hdr;
	char buf[8];

	cop_wire.build(&hdr, htons(t_port(udp) ^ 1), htons(t_port(fd)), 0, 0);
	t_udp_send(udp, t_port(fd), &hdr, sizeof(hdr));
	cr_assert(zero(int, t_recvfrom(fd, buf, 8, 0, &from)));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(udp)));
	cr_assert(eq(u32, t_count(fd)->port_mismatch, 1));
}

Test(cop_rx, names_and_lengths_come_back_as_udp_gives_them)
{
	static const socklen_t len[] = { 0, 2, 8, 16, 20, 128 };
	int sender = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		int udp = t_udp(), fd = t_open_bound();
		unsigned char want[128] = { 0 }, got[128] = { 0 };
		struct msghdr msg = { .msg_name = want, .msg_namelen = len[i] };

		t_udp_send(sender, t_port(udp), "", 0);
		t_udp_send_cop(sender, t_port(fd), 0, "", 0);
		cr_assert(zero(int, recvmsg(udp, &msg, 0)));
		cr_assert(eq(int, msg.msg_namelen, sizeof(struct sockaddr_in)));
		msg = (struct msghdr){ .msg_name = got, .msg_namelen = len[i] };
		cr_assert(zero(int, t_recvmsg(fd, &msg, 0)));
		cr_assert(eq(int, msg.msg_namelen, sizeof(struct sockaddr_in)));
		cr_assert(zero(int, memcmp(got, want, sizeof(got))), "%d",
			  (int)len[i]);
		close(udp);
		t_close(fd);
	}
}

/* ---- a handler that closes the socket behind a receive ------------------------- */

/* A socket, and the datagrams of one sender, as the short way counts them. */
static struct arriving {
	struct sock *sk;
	struct sockaddr_in from;
	struct cophdr hdr;
	struct cop_rx_short in;
	uint64_t now;
	uint32_t seq;
} arriving;

static struct cop_flows *arriving_flows(void)
{
	return &cop_sk(arriving.sk)->flows;
}

/* The sock's memory gets another owner, as with close() and socket(). */
static void next_owner(void)
{
	cop_flow_destroy(arriving_flows());
	cop_flow_init(arriving_flows());
	memset(&cop_sk(arriving.sk)->count, 0, sizeof(struct cop_counters));
}

static void arriving_init(void)
{
	arriving.sk = t_sk(t_open_bound());
	arriving.from = t_addr(LOOPBACK, 1);
}

/* The next datagram is in the buffer. */
static void arrive(void)
{
	struct arriving *a = &arriving;

	a->now += 1000;
	cop_wire.build(&a->hdr, htons(1), inet_sk(a->sk)->inet_sport, a->seq++,
		       a->now);
	a->hdr.flags = 0;
	a->in = (struct cop_rx_short){ .wire = (unsigned char *)&a->hdr,
				       .from = (void *)&a->from,
				       .serial = cop_rx_serial,
				       .fromlen = sizeof(a->from),
				       .gen = READ_ONCE(
					       arriving_flows()->gen) };
}

static noinline void count(void)
{
	cop_rx_account_plain(arriving.sk, &arriving.in, &arriving.from,
			     &arriving.hdr, 10, 10, arriving.now);
}

#if defined(__x86_64__) && !defined(COP_TSAN)
#define TRAP_FLAG 0x100ul

static volatile int
	ahead; /* instructions ahead of the one that is interrupted */

static void on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *ucontext = context;

	(void)sig, (void)info;
	if (ahead-- > 0)
		return;
	ucontext->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	if (ahead == -1)
		next_owner();
}

/* Returns whether the n-th instruction of count() could be interrupted: it has so many. */
static bool count_interrupted(int n)
{
	next_owner();
	for (int i = 0; i < 2; i++) {
		arrive();
		count();
	}
	arrive();
	ahead = n;
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() |
				       TRAP_FLAG);
	count();
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() &
				       ~TRAP_FLAG);
	return ahead < 0;
}

/* Not never: a handler may come between the look at the owner and the counters. */
Test(cop_rx, a_handler_that_closes_the_socket_seldom_makes_the_next_owner_count)
{
	const struct sigaction action = { .sa_sigaction = on_step,
					  .sa_flags = SA_SIGINFO };
	static const char yes = 1;
	int n, wrong = 0;

	cop_one_thread_at = &yes; /* which uses the socket */
	sigaction(SIGTRAP, &action, NULL);
	arriving_init();
	for (n = 0; count_interrupted(n); n++)
		wrong += !!cop_sk(arriving.sk)->count.rx_datagrams;
	cr_assert(gt(int, n, 20));
	cr_expect(lt(int, wrong, n / 4), "%d of %d", wrong, n);
}
#endif

Test(cop_rx, a_receive_that_the_last_owner_began_leaves_nothing_uncounted)
{
	struct cop_peer other = { .word = 1 };
	struct cop_arrival a = { .now = 1000, .len = 10 };
	struct cop_flows *flows;

	arriving_init();
	flows = arriving_flows();
	arrive();
	count();
	arrive();
	next_owner();
	cr_assert(cop_flow_lock_free(flows, true));
	cop_flow_arrived(flows, &other, &a, cop_rx_serial);
	cop_flow_leave(flows);
	cr_assert(eq(u32, READ_ONCE(flows->waiting), 1));
	count();
	cr_expect(zero(u32, READ_ONCE(flows->waiting)));
	cr_expect(zero(u32, cop_sk(arriving.sk)->count.rx_datagrams));
}
