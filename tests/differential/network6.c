// SPDX-License-Identifier: MIT
/*
 * network6.c - what a script's network has of IPv6.
 *
 * Loopback gets more addresses, one of them link-local, and there is a second
 * device, so that a link-local address needs its scope. That device sends nowhere.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "network.h"
#include "player.h"

#define LO	    1
#define SECOND	    2
#define SECOND_NAME "second"

/* ---- requests of rtnetlink ------------------------------------------------- */

union request {
	struct nlmsghdr head;
	char bytes[256];
};

static void *begin(union request *req, int type, int flags, size_t size)
{
	memset(req, 0, sizeof(*req));
	req->head.nlmsg_len = NLMSG_LENGTH(size);
	req->head.nlmsg_type = type;
	req->head.nlmsg_flags = NLM_F_REQUEST | flags;
	return NLMSG_DATA(&req->head);
}

static struct rtattr *attribute(union request *req, int type, const void *data,
				size_t len)
{
	struct rtattr *at =
		(void *)(req->bytes + NLMSG_ALIGN(req->head.nlmsg_len));

	at->rta_type = type;
	at->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(at), data, len);
	req->head.nlmsg_len =
		NLMSG_ALIGN(req->head.nlmsg_len) + RTA_ALIGN(at->rta_len);
	return at;
}

static void number_attribute(union request *req, int type, uint32_t value)
{
	attribute(req, type, &value, sizeof(value));
}

static void ip_attribute(union request *req, int type, const char *ip)
{
	struct in6_addr addr;

	inet_pton(AF_INET6, ip, &addr);
	attribute(req, type, &addr, sizeof(addr));
}

/* 0 or -errno */
static int request(int fd, union request *req)
{
	const struct nlmsgerr *error;
	union request answer = { 0 };

	req->head.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, req, req->head.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		network_fail("rtnetlink");
	error = NLMSG_DATA(&answer.head);
	return error->error;
}

static void demand(int fd, union request *req, const char *what)
{
	errno = -request(fd, req);
	if (errno)
		network_fail(what);
}

/* ---- devices, addresses and routes ------------------------------------------- */

static int new_device(int fd, const char *kind)
{
	union request req;
	struct ifinfomsg *info = begin(
		&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
	struct rtattr *link;

	info->ifi_index = SECOND;
	info->ifi_flags = info->ifi_change = IFF_UP | IFF_MULTICAST;
	attribute(&req, IFLA_IFNAME, SECOND_NAME, sizeof(SECOND_NAME));
	link = attribute(&req, IFLA_LINKINFO, NULL, 0);
	attribute(&req, IFLA_INFO_KIND, kind, strlen(kind));
	link->rta_len = req.bytes + req.head.nlmsg_len - (char *)link;
	return request(fd, &req);
}

/* Neither kind waits for neighbours: both are IFF_NOARP. */
static bool has_second(int fd)
{
	return !new_device(fd, "dummy") || !new_device(fd, "ifb");
}

static void add_route(int fd, int type, int device, const char *ip, int prefix)
{
	union request req;
	struct rtmsg *route = begin(&req, RTM_NEWROUTE,
				    NLM_F_CREATE | NLM_F_EXCL, sizeof(*route));

	route->rtm_family = AF_INET6;
	route->rtm_dst_len = prefix;
	route->rtm_type = type;
	route->rtm_protocol = RTPROT_BOOT;
	route->rtm_table =
		type == RTN_UNREACHABLE ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
	ip_attribute(&req, RTA_DST, ip);
	number_attribute(&req, RTA_OIF, device);
	demand(fd, &req, ip);
}

/* 0 or -errno */
static int new_address(int fd, int device, const char *ip, int prefix)
{
	union request req;
	struct ifaddrmsg *addr = begin(
		&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*addr));

	addr->ifa_family = AF_INET6;
	addr->ifa_prefixlen = prefix;
	addr->ifa_index = device;
	ip_attribute(&req, IFA_LOCAL, ip);
	number_attribute(&req, IFA_FLAGS, IFA_F_NODAD);
	return request(fd, &req);
}

/* The kernel adds an address's own route some time after the address, so that
 * one is added here, too. */
static void add_address(int fd, int device, const char *ip, int prefix)
{
	errno = -new_address(fd, device, ip, prefix);
	if (errno)
		network_fail(ip);
	add_route(fd, RTN_LOCAL, device, ip, 128);
}

/* ---- until all of this has taken effect ------------------------------------------- */

static int open_rtnetlink(unsigned int groups)
{
	const struct sockaddr_nl name = { .nl_family = AF_NETLINK,
					  .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(name)))
		network_fail("rtnetlink");
	return fd;
}

/*
 * A worker of the kernel makes an address ready some time after the address was added.
 * It announces the address, and then the kernel looks up anew each route that a socket
 * has kept. The worker has a lock that the next request waits for, so both have
 * happened behind that. A kernel that announces nothing costs a second.
 */
static void await_addresses(int news, int fd, int addresses)
{
	const struct timeval second = { 1, 0 };
	struct nlmsghdr head;

	setsockopt(news, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	while (addresses && recv(news, &head, sizeof(head), 0) > 0)
		addresses -= head.nlmsg_type == RTM_NEWADDR;
	if (new_address(fd, LO, "fd00::1", 128) != -EEXIST)
		network_fail("fd00::1");
}

/* ---- a kernel without IPv6 ------------------------------------------------------ */

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

/*
 * socket() and socketpair() fail as with ipv6.disable=1, which looks at the flags
 * before it looks at the family. The filter is libc's business alone: a library that
 * stands before libc would take the program for one that confines itself.
 */
static void no_family(void)
{
	struct sock_filter insn[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socketpair, 0, 5),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 3),
		LOAD(args[1]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
			 ~(0xf | SOCK_NONBLOCK | SOCK_CLOEXEC), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { ARRAY_SIZE(insn), insn };
	int (*real_prctl)(int, ...) =
		dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "prctl");

	if (!real_prctl || real_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    real_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		network_fail("seccomp");
}

/* ---- all of it -------------------------------------------------------------------- */

#define SYSCTL "/proc/sys/net/ipv6/"

/* A kernel without IPv6 is like that in all networks. */
static bool kernel_has_ipv6(void)
{
	return !access(SYSCTL, F_OK);
}

static void disable(const char *off)
{
	network_write(SYSCTL "conf/all/disable_ipv6", off);
	network_write(SYSCTL "conf/default/disable_ipv6", off);
}

static bool has_ipv6(const char *net)
{
	return net[0] == '6' && kernel_has_ipv6();
}

void network6_before(const char *net)
{
	if (net[0] != '4' && kernel_has_ipv6())
		disable(net[0] == '6' ? "0" : "1");
	if (!has_ipv6(net))
		return;
	/* the second device has the address that it is given, and no other */
	network_write(SYSCTL "conf/default/addr_gen_mode", "1");
	/* flow labels, where the program asks for none, are random */
	network_write(SYSCTL "auto_flowlabels", "0");
	network_write(SYSCTL "icmp/ratelimit", "0");
	if (!strcmp(net, "6only"))
		network_write(SYSCTL "bindv6only", "1");
}

void network6_fresh(const char *net)
{
	static const char *const own[] = { "fd00::1", "fd00::2", "fe80::1" };
	int fd, news, addresses = ARRAY_SIZE(own);

	if (!strcmp(net, "none"))
		no_family();
	if (!has_ipv6(net))
		return;
	fd = open_rtnetlink(0);
	news = open_rtnetlink(RTMGRP_IPV6_IFADDR);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		add_address(fd, LO, own[i], own[i][1] == 'e' ? 64 : 128);
	if (has_second(fd)) {
		add_address(fd, SECOND, "fe80::2", 64);
		addresses++;
	}
	add_route(fd, RTN_MULTICAST, LO, "ff00::", 8);
	add_route(fd, RTN_UNREACHABLE, LO, "fd09::", 16);
	await_addresses(news, fd, addresses);
	close(news);
	close(fd);
}
