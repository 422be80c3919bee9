// SPDX-License-Identifier: MIT
/*
 * datagram/ioctl.c - ioctl on a COP socket. Only FIONREAD is answered here: the
 * kernel's answer counts the header. All other requests go to the kernel.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * udp_ioctl().
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/confine.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "datagram/gro.h"
#include "datagram/look.h"
#include "datagram/proto.h"
#include "lib/uaccess.h"

static bool option_is_set(int fd, int level, int optname)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return !cop_libc.getsockopt(fd, level, optname, &value, &len) && value;
}

/*
 * Whether POLLERR may be there for a datagram in the error queue only. A socket that
 * serves both families has both options, and each works for its family's errors.
 */
static bool errors_may_queue(int fd)
{
	return option_is_set(fd, IPPROTO_IP, IP_RECVERR) ||
	       option_is_set(fd, IPPROTO_IPV6, IPV6_RECVERR) ||
	       option_is_set(fd, SOL_SOCKET, SO_TIMESTAMPING);
}

/*
 * The length of the first datagram while an error may be pending: a look at the
 * datagram would take the error from the program. Where no stray can be queued, and no
 * datagrams are joined, the kernel's length is right. Else answer 0: the program's next
 * call takes the error, and after that the library can look.
 */
static int length_unseen(struct sock *sk, int fd, int *len)
{
	int err = 0;

	if (!sock_flag(sk, SOCK_GRO) &&
	    (cop_head_is_clean(READ_ONCE(sk->sk_flags)) ||
	     errors_may_queue(fd)))
		err = cop_libc_result(cop_libc.ioctl(fd, FIONREAD, len));
	*len = cop_wire_payload(sk_wire(sk), *len);
	return err;
}

/* Of datagrams that are joined, it is that of all their payloads. */
static int length_of_first(struct sock *sk, int fd, size_t payload, int *len)
{
	union cop_addr from;
	struct msghdr look = { .msg_name = &from, .msg_namelen = sizeof(from) };
	struct cop_rx rx = { .len = payload };
	int err = 0;

	if (unlikely(sock_flag(sk, SOCK_GRO)))
		err = cop_gro_recv(sk, fd, &look, MSG_PEEK | MSG_DONTWAIT, 0,
				   &rx);
	*len = rx.len - sk_wire(sk)->overhead;
	return err == -EAGAIN ? 0 : err;
}

static int head_length(struct sock *sk, int fd, int *len)
{
	struct cop_rx rx;

	if (unlikely(cop_may_refuse(sk)))
		cop_first_decodes(sk, fd);
	switch (cop_head_purge(sk, fd, &rx)) {
	case HEAD_EMPTY:
		*len = 0;
		return 0;
	case HEAD_COP:
		return length_of_first(sk, fd, rx.len, len);
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

/*
 * A confined process may not be allowed to look at the first datagram, so the answer
 * takes it for a COP datagram.
 */
static void put_payload(struct sock *sk, void *arg)
{
	int len;

	memcpy(&len, arg, sizeof(len));
	put_length(arg, cop_wire_payload(sk_wire(sk), len));
}

/*
 * FIONREAD, which is SIOCINQ, is answered with the length of the first datagram's
 * payload. The kernel is asked first, for its checks of @arg.
 */
int cop_ioctl(struct sock *sk, int fd, unsigned long cmd, void *arg)
{
	int err, len = 0;

	if (cmd != FIONREAD)
		return cop_libc_result(cop_libc.ioctl(fd, cmd, arg));
	err = cop_libc_result(cop_libc.ioctl(fd, cmd, arg));
	if (err)
		return err;
	if (cop_confined()) {
		put_payload(sk, arg);
		return 0;
	}
	err = head_length(sk, fd, &len);
	if (!err)
		put_length(arg, len);
	return err;
}
