// SPDX-License-Identifier: MIT
/*
 * datagram/pieces.c - into how many datagrams a send is cut (UDP_SEGMENT).
 *
 * Owns: the kernel's answer. Protected by: atomic accesses; every thread gets the same
 * answer. Counterpart in the kernel: UDP_MAX_SEGMENTS in include/linux/udp.h.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "datagram/pieces.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/scratch_socket.h"
#include "wire/encap.h"

/* ---- what the kernel takes ------------------------------------------------------ */

/* Connects a socket to itself, and lets each byte be a datagram. */
static bool make_ready(int fd)
{
	struct sockaddr_in self = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(self);
	const int size = 1;

	return !cop_libc.bind(fd, (struct sockaddr *)&self, len) &&
	       !cop_libc.getsockname(fd, (struct sockaddr *)&self, &len) &&
	       !cop_libc.connect(fd, (struct sockaddr *)&self, len) &&
	       !cop_libc.setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size,
				    sizeof(size));
}

/* Returns 0 if the kernel can't be asked. */
static unsigned int ask_by(int fd)
{
	static const char bytes[COP_PIECES_OLD + 1];
	int n;

	if (!make_ready(fd))
		return 0;
	n = cop_libc_result(
		cop_libc.send(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
	if (n == -EINVAL)
		return COP_PIECES_OLD;
	return n == (int)sizeof(bytes) ? COP_PIECES_MAX : 0;
}

static noinline unsigned int ask(void)
{
	struct cop_scratch scratch;
	unsigned int most = 0;
	int saved = errno;

	if (cop_scratch_socket(&scratch, AF_INET) >= 0) {
		most = ask_by(scratch.fd);
		cop_scratch_close(&scratch);
	}
	errno = saved;
	return most;
}

unsigned int cop_pieces_most(void)
{
	static _Atomic(unsigned int) known;
	unsigned int most = READ_ONCE(known);

	if (unlikely(!most) && !cop_confined()) {
		most = ask();
		WRITE_ONCE(known, most);
	}
	return most ?: COP_PIECES_MAX;
}

/* ---- the pieces of a send -------------------------------------------------------- */

unsigned int cop_pieces_at_once(const struct cop_pieces *p)
{
	const unsigned int most =
		COP_DATAGRAM_MAX_IPV4 / (p->cut.size + p->hlen);

	if (p->cut.len + p->n * p->hlen <= COP_DATAGRAM_MAX_IPV4 || p->n == 1)
		return p->n;
	return most ?: 1;
}

/* One send is for the kernel to refuse. It would not know of two that they are one. */
static bool are_too_many(const struct cop_pieces *p)
{
	return p->n > COP_PIECES_MAX ||
	       (cop_pieces_at_once(p) < p->n && p->n > cop_pieces_most());
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
	if (unlikely(p->n > COP_PIECES_OLD) && are_too_many(p))
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
