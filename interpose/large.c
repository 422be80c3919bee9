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
static inline ssize_t large_end(struct socket *sock, ssize_t ret, int saved,
				void *buf, size_t len, uint64_t fd_flags,
				struct sockaddr *addr, socklen_t *alen)
{
	if (likely((size_t)ret < COP_RX_STALE))
		return ret;
	return recvfrom_end(fd_of(fd_flags), ret, saved, buf, len,
			    call_flags(fd_flags), addr, alen, sock);
}

static noinline flatten ssize_t large_on_stack(struct socket *sock, void *buf,
					       size_t len, uint64_t fd_flags,
					       struct sockaddr *addr,
					       socklen_t *alen)
{
	unsigned char wire[COP_HDR_MAX + COP_LARGE_ON_STACK]
		__attribute__((aligned(4)));
	const int saved = cop_last_error();
	ssize_t ret =
		cop_recvfrom_through(sock->sk, true, fd_of(fd_flags), wire, buf,
				     len, call_flags(fd_flags), addr, alen, 0);

	return large_end(sock, ret, saved, buf, len, fd_flags, addr, alen);
}

static noinline flatten ssize_t large_in_buffer(struct socket *sock, void *buf,
						size_t len, uint64_t fd_flags,
						struct sockaddr *addr,
						socklen_t *alen)
{
	struct cop_buffer *buffer = cop_buffer_get();
	struct _pthread_cleanup_buffer cleanup;
	const int saved = cop_last_error();
	ssize_t ret;

	if (unlikely(!buffer))
		return recvfrom_any(fd_of(fd_flags), buf, len,
				    call_flags(fd_flags), addr, alen);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	ret = cop_recvfrom_through(sock->sk, true, fd_of(fd_flags),
				   buffer->data, buf, len, call_flags(fd_flags),
				   addr, alen, 0);
	_pthread_cleanup_pop(&cleanup, 1);
	return large_end(sock, ret, saved, buf, len, fd_flags, addr, alen);
}

/*
 * Every receive that can't take the short way, and has one buffer. Most of them only have
 * more room.
 */
ssize_t recvfrom_long(int fd, void *buf, size_t len, int flags,
		      struct sockaddr *addr, socklen_t *alen)
{
	struct socket *slot = sockfd_slot(fd);

	if (unlikely(len <= COP_COPY_MAX || !slot ||
		     slot_has(slot, SLOT_NOTES)) ||
	    unlikely(!cop_rx_is_large_seen(READ_ONCE(slot->sk), buf, len, flags,
					   addr, alen)))
		return recvfrom_any(fd, buf, len, flags, addr, alen);
	if (len <= COP_LARGE_ON_STACK)
		return large_on_stack(slot, buf, len, fd_and_flags(fd, flags),
				      addr, alen);
	return large_in_buffer(slot, buf, len, fd_and_flags(fd, flags), addr,
			       alen);
}
