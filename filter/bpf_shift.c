// SPDX-License-Identifier: MIT
/*
 * filter/bpf_shift.c - a program's own filter, which was written for UDP, moved
 * behind the COP header.
 *
 * The moved filter sees what it would see of a UDP datagram with the same payload,
 * down to the length in the UDP header. Four things differ:
 *
 *   - the UDP checksum, the IP header and the values of SKF_AD_* are those of the
 *     datagram that came, which has a COP header;
 *   - a load by an offset from the link layer's header can't reach beyond the ports.
 *     cop_bpf_shift() refuses a filter with such a load, and BPF_MSH by an offset from
 *     the network layer's;
 *   - if the offset of such a load comes from X, it is known only when the filter
 *     runs. The filter then drops the datagram;
 *   - so it does with a datagram that has extension headers of IPv6, if a load by an
 *     offset from the network layer's header is beyond the first 24 bytes.
 *
 * Owns: nothing, so nothing needs protection. Counterpart in the kernel:
 * bpf_check_classic() and bpf_convert_filter() in net/core/filter.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "filter/bpf_load.h"
#include "filter/bpf_part.h"

/* No datagram is longer: a filter that keeps so many bytes keeps them all. */
#define WHOLE 0x10000

/*
 * The move begins at the last instruction. A jump of classic BPF only leads
 * forward, so its target has been moved already, and the new distance is known.
 */
struct shift {
	const struct sock_filter *in; /* the program's own filter */
	unsigned int len;	      /* its length in instructions */
	struct sock_filter *out;      /* filled from its end */
	unsigned int max;	      /* room in out */
	unsigned int n;		      /* instructions in out so far */
	uint16_t *place;	      /* for each of in that has been moved: n
				       * right after that */
};

/* ---- instructions that stay as they are ------------------------------------ */

static int store(struct bpf_part *part, const struct sock_filter *in)
{
	if ((in->code != BPF_ST && in->code != BPF_STX) ||
	    in->k >= BPF_MEMWORDS)
		return -EINVAL;
	cop_part_put(part, in, 1);
	return 0;
}

static int alu(struct bpf_part *part, const struct sock_filter *in)
{
	if (BPF_OP(in->code) > BPF_XOR ||
	    in->code == (BPF_ALU | BPF_NEG | BPF_X))
		return -EINVAL;
	cop_part_put(part, in, 1);
	return 0;
}

static int misc(struct bpf_part *part, const struct sock_filter *in)
{
	if (in->code != (BPF_MISC | BPF_TAX) &&
	    in->code != (BPF_MISC | BPF_TXA))
		return -EINVAL;
	cop_part_put(part, in, 1);
	return 0;
}

/* ---- how much to keep ------------------------------------------------------ */

/*
 * 0 drops a datagram. Of any other datagram the kernel keeps at least the UDP
 * header, so the result here must have room for the transport's header too.
 */
static int ret_k(struct bpf_part *part, const struct sock_filter *in)
{
	uint32_t keep = in->k < COP_BPF_UDP_HLEN ? COP_BPF_UDP_HLEN : in->k;

	if (!in->k || in->k >= WHOLE)
		cop_part_put(part, in, 1);
	else
		PUT(part, cop_part_ldx_hlen(part),
		    BPF_STMT(BPF_LD | BPF_IMM, keep),
		    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		    BPF_STMT(BPF_RET | BPF_A, 0));
	return 0;
}

static int ret_a(struct bpf_part *part)
{
	PUT(part, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, WHOLE, 4, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_BPF_UDP_HLEN, 1, 0),
	    BPF_STMT(BPF_LD | BPF_IMM, COP_BPF_UDP_HLEN),
	    cop_part_ldx_hlen(part), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_RET | BPF_A, 0));
	return 0;
}

static int ret(struct bpf_part *part, const struct sock_filter *in)
{
	switch (in->code) {
	case BPF_RET | BPF_K:
		return ret_k(part, in);
	case BPF_RET | BPF_A:
		return ret_a(part);
	}
	return -EINVAL;
}

/* ---- jumps ----------------------------------------------------------------- */

/* Whether a jump at @pc over @k instructions leads into the program. */
static bool jump_ok(const struct shift *s, unsigned int pc, uint32_t k)
{
	return k < s->len - pc - 1;
}

/* How many moved instructions a jump at @pc over @k instructions passes. */
static unsigned int distance(const struct shift *s, unsigned int pc, uint32_t k)
{
	return s->n - s->place[pc + 1 + k];
}

/*
 * A conditional jump has 8 bits for each distance. If that is too few, it jumps to
 * one of two BPF_JA behind it, which have 32 bits.
 */
static int jump_if(const struct shift *s, unsigned int pc,
		   struct bpf_part *part)
{
	struct sock_filter insn = s->in[pc];
	unsigned int jt, jf;

	if (!jump_ok(s, pc, insn.jt) || !jump_ok(s, pc, insn.jf))
		return -EINVAL;
	jt = distance(s, pc, insn.jt);
	jf = distance(s, pc, insn.jf);
	if (jt <= UINT8_MAX && jf <= UINT8_MAX)
		PUT(part, BPF_JUMP(insn.code, insn.k, jt, jf));
	else
		PUT(part, BPF_JUMP(insn.code, insn.k, 0, 1),
		    BPF_STMT(BPF_JMP | BPF_JA, jt + 1),
		    BPF_STMT(BPF_JMP | BPF_JA, jf));
	return 0;
}

static int jump(const struct shift *s, unsigned int pc, struct bpf_part *part)
{
	uint32_t k = s->in[pc].k;

	if (BPF_OP(s->in[pc].code) > BPF_JSET)
		return -EINVAL;
	if (BPF_OP(s->in[pc].code) != BPF_JA)
		return jump_if(s, pc, part);
	if (s->in[pc].code != (BPF_JMP | BPF_JA) || !jump_ok(s, pc, k))
		return -EINVAL;
	PUT(part, BPF_STMT(BPF_JMP | BPF_JA, distance(s, pc, k)));
	return 0;
}

/* ---- the whole filter ------------------------------------------------------ */

static int translate(const struct shift *s, unsigned int pc,
		     struct bpf_part *part)
{
	const struct sock_filter *in = &s->in[pc];

	if (in->code > UINT8_MAX)
		return -EINVAL;
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
		return cop_bpf_load_a(part, in);
	case BPF_LDX:
		return cop_bpf_load_x(part, in);
	case BPF_ST:
	case BPF_STX:
		return store(part, in);
	case BPF_ALU:
		return alu(part, in);
	case BPF_JMP:
		return jump(s, pc, part);
	case BPF_RET:
		return ret(part, in);
	default:
		return misc(part, in);
	}
}

/* One bit for each word of scratch memory that the program uses. */
static uint32_t words_used(const struct sock_filter *in, unsigned int len)
{
	uint32_t used = 0;

	for (unsigned int i = 0; i < len; i++)
		switch (in[i].code) {
		case BPF_ST:
		case BPF_STX:
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			used |= 1u << in[i].k % BPF_MEMWORDS;
		}
	return used;
}

/* The first unused word of scratch memory, from @word on. */
static unsigned int unused_word(uint32_t used, unsigned int word)
{
	while (word < BPF_MEMWORDS && used & 1u << word)
		word++;
	return word < BPF_MEMWORDS ? word : NO_WORD;
}

static struct bpf_words spare_words(const struct sock_filter *in,
				    unsigned int len)
{
	uint32_t used = words_used(in, len);
	struct bpf_words words;

	words.saved = unused_word(used, 0);
	words.hlen = unused_word(used, words.saved + 1);
	return words;
}

/*
 * What the moved filter begins with: it drops strays, stores the length of the
 * header, and clears A and X, as the kernel does ahead of a filter. The filter
 * follows in place of the last instruction of cop_bpf_strays().
 */
static void prelude(struct bpf_part *part)
{
	const struct cop_wire *wire = part->wire;

	part->n = cop_bpf_strays(wire, part->insn, PART_MAX) - 1;
	if (part->words.hlen != NO_WORD && cop_wire_has_options(wire))
		PUT(part,
		    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH,
			     COP_BPF_UDP_HLEN + wire->len_at),
		    BPF_STMT(BPF_STX, part->words.hlen));
	PUT(part, BPF_STMT(BPF_LD | BPF_IMM, 0),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0));
}

static int prepend(struct shift *s, const struct bpf_part *part)
{
	if (part->n > s->max - s->n)
		return -EINVAL;
	s->n += part->n;
	memcpy(s->out + s->max - s->n, part->insn,
	       part->n * sizeof(*part->insn));
	return 0;
}

static int shift(struct shift *s, const struct cop_wire *wire)
{
	struct bpf_part part = { .wire = wire,
				 .words = spare_words(s->in, s->len) };
	int err;

	for (unsigned int pc = s->len; pc--; part.n = 0) {
		err = translate(s, pc, &part);
		if (!err)
			err = prepend(s, &part);
		if (err)
			return err;
		s->place[pc] = s->n;
	}
	if (part.saves && part.words.saved == NO_WORD)
		return -EINVAL;
	prelude(&part);
	return prepend(s, &part);
}

int cop_bpf_shift(const struct cop_wire *wire, const struct sock_filter *in,
		  unsigned int len, struct sock_filter *out, unsigned int max,
		  uint16_t *place)
{
	struct shift s = {
		.in = in,
		.len = len,
		.out = out,
		.max = min_t(unsigned int, max, BPF_MAXINSNS),
		.place = place,
	};
	int err;

	if (!len || len > BPF_MAXINSNS ||
	    BPF_CLASS(in[len - 1].code) != BPF_RET)
		return -EINVAL;
	err = shift(&s, wire);
	if (err)
		return err;
	memmove(out, out + s.max - s.n, s.n * sizeof(*out));
	return s.n;
}
