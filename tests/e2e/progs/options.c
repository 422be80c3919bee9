// SPDX-License-Identifier: MIT
/*
 * options.c - getsockopt and setsockopt, every option there is.
 *
 * The options are tried by number, those that have no name too: an unknown one
 * has an errno as well. Each is tried on a socket of its own.
 */
#include <asm/socket.h>
#include <limits.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/udp.h>

#include "prog.h"

#define OPTIONS 100

static int level;

static void short_say(const char *what, int ret)
{
	printf(" %s %s;", what, ret ? strerrorname_np(errno) : "ok");
}

#define IP_PROTOCOL 52 /* answers with the port */

/* Those whose value is a number of the socket's, the machine's or the day's. */
static bool value_differs(int name)
{
	static const int some[] = { SO_COOKIE,	 SO_TYPE,
				    SO_PROTOCOL, SO_NETNS_COOKIE,
				    SO_MEMINFO,	 SO_INCOMING_CPU,
				    SO_PEERCRED, SO_PEERGROUPS };

	if (level == IPPROTO_IP)
		return name == IP_PROTOCOL;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		if (some[i] == name)
			return true;
	return false;
}

/* What COP does in its own way is tested by itself, below. */
static bool not_compared(int name)
{
	static const int ours[] = { SO_NO_CHECK, SO_ZEROCOPY, SO_PEEK_OFF };

	if (level != SOL_SOCKET)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (ours[i] == name)
			return true;
	return false;
}

static void show_value(int fd, int name)
{
	unsigned char value[64] = { 0 };
	socklen_t len = sizeof(value);
	int ret = getsockopt(fd, level, name, value, &len);

	short_say("get", ret);
	printf(" %u", len);
	if (value_differs(name))
		return;
	for (unsigned int i = 0; i < len && i < 16 && !ret; i++)
		printf(" %02x", value[i]);
}

static void try_set(int name, const char *what, const void *value, int len)
{
	int fd = sock();

	short_say(what, setsockopt(fd, level, name, value, len));
	show_value(fd, name);
	close(fd);
}

static void set_good(void)
{
	static const int values[] = { 1, 0, -1, 5, 100000, INT_MIN };
	char what[32];

	for (int name = 0; name < OPTIONS; name++) {
		if (not_compared(name))
			continue;
		printf("%d:", name);
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			snprintf(what, sizeof(what), "%d", values[i]);
			try_set(name, what, &values[i], sizeof(int));
		}
		printf("\n");
	}
}

static void set_lengths(void)
{
	static const char value[64] = { 1 };
	static const int lengths[] = { 0, 1, 3, 8, 12, 16, 64, -1, INT_MIN };
	char what[32];

	for (int name = 0; name < OPTIONS; name++) {
		if (not_compared(name))
			continue;
		printf("%d:", name);
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			snprintf(what, sizeof(what), "len %d", lengths[i]);
			try_set(name, what, value, lengths[i]);
		}
		printf("\n");
	}
}

static void set_pointers(void)
{
	for (int name = 0; name < OPTIONS; name++) {
		if (not_compared(name))
			continue;
		printf("%d:", name);
		try_set(name, "NULL", NULL, 4);
		try_set(name, "NULL, 0", NULL, 0);
		try_set(name, "NULL, 1", NULL, 1);
		try_set(name, "NULL, 16", NULL, 16);
		try_set(name, "bad", BAD_PTR, 4);
		try_set(name, "bad, 1", BAD_PTR, 1);
		try_set(name, "bad, 16", BAD_PTR, 16);
		printf("\n");
	}
}

static void get_lengths(void)
{
	static const int lengths[] = { 0, 1, 3, 4, 5, 64, -1, INT_MIN };
	int fd = sock_at('A', "127.0.0.1");

	for (int name = 0; name < OPTIONS; name++) {
		if (not_compared(name))
			continue;
		printf("%d:", name);
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			unsigned char value[64] = { 0 };
			socklen_t len = lengths[i];

			printf(" len %d", lengths[i]);
			short_say("", getsockopt(fd, level, name, value, &len));
			printf(" %u", len);
			if (!value_differs(name))
				printf(" %02x%02x", value[0], value[1]);
		}
		printf("\n");
	}
}

static void get_pointers(void)
{
	int fd = sock_at('A', "127.0.0.1");
	char value[64];
	socklen_t len;

	for (int name = 0; name < OPTIONS; name++) {
		if (not_compared(name))
			continue;
		printf("%d:", name);
		len = 4;
		short_say("NULL", getsockopt(fd, level, name, NULL, &len));
		len = 4;
		short_say("bad", getsockopt(fd, level, name, BAD_PTR, &len));
		short_say("NULL len", getsockopt(fd, level, name, value, NULL));
		short_say("bad len",
			  getsockopt(fd, level, name, value, BAD_PTR));
		printf("\n");
	}
}

/* A checksum that is left out is 0 on the wire, and that is no fault. */
static void no_check(void)
{
	int off = 1, is = -1;
	socklen_t len = sizeof(is);

	make_pair();
	T(setsockopt(sock_a, SOL_SOCKET, SO_NO_CHECK, &off, sizeof(off)));
	T(getsockopt(sock_a, SOL_SOCKET, SO_NO_CHECK, &is, &len));
	T(is);
	T(setsockopt(sock_b, SOL_SOCKET, SO_NO_CHECK, &off, 3));
	T(setsockopt(sock_b, SOL_SOCKET, SO_NO_CHECK, no_ptr, sizeof(off)));
	deliver("unchecked");
	R(recv(sock_b, buf, 64, 0));
	off = 0;
	T(setsockopt(sock_a, SOL_SOCKET, SO_NO_CHECK, &off, sizeof(off)));
	deliver("checked");
	R(recv(sock_b, buf, 64, 0));
}

#define FOR_LEVEL(which, what)           \
	static void which##_##what(void) \
	{                                \
		level = which##_level;   \
		what();                  \
	}
enum {
	socket_level = SOL_SOCKET,
	ip_level = IPPROTO_IP,
	ipv6_level = IPPROTO_IPV6
};

FOR_LEVEL(socket, set_good)
FOR_LEVEL(socket, set_lengths)
FOR_LEVEL(socket, set_pointers)
FOR_LEVEL(socket, get_lengths)
FOR_LEVEL(socket, get_pointers)
FOR_LEVEL(ip, set_good)
FOR_LEVEL(ip, set_lengths)
FOR_LEVEL(ip, set_pointers)
FOR_LEVEL(ip, get_lengths)
FOR_LEVEL(ip, get_pointers)
FOR_LEVEL(ipv6, set_good)
FOR_LEVEL(ipv6, set_lengths)
FOR_LEVEL(ipv6, set_pointers)
FOR_LEVEL(ipv6, get_lengths)
FOR_LEVEL(ipv6, get_pointers)

static void other_levels(void)
{
	static const int levels[] = { -1,	    2,		 IPPROTO_TCP,
				      IPPROTO_IPV6, IPPROTO_RAW, 12345 };
	int fd = sock(), value = 1;
	socklen_t len;

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		printf("level %d\n", levels[i]);
		for (int name = 0; name < 4; name++) {
			T(setsockopt(fd, levels[i], name, &value, 4));
			len = 4;
			T(getsockopt(fd, levels[i], name, &value, &len));
		}
	}
}

static void corked(void)
{
	int one = 1, zero = 0, value = -1;
	socklen_t len = sizeof(value);

	connect_pair();
	T(getsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &value, &len));
	T(value);
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &one, sizeof(one)));
	T(getsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &value, &len));
	T(value);
	T(send(sock_a, "one ", 4, 0));
	T(write(sock_a, "two", 3));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &zero, sizeof(zero)));
	R(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(send(sock_a, "three", 5, 0));
	R(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &one, 3));
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, NULL, 4));
}

static void multicast(void)
{
	struct ip_mreqn req = { .imr_multiaddr = { inet_addr("239.1.2.3") },
				.imr_ifindex = if_nametoindex("lo") };
	struct sockaddr_in group;
	int hearer = sock_at('H', "0.0.0.0");

	make_pair();
	T(setsockopt(hearer, IPPROTO_IP, IP_ADD_MEMBERSHIP, &req, sizeof(req)));
	T(setsockopt(hearer, IPPROTO_IP, IP_ADD_MEMBERSHIP, &req, sizeof(req)));
	T(setsockopt(sock_a, IPPROTO_IP, IP_MULTICAST_IF, &req, sizeof(req)));
	group = addr_of("239.1.2.3", ntohs(name_of(hearer).sin_port));
	T(sendto(sock_a, "group", 5, 0, SA(&group), sizeof(group)));
	R(recvfrom(hearer, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(setsockopt(hearer, IPPROTO_IP, IP_DROP_MEMBERSHIP, &req,
		     sizeof(req)));
	T(setsockopt(hearer, IPPROTO_IP, IP_DROP_MEMBERSHIP, &req,
		     sizeof(req)));
	T(sendto(sock_a, "group", 5, 0, SA(&group), sizeof(group)));
	show_rest(hearer);
}

static void bound_to_device(void)
{
	char name[IFNAMSIZ] = { 0 };
	socklen_t len = sizeof(name);

	make_pair();
	T(setsockopt(sock_b, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	T(getsockopt(sock_b, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
	printf("%s\n", name);
	T(setsockopt(sock_b, SOL_SOCKET, SO_BINDTODEVICE, "none such", 10));
	deliver("payload");
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

/* A filter of the program's own, which drops all or lets all pass. */
static void own_filter(void)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	struct sock_fprog prog = { 1, &drop };
	int one = 1;

	make_pair();
	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &one, 4));
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		     sizeof(prog)));
	deliver("dropped");
	show_rest(sock_b);
	prog.filter = &pass;
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		     sizeof(prog)));
	deliver("passed");
	R(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &one, 4));
	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &one, 4));
	deliver("passed");
	R(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog, 3));
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, NULL, 16));
}

static void port_range(void)
{
	unsigned int range = 61000u << 16 | 60000u, got = 0;
	socklen_t len = sizeof(got);
	struct sockaddr_in any = addr_of("0.0.0.0", 0);
	int fd = sock(), port;

	T(setsockopt(fd, IPPROTO_IP, 51, &range, sizeof(range)));
	T(getsockopt(fd, IPPROTO_IP, 51, &got, &len));
	T(got == range);
	T(bind(fd, SA(&any), sizeof(any)));
	port = ntohs(name_of(fd).sin_port);
	T(port >= 60000 && port <= 61000);
	fd = sock();
	T(bind(fd, SA(&any), sizeof(any)));
	T(getsockopt(fd, IPPROTO_IP, 51, &got, &len));
	T(got);
	T(setsockopt(fd, IPPROTO_IP, 51, &range, 2));
	range = 60000u << 16 | 61000u;
	T(setsockopt(fd, IPPROTO_IP, 51, &range, sizeof(range)));
}

SCENARIOS({ "socket_set_good", socket_set_good },
	  { "socket_set_lengths", socket_set_lengths },
	  { "socket_set_pointers", socket_set_pointers },
	  { "socket_get_lengths", socket_get_lengths },
	  { "socket_get_pointers", socket_get_pointers },
	  { "ip_set_good", ip_set_good }, { "ip_set_lengths", ip_set_lengths },
	  { "ip_set_pointers", ip_set_pointers },
	  { "ip_get_lengths", ip_get_lengths },
	  { "ip_get_pointers", ip_get_pointers },
	  { "ipv6_set_good", ipv6_set_good },
	  { "ipv6_set_lengths", ipv6_set_lengths },
	  { "ipv6_set_pointers", ipv6_set_pointers },
	  { "ipv6_get_lengths", ipv6_get_lengths },
	  { "ipv6_get_pointers", ipv6_get_pointers },
	  { "other_levels", other_levels }, { "corked", corked },
	  { "multicast", multicast }, { "bound_to_device", bound_to_device },
	  { "own_filter", own_filter }, { "port_range", port_range },
	  { "no_check", no_check })
