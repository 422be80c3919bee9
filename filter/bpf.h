/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - classic BPF programs for a kernel socket that carries COP. What they
 * see begins with the UDP header; the COP header follows at COP_BPF_UDP_HLEN.
 */
#ifndef COP_BPF_H
#define COP_BPF_H

#include <linux/filter.h>
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
 * cop_bpf_skip - move a program that sees a datagram's payload behind a COP header
 * @insn: its instructions, which are changed
 * @len: how many
 *
 * For a program that chooses among sockets that share a port, which may choose
 * as it likes where a header has options. Returns 0, or -EINVAL for one that asks
 * how long the payload is.
 */
int cop_bpf_skip(struct sock_filter *insn, unsigned int len);

#endif /* COP_BPF_H */
