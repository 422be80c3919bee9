/* SPDX-License-Identifier: MIT */
/*
 * hdr.h - the header of a transport. Of COP's own header only this file, hdr.c and the
 * public cop.h know the fields, the lengths, and how to tell a COP datagram from
 * another.
 */
#ifndef COP_HDR_H
#define COP_HDR_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
 * The longest header that any transport may have, options included: the size of
 * buffers on the stack. proto_register() refuses a transport with a longer one.
 */
#define COP_HDR_MAX 64

/* The longest datagrams that UDP can carry in IPv4 and in IPv6, header included. */
#define COP_DATAGRAM_MAX_IPV4 65507
#define COP_DATAGRAM_MAX      65527

/* What a header says of its datagram. */
struct cop_hdr_info {
	uint16_t len;	 /* of the header with its options, in bytes */
	bool first;	 /* whether this is the first datagram of its flow */
	__be16 source;	 /* the sender's own port */
	__be16 dest;	 /* the port that it sent to */
	uint32_t seq;	 /* the datagram's number in its flow, low 32 bits */
	uint32_t tstamp; /* the sender's clock in microseconds, low 32 bits */
};

/*
 * Bytes of a header that tell it from what else comes in UDP datagrams: @size bytes at
 * @off, in network order, are @value where @mask has a 1.
 */
struct cop_match {
	uint8_t off;
	uint8_t size; /* 1, 2 or 4; 0 stands behind the last one */
	uint32_t mask;
	uint32_t value;
};

#define COP_MATCHES 3

/*
 * The header of a transport, as struct proto names it. Each function that puts a
 * header on the wire or takes one from it asks here how long the header is.
 */
struct cop_wire {
	/* Bytes that a sender puts ahead of the payload: it sends no options. A
	 * receiver needs at least as many to check a header. */
	uint16_t hlen;

	/* Bytes of the longest header, options included; hlen: it has none. A header
	 * with options goes up to 60: the byte at len_at has the header's length in
	 * its low nibble, in 32-bit words, as in IPv4, and len_high in the high one. */
	uint16_t hlen_max;
	uint8_t len_at;
	uint8_t len_high;

	/* The kernel drops a datagram that is too short, that does not match, or whose
	 * length at len_at can't be, before it wakes a program that polls. check must
	 * call exactly these strays: a poll would find others readable. */
	struct cop_match match[COP_MATCHES];

	/* A receive, for each datagram: checks whether it begins with a valid
	 * header. @data has its first bytes, up to hlen of them, aligned to 4. @len
	 * is the length of all of it. Fills in @info, whose len is from hlen to
	 * hlen_max and at most @len, and returns COP_NO_STRAY; or returns the reason
	 * why the datagram is a stray. Async-signal-safe. */
	enum cop_stray (*check)(const void *data, size_t len,
				struct cop_hdr_info *info);

	/* A send, for each datagram: writes hlen bytes to @hdr, which is aligned to
	 * 4. @source and @dest are the two ports, in network order; @seq is the
	 * number of datagrams of this flow before this one; @tstamp is the sender's
	 * clock in microseconds. Async-signal-safe. */
	void (*build)(void *hdr, __be16 source, __be16 dest, uint64_t seq,
		      uint32_t tstamp);
};

/* COP's own header, and the one of each transport that names no other. */
extern const struct cop_wire cop_wire;

/**
 * cop_wire_most - the longest payload that fits a datagram of any family, in bytes
 * @wire: the header
 */
static inline ssize_t cop_wire_most(const struct cop_wire *wire)
{
	return COP_DATAGRAM_MAX - wire->hlen;
}

/**
 * cop_wire_has_options - whether a header may be longer than hlen
 * @wire: the header
 */
static inline bool cop_wire_has_options(const struct cop_wire *wire)
{
	return wire->hlen_max > wire->hlen;
}

/**
 * cop_wire_is_valid - whether the description of a header is complete and consistent
 * @wire: the header
 *
 * False also for a header that is longer than COP_HDR_MAX: the library's buffers have
 * no room for it.
 */
bool cop_wire_is_valid(const struct cop_wire *wire);

/**
 * cop_hdr_plain - bytes of payload in a datagram that begins with a valid COP header
 *		   without options
 * @data: its first bytes, up to COP_HLEN of them, aligned to 4
 * @len: its length in bytes
 *
 * Returns -1 for every other datagram. Nearly every datagram is such a one, and this
 * check is shorter than that of cop_wire.
 */
static inline ssize_t cop_hdr_plain(const void *data, size_t len)
{
	const struct cophdr *hdr = data;

	if (len >= COP_HLEN && hdr->magic == htons(COP_MAGIC) &&
	    hdr->ver_hlen == (COP_VERSION << 4 | COP_HLEN_WORDS))
		return len - COP_HLEN;
	return -1;
}

/**
 * cop_hdr_read - read the fields of a valid COP header
 * @data: the header, aligned to 4
 */
static inline struct cop_hdr_info cop_hdr_read(const void *data)
{
	const struct cophdr *hdr = data;

	return (struct cop_hdr_info){ .len = (hdr->ver_hlen & 0xf) * 4u,
				      .first = hdr->flags & COP_F_FIRST,
				      .source = hdr->source,
				      .dest = hdr->dest,
				      .seq = ntohl(hdr->seq),
				      .tstamp = ntohl(hdr->tstamp) };
}

/**
 * cop_wire_payload - bytes of payload in a datagram whose header has no options
 * @wire: the header
 * @len: the datagram's length in bytes; 0 is returned where no header fits in
 */
static inline size_t cop_wire_payload(const struct cop_wire *wire, size_t len)
{
	return len > wire->hlen ? len - wire->hlen : 0;
}

#endif /* COP_HDR_H */
