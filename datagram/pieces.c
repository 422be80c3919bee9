// SPDX-License-Identifier: MIT
/*
 * datagram/pieces.c - into how many datagrams a send is cut (UDP_SEGMENT).
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel: UDP_MAX_SEGMENTS in include/linux/udp.h.
 */
#include "datagram/pieces.h"
#include "lib/compiler.h"
#include "wire/encap.h"

/* ---- the pieces of a send -------------------------------------------------------- */

unsigned int cop_pieces_at_once(const struct cop_pieces *p)
{
	const unsigned int most =
		COP_DATAGRAM_MAX_IPV4 / (p->cut.size + p->hlen);

	if (p->cut.len + p->n * p->hlen <= COP_DATAGRAM_MAX_IPV4 || p->n == 1)
		return p->n;
	return most ?: 1;
}

/*
 * The kernel refuses so many pieces, whatever their lengths. It gets all of them behind
 * one header. With a header for each, they could be so long that they are two sends,
 * and it would take these.
 */
static void make_too_many(struct cop_pieces *p)
{
	p->step = p->cut.size;
	p->cut.len = min_t(size_t, p->cut.len, COP_DATAGRAM_MAX_IPV4 - p->hlen);
	p->cut.size = p->cut.len;
	p->n = 1;
}

void cop_pieces_count(struct cop_pieces *p)
{
	const struct cop_cut *cut = &p->cut;

	p->n = cut->len ? (cut->len + cut->size - 1) / cut->size : 1;
	p->step = cut->size + p->hlen;
	if (p->n > COP_PIECES_MAX)
		make_too_many(p);
}

/* ---- their arrays ------------------------------------------------------------------ */

static size_t iovs_of(const struct cop_pieces *p)
{
	return (2 * p->n + p->cut.msg->msg_iovlen) * sizeof(struct iovec);
}

static size_t control_of(const struct cop_pieces *p)
{
	const size_t own = p->cut.msg->msg_controllen;

	return COP_CUT_CONTROL + ((own + 7) & ~(size_t)7) + COP_CUT_CONTROL_PAD;
}

static unsigned int stride_of(const struct cop_pieces *p)
{
	return (p->hlen + 3) & ~3u;
}

size_t cop_pieces_size(const struct cop_pieces *p)
{
	return iovs_of(p) + p->n * (sizeof(uint64_t) + stride_of(p)) +
	       control_of(p);
}

struct cop_piece_arrays cop_pieces_place(const struct cop_pieces *p,
					 unsigned char *room)
{
	struct cop_piece_arrays a = { .stride = stride_of(p) };

	a.iov = (struct iovec *)room;
	room += iovs_of(p);
	a.seq = (uint64_t *)room;
	room += p->n * sizeof(uint64_t);
	a.control = (char *)room;
	a.hdr = room + control_of(p);
	return a;
}
