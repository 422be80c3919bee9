/* SPDX-License-Identifier: MIT */
/*
 * frame.h - frames that the kernel hands back with a transmit timestamp.
 */
#ifndef COP_FRAME_H
#define COP_FRAME_H

#include <stddef.h>

#include "wire/hdr.h"

/*
 * The longest link and UDP headers, a transport's header, and between them IPv6 with
 * one extension header of any length.
 */
#define COP_FRAME_HEAD (32 + 40 + 2048 + 8 + COP_HDR_MAX)

/**
 * cop_frame_strip - turn the head of a frame with a transport's header into the head of
 *		     a frame of plain UDP
 * @wire: the header
 * @head: the frame's first bytes; lengths and checksums in them are changed
 * @len: how many bytes @head has: COP_FRAME_HEAD, or the whole frame
 * @n: bytes of the frame that the kernel returned
 *
 * Returns the offset of the header, which the caller is to leave out, or 0 if
 * this is not a frame with such a header. UDP's checksum becomes the one that the
 * datagram has without the header.
 */
size_t cop_frame_strip(const struct cop_wire *wire, unsigned char *head,
		       size_t len, size_t n);

#endif /* COP_FRAME_H */
