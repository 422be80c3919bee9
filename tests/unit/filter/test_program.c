// SPDX-License-Identifier: MIT
/*
 * test_program.c - filter/program.c: the instructions of a program and its mark,
 * without a kernel.
 */
#include "filter/program.h"
#include "unit/helpers.h"

static const struct cop_mark mark = {
	.family = PF_INET,
	.type = SOCK_COP,
	.protocol = IPPROTO_COP,
	.word = { 1, 0xffffffff, 0x80000000, 42 },
};

static void make(struct program *p, enum cop_body body)
{
	cr_assert(zero(int, program_open(p, FEW)));
	cr_assert(zero(int, program_put_body(&cop_wire, p, body, NULL)));
	program_put_mark(p, &mark, body, 0);
}

Test(cop_program, a_program_of_this_library_is_marked)
{
	struct program p;

	make(&p, COP_BODY_ALL);
	cr_expect(program_is_marked(&cop_wire, &p));
	make(&p, COP_BODY_COP);
	cr_expect(program_is_marked(&cop_wire, &p));
	cr_expect(eq(int, program_body(&p), COP_BODY_COP));
	cr_expect(zero(uint, program_user_len(&p)));
}

Test(cop_program, a_mark_is_read_as_it_was_written)
{
	struct cop_mark is = { 0 };
	struct program p;

	make(&p, COP_BODY_COP);
	program_get_mark(&p, &is);
	cr_expect(eq(u8, is.family, mark.family));
	cr_expect(eq(u8, is.type, mark.type));
	cr_expect(eq(u16, is.protocol, mark.protocol));
	cr_expect(eq(int, is.body, COP_BODY_COP));
	for (int i = 0; i < COP_MARK_WORDS; i++)
		cr_expect(eq(u32, is.word[i], mark.word[i]));
}

/* The words of the state are free; all else says what the program is. */
Test(cop_program, a_program_with_one_changed_bit_is_not_marked)
{
	struct program p;

	make(&p, COP_BODY_COP);
	for (unsigned int i = 0; i < p.len; i++) {
		bool is_state = i > WORD_CARRIER && i <= WORDS;

		p.insn[i].k ^= 0x40;
		if (!is_state && i != 1 + WORD_KIND && i != 1 + WORD_SIZE)
			cr_expect(not(program_is_marked(&cop_wire, &p)),
				  "k of %u", i);
		p.insn[i].k ^= 0x40;
		p.insn[i].code ^= 0x40;
		cr_expect(not(program_is_marked(&cop_wire, &p)), "code of %u",
			  i);
		p.insn[i].code ^= 0x40;
	}
	cr_expect(program_is_marked(&cop_wire, &p));
}

Test(cop_program, a_program_without_room_for_its_mark_is_not_marked)
{
	struct program p;

	make(&p, COP_BODY_COP);
	for (p.len = 0; p.len <= BODY; p.len++)
		cr_expect(not(program_is_marked(&cop_wire, &p)), "%u", p.len);
}

Test(cop_program, many_instructions_are_in_a_mapping)
{
	struct program p;

	cr_assert(zero(int, program_open(&p, BPF_MAXINSNS)));
	cr_expect(p.insn != p.few);
	p.insn[BPF_MAXINSNS - 1].k = 1;
	program_close(&p);
	cr_assert(zero(int, program_open(&p, FEW)));
	cr_expect(p.insn == p.few);
	program_close(&p);
}
