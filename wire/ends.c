// SPDX-License-Identifier: MIT
/*
 * wire/ends.c - the addresses of a datagram that has arrived.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * put_cmsg() in net/core/scm.c.
 */
#include <string.h>

#include "lib/compiler.h"
#include "lib/pktinfo.h"
#include "lib/uaccess.h"
#include "wire/ends.h"

static noinline void source_odd(const void *name, socklen_t len,
				union cop_addr *source)
{
	struct cop_endpoint end;

	if (name && cop_endpoint_of(name, len, &end))
		cop_addr_on_wire(&end, source);
	else
		source->family = AF_UNSPEC;
}

void cop_ends_source(const void *name, socklen_t len, struct cop_ends *ends)
{
	const struct sockaddr_in *in = name;

	if (likely(in && len == sizeof(*in) && in->sin_family == AF_INET))
		cop_addr_put_v4(in->sin_addr.s_addr, &ends->source);
	else
		source_odd(name, len, &ends->source);
}

void cop_ends_own(const struct sock *sk, struct cop_ends *ends)
{
	struct cop_endpoint end = cop_slot_endpoint(&sk->sk_rcv_saddr);

	cop_addr_on_wire(&end, &ends->dest);
}

/*
 * Give the program one control message. @left has the room that is left, and changes as if
 * the kernel had written there. As in the kernel, a fault leaves the room as it was.
 * Counterpart: put_cmsg().
 */
static void put_cmsg(struct msghdr *left, const struct cmsghdr *cmsg)
{
	struct cmsghdr hdr = *cmsg;
	size_t space;

	if (!left->msg_control || left->msg_controllen < sizeof(hdr)) {
		left->msg_flags |= MSG_CTRUNC;
		return;
	}
	if (left->msg_controllen < hdr.cmsg_len) {
		left->msg_flags |= MSG_CTRUNC;
		hdr.cmsg_len = left->msg_controllen;
	}
	if (copy_to_user(left->msg_control, &hdr, sizeof(hdr)) ||
	    copy_to_user((char *)left->msg_control + sizeof(hdr), cmsg + 1,
			 hdr.cmsg_len - sizeof(hdr)))
		return;
	space = min_t(size_t, CMSG_ALIGN(cmsg->cmsg_len), left->msg_controllen);
	left->msg_control = (char *)left->msg_control + space;
	left->msg_controllen -= space;
}

void cop_ends_dest(const struct sock *sk, const struct msghdr *whole,
		   union cop_addr *dest)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(whole); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)whole, cmsg))
		cop_pktinfo_dest(cmsg, READ_ONCE(sk->sk_family), dest);
}

void cop_put_control(const struct msghdr *whole, struct msghdr *msg)
{
	struct msghdr left = *msg;
	struct cmsghdr *cmsg;

	left.msg_flags = whole->msg_flags;
	for (cmsg = CMSG_FIRSTHDR(whole); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)whole, cmsg))
		put_cmsg(&left, cmsg);
	msg->msg_controllen -= left.msg_controllen;
	msg->msg_flags = left.msg_flags;
}

void cop_ends_control(const struct sock *sk, const struct msghdr *whole,
		      struct msghdr *msg)
{
	const bool wanted = READ_ONCE(sk->sk_flags) & SOCK_PKTINFO;
	struct msghdr left = *msg;
	struct cmsghdr *cmsg;
	union cop_addr dest;

	left.msg_flags = whole->msg_flags;
	for (cmsg = CMSG_FIRSTHDR(whole); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)whole, cmsg))
		if (wanted ||
		    !cop_pktinfo_dest(cmsg, READ_ONCE(sk->sk_family), &dest))
			put_cmsg(&left, cmsg);
	msg->msg_controllen -= left.msg_controllen;
	msg->msg_flags = left.msg_flags;
}
