// SPDX-License-Identifier: MIT
/*
 * interpose/large.c - recvfrom() into more room than the short way has (short.c): see
 * datagram/rx_large.h.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __sys_recvfrom() in net/socket.c.
 */
#include <pthread.h>

#include "cop_table.h"
#include "datagram/rx_large.h"
#include "interpose/interpose.h"
#include "interpose/long.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/last_error.h"

/* A receive of which cop_rx_is_large_seen() is true has come to an end with @ret. */
static inline ssize_t large_end(const struct cop_recv *call, ssize_t ret)
{
	if (likely((size_t)ret < COP_RX_STALE))
		return ret;
	return recvfrom_end(call->fd, ret, call->saved, call->buf, call->len,
			    call->flags, call->name, call->namelen, call->slot);
}

static noinline flatten ssize_t large_on_stack(const struct cop_recv *call)
{
	unsigned char wire[COP_HDR_MAX + COP_LARGE_ON_STACK]
		__attribute__((aligned(4)));

	return large_end(call, cop_recvfrom_through(call->slot->sk, call, true,
						    wire, 0));
}

static noinline flatten ssize_t large_in_buffer(const struct cop_recv *call)
{
	struct cop_buffer *buffer = cop_buffer_get();
	struct _pthread_cleanup_buffer cleanup;
	ssize_t ret;

	if (unlikely(!buffer))
		return recvfrom_any(call->fd, call->buf, call->len, call->flags,
				    call->name, call->namelen);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	ret = cop_recvfrom_through(call->slot->sk, call, true, buffer->data, 0);
	_pthread_cleanup_pop(&cleanup, 1);
	return large_end(call, ret);
}

/*
 * cop_rx_is_large_seen() where other pages have the slots of the program's: a server with
 * many buffers has some that share a slot.
 */
static noinline flatten bool
is_seen_again(const struct sock *sk, const void *buf, size_t len, int flags,
	      const struct sockaddr *addr, const socklen_t *alen)
{
	return cop_page_again(buf) &&
	       (!addr || (cop_page_again(addr) && cop_page_again(alen))) &&
	       cop_rx_is_large_seen(sk, buf, len, flags, addr, alen);
}

/*
 * Every receive that can't take the short way, and has one buffer. Most of them only have
 * more room.
 */
flatten ssize_t recvfrom_long(int fd, void *buf, size_t len, int flags,
			      struct sockaddr *addr, socklen_t *alen)
{
	struct socket *slot = sockfd_slot(fd);
	const struct cop_recv call = { buf,  len, addr,	 alen,
				       slot, fd,  flags, cop_last_error() };
	const struct sock *sk;

	if (unlikely(len <= COP_COPY_MAX || !slot ||
		     slot_has(slot, SLOT_NOTES)))
		return recvfrom_any(fd, buf, len, flags, addr, alen);
	sk = READ_ONCE(slot->sk);
	if (unlikely(!cop_rx_is_large_seen(sk, buf, len, flags, addr, alen)) &&
	    !is_seen_again(sk, buf, len, flags, addr, alen))
		return recvfrom_any(fd, buf, len, flags, addr, alen);
	return len <= COP_LARGE_ON_STACK ? large_on_stack(&call)
					 : large_in_buffer(&call);
}
