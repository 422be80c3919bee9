// SPDX-License-Identifier: MIT
/*
 * ports.c - who gets a port: processes, threads and signal handlers that want
 * the same ones.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "netns.h"

#define PORTS	    65536
#define PROCESSES   8
#define LOW	    40000   /* of the ephemeral range in a network of its own */
#define NEAR_SECOND 1100000 /* us; settings are followed within one */

/* What processes tell each other. */
static struct {
	_Atomic(int) arrived;	   /* at a barrier, since the beginning */
	_Atomic(int) port;	   /* to be fought for, network order */
	_Atomic(int) won, odd;	   /* binds in a round; other errors */
	_Atomic(int) times[PORTS]; /* that a port was handed out */
	_Atomic(int) owner[PORTS]; /* whose it is, 0: nobody's */
	_Atomic(int) twice;	   /* ports that had an owner already */
	_Atomic(int) refused;	   /* binds, though a port was left */
	_Atomic(int) err[PROCESSES + 1][3]; /* when no port is left */
} * shared;

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
}

/* A barrier; the same @n take part in each. */
static void meet(int n)
{
	int full = (atomic_fetch_add(&shared->arrived, 1) / n + 1) * n;

	while (shared->arrived < full)
		sched_yield();
}

/* A child that doesn't outlive us. */
static pid_t spawn(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

static void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		printf("a child ended with %#x\n", status);
}

static int bind_to(int fd, const char *ip, in_port_t port)
{
	struct sockaddr_in addr = addr_of(ip, ntohs(port));

	return bind(fd, SA(&addr), sizeof(addr));
}

static in_port_t port_of(int fd)
{
	return name_of(fd).sin_port;
}

/* A port that nobody holds. */
static in_port_t free_port(void)
{
	int fd = sock();
	in_port_t port;

	if (bind_to(fd, "0.0.0.0", 0))
		die("bind");
	port = port_of(fd);
	close(fd);
	return port;
}

static int try_bind(const char *ip, in_port_t port)
{
	int fd = sock();
	int ret = bind_to(fd, ip, port);
	int err = errno;

	close(fd);
	errno = ret ? err : UNTOUCHED;
	return ret;
}

/* ---- one port, two that want it ---------------------------------------- */

static const char *const match[][2] = {
	{ "0.0.0.0", "0.0.0.0" },     { "127.0.0.1", "127.0.0.1" },
	{ "127.0.0.1", "127.0.0.2" }, { "0.0.0.0", "127.0.0.1" },
	{ "127.0.0.1", "0.0.0.0" },   { "224.0.0.1", "127.0.0.1" },
	{ "0.0.0.0", "224.0.0.1" },   { "127.255.255.255", "127.0.0.1" },
};

static void tell_refused(const char *ip, const char *against, in_port_t port)
{
	int ret = try_bind(ip, port);

	printf("%s against %s: %s\n", ip, against,
	       ret ? strerrorname_np(errno) : "bound");
}

/* One process holds a port; another one asks for it. */
static void taken(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(match); i++) {
		int fd = sock();
		in_port_t port;
		pid_t pid;

		bind_to(fd, match[i][0], 0);
		port = port_of(fd);
		pid = spawn();
		if (!pid) {
			close(fd);
			tell_refused(match[i][1], match[i][0], port);
			exit(0);
		}
		reap(pid);
		close(fd);
	}
}

/* The same, and the port was asked for by its number. */
static void taken_by_number(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(match); i++) {
		in_port_t port = free_port();
		int fd = sock();
		pid_t pid;

		if (bind_to(fd, match[i][0], port))
			die("bind");
		pid = spawn();
		if (!pid) {
			close(fd);
			tell_refused(match[i][1], match[i][0], port);
			exit(0);
		}
		reap(pid);
		close(fd);
	}
}

/* Bind at the same moment as the other one. */
static void race_once(const char *ip)
{
	int fd = sock();

	meet(2);
	if (!bind_to(fd, ip, shared->port))
		shared->won++;
	else if (errno != EADDRINUSE)
		shared->odd++;
	meet(2);
	close(fd);
}

enum { ROUNDS = 4000 };

static void race_as_second(const char *ip)
{
	for (int i = 0; i < ROUNDS; i++) {
		meet(2);
		race_once(ip);
	}
}

static int race_as_first(const char *ip, const char *against)
{
	int both = 0, none = 0;

	shared->odd = 0;
	for (int i = 0; i < ROUNDS; i++) {
		shared->port = free_port();
		shared->won = 0;
		meet(2);
		race_once(ip);
		both += shared->won == 2;
		none += shared->won == 0;
	}
	printf("%s and %s: both had it %d times, other errors %d", ip, against,
	       both, shared->odd);
	return none;
}

static void race(void)
{
	own_network();
	share();
	for (size_t i = 0; i < ARRAY_SIZE(match); i++) {
		pid_t pid = spawn();

		if (!pid) {
			race_as_second(match[i][1]);
			_exit(0);
		}
		printf(", none %d\n", race_as_first(match[i][0], match[i][1]));
		reap(pid);
	}
}

static void *second_thread(void *ip)
{
	race_as_second(ip);
	return NULL;
}

static void race_of_threads(void)
{
	own_network();
	share();
	for (size_t i = 0; i < ARRAY_SIZE(match); i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, second_thread,
			       (void *)match[i][1]);
		printf(", none %d\n", race_as_first(match[i][0], match[i][1]));
		pthread_join(thread, NULL);
	}
}

/* ---- holders ----------------------------------------------------------- */

/* A child that holds a port at @ip until it is killed. */
static pid_t holder(const char *ip, in_port_t *port)
{
	int out[2];
	pid_t pid;

	if (pipe(out))
		die("pipe");
	pid = spawn();
	if (!pid) {
		int fd = sock();

		bind_to(fd, ip, *port);
		*port = port_of(fd);
		if (write(out[1], port, sizeof(*port)) > 0)
			pause();
		_exit(1);
	}
	if (read(out[0], port, sizeof(*port)) != sizeof(*port))
		die("a child");
	close(out[0]);
	close(out[1]);
	return pid;
}

static void killed_holding(const char *ip, in_port_t port)
{
	pid_t pid = holder(ip, &port);

	T(try_bind("0.0.0.0", port));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	T(try_bind("0.0.0.0", port));
	T(try_bind("127.0.0.1", port));
}

static void killed(void)
{
	killed_holding("0.0.0.0", 0);
	killed_holding("0.0.0.0", free_port());
	killed_holding("127.0.0.1", 0);
	killed_holding("127.0.0.1", free_port());
}

/* A child that has inherited @fd and closes it when told to. */
static pid_t heir(int fd, int *tell)
{
	int in[2];
	pid_t pid;

	if (pipe(in))
		die("pipe");
	pid = spawn();
	if (!pid) {
		char c;

		close(in[1]);
		_exit(read(in[0], &c, 1) < 0 || close(fd));
	}
	close(in[0]);
	*tell = in[1];
	return pid;
}

static void inherited_at(const char *ip, in_port_t port)
{
	int fd = sock(), tell;
	pid_t pid;

	T(bind_to(fd, ip, port));
	port = port_of(fd);
	pid = heir(fd, &tell);
	close(fd);
	T(try_bind(ip, port));
	T(try_bind("0.0.0.0", port));
	close(tell);
	reap(pid);
	T(try_bind(ip, port));
}

static void inherited(void)
{
	inherited_at("0.0.0.0", 0);
	inherited_at("0.0.0.0", free_port());
	inherited_at("127.0.0.1", 0);
	inherited_at("127.0.0.1", free_port());
}

/* ---- all ports of a range ---------------------------------------------- */

static int range_size;

static void set_range(int low, int size)
{
	char text[32];

	range_size = size;
	snprintf(text, sizeof(text), "%d %d", low, low + size - 1);
	set_sysctl("ip_local_port_range", text);
}

/* The ways to an ephemeral port. */
static int take_by_bind(int fd)
{
	return bind_to(fd, "0.0.0.0", 0);
}

static int take_by_bind_to_one(int fd)
{
	return bind_to(fd, "127.0.0.1", 0);
}

static int take_by_connect(int fd)
{
	struct sockaddr_in to = addr_of("127.0.0.1", 9);

	return connect(fd, SA(&to), sizeof(to));
}

static int take_by_send(int fd)
{
	struct sockaddr_in to = addr_of("127.0.0.1", 9);

	return sendto(fd, "x", 1, 0, SA(&to), sizeof(to)) < 0 ? -1 : 0;
}

static int (*const way[])(int fd) = {
	take_by_bind,
	take_by_connect,
	take_by_send,
	take_by_bind_to_one,
};

/* A socket with a port, or -1 and errno. */
static int take(int (*how)(int fd))
{
	int fd = sock();
	int err;

	if (!how(fd))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static void own(int fd, int me)
{
	if (atomic_exchange(&shared->owner[ntohs(port_of(fd))], me))
		shared->twice++;
}

static void disown(int fd)
{
	shared->owner[ntohs(port_of(fd))] = 0;
	close(fd);
}

static int held[PORTS], held_count;

/* Until there is none left; @me is above 0. */
static void take_all(int me, int (*how)(int fd))
{
	int fd;

	for (held_count = 0; (fd = take(how)) >= 0; held_count++) {
		held[held_count] = fd;
		shared->times[ntohs(port_of(fd))]++;
		own(fd, me);
	}
	for (int i = 0; i < 3; i++)
		shared->err[me][i] = take(way[i]) < 0 ? errno : 0;
}

static int taken_once(void)
{
	int n = 0;

	for (int p = LOW; p < LOW + range_size; p++)
		n += shared->times[p] == 1;
	return n;
}

static int taken_in_all(void)
{
	int n = 0;

	for (int p = 0; p < PORTS; p++)
		n += shared->times[p];
	return n;
}

static void forget_all(void)
{
	shared->arrived = shared->twice = shared->refused = 0;
	memset(shared->times, 0, sizeof(shared->times));
	memset(shared->owner, 0, sizeof(shared->owner));
}

static void tell_taken(void)
{
	printf("%d ports of %d, %d of them once, %d twice at a time\n",
	       taken_in_all(), range_size, taken_once(), shared->twice);
}

static void tell_errors(int me)
{
	printf("then bind %s, connect %s, sendto %s\n",
	       strerrorname_np(shared->err[me][0]),
	       strerrorname_np(shared->err[me][1]),
	       strerrorname_np(shared->err[me][2]));
}

static void release_all(void)
{
	while (held_count)
		disown(held[--held_count]);
}

/* One port is free: it is the one that comes out, whichever it is. */
static void take_last_again(int (*how)(int fd))
{
	int missed = 0;

	for (int i = 0; i < held_count; i++) {
		in_port_t port = port_of(held[i]);

		close(held[i]);
		held[i] = take(how);
		if (held[i] < 0 || port_of(held[i]) != port)
			missed++;
	}
	printf("the last one was missed %d times\n", missed);
}

static void exhausted_alone(void)
{
	own_network();
	set_range(LOW, 300);
	share();
	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		take_all(1, way[i]);
		tell_taken();
		tell_errors(1);
		take_last_again(way[i]);
		release_all();
		forget_all();
	}
}

/*
 * All give one port back, then all take one: as many are left as are wanted, so
 * nobody is to be refused.
 */
static void take_turns(int me, int (*how)(int fd))
{
	for (int i = 0; i < 100; i++) {
		int fd = held_count ? held[i % held_count] : -1;

		if (fd >= 0)
			disown(fd);
		meet(PROCESSES);
		if (fd >= 0) {
			fd = take(how);
			shared->refused += fd < 0;
		}
		if (fd >= 0) {
			held[i % held_count] = fd;
			own(fd, me);
		}
		meet(PROCESSES);
	}
}

static void work(int me, int (*how)(int fd))
{
	meet(PROCESSES);
	take_all(me, how);
	meet(PROCESSES);
	take_turns(me, how);
	_exit(0);
}

static void exhaust_by_all(int (*how)(int fd))
{
	pid_t pid[PROCESSES];

	for (int i = 0; i < PROCESSES; i++) {
		pid[i] = spawn();
		if (!pid[i])
			work(i + 1, how);
	}
	for (int i = 0; i < PROCESSES; i++)
		reap(pid[i]);
}

static void exhausted_together(void)
{
	own_network();
	set_range(LOW, 300);
	share();
	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		exhaust_by_all(way[i]);
		tell_taken();
		for (int me = 1; me <= PROCESSES; me++)
			tell_errors(me);
		printf("%d were refused a port that was left\n",
		       shared->refused);
		forget_all();
	}
}

/* ---- threads ----------------------------------------------------------- */

#define CHURN_SECONDS 10
#define SLOTS	      6 /* sockets that a thread has at a time */

static _Atomic(bool) stop;
static _Atomic(long) opened;

static const char *const own_ips[] = { "0.0.0.0", "127.0.0.1", "127.0.0.2" };

/* By number, any of the range at any address; else in any of the ways. */
static int take_somehow(unsigned int *seed)
{
	int fd, ret;

	if (rand_r(seed) % 3)
		return take(way[rand_r(seed) / 8 % ARRAY_SIZE(way)]);
	fd = sock();
	ret = bind_to(fd, own_ips[rand_r(seed) / 8 % ARRAY_SIZE(own_ips)],
		      htons(LOW + rand_r(seed) / 8 % range_size));
	if (!ret)
		return fd;
	if (errno != EADDRINUSE)
		shared->odd++;
	close(fd);
	return -2; /* somebody has it */
}

static void *open_and_close(void *arg)
{
	int me = (int)(long)arg, slot[SLOTS];
	unsigned int seed = me;

	memset(slot, -1, sizeof(slot));
	while (!stop) {
		int *fd = &slot[rand_r(&seed) / 8 % SLOTS];

		if (*fd >= 0) {
			disown(*fd);
			*fd = -1;
			continue;
		}
		*fd = take_somehow(&seed);
		shared->refused += *fd == -1;
		if (*fd >= 0)
			own(*fd, me);
		opened += *fd >= 0;
	}
	for (int i = 0; i < SLOTS; i++)
		if (slot[i] >= 0)
			disown(slot[i]);
	return NULL;
}

/* All ports can be had, first by number, then by chance. */
static void take_all_again(void)
{
	int n = 0;

	for (int p = LOW; p < LOW + range_size; p++)
		n += !try_bind("0.0.0.0", htons(p));
	printf("%d of %d can be bound again\n", n, range_size);
	forget_all();
	take_all(1, take_by_bind);
	tell_taken();
}

static void threads(void)
{
	pthread_t thread[PROCESSES];

	alarm(CHURN_SECONDS + 8);
	own_network();
	set_range(LOW, 100);
	share();
	for (long i = 0; i < PROCESSES; i++)
		pthread_create(&thread[i], NULL, open_and_close,
			       (void *)(i + 1));
	sleep(CHURN_SECONDS);
	stop = true;
	for (int i = 0; i < PROCESSES; i++)
		pthread_join(thread[i], NULL);
	printf("opened many: %s\n", opened > 5000 ? "yes" : "no");
	printf("%d twice at a time, %d refused, %d other errors\n",
	       shared->twice, shared->refused, shared->odd);
	take_all_again();
}

/* ---- signal handlers --------------------------------------------------- */

static volatile sig_atomic_t handled, handler_failed;
static volatile in_port_t wanted; /* that the program has or is about to have */

/* Some port, and now and then the very one that the program is binding. */
static void on_alarm(int sig)
{
	static unsigned int seed = 1;
	int saved = errno;
	int fd;

	(void)sig;
	fd = take(way[seed++ % ARRAY_SIZE(way)]);
	if (fd < 0)
		handler_failed++;
	else
		close(fd);
	fd = sock();
	if (bind_to(fd, own_ips[seed % ARRAY_SIZE(own_ips)], wanted) &&
	    errno != EADDRINUSE)
		handler_failed++;
	close(fd);
	handled++;
	errno = saved;
}

/* What the handler holds it gives back before it returns, so all can be had. */
static int bind_interrupted(unsigned int round)
{
	int fd = take(way[round % ARRAY_SIZE(way)]);
	int failed = fd < 0;

	if (fd < 0)
		return 1;
	wanted = port_of(fd);
	close(fd);
	fd = sock();
	failed += bind_to(fd, own_ips[round % ARRAY_SIZE(own_ips)], wanted);
	close(fd);
	return !!failed;
}

static int lowest_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void interrupt_every(int us)
{
	struct itimerval every = { { 0, us }, { 0, us } };

	if (setitimer(ITIMER_REAL, &every, NULL))
		die("setitimer");
}

static void signals(void)
{
	int before = lowest_fd(), failed = 0;
	unsigned int rounds = 0;

	own_network();
	set_range(LOW, 100);
	share();
	alarm(0);
	signal(SIGALRM, on_alarm);
	interrupt_every(300);
	for (; handled < 5000; rounds++)
		failed += bind_interrupted(rounds);
	interrupt_every(0);
	printf("%d of the program's failed, %d of the handler's\n", failed,
	       handler_failed);
	printf("descriptors left: %d\n", lowest_fd() - before);
	printf("many: %s\n", rounds > 5000 ? "yes" : "no");
	take_all_again();
}

/* ---- settings that change ---------------------------------------------- */

/* How many of @n ports are in the range, and how many can't be had. */
static void tell_ports(int n, int low, int high)
{
	int inside = 0, refused = 0;

	for (int i = 0; i < n; i++) {
		int fd = take(way[i % 2]);

		refused += fd < 0;
		if (fd >= 0) {
			in_port_t port = ntohs(port_of(fd));

			inside += port >= low && port <= high;
		}
	}
	printf("%d of %d from %d to %d, %d refused\n", inside, n, low, high,
	       refused);
}

static void change(const char *name, const char *value)
{
	printf("%s = %s: ", name, value);
	set_sysctl(name, value);
	usleep(NEAR_SECOND);
}

static void live(void)
{
	own_network();
	set_sysctl("ip_local_port_range", "40000 40099");
	tell_ports(50, 40000, 40099);
	change("ip_local_port_range", "41000 41059");
	tell_ports(50, 41000, 41059);
	change("ip_local_reserved_ports", "41000-41999,42001,42003-42008");
	tell_ports(5, 0, 0);
	change("ip_local_port_range", "42000 42019");
	tell_ports(13, 42000, 42019);
	T(try_bind("0.0.0.0", htons(42001)));
	change("ip_local_reserved_ports", "42001");
	tell_ports(7, 42003, 42008);
}

SCENARIOS({ "taken", taken }, { "taken_by_number", taken_by_number },
	  { "race", race }, { "race_of_threads", race_of_threads },
	  { "killed", killed }, { "inherited", inherited },
	  { "exhausted_alone", exhausted_alone },
	  { "exhausted_together", exhausted_together }, { "threads", threads },
	  { "signals", signals }, { "live", live })
