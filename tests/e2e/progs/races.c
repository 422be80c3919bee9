// SPDX-License-Identifier: MIT
/*
 * races.c - one thread sends or receives on a descriptor all the time, while
 * another replaces or closes it. What a send says it sent arrives, and every
 * datagram is as long as it was sent.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "prog.h"

#define REPLACED  50000 /* times */
#define CLOSED	  3000	/* times */
#define UNREAD	  100	/* datagrams that a socket's buffer has room for */
#define TEXT	  "hello"
#define LEN	  ((ssize_t)sizeof(TEXT) - 1)
#define PER_ROUND 20

static int used; /* the descriptor */
static atomic_bool over, busy, run;
static atomic_long sent, received, wrong;

static void sends(void)
{
	if (sent - received < UNREAD)
		sent += send(used, TEXT, LEN, MSG_DONTWAIT) == LEN;
}

static void receives(void)
{
	char text[64];
	ssize_t n = recv(used, text, sizeof(text), MSG_DONTWAIT);

	received += n >= 0;
	wrong += n >= 0 && (n != LEN || memcmp(text, TEXT, LEN));
}

static void *use(void *call)
{
	while (!over) {
		busy = true;
		while (run)
			((void (*)(void))call)();
		busy = false;
	}
	return NULL;
}

static void drain(int fd)
{
	char text[64];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text), MSG_DONTWAIT)) >= 0) {
		received++;
		wrong += n != LEN || memcmp(text, TEXT, LEN);
	}
}

static void show(bool all_are_read)
{
	long lost = all_are_read ? sent - received : 0;

	T(wrong);
	T(lost);
}

static void feed(const struct sockaddr_in *to)
{
	for (int i = 0; i < PER_ROUND; i++)
		if (sendto(sock_b, TEXT, LEN, 0, SA(to), sizeof(*to)) != LEN)
			die("sendto");
}

/* ---- what becomes of the descriptor -------------------------------------- */

static int first, second; /* sockets to put in its place */

static void replace_by_dup2(int i)
{
	if (dup2(i % 2 ? first : second, used) != used)
		die("dup2");
}

static void replace_by_dup3(int i)
{
	if (dup3(i % 2 ? first : second, used, O_CLOEXEC) != used)
		die("dup3");
}

static void by_close(int fd)
{
	if (close(fd))
		die("close");
}

static void by_close_range(int fd)
{
	if (close_range(fd, fd, 0))
		die("close_range");
}

static void by_fclose(int fd)
{
	FILE *fp = fdopen(fd, "r+");

	if (!fp || fclose(fp))
		die("fclose");
}

static void by_freopen(int fd)
{
	FILE *fp = fdopen(fd, "r+");

	if (!fp || !freopen("/dev/null", "r", fp) || fclose(fp))
		die("freopen");
}

/* ---- scenarios ----------------------------------------------------------- */

static pthread_t begin(void (*call)(void))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, use, (void *)call))
		die("pthread_create");
	return thread;
}

static void end(pthread_t thread)
{
	run = false;
	over = true;
	pthread_join(thread, NULL);
}

static void replaced(void (*call)(void), void (*replace)(int i))
{
	pthread_t thread;

	make_pair();
	first = sock_at('C', "127.0.0.1");
	second = sock_at('D', "127.0.0.1");
	addr_a = name_of(first);
	if (call == sends) {
		connect_to(first, &addr_b);
		connect_to(second, &addr_b);
	}
	used = dup(first);
	run = true;
	thread = begin(call);
	for (int i = 0; i < REPLACED; i++) {
		replace(i);
		if (call == sends)
			drain(sock_b);
		else if (i % PER_ROUND == 0)
			feed(&addr_a);
	}
	end(thread);
	drain(sock_b);
	show(call == sends);
}

/* The descriptor is a duplicate, so that what was sent to the socket stays. */
static void closed(void (*call)(void), void (*how)(int fd))
{
	pthread_t thread;

	make_pair();
	if (call == sends)
		connect_to(sock_a, &addr_b);
	thread = begin(call);
	for (int i = 0; i < CLOSED; i++) {
		used = dup(sock_a);
		if (call == receives)
			feed(&addr_a);
		run = true;
		for (volatile int k = 0; k < i % 64 * 50; k++)
			;
		how(used);
		run = false;
		while (busy)
			;
		drain(call == sends ? sock_b : sock_a);
	}
	end(thread);
	show(call == sends);
}

#define SCENARIO(name, ...)    \
	static void name(void) \
	{                      \
		__VA_ARGS__;   \
	}

SCENARIO(send_dup2, replaced(sends, replace_by_dup2))
SCENARIO(send_dup3, replaced(sends, replace_by_dup3))
SCENARIO(receive_dup2, replaced(receives, replace_by_dup2))
SCENARIO(receive_dup3, replaced(receives, replace_by_dup3))
SCENARIO(send_close, closed(sends, by_close))
SCENARIO(receive_close, closed(receives, by_close))
SCENARIO(send_close_range, closed(sends, by_close_range))
SCENARIO(receive_close_range, closed(receives, by_close_range))
SCENARIO(send_fclose, closed(sends, by_fclose))
SCENARIO(receive_fclose, closed(receives, by_fclose))
SCENARIO(send_freopen, closed(sends, by_freopen))
SCENARIO(receive_freopen, closed(receives, by_freopen))

#define S(name)             \
	{                   \
#name, name \
	}

SCENARIOS(S(send_dup2), S(send_dup3), S(receive_dup2), S(receive_dup3),
	  S(send_close), S(receive_close), S(send_close_range),
	  S(receive_close_range), S(send_fclose), S(receive_fclose),
	  S(send_freopen), S(receive_freopen))
