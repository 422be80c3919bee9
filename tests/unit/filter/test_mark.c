// SPDX-License-Identifier: MIT
/*
 * test_mark.c - a COP sock that goes elsewhere on its kernel socket. Elsewhere
 * is this process, once it has forgotten what it knew of the descriptor.
 */
#include <linux/netlink.h>
#include <netinet/udp.h>
#include <linux/filter.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "port/bind.h"
#include "filter/filter.h"
#include "socket/inherit.h"
#include "lib/libc.h"
#include "filter/mark.h"
#include "cop_port.h"
#include "unit/helpers.h"

static bool is_claimed(uint16_t snum)
{
	if (!cop_port_claim(&cop_port_table, snum))
		return true;
	cop_port_release(&cop_port_table, snum);
	return false;
}

Test(cop_mark, an_unbound_sock_is_taken_over, .init = t_init)
{
	int fd = t_open();
	struct sock *sk = t_taken_over(fd);

	cr_assert(eq(int, sk->sk_type, SOCK_COP));
	cr_assert(eq(int, sk->sk_protocol, IPPROTO_COP));
	cr_assert(zero(u16, sk->sk_num));
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	t_close(fd);
}

Test(cop_mark, a_port_by_number_stays_after_a_disconnect, .init = t_init)
{
	uint16_t snum = t_free_port();
	int fd = t_open();
	struct sock *sk;

	cr_assert(zero(int, t_bind(fd, LOOPBACK, snum)));
	sk = t_taken_over(fd);
	cr_assert(eq(u16, sk->sk_num, snum));
	cr_assert(eq(int, sk->sk_userlocks,
		     SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK));
	cr_assert(eq(u32, t_in(&sk->sk_rcv_saddr), htonl(INADDR_LOOPBACK)));
	cr_assert(eq(u32, t_in(&inet_sk(sk)->inet_saddr),
		     htonl(INADDR_LOOPBACK)));
	cr_assert(is_claimed(snum));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(eq(u16, t_port(fd), snum));
	t_close(fd);
	cr_assert(not(is_claimed(snum)));
}

Test(cop_mark, a_port_that_nobody_asked_for_goes_with_a_disconnect,
     .init = t_init)
{
	int fd = t_open(), peer = t_open_bound();
	struct sock *sk;
	uint16_t snum;

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(peer))));
	sk = t_taken_over(fd);
	snum = sk->sk_num;
	cr_assert(snum && is_claimed(snum));
	cr_assert(eq(int, sk->sk_state, COP_ESTABLISHED));
	cr_assert(eq(u16, ntohs(sk->sk_daddr.port), t_port(peer)));
	cr_assert(eq(u32, t_in(&sk->sk_daddr), htonl(INADDR_LOOPBACK)));
	cr_assert(eq(int, t_send(fd, "x"), 1));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(zero(u16, t_port(fd)));
	cr_assert(not(is_claimed(snum)));
}

Test(cop_mark, options_that_the_kernel_was_not_told_of_are_kept, .init = t_init)
{
	int fd = t_open();

	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_REUSEADDR, 1)));
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_RCVBUF, 9000)));
	cr_assert(zero(int, t_set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE,
				  40000u << 16 | 40000)));
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	t_taken_over(fd);
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_REUSEADDR), 1));
	cr_assert(zero(int, t_get(fd, SOL_SOCKET, SO_REUSEPORT)));
	cr_assert(eq(u32, t_get(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE),
		     40000u << 16 | 40000));
	cr_assert(eq(int, t_sk(fd)->sk_rcvbuf, 18000));
	cr_assert(eq(u16, t_port(fd), 40000));
}

Test(cop_mark, a_datagram_that_is_begun_is_ended_without_another_header,
     .init = t_init)
{
	int fd = t_open(), peer = t_open_bound();
	char buf[8] = "";

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(peer))));
	cr_assert(eq(int, t_sendto(fd, "ab", 2, MSG_MORE, NULL), 2));
	t_taken_over(fd);
	cr_assert(eq(int, t_sendto(fd, "cd", 2, 0, NULL), 2));
	cr_assert(eq(int, t_recv(peer, buf, sizeof(buf), 0), 4));
	cr_assert(eq(str, buf, "abcd"));
}

Test(cop_mark, two_descriptors_of_one_kernel_socket_are_one_sock,
     .init = t_init)
{
	int fd = t_open_bound();
	int two = dup(fd);
	uint16_t snum = t_port(fd);
	struct socket *sock = t_sock(fd);

	sock->sk->sk_prot->mark(sock->sk, fd);
	cr_assert(fd_adopt(two));
	cr_assert(eq(ptr, t_sock(two), sock));
	t_close(fd);
	cr_assert(is_claimed(snum));
	t_close(two);
	cr_assert(not(is_claimed(snum)));
}

Test(cop_mark, adopting_a_descriptor_twice_changes_nothing, .init = t_init)
{
	int fd = t_open_bound();
	struct socket *sock = t_sock(fd);
	uint16_t snum = t_port(fd);

	sock->sk->sk_prot->mark(sock->sk, fd);
	cr_assert(fd_adopt(fd));
	cr_assert(eq(ptr, t_sock(fd), sock));
	cr_assert(eq(int, sock->f_count, 1));
	t_close(fd);
	cr_assert(not(is_claimed(snum)));
}

Test(cop_mark, all_that_a_program_starts_with_is_found, .init = t_init)
{
	static const int at[] = { 63, 64, 65, 500, 2047, 2048, 5000 };
	struct rlimit most;
	int fd = t_open_bound();
	struct socket *sock = t_sock(fd);

	getrlimit(RLIMIT_NOFILE, &most);
	if (most.rlim_max <= 5000)
		cr_skip_test("no more than %lu descriptors", most.rlim_max);
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
	sock->sk->sk_prot->mark(sock->sk, fd);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(eq(int, dup2(fd, at[i]), at[i]));
	cop_inherit();
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(eq(ptr, t_sock(at[i]), sock));
	cr_assert(zero(ptr, sockfd_lookup(66)));
}

/* The kernel lets only root filter TCP, so that nobody else can forge it there. */
static bool can_mark(int fd, const struct cop_mark *mark)
{
	int err = cop_program_mark(fd, mark);

	if (geteuid() && err == -EPERM)
		return false;
	cr_assert(zero(int, err));
	return true;
}

Test(cop_mark, a_socket_of_another_kind_with_a_mark_is_not_taken,
     .init = t_init)
{
	const struct cop_mark mark = {
		PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 }
	};
	const struct cop_mark other = { PF_INET, 6, 1, 0, { 0 } };
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	int udp = t_udp();

	if (can_mark(tcp, &mark))
		cr_assert(not(fd_adopt(tcp)));
	cr_assert(zero(int, cop_program_mark(udp, &other)));
	cr_assert(not(fd_adopt(udp)));
}

/* What a type has beyond its four bits are flags of a socket() call. */
Test(cop_mark, a_mark_of_no_type_there_can_be_is_no_mark, .init = t_init)
{
	int udp = t_udp();

	for (int high = 0x10; high <= 0xf0; high += 0x10) {
		const struct cop_mark mark = {
			PF_INET, SOCK_COP | high, IPPROTO_COP, 0, { 0 }
		};

		cr_assert(zero(int, cop_program_mark(udp, &mark)));
		cr_assert(not(fd_adopt(udp)), "type %#x", SOCK_COP | high);
	}
}

/* The types of inetsw end at SOCK_MAX, those that fit into four bits do not. */
Test(cop_mark, a_mark_of_any_type_or_protocol_but_ours_is_no_mark,
     .init = t_init)
{
	static const uint16_t protocol[] = {
		0, IPPROTO_UDP, IPPROTO_COP, 255, 256, 0x8000 | IPPROTO_COP
	};

	for (unsigned int i = 0; i < 256 * ARRAY_SIZE(protocol); i++) {
		const struct cop_mark mark = {
			PF_INET, i % 256, protocol[i / 256], 0, { 0 }
		};
		bool ours = (mark.type == SOCK_COP &&
			     mark.protocol == IPPROTO_COP) ||
			    (mark.type == SOCK_DGRAM &&
			     mark.protocol == IPPROTO_UDP);
		int udp = t_udp();

		cr_assert(zero(int, cop_program_mark(udp, &mark)));
		cr_assert(eq(int, fd_adopt(udp), ours), "type %u, protocol %u",
			  mark.type, mark.protocol);
		t_close(udp);
	}
}

Test(cop_mark, a_mark_of_any_family_but_ours_is_no_mark, .init = t_init)
{
	for (int family = 0; family < 256; family++) {
		const struct cop_mark mark = {
			family, SOCK_COP, IPPROTO_COP, 0, { 0 }
		};
		int udp = t_udp();

		cr_assert(zero(int, cop_program_mark(udp, &mark)));
		cr_assert(eq(int, fd_adopt(udp), family == PF_INET),
			  "family %d", family);
		t_close(udp);
	}
}

Test(cop_mark, a_raw_socket_with_a_mark_is_not_taken, .init = t_init)
{
	const struct cop_mark mark = {
		PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 }
	};
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);

	if (raw < 0)
		cr_skip_test("no raw socket for this user: %s",
			     strerror(errno));
	cr_assert(zero(int, cop_program_mark(raw, &mark)));
	cr_assert(not(fd_adopt(raw)));
}

/* ---- marks of another process --------------------------------------------- */

/* As filter/mark.c lays the words out. */
enum { FLAGS, LOCKS, RANGE, PORTS };

static bool takes(int fd, const struct cop_mark *mark)
{
	cr_assert(zero(int, cop_program_mark(fd, mark)));
	return fd_adopt(fd);
}

static struct cop_mark mark_with(int word, uint32_t value)
{
	struct cop_mark mark = { PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 } };

	mark.word[word] = value;
	return mark;
}

/* A kernel socket of a program's, unbound. */
static int new_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

Test(cop_mark, a_word_that_no_library_writes_is_no_mark, .init = t_init)
{
	static const struct {
		int word;
		uint32_t value;
	} forged[] = {
		{ FLAGS, SOCK_DEAD },	     { FLAGS, SOCK_CARRIED },
		{ FLAGS, SOCK_FILTER },	     { FLAGS, SOCK_FILTER_CLEAN },
		{ FLAGS, SOCK_UNCONFIRMED }, { FLAGS, SOCK_SHARED_PORT },
		{ FLAGS, SOCK_ELSEWHERE },   { FLAGS, SOCK_CONTEST },
		{ FLAGS, 1u << 31 },	     { LOCKS, 1 },
		{ LOCKS, 2 << 8 },	     { LOCKS, 255 << 16 },
		{ LOCKS, 1 << 24 },	     { RANGE, 5u << 16 | 6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
		struct cop_mark mark =
			mark_with(forged[i].word, forged[i].value);

		cr_assert(not(takes(new_udp(), &mark)), "word %d, %#x",
			  forged[i].word, forged[i].value);
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_mark, what_the_kernel_denies_is_not_taken_from_a_mark, .init = t_init)
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

Test(cop_mark, what_the_kernel_knows_need_not_be_in_the_mark, .init = t_init)
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
Test(cop_mark, a_range_is_narrowed_to_the_port_of_its_socket_only,
     .init = t_init)
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
Test(cop_mark, a_port_that_the_kernel_gives_back_is_not_held_for_a_mark,
     .init = t_init)
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

static int kind_socket(int i)
{
	static const int kind[][3] = {
		{ AF_INET6, SOCK_DGRAM, 0 },
		{ AF_INET, SOCK_STREAM, 0 },
		{ AF_UNIX, SOCK_DGRAM, 0 },
		{ AF_UNIX, SOCK_STREAM, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
	};

	if (i == ARRAY_SIZE(kind))
		return -1;
	return socket(kind[i][0], kind[i][1] | SOCK_CLOEXEC, kind[i][2]);
}

Test(cop_mark, a_mark_on_any_other_kind_of_socket_is_none, .init = t_init)
{
	struct cop_mark mark = mark_with(FLAGS, 0);
	int fd;

	for (int i = 0; (fd = kind_socket(i)) >= 0; i++) {
		if (can_mark(fd, &mark))
			cr_assert(not(fd_adopt(fd)), "kind %d", i);
	}
}
/* ---- a filter that is set meanwhile ------------------------------------------- */

enum { FILTER_ROUNDS = 5000 };

static int filtered_fd;
static atomic_bool enough;

static void *mark_on(void *arg)
{
	struct sock *sk = t_sk(filtered_fd);

	for (unsigned int i = 0; !enough; i++) {
		WRITE_ONCE(sk->sk_reuse, i & 1);
		cop_mark(sk, filtered_fd);
	}
	return arg;
}

static int filter_len(void)
{
	struct sock_filter insn[8];

	return cop_program_user(filtered_fd, insn, ARRAY_SIZE(insn));
}

static void set_and_take_away(void)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog prog = { 1, none };
	struct sock *sk = t_sk(filtered_fd);
	int zero = 0;

	for (int i = 0; i < FILTER_ROUNDS; i++) {
		cr_assert(zero(int, cop_attach_filter(sk, filtered_fd,
						      SO_ATTACH_FILTER, &prog,
						      sizeof(prog))));
		cr_assert(eq(int, filter_len(), 1), "round %d", i);
		cr_assert(zero(int, cop_detach_filter(sk, filtered_fd, &zero,
						      sizeof(zero))));
		cr_assert(zero(int, filter_len()), "round %d", i);
	}
}

Test(cop_mark, a_filter_is_not_lost_to_another_threads_mark, .init = t_init,
     .timeout = 60)
{
	pthread_t thread;

	filtered_fd = t_open_bound();
	pthread_create(&thread, NULL, mark_on, NULL);
	set_and_take_away();
	enough = true;
	pthread_join(thread, NULL);
	t_close(filtered_fd);
}

static int mark_in_child(void)
{
	alarm(60);
	mark_on(NULL);
	return 0;
}

/* As one that was forked and is about to exec. */
Test(cop_mark, a_filter_is_not_lost_to_another_processs_mark, .init = t_init,
     .timeout = 60)
{
	pid_t child;

	filtered_fd = t_open_bound();
	child = fork();
	if (!child)
		_exit(mark_in_child());
	set_and_take_away();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	t_close(filtered_fd);
}
