// SPDX-License-Identifier: MIT
/*
 * cop_ioctl.c - ioctl on a COP socket: the kernel's, but for the length of what
 * is queued.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: cop_filter.c and
 * the kernel. Counterpart in the kernel: udp_ioctl().
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cop/filter.h"
#include "cop/libc.h"
#include "cop/proto.h"
#include "cop/uaccess.h"

static int head_length(struct sock *sk, int fd, int *len)
{
	struct cop_rx rx;
	int err;

	switch (cop_head_purge(sk, fd, &rx)) {
	case HEAD_EMPTY:
		*len = 0;
		return 0;
	case HEAD_COP:
		*len = rx.len;
		return 0;
	case HEAD_GONE:
		return -ENOTSOCK;
	default:
		err = cop_libc_result(cop_libc.ioctl(fd, FIONREAD, len));
		*len = *len > COP_HLEN ? *len - COP_HLEN : 0;
		return err;
	}
}

/* FIONREAD, which is SIOCINQ: the first datagram's payload. */
int cop_ioctl(struct sock *sk, int fd, unsigned long cmd, void *arg)
{
	int err, len = 0;

	if (cmd != FIONREAD)
		return cop_libc_result(cop_libc.ioctl(fd, cmd, arg));
	err = cop_libc_result(cop_libc.ioctl(fd, cmd, arg));
	if (err)
		return err;
	err = head_length(sk, fd, &len);
	if (!err)
		memcpy(arg, &len, sizeof(len));
	return err;
}
