// SPDX-License-Identifier: MIT
/*
 * threads.c - a thread that sleeps in a call, while another closes the socket,
 * shuts it down or cancels the thread; and threads with the smallest stacks.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "netns.h"
#include "stray.h"
#include "ways.h"

static const struct way *way;
static int fd; /* that the thread uses */
static int ep; /* an epoll set with fd in it, or -1 */
static atomic_int tid;
static volatile long result;
static volatile int result_errno;

static ssize_t by_epoll(int sk)
{
	struct epoll_event ev;

	(void)sk;
	return epoll_wait(ep, &ev, 1, -1);
}

static const struct way epolling = { "epoll_wait", by_epoll };

static void add_to_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	ep = epoll_create1(0);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static void *use(void *arg)
{
	tid = gettid();
	result = -1;
	errno = UNTOUCHED;
	result = way->call(fd);
	result_errno = errno;
	return arg;
}

static pthread_t start_use(const struct way *next)
{
	pthread_t thread;

	way = next;
	tid = 0;
	memset(way_text, 0, sizeof(way_text));
	if (pthread_create(&thread, NULL, use, NULL))
		die("pthread_create");
	while (!tid)
		sched_yield();
	return thread;
}

static void finish_use(pthread_t thread)
{
	pthread_join(thread, NULL);
	say(way->name, result, result_errno);
}

static void close_pair(void)
{
	close(sock_a);
	close(sock_b);
}

/* ---- close() under a call that sleeps ---------------------------------- */

/* The call keeps the kernel's socket, and with it the port, until it returns. */
static void close_under(const struct way *next)
{
	pthread_t thread = start_use(next);

	await_blocked(tid);
	T(close(sock_b));
	T(recv(sock_b, buf, sizeof(buf), 0));
	T(try_bind(&addr_b));
	deliver("after close()");
	finish_use(thread);
	printf("  %.32s\n", way_text);
	T(try_bind(&addr_b));
}

static void closed_in_receive(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
		make_pair();
		fd = sock_b;
		close_under(&receiving[i]);
		close(sock_a);
	}
}

static void closed_in_wait(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		make_pair();
		fd = sock_b;
		close_under(&waiting[i]);
		close(sock_a);
	}
}

/* Closed, it is in no epoll set either: a duplicate keeps it there. */
static void closed_in_epoll(void)
{
	pthread_t thread;
	int other;

	make_pair();
	fd = sock_b;
	add_to_epoll();
	other = dup(sock_b);
	thread = start_use(&epolling);
	await_blocked(tid);
	T(close(sock_b));
	deliver("to the duplicate");
	finish_use(thread);
	T(recv(other, way_text, 32, 0));
	T(close(other));
	T(try_bind(&addr_b));
}

/* The socket whose number it was is connected, so it may not get this. */
static void next_owner_is_left_alone(void)
{
	pthread_t thread;
	int next;

	make_pair();
	fd = sock_b;
	thread = start_use(&receiving[0]);
	await_blocked(tid);
	T(close(sock_b));
	next = sock_at('N', "127.0.0.1");
	printf("the number is %s\n", next == fd ? "reused" : "not reused");
	deliver("to who was there before");
	finish_use(thread);
	printf("  %.32s\n", way_text);
	show_name(next);
	show_rest(next);
	addr_b = name_of(next);
	deliver("to the next");
	R(recvfrom(next, buf, sizeof(buf), 0, SA(&from), &fromlen));
	T(close(next));
	T(try_bind(&addr_b));
}

/* ---- shutdown() -------------------------------------------------------- */

static void shut_under(const struct way *next)
{
	pthread_t thread = start_use(next);

	await_blocked(tid);
	T(shutdown(sock_b, SHUT_RD));
	finish_use(thread);
	T(next->call(sock_b));
	deliver("after shutdown()");
	T(recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT));
}

static void shut(void (*make)(void))
{
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
		make();
		fd = sock_b;
		shut_under(&receiving[i]);
		close_pair();
	}
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		make();
		fd = sock_b;
		shut_under(&waiting[i]);
		close_pair();
	}
	make();
	fd = sock_b;
	add_to_epoll();
	shut_under(&epolling);
}

static void shut_unconnected(void)
{
	shut(make_pair);
}

static void shut_connected(void)
{
	shut(connect_pair);
}

/* ---- cancellation ------------------------------------------------------ */

#define ROUNDS 30

static bool cancel_blocked(const struct way *next)
{
	pthread_t thread = start_use(next);
	void *ended;

	await_blocked(tid);
	send_stray(&addr_b);
	pthread_cancel(thread);
	pthread_join(thread, &ended);
	return ended == PTHREAD_CANCELED;
}

static bool still_receives(void)
{
	deliver("still there");
	return recv(sock_b, buf, sizeof(buf), 0) == 11;
}

struct tally {
	int cancelled, received, bound, fds;
};

static void cancel_one(const struct way *next, struct tally *tally, int round)
{
	int before = count_fds();

	make_pair();
	fd = sock_b;
	if (next == &epolling)
		add_to_epoll();
	if (round % 2)
		send_stray(&addr_b);
	tally->cancelled += cancel_blocked(next);
	tally->received += still_receives();
	close_pair();
	if (next == &epolling)
		close(ep);
	tally->bound += !try_bind(&addr_b) && !try_bind(&addr_a);
	tally->fds += count_fds() - before;
}

static void tell_tally(const char *name, const struct tally *tally)
{
	printf("%s: %d cancelled, %d receive still, %d bound again, "
	       "%d descriptors left\n",
	       name, tally->cancelled, tally->received, tally->bound,
	       tally->fds);
}

/* The stack of the first thread stays, and serves all that follow. */
static void cancel_often(const struct way *next)
{
	struct tally tally = { 0 };
	long before;

	cancel_one(next, &tally, 0);
	before = vm_kb();
	for (int i = 1; i < ROUNDS; i++)
		cancel_one(next, &tally, i);
	tell_tally(next->name, &tally);
	printf("  memory is %s\n",
	       vm_kb() - before < ROUNDS * 32 ? "kept" : "lost");
}

static void cancelled_receive(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		cancel_often(&receiving[i]);
}

static void cancelled_wait(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		cancel_often(&waiting[i]);
	cancel_often(&epolling);
}

/* ---- cancellation of what does not sleep ------------------------------- */

static ssize_t by_connect(int sk)
{
	return connect(sk, SA(&addr_b), sizeof(addr_b));
}

static ssize_t by_sendto_address(int sk)
{
	return sendto(sk, "x", 1, 0, SA(&addr_b), sizeof(addr_b));
}

static ssize_t by_close(int sk)
{
	return close(sk);
}

static const struct way passing[] = {
	{ "connect", by_connect },
	{ "sendto an address", by_sendto_address },
	{ "close", by_close },
};

static void *use_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	use(NULL);
	pthread_testcancel();
	return arg;
}

/* Whether the call was cut short is told by @result. */
static void cancel_pending(const struct way *next)
{
	pthread_t thread;
	void *ended;

	way = next;
	result = -1;
	if (pthread_create(&thread, NULL, use_cancelled, NULL))
		die("pthread_create");
	pthread_join(thread, &ended);
	printf("%s = %ld, %s\n", way->name, result,
	       ended == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
}

enum state { FRESH, BOUND, CONNECTED };

static int sock_in(enum state state)
{
	int sk = state == FRESH ? sock() : sock_at('C', "127.0.0.1");

	if (state == CONNECTED)
		connect_to(sk, &addr_b);
	return sk;
}

/* The socket is as good as before, and its port free when it is closed. */
static void cancel_in(enum state state, const struct way *next)
{
	struct sockaddr_in addr;
	int before = count_fds();

	make_pair();
	fd = sock_in(state);
	cancel_pending(next);
	show_rest(sock_b);
	T(by_sendto_address(fd));
	know('C', fd);
	R(recvfrom(sock_b, buf, sizeof(buf), MSG_DONTWAIT, SA(&from),
		   &fromlen));
	addr = name_of(fd);
	T(close(fd));
	T(try_bind(&addr));
	close_pair();
	T(count_fds() - before);
}

static void cancelled_in_passing(void)
{
	for (enum state state = FRESH; state <= CONNECTED; state++)
		for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
			cancel_in(state, &passing[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sending); i++)
		cancel_in(CONNECTED, &sending[i]);
	for (enum state state = FRESH; state <= BOUND; state++)
		for (size_t i = 0; i < ARRAY_SIZE(sending); i++)
			cancel_in(state, &sending[i]);
}

/* ---- a send that sleeps ------------------------------------------------ */

#define NEIGHBOUR "10.9.8.7" /* whom nobody answers for */

static void command(const char *line)
{
	if (system(line))
		skip(line);
}

/*
 * What is sent to a neighbour that does not answer waits for him, and counts as
 * the socket's until then.
 */
static void silent_neighbour(void)
{
	own_network();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	command("ip link add s0 type veth peer name s1");
	command("ip addr add 10.9.8.1/24 dev s0");
	command("ip link set s0 up");
	command("ip link set s1 up");
	set_sysctl("neigh/s0/mcast_solicit", "100");
}

static int full_sock(struct sockaddr_in *local)
{
	struct sockaddr_in addr = addr_of("10.9.8.1", 0);
	int sk = sock(), small = 1;

	setsockopt(sk, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	if (bind(sk, SA(&addr), sizeof(addr)))
		die("bind");
	*local = name_of(sk);
	addr = addr_of(NEIGHBOUR, 9);
	connect_to(sk, &addr);
	while (send(sk, "xxxx", 4, MSG_DONTWAIT) == 4)
		;
	if (errno != EAGAIN)
		die("send");
	return sk;
}

static void cancel_full(const struct way *next, struct tally *tally)
{
	struct sockaddr_in local;
	int before = count_fds();

	fd = full_sock(&local);
	tally->cancelled += cancel_blocked(next);
	close(fd);
	tally->bound += !try_bind(&local);
	tally->fds += count_fds() - before;
}

static void cancelled_send(void)
{
	silent_neighbour();
	addr_b = addr_of("127.0.0.1", 9);
	for (size_t i = 0; i < ARRAY_SIZE(sending); i++) {
		struct tally tally = { 0 };
		long before;

		cancel_full(&sending[i], &tally);
		before = vm_kb();
		for (int round = 1; round < 9; round++)
			cancel_full(&sending[i], &tally);
		printf("%s: %d cancelled, %d bound again, %d descriptors "
		       "left\n",
		       sending[i].name, tally.cancelled, tally.bound,
		       tally.fds);
		printf("  memory is %s\n",
		       vm_kb() - before < 8 * 32 ? "kept" : "lost");
	}
}

/* ---- the smallest stacks ----------------------------------------------- */

#define MANY_MSGS 64
#define MANY_IOVS 1000
#define LARGEST	  65000

static char large[LARGEST];
static struct iovec iovs[MANY_IOVS];
static struct mmsghdr msgs[MANY_MSGS];

/* Each message has two iovecs, of which the second leads to a byte of @bytes. */
static void prepare_msgs(char *bytes)
{
	for (int i = 0; i < MANY_MSGS; i++) {
		iovs[2 * i] = (struct iovec){ bytes + 2 * i, 1 };
		iovs[2 * i + 1] = (struct iovec){ bytes + 2 * i + 1, 1 };
		msgs[i] =
			(struct mmsghdr){ .msg_hdr = { .msg_iov = &iovs[2 * i],
						       .msg_iovlen = 2 } };
	}
}

static struct msghdr prepare_iovs(int n)
{
	struct msghdr msg = { .msg_iov = iovs, .msg_iovlen = n };

	for (int i = 0; i < n; i++)
		iovs[i] = (struct iovec){ large + i, 1 };
	return msg;
}

/* How many iovecs: as they are, one more than that, and as many as can be. */
static const int iov_counts[] = { 2, 64, 65, MANY_IOVS };

static void small_sends(void)
{
	struct sockaddr_in *to = &addr_b;

	T(sendto(sock_a, "small", 5, 0, SA(to), sizeof(*to)));
	T(sendto(sock_a, large, LARGEST, 0, SA(to), sizeof(*to)));
	T(connect(sock_a, SA(to), sizeof(*to)));
	for (size_t i = 0; i < ARRAY_SIZE(sending); i++)
		T(sending[i].call(sock_a));
	for (size_t i = 0; i < ARRAY_SIZE(iov_counts); i++) {
		struct msghdr msg = prepare_iovs(iov_counts[i]);

		T(sendmsg(sock_a, &msg, 0));
		iovs[0].iov_len = 3000;
		T(sendmsg(sock_a, &msg, 0));
	}
	T(send(sock_a, "parts ", 6, MSG_MORE));
	T(send(sock_a, "of one", 6, 0));
	prepare_msgs(large);
	T(sendmmsg(sock_a, msgs, MANY_MSGS, 0));
}

static void small_receives(void)
{
	T(recv(sock_b, large, LARGEST, 0));
	T(recv(sock_b, large, LARGEST, 0));
	for (size_t i = 0; i < ARRAY_SIZE(sending); i++)
		T(receiving[i % ARRAY_SIZE(receiving)].call(sock_b));
	for (size_t i = 0; i < ARRAY_SIZE(iov_counts); i++) {
		struct msghdr msg = prepare_iovs(iov_counts[i]);

		T(recvmsg(sock_b, &msg, 0));
		T(recvmsg(sock_b, &msg, MSG_TRUNC));
	}
	T(recv(sock_b, large, LARGEST, MSG_PEEK));
	T(recv(sock_b, large, LARGEST, 0));
	prepare_msgs(large);
	T(recvmmsg(sock_b, msgs, MANY_MSGS, MSG_DONTWAIT, NULL));
	show_rest(sock_b);
}

/* Strays go ways of their own. */
static void small_strays(void)
{
	struct pollfd pfd = { .fd = sock_b, .events = POLLIN };

	send_stray(&addr_b);
	deliver("one");
	send_stray(&addr_b);
	deliver("two");
	T(recvmmsg(sock_b, msgs, MANY_MSGS, MSG_DONTWAIT, NULL));
	send_stray(&addr_b);
	T(recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT));
	T(poll(&pfd, 1, 0));
	deliver("three");
	T(by_select(sock_b));
	T(by_recvmsg_many(sock_b));
	T(recvmsg(sock_b, &msgs[0].msg_hdr, MSG_ERRQUEUE));
}

static void small_names(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int one = 1, copy;
	socklen_t len = sizeof(one);

	sock_a = sock();
	sock_b = sock();
	T(bind(sock_b, SA(&addr), sizeof(addr)));
	T(bind(sock_b, SA(&addr), sizeof(addr)));
	addr_b = name_of(sock_b);
	T(bind(sock_a, SA(&addr_b), sizeof(addr)));
	T(connect(sock_a, SA(&addr_b), sizeof(addr)));
	T(connect(sock_a, &none, sizeof(none)));
	T(setsockopt(sock_a, SOL_SOCKET, SO_BROADCAST, &one, len));
	T(getsockopt(sock_a, SOL_SOCKET, SO_BROADCAST, &one, &len));
	one = LARGEST * 8;
	T(setsockopt(sock_b, SOL_SOCKET, SO_RCVBUF, &one, len));
	copy = dup(sock_a);
	T(dup2(sock_b, copy));
	T(close(copy));
}

/* A filter of each kind of load, and of what a program has on its stack. */
static void small_filters(void)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 8),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 8),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 7),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	struct sock_fprog prog = { ARRAY_SIZE(insn), insn };
	char room[2048];

	memset(room, 1, sizeof(room));
	__asm__ volatile("" ::"r"(room) : "memory");
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		     sizeof(prog)));
	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, room, 4));
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int by_vfork(void)
{
	pid_t pid = vfork();

	if (!pid) {
		close(sock_a);
		_exit(3);
	}
	return status_of(pid);
}

static int by_spawn(void)
{
	char *argv[] = { "sh", "-c", "exit 4", NULL };
	pid_t pid;

	return posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ)
		       ?: status_of(pid);
}

static void small_children(void)
{
	FILE *child;

	T(by_vfork());
	T(by_spawn());
	T(WEXITSTATUS(system("exit 5")));
	child = popen("exit 6", "r");
	T(WEXITSTATUS(pclose(child)));
}

static void small_descriptors(void)
{
	T(dup2(sock_a, 90));
	T(dup3(sock_b, 90, 0));
	T(fcntl(sock_a, F_DUPFD, 91));
	T(close_range(90, 91, 0));
	closefrom(90);
}

static void small_streams(void)
{
	struct sockaddr_in none = { .sin_family = AF_UNSPEC };
	FILE *fp;

	connect_to(sock_a, &addr_b);
	T(dprintf(sock_a, "%s, %d, %f", "text", 1, 1.5));
	T(dprintf(sock_a, "%3000d", 1));
	fp = fdopen(dup(sock_a), "w");
	T(fprintf(fp, "%s, %d, %f", "text", 2, 2.5));
	T(freopen("/dev/null", "w", fp) != fp);
	T(fclose(fp));
	fp = fdopen(dup(sock_b), "r");
	T(fread(buf, 1, 12, fp));
	T(fclose(fp));
	while (recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
	T(connect(sock_a, SA(&none), sizeof(none)));
}

static void *all_calls(void *arg)
{
	for (int i = 0; i < 2; i++) {
		small_names();
		small_filters();
		small_sends();
		small_receives();
		small_strays();
		small_streams();
		small_descriptors();
		small_children();
		T(close(sock_a));
		T(try_bind(&addr_b));
		T(close(sock_b));
		T(try_bind(&addr_b));
		usleep(1050000); /* what is known of the system grows old */
	}
	return arg;
}

/* There is a guard page below a stack, so that the program ends if it is hit. */
static pthread_t start_smallest(void *(*routine)(void *arg))
{
	size_t smallest = sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	if (smallest < 16384)
		smallest = 16384;
	if (pthread_attr_setstacksize(&attr, smallest))
		die("pthread_attr_setstacksize");
	err = pthread_create(&thread, &attr, routine, NULL);
	if (err) {
		errno = err;
		die("pthread_create");
	}
	return thread;
}

static void smallest_stack(void)
{
	pthread_join(start_smallest(all_calls), NULL);
}

/* ---- a batch that is interrupted on the smallest stack ------------------------ */

static struct mmsghdr batch[20];

/* All messages have the same memory: no more than one datagram is received. */
static void make_batch(size_t len)
{
	static char memory[65536];
	static struct iovec iov = { .iov_base = memory };

	iov.iov_len = len;
	memset(batch, 0, sizeof(batch));
	for (size_t i = 0; i < ARRAY_SIZE(batch); i++) {
		batch[i].msg_hdr.msg_iov = &iov;
		batch[i].msg_hdr.msg_iovlen = 1;
	}
}

static void *receive_batch(void *arg)
{
	tid = gettid();
	result = recvmmsg(fd, batch, ARRAY_SIZE(batch), MSG_WAITFORONE, NULL);
	return arg;
}

static void *send_batch_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	result = sendmmsg(fd, batch, ARRAY_SIZE(batch), 0);
	return arg;
}

static void *send_batch(void *arg)
{
	tid = gettid();
	result = sendmmsg(fd, batch, ARRAY_SIZE(batch), 0);
	return arg;
}

static size_t most_bytes; /* that the kernel cuts into 100 each */

/* 128 pieces since Linux 6.9, else 64. */
static void ask_most_bytes(void)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), size = 100;

	if (setsockopt(udp, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		skip("UDP_SEGMENT");
	most_bytes = sendto(udp, large, 12800, 0, SA(&nobody),
			    sizeof(nobody)) == 12800
			     ? 12800
			     : 6400;
	close(udp);
}

static void *send_long(void *arg)
{
	tid = gettid();
	result = send(fd, large, most_bytes, 0);
	return arg;
}

static pthread_t start_blocked(void *(*routine)(void *arg))
{
	pthread_t thread;

	tid = 0;
	thread = start_smallest(routine);
	while (!tid)
		sched_yield();
	await_blocked(tid);
	return thread;
}

static atomic_int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static void join_cancelled(pthread_t thread)
{
	void *ended;

	pthread_join(thread, &ended);
	T(ended == PTHREAD_CANCELED);
}

/* A signal interrupts a receive, which goes on; then a further one is cancelled. */
static void interrupt_and_cancel(void *(*receive)(void *arg))
{
	pthread_t thread;

	handled = 0;
	thread = start_blocked(receive);
	pthread_kill(thread, SIGUSR1);
	while (!handled)
		sched_yield();
	deliver("later");
	pthread_join(thread, NULL);
	printf("received %ld, handled %d\n", result, handled);
	thread = start_blocked(receive);
	pthread_cancel(thread);
	join_cancelled(thread);
}

static void interrupt_batch(size_t len)
{
	make_batch(len);
	interrupt_and_cancel(receive_batch);
}

static void cancel_full_send(void *(*routine)(void *arg), int size)
{
	struct sockaddr_in local;
	pthread_t thread;

	fd = full_sock(&local);
	if (size &&
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		skip("UDP_SEGMENT");
	thread = start_blocked(routine);
	pthread_cancel(thread);
	join_cancelled(thread);
	close(fd);
	T(try_bind(&local));
}

static void smallest_stack_of_full_sends(void)
{
	silent_neighbour();
	ask_most_bytes();
	make_batch(100);
	cancel_full_send(send_batch, 0);
	make_batch(3000);
	cancel_full_send(send_batch, 0);
	cancel_full_send(send_long, 0);
	cancel_full_send(send_long, 100);
}

static void smallest_stack_of_batches(void)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };
	int on = 1;

	make_pair();
	connect_to(sock_a, &addr_b);
	sigaction(SIGUSR1, &action, NULL);
	fflush(stdout);
	fd = sock_b;
	interrupt_batch(1000);
	interrupt_batch(65536);
	if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)))
		skip("UDP_GRO");
	interrupt_batch(65536);
	fd = sock_a;
	make_batch(100);
	join_cancelled(start_smallest(send_batch_cancelled));
	make_batch(3000);
	join_cancelled(start_smallest(send_batch_cancelled));
}

/* ---- joined datagrams on the smallest stack ------------------------------------ */

/* Few more iovecs would make the library copy the payloads. They have little room. */
static ssize_t receive_pieces(int flags)
{
	static char memory[60][20];
	static struct iovec iov[ARRAY_SIZE(memory)];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };

	for (size_t i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){ memory[i], sizeof(memory[i]) };
	return recvmsg(fd, &msg, flags);
}

static void *receive_joined(void *arg)
{
	tid = gettid();
	result = receive_pieces(0);
	return arg;
}

static void on_signal_receive(int sig)
{
	int saved = errno;

	(void)sig;
	if (receive_pieces(MSG_DONTWAIT) < 0 && errno == EAGAIN)
		handled++;
	errno = saved;
}

static void smallest_stack_of_joined(void)
{
	struct sigaction action = { .sa_handler = on_signal_receive,
				    .sa_flags = SA_RESTART };
	int on = 1;

	make_pair();
	connect_to(sock_a, &addr_b);
	sigaction(SIGUSR1, &action, NULL);
	fflush(stdout);
	fd = sock_b;
	if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)))
		skip("UDP_GRO");
	interrupt_and_cancel(receive_joined);
}

SCENARIOS({ "closed_in_receive", closed_in_receive },
	  { "closed_in_wait", closed_in_wait },
	  { "closed_in_epoll", closed_in_epoll },
	  { "next_owner_is_left_alone", next_owner_is_left_alone },
	  { "shut_unconnected", shut_unconnected },
	  { "shut_connected", shut_connected },
	  { "cancelled_receive", cancelled_receive },
	  { "cancelled_wait", cancelled_wait },
	  { "cancelled_in_passing", cancelled_in_passing },
	  { "cancelled_send", cancelled_send },
	  { "smallest_stack", smallest_stack },
	  { "smallest_stack_of_batches", smallest_stack_of_batches },
	  { "smallest_stack_of_full_sends", smallest_stack_of_full_sends },
	  { "smallest_stack_of_joined", smallest_stack_of_joined })
