// SPDX-License-Identifier: MIT
/*
 * filter/bpf_load.c - the loads of a program's own filter, moved behind the COP
 * header. Between the UDP header and the payload a COP datagram has a COP header
 * of any length. So a load from the payload moves by the length of that header, and
 * a load of the UDP length subtracts it.
 *
 * Owns: nothing, so nothing needs protection. Counterpart in the kernel:
 * convert_bpf_ld_abs() and convert_bpf_extensions() in net/core/filter.c.
 */
#include <errno.h>
#include <netinet/in.h>

#include "filter/bpf_load.h"

/*
 * SKF_NET_OFF and SKF_LL_OFF, multiples of LAYER, stand for the start of the IP
 * header and of the link layer's header. The first LAYER_SAME bytes from either
 * are the same with COP: at least 20 bytes of the IP header, and the two ports.
 */
#define LAYER_SAME 24
#define LAYER	   0x100000u

/* Of IPv6: the length of its header, and where the type of the next header is. */
#define IPV6_HLEN 40
#define IPV6_NEXT 6

/* Where the bytes of a load are in a COP datagram. */
enum where {
	SAME,	/* at the same offset, and they have the same value */
	MOVED,	/* the load has bytes of the payload or of the UDP length */
	UNKNOWN /* that depends on the length of a lower layer's header */
};

/* How many bytes a load reads; 0 if the kernel has no such load. */
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
		return SAME; /* out of bounds in any datagram */
	if (k + size <= OFF_LEN)
		return SAME;
	return k >= OFF_CHECK && k + size <= COP_BPF_UDP_HLEN ? SAME : MOVED;
}

/* Set A to (A - (header length << @bits)) & @mask. Changes X. */
static void less_hlen(struct bpf_part *part, unsigned int bits, uint32_t mask)
{
	PUT(part, BPF_STMT(BPF_MISC | BPF_TAX, 0));
	cop_part_ld_hlen(part);
	PUT(part, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, bits),
	    BPF_STMT(BPF_ALU | BPF_NEG, 0),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

/*
 * Load @size bytes at @k, the last of which is the high byte of the UDP length.
 * Changes X.
 */
static void load_len_high(struct bpf_part *part, unsigned int size, uint32_t k)
{
	PUT(part, cop_part_ldx_hlen(part),
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_LEN),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 8),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | size | BPF_ABS, k),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~0xffu),
	    BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0));
}

/*
 * Load @size bytes at @k, the last @n of which are payload and the others UDP
 * header. Changes X. The first load is at @k behind the COP header: it ends with
 * the @n bytes, and is out of bounds if the payload is too short, as in UDP.
 */
static void load_straddling(struct bpf_part *part, unsigned int size,
			    uint32_t k, unsigned int n)
{
	uint32_t mask = (1u << 8 * n) - 1;

	PUT(part, cop_part_ldx_hlen(part), BPF_STMT(BPF_LD | size | BPF_IND, k),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | size | BPF_ABS, k),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~mask),
	    BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0));
}

/* Load @size bytes at @k, in the UDP header, that are MOVED. Changes X. */
static void load_head(struct bpf_part *part, unsigned int size, uint32_t k)
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

/* Load @size bytes at @k that are MOVED. Changes X. */
static void load_moved(struct bpf_part *part, unsigned int size, uint32_t k)
{
	if (k < COP_BPF_UDP_HLEN)
		load_head(part, size, k);
	else
		PUT(part, cop_part_ldx_hlen(part),
		    BPF_STMT(BPF_LD | size | BPF_IND, k));
}

bool cop_bpf_layer_ok(const struct sock_filter *insn)
{
	return insn->k < (uint32_t)SKF_LL_OFF ||
	       where(insn->k, bytes(insn->code)) == SAME;
}

/* The loads of SKF_AD_* that are not listed here look at the payload. */
bool cop_bpf_ancillary_ok(uint32_t k)
{
	switch (k - (uint32_t)SKF_AD_OFF) {
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
		return true;
	}
	return false;
}

static int load_ancillary(struct bpf_part *part, const struct sock_filter *in)
{
	if (!cop_bpf_ancillary_ok(in->k))
		return -EINVAL;
	cop_part_put(part, in, 1);
	return 0;
}

/*
 * A has the offset, which is within the UDP header. The part compares it with each
 * offset at which a load is MOVED.
 */
static void load_indirect_head(struct bpf_part *part,
			       const struct sock_filter *in)
{
	unsigned int size = BPF_SIZE(in->code);

	for (uint32_t k = 0; k < COP_BPF_UDP_HLEN; k++) {
		struct bpf_part head = { .wire = part->wire,
					 .words = part->words };

		if (where(k, bytes(size)) == SAME)
			continue;
		load_head(&head, size, k);
		PUT(part,
		    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, head.n + 1));
		cop_part_put(part, head.insn, head.n);
		PUT(part, BPF_STMT(BPF_JMP | BPF_JA, PART_END));
	}
	cop_part_put(part, in, 1);
}

/*
 * A has the offset of a load from the start of the UDP header. Only if it is in the
 * payload or the UDP header does the load change. @lower is what to do at an offset that
 * is negative.
 */
static void load_at_a(struct bpf_part *part, const struct sock_filter *in,
		      const struct sock_filter *lower, unsigned int n)
{
	PUT(part,
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_BPF_UDP_HLEN, 0, 7 + n),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NEGATIVE, 5, 0),
	    cop_part_ldx_hlen(part), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    BPF_STMT(BPF_LD | BPF_SIZE(in->code) | BPF_IND, 0),
	    BPF_STMT(BPF_JMP | BPF_JA, PART_END));
	cop_part_put(part, lower, n);
	PUT(part, BPF_STMT(BPF_JMP | BPF_JA, PART_END));
	load_indirect_head(part, in);
	cop_part_land(part);
}

/*
 * The offset is one from the start of the network header, whose length is known only when
 * the filter runs. A socket of IPv6 gets datagrams of both families. Behind extension
 * headers of IPv6 the part finds no UDP header, and drops the datagram.
 */
static int load_network(struct bpf_part *part, const struct sock_filter *in)
{
	uint32_t k = in->k - (uint32_t)SKF_NET_OFF;

	if (k + bytes(in->code) <= LAYER_SAME) {
		cop_part_put(part, in, 1);
		return 0;
	}
	cop_part_save_x(part);
	PUT(part, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 5),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + IPV6_NEXT),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	    BPF_STMT(BPF_LD | BPF_IMM, k - IPV6_HLEN),
	    BPF_STMT(BPF_JMP | BPF_JA, 3),
	    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, SKF_NET_OFF),
	    BPF_STMT(BPF_LD | BPF_IMM, k),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0));
	load_at_a(part, in, in, 1);
	cop_part_restore_x(part);
	return 0;
}

static int load_absolute(struct bpf_part *part, const struct sock_filter *in)
{
	if (in->k >= (uint32_t)SKF_AD_OFF)
		return load_ancillary(part, in);
	if (in->k >= (uint32_t)SKF_NET_OFF)
		return load_network(part, in);
	switch (where(in->k, bytes(in->code))) {
	case SAME:
		cop_part_put(part, in, 1);
		return 0;
	case MOVED:
		cop_part_save_x(part);
		load_moved(part, BPF_SIZE(in->code), in->k);
		cop_part_restore_x(part);
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * The offset is known only when the filter runs: X plus the operand. If it is in a lower
 * layer's header, or out of bounds, the load is at X as before.
 */
static int load_indirect(struct bpf_part *part, const struct sock_filter *in)
{
	const struct sock_filter lower[] = {
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, LAYER - 1),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K,
			 LAYER_SAME - bytes(in->code), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		*in,
	};

	if (in->k >= (uint32_t)SKF_LL_OFF && in->k < (uint32_t)SKF_AD_OFF)
		return -EINVAL;
	cop_part_save_x(part);
	PUT(part, BPF_STMT(BPF_MISC | BPF_TXA, 0),
	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, in->k));
	load_at_a(part, in, lower, ARRAY_SIZE(lower));
	cop_part_restore_x(part);
	return 0;
}

static void load_len(struct bpf_part *part)
{
	PUT(part, cop_part_ldx_hlen(part),
	    BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0));
}

int cop_bpf_load_a(struct bpf_part *part, const struct sock_filter *in)
{
	switch (BPF_MODE(in->code)) {
	case BPF_ABS:
		return bytes(in->code) ? load_absolute(part, in) : -EINVAL;
	case BPF_IND:
		return bytes(in->code) ? load_indirect(part, in) : -EINVAL;
	}
	switch (in->code) {
	case BPF_LD | BPF_W | BPF_LEN:
		cop_part_save_x(part);
		load_len(part);
		cop_part_restore_x(part);
		return 0;
	case BPF_LD | BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return -EINVAL;
		/* fallthrough */
	case BPF_LD | BPF_IMM:
		cop_part_put(part, in, 1);
		return 0;
	}
	return -EINVAL;
}

static int load_msh(struct bpf_part *part, const struct sock_filter *in)
{
	switch (where(in->k, 1)) {
	case SAME:
		cop_part_put(part, in, 1);
		return 0;
	case MOVED:
		cop_part_save_a(part);
		load_moved(part, BPF_B, in->k);
		PUT(part, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
		    BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		    BPF_STMT(BPF_MISC | BPF_TAX, 0));
		cop_part_restore_a(part);
		return 0;
	default:
		return -EINVAL;
	}
}

int cop_bpf_load_x(struct bpf_part *part, const struct sock_filter *in)
{
	switch (in->code) {
	case BPF_LDX | BPF_B | BPF_MSH:
		return load_msh(part, in);
	case BPF_LDX | BPF_W | BPF_LEN:
		cop_part_save_a(part);
		load_len(part);
		PUT(part, BPF_STMT(BPF_MISC | BPF_TAX, 0));
		cop_part_restore_a(part);
		return 0;
	case BPF_LDX | BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return -EINVAL;
		/* fallthrough */
	case BPF_LDX | BPF_IMM:
		cop_part_put(part, in, 1);
		return 0;
	}
	return -EINVAL;
}
