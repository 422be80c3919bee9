// SPDX-License-Identifier: MIT
/*
 * bpf.c - what the tests of BPF programs share, see bpf.h.
 */
#include <stdio.h>

#include "unit/filter/bpf.h"

int t_bpf_udp, t_bpf_fd;
char t_what[64];
struct t_sample t_samples[4];
uint32_t t_state = T_SEED;

const uint16_t t_sizes[3] = { BPF_W, BPF_H, BPF_B };

const uint32_t t_far[7] = { 0x10000,	0x7fffffc0, 0x7ffffff8, 0x7fffffff,
			    0x80000000, 0x80000040, 0xffdfffff };

const uint32_t t_keeps[26] = {
	0,	 1,	     4,	       7,   8,	 9,   20,  23,	   24,
	25,	 68,	     80,       87,  88,	 89,  400, 0xffff, 0x10000,
	0x10001, 0x7fffffff, 1u << 31, -60, -17, -16, -2,  -1
};

void t_bpf_init(void)
{
	int on = 1;

	t_init();
	t_bpf_udp = t_udp();
	t_bpf_fd = t_udp();
	setsockopt(t_bpf_udp, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
}

/* Marsaglia's xorshift, so that a failure can be repeated. */
uint32_t t_number(void)
{
	t_state ^= t_state << 13;
	t_state ^= t_state >> 17;
	t_state ^= t_state << 5;
	return t_state;
}

unsigned int t_below(unsigned int n)
{
	return (uint64_t)t_number() * n >> 32;
}

/*
 * Detach the old program first: the kernel limits the memory of both together
 * while one replaces the other.
 */
int t_bpf_attach(const struct sock_filter *insn, unsigned int n)
{
	struct sock_fprog prog = { n, (struct sock_filter *)insn };
	int none = 0;

	setsockopt(t_bpf_fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
	if (setsockopt(t_bpf_fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		       sizeof(prog)))
		return -errno;
	return 0;
}

/* Wait for the datagram that was sent; returns its length, or DROPPED. */
static int received(void *buf, size_t size, unsigned int dropped)
{
	for (;;) {
		ssize_t n = recv(t_bpf_fd, buf, size, MSG_DONTWAIT);

		if (n >= 0)
			return n;
		if (t_drops(t_bpf_fd) != dropped)
			return DROPPED;
	}
}

int t_kept_udp(const unsigned char *payload, size_t len)
{
	static unsigned char buf[COP_HLEN_MAX + PAYLOAD_MAX];
	unsigned int dropped = t_drops(t_bpf_fd);
	int n;

	t_udp_send(t_bpf_udp, t_port(t_bpf_fd), payload, len);
	n = received(buf, sizeof(buf), dropped);
	if (n != DROPPED)
		cr_assert(zero(int, memcmp(buf, payload, n)));
	return n;
}

/* Whatever the program keeps, the header must be kept. */
int t_kept_cop(unsigned int options, const unsigned char *payload, size_t len)
{
	static unsigned char buf[COP_HLEN_MAX + PAYLOAD_MAX];
	unsigned int dropped = t_drops(t_bpf_fd);
	int hlen = COP_HLEN + options * 4, n;

	t_udp_send_cop(t_bpf_udp, t_port(t_bpf_fd), options, payload, len);
	n = received(buf, sizeof(buf), dropped);
	if (n == DROPPED)
		return n;
	cr_assert(ge(int, n, hlen));
	cr_assert(zero(int, memcmp(buf + hlen, payload, n - hlen)));
	return n - hlen;
}

static void print_program(const struct sock_filter *insn, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fprintf(stderr, "%4u: { %#04x, %u, %u, %#x }\n", i,
			insn[i].code, insn[i].jt, insn[i].jf, insn[i].k);
}

void t_random_payload(struct t_sample *sample, size_t len, unsigned int most)
{
	sample->len = len;
	for (size_t i = 0; i < len; i++)
		sample->payload[i] = t_below(most);
}

static struct t_answers ask_udp(void)
{
	struct t_answers answers;

	for (size_t i = 0; i < ARRAY_SIZE(t_samples); i++)
		answers.kept[i] =
			t_kept_udp(t_samples[i].payload, t_samples[i].len);
	return answers;
}

static struct t_answers ask_cop(unsigned int options)
{
	struct t_answers answers;

	for (size_t i = 0; i < ARRAY_SIZE(t_samples); i++)
		answers.kept[i] = t_kept_cop(options, t_samples[i].payload,
					     t_samples[i].len);
	return answers;
}

static void assert_same(const struct t_answers *is,
			const struct t_answers *should, unsigned int options,
			const struct sock_filter *insn, unsigned int n)
{
	for (size_t i = 0; i < ARRAY_SIZE(t_samples); i++) {
		if (is->kept[i] == should->kept[i])
			continue;
		print_program(insn, n);
		cr_fatal("%s: sample %zu, %zu bytes, %u options: kept %d, "
			 "should %d",
			 t_what, i, t_samples[i].len, options, is->kept[i],
			 should->kept[i]);
	}
}

int t_shifted(const struct sock_filter *in, unsigned int len,
	      struct sock_filter *out, unsigned int max)
{
	static uint16_t place[BPF_MAXINSNS];

	return cop_bpf_shift(&cop_wire, in, len, out, max, place);
}

int t_attach_moved(const struct sock_filter *insn, unsigned int n)
{
	static struct sock_filter out[BPF_MAXINSNS];
	int len = t_shifted(insn, n, out, ARRAY_SIZE(out));
	int err;

	if (len < 0)
		return len;
	err = t_bpf_attach(out, len);
	if (err == -ENOMEM)
		return err;
	if (err) {
		print_program(insn, n);
		fprintf(stderr, "became\n");
		print_program(out, len);
		cr_fatal("%s: the kernel says %s", t_what, strerror(-err));
	}
	return len;
}

/* How many words of options to try. */
static const unsigned int tried[] = { 0, 1, OPTIONS_MAX };

struct t_answers t_assert_moves(const struct sock_filter *insn, unsigned int n)
{
	struct t_answers is, should;
	int err = t_bpf_attach(insn, n);

	cr_assert(zero(int, err), "%s is not valid", t_what);
	should = ask_udp();
	err = t_attach_moved(insn, n);
	cr_assert(gt(int, err, 0), "%s can't be moved", t_what);
	for (size_t i = 0; i < ARRAY_SIZE(tried); i++) {
		is = ask_cop(tried[i]);
		assert_same(&is, &should, tried[i], insn, n);
	}
	return should;
}

/* t_observe() asks for up to 71 bytes, so a payload of 80 shows all of them. */
void t_samples_of(size_t a, size_t b, size_t c, size_t d)
{
	t_random_payload(&t_samples[0], a, 256);
	t_random_payload(&t_samples[1], b, 256);
	t_random_payload(&t_samples[2], c, 256);
	t_random_payload(&t_samples[3], d, 256);
}

void t_observe(const struct sock_fprog *prog)
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
		t_assert_moves(insn, n + ARRAY_SIZE(tail));
	}
}

void t_observe_all(const struct sock_fprog *progs, size_t n)
{
	t_samples_of(80, 81, 70, 300);
	for (size_t i = 0; i < n; i++) {
		snprintf(t_what, sizeof(t_what), "entry %zu", i);
		t_observe(&progs[i]);
	}
}
