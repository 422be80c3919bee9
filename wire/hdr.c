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

const struct cop_wire cop_wire = {
	.hlen = COP_HLEN,
	.hlen_max = COP_HLEN_MAX,
	.len_at = offsetof(struct cophdr, ver_hlen),
	.len_high = COP_VERSION,
	.match = { { offsetof(struct cophdr, magic), 2, 0xffff, COP_MAGIC } },
	.check = hdr_check,
	.build = cop_hdr_build,
	.has = COP_HAS_ALL,
	.segments = true,
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

static bool has_is_valid(const struct cop_wire *wire)
{
	if (wire->has & ~COP_HAS_ALL)
		return false;
	return !wire->seq_bits || (wire->has & COP_HAS_SEQ &&
				   wire->seq_bits >= 8 && wire->seq_bits <= 32);
}

static bool coding_is_valid(const struct cop_wire *wire)
{
	if (!wire->encode != !wire->decode)
		return false;
	return wire->overhead <= (wire->encode ? COP_OVERHEAD_MAX : 0);
}

/* What is said of encode and decode needs them. */
static bool coding_is_told(const struct cop_wire *wire)
{
	if (wire->plain && wire->overhead)
		return false;
	return wire->encode || !(wire->ends || wire->plain);
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
	if (!wire->build)
		return "build";
	if (!has_is_valid(wire))
		return "has or seq_bits";
	if (!coding_is_valid(wire))
		return "overhead, encode or decode";
	if (!coding_is_told(wire))
		return "ends or plain";
	return wire->segments && wire->encode ? "segments" : NULL;
}
