// SPDX-License-Identifier: MIT
/*
 * cop_route.c - what the kernel's routing tables say of an address.
 *
 * The kernel is asked over a netlink socket that lives for the call only.
 *
 * Owns: the last answer of inet_addr_is_source(), and the last answers of
 * inet_route_source(). Protected by: one atomic word; a sequence count for each answer.
 * Counterpart in the kernel: net/ipv4/fib_frontend.c and route.c.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
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

union route_answer {
	struct {
		struct nlmsghdr nlh;
		struct rtmsg rtm;
	};
	char room[1024];
};

struct route_query {
	struct nlmsghdr nlh;
	struct rtmsg rtm;
	struct rtattr dst_attr;
	unsigned char dst[16];
};

struct oif_attr {
	struct rtattr attr;
	uint32_t oif;
};

/* The bytes of an address in an attribute: 4 or 16. */
static size_t addr_bytes(const struct cop_endpoint *end)
{
	return cop_endpoint_is_v4(end) ? 4 : 16;
}

static const void *addr_data(const struct cop_endpoint *end)
{
	return end->addr.s6_addr + (16 - addr_bytes(end));
}

/* Ask for the route to @dest, as "ip route get" does. */
static ssize_t route_query(int nl, const struct cop_endpoint *dest,
			   union route_answer *answer)
{
	const size_t bytes = addr_bytes(dest);
	const struct oif_attr oif = { { sizeof(oif), RTA_OIF }, dest->scope };
	struct route_query query = {
		.nlh = { .nlmsg_type = RTM_GETROUTE,
			 .nlmsg_flags = NLM_F_REQUEST },
		.rtm = { .rtm_family = bytes == 4 ? AF_INET : AF_INET6,
			 .rtm_dst_len = 8 * bytes },
		.dst_attr = { RTA_LENGTH(bytes), RTA_DST },
	};
	const size_t len = offsetof(struct route_query, dst) + bytes;
	unsigned char message[sizeof(query) + sizeof(oif)];

	query.nlh.nlmsg_len = len + (dest->scope ? sizeof(oif) : 0);
	memcpy(query.dst, addr_data(dest), bytes);
	memcpy(message, &query, len);
	memcpy(message + len, &oif, sizeof(oif));
	if (cop_libc.send(nl, message, query.nlh.nlmsg_len, 0) < 0)
		return -1;
	return cop_libc.recv(nl, answer, sizeof(*answer), MSG_DONTWAIT);
}

/* Whether the netlink socket, made by this thread, can be asked about @netns. */
static bool is_in(int nl, uint64_t netns)
{
	return !netns || cop_netns_of(nl) == netns;
}

/* Returns the bytes of the answer, or -1 if there is none, or no route. */
static ssize_t route_ask(const struct cop_endpoint *dest, uint64_t netns,
			 union route_answer *answer)
{
	struct cop_scratch part;
	ssize_t n = -1;
	int nl;

	cop_scratch_begin(&part);
	nl = cop_libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			     NETLINK_ROUTE);
	if (nl >= 0) {
		n = is_in(nl, netns) ? route_query(nl, dest, answer) : -1;
		cop_libc.close(nl);
	}
	cop_scratch_end(&part);
	return n >= (ssize_t)NLMSG_LENGTH(sizeof(answer->rtm)) &&
			       answer->nlh.nlmsg_type == RTM_NEWROUTE
		       ? n
		       : -1;
}

static unsigned int route_type(__be32 addr, uint64_t netns)
{
	union route_answer answer;
	struct cop_endpoint dest;

	cop_endpoint_v4(addr, 0, &dest);
	return route_ask(&dest, netns, &answer) < 0 ? RTN_UNICAST
						    : answer.rtm.rtm_type;
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

/* ---- the source address of a route ----------------------------------------- */

/* Finds RTA_PREFSRC in the @n bytes of an answer. */
static bool find_source(const union route_answer *answer, size_t n,
			const struct cop_endpoint *dest,
			struct cop_endpoint *source)
{
	const size_t bytes = addr_bytes(dest);
	const struct rtattr *attr = RTM_RTA(&answer->rtm);
	size_t left = n - NLMSG_LENGTH(sizeof(answer->rtm));

	*source = (struct cop_endpoint){ .addr = dest->addr };
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type != RTA_PREFSRC || RTA_PAYLOAD(attr) != bytes)
			continue;
		memcpy(source->addr.s6_addr + 16 - bytes, RTA_DATA(attr),
		       bytes);
		return true;
	}
	return false;
}

static bool route_source(const struct cop_endpoint *dest, uint64_t netns,
			 struct cop_endpoint *source)
{
	union route_answer answer;
	ssize_t n = route_ask(dest, netns, &answer);

	return n >= 0 && find_source(&answer, n, dest, source);
}

/* A server answers many clients, so the last answers are kept by destination. */
#define ANSWERS 64

struct answer_words {
	uint64_t dest[2], source[2];
	uint32_t scope, second;
};

static struct route_cache {
	_Atomic(uint32_t) seq; /* odd while a thread writes */
	_Atomic(uint64_t) word[sizeof(struct answer_words) / 8];
} answers[ANSWERS];

static struct route_cache *answer_slot(const struct cop_endpoint *dest)
{
	uint64_t half[2];

	memcpy(half, &dest->addr, sizeof(half));
	return &answers[((half[0] ^ half[1] ^ dest->scope) *
			 0x9e3779b97f4a7c15u) >>
			58];
}

static bool answer_read(struct route_cache *slot, struct answer_words *words)
{
	uint64_t word[sizeof(*words) / 8] = { 0 };
	uint32_t seq = atomic_load_explicit(&slot->seq, memory_order_acquire);

	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		word[i] = atomic_load_explicit(&slot->word[i],
					       memory_order_acquire);
	memcpy(words, word, sizeof(word));
	return seq && !(seq & 1) && READ_ONCE(slot->seq) == seq;
}

/* A thread that meets another one's write leaves the slot to it. */
static void answer_write(struct route_cache *slot,
			 const struct answer_words *words)
{
	uint64_t word[sizeof(*words) / 8];
	uint32_t seq = READ_ONCE(slot->seq);

	if (seq & 1 ||
	    !atomic_compare_exchange_strong(&slot->seq, &seq, seq + 1))
		return;
	memcpy(word, words, sizeof(word));
	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		atomic_store_explicit(&slot->word[i], word[i],
				      memory_order_release);
	atomic_store_explicit(&slot->seq, (seq + 2) ?: 2, memory_order_release);
}

static uint32_t this_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

bool inet_route_source(const struct cop_endpoint *dest, uint64_t netns,
		       struct cop_endpoint *source)
{
	struct route_cache *slot = answer_slot(dest);
	const uint32_t second = this_second();
	struct answer_words words;
	const bool known =
		!netns && answer_read(slot, &words) &&
		!memcmp(words.dest, &dest->addr, sizeof(words.dest)) &&
		words.scope == dest->scope;

	if (likely(known && (words.second == second || cop_confined()))) {
		*source = (struct cop_endpoint){ 0 };
		memcpy(&source->addr, words.source, sizeof(words.source));
		return true;
	}
	if (cop_confined() || !route_source(dest, netns, source))
		return false;
	if (netns)
		return true;
	words = (struct answer_words){ .scope = dest->scope, .second = second };
	memcpy(words.dest, &dest->addr, sizeof(words.dest));
	memcpy(words.source, &source->addr, sizeof(words.source));
	answer_write(slot, &words);
	return true;
}

/* ---- connecting ------------------------------------------------------------ */

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
