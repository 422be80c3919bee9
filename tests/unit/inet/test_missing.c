// SPDX-License-Identifier: MIT
/*
 * test_missing.c - inet/missing.c: a socket of a transport that is not here.
 */
#include <poll.h>
#include <sys/ioctl.h>

#include "filter/attach.h"
#include "inet/missing.h"
#include "lib/libc.h"
#include "unit/helpers.h"

/* No module has it. */
static const struct cop_mark mark = {
	.family = PF_INET,
	.type = 9,
	.protocol = 99,
};

TestSuite(cop_missing, .init = t_init, .timeout = 20);

static int open_missing(void)
{
	int fd = t_udp();

	cr_assert(zero(int, cop_program_mark(&cop_wire, fd, &mark)));
	cr_assert(eq(int, fd_adopt(fd), 1));
	cr_assert(eq(ptr, (void *)t_sk(fd)->sk_prot, &cop_missing_prot));
	return fd;
}

#define REFUSED(call) cr_expect(eq(long, call, -EPROTONOSUPPORT), #call)

Test(cop_missing, no_datagram_is_sent_or_received)
{
	int fd = open_missing();
	struct sock *sk = t_sk(fd);
	struct iovec iov = { &(char[8]){ 0 }, 8 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr vec = { msg, 0 };

	REFUSED(sk->sk_prot->sendto(sk, fd, "text", 4, 0, NULL, 0));
	REFUSED(sk->sk_prot->sendmsg(sk, fd, &msg, 0));
	REFUSED(sk->sk_prot->sendmmsg(sk, fd, &vec, 1, 0));
	REFUSED(sk->sk_prot->recvfrom(sk, fd, iov.iov_base, 8, 0, NULL, NULL));
	REFUSED(sk->sk_prot->recvmsg(sk, fd, &msg, 0));
	REFUSED(sk->sk_prot->recvmmsg(sk, fd, &vec, 1, 0, NULL));
}

Test(cop_missing, it_can_not_be_bound_or_connected)
{
	int fd = open_missing();
	struct socket *sock = t_sock(fd);
	struct sockaddr_in addr = t_addr(LOOPBACK, 9);
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	REFUSED(t_bind(fd, LOOPBACK, 0));
	REFUSED(sock->ops->connect(sock, fd, (void *)&addr, sizeof(addr)));
	REFUSED(sock->ops->connect(sock, fd, &none, sizeof(none)));
}

Test(cop_missing, options_but_those_of_its_kind_are_refused)
{
	int fd = open_missing();
	struct sock *sk = t_sk(fd);
	int length = 0, off = 0;

	cr_expect(eq(int, t_get(fd, SOL_SOCKET, SO_TYPE), 9));
	cr_expect(eq(int, t_get(fd, SOL_SOCKET, SO_PROTOCOL), 99));
	cr_expect(eq(int, t_get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET));
	cr_expect(zero(int, t_get(fd, SOL_SOCKET, SO_ERROR)));
	REFUSED(t_get(fd, SOL_SOCKET, SO_RCVBUF));
	REFUSED(t_set(fd, SOL_SOCKET, SO_RCVBUF, 4096));
	REFUSED(sk->sk_prot->ioctl(sk, fd, FIONREAD, &length));
	REFUSED(sk->sk_prot->ioctl(sk, fd, TIOCOUTQ, &length));
	cr_expect(zero(int, sk->sk_prot->ioctl(sk, fd, FIONBIO, &off)));
}

Test(cop_missing, it_holds_no_port_and_its_close_leaves_nothing)
{
	int fd = open_missing();
	uint16_t snum = t_port(fd);

	cr_expect(ne(uint, snum, 0));
	cr_expect(not(cop_port_taken(&cop_port_table, snum)));
	t_close(fd);
	cr_expect(zero(ptr, sockfd_lookup(fd)));
	fd = t_open();
	cr_expect(zero(int, t_bind(fd, LOOPBACK, snum)));
}

Test(cop_missing, the_mark_stays_for_the_next_process)
{
	int fd = open_missing();
	struct cop_mark is;

	t_sk(fd)->sk_prot->mark(t_sk(fd), fd);
	cr_assert(zero(int, cop_program_claim(fd, &is)));
	cr_expect(eq(u8, is.type, 9));
	cr_expect(eq(u16, is.protocol, 99));
}

Test(cop_missing, no_new_socket_is_made)
{
	struct socket *sock = t_sock(open_missing());

	REFUSED(sock->sk->sk_prot->open(sock->sk, 0));
}
