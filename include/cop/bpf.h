/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - classic BPF programs for a kernel socket that carries COP. What they
 * see begins with the UDP header; the COP header follows at COP_BPF_UDP_HLEN.
 */
#ifndef COP_BPF_H
#define COP_BPF_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#define COP_BPF_UDP_HLEN 8

/**
 * cop_bpf_strays - a program that drops whatever is no COP datagram
 * @out: where its instructions go
 * @max: how many there is room for
 *
 * Returns how many there are, or -EINVAL where there is no room. It can stand
 * anywhere in a longer program, of which it is the end.
 */
int cop_bpf_strays(struct sock_filter *out, unsigned int max);

/**
 * cop_bpf_shift - a program's own filter, for datagrams with a COP header
 * @in: what the program wrote for UDP: the UDP header, then the payload
 * @len: its number of instructions
 * @out: where the instructions go
 * @max: how many there is room for
 * @place: working memory, an element for each of @in, which would be much of a small thread's stack
 *
 * What comes out drops strays, then decides on a COP datagram as @in does on
 * the UDP datagram with the same payload: loads from the payload, the length and
 * the number of bytes to keep mean the same, whatever options the header has.
 *
 * Returns the number of instructions, or -EINVAL for what can't be moved:
 * scratch memory that is all used, offsets from the link or network layer's
 * header that reach into the payload, or a result that does not fit.
 */
int cop_bpf_shift(const struct sock_filter *in, unsigned int len,
		  struct sock_filter *out, unsigned int max, uint16_t *place);

/**
 * cop_bpf_is_blind - whether a program looks at nothing of a datagram
 * @in: its instructions
 * @len: how many there are
 *
 * Such as one that goes by the processor or the hash alone: it does the same
 * wherever the payload begins.
 */
bool cop_bpf_is_blind(const struct sock_filter *in, unsigned int len);

#endif /* COP_BPF_H */
