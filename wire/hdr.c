// SPDX-License-Identifier: MIT
/*
 * wire/hdr.c - the COP header: how to build one and how to check one.
 *
 * Owns: the layout of the header. Protected by: nothing to protect. Counterpart in
 * the kernel: udp_send_skb() and __udp4_lib_rcv() in net/ipv4/udp.c, which do the
 * same for UDP's header.
 */
#include "wire/hdr.h"

enum cop_stray cop_hdr_check(const void *data, size_t len)
{
	const struct cophdr *hdr = data;

	if (len < COP_HLEN)
		return COP_STRAY_SHORT;
	if (hdr->magic != htons(COP_MAGIC))
		return COP_STRAY_MAGIC;
	if (hdr->ver_hlen >> 4 != COP_VERSION)
		return COP_STRAY_VERSION;
	if (cop_hdr_len(hdr) < COP_HLEN || cop_hdr_len(hdr) > len)
		return COP_STRAY_LENGTH;
	return COP_NO_STRAY;
}

void cop_hdr_build(struct cophdr *hdr, __be16 source, __be16 dest, uint64_t seq,
		   uint32_t tstamp)
{
	hdr->magic = htons(COP_MAGIC);
	hdr->ver_hlen = COP_VERSION << 4 | COP_HLEN_WORDS;
	hdr->flags = seq ? 0 : COP_F_FIRST;
	hdr->source = source;
	hdr->dest = dest;
	hdr->seq = htonl((uint32_t)seq);
	hdr->tstamp = htonl(tstamp);
}
