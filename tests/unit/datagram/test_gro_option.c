// SPDX-License-Identifier: MIT
/*
 * test_gro_option.c - datagram/gro_option.c: the socket option UDP_GRO.
 */
#include <netinet/udp.h>

#include "datagram/gro_option.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "unit/helpers.h"

TestSuite(cop_gro_option, .init = t_init, .timeout = 20);

static int kernels(int fd)
{
	socklen_t len = sizeof(int);
	int value = -1;

	getsockopt(fd, IPPROTO_UDP, UDP_GRO, &value, &len);
	return value;
}

static int set(int fd, int value)
{
	return t_set(fd, IPPROTO_UDP, UDP_GRO, value);
}

static void assert_is(int fd, int own, int kernel, uint32_t flags)
{
	const uint32_t all = SOCK_GRO | SOCK_GRO_OPT | SOCK_GRO_UNTOLD;

	cr_assert(eq(int, t_get(fd, IPPROTO_UDP, UDP_GRO), own));
	cr_assert(eq(int, kernels(fd), kernel));
	cr_assert(eq(u32, READ_ONCE(t_sk(fd)->sk_flags) & all, flags));
}

Test(cop_gro_option, the_kernel_gets_it)
{
	int fd = t_open();

	assert_is(fd, 0, 0, 0);
	cr_assert(zero(int, set(fd, 2)));
	assert_is(fd, 1, 1, SOCK_GRO | SOCK_GRO_OPT);
	cr_assert(zero(int, set(fd, 0)));
	assert_is(fd, 0, 0, SOCK_GRO | SOCK_GRO_UNTOLD);
	cr_assert(zero(int, set(fd, 1)));
	assert_is(fd, 1, 1, SOCK_GRO | SOCK_GRO_OPT);
}

Test(cop_gro_option, the_socket_takes_the_short_way_again_once_it_is_off)
{
	int fd = t_open_bound();
	char byte;

	cr_assert(zero(int, set(fd, 1)));
	cr_assert(zero(int, set(fd, 0)));
	cr_assert(eq(int, t_recv(fd, &byte, 1, MSG_DONTWAIT), -EAGAIN));
	assert_is(fd, 0, 0, 0);
}

Test(cop_gro_option, a_wrong_value_has_the_kernels_error)
{
	int udp = t_udp(), fd = t_open();
	static const struct {
		void *value;
		socklen_t len;
	} c[] = { { "1234", 3 },
		  { "1234", 0 },
		  { "1234", -1 },
		  { NULL, 4 },
		  { (void *)-8l, 4 } };

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		int err = setsockopt(udp, IPPROTO_UDP, UDP_GRO, c[i].value,
				     c[i].len)
				  ? -errno
				  : 0;

		cr_assert(eq(int,
			     cop_gro_set(t_sk(fd), fd, c[i].value, c[i].len),
			     err));
		assert_is(fd, 0, 0, 0);
	}
}

static int old_kernel(int fd, int level, int optname, const void *optval,
		      socklen_t optlen)
{
	(void)fd, (void)level, (void)optname, (void)optval, (void)optlen;
	errno = ENOPROTOOPT;
	return -1;
}

Test(cop_gro_option, a_kernel_without_it_has_the_say)
{
	int fd = t_open();

	cop_libc.setsockopt = old_kernel;
	cr_assert(eq(int, set(fd, 1), -ENOPROTOOPT));
	assert_is(fd, 0, 0, 0);
	cr_assert(eq(int, set(fd, 0), -ENOPROTOOPT));
	assert_is(fd, 0, 0, 0);
}

/* The other process would give headers to its program. */
Test(cop_gro_option, on_a_socket_that_another_process_may_have_it_is_noted_only)
{
	int old = t_open(), on = t_open(), handed = t_open(), fresh;

	cr_assert(zero(int, set(on, 1)));
	cop_process_forks++;
	sock_set_flag(t_sk(handed), SOCK_HANDED_ON);
	t_sock(handed)->forks++;
	fresh = t_open();
	cr_assert(zero(int, set(old, 1)));
	assert_is(old, 1, 0, SOCK_GRO_OPT);
	cr_assert(zero(int, set(handed, 1)));
	assert_is(handed, 1, 0, SOCK_GRO_OPT);
	cr_assert(zero(int, set(on, 1)));
	assert_is(on, 1, 1, SOCK_GRO | SOCK_GRO_OPT);
	cr_assert(zero(int, set(fresh, 1)));
	assert_is(fresh, 1, 1, SOCK_GRO | SOCK_GRO_OPT);
	cr_assert(zero(int, set(old, 0)));
	assert_is(old, 0, 0, 0);
}

Test(cop_gro_option, the_next_image_has_what_this_one_had)
{
	int fd = t_open_bound();
	struct sock *sk;

	cr_assert(zero(int, set(fd, 1)));
	sk = t_taken_over(fd);
	cr_assert(eq(u32,
		     READ_ONCE(sk->sk_flags) &
			     (SOCK_GRO | SOCK_GRO_OPT | SOCK_GRO_UNTOLD),
		     SOCK_GRO | SOCK_GRO_OPT));
}

Test(cop_gro_option, the_next_image_knows_that_joined_datagrams_may_be_left)
{
	int fd = t_open_bound();
	struct sock *sk;

	cr_assert(zero(int, set(fd, 1)));
	cr_assert(zero(int, set(fd, 0)));
	sk = t_taken_over(fd);
	cr_assert(eq(u32,
		     READ_ONCE(sk->sk_flags) &
			     (SOCK_GRO | SOCK_GRO_OPT | SOCK_GRO_UNTOLD),
		     SOCK_GRO | SOCK_GRO_UNTOLD));
}

Test(cop_gro_option, the_kernels_udp_gets_what_was_only_noted)
{
	int fd = t_open();

	sock_set_flag(t_sk(fd), SOCK_GRO_OPT);
	cop_gro_plain(t_sk(fd), fd);
	cr_assert(eq(int, kernels(fd), 1));
}

Test(cop_gro_option, that_datagrams_can_not_be_shown_is_not_the_programs_affair)
{
	int fd = t_open();

	cr_assert(zero(int, set(fd, 1)));
	cop_gro_stop(t_sk(fd), fd);
	assert_is(fd, 1, 0, SOCK_GRO | SOCK_GRO_OPT | SOCK_GRO_UNTOLD);
	cop_gro_note_empty(t_sk(fd), fd);
	assert_is(fd, 1, 0, SOCK_GRO_OPT);
}
