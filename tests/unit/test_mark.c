// SPDX-License-Identifier: MIT
/*
 * test_mark.c - a COP sock that goes elsewhere on its kernel socket. Elsewhere
 * is this process, once it has forgotten what it knew of the descriptor.
 */
#include <linux/filter.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cop/bind.h"
#include "cop/filter.h"
#include "cop/inherit.h"
#include "cop/libc.h"
#include "cop/mark.h"
#include "cop/port.h"
#include "helpers.h"

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
	cr_assert(eq(u32, sk->sk_rcv_saddr, htonl(INADDR_LOOPBACK)));
	cr_assert(eq(u32, inet_sk(sk)->inet_saddr, htonl(INADDR_LOOPBACK)));
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
	cr_assert(eq(u16, ntohs(sk->sk_dport), t_port(peer)));
	cr_assert(eq(u32, sk->sk_daddr, htonl(INADDR_LOOPBACK)));
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

	sock->ops->mark(sock, fd);
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

	sock->ops->mark(sock, fd);
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
	sock->ops->mark(sock, fd);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(eq(int, dup2(fd, at[i]), at[i]));
	cop_inherit();
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(eq(ptr, t_sock(at[i]), sock));
	cr_assert(zero(ptr, sockfd_lookup(66)));
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

	cr_assert(zero(int, cop_program_mark(tcp, &mark)));
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
