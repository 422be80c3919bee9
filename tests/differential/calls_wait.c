// SPDX-License-Identifier: MIT
/*
 * calls_wait.c - poll, select and epoll. None of them waits: what there is to
 * see is there when the call that made it so has returned.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "player.h"

#define EPOLLS 4

static int epoll_fd[EPOLLS] = { -1, -1, -1, -1 };

/* "slot:events" */
static nfds_t poll_list(struct pollfd *fds, int argc, char **argv)
{
	nfds_t n = 0;

	for (int i = 0; i < argc && n < SLOTS; i++) {
		const char *colon = strchr(argv[i], ':');

		fds[n++] = (struct pollfd){
			.fd = fd_of(argv[i]),
			.events = colon ? number(colon + 1) : 0,
			.revents = 0x5a5a,
		};
	}
	return n;
}

static void say_polled(const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		say(" %x", fds[i].revents);
}

/* poll SLOT:EVENTS... */
static void play_poll(int argc, char **argv)
{
	struct pollfd fds[SLOTS];
	nfds_t n = poll_list(fds, argc, argv);

	T(poll(fds, n, 0));
	say_polled(fds, n);
}

/* ppoll SLOT:EVENTS... */
static void play_ppoll(int argc, char **argv)
{
	const struct timespec none = { 0 };
	struct pollfd fds[SLOTS];
	nfds_t n = poll_list(fds, argc, argv);

	T(ppoll(fds, n, &none, NULL));
	say_polled(fds, n);
}

/* "slot,slot": returns one more than the highest descriptor */
static int set_arg(fd_set *set, const char *word)
{
	int max = 0;

	FD_ZERO(set);
	for (; word && *word && *word != '-'; word = strchr(word, ',')) {
		int fd;

		word += *word == ',';
		fd = fd_of(word);
		if (fd >= 0 && fd < FD_SETSIZE)
			FD_SET(fd, set);
		max = fd >= max ? fd + 1 : max;
	}
	return max;
}

static void say_set(const fd_set *set, int n)
{
	say(" ");
	for (int fd = 0; fd < n; fd++)
		say("%d", FD_ISSET(fd, set) ? 1 : 0);
}

/* select SLOTS SLOTS SLOTS */
static void play_select(int argc, char **argv)
{
	struct timeval none = { 0 };
	int max = 0;
	fd_set set[3];

	(void)argc;
	for (int i = 0; i < 3; i++) {
		int n = set_arg(&set[i], argv[i]);

		max = n > max ? n : max;
	}
	T(select(max, &set[0], &set[1], &set[2], &none));
	for (int i = 0; i < 3; i++)
		say_set(&set[i], max);
}

static int *epoll_arg(const char *word)
{
	return &epoll_fd[number(word) % EPOLLS];
}

/* epoll_create EPOLL */
static void play_epoll_create(int argc, char **argv)
{
	(void)argc;
	*epoll_arg(argv[0]) = T(epoll_create1(0));
}

/* epoll_ctl EPOLL OPERATION SLOT EVENTS */
static void play_epoll_ctl(int argc, char **argv)
{
	struct epoll_event event = { .events = number(argv[3]),
				     .data.u64 = number(argv[2]) };

	(void)argc;
	T(epoll_ctl(*epoll_arg(argv[0]), number(argv[1]), fd_of(argv[2]),
		    &event));
}

/* epoll_wait EPOLL EVENTS */
static void play_epoll_wait(int argc, char **argv)
{
	struct epoll_event event[SLOTS];
	int n;

	(void)argc;
	n = T(epoll_wait(*epoll_arg(argv[0]), event, number(argv[1]), 0));
	for (int i = 0; i < n && i < SLOTS; i++)
		say(" %d:%x", (int)event[i].data.u64, event[i].events);
}

const struct call wait_calls[] = {
	{ "poll", play_poll },
	{ "ppoll", play_ppoll },
	{ "select", play_select },
	{ "epoll_create", play_epoll_create },
	{ "epoll_ctl", play_epoll_ctl },
	{ "epoll_wait", play_epoll_wait },
	{ NULL, NULL },
};
