// SPDX-License-Identifier: MIT
/*
 * test_bpf_load.c - filter/bpf_load.c: a moved load reads of a COP datagram what it
 * would read of UDP.
 */
#include <stdio.h>

#include "unit/filter/bpf.h"

TestSuite(cop_bpf_load, .init = t_bpf_init, .timeout = 120);

/*
 * In and behind the UDP header, up to the end and beyond of a short payload. With
 * 240 bytes of it the UDP length has 8 bits, of which COP makes 9.
 */
Test(cop_bpf_load, loads_at_each_offset_are_as_in_udp)
{
	t_samples_of(80, 240, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(t_sizes); i++)
		for (unsigned int k = 0; k < 112;
		     k += k < 16 || k > 82 ? 1 : 9) {
			const struct sock_fprog prog =
				PROGRAM(LD(t_sizes[i] | BPF_ABS, k));

			snprintf(t_what, sizeof(t_what), "size %#x at %u",
				 t_sizes[i], k);
			t_observe(&prog);
		}
}

static const uint32_t bases[] = { 0, 3, 8, 50, -4 };

/* What X and K come to is any offset, and also less than none. */
Test(cop_bpf_load, loads_at_x_are_as_in_udp)
{
	t_samples_of(80, 240, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(t_sizes) * ARRAY_SIZE(bases); i++)
		for (int at = -5; at < 95; at += at < 12 || at > 85 ? 1 : 14) {
			uint16_t size = t_sizes[i / ARRAY_SIZE(bases)];
			uint32_t k = bases[i % ARRAY_SIZE(bases)];
			const struct sock_fprog prog = PROGRAM(
				LDX(BPF_IMM, at - k), LD(size | BPF_IND, k));

			snprintf(t_what, sizeof(t_what), "size %#x at %d, k %d",
				 size, at, (int)k);
			t_observe(&prog);
		}
}

/* The kernel has to look into fragments for these. */
Test(cop_bpf_load, loads_from_a_large_payload_are_as_in_udp)
{
	static const uint32_t at[] = { 1000,  4090,  16384, 32767, 32768,
				       39990, 40004, 40005, 40007, 40008 };

	t_samples_of(PAYLOAD_MAX, PAYLOAD_MAX - 1, 20000, 0);
	for (size_t i = 0; i < ARRAY_SIZE(at) * ARRAY_SIZE(t_sizes); i++) {
		uint32_t k = at[i / ARRAY_SIZE(t_sizes)];
		uint16_t size = t_sizes[i % ARRAY_SIZE(t_sizes)];
		const struct sock_fprog progs[] = {
			PROGRAM(LD(size | BPF_ABS, k)),
			PROGRAM(LDX(BPF_IMM, k - 9), LD(size | BPF_IND, 9)),
		};

		snprintf(t_what, sizeof(t_what), "size %#x at %u", size, k);
		t_observe(&progs[0]);
		t_observe(&progs[1]);
	}
}

Test(cop_bpf_load, loads_from_out_of_any_bounds_drop)
{
	t_samples_of(80, 81, 70, 300);
	for (size_t i = 0; i < ARRAY_SIZE(t_far) * ARRAY_SIZE(t_sizes); i++) {
		uint32_t k = t_far[i / ARRAY_SIZE(t_sizes)];
		uint16_t size = t_sizes[i % ARRAY_SIZE(t_sizes)];
		const struct sock_fprog progs[] = {
			PROGRAM(LD(size | BPF_ABS, k), RET(-1)),
			PROGRAM(LDX(BPF_IMM, k), LD(size | BPF_IND, 0),
				RET(-1)),
			PROGRAM(LDX(BPF_IMM, 9), LD(size | BPF_IND, k - 9),
				RET(-1)),
			PROGRAM(LDX(BPF_B | BPF_MSH, k), RET(-1)),
		};

		snprintf(t_what, sizeof(t_what), "size %#x at %#x", size, k);
		for (size_t p = 0; p < ARRAY_SIZE(progs); p++) {
			struct t_answers got =
				t_assert_moves(progs[p].filter, progs[p].len);

			cr_assert(eq(int, got.kept[0], DROPPED));
		}
	}
}

Test(cop_bpf_load, msh_at_each_offset_is_as_in_udp)
{
	t_samples_of(80, 100, 5, 0);
	for (unsigned int k = 0; k < 110; k += k < 16 || k > 80 ? 1 : 9) {
		const struct sock_fprog progs[] = {
			PROGRAM(LDX(BPF_B | BPF_MSH, k), TXA),
			PROGRAM(LD(BPF_IMM, 0x12345678),
				LDX(BPF_B | BPF_MSH, k)),
		};

		snprintf(t_what, sizeof(t_what), "msh at %u", k);
		t_observe(&progs[0]);
		t_observe(&progs[1]);
	}
}

/* Those that are the same for any two datagrams of these sockets. */
static const struct sock_fprog other_layers[] = {
	PROGRAM(LD(BPF_B | BPF_ABS, NET(0))),
	PROGRAM(LD(BPF_B | BPF_ABS, NET(9))),
	PROGRAM(LD(BPF_H | BPF_ABS, NET(8))),
	PROGRAM(LD(BPF_W | BPF_ABS, NET(12))),
	PROGRAM(LD(BPF_W | BPF_ABS, NET(20))),
	PROGRAM(LD(BPF_W | BPF_ABS, LL(12))),
	PROGRAM(LDX(BPF_B | BPF_MSH, NET(0)), TXA),
	PROGRAM(LDX(BPF_IMM, NET(0)), LD(BPF_B | BPF_IND, 9)),
	PROGRAM(LDX(BPF_IMM, NET(8)), LD(BPF_W | BPF_IND, 12)),
	PROGRAM(LDX(BPF_IMM, LL(5)), LD(BPF_H | BPF_IND, 7)),
	PROGRAM(LDX(BPF_IMM, NET(10)), LD(BPF_B | BPF_IND, -1)),
	PROGRAM(LDX(BPF_IMM, NET(0xfffc)), LD(BPF_W | BPF_IND, 0), RET(-1)),
	PROGRAM(LDX(BPF_IMM, AD(PROTOCOL)), LD(BPF_H | BPF_IND, 0), RET(-1)),
	PROGRAM(LDX(BPF_IMM, AD(RANDOM)), LD(BPF_B | BPF_IND, 0), RET(-1)),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(PROTOCOL))),
	PROGRAM(LD(BPF_B | BPF_ABS, AD(PKTTYPE))),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(IFINDEX))),
	PROGRAM(LD(BPF_H | BPF_ABS, AD(MARK))),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(QUEUE))),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(HATYPE))),
	PROGRAM(LDX(BPF_IMM, 0x1234567), LD(BPF_IMM, 0x7654321),
		LD(BPF_W | BPF_ABS, AD(ALU_XOR_X))),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(VLAN_TAG))),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(VLAN_TAG_PRESENT))),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(VLAN_TPID))),
	/* These differ from one datagram to the next. */
	PROGRAM(LD(BPF_W | BPF_ABS, AD(RXHASH)), RET(20)),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(CPU)), RET(20)),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(RANDOM)), RET(20)),
};

Test(cop_bpf_load, loads_from_other_layers_and_ancillary_ones_are_as_in_udp)
{
	t_observe_all(other_layers, ARRAY_SIZE(other_layers));
}

/* From the last address in the IP header on, over the UDP header and the payload. */
Test(cop_bpf_load, loads_from_the_network_header_are_as_in_udp)
{
	t_samples_of(80, 240, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(t_sizes); i++)
		for (unsigned int k = 16; k < 132;
		     k += k < 36 || k > 102 ? 1 : 9) {
			const struct sock_fprog prog =
				PROGRAM(LD(t_sizes[i] | BPF_ABS, NET(k)));

			snprintf(t_what, sizeof(t_what), "size %#x at net %u",
				 t_sizes[i], k);
			t_observe(&prog);
		}
}

static const struct sock_fprog lengths[] = {
	PROGRAM(LD(BPF_W | BPF_LEN, 0)),
	PROGRAM(LDX(BPF_W | BPF_LEN, 0), TXA),
	PROGRAM(LD(BPF_IMM, 0x5a5a5a5a), LDX(BPF_W | BPF_LEN, 0)),
	PROGRAM(LDX(BPF_IMM, 0x5a5a5a5a), LD(BPF_W | BPF_LEN, 0), TXA),
	PROGRAM(LDX(BPF_W | BPF_LEN, 0), LD(BPF_W | BPF_IND, -4)),
	PROGRAM(LDX(BPF_W | BPF_LEN, 0), LD(BPF_W | BPF_IND, -3)),
	PROGRAM(LD(BPF_W | BPF_LEN, 0), JMP(BPF_JGT | BPF_K, 80, 0, 1), RET(0)),
};

Test(cop_bpf_load, the_length_is_the_payloads_with_the_udp_header)
{
	t_observe_all(lengths, ARRAY_SIZE(lengths));
}

static const struct sock_fprog immovable[] = {
	PROGRAM(LD(BPF_W | BPF_ABS, AD(PAY_OFFSET)), RET_A),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(NLATTR)), RET_A),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(NLATTR_NEST)), RET_A),
	PROGRAM(LD(BPF_H | BPF_ABS, LL(34)), RET_A),
	PROGRAM(LDX(BPF_B | BPF_MSH, NET(24)), RET(-1)),
	PROGRAM(LDX(BPF_B | BPF_MSH, LL(42)), RET(-1)),
	PROGRAM(LD(BPF_B | BPF_IND, NET(0)), RET_A),
	PROGRAM(LD(BPF_B | BPF_IND, LL(0)), RET_A),
	PROGRAM(LD(BPF_B | BPF_IND, NET(28)), RET_A),
};

Test(cop_bpf_load,
     a_load_from_another_layer_that_may_reach_the_payload_is_refused)
{
	struct sock_filter out[BPF_MAXINSNS];

	for (size_t i = 0; i < ARRAY_SIZE(immovable); i++) {
		const struct sock_fprog *p = &immovable[i];

		cr_assert(zero(int, t_bpf_attach(p->filter, p->len)),
			  "entry %zu is not valid", i);
		cr_assert(eq(int,
			     t_shifted(p->filter, p->len, out, ARRAY_SIZE(out)),
			     -EINVAL),
			  "entry %zu", i);
	}
}

/* Where X is what makes it so, it is too late to refuse. */
static const struct sock_fprog undecided[] = {
	PROGRAM(LDX(BPF_IMM, NET(24)), LD(BPF_B | BPF_IND, 0), RET(-1)),
	PROGRAM(LDX(BPF_IMM, NET(22)), LD(BPF_W | BPF_IND, 0), RET(-1)),
	PROGRAM(LDX(BPF_IMM, NET(20)), LD(BPF_H | BPF_IND, 8), RET(-1)),
	PROGRAM(LDX(BPF_IMM, LL(42)), LD(BPF_B | BPF_IND, 0), RET(-1)),
};

Test(cop_bpf_load, a_load_that_x_moves_into_the_payload_drops)
{
	const unsigned char payload[80] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(undecided); i++) {
		const struct sock_fprog *p = &undecided[i];

		cr_assert(zero(int, t_bpf_attach(p->filter, p->len)));
		cr_assert(eq(int, t_kept_udp(payload, 80), 80), "entry %zu", i);
		cr_assert(gt(int, t_attach_moved(p->filter, p->len), 0));
		cr_assert(eq(int, t_kept_cop(0, payload, 80), DROPPED),
			  "entry %zu", i);
	}
}
