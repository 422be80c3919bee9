// SPDX-License-Identifier: MIT
/*
 * wire/stray.c - count strays (see wire/hdr.h), and with COP_DEBUG name their
 * senders.
 *
 * Owns: the list of senders that it has named. Protected by: each entry is one
 * atomic word. Counterpart in the kernel: net_warn_ratelimited().
 */
#include <stdio.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "datagram/proto.h"
#include "wire/own_counters.h"
#include "wire/stray.h"

/* So many senders are named; the others are only counted. */
#define NAMED_MAX 256

static bool is_news(const struct cop_endpoint *from)
{
	static _Atomic(uint64_t) named[NAMED_MAX];
	uint64_t peer = cop_endpoint_word(from);
	uint64_t is;

	for (int i = 0; peer && i < NAMED_MAX; i++) {
		is = 0;
		if (u64_cas(&named[i], &is, peer))
			return true;
		if (is == peer)
			return false;
	}
	return false;
}

/* Adopted sockets carry COP, too. */
static const char *transport_of(const struct sock *sk)
{
	return sk_wire(sk) == &cop_wire ? "COP" : READ_ONCE(sk->sk_prot)->name;
}

static void name_peer(const struct sock *sk, int fd, enum cop_stray reason,
		      const struct cop_endpoint *from)
{
	static const char *const what[] = {
		[COP_STRAY_SHORT] = "are not %s",
		[COP_STRAY_MAGIC] = "are not %s",
		[COP_STRAY_VERSION] = "are %s of another version",
		[COP_STRAY_LENGTH] = "have a %s header of no such length",
	};
	union cop_addr addr = cop_endpoint_addr(from, sk->sk_family);
	char text[COP_ADDR_TEXT], why[80];

	if (!is_news(from))
		return;
	snprintf(why, sizeof(why),
		 reason < COP_STRAY_REASONS ? what[reason]
					    : "are refused by %s",
		 transport_of(sk));
	cop_log(fd, "datagrams from %s %s",
		cop_addr_print(text, sizeof(text), &addr), why);
}

/* A reason of the transport's own has a counter of the transport's own. */
static void count_stray(struct sock *sk, unsigned int reason)
{
	if (likely(reason < COP_STRAY_REASONS))
		u32_add(&cop_sk(sk)->count.strays[reason], 1);
	else if (reason == COP_STRAY_PAYLOAD)
		u32_add(&cop_sk(sk)->count.refused, 1);
	else
		cop_count(sk, reason - COP_STRAY_OWN(0));
}

void cop_rx_stray(struct sock *sk, int fd, enum cop_stray reason,
		  const void *name, socklen_t len)
{
	struct cop_endpoint from;

	count_stray(sk, reason);
	if (unlikely(cop_env.debug) && name &&
	    cop_endpoint_of(name, len, &from))
		name_peer(sk, fd, reason, &from);
}
