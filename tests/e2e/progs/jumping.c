// SPDX-License-Identifier: MIT
/*
 * jumping.c - a handler that jumps out of a call on a socket, at a random moment of it. Then
 * the socket is closed, and its port has to be free.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "prog.h"

#define ROUNDS 1500
#define PORT   42000
#define PORTS  1000

static sigjmp_buf back;
static volatile sig_atomic_t may_jump;
static timer_t timer;
static struct sockaddr_in nobody;

static void jump(int sig)
{
	if (!may_jump)
		return;
	may_jump = 0;
	siglongjmp(back, sig);
}

static void jump_after(long ns)
{
	const struct itimerspec after = { .it_value = { 0, ns } };

	timer_settime(timer, 0, &after, NULL);
}

/* ---- calls, the first three for a socket that is bound ------------------------ */

static void in_poll(int fd)
{
	struct pollfd pollfd = { fd, POLLIN, 0 };

	poll(&pollfd, 1, 1);
}

static void in_select(int fd)
{
	struct timeval time = { 0, 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	select(fd + 1, &set, NULL, NULL, &time);
}

static void in_getsockname(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	getsockname(fd, SA(&addr), &len);
}

static void in_send(int fd)
{
	sendto(fd, "x", 1, 0, SA(&nobody), sizeof(nobody));
}

static void in_connect(int fd)
{
	connect(fd, SA(&nobody), sizeof(nobody));
}

static volatile int asked;

static void in_bind(int fd)
{
	static int n;
	struct sockaddr_in addr = addr_of("0.0.0.0", PORT + n % PORTS);

	asked = PORT + n++ % PORTS;
	bind(fd, SA(&addr), sizeof(addr));
}

static const struct {
	const char *name;
	void (*call)(int fd);
	bool bound;
} calls[] = {
	{ "poll", in_poll, true },
	{ "select", in_select, true },
	{ "getsockname", in_getsockname, true },
	{ "sendto", in_send, false },
	{ "connect", in_connect, false },
	{ "bind", in_bind, false },
};

static volatile int jumped, lost;

/* What the kernel says: the call that was jumped out of may have bound the socket. */
static int port_of(int fd)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	getsockname(fd, SA(&addr), &len);
	return ntohs(addr.sin_port);
}

static bool is_free(int port)
{
	struct sockaddr_in addr = addr_of("0.0.0.0", port);
	int fd = sock();
	bool bound = !bind(fd, SA(&addr), sizeof(addr));

	close(fd);
	return bound;
}

static void jump_once(size_t i)
{
	volatile int fd = sock(), port = 0;
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);

	asked = 0;
	if (calls[i].bound && bind(fd, SA(&addr), sizeof(addr)))
		die("bind");
	if (!sigsetjmp(back, 1)) {
		may_jump = 1;
		jump_after(1 + rand() % 20000);
		calls[i].call(fd);
		may_jump = 0;
	} else {
		jumped++;
	}
	jump_after(0);
	port = port_of(fd) ?: asked;
	close(fd);
	lost += port && !is_free(port);
}

static void start(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_handler = jump };

	sigaction(SIGUSR1, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		die("timer_create");
	nobody = addr_of("127.0.0.1", 9);
}

/*
 * A handler may run between the instruction by which a call takes a socket and the one
 * that notes it. So one in a hundred may be lost.
 */
static void anywhere(void)
{
	start();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		jumped = lost = 0;
		for (int n = 0; n < ROUNDS; n++)
			jump_once(i);
		if (100 * lost > jumped)
			fprintf(stderr, "%d of %d\n", lost, jumped);
		printf("%s: %s, %s\n", calls[i].name,
		       jumped ? "jumped" : "stayed",
		       100 * lost > jumped ? "ports are lost" : "free");
	}
}

SCENARIOS({ "anywhere", anywhere })
