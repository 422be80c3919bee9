// SPDX-License-Identifier: MIT
/*
 * test_confine.c - lib/confine.c: what is done ahead of a seccomp filter.
 */
#include "lib/confine.h"
#include "socket/confine.h"
#include "unit/helpers.h"

TestSuite(cop_confine, .init = t_init, .timeout = 20);

static bool has_filter(int fd)
{
	socklen_t len = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) && len;
}

static void wait_for(int fd)
{
	t_sock(fd)->sk->sk_prot->poll(t_sock(fd)->sk, fd);
}

Test(cop_confine, a_process_without_a_filter_is_not_confined)
{
	cr_assert(not(cop_confine_start()));
	cr_assert(not(cop_confined()));
	cr_assert(eq(int, cop_file_flags(), 0));
}

Test(cop_confine, what_is_open_gets_its_filter_and_its_port_first)
{
	int fd = t_open(), later;

	cr_assert(zero(int, t_bind(fd, "0.0.0.0", 0)));
	cr_assert(not(has_filter(fd)));
	cr_assert(cop_confine_begin());
	cr_assert(has_filter(fd));
	cr_assert(ne(int, inet_sk(t_sk(fd))->inet_sport, 0));
	later = t_open();
	wait_for(later);
	cr_assert(not(has_filter(later)));
}

Test(cop_confine, a_filter_that_is_refused_leaves_it_unconfined)
{
	int fd = t_open();

	cr_assert(cop_confine_begin());
	cr_assert(not(cop_confine_begin()));
	cop_confine_undo();
	wait_for(fd);
	cr_assert(has_filter(fd));
}

Test(cop_confine, some_errors_are_a_filters)
{
	static const struct {
		int err;
		bool confines;
	} c[] = {
		{ 0, false },	    { -ENOPROTOOPT, false }, { -EFAULT, false },
		{ -EINVAL, false }, { -ENOMEM, false },	     { -EPERM, true },
		{ -EACCES, true },  { -ENOSYS, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cr_assert(eq(int, cop_confine_notice(c[i].err), c[i].confines),
			  "%d", c[i].err);
		cop_confine_undo();
	}
}

Test(cop_confine, only_one_socket_of_ours_has_a_port)
{
	int fd = t_open_bound();

	cop_confine_begin();
	cr_assert(eq(int, t_bind(t_open(), LOOPBACK, t_port(fd)), -EADDRINUSE));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, 0), -EINVAL));
	cr_assert(zero(int, t_bind(t_open(), LOOPBACK, 0)));
	cr_assert(zero(int, t_bind(t_open(), LOOPBACK, t_free_port())));
}
