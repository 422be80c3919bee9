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

#include "cop/confine.h"
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

static void put_length(void *arg, int len)
{
	memcpy(arg, &len, sizeof(len));
}

/* Where no look is allowed, whatever is first is taken for COP. */
static void put_payload(void *arg)
{
	int len;

	memcpy(&len, arg, sizeof(len));
	put_length(arg, len > COP_HLEN ? len - COP_HLEN : 0);
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
	if (cop_confined()) {
		put_payload(arg);
		return 0;
	}
	err = head_length(sk, fd, &len);
	if (!err)
		put_length(arg, len);
	return err;
}
