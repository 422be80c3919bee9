// SPDX-License-Identifier: MIT
/*
 * early.c - sockets that are used before any constructor has run.
 *
 * As a program it does so from .preinit_array, ahead of every library's
 * constructor. Built as a library, with EARLY_LIBRARY, from a constructor that
 * runs ahead of libcop's.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "prog.h"

/* ---- other calls than those on sockets ----------------------------------- */

/* Uses the stack that it shares with its parent. */
static int __attribute__((noinline)) child(void *status)
{
	volatile char room[2048];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 1;
	close(dup2(STDIN_FILENO, 50));
	_exit(*(int *)status);
}

static int by_vfork(void)
{
	pid_t pid = vfork();
	int status = 5;

	if (!pid) {
		child(&status);
		_exit(9); /* where a parent that is lost goes on */
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int by_clone(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 6;
	pid_t pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD,
			  &status);

	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void make_children(void)
{
	FILE *echo;

	T(by_vfork());
	T(by_clone());
	unsetenv("LD_PRELOAD"); /* a shell is not to do all this again */
	T(system("exit 3"));
	echo = popen("echo echo", "r");
	T(fgets(buf, sizeof(buf), echo) ? 0 : -1);
	T(pclose(echo));
}

static void move_bytes(const int fds[2])
{
	int other[2];
	loff_t at = 0;

	T(pipe(other));
	T(dprintf(other[1], "%s", "foreign"));
	T(splice(other[0], NULL, fds[1], NULL, 64, 0));
	R(read(fds[0], buf, 64));
	T(sendfile(fds[1], open("/proc/self/exe", O_RDONLY), &at, 4));
	R(read(fds[0], buf, 64));
	T(close_range(other[0], other[1], 0));
}

/* A descriptor in a message to oneself. */
static void pass(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int pair[2];

	T(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	*cmsg = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET,
				  SCM_RIGHTS };
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	T(sendmsg(pair[0], &msg, 0));
	iov.iov_base = buf;
	T(recvmsg(pair[1], &msg, 0));
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	deliver("passed");
	R(recv(fd, buf, 64, 0));
	T(close(fd));
	T(close(pair[0]));
	T(close(pair[1]));
}

static void print(int fd)
{
	FILE *fp = fdopen(dup(fd), "w");

	connect_to(fd, &addr_b);
	T(fputs("by a stream", fp) < 0);
	T(fclose(fp));
	R(recv(sock_b, buf, 64, 0));
	T(dprintf(fd, "formatted"));
	R(recv(sock_b, buf, 64, 0));
}

/* ---- the lot ------------------------------------------------------------- */

static void play_early(int argc, char **argv, char **envp)
{
	struct pollfd pfd = { .events = POLLIN };
	int fds[2];

	(void)envp;
	if (argc < 3)
		return;
	by_vfork(); /* the first call of all */
	know_kind(argv[1]);
	make_pair();
	T(of_the_kind(sock_a));
	deliver("payload");
	pfd.fd = sock_b;
	T(poll(&pfd, 1, 0));
	R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
	show_name(sock_a);
	T(pipe(fds));
	T(write(fds[1], "foreign", 7));
	R(read(fds[0], buf, 64));
	move_bytes(fds);
	T(close(fds[0]));
	T(close(fds[1]));
	pass(sock_b);
	print(sock_a);
	make_children();
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
