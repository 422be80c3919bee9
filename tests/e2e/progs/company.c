// SPDX-License-Identifier: MIT
/*
 * company.c - a tour through the calls, for a program that does not have the
 * library to itself: other preloads, sanitizers, debuggers, tracers.
 *
 * Built by the tests in more ways than the others, also with musl and without
 * libc's shared object, so it uses nothing that only glibc has.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>

#include "prog.h"

/* ---- ours --------------------------------------------------------------- */

static void by_address(void)
{
	deliver("by address");
	R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
	show_name(sock_a);
}

static void by_connection(void)
{
	connect_to(sock_a, &addr_b);
	connect_to(sock_b, &addr_a);
	show_peer(sock_a);
	T(send(sock_a, "sent", 4, 0));
	R(recv(sock_b, buf, 64, 0));
	T(write(sock_a, "written", 7));
	R(read(sock_b, buf, 64));
}

static void by_message(void)
{
	struct iovec out[] = { { "in ", 3 }, { "parts", 5 } };
	struct iovec in[] = { { buf, 2 }, { buf + 2, 60 } };
	struct msghdr msg = { .msg_iov = out, .msg_iovlen = 2 };

	T(sendmsg(sock_a, &msg, 0));
	T(writev(sock_a, out, 2));
	msg = (struct msghdr){ .msg_iov = in, .msg_iovlen = 2 };
	R(recvmsg(sock_b, &msg, 0));
	R(readv(sock_b, in, 2));
}

static void by_messages(void)
{
	struct iovec one = { "first", 5 }, two = { "second", 6 };
	struct mmsghdr vec[] = {
		{ .msg_hdr = { .msg_iov = &one, .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &two, .msg_iovlen = 1 } },
	};

	T(sendmmsg(sock_a, vec, 2, 0));
	one = (struct iovec){ buf, 8 };
	two = (struct iovec){ buf + 8, 8 };
	R(recvmmsg(sock_b, vec, 2, 0, NULL));
	T(vec[1].msg_len);
}

/* Larger than what is copied, so that it goes by an iovec of its own. */
static void of_many_bytes(void)
{
	static char out[10000], in[10000];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + (i >> 8);
	T(send(sock_a, out, sizeof(out), 0));
	T(recv(sock_b, in, sizeof(in), 0));
	T(memcmp(in, out, sizeof(out)));
}

static void data(void)
{
	by_address();
	by_connection();
	by_message();
	by_messages();
	of_many_bytes();
	show_rest(sock_b);
}

static void waits(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pfd = { .fd = sock_b, .events = POLLIN };
	int ep = epoll_create1(0), n = 0;
	fd_set rd;

	T(poll(&pfd, 1, 0));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, sock_b, &ev));
	T(epoll_wait(ep, &ev, 1, 0));
	T(write(sock_a, "awaited", 7));
	T(poll(&pfd, 1, -1));
	T(epoll_wait(ep, &ev, 1, -1));
	FD_ZERO(&rd);
	FD_SET(sock_b, &rd);
	T(select(sock_b + 1, &rd, NULL, NULL, NULL));
	T(ioctl(sock_b, FIONREAD, &n));
	T(n);
	R(read(sock_b, buf, 64));
	T(close(ep));
}

static void options(void)
{
	socklen_t len = sizeof(int);
	int n = 1;

	T(setsockopt(sock_a, SOL_SOCKET, SO_BROADCAST, &n, sizeof(n)));
	n = 0;
	T(getsockopt(sock_a, SOL_SOCKET, SO_BROADCAST, &n, &len));
	T(n);
	T(fcntl(sock_a, F_SETFL, O_NONBLOCK));
	T(read(sock_a, buf, 64));
	T(fcntl(sock_a, F_SETFL, 0));
}

static void copies(void)
{
	int fd = dup(sock_a);

	T(dup2(sock_b, 100));
	T(write(fd, "copied", 6));
	R(read(100, buf, 64));
	T(close(fd));
	T(close(100));
	fd = fcntl(sock_a, F_DUPFD_CLOEXEC, 100);
	T(fd);
	T(write(fd, "copied", 6));
	R(read(sock_b, buf, 64));
	T(close(fd));
}

static void child(void)
{
	pid_t pid;
	int status = -1;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(write(sock_a, "by a child", 10) != 10 || close(sock_a));
	waitpid(pid, &status, 0);
	T(status);
	R(read(sock_b, buf, 64));
}

static void *reader(void *arg)
{
	ssize_t *n = arg;

	fresh();
	*n = recv(sock_b, buf, 64, 0);
	return NULL;
}

static void thread(void)
{
	pthread_t id;
	ssize_t n;

	T(pthread_create(&id, NULL, reader, &n));
	T(write(sock_a, "to a thread", 11));
	T(pthread_join(id, NULL));
	T(n);
	show_buf();
}

static void errors(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 9);

	T(bind(sock_a, SA(&addr), sizeof(addr)));
	T(connect(sock_a, SA(&addr), 3));
	T(setsockopt(sock_a, SOL_SOCKET, 12345, NULL, 0));
	T(send(sock_a, "x", 1, MSG_OOB));
	T(close(sock_a));
	T(send(sock_a, "x", 1, 0));
	T(close(sock_a));
}

/* ---- others' ------------------------------------------------------------ */

static void a_pipe(void)
{
	int fds[2];

	T(pipe(fds));
	T(write(fds[1], "by pipe", 7));
	R(read(fds[0], buf, 64));
	T(close(fds[0]));
	T(close(fds[1]));
}

static void a_stream(void)
{
	int server = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in addr;
	int fd;

	T(listen(server, 1));
	addr = addr_of("127.0.0.1", ntohs(name_of(server).sin_port));
	T(connect(client, SA(&addr), sizeof(addr)));
	fd = accept(server, NULL, NULL);
	T(send(client, "by stream", 9, 0));
	R(recv(fd, buf, 64, 0));
	T(close(fd));
	T(close(client));
	T(close(server));
}

/* Not ended by the clock: some of the company is slow. */
static void tour(void)
{
	alarm(0);
	make_pair();
	data();
	waits();
	options();
	copies();
	child();
	thread();
	a_pipe();
	a_stream();
	errors();
	T(close(sock_b));
}

/* ---- what others do to it ------------------------------------------------ */

/* Too much for the memory that it is received into: checkers are to say so. */
static void overflow(void)
{
	volatile size_t size = 4;
	char *small = malloc(size);

	make_pair();
	deliver("longer than that");
	T(recv(sock_b, small, size + 12, 0));
	free(small);
}

/* What day it is, for who changes it. */
static void year(void)
{
	time_t now = time(NULL);

	make_pair();
	deliver("x");
	R(recv(sock_b, buf, 64, 0));
	T(gmtime(&now)->tm_year + 1900);
}

/* Who is here: the program's own list of what is mapped. */
static void company(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, ".so") && strstr(line, " r-xp "))
			printf("%s", strrchr(line, '/') + 1);
}

static void *line_to_datagram(void *arg)
{
	char line[32];

	(void)arg;
	if (!fgets(line, sizeof(line), stdin))
		die("stdin");
	deliver("at last");
	return NULL;
}

/* In the middle of a receive, for who looks at a program that runs. */
static void await(void)
{
	pthread_t id;

	alarm(0);
	make_pair();
	if (pthread_create(&id, NULL, line_to_datagram, NULL))
		die("pthread_create");
	printf("waiting\n");
	R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
	T(pthread_join(id, NULL));
	T(close(sock_a));
	T(close(sock_b));
}

/* Of a program that may not have it. */
static void ask(void)
{
	T(socket(PF_INET, SOCK_COP, IPPROTO_COP));
	T(socket(PF_INET, SOCK_DGRAM, 0));
}

SCENARIOS({ "tour", tour }, { "overflow", overflow }, { "year", year },
	  { "company", company }, { "await", await }, { "ask", ask })
