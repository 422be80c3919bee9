// SPDX-License-Identifier: MIT
/*
 * test_bpf.c - filter/bpf_*.c, with the kernel as the judge: what a program does to a
 * UDP datagram, it must do, moved, to a COP datagram with the same payload.
 *
 * Both come from and go to the same sockets, so the ports in their UDP headers
 * are the same, and have no checksum.
 */
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>

#include "filter/bpf.h"
#include "unit/helpers.h"

#define SEED	    2463534242u
#define PAYLOAD_MAX 40000
#define OPTIONS_MAX 11

static int udp, fd; /* the datagrams' source and destination */

static void setup(void)
{
	int on = 1;

	t_init();
	udp = t_udp();
	fd = t_udp();
	setsockopt(udp, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
}

TestSuite(cop_bpf, .init = setup, .timeout = 120);

/* ---- the random source ---------------------------------------------------- */

static uint32_t state = SEED;

/* Marsaglia's xorshift, so that a failure can be repeated. */
static uint32_t number(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static unsigned int below(unsigned int n)
{
	return (uint64_t)number() * n >> 32;
}

/* ---- the kernel's judgement ----------------------------------------------- */

#define DROPPED (-1)

/* The one before goes first: the kernel grants a socket so much for both. */
static int attach(const struct sock_filter *insn, unsigned int n)
{
	struct sock_fprog prog = { n, (struct sock_filter *)insn };
	int none = 0;

	setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		return -errno;
	return 0;
}

static unsigned int drops(void)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);
	return info[SK_MEMINFO_DROPS];
}

/* What became of the one datagram on its way: its length, or DROPPED. */
static int received(void *buf, size_t size, unsigned int dropped)
{
	for (;;) {
		ssize_t n = recv(fd, buf, size, MSG_DONTWAIT);

		if (n >= 0)
			return n;
		if (drops() != dropped)
			return DROPPED;
	}
}

/* How many bytes of the payload are kept; they are the right ones. */
static int kept_udp(const unsigned char *payload, size_t len)
{
	static unsigned char buf[COP_HLEN_MAX + PAYLOAD_MAX];
	unsigned int dropped = drops();
	int n;

	t_udp_send(udp, t_port(fd), payload, len);
	n = received(buf, sizeof(buf), dropped);
	if (n != DROPPED)
		cr_assert(zero(int, memcmp(buf, payload, n)));
	return n;
}

/* The same for a COP datagram; its header must be kept in any case. */
static int kept_cop(unsigned int options, const unsigned char *payload,
		    size_t len)
{
	static unsigned char buf[COP_HLEN_MAX + PAYLOAD_MAX];
	unsigned int dropped = drops();
	int hlen = COP_HLEN + options * 4, n;

	t_udp_send_cop(udp, t_port(fd), options, payload, len);
	n = received(buf, sizeof(buf), dropped);
	if (n == DROPPED)
		return n;
	cr_assert(ge(int, n, hlen));
	cr_assert(zero(int, memcmp(buf + hlen, payload, n - hlen)));
	return n - hlen;
}

/* ---- a program and what becomes of it ------------------------------------- */

/* Names what fails: the table's entry, or the seed. */
static char what[64];

static void print_program(const struct sock_filter *insn, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fprintf(stderr, "%4u: { %#04x, %u, %u, %#x }\n", i,
			insn[i].code, insn[i].jt, insn[i].jf, insn[i].k);
}

struct sample {
	size_t len;
	unsigned char payload[PAYLOAD_MAX];
};

static struct sample samples[4];

static void random_payload(struct sample *sample, size_t len, unsigned int most)
{
	sample->len = len;
	for (size_t i = 0; i < len; i++)
		sample->payload[i] = below(most);
}

/* For what is moved, the kernel's answers to the samples. */
struct answers {
	int kept[ARRAY_SIZE(samples)];
};

static struct answers ask_udp(void)
{
	struct answers answers;

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		answers.kept[i] = kept_udp(samples[i].payload, samples[i].len);
	return answers;
}

static struct answers ask_cop(unsigned int options)
{
	struct answers answers;

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		answers.kept[i] =
			kept_cop(options, samples[i].payload, samples[i].len);
	return answers;
}

static void assert_same(const struct answers *is, const struct answers *should,
			unsigned int options, const struct sock_filter *insn,
			unsigned int n)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		if (is->kept[i] == should->kept[i])
			continue;
		print_program(insn, n);
		cr_fatal("%s: sample %zu, %zu bytes, %u options: kept %d, "
			 "should %d",
			 what, i, samples[i].len, options, is->kept[i],
			 should->kept[i]);
	}
}

static int shifted(const struct sock_filter *in, unsigned int len,
		   struct sock_filter *out, unsigned int max)
{
	static uint16_t place[BPF_MAXINSNS];

	return cop_bpf_shift(in, len, out, max, place);
}

/*
 * Moves @insn and attaches it; returns what cop_bpf_shift() does, or -ENOMEM if
 * that is beyond net.core.optmem_max.
 */
static int attach_moved(const struct sock_filter *insn, unsigned int n)
{
	static struct sock_filter out[BPF_MAXINSNS];
	int len = shifted(insn, n, out, ARRAY_SIZE(out));
	int err;

	if (len < 0)
		return len;
	err = attach(out, len);
	if (err == -ENOMEM)
		return err;
	if (err) {
		print_program(insn, n);
		fprintf(stderr, "became\n");
		print_program(out, len);
		cr_fatal("%s: the kernel says %s", what, strerror(-err));
	}
	return len;
}

/* Words of options. */
static const unsigned int tried[] = { 0, 1, OPTIONS_MAX };

/* Returns the kernel's answers. */
static struct answers assert_moves(const struct sock_filter *insn,
				   unsigned int n)
{
	struct answers is, should;
	int err = attach(insn, n);

	cr_assert(zero(int, err), "%s is not valid", what);
	should = ask_udp();
	err = attach_moved(insn, n);
	cr_assert(gt(int, err, 0), "%s can't be moved", what);
	for (size_t i = 0; i < ARRAY_SIZE(tried); i++) {
		is = ask_cop(tried[i]);
		assert_same(&is, &should, tried[i], insn, n);
	}
	return should;
}

/* ---- programs by hand ----------------------------------------------------- */

#define STMT(code, k)	      BPF_STMT(code, (uint32_t)(k))
#define JUMP(code, k, jt, jf) BPF_JUMP(code, (uint32_t)(k), jt, jf)
#define LD(how, k)	      STMT(BPF_LD | (how), k)
#define LDX(how, k)	      STMT(BPF_LDX | (how), k)
#define ALU(how, k)	      STMT(BPF_ALU | (how), k)
#define JMP(how, k, jt, jf)   JUMP(BPF_JMP | (how), k, jt, jf)
#define JA(k)		      STMT(BPF_JMP | BPF_JA, k)
#define ST(k)		      STMT(BPF_ST, k)
#define STX(k)		      STMT(BPF_STX, k)
#define TAX		      STMT(BPF_MISC | BPF_TAX, 0)
#define TXA		      STMT(BPF_MISC | BPF_TXA, 0)
#define RET(k)		      STMT(BPF_RET | BPF_K, k)
#define RET_A		      STMT(BPF_RET | BPF_A, 0)

#define PROGRAM(...)                                                 \
	{                                                            \
		ARRAY_SIZE(((struct sock_filter[]){ __VA_ARGS__ })), \
			(struct sock_filter[])                       \
		{                                                    \
			__VA_ARGS__                                  \
		}                                                    \
	}

/* 80 bytes have room for all that observe() may want kept. */
static void samples_of(size_t a, size_t b, size_t c, size_t d)
{
	random_payload(&samples[0], a, 256);
	random_payload(&samples[1], b, 256);
	random_payload(&samples[2], c, 256);
	random_payload(&samples[3], d, 256);
}

/*
 * See all of A at the end of @prog: six bits of it at a time are how much of
 * the payload is kept.
 */
static void observe(const struct sock_fprog *prog)
{
	struct sock_filter insn[64];
	unsigned int n = prog->len;

	cr_assert(le(uint, n + 4, ARRAY_SIZE(insn)));
	memcpy(insn, prog->filter, n * sizeof(*insn));
	for (unsigned int bit = 0; bit < 32; bit += 6) {
		const struct sock_filter tail[] = {
			ALU(BPF_RSH | BPF_K, bit),
			ALU(BPF_AND | BPF_K, 63),
			ALU(BPF_ADD | BPF_K, 8),
			RET_A,
		};

		memcpy(insn + n, tail, sizeof(tail));
		assert_moves(insn, n + ARRAY_SIZE(tail));
	}
}

static void observe_all(const struct sock_fprog *progs, size_t n)
{
	samples_of(80, 81, 70, 300);
	for (size_t i = 0; i < n; i++) {
		snprintf(what, sizeof(what), "entry %zu", i);
		observe(&progs[i]);
	}
}

static const uint16_t sizes[] = { BPF_W, BPF_H, BPF_B };

/*
 * In and behind the UDP header, up to the end and beyond of a short payload. With
 * 240 bytes of it the UDP length has 8 bits, of which COP makes 9.
 */
Test(cop_bpf, loads_at_each_offset_are_as_in_udp)
{
	samples_of(80, 240, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (unsigned int k = 0; k < 112;
		     k += k < 16 || k > 82 ? 1 : 9) {
			const struct sock_fprog prog =
				PROGRAM(LD(sizes[i] | BPF_ABS, k));

			snprintf(what, sizeof(what), "size %#x at %u", sizes[i],
				 k);
			observe(&prog);
		}
}

static const uint32_t bases[] = { 0, 3, 8, 50, -4 };

/* What X and K come to is any offset, and also less than none. */
Test(cop_bpf, loads_at_x_are_as_in_udp)
{
	samples_of(80, 240, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(bases); i++)
		for (int at = -5; at < 95; at += at < 12 || at > 85 ? 1 : 14) {
			uint16_t size = sizes[i / ARRAY_SIZE(bases)];
			uint32_t k = bases[i % ARRAY_SIZE(bases)];
			const struct sock_fprog prog = PROGRAM(
				LDX(BPF_IMM, at - k), LD(size | BPF_IND, k));

			snprintf(what, sizeof(what), "size %#x at %d, k %d",
				 size, at, (int)k);
			observe(&prog);
		}
}

/* The kernel has to look into fragments for these. */
Test(cop_bpf, loads_from_a_large_payload_are_as_in_udp)
{
	static const uint32_t at[] = { 1000,  4090,  16384, 32767, 32768,
				       39990, 40004, 40005, 40007, 40008 };

	samples_of(PAYLOAD_MAX, PAYLOAD_MAX - 1, 20000, 0);
	for (size_t i = 0; i < ARRAY_SIZE(at) * ARRAY_SIZE(sizes); i++) {
		uint32_t k = at[i / ARRAY_SIZE(sizes)];
		uint16_t size = sizes[i % ARRAY_SIZE(sizes)];
		const struct sock_fprog progs[] = {
			PROGRAM(LD(size | BPF_ABS, k)),
			PROGRAM(LDX(BPF_IMM, k - 9), LD(size | BPF_IND, 9)),
		};

		snprintf(what, sizeof(what), "size %#x at %u", size, k);
		observe(&progs[0]);
		observe(&progs[1]);
	}
}

/* All of them out of bounds. */
static const uint32_t far[] = { 0x10000,    0x7fffffc0, 0x7ffffff8, 0x7fffffff,
				0x80000000, 0x80000040, 0xffdfffff };

Test(cop_bpf, loads_from_out_of_any_bounds_drop)
{
	samples_of(80, 81, 70, 300);
	for (size_t i = 0; i < ARRAY_SIZE(far) * ARRAY_SIZE(sizes); i++) {
		uint32_t k = far[i / ARRAY_SIZE(sizes)];
		uint16_t size = sizes[i % ARRAY_SIZE(sizes)];
		const struct sock_fprog progs[] = {
			PROGRAM(LD(size | BPF_ABS, k), RET(-1)),
			PROGRAM(LDX(BPF_IMM, k), LD(size | BPF_IND, 0),
				RET(-1)),
			PROGRAM(LDX(BPF_IMM, 9), LD(size | BPF_IND, k - 9),
				RET(-1)),
			PROGRAM(LDX(BPF_B | BPF_MSH, k), RET(-1)),
		};

		snprintf(what, sizeof(what), "size %#x at %#x", size, k);
		for (size_t p = 0; p < ARRAY_SIZE(progs); p++) {
			struct answers got =
				assert_moves(progs[p].filter, progs[p].len);

			cr_assert(eq(int, got.kept[0], DROPPED));
		}
	}
}

Test(cop_bpf, msh_at_each_offset_is_as_in_udp)
{
	samples_of(80, 100, 5, 0);
	for (unsigned int k = 0; k < 110; k += k < 16 || k > 80 ? 1 : 9) {
		const struct sock_fprog progs[] = {
			PROGRAM(LDX(BPF_B | BPF_MSH, k), TXA),
			PROGRAM(LD(BPF_IMM, 0x12345678),
				LDX(BPF_B | BPF_MSH, k)),
		};

		snprintf(what, sizeof(what), "msh at %u", k);
		observe(&progs[0]);
		observe(&progs[1]);
	}
}

#define NET(k) (SKF_NET_OFF + (k))
#define LL(k)  (SKF_LL_OFF + (k))
#define AD(k)  (SKF_AD_OFF + SKF_AD_##k)

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

Test(cop_bpf, loads_from_other_layers_and_ancillary_ones_are_as_in_udp)
{
	observe_all(other_layers, ARRAY_SIZE(other_layers));
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

Test(cop_bpf, the_length_is_the_payloads_with_the_udp_header)
{
	observe_all(lengths, ARRAY_SIZE(lengths));
}

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

Test(cop_bpf, registers_and_scratch_memory_are_as_in_udp)
{
	observe_all(registers, ARRAY_SIZE(registers));
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

Test(cop_bpf, arithmetic_is_as_in_udp)
{
	observe_all(arithmetic, ARRAY_SIZE(arithmetic));
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

Test(cop_bpf, jumps_are_as_in_udp)
{
	observe_all(jumps, ARRAY_SIZE(jumps));
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

Test(cop_bpf, jumps_that_became_too_far_for_8_bits_lead_where_they_did)
{
	struct sock_filter insn[300];

	samples_of(80, 81, 82, 83);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		samples[i].payload[0] = i % 2;
		samples[i].payload[1] = 30 + i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(loads) * 4; i++) {
		unsigned int n = loads[i / 4];
		unsigned int len = long_jump(insn, n, i & 1, i & 2);

		snprintf(what, sizeof(what), "over %u loads, way %zu", n,
			 i % 4);
		assert_moves(insn, len);
	}
}

/* ---- how much is kept ----------------------------------------------------- */

static const uint32_t keeps[] = {
	0,	 1,	     4,	       7,   8,	 9,   20,  23,	   24,
	25,	 68,	     80,       87,  88,	 89,  400, 0xffff, 0x10000,
	0x10001, 0x7fffffff, 1u << 31, -60, -17, -16, -2,  -1
};

Test(cop_bpf, as_much_is_kept_as_of_udp)
{
	samples_of(80, 0, 1, 300);
	for (size_t i = 0; i < ARRAY_SIZE(keeps); i++) {
		const struct sock_filter k[] = { RET(keeps[i]) };
		const struct sock_filter a[] = { LD(BPF_IMM, keeps[i]), RET_A };

		snprintf(what, sizeof(what), "to keep %#x", keeps[i]);
		assert_moves(k, ARRAY_SIZE(k));
		assert_moves(a, ARRAY_SIZE(a));
	}
}

static const uint32_t more[] = { 999,	1000,  1001,  2000,
				 32768, 39999, 40007, 40008 };

Test(cop_bpf, as_much_is_kept_as_of_a_large_datagram)
{
	samples_of(PAYLOAD_MAX, PAYLOAD_MAX - 1, 20000, 993);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		const struct sock_filter k[] = { RET(more[i]) };
		const struct sock_filter a[] = { LD(BPF_IMM, more[i]), RET_A };

		snprintf(what, sizeof(what), "to keep %u", more[i]);
		assert_moves(k, ARRAY_SIZE(k));
		assert_moves(a, ARRAY_SIZE(a));
	}
}

/* What the kernel says is known here too, so that it is not both that fail. */
Test(cop_bpf, a_filter_that_keeps_less_than_the_udp_header_keeps_no_payload)
{
	const struct sock_filter insn[] = { RET(4) };
	struct answers got;

	samples_of(80, 0, 1, 300);
	snprintf(what, sizeof(what), "to keep 4");
	got = assert_moves(insn, ARRAY_SIZE(insn));
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		cr_assert(zero(int, got.kept[i]));
}

Test(cop_bpf, a_header_with_any_options_is_passed_over)
{
	const struct sock_filter insn[] = {
		LD(BPF_H | BPF_ABS, 8),
		JMP(BPF_JEQ | BPF_K, 0x6162, 0, 1),
		RET(8 + 3),
		RET(0),
	};

	cr_assert(gt(int, attach_moved(insn, ARRAY_SIZE(insn)), 0));
	for (unsigned int options = 0; options <= OPTIONS_MAX; options++) {
		const void *yes = "abcdef", *no = "bacdef";

		cr_assert(eq(int, kept_cop(options, yes, 6), 3));
		cr_assert(eq(int, kept_cop(options, yes, 2), 2));
		cr_assert(eq(int, kept_cop(options, no, 6), DROPPED));
		cr_assert(eq(int, kept_cop(options, yes, 1), DROPPED));
	}
}

/* ---- strays --------------------------------------------------------------- */

static void assert_drops_strays(void)
{
	unsigned int before = drops();
	char buf[8];

	t_udp_send_strays(udp, t_port(fd));
	while (drops() != before + COP_STRAY_REASONS)
		cr_assert(
			eq(int, recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1));
	cr_assert(eq(int, kept_cop(3, (const void *)"cop", 3), 3));
}

Test(cop_bpf, a_moved_program_that_takes_all_drops_strays)
{
	const struct sock_filter insn[] = { RET(-1) };

	cr_assert(gt(int, attach_moved(insn, ARRAY_SIZE(insn)), 0));
	assert_drops_strays();
}

Test(cop_bpf, the_program_for_strays_drops_them_and_nothing_else)
{
	struct sock_filter insn[64];
	int n = cop_bpf_strays(insn, ARRAY_SIZE(insn));

	cr_assert(gt(int, n, 0));
	cr_assert(zero(int, attach(insn, n)));
	assert_drops_strays();
}

Test(cop_bpf, the_program_for_strays_needs_its_room)
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

/* ---- refusals ------------------------------------------------------------- */

static const struct sock_fprog immovable[] = {
	PROGRAM(LD(BPF_W | BPF_ABS, AD(PAY_OFFSET)), RET_A),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(NLATTR)), RET_A),
	PROGRAM(LD(BPF_W | BPF_ABS, AD(NLATTR_NEST)), RET_A),
	PROGRAM(LD(BPF_H | BPF_ABS, NET(24)), RET_A),
	PROGRAM(LD(BPF_W | BPF_ABS, NET(22)), RET_A),
	PROGRAM(LD(BPF_B | BPF_ABS, NET(28)), RET_A),
	PROGRAM(LD(BPF_B | BPF_ABS, NET(1000)), RET_A),
	PROGRAM(LD(BPF_H | BPF_ABS, LL(34)), RET_A),
	PROGRAM(LDX(BPF_B | BPF_MSH, NET(24)), RET(-1)),
	PROGRAM(LDX(BPF_B | BPF_MSH, LL(42)), RET(-1)),
	PROGRAM(LD(BPF_B | BPF_IND, NET(0)), RET_A),
	PROGRAM(LD(BPF_B | BPF_IND, LL(0)), RET_A),
	PROGRAM(LD(BPF_B | BPF_IND, NET(28)), RET_A),
};

Test(cop_bpf, what_may_be_in_the_payload_of_another_layer_is_refused)
{
	struct sock_filter out[BPF_MAXINSNS];

	for (size_t i = 0; i < ARRAY_SIZE(immovable); i++) {
		const struct sock_fprog *p = &immovable[i];

		cr_assert(zero(int, attach(p->filter, p->len)),
			  "entry %zu is not valid", i);
		cr_assert(eq(int,
			     shifted(p->filter, p->len, out, ARRAY_SIZE(out)),
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

Test(cop_bpf, what_x_puts_in_the_payload_of_another_layer_is_dropped)
{
	const unsigned char payload[80] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(undecided); i++) {
		const struct sock_fprog *p = &undecided[i];

		cr_assert(zero(int, attach(p->filter, p->len)));
		cr_assert(eq(int, kept_udp(payload, 80), 80), "entry %zu", i);
		cr_assert(gt(int, attach_moved(p->filter, p->len), 0));
		cr_assert(eq(int, kept_cop(0, payload, 80), DROPPED),
			  "entry %zu", i);
	}
}

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

Test(cop_bpf, what_the_kernel_refuses_is_refused)
{
	struct sock_filter out[BPF_MAXINSNS];

	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		const struct sock_fprog *p = &invalid[i];

		cr_assert(eq(int, attach(p->filter, p->len), -EINVAL),
			  "entry %zu is valid", i);
		cr_assert(eq(int,
			     shifted(p->filter, p->len, out, ARRAY_SIZE(out)),
			     -EINVAL),
			  "entry %zu", i);
	}
}

/* Of all 65,536, those that the kernel has are known here, the others not. */
Test(cop_bpf, exactly_the_kernels_opcodes_are_known)
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
		int err = attach(insn, ARRAY_SIZE(insn));
		int n = shifted(insn, ARRAY_SIZE(insn), out, ARRAY_SIZE(out));

		if (err)
			cr_assert(eq(int, n, -EINVAL), "code %#x", code);
		else
			cr_assert(gt(int, n, 0), "code %#x", code);
		known += !err;
	}
	cr_assert(gt(uint, known, 40));
}

Test(cop_bpf, no_program_and_one_too_long_are_refused)
{
	static struct sock_filter in[BPF_MAXINSNS + 1], out[BPF_MAXINSNS + 9];

	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = (struct sock_filter)RET(0);
	cr_assert(eq(int, shifted(in, 0, out, ARRAY_SIZE(out)), -EINVAL));
	cr_assert(eq(int, shifted(in, BPF_MAXINSNS + 1, out, ARRAY_SIZE(out)),
		     -EINVAL));
	cr_assert(eq(int, shifted(in, BPF_MAXINSNS, out, ARRAY_SIZE(out)),
		     -EINVAL));
}

/* The kernel would not have more, so neither is more made. */
Test(cop_bpf, the_longest_result_is_the_kernels_longest_program)
{
	static struct sock_filter in[BPF_MAXINSNS], out[BPF_MAXINSNS + 9];
	unsigned int most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = (struct sock_filter)RET(0);
	for (unsigned int len = 1; len <= BPF_MAXINSNS; len++) {
		int n = shifted(in, len, out, ARRAY_SIZE(out));

		if (n > 0)
			most = n;
	}
	cr_assert(eq(uint, most, BPF_MAXINSNS));
	cr_assert(zero(int, attach(out, most)));
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

Test(cop_bpf, one_word_of_scratch_memory_has_to_be_unused)
{
	struct sock_filter in[20], out[BPF_MAXINSNS];

	samples_of(80, 0, 1, 300);
	for (size_t i = 0; i < ARRAY_SIZE(need_scratch); i++) {
		unsigned int n = uses_scratch(in, 15, &need_scratch[i]);

		snprintf(what, sizeof(what), "entry %zu", i);
		assert_moves(in, n);
		n = uses_scratch(in, 16, &need_scratch[i]);
		cr_assert(eq(int, shifted(in, n, out, BPF_MAXINSNS), -EINVAL),
			  "entry %zu", i);
	}
}

/* Whatever is loaded from is in use as well: a valid program has stored it. */
Test(cop_bpf, all_of_the_scratch_memory_may_be_used_without_loads)
{
	const struct sock_filter add = ALU(BPF_ADD | BPF_K, 1);
	struct sock_filter in[20];

	samples_of(80, 0, 1, 300);
	snprintf(what, sizeof(what), "16 words");
	assert_moves(in, uses_scratch(in, 16, &add));
}

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
	switch (below(4)) {
	case 0:
		return odd[below(ARRAY_SIZE(odd))];
	case 1:
		return number();
	default:
		return below(256);
	}
}

/* Mostly in the datagram; what SKF_NET_OFF has is not the same for both. */
static uint32_t any_offset(void)
{
	switch (below(12)) {
	case 0:
	case 1:
		return below(12);
	case 2:
		return 40 + below(80);
	case 3:
		return below(8) ? below(60) : far[below(ARRAY_SIZE(far))];
	default:
		return 8 + below(40);
	}
}

static void gen_abs(struct gen *gen)
{
	EMIT(gen, LD(sizes[below(3)] | BPF_ABS, any_offset()));
}

/* X is more often than not such that there is something. */
static void gen_ind(struct gen *gen)
{
	uint32_t k = below(4) ? below(30) : 0u - below(20);

	if (below(3)) {
		EMIT(gen, ALU(BPF_AND | BPF_K, 31));
		EMIT(gen, TAX);
	} else if (below(2)) {
		EMIT(gen, LDX(BPF_IMM, any_offset() - k));
	}
	EMIT(gen, LD(sizes[below(3)] | BPF_IND, k));
}

static void gen_ldx(struct gen *gen)
{
	switch (below(4)) {
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
	switch (below(4)) {
	case 0:
		EMIT(gen, LD(BPF_IMM, any_k()));
		break;
	case 1:
		EMIT(gen, LD(BPF_B | BPF_ABS, steady[below(10)]));
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

	switch (below(8)) {
	case 0:
		EMIT(gen, ALU(BPF_NEG, 0));
		break;
	case 1:
		EMIT(gen, ALU(below(2) ? BPF_LSH : BPF_RSH, below(32)));
		break;
	case 2:
	case 3:
		EMIT(gen, ALU(ops[below(6)] | BPF_K, any_k()));
		break;
	case 4:
		EMIT(gen, ALU(ops[6 + below(2)] | BPF_K, 1 + below(300)));
		break;
	default:
		EMIT(gen, ALU(ops[below(below(4) ? 6 : 8)] | BPF_X, 0));
	}
}

static void gen_mem(struct gen *gen)
{
	static const uint16_t codes[] = { BPF_ST, BPF_STX, BPF_LD | BPF_MEM,
					  BPF_LDX | BPF_MEM };

	if (gen->words)
		EMIT(gen, STMT(codes[below(4)], below(gen->words)));
}

static unsigned int any_distance(const struct gen *gen)
{
	unsigned int left = gen->len - gen->n - 1;

	if (left > 256)
		left = 256;
	return below(below(3) || left < 12 ? left : 12);
}

static void gen_jmp(struct gen *gen)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint16_t src = below(3) ? BPF_K : BPF_X;

	if (gen->len - gen->n < 2)
		return;
	if (below(12))
		EMIT(gen, JMP(ops[below(4)] | src, any_k(), any_distance(gen),
			      any_distance(gen)));
	else
		EMIT(gen, JA(any_distance(gen)));
}

static void gen_misc(struct gen *gen)
{
	if (below(2))
		EMIT(gen, TAX);
	else
		EMIT(gen, TXA);
}

static void gen_ret(struct gen *gen)
{
	if (below(3))
		EMIT(gen, RET(keeps[below(ARRAY_SIZE(keeps))]));
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
	gen->words = below(8) ? below(6) : 15;
	gen->len = gen->words * 2 + 2 + below(below(16) ? 24 : 340);
	for (unsigned int i = 0; i < gen->words; i++) {
		EMIT(gen, LD(BPF_B | BPF_ABS, 8 + below(8)));
		EMIT(gen, ST(i));
	}
	while (gen->n < gen->len)
		if (below(25) || gen->n < 8)
			kinds[below(ARRAY_SIZE(kinds))](gen);
		else
			gen_ret(gen);
	gen_end(gen);
}

static void any_payloads(void)
{
	random_payload(&samples[0], 100, 256);
	random_payload(&samples[1], 40 + below(60), 32);
	random_payload(&samples[2], below(40), 256);
	random_payload(&samples[3], below(16) ? 90 : 3000, 4);
}

/* What came of all of them, to see that they are not all the same. */
struct tally {
	unsigned int dropped, cut, whole, refused;
};

static void tally_add(struct tally *tally, const struct answers *answers)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		int kept = answers->kept[i];

		tally->dropped += kept == DROPPED;
		tally->cut += kept >= 0 && (size_t)kept < samples[i].len;
		tally->whole += kept >= 0 && (size_t)kept == samples[i].len;
	}
}

/* Of the largest, some become longer than the kernel takes. */
static bool too_long(const struct gen *gen)
{
	int n = attach_moved(gen->insn, gen->n);

	if (n == -EINVAL)
		cr_assert(gt(uint, gen->n, 100), "%s", what);
	return n < 0;
}

Test(cop_bpf, random_programs_are_as_in_udp)
{
	const unsigned int programs = 2000;
	struct tally tally = { 0 };

	for (unsigned int seed = 1; seed <= programs; seed++) {
		static struct gen gen;
		struct answers answers;

		state = SEED * seed;
		snprintf(what, sizeof(what), "seed %u", seed);
		any_payloads();
		gen_program(&gen);
		if (too_long(&gen)) {
			tally.refused++;
			continue;
		}
		answers = assert_moves(gen.insn, gen.n);
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
	struct sock_filter insn = { number(), number(), number(), any_k() };

	if (below(8))
		insn.code &= 0xff;
	if (below(8))
		insn.code &= ~0x18 | sizes[below(3)];
	if (below(2)) {
		insn.jt = below(4);
		insn.jf = below(4);
	}
	if (below(4))
		insn.k = below(16);
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
	if (below(8))
		in[len - 1] = (struct sock_filter)RET(0);
	memset(out, 0x5a, (max + 1) * sizeof(*out));
	n = shifted(in, len, out, max);
	if (n < 0)
		cr_assert(eq(int, n, -EINVAL));
	else
		cr_assert(le(uint, n, max));
	cr_assert(eq(uint, out[max].code, 0x5a5a));
	free(out);
	free(in);
	return n > 0;
}

Test(cop_bpf, garbage_is_refused_or_moved_but_never_read_beyond)
{
	unsigned int moved = 0;

	for (unsigned int seed = 1; seed <= 100000; seed++) {
		state = SEED * seed;
		snprintf(what, sizeof(what), "seed %u", seed);
		moved += garbage_moves(1 + below(below(4) ? 4 : 100),
				       below(below(2) ? 40 : 400));
	}
	cr_assert(gt(uint, moved, 1000));
	cr_assert(lt(uint, moved, 90000));
}

/* Each room that is too small is, for a program with some of everything. */
Test(cop_bpf, a_result_that_does_not_fit_is_refused)
{
	struct sock_filter out[BPF_MAXINSNS];
	static struct gen gen;
	int n;

	state = SEED;
	do
		gen_program(&gen);
	while (gen.n < 60 || too_long(&gen));
	n = shifted(gen.insn, gen.n, out, ARRAY_SIZE(out));
	cr_assert(gt(int, n, 100));
	cr_assert(eq(int, shifted(gen.insn, gen.n, out, n), n));
	for (int max = 0; max < n; max++) {
		memset(out, 0x5a, sizeof(out));
		cr_assert(eq(int, shifted(gen.insn, gen.n, out, max), -EINVAL));
		cr_assert(eq(uint, out[max].code, 0x5a5a));
	}
}

/* ---- programs that choose among the sockets of a port ---------------------- */

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
	{ "constant", BPF_STMT(BPF_LD | BPF_IMM, 1), 1, 0 },
	{ "memory", BPF_STMT(BPF_LDX | BPF_MEM, 1), 1, 0 },
	{ "store", BPF_STMT(BPF_ST, 1), 1, 0 },
	{ "sum", BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1), 1, 0 },
	{ "result", BPF_STMT(BPF_RET | BPF_K, 1), 1, 0 },
	{ "length", BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), 0, -EINVAL },
	{ "length in X", BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), 0, -EINVAL },
};

Test(cop_bpf, loads_from_a_payload_are_moved_behind_the_header)
{
	for (size_t i = 0; i < ARRAY_SIZE(skipped); i++) {
		struct sock_filter insn = skipped[i].insn;

		cr_assert(eq(int, cop_bpf_skip(&insn, 1), skipped[i].err), "%s",
			  skipped[i].what);
		cr_assert(eq(u32, insn.k, skipped[i].k), "%s", skipped[i].what);
		cr_assert(eq(int, insn.code, skipped[i].insn.code));
	}
}
