// SPDX-License-Identifier: MIT
/*
 * test_ioctl.c - datagram/ioctl.c: FIONREAD is without the header.
 */
#include <sys/ioctl.h>

#include "socket/confine.h"
#include "unit/helpers.h"

TestSuite(cop_ioctl, .init = t_init, .timeout = 20);

static int fionread(int fd)
{
	int len = -1;
	int err = t_sock(fd)->sk->sk_prot->ioctl(t_sock(fd)->sk, fd, FIONREAD,
						 &len);

	return err ? err : len;
}

Test(cop_ioctl, FIONREAD_is_the_first_datagrams_payload)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	cr_assert(zero(int, fionread(fd)));
	t_udp_send_strays(udp, t_port(fd));
	cr_assert(zero(int, fionread(fd)));
	t_udp_send_cop(udp, t_port(fd), 3, "hello", 5);
	t_udp_send_cop(udp, t_port(fd), 0, "", 0);
	t_udp_send_cop(udp, t_port(fd), 0, "x", 1);
	cr_assert(eq(int, fionread(fd), 5));
	t_recv(fd, buf, 8, 0);
	cr_assert(zero(int, fionread(fd)));
	t_recv(fd, buf, 8, 0);
	cr_assert(eq(int, fionread(fd), 1));
}

Test(cop_ioctl, other_ioctls_are_the_kernels)
{
	int udp = t_udp(), fd = t_open_bound(), len;
	struct socket *sock = t_sock(fd);

	cr_assert(eq(int, sock->sk->sk_prot->ioctl(sock->sk, fd, 0x12345, &len),
		     ioctl(udp, 0x12345, &len) ? -errno : 0));
	cr_assert(zero(int,
		       sock->sk->sk_prot->ioctl(sock->sk, fd, TIOCOUTQ, &len)));
	cr_assert(eq(int,
		     sock->sk->sk_prot->ioctl(sock->sk, fd, FIONREAD, NULL),
		     -EFAULT));
}

Test(cop_ioctl, FIONREAD_is_without_a_header)
{
	int fd = t_open_bound(), udp = t_udp(), len = -1;
	struct socket *sock = t_sock(fd);

	cop_confine_begin();
	cr_assert(zero(int,
		       sock->sk->sk_prot->ioctl(sock->sk, fd, FIONREAD, &len)));
	cr_assert(eq(int, len, 0));
	t_udp_send_cop(udp, t_port(fd), 0, "seven..", 7);
	cr_assert(zero(int,
		       sock->sk->sk_prot->ioctl(sock->sk, fd, FIONREAD, &len)));
	cr_assert(eq(int, len, 7));
}
