// SPDX-License-Identifier: MIT
/*
 * names.c - bind, connect, getsockname, getpeername and shutdown.
 */
#include <sched.h>

#include "prog.h"

static int bind_to(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return bind(fd, SA(&addr), sizeof(addr));
}

static int connect_ip(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return connect(fd, SA(&addr), sizeof(addr));
}

static ssize_t send_ip(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return sendto(fd, "x", 1, 0, SA(&addr), sizeof(addr));
}

static int disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(fd, &none, sizeof(none));
}

/* No right to a privileged port; root may have it. */
static void become_nobody(void)
{
	if (!geteuid() && seteuid(65534))
		die("seteuid");
}

/* ---- bind -------------------------------------------------------------- */

static void bind_lengths(void)
{
	struct sockaddr_storage addr = { 0 };
	int fd = sock();

	*(struct sockaddr_in *)&addr = addr_of("127.0.0.1", 0);
	for (int len = -1; len < SHORTEST_NAME; len++)
		T(bind(fd, SA(&addr), len));
	T(bind(fd, SA(&addr), -4096));
	T(bind(fd, SA(&addr), sizeof(addr) + 1));
	show_name(fd);
	T(bind(fd, SA(&addr), sizeof(addr)));
	show_addr(&(struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr = name_of(fd).sin_addr },
		  sizeof(struct sockaddr_in));
}

static void bind_pointers(void)
{
	int fd = sock();

	T(bind(fd, NULL, 16));
	T(bind(fd, NULL, 0));
	T(bind(fd, NULL, 200));
	T(bind(fd, BAD_PTR, 16));
	T(bind(fd, BAD_PTR, 2));
	show_name(fd);
}

static void bind_families(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int fd;

	for (int family = 0; family < 50; family++) {
		if (family == AF_INET)
			continue;
		fd = sock();
		addr.sin_family = family;
		T(bind(fd, SA(&addr), sizeof(addr)));
		close(fd);
	}
	addr = addr_of("0.0.0.0", 0);
	addr.sin_family = AF_UNSPEC;
	fd = sock();
	T(bind(fd, SA(&addr), sizeof(addr)));
	know('A', fd);
	show_name(fd);
	addr.sin_family = OTHER_FAMILY;
	T(bind(fd, SA(&addr), sizeof(addr)));
	T(bind(fd, SA(&addr), sizeof(addr) - 1));
}

static const char *const ips[] = {
	"0.0.0.0",	   "127.0.0.1", "127.0.0.2", "127.255.255.255",
	"255.255.255.255", "192.0.2.1", "224.0.0.1", "239.1.2.3",
	"240.0.0.1",	   "0.0.0.1",
};

/* Every two faults at once: which of them is reported is the kernel's order. */
static void bind_try(int fd, const char *state, const char *ip, int port,
		     const char *what)
{
	printf("%s, bind %s, %s port: ", state, ip, what);
	T(bind_to(fd, ip, port));
	close(fd);
}

static int bound_sock(void)
{
	return sock_at('X', "0.0.0.0");
}

static int connected_sock(void)
{
	int fd = sock();

	if (connect_ip(fd, "127.0.0.1", 9))
		die("connect");
	return fd;
}

static void bind_fault_pairs(void)
{
	int holder = sock_at('H', "0.0.0.0");
	int taken = ntohs(name_of(holder).sin_port);

	become_nobody();
	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		const char *ip = ips[i];

		bind_try(sock(), "unbound", ip, 0, "no");
		bind_try(sock(), "unbound", ip, taken, "taken");
		bind_try(sock(), "unbound", ip, 80, "privileged");
		bind_try(bound_sock(), "bound", ip, 0, "no");
		bind_try(bound_sock(), "bound", ip, taken, "taken");
		bind_try(bound_sock(), "bound", ip, 80, "privileged");
		bind_try(connected_sock(), "connected", ip, 0, "no");
		bind_try(connected_sock(), "connected", ip, taken, "taken");
		bind_try(connected_sock(), "connected", ip, 80, "privileged");
	}
}

static void bind_again(void)
{
	int fd = sock_at('A', "127.0.0.1");

	T(bind_to(fd, "127.0.0.1", ntohs(known[0].port)));
	T(bind_to(fd, "127.0.0.1", 0));
	T(bind_to(fd, "0.0.0.0", 0));
	show_name(fd);
}

static void bind_taken(void)
{
	int fd = sock_at('A', "127.0.0.1");
	int port = ntohs(known[0].port);
	int other = sock();

	T(bind_to(other, "127.0.0.1", port));
	show_name(other);
	T(bind_to(other, "0.0.0.0", port));
	show_name(other);
	T(bind_to(other, "127.0.0.1", 0));
	close(other);
	close(fd);
	other = sock();
	T(bind_to(other, "127.0.0.1", port));
	show_name(other);
}

/* What the name is after a bind to each kind of address. */
static void bind_kinds(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		int fd = sock();

		printf("%s: ", ips[i]);
		T(bind_to(fd, ips[i], 0));
		know('A', fd);
		show_name(fd);
		show_peer(fd);
		close(fd);
	}
}

static void bind_freely(void)
{
	int one = 1;
	int fd = sock();

	T(setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)));
	T(bind_to(fd, "192.0.2.1", 0));
	know('A', fd);
	show_name(fd);
	T(bind_to(fd, "192.0.2.1", 0));
}

/* ---- connect ----------------------------------------------------------- */

static void connect_lengths(void)
{
	struct sockaddr_storage addr = { 0 };
	int fd = sock_at('A', "0.0.0.0");
	int peer = sock_at('B', "127.0.0.1");

	*(struct sockaddr_in *)&addr = name_of(peer);
	for (int len = -1; len < SHORTEST_NAME; len++)
		T(connect(fd, SA(&addr), len));
	T(connect(fd, SA(&addr), -4096));
	T(connect(fd, SA(&addr), sizeof(addr) + 1));
	show_peer(fd);
	T(connect(fd, SA(&addr), sizeof(addr)));
	show_name(fd);
	show_peer(fd);
}

static void connect_pointers(void)
{
	int fd = sock();

	T(connect(fd, NULL, 16));
	T(connect(fd, NULL, 0));
	T(connect(fd, BAD_PTR, 16));
	T(connect(fd, BAD_PTR, 2));
	show_name(fd);
	show_peer(fd);
}

static void connect_families(void)
{
	int peer = sock_at('B', "127.0.0.1");
	struct sockaddr_in addr = name_of(peer);

	for (int family = 1; family < 50; family++) {
		int fd = sock_at('A', "0.0.0.0");

		addr.sin_family = family;
		T(connect(fd, SA(&addr), sizeof(addr)));
		show_name(fd);
		close(fd);
	}
}

/* Whether a failed connect leaves the port that it bound. */
static void show_bound(int fd)
{
	printf("  is %s\n", name_of(fd).sin_port ? "bound" : "not bound");
}

static void connect_failed_unbound(void)
{
	struct sockaddr_storage other = { .ss_family = OTHER_FAMILY };
	int fd = sock();

	T(connect(fd, SA(&other), sizeof(struct sockaddr_in6)));
	show_bound(fd);
	T(connect_ip(fd, "255.255.255.255", 9));
	show_bound(fd);
	show_peer(fd);
}

static void connect_names(void)
{
	int peer = sock_at('P', "0.0.0.0");
	int port = ntohs(name_of(peer).sin_port);
	int fd = sock();

	T(connect_ip(fd, "127.0.0.1", port));
	know('A', fd);
	show_name(fd);
	show_peer(fd);
	T(connect_ip(fd, "127.0.0.5", port));
	show_name(fd);
	show_peer(fd);
	T(connect_ip(fd, "0.0.0.0", port));
	show_name(fd);
	show_peer(fd);
	T(connect_ip(fd, "127.0.0.1", 0));
	show_peer(fd);
	T(bind_to(fd, "127.0.0.1", 0));
}

/* The three ways to a port: none, bind to port 0, bind to a port. */
static void disconnect_with(int fd, const char *how)
{
	int peer = sock_at('P', "127.0.0.1");
	int port = ntohs(name_of(peer).sin_port);

	printf("%s\n", how);
	T(connect_ip(fd, "127.0.0.1", port));
	know('A', fd);
	show_name(fd);
	T(disconnect(fd));
	show_name(fd);
	show_peer(fd);
	T(disconnect(fd));
	T(send(fd, "x", 1, 0));
	T(connect_ip(fd, "127.0.0.1", port));
	show_peer(fd);
	T(disconnect(fd));
	T(send_ip(fd, "127.0.0.1", port));
	show_bound(fd);
	close(fd);
	close(peer);
}

static int explicit_sock(const char *ip)
{
	int probe = sock_at('A', ip);
	int port = ntohs(name_of(probe).sin_port);
	int fd = sock();

	close(probe);
	if (bind_to(fd, ip, port))
		die("bind");
	return fd;
}

static void disconnect_ways(void)
{
	disconnect_with(sock(), "no bind");
	disconnect_with(sock_at('A', "0.0.0.0"), "bind to any, port 0");
	disconnect_with(sock_at('A', "127.0.0.1"), "bind to one, port 0");
	disconnect_with(explicit_sock("0.0.0.0"), "bind to any, a port");
	disconnect_with(explicit_sock("127.0.0.1"), "bind to one, a port");
}

/* A port that was given back can be had by the next. */
static void disconnect_frees_port(void)
{
	int fd = sock(), other = sock();
	int port;

	T(connect_ip(fd, "127.0.0.1", 9));
	know('A', fd);
	port = ntohs(name_of(fd).sin_port);
	T(bind_to(other, "127.0.0.1", port));
	T(disconnect(fd));
	T(bind_to(other, "127.0.0.1", port));
	show_name(other);
	T(connect_ip(fd, "127.0.0.1", 9));
	show_name(other);
}

static void disconnect_unbound(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = sock();

	T(disconnect(fd));
	show_name(fd);
	T(connect(fd, &none, 2));
	T(connect(fd, &none, 1));
	T(connect(fd, &none, 0));
	show_name(fd);
}

/* Bound to nothing again, it may be bound anew. */
static void bind_after_disconnect(void)
{
	int fd = sock();

	T(connect_ip(fd, "127.0.0.1", 9));
	T(disconnect(fd));
	T(bind_to(fd, "127.0.0.1", 0));
	know('A', fd);
	show_name(fd);
	T(bind_to(fd, "127.0.0.1", 0));
}

static void broadcast(void)
{
	static const char *const to[] = { "255.255.255.255",
					  "127.255.255.255" };
	int one = 1, zero = 0;

	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		int fd = sock_at('A', "0.0.0.0");

		printf("%s\n", to[i]);
		T(connect_ip(fd, to[i], 9));
		T(send_ip(fd, to[i], 9));
		show_name(fd);
		T(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, 4));
		T(connect_ip(fd, to[i], 9));
		T(send_ip(fd, to[i], 9));
		T(send(fd, "x", 1, 0));
		T(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &zero, 4));
		T(send(fd, "x", 1, 0));
		T(connect_ip(fd, to[i], 9));
		close(fd);
	}
}

static void broadcast_is_heard(void)
{
	int one = 1;
	int fd = sock_at('A', "127.0.0.1");
	int hearer = sock_at('B', "0.0.0.0");
	struct sockaddr_in addr =
		addr_of("127.255.255.255", ntohs(name_of(hearer).sin_port));

	T(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)));
	T(sendto(fd, "all", 3, 0, SA(&addr), sizeof(addr)));
	R(recvfrom(hearer, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

static void unreachable(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		skip("no network namespace");
	fd = sock();
	T(connect_ip(fd, "192.0.2.1", 9));
	show_bound(fd);
	show_peer(fd);
	T(send_ip(fd, "192.0.2.1", 9));
	T(connect_ip(fd, "224.0.0.1", 9));
	T(connect_ip(fd, "127.0.0.1", 9));
	T(bind_to(fd, "127.0.0.1", 0));
	fd = sock();
	T(send_ip(fd, "192.0.2.1", 9));
	show_bound(fd);
	T(bind_to(sock(), "127.0.0.1", 0));
	T(bind_to(sock(), "0.0.0.0", 0));
}

/* ---- a peer ------------------------------------------------------------ */

static int dead_port(void)
{
	int fd = sock_at('D', "127.0.0.1");
	int port = ntohs(name_of(fd).sin_port);

	close(fd);
	return port;
}

static int so_error(int fd)
{
	int err = -1;
	socklen_t len = sizeof(err);

	T(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	return err;
}

static void refused(void)
{
	int port = dead_port();
	int fd = sock_at('A', "127.0.0.1");

	T(send_ip(fd, "127.0.0.1", port));
	T(recv(fd, buf, 64, MSG_DONTWAIT));
	T(connect_ip(fd, "127.0.0.1", port));
	T(send(fd, "x", 1, 0));
	T(recv(fd, buf, 64, 0));
	T(recv(fd, buf, 64, MSG_DONTWAIT));
	T(send(fd, "x", 1, 0));
	T(send(fd, "x", 1, 0));
	T(send(fd, "x", 1, 0));
	T(so_error(fd));
	T(so_error(fd));
	T(write(fd, "x", 1));
	T(read(fd, buf, 64));
	T(sendmsg(fd, &(struct msghdr){ 0 }, 0));
	T(recvmsg(fd, &(struct msghdr){ 0 }, 0));
	T(write(fd, "x", 1));
	T(write(fd, "x", 1));
}

static void only_peer_is_heard(void)
{
	int stranger = sock_at('C', "127.0.0.1");

	make_pair();
	deliver("before");
	connect_to(sock_b, &addr_a);
	T(sendto(stranger, "no", 2, 0, SA(&addr_b), sizeof(addr_b)));
	deliver("yes");
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	show_rest(sock_b);
	T(send_ip(sock_b, "127.0.0.1", ntohs(name_of(stranger).sin_port)));
	R(recvfrom(stranger, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(disconnect(sock_b));
	show_name(sock_b);
}

/* ---- names ------------------------------------------------------------- */

static void name_lengths(void)
{
	connect_pair();
	for (int len = -1; len <= (int)sizeof(struct sockaddr_in) + 2; len++) {
		struct sockaddr_in addr[2] = { 0 };
		socklen_t got = len;

		if (len == 3)
			continue; /* half a port, which no two runs share */
		T(getsockname(sock_a, SA(addr), &got));
		show_addr(addr, got);
		got = len;
		T(getpeername(sock_a, SA(addr), &got));
		show_addr(addr, got);
	}
}

static void name_pointers(void)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	connect_pair();
	T(getsockname(sock_a, NULL, &len));
	T(getsockname(sock_a, BAD_PTR, &len));
	T(getsockname(sock_a, SA(&addr), NULL));
	T(getsockname(sock_a, SA(&addr), BAD_PTR));
	T(getpeername(sock_a, NULL, &len));
	T(getpeername(sock_a, SA(&addr), NULL));
	len = 0;
	T(getsockname(sock_a, NULL, &len));
	show_addr(&addr, len);
}

/* ---- shutdown, and what datagram sockets can't ------------------------- */

static void on_signal(int sig)
{
	printf("  signal %d\n", sig);
}

static void shutdown_ways(void)
{
	struct iovec iov = { buf, sizeof(buf) };
	struct mmsghdr vec[3] = { { .msg_hdr = { .msg_name = &from,
						 .msg_namelen = 16,
						 .msg_iov = &iov,
						 .msg_iovlen = 1 } } };

	signal(SIGPIPE, on_signal);
	make_pair();
	T(shutdown(sock_a, SHUT_RD));
	T(shutdown(sock_a, SHUT_WR));
	T(shutdown(sock_a, 3));
	T(shutdown(sock_a, -1));
	connect_to(sock_a, &addr_b);
	connect_to(sock_b, &addr_a);
	T(shutdown(sock_a, 3));
	T(send(sock_b, "queued", 6, 0));
	T(shutdown(sock_a, SHUT_RD));
	R(recv(sock_a, buf, 64, 0));
	T(recv(sock_a, buf, 64, 0));
	T(recv(sock_a, buf, 64, MSG_PEEK));
	T(recv(sock_a, buf, 64, MSG_DONTWAIT));
	R(recvfrom(sock_a, buf, 64, 0, SA(&from), &fromlen));
	T(recvmsg(sock_a, &vec->msg_hdr, 0));
	T(vec->msg_hdr.msg_namelen);
	T(recvmmsg(sock_a, vec, 3, 0, NULL));
	T(recvmmsg(sock_a, vec, 3, MSG_WAITFORONE, NULL));
	T(recvmmsg(sock_a, vec, 3, MSG_DONTWAIT, NULL));
	T(send(sock_b, "late", 4, 0));
	R(recv(sock_a, buf, 64, 0));
	T(recv(sock_a, buf, 64, 0));
	T(shutdown(sock_a, SHUT_WR));
	T(send(sock_a, "x", 1, 0));
	T(write(sock_a, "x", 1));
	T(send(sock_a, "x", 1, MSG_NOSIGNAL));
	T(shutdown(sock_b, SHUT_RDWR));
	T(send(sock_b, "x", 1, 0));
	T(recv(sock_b, buf, 64, 0));
}

static void no_stream_calls(void)
{
	int sv[2];
	int type = is_cop ? SOCK_COP : SOCK_DGRAM;

	connect_pair();
	T(listen(sock_a, 5));
	T(accept(sock_a, NULL, NULL));
	fromlen = sizeof(from);
	T(accept(sock_a, SA(&from), &fromlen));
	T(accept4(sock_a, NULL, NULL, SOCK_NONBLOCK));
	T(accept4(sock_a, NULL, NULL, 1));
	T(socketpair(PF_INET, type, 0, sv));
	T(socketpair(PF_INET, type | SOCK_CLOEXEC, 0, sv));
	T(socketpair(PF_INET, type, 1234567, sv));
	T(socketpair(PF_INET, type | 0x100, 0, sv));
	T(sock());
}

SCENARIOS({ "bind_lengths", bind_lengths }, { "bind_pointers", bind_pointers },
	  { "bind_families", bind_families },
	  { "bind_fault_pairs", bind_fault_pairs },
	  { "bind_again", bind_again }, { "bind_taken", bind_taken },
	  { "bind_kinds", bind_kinds }, { "bind_freely", bind_freely },
	  { "connect_lengths", connect_lengths },
	  { "connect_pointers", connect_pointers },
	  { "connect_families", connect_families },
	  { "connect_failed_unbound", connect_failed_unbound },
	  { "connect_names", connect_names },
	  { "disconnect_ways", disconnect_ways },
	  { "disconnect_frees_port", disconnect_frees_port },
	  { "disconnect_unbound", disconnect_unbound },
	  { "bind_after_disconnect", bind_after_disconnect },
	  { "broadcast", broadcast },
	  { "broadcast_is_heard", broadcast_is_heard },
	  { "unreachable", unreachable }, { "refused", refused },
	  { "only_peer_is_heard", only_peer_is_heard },
	  { "name_lengths", name_lengths }, { "name_pointers", name_pointers },
	  { "shutdown_ways", shutdown_ways },
	  { "no_stream_calls", no_stream_calls })
