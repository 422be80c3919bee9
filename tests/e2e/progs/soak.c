// SPDX-License-Identifier: MIT
/*
 * soak.c - what churn.c does, for long, with all that can come between: forks, programs
 * that are executed and inherit sockets, signals whose handler uses sockets, and strays.
 *
 *	soak udp|cop|skeleton|adopted run SECONDS [WARM]
 *
 * Behind WARM seconds, 60 if it is not given, and at the end everything stands still and
 * all sockets are closed. What there is then must be the same. Prints one line, and exits
 * with 1 where something is left.
 */
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "churn.h"
#include "raw.h"

#define WORKERS	  4
#define SIGNAL_US 5000

extern char **environ;

static const char *self, *preload;
static atomic_bool halt;
static atomic_int idle, forks, execs, signals, *strays; /* in shared memory */

/* ---- what comes between --------------------------------------------------- */

static void reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	if (status) {
		fprintf(stderr, "%d: ended with status %#x\n", pid, status);
		damaged++;
	}
}

/* The child of a process with threads: only what a signal handler may do, too. */
static void fork_one(struct worker *me)
{
	static const struct itimerval none;
	int was = damaged;
	pid_t pid = fork();

	if (pid) {
		forks++;
		if (pid > 0)
			reap(pid);
		return;
	}
	process = "forked";
	setitimer(ITIMER_REAL, &none, NULL);
	alarm(20);
	for (int i = 0; i < 20; i++)
		call_one(me);
	_exit(damaged != was);
}

/*
 * The other program inherits a socket of this one. It must not look at others: another
 * thread may be about to make one, and the library does not know it yet.
 */
static void exec_one(struct worker *me)
{
	int fd = taken(me);
	char number[16];
	char *argv[] = { (char *)self, (char *)kind, "child", number, NULL };
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	if (fd >= 0 && !posix_spawn(&pid, self, NULL, NULL, argv, environ)) {
		execs++;
		reap(pid);
	}
	put(me, fd);
}

/*
 * Another process sends them, by calls that no library sees. In this one such a socket
 * might get the number of a COP socket that is just being closed, and the library would
 * take it for that (docs/BYPASS.md).
 */
static pid_t start_strays(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int fd, port = 0;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = raw(SYS_socket, PF_INET, SOCK_DGRAM, 0, 0);
	addr.sin_port = htons(PORT_MIN - 1); /* no port that is asked for */
	raw(SYS_bind, fd, (long)&addr, sizeof(addr), 0);
	for (;; port = (port + 1) % PORTS) {
		addr.sin_port = htons(PORT_MIN + port);
		if (raw6(SYS_sendto, fd, (long)"a stray!", 8, 0, (long)&addr,
			 sizeof(addr)) == 8)
			(*strays)++;
		usleep(200);
	}
}

static void handler(int sig)
{
	static atomic_flag busy = ATOMIC_FLAG_INIT;
	static struct worker me = { .state = 99 };
	int err = errno;

	(void)sig;
	if (atomic_flag_test_and_set(&busy))
		return;
	sendto_one(&me);
	recv_one(&me);
	ask_one(&me);
	signals++;
	atomic_flag_clear(&busy);
	errno = err;
}

static void some_call(struct worker *me)
{
	static void (*const between[])(struct worker *) = { fork_one,
							    exec_one };
	uint32_t which = below(me, 500);

	if (which < ARRAY_SIZE(between))
		between[which](me);
	else
		call_one(me);
}

/* ---- the program that inherits -------------------------------------------- */

static int child(int fd)
{
	static struct worker me;

	process = "executed";
	if (fcntl(fd, F_GETFD) < 0)
		return 0; /* it is closed by the exec */
	init_worker(&me, getpid());
	alarm(20);
	put(&me, fd);
	for (int i = 0; i < 1000; i++) {
		recv_verified(&me);
		sendto_one(&me);
	}
	return damaged != 0;
}

/* ---- standing still ------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *me = arg;

	while (!stop) {
		while (!halt && !stop)
			some_call(me);
		idle++;
		while (halt && !stop)
			usleep(1000);
		idle--;
	}
	return NULL;
}

struct left {
	int ports, fds;
	long kb;
};

static void set_timer(long us)
{
	const struct itimerval every = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &every, NULL);
}

/* Whether the library or the kernel keeps a port tells where to look. */
static void say_lost(void)
{
	for (int port = PORT_MIN; port < PORT_MIN + PORTS; port++) {
		if (!can_bind(sock(), port))
			fprintf(stderr, "port %d is not free for %s\n", port,
				kind);
		if (!can_bind(raw(SYS_socket, PF_INET, SOCK_DGRAM, 0, 0), port))
			fprintf(stderr, "port %d is not free for the kernel\n",
				port);
	}
}

/* A handler that has begun may still hold a socket that is closed by now. */
static int ports_left(void)
{
	int lost = ports_lost();

	for (int i = 0; i < 20 && lost; i++) {
		usleep(100000);
		lost = ports_lost();
	}
	if (lost)
		say_lost();
	return lost;
}

static struct left look(void)
{
	struct left left;

	set_timer(0);
	halt = true;
	while (idle < WORKERS)
		usleep(1000);
	close_slots();
	left.ports = ports_left();
	left.fds = count_fds();
	left.kb = vm_kb();
	return left;
}

/* ---- as much memory as there can be ---------------------------------------- */

/*
 * The library keeps the memory of objects for the next ones, so it has as much as there
 * ever were at once. That is chance, and the largest number may come late. So there are
 * as many at the beginning as there can be later.
 */
#define MOST_SOCKETS (SLOTS + 3 * WORKERS)
#define MOST_BUFFERS (2 * WORKERS)
#define MOST_FLOWS   1100 /* docs/performance.md: 1,024 */

static void add_flows(int fd)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);

	for (int port = PORT_MIN; port < PORT_MIN + MOST_FLOWS; port++) {
		addr.sin_port = htons(port);
		sendto(fd, "a flow", 6, MSG_DONTWAIT, SA(&addr), sizeof(addr));
	}
}

/*
 * A socket gets a backlog when a receive finds another one in the middle of its work. So
 * while a receive is in progress, a handler sends and receives, again and again. No socket
 * accepts what it has sealed itself.
 */
static int crowded, crowd_sender;
static struct sockaddr_in crowd_addr;

static void send_to_crowded(void)
{
	sendto(crowd_sender, "a crowd", 7, MSG_DONTWAIT, SA(&crowd_addr),
	       sizeof(crowd_addr));
}

static void receive_crowded(void)
{
	char byte;

	recv(crowded, &byte, 1, MSG_DONTWAIT);
}

static void receive_too(void)
{
	int err = errno;

	send_to_crowded();
	receive_crowded();
	errno = err;
}

#ifdef __x86_64__
#define CROWD_SIGNAL SIGTRAP
#define TRAP_FLAG    0x100
#define TRAP_EVERY   16 /* the work has more instructions than this */
#define TRAPS_MORE   64 /* behind these the receive might never end */

static volatile int traps, traps_most;

/*
 * Behind each instruction of a receive. Not in its first half: a receive with a buffer
 * takes the buffer there, and would begin anew after each buffer that the handler takes.
 */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	traps++;
	if (traps_most && traps > traps_most / 2 && !(traps % TRAP_EVERY))
		receive_too();
	if (traps_most && traps > traps_most)
		uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static int trap_receive(void)
{
	traps = 0;
	send_to_crowded();
	__writeeflags(__readeflags() | TRAP_FLAG);
	receive_crowded();
	__writeeflags(__readeflags() & ~TRAP_FLAG);
	return traps;
}

/* The first receive does the loader's work, the second one tells how long it takes. */
static void add_backlog(void)
{
	if (!traps_most) {
		trap_receive();
		traps_most = trap_receive() + TRAPS_MORE;
	}
	trap_receive();
}
#else
#define CROWD_SIGNAL SIGALRM

static atomic_int crowd;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	receive_too();
	crowd++;
}

/* One of some hundred receives of the handler finds the other one there. */
static void add_backlog(void)
{
	crowd = 0;
	set_timer(50);
	while (crowd < 1500) {
		send_to_crowded();
		receive_crowded();
	}
	set_timer(0);
}
#endif

static void fill_backlogs(const int *fds)
{
	struct sigaction act = { .sa_sigaction = on_signal,
				 .sa_flags = SA_SIGINFO };

	sigaction(CROWD_SIGNAL, &act, NULL);
	for (int i = 0; i < MOST_SOCKETS; i++) {
		crowded = fds[i];
		crowd_sender = fds[(i + 1) % MOST_SOCKETS];
		crowd_addr =
			addr_of("127.0.0.1", ntohs(name_of(crowded).sin_port));
		add_backlog();
	}
}

static void fill_sockets(void)
{
	int fds[MOST_SOCKETS];

	for (int i = 0; i < MOST_SOCKETS; i++) {
		fds[i] = sock();
		add_flows(fds[i]);
	}
	fill_backlogs(fds);
	for (int i = 0; i < MOST_SOCKETS; i++)
		close(fds[i]);
}

static pthread_barrier_t buffers;

/*
 * A receive into so many parts has a buffer while it waits. The bind makes COP of a socket
 * that is adopted by a list of ports: without a decision its receive has none.
 */
static void *have_buffer(void *arg)
{
	static const struct timeval wait = { 5, 0 };
	static struct iovec iov[1024];
	static atomic_int port = PORT_MIN;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	struct sockaddr_in addr = addr_of("0.0.0.0", port++);
	int fd = sock();

	if (bind(fd, SA(&addr), sizeof(addr)))
		die("bind");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	pthread_barrier_wait(&buffers);
	recvmsg(fd, &msg, 0);
	close(fd);
	return arg;
}

static void fill_buffers(void)
{
	pthread_t thread[MOST_BUFFERS];

	pthread_barrier_init(&buffers, NULL, MOST_BUFFERS);
	for (int i = 0; i < MOST_BUFFERS; i++)
		if (pthread_create(&thread[i], NULL, have_buffer, NULL))
			die("pthread_create");
	for (int i = 0; i < MOST_BUFFERS; i++)
		pthread_join(thread[i], NULL);
}

/* Until a moment, since a rest grows with each of the many signals on a busy machine. */
static void go_on(int seconds)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	halt = false;
	set_timer(SIGNAL_US);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
		;
}

/* One with FD_CLOEXEC and a low number may be the library's own. */
static void say_descriptors(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in6 addr = { 0 };
		socklen_t len = sizeof(addr);
		char path[32], link[64] = "";
		int flags = fcntl(fd, F_GETFD);

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (flags < 0 || readlink(path, link, sizeof(link) - 1) < 0)
			continue;
		getsockname(fd, SA(&addr), &len);
		fprintf(stderr, "descriptor %d: %s, port %d%s\n", fd, link,
			ntohs(addr.sin6_port), flags ? ", FD_CLOEXEC" : "");
	}
}

static int tell_left(const struct left *before, const struct left *after)
{
	int ports = before->ports + after->ports;
	int fds = after->fds - before->fds;
	long kb = after->kb - before->kb;

	if (fds)
		say_descriptors();
	printf("%s: %d ports lost, %d descriptors left, %ld KB grown, %d "
	       "damaged; %d verified, %d forks, %d execs, %d signals, %d "
	       "strays\n",
	       kind, ports, fds, kb, damaged, verified, forks, execs, signals,
	       *strays);
	return ports || fds || kb > 0 || damaged || !verified || !forks ||
	       !execs || !signals;
}

static int run(int seconds, int warm)
{
	static struct worker worker[WORKERS];
	struct sigaction act = { .sa_handler = handler,
				 .sa_flags = SA_RESTART };
	pthread_t thread[WORKERS];
	struct left before, after;
	pid_t sender;

	strays = mmap(NULL, sizeof(*strays), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (strays == MAP_FAILED)
		die("mmap");
	fill_sockets();
	fill_buffers();
	sender = is_carried ? start_strays() : 0;
	sigaction(SIGALRM, &act, NULL);
	for (int i = 0; i < WORKERS; i++) {
		init_worker(&worker[i], i + getpid());
		if (pthread_create(&thread[i], NULL, work, &worker[i]))
			die("pthread_create");
	}
	go_on(warm);
	before = look();
	go_on(seconds - warm);
	after = look();
	stop = true;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	if (sender > 0 && !kill(sender, SIGKILL))
		waitpid(sender, NULL, 0);
	return tell_left(&before, &after);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	know_kind(argv[1]);
	self = argv[0];
	for (int i = 0; i < SLOTS; i++)
		slot[i] = -1;
	if (!strcmp(argv[2], "child"))
		return child(atoi(argv[3]));
	preload = getenv("LD_PRELOAD") ? strdup(getenv("LD_PRELOAD")) : NULL;
	own_network();
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	set_sysctl("ip_local_port_range", "40000 43999");
	return run(atoi(argv[3]), argc > 4 ? atoi(argv[4]) : 60);
}
