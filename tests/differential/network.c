// SPDX-License-Identifier: MIT
/*
 * network.c - a fresh network for each script: loopback with addresses besides
 * its own, a broadcast address, routes for multicast, and one that leads nowhere.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "network.h"
#include "player.h"

void network_fail(const char *what)
{
	perror(what);
	exit(NO_NETWORK);
}

void network_write(const char *path, const char *text)
{
	ssize_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, len) != len)
		network_fail(path);
	close(fd);
}

/* For who is not root: with a user namespace of one user, who is root there. */
static void own_users(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", getuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		network_fail("unshare");
	network_write("/proc/self/uid_map", map);
}

static void set_addr(struct sockaddr *at, const char *ip)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = inet_addr(ip) };

	memcpy(at, &addr, sizeof(addr));
}

static void alias_ioctl(int fd, unsigned long cmd, const char *ip)
{
	struct ifreq ifr = { .ifr_name = "lo:1" };

	set_addr(&ifr.ifr_addr, ip);
	if (ioctl(fd, cmd, &ifr))
		network_fail("lo:1");
}

static void lo_up(int fd, int mtu)
{
	struct ifreq ifr = { .ifr_name = "lo" };

	ifr.ifr_mtu = mtu;
	if (ioctl(fd, SIOCSIFMTU, &ifr))
		network_fail("lo");
	ifr.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_MULTICAST;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		network_fail("lo");
	alias_ioctl(fd, SIOCSIFADDR, "10.1.0.1");
	alias_ioctl(fd, SIOCSIFNETMASK, "255.255.255.0");
	alias_ioctl(fd, SIOCSIFBRDADDR, "10.1.0.255");
}

static void add_route(int fd, const char *ip, const char *mask, int flags)
{
	struct rtentry route = { .rt_flags = RTF_UP | flags };

	set_addr(&route.rt_dst, ip);
	set_addr(&route.rt_genmask, mask);
	set_addr(&route.rt_gateway, "0.0.0.0");
	if (!(flags & RTF_REJECT))
		route.rt_dev = (char *)"lo";
	if (ioctl(fd, SIOCADDRT, &route))
		network_fail(ip);
}

/* Of the network only: nothing else is asked of a capability. */
static void give_up_rights(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capset, &head, data))
		network_fail("capset");
}

/* What the kernel limits over time must not be seen. */
static void no_limits(void)
{
	network_write("/proc/sys/net/ipv4/icmp_ratemask", "0");
	network_write("/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts", "1");
}

void network_fresh(int mtu, bool rights, const char *net)
{
	int fd;

	if (unshare(CLONE_NEWNET))
		own_users();
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	network6_before(net);
	lo_up(fd, mtu);
	add_route(fd, "224.0.0.0", "240.0.0.0", 0);
	add_route(fd, "10.9.0.0", "255.255.0.0", RTF_REJECT);
	close(fd);
	no_limits();
	network6_fresh(net);
	if (!rights)
		give_up_rights();
}
