// SPDX-License-Identifier: MIT
/*
 * first.c - a service whose library looks at the socket that it is handed in a
 * constructor, ahead of main().
 *
 * With FIRST_LIBRARY it is the library, which a test links the program with.
 */
#include "prog.h"

#ifdef FIRST_LIBRARY

extern long first_recv, first_read; /* the program's */

static void __attribute__((constructor)) look(int argc, char **argv)
{
	char data[64];

	if (argc != 3 || strcmp(argv[2], "serve"))
		return;
	first_recv = recv(STDIN_FILENO, data, sizeof(data), MSG_DONTWAIT);
	first_read = read(STDIN_FILENO, data, sizeof(data));
}

#else

long first_recv = -2, first_read = -2;

static void serve(void)
{
	T(first_recv);
	T(first_read);
	R(recv(STDIN_FILENO, buf, sizeof(buf), MSG_DONTWAIT));
	show_rest(STDIN_FILENO);
}

static void start(void)
{
	char *const argv[] = { "first", (char *)kind, "serve", NULL };

	make_pair();
	deliver("one");
	deliver("three");
	deliver("the last");
	dup2(sock_b, STDIN_FILENO);
	execv("/proc/self/exe", argv);
	die("execv");
}

SCENARIOS({ "start", start }, { "serve", serve })

#endif
