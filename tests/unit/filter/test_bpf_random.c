// SPDX-License-Identifier: MIT
/*
 * test_bpf_random.c - filter/bpf_shift.c with programs that a random source makes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "unit/filter/bpf.h"

TestSuite(cop_bpf_random, .init = t_bpf_init, .timeout = 120);

/* ---- any program ---------------------------------------------------------- */

/* A program that is being made: @n of @len instructions are there. */
struct gen {
	struct sock_filter insn[400];
	unsigned int n, len;
	unsigned int words; /* of scratch memory that it uses */
};

static void emit(struct gen *gen, struct sock_filter insn)
{
	if (gen->n < gen->len)
		gen->insn[gen->n++] = insn;
}

#define EMIT(gen, insn) emit(gen, (struct sock_filter)insn)

static const uint32_t odd[] = { 0,    1,      2,	  7,	      8,
				0xff, 0xffff, 0x7fffffff, 0x80000000, -1 };

static uint32_t any_k(void)
{
	switch (t_below(4)) {
	case 0:
		return odd[t_below(ARRAY_SIZE(odd))];
	case 1:
		return t_number();
	default:
		return t_below(256);
	}
}

/* Mostly in the datagram; what SKF_NET_OFF has is not the same for both. */
static uint32_t any_offset(void)
{
	switch (t_below(12)) {
	case 0:
	case 1:
		return t_below(12);
	case 2:
		return 40 + t_below(80);
	case 3:
		return t_below(8) ? t_below(60)
				  : t_far[t_below(ARRAY_SIZE(t_far))];
	default:
		return 8 + t_below(40);
	}
}

static void gen_abs(struct gen *gen)
{
	EMIT(gen, LD(t_sizes[t_below(3)] | BPF_ABS, any_offset()));
}

/* X is more often than not such that there is something. */
static void gen_ind(struct gen *gen)
{
	uint32_t k = t_below(4) ? t_below(30) : 0u - t_below(20);

	if (t_below(3)) {
		EMIT(gen, ALU(BPF_AND | BPF_K, 31));
		EMIT(gen, TAX);
	} else if (t_below(2)) {
		EMIT(gen, LDX(BPF_IMM, any_offset() - k));
	}
	EMIT(gen, LD(t_sizes[t_below(3)] | BPF_IND, k));
}

static void gen_ldx(struct gen *gen)
{
	switch (t_below(4)) {
	case 0:
		EMIT(gen, LDX(BPF_IMM, any_k()));
		break;
	case 1:
		EMIT(gen, LDX(BPF_W | BPF_LEN, 0));
		break;
	default:
		EMIT(gen, LDX(BPF_B | BPF_MSH, any_offset()));
	}
}

static const int32_t steady[] = {
	AD(PROTOCOL),  AD(PKTTYPE),  AD(IFINDEX),	   AD(MARK), AD(HATYPE),
	AD(ALU_XOR_X), AD(VLAN_TAG), AD(VLAN_TAG_PRESENT), NET(9),   LL(12)
};

static void gen_ld(struct gen *gen)
{
	switch (t_below(4)) {
	case 0:
		EMIT(gen, LD(BPF_IMM, any_k()));
		break;
	case 1:
		EMIT(gen, LD(BPF_B | BPF_ABS, steady[t_below(10)]));
		break;
	default:
		EMIT(gen, LD(BPF_W | BPF_LEN, 0));
	}
}

/* How far a shift by X goes beyond 31 bits is the processor's affair. */
static void gen_alu(struct gen *gen)
{
	static const uint16_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,
					BPF_AND, BPF_XOR, BPF_DIV, BPF_MOD };

	switch (t_below(8)) {
	case 0:
		EMIT(gen, ALU(BPF_NEG, 0));
		break;
	case 1:
		EMIT(gen, ALU(t_below(2) ? BPF_LSH : BPF_RSH, t_below(32)));
		break;
	case 2:
	case 3:
		EMIT(gen, ALU(ops[t_below(6)] | BPF_K, any_k()));
		break;
	case 4:
		EMIT(gen, ALU(ops[6 + t_below(2)] | BPF_K, 1 + t_below(300)));
		break;
	default:
		EMIT(gen, ALU(ops[t_below(t_below(4) ? 6 : 8)] | BPF_X, 0));
	}
}

static void gen_mem(struct gen *gen)
{
	static const uint16_t codes[] = { BPF_ST, BPF_STX, BPF_LD | BPF_MEM,
					  BPF_LDX | BPF_MEM };

	if (gen->words)
		EMIT(gen, STMT(codes[t_below(4)], t_below(gen->words)));
}

static unsigned int any_distance(const struct gen *gen)
{
	unsigned int left = gen->len - gen->n - 1;

	if (left > 256)
		left = 256;
	return t_below(t_below(3) || left < 12 ? left : 12);
}

static void gen_jmp(struct gen *gen)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint16_t src = t_below(3) ? BPF_K : BPF_X;

	if (gen->len - gen->n < 2)
		return;
	if (t_below(12))
		EMIT(gen, JMP(ops[t_below(4)] | src, any_k(), any_distance(gen),
			      any_distance(gen)));
	else
		EMIT(gen, JA(any_distance(gen)));
}

static void gen_misc(struct gen *gen)
{
	if (t_below(2))
		EMIT(gen, TAX);
	else
		EMIT(gen, TXA);
}

static void gen_ret(struct gen *gen)
{
	if (t_below(3))
		EMIT(gen, RET(t_keeps[t_below(ARRAY_SIZE(t_keeps))]));
	else
		EMIT(gen, RET_A);
}

static void (*const kinds[])(struct gen *gen) = {
	gen_abs, gen_abs, gen_abs, gen_ind, gen_ind, gen_ind,  gen_ldx, gen_ldx,
	gen_ld,	 gen_alu, gen_alu, gen_alu, gen_mem, gen_misc, gen_jmp, gen_jmp,
};

/* What A and X are in the end decides how much is kept. */
static void gen_end(struct gen *gen)
{
	gen->len += 4;
	EMIT(gen, ALU(BPF_ADD | BPF_X, 0));
	EMIT(gen, ALU(BPF_MOD | BPF_K, 61));
	EMIT(gen, ALU(BPF_ADD | BPF_K, 8));
	EMIT(gen, RET_A);
}

static void gen_program(struct gen *gen)
{
	gen->n = 0;
	gen->words = t_below(8) ? t_below(6) : 15;
	gen->len = gen->words * 2 + 2 + t_below(t_below(16) ? 24 : 340);
	for (unsigned int i = 0; i < gen->words; i++) {
		EMIT(gen, LD(BPF_B | BPF_ABS, 8 + t_below(8)));
		EMIT(gen, ST(i));
	}
	while (gen->n < gen->len)
		if (t_below(25) || gen->n < 8)
			kinds[t_below(ARRAY_SIZE(kinds))](gen);
		else
			gen_ret(gen);
	gen_end(gen);
}

static void any_payloads(void)
{
	t_random_payload(&t_samples[0], 100, 256);
	t_random_payload(&t_samples[1], 40 + t_below(60), 32);
	t_random_payload(&t_samples[2], t_below(40), 256);
	t_random_payload(&t_samples[3], t_below(16) ? 90 : 3000, 4);
}

/* What came of all of them, to see that they are not all the same. */
struct tally {
	unsigned int dropped, cut, whole, refused;
};

static void tally_add(struct tally *tally, const struct t_answers *answers)
{
	for (size_t i = 0; i < ARRAY_SIZE(t_samples); i++) {
		int kept = answers->kept[i];

		tally->dropped += kept == DROPPED;
		tally->cut += kept >= 0 && (size_t)kept < t_samples[i].len;
		tally->whole += kept >= 0 && (size_t)kept == t_samples[i].len;
	}
}

/* Of the largest, some become longer than the kernel takes. */
static bool too_long(const struct gen *gen)
{
	int n = t_attach_moved(gen->insn, gen->n);

	if (n == -EINVAL)
		cr_assert(gt(uint, gen->n, 100), "%s", t_what);
	return n < 0;
}

Test(cop_bpf_random, random_programs_are_as_in_udp)
{
	const unsigned int programs = 2000;
	struct tally tally = { 0 };

	for (unsigned int seed = 1; seed <= programs; seed++) {
		static struct gen gen;
		struct t_answers answers;

		t_state = T_SEED * seed;
		snprintf(t_what, sizeof(t_what), "seed %u", seed);
		any_payloads();
		gen_program(&gen);
		if (too_long(&gen)) {
			tally.refused++;
			continue;
		}
		answers = t_assert_moves(gen.insn, gen.n);
		tally_add(&tally, &answers);
	}
	cr_assert(gt(uint, tally.dropped, programs / 4));
	cr_assert(gt(uint, tally.cut, programs / 4));
	cr_assert(gt(uint, tally.whole, programs / 8));
	cr_assert(lt(uint, tally.refused, programs / 20));
}

/* ---- anything ------------------------------------------------------------- */

/* More often an instruction than not, of whatever sense. */
static struct sock_filter garbage(void)
{
	struct sock_filter insn = { t_number(), t_number(), t_number(),
				    any_k() };

	if (t_below(8))
		insn.code &= 0xff;
	if (t_below(8))
		insn.code &= ~0x18 | t_sizes[t_below(3)];
	if (t_below(2)) {
		insn.jt = t_below(4);
		insn.jf = t_below(4);
	}
	if (t_below(4))
		insn.k = t_below(16);
	return insn;
}

/* Their memory is as large as they are, so a sanitizer sees what is beyond. */
static bool garbage_moves(unsigned int len, unsigned int max)
{
	struct sock_filter *in = malloc(len * sizeof(*in));
	struct sock_filter *out = malloc((max + 1) * sizeof(*out));
	int n;

	for (unsigned int i = 0; i < len; i++)
		in[i] = garbage();
	if (t_below(8))
		in[len - 1] = (struct sock_filter)RET(0);
	memset(out, 0x5a, (max + 1) * sizeof(*out));
	n = t_shifted(in, len, out, max);
	if (n < 0)
		cr_assert(eq(int, n, -EINVAL));
	else
		cr_assert(le(uint, n, max));
	cr_assert(eq(uint, out[max].code, 0x5a5a));
	free(out);
	free(in);
	return n > 0;
}

Test(cop_bpf_random, garbage_is_refused_or_moved_but_never_read_beyond)
{
	unsigned int moved = 0;

	for (unsigned int seed = 1; seed <= 100000; seed++) {
		t_state = T_SEED * seed;
		snprintf(t_what, sizeof(t_what), "seed %u", seed);
		moved += garbage_moves(1 + t_below(t_below(4) ? 4 : 100),
				       t_below(t_below(2) ? 40 : 400));
	}
	cr_assert(gt(uint, moved, 1000));
	cr_assert(lt(uint, moved, 90000));
}

/* Each room that is too small is, for a program with some of everything. */
Test(cop_bpf_random, a_result_that_does_not_fit_is_refused)
{
	struct sock_filter out[BPF_MAXINSNS];
	static struct gen gen;
	int n;

	t_state = T_SEED;
	do
		gen_program(&gen);
	while (gen.n < 60 || too_long(&gen));
	n = t_shifted(gen.insn, gen.n, out, ARRAY_SIZE(out));
	cr_assert(gt(int, n, 100));
	cr_assert(eq(int, t_shifted(gen.insn, gen.n, out, n), n));
	for (int max = 0; max < n; max++) {
		memset(out, 0x5a, sizeof(out));
		cr_assert(
			eq(int, t_shifted(gen.insn, gen.n, out, max), -EINVAL));
		cr_assert(eq(uint, out[max].code, 0x5a5a));
	}
}
