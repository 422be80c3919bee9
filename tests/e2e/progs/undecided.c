// SPDX-License-Identifier: MIT
/*
 * undecided.c - a UDP socket of which a list of ports has not decided yet whether
 * it is put on COP: what it is until then, and that one decision holds for all
 * its descriptors, in all threads. The other program is this one again.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>

#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "fds.h"
#include "listed.h"
#include "ways.h"

extern char **environ;

/* ---- its name ------------------------------------------------------------- */

static void has_name(int fd)
{
	static const int names[] = { SO_TYPE, SO_PROTOCOL, SO_DOMAIN, SO_ERROR,
				     SO_REUSEADDR };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		socklen_t len = sizeof(int);
		int value = -1;

		T(getsockopt(fd, SOL_SOCKET, names[i], &value, &len));
		T(value);
	}
	T(fcntl(fd, F_GETFD));
	T(fcntl(fd, F_GETFL));
	show_name(fd);
	show_peer(fd);
}

static void is_udp(void)
{
	has_name(sock());
	has_name(sock_flags(SOCK_NONBLOCK | SOCK_CLOEXEC));
	has_name(bound_anywhere());
}

/* ---- options ---------------------------------------------------------------- */

static void keeps_options(void)
{
	static const struct {
		int level, name, value;
	} c[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_REUSEPORT, 1 },
		{ SOL_SOCKET, SO_BROADCAST, 1 },
		{ SOL_SOCKET, SO_RCVBUF, 20000 },
		{ IPPROTO_IP, IP_TTL, 7 },
		{ IPPROTO_IP, IP_TOS, 8 },
		{ IPPROTO_UDP, UDP_CORK, 1 },
		{ IPPROTO_UDP, UDP_CORK, 0 },
	};
	in_port_t to[] = { LISTED_A, OTHER_A };

	for (int i = 0; i < 2; i++) {
		int fd = sock(), value;
		socklen_t len = sizeof(value);

		for (size_t j = 0; j < ARRAY_SIZE(c); j++)
			T(setsockopt(fd, c[j].level, c[j].name, &c[j].value,
				     4));
		shows(fd, to[i], !i);
		for (size_t j = 0; j < ARRAY_SIZE(c); j++) {
			T(getsockopt(fd, c[j].level, c[j].name, &value, &len));
			T(value);
		}
	}
}

static int set(int fd, int level, int name)
{
	int zero = 0;

	return setsockopt(fd, level, name, &zero, sizeof(zero));
}

static void try_refused(int fd)
{
	T(set(fd, SOL_SOCKET, SO_PEEK_OFF));
	T(set(fd, SOL_SOCKET, SO_ZEROCOPY));
	T(set(fd, IPPROTO_UDP, UDP_GRO));
	T(set(fd, IPPROTO_UDP, UDP_ENCAP));
}

/* Before anything is decided, and when it has become plain UDP. */
static void refuses(void)
{
	int fd = bound(OTHER_A);

	try_refused(fd);
	shows(fd, OTHER_B, false);
	try_refused(fd);
}

/* ---- waiting ------------------------------------------------------------------ */

static void wait_in_all_ways(bool by_cop)
{
	int peer = peer_at(0, by_cop);

	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		int fd = bound_anywhere();

		send_from(peer, fd, "to it");
		printf("%s\n", waiting[i].name);
		T(waiting[i].call(fd));
		R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
		shows(fd, LISTED_A, by_cop);
		close(fd);
	}
}

static void waits(void)
{
	wait_in_all_ways(false);
}

static void all_waits(void)
{
	wait_in_all_ways(true);
}

static int watch(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
	return ep;
}

/* On COP a stray wakes nobody, also who has waited before that was known. */
static void epoll_before(in_port_t port, bool by_cop)
{
	int peer = peer_at(0, by_cop), fd = sock(), ep = watch(fd);
	struct epoll_event ev;
	struct sockaddr_in addr;

	T(epoll_wait(ep, &ev, 1, 0));
	shows(fd, port, by_cop);
	T(epoll_wait(ep, &ev, 1, 0));
	addr = addr_of("127.0.0.1", ntohs(name_of(fd).sin_port));
	is_carried = on_cop(by_cop);
	send_stray(&addr);
	is_carried = false;
	T(epoll_wait(ep, &ev, 1, 0));
	send_from(peer, fd, "to it");
	T(epoll_wait(ep, &ev, 1, 0));
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(epoll_wait(ep, &ev, 1, 0));
	close(fd);
	close(ep);
	close(peer);
}

static void watched_by_epoll(void)
{
	epoll_before(LISTED_A, true);
	epoll_before(OTHER_A, false);
}

static int waiter_fd, waiter_ep;
static atomic_int waiter_tid;

static void *wait_there(void *arg)
{
	struct epoll_event ev;

	waiter_tid = gettid();
	T(epoll_wait(waiter_ep, &ev, 1, -1));
	R(recvfrom(waiter_fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	return arg;
}

/* One that sleeps in a wait while it is decided is woken by what it is to be. */
static void wait_meanwhile(in_port_t port, bool by_cop)
{
	int peer = peer_at(port, by_cop);
	struct sockaddr_in addr;
	pthread_t thread;

	waiter_fd = bound_anywhere();
	waiter_ep = watch(waiter_fd);
	waiter_tid = 0;
	pthread_create(&thread, NULL, wait_there, NULL);
	while (!waiter_tid)
		sched_yield();
	await_blocked(waiter_tid);
	addr = name_of(waiter_fd);
	T(send_port(waiter_fd, port));
	is_carried = on_cop(by_cop);
	send_stray(&addr);
	is_carried = false;
	T(with_errno(raw6(SYS_recvfrom, waiter_fd, (long)buf, 64,
			  MSG_PEEK | MSG_DONTWAIT, 0, 0)));
	send_from(peer, waiter_fd, "to it");
	pthread_join(thread, NULL);
	close(waiter_fd);
	close(waiter_ep);
	close(peer);
}

static void waits_meanwhile(void)
{
	wait_meanwhile(LISTED_A, true);
	wait_meanwhile(OTHER_A, false);
}

/* ---- filters ------------------------------------------------------------------- */

/* What begins with an 'x' passes, up to 4 bytes of it. */
static const struct sock_filter by_letter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'x', 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 12),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* Looks into the payload by an offset from the link layer's header. */
static const struct sock_filter by_layer[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_LL_OFF + 100),
	BPF_STMT(BPF_RET | BPF_K, 0x10000),
};

static int attach(int fd, const struct sock_filter *insn, size_t n)
{
	struct sock_fprog prog = { n, (struct sock_filter *)insn };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			  sizeof(prog));
}

static bool filters_by_letter(int fd)
{
	struct sock_filter insn[64] = { 0 };
	socklen_t n = 64;

	return !getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, insn, &n) &&
	       n == ARRAY_SIZE(by_letter) &&
	       !memcmp(insn, by_letter, sizeof(by_letter));
}

static void show_filter(int fd)
{
	socklen_t n = 0;

	T(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n));
	T(n);
	T(filters_by_letter(fd));
}

static void filters(int fd, bool by_cop)
{
	int peer = peer_at(0, by_cop);

	send_from(peer, fd, "y, which is dropped");
	send_from(peer, fd, "x, which is cut short");
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(recv(fd, buf, 64, MSG_DONTWAIT));
	show_filter(fd);
	T(set(fd, SOL_SOCKET, SO_DETACH_FILTER));
	send_from(peer, fd, "y, which passes");
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	close(peer);
}

static void filter_before(in_port_t to, bool by_cop)
{
	int fd = sock();

	T(attach(fd, by_letter, ARRAY_SIZE(by_letter)));
	show_filter(fd);
	T(attach(fd, by_letter, 0));
	T(connect_port(fd, to));
	T(set(fd, SOL_SOCKET, SO_LOCK_FILTER));
	show_filter(fd);
	T(connect(fd, SA(&(struct sockaddr){ .sa_family = AF_UNSPEC }), 16));
	shows(fd, OTHER_B, by_cop);
	filters(fd, by_cop);
	close(fd);
}

static void has_filter(void)
{
	int fd = sock();

	filter_before(LISTED_A, true);
	filter_before(OTHER_A, false);
	T(attach(fd, by_letter, ARRAY_SIZE(by_letter)));
	T(bind_to(fd, LISTED_A));
	filters(fd, true);
	fd = sock();
	T(attach(fd, by_letter, ARRAY_SIZE(by_letter)));
	T(set(fd, SOL_SOCKET, SO_DETACH_FILTER));
	T(set(fd, SOL_SOCKET, SO_DETACH_FILTER));
	show_filter(fd);
	shows(fd, LISTED_B, true);
}

/* With such a filter it stays UDP, whatever it has to do with. */
static void unmovable(void)
{
	int fd = sock();

	T(attach(fd, by_layer, ARRAY_SIZE(by_layer)));
	T(bind_to(fd, LISTED_A));
	shows(fd, LISTED_B, false);
	fd = sock();
	T(attach(fd, by_layer, ARRAY_SIZE(by_layer)));
	shows(fd, LISTED_B, false);
	show_filter(fd);
}

static int lock(int fd)
{
	int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one));
}

/* So it does where nobody may put another one in its place. */
static void locked(void)
{
	int fd = sock();

	T(attach(fd, by_letter, ARRAY_SIZE(by_letter)));
	T(lock(fd));
	T(bind_to(fd, LISTED_A));
	shows(fd, LISTED_B, false);
	T(set(fd, SOL_SOCKET, SO_LOCK_FILTER));
	show_filter(fd);
	fd = sock();
	T(lock(fd));
	shows(fd, LISTED_B, false);
	show_filter(fd);
}

/* ---- its descriptors ------------------------------------------------------------- */

static void duplicate(in_port_t to, bool by_cop)
{
	int fd = sock(), copy = dup(fd), at = fcntl(fd, F_DUPFD, 30);

	T(dup2(copy, 40));
	shows(at, to, by_cop);
	shows(fd, OTHER_B, by_cop);
	T(close(fd));
	shows(copy, OTHER_B, by_cop);
	T(dup2(40, copy));
	shows(copy, OTHER_B, by_cop);
	T(close(copy));
	T(close(at));
	hears(40, peer_at(0, by_cop), by_cop);
	T(close(40));
}

static void has_duplicates(void)
{
	duplicate(LISTED_A, true);
	duplicate(OTHER_A, false);
}

static void in_child(void (*fn)(int fd, in_port_t to, bool by_cop), int fd,
		     in_port_t to, bool by_cop)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		fn(fd, to, by_cop);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	T(status);
}

/* Whoever is first decides for all who have the socket. */
static void fork_around(in_port_t to, bool by_cop)
{
	int fd = sock();

	in_child(shows, fd, to, by_cop);
	shows(fd, to, by_cop);
	close(fd);
	fd = sock();
	shows(fd, to, by_cop);
	in_child(shows, fd, OTHER_B, by_cop);
	close(fd);
	fd = sock();
	in_child(shows, fd, to, by_cop);
	shows(fd, by_cop ? OTHER_B : LISTED_B, by_cop);
	close(fd);
}

static void in_grandchild(int fd, in_port_t to, bool by_cop)
{
	in_child(shows, fd, to, by_cop);
	shows(fd, by_cop ? OTHER_A : LISTED_A, by_cop);
}

static void generations(in_port_t to, bool by_cop)
{
	int fd = sock(), copy = dup(fd);

	in_child(in_grandchild, copy, to, by_cop);
	shows(fd, by_cop ? OTHER_B : LISTED_B, by_cop);
	shows(copy, OTHER_A, by_cop);
	close(fd);
	close(copy);
}

/* A child sends; whatever comes back is for the parent, who has waited for it. */
static void answered_in_parent(in_port_t to, bool by_cop)
{
	int peer = peer_at(to, by_cop), fd = sock();
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(50000);
		send_port(fd, to);
		fresh();
		recvfrom(peer, buf, sizeof(buf), 0, SA(&from), &fromlen);
		sendto(peer, "answer", 6, 0, SA(&from), fromlen);
		_exit(0);
	}
	R(recv(fd, buf, sizeof(buf), 0));
	waitpid(pid, NULL, 0);
	shows(fd, by_cop ? OTHER_A : LISTED_B, by_cop);
	close(fd);
	close(peer);
}

static void shares(void)
{
	generations(LISTED_A, true);
	generations(OTHER_A, false);
	answered_in_parent(LISTED_A, true);
	answered_in_parent(OTHER_A, false);
}

static void forks(void)
{
	fork_around(LISTED_A, true);
	fork_around(OTHER_A, false);
}

static void closes(void)
{
	int before = count_fds(), fd = sock(), next;

	T(close(fd));
	T(close(fd) < 0);
	next = sock();
	T(next == fd);
	shows(next, LISTED_A, true);
	T(close(next));
	next = sock();
	T(next == fd);
	T(bind_to(next, OTHER_A));
	T(close(next));
	next = bound(OTHER_A);
	T(next == fd);
	shows(next, OTHER_B, false);
	T(close(next));
	T(dup(next));
	T(count_fds() - before);
}

/* For COP_STATS: one that is on COP, and one of each other kind. */
static void counted(void)
{
	int cop = sock(), udp = sock(), fd = sock(), copy = sock();

	T(send_port(cop, LISTED_A));
	T(send_port(udp, OTHER_A));
	T(send_port(copy, OTHER_A));
	T(close(dup(copy)));
	T(close(cop));
	T(close(udp));
	T(close(fd));
}

/* ---- handed on ------------------------------------------------------------------- */

#define FD_A	40
#define FD_LINK 41

/* What nobody has decided yet is for whoever has a list. */
static bool has_list(void)
{
	return getenv("COP_ADOPT");
}

static void image_decides(void)
{
	shows(FD_A, LISTED_A, has_list());
}

static void image_gets_undecided(void)
{
	shows(take_fd(FD_LINK), LISTED_A, has_list());
}

static void image_plain(void)
{
	shows(FD_A, LISTED_A, false);
}

static void image_cop(void)
{
	shows(FD_A, OTHER_A, true);
}

static void image_gets_plain(void)
{
	shows(take_fd(FD_LINK), LISTED_A, false);
}

static void image_gets_cop(void)
{
	shows(take_fd(FD_LINK), OTHER_A, true);
}

static void run_image(const char *scenario)
{
	char text[PORTS][8];
	char *argv[] = { self,	  (char *)kind, (char *)scenario, text[0],
			 text[1], text[2],	text[3],	  NULL };
	int status = -1;
	pid_t pid;

	for (int i = 0; i < PORTS; i++)
		snprintf(text[i], sizeof(text[i]), "%d", ports[i]);
	fflush(stdout);
	if (posix_spawn(&pid, self, NULL, NULL, argv, environ))
		die(self);
	waitpid(pid, &status, 0);
	T(status);
}

static void hand_on(in_port_t to, const char *scenario)
{
	int fd = sock();

	if (to && send_port(fd, to) != 7)
		die("sendto");
	dup2(fd, FD_A);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	run_image(scenario);
	if (!to)
		shows(fd, OTHER_A, has_list());
	close(fd);
	close(FD_A);
}

static void hand_over(in_port_t to, const char *scenario)
{
	int fd = sock_flags(SOCK_CLOEXEC), link[2];

	if (to && send_port(fd, to) != 7)
		die("sendto");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link))
		die("socketpair");
	dup2(link[1], FD_LINK);
	give_fd(link[0], fd);
	run_image(scenario);
	if (!to)
		shows(fd, OTHER_A, has_list());
	close(FD_LINK);
	close(link[0]);
	close(link[1]);
	close(fd);
}

/* By a program with the list, and by one without. */
static void is_handed_on(void)
{
	for (int i = 0; i < 2; i++) {
		hand_on(0, "image_decides");
		hand_on(OTHER_A, "image_plain");
		hand_on(LISTED_A, "image_cop");
		hand_over(0, "image_gets_undecided");
		hand_over(OTHER_A, "image_gets_plain");
		hand_over(LISTED_A, "image_gets_cop");
		unsetenv("COP_ADOPT");
	}
}

/* ---- many threads -------------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS	3000

static pthread_barrier_t begin, end;
static int race_fd;
static unsigned int race_round;

static void to_listed(int fd)
{
	send_port(fd, LISTED_A);
}

static void to_other(int fd)
{
	send_port(fd, OTHER_A);
}

static void connect_listed(int fd)
{
	if (race_round % 4 == 1)
		connect_port(fd, LISTED_A);
	else
		to_listed(fd);
}

static void connect_other(int fd)
{
	if (race_round % 4 == 2)
		connect_port(fd, OTHER_A);
	else
		to_other(fd);
}

static void bind_listed(int fd)
{
	if (race_round % 2)
		bind_to(fd, LISTED_B);
	else
		to_listed(fd);
}

static void receive(int fd)
{
	char text[64];
	int n;

	recv(fd, text, sizeof(text), MSG_DONTWAIT);
	ioctl(fd, FIONREAD, &n);
	to_listed(fd);
}

static void look(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	poll(&pfd, 1, 0);
	getsockname(fd, SA(&addr), &len);
	to_other(fd);
}

static void use_copy(int fd)
{
	int copy = dup(fd);

	to_other(copy);
	close(copy);
}

static void (*const racers[THREADS])(int fd) = { to_listed,	 to_other,
						 connect_listed, connect_other,
						 bind_listed,	 receive,
						 look,		 use_copy };

static void *race(void *arg)
{
	void (*act)(int fd) = racers[(size_t)arg];

	for (;;) {
		pthread_barrier_wait(&begin);
		if (race_fd < 0)
			return NULL;
		act(race_fd);
		pthread_barrier_wait(&end);
	}
}

struct tally {
	int plain, cop;
};

static void count(int tap, struct tally *tally)
{
	struct heard heard;

	while (hear(tap, &heard)) {
		if (!has_header(&heard))
			tally->plain++;
		else
			tally->cop++;
	}
}

/* All that was sent is of one kind, and the socket and its filter are, too. */
static bool is_one_kind(const struct tally *tally, int fd)
{
	if (race_round % 8 == 5 && !filters_by_letter(fd))
		return false;
	return !tally->plain != !tally->cop &&
	       lacks_peek_offset(fd) == !!tally->cop;
}

static void race_once(int listed, int other, int *mixed)
{
	struct tally tally = { 0 };

	race_fd = sock();
	if (race_round % 8 == 5)
		attach(race_fd, by_letter, ARRAY_SIZE(by_letter));
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
	count(listed, &tally);
	count(other, &tally);
	if (!is_one_kind(&tally, race_fd) && !(*mixed)++)
		printf("  round %u: %d plain, %d COP, COP %d\n", race_round,
		       tally.plain, tally.cop, lacks_peek_offset(race_fd));
	close(race_fd);
}

static void races(void)
{
	int listed = tap_at(LISTED_A), other = tap_at(OTHER_A), mixed = 0;
	pthread_t thread[THREADS];

	pthread_barrier_init(&begin, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, race, (void *)i);
	for (race_round = 0; race_round < ROUNDS; race_round++)
		race_once(listed, other, &mixed);
	race_fd = -1;
	pthread_barrier_wait(&begin);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("  %d of %d rounds were mixed\n", mixed, ROUNDS);
}

#define S(name)               \
	{                     \
#name, (name) \
	}

LISTED_SCENARIOS(S(is_udp), S(keeps_options), S(refuses), S(waits),
		 S(all_waits), S(watched_by_epoll), S(waits_meanwhile),
		 S(has_filter), S(unmovable), S(locked), S(has_duplicates),
		 S(forks), S(shares), S(closes), S(counted), S(is_handed_on),
		 S(races), S(image_decides), S(image_gets_undecided),
		 S(image_plain), S(image_cop), S(image_gets_plain),
		 S(image_gets_cop))
