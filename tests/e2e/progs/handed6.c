// SPDX-License-Identifier: MIT
/*
 * handed6.c - AF_INET6 sockets of each kind that another program gets: by an exec,
 * by posix_spawn, or in a message. The other program is this one again:
 * "<program> udp|cop|adopted image|receiver <port of A> <port of B> <kind>".
 */
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include "fds.h"
#include "six.h"

#define FD_A	40
#define FD_B	41
#define FD_LINK 42

extern char **environ;

static const char *self;

static const struct kind {
	const char *name, *ip;
	bool v6only;
	const char *peer; /* NULL: not connected */
} kinds[] = {
	{ "dual-stack", "::", false, NULL },
	{ "v6-only", "::", true, NULL },
	{ "loopback", "::1", false, NULL },
	{ "IPv4-mapped", "::ffff:127.0.0.1", false, NULL },
	{ "link-local", LINK_LOCAL, false, NULL },
	{ "connected", "::", false, "::1" },
	{ "v6-only, connected", "::", true, "::1" },
	{ "connected to IPv4", "::", false, "::ffff:127.0.0.1" },
	{ "connected to link-local", "::", false, LINK_LOCAL },
};

/* ---- in the program that gets them ---------------------------------------- */

static void show_option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	T(getsockopt(fd, level, name, &value, &len));
	printf("  value %d\n", value);
}

static void show_names(int fd)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t len = sizeof(addr);

	T(getsockname(fd, SA(&addr), &len));
	show_addr6(&addr, len);
	len = sizeof(addr);
	memset(&addr, 0, sizeof(addr));
	T(getpeername(fd, SA(&addr), &len));
	show_addr6(&addr, len);
}

/* On a busy machine the kernel delivers a little after the send. */
static void show_datagram(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct sockaddr_in6 by = { 0 };
	socklen_t len = sizeof(by);

	poll(&pfd, 1, 300);

	memset(buf, '.', sizeof(buf));
	T(recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, SA(&by), &len));
	printf("  buf %.16s", buf);
	show_addr6(&by, len);
}

/* Where a socket that is bound to @ip is reached. */
static const char *reached_at(const char *ip)
{
	return strcmp(ip, "::") ? ip : "::1";
}

static void exchange(const struct kind *k, in_port_t a, in_port_t b)
{
	const char *at = k->peer ? k->peer : reached_at(k->ip);
	struct sockaddr_in6 to_a = addr6(at, a), to_b = addr6(at, b);

	if (k->peer)
		T(send(FD_A, "from A", 6, 0));
	else
		T(sendto(FD_A, "from A", 6, 0, SA(&to_b), sizeof(to_b)));
	show_datagram(FD_B);
	T(sendto(FD_B, "to A", 4, 0, SA(&to_a), sizeof(to_a)));
	show_datagram(FD_A);
}

/* Whether it takes IPv4, too. */
static void try_ipv4(in_port_t a)
{
	struct sockaddr_in6 to = addr6("::ffff:127.0.0.1", a);

	T(sendto(FD_B, "by IPv4", 7, 0, SA(&to), sizeof(to)));
	show_datagram(FD_A);
}

static bool is_free(in_port_t port)
{
	struct sockaddr_in6 addr = addr6("::", port);
	int fd = sock6();
	bool is = !bind(fd, SA(&addr), sizeof(addr));

	errno = UNTOUCHED;
	close(fd);
	return is;
}

static void look(const struct kind *k, in_port_t a, in_port_t b)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	known[0] = (struct known){ 'A', a };
	known[1] = (struct known){ 'B', b };
	T(of_the_kind(FD_A));
	T(of_the_kind(FD_B));
	show_option(FD_A, SOL_SOCKET, SO_DOMAIN);
	show_option(FD_A, IPPROTO_IPV6, IPV6_V6ONLY);
	show_names(FD_A);
	exchange(k, a, b);
	if (!k->peer)
		try_ipv4(a);
	T(connect(FD_A, &none, sizeof(none)));
	show_names(FD_A);
	T(is_free(b));
	T(close(FD_B));
	T(is_free(b));
}

static void receive(void)
{
	int fds[2];

	take_fds(FD_LINK, fds, 2);
	if (dup2(fds[0], FD_A) < 0 || dup2(fds[1], FD_B) < 0)
		die("dup2");
	close(fds[0]);
	close(fds[1]);
}

/* The process that has spawned this one closes its own, and then the link. */
static void wait_until_alone(void)
{
	char c;

	while (read(FD_LINK, &c, 1) > 0)
		;
	close(FD_LINK);
}

static int image(char **argv)
{
	know_kind(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(40);
	if (!strcmp(argv[2], "receiver"))
		receive();
	else
		wait_until_alone();
	look(&kinds[atoi(argv[5])], htons(atoi(argv[3])), htons(atoi(argv[4])));
	return 0;
}

/* ---- in the program that hands them on ------------------------------------ */

static void move_to(int fd, int to)
{
	if (dup2(fd, to) != to)
		die("dup2");
	close(fd);
}

/* B is closed in the other program, so this one must not have it then. */
static void make_sockets(const struct kind *k, int flags)
{
	in_port_t b;
	int fd = sock6_at("::", false);

	move_to(fd, FD_B);
	b = port_of6(FD_B);
	move_to(sock6_at(k->ip, k->v6only), FD_A);
	if (k->peer)
		connect6(FD_A, k->peer, b);
	fcntl(FD_A, F_SETFD, flags);
	fcntl(FD_B, F_SETFD, flags);
}

typedef void hand_call(char *argv[]);

static void by_exec(char *argv[])
{
	execv(self, argv);
	die(self);
}

static void by_spawn(char *argv[])
{
	pid_t pid;
	int status = -1, link[2];

	if (pipe2(link, O_CLOEXEC) || dup2(link[0], FD_LINK) < 0)
		die("pipe");
	if (posix_spawn(&pid, self, NULL, NULL, argv, environ))
		die("posix_spawn");
	close(FD_A);
	close(FD_B);
	close(link[1]);
	waitpid(pid, &status, 0);
	exit(status);
}

static void send_both(int link)
{
	give_fds(link, (const int[]){ FD_A, FD_B }, 2);
	close(FD_A);
	close(FD_B);
}

static void by_message(char *argv[])
{
	int link[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link))
		die("socketpair");
	move_to(link[1], FD_LINK);
	send_both(link[0]);
	argv[2] = "receiver";
	execv(self, argv);
	die(self);
}

static int hand(size_t i, hand_call *call)
{
	char port_a[8], port_b[8], number[8];
	char *argv[] = { (char *)self, (char *)kind, "image", port_a,
			 port_b,       number,	     NULL };

	make_sockets(&kinds[i], call == by_message ? FD_CLOEXEC : 0);
	snprintf(port_a, sizeof(port_a), "%d", ntohs(port_of6(FD_A)));
	snprintf(port_b, sizeof(port_b), "%d", ntohs(port_of6(FD_B)));
	snprintf(number, sizeof(number), "%zu", i);
	call(argv);
	return 1;
}

/* Each kind in a process of its own. */
static void hand_all(hand_call *call)
{
	own_network6();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int status = -1;
		pid_t pid;

		printf("---- %s\n", kinds[i].name);
		fflush(stdout);
		pid = fork();
		if (!pid)
			exit(hand(i, call));
		waitpid(pid, &status, 0);
		printf("status %d\n", status);
	}
}

static void execs(void)
{
	hand_all(by_exec);
}

static void spawns(void)
{
	hand_all(by_spawn);
}

static void messages(void)
{
	hand_all(by_message);
}

static const struct scenario all[] = { { "execs", execs },
				       { "spawns", spawns },
				       { "messages", messages } };

int main(int argc, char **argv)
{
	self = "/proc/self/exe";
	if (argc == 6)
		return image(argv);
	return play(all, ARRAY_SIZE(all), argc, argv);
}
