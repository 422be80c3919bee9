// SPDX-License-Identifier: MIT
/*
 * cop_route.c - what the kernel's routing tables say of an address.
 *
 * The kernel is asked over a netlink socket that lives for the call only.
 *
 * Owns: the last answer of inet_addr_is_source(). Protected by: one atomic word.
 * Counterpart in the kernel: net/ipv4/fib_frontend.c and route.c.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "cop_route.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "lib/scratch.h"
#include "lib/sockname.h"

struct route_query {
	struct nlmsghdr nlh;
	struct rtmsg rtm;
	struct rtattr rta;
	__be32 dst;
};

union route_answer {
	struct {
		struct nlmsghdr nlh;
		struct rtmsg rtm;
	};
	char room[1024];
};

/* Ask for the route to @addr, as "ip route get" does. */
static ssize_t route_ask(int nl, __be32 addr, union route_answer *answer)
{
	struct route_query query = {
		.nlh = { .nlmsg_len = sizeof(query),
			 .nlmsg_type = RTM_GETROUTE,
			 .nlmsg_flags = NLM_F_REQUEST },
		.rtm = { .rtm_family = AF_INET, .rtm_dst_len = 32 },
		.rta = { .rta_len = RTA_LENGTH(sizeof(addr)),
			 .rta_type = RTA_DST },
		.dst = addr,
	};

	if (cop_libc.send(nl, &query, sizeof(query), 0) < 0)
		return -1;
	return cop_libc.recv(nl, answer, sizeof(*answer), MSG_DONTWAIT);
}

/* Whether the netlink socket, made by this thread, can be asked about @netns. */
static bool is_in(int nl, uint64_t netns)
{
	return !netns || cop_netns_of(nl) == netns;
}

static unsigned int route_type(__be32 addr, uint64_t netns)
{
	union route_answer answer;
	struct cop_scratch part;
	ssize_t n = -1;
	int nl;

	cop_scratch_begin(&part);
	nl = cop_libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			     NETLINK_ROUTE);
	if (nl >= 0) {
		n = is_in(nl, netns) ? route_ask(nl, addr, &answer) : 0;
		cop_libc.close(nl);
	}
	cop_scratch_end(&part);
	if (n >= (ssize_t)sizeof(answer.nlh) + (ssize_t)sizeof(answer.rtm) &&
	    answer.nlh.nlmsg_type == RTM_NEWROUTE)
		return answer.rtm.rtm_type;
	return RTN_UNICAST;
}

static unsigned int addr_type(__be32 addr, uint64_t netns)
{
	uint32_t host = ntohl(addr);
	unsigned int type;

	if (host >> 24 == 0 || host == INADDR_BROADCAST)
		return RTN_BROADCAST;
	if (IN_MULTICAST(host))
		return RTN_MULTICAST;
	if (cop_confined())
		return RTN_UNICAST;
	type = route_type(addr, netns);
	return type == RTN_LOCAL || type == RTN_BROADCAST ? type : RTN_UNICAST;
}

unsigned int inet_addr_type(__be32 addr)
{
	return addr_type(addr, 0);
}

static bool can_be_source(__be32 addr, uint64_t netns)
{
	unsigned int type = addr_type(addr, netns);

	return type != RTN_MULTICAST && type != RTN_BROADCAST;
}

/*
 * A program that binds many sockets binds them to few addresses. So the last
 * answer is kept for a second: address << 32 | second << 1 | answer. In a process
 * with several namespaces no answer is kept.
 */
static bool in_is_source(__be32 addr, uint64_t netns)
{
	static _Atomic(uint64_t) last;
	uint64_t seen = READ_ONCE(last);
	struct timespec now;
	uint64_t key;

	if (!addr)
		return true;
	if (unlikely(netns))
		return can_be_source(addr, netns);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	key = (uint64_t)addr << 32 | (uint32_t)now.tv_sec << 1;
	if (seen >> 1 != key >> 1) {
		seen = key | can_be_source(addr, 0);
		WRITE_ONCE(last, seen);
	}
	return seen & 1;
}

/* IPv6 has no broadcast, and the bits of an address tell a multicast address. */
bool inet_addr_is_source(const union cop_addr *addr, uint64_t netns)
{
	if (likely(addr->family == AF_INET))
		return in_is_source(addr->in.sin_addr.s_addr, netns);
	return !IN6_IS_ADDR_MULTICAST(&addr->in6.sin6_addr);
}

int ip_route_connect(int fd, const struct sockaddr *uaddr, socklen_t addr_len,
		     union cop_addr *local)
{
	int err = cop_libc_result(cop_libc.connect(fd, uaddr, addr_len));

	if (cop_confined())
		memset(local, 0, sizeof(*local));
	else
		cop_local_addr(fd, local);
	return err;
}
