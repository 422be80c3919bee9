/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - classic BPF programs for a kernel socket that carries a transport. A program
 * sees a datagram from its UDP header on; the transport's header follows at
 * COP_BPF_UDP_HLEN, then its options, then the payload.
 *
 * A *stray* is a UDP datagram that does not begin with a valid header of the transport.
 */
#ifndef COP_BPF_H
#define COP_BPF_H

#include <linux/filter.h>
#include <stdint.h>

#include "wire/hdr.h"

#define COP_BPF_UDP_HLEN 8

/**
 * cop_bpf_strays - a program that drops strays and keeps the transport's datagrams
 * @wire: the transport's header
 * @out: receives the instructions
 * @max: room in @out
 *
 * The program may be the end of a longer one. A valid datagram reaches its last
 * instruction and a stray does not, so another program may also take the place of
 * that instruction. Returns the number of instructions, or -EINVAL if @max is too
 * small.
 */
int cop_bpf_strays(const struct cop_wire *wire, struct sock_filter *out,
		   unsigned int max);

/**
 * cop_bpf_shift - move a program's own filter behind a transport's header
 * @wire: the header
 * @in: the filter as the program wrote it, for a UDP header and a payload
 * @len: number of its instructions
 * @out: receives the instructions
 * @max: room in @out
 * @place: working memory, one element for each instruction of @in; it would take
 *	much of a small thread's stack
 *
 * The result drops strays. Of a valid datagram it keeps what @in keeps of a UDP
 * datagram with the same payload: loads from the payload, the length and the
 * number of bytes to keep mean the same, whatever options the header has.
 *
 * Returns the number of instructions, or -EINVAL if @in is not valid or can't be
 * moved: it uses all of the scratch memory, it loads from the payload by an offset
 * from the link or network layer's header, or the result does not fit.
 */
int cop_bpf_shift(const struct cop_wire *wire, const struct sock_filter *in,
		  unsigned int len, struct sock_filter *out, unsigned int max,
		  uint16_t *place);

/**
 * cop_bpf_skip - move a program that sees only a payload behind a
 *		  transport's header
 * @wire: the header
 * @insn: the instructions, which are changed
 * @len: number of them
 *
 * For a program that chooses one of the sockets that share a port. It assumes a
 * header without options: with options the choice may differ, and any choice is
 * valid. Returns 0, or -EINVAL if the program asks for the length of the payload.
 */
int cop_bpf_skip(const struct cop_wire *wire, struct sock_filter *insn,
		 unsigned int len);

#endif /* COP_BPF_H */
