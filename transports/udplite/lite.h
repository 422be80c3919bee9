/* SPDX-License-Identifier: MIT */
/*
 * lite.h - the header of UDP-Lite, and which part of a datagram its checksum covers.
 *
 * Counterpart in the kernel: include/net/udplite.h.
 */
#ifndef UDPLITE_LITE_H
#define UDPLITE_LITE_H

#include <arpa/inet.h>
#include <cop_transport.h>

#include "checksum.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11

/* RFC 3828, section 3.1. */
struct udplitehdr {
	__be16 source;
	__be16 dest;
	__be16 coverage; /* bytes from the header's first one on; 0: all */
	__sum16 check;	 /* never 0 */
};

#define LITE_HLEN sizeof(struct udplitehdr)

/**
 * lite_coverage_wanted - how the kernel understands the value of an option
 * @value: of UDPLITE_SEND_CSCOV or UDPLITE_RECV_CSCOV
 *
 * Returns 0 for all of the datagram, else from 8 to 65535.
 */
static inline uint16_t lite_coverage_wanted(int value)
{
	if (value && value < (int)LITE_HLEN)
		return LITE_HLEN;
	return value > UINT16_MAX ? UINT16_MAX : value;
}

/**
 * lite_coverage_field - what a sender writes into the header
 * @is_set: whether UDPLITE_SEND_CSCOV was set
 * @wanted: to which value
 * @len: bytes of the datagram with its header
 */
static inline uint16_t lite_coverage_field(bool is_set, uint16_t wanted,
					   size_t len)
{
	return is_set && wanted < len ? wanted : len;
}

/**
 * lite_covered - how many bytes the checksum covers
 * @field: coverage in the header
 * @len: bytes of the datagram with its header
 *
 * Returns 0 for a coverage that RFC 3828 calls illegal.
 */
static inline size_t lite_covered(uint16_t field, size_t len)
{
	if (!field)
		return len;
	return field >= LITE_HLEN && field <= len ? field : 0;
}

static inline uint64_t lite_sum_addr(const union cop_addr *addr)
{
	if (addr->family == AF_INET)
		return csum_tail((const void *)&addr->in.sin_addr, 4);
	return csum_tail((const void *)&addr->in6.sin6_addr, 16);
}

/**
 * lite_sum_pseudo - the sum of the pseudo-header, of IPv4 or IPv6
 * @ends: the addresses
 * @len: bytes of the datagram with its header, whatever is covered
 */
static inline uint64_t lite_sum_pseudo(const struct cop_ends *ends, size_t len)
{
	return lite_sum_addr(&ends->source) + lite_sum_addr(&ends->dest) +
	       htons(IPPROTO_UDPLITE) + htonl(len);
}

/**
 * lite_sum - the sum of pseudo-header, header and payload as far as covered
 * @ends: the addresses
 * @hdr: the header
 * @payload: the payload
 * @len: its length in bytes
 * @covered: from lite_covered()
 * @avx2: csum_has_avx2()
 *
 * Returns 0xffff for a datagram with the right checksum.
 */
static inline uint16_t lite_sum(const struct cop_ends *ends,
				const struct udplitehdr *hdr,
				const void *payload, size_t len, size_t covered,
				bool avx2)
{
	return csum_fold(lite_sum_pseudo(ends, LITE_HLEN + len) +
			 csum_tail((const void *)hdr, LITE_HLEN) +
			 csum_partial(payload, covered - LITE_HLEN, avx2));
}

#endif /* UDPLITE_LITE_H */
