// SPDX-License-Identifier: MIT
/*
 * calls_socket.c - the calls that make, name and end sockets, and the
 * descriptors they have.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "player.h"

static unsigned char name_area[160];

static void keep(const char *word, long fd)
{
	int slot = number(word);

	if (fd < 0 || slot < 0 || slot >= SLOTS)
		return;
	slot_fd[slot] = fd;
	forget_port(slot);
}

/* Whatever a script does to a socket, no call on it may wait for long. */
static void hurry(int fd)
{
	static const struct timeval soon = { .tv_usec = 1000 };

	if (fd >= 0) {
		real_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon,
				sizeof(soon));
		real_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon,
				sizeof(soon));
	}
}

static int family_arg(int argc, char **argv, int which)
{
	return argc > which ? number(argv[which]) : AF_INET;
}

/* socket SLOT FLAGS PROTOCOL [FAMILY]: "own" is UDP's or COP's */
static void play_socket(int argc, char **argv)
{
	int type = (is_cop ? SOCK_COP : SOCK_DGRAM) | number(argv[1]);
	int protocol = own_protocol;
	long fd;

	if (argc > 2 && argv[2][0] != 'o')
		protocol = number(argv[2]);
	fd = T(socket(family_arg(argc, argv, 3), type, protocol));
	hurry(fd);
	keep(argv[0], fd);
}

/* socketpair FLAGS [FAMILY] */
static void play_socketpair(int argc, char **argv)
{
	int type = (is_cop ? SOCK_COP : SOCK_DGRAM) | number(argv[0]);
	int two[2] = { -7, -7 };

	T(socketpair(family_arg(argc, argv, 1), type, 0, two));
	say(" %d %d", two[0], two[1]);
}

/* bind SLOT NAME */
static void play_bind(int argc, char **argv)
{
	struct name_arg name;

	(void)argc;
	name_arg(&name, argv[1]);
	T(bind(fd_of(argv[0]), name.ptr, name.len));
}

/* connect SLOT NAME */
static void play_connect(int argc, char **argv)
{
	struct name_arg name;

	(void)argc;
	name_arg(&name, argv[1]);
	T(connect(fd_of(argv[0]), name.ptr, name.len));
}

static void say_own_name(const struct out_arg *out)
{
	say_len(out);
	say_name("name", name_area, sizeof(name_area));
}

/* getsockname SLOT OUT, and getpeername likewise */
static void play_getsockname(int argc, char **argv)
{
	struct out_arg out;

	(void)argc;
	out_arg(&out, argv[1], name_area, sizeof(name_area));
	T(getsockname(fd_of(argv[0]), out.room.ptr, out.len_ptr));
	say_own_name(&out);
}

static void play_getpeername(int argc, char **argv)
{
	struct out_arg out;

	(void)argc;
	out_arg(&out, argv[1], name_area, sizeof(name_area));
	T(getpeername(fd_of(argv[0]), out.room.ptr, out.len_ptr));
	say_own_name(&out);
}

/* shutdown SLOT HOW */
static void play_shutdown(int argc, char **argv)
{
	(void)argc;
	T(shutdown(fd_of(argv[0]), number(argv[1])));
}

/* listen SLOT BACKLOG */
static void play_listen(int argc, char **argv)
{
	(void)argc;
	T(listen(fd_of(argv[0]), number(argv[1])));
}

/* accept SLOT OUT FLAGS: accept4 where there are flags */
static void play_accept(int argc, char **argv)
{
	struct out_arg out;

	out_arg(&out, argv[1], name_area, sizeof(name_area));
	if (argc > 2)
		T(accept4(fd_of(argv[0]), out.room.ptr, out.len_ptr,
			  number(argv[2])));
	else
		T(accept(fd_of(argv[0]), out.room.ptr, out.len_ptr));
	say_own_name(&out);
}

/* close SLOT: its number stays in the slot */
static void play_close(int argc, char **argv)
{
	(void)argc;
	T(close(fd_of(argv[0])));
	forget_port(number(argv[0]));
}

/* dup SLOT TO */
static void play_dup(int argc, char **argv)
{
	(void)argc;
	keep(argv[1], T(dup(fd_of(argv[0]))));
}

/* dup2 SLOT ONTO */
static void play_dup2(int argc, char **argv)
{
	(void)argc;
	keep(argv[1], T(dup2(fd_of(argv[0]), fd_of(argv[1]))));
}

/* dup3 SLOT ONTO FLAGS */
static void play_dup3(int argc, char **argv)
{
	(void)argc;
	keep(argv[1], T(dup3(fd_of(argv[0]), fd_of(argv[1]), number(argv[2]))));
}

/* fcntl SLOT COMMAND VALUE TO: a new descriptor is kept in slot TO */
static void play_fcntl(int argc, char **argv)
{
	int cmd = number(argv[1]);
	long ret = T(fcntl(fd_of(argv[0]), cmd, number(argv[2])));

	if (argc > 3 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
		keep(argv[3], ret);
}

/* ---- SCM_RIGHTS ------------------------------------------------------------ */

#define MAIL_FROM 210 /* above the pipes between the actors */

static int mail[2]; /* from one end to the other descriptors go */

void mail_make(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends))
		exit(2);
	for (int i = 0; i < 2; i++) {
		mail[i] = fcntl(ends[i], F_DUPFD, MAIL_FROM);
		close(ends[i]);
	}
}

/* give SLOT: its descriptor is sent, for a "take" of whichever actor */
static void play_give(int argc, char **argv)
{
	int fd = fd_of(argv[0]);
	char control[CMSG_SPACE(sizeof(fd))] = "", byte = 'g';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	(void)argc;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	T(sendmsg(mail[0], &msg, 0));
}

/* take TO: the next descriptor that was given is kept in slot TO */
static void play_take(int argc, char **argv)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	int fd = -1;

	(void)argc;
	T(recvmsg(mail[1], &msg, 0));
	cmsg = msg.msg_controllen ? CMSG_FIRSTHDR(&msg) : NULL;
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	say(" fd=%d", fd);
	keep(argv[0], fd);
}

const struct call socket_calls[] = {
	{ "give", play_give },
	{ "take", play_take },
	{ "socket", play_socket },
	{ "socketpair", play_socketpair },
	{ "bind", play_bind },
	{ "connect", play_connect },
	{ "getsockname", play_getsockname },
	{ "getpeername", play_getpeername },
	{ "shutdown", play_shutdown },
	{ "listen", play_listen },
	{ "accept", play_accept },
	{ "close", play_close },
	{ "dup", play_dup },
	{ "dup2", play_dup2 },
	{ "dup3", play_dup3 },
	{ "fcntl", play_fcntl },
	{ NULL, NULL },
};
