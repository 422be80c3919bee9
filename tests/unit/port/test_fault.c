// SPDX-License-Identifier: MIT
/*
 * test_fault.c - port/fault.c and inet_bind: the errors of bind(). Each one is
 * compared with the kernel's own.
 */
#include <fcntl.h>
#include <stdio.h>

#include "port/bind.h"
#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_fault, .init = t_init, .timeout = 20);

static int udp_fd(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

enum state { FRESH, BOUND, BOUND_TO_0, CONNECTED, STATES };
static const char *const state_name[] = { "fresh", "bound", "bound to 0",
					  "connected" };

static void enter(int fd, enum state state, uint16_t peer)
{
	if (state == BOUND)
		t_bind(fd, LOOPBACK, t_free_port());
	else if (state == BOUND_TO_0)
		t_bind(fd, "0.0.0.0", 0);
	else if (state == CONNECTED)
		t_connect(fd, LOOPBACK, peer);
}

static const sa_family_t family[] = { AF_INET, AF_UNSPEC, AF_INET6, AF_UNIX,
				      9999 };
static const char *const address[] = { "0.0.0.0",	  LOOPBACK,
				       "127.9.9.9",	  NOT_LOCAL,
				       "255.255.255.255", "224.0.0.1",
				       "127.255.255.255", "0.1.2.3" };
static const socklen_t length[] = { 0, 2, 15, 16, 17, 128, 129, -1 };

static int (*open_ours)(void) = t_open;

/* One bind by the kernel's UDP and one by ours; returns whether both agree. */
static bool same_answer(const struct sockaddr_in *addr, socklen_t len,
			enum state state, uint16_t peer)
{
	struct sockaddr_storage room = { 0 };
	int udp, cop, want, got;

	memcpy(&room, addr, sizeof(*addr));
	udp = udp_fd();
	enter(udp, state, peer);
	want = t_bind_addr(udp, &room, len);
	close(udp);
	cop = open_ours();
	enter(cop, state, peer);
	got = t_bind_addr(cop, &room, len);
	t_close(cop);
	if (got != want)
		fprintf(stderr,
			"%s, family %d, %s port %d, length %d: kernel %d, "
			"cop %d\n",
			state_name[state], addr->sin_family,
			inet_ntoa(addr->sin_addr), ntohs(addr->sin_port),
			(int)len, want, got);
	return got == want;
}

/* Every pair of faults and more: all of the above with all ports. */
static int differences(const uint16_t *port, size_t ports, uint16_t peer)
{
	int n = 0;

	for (int state = 0; state < STATES; state++)
		for (size_t f = 0; f < ARRAY_SIZE(family); f++)
			for (size_t a = 0; a < ARRAY_SIZE(address); a++)
				for (size_t p = 0; p < ports; p++) {
					struct sockaddr_in addr =
						t_addr(address[a], port[p]);

					addr.sin_family = family[f];
					n += !same_answer(&addr, sizeof(addr),
							  state, peer);
				}
	return n;
}

static int compare_ports(void)
{
	int holder = udp_fd();
	int peer = t_udp();
	const uint16_t privileged = 100 + getpid() % 800; /* no other test's */
	uint16_t port[4] = { 0, t_free_port(), 0, privileged };

	CHECK(!t_bind(holder, "0.0.0.0", 0));
	port[2] = t_port(holder);
	CHECK(!differences(port, ARRAY_SIZE(port), t_port(peer)));
	return 0;
}

static int compare_ports_unprivileged(void)
{
	return t_unprivileged() ? compare_ports() : T_SKIP;
}

Test(cop_fault, every_pair_of_faults_gets_the_kernels_error)
{
	T_CHILD(compare_ports);
}

Test(cop_fault, every_pair_of_faults_gets_the_kernels_error_unprivileged)
{
	T_CHILD(compare_ports_unprivileged);
}

Test(cop_fault, every_pair_of_faults_gets_the_kernels_error_on_adopted_udp)
{
	open_ours = t_open_adopted;
	T_CHILD(compare_ports);
	T_CHILD(compare_ports_unprivileged);
}

/* The same where what holds the port is a COP socket of this process. */
Test(cop_fault, a_port_of_our_own_gets_the_kernels_error)
{
	int holder = t_open();
	int peer = t_udp();
	uint16_t port;

	cr_assert(eq(int, t_bind(holder, "0.0.0.0", 0), 0));
	port = t_port(holder);
	cr_assert(eq(int, differences(&port, 1, t_port(peer)), 0));
}

Test(cop_fault, every_length_gets_the_kernels_error)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, t_free_port());
	int peer = t_udp();

	for (int state = 0; state < STATES; state++)
		for (size_t i = 0; i < ARRAY_SIZE(length); i++)
			cr_assert(same_answer(&addr, length[i], state,
					      t_port(peer)),
				  "length %d", (int)length[i]);
}

static const struct {
	const char *name;
	const char *ip;
	sa_family_t family;
	socklen_t len;
	int err;
} fault[] = {
	{ "short", LOOPBACK, AF_INET, 15, -EINVAL },
	{ "no length", LOOPBACK, AF_INET, 0, -EINVAL },
	{ "short, and of another family", LOOPBACK, AF_INET6, 15, -EINVAL },
	{ "another family", LOOPBACK, AF_INET6, 16, -EAFNOSUPPORT },
	{ "AF_UNSPEC to an address", LOOPBACK, AF_UNSPEC, 16, -EAFNOSUPPORT },
	{ "AF_UNSPEC to any", "0.0.0.0", AF_UNSPEC, 16, 0 },
	{ "not local", NOT_LOCAL, AF_INET, 16, -EADDRNOTAVAIL },
	{ "another family, not local", NOT_LOCAL, AF_INET6, 16, -EAFNOSUPPORT },
};

Test(cop_fault, each_fault_has_the_errno_of_inet_bind)
{
	for (size_t i = 0; i < ARRAY_SIZE(fault); i++) {
		struct sockaddr_in addr = t_addr(fault[i].ip, t_free_port());
		int fd = t_open();

		addr.sin_family = fault[i].family;
		cr_assert(eq(int, t_bind_addr(fd, &addr, fault[i].len),
			     fault[i].err),
			  "%s", fault[i].name);
		t_close(fd);
	}
}

Test(cop_fault, a_pointer_that_no_program_can_have_is_efault)
{
	int fd = t_open();

	cr_assert(eq(int, t_bind_addr(fd, NULL, 16), -EFAULT));
	cr_assert(eq(int, t_bind_addr(fd, (void *)8, 16), -EFAULT));
}

Test(cop_fault, a_second_bind_is_einval_whatever_the_port)
{
	int fd = t_open_bound();
	uint16_t snum = t_port(fd);
	int holder = t_open_bound();

	cr_assert(eq(int, t_bind(fd, LOOPBACK, 0), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, t_free_port()), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, snum), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, t_port(holder)), -EINVAL));
	cr_assert(eq(int, t_bind(fd, "0.0.0.0", t_port(holder)), -EINVAL));
	cr_assert(eq(uint, t_port(fd), snum));
	cr_assert(eq(int, t_sk(fd)->sk_num, snum));
}

static int privileged(void)
{
	if (!t_unprivileged())
		return T_SKIP;
	CHECK(t_bind(t_open(), LOOPBACK, 7) == -EACCES);
	CHECK(t_bind(t_open(), "0.0.0.0", 1023) == -EACCES);
	CHECK(t_bind(t_open(), "0.0.0.0", 1024) != -EACCES);
	CHECK(t_bind(t_open(), NOT_LOCAL, 7) == -EADDRNOTAVAIL);
	CHECK(t_bind(t_open_bound(), LOOPBACK, 7) == -EACCES);
	CHECK(!cop_port_taken(&cop_port_table, 7));
	return 0;
}

Test(cop_fault, a_privileged_port_is_eacces)
{
	T_CHILD(privileged);
}

static int freebind(void)
{
	int fd = t_open();

	CHECK(!t_set(fd, IPPROTO_IP, IP_FREEBIND, 1));
	CHECK(!t_bind(fd, NOT_LOCAL, t_free_port()));
	CHECK(t_in(&inet_sk(t_sk(fd))->inet_saddr) == inet_addr(NOT_LOCAL));
	return 0;
}

Test(cop_fault, a_non_local_address_may_be_bound_with_IP_FREEBIND)
{
	T_CHILD(freebind);
}
