// SPDX-License-Identifier: MIT
/*
 * filter/bpf_skip.c - a program that chooses one of the sockets that share a port
 * (SO_ATTACH_REUSEPORT_CBPF). The kernel shows it the UDP payload, which begins
 * with the transport's header; its loads move behind that header.
 *
 * Owns: nothing, so nothing needs protection. Counterpart in the kernel:
 * run_bpf_filter() in net/core/sock_reuseport.c.
 */
#include <errno.h>

#include "filter/bpf_load.h"
#include "filter/bpf_part.h"

static int skip_one(const struct cop_wire *wire, struct sock_filter *insn)
{
	uint16_t class = BPF_CLASS(insn->code), mode = BPF_MODE(insn->code);

	if (class != BPF_LD && class != BPF_LDX)
		return 0;
	if (mode == BPF_LEN)
		return -EINVAL;
	if (mode == BPF_ABS && insn->k >= (uint32_t)SKF_AD_OFF)
		return cop_bpf_ancillary_ok(insn->k) ? 0 : -EINVAL;
	if ((mode == BPF_ABS || mode == BPF_MSH) && !cop_bpf_layer_ok(insn))
		return -EINVAL;
	if ((mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH) &&
	    insn->k < NEGATIVE)
		insn->k += wire->hlen;
	return 0;
}

int cop_bpf_skip(const struct cop_wire *wire, struct sock_filter *insn,
		 unsigned int len)
{
	int err = 0;

	for (unsigned int i = 0; i < len && !err; i++)
		err = skip_one(wire, &insn[i]);
	return err;
}
