/* SPDX-License-Identifier: MIT */
/*
 * bpf_load.h - the loads of a program's own filter, moved behind the COP header.
 */
#ifndef COP_BPF_LOAD_H
#define COP_BPF_LOAD_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "filter/bpf_part.h"

/**
 * cop_bpf_load_a - move a load to A
 * cop_bpf_load_x - move a load to X
 * @part: receives the instructions
 * @in: the load, of class BPF_LD or BPF_LDX
 *
 * Returns 0, or -EINVAL for a load that is not valid or can't be moved.
 */
int cop_bpf_load_a(struct bpf_part *part, const struct sock_filter *in);
int cop_bpf_load_x(struct bpf_part *part, const struct sock_filter *in);

/**
 * cop_bpf_layer_ok - whether a load by an offset from a lower layer's header is the same
 *		      with a transport's header and without
 * @insn: a load of BPF_ABS or BPF_MSH, but none of SKF_AD_*
 *
 * True for each load by an offset from the start of the datagram.
 */
bool cop_bpf_layer_ok(const struct sock_filter *insn);

/**
 * cop_bpf_ancillary_ok - whether a load of SKF_AD_* means the same for COP
 * @k: the operand of the load, SKF_AD_OFF or more
 *
 * False for a load that looks at the payload, and for one the kernel does not
 * have.
 */
bool cop_bpf_ancillary_ok(uint32_t k);

#endif /* COP_BPF_LOAD_H */
