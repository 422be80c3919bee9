// SPDX-License-Identifier: MIT
/*
 * shown.c - sockets for cop stat to show. Each scenario says its ports and then
 * "ready", and keeps what it has until its stdin is at its end.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "raw.h"
#include "six.h"

static void ready(void)
{
	printf("ready\n");
}

static void until_told(void)
{
	char c;

	while (read(0, &c, 1) > 0)
		;
}

static void say_port(const char *name, int fd)
{
	printf("%s=%d\n", name, ntohs(name_of(fd).sin_port));
}

static void send_some(int fd, int n, const char *text)
{
	for (int i = 0; i < n; i++)
		if (send(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
			die("send");
}

static void take_some(int fd, int n)
{
	for (int i = 0; i < n; i++)
		if (recv(fd, buf, sizeof(buf), 0) < 0)
			die("recv");
}

/* ---- what there is to be seen -------------------------------------------- */

/* A is not connected, B is, to A; C has nothing. Two wait at A, one at B. */
static void exchange(void)
{
	int c;

	make_pair();
	connect_to(sock_b, &addr_a);
	send_some(sock_b, 5, "ten bytes!");
	take_some(sock_a, 3);
	deliver("answer");
	c = sock();
	if (dup2(sock_b, 50) != 50 || dup2(sock_b, 40) != 40)
		die("dup2");
	say_port("a", sock_a);
	say_port("b", sock_b);
	printf("fds=%d %d %d\n", sock_a, sock_b, c);
	ready();
	until_told();
	close(40);
	close(50);
	close(sock_a);
	close(sock_b);
}

/* A receiver that is too short, and a peer that is not there. */
static void errors(void)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 0);
	int plain = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(plain, SA(&nobody), sizeof(nobody)))
		die("bind");
	nobody = name_of(plain);
	close(plain);
	make_pair();
	deliver("much too long");
	T(recv(sock_b, buf, 4, 0));
	connect_to(sock_a, &nobody);
	T(send(sock_a, "refused", 7, 0));
	T(send(sock_a, "refused", 7, 0));
	ready();
	until_told();
	close(sock_a);
	close(sock_b);
}

#define MANY 700

static void many(void)
{
	for (int i = 0; i < MANY; i++)
		sock_at('A', "127.0.0.1");
	ready();
	until_told();
}

/* The child has its parent's sockets, one of which it has bound by itself. */
static void forked(void)
{
	int unbound = sock();
	pid_t child;

	make_pair();
	deliver("to both");
	child = fork();
	if (child) {
		waitpid(child, NULL, 0);
		return;
	}
	take_some(sock_b, 1);
	if (bind(unbound, SA(&(struct sockaddr_in){ .sin_family = AF_INET }),
		 sizeof(struct sockaddr_in)))
		die("bind");
	say_port("bound", unbound);
	printf("child=%d\n", getpid());
	ready();
	until_told();
}

/* The parent stands still until the child is another program, or has ended. */
static void vforked(void)
{
	pid_t child;

	make_pair();
	child = vfork();
	if (!child) {
		printf("child=%d\n", getpid());
		ready();
		until_told();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

/* One that has been a vfork()'s parent has its memory for itself again. */
static void spawned(void)
{
	pid_t child = vfork();

	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	make_pair();
	ready();
	until_told();
}

/*
 * A sends to B, C and D, then to B as its peer, then to D without one: the first
 * destination, the table, and the peer.
 */
static void flows(void)
{
	int c = sock_at('C', "127.0.0.1"), d = sock_at('D', "127.0.0.1");
	struct sockaddr_in addr_c = name_of(c), addr_d = name_of(d);

	make_pair();
	deliver("1");
	deliver("22");
	for (int i = 0; i < 3; i++)
		sendto(sock_a, "333", 3, 0, SA(&addr_c), sizeof(addr_c));
	sendto(sock_a, "4444", 4, 0, SA(&addr_d), sizeof(addr_d));
	sendto(d, "from d", 6, 0, SA(&addr_a), sizeof(addr_a));
	sendto(sock_b, "from b", 6, 0, SA(&addr_a), sizeof(addr_a));
	take_some(sock_a, 2);
	connect_to(sock_a, &addr_b);
	send_some(sock_a, 4, "55555");
	say_port("a", sock_a);
	say_port("b", sock_b);
	say_port("c", c);
	say_port("d", d);
	ready();
	until_told();
	close(sock_a);
}

static void say_port6(const char *name, int fd)
{
	printf("%s=%d\n", name, ntohs(port_of6(fd)));
}

static void send6(int fd, const char *ip, in_port_t port)
{
	struct sockaddr_in6 addr = addr6(ip, port);

	if (sendto(fd, "six", 3, 0, SA(&addr), sizeof(addr)) != 3)
		die(ip);
}

/*
 * A takes IPv4, too, B does not, C is at one address. D and E are connected to A, E
 * by IPv4. C and E send to A, and A to C.
 */
static void families(void)
{
	int a = sock6_at("::", false), b = sock6_at("::", true),
	    c = sock6_at("::1", false), d = sock6(), e = sock6();

	connect6(d, "::1", port_of6(a));
	connect6(e, "::ffff:127.0.0.1", port_of6(a));
	send6(c, "::1", port_of6(a));
	send_some(e, 2, "by IPv4");
	take_some(a, 3);
	send6(a, "::1", port_of6(c));
	say_port6("a", a);
	say_port6("b", b);
	say_port6("c", c);
	say_port6("d", d);
	say_port6("e", e);
	ready();
	until_told();
	close(a);
	close(b);
	close(c);
	close(d);
	close(e);
}

/* F is at a link-local address, G is connected to it, and a child binds H to it. */
static void scoped(void)
{
	int f, g, h;
	pid_t child;

	own_network6();
	f = sock6_at(LINK_LOCAL, false);
	g = sock6();
	h = sock6();
	connect6(g, LINK_LOCAL, port_of6(f));
	send_some(g, 1, "scoped");
	take_some(f, 1);
	child = fork();
	if (!child) {
		struct sockaddr_in6 addr = addr6(LINK_LOCAL, 0);

		_exit(bind(h, SA(&addr), sizeof(addr)) != 0);
	}
	waitpid(child, NULL, 0);
	say_port6("f", f);
	say_port6("g", g);
	ready();
	until_told();
	close(f);
	close(g);
	close(h);
}

/* It has a peer of IPv6 first, then one of IPv4. */
static int make_reformable(in_port_t a)
{
	int fd = sock6();

	send6(fd, "::1", a);
	connect6(fd, "::ffff:127.0.0.1", a);
	send_some(fd, 2, "by IPv4");
	return fd;
}

static void reform(int fd)
{
	int family = AF_INET;

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &family,
		       sizeof(family)))
		die("IPV6_ADDRFORM");
}

/* B becomes a socket of IPv4, and a child makes C one. */
static void reformed(void)
{
	int a = sock6_at("::", false), b = make_reformable(port_of6(a)),
	    c = make_reformable(port_of6(a));
	pid_t child;

	reform(b);
	child = fork();
	if (!child) {
		reform(c);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	say_port6("a", a);
	say_port("b", b);
	say_port("c", c);
	ready();
	until_told();
}

/* More peers than a socket keeps: B hears from all of them. */
static void crowd(void)
{
	make_pair();
	for (int i = 0; i < 1100; i++) {
		char from_ip[16];
		int fd;

		snprintf(from_ip, sizeof(from_ip), "127.1.%d.%d", i / 250,
			 i % 250);
		fd = sock_at('C', from_ip);
		sendto(fd, "x", 1, 0, SA(&addr_b), sizeof(addr_b));
		take_some(sock_b, 1);
		close(fd);
	}
	ready();
	until_told();
}

/* Numbers that were closed unseen, and are something else now, or nothing. */
static void stale(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int plain;

	make_pair();
	for (int i = 0; i < 3; i++)
		dup2(sock_a, 60 + i);
	raw(SYS_dup3, open("/dev/null", O_RDONLY), 60, 0, 0);
	plain = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0);
	raw(SYS_bind, plain, (long)&addr, sizeof(addr), 0);
	raw(SYS_dup3, plain, 61, 0, 0);
	raw(SYS_dup3, plain, sock_b, 0, 0);
	raw(SYS_close, sock_at('C', "127.0.0.1"), 0, 0, 0);
	printf("fds=%d 62\n", sock_a);
	ready();
	until_told();
}

/* Its sockets stay in the network that they were made in. */
static void moved(void)
{
	make_pair();
	deliver("queued");
	if (unshare(CLONE_NEWNET))
		skip("unshare");
	ready();
	until_told();
}

/* Ten datagrams for each byte that comes. */
static void paced(void)
{
	char c;

	connect_pair();
	ready();
	while (read(0, &c, 1) > 0) {
		send_some(sock_a, 10, "seven b");
		take_some(sock_b, 10);
		printf("sent\n");
	}
}

static void protected(void)
{
	make_pair();
	prctl(PR_SET_DUMPABLE, 0);
	ready();
	until_told();
}

/* With bytes that are no UTF-8, and such as terminals obey. */
static void named(void)
{
	make_pair();
	prctl(PR_SET_NAME, "a\"\\\033[2J\xff\xc3\xa4");
	ready();
	until_told();
}

/* Adopted: one that is, and one of which it is not known. */
static void listed(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int fd = sock();

	if (bind(fd, SA(&addr), sizeof(addr)))
		die("bind");
	sock_at('A', "127.0.0.1");
	connect_to(sock(), &(struct sockaddr_in){ .sin_family = AF_INET,
						  .sin_port = htons(7) });
	ready();
	until_told();
}

/* ---- sockets that come and go -------------------------------------------- */

#define THREADS	 8
#define BURST	 20
#define TEXT	 "7 bytes"
#define TEXT_LEN 7
#define PEERS	 3

static _Atomic(int) stop;
static _Atomic(long) rounds;

static void churn_round(void)
{
	struct sockaddr_in at = addr_of("127.0.0.1", 0), to;
	int a = sock(), b = sock(), twin, fds[PEERS];

	if (bind(a, SA(&at), sizeof(at)))
		die("bind");
	to = name_of(a);
	connect_to(b, &to);
	twin = dup(b);
	for (int i = 0; i < PEERS; i++) {
		fds[i] = sock();
		sendto(fds[i], TEXT, TEXT_LEN, 0, SA(&to), sizeof(to));
	}
	for (int i = 0; i < BURST - PEERS; i++)
		send(i & 1 ? b : twin, TEXT, TEXT_LEN, 0);
	for (int i = 0; i < BURST; i++) {
		char room[16];
		struct sockaddr_in who;
		socklen_t len = sizeof(who);

		if (recvfrom(a, room, sizeof(room), MSG_DONTWAIT, SA(&who),
			     &len) > 0)
			sendto(a, TEXT, TEXT_LEN, 0, SA(&who), len);
	}
	for (int i = 0; i < PEERS; i++)
		close(fds[i]);
	close(b);
	close(a);
	close(twin);
	atomic_fetch_add(&rounds, 1);
}

static void *churner(void *unused)
{
	while (!stop)
		churn_round();
	return unused;
}

/* Says how often it went round for each byte that comes. */
static void churn(void)
{
	pthread_t thread[THREADS];
	char c;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, churner, NULL);
	ready();
	while (read(0, &c, 1) > 0)
		printf("rounds=%ld\n", rounds);
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("end\n");
}

SCENARIOS({ "exchange", exchange }, { "errors", errors }, { "many", many },
	  { "forked", forked }, { "vforked", vforked }, { "spawned", spawned },
	  { "flows", flows }, { "families", families }, { "scoped", scoped },
	  { "reformed", reformed }, { "crowd", crowd }, { "stale", stale },
	  { "moved", moved }, { "paced", paced }, { "protected", protected },
	  { "named", named }, { "listed", listed }, { "churn", churn })
