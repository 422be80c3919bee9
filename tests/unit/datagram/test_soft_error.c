// SPDX-License-Identifier: MIT
/*
 * test_soft_error.c - datagram/soft_error.c: an error that an earlier receive has left,
 * and a send.
 */
#include "datagram/soft_error.h"
#include "unit/helpers.h"

TestSuite(cop_soft_error, .init = t_init, .timeout = 20);

static int send_to(int fd, const char *ip, uint16_t snum, size_t len)
{
	static char bytes[70000];
	struct sockaddr_in to = t_addr(ip ?: LOOPBACK, snum);

	return t_sendto(fd, bytes, len, 0, ip ? &to : NULL);
}

/* What the kernel objects to in a send comes before the error that is left. */
Test(cop_soft_error, a_send_that_is_refused_leaves_the_error)
{
	static const struct {
		const char *ip;
		uint16_t snum;
		size_t len;
		int err;
	} sends[] = {
		{ NULL, 0, 1, -EDESTADDRREQ },
		{ LOOPBACK, 0, 1, -EINVAL },
		{ "255.255.255.255", 9, 1, -EACCES },
		{ LOOPBACK, 9, 65508, -EMSGSIZE },
		{ LOOPBACK, 9, 70000, -EMSGSIZE },
	};
	int fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(sends); i++) {
		cop_soft_error_set(t_sk(fd), -EBADMSG);
		cr_expect(eq(int,
			     send_to(fd, sends[i].ip, sends[i].snum,
				     sends[i].len),
			     sends[i].err),
			  "%zu", i);
		cr_expect(eq(int, cop_sk(t_sk(fd))->soft_err, EBADMSG), "%zu",
			  i);
	}
}

Test(cop_soft_error, any_other_send_returns_the_error_once)
{
	int fd = t_open_bound(), to = t_open_bound();
	char byte;

	cop_soft_error_set(t_sk(fd), -EBADMSG);
	cr_assert(eq(int, send_to(fd, LOOPBACK, t_port(to), 1), -EBADMSG));
	cr_assert(eq(int, t_recv(to, &byte, 1, MSG_DONTWAIT), -EAGAIN));
	cr_assert(eq(int, send_to(fd, LOOPBACK, t_port(to), 1), 1));
	cr_assert(eq(int, t_recv(to, &byte, 1, MSG_DONTWAIT), 1));
}

Test(cop_soft_error,
     a_connected_socket_that_sends_nowhere_in_particular_returns_it)
{
	int fd = t_open_bound();

	t_connect(fd, LOOPBACK, 9);
	cop_soft_error_set(t_sk(fd), -EBADMSG);
	cr_assert(eq(int, send_to(fd, NULL, 0, 1), -EBADMSG));
	cr_assert(zero(int, cop_sk(t_sk(fd))->soft_err));
}
