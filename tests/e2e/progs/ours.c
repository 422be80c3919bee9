// SPDX-License-Identifier: MIT
/*
 * ours.c - where COP differs from UDP, and errors of socket() itself.
 */
#include <limits.h>
#include <linux/udp.h>
#include <sys/wait.h>

#include "prog.h"

#define PAYLOAD_MAX ((ssize_t)largest_payload())

static int bind_to(int fd, const char *ip, in_port_t port)
{
	struct sockaddr_in addr = addr_of(ip, ntohs(port));

	return bind(fd, SA(&addr), sizeof(addr));
}

/* ---- the same but for the number --------------------------------------- */

static long try_type(int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void created(void)
{
	int type = is_cop ? SOCK_COP : SOCK_DGRAM;
	int own = is_cop ? IPPROTO_COP : IPPROTO_UDP;

	T(try_type(PF_INET, type, 0));
	T(try_type(PF_INET, type, own));
	T(try_type(PF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, own));
	T(try_type(PF_INET, type, IPPROTO_TCP));
	T(try_type(PF_INET, type, 254));
	T(try_type(PF_INET, type, 255));
	T(try_type(PF_INET, type, -1));
	T(try_type(PF_INET, type, 100000));
	T(try_type(PF_INET, type, INT_MAX));
	T(try_type(PF_INET, type | 0x10, 0));
	T(try_type(PF_INET, type | 0x10, IPPROTO_TCP));
	T(try_type(PF_INET, type | 0x40000000, 0));
	T(try_type(PF_INET, SOCK_DGRAM, IPPROTO_TCP));
	T(try_type(PF_INET, SOCK_STREAM, 0));
	T(try_type(PF_INET, 8, 0));
	T(try_type(PF_INET, 11, 0));
	T(try_type(PF_INET, -1, 0));
	T(try_type(1000, type, 0));
	T(try_type(-1, type, 0));
}

static void too_many(void)
{
	int last = -1, fd;

	while ((fd = dup(0)) >= 0)
		last = fd;
	T(try_type(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	close(last);
	T(try_type(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	T(sock() == last);
	T(try_type(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
}

static void largest(void)
{
	static char out[66000], in[66000];
	static struct iovec iov[1024];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1024 };

	connect_pair();
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 13 + (i >> 8);
	T(send(sock_a, out, PAYLOAD_MAX, 0) == PAYLOAD_MAX);
	T(recv(sock_b, in, sizeof(in), 0) == PAYLOAD_MAX);
	T(memcmp(in, out, PAYLOAD_MAX));
	T(send(sock_a, out, PAYLOAD_MAX + 1, 0));
	T(write(sock_a, out, PAYLOAD_MAX + 1));
	for (int i = 0; i < 1024; i++)
		iov[i] = (struct iovec){ out + i * 63, 63 };
	iov[1023].iov_len = PAYLOAD_MAX - 1023 * 63;
	T(sendmsg(sock_a, &msg, 0) == PAYLOAD_MAX);
	T(recv(sock_b, in, sizeof(in), MSG_TRUNC) == PAYLOAD_MAX);
	T(memcmp(in, out, PAYLOAD_MAX));
	iov[1023].iov_len++;
	T(sendmsg(sock_a, &msg, 0));
	T(writev(sock_a, iov, 1024));
	T(send(sock_a, out, PAYLOAD_MAX - 1, MSG_MORE) == PAYLOAD_MAX - 1);
	T(send(sock_a, out, 2, 0));
	show_rest(sock_b);
}

/* ---- otherwise --------------------------------------------------------- */

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, name, &value, &len))
		return -errno;
	return value;
}

static void type(void)
{
	int fd = sock();
	int value = 0;
	socklen_t len = 2;

	T(option(fd, SO_TYPE));
	T(option(fd, SO_PROTOCOL));
	T(option(fd, SO_DOMAIN));
	T(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &len));
	T(value);
	T(len);
	T(setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, sizeof(value)));
}

static void try_option(const char *name, int level, int option_name)
{
	int one = 1, fd = sock();
	int ret;

	errno = UNTOUCHED;
	ret = setsockopt(fd, level, option_name, &one, sizeof(one));
	say(name, ret, errno);
	close(fd);
}

static void options(void)
{
	try_option("SO_NO_CHECK", SOL_SOCKET, SO_NO_CHECK);
	try_option("SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY);
	try_option("SO_PEEK_OFF", SOL_SOCKET, SO_PEEK_OFF);
	try_option("UDP_SEGMENT", IPPROTO_UDP, UDP_SEGMENT);
	try_option("UDP_GRO", IPPROTO_UDP, UDP_GRO);
	try_option("UDP_ENCAP", IPPROTO_UDP, UDP_ENCAP);
}

/* Ask for a port that is held, at each kind of address. */
static void try_port(in_port_t port, int reuse)
{
	static const char *const ips[] = { "0.0.0.0", "127.0.0.1", "127.0.0.2",
					   "239.1.2.3" };
	int one = 1;

	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		int fd = sock();

		if (reuse)
			setsockopt(fd, SOL_SOCKET, reuse, &one, sizeof(one));
		printf("%s: ", ips[i]);
		T(bind_to(fd, ips[i], port));
		close(fd);
	}
}

static int holder_at(const char *ip, int reuse)
{
	int one = 1, fd = sock();

	if (reuse)
		setsockopt(fd, SOL_SOCKET, reuse, &one, sizeof(one));
	if (bind_to(fd, ip, 0))
		die("bind");
	return fd;
}

static in_port_t held_at(const char *ip, int reuse)
{
	return name_of(holder_at(ip, reuse)).sin_port;
}

static void port_rule(void)
{
	try_port(held_at("127.0.0.1", 0), 0);
	try_port(held_at("0.0.0.0", 0), 0);
}

static void reuse_rule(void)
{
	try_port(held_at("127.0.0.1", SO_REUSEADDR), SO_REUSEADDR);
	try_port(held_at("127.0.0.1", SO_REUSEPORT), SO_REUSEPORT);
	T(option(holder_at("127.0.0.1", SO_REUSEADDR), SO_REUSEADDR));
	T(option(holder_at("127.0.0.1", SO_REUSEPORT), SO_REUSEPORT));
}

/* The same by a process that has never heard of the holder. */
static void process_rule(void)
{
	int ready[2], done[2];
	in_port_t port;
	pid_t child;

	if (pipe(ready) || pipe(done))
		die("pipe");
	child = fork();
	if (!child) {
		port = held_at("127.0.0.1", 0);
		if (write(ready[1], &port, sizeof(port)) != sizeof(port))
			_exit(1);
		_exit(read(done[0], &port, 1) != 1);
	}
	T(read(ready[0], &port, sizeof(port)));
	try_port(port, 0);
	try_port(port, SO_REUSEADDR);
	T(write(done[1], "", 1));
	waitpid(child, NULL, 0);
}

SCENARIOS({ "created", created }, { "too_many", too_many },
	  { "largest", largest }, { "type", type }, { "options", options },
	  { "port_rule", port_rule }, { "reuse_rule", reuse_rule },
	  { "process_rule", process_rule })
