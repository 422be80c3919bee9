// SPDX-License-Identifier: MIT
/*
 * test_bpf_part.c - filter/bpf_part.c: the instructions of one part.
 */
#include "filter/bpf_part.h"
#include "unit/filter/bpf.h"

TestSuite(cop_bpf_part, .timeout = 60);

Test(cop_bpf_part, jumps_to_the_end_lead_behind_the_last_instruction)
{
	struct bpf_part part = { .n = 0 };

	PUT(&part, JA(PART_END), JA(1), JA(PART_END), RET(PART_END));
	cop_part_land(&part);
	cr_expect(eq(u32, part.insn[0].k, 3));
	cr_expect(eq(u32, part.insn[1].k, 1), "another jump");
	cr_expect(eq(u32, part.insn[2].k, 1));
	cr_expect(eq(u32, part.insn[3].k, PART_END), "no jump");
}

Test(cop_bpf_part, a_saved_register_is_noted)
{
	struct bpf_part part = { .words = { .saved = 7 } };

	cop_part_restore_x(&part);
	cr_expect(not(part.saves));
	cop_part_save_x(&part);
	cr_expect(part.saves);
	cr_expect(eq(u32, part.insn[1].code, BPF_STX));
	cr_expect(eq(u32, part.insn[1].k, 7));
}

/* A program that keeps the header, by the length it computes, and 5 bytes more. */
static void assert_keeps_header(unsigned int hlen_word, bool in_a)
{
	struct bpf_part part = { .wire = &cop_wire,
				 .words = { .hlen = hlen_word } };

	if (hlen_word != NO_WORD)
		PUT(&part,
		    LDX(BPF_B | BPF_MSH, COP_BPF_UDP_HLEN + cop_wire.len_at),
		    STX(hlen_word), LDX(BPF_IMM, 0));
	if (in_a)
		cop_part_ld_hlen(&part);
	else
		PUT(&part, cop_part_ldx_hlen(&part), TXA);
	PUT(&part, ALU(BPF_ADD | BPF_K, COP_BPF_UDP_HLEN + 5), RET_A);
	cr_assert(zero(int, t_bpf_attach(part.insn, part.n)));
	for (unsigned int options = 0; options <= OPTIONS_MAX; options++)
		cr_expect(eq(int,
			     t_kept_cop(options, (const void *)"abcdefg", 7),
			     5),
			  "%u words of options", options);
}

Test(cop_bpf_part, the_headers_length_is_right_with_and_without_a_word_for_it,
     .init = t_bpf_init)
{
	assert_keeps_header(3, false);
	assert_keeps_header(3, true);
	assert_keeps_header(NO_WORD, false);
	assert_keeps_header(NO_WORD, true);
}
