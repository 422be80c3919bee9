// SPDX-License-Identifier: MIT
/*
 * test_bpf_strays.c - filter/bpf_strays.c: strays are dropped, and nothing else.
 */
#include "unit/filter/bpf.h"

TestSuite(cop_bpf_strays, .init = t_bpf_init, .timeout = 120);

static void assert_drops_strays(void)
{
	unsigned int before = t_drops(t_bpf_fd);
	char buf[8];

	t_udp_send_strays(t_bpf_udp, t_port(t_bpf_fd));
	while (t_drops(t_bpf_fd) != before + COP_STRAY_REASONS)
		cr_assert(eq(int,
			     recv(t_bpf_fd, buf, sizeof(buf), MSG_DONTWAIT),
			     -1));
	cr_assert(eq(int, t_kept_cop(3, (const void *)"cop", 3), 3));
}

Test(cop_bpf_strays, a_moved_program_that_takes_all_drops_strays)
{
	const struct sock_filter insn[] = { RET(-1) };

	cr_assert(gt(int, t_attach_moved(insn, ARRAY_SIZE(insn)), 0));
	assert_drops_strays();
}

Test(cop_bpf_strays, the_program_for_strays_drops_them_and_nothing_else)
{
	struct sock_filter insn[64];
	int n = cop_bpf_strays(&cop_wire, insn, ARRAY_SIZE(insn));

	cr_assert(gt(int, n, 0));
	cr_assert(zero(int, t_bpf_attach(insn, n)));
	assert_drops_strays();
}

Test(cop_bpf_strays, the_program_for_strays_needs_its_room)
{
	struct sock_filter insn[64];
	int n = cop_bpf_strays(&cop_wire, insn, ARRAY_SIZE(insn));

	cr_assert(eq(int, cop_bpf_strays(&cop_wire, insn, n), n));
	for (int max = 0; max < n; max++) {
		memset(insn, 0x5a, sizeof(insn));
		cr_assert(
			eq(int, cop_bpf_strays(&cop_wire, insn, max), -EINVAL));
		cr_assert(eq(uint, insn[max].code, 0x5a5a));
	}
}

/* Processes with another version of the library compare it by its instructions. */
Test(cop_bpf_strays, cops_program_is_that_of_mark_version_3)
{
	static const struct sock_filter want[] = {
		LD(BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 24, 0, 14),
		LD(BPF_W | BPF_ABS, 8),
		ALU(BPF_AND | BPF_K, 0xffffff00),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc0b11400, 12, 0),
		LD(BPF_H | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc0b1, 0, 9),
		LD(BPF_B | BPF_ABS, 10),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x14, 0, 7),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0x1f, 6, 0),
		ALU(BPF_AND | BPF_K, 0xf),
		ALU(BPF_LSH | BPF_K, 2),
		ALU(BPF_ADD | BPF_K, 8),
		TAX,
		LD(BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 1, 0),
		RET(0),
		RET(0xffffffff),
	};
	struct sock_filter insn[64];

	cr_assert(eq(int, cop_bpf_strays(&cop_wire, insn, ARRAY_SIZE(insn)),
		     ARRAY_SIZE(want)));
	cr_assert(zero(int, memcmp(insn, want, sizeof(want))));
}
