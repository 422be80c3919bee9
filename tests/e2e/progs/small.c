// SPDX-License-Identifier: MIT
/*
 * small.c - calls on the stack of a thread that has little of it, in a process that has
 * confined itself by a seccomp filter.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "prog.h"

#define STACK (64 * 1024)
#define BELOW (128 * 1024)
#define MARK  0xaa

static int sock_a;

static void confine(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &all };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		skip("seccomp");
}

static void *converse(void *arg)
{
	struct sockaddr_in self = name_of(sock_a);

	T(sendto(sock_a, "hello", 5, 0, SA(&self), sizeof(self)));
	memset(buf, 0, sizeof(buf));
	T(recv(sock_a, buf, 10, 0));
	printf("  %s\n", buf);
	T(connect(sock_a, SA(&self), sizeof(self)));
	T(send(sock_a, "again", 5, 0));
	T(recv(sock_a, buf, 10, 0));
	return arg;
}

/* Nothing may be written below the stack, where something else of the program is. */
static void on_a_small_stack(void)
{
	unsigned char *memory =
		mmap(NULL, BELOW + STACK, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attr;
	pthread_t thread;
	int written = 0;

	sock_a = sock_at('A', "127.0.0.1");
	memset(memory, MARK, BELOW);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, memory + BELOW, STACK);
	confine();
	if (pthread_create(&thread, &attr, converse, NULL))
		die("pthread_create");
	pthread_join(thread, NULL);
	for (int i = 0; i < BELOW; i++)
		written += memory[i] != MARK;
	printf("%d bytes below the stack are written\n", written);
}

SCENARIOS({ "on_a_small_stack", on_a_small_stack })
