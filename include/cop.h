/* SPDX-License-Identifier: MIT */
/*
 * cop.h - the public face of COP: the constants a program opens a COP socket
 * with, and the header that each COP datagram carries.
 *
 * A program needs nothing from here but the two numbers; those who write
 * captures, dissectors or another implementation need the header as well.
 * Counterpart in the kernel: include/uapi/linux/udp.h and in.h.
 */
#ifndef COP_H
#define COP_H

#include <linux/types.h>

/*
 * socket(PF_INET, SOCK_COP, IPPROTO_COP). The kernel knows no type 7, so the
 * same call without libcop fails with ESOCKTNOSUPPORT; 253 is the first of the
 * numbers that RFC 3692 sets aside for experiments.
 */
#define SOCK_COP    7
#define IPPROTO_COP 253

/*
 * What stands between the UDP header and the payload; every field in network
 * byte order.
 */
struct cophdr {
	__be16 magic;  /* COP_MAGIC */
	__u8 ver_hlen; /* version in the high nibble, header length in the
			 * low one, in 32-bit words; beyond COP_HLEN_WORDS the
			 * words are options, which a receiver skips */
	__u8 flags;    /* COP_F_*; the other bits are sent as 0, ignored */
	__be16 source; /* the sender's COP port, before any NAT */
	__be16 dest;   /* the port the sender sent to */
	__be32 seq;    /* per flow, one more for each datagram, wraps */
	__be32 tstamp; /* microseconds of the sender's clock, wraps */
};

#define COP_MAGIC      0xC0B1
#define COP_VERSION    1
#define COP_HLEN       16    /* bytes of a header without options */
#define COP_HLEN_WORDS 4     /* the same in 32-bit words */
#define COP_HLEN_MAX   60    /* bytes of a header with all its options */
#define COP_F_FIRST    0x01  /* the first datagram of its flow */
#define COP_MAX_LEN    65491 /* largest payload: UDP's 65507 less the header */

#endif /* COP_H */
