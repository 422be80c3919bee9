/* SPDX-License-Identifier: MIT */
/*
 * frame.h - frames that the kernel hands back with a transmit timestamp.
 */
#ifndef COP_FRAME_H
#define COP_FRAME_H

#include <stddef.h>

#include "cop.h"

/* Link header, IPv4 header and UDP header, and what follows them. */
#define COP_FRAME_HEAD (32 + 60 + 8 + COP_HLEN)

/**
 * cop_frame_strip - make of the head of a COP frame that of a UDP frame
 * @head: its first bytes, of which lengths and checksums are changed
 * @len: how many; COP_FRAME_HEAD, or all
 * @n: bytes of the frame that there are
 *
 * Returns where the COP header stands that is to be left out, or 0 for what is
 * no such frame. The checksum of UDP is 0 in the end where it had been computed.
 */
size_t cop_frame_strip(unsigned char *head, size_t len, size_t n);

#endif /* COP_FRAME_H */
