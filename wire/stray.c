// SPDX-License-Identifier: MIT
/*
 * wire/stray.c - count strays (see wire/hdr.h), and with COP_DEBUG name their
 * senders.
 *
 * Owns: the list of senders that it has named. Protected by: each entry is one
 * atomic word. Counterpart in the kernel: net_warn_ratelimited().
 */
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "datagram/proto.h"
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

static void name_peer(int fd, enum cop_stray reason,
		      const struct cop_endpoint *from, int family)
{
	static const char *const what[] = {
		[COP_STRAY_SHORT] = "are not COP",
		[COP_STRAY_MAGIC] = "are not COP",
		[COP_STRAY_VERSION] = "are COP of another version",
		[COP_STRAY_LENGTH] = "have a COP header of no such length",
	};
	union cop_addr addr = cop_endpoint_addr(from, family);
	char text[COP_ADDR_TEXT];

	if (is_news(from))
		cop_log(fd, "datagrams from %s %s",
			cop_addr_print(text, sizeof(text), &addr),
			what[reason]);
}

void cop_rx_stray(struct sock *sk, int fd, enum cop_stray reason,
		  const void *name, socklen_t len)
{
	struct cop_endpoint from;

	u32_add(&cop_sk(sk)->count.strays[reason], 1);
	if (unlikely(cop_env.debug) && name &&
	    cop_endpoint_of(name, len, &from))
		name_peer(fd, reason, &from, sk->sk_family);
}
