// SPDX-License-Identifier: MIT
/*
 * test_mark.c - filter/mark.c: what the mark keeps of a sock for the next program or
 * process. Here this process is the next one: it forgets the descriptor, and then
 * reads the mark.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>

#include "cop_port.h"
#include "filter/filter.h"
#include "filter/mark.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "socket/identify.h"
#include "unit/helpers.h"

TestSuite(cop_mark, .init = t_init, .timeout = 20);

static bool is_claimed(uint16_t snum)
{
	return cop_port_taken(&cop_port_table, snum);
}

Test(cop_mark, an_unbound_sock_is_taken_over)
{
	int fd = t_open();
	struct sock *sk = t_taken_over(fd);

	cr_assert(eq(int, sk->sk_type, SOCK_COP));
	cr_assert(eq(int, sk->sk_protocol, IPPROTO_COP));
	cr_assert(zero(u16, sk->sk_num));
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	t_close(fd);
}

Test(cop_mark, a_port_by_number_stays_after_a_disconnect)
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

Test(cop_mark, a_port_that_nobody_asked_for_goes_with_a_disconnect)
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

Test(cop_mark, options_that_the_kernel_does_not_know_are_kept)
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

Test(cop_mark, a_datagram_that_is_begun_is_ended_without_another_header)
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

Test(cop_mark, a_sock_of_ipv6_is_taken_over_with_its_names)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int to = t_open_inet6(&addr), fd = t_open_inet6(NULL);
	struct socket *sock = t_sock(fd);
	union cop_addr peer;
	struct sock *sk;

	cr_assert(zero(int, sock->ops->connect(sock, fd, (void *)&addr,
					       sizeof(addr))));
	sk = t_taken_over(to);
	cr_assert(eq(int, sk->sk_family, PF_INET6));
	cr_assert(eq(u16, sk->sk_num, ntohs(addr.sin6_port)));
	sk = t_taken_over(fd);
	cr_assert(eq(int, sk->sk_family, PF_INET6));
	cr_assert(eq(int, sk->sk_state, COP_ESTABLISHED));
	peer = cop_slot_get(&sk->sk_daddr, PF_INET6);
	cr_assert(cop_addr_equal(&peer, (void *)&addr));
	t_close(fd);
	t_close(to);
}

/* A connected socket of IPv6 becomes one of IPv4 behind its first mark. */
Test(cop_mark, a_change_of_the_family_is_marked)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_port = htons(9) };
	int fd = t_open_inet6(&any), family = AF_INET;
	struct socket *sock = t_sock(fd);
	struct sock *sk = sock->sk;

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
	cr_assert(zero(int,
		       sock->ops->connect(sock, fd, (void *)&to, sizeof(to))));
	sk->sk_prot->mark(sk, fd);
	cr_assert(zero(int, sk->sk_prot->setsockopt(sk, fd, IPPROTO_IPV6,
						    IPV6_ADDRFORM, &family,
						    sizeof(family))));
	sk = t_taken_over(fd);
	cr_assert(eq(int, sk->sk_family, AF_INET));
	cr_assert(eq(int, sk->sk_type, SOCK_COP));
}

/* ---- beside other threads --------------------------------------------------------- */

static struct cop_libc libc;
static int other, taken;

/* The other thread closes a number and gives it to another socket just ahead of this. */
static int exchange_set(int fd, int level, int optname, const void *val,
			socklen_t len)
{
	if (optname == SO_ATTACH_FILTER)
		cr_assert(eq(int, dup2(other, taken), taken));
	return libc.setsockopt(fd, level, optname, val, len);
}

/* Returns a second descriptor of a COP socket; the number of the first is about to go. */
static int open_with_two(void)
{
	__libc_single_threaded = 0;
	other = t_udp();
	taken = t_open_bound();
	fd_identify(t_sock(taken), taken);
	libc = cop_libc;
	cop_libc.setsockopt = exchange_set;
	return dup(taken);
}

static bool is_marked(int fd)
{
	struct cop_mark mark;

	return !cop_program_read(&cop_wire, fd, &mark);
}

static void mark_it(struct sock *sk, int fd)
{
	sk->sk_prot->mark(sk, fd);
}

static void poll_it(struct sock *sk, int fd)
{
	sk->sk_prot->poll(sk, fd);
}

static void (*const ways[])(struct sock *sk, int fd) = { mark_it, poll_it };

Test(cop_mark, a_mark_that_went_to_another_socket_is_written_again)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int copy = open_with_two();
		struct sock *sk = t_sk(taken);

		t_hook_fcntl(t_no_duplicate);
		ways[i](sk, taken);
		cr_assert(not(is_marked(copy)), "%zu", i);
		cop_libc = libc;
		mark_it(sk, copy);
		cr_expect(is_marked(copy), "%zu", i);
	}
}

Test(cop_mark, a_mark_goes_to_the_socket_while_its_number_is_exchanged)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int copy = open_with_two(), next = dup(copy);

		close(next);
		ways[i](t_sk(taken), taken);
		cop_libc = libc;
		cr_expect(is_marked(copy), "%zu", i);
		cr_expect(not(is_marked(other)), "%zu", i);
		cr_expect(lt(int, fcntl(next, F_GETFD), 0),
			  "%zu leaves a descriptor", i);
	}
}

static int second; /* another descriptor of the socket */
static int got;	   /* the duplicate */

/* The kernel has looked @fd up, and another thread closes it ahead of the duplicate. */
static int close_within(int fd, int cmd, long arg)
{
	if (cmd != F_DUPFD_CLOEXEC)
		return t_next_fcntl(fd, cmd, arg);
	close(fd);
	got = t_next_fcntl(second, cmd, arg);
	cr_assert(ne(int, got, fd), "it has the number that was closed");
	return got;
}

Test(cop_mark, a_number_that_is_closed_meanwhile_stays_free)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		second = open_with_two();
		cop_libc.setsockopt = libc.setsockopt;
		t_hook_fcntl(close_within);
		ways[i](t_sk(taken), taken);
		cop_libc = libc;
		cr_expect(is_marked(second), "%zu", i);
		cr_expect(lt(int, fcntl(taken, F_GETFD), 0), "%zu", i);
		cr_expect(lt(int, fcntl(got, F_GETFD), 0),
			  "%zu leaves a descriptor", i);
	}
}

static int close_before(int fd, int cmd, long arg)
{
	if (cmd == F_DUPFD_CLOEXEC)
		close(fd);
	return t_next_fcntl(fd, cmd, arg);
}

Test(cop_mark, another_socket_that_gets_a_closed_number_gets_no_mark)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		open_with_two();
		t_hook_fcntl(close_before);
		ways[i](t_sk(taken), taken);
		cop_libc = libc;
		cr_expect(not(is_marked(other)), "%zu", i);
	}
}

/* The number is exchanged while a socket of the library's own tries the filter. */
Test(cop_mark, another_socket_does_not_get_a_filter_of_the_program)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	struct sock_fprog prog = { ARRAY_SIZE(all), all };
	int copy = open_with_two(), err;

	err = cop_attach_filter(t_sk(taken), taken, SO_ATTACH_FILTER, &prog,
				sizeof(prog));
	cr_expect(eq(int, err, -EBADF));
	cr_expect(not(is_marked(other)));
	cr_expect(not(is_marked(copy)));
}

static int exchange_lock(int fd, int cmd, long arg)
{
	if (cmd == F_SETLK)
		cr_assert(eq(int, dup2(other, taken), taken));
	return t_next_fcntl(fd, cmd, arg);
}

/* The kernel gives up the program's lock if the library unlocks the same file. */
Test(cop_mark, a_file_that_gets_the_number_meanwhile_stays_locked)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int copy = open_with_two(), again;
	char path[32];

	other = memfd_create("file", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", other);
	again = open(path, O_RDWR);
	cr_assert(zero(int, fcntl(other, F_SETLK, &all)));
	cop_libc.setsockopt = libc.setsockopt;
	t_hook_fcntl(exchange_lock);
	mark_it(t_sk(taken), taken);
	cop_libc = libc;
	cr_expect(is_marked(copy));
	cr_assert(zero(int, fcntl(again, F_OFD_GETLK, &all)));
	cr_expect(eq(int, all.l_type, F_WRLCK), "the lock is gone");
}

/* The other thread is ahead of the duplicate. */
static int exchange_dup(int fd, int cmd, long arg)
{
	if (cmd == F_DUPFD_CLOEXEC)
		cr_assert(eq(int, dup2(other, taken), taken));
	return t_next_fcntl(fd, cmd, arg);
}

Test(cop_mark, a_descriptor_that_was_exchanged_gets_no_mark)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int copy = open_with_two();
		struct sock *sk = t_sk(taken);

		t_hook_fcntl(exchange_dup);
		ways[i](sk, taken);
		cr_expect(not(is_marked(other)), "%zu", i);
		cop_libc = libc;
		mark_it(sk, copy);
		cr_expect(is_marked(copy), "%zu", i);
	}
}

static int refuse_filter(int fd, int level, int optname, const void *val,
			 socklen_t len)
{
	if (optname != SO_ATTACH_FILTER)
		return libc.setsockopt(fd, level, optname, val, len);
	errno = ENOMEM;
	return -1;
}

static void use_both_ways(void)
{
	cop_env.debug = COP_DEBUG_FAULTS;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		ways[i](t_sk(taken), taken);
	cop_env.debug = COP_DEBUG_OFF;
}

/* The program does not know the number of the duplicate. */
Test(cop_mark, a_message_names_the_descriptor_of_the_program)
{
	char text[400], want[40], *at;

	open_with_two();
	cop_libc.setsockopt = refuse_filter;
	t_stderr(use_both_ways, text, sizeof(text));
	cop_libc = libc;
	snprintf(want, sizeof(want), "fd %d: can't be marked", taken);
	at = strstr(text, want);
	cr_assert(ne(ptr, at, NULL), "%s", text);
	cr_expect(ne(ptr, strstr(at + 1, want), NULL), "%s", text);
}
