// SPDX-License-Identifier: MIT
/*
 * filter/bpf_part.c - the instructions that take the place of one instruction of a
 * program's own filter.
 *
 * A moved load needs A or X for itself, so it keeps the other one in a word of
 * scratch memory that the program does not use. A second such word has the length
 * of the header. If the program leaves no second word, each part computes the
 * length anew. A header with options has its length in the low nibble of a byte, in 32-bit
 * words, like the IP header, and BPF_MSH computes the length in bytes of exactly
 * that. It is one instruction either way, but the kernel makes some twenty of
 * BPF_MSH.
 *
 * Owns: nothing. Protected by: the caller owns the part. Counterpart in the
 * kernel: bpf_convert_filter() in net/core/filter.c, which makes several
 * instructions of one as well.
 */
#include <string.h>

#include "filter/bpf_part.h"

void cop_part_put(struct bpf_part *part, const struct sock_filter *insn,
		  unsigned int n)
{
	memcpy(part->insn + part->n, insn, n * sizeof(*insn));
	part->n += n;
}

void cop_part_save_a(struct bpf_part *part)
{
	part->saves = true;
	PUT(part, BPF_STMT(BPF_ST, part->words.saved));
}

void cop_part_save_x(struct bpf_part *part)
{
	part->saves = true;
	PUT(part, BPF_STMT(BPF_STX, part->words.saved));
}

void cop_part_restore_a(struct bpf_part *part)
{
	PUT(part, BPF_STMT(BPF_LD | BPF_MEM, part->words.saved));
}

void cop_part_restore_x(struct bpf_part *part)
{
	PUT(part, BPF_STMT(BPF_LDX | BPF_MEM, part->words.saved));
}

struct sock_filter cop_part_ldx_hlen(const struct bpf_part *part)
{
	const struct cop_wire *wire = part->wire;

	if (!cop_wire_has_options(wire))
		return (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM,
						    wire->hlen);
	if (part->words.hlen == NO_WORD)
		return (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH,
						    COP_BPF_UDP_HLEN +
							    wire->len_at);
	return (struct sock_filter)BPF_STMT(BPF_LDX | BPF_MEM,
					    part->words.hlen);
}

void cop_part_ld_hlen(struct bpf_part *part)
{
	const struct cop_wire *wire = part->wire;

	if (!cop_wire_has_options(wire))
		PUT(part, BPF_STMT(BPF_LD | BPF_IMM, wire->hlen));
	else if (part->words.hlen == NO_WORD)
		PUT(part,
		    BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			     COP_BPF_UDP_HLEN + wire->len_at),
		    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
		    BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2));
	else
		PUT(part, BPF_STMT(BPF_LD | BPF_MEM, part->words.hlen));
}

void cop_part_land(struct bpf_part *part)
{
	for (unsigned int i = 0; i < part->n; i++) {
		struct sock_filter *insn = &part->insn[i];

		if (insn->code == (BPF_JMP | BPF_JA) && insn->k == PART_END)
			insn->k = part->n - i - 1;
	}
}
