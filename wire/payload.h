/* SPDX-License-Identifier: MIT */
/*
 * payload.h - the program's iovecs, in which a payload lies or is to lie.
 */
#ifndef COP_PAYLOAD_H
#define COP_PAYLOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "lib/compiler.h"
#include "lib/uaccess.h"

/**
 * cop_iov_length - bytes in a message's iovecs
 * @fd: the socket
 * @msg: the message
 *
 * Returns the sum, or the kernel's error for iovecs that it refuses: -EMSGSIZE for
 * too many; -EFAULT where the array, or the memory that it names, lies outside a
 * program's addresses; -EINVAL for a length below 0. Counterpart: import_iovec().
 */
ssize_t cop_iov_length_many(int fd, const struct msghdr *msg);

static inline ssize_t cop_iov_length(int fd, const struct msghdr *msg)
{
	if (likely(msg->msg_iovlen == 1 &&
		   user_readable(fd, msg->msg_iov, sizeof(*msg->msg_iov)) &&
		   msg->msg_iov->iov_len <= SSIZE_MAX &&
		   user_range(msg->msg_iov->iov_base,
			      min_t(size_t, msg->msg_iov->iov_len, INT_MAX))))
		return msg->msg_iov->iov_len;
	return cop_iov_length_many(fd, msg);
}

/**
 * cop_iov_take - copy a message's iovecs, to put others around them
 * @to: room for them
 * @msg: the message, of which cop_iov_length() was taken
 *
 * The kernel cuts the length of a single iovec short before it checks the range. Of
 * several iovecs it checks all of the lengths. Returns the bytes in the copy: another thread
 * may have changed the lengths since cop_iov_length().
 */
size_t cop_iov_take_many(struct iovec *to, const struct msghdr *msg);

static inline size_t cop_iov_take(struct iovec *to, const struct msghdr *msg)
{
	if (unlikely(msg->msg_iovlen != 1))
		return cop_iov_take_many(to, msg);
	*to = *msg->msg_iov;
	to->iov_len = min_t(size_t, to->iov_len, INT_MAX);
	return to->iov_len;
}

/**
 * cop_payload_put_back - put a stray in the program's iovecs, from its first byte on
 * @iov: a copy of the iovecs, which hold what followed the stray's first @n bytes
 * @head: these bytes
 * @n: how many there are, at most COP_HDR_MAX
 * @len: how many bytes are to be in the iovecs in the end; at most their length
 *
 * Returns 0 or -EFAULT: the kernel may have written fewer bytes than @len.
 */
int cop_payload_put_back(const struct iovec *iov, const void *head, size_t n,
			 size_t len);

/**
 * cop_payload_is_readable - whether all of a payload can be read
 * @fd: the kernel socket
 * @msg: the message
 */
bool cop_payload_is_readable(int fd, const struct msghdr *msg);

/**
 * cop_payload_fetch - copy a payload from the program's iovecs
 * @fd: the socket
 * @msg: the message
 * @to: the copy
 * @len: what cop_iov_length() returned
 *
 * Returns 0 or -EFAULT, also if another thread has made the iovecs shorter. The kernel copies
 * a long payload, since memory that was seen before may be gone by now. Counterpart:
 * copy_from_iter().
 */
int cop_payload_fetch(int fd, const struct msghdr *msg, void *to, size_t len);

/**
 * cop_payload_store - copy a payload to the program's iovecs
 * @msg: the message
 * @cap: what cop_iov_length() returned
 * @from: the payload
 * @len: bytes, at most the iovecs' length
 *
 * As cop_payload_fetch(). Counterpart: copy_to_iter().
 */
int cop_payload_store(const struct msghdr *msg, size_t cap, const void *from,
		      size_t len);

#endif /* COP_PAYLOAD_H */
