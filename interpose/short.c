// SPDX-License-Identifier: MIT
/*
 * interpose/short.c - the calls on one datagram, as far as they can take the short way:
 * see datagram/tx_short.h. The
 * rest of these calls is in send.c and recv.c.
 *
 * An exported function looks at the slot and jumps: to libc, or to one function that has
 * the whole short way inline. sendto() and recvfrom() have it inline themselves, for with
 * the slot it would have seven arguments. The compiler saves no register ahead of the jump
 * to libc, since what the short way keeps is in memory. A function saves errno only for a
 * failure, since nothing on that way changes it.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __sys_sendto() and __sys_recvfrom() in net/socket.c.
 */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#include "cop_table.h"
#include "datagram/rx_short.h"
#include "datagram/tx_short.h"
#include "interpose/interpose.h"
#include "interpose/long.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/last_error.h"
#include "lib/libc.h"
#include "lib/uaccess.h"

#define IS_LONG \
	(-SSIZE_MAX - 1) /* no result of a call: it has to take the long way */

/* @slot is @fd's slot, with its notes, and @named a constant: whether there is @name. */
static inline ssize_t send_ours(struct socket *slot, int fd, const void *buf,
				size_t len, int flags, const bool named,
				const struct sockaddr *name, socklen_t namelen)
{
	struct cop_send call;
	struct sock *sk;
	ssize_t ret;

	if (unlikely(slot_has(slot, SLOT_NOTES)))
		return sendto_long(fd, buf, len, flags, name, namelen);
	sk = READ_ONCE(slot->sk);
	if (unlikely(!cop_tx_is_short(sk, buf, len, flags, name, namelen)))
		return sendto_long(fd, buf, len, flags, name, namelen);
	call = (struct cop_send){ buf, name,  namelen,
				  fd,  flags, cop_last_error() };
	in_memory(call);
	ret = cop_sendto_short(sk, &call, len, named);
	if (likely(ret >= 0))
		return ret;
	return sendto_failed(call.fd, ret, call.saved, call.buf, len,
			     call.flags, named ? call.name : NULL,
			     call.namelen);
}

static noinline flatten ssize_t sys_send(struct socket *slot, int fd,
					 const void *buf, size_t len, int flags)
{
	return send_ours(slot, fd, buf, len, flags, false, NULL, 0);
}

EXPORT flatten ssize_t sendto(int fd, const void *buf, size_t len, int flags,
			      const struct sockaddr *addr, socklen_t alen)
{
	struct socket *slot = sockfd_slot(fd);

	if (likely(!slot))
		return cop_libc.sendto(fd, buf, len, flags, addr, alen);
	if (!addr)
		return sys_send(slot, fd, buf, len, flags);
	/* afresh(): else the compiler saves a register for @len ahead of the first jump. */
	return send_ours(slot, fd, buf, afresh(len), flags, true, addr, alen);
}

EXPORT ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	struct socket *slot = sockfd_slot(fd);

	if (likely(!slot))
		return cop_libc.send(fd, buf, len, flags);
	return sys_send(slot, fd, buf, len, flags);
}

/*
 * Copy a message, if it is on a page of @pages and has one buffer. The buffer's iovec is
 * copied, too, so that another thread can't change it behind our checks.
 */
static inline bool msg_copy(struct msghdr *msg, struct iovec *iov,
			    const struct msghdr *umsg, struct cop_pages *pages)
{
	if (unlikely(!cop_page_seen(pages, umsg, sizeof(*umsg))))
		return false;
	*msg = *umsg;
	if (unlikely(msg->msg_iovlen != 1 ||
		     !cop_page_seen(&cop_readable_pages, msg->msg_iov,
				    sizeof(*iov))))
		return false;
	*iov = *msg->msg_iov;
	msg->msg_iov = iov;
	msg->msg_flags = 0;
	if (!msg->msg_name)
		msg->msg_namelen = 0;
	return true;
}

/*
 * A small payload without a control message is copied behind its header. If it can take
 * neither short way, returns what no call returns.
 */
static inline ssize_t send_message(struct sock *sk, int fd,
				   const struct msghdr *msg, int flags)
{
	const struct iovec *iov = msg->msg_iov;
	const bool copied =
		!msg->msg_controllen && iov->iov_len <= COP_COPY_MAX;

	if (copied && cop_tx_is_short(sk, iov->iov_base, iov->iov_len, flags,
				      msg->msg_name, msg->msg_namelen)) {
		const struct cop_send call = { iov->iov_base,
					       msg->msg_name,
					       msg->msg_namelen,
					       fd,
					       flags,
					       0 };

		return cop_sendto_short(sk, &call, iov->iov_len, msg->msg_name);
	}
	if (!copied && likely(cop_tx_msg_is_short(sk, msg, flags)))
		return cop_sendmsg_short(sk, fd, msg, flags);
	return IS_LONG;
}

static noinline flatten ssize_t sys_sendmsg(struct socket *slot, int fd,
					    const struct msghdr *umsg,
					    int flags)
{
	struct msghdr msg;
	struct iovec iov;
	ssize_t ret;
	int saved;

	if (unlikely(slot_has(slot, SLOT_NOTES) || cop_confined() ||
		     !msg_copy(&msg, &iov, umsg, &cop_readable_pages)))
		return sendmsg_long(fd, umsg, flags);
	if (!msg.msg_namelen)
		msg.msg_name = NULL;
	saved = cop_last_error();
	ret = send_message(READ_ONCE(slot->sk), fd, &msg, flags);
	if (likely(ret >= 0))
		return ret;
	if (ret == IS_LONG)
		return sendmsg_long(fd, umsg, flags);
	return sendmsg_failed(fd, ret, saved, umsg, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct socket *slot = sockfd_slot(fd);

	if (likely(!slot))
		return sendmsg_foreign(fd, msg, flags);
	return sys_sendmsg(slot, fd, msg, flags);
}

static noinline flatten ssize_t sys_write(struct socket *slot, int fd,
					  const void *buf, size_t len)
{
	struct cop_send call;
	struct sock *sk;
	ssize_t ret;

	if (unlikely(slot_has(slot, SLOT_NOTES) || cop_confined()))
		return write_long(fd, buf, len);
	sk = READ_ONCE(slot->sk);
	if (unlikely(!cop_tx_is_short(sk, buf, len, 0, NULL, 0)))
		return write_long(fd, buf, len);
	call = (struct cop_send){ .buf = buf,
				  .fd = fd,
				  .saved = cop_last_error() };
	in_memory(call);
	ret = cop_sendto_short(sk, &call, len, false);
	if (likely(ret >= 0))
		return ret;
	return write_failed(call.fd, ret, call.saved, call.buf, len);
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	struct socket *slot = sockfd_slot(fd);

	if (likely(!slot))
		return cop_libc.write(fd, buf, len);
	return sys_write(slot, fd, buf, len);
}

/* Whether it is a length, without COP_RX_STALE. */
static inline bool is_length(ssize_t ret)
{
	return (size_t)ret < COP_RX_STALE;
}

/* As send_ours(). */
static inline ssize_t recv_ours(struct socket *slot, int fd, void *buf,
				size_t len, int flags, const bool named,
				struct sockaddr *name, socklen_t *namelen)
{
	struct cop_recv call;
	struct sock *sk;
	ssize_t ret;

	if (unlikely(slot_has(slot, SLOT_NOTES)))
		return recvfrom_long(fd, buf, len, flags, name, namelen);
	sk = READ_ONCE(slot->sk);
	if (unlikely(!cop_rx_is_short(sk, buf, len, flags)) ||
	    unlikely(named && !cop_rx_name_fits(name, namelen)))
		return recvfrom_long(fd, buf, len, flags, name, namelen);
	call = (struct cop_recv){ buf,	len, name,  namelen,
				  slot, fd,  flags, cop_last_error() };
	in_memory(call);
	ret = cop_recvfrom_short(sk, &call, named);
	if (likely(is_length(ret)))
		return ret;
	return recvfrom_end(call.fd, ret, call.saved, call.buf, call.len,
			    call.flags, call.name, call.namelen, call.slot);
}

static noinline flatten ssize_t sys_recv(struct socket *slot, int fd, void *buf,
					 size_t len, int flags)
{
	return recv_ours(slot, fd, buf, len, flags, false, NULL, NULL);
}

EXPORT flatten ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
				struct sockaddr *addr, socklen_t *alen)
{
	struct socket *slot = sockfd_slot(fd);

	if (likely(!slot))
		return cop_libc.recvfrom(fd, buf, len, flags, addr, alen);
	if (!addr)
		return sys_recv(slot, fd, buf, len, flags);
	return recv_ours(slot, fd, buf, len, flags, true, addr, alen);
}

EXPORT ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct socket *slot = sockfd_slot(fd);

	if (likely(!slot))
		return cop_libc.recv(fd, buf, len, flags);
	return sys_recv(slot, fd, buf, len, flags);
}

static noinline flatten ssize_t sys_recvmsg(struct socket *slot, int fd,
					    struct msghdr *umsg, int flags)
{
	struct msghdr msg;
	struct iovec iov;
	struct sock *sk;
	socklen_t room;
	ssize_t ret;
	int saved;

	if (unlikely(slot_has(slot, SLOT_NOTES) ||
		     !msg_copy(&msg, &iov, umsg, &cop_writable_pages)))
		return recvmsg_long(fd, umsg, flags);
	sk = READ_ONCE(slot->sk);
	if (unlikely(!cop_rx_msg_is_short(sk, &msg, flags) ||
		     !user_range_short(iov.iov_base, iov.iov_len)))
		return recvmsg_long(fd, umsg, flags);
	saved = cop_last_error();
	room = msg.msg_namelen;
	ret = cop_recvmsg_short(sk, fd, &msg, flags);
	if (unlikely(!is_length(ret)))
		return recvmsg_end(fd, ret, saved, umsg, &msg, room, flags,
				   slot);
	if (msg.msg_name)
		umsg->msg_namelen = msg.msg_namelen;
	umsg->msg_controllen = msg.msg_controllen;
	umsg->msg_flags = msg.msg_flags;
	return ret;
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct socket *slot = sockfd_slot(fd);

	if (unlikely(slot))
		return sys_recvmsg(slot, fd, msg, flags);
	return recvmsg_foreign(fd, msg, flags);
}

static noinline flatten ssize_t sys_read(struct socket *slot, int fd, void *buf,
					 size_t len)
{
	struct cop_recv call;
	struct sock *sk;
	ssize_t ret;

	if (unlikely(slot_has(slot, SLOT_NOTES) || !len || cop_confined()))
		return read_long(fd, buf, len);
	sk = READ_ONCE(slot->sk);
	if (unlikely(!cop_rx_is_short(sk, buf, len, 0)))
		return read_long(fd, buf, len);
	call = (struct cop_recv){ .buf = buf,
				  .len = len,
				  .slot = slot,
				  .fd = fd,
				  .saved = cop_last_error() };
	in_memory(call);
	ret = cop_recvfrom_short(sk, &call, false);
	if (likely(is_length(ret)))
		return ret;
	return read_end(call.fd, ret, call.saved, call.buf, call.len,
			call.slot);
}

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	struct socket *slot = sockfd_slot(fd);

	if (likely(!slot))
		return cop_libc.read(fd, buf, len);
	return sys_read(slot, fd, buf, len);
}

/* The fortified names. libc ends the program if @len is beyond the buffer. */
EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t buflen)
{
	if (likely(!sockfd_lookup(fd)) || len > buflen)
		return cop_libc.__read_chk(fd, buf, len, buflen);
	return read(fd, buf, len);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t len, size_t buflen,
			  int flags)
{
	if (likely(!sockfd_lookup(fd)) || len > buflen)
		return cop_libc.__recv_chk(fd, buf, len, buflen, flags);
	return recv(fd, buf, len, flags);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t buflen,
			      int flags, struct sockaddr *addr, socklen_t *alen)
{
	if (likely(!sockfd_lookup(fd)) || len > buflen)
		return cop_libc.__recvfrom_chk(fd, buf, len, buflen, flags,
					       addr, alen);
	return recvfrom(fd, buf, len, flags, addr, alen);
}

ALIAS(send) ssize_t __send(int fd, const void *buf, size_t len, int flags);
ALIAS(write) ssize_t __write(int fd, const void *buf, size_t len);
ALIAS(read) ssize_t __read(int fd, void *buf, size_t len);
