// SPDX-License-Identifier: MIT
/*
 * stale.c - descriptors that are closed unseen, and whose numbers then belong
 * to something else.
 *
 * Two sockets are closed by a system call that no library can see. What is made
 * next gets their numbers, and is used by each call there is; a call that acts
 * on what the number meant before gives itself away.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <wchar.h>

#include "raw.h"

/* ---- what the numbers become ------------------------------------------- */

static int out, in; /* where to write, and where it can be read */
static int stale[2];
static bool reads_only; /* made unseen too, what is written can't be judged */
static bool own_kind;	/* to be looked at by its own calls, not from below */

static void make_file(void)
{
	out = in = open("/tmp", O_TMPFILE | O_RDWR, 0600);
}

static void make_memory(void)
{
	out = in = memfd_create("stale", 0);
}

static void make_null(void)
{
	out = open("/dev/null", O_WRONLY);
	in = open("/dev/zero", O_RDONLY);
}

static void make_pipe(void)
{
	int fds[2];

	if (pipe(fds))
		die("pipe");
	in = fds[0];
	out = fds[1];
}

static void make_event(void)
{
	out = in = eventfd(0, 0);
}

static void make_epoll(void)
{
	out = in = epoll_create1(0);
}

static void make_unix(int type)
{
	int fds[2];

	if (socketpair(AF_UNIX, type, 0, fds))
		die("socketpair");
	out = fds[0];
	in = fds[1];
}

static void make_unix_stream(void)
{
	make_unix(SOCK_STREAM);
}

static void make_unix_datagram(void)
{
	make_unix(SOCK_DGRAM);
}

/* The listener is made first, so that the numbers go to what is connected. */
static int listener;
static struct sockaddr_in listen_addr;

static void make_unseen_unix(void)
{
	int fds[2];

	reads_only = true;
	if (raw(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, (long)fds))
		die("socketpair");
	out = fds[0];
	in = fds[1];
}

static void make_unseen_udp(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	socklen_t len = sizeof(addr);

	reads_only = true;
	out = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0);
	in = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0);
	raw(SYS_bind, in, (long)&addr, sizeof(addr), 0);
	raw(SYS_getsockname, in, (long)&addr, (long)&len, 0);
	raw(SYS_connect, out, (long)&addr, sizeof(addr), 0);
}

static void make_tcp(void)
{
	out = socket(AF_INET, SOCK_STREAM, 0);
	connect_to(out, &listen_addr);
	in = accept(listener, NULL, NULL);
}

static void make_udp(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);

	out = socket(AF_INET, SOCK_DGRAM, 0);
	in = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(in, SA(&addr), sizeof(addr)))
		die("bind");
	know('I', in);
	addr = name_of(in);
	connect_to(out, &addr);
	know('O', out);
}

static void make_same_kind(void)
{
	struct sockaddr_in addr;

	own_kind = true;
	out = sock();
	in = sock_at('I', "127.0.0.1");
	addr = name_of(in);
	connect_to(out, &addr);
	know('O', out);
}

static void make_dup(void)
{
	static int file = -1;

	if (file < 0)
		file = fcntl(memfd_create("stale", 0), F_DUPFD, 200);
	if (ftruncate(file, 0))
		die("ftruncate");
	lseek(file, 0, SEEK_SET);
	out = in = dup(file);
}

/* ---- the calls --------------------------------------------------------- */

static struct iovec iov = { buf, 24 };
static struct iovec words[2] = { { "data ", 5 }, { "whole", 5 } };

static void rewind_file(void)
{
	if (out == in)
		lseek(in, 0, SEEK_SET);
}

static void show_data(void)
{
	long n;

	fcntl(in, F_SETFL, O_NONBLOCK);
	rewind_file();
	fresh();
	n = own_kind ? read(in, buf, 24) : raw(SYS_read, in, (long)buf, 24, 0);
	printf("  there: %s %.24s\n", n == 10 ? "ten bytes" : "other", buf);
}

static void use_write(void)
{
	T(write(out, "data whole", 10));
	show_data();
}

static void use_writev(void)
{
	T(writev(out, words, 2));
	show_data();
}

static void use_pwritev2(void)
{
	T(pwritev2(out, words, 2, -1, 0));
	show_data();
}

static void use_send(void)
{
	T(send(out, "data whole", 10, 0));
	show_data();
}

static void use_sendto(void)
{
	T(sendto(out, "data whole", 10, MSG_NOSIGNAL, NULL, 0));
	show_data();
}

static void use_sendmsg(void)
{
	struct msghdr msg = { .msg_iov = words, .msg_iovlen = 2 };

	T(sendmsg(out, &msg, 0));
	show_data();
}

static void use_sendmmsg(void)
{
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = words,
					    .msg_iovlen = 2 } };

	T(sendmmsg(out, &vec, 1, 0));
	show_data();
}

static void use_dprintf(void)
{
	T(dprintf(out, "%s %s", "data", "whole"));
	show_data();
}

/* The stream is left open, since the number is not its own. */
static void use_fdopen(void)
{
	FILE *file = fdopen(out, "w");

	T(file ? 0 : -1);
	if (!own_kind)
		T(fwide(file, 0));
	T(fputs("data ", file) < 0);
	T(ftell(file));
	T(fputs("whole", file) < 0);
	T(fflush(file));
	show_data();
}

/* Something to be read, put there by a call that nobody sees. */
static void fill(void)
{
	if (own_kind)
		T(write(out, "data whole", 10));
	else
		raw(SYS_write, out, (long)"data whole", 10, 0);
	rewind_file();
	fcntl(in, F_SETFL, O_NONBLOCK);
}

static void use_read(void)
{
	fill();
	R(read(in, buf, 24));
}

static void use_readv(void)
{
	fill();
	R(readv(in, &iov, 1));
}

static void use_preadv2(void)
{
	fill();
	R(preadv2(in, &iov, 1, -1, 0));
}

static void use_recv(void)
{
	fill();
	R(recv(in, buf, 24, 0));
}

static void use_recvfrom(void)
{
	fill();
	R(recvfrom(in, buf, 24, 0, NULL, NULL));
}

static void use_recvmsg(void)
{
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	fill();
	R(recvmsg(in, &msg, 0));
	T(msg.msg_flags);
}

static void use_recvmmsg(void)
{
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	fill();
	R(recvmmsg(in, &vec, 1, MSG_DONTWAIT, NULL));
	T(vec.msg_len);
}

static void use_peek(void)
{
	fill();
	R(recv(in, buf, 4, MSG_PEEK));
	R(read(in, buf, 24));
}

static void use_ioctl(void)
{
	int n = -1;

	fill();
	T(ioctl(in, FIONREAD, &n));
	T(n);
}

static void use_poll(void)
{
	struct pollfd pfd = { .fd = in, .events = POLLIN };

	T(poll(&pfd, 1, 0));
	fill();
	T(poll(&pfd, 1, 0));
	R(read(in, buf, 24));
}

static void use_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	T(epoll_ctl(ep, EPOLL_CTL_ADD, in, &ev));
	fill();
	T(epoll_wait(ep, &ev, 1, 0));
	close(ep);
	R(read(in, buf, 24));
}

static void use_names(void)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	T(getsockname(out, SA(&addr), &len));
	T(addr.ss_family);
	T(getpeername(out, SA(&addr), &len));
}

static void use_options(void)
{
	socklen_t len = sizeof(int);
	int n = 0;

	T(setsockopt(out, SOL_SOCKET, SO_BROADCAST, &n, sizeof(n)));
	T(getsockopt(out, SOL_SOCKET, SO_DOMAIN, &n, &len));
	T(n);
}

static void use_bind(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);

	T(bind(out, SA(&addr), sizeof(addr)));
	T(connect(out, NULL, 0));
}

static void use_dup(void)
{
	int fd;

	T((fd = dup(out)) < 0);
	T(write(fd, "data whole", 10));
	T(close(fd));
	show_data();
}

static void use_dup2(void)
{
	T(dup2(out, 150));
	T(write(150, "data whole", 10));
	T(close(150));
	show_data();
}

static void use_close(void)
{
	int other = out == in ? -1 : in;

	T(close(out));
	T(write(out, "x", 1));
	T(close(other));
	out = in = -1;
}

static const struct use {
	const char *name;
	void (*call)(void);
	bool reads;
} uses[] = {
	{ "write", use_write, false },	     { "writev", use_writev, false },
	{ "pwritev2", use_pwritev2, false }, { "send", use_send, false },
	{ "sendto", use_sendto, false },     { "sendmsg", use_sendmsg, false },
	{ "dprintf", use_dprintf, false },   { "fdopen", use_fdopen, false },
	{ "sendmmsg", use_sendmmsg, false }, { "read", use_read, true },
	{ "readv", use_readv, true },	     { "preadv2", use_preadv2, true },
	{ "recv", use_recv, true },	     { "recvfrom", use_recvfrom, true },
	{ "recvmsg", use_recvmsg, true },    { "recvmmsg", use_recvmmsg, true },
	{ "peek", use_peek, true },	     { "ioctl", use_ioctl, true },
	{ "poll", use_poll, true },	     { "epoll", use_epoll, true },
	{ "names", use_names, false },	     { "options", use_options, false },
	{ "bind", use_bind, false },	     { "dup", use_dup, false },
	{ "dup2", use_dup2, false },	     { "close", use_close, false },
};

/* Each call is the first that meets the stale numbers. */
static void use_all(void (*make)(void))
{
	struct sockaddr_in any = addr_of("127.0.0.1", 0);

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		stale[0] = sock();
		stale[1] = sock();
		if (bind(stale[0], SA(&any), sizeof(any)) ||
		    bind(stale[1], SA(&any), sizeof(any)))
			die("bind");
		raw_close(stale[0]);
		raw_close(stale[1]);
		make();
		printf("%s, number %s\n", uses[i].name,
		       in == stale[0] || out == stale[0] ? "reused" : "new");
		if (uses[i].reads || !reads_only)
			uses[i].call();
		close(out);
		close(in);
	}
}

#define REUSED_BY(what)               \
	static void by_##what(void)   \
	{                             \
		use_all(make_##what); \
	}

REUSED_BY(file)
REUSED_BY(memory)
REUSED_BY(null)
REUSED_BY(pipe)
REUSED_BY(event)
REUSED_BY(epoll)
REUSED_BY(unix_stream)
REUSED_BY(unix_datagram)
REUSED_BY(udp)
REUSED_BY(same_kind)
REUSED_BY(dup)

REUSED_BY(unseen_unix)
REUSED_BY(unseen_udp)

static void make_listener(void)
{
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listen(listener, 5))
		die("listen");
	listen_addr = addr_of("127.0.0.1", ntohs(name_of(listener).sin_port));
}

static void by_tcp(void)
{
	make_listener();
	use_all(make_tcp);
}

/* ---- closed by libc itself --------------------------------------------- */

static void by_fopen(void)
{
	FILE *file;
	int fd;

	make_pair();
	file = fdopen(sock_a, "r+");
	T(fclose(file));
	T(write(sock_a, "x", 1));
	file = tmpfile();
	fd = fileno(file);
	printf("number %s\n", fd == sock_a ? "reused" : "new");
	T(fputs("by stdio, ", file));
	T(fflush(file));
	T(write(fd, "by hand", 7));
	rewind(file);
	R(read(fd, buf, 24));
	T(fclose(file));
	T(close(fd));
}

static void by_closefrom(void)
{
	int fds[2];

	make_pair();
	closefrom(sock_a);
	T(send(sock_a, "x", 1, 0));
	T(recv(sock_b, buf, 1, 0));
	T(pipe(fds));
	printf("number %s\n", fds[0] == sock_a ? "reused" : "new");
	T(write(fds[1], "data whole", 10));
	R(read(fds[0], buf, 24));
}

static void port_is_free(void)
{
	struct sockaddr_in addr;
	int fd;

	make_pair();
	addr = addr_a;
	raw_close(sock_a);
	fd = sock();
	printf("number %s\n", fd == sock_a ? "reused" : "new");
	T(bind(fd, SA(&addr), sizeof(addr)));
	show_name(fd);
}

static void port_is_free_though_the_number_is_used(void)
{
	struct sockaddr_in addr;
	int file, fd;

	make_pair();
	addr = addr_a;
	raw_close(sock_a);
	file = open("/dev/null", O_RDWR);
	fd = sock();
	printf("number %s\n", file == sock_a ? "used" : "new");
	T(bind(fd, SA(&addr), sizeof(addr)));
	T(write(file, "x", 1));
	show_name(fd);
}

static void closed_and_used(void)
{
	make_pair();
	raw_close(sock_a);
	T(send(sock_a, "x", 1, 0));
	T(read(sock_a, buf, 1));
	T(close(sock_a));
	raw_close(sock_b);
	T(close(sock_b));
	T(dup(sock_b));
	T(sock() == sock_a);
}

SCENARIOS({ "by_file", by_file }, { "by_memory", by_memory },
	  { "by_null", by_null }, { "by_pipe", by_pipe },
	  { "by_event", by_event }, { "by_epoll", by_epoll },
	  { "by_unix_stream", by_unix_stream },
	  { "by_unix_datagram", by_unix_datagram }, { "by_udp", by_udp },
	  { "by_same_kind", by_same_kind }, { "by_dup", by_dup },
	  { "by_unseen_unix", by_unseen_unix },
	  { "by_unseen_udp", by_unseen_udp }, { "by_tcp", by_tcp },
	  { "by_fopen", by_fopen }, { "by_closefrom", by_closefrom },
	  { "port_is_free", port_is_free },
	  { "port_is_free_though_the_number_is_used",
	    port_is_free_though_the_number_is_used },
	  { "closed_and_used", closed_and_used })
