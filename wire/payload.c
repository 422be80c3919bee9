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
#include <sys/uio.h>
#include <unistd.h>

#include "lib/confine.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "wire/hdr.h"
#include "wire/payload.h"
#include "wire/send.h"

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

size_t cop_iov_take_many(struct iovec *to, const struct msghdr *msg)
{
	size_t sum = 0;

	if (msg->msg_iovlen)
		memcpy(to, msg->msg_iov, msg->msg_iovlen * sizeof(*to));
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		sum += min_t(size_t, to[i].iov_len, SSIZE_MAX - sum);
	return sum;
}

int cop_payload_put_back(const struct iovec *iov, const void *head, size_t n,
			 size_t len)
{
	unsigned char copy[COP_HDR_MAX];

	if (!cop_iov_writable(iov, len))
		return -EFAULT;
	memcpy(copy, head, n);
	if (len)
		cop_iov_push(iov, copy, n, len);
	return 0;
}

/*
 * A payload that can't be read must not be copied: the kernel gets it as it is, for its
 * EFAULT.
 */
bool cop_payload_is_readable(int fd, const struct msghdr *msg)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (iov->iov_len &&
		    !user_readable(fd, iov->iov_base, iov->iov_len))
			return false;
	}
	return true;
}

typedef ssize_t vm_copy(pid_t pid, const struct iovec *local, unsigned long n,
			const struct iovec *remote, unsigned long m,
			unsigned long flags);

/*
 * Lets the kernel copy. Returns 0, -EFAULT, or another error where the process may not
 * ask for it.
 */
static int vm_copy_self(vm_copy *copy, const struct msghdr *msg, void *ours,
			size_t len)
{
	struct iovec local = { ours, len };
	ssize_t n;

	if (cop_confined())
		return -ENOSYS;
	n = cop_libc_result(
		copy(getpid(), &local, 1, msg->msg_iov, msg->msg_iovlen, 0));
	if (n < 0)
		return n;
	return (size_t)n == len ? 0 : -EFAULT;
}

int cop_payload_fetch(int fd, const struct msghdr *msg, void *to, size_t len)
{
	int err = -ENOSYS;

	if (len > COP_COPY_MAX)
		err = vm_copy_self(process_vm_readv, msg, to, len);
	if (!err || err == -EFAULT)
		return err;
	if (!cop_payload_is_readable(fd, msg))
		return -EFAULT;
	return cop_iov_gather(to, msg->msg_iov, msg->msg_iovlen, len) < len
		       ? -EFAULT
		       : 0;
}

int cop_payload_store(const struct msghdr *msg, size_t cap, const void *from,
		      size_t len)
{
	int err = -ENOSYS;

	if (len && cap > COP_COPY_MAX)
		err = vm_copy_self(process_vm_writev, msg, (void *)from, len);
	if (!err || err == -EFAULT)
		return err;
	return cop_iov_scatter(msg->msg_iov, msg->msg_iovlen, from, len);
}
