// SPDX-License-Identifier: MIT
/*
 * test_identify.c - socket/identify.c: which kernel socket each socket has.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "filter/attach.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/process.h"
#include "socket/identify.h"
#include "unit/helpers.h"

TestSuite(cop_identify, .init = t_init, .timeout = 20);

static uint64_t cookie_of(int fd)
{
	return READ_ONCE(t_sock(fd)->cookie);
}

Test(cop_identify, a_socket_has_no_cookie_until_it_is_identified)
{
	int fd = t_open_bound();

	cr_assert(zero(u64, cookie_of(fd)));
	fd_identify(t_sock(fd), fd);
	cr_assert(ne(u64, cookie_of(fd), 0));
	cr_assert(eq(u64, cookie_of(fd), sock_kernel_cookie(fd)));
}

Test(cop_identify, a_known_cookie_is_not_asked_again)
{
	int fd = t_open_bound();

	WRITE_ONCE(t_sock(fd)->cookie, 7);
	fd_identify(t_sock(fd), fd);
	cr_assert(eq(u64, cookie_of(fd), 7));
}

/* The program has closed it in a way that the library does not see. */
Test(cop_identify, a_descriptor_that_leads_elsewhere_now_gives_no_cookie)
{
	int fd = t_open_bound(), other = t_udp();
	struct socket *sock = t_sock(fd);

	cr_assert(eq(int, dup2(other, fd), fd));
	fd_identify(sock, fd);
	cr_assert(zero(u64, READ_ONCE(sock->cookie)));
}

Test(cop_identify, a_socket_that_left_the_slot_meanwhile_gets_no_cookie)
{
	int fd = t_open_bound();
	struct socket *sock = sockfd_get(fd);

	t_leave(fd);
	fd_identify(sock, fd);
	cr_assert(zero(u64, READ_ONCE(sock->cookie)));
	fd_drop(sock);
}

Test(cop_identify, a_confined_process_asks_nothing)
{
	int fd = t_open_bound();

	WRITE_ONCE(cop_is_confined, true);
	fd_identify(t_sock(fd), fd);
	fd_identify_all();
	cr_assert(zero(u64, cookie_of(fd)));
}

Test(cop_identify, a_vfork_child_identifies_nothing)
{
	int fd = t_open_bound();
	pid_t pid;

	if (!t_vfork_shares_memory())
		cr_skip_test("vfork() is a fork() here");
	cop_process_share();
	pid = vfork();
	if (!pid) {
		fd_identify(t_sock(fd), fd);
		fd_identify_all();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	cr_assert(zero(u64, cookie_of(fd)));
}

Test(cop_identify, ahead_of_a_fork_every_socket_is_identified)
{
	int fd[] = { t_open_bound(), t_open(), t_open_adopted() };

	fd_identify_all();
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		cr_assert(eq(u64, cookie_of(fd[i]), sock_kernel_cookie(fd[i])),
			  "%zu", i);
}

Test(cop_identify, ahead_of_the_next_fork_only_new_sockets_are_looked_for)
{
	int fd = t_open_bound(), later;

	fd_identify_all();
	WRITE_ONCE(t_sock(fd)->cookie, 0);
	fd_identify_all();
	cr_assert(zero(u64, cookie_of(fd)), "nothing is new");
	later = t_open_bound();
	fd_identify_all();
	cr_assert(ne(u64, cookie_of(fd), 0));
	cr_assert(ne(u64, cookie_of(later), 0));
}

/* A descriptor without a COP socket lies between two with one; one is closed. */
Test(cop_identify, errno_stays_as_it_was)
{
	int fd = t_open_bound();

	t_open_bound();
	close(fd);
	errno = 77;
	fd_identify_all();
	cr_assert(eq(int, errno, 77));
}

Test(cop_identify, a_socket_that_is_handed_on_has_a_cookie_and_a_mark)
{
	int fd = t_open_bound();
	struct cop_mark mark;

	cr_assert(eq(int, cop_program_read(&cop_wire, fd, &mark), -ENOENT));
	fd_hand_on(t_sock(fd), fd);
	cr_assert(ne(u64, cookie_of(fd), 0));
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_assert(eq(int, mark.type, SOCK_COP));
}
