// SPDX-License-Identifier: MIT
/*
 * filter/bpf.c - classic BPF programs for a kernel socket that carries COP: one
 * that drops strays, and what a program wrote for UDP moved behind the COP
 * header.
 *
 * Owns nothing, and so nothing needs protection. May call: nobody. Counterpart
 * in the kernel: bpf_check_classic() and bpf_convert_filter() in
 * net/core/filter.c, and sk_filter_trim_cap().
 *
 * A moved instruction takes a word of scratch memory, for A or X meanwhile. The
 * header's length is kept in another one. Where there is none for it, it is worked
 * out anew wherever it is needed: it stands in the low nibble of a byte, in 32-bit
 * words, just as the length in an IP header does, for which BPF_MSH was made. That
 * is one instruction too, but some twenty of those that the kernel makes of it.
 *
 * What a moved program sees is what it would see of a UDP datagram with the same
 * payload, down to the length in the UDP header, but for the following: the
 * UDP checksum, the IP header and what SKF_AD_* tells are those of the datagram
 * that came; and where X, at run time, makes an offset from the link or network
 * layer's header that may reach beyond the ports, the datagram is dropped.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cop.h"
#include "filter/bpf.h"
#include "lib/compiler.h"

/* Where fields are, from the UDP header on. */
#define OFF_LEN	     4
#define OFF_CHECK    6
#define OFF_MAGIC    COP_BPF_UDP_HLEN
#define OFF_VER_HLEN (COP_BPF_UDP_HLEN + 2)

/* The offsets from here on are negative to the kernel. */
#define NEGATIVE 0x80000000u

/*
 * From the start of the IP header, or of what is ahead of it, so many bytes are
 * the same for COP at least: 20 of IP, two ports. SKF_NET_OFF and SKF_LL_OFF
 * are multiples of LAYER.
 */
#define LAYER_SAME 24
#define LAYER	   0x100000u

/* No datagram is longer: to keep so much is to keep it all. */
#define WHOLE 0x10000

/* The longest is a word at X: some 90. */
#define PART_MAX 128

/* Stands for the end of the part in a BPF_JA, until land(). */
#define END UINT32_MAX

/* Words of scratch memory that the program does not use, or NO_WORD. */
struct words {
	unsigned int saved; /* for A or X */
	unsigned int hlen;  /* for the header's length */
};

#define NO_WORD BPF_MEMWORDS

/* What one instruction becomes. */
struct part {
	struct sock_filter insn[PART_MAX];
	unsigned int n;
	struct words words;
	bool saves; /* whether words.saved is used, by any part */
};

/*
 * Programs only jump forward, so they are moved from their end on: where a jump
 * leads to, and how far that is now, is then known when it is met.
 */
struct shift {
	const struct sock_filter *in;
	unsigned int len;
	struct sock_filter *out;
	unsigned int max;
	unsigned int n; /* how many are done: the last of @max */
	/* For each of @in's that is done, how many there were with it. */
	uint16_t *place;
};

#define PUT(part, ...)                                         \
	put(part, (const struct sock_filter[]){ __VA_ARGS__ }, \
	    ARRAY_SIZE(((const struct sock_filter[]){ __VA_ARGS__ })))

static void put(struct part *part, const struct sock_filter *insn,
		unsigned int n)
{
	memcpy(part->insn + part->n, insn, n * sizeof(*insn));
	part->n += n;
}

static void save_a(struct part *part)
{
	part->saves = true;
	PUT(part, BPF_STMT(BPF_ST, part->words.saved));
}

static void save_x(struct part *part)
{
	part->saves = true;
	PUT(part, BPF_STMT(BPF_STX, part->words.saved));
}

static void restore_a(struct part *part)
{
	PUT(part, BPF_STMT(BPF_LD | BPF_MEM, part->words.saved));
}

static void restore_x(struct part *part)
{
	PUT(part, BPF_STMT(BPF_LDX | BPF_MEM, part->words.saved));
}

/* X = the header's length; one instruction in either case. */
static struct sock_filter ldx_hlen(const struct part *part)
{
	if (part->words.hlen == NO_WORD)
		return (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH,
						    OFF_VER_HLEN);
	return (struct sock_filter)BPF_STMT(BPF_LDX | BPF_MEM,
					    part->words.hlen);
}

/* A = the header's length. */
static void ld_hlen(struct part *part)
{
	if (part->words.hlen == NO_WORD)
		PUT(part, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFF_VER_HLEN),
		    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
		    BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2));
	else
		PUT(part, BPF_STMT(BPF_LD | BPF_MEM, part->words.hlen));
}

/* ---- strays --------------------------------------------------------------- */

/* Its last instruction is the one that a COP datagram gets to. */
static const struct sock_filter strays[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_BPF_UDP_HLEN + COP_HLEN, 0, 11),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_MAGIC),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, COP_MAGIC, 0, 9),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFF_VER_HLEN),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_VERSION << 4 | COP_HLEN_WORDS,
		 0, 7),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, COP_VERSION << 4 | 0xf, 6, 0),
	/* The header, options and all, fits the datagram. */
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
	BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, COP_BPF_UDP_HLEN),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
};

int cop_bpf_strays(struct sock_filter *out, unsigned int max)
{
	if (max < ARRAY_SIZE(strays))
		return -EINVAL;
	memcpy(out, strays, sizeof(strays));
	return ARRAY_SIZE(strays);
}

/* A program begins with A and X cleared. */
static void prelude(struct part *part)
{
	put(part, strays, ARRAY_SIZE(strays) - 1);
	if (part->words.hlen != NO_WORD)
		PUT(part, BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, OFF_VER_HLEN),
		    BPF_STMT(BPF_STX, part->words.hlen));
	PUT(part, BPF_STMT(BPF_LD | BPF_IMM, 0),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0));
}

/* ---- loads ---------------------------------------------------------------- */

enum where {
	SAME,	/* is where it was */
	MOVED,	/* reaches into the payload, or has some of the UDP length */
	UNKNOWN /* may be one or the other */
};

/* Bytes that a load takes; 0 if the kernel knows no such load. */
static unsigned int bytes(unsigned int code)
{
	switch (BPF_SIZE(code)) {
	case BPF_W:
		return 4;
	case BPF_H:
		return 2;
	case BPF_B:
		return 1;
	}
	return 0;
}

static enum where where(uint32_t k, unsigned int size)
{
	if (k >= (uint32_t)SKF_LL_OFF)
		return k % LAYER + size <= LAYER_SAME ? SAME : UNKNOWN;
	if (k >= NEGATIVE)
		return SAME; /* out of any bounds */
	if (k + size <= OFF_LEN)
		return SAME;
	return k >= OFF_CHECK && k + size <= COP_BPF_UDP_HLEN ? SAME : MOVED;
}

/* A -= header's length << @bits; X is lost. */
static void less_hlen(struct part *part, unsigned int bits, uint32_t mask)
{
	PUT(part, BPF_STMT(BPF_MISC | BPF_TAX, 0));
	ld_hlen(part);
	PUT(part, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, bits),
	    BPF_STMT(BPF_ALU | BPF_NEG, 0),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

/* A = what ends with the high byte of the UDP length; X is lost. */
static void load_len_high(struct part *part, unsigned int size, uint32_t k)
{
	PUT(part, ldx_hlen(part), BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_LEN),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 8),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | size | BPF_ABS, k),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~0xffu),
	    BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0));
}

/*
 * A = what begins in the UDP header and has @n bytes of payload; X is lost. The
 * same load, moved, ends with these bytes, and is out of bounds if they are.
 */
static void load_straddling(struct part *part, unsigned int size, uint32_t k,
			    unsigned int n)
{
	uint32_t mask = (1u << 8 * n) - 1;

	PUT(part, ldx_hlen(part), BPF_STMT(BPF_LD | size | BPF_IND, k),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | size | BPF_ABS, k),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~mask),
	    BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0));
}

/* A = what begins in the UDP header and is not as it was; X is lost. */
static void load_head(struct part *part, unsigned int size, uint32_t k)
{
	uint32_t end = k + bytes(size);

	if (end == OFF_LEN + 1) {
		load_len_high(part, size, k);
		return;
	}
	if (end > COP_BPF_UDP_HLEN)
		load_straddling(part, size, k, end - COP_BPF_UDP_HLEN);
	else
		PUT(part, BPF_STMT(BPF_LD | size | BPF_ABS, k));
	if (k < OFF_CHECK)
		less_hlen(part, 8 * (end - OFF_CHECK),
			  UINT32_MAX >> (32 - 8 * bytes(size)));
}

/* A = what where() says is MOVED; X is lost. */
static void load_moved(struct part *part, unsigned int size, uint32_t k)
{
	if (k < COP_BPF_UDP_HLEN)
		load_head(part, size, k);
	else
		PUT(part, ldx_hlen(part), BPF_STMT(BPF_LD | size | BPF_IND, k));
}

static int load_ancillary(struct part *part, const struct sock_filter *in)
{
	switch (in->k - (uint32_t)SKF_AD_OFF) {
	case SKF_AD_PROTOCOL:
	case SKF_AD_PKTTYPE:
	case SKF_AD_IFINDEX:
	case SKF_AD_MARK:
	case SKF_AD_QUEUE:
	case SKF_AD_HATYPE:
	case SKF_AD_RXHASH:
	case SKF_AD_CPU:
	case SKF_AD_ALU_XOR_X:
	case SKF_AD_VLAN_TAG:
	case SKF_AD_VLAN_TAG_PRESENT:
	case SKF_AD_RANDOM:
	case SKF_AD_VLAN_TPID:
		put(part, in, 1);
		return 0;
	}
	/* The others look at the payload. */
	return -EINVAL;
}

static int load_absolute(struct part *part, const struct sock_filter *in)
{
	if (in->k >= (uint32_t)SKF_AD_OFF)
		return load_ancillary(part, in);
	switch (where(in->k, bytes(in->code))) {
	case SAME:
		put(part, in, 1);
		return 0;
	case MOVED:
		save_x(part);
		load_moved(part, BPF_SIZE(in->code), in->k);
		restore_x(part);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The offset is in A, within the UDP header. */
static void load_indirect_head(struct part *part, const struct sock_filter *in)
{
	unsigned int size = BPF_SIZE(in->code);

	for (uint32_t k = 0; k < COP_BPF_UDP_HLEN; k++) {
		struct part head = { .words = part->words };

		if (where(k, bytes(size)) == SAME)
			continue;
		load_head(&head, size, k);
		PUT(part,
		    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, head.n + 1));
		put(part, head.insn, head.n);
		PUT(part, BPF_STMT(BPF_JMP | BPF_JA, END));
	}
	put(part, in, 1);
}

/* What jumps to the end of the part jumps here. */
static void land(struct part *part)
{
	for (unsigned int i = 0; i < part->n; i++) {
		struct sock_filter *insn = &part->insn[i];

		if (insn->code == (BPF_JMP | BPF_JA) && insn->k == END)
			insn->k = part->n - i - 1;
	}
}

static int load_indirect(struct part *part, const struct sock_filter *in)
{
	unsigned int size = BPF_SIZE(in->code);

	if (in->k >= (uint32_t)SKF_LL_OFF && in->k < (uint32_t)SKF_AD_OFF)
		return -EINVAL;
	save_x(part);
	PUT(part, BPF_STMT(BPF_MISC | BPF_TXA, 0),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, in->k),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_BPF_UDP_HLEN, 0, 11),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NEGATIVE, 5, 0),
	    /* In the payload. */
	    ldx_hlen(part), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | size | BPF_IND, 0),
	    BPF_STMT(BPF_JMP | BPF_JA, END),
	    /* Of another layer, or out of any bounds. */
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, LAYER - 1),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAYER_SAME - bytes(size), 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 0), *in, BPF_STMT(BPF_JMP | BPF_JA, END));
	load_indirect_head(part, in);
	land(part);
	restore_x(part);
	return 0;
}

static void load_len(struct part *part)
{
	PUT(part, ldx_hlen(part), BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0));
}

static int load_a(struct part *part, const struct sock_filter *in)
{
	switch (BPF_MODE(in->code)) {
	case BPF_ABS:
		return bytes(in->code) ? load_absolute(part, in) : -EINVAL;
	case BPF_IND:
		return bytes(in->code) ? load_indirect(part, in) : -EINVAL;
	}
	switch (in->code) {
	case BPF_LD | BPF_W | BPF_LEN:
		save_x(part);
		load_len(part);
		restore_x(part);
		return 0;
	case BPF_LD | BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return -EINVAL;
		/* fallthrough */
	case BPF_LD | BPF_IMM:
		put(part, in, 1);
		return 0;
	}
	return -EINVAL;
}

static int load_msh(struct part *part, const struct sock_filter *in)
{
	switch (where(in->k, 1)) {
	case SAME:
		put(part, in, 1);
		return 0;
	case MOVED:
		save_a(part);
		load_moved(part, BPF_B, in->k);
		PUT(part, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
		    BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		    BPF_STMT(BPF_MISC | BPF_TAX, 0));
		restore_a(part);
		return 0;
	default:
		return -EINVAL;
	}
}

static int load_x(struct part *part, const struct sock_filter *in)
{
	switch (in->code) {
	case BPF_LDX | BPF_B | BPF_MSH:
		return load_msh(part, in);
	case BPF_LDX | BPF_W | BPF_LEN:
		save_a(part);
		load_len(part);
		PUT(part, BPF_STMT(BPF_MISC | BPF_TAX, 0));
		restore_a(part);
		return 0;
	case BPF_LDX | BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return -EINVAL;
		/* fallthrough */
	case BPF_LDX | BPF_IMM:
		put(part, in, 1);
		return 0;
	}
	return -EINVAL;
}

/* ---- the rest ------------------------------------------------------------- */

static int store(struct part *part, const struct sock_filter *in)
{
	if ((in->code != BPF_ST && in->code != BPF_STX) ||
	    in->k >= BPF_MEMWORDS)
		return -EINVAL;
	put(part, in, 1);
	return 0;
}

static int alu(struct part *part, const struct sock_filter *in)
{
	if (BPF_OP(in->code) > BPF_XOR ||
	    in->code == (BPF_ALU | BPF_NEG | BPF_X))
		return -EINVAL;
	put(part, in, 1);
	return 0;
}

static int misc(struct part *part, const struct sock_filter *in)
{
	if (in->code != (BPF_MISC | BPF_TAX) &&
	    in->code != (BPF_MISC | BPF_TXA))
		return -EINVAL;
	put(part, in, 1);
	return 0;
}

/*
 * The kernel takes 0 for none and keeps at least the UDP header otherwise, as it
 * has to keep the COP header here.
 */
static int ret_k(struct part *part, const struct sock_filter *in)
{
	uint32_t keep = in->k < COP_BPF_UDP_HLEN ? COP_BPF_UDP_HLEN : in->k;

	if (!in->k || in->k >= WHOLE)
		put(part, in, 1);
	else
		PUT(part, ldx_hlen(part), BPF_STMT(BPF_LD | BPF_IMM, keep),
		    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		    BPF_STMT(BPF_RET | BPF_A, 0));
	return 0;
}

static int ret_a(struct part *part)
{
	PUT(part, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, WHOLE, 4, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_BPF_UDP_HLEN, 1, 0),
	    BPF_STMT(BPF_LD | BPF_IMM, COP_BPF_UDP_HLEN), ldx_hlen(part),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_RET | BPF_A, 0));
	return 0;
}

static int ret(struct part *part, const struct sock_filter *in)
{
	switch (in->code) {
	case BPF_RET | BPF_K:
		return ret_k(part, in);
	case BPF_RET | BPF_A:
		return ret_a(part);
	}
	return -EINVAL;
}

/* Whether a jump from @pc over @k instructions ends within the program. */
static bool jump_ok(const struct shift *s, unsigned int pc, uint32_t k)
{
	return k < s->len - pc - 1;
}

/* How many instructions of ours a jump from @pc, the last one done, passes. */
static unsigned int distance(const struct shift *s, unsigned int pc, uint32_t k)
{
	return s->n - s->place[pc + 1 + k];
}

/* Conditional jumps have 8 bits for the distance, the other one has 32. */
static int jump_if(const struct shift *s, unsigned int pc, struct part *part)
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

static int jump(const struct shift *s, unsigned int pc, struct part *part)
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

/* ---- the whole ------------------------------------------------------------ */

static int translate(const struct shift *s, unsigned int pc, struct part *part)
{
	const struct sock_filter *in = &s->in[pc];

	if (in->code > UINT8_MAX)
		return -EINVAL;
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
		return load_a(part, in);
	case BPF_LDX:
		return load_x(part, in);
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

/* Which words of scratch memory are used, a bit for each. */
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

/* The first word from @word on that is not used. */
static unsigned int unused_word(uint32_t used, unsigned int word)
{
	while (word < BPF_MEMWORDS && used & 1u << word)
		word++;
	return word < BPF_MEMWORDS ? word : NO_WORD;
}

static struct words spare_words(const struct sock_filter *in, unsigned int len)
{
	uint32_t used = words_used(in, len);
	struct words words;

	words.saved = unused_word(used, 0);
	words.hlen = unused_word(used, words.saved + 1);
	return words;
}

static int prepend(struct shift *s, const struct part *part)
{
	if (part->n > s->max - s->n)
		return -EINVAL;
	s->n += part->n;
	memcpy(s->out + s->max - s->n, part->insn,
	       part->n * sizeof(*part->insn));
	return 0;
}

static int shift(struct shift *s)
{
	struct part part = { .words = spare_words(s->in, s->len) };
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

int cop_bpf_shift(const struct sock_filter *in, unsigned int len,
		  struct sock_filter *out, unsigned int max, uint16_t *place)
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
	err = shift(&s);
	if (err)
		return err;
	memmove(out, out + s.max - s.n, s.n * sizeof(*out));
	return s.n;
}

/* Of what the kernel itself knows, some is about the payload. */
static int skip_one(struct sock_filter *insn)
{
	struct part unused = { .n = 0 };
	uint16_t class = BPF_CLASS(insn->code), mode = BPF_MODE(insn->code);

	if (class != BPF_LD && class != BPF_LDX)
		return 0;
	if (mode == BPF_LEN)
		return -EINVAL;
	if (mode == BPF_ABS && insn->k >= (uint32_t)SKF_AD_OFF)
		return load_ancillary(&unused, insn);
	if ((mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH) &&
	    insn->k < NEGATIVE)
		insn->k += COP_HLEN;
	return 0;
}

int cop_bpf_skip(struct sock_filter *insn, unsigned int len)
{
	int err = 0;

	for (unsigned int i = 0; i < len && !err; i++)
		err = skip_one(&insn[i]);
	return err;
}
