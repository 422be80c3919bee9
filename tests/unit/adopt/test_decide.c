// SPDX-License-Identifier: MIT
/*
 * test_decide.c - adopt/decide.c: a port, a destination or an arrival decides whether
 * a socket becomes COP or stays UDP. test_pending.c has the calls that lead here.
 */
#include <stdlib.h>
#include <sys/single_threaded.h>

#include "adopt/decide.h"
#include "adopt/pending.h"
#include "adopt/share.h"
#include "cop_port.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "unit/helpers.h"

static void setup(void)
{
	setenv("COP_ADOPT", "udp:10000-19999", 1);
	cop_env_init();
	t_init();
}

TestSuite(cop_decide, .init = setup, .timeout = 20);

#define LISTED	 htons(15000)
#define UNLISTED htons(25000)

static bool is_cop(int fd)
{
	return t_sk(fd)->sk_prot == &cop_udp_prot;
}

static int by_port(int fd, __be16 port)
{
	return cop_decide_by_port(t_sk(fd), fd, port);
}

/* ---- by a port ----------------------------------------------------------------- */

Test(cop_decide, a_listed_port_makes_it_cop)
{
	int fd = t_open_adopted();

	cr_assert(zero(int, by_port(fd, LISTED)));
	cr_assert(is_cop(fd));
}

Test(cop_decide, any_other_port_leaves_it_udp)
{
	int fd = t_open_adopted();

	cr_assert(eq(int, by_port(fd, UNLISTED), COP_PLAIN_UDP));
	cr_assert(cop_is_plain(t_sk(fd)));
}

Test(cop_decide, the_first_decision_holds)
{
	int cop = t_open_adopted(), udp = t_open_adopted();

	by_port(cop, LISTED);
	cr_assert(zero(int, by_port(cop, UNLISTED)));
	cr_assert(is_cop(cop));
	by_port(udp, UNLISTED);
	cr_assert(eq(int, by_port(udp, LISTED), COP_PLAIN_UDP));
	cr_assert(eq(int, cop_put_on_cop(t_sk(udp), udp), COP_PLAIN_UDP));
	cr_assert(cop_is_plain(t_sk(udp)));
}

static void bind_past_us(int fd, uint16_t snum)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, snum);

	cr_assert(zero(int, bind(fd, (struct sockaddr *)&addr, sizeof(addr))));
}

Test(cop_decide, a_socket_on_cop_knows_the_port_that_it_is_bound_to)
{
	int fd = t_open_adopted();
	uint16_t snum;

	bind_past_us(fd, 0);
	snum = t_port(fd);
	cr_assert(zero(int, cop_put_on_cop(t_sk(fd), fd)));
	cr_assert(eq(int, t_sk(fd)->sk_num, snum));
	cr_assert(eq(int, inet_sk(t_sk(fd))->inet_sport, htons(snum)));
}

static uint16_t free_port(bool listed)
{
	uint16_t snum;

	do
		snum = t_free_port();
	while (cop_env_adopts(snum) != listed);
	return snum;
}

Test(cop_decide, the_port_that_it_is_bound_to_decides)
{
	int cop = t_open_adopted(), udp = t_open_adopted();

	bind_past_us(cop, free_port(true));
	bind_past_us(udp, free_port(false));
	cr_assert(zero(int, cop_decide_by_local(t_sk(cop), cop)));
	cr_assert(is_cop(cop));
	cr_assert(eq(int, cop_decide_by_local(t_sk(udp), udp), COP_PLAIN_UDP));
}

/* ---- by a destination ---------------------------------------------------------- */

static int by_dest(int fd, const char *ip, uint16_t snum)
{
	struct sockaddr_in to = t_addr(ip, snum);

	return cop_decide_by_dest(t_sk(fd), fd, &to, sizeof(to));
}

Test(cop_decide, a_destination_decides_and_gets_cop_a_port_ahead_of_the_send)
{
	int cop = t_open_adopted(), udp = t_open_adopted();

	cr_assert(zero(int, by_dest(cop, LOOPBACK, 15000)));
	cr_assert(is_cop(cop));
	cr_assert(cop_sk(t_sk(cop))->armed || t_sk(cop)->sk_num);
	cr_assert(eq(int, by_dest(udp, LOOPBACK, 25000), COP_PLAIN_UDP));
	cr_assert(zero(uint, cop_sk(t_sk(udp))->armed));
}

Test(cop_decide, an_invalid_destination_decides_nothing)
{
	static const struct sockaddr none = { .sa_family = AF_UNIX };
	int fd = t_open_adopted();

	cr_assert(zero(int, by_dest(fd, LOOPBACK, 0)));
	cr_assert(zero(int, cop_decide_by_dest(t_sk(fd), fd, NULL, 0)));
	cr_assert(zero(int, cop_decide_by_dest(t_sk(fd), fd, &none, 2)));
	cr_assert(zero(int,
		       cop_decide_by_dest(t_sk(fd), fd, &none, sizeof(none))));
	cr_assert(cop_is_pending(t_sk(fd)));
}

Test(cop_decide, without_a_destination_the_peer_decides)
{
	struct sockaddr_in peer = t_addr(LOOPBACK, 25000);
	int fd = t_open_adopted();

	cr_assert(
		zero(int, connect(fd, (struct sockaddr *)&peer, sizeof(peer))));
	cr_assert(eq(int, cop_decide_by_dest(t_sk(fd), fd, NULL, 0),
		     COP_PLAIN_UDP));
}

/* ---- by an arrival -------------------------------------------------------------- */

static int arrived_at(uint16_t snum)
{
	int fd = t_open_adopted();

	bind_past_us(fd, snum);
	t_udp_send(t_udp(), snum, "hello", 5);
	return fd;
}

Test(cop_decide, a_datagram_in_the_queue_decides_by_the_local_port)
{
	int cop = arrived_at(free_port(true)),
	    udp = arrived_at(free_port(false));

	cr_assert(zero(int, cop_decide_if_received(t_sk(cop), cop)));
	cr_assert(is_cop(cop));
	cr_assert(eq(int, cop_decide_by_receive(t_sk(udp), udp, 0),
		     COP_PLAIN_UDP));
}

Test(cop_decide, the_datagram_that_decides_stays_in_the_queue)
{
	int fd = arrived_at(free_port(false));
	char buf[8];

	cop_decide_if_received(t_sk(fd), fd);
	cr_assert(eq(int, recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 5));
}

Test(cop_decide, an_empty_queue_decides_nothing)
{
	int fd = t_open_adopted();

	bind_past_us(fd, free_port(false));
	cr_assert(zero(int, cop_decide_if_received(t_sk(fd), fd)));
	cr_assert(eq(int, cop_decide_by_receive(t_sk(fd), fd, MSG_DONTWAIT),
		     -EAGAIN));
	cr_assert(cop_is_pending(t_sk(fd)));
}

/* ---- beside other threads -------------------------------------------------------- */

/* As another thread does it while a call is in progress. */
static int exchanged(void)
{
	int fd = t_open_adopted();

	__libc_single_threaded = 0;
	cr_assert(eq(int, dup2(t_udp(), fd), fd));
	return fd;
}

Test(cop_decide, a_descriptor_that_has_become_another_sockets_decides_nothing)
{
	int fd = exchanged();

	cr_expect(zero(int, by_port(fd, UNLISTED)));
	cr_expect(zero(int, by_port(fd, LISTED)));
	cr_expect(zero(int, cop_put_on_cop(t_sk(fd), fd)));
	cr_expect(zero(int, cop_decide_by_local(t_sk(fd), fd)));
	cr_expect(cop_is_pending(t_sk(fd)));
	cr_expect(zero(int, t_sk(fd)->sk_num));
}

Test(cop_decide, a_connect_of_such_a_descriptor_is_the_other_sockets)
{
	int fd = exchanged();

	cr_assert(zero(int, t_connect(fd, LOOPBACK, 15000)));
	cr_expect(cop_is_pending(t_sk(fd)));
	cr_expect(eq(int, t_sk(fd)->sk_state, COP_CLOSE));
}

/* A receive waits without a reference: the sock may have become a new one. */
Test(cop_decide, no_port_says_nothing)
{
	int fd = t_open_adopted();

	cr_assert(zero(int, cop_decide_by_local(t_sk(fd), fd)));
	cr_assert(cop_is_pending(t_sk(fd)));
}

/* ---- a confined process ---------------------------------------------------------- */

Test(cop_decide, a_confined_process_asks_the_kernel_nothing)
{
	struct sockaddr_in peer = t_addr(LOOPBACK, 25000);
	int fd = arrived_at(free_port(false));

	cr_assert(
		zero(int, connect(fd, (struct sockaddr *)&peer, sizeof(peer))));
	WRITE_ONCE(cop_is_confined, true);
	cr_assert(zero(int, cop_decide_if_received(t_sk(fd), fd)));
	cr_assert(zero(int, cop_decide_by_dest(t_sk(fd), fd, NULL, 0)));
	cr_assert(cop_is_pending(t_sk(fd)));
}
