// SPDX-License-Identifier: MIT
/*
 * cancel.c - calls that are no cancellation points, made by a thread that is to
 * end at the next one.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "listed.h"

/* The socket, which has a datagram to receive, and what the calls need besides. */
static int fd, set, file;

static void queue_length(void)
{
	int n;

	ioctl(fd, FIONREAD, &n);
}

static void name_it(void)
{
	bind_to(fd, OTHER_B);
}

static void name_another(void)
{
	bind_to(sock(), LISTED_B);
}

static void ask_name(void)
{
	name_of(fd);
}

static void set_option(int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

static void set_options(void)
{
	set_option(SOL_SOCKET, SO_RCVBUF, 10000);
	set_option(SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(SOL_SOCKET, SO_DETACH_FILTER, 0);
	set_option(IPPROTO_IP, IP_TTL, 9);
	set_option(IPPROTO_UDP, UDP_CORK, 1);
	set_option(IPPROTO_UDP, UDP_CORK, 0);
}

static void get_options(void)
{
	socklen_t len = sizeof(int);
	int value;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len);
}

static void set_filter(void)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	struct sock_fprog prog = { ARRAY_SIZE(all), all };

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static void watch(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev);
	epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
}

static void duplicate(void)
{
	int copy = dup(fd);

	dup2(fd, copy);
	dup3(fd, copy, O_CLOEXEC);
	fcntl(fd, F_DUPFD, 20);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL));
}

static void send_file(void)
{
	off_t off = 0;

	sendfile(fd, file, &off, 3);
}

static void make(void)
{
	int sv[2];

	sock();
	socketpair(AF_INET, SOCK_DGRAM, 0, sv);
}

static void close_many(void)
{
	close_range(20, ~0U, 0);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{ "queue_length", queue_length },
	{ "name_it", name_it },
	{ "name_another", name_another },
	{ "ask_name", ask_name },
	{ "set_options", set_options },
	{ "get_options", get_options },
	{ "set_filter", set_filter },
	{ "watch", watch },
	{ "duplicate", duplicate },
	{ "send_file", send_file },
	{ "make", make },
	{ "close_many", close_many },
};

static bool behind;

static void *be_cancelled(void *call)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	((void (*)(void))call)();
	behind = true;
	pthread_testcancel();
	return NULL;
}

static void play_call(void (*call)(void))
{
	pthread_t thread;

	behind = false;
	pthread_create(&thread, NULL, be_cancelled, call);
	pthread_join(thread, NULL);
	T(behind);
}

/* Each on a socket of its own, bound, and received by or not. */
static void play_calls(bool received)
{
	struct sockaddr_in to;
	int peer = sock();

	set = epoll_create1(0);
	file = open("/proc/self/exe", O_RDONLY);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		printf("%s\n", calls[i].name);
		fd = bound_anywhere();
		to = name_of(fd);
		for (int n = 0; n < 2; n++)
			sendto(peer, "abc", 3, 0, SA(&to), sizeof(to));
		if (received)
			T(recv(fd, buf, sizeof(buf), 0));
		play_call(calls[i].call);
		close(fd);
	}
}

static void with_a_queue(void)
{
	play_calls(false);
}

static void having_received(void)
{
	play_calls(true);
}

static void all_with_a_queue(void)
{
	play_calls(false);
}

LISTED_SCENARIOS({ "with_a_queue", with_a_queue },
		 { "having_received", having_received },
		 { "all_with_a_queue", all_with_a_queue })
