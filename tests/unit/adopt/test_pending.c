// SPDX-License-Identifier: MIT
/*
 * test_pending.c - adopt/pending.c, decide.c and pending_filter.c: with a list of
 * ports, each socket of UDP becomes COP or stays UDP, once.
 */
#include <linux/filter.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "adopt/pending.h"
#include "adopt/share.h"
#include "adopt/udp.h"
#include "port/bind.h"
#include "lib/env.h"
#include "filter/filter.h"
#include "cop_port.h"
#include "filter/attach.h"
#include "unit/helpers.h"
#include "wire/owner.h"

#define FIRST 10000 /* of the list; t_free_port() goes up to 29999 */
#define LAST  19999

static void setup(void)
{
	setenv("COP_ADOPT", "udp:10000-19999", 1);
	cop_env_init();
	t_init();
}

TestSuite(cop_pending, .init = setup, .timeout = 20);

/* ---- which it is ------------------------------------------------------------- */

enum { PENDING, COP, PLAIN };

static int is(int fd)
{
	const struct proto *prot = t_sk(fd)->sk_prot;

	if (prot == &cop_pending_prot)
		return PENDING;
	return prot == &cop_udp_prot ? COP : PLAIN;
}

/* A free port of the list, or one that is not. */
static uint16_t free_port(bool listed)
{
	uint16_t snum;

	do
		snum = t_free_port();
	while (listed != (snum >= FIRST && snum <= LAST));
	return snum;
}

static int bound(uint16_t snum)
{
	int fd = t_open_adopted();

	cr_assert(zero(int, t_bind(fd, LOOPBACK, snum)));
	return fd;
}

static int udp_at(uint16_t snum)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert(zero(int, t_bind(fd, LOOPBACK, snum)));
	return fd;
}

/* A plain datagram: what is on the wire, so the port is the socket's. */
static void deliver(int fd)
{
	int udp = t_udp();

	t_udp_send(udp, t_port(fd), "hello", 5);
	close(udp);
}

static int send_to(int fd, uint16_t snum)
{
	struct sockaddr_in to = t_addr(LOOPBACK, snum);

	return t_sendto(fd, "hello", 5, 0, &to);
}

/* ---- bind ---------------------------------------------------------------------- */

Test(cop_pending, a_bind_to_a_listed_port_is_cop)
{
	uint16_t snum = free_port(true);
	int fd = t_open_adopted();

	cr_assert(eq(int, is(fd), PENDING));
	cr_assert(zero(int, t_bind(fd, LOOPBACK, snum)));
	cr_assert(eq(int, is(fd), COP));
	cr_assert(eq(int, t_sk(fd)->sk_num, snum));
	cr_assert(sock_flag(t_sk(fd), SOCK_CARRIED));
	cr_assert(
		eq(int, t_bind(t_open_adopted(), LOOPBACK, snum), -EADDRINUSE));
	t_close(fd);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_pending, a_bind_to_another_or_to_any_decides_nothing)
{
	int fd = bound(free_port(false)), any = bound(0);

	cr_assert(eq(int, is(fd), PENDING));
	cr_assert(eq(int, is(any), PENDING));
	cr_assert(not(sock_flag(t_sk(fd), SOCK_CARRIED)));
	cr_assert(ne(int, t_port(any), 0));
}

Test(cop_pending, a_bind_that_fails_decides_nothing)
{
	uint16_t snum = free_port(true);
	int udp = udp_at(snum), fd = t_open_adopted();

	cr_assert(eq(int, t_bind(fd, LOOPBACK, snum), -EADDRINUSE));
	cr_assert(eq(int, t_bind(fd, NOT_LOCAL, snum), -EADDRNOTAVAIL));
	cr_assert(eq(int, t_bind_addr(fd, NULL, 16), -EFAULT));
	cr_assert(eq(int, is(fd), PENDING));
	cr_assert(zero(int, t_bind(fd, LOOPBACK, free_port(false))));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, free_port(true)), -EINVAL));
	cr_assert(eq(int, is(fd), PENDING));
	close(udp);
}

/* ---- destinations --------------------------------------------------------------- */

static int connect_to(int fd, uint16_t snum)
{
	return t_connect(fd, LOOPBACK, snum);
}

static int sendmmsg_to(int fd, uint16_t snum)
{
	struct sockaddr_in to = t_addr(LOOPBACK, snum);
	struct iovec iov = { "hello", 5 };
	struct mmsghdr vec = { .msg_hdr = { .msg_name = &to,
					    .msg_namelen = sizeof(to),
					    .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	int n = t_sendmmsg(fd, &vec, 1, 0);

	return n == 1 ? (int)vec.msg_len : n;
}

/* A send from a socket that has a port goes another way. */
static const struct {
	int (*to)(int fd, uint16_t snum);
	bool has_port;
	int result;
} use[] = {
	{ connect_to, false, 0 },  { connect_to, true, 0 },
	{ send_to, false, 5 },	   { send_to, true, 5 },
	{ sendmmsg_to, false, 5 }, { sendmmsg_to, true, 5 },
};

Test(cop_pending, the_first_destination_decides_once)
{
	for (size_t i = 0; i < ARRAY_SIZE(use); i++) {
		int fd = use[i].has_port ? bound(0) : t_open_adopted();

		cr_assert(eq(int, use[i].to(fd, free_port(true)),
			     use[i].result),
			  "%zu", i);
		cr_assert(eq(int, is(fd), COP), "%zu", i);
		cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)), "%zu", i);
		cr_assert(ne(int, t_port(fd), 0), "%zu", i);
		cr_assert(ge(int, use[i].to(fd, free_port(false)), 0));
		cr_assert(eq(int, is(fd), COP), "%zu", i);
		t_close(fd);
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_pending, an_unlisted_destination_makes_it_plain_udp)
{
	for (size_t i = 0; i < ARRAY_SIZE(use); i++) {
		int fd = use[i].has_port ? bound(0) : t_open_adopted();

		for (int times = 0; times < 2; times++) {
			cr_assert(eq(int, use[i].to(fd, free_port(!!times)),
				     COP_PLAIN_UDP),
				  "%zu", i);
			cr_assert(eq(int, is(fd), PLAIN), "%zu", i);
		}
		cr_assert(not(sock_flag(t_sk(fd), SOCK_CARRIED)));
		cr_assert(fd_forget_gone(fd));
		cr_assert(zero(ptr, sockfd_lookup(fd)));
		cr_assert(ge(int, close(fd), 0), "it is open");
	}
}

Test(cop_pending, a_call_without_a_destination_decides_nothing)
{
	struct sockaddr_in to = t_addr(LOOPBACK, free_port(true));
	int fd = t_open_adopted();

	cr_assert(eq(int, t_send(fd, "hello"), -EDESTADDRREQ));
	cr_assert(eq(int, send_to(fd, 0), -EINVAL));
	to.sin_family = AF_INET6;
	cr_assert(eq(int, t_sendto(fd, "hello", 5, 0, &to), -EAFNOSUPPORT));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(eq(int, is(fd), PENDING));
	cr_assert(zero(int, connect_to(fd, 0)));
	cr_assert(ne(int, t_port(fd), 0));
	cr_assert(eq(int, is(fd), PENDING));
	cr_assert(eq(int, send_to(fd, free_port(true)), 5));
	cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)));
}

/* ---- receiving ------------------------------------------------------------------- */

static int receive(int fd)
{
	char text[64];

	return t_recv(fd, text, sizeof(text), MSG_DONTWAIT);
}

static int receive_many(int fd)
{
	char text[64];
	struct iovec iov = { text, sizeof(text) };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	return t_recvmmsg(fd, &vec, 1, MSG_DONTWAIT, NULL);
}

static int receive_message(int fd)
{
	char text[64];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return t_recvmsg(fd, &msg, MSG_DONTWAIT);
}

static int ask_length(int fd)
{
	struct socket *sock = t_sock(fd);
	int n = 0, err = sock->sk->sk_prot->ioctl(sock->sk, fd, FIONREAD, &n);

	return err ? err : n ? n : -EAGAIN;
}

static int (*const looks[])(int fd) = { receive, receive_many, receive_message,
					ask_length };

Test(cop_pending, a_datagram_at_an_unlisted_port_makes_it_plain_udp)
{
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		int fd = bound(0);

		cr_assert(eq(int, looks[i](fd), -EAGAIN), "%zu", i);
		cr_assert(eq(int, is(fd), PENDING), "%zu", i);
		deliver(fd);
		cr_assert(eq(int, looks[i](fd), COP_PLAIN_UDP), "%zu", i);
		cr_assert(eq(int, is(fd), PLAIN), "%zu", i);
		cr_assert(fd_forget_gone(fd));
		close(fd);
	}
}

static void *await_one(void *fd)
{
	char text[64];

	return (void *)t_recv(*(int *)fd, text, sizeof(text), 0);
}

Test(cop_pending, a_receive_waits_and_then_knows)
{
	int fd = bound(0);
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, await_one, &fd);
	deliver(fd);
	pthread_join(thread, &result);
	cr_assert(eq(long, (long)result, COP_PLAIN_UDP));
	cr_assert(eq(int, is(fd), PLAIN));
}

Test(cop_pending, the_end_of_a_socket_that_was_shut_decides_nothing)
{
	int fd = bound(0);
	char text[64];

	shutdown(fd, SHUT_RD);
	cr_assert(zero(int, t_recv(fd, text, sizeof(text), 0)));
	cr_assert(eq(int, receive(fd), -EAGAIN));
	cr_assert(eq(int, is(fd), PENDING));
	cr_assert(eq(int, send_to(fd, free_port(true)), 5));
}

/* Of a peer that the library knows nothing of. */
Test(cop_pending, an_error_decides_nothing)
{
	struct sockaddr_in nobody = t_addr(LOOPBACK, free_port(false));
	int fd = bound(0);

	for (size_t i = 0; i < ARRAY_SIZE(looks) - 1; i++) {
		cr_assert(zero(int, connect(fd, (struct sockaddr *)&nobody,
					    sizeof(nobody))));
		cr_assert(eq(int, send(fd, "hello", 5, 0), 5));
		cr_assert(eq(int, looks[i](fd), -ECONNREFUSED), "%zu", i);
		cr_assert(eq(int, looks[i](fd), -EAGAIN), "%zu", i);
	}
	cr_assert(eq(int, is(fd), PENDING));
}

/* ---- options and filters ------------------------------------------------------------- */

static const struct {
	int level, name, err;
} refused[] = {
	{ SOL_SOCKET, SO_PEEK_OFF, -EOPNOTSUPP },
	{ SOL_SOCKET, SO_ZEROCOPY, -EOPNOTSUPP },
	{ IPPROTO_UDP, UDP_ENCAP, -ENOPROTOOPT },
};

Test(cop_pending, options_that_cop_refuses_are_refused)
{
	int fd = t_open_adopted();

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		cr_assert(eq(int,
			     t_set(fd, refused[i].level, refused[i].name, 1),
			     refused[i].err),
			  "%zu", i);
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM));
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP));
	cr_assert(eq(int, send_to(fd, free_port(false)), COP_PLAIN_UDP));
	cr_assert(
		eq(int, t_set(fd, SOL_SOCKET, SO_BROADCAST, 1), COP_PLAIN_UDP));
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_TYPE), COP_PLAIN_UDP));
}

/* The first byte of the payload, or the length where that is. */
static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
	BPF_STMT(BPF_RET | BPF_A, 0),
};
static const struct sock_filter unmovable =
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_LL_OFF + 100);

static int attach(int fd)
{
	struct sock_fprog prog = { ARRAY_SIZE(filter), filter };
	struct socket *sock = t_sock(fd);

	return sock->sk->sk_prot->setsockopt(sock->sk, fd, SOL_SOCKET,
					     SO_ATTACH_FILTER, &prog,
					     sizeof(prog));
}

/* How many instructions the kernel has, and how many are told. */
static void assert_filter(int fd, socklen_t kernels, socklen_t told)
{
	struct sock_filter code[64] = { 0 };
	struct socket *sock = t_sock(fd);
	socklen_t n = 0;

	getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n);
	cr_assert(kernels == n || (!kernels && n > told), "%u", n);
	n = ARRAY_SIZE(code);
	cr_assert(zero(int,
		       sock->sk->sk_prot->getsockopt(sock->sk, fd, SOL_SOCKET,
						     SO_GET_FILTER, code, &n)));
	cr_assert(eq(uint, n, told));
	cr_assert(zero(int, memcmp(code, filter, told * sizeof(*filter))));
}

Test(cop_pending, a_filter_is_moved_when_it_is_cop)
{
	int fd = t_open_adopted();

	cr_assert(zero(int, attach(fd)));
	assert_filter(fd, 2, 2);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, free_port(true))));
	cr_assert(eq(int, is(fd), COP));
	assert_filter(fd, 0, 2);
}

Test(cop_pending, a_filter_that_can_not_be_moved_leaves_it_udp)
{
	int fd = t_open_adopted();

	filter[0] = unmovable;
	cr_assert(zero(int, attach(fd)));
	cr_assert(zero(int, t_bind(fd, LOOPBACK, free_port(true))));
	cr_assert(eq(int, is(fd), PLAIN));
	cr_assert(not(cop_may_own(t_sk(fd), fd) &&
		      t_sk(fd)->sk_prot->owns(t_sk(fd), fd)));
}

Test(cop_pending, a_lock_leaves_it_udp_with_a_filter_and_without)
{
	for (int i = 0; i < 2; i++) {
		int fd = t_open_adopted();

		if (i)
			cr_assert(zero(int, attach(fd)));
		cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_LOCK_FILTER, 1)));
		cr_assert(eq(int, is(fd), PENDING));
		cr_assert(eq(int, send_to(fd, free_port(true)), COP_PLAIN_UDP));
		cr_assert(eq(int, is(fd), PLAIN));
	}
}

/* What waits for it is not to be woken by strays from the decision on. */
Test(cop_pending, only_a_socket_that_was_waited_for_has_a_filter_at_once)
{
	int waited = t_open_adopted(), fd = t_open_adopted();
	struct socket *sock = t_sock(waited);

	cr_assert(sock->sk->sk_prot->poll(sock->sk, waited));
	cr_assert(not(sock_flag(sock->sk, SOCK_FILTER)));
	cr_assert(eq(int, send_to(waited, free_port(true)), 5));
	cr_assert(eq(int, send_to(fd, free_port(true)), 5));
	cr_assert(sock_flag(sock->sk, SOCK_FILTER));
	cr_assert(not(sock_flag(t_sk(fd), SOCK_FILTER)));
}

/* ---- handed on --------------------------------------------------------------------- */

static void hand_on(int fd)
{
	t_sock(fd)->sk->sk_prot->mark(t_sock(fd)->sk, fd);
}

static int get_filter(int fd)
{
	struct sock_filter insn[64];
	socklen_t len = ARRAY_SIZE(insn);
	struct socket *sock = t_sock(fd);

	cr_assert(zero(
		int, sock->sk->sk_prot->getsockopt(sock->sk, fd, SOL_SOCKET,
						   SO_GET_FILTER, insn, &len)));
	return len;
}

Test(cop_pending, a_pending_socket_is_handed_on_as_such)
{
	for (int listed = 0; listed < 2; listed++) {
		int fd = bound(free_port(false));
		int there = dup(fd), err;

		hand_on(fd);
		cr_assert(fd_adopt(there));
		cr_assert(eq(int, is(there), PENDING));
		err = send_to(there, free_port(listed));
		cr_assert(eq(int, err, listed ? 5 : COP_PLAIN_UDP));
		cr_assert(eq(int, is(there), listed ? COP : PLAIN));
		t_close(there);
		t_close(fd);
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

static int shared_fd, shared_filter;

static int decides_cop(void)
{
	CHECK(send_to(shared_fd, free_port(true)) == 5);
	CHECK(is(shared_fd) == COP);
	return 0;
}

static int decides_udp(void)
{
	CHECK(send_to(shared_fd, free_port(false)) == COP_PLAIN_UDP);
	CHECK(is(shared_fd) == PLAIN);
	return 0;
}

static int share(void)
{
	shared_fd = t_open_adopted();
	if (shared_filter)
		cr_assert(zero(int, attach(shared_fd)));
	cop_pending_share(t_sk(shared_fd), shared_fd);
	cr_assert(eq(int, is(shared_fd), PENDING));
	cr_assert(eq(int, get_filter(shared_fd) > 0, shared_filter));
	return shared_fd;
}

/* Whatever the parent does next, and whether a filter was set before. */
Test(cop_pending, another_processs_decision_holds_here)
{
	for (int i = 0; i < 8; i++) {
		int fd, cop = i & 1;
		uint16_t to = free_port(i & 2);

		shared_filter = i >> 2;
		fd = share();
		T_CHILD(cop ? decides_cop : decides_udp);
		cr_expect(eq(int, is(fd), PENDING));
		cr_expect(eq(int, send_to(fd, to), cop ? 5 : COP_PLAIN_UDP));
		cr_expect(eq(int, is(fd), cop ? COP : PLAIN));
		if (cop)
			cr_expect(eq(int, get_filter(fd) > 0, shared_filter));
		t_close(fd);
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

static int follows_to_cop(void)
{
	CHECK(send_to(shared_fd, free_port(false)) == 5);
	CHECK(is(shared_fd) == COP);
	return 0;
}

static int follows_to_udp(void)
{
	CHECK(send_to(shared_fd, free_port(true)) == COP_PLAIN_UDP);
	CHECK(is(shared_fd) == PLAIN);
	return 0;
}

/* As if the child had been forked before: it has the parent's pending sock. */
static int in_forked_before(int (*fn)(void), int (*here)(void))
{
	int go[2], status;
	pid_t pid;
	char c;

	cr_assert(zero(int, pipe(go)));
	pid = fork();
	if (!pid) {
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(fn() != 0);
	}
	cr_assert(zero(int, here()));
	cr_assert(eq(int, write(go[1], "x", 1), 1));
	waitpid(pid, &status, 0);
	close(go[0]);
	close(go[1]);
	return status;
}

Test(cop_pending, the_parents_decision_holds_in_the_child)
{
	for (shared_filter = 0; shared_filter < 2; shared_filter++) {
		share();
		cr_expect(zero(int,
			       in_forked_before(follows_to_cop, decides_cop)));
		t_close(shared_fd);
		share();
		cr_expect(zero(int,
			       in_forked_before(follows_to_udp, decides_udp)));
		t_close(shared_fd);
	}
}

/* A kernel socket that stays UDP is as the program would have it. */
Test(cop_pending, a_socket_that_stays_udp_keeps_no_mark)
{
	for (shared_filter = 0; shared_filter < 2; shared_filter++) {
		struct sock_filter insn[64];
		socklen_t len = 0;
		int fd = share();

		cr_expect(
			eq(int, send_to(fd, free_port(false)), COP_PLAIN_UDP));
		cr_assert(zero(int, getsockopt(fd, SOL_SOCKET, SO_GET_FILTER,
					       insn, &len)));
		cr_expect(eq(int, len > 0, shared_filter));
		t_close(fd);
	}
}

static int filters_in_child(void)
{
	CHECK(!attach(shared_fd));
	CHECK(is(shared_fd) == PENDING);
	return 0;
}

Test(cop_pending, a_filter_that_is_set_meanwhile_decides_nothing)
{
	int fd = share();

	T_CHILD(filters_in_child);
	cr_expect(gt(int, get_filter(fd), 0));
	cr_expect(eq(int, is(fd), PENDING));
	T_CHILD(decides_cop);
	cr_expect(gt(int, get_filter(fd), 0));
	cr_expect(eq(int, is(fd), COP));
	t_close(fd);
}

static uint16_t racing[2];

static int decides_at_once(void)
{
	send_to(shared_fd, racing[0]);
	return is(shared_fd) != PLAIN;
}

Test(cop_pending, of_two_processes_at_once_one_decides, .timeout = 60)
{
	racing[0] = free_port(false);
	racing[1] = free_port(true);
	for (int i = 0; i < 200; i++) {
		int fd = share(), status;
		pid_t pid = fork();

		if (!pid)
			_exit(decides_at_once());
		send_to(fd, racing[1]);
		waitpid(pid, &status, 0);
		cr_assert(eq(int, WEXITSTATUS(status), is(fd) == COP),
			  "round %d", i);
		t_close(fd);
	}
}

Test(cop_pending, a_socket_on_cop_is_handed_on_as_cop)
{
	uint16_t snum = free_port(true);
	int fd = bound(snum);
	struct sock *sk = t_taken_over(fd);

	cr_assert(eq(int, is(fd), COP));
	cr_assert(eq(int, sk->sk_num, snum));
	cr_assert(
		eq(int, t_bind(t_open_adopted(), LOOPBACK, snum), -EADDRINUSE));
}

/* ---- who decides --------------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS	300

static pthread_barrier_t at_once;
static int common;
static uint16_t port[2];

/* Half of them would have it COP. */
static void *decide_it(void *me)
{
	size_t i = (size_t)me;

	for (int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&at_once);
		if (i % 4 < 2)
			send_to(common, port[i % 2]);
		else
			connect_to(common, port[i % 2]);
		pthread_barrier_wait(&at_once);
	}
	return NULL;
}

static void assert_one(int fd)
{
	bool cop = is(fd) == COP;

	cr_assert(ne(int, is(fd), PENDING));
	cr_assert(eq(int, sock_flag(t_sk(fd), SOCK_CARRIED), cop));
	cr_assert(zero(u32, cop_sk(t_sk(fd))->lock));
	if (cop)
		assert_filter(fd, 0, 2);
	else
		cr_assert(eq(int, send_to(fd, port[1]), COP_PLAIN_UDP));
}

Test(cop_pending, of_many_threads_one_decides, .timeout = 60)
{
	pthread_t thread[THREADS];

	port[0] = free_port(false);
	port[1] = free_port(true);
	pthread_barrier_init(&at_once, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, decide_it, (void *)i);
	for (int round = 0; round < ROUNDS; round++) {
		common = t_open_adopted();
		cr_assert(zero(int, attach(common)));
		pthread_barrier_wait(&at_once);
		pthread_barrier_wait(&at_once);
		assert_one(common);
		t_close(common);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

/* As a fork leaves it behind that another thread's decision has met. */
Test(cop_pending, a_lost_thread_keeps_nobody_from_deciding)
{
	int cop = t_open_adopted(), udp = t_open_adopted();

	cop_sk(t_sk(cop))->lock = getppid();
	cop_sk(t_sk(udp))->lock = getppid();
	cr_assert(eq(int, send_to(cop, free_port(true)), 5));
	cr_assert(eq(int, is(cop), COP));
	cr_assert(eq(int, send_to(udp, free_port(false)), COP_PLAIN_UDP));
	cr_assert(eq(int, is(udp), PLAIN));
}

Test(cop_pending, a_close_leaves_nothing)
{
	uint16_t snum = free_port(false);
	int fd = bound(snum);

	t_close(fd);
	fd = bound(snum);
	cr_assert(eq(int, is(fd), PENDING));
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
	cr_assert(zero(int, t_sk(fd)->sk_num));
}
