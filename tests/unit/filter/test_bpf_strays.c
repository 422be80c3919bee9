// SPDX-License-Identifier: MIT
/*
 * test_bpf_strays.c - filter/bpf_strays.c: strays are dropped, and nothing else.
 */
#include "unit/filter/bpf.h"

TestSuite(cop_bpf_strays, .init = t_bpf_init, .timeout = 120);

static void assert_drops_strays(void)
{
	unsigned int before = t_bpf_drops();
	char buf[8];

	t_udp_send_strays(t_bpf_udp, t_port(t_bpf_fd));
	while (t_bpf_drops() != before + COP_STRAY_REASONS)
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
	int n = cop_bpf_strays(insn, ARRAY_SIZE(insn));

	cr_assert(gt(int, n, 0));
	cr_assert(zero(int, t_bpf_attach(insn, n)));
	assert_drops_strays();
}

Test(cop_bpf_strays, the_program_for_strays_needs_its_room)
{
	struct sock_filter insn[64];
	int n = cop_bpf_strays(insn, ARRAY_SIZE(insn));

	cr_assert(eq(int, cop_bpf_strays(insn, n), n));
	for (int max = 0; max < n; max++) {
		memset(insn, 0x5a, sizeof(insn));
		cr_assert(eq(int, cop_bpf_strays(insn, max), -EINVAL));
		cr_assert(eq(uint, insn[max].code, 0x5a5a));
	}
}
