/* SPDX-License-Identifier: MIT */
/*
 * batch.h - limits and helpers of sendmmsg and recvmmsg.
 */
#ifndef COP_BATCH_H
#define COP_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "cop_table.h"
#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/uaccess.h"

/*
 * The kernel gets so many messages at a time, with so many iovecs in all. The arrays are in
 * a struct cop_buffer: on the smallest stack of a thread they would leave no room for a signal.
 * A message with more iovecs goes by itself.
 */
#define COP_BATCH_MSGS 32
#define COP_BATCH_IOVS 96

/* The arrays of so few are on the stack, where a buffer is not worth it, or is not there. */
#define COP_FEW_MSGS 4
#define COP_FEW_IOVS 16

/**
 * cop_put_msg_len - tell the program the length of a message
 * @umsg: the program's message
 * @len: bytes
 *
 * Returns 0, or -EFAULT where @umsg can't be written to.
 */
static inline int cop_put_msg_len(struct mmsghdr *umsg, unsigned int len)
{
	return copy_to_user(&umsg->msg_len, &len, sizeof(len));
}

/**
 * cop_batch_is_elsewhere - whether the descriptor may lead to another socket by now
 * @sk: the sock of the call
 * @fd: its descriptor
 * @gen: flows.gen of the sock when the call began
 *
 * The kernel's call keeps its socket although another thread closes or replaces the
 * descriptor. Ours, which is several of the kernel's, ends then behind what it has done.
 */
static inline bool cop_batch_is_elsewhere(struct sock *sk, int fd, uint16_t gen)
{
	struct socket *sock = READ_ONCE(sk->sk_socket);

	return gen != READ_ONCE(cop_sk(sk)->flows.gen) || !sock ||
	       sockfd_lookup(fd) != sock;
}

/*
 * A small message is *packed*: header and payload are in one piece of a buffer of the
 * library's, and the kernel gets one iovec. In a batch of fewer messages the buffer costs
 * more than it saves.
 */
#define COP_PACK_MIN 2

/* The last pages that messages were on: the next message mostly is on the same. */
struct cop_batch_pages {
	uintptr_t vec, iov, payload, name;
};

#define COP_BATCH_NO_PAGES                                         \
	{                                                          \
		COP_NO_PAGE, COP_NO_PAGE, COP_NO_PAGE, COP_NO_PAGE \
	}

/* Whether a message of the program's vector can be written, and so read. */
static inline bool cop_batch_sees_vec(struct cop_batch_pages *last,
				      const struct mmsghdr *umsg)
{
	return cop_page_is(&cop_writable_pages, umsg, &last->vec) &&
	       cop_page_is(&cop_writable_pages, (const char *)(umsg + 1) - 1,
			   &last->vec);
}

/* Whether an iovec can be read. */
static inline bool cop_batch_sees_iov(struct cop_batch_pages *last,
				      const struct iovec *iov)
{
	return cop_page_is(&cop_readable_pages, iov, &last->iov) &&
	       cop_page_is(&cop_readable_pages, (const char *)(iov + 1) - 1,
			   &last->iov);
}

/*
 * Whether the first and the last byte of an iovec's memory are on pages that were seen:
 * then all of it is, up to a page.
 */
static inline bool cop_batch_sees_payload(struct cop_batch_pages *last,
					  struct cop_pages *pages,
					  const struct iovec *iov)
{
	const char *end = (const char *)iov->iov_base + iov->iov_len - 1;

	return likely(cop_page_is(pages, iov->iov_base, &last->payload)) &&
	       likely(cop_page_is(pages, end, &last->payload));
}

#endif /* COP_BATCH_H */
