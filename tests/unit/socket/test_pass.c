// SPDX-License-Identifier: MIT
/*
 * test_pass.c - socket/pass.c: the sockets that a program inherits are marked.
 */
#include <fcntl.h>

#include "filter/attach.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "socket/pass.h"
#include "unit/helpers.h"

TestSuite(cop_pass, .init = t_init, .timeout = 20);

static bool is_marked(int fd)
{
	struct cop_mark mark;

	return !cop_program_claim(fd, &mark);
}

/* As socket() does it. */
static int open_with(int flags)
{
	struct socket *sock = NULL;
	int fd;

	cr_assert(zero(int, sock_create(PF_INET, SOCK_COP, 0, &sock)));
	fd = sock_map_fd(sock, flags);
	cr_assert(ge(int, fd, 0));
	cr_assert(not(zero(ptr, t_sock(fd))));
	return fd;
}

Test(cop_pass, only_sockets_that_a_program_inherits_are_marked)
{
	int fd = open_with(0), kept = open_with(SOCK_CLOEXEC);
	int passed = open_with(SOCK_CLOEXEC);

	sock_set_flag(t_sk(passed), SOCK_PASSED);
	errno = 77;
	fd_pass_begin();
	cr_expect(eq(int, errno, 77));
	cr_expect(is_marked(fd));
	cr_expect(is_marked(passed));
	cr_expect(not(is_marked(kept)));
}

Test(cop_pass, a_new_socket_is_not_marked_ahead_of_time)
{
	unsigned int installs = fd_pass_begin();

	fd_pass_end(installs);
	cr_expect(not(is_marked(open_with(0))));
}

Test(cop_pass, a_socket_that_comes_while_a_program_starts_is_marked)
{
	unsigned int installs = fd_pass_begin();
	int fd = open_with(0), kept = open_with(SOCK_CLOEXEC);

	cr_assert(not(is_marked(fd)));
	errno = 77;
	fd_pass_end(installs);
	cr_expect(eq(int, errno, 77));
	cr_expect(is_marked(fd));
	cr_expect(not(is_marked(kept)));
}

Test(cop_pass, without_a_new_socket_the_end_does_nothing)
{
	unsigned int installs;
	int fd = open_with(SOCK_CLOEXEC);

	installs = fd_pass_begin();
	cr_assert(zero(int, fcntl(fd, F_SETFD, 0)));
	fd_pass_end(installs);
	cr_expect(not(is_marked(fd)));
}

/* ---- a thread in the middle of a socket() ----------------------------------------- */

static struct cop_libc libc;

/* The other thread runs a program while the table does not have this socket yet. */
static int socket_beside_a_spawn(int family, int type, int protocol)
{
	int fd = libc.socket(family, type, protocol);

	fd_pass_end(fd_pass_begin());
	return fd;
}

/* It is another image by now: no more than the announcement is certain. */
static int socket_beside_an_exec(int family, int type, int protocol)
{
	int fd = libc.socket(family, type, protocol);

	fd_pass_begin();
	return fd;
}

static int (*const beside[])(int, int, int) = { socket_beside_a_spawn,
						socket_beside_an_exec };

Test(cop_pass, a_socket_that_the_table_does_not_have_yet_marks_itself)
{
	libc = cop_libc;
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		int fd, kept;

		cop_libc.socket = beside[i];
		errno = 77;
		fd = open_with(0);
		cr_expect(eq(int, errno, 77), "%zu", i);
		cr_expect(is_marked(fd), "%zu", i);
		kept = open_with(SOCK_CLOEXEC);
		cr_expect(not(is_marked(kept)), "%zu", i);
	}
}

/* The announcement comes first, although there is no socket to be marked. */
Test(cop_pass, the_first_socket_of_a_process_marks_itself_too)
{
	libc = cop_libc;
	cop_libc.socket = socket_beside_a_spawn;
	cr_assert(zero(uint, READ_ONCE(cop_table.max)));
	cr_expect(is_marked(open_with(0)));
}

Test(cop_pass, a_confined_process_marks_nothing)
{
	int fd = open_with(0);

	WRITE_ONCE(cop_is_confined, true);
	fd_pass_end(fd_pass_begin());
	WRITE_ONCE(cop_is_confined, false);
	cr_expect(not(is_marked(fd)));
}
