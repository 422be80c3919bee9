// SPDX-License-Identifier: MIT
/*
 * tables.c - threads and children that share the memory of a program, and have its
 * table of descriptors or one of their own.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "prog.h"

#define STACK 65536

static int file = -1; /* the number that a file got, of the caller's table */

/* The number of the socket A is a file in the caller's table. */
static void *replace_a(void *arg)
{
	T(close(sock_a));
	T((file = open("/dev/zero", O_RDWR)) == sock_a);
	T(write(sock_a, "x", 1));
	return arg;
}

static void join(void *(*start)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, start, NULL))
		die("pthread_create");
	pthread_join(thread, NULL);
}

/* ---- threads of a thread that has parted --------------------------------- */

static void *parts_and_makes_a_thread(void *arg)
{
	T(unshare(CLONE_FILES));
	join(replace_a);
	return arg;
}

static void thread_of_a_parted_thread(void)
{
	make_pair();
	join(parts_and_makes_a_thread);
	show_is_a(sock_a);
	join(replace_a);
	T(recv(sock_a, buf, 1, MSG_DONTWAIT));
}

static void *makes_a_thread(void *arg)
{
	join(replace_a);
	return arg;
}

static void *parts_and_makes_two(void *arg)
{
	T(unshare(CLONE_FILES));
	join(makes_a_thread);
	return arg;
}

static void grandchild_of_a_parted_thread(void)
{
	make_pair();
	join(parts_and_makes_two);
	show_is_a(sock_a);
}

static pthread_barrier_t step;

static void *waits_for_the_first(void *arg)
{
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	show_is_a(sock_a);
	join(replace_a);
	T(recv(sock_a, buf, 1, MSG_DONTWAIT));
	return arg;
}

/* What the first thread of the process leaves is the others'. */
static void first_thread_parts(void)
{
	pthread_t thread;

	make_pair();
	pthread_barrier_init(&step, NULL, 2);
	pthread_create(&thread, NULL, waits_for_the_first, NULL);
	pthread_barrier_wait(&step);
	T(unshare(CLONE_FILES));
	join(replace_a);
	pthread_barrier_wait(&step);
	pthread_join(thread, NULL);
}

static bool gets_a_socket(void)
{
	int fd = is_cop ? socket(PF_INET, SOCK_COP, IPPROTO_COP)
			: socket(PF_INET, SOCK_DGRAM, 0);

	return fd >= 0 && of_the_kind(fd);
}

static void *try_socket(void *arg)
{
	T(gets_a_socket());
	return arg;
}

static void *parts_and_asks_for_sockets(void *arg)
{
	T(unshare(CLONE_FILES));
	try_socket(NULL);
	join(try_socket);
	return arg;
}

static void sockets_of_a_parted_threads_thread(void)
{
	make_pair();
	join(parts_and_asks_for_sockets);
	try_socket(NULL);
	join(try_socket);
}

/* ---- children ------------------------------------------------------------- */

static char *stack_top(void)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		die("mmap");
	return stack + STACK - 64;
}

static int closes_a(void *arg)
{
	(void)arg;
	close(sock_a);
	return 0;
}

static int child(int flags, int (*act)(void *))
{
	int status = -1;
	pid_t pid = clone(act, stack_top(), flags | SIGCHLD, NULL);

	if (pid < 0) {
		perror("clone");
		return -1;
	};
	waitpid(pid, &status, 0);
	return status;
}

/* A child with its own table closes its own, however it was made. */
static void child_with_its_own_table(void)
{
	make_pair();
	T(child(CLONE_VM | CLONE_VFORK, closes_a));
	show_is_a(sock_a);
	T(child(CLONE_VM, closes_a));
	show_is_a(sock_a);
	T(child(CLONE_FILES | CLONE_VM | CLONE_VFORK, closes_a));
	T(sendto(sock_a, "x", 1, 0, SA(&addr_b), sizeof(addr_b)));
}

static int replaces_a(void *arg)
{
	(void)arg;
	close(sock_a);
	file = open("/dev/zero", O_RDWR);
	return 0;
}

static int made;

static int makes_a_socket(void *arg)
{
	(void)arg;
	made = sock();
	return 0;
}

/* A child that shares the table closes the parent's, also behind a vfork(). */
static void child_with_the_same_table(void)
{
	make_pair();
	if (!vfork())
		_exit(0);
	T(child(CLONE_VM | CLONE_FILES | CLONE_VFORK, replaces_a));
	T(file == sock_a);
	T(write(sock_a, "x", 1));
	T(recv(sock_a, buf, 1, MSG_DONTWAIT));
	T(child(CLONE_VM | CLONE_FILES | CLONE_VFORK, makes_a_socket));
	T(sendto(made, "made", 4, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, NULL, NULL));
	T(of_the_kind(made));
}

static int leaves_and_closes_a(void *arg)
{
	if (unshare(CLONE_FILES))
		return 1;
	return closes_a(arg);
}

/* A child that shares the table until it leaves it. */
static void child_that_leaves_the_table(void)
{
	make_pair();
	T(child(CLONE_VM | CLONE_FILES | CLONE_VFORK, leaves_and_closes_a));
	show_is_a(sock_a);
	T(child(CLONE_VM | CLONE_FILES, leaves_and_closes_a));
	show_is_a(sock_a);
}

/* The first of a pid namespace, like the child in the one below. */
static void as_pid_1(void (*scene)(void))
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) && unshare(CLONE_NEWUSER | CLONE_NEWPID))
		skip("no pid namespace to be had");
	pid = fork();
	if (!pid) {
		alarm(20);
		scene();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	T(status);
}

static void child_is_pid_1_too(void)
{
	make_pair();
	T(getpid());
	T(child(CLONE_VM | CLONE_VFORK | CLONE_NEWPID, closes_a));
	show_is_a(sock_a);
	T(child(CLONE_VM | CLONE_NEWPID, closes_a));
	show_is_a(sock_a);
}

static void pid_1(void)
{
	as_pid_1(child_is_pid_1_too);
}

static int uses_sockets(void *arg)
{
	int fd;

	(void)arg;
	T(getpid());
	T((fd = sock()) > 0);
	T(of_the_kind(fd));
	show_is_a(sock_a);
	replace_a(NULL);
	fflush(stdout);
	return 0;
}

static void *parts_and_has_a_child(void *arg)
{
	T(unshare(CLONE_FILES));
	fflush(stdout);
	T(child(CLONE_NEWPID, uses_sockets));
	return arg;
}

/* All that is in its memory is its own. */
static void child_of_parted_pid_1(void)
{
	make_pair();
	join(parts_and_has_a_child);
	show_is_a(sock_a);
}

static void parted_pid_1(void)
{
	as_pid_1(child_of_parted_pid_1);
}

/* ---- a thread that libc knows nothing of ---------------------------------- */

static atomic_int ended;

static int thread_closes_a(void *arg)
{
	closes_a(arg);
	ended = 1;
	while (ended)
		sched_yield();
	syscall(SYS_exit, 0);
	return 0;
}

static void raw_thread(void)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		    CLONE_THREAD | CLONE_SYSVSEM;

	make_pair();
	if (!vfork())
		_exit(0);
	if (clone(thread_closes_a, stack_top(), flags, NULL) < 0)
		die("clone");
	while (!ended)
		sched_yield();
	ended = 0;
	T(open("/dev/zero", O_RDWR) == sock_a);
	T(write(sock_a, "x", 1));
}

#define S(name)             \
	{                   \
#name, name \
	}

SCENARIOS(S(thread_of_a_parted_thread), S(grandchild_of_a_parted_thread),
	  S(first_thread_parts), S(sockets_of_a_parted_threads_thread),
	  S(child_with_its_own_table), S(child_with_the_same_table),
	  S(child_that_leaves_the_table), S(pid_1), S(parted_pid_1),
	  S(raw_thread))
