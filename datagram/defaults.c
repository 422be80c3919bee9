// SPDX-License-Identifier: MIT
/*
 * datagram/defaults.c - what a datagram transport does unless it says otherwise.
 *
 * Owns: the one table of defaults, and the slabs of the transports. Protected by: the
 * table is constant; each slab is handed out once.
 * Counterpart in the kernel: inet_dgram_ops and the sock_no_*() functions, which
 * stand in for what a transport leaves out.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "datagram/defaults.h"
#include "wire/own_counters.h"
#include "datagram/proto.h"
#include "datagram/rx_plain.h"
#include "datagram/stats.h"
#include "filter/filter.h"
#include "filter/mark.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "wire/buffer.h"
#include "wire/owner.h"
#include "port/bind.h"

const struct proto cop_datagram_prot = {
	.wire = &cop_wire,
	.init = cop_init_sock,
	.destroy = cop_destroy,
	.close = cop_close,
	.report = cop_stats_report,
	.open = cop_open,
	.adopt = cop_adopt,
	.mark = cop_mark,
	.bind = cop_bind,
	.get_port = cop_get_port,
	.autobind = cop_autobind,
	.autobound = cop_autobound,
	.hash = cop_hashed,
	.unhash = cop_unhash,
	.getname = cop_getname,
	.connect = cop_connect,
	.disconnect = cop_disconnect,
	.owns = cop_may_own,
	.holds = cop_holds,
	.reclaim = cop_reclaim,
	.poll = cop_poll,
	.ioctl = cop_ioctl,
	.setsockopt = cop_setsockopt,
	.getsockopt = cop_getsockopt,
	.sendto = cop_sendto,
	.recvfrom = cop_recvfrom,
	.sendmsg = cop_sendmsg,
	.recvmsg = cop_recvmsg,
	.sendmmsg = cop_sendmmsg,
	.recvmmsg = cop_recvmmsg,
};

/* From init to the end of struct proto, each member is a pointer to a function. */
#define FIRST_OP (offsetof(struct proto, init) / sizeof(op_word))
#define END_OP	 (sizeof(struct proto) / sizeof(op_word))

typedef uintptr_t __attribute__((may_alias)) op_word;

_Static_assert(sizeof(op_word) == sizeof(cop_datagram_prot.init), "one word");
_Static_assert(offsetof(struct proto, init) % sizeof(op_word) == 0,
	       "whole words");
_Static_assert(sizeof(struct cop_sock) <= sizeof(struct datagram_sock),
	       "a transport's own values stand behind a struct cop_sock");

/* What a first registration has filled in is right. */
#define OBJ_SIZE_MAX (1 << 20) /* cop stat reads no more, either */
#define NAME_LEN_MAX 31

static bool obj_size_is_valid(const struct proto *prot)
{
	return !prot->obj_size || prot->obj_size == prot->base_size ||
	       (prot->obj_size >= sizeof(struct datagram_sock) &&
		prot->obj_size <= OBJ_SIZE_MAX);
}

/* It stands among the figures, NAME=VALUE, so it may not look like one. */
static bool name_is_valid(const char *name)
{
	size_t len = name ? strnlen(name, NAME_LEN_MAX + 1) : 0;

	return len && len <= NAME_LEN_MAX && strcspn(name, " \t\r\n=") == len;
}

/* Names the first member that can't be right. */
static const char *fault_of(const struct proto *prot)
{
	if (!name_is_valid(prot->name))
		return "name";
	if (!obj_size_is_valid(prot))
		return "obj_size";
	if (!cop_counters_are_valid(prot->counters))
		return "counters";
	return prot->wire ? cop_wire_fault(prot->wire) : NULL;
}

/*
 * A sock is a whole number of cache lines if the transport has values of its own. A
 * slab that is there already has room for no more than it was made for.
 */
static int give_slab(struct proto *prot, size_t need)
{
	static struct cop_slab slabs[COP_PROTOS_MAX];
	static _Atomic(unsigned int) used;
	const size_t size = need > sizeof(struct cop_sock)
				    ? (need + 63) & ~63ul
				    : sizeof(struct cop_sock);
	unsigned int i;

	if (prot->slab)
		return prot->n_counters && need > prot->slab->size ? -EINVAL
								   : 0;
	i = atomic_fetch_add(&used, 1);
	if (i >= COP_PROTOS_MAX)
		return -ENOBUFS;
	slabs[i].size = size;
	slabs[i].shift = COP_SLAB_SHIFT(size);
	prot->slab = &slabs[i];
	return 0;
}

int proto_register(struct proto *prot)
{
	const op_word *is = (const op_word *)&cop_datagram_prot;
	op_word *op = (op_word *)prot;
	const char *fault = fault_of(prot);
	int err;

	if (fault) {
		cop_warn(-1, "transport %s can't be registered: %s is wrong",
			 prot->name ?: "without a name", fault);
		return -EINVAL;
	}
	if (!prot->obj_size)
		prot->obj_size = sizeof(struct cop_sock);
	prot->base_size = sizeof(struct cop_sock);
	err = give_slab(prot, cop_counters_place(prot));
	if (err)
		return err;
	prot->base_clear = COP_SOCK_CLEARED;
	WRITE_ONCE(prot->gone, false);
	if (prot->wire && prot->wire->decode) {
		cop_buffer_reserve();
		WRITE_ONCE(cop_sifts, true);
	}
	if (!prot->wire)
		prot->wire = cop_datagram_prot.wire;
	if (prot->shares_ports && !prot->bind)
		prot->bind = cop_get_kernels_port;
	if (prot->wire->plain && !prot->recvfrom)
		prot->recvfrom = cop_recvfrom_plain;
	for (size_t i = FIRST_OP; i < END_OP; i++)
		if (!op[i])
			op[i] = is[i];
	return 0;
}

void proto_derive(struct proto *prot, const struct proto *base,
		  const struct proto *with)
{
	const op_word *is = (const op_word *)with;
	op_word *op = (op_word *)prot;

	*prot = *base;
	prot->name = with->name;
	prot->slab = NULL;
	prot->shares_ports = with->shares_ports;
	for (size_t i = FIRST_OP; i < END_OP; i++)
		if (is[i])
			op[i] = is[i];
}

void proto_unregister(struct proto *prot)
{
	WRITE_ONCE(prot->gone, true);
}
