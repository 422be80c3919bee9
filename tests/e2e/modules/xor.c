// SPDX-License-Identifier: MIT
/*
 * xor.c - a transport whose payload is encoded: socket(AF_INET, 9, 254). Each byte is
 * XORed with 0x5a, and a checksum of 8 bytes stands behind the last one. Nothing here
 * is a secret: the tests need a payload that changes, becomes longer, and can be wrong.
 * Header and checksum have 16 bytes, as COP's header: so a datagram has room for as
 * much as on COP, and the programs of the tests for COP work on it.
 */
#include <arpa/inet.h>
#include <cop_transport.h>
#include <errno.h>
#include <string.h>

#define XOR_MAGIC 0x586f
#define CHECK_LEN 8

struct xorhdr {
	__be16 magic;
	__u8 encodes; /* encode sets it */
	__u8 zero[5];
};

static const char *const counters[] = { "encoded", "decoded", "peeked",
					"refused", NULL };

static void xor_build(void *at, __be16 source, __be16 dest, uint64_t seq,
		      uint32_t tstamp)
{
	*(struct xorhdr *)at = (struct xorhdr){ .magic = htons(XOR_MAGIC) };
	(void)source, (void)dest, (void)seq, (void)tstamp;
}

static enum cop_stray xor_check(const void *at, size_t len,
				struct cop_hdr_info *info)
{
	const struct xorhdr *hdr = at;

	if (len < sizeof(*hdr))
		return COP_STRAY_SHORT;
	if (hdr->magic != htons(XOR_MAGIC))
		return COP_STRAY_MAGIC;
	*info = (struct cop_hdr_info){ .len = sizeof(*hdr) };
	return COP_NO_STRAY;
}

static uint64_t checksum(const unsigned char *at, size_t len, int xor)
{
	uint64_t sum = 1;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + (at[i] ^ xor);
	return sum;
}

/* A payload that begins with "refuse" is one that can't be encoded. */
static int xor_encode(struct sock *sk, void *hdr, void *payload, size_t len,
		      const struct cop_ends *ends)
{
	unsigned char *at = payload;
	uint64_t sum = checksum(at, len, 0);

	(void)ends;
	if (len >= 6 && !memcmp(at, "refuse", 6))
		return -EPROTO;
	((struct xorhdr *)hdr)->encodes = 1;
	for (size_t i = 0; i < len; i++)
		at[i] ^= 0x5a;
	memcpy(at + len, &sum, CHECK_LEN);
	cop_count(sk, 0);
	return 0;
}

static int xor_decode(struct sock *sk, const void *hdr, void *payload,
		      size_t len, bool peek, const struct cop_ends *ends)
{
	unsigned char *at = payload;
	uint64_t is;

	(void)ends;
	memcpy(&is, at + len, CHECK_LEN);
	if (is != checksum(at, len, 0x5a) ||
	    !((const struct xorhdr *)hdr)->encodes) {
		cop_count(sk, 3);
		return -EBADMSG;
	}
	for (size_t i = 0; i < len; i++)
		at[i] ^= 0x5a;
	cop_count(sk, peek ? 2 : 1);
	return 0;
}

static const struct cop_wire xor_wire = {
	.hlen = sizeof(struct xorhdr),
	.hlen_max = sizeof(struct xorhdr),
	.match = { { 0, 2, 0xffff, XOR_MAGIC } },
	.check = xor_check,
	.build = xor_build,
	.overhead = CHECK_LEN,
	.encode = xor_encode,
	.decode = xor_decode,
};

static struct proto xor_prot = {
	.name = "XOR",
	.owner = THIS_MODULE,
	.wire = &xor_wire,
	.counters = counters,
};

static struct inet_protosw xor_protosw = {
	.type = 9,
	.protocol = 254,
	.prot = &xor_prot,
};

static int xor_init(void)
{
	int err = proto_register(&xor_prot);

	return err ? err : inet_register_protosw(&xor_protosw);
}
module_init(xor_init);

static void xor_exit(void)
{
	inet_unregister_protosw(&xor_protosw);
	proto_unregister(&xor_prot);
}
module_exit(xor_exit);

MODULE_TRANSPORT("xor", "1");
