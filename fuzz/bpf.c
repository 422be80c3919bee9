// SPDX-License-Identifier: MIT
/*
 * bpf.c - a program's own filter, moved behind a transport's header: it keeps of the
 * transport's datagram what the filter keeps of UDP's, by a model of the kernel. What
 * the kernel refuses is refused, or becomes a program that it refuses, too.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "cop.h"
#include "filter/bpf.h"
#include "fuzz/bpf_model.h"
#include "fuzz/input.h"

#define INSNS_MAX   80
#define PAYLOAD	    600
#define END	    4 /* instructions at the end of each program */
#define UDP_HLEN    8
#define OPTIONS_MAX 11

/* ---- a header without options --------------------------------------------- */

static enum cop_stray plain_check(const void *data, size_t len,
				  struct cop_hdr_info *info)
{
	const uint8_t *at = data;

	if (len < 8)
		return COP_STRAY_SHORT;
	if (at[1] != 0x53)
		return COP_STRAY_MAGIC;
	*info = (struct cop_hdr_info){ .len = 8 };
	return COP_NO_STRAY;
}

static void plain_build(void *hdr, __be16 source, __be16 dest, uint64_t seq,
			uint32_t tstamp)
{
	const uint8_t bytes[8] = { 0x4b, 0x53 };

	(void)source, (void)dest, (void)seq, (void)tstamp;
	memcpy(hdr, bytes, sizeof(bytes));
}

static const struct cop_wire plain = {
	.hlen = 8,
	.hlen_max = 8,
	.match = { { 1, 1, 0xff, 0x53 } },
	.check = plain_check,
	.build = plain_build,
};

/* ---- programs ------------------------------------------------------------- */

static uint32_t operand(struct input *in)
{
	uint8_t how = input_byte(in);

	switch (how >> 5) {
	case 0:
		return input_word(in);
	case 1:
		return SKF_AD_OFF + (how & 31) * 4;
	case 2:
		return SKF_NET_OFF + (how & 31);
	case 3:
		return SKF_LL_OFF + (how & 31);
	case 4:
		return -(uint32_t)(how & 31);
	default:
		return input_byte(in);
	}
}

static uint16_t code(struct input *in)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_H | BPF_ABS,
		BPF_LD | BPF_B | BPF_ABS,
		BPF_LD | BPF_W | BPF_IND,
		BPF_LD | BPF_H | BPF_IND,
		BPF_LD | BPF_B | BPF_IND,
		BPF_LD | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LDX | BPF_B | BPF_MSH,
		BPF_LDX | BPF_IMM,
		BPF_LDX | BPF_MEM,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_ST,
		BPF_STX,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_SUB | BPF_K,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_LSH | BPF_K,
	};
	const unsigned int n = sizeof(codes) / sizeof(*codes);
	uint8_t which = input_byte(in);

	if (which < n * 6)
		return codes[which % n];
	if (which < 240)
		return BPF_ALU | (input_byte(in) & 0xf8);
	return input_byte(in) << 8 | input_byte(in);
}

/* What A and X are in the end decides how much is kept. */
static unsigned int end_program(struct sock_filter *insn, unsigned int n)
{
	static const struct sock_filter end[END] = {
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 313),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	memcpy(insn + n, end, sizeof(end));
	return n + END;
}

static unsigned int make_program(struct input *in, struct sock_filter *insn)
{
	unsigned int n = 0;

	while (in->left && n < INSNS_MAX - END) {
		struct sock_filter *i = &insn[n++];

		i->code = code(in);
		i->k = operand(in);
		i->jt = i->jf = 0;
		if (BPF_CLASS(i->code) != BPF_JMP)
			continue;
		i->jt = input_byte(in) % 16;
		i->jf = input_byte(in) % 16;
		i->k = i->code == (BPF_JMP | BPF_JA) ? i->k % 16 : i->k;
	}
	return end_program(insn, n);
}

/* ---- datagrams ------------------------------------------------------------ */

/* Puts a UDP header, a header of a length, and a payload. Returns the length. */
static size_t make_datagram(uint8_t *to, const struct cop_wire *wire,
			    size_t hlen, size_t payload)
{
	size_t len = UDP_HLEN + hlen + payload;
	const uint8_t udp[UDP_HLEN] = { 0x80, 1, 0x80, 2, len >> 8, len };

	memset(to, 0xee, len);
	memcpy(to, udp, sizeof(udp));
	if (wire)
		wire->build(to + UDP_HLEN, htons(1), htons(2), 3, 4);
	if (wire == &cop_wire)
		to[UDP_HLEN + 2] = COP_VERSION << 4 | hlen / 4;
	for (size_t i = 0; i < payload; i++)
		to[UDP_HLEN + hlen + i] = i * i * 5 + i * 3 + 1;
	return len;
}

static void compare(const struct cop_wire *wire, size_t hlen, size_t payload,
		    const struct sock_fprog *prog,
		    const struct sock_fprog *moved)
{
	uint8_t data[UDP_HLEN + COP_HDR_MAX + PAYLOAD];
	size_t len = make_datagram(data, NULL, 0, payload);
	int should = model_kept(prog->filter, prog->len, data, len), is;

	if (should == MODEL_UNKNOWN)
		return;
	len = make_datagram(data, wire, hlen, payload);
	is = model_kept(moved->filter, moved->len, data, len);
	if (is == MODEL_DROPPED || should == MODEL_DROPPED) {
		HOLDS(is == should);
		return;
	}
	HOLDS(is == should + (int)hlen);
}

/* A datagram that is none of the transport's. */
static void expect_no_stray(const struct cop_wire *wire,
			    const struct sock_fprog *moved)
{
	uint8_t data[UDP_HLEN + COP_HDR_MAX + PAYLOAD];
	size_t len = make_datagram(data, wire, wire->hlen, 50);

	data[UDP_HLEN + 1] ^= 1;
	HOLDS(model_kept(moved->filter, moved->len, data, len) < 0);
	HOLDS(model_kept(moved->filter, moved->len, data,
			 UDP_HLEN + wire->hlen - 1) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sock_filter insn[INSNS_MAX], out[BPF_MAXINSNS];
	static uint16_t place[BPF_MAXINSNS];
	struct input in = { data, size };
	uint8_t choice = input_byte(&in);
	const struct cop_wire *wire = choice & 1 ? &plain : &cop_wire;
	size_t hlen = wire->hlen;
	struct sock_fprog prog = { make_program(&in, insn), insn }, moved;
	int n = cop_bpf_shift(wire, insn, prog.len, out, BPF_MAXINSNS, place);

	HOLDS(n == -EINVAL || (n > 0 && n <= BPF_MAXINSNS));
	if (n < 0)
		return 0;
	HOLDS(model_is_valid(out, n) == model_is_valid(insn, prog.len));
	if (!model_is_valid(insn, prog.len))
		return 0;
	moved = (struct sock_fprog){ n, out };
	if (wire == &cop_wire)
		hlen += (choice >> 1) % (OPTIONS_MAX + 1) * 4;
	compare(wire, hlen, PAYLOAD - choice, &prog, &moved);
	compare(wire, hlen, choice >> 3, &prog, &moved);
	compare(wire, wire->hlen, choice % 16, &prog, &moved);
	expect_no_stray(wire, &moved);
	return 0;
}
