/* SPDX-License-Identifier: MIT */
/*
 * hdr.h - the header of a transport, struct cop_wire of the public cop_transport.h. Of
 * COP's own header only this file, hdr.c and the public cop.h know the fields, the
 * lengths, and how to tell a COP datagram from another.
 */
#ifndef COP_HDR_H
#define COP_HDR_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "cop.h"
#include "lib/compiler.h"
#include "lib/transport.h"

/* The longest datagrams that UDP can carry in IPv4 and in IPv6, header included. */
#define COP_DATAGRAM_MAX_IPV4 65507
#define COP_DATAGRAM_MAX      65527

/* The first word of a COP header without options and flags, in host order. */
#define COP_PLAIN_WORD \
	((uint32_t)COP_MAGIC << 16 | COP_VERSION << 12 | COP_HLEN_WORDS << 8)

/* COP's own header, and the one of each transport that names no other. */
extern const struct cop_wire cop_wire HIDDEN;

/**
 * cop_wire_most - the longest payload that fits a datagram of any family, in bytes
 * @wire: the header
 */
static inline ssize_t cop_wire_most(const struct cop_wire *wire)
{
	return COP_DATAGRAM_MAX - wire->hlen - wire->overhead;
}

/**
 * cop_wire_check - check a header, and whether a payload can be behind it
 *
 * Arguments and result as for struct cop_wire's check. A header whose check tells a
 * length that it can't have is a stray, so that no mistake in a module makes the library
 * read behind the datagram.
 */
static inline enum cop_stray cop_wire_check(const struct cop_wire *wire,
					    const void *data, size_t len,
					    struct cop_hdr_info *info)
{
	enum cop_stray stray = wire->check(data, len, info);

	if (unlikely(stray != COP_NO_STRAY))
		return stray;
	if (unlikely(info->len < wire->hlen || info->len > wire->hlen_max ||
		     info->len > len))
		return COP_STRAY_LENGTH;
	if (unlikely(len < (size_t)info->len + wire->overhead))
		return COP_STRAY_SHORT;
	return COP_NO_STRAY;
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
 * cop_wire_lacks - what a header does not say of its datagram, COP_HAS_*
 * @wire: the header
 */
static inline uint8_t cop_wire_lacks(const struct cop_wire *wire)
{
	return ~wire->has & COP_HAS_ALL;
}

/**
 * cop_wire_narrow - by how many bits a header's number is shorter than 32
 * @wire: the header
 */
static inline uint8_t cop_wire_narrow(const struct cop_wire *wire)
{
	return wire->seq_bits ? 32 - wire->seq_bits : 0;
}

/**
 * cop_wire_fault - which member of the description of a header is wrong
 * @wire: the header
 *
 * Returns its name, or NULL if the description is complete and consistent. hlen_max is
 * wrong also if it is beyond COP_HDR_MAX: the library's buffers have no room for such
 * a header.
 */
const char *cop_wire_fault(const struct cop_wire *wire);

/**
 * cop_hdr_is_plain - whether COP_HLEN bytes are a valid COP header without options
 * @data: these bytes, aligned to 4
 *
 * Nearly every datagram begins with one, and this check is shorter than that of cop_wire.
 */
static inline bool cop_hdr_is_plain(const void *data)
{
	const __be32 all_but_flags = htonl(~0xffu);
	__be32 word;

	memcpy(&word, data, sizeof(word));
	return (word & all_but_flags) == htonl(COP_PLAIN_WORD);
}

/**
 * cop_hdr_plain - bytes of payload in a datagram that begins with a valid COP header
 *		   without options
 * @data: its first bytes, up to COP_HLEN of them, aligned to 4
 * @len: its length in bytes; less than 0 if there is no datagram
 *
 * Returns -1 for every other datagram.
 */
static inline ssize_t cop_hdr_plain(const void *data, ssize_t len)
{
	if (len < COP_HLEN || !cop_hdr_is_plain(data))
		return -1;
	return len - COP_HLEN;
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

/* The part of cop_hdr_build() that does not depend on the destination. */
static inline void cop_hdr_begin(void *data, __be16 source, uint32_t tstamp)
{
	const __be32 plain = htonl(COP_PLAIN_WORD);
	struct cophdr *hdr = data;

	memcpy(hdr, &plain, sizeof(plain)); /* the first word by one store */
	hdr->source = source;
	hdr->tstamp = htonl(tstamp);
}

/* The rest of it. Few datagrams are the first of their flow. */
static inline void cop_hdr_end(void *data, __be16 dest, uint64_t seq)
{
	struct cophdr *hdr = data;

	if (unlikely(!seq))
		hdr->flags = COP_F_FIRST;
	hdr->dest = dest;
	hdr->seq = htonl((uint32_t)seq);
}

/**
 * cop_hdr_build - write a COP header
 *
 * Arguments as for struct cop_wire's build.
 */
static inline void cop_hdr_build(void *data, __be16 source, __be16 dest,
				 uint64_t seq, uint32_t tstamp)
{
	cop_hdr_begin(data, source, tstamp);
	cop_hdr_end(data, dest, seq);
}

/**
 * cop_wire_payload - bytes of payload in a datagram whose header has no options
 * @wire: the header
 * @len: the datagram's length in bytes; 0 is returned where no header fits in
 */
static inline size_t cop_wire_payload(const struct cop_wire *wire, size_t len)
{
	const size_t around = wire->hlen + wire->overhead;

	return len > around ? len - around : 0;
}

#endif /* COP_HDR_H */
