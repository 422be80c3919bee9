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
 *
 * For IPv6 it is fd77:1::2 instead of 10.77.1.2, and so on. Besides, each end of a
 * cable has a link-local address: the router fe80::1, a host fe80::2, on both cables.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner.h"

#define PYTHON	"/usr/bin/python3"
#define SCRIPT	COP_TEST_DIR "/e2e/scripts/host.py"
#define NETWORK COP_TEST_DIR "/e2e/scripts/network.py"
#define WAIT_MS 10000

enum host { NEAR, ROUTER, FAR, HOSTS };

static int netns[HOSTS];
static struct run_result near_result, far_result;

/* ---- the family --------------------------------------------------------- */

static int family;

/* A test of both families. */
#define BOTH(test)                                             \
	ParameterizedTestParameters(hosts, test)               \
	{                                                      \
		static int families[] = { AF_INET, AF_INET6 }; \
                                                               \
		return cr_make_param_array(int, families, 2);  \
	}                                                      \
	static void test(void);                                \
	ParameterizedTest(const int *parameter, hosts, test)   \
	{                                                      \
		family = *parameter;                           \
		test();                                        \
	}                                                      \
	static void test(void)

static const char *by_family(const char *inet, const char *inet6)
{
	return family == AF_INET ? inet : inet6;
}

/* An address by the number of its cable and its own. Valid for 8 calls. */
static const char *at(int cable, int number)
{
	static char text[8][32];
	static unsigned int next;
	char *to = text[next++ % 8];

	snprintf(to, sizeof(text[0]), by_family("10.77.%d.%d", "fd77:%d::%d"),
		 cable, number);
	return to;
}

static const char *any(void)
{
	return by_family("0.0.0.0", "::");
}

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

static void add_address(enum host host, int cable, int number,
			const char *device)
{
	must(host, "ip address add %s/%s dev %s", at(cable, number),
	     by_family("24 brd +", "64 nodad"), device);
}

/* A deprecated address is no choice of the kernel's, as IPv4's second one is none. */
static void add_second_address(void)
{
	must(NEAR, "ip address add %s/%s", at(1, 77),
	     by_family("24 brd + dev h0", "64 dev h0 nodad preferred_lft 0"));
}

static void add_route(enum host host, int cable, const char *via)
{
	must(host, "ip route add %s/%s via %s", at(cable, 0),
	     by_family("24", "64"), via);
}

static void add_routes(void)
{
	char by_second[64];

	snprintf(by_second, sizeof(by_second), "%s src %s", at(1, 1),
		 at(1, 77));
	add_route(NEAR, 2, at(1, 1));
	add_route(NEAR, 3, by_second);
	add_route(ROUTER, 3, at(2, 2));
	add_route(FAR, 1, at(2, 1));
}

/* A link-local address can be used at once: no other host has it. */
static void skip_detection(void)
{
	if (family == AF_INET6)
		write_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
}

static void be_router(void)
{
	const char *path = by_family("/proc/sys/net/ipv4/ip_forward",
				     "/proc/sys/net/ipv6/conf/all/forwarding");

	enter(ROUTER);
	if (!write_file(path, "1"))
		cr_skip_test("no router can be made: %s: %s", path,
			     strerror(errno));
}

static void make_cables(void)
{
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	for (int host = 0; host < HOSTS; host++) {
		make_netns(host);
		skip_detection();
		must(host, "ip link set lo up");
	}
	plug(NEAR, "r0");
	plug(FAR, "r1");
}

static void make_hosts(void)
{
	make_cables();
	add_address(NEAR, 1, 2, "h0");
	add_second_address();
	add_address(ROUTER, 1, 1, "r0");
	add_address(ROUTER, 2, 1, "r1");
	add_address(FAR, 2, 2, "h0");
	must(FAR, "ip address add %s/%s dev lo", at(3, 2),
	     by_family("32", "128"));
	add_routes();
	be_router();
}

/* ---- what they do ------------------------------------------------------ */

/* On UDP without the library and on COP with it, the same must be said. */
static void says(const char *what, const char *one, const char *two,
		 const char *fmt, ...)
{
	const char *inet = by_family("inet", "inet6");
	const char *udp[] = {
		PYTHON, SCRIPT, "udp", inet, what, one, two, NULL
	};
	const char *cop[] = {
		PYTHON, SCRIPT, "cop", inet, what, one, two, NULL
	};
	char expected[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(expected, sizeof(expected), fmt, ap);
	va_end(ap);

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
	const char *const argv[] = { PYTHON,  SCRIPT,
				     "cop",   by_family("inet", "inet6"),
				     "serve", address,
				     NULL };
	const char *const env[] = { "COP_STATS=stderr", NULL };

	enter(host);
	cr_assert_eq(run_start(child, &far_result, argv, true, env), 0);
	run_expect(child, "\n", WAIT_MS);
}

/* Have @host talk to the server at @address; near_result has its outcome. */
static void talk(struct run_child *server, enum host host, const char *address)
{
	const char *const env[] = { "COP_STATS=stderr", NULL };
	const char *argv[] = { PYTHON, SCRIPT,
			       "cop",  by_family("inet", "inet6"),
			       "talk", address,
			       NULL,   NULL };
	unsigned int port = 0;
	char decimal[16];

	cr_expect_eq(sscanf(far_result.out, "port %u", &port), 1,
		     "no server: %s", far_result.err);
	snprintf(decimal, sizeof(decimal), "%u", port);
	argv[6] = decimal;
	enter(host);
	cr_expect_eq(run(&near_result, argv, true, env), 0, "client: %s",
		     near_result.err);
	cr_expect_eq(run_finish(server, WAIT_MS), 0, "server: %s",
		     far_result.err);
}

static void expect_in(const char *text, const char *fmt, ...)
{
	char found[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(found, sizeof(found), fmt, ap);
	va_end(ap);
	cr_expect_not_null(strstr(text, found), "no \"%s\" in: %s", found,
			   text);
}

/* What the client of talk() says. */
static void expect_talk(const char *address)
{
	char expected[256];

	snprintf(expected, sizeof(expected),
		 "ONE from %s True\nTWO from %s True\n", address, address);
	cr_expect_str_eq(near_result.out, expected, "%s", near_result.out);
}

/* Each kind has hosts of its own, for the script changes their network. */
static void play_on(struct run_result *res, const char *kind, const char *what,
		    void (*prepare)(void))
{
	const char *argv[] = {
		PYTHON, NETWORK, kind, by_family("inet", "inet6"), what, NULL,
		NULL,	NULL,	 NULL
	};
	char path[HOSTS][32];

	make_hosts();
	if (prepare)
		prepare();
	for (int host = 0; host < HOSTS; host++) {
		snprintf(path[host], sizeof(path[host]), "/proc/%d/fd/%d",
			 getpid(), netns[host]);
		argv[5 + host] = path[host];
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

BOTH(near_talks_to_far)
{
	struct run_child server;

	make_hosts();
	serve(&server, FAR, at(2, 2));
	talk(&server, NEAR, at(2, 2));
	expect_talk(at(2, 2));
	expect_in(far_result.out, "one from %s\ntwo from %s\n", at(1, 2),
		  at(1, 2));
	expect_in(far_result.err, " rx=2 ");
	expect_in(far_result.err, " port_mismatch=0 ");
}

BOTH(far_talks_to_near)
{
	struct run_child server;

	make_hosts();
	serve(&server, NEAR, any());
	talk(&server, FAR, at(1, 2));
	expect_talk(at(1, 2));
	expect_in(far_result.out, "one from %s\ntwo from %s\n", at(2, 2),
		  at(2, 2));
}

BOTH(far_sees_the_source_address_that_the_route_chose)
{
	struct run_child server;

	make_hosts();
	serve(&server, FAR, at(3, 2));
	talk(&server, NEAR, at(3, 2));
	expect_talk(at(3, 2));
	expect_in(far_result.out, "one from %s\ntwo from %s\n", at(1, 77),
		  at(1, 77));
}

/* To reach an address of its own, a host of IPv6 takes this very address. */
BOTH(connect_takes_the_source_address_from_the_route)
{
	const char *loopback = by_family("127.0.0.1", "::1");

	make_hosts();
	says("source", at(2, 2), at(3, 2), "%s from %s\n%s from %s\n", at(2, 2),
	     at(1, 2), at(3, 2), at(1, 77));
	says("source", loopback, at(1, 77), "%s from %s\n%s from %s\n",
	     loopback, loopback, at(1, 77), by_family(at(1, 2), at(1, 77)));
}

/* IPv6 has no broadcast. */
Test(hosts, subnet_broadcast_is_eacces_without_so_broadcast)
{
	family = AF_INET;
	make_hosts();
	says("reach", "10.77.1.255", "plain",
	     "sendto EACCES\n"
	     "connect EACCES\n"
	     "0.0.0.0 True\n");
}

Test(hosts, subnet_broadcast_is_allowed_with_so_broadcast)
{
	family = AF_INET;
	make_hosts();
	says("reach", "10.77.1.255", "broadcast",
	     "sendto succeeds\n"
	     "connect succeeds\n"
	     "10.77.1.2 True\n");
}

BOTH(no_route_is_enetunreach)
{
	make_hosts();
	says("reach", by_family("192.0.2.1", "2001:db8::1"), "plain",
	     "sendto ENETUNREACH\n"
	     "connect ENETUNREACH\n"
	     "%s True\n",
	     any());
}

BOTH(dead_remote_port_is_econnrefused)
{
	make_hosts();
	says("refused", at(2, 2), "9",
	     "send succeeds\n"
	     "poll [8]\n"
	     "then ECONNREFUSED\n"
	     "send succeeds\n"
	     "poll [8]\n"
	     "then ECONNREFUSED\n");
}

/* ---- addresses that are translated --------------------------------------- */

static const char *nft_family(void)
{
	return by_family("ip", "ip6");
}

/* An address and a port as nft takes them. */
static const char *nft_name(int cable, int number, const char *ports)
{
	static char text[64];

	snprintf(text, sizeof(text), by_family("%s:%s", "[%s]:%s"),
		 at(cable, number), ports);
	return text;
}

static void add_rule(const char *name, const char *hook, const char *rule)
{
	if (!command_on(ROUTER, "nft add table %s nat", nft_family()) ||
	    !command_on(ROUTER,
			"nft add chain %s nat %s { type nat hook %s ; }",
			nft_family(), name, hook) ||
	    !command_on(ROUTER, "nft add rule %s nat %s meta l4proto udp %s",
			nft_family(), name, rule))
		cr_skip_test("no address can be translated: %s",
			     near_result.err);
}

/* The translated ports are none that an autobind would have taken. */
static void translate(void)
{
	char rule[128];

	snprintf(rule, sizeof(rule), "oifname r1 snat to %s",
		 nft_name(2, 1, "1024-2047"));
	add_rule("post", "postrouting priority 100", rule);
}

static void masquerade(void)
{
	add_rule("post", "postrouting priority 100",
		 "oifname r1 masquerade to :1024-2047");
}

static void forward_port(void)
{
	char rule[128];

	snprintf(rule, sizeof(rule), "iifname r0 udp dport 7000 dnat to %s",
		 nft_name(2, 2, "5000"));
	add_rule("pre", "prerouting priority -100", rule);
}

/* The router itself is the server. */
static void redirect(void)
{
	add_rule("pre", "prerouting priority -100",
		 "udp dport 9 redirect to :5000");
}

static void expect_mismatch(void (*prepare)(void))
{
	struct run_child server;

	make_hosts();
	prepare();
	serve(&server, FAR, at(2, 2));
	talk(&server, NEAR, at(2, 2));
	expect_talk(at(2, 2));
	expect_in(far_result.out, "one from %s\ntwo from %s\n", at(2, 1),
		  at(2, 1));
	expect_in(far_result.err, " rx=2 ");
	expect_in(far_result.err, " port_mismatch=2 ");
}

BOTH(reply_finds_its_way_through_nat_and_the_mismatch_is_counted)
{
	expect_mismatch(translate);
}

BOTH(reply_finds_its_way_through_a_masquerade_and_the_mismatch_is_counted)
{
	expect_mismatch(masquerade);
}

BOTH(peers_behind_source_nat_are_answered)
{
	plays("source_nat", translate);
	expect_in(far_result.out, "from %s True", at(2, 1));
}

BOTH(reply_through_a_port_forward_comes_from_the_forwarded_address)
{
	plays("port_forward", forward_port);
	expect_in(far_result.out, "connected has (b'ONE', ('%s', 7000))",
		  at(1, 1));
	expect_in(far_result.out, "connected has (b'THREE', ('%s', 7000))",
		  at(1, 1));
}

BOTH(reply_through_a_redirection_comes_from_the_address_that_was_asked)
{
	plays("redirected", redirect);
	expect_in(far_result.out, "connected has (b'ONE', ('%s', 9))",
		  at(2, 2));
	expect_in(far_result.out, "unconnected has (b'TWO', ('%s', 9))",
		  at(2, 2));
}

/* ---- link-local addresses ------------------------------------------------- */

static void add_link_local(enum host host, const char *device, int number)
{
	must(host, "ip address flush dev %s scope link", device);
	must(host, "ip address add fe80::%d/64 dev %s nodad", number, device);
}

/* Neither cable has another address, and there is no route between them. */
static void make_pairs(void)
{
	family = AF_INET6;
	make_cables();
	add_link_local(NEAR, "h0", 2);
	add_link_local(ROUTER, "r0", 1);
	add_link_local(ROUTER, "r1", 1);
	add_link_local(FAR, "h0", 2);
}

Test(hosts, link_local_pair_talks_with_the_scope_of_each_side)
{
	struct run_child server;

	make_pairs();
	serve(&server, ROUTER, "fe80::1%r0");
	talk(&server, NEAR, "fe80::1%h0");
	expect_talk("fe80::1%h0");
	expect_in(far_result.out, "one from fe80::2%%r0\n"
				  "two from fe80::2%%r0\n");
	expect_in(far_result.err, " rx=2 ");
	expect_in(far_result.err, " port_mismatch=0 ");
}

/* The kernel takes the first interface that there is for a sendto. */
Test(hosts, connect_to_a_link_local_address_without_a_scope_is_einval)
{
	make_pairs();
	says("reach", "fe80::1", "plain",
	     "sendto succeeds\n"
	     "connect EINVAL\n"
	     ":: True\n");
}

static void start_at_5000(struct run_child *child, struct run_result *res,
			  enum host host)
{
	const char *const argv[] = { PYTHON,  SCRIPT, "cop",  "inet6",
				     "serve", "::",   "5000", NULL };

	enter(host);
	cr_assert_eq(run_start(child, res, argv, true, NULL), 0);
	cr_assert(run_expect(child, "port 5000\n", WAIT_MS), "%s", res->err);
}

/* The scope that the router's interface has in text. */
static unsigned int scope_of(const char *device)
{
	unsigned int index = 0;

	must(ROUTER, "ip -o link show dev %s", device);
	cr_assert_eq(sscanf(near_result.out, "%u:", &index), 1);
	return index;
}

/* Both peers are [fe80::2]:5000, and only the scope tells them apart. */
Test(hosts, peers_with_one_link_local_address_on_two_cables_are_two_flows)
{
	static struct run_result near_server, far_server;
	const char *const argv[] = { PYTHON,	   SCRIPT,	 "cop",
				     "inet6",	   "both",	 "5000",
				     "fe80::2%r0", "fe80::2%r1", NULL };
	const char *const env[] = { "COP_STATS=stderr", NULL };
	struct run_child near, far;

	make_pairs();
	start_at_5000(&near, &near_server, NEAR);
	start_at_5000(&far, &far_server, FAR);
	enter(ROUTER);
	cr_expect_eq(run(&far_result, argv, true, env), 0, "%s",
		     far_result.err);
	cr_expect_str_eq(far_result.out, "ONE from fe80::2%r0 True\n"
					 "ONE from fe80::2%r1 True\n"
					 "TWO from fe80::2%r0 True\n"
					 "TWO from fe80::2%r1 True\n");
	cr_expect_eq(run_finish(&near, WAIT_MS), 0);
	cr_expect_eq(run_finish(&far, WAIT_MS), 0);
	expect_in(far_result.err, " rx=4 ");
	expect_in(far_result.err, " flows=2 ");
	expect_in(far_result.err,
		  " peer=[fe80::2%%%u]:5000 tx=2 tx_bytes=6 rx=2 ",
		  scope_of("r0"));
	expect_in(far_result.err,
		  " peer=[fe80::2%%%u]:5000 tx=2 tx_bytes=6 rx=2 ",
		  scope_of("r1"));
}

/* ---- a network that changes --------------------------------------------- */

BOTH(a_changed_route_changes_the_source_of_an_unbound_socket)
{
	plays("route_changes", NULL);
	expect_in(far_result.out, "b'unconnected' from ('%s', 4002)",
		  at(1, 77));
	expect_in(far_result.out, "b'unconnected' from ('%s', 4002)", at(4, 2));
	expect_in(far_result.out, "unconnected sends ENETUNREACH");
}

BOTH(fragments_arrive_whole_both_ways)
{
	plays("fragments", NULL);
	cr_expect_null(strstr(far_result.out, "False"));
	expect_in(far_result.out, "too long EMSGSIZE");
}

BOTH(nothing_longer_than_the_mtu_goes_unfragmented)
{
	plays("dont_fragment", NULL);
	expect_in(far_result.out, by_family("1372 1372\n1373 EMSGSIZE\n",
					    "1352 1352\n1353 EMSGSIZE\n"));
	expect_in(far_result.out, "IP_MTU 1400\n");
}

BOTH(mtu_of_the_path_is_learned_from_the_router)
{
	plays("path_mtu", NULL);
	expect_in(far_result.out, "IP_MTU 1500\n");
	expect_in(far_result.out, by_family("1272 1272\n1273 EMSGSIZE\n",
					    "1252 1252\n1253 EMSGSIZE\n"));
	expect_in(far_result.out, "IP_MTU 1300\n");
}

/* ---- the error queue ------------------------------------------------------ */

/* Origin (ICMP or ICMPv6), type and code there, and what else is told. */
BOTH(mtu_of_the_path_is_in_the_error_queue)
{
	plays("path_mtu_queued", NULL);
	expect_in(far_result.out, "'EMSGSIZE', %s, 1300, '%s'",
		  by_family("2, 3, 4", "3, 2, 0"), at(1, 1));
}

BOTH(absent_host_or_port_is_in_the_error_queue)
{
	plays("nobody", NULL);
	expect_in(far_result.out, "told EHOSTUNREACH");
	expect_in(far_result.out, "told ECONNREFUSED");
	expect_in(far_result.out, "'EHOSTUNREACH', %s, 0, '%s'",
		  by_family("2, 3, 1", "3, 1, 3"), at(1, 1));
	expect_in(far_result.out, "'ECONNREFUSED', %s, 0, '%s'",
		  by_family("2, 3, 3", "3, 1, 4"), at(2, 2));
}

BOTH(an_absent_host_is_an_error_only_on_request)
{
	plays("nobody_untold", NULL);
	expect_in(far_result.out, "EHOSTUNREACH 0\n");
	expect_in(far_result.out, "ECONNREFUSED EAGAIN\n");
}

BOTH(address_that_is_taken_away_comes_back_to_its_sockets)
{
	plays("address_removed", NULL);
	expect_in(far_result.out, "binds EADDRNOTAVAIL");
	expect_in(far_result.out, "binds EADDRINUSE");
}
