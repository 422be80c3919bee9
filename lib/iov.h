/* SPDX-License-Identifier: MIT */
/*
 * iov.h - moving bytes into, out of and along arrays of iovecs.
 *
 * An array of the program's may change at any time: another thread may write to it. So
 * only cop_iov_scatter(), cop_iov_gather() and cop_iov_writable_many() take one. The others rely on the lengths,
 * and take copies: cop_iov_take().
 */
#ifndef COP_IOV_H
#define COP_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "lib/uaccess.h"

/**
 * cop_iov_scatter - copy bytes into a program's iovecs
 * @iov: the iovecs
 * @n: how many iovecs
 * @from: the bytes
 * @len: how many bytes
 *
 * Another thread may change the iovecs at any time. Returns 0, or -EFAULT if the iovecs'
 * memory can't be written, or has no room for @len bytes any more.
 */
int cop_iov_scatter_many(const struct iovec *iov, size_t n, const void *from,
			 size_t len);

static inline int cop_iov_scatter(const struct iovec *iov, size_t n,
				  const void *from, size_t len)
{
	if (len && n && iov->iov_len >= len)
		return copy_to_user(iov->iov_base, from, len);
	return cop_iov_scatter_many(iov, n, from, len);
}

/**
 * cop_iov_writable_many - whether the first bytes of a program's iovecs can be written
 * @iov: the iovecs
 * @n: how many iovecs
 * @len: how many bytes
 *
 * False also if another thread has made the iovecs shorter than @len bytes.
 */
bool cop_iov_writable_many(const struct iovec *iov, size_t n, size_t len);

/**
 * cop_iov_writable - whether the first bytes of iovecs can be written
 * @iov: iovecs of the library's, with room for @len bytes
 * @len: how many
 */
static inline bool cop_iov_writable(const struct iovec *iov, size_t len)
{
	return cop_iov_writable_many(iov, SIZE_MAX, len);
}

/**
 * cop_iov_gather - copy bytes out of a program's iovecs
 * @to: the copy
 * @iov: the iovecs
 * @n: how many iovecs
 * @len: how many bytes
 *
 * Returns how many bytes were copied. They are fewer than @len only if another thread has
 * made the iovecs shorter.
 */
size_t cop_iov_gather_many(void *to, const struct iovec *iov, size_t n,
			   size_t len);

static inline size_t cop_iov_gather(void *to, const struct iovec *iov, size_t n,
				    size_t len)
{
	if (unlikely(!len || !n || iov->iov_len < len))
		return cop_iov_gather_many(to, iov, n, len);
	memcpy(to, iov->iov_base, len);
	return len;
}

/**
 * cop_iov_move - copy bytes from some iovecs to others
 * @to: iovecs of the library's, with room for @at and @len bytes
 * @at: how many bytes at the start of @to are left as they are
 * @from: iovecs of the library's; if they share memory with @to, bytes may move only to the front
 * @skip: how many bytes at the start of @from are left out
 * @len: how many
 */
void cop_iov_move(const struct iovec *to, size_t at, const struct iovec *from,
		  size_t skip, size_t len);

/* cop_iov_move() to the start of @to. */
static inline void cop_iov_copy(const struct iovec *to,
				const struct iovec *from, size_t skip,
				size_t len)
{
	cop_iov_move(to, 0, from, skip, len);
}

/**
 * cop_iov_push - put a head in front of the bytes in iovecs, which move back
 * @iov: iovecs of the library's, with room for @len bytes
 * @head: the head; overwritten
 * @n: its length, at least 1
 * @len: bytes in the iovecs afterwards, the head included
 */
void cop_iov_push(const struct iovec *iov, unsigned char *head, size_t n,
		  size_t len);

#endif /* COP_IOV_H */
