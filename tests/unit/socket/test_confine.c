// SPDX-License-Identifier: MIT
/*
 * test_confine.c - socket/confine.c: what the library does before the process
 * confines itself with seccomp.
 */
#include <sys/wait.h>

#include "filter/attach.h"
#include "lib/confine.h"
#include "lib/process.h"
#include "socket/confine.h"
#include "unit/helpers.h"

TestSuite(cop_socket_confine, .init = t_init, .timeout = 20);

static bool has_filter(int fd)
{
	socklen_t len = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) && len;
}

static void wait_for(int fd)
{
	t_sock(fd)->sk->sk_prot->poll(t_sock(fd)->sk, fd);
}

Test(cop_socket_confine, an_open_socket_gets_its_filter_and_its_port_first)
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

Test(cop_socket_confine,
     a_seccomp_call_that_fails_leaves_the_process_unconfined)
{
	int fd = t_open();

	cr_assert(cop_confine_begin());
	cr_assert(not(cop_confine_begin()));
	cop_confine_undo();
	wait_for(fd);
	cr_assert(has_filter(fd));
}

Test(cop_socket_confine, only_one_socket_of_ours_has_a_port)
{
	int fd = t_open_bound();

	cop_confine_begin();
	cr_assert(eq(int, t_bind(t_open(), LOOPBACK, t_port(fd)), -EADDRINUSE));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, 0), -EINVAL));
	cr_assert(zero(int, t_bind(t_open(), LOOPBACK, 0)));
	cr_assert(zero(int, t_bind(t_open(), LOOPBACK, t_free_port())));
}

Test(cop_socket_confine, an_open_socket_gets_its_mark_first)
{
	struct cop_mark mark;
	int fd = t_open_bound();

	cr_assert(cop_confine_begin());
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
}

Test(cop_socket_confine, errno_stays_as_it_was)
{
	t_open_bound();
	errno = 77;
	cr_assert(cop_confine_begin());
	cop_confine_undo();
	cop_confine_started();
	cr_assert(eq(int, errno, 77));
	cr_assert(cop_confined());
}

Test(cop_socket_confine, a_vfork_child_leaves_its_parent_unconfined)
{
	volatile bool becomes = true;
	pid_t pid;

	if (!t_vfork_shares_memory())
		cr_skip_test("vfork() is a fork() here");
	cop_process_share();
	pid = vfork();
	if (!pid) {
		becomes = cop_confine_begin();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	cr_assert(not(becomes));
	cr_assert(not(cop_confined()));
}
