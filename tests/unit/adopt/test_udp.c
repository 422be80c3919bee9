// SPDX-License-Identifier: MIT
/*
 * test_udp.c - adopt/udp.c, and what port/bind.c and inet/af_inet.c do for it: UDP that
 * is put on COP goes by the kernel's rule of who may have a port.
 */
#include <linux/filter.h>
#include <pthread.h>

#include "adopt/udp.h"
#include "port/bind.h"
#include "lib/env.h"
#include "cop_port.h"
#include "lib/process.h"
#include "unit/helpers.h"
#include "wire/owner.h"

TestSuite(cop_udp, .init = t_init, .timeout = 20);

/* ---- which sockets ---------------------------------------------------------- */

static const struct {
	int type, protocol;
	bool adopted;
} kind[] = {
	{ SOCK_DGRAM, 0, true },
	{ SOCK_DGRAM, IPPROTO_UDP, true },
	{ SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, true },
	{ SOCK_DGRAM, IPPROTO_ICMP, false },
	{ SOCK_DGRAM, IPPROTO_UDPLITE, false },
	{ SOCK_DGRAM, IPPROTO_COP, false },
	{ SOCK_DGRAM, IPPROTO_UDP + 256, false },
	{ SOCK_DGRAM, -1, false },
	{ SOCK_STREAM, 0, false },
	{ SOCK_STREAM, IPPROTO_UDP, false },
	{ SOCK_RAW, IPPROTO_UDP, false },
};

static void assert_adopts(enum cop_adopt adopt, bool any)
{
	static const int family[] = { PF_INET, PF_INET6 };

	cop_env.adopt = adopt;
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++)
		for (size_t f = 0; f < ARRAY_SIZE(family); f++)
			cr_assert(eq(int,
				     sock_is_ours(family[f], kind[i].type,
						  kind[i].protocol),
				     any &&kind[i].adopted),
				  "family %d type %#x protocol %d", family[f],
				  kind[i].type, kind[i].protocol);
	cr_assert(sock_is_ours(PF_INET, SOCK_COP, 0));
}

Test(cop_udp, only_udp_is_adopted_and_only_on_request)
{
	assert_adopts(COP_ADOPT_NONE, false);
	assert_adopts(COP_ADOPT_ALL, true);
	assert_adopts(COP_ADOPT_SOME, true);
}

static void *ask_parted(void *bad)
{
	*(bool *)bad = !sock_is_ours(PF_INET, SOCK_DGRAM, 0);
	cop_process_part();
	*(bool *)bad |= sock_is_ours(PF_INET, SOCK_DGRAM, 0);
	*(bool *)bad |= !sock_is_ours(PF_INET, SOCK_COP, 0);
	cop_process_rejoin();
	*(bool *)bad |= !sock_is_ours(PF_INET, SOCK_DGRAM, 0);
	return NULL;
}

Test(cop_udp, in_a_thread_with_its_own_descriptors_no_socket_is_adopted)
{
	pthread_t thread;
	bool bad = true;

	cop_env.adopt = COP_ADOPT_ALL;
	pthread_create(&thread, NULL, ask_parted, &bad);
	pthread_join(thread, NULL);
	cr_assert(not(bad));
}

Test(cop_udp, an_adopted_socket_calls_itself_udp)
{
	int fd = t_open_adopted();

	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM));
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP));
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET));
	cr_assert(eq(ptr, (void *)t_sk(fd)->sk_prot, (void *)&cop_udp_prot));
	cr_assert(eq(int, t_sk(fd)->sk_protocol, IPPROTO_UDP));
}

/* ---- the kernel's rule of ports ---------------------------------------------- */

static int adopted_at(const char *ip, uint16_t snum, int option)
{
	int fd = t_open_adopted();
	int err;

	if (option)
		cr_assert(zero(int, t_set(fd, SOL_SOCKET, option, 1)));
	err = t_bind(fd, ip, snum);
	if (!err)
		return fd;
	cr_assert(zero(int, t_sk(fd)->sk_num));
	t_close(fd);
	return err;
}

Test(cop_udp, a_port_is_taken_at_its_address_alone)
{
	uint16_t snum = t_free_port();
	int fd = adopted_at(LOOPBACK, snum, 0);

	cr_assert(eq(int, t_sk(fd)->sk_num, snum));
	cr_assert(eq(int, t_port(fd), snum));
	cr_assert(ge(int, adopted_at("127.0.0.2", snum, 0), 0));
	cr_assert(eq(int, adopted_at(LOOPBACK, snum, 0), -EADDRINUSE));
	cr_assert(eq(int, adopted_at("0.0.0.0", snum, 0), -EADDRINUSE));
}

static const int sharing[] = { SO_REUSEADDR, SO_REUSEPORT };

Test(cop_udp, sockets_with_the_same_option_share_a_port)
{
	for (int i = 0; i < 2; i++) {
		uint16_t snum = t_free_port();
		int fd = adopted_at(LOOPBACK, snum, sharing[i]);
		int same = adopted_at(LOOPBACK, snum, sharing[i]);

		cr_assert(ge(int, same, 0));
		cr_assert(eq(int, t_sk(same)->sk_num, snum));
		cr_assert(eq(int, adopted_at(LOOPBACK, snum, 0), -EADDRINUSE));
		cr_assert(eq(int, adopted_at(LOOPBACK, snum, sharing[!i]),
			     -EADDRINUSE));
		t_close(fd);
		cr_assert(eq(int, adopted_at(LOOPBACK, snum, 0), -EADDRINUSE));
		t_close(same);
		fd = adopted_at(LOOPBACK, snum, 0);
		cr_assert(ge(int, fd, 0));
		t_close(fd);
	}
}

/* It is for the kernel to say who has what is not COP's own. */
Test(cop_udp, an_adopted_sockets_port_is_not_in_the_port_space)
{
	uint16_t snum = t_free_port();
	int fd = adopted_at(LOOPBACK, snum, 0);
	int any = adopted_at(LOOPBACK, 0, 0);

	cr_assert(not(cop_port_taken(&cop_port_table, snum)));
	cr_assert(not(cop_port_taken(&cop_port_table, t_port(any))));
	t_close(fd);
	t_close(any);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_udp, a_cop_sockets_port_outlives_an_adopted_one_beside_it)
{
	uint16_t snum = t_free_port();
	int cop = t_open(), fd;

	cr_assert(zero(int, t_bind(cop, LOOPBACK, snum)));
	fd = adopted_at("127.0.0.2", snum, 0);
	cr_assert(ge(int, fd, 0));
	t_close(fd);
	cr_assert(cop_port_taken(&cop_port_table, snum));
	cr_assert(eq(int, t_bind(t_open(), "127.0.0.2", snum), -EADDRINUSE));
	t_close(cop);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_udp, a_cop_socket_is_refused_an_adopted_ones_port_at_any_address)
{
	static const char *const ip[] = { "0.0.0.0", LOOPBACK, "127.0.0.2" };
	uint16_t snum = t_free_port();
	int fd = adopted_at(LOOPBACK, snum, SO_REUSEADDR), cop;

	for (size_t i = 0; i < ARRAY_SIZE(ip); i++)
		cr_assert(eq(int, t_bind(t_open(), ip[i], snum), -EADDRINUSE),
			  "%s", ip[i]);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
	t_close(fd);
	cop = t_open();
	cr_assert(zero(int, t_bind(cop, LOOPBACK, snum)));
	t_close(cop);
}

/* The kernel's own SO_REUSEADDR, SO_REUSEPORT and SO_NO_CHECK. */
Test(cop_udp, the_options_of_sharing_and_of_the_checksum_are_the_kernels)
{
	static const int kernels[] = { SO_REUSEADDR, SO_REUSEPORT,
				       SO_NO_CHECK };

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		int fd = t_open_adopted(), value = -1;
		struct socket *sock = t_sock(fd);
		socklen_t len = sizeof(value);

		cr_assert(zero(int, t_get(fd, SOL_SOCKET, kernels[i])));
		cr_assert(zero(int, t_set(fd, SOL_SOCKET, kernels[i], 1)));
		getsockopt(fd, SOL_SOCKET, kernels[i], &value, &len);
		cr_assert(eq(int, value, 1));
		cr_assert(eq(int, t_get(fd, SOL_SOCKET, kernels[i]), 1));
		cr_assert(eq(
			int,
			sock->sk->sk_prot->setsockopt(sock->sk, fd, SOL_SOCKET,
						      kernels[i], &value, 3),
			-EINVAL));
		cr_assert(eq(int,
			     sock->sk->sk_prot->setsockopt(sock->sk, fd,
							   SOL_SOCKET,
							   kernels[i], NULL, 4),
			     -EFAULT));
		cr_assert(eq(
			int,
			sock->sk->sk_prot->getsockopt(sock->sk, fd, SOL_SOCKET,
						      kernels[i], NULL, &len),
			-EFAULT));
	}
}

static int choose_by(int fd, struct sock_filter insn)
{
	struct sock_filter code[] = { insn, BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	struct socket *sock = t_sock(fd);

	return sock->sk->sk_prot->setsockopt(sock->sk, fd, SOL_SOCKET,
					     SO_ATTACH_REUSEPORT_CBPF, &prog,
					     sizeof(prog));
}

Test(cop_udp, a_program_that_chooses_is_moved_or_refused)
{
	int fd = t_open_adopted();
	struct sock_filter byte = BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0);
	struct sock_filter length = BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0);

	cr_assert(eq(int, choose_by(fd, byte), -EINVAL), "there is no group");
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_REUSEPORT, 1)));
	cr_assert(zero(int, choose_by(fd, byte)));
	cr_assert(eq(int, choose_by(fd, length), -EINVAL));
	cr_assert(eq(int, t_set(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, -1),
		     -EBADF));
	cr_assert(eq(int, t_set(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, fd),
		     -EINVAL));
}

/* ---- which socket it is --------------------------------------------------------- */

Test(cop_udp, cookies_tell_sockets_that_share_a_port_apart)
{
	uint16_t snum = t_free_port();
	int one = adopted_at(LOOPBACK, snum, SO_REUSEADDR);
	int two = adopted_at(LOOPBACK, snum, SO_REUSEADDR);
	int copy = dup(two);

	cr_assert(cop_may_own(t_sk(one), one));
	cr_assert(cop_may_own(t_sk(two), two));
	cr_assert(not(cop_may_own(t_sk(one), two)));
	cr_assert(not(cop_may_own(t_sk(two), one)));
	cr_assert(cop_may_own(t_sk(two), copy));
	close(copy);
}

Test(cop_udp, a_socket_is_known_before_it_has_a_port)
{
	int one = t_open_adopted(), two = t_open_adopted();

	cr_assert(cop_may_own(t_sk(one), one));
	cr_assert(not(cop_may_own(t_sk(one), two)));
}

/* ---- a port that nobody asked for --------------------------------------------- */

Test(cop_udp, a_send_chooses_a_port_and_says_so_in_the_header)
{
	int udp = t_udp(), fd = t_open_adopted();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	static struct t_wire wire;

	cr_assert(eq(int, t_sendto(fd, "hello", 5, 0, &to), 5));
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 5));
	cr_assert(eq(int, ntohs(wire.hdr.source), t_port(fd)));
	cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)));
	t_close(fd);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

/* Whether there is a port behind it. */
static const struct {
	const char *ip;
	uint16_t port;
	size_t len;
} refused_send[] = {
	{ "127.255.255.255", 9, 5 },
	{ LOOPBACK, 0, 5 },
	{ LOOPBACK, 9, 65508 },
	{ "0.0.0.0", 9, 5 },
};

Test(cop_udp, a_send_that_is_refused_leaves_the_port_that_it_leaves_on_udp)
{
	static char data[65508];

	for (size_t i = 0; i < ARRAY_SIZE(refused_send); i++) {
		struct sockaddr_in to =
			t_addr(refused_send[i].ip, refused_send[i].port);
		size_t len = refused_send[i].len;
		int udp = socket(AF_INET, SOCK_DGRAM, 0);
		int fd = t_open_adopted();
		int want = sendto(udp, data, len, 0, (struct sockaddr *)&to,
				  sizeof(to));

		want = want < 0 ? -errno : want;
		cr_assert(eq(int, t_sendto(fd, data, len, 0, &to), want),
			  "case %zu", i);
		cr_assert(eq(int, !t_port(fd), !t_port(udp)), "case %zu", i);
		cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)), "case %zu", i);
		t_close(fd);
		close(udp);
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

static void assert_gone_by_disconnect(int fd)
{
	int peer = t_udp();

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(peer))));
	cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)));
	cr_assert(ne(int, t_port(fd), 0));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(zero(int, t_port(fd)));
	cr_assert(zero(int, t_sk(fd)->sk_num));
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
	close(peer);
}

Test(cop_udp, a_disconnect_gives_back_a_port_that_no_bind_named)
{
	int bound = adopted_at(LOOPBACK, 0, 0), fd = t_open_adopted();

	assert_gone_by_disconnect(fd);
	assert_gone_by_disconnect(fd);
	assert_gone_by_disconnect(bound);
	cr_assert(zero(int, t_bind(bound, LOOPBACK, t_free_port())));
}

Test(cop_udp, a_disconnect_keeps_a_shared_port_that_was_asked_for)
{
	uint16_t snum = t_free_port();
	int one = adopted_at(LOOPBACK, snum, SO_REUSEADDR);
	int two = adopted_at(LOOPBACK, snum, SO_REUSEADDR);
	int peer = t_udp();

	cr_assert(zero(int, t_connect(two, LOOPBACK, t_port(peer))));
	cr_assert(zero(int, t_disconnect(two)));
	cr_assert(eq(int, t_port(two), snum));
	cr_assert(eq(int, t_sk(two)->sk_num, snum));
	t_close(one);
	cr_assert(eq(int, t_port(two), snum));
}

/* A port that a send has claimed may be shared later, and is given back once. */
Test(cop_udp, a_chosen_port_that_is_shared_is_given_back_once)
{
	int fd = t_open_adopted(), udp = t_udp(), other;
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	unsigned int held;

	cr_assert(eq(int, t_sendto(fd, "hello", 5, 0, &to), 5));
	held = cop_port_held(&cop_port_table);
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_REUSEADDR, 1)));
	other = adopted_at("0.0.0.0", t_port(fd), SO_REUSEADDR);
	cr_assert(ge(int, other, 0));
	t_close(other);
	cr_assert(eq(uint, cop_port_held(&cop_port_table), held));
	t_close(fd);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

static int old_kernel(void)
{
	int fd, udp = t_udp();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));

	t_old_kernel();
	fd = t_open_adopted();
	CHECK(t_sendto(fd, "hello", 5, 0, &to) == 5);
	CHECK(t_port(fd) && t_sk(fd)->sk_num == t_port(fd));
	t_close(fd);
	fd = adopted_at(LOOPBACK, 0, SO_REUSEADDR);
	CHECK(fd >= 0 && t_sk(fd)->sk_num == t_port(fd));
	CHECK(adopted_at(LOOPBACK, t_port(fd), SO_REUSEADDR) >= 0);
	return 0;
}

Test(cop_udp, a_kernel_without_IP_LOCAL_PORT_RANGE_chooses_ports_too)
{
	T_CHILD(old_kernel);
}

/* ---- in another process, or another program ------------------------------------- */

/* By the mark, whatever COP_ADOPT says there. */
Test(cop_udp, an_adopted_socket_stays_adopted_in_a_process_that_adopts_nothing)
{
	uint16_t snum = t_free_port();
	int fd = adopted_at(LOOPBACK, snum, SO_REUSEPORT), same;
	struct sock *sk = t_taken_over(fd);

	cr_assert(eq(ptr, (void *)sk->sk_prot, (void *)&cop_udp_prot));
	cr_assert(eq(int, sk->sk_type, SOCK_DGRAM));
	cr_assert(eq(int, sk->sk_protocol, IPPROTO_UDP));
	cr_assert(eq(int, sk->sk_num, snum));
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_REUSEPORT), 1));
	cr_assert(not(cop_port_taken(&cop_port_table, snum)));
	same = adopted_at(LOOPBACK, snum, SO_REUSEPORT);
	cr_assert(cop_may_own(sk, fd));
	cr_assert(not(cop_may_own(sk, same)));
	t_close(fd);
	t_close(same);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_udp, a_port_that_a_send_chose_goes_with_a_disconnect_elsewhere)
{
	int fd = t_open_adopted(), peer = t_open_bound();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(peer));
	char buf[8];

	cr_assert(eq(int, t_sendto(fd, "hello", 5, 0, &to), 5));
	t_taken_over(fd);
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(peer))));
	cr_assert(eq(int, t_send(fd, "again"), 5));
	cr_assert(eq(int, t_recv(peer, buf, sizeof(buf), 0), 5));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(zero(int, t_port(fd)));
}
