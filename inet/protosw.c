// SPDX-License-Identifier: MIT
/*
 * inet/protosw.c - inetsw, in which socket() looks transports up, and the requests for
 * modules where it has none.
 *
 * Owns: inetsw, and what no module has. Protected by: inetsw changes only while the
 * library starts or a module begins or ends, one at a time; readers need no lock,
 * because the memory of an entry stays. What no module has is atomic.
 * Counterpart in the kernel: inetsw and inet_create() in net/ipv4/af_inet.c.
 */
#include <errno.h>
#include <stdint.h>

#include "inet/af_inet.h"
#include "inet/protosw.h"
#include "inet/request.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "socket/socket.h"

static _Atomic(struct inet_protosw *) inetsw[SOCK_MAX];

bool inet_has_type(int type)
{
	return type >= 0 && type < SOCK_MAX && READ_ONCE(inetsw[type]);
}

bool inet_is_kernels(int type)
{
	const struct inet_protosw *first = READ_ONCE(inetsw[type]);

	return first && first->flags & INET_PROTOSW_ADOPTED;
}

struct inet_protosw *inet_first_protosw(int type)
{
	return atomic_load_explicit(&inetsw[type], memory_order_acquire);
}

/* A reader without a lock may be at any entry, so each step of a change is whole. */
static void protosw_insert(_Atomic(struct inet_protosw *) *at,
			   struct inet_protosw *p)
{
	WRITE_ONCE(p->next, READ_ONCE(*at));
	atomic_store_explicit(at, p, memory_order_release);
}

static struct inet_protosw *protosw_at(_Atomic(struct inet_protosw *) *at)
{
	return atomic_load_explicit(at, memory_order_acquire);
}

static bool protosw_is_valid(const struct inet_protosw *p)
{
	return p->type < SOCK_MAX && p->protocol < IPPROTO_MAX && p->prot &&
	       p->prot->slab;
}

int inet_register_protosw(struct inet_protosw *p)
{
	_Atomic(struct inet_protosw *) *at;
	struct inet_protosw *is;

	if (!protosw_is_valid(p)) {
		cop_warn(-1, "type %d, protocol %d can't be registered",
			 p->type, p->protocol);
		return -EINVAL;
	}
	for (at = &inetsw[p->type]; (is = protosw_at(at)); at = &is->next) {
		if (!(is->flags & INET_PROTOSW_PERMANENT))
			break;
		if (is->protocol == p->protocol)
			return -EPERM;
	}
	protosw_insert(at, p);
	return 0;
}

/* Its next stays, for readers that are at it. */
void inet_unregister_protosw(struct inet_protosw *p)
{
	_Atomic(struct inet_protosw *) *at = &inetsw[p->type];
	struct inet_protosw *is;

	while ((is = protosw_at(at)) && is != p)
		at = &is->next;
	if (is && !(p->flags & INET_PROTOSW_PERMANENT))
		WRITE_ONCE(*at, READ_ONCE(p->next));
}

/* The next of a removed entry stays here, too. */
static void drop_owned(_Atomic(struct inet_protosw *) *at,
		       const struct module *owner)
{
	struct inet_protosw *is;

	while ((is = protosw_at(at)))
		if (is->prot->owner == owner)
			WRITE_ONCE(*at, READ_ONCE(is->next));
		else
			at = &is->next;
}

void inet_unregister_owned(const struct module *owner)
{
	for (int type = 0; type < SOCK_MAX; type++)
		drop_owned(&inetsw[type], owner);
}

/*
 * The two wildcard rules of inet_create: a program that asks for protocol 0
 * gets the first entry of the type, and an entry for protocol 0 takes any.
 */
struct inet_protosw *inet_lookup_protosw(int type, int *protocol)
{
	struct inet_protosw *answer;

	for (answer = protosw_at(&inetsw[type]); answer;
	     answer = protosw_at(&answer->next)) {
		if (*protocol == answer->protocol) {
			if (*protocol != IPPROTO_IP)
				break;
		} else if (*protocol == IPPROTO_IP) {
			*protocol = answer->protocol;
			break;
		} else if (answer->protocol == IPPROTO_IP) {
			break;
		}
	}
	return answer;
}

/* ---- modules ------------------------------------------------------------- */

/* (a) A bit for each protocol: no module has this type. */
static _Atomic(uint64_t) refused[2][SOCK_MAX][IPPROTO_MAX / 64 + 1];

static _Atomic(uint64_t) families_asked; /* (a) a bit for each family */

static _Atomic(uint64_t) *refused_word(int family, int type, int protocol)
{
	return &refused[family == PF_INET6][type][protocol / 64];
}

static uint64_t refused_bit(int protocol)
{
	return 1ull << protocol % 64;
}

/* Says why not, where the program may wonder. */
static bool may_load(int type, int protocol)
{
	const char *obstacle = request_obstacle();

	if (obstacle)
		cop_warn(-1, "no module is loaded for type %d, protocol %d: %s",
			 type, protocol, obstacle);
	return !obstacle;
}

static struct inet_protosw *request_protosw(int family, int type, int *protocol)
{
	struct inet_protosw *answer;

	if (!may_load(type, *protocol))
		return NULL;
	request_module("net-pf-%d-proto-%d-type-%d", family, *protocol, type);
	answer = inet_lookup_protosw(type, protocol);
	if (answer)
		return answer;
	request_module("net-pf-%d-proto-%d", family, *protocol);
	answer = inet_lookup_protosw(type, protocol);
	if (!answer)
		u64_or(refused_word(family, type, *protocol),
		       refused_bit(*protocol));
	return answer;
}

struct inet_protosw *inet_find_protosw(int family, int type, int *protocol)
{
	struct inet_protosw *answer;

	if (type >= SOCK_MAX)
		return NULL;
	answer = inet_lookup_protosw(type, protocol);
	if (likely(answer) ||
	    READ_ONCE(*refused_word(family, type, *protocol)) &
		    refused_bit(*protocol))
		return answer;
	return request_protosw(family, type, protocol);
}

static noinline bool request_family(int family, int type, int protocol)
{
	const uint64_t bit = 1ull << family;

	request_module("net-pf-%d", family);
	if (sock_is_ours(family, type, protocol))
		return true;
	u64_or(&families_asked, bit);
	return false;
}

bool inet_may_request(int family, int type, int protocol)
{
	if (family < 0 || family >= NPROTO || type >= SOCK_MAX ||
	    protocol < 0 || protocol >= IPPROTO_MAX)
		return false;
	if (family != PF_INET && family != PF_INET6)
		return !(READ_ONCE(families_asked) & 1ull << family) &&
		       may_load(type, protocol);
	if (READ_ONCE(*refused_word(family, type, protocol)) &
	    refused_bit(protocol))
		return false;
	return inet_has_type(type) || may_load(type, protocol);
}

bool inet_request(int family, int type, int protocol)
{
	struct inet_protosw *answer;

	if (!inet_may_request(family, type, protocol))
		return false;
	if (family != PF_INET && family != PF_INET6)
		return request_family(family, type, protocol);
	answer = inet_find_protosw(family, type, &protocol);
	return answer && !(answer->flags & INET_PROTOSW_ADOPTED);
}
