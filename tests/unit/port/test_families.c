// SPDX-License-Identifier: MIT
/*
 * test_families.c - the port room with sockets of both families. The errors of bind()
 * are compared with those of the kernel's UDPv6.
 */
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "cop_port.h"
#include "lib/sysctl.h"
#include "port/bind.h"
#include "port/port_crowd.h"
#include "unit/helpers.h"

TestSuite(cop_families, .init = t_init, .timeout = 30);

#define IF_LO 1
#define FAR   "2001:db8::7" /* RFC 3849: nobody's */

static int open_cop(int family)
{
	struct socket *sock = NULL;
	int fd;

	cr_assert(eq(int, sock_create(family, SOCK_COP, 0, &sock), 0));
	fd = sock->sk->sk_prot->open(sock->sk, SOCK_CLOEXEC);
	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, fd_install(fd, sock), 0));
	return fd;
}

static int open_udp(int family)
{
	return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int set(int fd, int level, int optname, int value)
{
	if (sockfd_lookup(fd))
		return t_set(fd, level, optname, value);
	return setsockopt(fd, level, optname, &value, sizeof(value)) ? -errno
								     : 0;
}

/* ---- addresses ------------------------------------------------------------------- */

struct end {
	const char *ip;
	bool v6only;
	uint32_t scope;
};

/* Every kind of address, and what a network without more than a loopback has. */
static const struct end ends[] = {
	{ "0.0.0.0", false, 0 },
	{ "127.0.0.1", false, 0 },
	{ "127.0.0.2", false, 0 },
	{ "::", false, 0 },
	{ "::", true, 0 },
	{ "::1", false, 0 },
	{ "::ffff:127.0.0.1", false, 0 },
	{ "::ffff:0.0.0.0", false, 0 },
	{ "ff02::1", false, IF_LO },
};

static int family_of(const char *ip)
{
	return strchr(ip, ':') ? AF_INET6 : AF_INET;
}

static union cop_addr addr_of(const struct end *end, uint16_t snum)
{
	union cop_addr addr = { .family = family_of(end->ip) };

	if (addr.family == AF_INET) {
		addr.in = t_addr(end->ip, snum);
		return addr;
	}
	addr.in6.sin6_port = htons(snum);
	addr.in6.sin6_scope_id = end->scope;
	cr_assert(
		eq(int, inet_pton(AF_INET6, end->ip, &addr.in6.sin6_addr), 1));
	return addr;
}

static int bind_end(int fd, const struct end *end, uint16_t snum)
{
	union cop_addr addr = addr_of(end, snum);

	return t_bind_addr(fd, &addr, cop_addr_len(&addr));
}

static int open_end(const struct end *end, int (*open)(int family))
{
	int fd = open(family_of(end->ip));

	if (end->v6only)
		cr_assert(zero(int, set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)));
	return fd;
}

static void close_any(int fd)
{
	if (sockfd_lookup(fd))
		t_close(fd);
	else
		close(fd);
}

/* As the kernel has it. */
static uint16_t port_of(int fd)
{
	union cop_addr addr = { 0 };
	socklen_t len = sizeof(addr);

	cr_assert(zero(int, getsockname(fd, &addr.sa, &len)));
	return ntohs(cop_addr_port(&addr));
}

/* ---- COP's rule, for what one process sees ------------------------------------------ */

static void assert_refused(const struct end *holder, uint16_t snum)
{
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		int fd = open_end(&ends[i], open_cop);

		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
		cr_assert(eq(int, bind_end(fd, &ends[i], snum), -EADDRINUSE),
			  "%s %d beside %s %d", ends[i].ip, ends[i].v6only,
			  holder->ip, holder->v6only);
		cr_assert(zero(int, t_sk(fd)->sk_num));
		cr_assert(zero(uint, port_of(fd)));
		t_close(fd);
	}
}

static void by_number(bool crowd)
{
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		int fd = open_end(&ends[i], open_cop);
		uint16_t snum = t_free_port();

		if (crowd) { /* the kernel chooses */
			cop_port_crowd_collision(1);
			snum = 0;
		}
		cr_assert(zero(int, bind_end(fd, &ends[i], snum)), "%s",
			  ends[i].ip);
		snum = port_of(fd);
		assert_refused(&ends[i], snum);
		t_close(fd);
		cr_assert(not(cop_port_taken(&cop_port_table, snum)));
	}
}

Test(cop_families, a_port_of_one_socket_is_refused_to_sockets_of_both_families)
{
	by_number(false);
}

Test(cop_families, a_port_of_the_kernels_choice_is_refused_to_both_families)
{
	by_number(true);
}

/* The kernel would let an IPv4 wildcard share a port with [::1]. */
Test(cop_families, the_kernels_choice_is_recorded_at_once_if_it_may_be_ours)
{
	int fd[] = { open_cop(AF_INET6), open_cop(AF_INET) };

	cr_assert(zero(int, bind_end(fd[0], &ends[5], 0)));
	cop_port_crowd_collision(1);
	cr_assert(zero(int, bind_end(fd[1], &ends[0], 0)));
	cr_assert(not(sock_flag(t_sk(fd[1]), SOCK_UNCONFIRMED)));
	cr_assert(eq(uint, t_sk(fd[1])->sk_num, port_of(fd[1])));
	cr_assert(cop_port_taken(&cop_port_table, port_of(fd[1])));
}

/* ---- errors ------------------------------------------------------------------------- */

enum state { FRESH, BOUND, BOUND_TO_0, CONNECTED, UNDONE, STATES };
static const char *const state_name[] = { "fresh", "bound", "bound to 0",
					  "connected", "undone" };

static const struct end tried[] = {
	{ "::", false, 0 },
	{ "::", true, 0 },
	{ "::1", false, 0 },
	{ "::1", false, IF_LO },
	{ "::2", false, 0 },
	{ FAR, false, 0 },
	{ FAR, true, 0 },
	{ FAR, false, IF_LO },
	{ "::ffff:127.0.0.1", false, 0 },
	{ "::ffff:127.0.0.1", true, 0 },
	{ "::ffff:0.0.0.0", false, 0 },
	{ "::ffff:0.0.0.0", true, 0 },
	{ "::ffff:198.51.100.7", false, 0 },
	{ "::ffff:198.51.100.7", true, 0 },
	{ "::ffff:224.0.0.1", false, 0 },
	{ "::ffff:255.255.255.255", false, 0 },
	{ "::127.0.0.1", false, 0 },
	{ "fe80::5", false, 0 },
	{ "fe80::5", false, IF_LO },
	{ "fe80::5", false, 9999 },
	{ "ff02::1", false, 0 },
	{ "ff02::1", false, IF_LO },
	{ "ff02::1", false, 9999 },
	{ "ff0e::1", false, 0 },
	{ "ff0e::1", true, 9999 },
};

static void enter(int fd, enum state state, uint16_t peer)
{
	const struct end one = { "::1", false, 0 }, any = { "::", false, 0 };
	const union cop_addr to = addr_of(&one, peer);
	struct socket *sock = sockfd_lookup(fd);

	if (state == BOUND)
		bind_end(fd, &one, t_free_port());
	else if (state == BOUND_TO_0)
		bind_end(fd, &any, 0);
	else if (state == UNDONE)
		bind_end(fd, &one, 0);
	if (state != CONNECTED && state != UNDONE)
		return;
	if (sock)
		sock->ops->connect(sock, fd, &to.sa, sizeof(to.in6));
	else
		connect(fd, &to.sa, sizeof(to.in6));
	if (state == UNDONE)
		t_disconnect(fd);
}

/* What the socket is like after a bind, as far as the kernel shows it. */
struct outcome {
	int err;
	struct in6_addr addr;
	uint32_t scope;
	int v6only;
	char device[IFNAMSIZ];
	bool port;
};

static struct outcome outcome_of(int fd, int err)
{
	struct outcome out = { .err = err };
	union cop_addr addr = { 0 };
	socklen_t len = sizeof(addr);

	getsockname(fd, &addr.sa, &len);
	out.addr = addr.in6.sin6_addr;
	out.scope = addr.in6.sin6_scope_id;
	out.port = addr.in6.sin6_port;
	len = sizeof(out.v6only);
	getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &out.v6only, &len);
	len = sizeof(out.device);
	getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, out.device, &len);
	return out;
}

static struct outcome bind_once(int (*open)(int family), const struct end *end,
				socklen_t len, uint16_t snum, enum state state,
				uint16_t peer)
{
	struct sockaddr_storage room = { 0 };
	union cop_addr addr = addr_of(end, snum);
	int fd = open(AF_INET6);
	struct outcome out;

	enter(fd, state, peer);
	if (end->v6only) /* which a socket with a port refuses */
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	memcpy(&room, &addr, sizeof(addr));
	out = outcome_of(fd, t_bind_addr(fd, &room, len));
	close_any(fd);
	return out;
}

static bool same_outcome(const struct end *end, socklen_t len, uint16_t snum,
			 enum state state, uint16_t peer)
{
	struct outcome want = bind_once(open_udp, end, len, snum, state, peer);
	struct outcome got = bind_once(open_cop, end, len, snum, state, peer);

	if (!memcmp(&want, &got, sizeof(want)))
		return true;
	fprintf(stderr,
		"%s, [%s%%%u]:%u%s, length %d: kernel %d, cop %d; address "
		"%d, scope %u %u, v6only %d %d, device %s %s, port %d %d\n",
		state_name[state], end->ip, end->scope, snum,
		end->v6only ? " alone" : "", (int)len, want.err, got.err,
		!memcmp(&want.addr, &got.addr, sizeof(want.addr)), want.scope,
		got.scope, want.v6only, got.v6only, want.device, got.device,
		want.port, got.port);
	return false;
}

static int differences(const uint16_t *port, size_t ports, uint16_t peer)
{
	int n = 0;

	for (int state = 0; state < STATES; state++)
		for (size_t i = 0; i < ARRAY_SIZE(tried); i++)
			for (size_t p = 0; p < ports; p++)
				n += !same_outcome(&tried[i],
						   sizeof(struct sockaddr_in6),
						   port[p], state, peer);
	return n;
}

static int open_peer(void)
{
	const struct end one = { "::1", false, 0 };
	int fd = open_udp(AF_INET6);

	cr_assert(zero(int, bind_end(fd, &one, 0)));
	return fd;
}

/* Free, of any kind, taken by UDP, privileged. */
static int compare_ports(void)
{
	const struct end any = { "::", false, 0 };
	const uint16_t privileged = 100 + getpid() % 800; /* no other test's */
	uint16_t port[] = { 0, t_free_port(), 0, privileged };
	int holder = open_udp(AF_INET6);

	CHECK(!bind_end(holder, &any, 0));
	port[2] = port_of(holder);
	CHECK(!differences(port, ARRAY_SIZE(port), port_of(open_peer())));
	return 0;
}

static int compare_ports_unprivileged(void)
{
	return t_unprivileged() ? compare_ports() : T_SKIP;
}

Test(cop_families, every_pair_of_faults_gets_the_error_of_udpv6)
{
	T_CHILD(compare_ports);
}

Test(cop_families, every_pair_of_faults_gets_the_error_of_udpv6_unprivileged)
{
	T_CHILD(compare_ports_unprivileged);
}

/* The same where what holds the port is a COP socket of this process. */
Test(cop_families, a_port_of_our_own_gets_the_error_of_udpv6)
{
	const struct end any = { "::", false, 0 };
	int holder = open_cop(AF_INET6);
	uint16_t port;

	cr_assert(zero(int, bind_end(holder, &any, 0)));
	port = port_of(holder);
	cr_assert(eq(int, differences(&port, 1, port_of(open_peer())), 0));
}

static const socklen_t length[] = { 0,	2,  15, 16,  23,  24,
				    27, 28, 29, 128, 129, -1 };

Test(cop_families, every_length_gets_the_error_of_udpv6)
{
	static const struct end *const end[] = { &tried[2], &tried[9],
						 &tried[18], &tried[21] };
	uint16_t snum = t_free_port(), peer = port_of(open_peer());

	for (int state = 0; state < STATES; state++)
		for (size_t i = 0; i < ARRAY_SIZE(length); i++)
			for (size_t e = 0; e < ARRAY_SIZE(end); e++)
				cr_assert(same_outcome(end[e], length[i], snum,
						       state, peer));
}

static const struct {
	const char *name;
	int family; /* of the socket */
	int named;  /* of the address */
	socklen_t len;
	int err;
} alien[] = {
	{ "IPv4's on a socket of IPv6", AF_INET6, AF_INET, 28, -EAFNOSUPPORT },
	{ "IPv4's, short", AF_INET6, AF_INET, 16, -EINVAL },
	{ "no family", AF_INET6, AF_UNSPEC, 28, -EAFNOSUPPORT },
	{ "no family, short", AF_INET6, AF_UNSPEC, 23, -EINVAL },
	{ "UNIX", AF_INET6, AF_UNIX, 110, -EAFNOSUPPORT },
	{ "IPv6's on a socket of IPv4", AF_INET, AF_INET6, 28, -EAFNOSUPPORT },
	{ "IPv6's, short", AF_INET, AF_INET6, 15, -EINVAL },
};

Test(cop_families, an_address_of_another_family_gets_the_kernels_error)
{
	for (size_t i = 0; i < ARRAY_SIZE(alien); i++) {
		struct sockaddr_storage addr = { .ss_family = alien[i].named };
		int udp = open_udp(alien[i].family);
		int cop = open_cop(alien[i].family);

		cr_assert(eq(int, t_bind_addr(udp, &addr, alien[i].len),
			     alien[i].err),
			  "%s", alien[i].name);
		cr_assert(eq(int, t_bind_addr(cop, &addr, alien[i].len),
			     alien[i].err),
			  "%s", alien[i].name);
	}
}

/* ---- what a disconnect undoes --------------------------------------------------------- */

static const struct {
	const char *ip; /* NULL: no bind, connect autobinds */
	bool number;
} undo[] = {
	{ NULL, false },
	{ "::", false },
	{ "::", true },
	{ "::1", false },
	{ "::1", true },
	{ "::ffff:127.0.0.1", false },
	{ "::ffff:127.0.0.1", true },
};

/* What is left of the name, twice over: the second time the first is left of. */
static struct outcome undone(int (*open)(int family), size_t i, bool *had)
{
	const struct end one = { strchr(undo[i].ip ?: "", 'f') ? undo[i].ip
							       : "::1",
				 false, 0 };
	const union cop_addr to = addr_of(&one, 9);
	int fd = open(AF_INET6);
	struct socket *sock = sockfd_lookup(fd);
	struct outcome out;
	int err = 0;

	if (undo[i].ip)
		err = bind_end(fd, &(struct end){ undo[i].ip, false, 0 },
			       undo[i].number ? t_free_port() : 0);
	for (int k = 0; k < 2 && !err; k++) {
		if (sock)
			err = sock->ops->connect(sock, fd, &to.sa,
						 sizeof(to.in6));
		else
			err = connect(fd, &to.sa, sizeof(to.in6));
		*had = port_of(fd);
		err = err ?: t_disconnect(fd);
	}
	out = outcome_of(fd, err);
	if (sock)
		cr_assert(eq(int, !!t_sk(fd)->sk_num, out.port));
	close_any(fd);
	return out;
}

static void compare_undone(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(undo); i++) {
		bool had[2];
		struct outcome want = undone(open_udp, i, &had[0]);
		struct outcome got = undone(open_cop, i, &had[1]);

		cr_assert(zero(int, memcmp(&want, &got, sizeof(want))),
			  "%s %d: %d %d", undo[i].ip, undo[i].number, want.err,
			  got.err);
		cr_assert(had[0] && had[1]);
		cr_assert(eq(int, got.port, undo[i].number));
	}
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_families, a_disconnect_gives_a_port_back_and_keeps_a_bound_one)
{
	compare_undone();
}

Test(cop_families, likewise_where_the_kernel_chooses)
{
	cop_port_crowd_collision(1);
	compare_undone();
}

/* ---- old kernels ---------------------------------------------------------------------- */

static int old_kernel(void)
{
	const struct end one = { "::1", false, 0 };
	const union cop_addr to = addr_of(&one, 9);
	struct socket *sock;
	uint16_t had;
	int fd;

	t_old_kernel();
	fd = open_cop(AF_INET6);
	sock = t_sock(fd);
	CHECK(!sock->ops->connect(sock, fd, &to.sa, sizeof(to.in6)));
	had = port_of(fd);
	CHECK(had && had == t_sk(fd)->sk_num);
	assert_refused(&one, had);
	CHECK(!t_disconnect(fd));
	CHECK(!t_sk(fd)->sk_num);
	CHECK(cop_port_taken(&cop_port_table, had)); /* kept for it */
	CHECK(!sock->ops->connect(sock, fd, &to.sa, sizeof(to.in6)));
	CHECK(port_of(fd) == had && t_sk(fd)->sk_num == had);
	t_close(fd);
	CHECK(!cop_port_taken(&cop_port_table, had));
	by_number(false);
	return 0;
}

Test(cop_families, an_old_kernel_keeps_a_port_of_ipv6_for_its_socket)
{
	T_CHILD(old_kernel);
}
