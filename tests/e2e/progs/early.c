// SPDX-License-Identifier: MIT
/*
 * early.c - sockets that are used before any constructor has run.
 *
 * As a program it does so from .preinit_array, ahead of every library's
 * constructor. Built as a library, with EARLY_LIBRARY, from a constructor that
 * runs ahead of libcop's.
 */
#include <poll.h>

#include "prog.h"

static void play_early(int argc, char **argv, char **envp)
{
	struct pollfd pfd = { .events = POLLIN };
	int fds[2];

	(void)envp;
	if (argc < 3)
		return;
	is_cop = !strcmp(argv[1], "cop");
	make_pair();
	deliver("payload");
	pfd.fd = sock_b;
	T(poll(&pfd, 1, 0));
	R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
	show_name(sock_a);
	T(pipe(fds));
	T(write(fds[1], "foreign", 7));
	R(read(fds[0], buf, 64));
	T(close(fds[0]));
	T(close(fds[1]));
	T(close(sock_a));
	T(send(sock_a, "x", 1, 0));
	fflush(stdout);
}

#ifdef EARLY_LIBRARY

__attribute__((constructor)) static void start(int argc, char **argv,
					       char **envp)
{
	play_early(argc, argv, envp);
}

#else

static void (*const preinit[])(int, char **, char **)
	__attribute__((section(".preinit_array"), used)) = { play_early };

/* The socket that was made early works to the end. */
static void preinit_and_on(void)
{
	addr_a = addr_of("127.0.0.1", 0);
	sock_a = sock();
	deliver("later");
	R(recv(sock_b, buf, 64, 0));
	T(close(sock_b));
}

SCENARIOS({ "preinit_and_on", preinit_and_on })

#endif
