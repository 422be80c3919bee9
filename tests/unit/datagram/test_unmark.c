// SPDX-License-Identifier: MIT
/*
 * test_unmark.c - datagram/unmark.c: what a sock takes over from a mark that another
 * process may have forged.
 */
#include <netinet/udp.h>

#include "cop_port.h"
#include "datagram/unmark.h"
#include "filter/mark.h"
#include "unit/helpers.h"

TestSuite(cop_unmark, .init = t_init, .timeout = 20);

static bool is_claimed(uint16_t snum)
{
	return cop_port_taken(&cop_port_table, snum);
}

/* As filter/mark.c lays the words out. */
enum { FLAGS, LOCKS, RANGE, PORTS };

static bool takes(int fd, const struct cop_mark *mark)
{
	cr_assert(zero(int, cop_program_mark(&cop_wire, fd, mark)));
	return fd_adopt(fd);
}

static struct cop_mark mark_with(int word, uint32_t value)
{
	struct cop_mark mark = {
		PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 }, 0, 0
	};

	mark.word[word] = value;
	return mark;
}

/* A kernel socket of a program's, unbound. */
static int new_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

Test(cop_unmark, a_word_that_no_library_writes_is_no_mark)
{
	static const struct {
		int word;
		uint32_t value;
	} forged[] = {
		{ FLAGS, SOCK_DEAD },
		{ FLAGS, SOCK_CARRIED },
		{ FLAGS, SOCK_FILTER },
		{ FLAGS, SOCK_HEAD_UNCLEAN },
		{ FLAGS, SOCK_UNCONFIRMED },
		{ FLAGS, 0x0800 },
		{ FLAGS, SOCK_ELSEWHERE },
		{ FLAGS, 1u << 31 },
		{ LOCKS, 1 },
		{ LOCKS, 2 << 8 },
		{ LOCKS, 255 << 16 },
		{ LOCKS, 1 << 24 },
		{ RANGE, 5u << 16 | 6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
		struct cop_mark mark =
			mark_with(forged[i].word, forged[i].value);

		cr_assert(not(takes(new_udp(), &mark)), "word %d, %#x",
			  forged[i].word, forged[i].value);
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_unmark, if_the_kernel_says_otherwise_the_mark_does_not_count)
{
	const struct cop_mark mark = {
		PF_INET,
		SOCK_COP,
		IPPROTO_COP,
		0,
		{ SOCK_USER_RANGE | SOCK_ON_DEVICE | SOCK_CORKED |
			  SOCK_CORK_OPT | SOCK_NARROWED,
		  SOCK_BINDPORT_LOCK, 40000u << 16 | 40000,
		  40000u << 16 | 40000 },
		0,
		0,
	};
	int fd = new_udp();
	struct sock *sk;

	cr_assert(takes(fd, &mark));
	sk = t_sk(fd);
	cr_assert(not(sock_flag(sk, mark.word[FLAGS])));
	cr_assert(zero(int, sk->sk_userlocks));
	cr_assert(zero(int, sk->sk_num));
	cr_assert(zero(u32, cop_sk(sk)->user_range));
	cr_assert(zero(int, cop_sk(sk)->pinned));
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_unmark, the_kernels_answers_are_taken_without_a_mark)
{
	const struct cop_mark mark = mark_with(FLAGS, 0);
	const uint32_t range = 40010u << 16 | 40000;
	int fd = new_udp(), one = 1;
	struct sock *sk;

	cr_assert(zero(int, setsockopt(fd, IPPROTO_UDP, UDP_CORK, &one,
				       sizeof(one))));
	cr_assert(zero(int, setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE,
				       &range, sizeof(range))));
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3))
		cr_skip_test("no device to bind to: %s", strerror(errno));
	cr_assert(takes(fd, &mark));
	sk = t_sk(fd);
	cr_assert(sock_flag(sk, SOCK_CORK_OPT));
	cr_assert(sock_flag(sk, SOCK_USER_RANGE));
	cr_assert(sock_flag(sk, SOCK_ON_DEVICE));
	cr_assert(eq(u32, cop_sk(sk)->user_range, range));
}

/* The range on the kernel socket is not that of a COP sock's port. */
Test(cop_unmark, a_range_is_narrowed_to_the_port_of_its_socket_only)
{
	struct cop_mark mark = mark_with(FLAGS, SOCK_NARROWED);
	int fd = t_udp();
	uint32_t port = t_port(fd), other = port ^ 1;

	mark.word[RANGE] = 7u << 16 | 5;
	other |= other << 16;
	setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &other, sizeof(other));
	cr_assert(takes(fd, &mark));
	cr_assert(not(sock_flag(t_sk(fd), SOCK_NARROWED)));
	cr_assert(eq(u32, cop_sk(t_sk(fd))->user_range, other));
	t_leave(fd);
	port |= port << 16;
	setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &port, sizeof(port));
	cr_assert(takes(fd, &mark));
	cr_assert(sock_flag(t_sk(fd), SOCK_NARROWED));
	cr_assert(eq(u32, cop_sk(t_sk(fd))->user_range, 7u << 16 | 5));
}

/* The mark says that a bind has fixed the port; the kernel gives it back. */
Test(cop_unmark, a_port_that_the_kernel_gives_back_is_not_held_for_a_mark)
{
	struct cop_mark mark = mark_with(LOCKS, SOCK_BINDPORT_LOCK);
	int fd = new_udp(), peer = t_open_bound();
	uint16_t snum;

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(peer))));
	snum = t_port(fd);
	cr_assert(takes(fd, &mark));
	cr_assert(eq(u16, t_sk(fd)->sk_num, snum));
	cr_assert(is_claimed(snum));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(zero(u16, t_port(fd)));
	cr_assert(not(is_claimed(snum)));
}

/* ---- cop_unmark() itself -------------------------------------------------------- */

Test(cop_unmark, a_mark_of_another_kind_is_enoent_and_changes_nothing)
{
	static const struct cop_mark other[] = {
		{ PF_INET6, SOCK_COP, IPPROTO_COP, 0, { 0 }, 0, 0 },
		{ PF_INET, SOCK_DGRAM, IPPROTO_COP, 0, { 0 }, 0, 0 },
		{ PF_INET, SOCK_COP, IPPROTO_UDP, 0, { 0 }, 0, 0 },
		{ PF_INET, SOCK_COP, IPPROTO_COP, 0, { SOCK_DEAD }, 0, 0 },
		{ PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0, 1 }, 0, 0 },
		{ PF_INET,
		  SOCK_COP,
		  IPPROTO_COP,
		  0,
		  { 0, 0, 5u << 16 | 6 },
		  0,
		  0 },
	};
	int fd = t_open();
	struct cop_sock before = *cop_sk(t_sk(fd));

	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		cr_assert(eq(int,
			     cop_unmark(t_sk(fd), fd, htons(1000), &other[i]),
			     -ENOENT),
			  "%zu", i);
		cr_assert(zero(int, memcmp(&before, cop_sk(t_sk(fd)),
					   COP_SOCK_CLEARED)),
			  "%zu", i);
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_unmark, a_binds_locks_and_the_reuse_options_are_taken_over)
{
	const struct cop_mark mark =
		mark_with(LOCKS, SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK |
					 1 << 8 | 1 << 16);
	int fd = t_open();
	struct sock *sk = t_sk(fd);

	cr_assert(zero(int, cop_unmark(sk, fd, htons(1000), &mark)));
	cr_assert(eq(int, sk->sk_userlocks,
		     SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK));
	cr_assert(eq(int, sk->sk_reuse, 1));
	cr_assert(eq(int, sk->sk_reuseport, 1));
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(is_claimed(1000));
}

Test(cop_unmark, without_a_port_no_bind_has_fixed_one)
{
	const struct cop_mark mark =
		mark_with(LOCKS, SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK);
	int fd = t_open();

	cr_assert(zero(int, cop_unmark(t_sk(fd), fd, 0, &mark)));
	cr_assert(eq(int, t_sk(fd)->sk_userlocks, SOCK_BINDADDR_LOCK));
	cr_assert(zero(int, t_sk(fd)->sk_num));
}

static int take_pinned(void)
{
	const struct cop_mark mark = mark_with(PORTS, 1000);
	int fd;

	t_old_kernel();
	fd = t_open();
	CHECK(!cop_unmark(t_sk(fd), fd, htons(1000), &mark));
	CHECK(cop_sk(t_sk(fd))->pinned == 1000);
	CHECK(!t_sk(fd)->sk_num && is_claimed(1000));
	return 0;
}

Test(cop_unmark, a_port_is_pinned_only_on_a_kernel_that_keeps_it)
{
	const struct cop_mark mark = mark_with(PORTS, 1000u << 16 | 1000);
	int fd = t_open();

	T_CHILD(take_pinned);
	if (t_get(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE) < 0)
		cr_skip_test("this kernel keeps it");
	cr_assert(zero(int, cop_unmark(t_sk(fd), fd, htons(1000), &mark)));
	cr_assert(zero(int, cop_sk(t_sk(fd))->pinned));
	cr_assert(eq(int, t_sk(fd)->sk_num, 1000));
}
