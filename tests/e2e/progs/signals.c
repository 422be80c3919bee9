// SPDX-License-Identifier: MIT
/*
 * signals.c - handlers that interrupt a call, that use sockets themselves, and
 * that jump out of it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "stray.h"
#include "ways.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

/* ---- a call that is interrupted ---------------------------------------- */

static atomic_int handled, returned;
static pthread_t main_thread;
static pid_t main_tid;

static void count_it(int sig)
{
	(void)sig;
	handled++;
}

/* Sends only if the call has gone on: then it waits for that. */
static void *interrupt_main(void *arg)
{
	await_blocked(main_tid);
	pthread_kill(main_thread, SIGUSR1);
	while (!handled)
		sched_yield();
	while (!returned && !is_way(sleeps_in(main_tid)))
		pause_us(100);
	if (!returned)
		deliver("later");
	return arg;
}

static void interrupt_once(const struct way *way)
{
	pthread_t helper;
	ssize_t ret;

	handled = returned = 0;
	memset(way_text, 0, sizeof(way_text));
	if (pthread_create(&helper, NULL, interrupt_main, NULL))
		die("pthread_create");
	errno = UNTOUCHED;
	ret = way->call(sock_b);
	say(way->name, ret, errno);
	returned = 1;
	pthread_join(helper, NULL);
	printf("  %.24s, %d handled\n", way_text, handled);
	while (recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
}

static void set_timeout(long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (setsockopt(sock_b, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		die("SO_RCVTIMEO");
}

static void handle(int sig, void (*handler)(int sig), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &action, NULL);
}

static void interrupt_all(const struct way *ways, size_t n)
{
	main_thread = pthread_self();
	main_tid = gettid();
	make_pair();
	for (size_t i = 0; i < n; i++)
		interrupt_once(&ways[i]);
	send_stray(&addr_b);
	for (size_t i = 0; i < n; i++) {
		interrupt_once(&ways[i]);
		send_stray(&addr_b);
	}
}

static void interrupt_receiving(int flags, long timeout_ms)
{
	handle(SIGUSR1, count_it, flags);
	main_thread = pthread_self();
	main_tid = gettid();
	for (int polled = 0; polled < 2; polled++) {
		make_pair();
		set_timeout(timeout_ms);
		if (polled)
			T(poll(&(struct pollfd){ sock_b, POLLIN, 0 }, 1, 0));
		for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
			send_stray(&addr_b);
			interrupt_once(&receiving[i]);
		}
	}
}

static void interrupted(void)
{
	interrupt_receiving(0, 0);
}

static void restarted(void)
{
	interrupt_receiving(SA_RESTART, 0);
}

static void interrupted_timeout(void)
{
	interrupt_receiving(0, 8000);
}

static void restarted_timeout(void)
{
	interrupt_receiving(SA_RESTART, 8000);
}

static void interrupted_wait(void)
{
	handle(SIGUSR1, count_it, 0);
	interrupt_all(waiting, ARRAY_SIZE(waiting));
}

static void restarted_wait(void)
{
	handle(SIGUSR1, count_it, SA_RESTART);
	interrupt_all(waiting, ARRAY_SIZE(waiting));
}

static void timed_out(void)
{
	ssize_t ret;

	make_pair();
	set_timeout(20);
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
		send_stray(&addr_b);
		errno = UNTOUCHED;
		ret = receiving[i].call(sock_b);
		say(receiving[i].name, ret, errno);
	}
}

/* ---- a handler that uses sockets, ten thousand times a second ---------- */

#define EVERY_US 100

/* What the program does, and its handler: each counts for itself. */
struct party {
	const char *name;
	atomic_int rounds;
	int faults, sent, received;
};

static struct party program = { .name = "the program" };
static struct party handler = { .name = "the handler" };

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void check(struct party *me, bool right)
{
	me->faults += !right;
}

/* Whether a datagram to oneself comes back as it was, from oneself. */
static void to_oneself(struct party *me, int sk, const struct sockaddr_in *self)
{
	char out[40], in[64];
	struct sockaddr_in source;
	socklen_t len = sizeof(source);
	size_t size = 1 + me->rounds % sizeof(out);

	memset(out, me->rounds, sizeof(out));
	check(me, sendto(sk, out, size, 0, (const struct sockaddr *)self,
			 sizeof(*self)) == (ssize_t)size);
	check(me, recvfrom(sk, in, sizeof(in), MSG_DONTWAIT, SA(&source),
			   &len) == (ssize_t)size);
	check(me, !memcmp(in, out, size) && source.sin_port == self->sin_port);
}

static void open_and_close(struct party *me)
{
	struct sockaddr_in self = { .sin_family = AF_INET };
	socklen_t len = sizeof(self);
	int sk = socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0);

	check(me, sk >= 0);
	if (me->rounds % 2)
		self = addr_of("127.0.0.1", 0);
	check(me, !bind(sk, SA(&self), sizeof(self)));
	check(me, !getsockname(sk, SA(&self), &len) && self.sin_port);
	self = addr_of("127.0.0.1", ntohs(self.sin_port));
	to_oneself(me, sk, &self);
	if (me->rounds % 3 == 0)
		check(me, !connect(sk, SA(&self), sizeof(self)));
	check(me, !close(sk));
}

/* Without a port of its own, and to more than one destination. */
static void send_unbound(struct party *me)
{
	struct sockaddr_in to[2] = { addr_b, addr_a };
	int sk = socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0);

	for (int i = 0; i < 2; i++)
		check(me,
		      sendto(sk, "?", 1, 0, SA(&to[i]), sizeof(to[i])) == 1);
	check(me, !close(sk));
}

static void take(struct party *me, int sk)
{
	char text[64];
	ssize_t n = recv(sk, text, sizeof(text), MSG_DONTWAIT);

	if (n == 1) {
		check(me, text[0] == '?');
	} else if (n >= 0) {
		me->received++;
		check(me, n == 6 && !memcmp(text, "shared", 6));
	} else {
		check(me, errno == EAGAIN);
	}
}

/* Either gets what the other one sent, too. */
static void use_shared(struct party *me)
{
	struct sockaddr_in to = addr_b;

	me->sent += sendto(sock_a, "shared", 6, 0, SA(&to), sizeof(to)) == 6;
	take(me, sock_b);
}

static void play_round(struct party *me)
{
	use_shared(me);
	open_and_close(me);
	if (me->rounds % 4 == 0) {
		send_unbound(me);
		for (int i = 0; i < 2; i++)
			take(me, sock_b);
		take(me, sock_a);
	}
	me->rounds++;
}

/*
 * On a machine that is too slow for all of it, it lets the program come on: of
 * four signals without a round of the program's it uses one.
 */
static void on_alarm(int sig)
{
	static int seen, idle;
	int saved = errno;

	(void)sig;
	if (program.rounds != seen || idle++ % 4 == 0)
		play_round(&handler);
	seen = program.rounds;
	errno = saved;
}

static void alarm_every(int us)
{
	struct itimerval every = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &every, NULL);
}

static void drain(int sk)
{
	errno = 0;
	while (errno != EAGAIN)
		take(&program, sk);
}

static void tell(const struct party *me)
{
	printf("%s: %d faults, %s\n", me->name, me->faults,
	       me->rounds >= 100 ? "came on" : "stood still");
}

static void both_for(long ms)
{
	struct sockaddr_in a, b;
	long end;

	make_pair();
	a = addr_a;
	b = addr_b;
	handle(SIGALRM, on_alarm, SA_RESTART);
	end = now_ms() + ms;
	alarm_every(EVERY_US);
	while (now_ms() < end)
		play_round(&program);
	alarm_every(0);
	drain(sock_a);
	drain(sock_b);
	tell(&program);
	tell(&handler);
	printf("%d datagrams lost\n", program.sent + handler.sent -
					      program.received -
					      handler.received);
	close(sock_a);
	close(sock_b);
	T(try_bind(&a));
	T(try_bind(&b));
}

static void ten_seconds(void)
{
	both_for(10000);
}

static void *sleep_on(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pause();
	return arg;
}

/* With a second thread, other instructions do the counting. */
static void beside_a_thread(void)
{
	pthread_t thread;
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	pthread_create(&thread, NULL, sleep_on, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	both_for(3000);
}

static void shared_only(int sig)
{
	int saved = errno;

	(void)sig;
	use_shared(&handler);
	errno = saved;
}

/* What COP_STATS tells is compared with these figures. */
static void counted(void)
{
	long end = now_ms() + 2000;

	make_pair();
	handle(SIGALRM, shared_only, SA_RESTART);
	alarm_every(EVERY_US);
	while (now_ms() < end)
		use_shared(&program);
	alarm_every(0);
	drain(sock_b);
	printf("%d sent, %d received, %d faults\n", program.sent + handler.sent,
	       program.received + handler.received,
	       program.faults + handler.faults);
	close(sock_a);
	close(sock_b);
}

/* ---- one port ---------------------------------------------------------- */

static volatile sig_atomic_t wanted;
static volatile int of_handler;

/* At another address, which is no reason to get the port twice. */
static void want_too(int sig)
{
	struct sockaddr_in addr = addr_of("127.0.0.2", ntohs(addr_a.sin_port));
	int saved = errno;
	int sk;

	(void)sig;
	if (!wanted || of_handler >= 0)
		return;
	sk = sock();
	if (bind(sk, SA(&addr), sizeof(addr)))
		close(sk);
	else
		of_handler = sk;
	errno = saved;
}

/* Whether the port that the handler holds can be had beside it. */
static bool had_twice(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	uint32_t range = ntohs(addr_a.sin_port) * 0x10001u;
	int sk = sock();
	bool had;

	if (setsockopt(sk, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
		       sizeof(range)))
		skip("IP_LOCAL_PORT_RANGE");
	had = !bind(sk, SA(&addr), sizeof(addr));
	close(sk);
	return had;
}

/*
 * The handler comes between a port's two holders, the table of ports and the
 * kernel, and asks for that very port.
 */
static void one_port(void)
{
	int twice = 0;

	make_pair();
	close(sock_a);
	handle(SIGALRM, want_too, 0);
	alarm_every(50);
	for (int i = 0; i < 4000; i++) {
		of_handler = -1;
		wanted = true;
		sock_a = sock();
		bind(sock_a, SA(&addr_a), sizeof(addr_a));
		close(sock_a);
		wanted = false;
		if (of_handler < 0)
			continue;
		twice += had_twice();
		close(of_handler);
	}
	alarm_every(0);
	printf("had twice: %d times\n", twice);
	T(try_bind(&addr_a));
}

/* ---- jumping out ------------------------------------------------------- */

static sigjmp_buf back;

static void use_and_jump(int sig)
{
	struct sockaddr_in to = addr_b;

	sendto(sock_a, "from handler", 12, 0, SA(&to), sizeof(to));
	open_and_close(&handler);
	handler.rounds++;
	siglongjmp(back, sig);
}

static void handle_on_alt_stack(void)
{
	static char room[65536];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
	struct sigaction action = { .sa_handler = use_and_jump,
				    .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

static char *volatile unmapped;

static void fault(void)
{
	*unmapped = 1;
}

/* The fault happens in the call, or the kernel tells of it. */
static void fault_in_send(void)
{
	sendto(sock_a, unmapped, 10, 0, SA(&addr_b), sizeof(addr_b));
}

static void fault_in_sendmsg(void)
{
	struct iovec iov = { unmapped, 10 };
	struct msghdr msg = { .msg_name = &addr_b,
			      .msg_namelen = sizeof(addr_b),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	sendmsg(sock_a, &msg, 0);
}

static void fault_in_bind(void)
{
	bind(sock_a, SA(unmapped), sizeof(addr_b));
}

static void fault_in_connect(void)
{
	connect(sock_a, SA(unmapped), sizeof(addr_b));
}

static void fault_in_getsockname(void)
{
	getsockname(sock_a, SA(&from), (socklen_t *)unmapped);
}

static void (*const faults[])(void) = {
	fault,	       fault_in_send,	 fault_in_sendmsg,
	fault_in_bind, fault_in_connect, fault_in_getsockname,
};

static void still_works(void)
{
	while (recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
	deliver("works");
	R(recvfrom(sock_b, buf, sizeof(buf), MSG_DONTWAIT, SA(&from),
		   &fromlen));
}

static void jump_from_fault(void)
{
	unmapped =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	make_pair();
	handle_on_alt_stack();
	for (int i = 0; i < 500; i++)
		if (!sigsetjmp(back, 1))
			faults[i % ARRAY_SIZE(faults)]();
	printf("%s, %d faults\n", handler.rounds >= 50 ? "jumped" : "stayed",
	       handler.faults);
	still_works();
	close(sock_a);
	close(sock_b);
	T(try_bind(&addr_a));
	T(try_bind(&addr_b));
}

static void *kill_main(void *arg)
{
	await_blocked(main_tid);
	pthread_kill(main_thread, SIGUSR1);
	return arg;
}

static void jump_from(const struct way *way)
{
	pthread_t helper;

	make_pair();
	if (pthread_create(&helper, NULL, kill_main, NULL))
		die("pthread_create");
	if (!sigsetjmp(back, 1)) {
		way->call(sock_b);
		printf("%s returned\n", way->name);
	}
	pthread_join(helper, NULL);
	printf("%s: %d rounds, %d faults\n", way->name, handler.rounds,
	       handler.faults);
	still_works();
	close(sock_a);
	close(sock_b);
	T(try_bind(&addr_a));
	T(try_bind(&addr_b));
}

static void jump_from_all(void)
{
	main_thread = pthread_self();
	main_tid = gettid();
	handle_on_alt_stack();
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		jump_from(&receiving[i]);
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		jump_from(&waiting[i]);
}

static void jump_from_receive(void)
{
	const struct way into_many = { "recvmsg", by_recvmsg_many };
	long before;

	jump_from_all();
	before = vm_kb();
	for (int i = 0; i < 40; i++)
		jump_from(&into_many);
	printf("memory is %s\n", vm_kb() - before < 1024 ? "kept" : "lost");
}

static void *jump_then_wait(void *arg)
{
	jump_from_all();
	returned = 1;
	for (;;)
		pause();
	return arg;
}

/* What was jumped out of has no part in what ends the thread. */
static void jump_then_cancel(void)
{
	pthread_t thread;
	void *ended;

	if (pthread_create(&thread, NULL, jump_then_wait, NULL))
		die("pthread_create");
	while (!returned)
		pause_us(1000);
	pthread_cancel(thread);
	pthread_join(thread, &ended);
	T(ended == PTHREAD_CANCELED);
}

SCENARIOS({ "interrupted", interrupted }, { "restarted", restarted },
	  { "interrupted_timeout", interrupted_timeout },
	  { "restarted_timeout", restarted_timeout },
	  { "interrupted_wait", interrupted_wait },
	  { "restarted_wait", restarted_wait }, { "timed_out", timed_out },
	  { "ten_seconds", ten_seconds },
	  { "beside_a_thread", beside_a_thread }, { "counted", counted },
	  { "one_port", one_port }, { "jump_from_fault", jump_from_fault },
	  { "jump_from_receive", jump_from_receive },
	  { "jump_then_cancel", jump_then_cancel })
