// SPDX-License-Identifier: MIT
/*
 * datagram/cut_batch.c - many sends that are to be cut (UDP_SEGMENT) by one system call:
 * QUIC programs give sendmmsg() such messages.
 *
 * Each message is in one piece with all of its headers (cut_pack.h), and the pieces lie one
 * behind another.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has a buffer of its own.
 * Counterpart in the kernel: __sys_sendmmsg() in net/socket.c.
 */
#include <errno.h>
#include <pthread.h>

#include "datagram/cut.h"
#include "datagram/cut_batch.h"
#include "datagram/cut_pack.h"
#include "datagram/soft_error.h"
#include "datagram/tx.h"
#include "datagram/tx_batch.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/uaccess.h"
#include "wire/buffer.h"
#include "wire/encap.h"

/* A buffer has the data of few sends: the shortest ones have room for many more. */
#define MSGS 16

/* Each message begins at a multiple of it. */
#define ALIGN 64

struct cut_batch {
	struct sock *sk;
	int fd;
	unsigned int n;
	size_t used; /* bytes of @data */
	struct mmsghdr *vec;
	struct cop_cut_pack *pack;
	unsigned char *data;
};

_Static_assert(MSGS *(sizeof(struct mmsghdr) + sizeof(struct cop_cut_pack)) <=
		       COP_BUFFER_ARRAYS,
	       "a buffer has room for the arrays");

static struct cop_cut cut_by(const struct cut_batch *b)
{
	return (struct cop_cut){ .sk = b->sk,
				 .fd = b->fd,
				 .most = COP_DATAGRAM_MAX_IPV4,
				 .begin = cop_tx_begin,
				 .end = cop_tx_end };
}

/*
 * Reads a message. Returns the length of its payload, or less than 1 if it can't be in
 * the batch; *@size is then of no account.
 */
static ssize_t import(const struct cut_batch *b, const struct mmsghdr *umsg,
		      struct msghdr *msg, int *size)
{
	if (!user_writable(umsg, sizeof(*umsg)) ||
	    cop_tx_import(b->fd, msg, umsg) ||
	    msg->msg_controllen > COP_CUT_PACK_CONTROL ||
	    (msg->msg_controllen &&
	     !user_readable(b->fd, msg->msg_control, msg->msg_controllen)))
		return -1;
	*size = cop_cut_size(b->sk, b->fd, msg);
	return *size > 0 ? cop_iov_length(b->fd, msg) : -1;
}

/* Returns whether a message is in the batch now. Then its datagrams have numbers. */
static bool add(struct cut_batch *b, const struct mmsghdr *umsg)
{
	const size_t at = (b->used + ALIGN - 1) & -(size_t)ALIGN;
	struct cop_cut_pack *pack = &b->pack[b->n];
	struct cop_cut cut = cut_by(b);
	struct msghdr msg;
	ssize_t len;
	size_t total;
	int size;

	len = at < COP_DATAGRAM_MAX ? import(b, umsg, &msg, &size) : -1;
	if (len <= 0)
		return false;
	cut.msg = &msg;
	cut.len = len;
	cut.size = size;
	total = cop_cut_pack(pack, &cut, b->data + at, COP_DATAGRAM_MAX - at);
	if (!total)
		return false;
	b->vec[b->n++].msg_hdr = pack->whole;
	b->used = at + total;
	return true;
}

/*
 * Account for a batch of which the kernel has sent @sent messages, or has refused the first
 * one with @sent. Numbers are given back from the last one on, since only the latest number
 * of a flow can be.
 */
static void settle(const struct cut_batch *b, struct mmsghdr *vec, int sent)
{
	const struct cop_cut cut = cut_by(b);
	const int err = sent < 0 ? sent : -ECANCELED;

	for (int i = b->n; i-- > 0;) {
		const struct cop_cut_pack *pack = &b->pack[i];

		if (i < sent)
			vec[i].msg_len =
				cop_cut_packed(pack, &cut, pack->iov.iov_len);
		else
			cop_cut_packed(pack, &cut, err);
	}
}

static int fill_and_call(struct cut_batch *b, struct mmsghdr *vec,
			 unsigned int n, int flags, unsigned int *tried)
{
	int sent;

	n = min_t(unsigned int, n, MSGS);
	while (b->n < n && add(b, &vec[b->n]))
		;
	*tried = b->n;
	if (!b->n)
		return 0;
	sent = cop_libc_result(cop_libc.sendmmsg(b->fd, b->vec, b->n, flags));
	settle(b, vec, sent);
	return sent;
}

/* An error that is left for the next call is for the first message. */
int cop_cut_batch(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		  int flags, unsigned int *tried)
{
	struct cut_batch b = { .sk = sk, .fd = fd };
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer;
	int sent;

	*tried = 0;
	if (sk_wire(sk) != &cop_wire || cop_confined() ||
	    sock_flag(sk, SOCK_SOFT_ERROR))
		return 0;
	buffer = cop_buffer_get();
	if (unlikely(!buffer))
		return 0;
	b.vec = (struct mmsghdr *)buffer->arrays;
	b.pack = (struct cop_cut_pack *)(b.vec + MSGS);
	b.data = buffer->data;
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	sent = fill_and_call(&b, vec, n, flags, tried);
	_pthread_cleanup_pop(&cleanup, 1);
	return sent;
}
