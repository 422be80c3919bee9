/* SPDX-License-Identifier: MIT */
/*
 * pieces.h - into how many datagrams a send is cut (UDP_SEGMENT).
 */
#ifndef COP_PIECES_H
#define COP_PIECES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "datagram/cut.h"
#include "datagram/cut_pack.h"
#include "lib/compiler.h"

/* UDP_MAX_SEGMENTS before Linux 6.9, and since. */
#define COP_PIECES_OLD 64
#define COP_PIECES_MAX 128

/**
 * cop_pieces_most - the most datagrams that the kernel makes of one send
 *
 * Stable kernels have the newer limit, too, so the version does not tell. The first call
 * asks the kernel, by a send from a socket to itself, which nobody else receives. Returns
 * COP_PIECES_OLD or COP_PIECES_MAX, the second also if the kernel can't be asked.
 * Async-signal-safe; errno stays.
 */
unsigned int cop_pieces_most(void);

/* A send, and how many pieces it is. */
struct cop_pieces {
	struct cop_cut cut;
	unsigned int n;
	unsigned int hlen;
	unsigned int step; /* bytes from one cut of the kernel to the next */
};

static inline size_t cop_piece_length(const struct cop_pieces *p,
				      unsigned int i)
{
	return min_t(size_t, p->cut.size, p->cut.len - i * (size_t)p->cut.size);
}

/**
 * cop_pieces_count - count the pieces of a send
 * @p: the send; its cut and hlen are set
 *
 * Fills in n and step. More pieces than the kernel takes become one piece, which is too long
 * for step: so the kernel refuses that one.
 */
void cop_pieces_count(struct cop_pieces *p);

/**
 * cop_pieces_at_once - how many pieces, with their headers, the kernel takes in one send
 * @p: the send, counted
 */
unsigned int cop_pieces_at_once(const struct cop_pieces *p);

/* What a send needs for its pieces. */
struct cop_piece_arrays {
	struct iovec *
		iov; /* two for each piece, and one for each of the program's */
	uint64_t *seq; /* one for each piece */
	char *control; /* and behind it room for the number that the last message may lack */
	unsigned char *hdr;  /* one for each piece */
	unsigned int stride; /* bytes from one header to the next */
};

/**
 * cop_pieces_size - how many bytes the arrays of a send have
 * @p: the send, counted
 */
size_t cop_pieces_size(const struct cop_pieces *p);

/**
 * cop_pieces_place - put the arrays of a send somewhere
 * @p: the send, counted
 * @room: cop_pieces_size() bytes, aligned to 16
 */
struct cop_piece_arrays cop_pieces_place(const struct cop_pieces *p,
					 unsigned char *room);

#endif /* COP_PIECES_H */
