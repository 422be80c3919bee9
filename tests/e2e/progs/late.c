// SPDX-License-Identifier: MIT
/*
 * late.c - sockets that are made before main() and used behind it: in handlers
 * of exit() and in destructors.
 *
 * Built as a library too, with LATE_LIBRARY, that a program is linked with: its
 * constructor runs ahead of libcop's, its destructor after all of libcop is
 * over.
 */
#include <poll.h>
#include <pthread.h>

#include "prog.h"

static void exchange(const char *when)
{
	struct pollfd pfd = { .fd = sock_b, .events = POLLIN };

	printf("%s\n", when);
	deliver("late");
	T(poll(&pfd, 1, 0));
	R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
}

/* All that can be done with a socket, to its end and beyond. */
static void finish(const char *when)
{
	int fd;

	exchange(when);
	fd = dup(sock_a);
	T(write(fd, "x", 1));
	T(close(fd));
	T(close(sock_a));
	T(send(sock_a, "x", 1, 0));
	T(close(sock_b));
	make_pair();
	exchange("with new ones");
	T(connect(sock_a, SA(&addr_b), sizeof(addr_b)));
	T(write(sock_a, "connected", 9));
	R(read(sock_b, buf, 64));
	T(close(sock_a));
	T(close(sock_b));
	fflush(stdout);
}

__attribute__((constructor)) static void start(int argc, char **argv)
{
	if (argc < 3)
		return;
	know_kind(argv[1]);
	make_pair();
	exchange("in a constructor");
}

#ifdef LATE_LIBRARY

__attribute__((destructor)) static void end(void)
{
	finish("in a library's destructor");
}

#else

static bool in_destructor;

__attribute__((destructor)) static void end(void)
{
	if (in_destructor)
		finish("in a destructor");
}

static void at_exit(void)
{
	finish("at exit");
}

static void on_status(int status, void *arg)
{
	(void)arg;
	printf("status %d\n", status);
	finish("on exit");
}

static void at_key_end(void *arg)
{
	(void)arg;
	finish("at the end of a thread");
}

static void *run_thread(void *key)
{
	if (pthread_setspecific(*(pthread_key_t *)key, key))
		die("pthread_setspecific");
	return NULL;
}

static void destructor(void)
{
	in_destructor = true;
}

static void handler(void)
{
	if (atexit(at_exit))
		die("atexit");
}

static void handler_with_status(void)
{
	if (on_exit(on_status, NULL))
		die("on_exit");
}

static void quick_handler(void)
{
	if (at_quick_exit(at_exit))
		die("at_quick_exit");
	fflush(stdout);
	quick_exit(0);
}

static void thread(void)
{
	pthread_key_t key;
	pthread_t id;

	if (pthread_key_create(&key, at_key_end))
		die("pthread_key_create");
	if (pthread_create(&id, NULL, run_thread, &key))
		die("pthread_create");
	pthread_join(id, NULL);
}

/* What a linked library does without a word from the program. */
static void nothing(void)
{
}

SCENARIOS({ "destructor", destructor }, { "handler", handler },
	  { "handler_with_status", handler_with_status },
	  { "quick_handler", quick_handler }, { "thread", thread },
	  { "nothing", nothing })

#endif
