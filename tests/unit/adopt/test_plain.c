// SPDX-License-Identifier: MIT
/*
 * test_plain.c - adopt/plain.c: a socket that stays UDP leaves each call to libc.
 */
#include <sys/ioctl.h>

#include "adopt/plain.h"
#include "lib/env.h"
#include "unit/helpers.h"

static struct sock *sk;
static int fd;

/* A destination that COP_ADOPT does not list decides for UDP. */
static void setup(void)
{
	struct sockaddr_in to = t_addr(LOOPBACK, t_free_port());

	setenv("COP_ADOPT", "udp:1", 1);
	cop_env_init();
	t_init();
	fd = t_open_adopted();
	sk = t_sk(fd);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	cr_assert(eq(int, t_sendto(fd, "x", 1, 0, &to), COP_PLAIN_UDP));
	cr_assert(cop_is_plain(sk));
}

TestSuite(cop_plain, .init = setup, .timeout = 20);

Test(cop_plain, naming_is_left_to_libc)
{
	cr_expect(eq(int, t_bind(fd, LOOPBACK, 0), COP_PLAIN_UDP));
	cr_expect(eq(int, t_connect(fd, LOOPBACK, 9), COP_PLAIN_UDP));
	cr_expect(eq(int, t_connect(fd, LOOPBACK, 0), COP_PLAIN_UDP));
	cr_expect(eq(int, t_disconnect(fd), COP_PLAIN_UDP));
	cr_expect(ne(int, t_port(fd), 0), "getsockname() answers at once");
}

Test(cop_plain, options_are_left_to_libc)
{
	const struct proto *prot = sk->sk_prot;
	int value = 0;

	cr_expect(eq(int, t_set(fd, SOL_SOCKET, SO_RCVBUF, 1), COP_PLAIN_UDP));
	cr_expect(eq(int, t_get(fd, SOL_SOCKET, SO_TYPE), COP_PLAIN_UDP));
	cr_expect(
		eq(int, prot->ioctl(sk, fd, FIONREAD, &value), COP_PLAIN_UDP));
	cr_expect(
		eq(int, prot->ioctl(sk, fd, TIOCOUTQ, &value), COP_PLAIN_UDP));
}

Test(cop_plain, data_are_left_to_libc)
{
	struct sockaddr_in to = t_addr(LOOPBACK, t_free_port());
	char text[8] = "x";
	struct iovec iov = { text, 1 };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	cr_expect(eq(int, t_sendto(fd, text, 1, 0, &to), COP_PLAIN_UDP));
	cr_expect(eq(int, t_sendmsg(fd, &vec.msg_hdr, 0), COP_PLAIN_UDP));
	cr_expect(eq(int, t_sendmmsg(fd, &vec, 1, 0), COP_PLAIN_UDP));
	cr_expect(eq(int, t_recv(fd, text, 1, 0), COP_PLAIN_UDP));
	cr_expect(eq(int, t_recvmsg(fd, &vec.msg_hdr, 0), COP_PLAIN_UDP));
	cr_expect(eq(int, t_recvmmsg(fd, &vec, 1, 0, NULL), COP_PLAIN_UDP));
}

Test(cop_plain, the_table_forgets_it_and_the_kernel_socket_stays)
{
	cr_expect(sk->sk_prot->poll(sk, fd));
	sk->sk_prot->mark(sk, fd);
	cr_expect(not(sk->sk_prot->owns(sk, fd)));
	cr_expect(fd_forget_gone(fd));
	cr_expect(zero(ptr, sockfd_lookup(fd)));
	cr_expect(not(fd_adopt(fd)), "it has no mark");
	cr_expect(zero(int, close(fd)));
}
