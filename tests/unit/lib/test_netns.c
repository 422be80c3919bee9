// SPDX-License-Identifier: MIT
/*
 * test_netns.c - which network namespace a socket is in, and what is remembered of
 * one only.
 */
#include <sched.h>
#include <time.h>

#include "lib/libc.h"
#include "filter/mark.h"
#include "lib/netns.h"
#include "lib/sysctl.h"
#include "cop_port.h"
#include "cop_route.h"
#include "port/range.h"
#include "unit/helpers.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* As unshare() in interpose/process.c. */
static bool leave(void)
{
	cop_netns_leave();
	return t_own_network();
}

static bool has_cookies(void)
{
	return cop_netns_of(t_udp());
}

/* ---- what it costs ---------------------------------------------------------- */

static int asked;

static int (*next_getsockopt)(int, int, int, void *, socklen_t *);

static int count_getsockopt(int fd, int level, int name, void *val,
			    socklen_t *len)
{
	asked += level == SOL_SOCKET && name == SO_NETNS_COOKIE;
	return next_getsockopt(fd, level, name, val, len);
}

static void count_cookies(void)
{
	next_getsockopt = cop_libc.getsockopt;
	cop_libc.getsockopt = count_getsockopt;
}

static time_t this_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

/*
 * How often the kernel is asked for a new socket. Each second the library reads the settings
 * again, and asks for that, too. So a socket counts only if that was before, and no second
 * has begun since.
 */
static int asked_for_a_socket(void)
{
	time_t second;
	int fd;

	do {
		second = this_second();
		cop_sysctl_refresh();
		asked = 0;
		fd = t_open();
		t_close(fd);
	} while (this_second() != second);
	return asked;
}

static int asks_when_it_has_left(void)
{
	int fd;

	count_cookies();
	fd = t_open();
	CHECK(!t_bind(fd, LOOPBACK, t_free_port()));
	CHECK(!t_bind(t_open(), LOOPBACK, 0));
	CHECK(!t_connect(t_open(), LOOPBACK, 9));
	CHECK(t_bind(t_open(), LOOPBACK, t_port(fd)) == -EADDRINUSE);
	CHECK(!asked);
	if (!leave())
		return T_SKIP;
	CHECK(asked == 1); /* which one it was */
	CHECK(asked_for_a_socket() == 1);
	return 0;
}

Test(cop_netns, a_process_that_stays_asks_for_no_namespace, .init = t_init)
{
	T_CHILD(asks_when_it_has_left);
}

static int has_no_home_yet(void)
{
	count_cookies();
	if (!leave())
		return T_SKIP;
	CHECK(!asked);
	CHECK(!sock_flag(t_sk(t_open()), SOCK_ELSEWHERE));
	return 0;
}

Test(cop_netns,
     a_process_that_leaves_before_its_first_socket_is_at_home_in_the_new_namespace,
     .init = t_init)
{
	T_CHILD(has_no_home_yet);
}

/* ---- sockets ------------------------------------------------------------------ */

static int made_elsewhere(void)
{
	int before = t_open(), after;

	if (!has_cookies() || !leave())
		return T_SKIP;
	after = t_open();
	CHECK(!sock_flag(t_sk(before), SOCK_ELSEWHERE));
	CHECK(sock_flag(t_sk(after), SOCK_ELSEWHERE));
	CHECK(cop_netns_same(after, t_udp()));
	CHECK(!cop_netns_same(before, after));
	CHECK(!t_bind(after, LOOPBACK, 0));
	CHECK(t_port(after) && t_sk(after)->sk_num == t_port(after));
	CHECK(!cop_port_held(&cop_port_table));
	CHECK(!t_bind(before, "0.0.0.0", 0));
	CHECK(t_port(before) && cop_port_held(&cop_port_table) == 1);
	t_close(after);
	CHECK(cop_port_held(&cop_port_table) == 1);
	t_close(before);
	CHECK(!cop_port_held(&cop_port_table));
	return 0;
}

Test(cop_netns, a_socket_made_elsewhere_claims_no_port_at_home, .init = t_init)
{
	T_CHILD(made_elsewhere);
}

static int came_from_elsewhere(void)
{
	const struct cop_mark mark = { PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 },
				       0,	0 };
	int home = t_open(), udp;
	uint16_t snum;

	/* Another process's, so nothing is noted here. */
	if (!has_cookies() || !cop_netns_came_home(home) || !t_own_network())
		return T_SKIP;
	udp = t_udp();
	snum = t_port(udp);
	CHECK(!cop_program_mark(&cop_wire, udp, &mark));
	CHECK(fd_adopt(udp));
	CHECK(sock_flag(t_sk(udp), SOCK_ELSEWHERE));
	CHECK(t_sk(udp)->sk_num == snum);
	CHECK(!cop_port_held(&cop_port_table));
	t_close(udp);
	CHECK(!cop_port_held(&cop_port_table));
	return 0;
}

Test(cop_netns, a_socket_that_came_from_elsewhere_claims_no_port_at_home,
     .init = t_init)
{
	T_CHILD(came_from_elsewhere);
}

/* ---- what is remembered ----------------------------------------------------------- */

static bool is_allowed(uint16_t snum)
{
	return READ_ONCE(cop_port_table.allowed
				 .word[snum % COP_HTABLE_SIZE]
				      [snum / COP_HTABLE_SIZE / 64]) >>
		       snum / COP_HTABLE_SIZE % 64 &
	       1;
}

static bool set_range(const char *range)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");

	return file && fputs(range, file) >= 0 && !fclose(file);
}

/* The settings are read again a second later. */
static int settings_of_home(void)
{
	if (!has_cookies() || !t_own_network() || !set_range("20000 20099"))
		return T_SKIP;
	cop_port_refresh();
	CHECK(is_allowed(20050));
	if (!leave() || !set_range("30000 30099"))
		return T_SKIP;
	usleep(1100000);
	cop_port_refresh();
	CHECK(is_allowed(20050) && !is_allowed(30050));
	return 0;
}

Test(cop_netns, the_settings_of_another_namespace_are_not_taken, .init = t_init)
{
	T_CHILD(settings_of_home);
}

/* A subnet's broadcast address, where the device with the subnet is up. */
static int kinds_by_namespace(void)
{
	const union cop_addr addr =
		cop_addr_v4(inet_addr("127.255.255.255"), 0);
	const union cop_addr group = cop_addr_v4(inet_addr("224.0.0.1"), 0);
	int home = t_open(), away;

	if (!has_cookies() || inet_addr_is_source(&addr, 0))
		return T_SKIP;
	cop_netns_leave();
	if (unshare(CLONE_NEWNET))
		return T_SKIP;
	away = t_open();
	CHECK(inet_addr_is_source(&addr, cop_netns_key(away, true)));
	/* From here nobody can ask what it is there. */
	CHECK(inet_addr_is_source(&addr, cop_netns_key(home, false)));
	CHECK(!inet_addr_is_source(&group, cop_netns_key(home, false)));
	return 0;
}

Test(cop_netns, the_kind_of_an_address_is_asked_in_each_namespace,
     .init = t_init)
{
	T_CHILD(kinds_by_namespace);
}
