// SPDX-License-Identifier: MIT
/*
 * datagram/soft_error.c - an error that an earlier receive has left, and a send.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * udp_sendmsg(), which looks for a pending error where it takes memory for the
 * datagram: sock_alloc_send_pskb().
 */
#include "datagram/soft_error.h"
#include "lib/confine.h"
#include "lib/libc.h"

/*
 * The kernel makes its checks and looks for a route, but sends nothing: MSG_CONFIRM with
 * MSG_PROBE and no payload.
 */
static int check_send(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr empty = *msg;

	empty.msg_iov = NULL;
	empty.msg_iovlen = 0;
	flags = (flags & ~MSG_MORE) | MSG_CONFIRM | MSG_PROBE | MSG_NOSIGNAL;
	return cop_libc_result(cop_libc.sendmsg(fd, &empty, flags));
}

noinline int cop_soft_error_behind(struct sock *sk, int fd,
				   const struct msghdr *msg, int flags,
				   size_t len)
{
	int err = 0;

	if (READ_ONCE(sk->sk_family) == AF_INET && len > COP_DATAGRAM_MAX_IPV4)
		return 0; /* the kernel refuses the length first */
	if (!cop_confined())
		err = check_send(fd, msg, flags);
	return err < 0 ? err : cop_soft_error(sk);
}
