// SPDX-License-Identifier: MIT
/*
 * datagram/defaults.c - what a datagram transport does unless it says otherwise.
 *
 * Owns: the one table of defaults. Protected by: it is constant.
 * Counterpart in the kernel: inet_dgram_ops and the sock_no_*() functions, which
 * stand in for what a transport leaves out.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "datagram/defaults.h"
#include "datagram/proto.h"
#include "datagram/stats.h"
#include "filter/filter.h"
#include "filter/mark.h"
#include "port/bind.h"

static const struct proto datagram_defaults = {
	.obj_size = COP_SOCK_CLEARED,
	.wire = &cop_wire,
	.init = cop_init_sock,
	.destroy = cop_destroy,
	.close = cop_close,
	.report = cop_stats_report,
	.open = cop_open,
	.adopt = cop_adopt,
	.mark = cop_mark,
	.get_port = cop_get_port,
	.autobind = cop_autobind,
	.autobound = cop_autobound,
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

_Static_assert(sizeof(op_word) == sizeof(datagram_defaults.init), "one word");
_Static_assert(offsetof(struct proto, init) % sizeof(op_word) == 0,
	       "whole words");

int proto_register(struct proto *prot)
{
	const op_word *is = (const op_word *)&datagram_defaults;
	op_word *op = (op_word *)prot;

	if (!prot->name || !prot->slab ||
	    (prot->wire && !cop_wire_is_valid(prot->wire)))
		return -EINVAL;
	if (!prot->obj_size)
		prot->obj_size = datagram_defaults.obj_size;
	if (!prot->wire)
		prot->wire = datagram_defaults.wire;
	for (size_t i = FIRST_OP; i < END_OP; i++)
		if (!op[i])
			op[i] = is[i];
	return 0;
}
