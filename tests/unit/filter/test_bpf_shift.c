// SPDX-License-Identifier: MIT
/*
 * test_bpf_shift.c - filter/bpf_shift.c: a moved filter decides on a COP datagram as
 * it would on UDP, and a filter that the kernel refuses is refused.
 */
#include <stdio.h>

#include "unit/filter/bpf.h"

TestSuite(cop_bpf_shift, .init = t_bpf_init, .timeout = 120);

static const struct sock_fprog registers[] = {
	/* Both are 0 at the start. */
	PROGRAM(ALU(BPF_ADD | BPF_X, 0)),
	PROGRAM(ALU(BPF_ADD | BPF_K, 7)),
	PROGRAM(TXA, ALU(BPF_ADD | BPF_K, 7)),
	PROGRAM(LD(BPF_B | BPF_IND, 9)),
	/* A load changes but the one that it is for. */
	PROGRAM(LDX(BPF_IMM, 0x11223344), LD(BPF_W | BPF_ABS, 8), TXA),
	PROGRAM(LDX(BPF_IMM, 0x11223344), LD(BPF_W | BPF_ABS, 6), TXA),
	PROGRAM(LDX(BPF_IMM, 0x11223344), LD(BPF_H | BPF_ABS, 4), TXA),
	PROGRAM(LDX(BPF_IMM, 11), LD(BPF_W | BPF_IND, 8), TXA),
	PROGRAM(LDX(BPF_IMM, 3), LD(BPF_W | BPF_IND, 2), TXA),
	PROGRAM(LDX(BPF_IMM, 3), LD(BPF_B | BPF_IND, 2), TXA),
	PROGRAM(LDX(BPF_IMM, NET(8)), LD(BPF_B | BPF_IND, 0), TXA),
	/* Nor does what the program has stored change. */
	PROGRAM(LDX(BPF_IMM, 0x11223344), STX(0), STX(1), STX(2), STX(14),
		STX(15), LD(BPF_W | BPF_ABS, 10), LDX(BPF_B | BPF_MSH, 12),
		LD(BPF_H | BPF_IND, 3), LDX(BPF_W | BPF_LEN, 0), LD(BPF_MEM, 0),
		LDX(BPF_MEM, 1), ALU(BPF_ADD | BPF_X, 0), LDX(BPF_MEM, 2),
		ALU(BPF_ADD | BPF_X, 0), LDX(BPF_MEM, 14),
		ALU(BPF_ADD | BPF_X, 0), LDX(BPF_MEM, 15),
		ALU(BPF_ADD | BPF_X, 0)),
	PROGRAM(LD(BPF_B | BPF_ABS, 9), ST(3), LD(BPF_B | BPF_ABS, 10), TAX,
		STX(15), LD(BPF_MEM, 3), LDX(BPF_MEM, 15),
		ALU(BPF_MUL | BPF_X, 0)),
};

Test(cop_bpf_shift, registers_and_scratch_memory_are_as_in_udp)
{
	t_observe_all(registers, ARRAY_SIZE(registers));
}

#define BOTH(how, k)                                                      \
	PROGRAM(LD(BPF_W | BPF_ABS, 8), ALU((how) | BPF_K, k)),           \
		PROGRAM(LDX(BPF_B | BPF_MSH, 9), LD(BPF_W | BPF_ABS, 10), \
			ALU((how) | BPF_X, 0))

static const struct sock_fprog arithmetic[] = {
	BOTH(BPF_ADD, 0x10203),
	BOTH(BPF_SUB, 77),
	BOTH(BPF_MUL, 0x10001),
	BOTH(BPF_DIV, 13),
	BOTH(BPF_MOD, 1001),
	BOTH(BPF_OR, 0x0f0f),
	BOTH(BPF_AND, 0x33ff),
	BOTH(BPF_XOR, -1),
	BOTH(BPF_LSH, 5),
	BOTH(BPF_RSH, 9),
	PROGRAM(LD(BPF_W | BPF_ABS, 8), ALU(BPF_NEG, 0)),
	/* Dividing by 0 drops the datagram. */
	PROGRAM(LD(BPF_W | BPF_ABS, 8), ALU(BPF_DIV | BPF_X, 0), RET(-1)),
	PROGRAM(LD(BPF_W | BPF_ABS, 8), ALU(BPF_MOD | BPF_X, 0), RET(-1)),
};

Test(cop_bpf_shift, arithmetic_is_as_in_udp)
{
	t_observe_all(arithmetic, ARRAY_SIZE(arithmetic));
}

/* Both ways lead over loads, so they are longer than they were. */
#define WAYS \
	LD(BPF_B | BPF_ABS, 9), JA(2), LD(BPF_IMM, 5), LD(BPF_W | BPF_LEN, 0)
#define EITHER(how)                                                            \
	PROGRAM(LD(BPF_B | BPF_ABS, 8), JMP((how) | BPF_K, 0x55, 0, 2), WAYS), \
		PROGRAM(LD(BPF_B | BPF_ABS, 8),                                \
			JMP((how) | BPF_K, 0x80, 2, 0), WAYS),                 \
		PROGRAM(LDX(BPF_B | BPF_MSH, 9), LD(BPF_B | BPF_ABS, 8),       \
			JMP((how) | BPF_X, 0, 0, 2), WAYS)

static const struct sock_fprog jumps[] = {
	EITHER(BPF_JEQ),
	EITHER(BPF_JGT),
	EITHER(BPF_JGE),
	EITHER(BPF_JSET),
	PROGRAM(LD(BPF_W | BPF_LEN, 0), JMP(BPF_JEQ | BPF_K, 88, 0, 2), WAYS),
	PROGRAM(LD(BPF_W | BPF_LEN, 0), JMP(BPF_JEQ | BPF_K, 88, 1, 1), RET(0),
		WAYS),
	PROGRAM(JA(0), JA(1), RET(0), LD(BPF_B | BPF_ABS, 10)),
};

Test(cop_bpf_shift, jumps_are_as_in_udp)
{
	t_observe_all(jumps, ARRAY_SIZE(jumps));
}

/* How often a load stands between a jump and where it leads to. */
static const unsigned int loads[] = { 60, 61, 62, 63, 64, 65, 100, 250 };

/*
 * Each load is 4 instructions when moved, so some are too far for 8 bits. An odd
 * first byte of the payload goes one way, an even one the other; with @always
 * a jump leads over all of that.
 */
static unsigned int long_jump(struct sock_filter *insn, unsigned int n, bool jt,
			      bool always)
{
	const struct sock_filter head[] = {
		LD(BPF_B | BPF_ABS, 8),
		JMP(BPF_JSET | BPF_K, 1, jt ? n : 0, jt ? 0 : n),
	};
	const struct sock_filter load = LD(BPF_B | BPF_ABS, 9);
	unsigned int i = 0;

	if (always)
		insn[i++] = (struct sock_filter)JA(n + 2);
	memcpy(insn + i, head, sizeof(head));
	i += ARRAY_SIZE(head);
	while (n--)
		insn[i++] = load;
	insn[i++] = (struct sock_filter)ALU(BPF_AND | BPF_K, 63);
	insn[i++] = (struct sock_filter)ALU(BPF_ADD | BPF_K, 9);
	insn[i++] = (struct sock_filter)RET_A;
	return i;
}

Test(cop_bpf_shift, jumps_that_need_more_than_8_bits_keep_their_target)
{
	struct sock_filter insn[300];

	t_samples_of(80, 81, 82, 83);
	for (size_t i = 0; i < ARRAY_SIZE(t_samples); i++) {
		t_samples[i].payload[0] = i % 2;
		t_samples[i].payload[1] = 30 + i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(loads) * 4; i++) {
		unsigned int n = loads[i / 4];
		unsigned int len = long_jump(insn, n, i & 1, i & 2);

		snprintf(t_what, sizeof(t_what), "over %u loads, way %zu", n,
			 i % 4);
		t_assert_moves(insn, len);
	}
}

/* ---- how much is kept ----------------------------------------------------- */

Test(cop_bpf_shift, as_much_is_kept_as_of_udp)
{
	t_samples_of(80, 0, 1, 300);
	for (size_t i = 0; i < ARRAY_SIZE(t_keeps); i++) {
		const struct sock_filter k[] = { RET(t_keeps[i]) };
		const struct sock_filter a[] = { LD(BPF_IMM, t_keeps[i]),
						 RET_A };

		snprintf(t_what, sizeof(t_what), "to keep %#x", t_keeps[i]);
		t_assert_moves(k, ARRAY_SIZE(k));
		t_assert_moves(a, ARRAY_SIZE(a));
	}
}

static const uint32_t more[] = { 999,	1000,  1001,  2000,
				 32768, 39999, 40007, 40008 };

Test(cop_bpf_shift, as_much_is_kept_as_of_a_large_datagram)
{
	t_samples_of(PAYLOAD_MAX, PAYLOAD_MAX - 1, 20000, 993);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		const struct sock_filter k[] = { RET(more[i]) };
		const struct sock_filter a[] = { LD(BPF_IMM, more[i]), RET_A };

		snprintf(t_what, sizeof(t_what), "to keep %u", more[i]);
		t_assert_moves(k, ARRAY_SIZE(k));
		t_assert_moves(a, ARRAY_SIZE(a));
	}
}

/* What the kernel says is known here too, so that it is not both that fail. */
Test(cop_bpf_shift,
     a_filter_that_keeps_less_than_the_udp_header_keeps_no_payload)
{
	const struct sock_filter insn[] = { RET(4) };
	struct t_answers got;

	t_samples_of(80, 0, 1, 300);
	snprintf(t_what, sizeof(t_what), "to keep 4");
	got = t_assert_moves(insn, ARRAY_SIZE(insn));
	for (size_t i = 0; i < ARRAY_SIZE(t_samples); i++)
		cr_assert(zero(int, got.kept[i]));
}

Test(cop_bpf_shift, a_header_with_any_options_is_passed_over)
{
	const struct sock_filter insn[] = {
		LD(BPF_H | BPF_ABS, 8),
		JMP(BPF_JEQ | BPF_K, 0x6162, 0, 1),
		RET(8 + 3),
		RET(0),
	};

	cr_assert(gt(int, t_attach_moved(insn, ARRAY_SIZE(insn)), 0));
	for (unsigned int options = 0; options <= OPTIONS_MAX; options++) {
		const void *yes = "abcdef", *no = "bacdef";

		cr_assert(eq(int, t_kept_cop(options, yes, 6), 3));
		cr_assert(eq(int, t_kept_cop(options, yes, 2), 2));
		cr_assert(eq(int, t_kept_cop(options, no, 6), DROPPED));
		cr_assert(eq(int, t_kept_cop(options, yes, 1), DROPPED));
	}
}

/* ---- refusals ------------------------------------------------------------- */

static const struct sock_fprog invalid[] = {
	PROGRAM(LD(BPF_IMM, 1)), /* ends without a return */
	PROGRAM(TAX),
	PROGRAM(ST(0)),
	PROGRAM(ALU(BPF_NEG, 0)),
	PROGRAM(LD(BPF_W | BPF_ABS, 8)),
	PROGRAM(JA(0)),
	PROGRAM(JA(1), RET(0)),
	PROGRAM(JA(-1), RET(0)),
	PROGRAM(JA(-2), RET(0)),
	PROGRAM(JMP(BPF_JEQ | BPF_K, 0, 1, 0), RET(0)),
	PROGRAM(JMP(BPF_JEQ | BPF_K, 0, 0, 1), RET(0)),
	PROGRAM(JMP(BPF_JEQ | BPF_K, 0, 255, 255), RET(0)),
	PROGRAM(ST(16), RET(0)),
	PROGRAM(STX(-1), RET(0)),
	PROGRAM(LD(BPF_MEM, 16), RET(0)),
	PROGRAM(LDX(BPF_MEM, 1u << 31), RET(0)),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(PROTOCOL) + 1), RET(0)),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(MAX)), RET(0)),
	PROGRAM(LD(BPF_W | BPF_ABS, -1), RET(0)),
};

Test(cop_bpf_shift, programs_that_the_kernel_refuses_are_refused)
{
	struct sock_filter out[BPF_MAXINSNS];

	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		const struct sock_fprog *p = &invalid[i];

		cr_assert(eq(int, t_bpf_attach(p->filter, p->len), -EINVAL),
			  "entry %zu is valid", i);
		cr_assert(eq(int,
			     t_shifted(p->filter, p->len, out, ARRAY_SIZE(out)),
			     -EINVAL),
			  "entry %zu", i);
	}
}

/* Of all 65,536, those that the kernel has are known here, the others not. */
Test(cop_bpf_shift, exactly_the_kernels_opcodes_are_known)
{
	struct sock_filter out[BPF_MAXINSNS];
	unsigned int known = 0;

	for (uint32_t code = 0; code <= UINT16_MAX; code++) {
		/* K is valid with all of them. */
		const struct sock_filter insn[] = {
			ST(1),
			{ code, 0, 0, 1 },
			RET(0),
			RET(0),
		};
		int err = t_bpf_attach(insn, ARRAY_SIZE(insn));
		int n = t_shifted(insn, ARRAY_SIZE(insn), out, ARRAY_SIZE(out));

		if (err)
			cr_assert(eq(int, n, -EINVAL), "code %#x", code);
		else
			cr_assert(gt(int, n, 0), "code %#x", code);
		known += !err;
	}
	cr_assert(gt(uint, known, 40));
}

Test(cop_bpf_shift, no_program_and_one_too_long_are_refused)
{
	static struct sock_filter in[BPF_MAXINSNS + 1], out[BPF_MAXINSNS + 9];

	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = (struct sock_filter)RET(0);
	cr_assert(eq(int, t_shifted(in, 0, out, ARRAY_SIZE(out)), -EINVAL));
	cr_assert(eq(int, t_shifted(in, BPF_MAXINSNS + 1, out, ARRAY_SIZE(out)),
		     -EINVAL));
	cr_assert(eq(int, t_shifted(in, BPF_MAXINSNS, out, ARRAY_SIZE(out)),
		     -EINVAL));
}

/* The kernel would not have more, so neither is more made. */
Test(cop_bpf_shift, the_longest_result_is_the_kernels_longest_program)
{
	static struct sock_filter in[BPF_MAXINSNS], out[BPF_MAXINSNS + 9];
	unsigned int most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = (struct sock_filter)RET(0);
	for (unsigned int len = 1; len <= BPF_MAXINSNS; len++) {
		int n = t_shifted(in, len, out, ARRAY_SIZE(out));

		if (n > 0)
			most = n;
	}
	cr_assert(eq(uint, most, BPF_MAXINSNS));
	cr_assert(zero(int, t_bpf_attach(out, most)));
}

/* A program that uses the first @words of the scratch memory. */
static unsigned int uses_scratch(struct sock_filter *insn, unsigned int words,
				 const struct sock_filter *then)
{
	for (unsigned int i = 0; i < words; i++)
		insn[i] = (struct sock_filter)ST(i);
	insn[words] = *then;
	insn[words + 1] = (struct sock_filter)RET(20);
	return words + 2;
}

static const struct sock_filter need_scratch[] = {
	LD(BPF_W | BPF_ABS, 8),	 LD(BPF_W | BPF_ABS, 7),
	LD(BPF_W | BPF_IND, 8),	 LD(BPF_W | BPF_LEN, 0),
	LDX(BPF_W | BPF_LEN, 0), LDX(BPF_B | BPF_MSH, 8),
};

Test(cop_bpf_shift, a_program_must_leave_one_word_of_scratch_memory)
{
	struct sock_filter in[20], out[BPF_MAXINSNS];

	t_samples_of(80, 0, 1, 300);
	for (size_t i = 0; i < ARRAY_SIZE(need_scratch); i++) {
		unsigned int n = uses_scratch(in, 15, &need_scratch[i]);

		snprintf(t_what, sizeof(t_what), "entry %zu", i);
		t_assert_moves(in, n);
		n = uses_scratch(in, 16, &need_scratch[i]);
		cr_assert(eq(int, t_shifted(in, n, out, BPF_MAXINSNS), -EINVAL),
			  "entry %zu", i);
	}
}

/* Whatever is loaded from is in use as well: a valid program has stored it. */
Test(cop_bpf_shift, all_of_the_scratch_memory_may_be_used_without_loads)
{
	const struct sock_filter add = ALU(BPF_ADD | BPF_K, 1);
	struct sock_filter in[20];

	t_samples_of(80, 0, 1, 300);
	snprintf(t_what, sizeof(t_what), "16 words");
	t_assert_moves(in, uses_scratch(in, 16, &add));
}
