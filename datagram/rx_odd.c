// SPDX-License-Identifier: MIT
/*
 * datagram/rx_odd.c - a datagram of a batch that is not plain: a stray, one with options,
 * one behind a stray, one that the program only looks at.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * ____sys_recvmsg() in net/socket.c.
 */
#include <errno.h>
#include <string.h>

#include "datagram/rx.h"
#include "datagram/rx_odd.h"
#include "datagram/strays.h"
#include "lib/compiler.h"
#include "lib/iov.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/owner.h"
#include "wire/stray.h"

/*
 * Move a datagram into an earlier message, where the kernel has put a stray. This
 * happens only until the filter is set, see filter/filter.c. Returns 0 or -EFAULT.
 */
static int rx_move(struct msghdr *to, size_t cap, const struct msghdr *from,
		   struct cop_rx *rx)
{
	rx->copied = min_t(size_t, rx->copied, cap);
	if (!cop_iov_writable(to->msg_iov, rx->copied))
		return -EFAULT;
	cop_iov_copy(to->msg_iov, from->msg_iov, 0, rx->copied);
	if (to->msg_name && from->msg_name &&
	    copy_to_user(to->msg_name, from->msg_name,
			 min_t(size_t, to->msg_namelen, from->msg_namelen)))
		return -EFAULT;
	to->msg_namelen = from->msg_namelen;
	to->msg_flags = from->msg_flags;
	if (to->msg_controllen < from->msg_controllen)
		to->msg_flags |= MSG_CTRUNC;
	to->msg_controllen =
		min_t(size_t, to->msg_controllen, from->msg_controllen);
	if (copy_to_user(to->msg_control, from->msg_control,
			 to->msg_controllen))
		return -EFAULT;
	if (rx->copied < rx->len)
		to->msg_flags |= MSG_TRUNC;
	return 0;
}

/* Message @i as the program gave it, with our copy of its iovecs. */
static void rx_program_msg(const struct rx_batch *b, unsigned int i,
			   struct msghdr *msg)
{
	const struct msghdr *whole = &b->vec[i].msg_hdr;

	*msg = *whole;
	msg->msg_iov++;
	msg->msg_iovlen -= 2;
	if (whole->msg_name == &b->from[i])
		msg->msg_name = NULL;
}

/*
 * @msg becomes the program's message @at, which is not its own but an earlier one.
 * rx_fill() has checked that the program's vector is writable. Returns 0 or -EFAULT.
 */
static noinline int rx_export_ahead(const struct rx_batch *b, int fd,
				    struct mmsghdr *vec, unsigned int at,
				    struct msghdr *msg, struct cop_rx *rx)
{
	struct msghdr to;
	int err = msg_import(fd, &to, &vec[at].msg_hdr);

	if (err)
		return err;
	to.msg_iov = b->vec[at].msg_hdr.msg_iov + 1;
	err = rx_move(&to, b->cap[at], msg, rx);
	*msg = to;
	return err;
}

static int rx_export(const struct rx_batch *b, int fd, struct mmsghdr *vec,
		     struct msghdr *msg, unsigned int i, unsigned int at,
		     int flags, struct cop_rx *rx)
{
	struct mmsghdr *umsg = &vec[at];
	int err =
		likely(i == at) ? 0 : rx_export_ahead(b, fd, vec, at, msg, rx);

	if (unlikely(err))
		return err;
	if (msg->msg_name)
		umsg->msg_hdr.msg_namelen = msg->msg_namelen;
	umsg->msg_hdr.msg_controllen = msg->msg_controllen;
	umsg->msg_hdr.msg_flags = msg->msg_flags;
	umsg->msg_len = cop_rx_length(rx, flags);
	return 0;
}

/* A packed message becomes one as the kernel fills it with three iovecs. */
static void rx_unpack(struct rx_batch *b, unsigned int i)
{
	const size_t hlen = b->wire->hlen, cap = b->cap[i];
	const size_t n =
		min_t(size_t, b->vec[i].msg_len, b->wire->hlen_max + cap);
	struct msghdr *whole = &b->vec[i].msg_hdr;
	const unsigned char *wire = rx_wire(whole);

	whole->msg_iov[0] = cop_wire_head(b->wire, b->head[i]);
	whole->msg_iov[2] = cop_wire_tail(b->wire, b->head[i]);
	whole->msg_iovlen = 3;
	memcpy(b->head[i], wire, min_t(size_t, n, hlen));
	if (n > hlen)
		cop_iov_scatter(whole->msg_iov + 1, 1, wire + hlen,
				min_t(size_t, n - hlen, cap));
	if (n > hlen + cap)
		memcpy(b->head[i] + hlen, wire + hlen + cap, n - hlen - cap);
}

/* The flow's figures need the sender. */
static void rx_name_peer(struct rx_batch *b, const struct sock *sk,
			 struct msghdr *whole, unsigned int i)
{
	whole->msg_name = &b->from[i];
	whole->msg_namelen =
		cop_peer_name(sk, (struct sockaddr_storage *)&b->from[i]);
}

/*
 * Whether a stray is for the program, for the reasons that cop_stray_fate() has. If it
 * is not, it is counted.
 */
static noinline bool rx_is_for_program(struct sock *sk, int fd, int flags,
				       const void *name, socklen_t len,
				       const struct cop_rx *rx,
				       struct cop_rx_result *res)
{
	if (!cop_may_own(sk, fd)) {
		res->closed = cop_rx_is_closed(sk, fd);
		return !res->closed;
	}
	if (cop_rx_is_notice(sk, fd, name, len, rx))
		return true;
	if (!(flags & MSG_PEEK))
		cop_rx_stray(sk, fd, rx->stray, name, len);
	return false;
}

/*
 * The kernel has received message @i of the batch into the memory of the program's
 * message @i. Make it the program's message @at. Returns false for a stray.
 */
noinline bool cop_rx_settle_odd(struct rx_batch *b, struct sock *sk, int fd,
				struct mmsghdr *vec, unsigned int i, int flags,
				struct cop_rx_result *res)
{
	const unsigned int at = res->kept;
	struct msghdr *whole = &b->vec[i].msg_hdr;
	const socklen_t named = whole->msg_name
					? min_t(socklen_t, whole->msg_namelen,
						sizeof(struct sockaddr_storage))
					: 0;
	struct cop_rx rx = { .now = b->now,
			     .serial = b->serial,
			     .gen = b->gen };
	struct msghdr msg;

	if (rx_is_packed(whole))
		rx_unpack(b, i);
	rx_program_msg(b, i, &msg);
	cop_encap_settle(b->wire, &msg, b->head[i], b->vec[i].msg_len,
			 b->cap[i], &rx);
	if (unlikely(rx.stray != COP_NO_STRAY) &&
	    !rx_is_for_program(sk, fd, flags, whole->msg_name, named, &rx, res))
		return false;
	if (unlikely(rx_export(b, fd, vec, &msg, i, at, flags, &rx)))
		return false;
	if (rx.stray != COP_NO_STRAY || flags & MSG_PEEK)
		return true;
	if (!whole->msg_name)
		rx_name_peer(b, sk, whole, i);
	cop_rx_account(sk, whole->msg_name, whole->msg_namelen, &rx);
	b->serial++;
	return true;
}

/*
 * The kernel may have written how long the sender's name is for a message whose name
 * it can't write to, as the program's message @at is. rx_fill() has checked that the
 * program's vector is writable, but for a message that it refuses: that has no name.
 */
noinline void cop_rx_export_fault(const struct rx_batch *b, struct mmsghdr *vec,
				  unsigned int i, unsigned int at)
{
	const struct msghdr *whole = &b->vec[i].msg_hdr;
	socklen_t room;

	if (!whole->msg_name || whole->msg_name == &b->from[i])
		return;
	room = min_t(socklen_t, vec[i].msg_hdr.msg_namelen,
		     sizeof(struct sockaddr_storage));
	if (whole->msg_namelen != room)
		vec[at].msg_hdr.msg_namelen = whole->msg_namelen;
}
