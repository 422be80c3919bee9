/* SPDX-License-Identifier: MIT */
/*
 * prog.h - what the programs have in common that are run on UDP and on COP.
 *
 * Each is called as "<program> udp|cop|skeleton|adopted <scenario>" and prints one line
 * for each result; what it does as "adopted" is what it does as "udp", but in a
 * process whose UDP is put on COP. Whatever it prints must not depend on ports,
 * times or addresses of the machine: a port is printed as the name its socket
 * was given.
 */
#ifndef COP_TEST_PROG_H
#define COP_TEST_PROG_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "inet6.h"

#define SOCK_COP      7
#define IPPROTO_COP   253

#define EXIT_SKIP     77
#define BAD_PTR	      ((void *)-1)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SA(addr)      ((struct sockaddr *)(addr))

/* What errno is before each call: a success must leave it so. */
#define UNTOUCHED 4000

/* Do a call, and print it with its result. */
#define T(expr)                          \
	do {                             \
		long ret_;               \
		errno = UNTOUCHED;       \
		ret_ = (long)(expr);     \
		say(#expr, ret_, errno); \
	} while (0)

/* The same for a call that fills buf and from. */
#define R(expr)             \
	do {                \
		fresh();    \
		T(expr);    \
		show_buf(); \
	} while (0)

/* NULL that the compiler does not know for one. */
static void *volatile no_ptr;

static const char *kind; /* of the sockets: argv[1] */
static bool is_cop; /* or of another type that the kernel has not: "skeleton" */
static int cop_type = SOCK_COP, cop_protocol = IPPROTO_COP, cop_header = 16;
static const char *cop_magic = "\xc0\xb1\x14"; /* the header begins so */
static int cop_ports_at = 4;		       /* two ports are there */

/* By COP, asked for or not: then there are strays, and a datagram has less room. */
static bool is_carried;

static char buf[64];
static struct sockaddr_in from;
static socklen_t fromlen;

static inline void say(const char *what, long ret, int err)
{
	printf("%s = %ld", what, ret);
	if (ret < 0)
		printf(" %s", strerrorname_np(err) ?: "no such error");
	else if (err != UNTOUCHED)
		printf(" but errno is %s", strerrorname_np(err) ?: "changed");
	printf("\n");
}

static inline _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline _Noreturn void skip(const char *why)
{
	fprintf(stderr, "%s: %s\n", why, strerror(errno));
	exit(EXIT_SKIP);
}

/* COP's number, or that of a module on which a test runs the program for COP. */
static inline int cop_number(const char *name, int cops)
{
	const char *modules = getenv(name);

	return modules ? atoi(modules) : cops;
}

static inline void know_kind(const char *name)
{
	kind = name;
	is_cop = !strcmp(kind, "cop") || !strcmp(kind, "skeleton");
	if (!strcmp(kind, "skeleton") || getenv("COP_TRANSPORT"))
		cop_type = 8, cop_protocol = 254, cop_header = 8,
		cop_magic = "SK", cop_ports_at = 2;
	cop_type = cop_number("COP_TEST_TYPE", cop_type);
	cop_protocol = cop_number("COP_TEST_PROTOCOL", cop_protocol);
	is_carried = is_cop || !strcmp(kind, "adopted");
}

/* The payload of a datagram of the kernel's, and of one of the kind's. */
static inline size_t largest_udp(void)
{
	return UINT16_MAX - 8 - ip_header_that_counts();
}

static inline size_t largest_payload(void)
{
	return largest_udp() - (is_carried ? cop_header : 0);
}

/* ---- sockets and their names ------------------------------------------- */

static struct known {
	char name;
	in_port_t port;
} known[64];

static inline int sock_flags(int flags)
{
	int fd = is_cop ? socket(PF_INET, cop_type | flags, cop_protocol)
			: socket(PF_INET, SOCK_DGRAM | flags, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static inline int sock(void)
{
	return sock_flags(0);
}

/* UDP that is put on COP goes by UDP's name, but a peek begins with the header. */
static inline bool lacks_peek_offset(int fd)
{
	int none = -1, err = errno;
	bool lacks =
		setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &none, sizeof(none));

	errno = err;
	return lacks;
}

/* Whether @fd is what sock() makes, not just what it is made on. */
static inline bool of_the_kind(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	return type == (is_cop ? cop_type : SOCK_DGRAM) &&
	       lacks_peek_offset(fd) == is_carried;
}

static inline struct sockaddr_in addr_of(const char *ip, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port) };

	if (inet_pton(AF_INET, ip_of_family(ip), &addr.sin_addr) != 1)
		die(ip);
	return addr;
}

/* One too many, and those of the directory itself: to be compared only. */
static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* This process's address space in kB. */
static inline long vm_kb(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!file || fscanf(file, "%ld", &pages) != 1)
		die("statm");
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static inline struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(fd, SA(&addr), &len))
		die("getsockname");
	return addr;
}

/* From now on the port of @fd is printed as @name. */
static inline struct sockaddr_in know(char name, int fd)
{
	struct sockaddr_in addr = name_of(fd);

	known[name - 'A'] = (struct known){ name, addr.sin_port };
	return addr;
}

/* A socket bound to @ip and a port of the library's choice. */
static inline int sock_at(char name, const char *ip)
{
	struct sockaddr_in addr = addr_of(ip, 0);
	int fd = sock();

	if (bind(fd, SA(&addr), sizeof(addr)))
		die("bind");
	know(name, fd);
	return fd;
}

static inline char port_name(in_port_t port)
{
	if (!port)
		return '0';
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].name && known[i].port == port)
			return known[i].name;
	return '?';
}

static inline void show_addr(const struct sockaddr_in *addr, socklen_t len)
{
	char ip[INET6_ADDRSTRLEN];

	printf("  address (%d)", (int)len);
	if (len >= sizeof(*addr) && addr->sin_family == AF_INET)
		printf(" %s:%c",
		       inet_ntop(AF_INET, &addr->sin_addr, ip, sizeof(ip)),
		       port_name(addr->sin_port));
	else if (len >= sizeof(addr->sin_family))
		printf(" family %d", addr->sin_family);
	printf("\n");
}

static inline void show_name(int fd)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	T(getsockname(fd, SA(&addr), &len));
	show_addr(&addr, len);
}

static inline void show_peer(int fd)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	T(getpeername(fd, SA(&addr), &len));
	show_addr(&addr, len);
}

/* ---- data -------------------------------------------------------------- */

static inline void fresh(void)
{
	memset(buf, '.', sizeof(buf));
	memset(&from, 0, sizeof(from));
	fromlen = sizeof(from);
}

static inline void show_buf(void)
{
	printf("  buf %.24s", buf);
	show_addr(&from, fromlen);
}

static int sock_a, sock_b; /* bound to 127.0.0.1 */
static struct sockaddr_in addr_a, addr_b;

static inline void make_pair(void)
{
	sock_a = sock_at('A', "127.0.0.1");
	sock_b = sock_at('B', "127.0.0.1");
	addr_a = name_of(sock_a);
	addr_b = name_of(sock_b);
}

/* Whether the port of A is free by now. */
static inline bool freed(void)
{
	int fd = sock();
	int ret = bind(fd, SA(&addr_a), sizeof(addr_a));

	close(fd);
	return !ret;
}

/* That @a and @b are the sockets A and B: each hears what the other says. */
static inline void show_pair(int a, int b)
{
	T(sendto(a, "from A", 6, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(sendto(b, "to A", 4, 0, SA(&addr_a), sizeof(addr_a)));
	R(recvfrom(a, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(of_the_kind(a));
	T(of_the_kind(b));
}

static inline void show_is_a(int fd)
{
	show_pair(fd, sock_b);
}

static inline void connect_to(int fd, const struct sockaddr_in *addr)
{
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		die("connect");
}

static inline void connect_pair(void)
{
	make_pair();
	connect_to(sock_a, &addr_b);
	connect_to(sock_b, &addr_a);
}

/* From A to B. */
static inline void deliver(const char *text)
{
	if (sendto(sock_a, text, strlen(text), 0, SA(&addr_b),
		   sizeof(addr_b)) != (ssize_t)strlen(text))
		die("sendto");
}

/* What is left in a queue, without waiting. */
static inline void show_rest(int fd)
{
	int n = 0;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		n++;
	printf("  %d more, then %s\n", n, strerrorname_np(errno));
}

/* ---- scenarios --------------------------------------------------------- */

struct scenario {
	const char *name;
	void (*play)(void);
};

static inline int play(const struct scenario *all, size_t n, int argc,
		       char **argv)
{
	if (argc < 3)
		return 2;
	know_kind(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(40); /* a call that hangs has failed */
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].name, argv[2]))
			continue;
		all[i].play();
		return 0;
	}
	fprintf(stderr, "no scenario %s\n", argv[2]);
	return 2;
}

#define SCENARIOS(...)                                                \
	int main(int argc, char **argv)                               \
	{                                                             \
		static const struct scenario all[] = { __VA_ARGS__ }; \
                                                                      \
		return play(all, ARRAY_SIZE(all), argc, argv);        \
	}

#endif /* COP_TEST_PROG_H */
