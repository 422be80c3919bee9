// SPDX-License-Identifier: MIT
/*
 * calls_socket.c - the calls that make, name and end sockets, and the
 * descriptors they have.
 */
#include <fcntl.h>
#include <stdio.h>
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

/* socket SLOT FLAGS PROTOCOL: "own" is UDP's or COP's */
static void play_socket(int argc, char **argv)
{
	int type = (is_cop ? SOCK_COP : SOCK_DGRAM) | number(argv[1]);
	int protocol = is_cop ? IPPROTO_COP : IPPROTO_UDP;
	long fd;

	if (argc > 2 && argv[2][0] != 'o')
		protocol = number(argv[2]);
	fd = T(socket(AF_INET, type, protocol));
	hurry(fd);
	keep(argv[0], fd);
}

/* socketpair FLAGS */
static void play_socketpair(int argc, char **argv)
{
	int type = (is_cop ? SOCK_COP : SOCK_DGRAM) | number(argv[0]);
	int two[2] = { -7, -7 };

	(void)argc;
	T(socketpair(AF_INET, type, 0, two));
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

const struct call socket_calls[] = {
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
