/* SPDX-License-Identifier: MIT */
/*
 * cop.h - the public header of COP: the two numbers with which a program opens
 * a COP socket, and the header of a COP datagram.
 *
 * A program needs the two numbers only. A dissector or another implementation
 * needs the datagram's header as well. Counterpart in the kernel:
 * include/uapi/linux/udp.h and in.h.
 */
#ifndef COP_H
#define COP_H

#include <linux/types.h>

/*
 * socket(PF_INET, SOCK_COP, IPPROTO_COP). The kernel knows no type 7: without
 * libcop this call fails with ESOCKTNOSUPPORT. 253 is the first of the two
 * protocol numbers that RFC 3692 reserves for experiments.
 */
#define SOCK_COP    7
#define IPPROTO_COP 253

/*
 * The header of a COP datagram, between the UDP header and the payload. Every
 * field is in network byte order.
 */
struct cophdr {
	__be16 magic;  /* COP_MAGIC */
	__u8 ver_hlen; /* version in the high nibble; in the low nibble the
			 * header's length in 32-bit words: words beyond
			 * COP_HLEN_WORDS are options, which a receiver skips */
	__u8 flags;    /* COP_F_*; a sender clears the other bits, a receiver
			 * ignores them */
	__be16 source; /* the sender's COP port, before any NAT */
	__be16 dest;   /* the port the sender sent to */
	__be32 seq;    /* one more for each datagram of a flow, wraps */
	__be32 tstamp; /* microseconds of the sender's clock, wraps */
};

#define COP_MAGIC	 0xC0B1
#define COP_VERSION	 1
#define COP_HLEN	 16    /* bytes of a header without options */
#define COP_HLEN_WORDS	 4     /* the same in 32-bit words */
#define COP_HLEN_MAX	 60    /* bytes of a header with all its options */
#define COP_F_FIRST	 0x01  /* the first datagram of its flow */
#define COP_MAX_LEN	 65491 /* largest payload: UDP's 65507 less the header */
#define COP_MAX_LEN_IPV6 65511 /* over IPv6: 65527 less the header */

#endif /* COP_H */
