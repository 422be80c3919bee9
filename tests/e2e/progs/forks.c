// SPDX-License-Identifier: MIT
/*
 * forks.c - children, made in each way there is: what they share with their
 * parent, and what is their own.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "netns.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#include "stray.h"

/* ---- making children --------------------------------------------------- */

static pid_t by_syscall(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t by_syscall3(void)
{
	uint64_t args[8] = { [4] = SIGCHLD };

	return syscall(SYS_clone3, args, sizeof(args));
}

/* What no library can see. */
static pid_t by_instruction(void)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_clone), "D"((long)SIGCHLD), "S"(0l), "d"(0l),
			   "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = SIGCHLD;
	register long x1 __asm__("x1") = 0;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
#else
	return fork();
#endif
}

static const struct way {
	const char *name;
	pid_t (*fork)(void);
} ways[] = {
	{ "fork", fork },
	{ "_Fork", _Fork },
	{ "clone by syscall()", by_syscall },
	{ "clone3 by syscall()", by_syscall3 },
	{ "clone by an instruction", by_instruction },
};

/* The child plays its part first, and then the parent. */
static void with_child(const struct way *way, void (*part)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = way->fork();
	if (pid < 0)
		die(way->name);
	if (!pid) {
		alarm(10);
		part();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%s, status %d\n", way->name, status);
}

/* In each way there is, with a pair of sockets for each. */
static void in_each_way(void (*before)(void), void (*in_child)(void),
			void (*behind)(void))
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		make_pair();
		if (before)
			before();
		with_child(&ways[i], in_child);
		behind();
		close(sock_a);
		close(sock_b);
	}
}

/* ---- what they share --------------------------------------------------- */

/* That sock_a is the socket A: sends as A, receives what is sent to A. */
static void is_a(void)
{
	show_is_a(sock_a);
	show_name(sock_a);
}

static void both_speak(void)
{
	in_each_way(NULL, is_a, is_a);
}

static void say_something(void)
{
	deliver("one");
	deliver("two");
}

static void hear_it(void)
{
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	deliver("three");
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

static void one_queue(void)
{
	in_each_way(NULL, say_something, hear_it);
}

/* ---- what one of them binds --------------------------------------------- */

static int shared;
static bool by_number;

static void bind_for_both(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int fd = sock();

	T(bind(fd, SA(&addr), sizeof(addr)));
	if (by_number)
		addr = name_of(fd);
	close(fd);
	T(bind(shared, SA(&addr), sizeof(addr)));
}

static void autobind_for_both(void)
{
	T(sendto(shared, "x", 1, 0, SA(&addr_b), sizeof(addr_b)));
}

/* Asked for by an instruction, it is still news for the library. */
static struct sockaddr_in bound_name(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	struct sockaddr_in name;
	socklen_t len = sizeof(name);

	raw(SYS_getsockname, shared, (long)&name, (long)&len, 0);
	addr.sin_port = name.sin_port;
	return addr;
}

/* A stray is what would show that the socket is taken for another. */
static void hear_strays(void)
{
	struct sockaddr_in addr = bound_name();

	send_stray(&addr);
	T(recv(shared, buf, 64, MSG_DONTWAIT));
	T(of_the_kind(shared));
	T(sendto(sock_a, "hello", 5, 0, SA(&addr), sizeof(addr)));
	R(recvfrom(shared, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	close(shared);
}

static void make_shared(void)
{
	shared = sock();
}

/* A port by number is seen where the child is, so that is the last way but one. */
static void child_binds(void)
{
	own_network();
	in_each_way(make_shared, autobind_for_both, hear_strays);
	in_each_way(make_shared, bind_for_both, hear_strays);
	by_number = true;
	for (size_t i = 0; ways[i].fork != by_instruction; i++) {
		make_pair();
		make_shared();
		with_child(&ways[i], bind_for_both);
		hear_strays();
		close(sock_a);
		close(sock_b);
	}
}

/* docs/BYPASS.md */
static void child_binds_unseen(void)
{
	const struct way way = { "clone by an instruction", by_instruction };
	int udp = socket(PF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in addr;

	make_pair();
	make_shared();
	by_number = true;
	with_child(&way, bind_for_both);
	addr = bound_name();
	T(of_the_kind(shared));
	T(sendto(udp, "stray", 5, 0, SA(&addr), sizeof(addr)));
	T(recv(shared, buf, 64, MSG_DONTWAIT));
	T(of_the_kind(shared));
}

/* Takes what begins with a y. */
static void set_filter(void)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { ARRAY_SIZE(insn), insn };

	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		     sizeof(prog)));
}

static void take_filter(void)
{
	int none = 0;

	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &none,
		     sizeof(none)));
}

static void poll_both(void)
{
	struct pollfd pfd = { .fd = sock_b, .events = POLLIN };

	T(poll(&pfd, 1, 0));
}

static void is_filtered(void)
{
	struct sock_filter insn[16];
	socklen_t len = ARRAY_SIZE(insn);

	poll_both();
	T(getsockopt(sock_b, SOL_SOCKET, SO_GET_FILTER, insn, &len));
	printf("  %u instructions\n", len);
	deliver("no");
	send_stray(&addr_b);
	poll_both();
	deliver("yes");
	R(recv(sock_b, buf, 64, MSG_DONTWAIT));
	take_filter();
	deliver("no");
	R(recv(sock_b, buf, 64, MSG_DONTWAIT));
	take_filter();
}

static void take_filter_amid_strays(void)
{
	take_filter();
	send_stray(&addr_b);
}

static void filter_and_poll(void)
{
	set_filter();
	poll_both();
}

static void child_filters(void)
{
	in_each_way(NULL, set_filter, is_filtered);
	in_each_way(set_filter, take_filter_amid_strays, poll_both);
	in_each_way(poll_both, filter_and_poll, is_filtered);
}

/* ---- who closes first -------------------------------------------------- */

static void close_a(void)
{
	T(close(sock_a));
	T(freed());
	T(send(sock_a, "x", 1, 0));
}

static void close_second(void)
{
	T(freed());
	is_a();
	T(close(sock_a));
	T(freed());
}

static void child_closes_first(void)
{
	in_each_way(NULL, close_a, close_second);
}

static int turn[2][2]; /* pipes: to the child, and back */

static void wait_turn(int i)
{
	char c;

	if (read(turn[i][0], &c, 1) != 1)
		die("turn");
}

static void give_turn(int i)
{
	fflush(stdout);
	if (write(turn[i][1], "x", 1) != 1)
		die("turn");
}

static void closed_by_parent(void)
{
	wait_turn(0);
	T(freed());
	is_a();
	T(close(sock_a));
	T(freed());
}

static void parent_closes_first(void)
{
	int status;
	pid_t pid;

	if (pipe(turn[0]))
		die("pipe");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		make_pair();
		fflush(stdout);
		pid = ways[i].fork();
		if (!pid) {
			alarm(10);
			closed_by_parent();
			fflush(stdout);
			_exit(0);
		}
		T(close(sock_a));
		T(freed());
		give_turn(0);
		waitpid(pid, &status, 0);
		printf("%s, status %d\n", ways[i].name, status);
		T(freed());
		close(sock_b);
	}
}

/* ---- what is the child's own ------------------------------------------- */

/* After a vfork() a table has an owner; a child is one of its own. */
static void vfork_once(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

/* A socket that a child makes, which the parent's hears if it is of a kind. */
static void own_sockets(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int fd;

	close(sock_a);
	fd = sock();
	printf("number %s\n", fd == sock_a ? "reused" : "new");
	T(bind(fd, SA(&addr), sizeof(addr)));
	know('C', fd);
	T(sendto(fd, "from C", 6, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(dup2(sock_b, 90));
	vfork_once();
	T(close(sock_b));
	T(sendto(fd, "dup", 3, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(90, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(close(90));
}

static void own_table(void)
{
	in_each_way(vfork_once, own_sockets, is_a);
}

static void own_autobind(void)
{
	struct sockaddr_in unbound = { 0 };
	int fd = sock();

	T(sendto(fd, "autobound", 9, 0, SA(&addr_b), sizeof(addr_b)));
	know('D', fd);
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	unbound.sin_family = AF_UNSPEC;
	connect_to(fd, &addr_b);
	T(connect(fd, SA(&unbound), sizeof(unbound)));
	show_name(fd);
}

static void child_autobinds(void)
{
	in_each_way(NULL, own_autobind, own_autobind);
}

/* ---- vfork ------------------------------------------------------------- */

static long result[8];

/* What the child does with descriptors that are its own; none may be printed. */
static void in_vfork(void (*act)(void))
{
	pid_t pid;

	memset(result, 0, sizeof(result));
	pid = vfork();
	if (!pid) {
		act();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(result); i++)
		printf("%s%ld", i ? " " : "  ", result[i]);
	printf("\n");
	is_a();
	T(freed());
}

static void act_close(void)
{
	result[0] = close(sock_a);
	result[1] = send(sock_a, "x", 1, 0);
	result[2] = close(sock_a);
	result[3] = close(sock_b);
}

static void act_close_by_number(void)
{
	result[0] = syscall(SYS_close, sock_a);
	result[1] = send(sock_a, "x", 1, 0);
	result[2] = syscall(SYS_close_range, sock_b, ~0U, 0);
	result[3] = send(sock_b, "x", 1, 0);
}

static void act_close_range(void)
{
	result[0] = close_range(3, ~0U, 0);
	result[1] = send(sock_a, "x", 1, 0);
	result[2] = recv(sock_b, NULL, 0, 0);
}

static void act_close_range_unshare(void)
{
	result[0] = close_range(3, ~0U, CLOSE_RANGE_UNSHARE);
	result[1] = send(sock_a, "x", 1, 0);
	result[2] = recv(sock_b, NULL, 0, 0);
}

static void act_closefrom(void)
{
	closefrom(3);
	result[0] = send(sock_a, "x", 1, 0);
	result[1] = recv(sock_b, NULL, 0, 0);
}

static void act_unshare(void)
{
	result[0] = unshare(CLONE_FILES);
	result[1] = close(sock_a);
	result[2] = close(sock_b);
}

static void act_dup2(void)
{
	int file = open("/dev/zero", O_RDWR);
	char zero = 1;

	result[0] = dup2(file, sock_a) == sock_a;
	result[1] = write(sock_a, "zero", 4);
	result[2] = read(sock_a, &zero, 1);
	result[3] = zero;
	result[4] = dup2(sock_b, 0);
	result[5] = dup3(file, sock_b, O_CLOEXEC) == sock_b;
}

static void act_swap(void)
{
	result[0] = dup2(sock_a, 150);
	result[1] = dup2(sock_b, sock_a) == sock_a;
	result[2] = dup2(150, sock_b) == sock_b;
	result[3] = fcntl(sock_a, F_DUPFD, 200);
	result[4] = close(150);
}

/* The numbers go to files, which are read and written as such. */
static void act_reuse(void)
{
	char zero[4] = "abc";

	close(sock_a);
	close(sock_b);
	result[0] = open("/dev/zero", O_RDWR) == sock_a;
	result[1] = read(sock_a, zero, sizeof(zero));
	result[2] = zero[2];
	result[3] = write(sock_a, "zero", 4);
	result[4] = open("/dev/null", O_RDWR) == sock_b;
	result[5] = recv(sock_b, zero, 1, 0);
	result[6] = read(sock_b, zero, 1);
}

static void act_speak(void)
{
	result[0] = sendto(sock_a, "vfork", 5, 0, SA(&addr_b), sizeof(addr_b));
	result[1] = recv(sock_b, buf, 64, 0);
	result[2] = sendto(sock_b, "to A", 4, 0, SA(&addr_a), sizeof(addr_a));
	result[3] = recv(sock_a, buf, 64, 0);
}

static void vforked(void)
{
	static void (*const acts[])(void) = {
		act_speak,	 act_close,
		act_close_range, act_close_range_unshare,
		act_closefrom,	 act_close_by_number,
		act_dup2,	 act_swap,
		act_reuse,	 act_unshare,
	};

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		in_vfork(acts[i]);
	T(close(sock_a));
	T(freed());
}

/* ---- while other threads are at it ------------------------------------- */

#define THREADS	   4
#define PORTS	   16
#define FIRST_PORT 5000 /* below the ephemeral ones */
#define ROUNDS	   200

static atomic_bool stop;
static atomic_int begun;

static int bind_at(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return bind(fd, SA(&addr), sizeof(addr));
}

static void bind_some(unsigned int *seed)
{
	static const char *const ip[] = { "127.0.0.1", "0.0.0.0", "127.0.0.2" };
	int port = FIRST_PORT + rand_r(seed) % PORTS;
	int fd = sock();

	bind_at(fd, ip[port % ARRAY_SIZE(ip)], port);
	close(fd);
	fd = sock();
	sendto(fd, "x", 1, MSG_DONTWAIT, SA(&addr_b), sizeof(addr_b));
	close(fd);
}

static void *binds_and_closes(void *arg)
{
	unsigned int seed = (long)arg;

	begun++;
	while (!stop)
		bind_some(&seed);
	return NULL;
}

/* One socket's flows and the head of its queue, in all hands. */
static void use_a(void)
{
	struct pollfd pfd = { .fd = sock_a, .events = POLLIN };
	static const char *const ips[] = { "127.0.0.1", "127.0.0.2",
					   "127.0.0.3", "127.0.0.4" };
	struct sockaddr_in to;

	for (int i = 0; i < 4; i++) {
		to = addr_of(ips[i], ntohs(addr_a.sin_port));
		sendto(sock_a, "x", 1, MSG_DONTWAIT, SA(&to), sizeof(to));
	}
	poll(&pfd, 1, 0);
	while (recv(sock_a, buf, 1, MSG_DONTWAIT) >= 0)
		;
}

static void *uses_a(void *arg)
{
	begun++;
	while (!stop)
		use_a();
	return arg;
}

/*
 * All of the storm's ports are free by now, but for what this child still has
 * of its parent's.
 */
static int ports_lost(void)
{
	int lost = 0;

	close_range(3, ~0U, 0);
	for (int i = 0; i < PORTS; i++)
		lost += bind_at(sock(), "127.0.0.1", FIRST_PORT + i) != 0;
	return lost;
}

static void child_of_storm(void)
{
	unsigned int seed = getpid();
	int lost;

	alarm(10);
	use_a();
	for (int i = 0; i < 4; i++)
		bind_some(&seed);
	give_turn(1);
	wait_turn(0);
	lost = ports_lost();
	_exit(lost);
}

static void end_storm(pthread_t *thread)
{
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void begin_storm(pthread_t *thread, int round)
{
	stop = false;
	begun = 0;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL,
				   i ? binds_and_closes : uses_a,
				   (void *)(long)(round * THREADS + i)))
			die("pthread_create");
	while (begun < THREADS)
		sched_yield();
}

/* Returns the ports that a child has lost, or a line about its end. */
static int fork_amid(const struct way *way, int round)
{
	pthread_t thread[THREADS];
	int status;
	pid_t pid;

	begin_storm(thread, round);
	pid = way->fork();
	if (!pid)
		child_of_storm();
	wait_turn(1);
	end_storm(thread);
	give_turn(0);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status))
		printf("%s: ended by signal %d\n", way->name, WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void storm(void)
{
	int lost = 0;

	alarm(60);
	own_network();
	make_pair();
	if (pipe(turn[0]) || pipe(turn[1]))
		die("pipe");
	for (int i = 0; i < ROUNDS; i++)
		lost += fork_amid(&ways[i % ARRAY_SIZE(ways)], i);
	printf("%d children, %d ports lost\n", ROUNDS, lost);
}

/* ---- a number that one socket leaves to another ------------------------- */

static atomic_bool all_forked;
static _Atomic(uint64_t) opened; /* a socket's cookie and descriptor; 0: none */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	return cookie;
}

/* Both put another socket in place of the one before. */
static int by_close(int fd)
{
	close(fd);
	return sock();
}

static int by_dup2(int fd)
{
	static int source[2], which;

	if (!source[which])
		source[which] = sock();
	dup2(source[which], fd);
	which = !which;
	return fd;
}

static void *reopen(void *open_next)
{
	int fd = sock();

	while (!all_forked) {
		fd = ((int (*)(int))open_next)(fd);
		opened = cookie_of(fd) << 16 | fd;
		sched_yield();
		opened = 0;
	}
	close(fd);
	return NULL;
}

/*
 * Returns whether the child has another socket than its memory says. It may have none,
 * if the parent opened the socket after the kernel had copied the descriptors.
 */
static int has_another(const struct way *way)
{
	int status;
	pid_t pid = way->fork();

	if (!pid) {
		uint64_t memory = opened, is = cookie_of(memory & 0xffff);

		_exit(memory && is && is != memory >> 16);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

static void fork_beside(const char *name, int (*open_next)(int))
{
	const int n = ARRAY_SIZE(ways) - 1; /* not by an instruction */
	pthread_t thread;
	int others = 0;

	all_forked = false;
	pthread_create(&thread, NULL, reopen, open_next);
	for (int i = 0; i < 2000; i++)
		others += has_another(&ways[i % n]);
	all_forked = true;
	pthread_join(thread, NULL);
	printf("%s: %d children have another socket\n", name, others);
}

static void number_reused(void)
{
	alarm(60);
	fork_beside("close", by_close);
	fork_beside("dup2", by_dup2);
}

/* What one process sets of the kernel's socket the other is told. */
static void child_sets_range(void)
{
	uint32_t range = 42000u << 16 | 42000, told = 0;
	socklen_t len = sizeof(told);
	int fd = sock();
	pid_t pid = fork();

	if (!pid) {
		setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
			   sizeof(range));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	T(getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &told, &len));
	printf("%u to %u\n", told & 0xffff, told >> 16);
}

SCENARIOS({ "both_speak", both_speak }, { "one_queue", one_queue },
	  { "child_closes_first", child_closes_first },
	  { "parent_closes_first", parent_closes_first },
	  { "own_table", own_table }, { "child_autobinds", child_autobinds },
	  { "child_binds", child_binds },
	  { "child_binds_unseen", child_binds_unseen },
	  { "child_sets_range", child_sets_range },
	  { "child_filters", child_filters }, { "vforked", vforked },
	  { "storm", storm }, { "number_reused", number_reused })
