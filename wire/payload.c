// SPDX-License-Identifier: MIT
/*
 * wire/payload.c - the program's iovecs, in which a payload lies or is to lie.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * import_iovec() in lib/iov_iter.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/iov.h"
#include "wire/hdr.h"
#include "wire/payload.h"

/* The kernel cuts the length of a single iovec short before it checks the range. */
static bool iov_in_range(const struct msghdr *msg, const struct iovec *iov)
{
	size_t len = iov->iov_len;

	if (msg->msg_iovlen == 1)
		len = min_t(size_t, len, INT_MAX);
	return user_range(iov->iov_base, len);
}

/*
 * The kernel copies iovecs one by one and stops at the first that it refuses: see
 * copy_iovec_from_user(). So an early length below 0 comes before a late fault.
 */
static int iov_import(int fd, const struct msghdr *msg)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (!user_readable(fd, iov, sizeof(*iov)))
			return -EFAULT;
		if (iov->iov_len > SSIZE_MAX)
			return -EINVAL;
	}
	return 0;
}

ssize_t cop_iov_length_many(int fd, const struct msghdr *msg)
{
	size_t sum = 0;
	int err;

	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	err = iov_import(fd, msg);
	if (err)
		return err;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (!iov_in_range(msg, iov))
			return -EFAULT;
		sum += min_t(size_t, iov->iov_len, SSIZE_MAX - sum);
	}
	return sum;
}

int cop_payload_put_back(const struct msghdr *msg, const void *head, size_t n,
			 size_t len)
{
	unsigned char copy[COP_HDR_MAX];

	if (!cop_iov_writable(msg->msg_iov, len))
		return -EFAULT;
	memcpy(copy, head, n);
	if (len)
		cop_iov_push(msg->msg_iov, copy, n, len);
	return 0;
}
