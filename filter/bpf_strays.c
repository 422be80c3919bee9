// SPDX-License-Identifier: MIT
/*
 * filter/bpf_strays.c - the program that drops strays in the kernel, so that they
 * wake no program up and take no room in the socket's buffer. It is made from what
 * struct cop_wire says of a transport's header, and judges as its check does.
 *
 * Owns: nothing, so nothing needs protection. Counterpart in the kernel:
 * sk_filter_trim_cap(), which runs it.
 */
#include <errno.h>
#include <string.h>

#include "filter/bpf_part.h"

/*
 * The distance of a jump to the instruction that drops, and of one to the instruction that
 * lets the datagram in, until strays_land() sets it.
 */
#define DROP 0xff
#define TAKE 0xfe

static unsigned int load_size(unsigned int bytes)
{
	return bytes == 4 ? BPF_W : bytes == 2 ? BPF_H : BPF_B;
}

static void put_match(struct bpf_part *part, const struct cop_match *match)
{
	PUT(part, BPF_STMT(BPF_LD | load_size(match->size) | BPF_ABS,
			   COP_BPF_UDP_HLEN + match->off));
	if (match->mask != UINT32_MAX >> (32 - 8 * match->size))
		PUT(part, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, match->mask));
	PUT(part, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, match->value, 0, DROP));
}

/* Whether the one match and the header's length are in the first word of the header. */
static bool one_word_tells(const struct cop_wire *wire)
{
	const struct cop_match *match = wire->match;

	return cop_wire_has_options(wire) && match->size == 2 && !match->off &&
	       match->mask == 0xffff && !match[1].size && wire->len_at == 2;
}

/*
 * Nearly every header has no options, and then one word tells all. Of a datagram that was cut
 * out of a long one, each load takes the kernel 30 ns.
 */
static void put_plain(struct bpf_part *part, const struct cop_wire *wire)
{
	const uint32_t len = wire->len_high << 4 | wire->hlen / 4;

	PUT(part, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, COP_BPF_UDP_HLEN),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffffff00),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		     wire->match->value << 16 | len << 8, TAKE, 0));
}

/* The header, with its options, fits in the datagram. */
static void put_options(struct bpf_part *part, const struct cop_wire *wire)
{
	uint32_t high = wire->len_high << 4;

	PUT(part,
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, COP_BPF_UDP_HLEN + wire->len_at),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, high | wire->hlen / 4, 0, DROP),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high | 0xf, DROP, 0),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
	    BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, COP_BPF_UDP_HLEN),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 0, DROP));
}

/*
 * Let each DROP lead to the instruction @drop, and each TAKE to the one behind it. The last
 * jump passes over it.
 */
static void strays_land(struct bpf_part *part, unsigned int drop)
{
	for (unsigned int i = 0; i < drop; i++) {
		struct sock_filter *insn = &part->insn[i];

		if (insn->jt == DROP)
			insn->jt = drop - i - 1;
		else if (insn->jf == DROP)
			insn->jf = drop - i - 1;
		if (insn->jt == TAKE)
			insn->jt = drop - i;
	}
	part->insn[drop - 1].jt = 1;
}

static void put_strays(struct bpf_part *part, const struct cop_wire *wire)
{
	PUT(part, BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
		     COP_BPF_UDP_HLEN + wire->hlen + wire->overhead, 0, DROP));
	if (one_word_tells(wire))
		put_plain(part, wire);
	for (size_t i = 0; i < COP_MATCHES && wire->match[i].size; i++)
		put_match(part, &wire->match[i]);
	if (cop_wire_has_options(wire))
		put_options(part, wire);
	PUT(part, BPF_STMT(BPF_RET | BPF_K, 0),
	    BPF_STMT(BPF_RET | BPF_K, 0xffffffff));
	strays_land(part, part->n - 2);
}

int cop_bpf_strays(const struct cop_wire *wire, struct sock_filter *out,
		   unsigned int max)
{
	struct bpf_part part = { .n = 0 };

	put_strays(&part, wire);
	if (max < part.n)
		return -EINVAL;
	memcpy(out, part.insn, part.n * sizeof(*out));
	return part.n;
}
