// SPDX-License-Identifier: MIT
/*
 * bpf_model.c - classic BPF as the kernel checks and runs it on a UDP socket, in a few
 * lines that share nothing with the library. Counterpart: net/core/filter.c.
 */
#include <string.h>

#include "fuzz/bpf_model.h"

#define UDP_HLEN 8

/* ---- what the kernel takes ------------------------------------------------ */

static bool is_load(uint16_t code)
{
	switch (code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LD | BPF_IMM:
	case BPF_LD | BPF_MEM:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_LDX | BPF_IMM:
	case BPF_LDX | BPF_MEM:
	case BPF_LDX | BPF_W | BPF_LEN:
		return true;
	}
	return false;
}

static bool is_alu(const struct sock_filter *in)
{
	bool is_k = BPF_SRC(in->code) == BPF_K;

	if (in->code & ~0xff)
		return false;
	switch (BPF_OP(in->code)) {
	case BPF_DIV:
	case BPF_MOD:
		return !is_k || in->k;
	case BPF_LSH:
	case BPF_RSH:
		return !is_k || in->k < 32;
	case BPF_NEG:
		return is_k;
	}
	return BPF_OP(in->code) <= BPF_XOR;
}

static bool is_jump(const struct sock_filter *in, unsigned int left)
{
	if (in->code == (BPF_JMP | BPF_JA))
		return in->k < left;
	if (in->code & ~0xff || BPF_OP(in->code) < BPF_JEQ ||
	    BPF_OP(in->code) > BPF_JSET)
		return false;
	return in->jt < left && in->jf < left;
}

/* Each load of SKF_AD_* that the kernel has, by any size. */
static bool is_ancillary(uint32_t k)
{
	uint32_t at = k - SKF_AD_OFF;

	return k >= (uint32_t)SKF_AD_OFF && at < SKF_AD_MAX && !(at % 4);
}

static bool is_allowed(const struct sock_filter *in, unsigned int left)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
	case BPF_LDX:
		if (!is_load(in->code))
			return false;
		if (BPF_MODE(in->code) == BPF_MEM)
			return in->k < BPF_MEMWORDS;
		return in->k < (uint32_t)SKF_AD_OFF ||
		       BPF_MODE(in->code) != BPF_ABS || is_ancillary(in->k);
	case BPF_ST:
	case BPF_STX:
		return !(in->code & ~7) && in->k < BPF_MEMWORDS;
	case BPF_ALU:
		return is_alu(in);
	case BPF_JMP:
		return is_jump(in, left);
	case BPF_RET:
		return in->code == (BPF_RET | BPF_K) ||
		       in->code == (BPF_RET | BPF_A);
	}
	return in->code == (BPF_MISC | BPF_TAX) ||
	       in->code == (BPF_MISC | BPF_TXA);
}

/* A word is loaded only where it was stored on each way. Jumps lead forward. */
static bool stores_before_loads(const struct sock_filter *insn, unsigned int n)
{
	static uint16_t stored[BPF_MAXINSNS];
	uint16_t now = 0;

	memset(stored, 0xff, sizeof(stored));
	for (unsigned int i = 0; i < n; i++) {
		const struct sock_filter *in = &insn[i];

		now &= stored[i];
		if (BPF_CLASS(in->code) == BPF_ST ||
		    BPF_CLASS(in->code) == BPF_STX)
			now |= 1u << in->k;
		else if (BPF_CLASS(in->code) <= BPF_LDX &&
			 BPF_MODE(in->code) == BPF_MEM && !(now & 1u << in->k))
			return false;
		if (BPF_CLASS(in->code) != BPF_JMP)
			continue;
		if (in->code == (BPF_JMP | BPF_JA)) {
			stored[i + 1 + in->k] &= now;
		} else {
			stored[i + 1 + in->jt] &= now;
			stored[i + 1 + in->jf] &= now;
		}
		now = 0xffff;
	}
	return true;
}

bool model_is_valid(const struct sock_filter *insn, unsigned int n)
{
	if (!n || n > BPF_MAXINSNS || BPF_CLASS(insn[n - 1].code) != BPF_RET)
		return false;
	for (unsigned int i = 0; i < n; i++)
		if (!is_allowed(&insn[i], n - i - 1))
			return false;
	return stores_before_loads(insn, n);
}

/* ---- how the kernel runs it ----------------------------------------------- */

struct run {
	const uint8_t *data;
	size_t len;
	uint32_t a, x, mem[BPF_MEMWORDS];
	int ends; /* MODEL_*, or 0 */
};

/* An IPv4 header and the ports; any Ethernet header and what follows it. */
static uint8_t lower_byte(uint32_t k)
{
	static const uint8_t net[24] = { 0x45, 0,  0, 99, 1,	2, 0x40, 0,
					 64,   17, 0, 0,  127,	0, 0,	 1,
					 127,  0,  0, 1,  0x80, 1, 0x80, 2 };

	return k >= (uint32_t)SKF_NET_OFF ? net[k - SKF_NET_OFF]
					  : 0x30 + (k - SKF_LL_OFF);
}

static uint32_t load(struct run *r, uint16_t code, uint32_t k)
{
	uint32_t size = BPF_SIZE(code) == BPF_W	  ? 4
			: BPF_SIZE(code) == BPF_H ? 2
						  : 1;
	uint32_t value = 0, at;

	for (uint32_t i = 0; i < size; i++) {
		at = k + i;
		if (k < (uint32_t)INT32_MAX && (uint64_t)k + size <= r->len)
			value = value << 8 | r->data[at];
		else if (k < (uint32_t)SKF_LL_OFF)
			r->ends = MODEL_DROPPED;
		else if (k % 0x100000 + size <= 24)
			value = value << 8 | lower_byte(at);
		else
			r->ends = MODEL_UNKNOWN;
	}
	return value;
}

static void run_load(struct run *r, const struct sock_filter *in)
{
	bool is_x = BPF_CLASS(in->code) == BPF_LDX;
	uint32_t value = in->k;

	switch (BPF_MODE(in->code)) {
	case BPF_ABS:
		if (in->k == (uint32_t)(SKF_AD_OFF + SKF_AD_ALU_XOR_X))
			value = r->a ^ r->x;
		else if (in->k >= (uint32_t)SKF_AD_OFF)
			value = in->k % 0x1000 * 7;
		else
			value = load(r, in->code, in->k);
		break;
	case BPF_IND:
		value = load(r, in->code, in->k + r->x);
		break;
	case BPF_MSH:
		value = (load(r, in->code, in->k) & 0xf) << 2;
		break;
	case BPF_MEM:
		value = r->mem[in->k];
		break;
	case BPF_LEN:
		value = r->len;
		break;
	}
	*(is_x ? &r->x : &r->a) = value;
}

static void run_alu(struct run *r, const struct sock_filter *in)
{
	uint32_t by = BPF_SRC(in->code) == BPF_X ? r->x : in->k;
	uint16_t op = BPF_OP(in->code);

	if ((op == BPF_DIV || op == BPF_MOD) && !by) {
		r->ends = MODEL_DROPPED;
		return;
	}
	r->a = op == BPF_ADD   ? r->a + by
	       : op == BPF_SUB ? r->a - by
	       : op == BPF_MUL ? r->a * by
	       : op == BPF_DIV ? r->a / by
	       : op == BPF_MOD ? r->a % by
	       : op == BPF_OR  ? (r->a | by)
	       : op == BPF_AND ? (r->a & by)
	       : op == BPF_XOR ? (r->a ^ by)
	       : op == BPF_LSH ? r->a << (by & 31)
	       : op == BPF_RSH ? r->a >> (by & 31)
			       : -r->a;
}

static uint32_t jump(const struct run *r, const struct sock_filter *in)
{
	uint32_t by = BPF_SRC(in->code) == BPF_X ? r->x : in->k;
	bool yes;

	if (BPF_OP(in->code) == BPF_JA)
		return in->k;
	yes = BPF_OP(in->code) == BPF_JEQ   ? r->a == by
	      : BPF_OP(in->code) == BPF_JGT ? r->a > by
	      : BPF_OP(in->code) == BPF_JGE ? r->a >= by
					    : (r->a & by) != 0;
	return yes ? in->jt : in->jf;
}

static int keep(const struct run *r, uint32_t most)
{
	if (!most)
		return MODEL_DROPPED;
	if (most < UDP_HLEN)
		most = UDP_HLEN;
	return most < r->len ? most : r->len;
}

int model_kept(const struct sock_filter *insn, unsigned int n,
	       const uint8_t *data, size_t len)
{
	struct run r = { .data = data, .len = len };

	for (unsigned int i = 0; i < n && !r.ends; i++) {
		const struct sock_filter *in = &insn[i];

		switch (BPF_CLASS(in->code)) {
		case BPF_LD:
		case BPF_LDX:
			run_load(&r, in);
			break;
		case BPF_ST:
		case BPF_STX:
			r.mem[in->k] = in->code == BPF_ST ? r.a : r.x;
			break;
		case BPF_ALU:
			run_alu(&r, in);
			break;
		case BPF_JMP:
			i += jump(&r, in);
			break;
		case BPF_RET:
			return keep(&r, in->code & BPF_A ? r.a : in->k);
		case BPF_MISC:
			*(in->code & BPF_TXA ? &r.a : &r.x) =
				in->code & BPF_TXA ? r.x : r.a;
		}
	}
	return r.ends;
}
