// SPDX-License-Identifier: MIT
/*
 * helper.c - descriptors that the program never opened: none is left, neither in a
 * child that another thread forks amid a bind, nor where a signal handler jumps
 * out of one.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "netns.h"

#define LOW_PORT 20000
#define PORTS	 2000
#define CHILDREN 200
#define FDS	 64

/* ---- a thread that binds ----------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;
static int bound = -1; /* the one socket that the program has open */

static int bind_to(int fd, int port)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);

	return bind(fd, SA(&addr), sizeof(addr));
}

/* Only the bind is outside the lock, so that what is open is known within. */
static void *binder(void *arg)
{
	for (unsigned int i = 0; !stop; i++) {
		pthread_mutex_lock(&lock);
		if (bound >= 0)
			close(bound);
		bound = sock();
		pthread_mutex_unlock(&lock);
		bind_to(bound, LOW_PORT + i % PORTS);
	}
	return arg;
}

static int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < FDS; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* What there is once the binder's socket is closed, and how much more. */
static int count_left(int before)
{
	close(bound);
	return count_open() - before;
}

/* ---- children ---------------------------------------------------------- */

static int before;

static pid_t by_syscall(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t by_syscall3(void)
{
	uint64_t args[8] = { [4] = SIGCHLD };

	return syscall(SYS_clone3, args, sizeof(args));
}

static int cloned(void *arg)
{
	(void)arg;
	_exit(count_left(before));
}

static pid_t by_clone(void)
{
	static char stack[64 * 1024] __attribute__((aligned(64)));

	return clone(cloned, stack + sizeof(stack), SIGCHLD, NULL);
}

static const struct way {
	const char *name;
	pid_t (*fork)(void);
} ways[] = {
	{ "fork", fork },
	{ "_Fork", _Fork },
	{ "clone", by_clone },
	{ "clone by syscall()", by_syscall },
	{ "clone3 by syscall()", by_syscall3 },
};

static bool leaves_one(const struct way *way)
{
	int status = 0;
	pid_t pid;

	pthread_mutex_lock(&lock);
	pid = way->fork();
	if (!pid)
		_exit(count_left(before));
	pthread_mutex_unlock(&lock);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die(way->name);
	return status;
}

/* A child at another moment of the bind each time. */
static void pause_for(int step)
{
	struct timespec ts = { .tv_nsec = 1000 * (step % 50) };

	nanosleep(&ts, NULL);
}

static void fork_in(const struct way *way)
{
	int left = 0;

	for (int i = 0; i < CHILDREN; i++) {
		left += leaves_one(way);
		pause_for(i);
	}
	printf("%s: %d children, %d with what nobody has opened\n", way->name,
	       CHILDREN, left);
}

static void forked(void)
{
	pthread_t thread;

	own_network();
	before = count_open();
	pthread_create(&thread, NULL, binder, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		fork_in(&ways[i]);
	stop = true;
	pthread_join(thread, NULL);
	printf("%d more in the parent\n", count_left(before));
}

/* ---- a thread with a table of its own ---------------------------------- */

static void *unsharer(void *arg)
{
	int *left = arg;

	pthread_mutex_lock(&lock);
	if (unshare(CLONE_FILES))
		die("unshare");
	*left += count_left(before) > 0;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void unshared(void)
{
	pthread_t thread, parting;
	int left = 0;

	own_network();
	before = count_open();
	pthread_create(&thread, NULL, binder, NULL);
	for (int i = 0; i < CHILDREN; i++) {
		pthread_create(&parting, NULL, unsharer, &left);
		pthread_join(parting, NULL);
		pause_for(i);
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("%d threads, %d with what nobody has opened\n", CHILDREN, left);
}

/* ---- jumps ------------------------------------------------------------- */

static sigjmp_buf jump;
static volatile sig_atomic_t armed;

static void hop(int sig)
{
	(void)sig;
	if (!armed)
		return;
	armed = 0;
	siglongjmp(jump, 1);
}

static void set_timer(int usec)
{
	struct itimerval in = { .it_value.tv_usec = usec };

	setitimer(ITIMER_REAL, &in, NULL);
}

static int ports_held(void)
{
	int held = 0;

	for (int port = LOW_PORT; port < LOW_PORT + PORTS; port++) {
		int fd = sock();

		held += bind_to(fd, port) != 0;
		close(fd);
	}
	return held;
}

/* Until so many jumps have been made out of a bind. */
static void jump_out(int jumps)
{
	time_t end = time(NULL) + 15;
	static volatile int done, i, fd;

	for (i = 0; done < jumps && time(NULL) < end; i++) {
		fd = sock();
		if (!sigsetjmp(jump, 1)) {
			armed = 1;
			set_timer(1 + i % 15);
			bind_to(fd, LOW_PORT + i % PORTS);
			armed = 0;
		} else {
			done++;
		}
		set_timer(0);
		close(fd);
	}
}

static void jumped(void)
{
	struct sigaction sa = { .sa_handler = hop, .sa_flags = SA_NODEFER };

	own_network();
	before = count_open();
	sigaction(SIGALRM, &sa, NULL);
	jump_out(500);
	armed = 0;
	printf("%d more than before\n", count_open() - before);
	printf("%d ports held\n", ports_held());
}

/* ---- a handler that forks ---------------------------------------------- */

static volatile sig_atomic_t left_in_children;

static void fork_here(int sig)
{
	int status = 0;
	pid_t pid = _Fork();

	(void)sig;
	if (!pid)
		_exit(count_left(before));
	waitpid(pid, &status, 0);
	left_in_children += status != 0;
}

static void forked_in_handler(void)
{
	struct sigaction sa = { .sa_handler = fork_here };

	own_network();
	before = count_open();
	sigaction(SIGALRM, &sa, NULL);
	for (int i = 0; i < 2000; i++) {
		bound = sock();
		set_timer(1 + i % 15);
		bind_to(bound, LOW_PORT + i % PORTS);
		set_timer(0);
		close(bound);
	}
	printf("%d children with what nobody has opened\n",
	       (int)left_in_children);
}

SCENARIOS({ "forked", forked }, { "unshared", unshared }, { "jumped", jumped },
	  { "forked_in_handler", forked_in_handler })
