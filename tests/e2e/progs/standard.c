// SPDX-License-Identifier: MIT
/*
 * standard.c - a socket that is duplicated over descriptor 0, 1 or 2, as shells do
 * with /dev/udp, and what stdio then moves there.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <wchar.h>

#include "prog.h"

static int saved;

static void over(int fd)
{
	saved = dup(fd);
	if (dup2(fd == STDIN_FILENO ? sock_b : sock_a, fd) != fd)
		die("dup2");
}

static void back(int fd)
{
	dup2(saved, fd);
	close(saved);
}

static void show_all(void)
{
	for (;;) {
		ssize_t n = recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0)
			break;
		printf("  datagram [%.*s]\n", (int)n, buf);
	}
}

static void print_over(int mode)
{
	connect_pair();
	fflush(stdout);
	setvbuf(stdout, NULL, mode, 0);
	for (int i = 0; i < 3; i++) {
		over(STDOUT_FILENO);
		printf("line %d\nanother\n", i);
		fputs("no line", stdout);
		putchar(';');
		fflush(stdout);
		back(STDOUT_FILENO);
		printf("back %d\n", i);
	}
	show_all();
}

static void prints(void)
{
	print_over(_IOFBF);
}

static void prints_lines(void)
{
	print_over(_IOLBF);
}

static void prints_unbuffered(void)
{
	print_over(_IONBF);
}

/* What was printed ahead goes where the descriptor leads when it is written. */
static void prints_ahead(void)
{
	connect_pair();
	fflush(stdout);
	setvbuf(stdout, NULL, _IOFBF, 0);
	printf("ahead, ");
	over(STDOUT_FILENO);
	printf("and behind");
	fflush(stdout);
	printf("too late");
	back(STDOUT_FILENO);
	printf(" for the socket\n");
	fflush(stdout);
	over(STDOUT_FILENO);
	printf("once more");
	fflush(stdout);
	back(STDOUT_FILENO);
	show_all();
}

static void by_stderr(void)
{
	connect_pair();
	over(STDERR_FILENO);
	fprintf(stderr, "error %d of %s\n", 1, "many");
	fputs("another", stderr);
	back(STDERR_FILENO);
	show_all();
}

static void reads(void)
{
	connect_pair();
	over(STDIN_FILENO);
	deliver("a line\nand more\n");
	T(fgets(buf, sizeof(buf), stdin) == buf);
	printf("%s", buf);
	T(fgets(buf, sizeof(buf), stdin) == buf);
	printf("%s", buf);
	back(STDIN_FILENO);
	T(fgetc(stdin));
}

static void by_dup(void)
{
	connect_pair();
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	close(STDOUT_FILENO);
	dup(sock_a);
	printf("by dup");
	fflush(stdout);
	dup3(saved, STDOUT_FILENO, O_CLOEXEC);
	dup3(sock_a, STDOUT_FILENO, 0);
	printf("by dup3");
	fflush(stdout);
	back(STDOUT_FILENO);
	show_all();
}

static void in_a_vfork_child(void)
{
	FILE *was = stdout;
	pid_t pid;

	connect_pair();
	pid = vfork();
	if (!pid) {
		dup2(sock_a, STDOUT_FILENO);
		execl("/bin/echo", "echo", "echoed", NULL);
		_exit(2);
	}
	T(waitpid(pid, NULL, 0) == pid);
	T(stdout == was);
	show_all();
}

static void in_a_child(void)
{
	pid_t pid;

	connect_pair();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(sock_a, STDOUT_FILENO);
		printf("by a child");
		exit(0);
	}
	T(waitpid(pid, NULL, 0) == pid);
	show_all();
}

/* The program closes the stream that it finds, and has another one. */
static void closed(void)
{
	connect_pair();
	fflush(stdout);
	over(STDOUT_FILENO);
	printf("closed");
	fclose(stdout);
	dup2(saved, STDOUT_FILENO);
	stdout = fdopen(dup(STDOUT_FILENO), "w");
	show_all();
	over(STDOUT_FILENO);
	back(STDOUT_FILENO);
	printf("the program's own\n");
	fflush(stdout);
}

/* What is opened next has the number, and libc's own stream. */
static void replaced_by_a_file(void)
{
	FILE *was = stdout, *file = tmpfile();
	bool is_libcs;

	connect_pair();
	fflush(stdout);
	over(STDOUT_FILENO);
	printf("to the socket");
	fflush(stdout);
	close(STDOUT_FILENO);
	is_libcs = stdout == was;
	dup(fileno(file));
	printf("to the file");
	fflush(stdout);
	back(STDOUT_FILENO);
	T(is_libcs);
	rewind(file);
	T(fgets(buf, sizeof(buf), file) == buf);
	printf("%s\n", buf);
	show_all();
}

/* On UDP they are sent; here they are no worse off than without all this. */
static void wide(void)
{
	FILE *was = stdout;

	connect_pair();
	fwprintf(stdout, L"wide\n");
	fflush(stdout);
	over(STDOUT_FILENO);
	fwprintf(stdout, L"wide\n");
	fflush(stdout);
	back(STDOUT_FILENO);
	fwprintf(stdout, L"%d\n", stdout == was);
}

SCENARIOS({ "prints", prints }, { "prints_lines", prints_lines },
	  { "prints_unbuffered", prints_unbuffered },
	  { "prints_ahead", prints_ahead }, { "by_stderr", by_stderr },
	  { "reads", reads }, { "by_dup", by_dup },
	  { "in_a_vfork_child", in_a_vfork_child },
	  { "in_a_child", in_a_child }, { "wide", wide },
	  { "replaced_by_a_file", replaced_by_a_file }, { "closed", closed })
