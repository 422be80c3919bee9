// SPDX-License-Identifier: MIT
/*
 * waits.c - poll, select, epoll and calls that block.
 *
 * A stray is a UDP datagram that is not COP, sent to a COP socket's port. On
 * UDP there are no strays, so none is sent: the socket must behave as if there
 * were none on COP either.
 */
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "stray.h"
#include "ways.h"

static void stray(void)
{
	send_stray(&addr_b);
}

static void show_poll(int fd, int events, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	T(poll(&pfd, 1, timeout));
	printf("  revents %#x\n", pfd.revents);
}

static void poll_events(void)
{
	make_pair();
	show_poll(sock_b, POLLIN | POLLOUT | POLLPRI, 0);
	show_poll(sock_b, POLLIN, 10);
	deliver("payload");
	show_poll(sock_b, POLLIN, -1);
	show_poll(sock_b, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0);
	show_poll(sock_b, 0, 0);
	R(recv(sock_b, buf, 64, 0));
	show_poll(sock_b, POLLIN, 0);
	deliver("");
	show_poll(sock_b, POLLIN, 0);
	T(shutdown(sock_b, SHUT_RD));
	connect_to(sock_b, &addr_a);
	T(shutdown(sock_b, SHUT_RD));
	show_poll(sock_b, POLLIN | POLLRDHUP, 0);
	T(shutdown(sock_b, SHUT_WR));
	show_poll(sock_b, POLLIN | POLLOUT | POLLRDHUP, 0);
	T(close(sock_b));
	show_poll(sock_b, POLLIN, 0);
}

static void poll_error(void)
{
	make_pair();
	connect_to(sock_a, &addr_b);
	T(close(sock_b));
	T(send(sock_a, "x", 1, 0));
	show_poll(sock_a, 0, 0);
	show_poll(sock_a, POLLIN | POLLOUT, 0);
	T(recv(sock_a, buf, 64, 0));
	show_poll(sock_a, POLLIN | POLLOUT, 0);
}

static void poll_several(void)
{
	struct pollfd pfd[4] = { { .fd = -1, .events = POLLIN },
				 { .fd = 999, .events = POLLIN } };
	struct timespec none = { 0 };
	volatile nfds_t many = -1;

	make_pair();
	pfd[2] = (struct pollfd){ .fd = sock_a, .events = POLLIN };
	pfd[3] = (struct pollfd){ .fd = sock_b, .events = POLLIN };
	T(poll(pfd, 4, 0));
	deliver("x");
	T(poll(pfd, 4, -1));
	for (int i = 0; i < 4; i++)
		T(pfd[i].revents);
	T(ppoll(pfd + 2, 2, NULL, NULL));
	T(pfd[1].revents);
	T(ppoll(pfd + 2, 1, &none, NULL));
	T(poll(NULL, 0, 0));
	T(poll(no_ptr, 1, 0));
	T(poll(BAD_PTR, 1, 0));
	T(ppoll(no_ptr, 1, &none, NULL));
	T(ppoll(pfd, 1, &(struct timespec){ 0, -1 }, NULL));
	T(poll(no_ptr, many, 0));
}

static void show_select(int fd)
{
	struct timeval tv = { .tv_usec = 10000 };
	fd_set rd, wr;

	FD_ZERO(&rd);
	FD_ZERO(&wr);
	FD_SET(fd, &rd);
	T(select(fd + 1, &rd, NULL, NULL, &tv));
	T(FD_ISSET(fd, &rd));
	FD_SET(fd, &rd);
	FD_SET(fd, &wr);
	T(pselect(fd + 1, &rd, &wr, NULL, &(struct timespec){ 0 }, NULL));
	T(FD_ISSET(fd, &rd));
	T(FD_ISSET(fd, &wr));
}

static void selected(void)
{
	fd_set set;

	make_pair();
	show_select(sock_b);
	deliver("payload");
	show_select(sock_b);
	R(recv(sock_b, buf, 64, 0));
	show_select(sock_b);
	T(select(-1, NULL, NULL, NULL, NULL));
	T(select(sock_b + 1, BAD_PTR, NULL, NULL, &(struct timeval){ 0 }));
	FD_ZERO(&set);
	FD_SET(999, &set);
	T(select(1000, &set, NULL, NULL, &(struct timeval){ 0 }));
}

static int epoll_on(int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = epoll_create1(0);

	T(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	return ep;
}

static void show_epoll(int ep, int timeout)
{
	struct epoll_event ev[4] = { 0 };

	T(epoll_wait(ep, ev, 4, timeout));
	printf("  events %#x\n", ev[0].events);
}

static void epoll_level(void)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	int ep;

	make_pair();
	ep = epoll_on(sock_b, EPOLLIN);
	show_epoll(ep, 10);
	deliver("one");
	show_epoll(ep, -1);
	show_epoll(ep, 0);
	deliver("two");
	T(recv(sock_b, buf, 64, 0));
	show_epoll(ep, 0);
	T(recv(sock_b, buf, 64, 0));
	show_epoll(ep, 0);
	T(epoll_ctl(ep, EPOLL_CTL_ADD, sock_b, &ev));
	T(epoll_ctl(ep, EPOLL_CTL_MOD, sock_b, &ev));
	show_epoll(ep, 0);
	T(epoll_ctl(ep, EPOLL_CTL_MOD, sock_a, &ev));
	T(epoll_ctl(ep, EPOLL_CTL_DEL, sock_b, NULL));
	T(epoll_ctl(ep, EPOLL_CTL_DEL, sock_b, NULL));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, sock_b, NULL));
	T(epoll_ctl(ep, 12345, sock_b, &ev));
	T(epoll_ctl(sock_a, EPOLL_CTL_ADD, sock_b, &ev));
	T(epoll_ctl(-1, EPOLL_CTL_ADD, sock_b, &ev));
}

static void epoll_edge(void)
{
	int ep;

	make_pair();
	deliver("before");
	ep = epoll_on(sock_b, EPOLLIN | EPOLLET);
	show_epoll(ep, 0);
	show_epoll(ep, 10);
	deliver("one");
	show_epoll(ep, 0);
	show_epoll(ep, 10);
	deliver("two");
	show_epoll(ep, 0);
	show_rest(sock_b);
	show_epoll(ep, 0);
	deliver("three");
	show_epoll(ep, 0);
}

static void epoll_once(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
	int ep;

	make_pair();
	ep = epoll_on(sock_b, EPOLLIN | EPOLLONESHOT);
	deliver("one");
	show_epoll(ep, 0);
	show_epoll(ep, 0);
	T(epoll_ctl(ep, EPOLL_CTL_MOD, sock_b, &ev));
	show_epoll(ep, 0);
	T(close(sock_b));
	show_epoll(ep, 0);
}

/* ---- blocking ---------------------------------------------------------- */

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ 0, ms * 1000000L }, NULL);
}

/* In a child: do @act a moment from now. */
static void soon(void (*act)(void))
{
	if (fork())
		return;
	pause_ms(20);
	act();
	_exit(0);
}

static void send_one(void)
{
	deliver("woken");
}

static void blocked(void)
{
	struct iovec iov = { buf, 64 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr vec = { .msg_hdr = msg };

	make_pair();
	soon(send_one);
	R(recv(sock_b, buf, 64, 0));
	soon(send_one);
	R(read(sock_b, buf, 64));
	soon(send_one);
	R(recvmsg(sock_b, &msg, 0));
	soon(send_one);
	R(recvmmsg(sock_b, &vec, 1, 0, NULL));
	soon(send_one);
	show_poll(sock_b, POLLIN, -1);
	R(readv(sock_b, &iov, 1));
	show_rest(sock_b);
}

static void *receive_in_thread(void *arg)
{
	T(recv(sock_b, arg, 24, 0));
	return NULL;
}

static void blocked_thread(void)
{
	pthread_t thread;
	char got[25] = "";

	make_pair();
	pthread_create(&thread, NULL, receive_in_thread, got);
	pause_ms(10);
	deliver("woken");
	pthread_join(thread, NULL);
	printf("%s\n", got);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerspec soon_after = { .it_value.tv_nsec = 20000000 };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	timer_t timer;

	make_pair();
	sigaction(SIGUSR1, &sa, NULL);
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	timer_settime(timer, 0, &soon_after, NULL);
	T(recv(sock_b, buf, 64, 0));
	timer_settime(timer, 0, &soon_after, NULL);
	T(read(sock_b, buf, 64));
	timer_settime(timer, 0, &soon_after, NULL);
	show_poll(sock_b, POLLIN, -1);
	deliver("payload");
	R(recv(sock_b, buf, 64, 0));
}

static void timed_out(void)
{
	struct timeval tv = { .tv_usec = 30000 };

	make_pair();
	T(setsockopt(sock_b, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	soon(stray);
	T(recv(sock_b, buf, 64, 0));
	wait(NULL);
	stray();
	T(recv(sock_b, buf, 64, 0));
}

/* ---- strays ------------------------------------------------------------ */

static void stray_before_poll(void)
{
	make_pair();
	stray();
	stray();
	show_poll(sock_b, POLLIN, 10);
	stray();
	show_poll(sock_b, POLLIN, 10);
	deliver("payload");
	stray();
	show_poll(sock_b, POLLIN, 10);
	R(recv(sock_b, buf, 64, 0));
	show_poll(sock_b, POLLIN, 10);
}

static void stray_before_select(void)
{
	make_pair();
	stray();
	show_select(sock_b);
	stray();
	deliver("payload");
	show_select(sock_b);
	R(recv(sock_b, buf, 64, 0));
	show_select(sock_b);
}

static void stray_before_epoll(unsigned int edge)
{
	int ep;

	make_pair();
	stray();
	ep = epoll_on(sock_b, EPOLLIN | edge);
	show_epoll(ep, 10);
	stray();
	show_epoll(ep, 10);
	deliver("one");
	stray();
	show_epoll(ep, 10);
	R(recv(sock_b, buf, 64, 0));
	show_epoll(ep, 10);
	stray();
	show_epoll(ep, 10);
}

static void stray_before_epoll_level(void)
{
	stray_before_epoll(0);
}

static void stray_before_epoll_edge(void)
{
	stray_before_epoll(EPOLLET);
}

static void send_after_strays(void)
{
	stray();
	stray();
	pause_ms(20);
	deliver("woken");
}

/* A call may leave anything behind the bytes that it returns. */
static void hear(int flags)
{
	int n;

	T(n = recv(sock_b, buf, sizeof(buf), flags));
	printf("  %.*s\n", n, buf);
}

static void stray_wakes_no_receive(void)
{
	make_pair();
	soon(send_after_strays);
	hear(0);
	soon(send_after_strays);
	hear(MSG_PEEK);
	hear(0);
	soon(send_after_strays);
	show_poll(sock_b, POLLIN, -1);
	hear(0);
	show_rest(sock_b);
}

/* Strays among datagrams, before anyone has polled: in every receiving call. */
static void strays_between(void)
{
	struct iovec iov[6] = { [0 ... 5] = { buf, 64 } };
	struct mmsghdr vec[6];
	static char many[6][10];
	int n = -1;

	make_pair();
	for (int i = 0; i < 6; i++) {
		iov[i] = (struct iovec){ many[i], 9 };
		vec[i] = (struct mmsghdr){
			{ .msg_iov = &iov[i], .msg_iovlen = 1 }, 0
		};
	}
	stray();
	T(ioctl(sock_b, FIONREAD, &n));
	T(n);
	stray();
	deliver("one");
	stray();
	T(ioctl(sock_b, FIONREAD, &n));
	T(n);
	deliver("two");
	deliver("three");
	stray();
	deliver("four");
	stray();
	T(recvmmsg(sock_b, vec, 6, MSG_DONTWAIT, NULL));
	for (int i = 0; i < 4; i++)
		printf("  %u %.*s\n", vec[i].msg_len, (int)vec[i].msg_len,
		       many[i]);
	stray();
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	stray();
	T(recv(sock_b, buf, 64, MSG_DONTWAIT | MSG_PEEK));
	stray();
	T(recvmsg(sock_b, &vec[0].msg_hdr, MSG_DONTWAIT));
	stray();
	T(recvmmsg(sock_b, vec, 6, MSG_DONTWAIT, NULL));
	show_rest(sock_b);
}

/* ---- waiting, and then a receive that blocks --------------------------- */

#define ROUNDS 50

static const struct way *wait_way;
static int wait_ep;
static atomic_int reader_tid, in_receive, got;

static ssize_t by_epoll(int fd)
{
	struct epoll_event ev;

	(void)fd;
	return epoll_wait(wait_ep, &ev, 1, -1);
}

static ssize_t by_epoll_pwait(int fd)
{
	struct epoll_event ev;

	(void)fd;
	return epoll_pwait(wait_ep, &ev, 1, -1, NULL);
}

static ssize_t by_epoll_pwait2(int fd)
{
	struct epoll_event ev;

	(void)fd;
	return epoll_pwait2(wait_ep, &ev, 1, NULL, NULL);
}

static ssize_t by_epoll_number(int fd)
{
	struct epoll_event ev;

	(void)fd;
	return syscall(SYS_epoll_pwait, wait_ep, &ev, 1, -1, NULL, 8);
}

static const struct way epolling[] = {
	{ "SYS_epoll_pwait", by_epoll_number },
	{ "epoll_wait", by_epoll },
	{ "epoll_pwait", by_epoll_pwait },
	{ "epoll_pwait2", by_epoll_pwait2 },
};

static void *wait_and_receive(void *arg)
{
	reader_tid = gettid();
	for (int i = 0; i < ROUNDS; i++) {
		if (wait_way->call(sock_b) != 1)
			die(wait_way->name);
		in_receive = 1;
		if (by_recvfrom(sock_b) != 7)
			die("recvfrom");
		in_receive = 0;
		got++;
	}
	return arg;
}

/* Who was woken sleeps in the receive; else he sleeps where he waits. */
static void attack_reader(int *woken)
{
	for (int i = 0; i < ROUNDS; i++) {
		await_blocked(reader_tid);
		stray();
		await_blocked(reader_tid);
		*woken += in_receive;
		deliver("payload");
		while (got == i)
			sched_yield();
	}
}

/* What is there at first came before the socket was waited for at all. */
static void attack_way(const struct way *way)
{
	pthread_t thread;
	int woken = 0;

	wait_way = way;
	reader_tid = in_receive = got = 0;
	if (pthread_create(&thread, NULL, wait_and_receive, NULL))
		die("pthread_create");
	while (!reader_tid)
		sched_yield();
	attack_reader(&woken);
	pthread_join(thread, NULL);
	printf("%s: woken by %d strays\n", way->name, woken);
	close(sock_a);
	close(sock_b);
}

static void wait_then_block(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		make_pair();
		stray();
		attack_way(&waiting[i]);
	}
}

static void epoll_then_block(int (*on)(int fd, unsigned int events))
{
	for (int edge = 0; edge < 2; edge++)
		for (size_t i = 0; i < ARRAY_SIZE(epolling); i++) {
			make_pair();
			stray();
			wait_ep = on(sock_b, EPOLLIN | (edge ? EPOLLET : 0));
			attack_way(&epolling[i]);
			close(wait_ep);
		}
}

static void epoll_wait_then_block(void)
{
	epoll_then_block(epoll_on);
}

/* ---- epoll_ctl through io_uring ---------------------------------------- */

struct ring {
	int fd;
	struct io_uring_params params;
	char *queue; /* submissions and completions */
	struct io_uring_sqe *sqes;
};

static void *ring_map(struct ring *ring, size_t size, long offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, ring->fd, offset);

	if (at == MAP_FAILED)
		skip("no ring can be mapped");
	return at;
}

static void ring_open(struct ring *ring)
{
	const struct io_uring_params *p = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, 1, &ring->params);
	if (ring->fd < 0)
		skip("io_uring is refused");
	if (!(p->features & IORING_FEAT_SINGLE_MMAP))
		skip("io_uring is too old");
	ring->queue = ring_map(ring, 4096, IORING_OFF_SQ_RING);
	ring->sqes = ring_map(ring, 4096, IORING_OFF_SQES);
}

static void *ring_at(struct ring *ring, unsigned int offset)
{
	return ring->queue + offset;
}

/* One submission, and what became of it. */
static int ring_submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	const struct io_uring_params *p = &ring->params;
	unsigned int *sq_tail = ring_at(ring, p->sq_off.tail);
	unsigned int *cq_head = ring_at(ring, p->cq_off.head);
	struct io_uring_cqe *cqe = ring_at(ring, p->cq_off.cqes);

	ring->sqes[0] = *sqe;
	*(unsigned int *)ring_at(ring, p->sq_off.array) = 0;
	__atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		die("io_uring_enter");
	cqe += *cq_head % p->cq_entries;
	__atomic_store_n(cq_head, *cq_head + 1, __ATOMIC_RELEASE);
	return cqe->res;
}

/* Nobody but the kernel sees it. A ring that is closed interrupts: it stays. */
static int epoll_by_ring(int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_EPOLL_CTL };
	struct ring ring;
	int err;

	sqe.fd = epoll_create1(0);
	sqe.addr = (unsigned long)&ev;
	sqe.len = EPOLL_CTL_ADD;
	sqe.off = fd;
	ring_open(&ring);
	err = ring_submit(&ring, &sqe);
	errno = -err;
	if (err)
		skip("io_uring knows no epoll_ctl");
	return sqe.fd;
}

static void ring_then_block(void)
{
	epoll_then_block(epoll_by_ring);
}

/* Whatever wakes it, the next datagram of its own does. */
static void ring_without_blocking(void)
{
	for (int edge = 0; edge < 2; edge++) {
		int ep;

		make_pair();
		T(ioctl(sock_b, FIONBIO, &(int){ 1 }));
		stray();
		ep = epoll_by_ring(sock_b, EPOLLIN | (edge ? EPOLLET : 0));
		stray();
		epoll_wait(ep, &(struct epoll_event){ 0 }, 1, 0);
		T(recv(sock_b, buf, sizeof(buf), 0));
		stray();
		show_epoll(ep, 10);
		T(recv(sock_b, buf, sizeof(buf), 0));
		deliver("payload");
		stray();
		show_epoll(ep, -1);
		T(recv(sock_b, buf, sizeof(buf), 0));
		T(recv(sock_b, buf, sizeof(buf), 0));
		show_epoll(ep, 10);
	}
}

SCENARIOS({ "poll_events", poll_events }, { "poll_error", poll_error },
	  { "poll_several", poll_several }, { "selected", selected },
	  { "epoll_level", epoll_level }, { "epoll_edge", epoll_edge },
	  { "epoll_once", epoll_once }, { "blocked", blocked },
	  { "blocked_thread", blocked_thread }, { "interrupted", interrupted },
	  { "timed_out", timed_out },
	  { "stray_before_poll", stray_before_poll },
	  { "stray_before_select", stray_before_select },
	  { "stray_before_epoll_level", stray_before_epoll_level },
	  { "stray_before_epoll_edge", stray_before_epoll_edge },
	  { "stray_wakes_no_receive", stray_wakes_no_receive },
	  { "strays_between", strays_between },
	  { "wait_then_block", wait_then_block },
	  { "epoll_wait_then_block", epoll_wait_then_block },
	  { "ring_then_block", ring_then_block },
	  { "ring_without_blocking", ring_without_blocking })
