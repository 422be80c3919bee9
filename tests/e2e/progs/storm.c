// SPDX-License-Identifier: MIT
/*
 * storm.c - one socket in many hands: threads that use, close and open it at
 * once, threads that are cancelled in a call, signal handlers, small stacks.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "netns.h"

#define STORM_MS  800 /* how long what happens by chance is given to happen */
#define STRAY	  "stray"
#define SETTLE_US 30000 /* for a thread to get into a call that blocks */

static int fd; /* the socket that is in many hands */
static atomic_bool stop;

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static pthread_t start(void *(*work)(void *arg), long arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, (void *)arg))
		die("pthread_create");
	return thread;
}

static int udp(void)
{
	return socket(PF_INET, SOCK_DGRAM, 0);
}

static ssize_t send_to(int from_fd, const struct sockaddr_in *to,
		       const char *text)
{
	return sendto(from_fd, text, strlen(text), 0,
		      (const struct sockaddr *)to, sizeof(*to));
}

static int bind_at(int sk, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return bind(sk, SA(&addr), sizeof(addr));
}

static int connect_at(int sk, int port)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);

	return connect(sk, SA(&addr), sizeof(addr));
}

static int disconnect(int sk)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(sk, &none, sizeof(none));
}

static void interrupt_every(int us)
{
	struct itimerval every = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &every, NULL);
}

static void pause_here(int sig)
{
	const struct timespec moment = { .tv_nsec = 1000 };
	int saved = errno;

	(void)sig;
	nanosleep(&moment, NULL);
	errno = saved;
}

/*
 * Every @us have a thread pause wherever it is, which often is where a system
 * call has just returned: what others do meanwhile goes wrong more often.
 */
static void pause_often(int us)
{
	signal(SIGALRM, pause_here);
	interrupt_every(us);
}

static void keep_from_pausing(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* ---- receiving at once ------------------------------------------------- */

#define ROUNDS	  30
#define DATAGRAMS 60
#define RECEIVERS 4

static atomic_int received;

static void take_one(void)
{
	char text[16];

	if (recv(fd, text, sizeof(text), MSG_DONTWAIT) == 3)
		received++;
}

static void *poll_and_take(void *arg)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (!stop)
		if (poll(&pfd, 1, 10) > 0)
			take_one();
	return arg;
}

/* All are queued before the first of them is looked at. */
static void poll_and_receive_once(void)
{
	int other = udp();
	pthread_t thread[RECEIVERS];

	make_pair();
	fd = sock_b;
	deliver("1st");
	take_one();
	for (int i = 0; i < DATAGRAMS; i++) {
		send_to(other, &addr_b, STRAY);
		deliver("abc");
	}
	stop = false;
	for (int i = 0; i < RECEIVERS; i++)
		thread[i] = start(poll_and_take, 0);
	usleep(5000);
	stop = true;
	for (int i = 0; i < RECEIVERS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 2 * DATAGRAMS; i++)
		take_one();
	close(sock_a);
	close(sock_b);
	close(other);
}

static void poll_and_receive(void)
{
	for (int i = 0; i < ROUNDS; i++)
		poll_and_receive_once();
	printf("%d lost\n", ROUNDS * (DATAGRAMS + 1) - received);
}

/* ---- a number that changes hands --------------------------------------- */

static void *receive(void *arg)
{
	char text[32];

	while (!stop)
		recv(fd, text, sizeof(text), MSG_DONTWAIT);
	return arg;
}

static void *ask(void *arg)
{
	while (!stop) {
		socklen_t len = sizeof(int);
		int size;

		getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len);
	}
	return arg;
}

static bool is_own_kind(int sk)
{
	int type = -1;
	socklen_t len = sizeof(type);

	getsockopt(sk, SOL_SOCKET, SO_TYPE, &type, &len);
	return type == (is_cop ? SOCK_COP : SOCK_DGRAM);
}

/* The threads open nothing, so that the number is always the same. */
static void reopen_under(int users, void *(*second)(void *arg))
{
	long end = now_ms() + STORM_MS;
	int other_kind = 0, moved = 0;

	fd = sock();
	for (int i = 0; i < users; i++)
		start(i % 2 ? second : receive, 0);
	keep_from_pausing();
	pause_often(users == 1 ? 200 : 50);
	while (now_ms() < end) {
		int sk;

		close(fd);
		sk = sock();
		moved += sk != fd;
		for (volatile int i = 0; i < 200; i++)
			;
		other_kind += !is_own_kind(sk);
	}
	printf("%d of another kind, %d of another number\n", other_kind, moved);
}

static void reopen_under_one(void)
{
	reopen_under(1, receive);
}

static void reopen_under_six(void)
{
	reopen_under(6, receive);
}

static void reopen_under_options(void)
{
	reopen_under(6, ask);
}

/* Its port comes and goes too, while others meet the number closed. */
static int changed_kind(int sk)
{
	int other_kind = 0;

	for (int i = 0; i < 3; i++) {
		if (i < 2)
			bind_at(sk, "127.0.0.1", 0);
		other_kind += !is_own_kind(sk);
		connect_at(sk, 9);
		other_kind += !is_own_kind(sk);
		disconnect(sk);
		other_kind += !is_own_kind(sk);
	}
	return other_kind;
}

static void rebind_under_six(void)
{
	long end = now_ms() + STORM_MS;
	int other_kind = 0;

	fd = sock();
	for (int i = 0; i < 6; i++)
		start(receive, 0);
	keep_from_pausing();
	pause_often(50);
	while (now_ms() < end) {
		close(fd);
		other_kind += changed_kind(sock());
	}
	printf("%d of another kind\n", other_kind);
}

/* ---- close() under a receive that blocks ------------------------------- */

static void *blocked_receive(void *arg)
{
	char text[32];

	*(atomic_int *)arg = recv(fd, text, sizeof(text), 0) >= 0;
	return NULL;
}

static atomic_int delivered = -1;

static struct sockaddr_in close_under_receive(void)
{
	struct sockaddr_in addr;

	fd = sock_at('A', "127.0.0.1");
	addr = name_of(fd);
	start(blocked_receive, (long)&delivered);
	usleep(SETTLE_US);
	close(fd);
	return addr;
}

static void tell_delivered(void)
{
	usleep(SETTLE_US);
	printf("a stray was %sdelivered\n", delivered > 0 ? "" : "not ");
}

static void closed_while_receiving(void)
{
	int other = udp();
	struct sockaddr_in addr = close_under_receive();

	send_to(other, &addr, STRAY);
	tell_delivered();
}

/* The next owner of the number is no business of the receive that blocked. */
static void reused_while_receiving(void)
{
	int other = udp();
	struct sockaddr_in addr = close_under_receive();
	struct sock_filter code[64];
	socklen_t len = ARRAY_SIZE(code);
	int next = udp();

	printf("the number is %s\n", next == fd ? "reused" : "not reused");
	bind_at(next, "127.0.0.1", 0);
	send_to(other, &addr, STRAY);
	tell_delivered();
	T(getsockopt(next, SOL_SOCKET, SO_GET_FILTER, code, &len));
	printf("  %d instructions\n", (int)len);
	addr = name_of(next);
	send_to(other, &addr, "to the next");
	T(recv(next, buf, sizeof(buf), MSG_DONTWAIT));
}

/* ---- cancellation ------------------------------------------------------ */

static struct sockaddr_in wanted;
static volatile int call_result;

static void *cancelled_bind(void *arg)
{
	pthread_cancel(pthread_self());
	call_result = bind(fd, SA(&wanted), sizeof(wanted));
	pthread_testcancel();
	return arg;
}

static void *cancelled_socket(void *arg)
{
	pthread_cancel(pthread_self());
	call_result = socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0);
	pthread_testcancel();
	return arg;
}

static void *cancelled_sendto(void *arg)
{
	pthread_cancel(pthread_self());
	send_to(fd, &wanted, "x");
	pthread_testcancel();
	return arg;
}

static void run_cancelled(void *(*work)(void *arg))
{
	void *result;
	int before = count_fds();

	call_result = -1;
	pthread_join(start(work, 0), &result);
	printf("%s, %d descriptors more\n",
	       result == PTHREAD_CANCELED ? "cancelled" : "not cancelled",
	       count_fds() - before);
}

static struct sockaddr_in free_address(void)
{
	int sk = udp();
	struct sockaddr_in addr;

	bind_at(sk, "127.0.0.1", 0);
	addr = name_of(sk);
	close(sk);
	return addr;
}

/* Neither libcop nor the kernel has anybody there any more. */
static void close_and_bind_again(const struct sockaddr_in *addr)
{
	int sk = sock();

	close(fd);
	T(bind(sk, (const struct sockaddr *)addr, sizeof(*addr)));
	close(sk);
	sk = udp();
	T(bind(sk, (const struct sockaddr *)addr, sizeof(*addr)));
	close(sk);
}

static void cancel_bind(void)
{
	wanted = free_address();
	fd = sock();
	run_cancelled(cancelled_bind);
	printf("bind returned %d\n", call_result);
	close_and_bind_again(&wanted);
}

static void cancel_socket(void)
{
	run_cancelled(cancelled_socket);
	printf("socket was %sreturned\n", call_result < 0 ? "not " : "");
	close(call_result);
}

/* Long enough for what is known of the system to be asked for again. */
static void cancel_sendto(void)
{
	struct sockaddr_in addr;

	wanted = name_of(sock_at('A', "127.0.0.1"));
	fd = sock();
	usleep(1050000);
	run_cancelled(cancelled_sendto);
	send_to(fd, &wanted, "y");
	addr = name_of(fd);
	close_and_bind_again(&addr);
}

static atomic_bool receiving;

static void *cancelled_recv(void *arg)
{
	char text[16];

	receiving = true;
	*(volatile int *)arg = recv(fd, text, sizeof(text), 0);
	pthread_testcancel();
	return NULL;
}

/* The poll leaves a filter, before which strays may have been queued. */
static bool cancel_one_recv(int delay)
{
	struct pollfd pfd;
	pthread_t thread;
	bool lost;

	make_pair();
	fd = sock_b;
	pfd = (struct pollfd){ .fd = fd, .events = POLLIN };
	deliver("abc");
	poll(&pfd, 1, 0);
	call_result = 0;
	receiving = false;
	thread = start(cancelled_recv, (long)&call_result);
	while (!receiving)
		sched_yield();
	for (volatile int i = 0; i < delay; i++)
		;
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	lost = call_result <= 0 && recv(fd, buf, sizeof(buf), MSG_DONTWAIT) < 0;
	close(sock_a);
	close(sock_b);
	return lost;
}

static void cancel_recv(void)
{
	int lost = 0;

	for (int i = 0; i < 4000; i++)
		lost += cancel_one_recv(i % 60 * 20);
	printf("%d lost\n", lost);
}

/* ---- ports and references ---------------------------------------------- */

#define PORTS 2000

static void few_ports(void)
{
	own_network();
	set_sysctl("ip_local_port_range", "40000 41999");
	alarm(10);
}

/* Nobody else is in this network, so whoever is refused meets a ghost. */
static void tell_ghosts(void)
{
	int ghosts = 0;

	for (int port = 40000; port < 40000 + PORTS; port++) {
		int sk = sock();

		ghosts += bind_at(sk, "0.0.0.0", port) < 0;
		close(sk);
	}
	printf("%d of %d ports are lost\n", ghosts, PORTS);
}

#define PARTIES 3

static atomic_int arrived;

static void meet(void)
{
	int mine = ++arrived;
	int all = (mine + PARTIES - 1) / PARTIES * PARTIES;

	while (arrived < all)
		sched_yield();
}

static void use_first(long me)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);

	if (me == 1) {
		connect_at(fd, 9);
		return;
	}
	send_to(fd, &nobody, "x");
	if (me == 2)
		disconnect(fd);
}

static bool last; /* for all to see alike: one sets it, between two rounds */

static void *use_together(void *arg)
{
	long me = (long)arg;

	for (;;) {
		meet();
		if (last)
			return NULL;
		use_first(me);
		meet();
		if (me)
			continue;
		close(fd);
		fd = sock();
		last = stop;
	}
}

static void send_connect_disconnect(void)
{
	pthread_t thread[PARTIES];

	few_ports();
	fd = sock();
	for (long i = 0; i < PARTIES - 1; i++)
		thread[i] = start(use_together, i + 1);
	thread[PARTIES - 1] = start(use_together, 0);
	keep_from_pausing();
	pause_often(500);
	usleep(STORM_MS * 1000);
	stop = true;
	for (int i = 0; i < PARTIES; i++)
		pthread_join(thread[i], NULL);
	interrupt_every(0);
	close(fd);
	tell_ghosts();
}

static void use_interrupted(int sig)
{
	static unsigned int round;
	struct sockaddr_in addr = addr_of("127.0.0.1", 9);
	socklen_t len = sizeof(addr);
	int saved = errno;

	(void)sig;
	if (round++ % 2)
		getsockname(fd, SA(&addr), &len);
	else
		sendto(fd, "x", 1, 0, SA(&addr), sizeof(addr));
	errno = saved;
}

static void bind_and_close(bool by_connect)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);
	int sk = sock();

	fd = sk;
	if (by_connect)
		connect_at(sk, 9);
	else
		bind_at(sk, "0.0.0.0", 0);
	send_to(sk, &nobody, "x");
	fd = -1;
	close(sk);
}

static void handler_uses_what_is_bound(void)
{
	long end;

	few_ports();
	alarm(0);
	fd = -1;
	signal(SIGALRM, use_interrupted);
	end = now_ms() + STORM_MS;
	interrupt_every(37);
	for (int i = 0; now_ms() < end; i++)
		bind_and_close(i % 2);
	interrupt_every(0);
	tell_ghosts();
}

/* ---- small stacks ------------------------------------------------------ */

#define SMALL_STACK 16384
#define ALT_STACK   8192
#define GUARD	    65536

static struct iovec many_iov[1000];
static char many_bytes[1000];

static void *receive_many(void *arg)
{
	struct msghdr msg = { .msg_iov = many_iov,
			      .msg_iovlen = ARRAY_SIZE(many_iov) };

	call_result = recvmsg(sock_b, &msg, MSG_DONTWAIT);
	return arg;
}

static void small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(many_iov); i++)
		many_iov[i] = (struct iovec){ &many_bytes[i], 1 };
	deliver("spread over many");
	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, SMALL_STACK) ||
	    pthread_create(&thread, &attr, receive_many, NULL))
		skip("no thread with so small a stack");
	pthread_join(thread, NULL);
	printf("recvmsg = %d: %.24s\n", call_result, many_bytes);
}

static void on_alt_stack(int sig)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int sk = socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0);
	char text[4];

	(void)sig;
	bind(sk, SA(&addr), sizeof(addr));
	addr.sin_port = htons(9);
	sendto(sk, "x", 1, 0, SA(&addr), sizeof(addr));
	recv(sk, text, sizeof(text), MSG_DONTWAIT);
	close(sk);
	sk = socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0);
	sendto(sk, "x", 1, 0, SA(&addr), sizeof(addr));
	close(sk);
}

/* Once for the first time, and once when what is known is asked for again. */
static void alternate_stack(void)
{
	struct sigaction action = { .sa_handler = on_alt_stack,
				    .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_size = ALT_STACK };
	char *map = mmap(NULL, GUARD + ALT_STACK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map, GUARD, PROT_NONE))
		die("stack");
	stack.ss_sp = map + GUARD;
	if (sigaltstack(&stack, NULL))
		skip("no alternate stack as small");
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	usleep(1050000);
	raise(SIGUSR1);
	printf("the stack is large enough\n");
}

SCENARIOS({ "poll_and_receive", poll_and_receive },
	  { "reopen_under_one", reopen_under_one },
	  { "reopen_under_six", reopen_under_six },
	  { "reopen_under_options", reopen_under_options },
	  { "rebind_under_six", rebind_under_six },
	  { "closed_while_receiving", closed_while_receiving },
	  { "reused_while_receiving", reused_while_receiving },
	  { "cancel_bind", cancel_bind }, { "cancel_socket", cancel_socket },
	  { "cancel_sendto", cancel_sendto }, { "cancel_recv", cancel_recv },
	  { "send_connect_disconnect", send_connect_disconnect },
	  { "handler_uses_what_is_bound", handler_uses_what_is_bound },
	  { "small_stack", small_stack },
	  { "alternate_stack", alternate_stack })
