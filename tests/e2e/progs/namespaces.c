// SPDX-License-Identifier: MIT
/*
 * namespaces.c - a process with sockets in two network namespaces. A port is one of
 * a namespace, and a socket stays in the one that it was made in.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "netns.h"
#include "raw.h"

#define PORT 5123

static int bind_at(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return bind(fd, SA(&addr), sizeof(addr));
}

static int network_of_thread(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		skip("/proc/thread-self/ns/net");
	return fd;
}

/* The networks 0 and 1, with a loopback each. The thread is in the first then. */
static int network[2];

static void enter(int i)
{
	if (setns(network[i], CLONE_NEWNET))
		die("setns");
}

static void make_networks(void)
{
	own_network();
	network[0] = network_of_thread();
	own_network();
	network[1] = network_of_thread();
	enter(0);
}

/* ---- ports -------------------------------------------------------------------- */

static void moves(void)
{
	own_network();
	T(bind_at(sock(), "127.0.0.1", PORT));
	T(bind_at(sock(), "127.0.0.1", PORT));
	T(unshare(CLONE_NEWNET));
	loopback_up();
	T(bind_at(sock(), "0.0.0.0", PORT));
	T(bind_at(sock(), "127.0.0.1", PORT));
}

/* In each of them: by unshare() and setns(), by their numbers, and unseen. */
static void goes_back(int (*go)(int fd))
{
	make_networks();
	for (int i = 0; i < 4; i++) {
		if (go(network[i % 2]))
			die("setns");
		printf("in network %d\n", i % 2);
		T(bind_at(sock(), "0.0.0.0", PORT + i / 2));
		T(bind_at(sock(), "127.0.0.1", PORT + i / 2));
	}
}

static int by_name(int fd)
{
	return setns(fd, CLONE_NEWNET);
}

static int by_number(int fd)
{
	return syscall(SYS_setns, fd, 0);
}

static int by_instruction(int fd)
{
	return raw(SYS_setns, fd, CLONE_NEWNET, 0, 0);
}

static void goes_back_by_name(void)
{
	goes_back(by_name);
}

static void goes_back_by_number(void)
{
	goes_back(by_number);
}

static void goes_back_unseen(void)
{
	goes_back(by_instruction);
}

/* Sockets of the first network, bound by a thread in the second. */
static void made_before(void)
{
	int fd[4];

	make_networks();
	T(bind_at(sock(), "127.0.0.1", PORT));
	for (int i = 0; i < 4; i++)
		fd[i] = sock();
	enter(1);
	T(bind_at(sock(), "127.0.0.1", PORT + 1));
	T(bind_at(fd[0], "127.0.0.1", PORT));
	T(bind_at(fd[0], "127.0.0.1", PORT + 1));
	T(bind_at(fd[1], "0.0.0.0", PORT));
	T(bind_at(fd[1], "0.0.0.0", PORT + 2));
	T(bind_at(sock(), "127.0.0.1", PORT + 2));
	T(bind_at(fd[2], "127.0.0.1", PORT + 2));
	enter(0);
	T(bind_at(fd[3], "127.0.0.1", PORT + 2));
	T(bind_at(fd[3], "127.0.0.1", PORT + 1));
}

/* COP's own rule: one port, whatever the addresses. */
static void rule(void)
{
	make_networks();
	for (int i = 0; i < 2; i++) {
		enter(i);
		T(bind_at(sock(), "127.0.0.1", PORT));
		T(bind_at(sock(), "127.0.0.2", PORT));
		T(bind_at(sock(), "0.0.0.0", PORT));
	}
}

/* ---- threads -------------------------------------------------------------------- */

static pthread_barrier_t barrier;

struct talk {
	int network;
	int fd;
	char heard[8];
	int refused;
};

static void *talks(void *arg)
{
	struct sockaddr_in to = addr_of("127.0.0.1", PORT);
	struct talk *talk = arg;
	char text[] = { '0' + talk->network, '\0' };

	enter(talk->network);
	talk->fd = sock();
	if (bind_at(talk->fd, "127.0.0.1", PORT))
		die("bind");
	talk->refused = bind_at(sock(), "0.0.0.0", PORT);
	pthread_barrier_wait(&barrier);
	sendto(sock(), text, sizeof(text), 0, SA(&to), sizeof(to));
	recv(talk->fd, talk->heard, sizeof(talk->heard), 0);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void threads(void)
{
	struct talk talk[2] = { { .network = 0 }, { .network = 1 } };
	pthread_t thread[2];

	make_networks();
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, talks, &talk[i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		printf("in network %d: heard %s, another bind %d\n", i,
		       talk[i].heard, talk[i].refused);
	}
}

/* ---- settings -------------------------------------------------------------------- */

static const int lowest[] = { 20000, 30000 };

static void set_range(int i)
{
	char range[32];

	snprintf(range, sizeof(range), "%d %d", lowest[i], lowest[i] + 99);
	enter(i);
	set_sysctl("ip_local_port_range", range);
}

static void bind_any(int fd)
{
	T(bind_at(fd, "0.0.0.0", 0));
}

static void bind_loopback(int fd)
{
	T(bind_at(fd, "127.0.0.1", 0));
}

static void connect_first(int fd)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 9);

	T(connect(fd, SA(&addr), sizeof(addr)));
}

static void send_first(int fd)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 9);

	T(sendto(fd, "x", 1, 0, SA(&addr), sizeof(addr)));
}

static void show_range(int fd, int i)
{
	int port = ntohs(name_of(fd).sin_port);

	printf("  within the range of network %d: %s\n", i,
	       port >= lowest[i] && port < lowest[i] + 100 ? "yes" : "no");
}

/* Each way to a port, by sockets of both networks and from threads in both. */
static void settings(void)
{
	void (*const way[])(int fd) = { bind_any, bind_loopback, connect_first,
					send_first };

	make_networks();
	set_range(1);
	set_range(0);
	for (size_t k = 0; k < 4 * ARRAY_SIZE(way); k++) {
		int made = k & 1, there = k >> 1 & 1, fd;

		enter(made);
		fd = sock();
		enter(there);
		printf("made in %d, used in %d: ", made, there);
		way[k / 4](fd);
		show_range(fd, made);
	}
}

/* What is full in one network is not in the other. */
static void full(void)
{
	int got[2] = { 0 };

	make_networks();
	set_range(1);
	set_range(0);
	for (int i = 0; i < 2; i++) {
		enter(i);
		while (!bind_at(sock(), i ? "0.0.0.0" : "127.0.0.1", 0))
			got[i]++;
		printf("%d ports in network %d, then %s\n", got[i], i,
		       strerrorname_np(errno));
	}
}

SCENARIOS({ "moves", moves }, { "goes_back_by_name", goes_back_by_name },
	  { "goes_back_by_number", goes_back_by_number },
	  { "goes_back_unseen", goes_back_unseen },
	  { "made_before", made_before }, { "rule", rule },
	  { "threads", threads }, { "settings", settings }, { "full", full })
