// SPDX-License-Identifier: MIT
/*
 * off.c - a host on which IPv6 is switched off, or on which its sockets leave IPv4
 * alone: IPv4 works as ever.
 */
#include <sys/wait.h>

#include "netns.h"
#include "no_ipv6.h"

#define IPV6 "/proc/sys/net/ipv6/"
#define PORT 5123

/* ---- the ways to be without ----------------------------------------------------- */

static void set_ipv6(const char *path, const char *value)
{
	if (!write_file(path, value))
		skip(path);
}

static void disable(void)
{
	own_network();
	set_ipv6(IPV6 "conf/all/disable_ipv6", "1");
}

static void leave_ipv4_alone(void)
{
	own_network();
	set_ipv6(IPV6 "bindv6only", "1");
}

static void without_family(void)
{
	own_network();
	refuse_family();
}

/* Long enough for the library to look at the setting again. */
static void leave_ipv4_alone_later(void)
{
	own_network();
	close(sock_at('Z', "127.0.0.1"));
	set_ipv6(IPV6 "bindv6only", "1");
	usleep(1100000);
}

/* ---- IPv4 as ever --------------------------------------------------------------- */

static int bind_at(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return bind(fd, SA(&addr), sizeof(addr));
}

static int disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(fd, &none, sizeof(none));
}

static void names(void)
{
	int fd = sock();

	T(bind_at(fd, "127.0.0.1", PORT));
	T(bind_at(fd, "127.0.0.1", PORT + 1));
	T(bind_at(sock(), "127.0.0.1", PORT));
	T(bind_at(sock(), "0.0.0.0", PORT));
	T(bind_at(sock(), "198.51.100.7", PORT));
	T(bind_at(sock(), "0.0.0.0", PORT + 1));
	T(bind_at(sock(), "127.0.0.2", PORT + 1));
	close(fd);
	T(bind_at(sock(), "127.0.0.1", PORT));
}

static void data(void)
{
	make_pair();
	deliver("one");
	R(recvfrom(sock_b, buf, sizeof(buf), 0, SA(&from), &fromlen));
	connect_to(sock_a, &addr_b);
	T(send(sock_a, "two", 3, 0));
	R(recvfrom(sock_b, buf, sizeof(buf), 0, SA(&from), &fromlen));
	T(disconnect(sock_a));
	show_name(sock_a);
	T(sendto(sock_a, "three", 5, 0, SA(&addr_b), sizeof(addr_b)));
	T(recv(sock_b, buf, sizeof(buf), 0));
	T(sendto(sock(), "four", 4, 0, SA(&addr_b), sizeof(addr_b)));
	T(recv(sock_b, buf, sizeof(buf), 0));
}

static void as_ever(void (*be_without)(void))
{
	be_without();
	names();
	data();
}

static void disabled(void)
{
	as_ever(disable);
}

static void alone(void)
{
	as_ever(leave_ipv4_alone);
}

static void alone_later(void)
{
	as_ever(leave_ipv4_alone_later);
}

static void no_family(void)
{
	as_ever(without_family);
}

/* ---- COP's rule ----------------------------------------------------------------- */

static const char *const ips[] = { "0.0.0.0", "127.0.0.1", "127.0.0.2" };

/* Another process holds a port at one address; here it is wanted at each. */
static void refused_at(const char *ip, int port, int *refused)
{
	int fd = sock(), status;

	if (bind_at(fd, ip, port))
		die("bind");
	if (!fork()) {
		int n = 0;

		close(fd);
		for (size_t i = 0; i < ARRAY_SIZE(ips); i++)
			n += bind_at(sock(), ips[i], port) &&
			     errno == EADDRINUSE;
		_exit(n);
	}
	wait(&status);
	*refused += WEXITSTATUS(status);
	close(fd);
}

static void rule(void (*be_without)(void))
{
	int refused = 0;

	be_without();
	for (size_t i = 0; i < ARRAY_SIZE(ips); i++)
		refused_at(ips[i], PORT, &refused);
	printf("%d of 9 refused\n", refused);
}

static void disabled_rule(void)
{
	rule(disable);
}

static void alone_rule(void)
{
	rule(leave_ipv4_alone);
}

static void alone_later_rule(void)
{
	rule(leave_ipv4_alone_later);
}

static void no_family_rule(void)
{
	rule(without_family);
}

/* ---- sockets of IPv6 ------------------------------------------------------------- */

static int sock6(void)
{
	return is_cop ? socket(AF_INET6, SOCK_COP, IPPROTO_COP)
		      : socket(AF_INET6, SOCK_DGRAM, 0);
}

static int bind_at6(int fd, const char *ip, int port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_port = htons(port) };

	inet_pton(AF_INET6, ip, &addr.sin6_addr);
	return bind(fd, SA(&addr), sizeof(addr));
}

static int v6only(int fd)
{
	socklen_t len = sizeof(int);
	int is = -1;

	getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is, &len);
	return is;
}

/* As far as the host lets them, they work as UDP's. */
static void of_ipv6(void (*be_without)(void))
{
	int fd;

	be_without();
	T((fd = sock6()) < 0 ? -1 : 0);
	T(v6only(fd));
	T(bind_at6(fd, "::", PORT));
	T(bind_at6(sock6(), "::", PORT));
	T(bind_at6(sock6(), "::1", PORT + 1));
	T(bind_at6(sock6(), "::ffff:127.0.0.1", PORT + 2));
	T(bind_at6(sock6(), "::", 0));
}

static void disabled_ipv6(void)
{
	of_ipv6(disable);
}

static void alone_ipv6(void)
{
	of_ipv6(leave_ipv4_alone);
}

static void no_family_ipv6(void)
{
	of_ipv6(without_family);
}

/* The wildcard of IPv6 is that of IPv6 only, and sees no IPv4 of another process. */
static void alone_meets_ipv4(void (*be_without)(void))
{
	int fd, status;

	be_without();
	fd = sock();
	T(bind_at(fd, "127.0.0.1", PORT));
	if (!fork()) {
		close(fd);
		_exit(bind_at6(sock6(), "::", PORT) ? errno : 0);
	}
	wait(&status);
	printf("[::] in another process: %s\n",
	       strerrorname_np(WEXITSTATUS(status)));
}

static void alone_meets(void)
{
	alone_meets_ipv4(leave_ipv4_alone);
}

static void alone_later_meets(void)
{
	alone_meets_ipv4(leave_ipv4_alone_later);
}

SCENARIOS({ "disabled", disabled }, { "alone", alone },
	  { "alone_later", alone_later }, { "no_family", no_family },
	  { "disabled_rule", disabled_rule }, { "alone_rule", alone_rule },
	  { "alone_later_rule", alone_later_rule },
	  { "no_family_rule", no_family_rule },
	  { "disabled_ipv6", disabled_ipv6 }, { "alone_ipv6", alone_ipv6 },
	  { "no_family_ipv6", no_family_ipv6 }, { "alone_meets", alone_meets },
	  { "alone_later_meets", alone_later_meets })
