// SPDX-License-Identifier: MIT
/*
 * wire/own_counters.c - counters that a transport has named. They stand behind
 * what else a sock has.
 *
 * Owns: the counters. Protected by: atomic accesses. Counterpart in the kernel: the
 * MIB of a protocol, SNMP_INC_STATS(), though for each sock.
 */
#include <string.h>

#include "wire/own_counters.h"
#include "lib/atomic.h"
#include "lib/compiler.h"

#define NAME_LETTERS                 \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static bool name_is_valid(const char *name)
{
	size_t len = strnlen(name, COP_COUNTER_NAME_MAX + 1);

	return len && len <= COP_COUNTER_NAME_MAX &&
	       strspn(name, NAME_LETTERS) == len;
}

bool cop_counters_are_valid(const char *const *names)
{
	for (int n = 0; names && names[n]; n++)
		if (n == COP_COUNTERS_MAX || !name_is_valid(names[n]))
			return false;
	return true;
}

size_t cop_counters_place(struct proto *prot)
{
	unsigned int n = 0;

	while (prot->counters && prot->counters[n])
		n++;
	prot->n_counters = n;
	prot->counters_at = (prot->obj_size + 7) & ~7ul;
	return n ? prot->counters_at + n * sizeof(uint64_t) : prot->obj_size;
}

static _Atomic(uint64_t) *counter_at(const struct sock *sk,
				     const struct proto *prot, unsigned int i)
{
	return (_Atomic(uint64_t) *)((char *)sk + prot->counters_at) + i;
}

void cop_count(struct sock *sk, unsigned int i)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	if (likely(i < prot->n_counters))
		u64_add(counter_at(sk, prot, i), 1);
}

uint64_t cop_counter(const struct sock *sk, unsigned int i)
{
	return READ_ONCE(*counter_at(sk, READ_ONCE(sk->sk_prot), i));
}
