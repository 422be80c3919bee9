// SPDX-License-Identifier: MIT
/*
 * test_hosts.c - two hosts and a router between them, each a network namespace
 * of its own.
 *
 * The namespaces have no names: descriptors of the test hold them, so that the
 * kernel takes them away with the test, however it ends.
 *
 *	near h0 10.77.1.2 --- 10.77.1.1 r0 router r1 10.77.2.1 --- 10.77.2.2 h0 far
 *	        10.77.1.77                                         10.77.3.2 lo
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

#define PYTHON	"/usr/bin/python3"
#define SCRIPT	COP_TEST_DIR "/e2e/scripts/host.py"
#define NETWORK COP_TEST_DIR "/e2e/scripts/network.py"
#define WAIT_MS 10000

enum host { NEAR, ROUTER, FAR, HOSTS };

static int netns[HOSTS];
static struct run_result near_result, far_result;

/* ---- the hosts --------------------------------------------------------- */

static void enter(enum host host)
{
	cr_assert_eq(setns(netns[host], CLONE_NEWNET), 0);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	bool written = fd >= 0 && write(fd, text, len) == len;

	if (fd >= 0)
		close(fd);
	return written;
}

static void make_netns(enum host host)
{
	if (unshare(CLONE_NEWNET))
		cr_skip_test("no network namespace can be made: %s",
			     strerror(errno));
	netns[host] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	cr_assert_geq(netns[host], 0);
}

/* Run a command line, words separated by one space, on a host. */
static bool command_on(enum host host, const char *fmt, ...)
{
	const char *argv[24] = { 0 };
	char line[512], *save = NULL;
	va_list ap;
	int n = 0;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *word = strtok_r(line, " ", &save); word && n < 23;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	enter(host);
	return !run(&near_result, argv, false, NULL);
}

#define must(...)                                                   \
	cr_assert(command_on(__VA_ARGS__), "%s%s", near_result.out, \
		  near_result.err)

/* A cable from one of the router's interfaces to a host's h0. */
static void plug(enum host host, const char *port)
{
	if (!command_on(ROUTER,
			"ip link add name %s type veth peer name h0 netns "
			"/proc/%d/fd/%d",
			port, getpid(), netns[host]))
		cr_skip_test("no veth can be made: %s", near_result.err);
	must(ROUTER, "ip link set %s up", port);
	must(host, "ip link set h0 up");
}

static void make_hosts(void)
{
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	for (int host = 0; host < HOSTS; host++) {
		make_netns(host);
		must(host, "ip link set lo up");
	}
	plug(NEAR, "r0");
	plug(FAR, "r1");
	must(NEAR, "ip address add 10.77.1.2/24 brd + dev h0");
	must(NEAR, "ip address add 10.77.1.77/24 brd + dev h0");
	must(ROUTER, "ip address add 10.77.1.1/24 brd + dev r0");
	must(ROUTER, "ip address add 10.77.2.1/24 brd + dev r1");
	must(FAR, "ip address add 10.77.2.2/24 brd + dev h0");
	must(FAR, "ip address add 10.77.3.2/32 dev lo");
	must(NEAR, "ip route add 10.77.2.0/24 via 10.77.1.1");
	must(NEAR, "ip route add 10.77.3.0/24 via 10.77.1.1 src 10.77.1.77");
	must(ROUTER, "ip route add 10.77.3.0/24 via 10.77.2.2");
	must(FAR, "ip route add 10.77.1.0/24 via 10.77.2.1");
	enter(ROUTER);
	if (!write_file("/proc/sys/net/ipv4/ip_forward", "1"))
		cr_skip_test("no router can be made: ip_forward: %s",
			     strerror(errno));
}

/* ---- what they do ------------------------------------------------------ */

/* On UDP without the library and on COP with it, the same must be said. */
static void says(const char *what, const char *one, const char *two,
		 const char *expected)
{
	const char *udp[] = { PYTHON, SCRIPT, "udp", what, one, two, NULL };
	const char *cop[] = { PYTHON, SCRIPT, "cop", what, one, two, NULL };

	enter(NEAR);
	run(&near_result, udp, false, NULL);
	cr_expect_str_eq(near_result.out, expected, "udp: %s%s",
			 near_result.out, near_result.err);
	run(&near_result, cop, true, NULL);
	cr_expect_str_eq(near_result.out, expected, "cop: %s%s",
			 near_result.out, near_result.err);
	cr_expect_str_empty(near_result.err);
	cr_expect_eq(near_result.status, 0);
}

static void serve(struct run_child *child, enum host host, const char *address)
{
	const char *const argv[] = { PYTHON,  SCRIPT,  "cop",
				     "serve", address, NULL };
	const char *const env[] = { "COP_STATS=stderr", NULL };

	enter(host);
	cr_assert_eq(run_start(child, &far_result, argv, true, env), 0);
	run_expect(child, "\n", WAIT_MS);
}

/* Have @host talk to the server at @address; near_result has its outcome. */
static void talk(struct run_child *server, enum host host, const char *address)
{
	const char *const env[] = { "COP_STATS=stderr", NULL };
	const char *argv[] = { PYTHON,	SCRIPT, "cop", "talk",
			       address, NULL,	NULL };
	unsigned int port = 0;
	char decimal[16];

	cr_expect_eq(sscanf(far_result.out, "port %u", &port), 1,
		     "no server: %s", far_result.err);
	snprintf(decimal, sizeof(decimal), "%u", port);
	argv[5] = decimal;
	enter(host);
	cr_expect_eq(run(&near_result, argv, true, env), 0, "client: %s",
		     near_result.err);
	cr_expect_eq(run_finish(server, WAIT_MS), 0, "server: %s",
		     far_result.err);
}

static void expect_in(const char *text, const char *found)
{
	cr_expect_not_null(strstr(text, found), "no \"%s\" in: %s", found,
			   text);
}

/* Each kind has hosts of its own, for the script changes their network. */
static void play_on(struct run_result *res, const char *kind, const char *what,
		    void (*prepare)(void))
{
	const char *argv[] = { PYTHON, NETWORK, kind, what,
			       NULL,   NULL,	NULL, NULL };
	char path[HOSTS][32];

	make_hosts();
	if (prepare)
		prepare();
	for (int host = 0; host < HOSTS; host++) {
		snprintf(path[host], sizeof(path[host]), "/proc/%d/fd/%d",
			 getpid(), netns[host]);
		argv[4 + host] = path[host];
	}
	cr_expect_eq(run(res, argv, !strcmp(kind, "cop"), NULL), 0);
	cr_expect_str_empty(res->err, "%s: %s", kind, res->err);
	for (int host = 0; host < HOSTS; host++)
		close(netns[host]);
}

/* A script of three hosts says the same; far_result keeps what UDP said. */
static void plays(const char *what, void (*prepare)(void))
{
	play_on(&far_result, "udp", what, prepare);
	play_on(&near_result, "cop", what, prepare);
	cr_expect_str_not_empty(far_result.out);
	cr_expect_str_eq(near_result.out, far_result.out, "udp: %scop: %s",
			 far_result.out, near_result.out);
}

/* ---- the tests --------------------------------------------------------- */

Test(hosts, near_talks_to_far)
{
	struct run_child server;

	make_hosts();
	serve(&server, FAR, "10.77.2.2");
	talk(&server, NEAR, "10.77.2.2");
	cr_expect_str_eq(near_result.out, "ONE from 10.77.2.2 True\n"
					  "TWO from 10.77.2.2 True\n");
	expect_in(far_result.out, "one from 10.77.1.2\ntwo from 10.77.1.2\n");
	expect_in(far_result.err, " rx=2 ");
	expect_in(far_result.err, " port_mismatch=0 ");
}

Test(hosts, far_talks_to_near)
{
	struct run_child server;

	make_hosts();
	serve(&server, NEAR, "0.0.0.0");
	talk(&server, FAR, "10.77.1.2");
	cr_expect_str_eq(near_result.out, "ONE from 10.77.1.2 True\n"
					  "TWO from 10.77.1.2 True\n");
	expect_in(far_result.out, "one from 10.77.2.2\ntwo from 10.77.2.2\n");
}

Test(hosts, far_sees_the_source_address_that_the_route_chose)
{
	struct run_child server;

	make_hosts();
	serve(&server, FAR, "10.77.3.2");
	talk(&server, NEAR, "10.77.3.2");
	cr_expect_str_eq(near_result.out, "ONE from 10.77.3.2 True\n"
					  "TWO from 10.77.3.2 True\n");
	expect_in(far_result.out, "one from 10.77.1.77\ntwo from 10.77.1.77\n");
}

Test(hosts, connect_takes_the_source_address_from_the_route)
{
	make_hosts();
	says("source", "10.77.2.2", "10.77.3.2",
	     "10.77.2.2 from 10.77.1.2\n"
	     "10.77.3.2 from 10.77.1.77\n");
	says("source", "127.0.0.1", "10.77.1.77",
	     "127.0.0.1 from 127.0.0.1\n"
	     "10.77.1.77 from 10.77.1.2\n");
}

Test(hosts, subnet_broadcast_is_eacces_without_so_broadcast)
{
	make_hosts();
	says("reach", "10.77.1.255", "plain",
	     "sendto EACCES\n"
	     "connect EACCES\n"
	     "0.0.0.0 True\n");
}

Test(hosts, subnet_broadcast_is_allowed_with_so_broadcast)
{
	make_hosts();
	says("reach", "10.77.1.255", "broadcast",
	     "sendto succeeds\n"
	     "connect succeeds\n"
	     "10.77.1.2 True\n");
}

Test(hosts, no_route_is_enetunreach)
{
	make_hosts();
	says("reach", "192.0.2.1", "plain",
	     "sendto ENETUNREACH\n"
	     "connect ENETUNREACH\n"
	     "0.0.0.0 True\n");
}

Test(hosts, dead_remote_port_is_econnrefused)
{
	make_hosts();
	says("refused", "10.77.2.2", "9",
	     "send succeeds\n"
	     "poll [8]\n"
	     "then ECONNREFUSED\n"
	     "send succeeds\n"
	     "poll [8]\n"
	     "then ECONNREFUSED\n");
}

/* The translated ports are none that an autobind would have taken. */
static void translate(void)
{
	if (!command_on(ROUTER, "nft add table ip nat") ||
	    !command_on(ROUTER, "nft add chain ip nat post { type nat hook "
				"postrouting priority 100 ; }") ||
	    !command_on(ROUTER, "nft add rule ip nat post oifname r1 ip "
				"protocol udp snat to 10.77.2.1:1024-2047"))
		cr_skip_test("no source address can be translated: %s",
			     near_result.err);
}

Test(hosts, reply_finds_its_way_through_nat_and_the_mismatch_is_counted)
{
	struct run_child server;

	make_hosts();
	translate();
	serve(&server, FAR, "10.77.2.2");
	talk(&server, NEAR, "10.77.2.2");
	cr_expect_str_eq(near_result.out, "ONE from 10.77.2.2 True\n"
					  "TWO from 10.77.2.2 True\n");
	expect_in(far_result.out, "one from 10.77.2.1\ntwo from 10.77.2.1\n");
	expect_in(far_result.err, " rx=2 ");
	expect_in(far_result.err, " port_mismatch=2 ");
}

/* ---- a network that changes --------------------------------------------- */

static void forward_port(void)
{
	if (!command_on(ROUTER, "nft add table ip nat") ||
	    !command_on(ROUTER, "nft add chain ip nat pre { type nat hook "
				"prerouting priority -100 ; }") ||
	    !command_on(ROUTER, "nft add rule ip nat pre iifname r0 udp dport "
				"7000 dnat to 10.77.2.2:5000"))
		cr_skip_test("no port can be forwarded: %s", near_result.err);
}

Test(hosts, a_changed_route_changes_the_source_of_an_unbound_socket)
{
	plays("route_changes", NULL);
	expect_in(far_result.out, "b'unconnected' from ('10.77.1.77', 4002)");
	expect_in(far_result.out, "b'unconnected' from ('10.77.4.2', 4002)");
	expect_in(far_result.out, "unconnected sends ENETUNREACH");
}

Test(hosts, peers_behind_source_nat_are_answered)
{
	plays("source_nat", translate);
	expect_in(far_result.out, "from 10.77.2.1 True");
}

Test(hosts, reply_through_a_port_forward_comes_from_the_forwarded_address)
{
	plays("port_forward", forward_port);
	expect_in(far_result.out,
		  "connected has (b'ONE', ('10.77.1.1', 7000))");
	expect_in(far_result.out,
		  "connected has (b'THREE', ('10.77.1.1', 7000))");
}

Test(hosts, fragments_arrive_whole_both_ways)
{
	plays("fragments", NULL);
	cr_expect_null(strstr(far_result.out, "False"));
	expect_in(far_result.out, "too long EMSGSIZE");
}

Test(hosts, nothing_longer_than_the_mtu_goes_unfragmented)
{
	plays("dont_fragment", NULL);
	expect_in(far_result.out, "1372 1372\n1373 EMSGSIZE\n");
	expect_in(far_result.out, "IP_MTU 1400\n");
}

Test(hosts, mtu_of_the_path_is_learned_from_the_router)
{
	plays("path_mtu", NULL);
	expect_in(far_result.out, "IP_MTU 1500\n");
	expect_in(far_result.out, "1272 1272\n1273 EMSGSIZE\n");
	expect_in(far_result.out, "IP_MTU 1300\n");
}

Test(hosts, mtu_of_the_path_is_in_the_error_queue)
{
	plays("path_mtu_queued", NULL);
	expect_in(far_result.out, "'EMSGSIZE', 2, 3, 4, 1300, '10.77.1.1'");
}

Test(hosts, absent_host_or_port_is_in_the_error_queue)
{
	plays("nobody", NULL);
	expect_in(far_result.out, "told EHOSTUNREACH");
	expect_in(far_result.out, "told ECONNREFUSED");
	expect_in(far_result.out, "'EHOSTUNREACH', 2, 3, 1, 0, '10.77.1.1'");
	expect_in(far_result.out, "'ECONNREFUSED', 2, 3, 3, 0, '10.77.2.2'");
}

Test(hosts, an_absent_host_is_an_error_only_on_request)
{
	plays("nobody_untold", NULL);
	expect_in(far_result.out, "EHOSTUNREACH 0\n");
	expect_in(far_result.out, "ECONNREFUSED EAGAIN\n");
}

Test(hosts, address_that_is_taken_away_comes_back_to_its_sockets)
{
	plays("address_removed", NULL);
	expect_in(far_result.out, "binds EADDRNOTAVAIL");
	expect_in(far_result.out, "binds EADDRINUSE");
}
