// SPDX-License-Identifier: MIT
/*
 * test_coded.c - wire/coded.c: payloads that a transport encodes. tests/e2e has what
 * programs see of it.
 */
#include "datagram/defaults.h"
#include "inet/af_inet.h"
#include "unit/helpers.h"
#include "wire/coded.h"

#define CODED_TYPE     9
#define CODED_PROTOCOL 18
#define HLEN	       4
#define OVERHEAD       3

static enum cop_stray check(const void *at, size_t len,
			    struct cop_hdr_info *info)
{
	if (len < HLEN)
		return COP_STRAY_SHORT;
	if (memcmp(at, "CODE", HLEN))
		return COP_STRAY_MAGIC;
	*info = (struct cop_hdr_info){ .len = HLEN };
	return COP_NO_STRAY;
}

static void build(void *hdr, __be16 source, __be16 dest, uint64_t seq,
		  uint32_t tstamp)
{
	(void)source, (void)dest, (void)seq, (void)tstamp;
	memcpy(hdr, "CODE", HLEN);
}

static void flip(unsigned char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] ^= 0xff;
}

static int encode(struct sock *sk, void *hdr, void *payload, size_t len,
		  const struct cop_ends *ends)
{
	(void)sk, (void)hdr, (void)ends;
	if (len == 1)
		return -EPROTO;
	flip(payload, len);
	memcpy((char *)payload + len, "end", OVERHEAD);
	return 0;
}

static bool peeked;

static int decode(struct sock *sk, const void *hdr, void *payload, size_t len,
		  bool peek, const struct cop_ends *ends)
{
	(void)sk, (void)hdr, (void)ends;
	peeked = peek;
	if (memcmp((char *)payload + len, "end", OVERHEAD))
		return 1;
	flip(payload, len);
	return 0;
}

static const struct cop_wire coded_wire = {
	.hlen = HLEN,
	.hlen_max = HLEN,
	.match = { { 0, 4, ~0u, 0x434f4445 } },
	.check = check,
	.build = build,
	.overhead = OVERHEAD,
	.encode = encode,
	.decode = decode,
};

static struct proto coded_prot = { .name = "CODED", .wire = &coded_wire };

static struct inet_protosw coded = {
	.type = CODED_TYPE,
	.protocol = CODED_PROTOCOL,
	.prot = &coded_prot,
};

static void setup(void)
{
	t_init();
	cr_assert(zero(int, proto_register(&coded_prot)));
	cr_assert(zero(int, inet_register_protosw(&coded)));
}

TestSuite(cop_coded, .init = setup, .timeout = 20);

static int coded_to(int udp)
{
	int fd = t_open_type(CODED_TYPE);

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(udp))));
	return fd;
}

Test(cop_coded, a_payload_is_encoded_behind_its_header)
{
	int udp = t_udp(), fd = coded_to(udp);
	unsigned char wire[64];

	cr_assert(eq(long, t_send(fd, "ab"), 2));
	cr_assert(eq(long, recv(udp, wire, sizeof(wire), 0), 9));
	cr_assert(zero(int, memcmp(wire,
				   "CODE\x9e\x9d"
				   "end",
				   9)));
}

Test(cop_coded, what_encode_refuses_is_not_sent)
{
	int udp = t_udp(), fd = coded_to(udp);
	char wire[64];

	cr_assert(eq(long, t_send(fd, "a"), -EPROTO));
	cr_assert(eq(long, recv(udp, wire, sizeof(wire), MSG_DONTWAIT), -1));
	cr_assert(eq(u32, t_count(fd)->tx_errors, 1));
}

Test(cop_coded, a_payload_that_is_too_long_or_can_not_be_read_is_not_sent)
{
	const size_t too_long[] = { COP_DATAGRAM_MAX_IPV4 - HLEN - OVERHEAD + 1,
				    COP_DATAGRAM_MAX - HLEN - OVERHEAD,
				    COP_DATAGRAM_MAX - HLEN - OVERHEAD + 1,
				    COP_DATAGRAM_MAX,
				    65535,
				    70000 };
	static unsigned char big[70000];
	int udp = t_udp(), fd = coded_to(udp);

	for (size_t i = 0; i < ARRAY_SIZE(too_long); i++)
		cr_assert(eq(long, t_sendto(fd, big, too_long[i], 0, NULL),
			     -EMSGSIZE),
			  "%zu", too_long[i]);
	cr_assert(eq(long, t_sendto(fd, (void *)8, 99, 0, NULL), -EFAULT));
	cr_assert(eq(long, t_sendto(fd, (void *)8, 9999, 0, NULL), -EFAULT));
	cr_assert(eq(long, recv(udp, big, sizeof(big), MSG_DONTWAIT), -1));
}

static void measure(const char *wire, size_t n, int flags, struct cop_rx *rx,
		    char *data)
{
	memcpy(data, wire, n);
	cop_coded_measure(t_sk(t_open_type(CODED_TYPE)), rx,
			  (unsigned char *)data, n, 99, flags, NULL);
}

Test(cop_coded, a_payload_is_decoded_in_place)
{
	struct cop_rx rx;
	char data[32];

	measure("CODE\x9e\x9d"
		"end",
		9, MSG_PEEK, &rx, data);
	cr_assert(eq(int, rx.stray, COP_NO_STRAY));
	cr_assert(eq(sz, rx.len, 2));
	cr_assert(zero(int, memcmp(data + HLEN, "ab", 2)));
	cr_assert(peeked);
	measure("CODEend", 7, 0, &rx, data);
	cr_assert(eq(int, rx.stray, COP_NO_STRAY));
	cr_assert(zero(sz, rx.len));
	cr_assert(not(peeked));
}

Test(cop_coded, what_is_not_genuine_is_a_stray_as_it_came)
{
	static const struct {
		const char *wire;
		enum cop_stray stray;
	} strays[] = { { "CODE\x9e\x9d"
			 "enx",
			 COP_STRAY_PAYLOAD },
		       { "CODEen", COP_STRAY_SHORT },
		       { "CODE", COP_STRAY_SHORT },
		       { "COD", COP_STRAY_SHORT },
		       { "XODE\x9e"
			 "end",
			 COP_STRAY_MAGIC } };

	for (size_t i = 0; i < ARRAY_SIZE(strays); i++) {
		const size_t n = strlen(strays[i].wire);
		struct cop_rx rx;
		char data[32];

		measure(strays[i].wire, n, 0, &rx, data);
		cr_assert(eq(int, rx.stray, strays[i].stray), "%zu", i);
		cr_assert(eq(sz, rx.len, n));
		cr_assert(zero(int, memcmp(data, strays[i].wire, n)));
	}
}
