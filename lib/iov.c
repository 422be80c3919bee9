// SPDX-License-Identifier: MIT
/*
 * lib/iov.c - moving bytes into, out of and along arrays of iovecs.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * lib/iov_iter.c.
 */
#include <errno.h>
#include <string.h>

#include "lib/compiler.h"
#include "lib/iov.h"

/* Bytes of @len that fit into a program's iovec, whose length is read only once. */
static size_t iov_room(const struct iovec *iov, size_t len)
{
	const size_t room = *(const volatile size_t *)&iov->iov_len;

	return min_t(size_t, room, len);
}

int cop_iov_scatter_many(const struct iovec *iov, size_t n, const void *from,
			 size_t len)
{
	const struct iovec *end = iov + n;
	const char *src = from;
	int err = 0;

	for (; len && !err; iov++) {
		size_t part;

		if (unlikely(iov == end))
			return -EFAULT;
		part = iov_room(iov, len);
		if (part)
			err = copy_to_user(iov->iov_base, src, part);
		src += part;
		len -= part;
	}
	return err;
}

bool cop_iov_writable_many(const struct iovec *iov, size_t n, size_t len)
{
	for (; len; iov++, n--) {
		size_t part;

		if (unlikely(!n))
			return false;
		part = iov_room(iov, len);
		if (part && !user_writable(iov->iov_base, part))
			return false;
		len -= part;
	}
	return true;
}

size_t cop_iov_gather_many(void *to, const struct iovec *iov, size_t n,
			   size_t len)
{
	const struct iovec *end = iov + n;
	char *dst = to;

	for (; len && iov < end; iov++) {
		const size_t part = iov_room(iov, len);

		if (part)
			memcpy(dst, iov->iov_base, part);
		dst += part;
		len -= part;
	}
	return dst - (char *)to;
}

/* A position in an array of iovecs. place_next() moves it by one byte. */
struct place {
	const struct iovec *iov;
	size_t off;
};

static unsigned char *place_next(struct place *p)
{
	while (p->off == p->iov->iov_len) {
		p->iov++;
		p->off = 0;
	}
	return (unsigned char *)p->iov->iov_base + p->off++;
}

/* Moves a position on, past iovecs that are used up. */
static void place_skip(struct place *p, size_t n)
{
	while (n >= p->iov->iov_len - p->off) {
		n -= p->iov->iov_len - p->off;
		p->iov++;
		p->off = 0;
	}
	p->off += n;
}

void cop_iov_move(const struct iovec *to, size_t at, const struct iovec *from,
		  size_t skip, size_t len)
{
	struct place dst = { to, 0 };
	struct place src = { from, 0 };

	if (!len)
		return;
	place_skip(&dst, at);
	place_skip(&src, skip);
	for (;;) {
		size_t n = min_t(size_t, dst.iov->iov_len - dst.off,
				 src.iov->iov_len - src.off);

		n = min_t(size_t, n, len);
		memmove((char *)dst.iov->iov_base + dst.off,
			(char *)src.iov->iov_base + src.off, n);
		len -= n;
		if (!len)
			return;
		place_skip(&dst, n);
		place_skip(&src, n);
	}
}

/*
 * @head is a ring of n bytes: a displaced byte goes in, and comes out n bytes
 * later.
 */
void cop_iov_push(const struct iovec *iov, unsigned char *head, size_t n,
		  size_t len)
{
	struct place at = { iov, 0 };

	for (size_t i = 0; i < len; i++) {
		unsigned char *byte = place_next(&at);
		unsigned char displaced = *byte;

		*byte = head[i % n];
		head[i % n] = displaced;
	}
}
