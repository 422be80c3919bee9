// SPDX-License-Identifier: MIT
/*
 * interpose/msg.c - checks iovecs and flags as the kernel does before a socket
 * sees them.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * vfs_readv() and kiocb_set_rw_flags().
 */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#include "wire/encap.h"
#include "interpose/interpose.h"
#include "lib/uaccess.h"

ssize_t iov_judge(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	ssize_t len = -EINVAL;

	if (n >= 0 && n <= IOV_MAX)
		len = cop_iov_length(fd, &msg);
	return len > 0 ? len : msg_refuse(fd, len);
}

/* These flags are newer than libc's headers. */
#define RWF_NOSIGNAL_FLAG 0x100
#define RWF_NOAPPEND_FLAG 0x20
#define RWF_MEANINGLESS	  (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND)

int rwf_to_msg(int flags)
{
	int known = RWF_MEANINGLESS | RWF_NOWAIT | RWF_NOAPPEND_FLAG |
		    RWF_NOSIGNAL_FLAG;

	if (flags & ~known)
		return -EOPNOTSUPP;
	if (flags & RWF_APPEND && flags & RWF_NOAPPEND_FLAG)
		return -EINVAL;
	return (flags & RWF_NOWAIT ? MSG_DONTWAIT : 0) |
	       (flags & RWF_NOSIGNAL_FLAG ? MSG_NOSIGNAL : 0);
}
