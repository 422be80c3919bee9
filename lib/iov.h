/* SPDX-License-Identifier: MIT */
/*
 * iov.h - moving bytes into, out of and along arrays of iovecs.
 */
#ifndef COP_IOV_H
#define COP_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#include "lib/uaccess.h"

/**
 * cop_iov_scatter - copy bytes into a program's iovecs
 * @iov: the iovecs, with room for @len bytes
 * @from: the bytes
 * @len: how many
 *
 * Returns 0, or -EFAULT if the iovecs' memory can't be written.
 */
int cop_iov_scatter_many(const struct iovec *iov, const void *from, size_t len);

static inline int cop_iov_scatter(const struct iovec *iov, const void *from,
				  size_t len)
{
	if (len && iov->iov_len >= len)
		return copy_to_user(iov->iov_base, from, len);
	return cop_iov_scatter_many(iov, from, len);
}

/**
 * cop_iov_writable - whether the first bytes of iovecs can be written
 * @iov: the iovecs, with room for @len bytes
 * @len: how many
 */
bool cop_iov_writable(const struct iovec *iov, size_t len);

/**
 * cop_iov_gather - copy bytes out of iovecs
 * @to: the copy
 * @iov: the iovecs, with at least @len bytes
 * @len: how many
 */
void cop_iov_gather_many(void *to, const struct iovec *iov, size_t len);

static inline void cop_iov_gather(void *to, const struct iovec *iov, size_t len)
{
	if (len && iov->iov_len >= len)
		memcpy(to, iov->iov_base, len);
	else
		cop_iov_gather_many(to, iov, len);
}

/**
 * cop_iov_move - copy bytes from some iovecs to others
 * @to: iovecs with room for @at and @len bytes
 * @at: how many bytes at the start of @to are left as they are
 * @from: iovecs; if they share memory with @to, bytes may move only to the front
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
 * @iov: iovecs with room for @len bytes
 * @head: the head; overwritten
 * @n: its length, at least 1
 * @len: bytes in the iovecs afterwards, the head included
 */
void cop_iov_push(const struct iovec *iov, unsigned char *head, size_t n,
		  size_t len);

#endif /* COP_IOV_H */
