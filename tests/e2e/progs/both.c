// SPDX-License-Identifier: MIT
/*
 * both.c - who gets a port where sockets of IPv4 and of IPv6 want it. All of it plays
 * in a network of the program's own, which has a second IPv6 address and a link-local
 * one.
 */
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "netns.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

#define LOW   40000
#define IF_LO 1

/* An address, and the kind of socket that binds to it. */
static const struct end {
	const char *name;
	int family;
	const char *ip;
	bool v6only;
} ends[] = {
	{ "0.0.0.0", AF_INET, "0.0.0.0", false },
	{ "127.0.0.1", AF_INET, "127.0.0.1", false },
	{ "127.0.0.2", AF_INET, "127.0.0.2", false },
	{ "[::]", AF_INET6, "::", false },
	{ "[::] alone", AF_INET6, "::", true },
	{ "[::1]", AF_INET6, "::1", false },
	{ "[::ffff:127.0.0.1]", AF_INET6, "::ffff:127.0.0.1", false },
	{ "[::ffff:0.0.0.0]", AF_INET6, "::ffff:0.0.0.0", false },
	{ "[fd00::2]", AF_INET6, "fd00::2", false },
	{ "[fe80::1%lo]", AF_INET6, "fe80::1", false },
};

#define ENDS (int)ARRAY_SIZE(ends)

static void add_address(const char *ip)
{
	struct { /* the kernel's struct in6_ifreq */
		struct in6_addr addr;
		uint32_t prefix_len;
		int interface;
	} ifr = { .prefix_len = 64, .interface = IF_LO };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	inet_pton(AF_INET6, ip, &ifr.addr);
	if (fd < 0 || ioctl(fd, SIOCSIFADDR, &ifr))
		skip(ip);
	close(fd);
}

/* ---- sockets of either family --------------------------------------------------- */

static int socket_of(int family, bool plain)
{
	int fd = is_cop && !plain ? socket(family, SOCK_COP, IPPROTO_COP)
				  : socket(family, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static bool reuse; /* set what lets UDP sockets share a port */

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die("setsockopt");
}

static int open_for(const struct end *end, bool plain)
{
	int fd = socket_of(end->family, plain);

	if (end->family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, end->v6only);
	set(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
	return fd;
}

static socklen_t address(const struct end *end, int port,
			 struct sockaddr_storage *room)
{
	struct sockaddr_in *in = (struct sockaddr_in *)room;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)room;

	memset(room, 0, sizeof(*room));
	room->ss_family = end->family;
	in->sin_port = htons(port); /* which is sin6_port, too */
	if (end->family == AF_INET) {
		inet_pton(AF_INET, end->ip, &in->sin_addr);
		return sizeof(*in);
	}
	inet_pton(AF_INET6, end->ip, &in6->sin6_addr);
	if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		in6->sin6_scope_id = IF_LO;
	return sizeof(*in6);
}

static int bind_to(int fd, const struct end *end, int port)
{
	struct sockaddr_storage addr;
	socklen_t len = address(end, port, &addr);

	return bind(fd, SA(&addr), len);
}

static int port_of(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, SA(&addr), &len))
		die("getsockname");
	return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

/* The kernel lets a program bind to a new address only once it has looked for another. */
static void await_address(const struct end *end)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	for (int i = 0; i < 200 && bind_to(fd, end, 0); i++)
		usleep(20000);
	close(fd);
}

static void network_of_both(void)
{
	own_network();
	add_address("fd00::2");
	add_address("fe80::1");
	await_address(&ends[8]);
	await_address(&ends[9]);
}

/* ---- pairs ---------------------------------------------------------------------- */

/* How a holder gets its port: by number, of port 0, in its first send. */
enum way { NUMBER, ZERO, SEND };

static int next_port(void)
{
	static int port = 20000;

	return port++;
}

/* Where a send goes that a socket of this end can make. */
static int send_from(int fd, const struct end *end)
{
	const struct end to = { .family = end->family,
				.ip = end->family == AF_INET ? "127.0.0.1"
							     : "::1" };
	struct sockaddr_storage addr;
	socklen_t len = address(&to, 9, &addr);

	return sendto(fd, "x", 1, 0, SA(&addr), len) == 1 ? 0 : -1;
}

static int hold(const struct end *end, enum way way, bool plain)
{
	int fd = open_for(end, plain);

	if (way == SEND ? send_from(fd, end)
			: bind_to(fd, end, way == NUMBER ? next_port() : 0))
		die(end->name);
	return fd;
}

/* Returns 0 or an errno. */
static int try_bind(const struct end *end, int port)
{
	int fd = open_for(end, false);
	int err = bind_to(fd, end, port) ? errno : 0;

	if (!err && port_of(fd) != port)
		die("another port");
	close(fd);
	return err;
}

/* What each end gets is EADDRINUSE, without exception, whichever end has the port. */
static int tell_exceptions(const struct end *holder, int port)
{
	int refused = 0;

	for (int i = 0; i < ENDS; i++) {
		int err = try_bind(&ends[i], port);

		refused += err == EADDRINUSE;
		if (err != EADDRINUSE)
			printf("%s beside %s: %s\n", ends[i].name, holder->name,
			       err ? strerrorname_np(err) : "bound");
	}
	return refused;
}

static bool can_hold(const struct end *end, enum way way)
{
	return way != SEND || !strcmp(end->ip, "0.0.0.0") ||
	       !strcmp(end->ip, "::");
}

static void pairs_here(enum way way, bool plain)
{
	int refused = 0;

	for (int i = 0; i < ENDS; i++) {
		int fd;

		if (!can_hold(&ends[i], way))
			continue;
		fd = hold(&ends[i], way, plain);
		refused += tell_exceptions(&ends[i], port_of(fd));
		close(fd);
	}
	printf("%d refused\n", refused);
}

/* The holder is a child, which has its socket from after the fork. */
static void pair_elsewhere(const struct end *end, enum way way, int *refused)
{
	int in[2], out[2], port;
	char c;

	if (pipe(in) || pipe(out))
		die("pipe");
	if (!fork()) {
		port = port_of(hold(end, way, false));
		close(out[1]);
		if (write(in[1], &port, sizeof(port)) != sizeof(port))
			die("write");
		_exit(read(out[0], &c, 1) != 0);
	}
	close(in[1]);
	close(out[0]);
	if (read(in[0], &port, sizeof(port)) != sizeof(port))
		die("a child");
	*refused += tell_exceptions(end, port);
	close(in[0]);
	close(out[1]);
	wait(NULL);
}

static void pairs_elsewhere(enum way way)
{
	int refused = 0;

	for (int i = 0; i < ENDS; i++) {
		next_port(); /* a child's number is not the next one's */
		if (can_hold(&ends[i], way))
			pair_elsewhere(&ends[i], way, &refused);
	}
	printf("%d refused\n", refused);
}

static void by_number(void)
{
	network_of_both();
	pairs_here(NUMBER, false);
	reuse = true;
	pairs_here(NUMBER, false);
}

static void by_number_elsewhere(void)
{
	network_of_both();
	pairs_elsewhere(NUMBER);
}

static void by_number_of_plain_udp(void)
{
	network_of_both();
	pairs_here(NUMBER, true);
}

static void of_port_0(void)
{
	network_of_both();
	pairs_here(ZERO, false);
}

static void of_port_0_elsewhere(void)
{
	network_of_both();
	pairs_elsewhere(ZERO);
}

static void in_a_send(void)
{
	network_of_both();
	pairs_here(SEND, false);
}

static void in_a_send_elsewhere(void)
{
	network_of_both();
	pairs_elsewhere(SEND);
}

/* ---- two processes that want one port at the same moment --------------------------- */

#define ROUNDS 500

/* Not the wildcard of IPv4 beside an address of IPv6 only: that is the gap. */
static const int match[][2] = {
	/* indices of ends */
	{ 1, 5 }, { 5, 1 }, { 3, 1 }, { 4, 1 }, { 6, 2 },
	{ 5, 8 }, { 7, 5 }, { 9, 5 }, { 3, 3 },
};

static struct {
	_Atomic(int) arrived;  /* at a barrier, since the beginning */
	_Atomic(int) won, odd; /* binds in a round; other errors */
} * race_shared;

static void meet(void)
{
	int full = (atomic_fetch_add(&race_shared->arrived, 1) / 2 + 1) * 2;

	while (race_shared->arrived < full)
		sched_yield();
}

static void race_once(const struct end *end, int port)
{
	int fd = open_for(end, false);

	meet();
	if (!bind_to(fd, end, port))
		race_shared->won++;
	else if (errno != EADDRINUSE)
		race_shared->odd++;
	meet();
	close(fd);
}

static void race_of(const struct end *one, const struct end *other)
{
	bool first = fork();
	int both = 0;

	for (int i = 0; i < ROUNDS; i++) {
		if (first)
			race_shared->won = 0;
		meet();
		race_once(first ? one : other, 20000 + i);
		both += race_shared->won > 1;
		meet();
	}
	if (!first)
		_exit(0);
	wait(NULL);
	printf("%s and %s: both had it %d times, other errors %d\n", one->name,
	       other->name, both, race_shared->odd);
}

static void race(void)
{
	network_of_both();
	race_shared = mmap(NULL, sizeof(*race_shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (race_shared == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < ARRAY_SIZE(match); i++)
		race_of(&ends[match[i][0]], &ends[match[i][1]]);
}

/* ---- ephemeral ports ------------------------------------------------------------ */

#define RANGE 8

/* Of the ports in the range, the first half has sockets of one end. */
static void hold_half(const struct end *end, int fd[RANGE])
{
	for (int i = 0; i < RANGE / 2; i++) {
		fd[i] = open_for(end, false);
		if (bind_to(fd[i], end, LOW + i))
			die(end->name);
	}
}

/* Returns how many ports of the range somebody had already. */
static int take_rest(const struct end *end, bool by_send, int fd[RANGE],
		     int *got)
{
	int twice = 0;

	for (*got = 0; *got < RANGE; ++*got) {
		fd[*got] = open_for(end, false);
		if (by_send ? send_from(fd[*got], end)
			    : bind_to(fd[*got], end, 0)) {
			close(fd[*got]);
			break;
		}
		twice += port_of(fd[*got]) < LOW + RANGE / 2;
	}
	return twice;
}

static void close_all(const int *fd, int n)
{
	while (n--)
		close(fd[n]);
}

static void rest(const struct end *holder, const struct end *end, bool by_send)
{
	int held[RANGE], taken[RANGE], got, twice;

	hold_half(holder, held);
	twice = take_rest(end, by_send, taken, &got);
	if (twice || got != RANGE / 2)
		printf("%s beside %s%s: %d ports, %d of them twice\n",
		       end->name, holder->name, by_send ? ", by sends" : "",
		       got, twice);
	close_all(held, RANGE / 2);
	close_all(taken, got);
}

static void rests(void)
{
	for (int i = 0; i < ENDS; i++)
		for (int k = 0; k < ENDS; k++) {
			rest(&ends[i], &ends[k], false);
			if (can_hold(&ends[k], SEND))
				rest(&ends[i], &ends[k], true);
		}
	printf("tried all\n");
}

static void small_network(void)
{
	char range[32];

	network_of_both();
	snprintf(range, sizeof(range), "%d %d", LOW, LOW + RANGE - 1);
	set_sysctl("ip_local_port_range", range);
}

static void library_chooses(void)
{
	small_network();
	rests();
}

/* One port of a stranger in so small a range makes a crowd: the kernel chooses. */
static void kernel_chooses(void)
{
	small_network();
	bind_to(socket_of(AF_INET, true), &ends[0], 9);
	rests();
}

/* The program's own range: the kernel chooses as well. */
static void program_chooses(void)
{
	const struct end *four = &ends[0], *one = &ends[5];
	uint32_t range = (LOW + 1) << 16 | LOW;
	int fd;

	network_of_both();
	T(bind_to(open_for(one, false), one, LOW));
	fd = open_for(four, false);
	T(setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
		     sizeof(range)));
	T(bind_to(fd, four, 0));
	T(port_of(fd));
	fd = open_for(four, false);
	T(setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
		     sizeof(range)));
	T(bind_to(fd, four, 0));
}

/* ---- a second network ------------------------------------------------------------ */

/* A port of the first network is free in the second one, and there it is one, too. */
static void in_two_networks(void)
{
	const struct end *one = &ends[5];
	int port = next_port();

	network_of_both();
	T(bind_to(open_for(one, false), one, port));
	network_of_both();
	T(bind_to(open_for(one, false), one, port));
	printf("%d refused\n", tell_exceptions(one, port));
	T(bind_to(open_for(&ends[3], false), &ends[3], 0));
	T(send_from(open_for(&ends[3], false), one));
}

/* ---- IPV6_V6ONLY and devices ---------------------------------------------------- */

static void disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (connect(fd, &none, sizeof(none)))
		die("connect");
}

static int v6only(int fd)
{
	socklen_t len = sizeof(int);
	int is = -1;

	getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is, &len);
	return is;
}

/* A bind to one address sets IPV6_V6ONLY, and a disconnect leaves it. */
static void bound_before(void)
{
	const struct end *one = &ends[5];
	int fd;

	network_of_both();
	fd = open_for(one, false);
	T(v6only(fd));
	T(bind_to(fd, one, 0));
	T(v6only(fd));
	disconnect(fd);
	T(v6only(fd));
	T(port_of(fd));
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int)));
	T(v6only(fd));
}

/* A child that holds a port until it is killed. */
static pid_t holder_of(const struct end *end, int *port)
{
	int in[2];
	pid_t pid;

	if (pipe(in))
		die("pipe");
	pid = fork();
	if (!pid) {
		*port = port_of(hold(end, NUMBER, false));
		if (write(in[1], port, sizeof(*port)) == sizeof(*port))
			pause();
		_exit(1);
	}
	if (read(in[0], port, sizeof(*port)) != sizeof(*port))
		die("a child");
	return pid;
}

/* [::] does not see another process's port of IPv4 while IPV6_V6ONLY is set. */
static void set_between(void)
{
	const struct end *all = &ends[3], *one = &ends[5];
	int fd, port;
	pid_t pid;

	network_of_both();
	pid = holder_of(&ends[1], &port);
	fd = socket_of(AF_INET6, false);
	set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	T(bind_to(fd, all, port));
	set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	T(bind_to(fd, all, port));
	fd = socket_of(AF_INET6, false);
	T(bind_to(fd, one, 0));
	disconnect(fd);
	T(bind_to(fd, all, port));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	T(bind_to(fd, all, port));
}

static void show(int fd)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t len = sizeof(addr);
	char ip[64], device[IFNAMSIZ] = "";

	if (getsockname(fd, SA(&addr), &len))
		die("getsockname");
	inet_ntop(AF_INET6, &addr.sin6_addr, ip, sizeof(ip));
	printf("  [%s%%%u]:%s v6only %d", ip, addr.sin6_scope_id,
	       addr.sin6_port ? "port" : "0", v6only(fd));
	len = sizeof(device);
	getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len);
	printf(" device %s\n", device);
}

/* A link-local address puts the socket on its interface; a disconnect takes it off. */
static void bind_to_link_local(void)
{
	const struct end *local = &ends[9];
	int fd, port;

	for (int number = 0; number < 2; number++) {
		fd = socket_of(AF_INET6, false);
		T(bind_to(fd, local, number ? next_port() : 0));
		show(fd);
		disconnect(fd);
		show(fd);
		T(send_from(fd, local));
		show(fd);
		disconnect(fd);
		show(fd);
		port = number ? port_of(fd) : next_port();
		T(bind_to(fd, local, port));
		show(fd);
		close(fd);
	}
}

static void link_local(void)
{
	network_of_both();
	bind_to_link_local();
}

/* Likewise where the kernel chooses the port. */
static void link_local_in_a_crowd(void)
{
	small_network();
	bind_to(socket_of(AF_INET, true), &ends[0], 9);
	bind_to_link_local();
}

/* A bind that is refused leaves the interface, and a taken port the address. */
static void refused(void)
{
	int holder, fd;

	network_of_both();
	for (int i = 3; i < ENDS; i++) {
		holder = hold(&ends[3], NUMBER, false);
		fd = open_for(&ends[i], false);
		printf("%s\n", ends[i].name);
		T(bind_to(fd, &ends[i], port_of(holder)));
		show(fd);
		T(bind_to(fd, &ends[i], 0));
		show(fd);
		disconnect(fd);
		show(fd);
		T(bind_to(fd, &ends[i], port_of(holder)));
		show(fd);
		close(fd);
		close(holder);
	}
}

static void on_a_device(void)
{
	int fd = -1;

	network_of_both();
	for (int i = 3; i < ENDS; i++) {
		fd = socket_of(AF_INET6, false);
		printf("%s\n", ends[i].name);
		T(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
		T(bind_to(fd, &ends[i], i % 2 ? next_port() : 0));
		show(fd);
		disconnect(fd);
		show(fd);
		close(fd);
	}
}

static void freely(void)
{
	static const struct end far = { "far", AF_INET6, "2001:db8::7", false };
	static const struct end old = { "old", AF_INET6, "::ffff:198.51.100.7",
					false };
	int fd;

	network_of_both();
	for (int free = 0; free < 2; free++) {
		fd = socket_of(AF_INET6, false);
		set(fd, IPPROTO_IPV6, IPV6_FREEBIND, free);
		T(bind_to(fd, &far, next_port()));
		show(fd);
		fd = socket_of(AF_INET6, false);
		set(fd, IPPROTO_IPV6, IPV6_FREEBIND, free);
		T(bind_to(fd, &old, free ? 0 : next_port()));
		show(fd);
		fd = socket_of(AF_INET6, false);
		set(fd, IPPROTO_IPV6, IPV6_FREEBIND, free);
		T(bind_to(fd, &far, port_of(hold(&ends[3], NUMBER, false))));
	}
}

SCENARIOS({ "by_number", by_number },
	  { "by_number_elsewhere", by_number_elsewhere },
	  { "by_number_of_plain_udp", by_number_of_plain_udp },
	  { "of_port_0", of_port_0 },
	  { "of_port_0_elsewhere", of_port_0_elsewhere },
	  { "in_a_send", in_a_send },
	  { "in_a_send_elsewhere", in_a_send_elsewhere }, { "race", race },
	  { "library_chooses", library_chooses },
	  { "kernel_chooses", kernel_chooses },
	  { "program_chooses", program_chooses },
	  { "in_two_networks", in_two_networks },
	  { "bound_before", bound_before }, { "set_between", set_between },
	  { "link_local", link_local },
	  { "link_local_in_a_crowd", link_local_in_a_crowd },
	  { "refused", refused }, { "on_a_device", on_a_device },
	  { "freely", freely })
