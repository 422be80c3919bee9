// SPDX-License-Identifier: MIT
/*
 * modules.c - sockets of type 8, protocol 254, which a module may have.
 *
 * modules ask N: asks N times, says the last errno. threads: sixteen threads ask at
 * once. vfork, fork, forked: a child asks, of a vfork(), of a fork(), and of a fork()
 * in a process with threads; then the parent. dlerror: a message of dlopen() is older
 * than the question. errno: says errno behind two questions, both older. handler: asks in a signal handler that interrupts nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 16

static int ask(void)
{
	return socket(AF_INET, 8, 254);
}

static void ask_often(int n)
{
	int fd = -1, err = 0;

	for (int i = 0; i < n; i++) {
		if (fd >= 0)
			close(fd);
		errno = 0;
		fd = ask();
		err = errno;
	}
	printf("%s\n", fd < 0 ? strerrorname_np(err) : "a socket");
}

static pthread_barrier_t barrier;

static void *ask_at_once(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&barrier);
	return (void *)(long)(ask() >= 0);
}

static void *wait_for_good(void *unused)
{
	pause();
	return unused;
}

static void threads(void)
{
	pthread_t thread[THREADS];
	long sockets = 0;
	void *has;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, ask_at_once, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &has);
		sockets += (long)has;
	}
	printf("%ld sockets\n", sockets);
}

static void children(const char *how)
{
	pthread_t thread;
	int status;
	pid_t pid;

	if (!strcmp(how, "forked"))
		pthread_create(&thread, NULL, wait_for_good, NULL);
	pid = strcmp(how, "vfork") ? fork() : vfork();
	if (!pid)
		_exit(ask() >= 0);
	waitpid(pid, &status, 0);
	printf("child %d, ", WEXITSTATUS(status));
	printf("parent %d\n", ask() >= 0);
}

static void keep_dlerror(void)
{
	dlopen("/nowhere/at/all.so", RTLD_NOW);
	ask();
	printf("%s\n", dlerror() ?: "lost");
}

static void keep_errno(void)
{
	bool refused;
	int err;

	for (int i = 0; i < 2; i++) {
		errno = ERANGE;
		refused = ask() < 0;
		err = errno;
		printf("%s, %s\n", refused ? "refused" : "a socket",
		       strerrorname_np(err));
	}
}

static void on_signal(int sig)
{
	(void)sig;
	printf("%s\n", ask() < 0 ? "refused" : "a socket");
}

int main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "ask"))
		ask_often(argc > 2 ? atoi(argv[2]) : 1);
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "dlerror"))
		keep_dlerror();
	else if (!strcmp(what, "errno"))
		keep_errno();
	else if (!strcmp(what, "handler"))
		signal(SIGUSR1, on_signal), raise(SIGUSR1);
	else
		children(what);
	return 0;
}
