/* SPDX-License-Identifier: MIT */
/*
 * hdr.h - the COP header. Only this file, hdr.c and the public cop.h know its
 * fields, its lengths, and how to tell a COP datagram from another.
 */
#ifndef COP_HDR_H
#define COP_HDR_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cop.h"

/*
 * A stray is a UDP datagram that is not a valid COP datagram. The library drops and
 * counts it. These are the reasons.
 */
enum cop_stray {
	COP_STRAY_SHORT,   /* no room for a header */
	COP_STRAY_MAGIC,   /* does not begin with COP_MAGIC */
	COP_STRAY_VERSION, /* another version of COP */
	COP_STRAY_LENGTH,  /* header length below 4 or beyond the datagram */
	COP_STRAY_REASONS,
	COP_NO_STRAY = COP_STRAY_REASONS
};

/*
 * Bytes that a sender puts ahead of the payload: we send no options. A receiver
 * needs at least as many to check a header.
 */
#define COP_HDR_ROOM COP_HLEN

/* The most bytes of options that can stand between such a header and the payload. */
#define COP_HDR_OPTIONS (COP_HLEN_MAX - COP_HLEN)

/* The longest header, options included. */
#define COP_HDR_MAX COP_HLEN_MAX

/* The longest datagram that UDP can carry, header included. */
#define COP_DATAGRAM_MAX (COP_MAX_LEN + COP_HLEN)

/**
 * cop_hdr_check - check whether a datagram begins with a valid COP header
 * @data: its first bytes, up to COP_HDR_ROOM of them, aligned to 4
 * @len: its length in bytes
 *
 * Returns COP_NO_STRAY, or the reason why the datagram is a stray.
 */
enum cop_stray cop_hdr_check(const void *data, size_t len);

/**
 * cop_hdr_is_plain - whether a datagram is a valid header without options, and a
 *		      payload
 * @data: its first bytes, up to COP_HDR_ROOM of them, aligned to 4
 * @len: its length in bytes
 *
 * Nearly every datagram is, and this check is shorter than cop_hdr_check().
 */
static inline bool cop_hdr_is_plain(const void *data, size_t len)
{
	const struct cophdr *hdr = data;

	return len >= COP_HLEN && hdr->magic == htons(COP_MAGIC) &&
	       hdr->ver_hlen == (COP_VERSION << 4 | COP_HLEN_WORDS);
}

/**
 * cop_hdr_len - length of a valid header with its options, in bytes
 * @hdr: the header
 */
static inline size_t cop_hdr_len(const struct cophdr *hdr)
{
	return (hdr->ver_hlen & 0xf) * 4u;
}

/**
 * cop_hdr_payload - bytes of payload in a datagram whose header has no options
 * @len: the datagram's length in bytes; 0 is returned where no header fits in
 */
static inline size_t cop_hdr_payload(size_t len)
{
	return len > COP_HLEN ? len - COP_HLEN : 0;
}

/* The sender's own port, and the port that it sent to; network order. */
static inline __be16 cop_hdr_source(const struct cophdr *hdr)
{
	return hdr->source;
}

static inline __be16 cop_hdr_dest(const struct cophdr *hdr)
{
	return hdr->dest;
}

/* The low 32 bits of the sequence number, which counts the datagrams of a flow. */
static inline uint32_t cop_hdr_seq(const struct cophdr *hdr)
{
	return ntohl(hdr->seq);
}

/* Microseconds of the sender's clock, the low 32 bits. */
static inline uint32_t cop_hdr_tstamp(const struct cophdr *hdr)
{
	return ntohl(hdr->tstamp);
}

/* Whether this is the first datagram of its flow. */
static inline bool cop_hdr_is_first(const struct cophdr *hdr)
{
	return hdr->flags & COP_F_FIRST;
}

/**
 * cop_hdr_build - fill in a header
 * @hdr: where
 * @source: own port, network order
 * @dest: the destination's port, network order
 * @seq: datagrams of this flow before this one
 * @tstamp: microseconds of the sender's clock
 */
void cop_hdr_build(struct cophdr *hdr, __be16 source, __be16 dest, uint64_t seq,
		   uint32_t tstamp);

#endif /* COP_HDR_H */
