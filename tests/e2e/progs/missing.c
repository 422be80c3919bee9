// SPDX-License-Identifier: MIT
/*
 * missing.c - calls on a socket of a transport that this process may not have. Each is
 * called as "missing SCENARIO"; COP_MODULES in the environment says whether it has it.
 *
 * calls FD: each kind of call on an inherited socket. make PROGRAM...: a socket with a
 * datagram in its queue is descriptor 9 of PROGRAM. given FD: the same, for a socket that
 * a message brings through FD. give PROGRAM...: sends such a socket through descriptor 9,
 * and PROGRAM has the other end. forked, torn, vforked: children that no module is loaded
 * in get a socket in a message.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inet6.h"

#define TYPE	 8
#define PROTOCOL 254
#define NUMBER	 9

static struct sockaddr_in addr;
static char buf[64];
static int zero, value;
static socklen_t len;

#define SA(a)	      ((struct sockaddr *)(a))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void say(const char *what, long ret)
{
	printf("%s: %s\n", what, ret < 0 ? strerrorname_np(errno) : "done");
}

#define T(call, ...) say(#call, call(__VA_ARGS__))

/* ---- the calls -------------------------------------------------------------- */

static void send_calls(int fd)
{
	struct iovec iov = { buf, 4 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr vec = { msg, 0 };

	T(send, fd, "text", 4, 0);
	T(sendto, fd, "text", 4, 0, SA(&addr), sizeof(addr));
	T(sendmsg, fd, &msg, 0);
	T(sendmmsg, fd, &vec, 1, 0);
	T(write, fd, "text", 4);
	T(writev, fd, &iov, 1);
}

static void receive_calls(int fd)
{
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr vec = { msg, 0 };

	T(recv, fd, buf, sizeof(buf), MSG_DONTWAIT);
	T(recv, fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK);
	T(recvfrom, fd, buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL);
	T(recvmsg, fd, &msg, MSG_DONTWAIT);
	T(recvmmsg, fd, &vec, 1, MSG_DONTWAIT, NULL);
	T(read, fd, buf, sizeof(buf));
	T(readv, fd, &iov, 1);
}

static void option_calls(int fd)
{
	struct sock_filter insn[64];

	len = ARRAY_SIZE(insn);
	T(getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, insn, &len);
	T(setsockopt, fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero));
	len = sizeof(value);
	T(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, &len);
	printf("type %d\n", value);
	T(getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, &value, &len);
	printf("protocol %d\n", value);
	T(ioctl, fd, FIONREAD, &value);
	T(ioctl, fd, FIONBIO, &zero);
}

static void name_calls(int fd)
{
	len = sizeof(addr);
	T(getsockname, fd, SA(&addr), &len);
	printf("port %s\n", addr.sin_port ? "yes" : "no");
	T(bind, fd, SA(&addr), sizeof(addr));
	T(connect, fd, SA(&addr), sizeof(addr));
}

static void calls(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int two;

	name_calls(fd);
	send_calls(fd);
	receive_calls(fd);
	option_calls(fd);
	printf("poll: %d\n", poll(&ready, 1, 0));
	two = dup(fd);
	say("dup", two);
	T(recv, two, buf, sizeof(buf), MSG_DONTWAIT);
	T(close, two);
	T(close, fd);
	T(recv, fd, buf, sizeof(buf), MSG_DONTWAIT);
}

/* ---- sockets ---------------------------------------------------------------- */

static int with_datagram(void)
{
	int fd = socket(PF_INET, TYPE, PROTOCOL);

	addr.sin_family = AF_INET;
	if (inet_pton(AF_INET, ip_of_family("127.0.0.1"), &addr.sin_addr) !=
		    1 ||
	    bind(fd, SA(&addr), sizeof(addr)))
		perror("bind");
	len = sizeof(addr);
	getsockname(fd, SA(&addr), &len);
	sendto(fd, "queued", 6, 0, SA(&addr), sizeof(addr));
	return fd;
}

static _Noreturn void become(char *argv[])
{
	execvp(*argv, argv);
	perror(*argv);
	_exit(1);
}

static void make(char *argv[])
{
	struct pollfd ready = { .fd = with_datagram(), .events = POLLIN };

	poll(&ready, 1, 0); /* it has a filter now */
	dup2(ready.fd, NUMBER);
	become(argv);
}

/* ---- messages --------------------------------------------------------------- */

static union {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr cmsg;
} control;

static struct msghdr message(struct iovec *iov)
{
	struct msghdr msg = { .msg_iov = iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	*iov = (struct iovec){ buf, 1 };
	return msg;
}

static void pass(int to, int fd)
{
	struct iovec iov;
	struct msghdr msg = message(&iov);

	control.cmsg = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS,
					 .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.cmsg), &fd, sizeof(fd));
	if (sendmsg(to, &msg, 0) < 0)
		perror("sendmsg");
}

static int take(int from)
{
	struct iovec iov;
	struct msghdr msg = message(&iov);
	int fd;

	if (recvmsg(from, &msg, 0) < 0)
		return -1;
	memcpy(&fd, CMSG_DATA(&control.cmsg), sizeof(fd));
	return fd;
}

static void give(char *argv[])
{
	int sv[2];

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
	pass(sv[0], with_datagram());
	dup2(sv[1], NUMBER);
	become(argv);
}

static void *wait_for_good(void *unused)
{
	pause();
	return unused;
}

/* What a child makes of the socket that a message brings. */
static int looks(int from)
{
	int fd = take(from);
	ssize_t n;

	if (fd < 0)
		return 100 + errno;
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	return n < 0 ? errno : n == 6 ? 0 : 99;
}

/* The sender has loaded the module, so it is another process. */
static void children(const char *how)
{
	pthread_t thread;
	int sv[2], status;
	pid_t pid;

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
	if (!fork()) {
		pass(sv[0], with_datagram());
		_exit(0);
	}
	wait(NULL);
	if (!strcmp(how, "forked"))
		pthread_create(&thread, NULL, wait_for_good, NULL);
	if (!strcmp(how, "vforked"))
		pid = vfork();
	else
		pid = strcmp(how, "torn") ? fork() : _Fork();
	if (!pid)
		_exit(looks(sv[1]));
	waitpid(pid, &status, 0);
	status = WEXITSTATUS(status);
	printf("%s\n", status ? strerrorname_np(status % 100) : "received");
}

int main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(20);
	if (!strcmp(what, "calls"))
		calls(atoi(argv[2]));
	else if (!strcmp(what, "make"))
		make(argv + 2);
	else if (!strcmp(what, "give"))
		give(argv + 2);
	else if (!strcmp(what, "given"))
		calls(take(atoi(argv[2])));
	else
		children(what);
	return 0;
}
