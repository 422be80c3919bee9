// SPDX-License-Identifier: MIT
/*
 * test_sock.c - socket/sock.c: the life of a struct socket and a struct sock.
 */
#include "lib/env.h"
#include "inet/af_inet.h"
#include "port/bind.h"
#include "cop_port.h"
#include "lib/sysctl.h"
#include "unit/helpers.h"

TestSuite(cop_sock, .init = t_init, .timeout = 20);

static int refs(struct sock *sk)
{
	return sk->sk_refcnt;
}

/* ---- layout --------------------------------------------------------------- */

Test(cop_sock, a_struct_sock_takes_at_most_384_bytes)
{
	cr_assert(le(sz, sizeof(struct cop_sock), 384));
	cr_assert(le(sz, cop_prot.obj_size, 384));
}

Test(cop_sock, cop_inet_and_sock_are_one_pointer)
{
	struct sock *sk = t_sk(t_open());

	cr_assert(eq(ptr, inet_sk(sk), sk));
	cr_assert(eq(ptr, cop_sk(sk), sk));
	cr_assert(zero(sz, offsetof(struct cop_sock, inet)));
	cr_assert(zero(sz, offsetof(struct inet_sock, sk)));
	cr_assert(zero(sz, offsetof(struct sock, node)));
}

Test(cop_sock, the_header_has_16_bytes_without_holes)
{
	cr_assert(eq(sz, sizeof(struct cophdr), 16));
	cr_assert(eq(sz, offsetof(struct cophdr, ver_hlen), 2));
	cr_assert(eq(sz, offsetof(struct cophdr, source), 4));
	cr_assert(eq(sz, offsetof(struct cophdr, seq), 8));
	cr_assert(eq(sz, offsetof(struct cophdr, tstamp), 12));
}

/* ---- a new sock ----------------------------------------------------------- */

Test(cop_sock, a_new_sock_has_sock_init_datas_defaults)
{
	int fd = t_open();
	struct sock *sk = t_sk(fd);

	cr_assert(eq(int, refs(sk), 1));
	cr_assert(eq(int, sk->sk_state, COP_CLOSE));
	cr_assert(eq(ptr, sk->sk_socket, t_sock(fd)));
	cr_assert(eq(ptr, (void *)sk->sk_prot, (void *)&cop_prot));
	cr_assert(eq(int, sk->sk_family, PF_INET));
	cr_assert(eq(int, sk->sk_type, SOCK_COP));
	cr_assert(eq(int, sk->sk_protocol, IPPROTO_COP));
	cr_assert(eq(long, sk->sk_rcvtimeo, MAX_SCHEDULE_TIMEOUT));
	cr_assert(eq(long, sk->sk_sndtimeo, MAX_SCHEDULE_TIMEOUT));
	cr_assert(zero(int, sk->sk_num));
	cr_assert(zero(int, sk->sk_userlocks));
	cr_assert(eq(int, sk->sk_flags, SOCK_CARRIED | SOCK_SHORT));
}

/* A kernel socket that nobody touched says what the sysctls are. */
Test(cop_sock, a_new_socks_buffers_are_those_of_the_kernel_socket)
{
	int fd = t_open();
	int udp = t_udp();
	socklen_t len = sizeof(int);
	int rcvbuf, sndbuf;

	getsockopt(udp, SOL_SOCKET, SO_RCVBUF, &rcvbuf, &len);
	getsockopt(udp, SOL_SOCKET, SO_SNDBUF, &sndbuf, &len);
	cr_assert(eq(int, t_sk(fd)->sk_rcvbuf, rcvbuf));
	cr_assert(eq(int, t_sk(fd)->sk_sndbuf, sndbuf));
}

Test(cop_sock, a_recycled_sock_remembers_nothing)
{
	int fd = t_open_bound();
	struct sock *first = t_sk(fd);

	cop_sk(first)->peer.datagrams = 99;
	t_count(fd)->tx_bytes = 99;
	sock_set_flag(first, SOCK_FILTER);
	t_close(fd);
	fd = t_open();
	cr_assert(eq(ptr, t_sk(fd), first));
	cr_assert(zero(int, first->sk_num));
	cr_assert(eq(int, first->sk_flags, SOCK_CARRIED | SOCK_SHORT));
	cr_assert(zero(int, first->sk_userlocks));
	cr_assert(zero(u64, cop_sk(first)->peer.datagrams));
	cr_assert(zero(u64, t_count(fd)->tx_bytes));
}

/* ---- references ----------------------------------------------------------- */

Test(cop_sock, the_port_hash_holds_a_reference)
{
	struct sock *sk = t_sk(t_open_bound());

	cr_assert(eq(int, refs(sk), 2));
	sk->sk_prot->unhash(sk);
	cr_assert(eq(int, refs(sk), 1));
	sk->sk_prot->unhash(sk);
	cr_assert(eq(int, refs(sk), 1));
}

Test(cop_sock, hashing_again_takes_no_second_reference)
{
	int fd = t_open_bound();
	struct sock *sk = t_sk(fd);
	uint16_t other = t_free_port();

	cr_assert(cop_port_claim(&cop_port_table, other));
	cop_hash(sk, other);
	cr_assert(eq(int, refs(sk), 2));
}

Test(cop_sock, the_last_put_frees)
{
	int fd = t_open();
	struct sock *sk = t_sk(fd);

	sock_hold(sk);
	t_close(fd);
	cr_assert(eq(int, refs(sk), 1));
	fd = t_open();
	cr_assert(ne(ptr, t_sk(fd), sk), "freed while a reference was held");
	sock_put(sk);
	fd = t_open();
	cr_assert(eq(ptr, t_sk(fd), sk));
}

Test(cop_sock, close_orphans_and_unhashes)
{
	int fd = t_open_bound();
	struct sock *sk = t_sk(fd);
	uint16_t snum = sk->sk_num;

	sock_hold(sk);
	t_close(fd);
	cr_assert(eq(ptr, sk->sk_socket, NULL));
	cr_assert(sock_flag(sk, SOCK_DEAD));
	cr_assert(zero(int, sk->sk_num));
	cr_assert(not(cop_port_taken(&cop_port_table, snum)));
}

/* ---- complaints ----------------------------------------------------------- */

static void close_rightly(void)
{
	t_close(t_open_bound());
}

static void close_with_a_reference_left(void)
{
	int fd = t_open_bound();

	sock_hold(t_sk(fd));
	t_close(fd);
}

static void put_once_too_often(void)
{
	int fd = t_open();
	struct sock *sk = t_sk(fd);

	t_close(fd);
	sock_put(sk);
}

static const struct {
	const char *name;
	void (*fn)(void);
	bool debug;
	const char *says;
} complaint[] = {
	{ "right, debug", close_rightly, true, NULL },
	{ "left over, debug", close_with_a_reference_left, true, "refcnt=2" },
	{ "left over, silent", close_with_a_reference_left, false, NULL },
	{ "too many, debug", put_once_too_often, true, "reference too many" },
	{ "too many, silent", put_once_too_often, false, NULL },
};

Test(cop_sock, a_wrong_reference_count_is_complained_about_with_COP_DEBUG)
{
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(complaint); i++) {
		cop_env.debug = complaint[i].debug;
		t_stderr(complaint[i].fn, text, sizeof(text));
		if (complaint[i].says)
			cr_assert(ne(ptr, strstr(text, complaint[i].says),
				     NULL),
				  "%s: \"%s\"", complaint[i].name, text);
		else
			cr_assert(eq(str, text, ""), "%s", complaint[i].name);
	}
}

/* The sock was free already; another put must not free it twice. */
Test(cop_sock, a_put_too_many_does_not_hand_one_sock_out_twice)
{
	int one, two;

	put_once_too_often();
	one = t_open();
	two = t_open();
	cr_assert(ne(ptr, t_sk(one), t_sk(two)));
}
