// SPDX-License-Identifier: MIT
/*
 * wire/hdr.c - the COP header: how to build one and how to check one.
 *
 * Owns: the layout of the header. Protected by: nothing to protect. Counterpart in
 * the kernel: udp_send_skb() and __udp4_lib_rcv() in net/ipv4/udp.c, which do the
 * same for UDP's header.
 */
#include "wire/hdr.h"

_Static_assert(sizeof(struct cophdr) == COP_HLEN, "no padding");
_Static_assert(COP_HLEN_MAX <= COP_HDR_MAX,
	       "the library's buffers are shorter");
_Static_assert(COP_MAX_LEN + COP_HLEN == COP_DATAGRAM_MAX_IPV4,
	       "the longest payload over IPv4");
_Static_assert(COP_MAX_LEN_IPV6 + COP_HLEN == COP_DATAGRAM_MAX,
	       "the longest payload over IPv6");

static enum cop_stray hdr_check(const void *data, size_t len,
				struct cop_hdr_info *info)
{
	const struct cophdr *hdr = data;

	if (len < COP_HLEN)
		return COP_STRAY_SHORT;
	if (hdr->magic != htons(COP_MAGIC))
		return COP_STRAY_MAGIC;
	if (hdr->ver_hlen >> 4 != COP_VERSION)
		return COP_STRAY_VERSION;
	*info = cop_hdr_read(hdr);
	if (info->len < COP_HLEN || info->len > len)
		return COP_STRAY_LENGTH;
	return COP_NO_STRAY;
}

static void hdr_build(void *data, __be16 source, __be16 dest, uint64_t seq,
		      uint32_t tstamp)
{
	struct cophdr *hdr = data;

	hdr->magic = htons(COP_MAGIC);
	hdr->ver_hlen = COP_VERSION << 4 | COP_HLEN_WORDS;
	hdr->flags = seq ? 0 : COP_F_FIRST;
	hdr->source = source;
	hdr->dest = dest;
	hdr->seq = htonl((uint32_t)seq);
	hdr->tstamp = htonl(tstamp);
}

const struct cop_wire cop_wire = {
	.hlen = COP_HLEN,
	.hlen_max = COP_HLEN_MAX,
	.len_at = offsetof(struct cophdr, ver_hlen),
	.len_high = COP_VERSION,
	.match = { { offsetof(struct cophdr, magic), 2, 0xffff, COP_MAGIC } },
	.check = hdr_check,
	.build = hdr_build,
};

/* The low nibble counts 32-bit words. */
static bool lengths_are_valid(const struct cop_wire *wire)
{
	if (!wire->hlen || wire->hlen > wire->hlen_max ||
	    wire->hlen_max > COP_HDR_MAX)
		return false;
	return !cop_wire_has_options(wire) ||
	       (wire->hlen % 4 == 0 && wire->hlen_max == 0xf * 4 &&
		wire->len_at < wire->hlen && wire->len_high <= 0xf);
}

static bool match_is_valid(const struct cop_wire *wire,
			   const struct cop_match *match)
{
	if (!match->size)
		return true;
	return (match->size == 1 || match->size == 2 || match->size == 4) &&
	       match->off + match->size <= wire->hlen &&
	       match->mask <= UINT32_MAX >> (32 - 8 * match->size) &&
	       !(match->value & ~match->mask);
}

const char *cop_wire_fault(const struct cop_wire *wire)
{
	if (!lengths_are_valid(wire))
		return "hlen, hlen_max, len_at or len_high";
	for (size_t i = 0; i < COP_MATCHES; i++)
		if (!match_is_valid(wire, &wire->match[i]))
			return "match";
	if (!wire->check)
		return "check";
	return wire->build ? NULL : "build";
}
