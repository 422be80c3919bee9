// SPDX-License-Identifier: MIT
/*
 * datagram/ioctl.c - ioctl on a COP socket: the kernel's, but for the length of what
 * is queued.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: filter/filter.c and
 * the kernel. Counterpart in the kernel: udp_ioctl().
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/confine.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "datagram/proto.h"
#include "lib/uaccess.h"

static bool option_is_set(int fd, int level, int optname)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return !cop_libc.getsockopt(fd, level, optname, &value, &len) && value;
}

/* Whether what poll() calls an error may be something in the error queue alone. */
static bool errors_may_queue(int fd)
{
	return option_is_set(fd, IPPROTO_IP, IP_RECVERR) ||
	       option_is_set(fd, SOL_SOCKET, SO_TIMESTAMPING);
}

/*
 * A look at the first datagram would take the pending error from the program. Where
 * no stray can be queued the kernel knows the length. Where one can, there is nothing
 * for certain; the next call returns the error, and then there is a look.
 */
static int length_unseen(struct sock *sk, int fd, int *len)
{
	int err = 0;

	if (sock_flag(sk, SOCK_FILTER_CLEAN) || errors_may_queue(fd))
		err = cop_libc_result(cop_libc.ioctl(fd, FIONREAD, len));
	*len = *len > COP_HLEN ? *len - COP_HLEN : 0;
	return err;
}

static int head_length(struct sock *sk, int fd, int *len)
{
	struct cop_rx rx;

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
		return length_unseen(sk, fd, len);
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
