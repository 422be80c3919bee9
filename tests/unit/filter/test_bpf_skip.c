// SPDX-License-Identifier: MIT
/*
 * test_bpf_skip.c - filter/bpf_skip.c: programs that choose among the sockets of a port.
 */
#include "unit/filter/bpf.h"

TestSuite(cop_bpf_skip, .init = t_bpf_init, .timeout = 120);

static const struct {
	const char *what;
	struct sock_filter insn;
	uint32_t k; /* afterwards */
	int err;
} skipped[] = {
	{ "byte", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1), 17, 0 },
	{ "indexed", BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), 16, 0 },
	{ "nibble", BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 3), 19, 0 },
	{ "CPU", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_CPU),
	  SKF_AD_OFF + SKF_AD_CPU, 0 },
	{ "offset of the payload",
	  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PAY_OFFSET),
	  SKF_AD_OFF + SKF_AD_PAY_OFFSET, -EINVAL },
	{ "network header", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF),
	  SKF_NET_OFF, 0 },
	{ "ports", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + 20),
	  SKF_NET_OFF + 20, 0 },
	{ "behind the ports", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NET(21)),
	  NET(21), -EINVAL },
	{ "payload by the link", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, LL(42)),
	  LL(42), -EINVAL },
	{ "nibble by the network", BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, NET(28)),
	  NET(28), -EINVAL },
	{ "constant", BPF_STMT(BPF_LD | BPF_IMM, 1), 1, 0 },
	{ "memory", BPF_STMT(BPF_LDX | BPF_MEM, 1), 1, 0 },
	{ "store", BPF_STMT(BPF_ST, 1), 1, 0 },
	{ "sum", BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1), 1, 0 },
	{ "result", BPF_STMT(BPF_RET | BPF_K, 1), 1, 0 },
	{ "length", BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), 0, -EINVAL },
	{ "length in X", BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), 0, -EINVAL },
};

Test(cop_bpf_skip, loads_from_a_payload_are_moved_behind_the_header)
{
	for (size_t i = 0; i < ARRAY_SIZE(skipped); i++) {
		struct sock_filter insn = skipped[i].insn;

		cr_assert(eq(int, cop_bpf_skip(&cop_wire, &insn, 1),
			     skipped[i].err),
			  "%s", skipped[i].what);
		cr_assert(eq(u32, insn.k, skipped[i].k), "%s", skipped[i].what);
		cr_assert(eq(int, insn.code, skipped[i].insn.code));
	}
}
