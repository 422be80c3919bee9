// SPDX-License-Identifier: MIT
/*
 * datagram/sendmmsg.c - many datagrams out in one system call.
 *
 * The program's vector is read and written message by message, as the kernel does:
 * it may run past the end of the program's memory. The kernel gets an array of ours,
 * in which each message has its header, and never the program's array.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __sys_sendmmsg() in net/socket.c.
 */
#include <errno.h>
#include <limits.h>

#include "datagram/batch.h"
#include "datagram/cut.h"
#include "datagram/proto.h"
#include "datagram/segments.h"
#include "datagram/soft_error.h"
#include "datagram/tx.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

struct tx_batch {
	unsigned int n;
	unsigned int iovs; /* in use */
	bool untold;	   /* the program can't be told the last one's length */
	struct mmsghdr vec[COP_BATCH_MSGS];
	struct cop_tx tx[COP_BATCH_MSGS];
	unsigned char hdr[COP_BATCH_MSGS][COP_HDR_MAX]
		__attribute__((aligned(4)));
	struct iovec iov[COP_BATCH_IOVS];
};

/* Copy a message from the program. Returns 0 or -errno, in the kernel's order. */
static int tx_import(int fd, struct msghdr *msg, const struct mmsghdr *umsg)
{
	int err = msg_import(fd, msg, &umsg->msg_hdr);

	return err ? err : msg_import_name(fd, msg);
}

/* Returns a message's length, or below 0 where it has to be sent by itself. */
static ssize_t tx_length(const struct tx_batch *b, struct sock *sk, int fd,
			 const struct msghdr *msg)
{
	ssize_t len = cop_iov_length(fd, msg);

	if (len > cop_wire_most(sk_wire(sk)) ||
	    msg->msg_iovlen + 1 > COP_BATCH_IOVS - b->iovs ||
	    cop_cut_size(sk, fd, msg))
		return -1;
	return len;
}

static void tx_add(struct tx_batch *b, struct sock *sk,
		   const struct msghdr *msg, size_t len, uint64_t now)
{
	struct msghdr *whole = &b->vec[b->n].msg_hdr;
	struct cop_tx *tx = &b->tx[b->n];
	unsigned char *hdr = b->hdr[b->n++];

	cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len, now, tx, hdr);
	*whole = *msg;
	whole->msg_iov = b->iov + b->iovs;
	whole->msg_iovlen = msg->msg_iovlen + 1;
	b->iov[b->iovs++] = (struct iovec){ hdr, sk_wire(sk)->hlen };
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		b->iov[b->iovs++] = msg->msg_iov[i];
}

/*
 * Put as many messages into a batch as fit. A batch of none means that the first
 * message has to be sent by itself. The kernel sends a message before it writes the
 * length to the program's vector, so a message whose length can't be written is sent
 * too, as the last one.
 */
static void tx_fill(struct tx_batch *b, struct sock *sk, int fd,
		    const struct mmsghdr *vec, unsigned int n)
{
	uint64_t now = cop_clock_us();
	struct msghdr msg;
	ssize_t len;

	b->n = b->iovs = 0;
	b->untold = false;
	for (unsigned int i = 0; i < min_t(unsigned int, n, COP_BATCH_MSGS);
	     i++) {
		if (tx_import(fd, &msg, &vec[i]))
			return;
		len = tx_length(b, sk, fd, &msg);
		if (len < 0)
			return;
		tx_add(b, sk, &msg, len, now);
		b->untold =
			!user_writable(&vec[i].msg_len, sizeof(vec->msg_len));
		if (unlikely(b->untold))
			return;
	}
}

/*
 * Account for a batch of which the kernel has sent @sent messages. The numbers of the
 * others are given back last to first, since only the latest number of a flow can be.
 * A message whose length can't be written to the program is a fault, so it does not
 * count. Returns how many messages count, or -EFAULT if none does.
 */
static int tx_settle(struct tx_batch *b, struct sock *sk, struct mmsghdr *vec,
		     int sent)
{
	const unsigned int hlen = sk_wire(sk)->hlen;
	const int told = sent - (b->untold && sent == (int)b->n);
	int i;

	for (i = b->n - 1; i >= sent && i >= 0; i--)
		cop_tx_end(sk, &b->tx[i], -ECANCELED);
	for (i = 0; i < sent; i++) {
		unsigned int len = b->vec[i].msg_len - hlen;

		cop_tx_end(sk, &b->tx[i], len);
		if (likely(i < told))
			vec[i].msg_len = len;
	}
	return told ? told : -EFAULT;
}

/*
 * Bytes of a datagram that may be part of a run, with its header; else 0. The kernel
 * refuses one without a destination, and control messages are for one datagram only.
 * Another thread may have changed the program's iovecs since their length was taken.
 */
static uint16_t tx_segment(const struct tx_batch *b, unsigned int i,
			   unsigned int hlen)
{
	const struct cop_tx *tx = &b->tx[i];
	const struct msghdr *whole = &b->vec[i].msg_hdr;
	size_t len = 0;

	for (size_t k = 1; k < whole->msg_iovlen; k++)
		len += whole->msg_iov[k].iov_len;
	if (len != tx->payload || tx->flow == COP_TX_NONE ||
	    whole->msg_controllen || tx->payload > UINT16_MAX - hlen)
		return 0;
	return hlen + tx->payload;
}

static int tx_send(struct tx_batch *b, struct sock *sk, int fd, int flags)
{
	const unsigned int hlen = sk_wire(sk)->hlen;
	struct cop_segments s = {
		.sk = sk, .fd = fd, .flags = flags, .n = b->n, .vec = b->vec
	};

	for (unsigned int i = 0; i < b->n; i++)
		s.len[i] = tx_segment(b, i, hlen);
	return cop_segments_send(&s);
}

/* Returns how many messages were sent or -errno; *@tried is how many it tried. */
static int tx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
		    unsigned int n, int flags, unsigned int *tried)
{
	struct tx_batch b;
	int sent, told;

	tx_fill(&b, sk, fd, vec, n);
	*tried = b.n;
	if (!b.n)
		return 0;
	sent = cop_soft_error_of_send(sk, fd, &b.vec[0].msg_hdr, flags, 0);
	if (likely(!sent))
		sent = tx_send(&b, sk, fd, flags);
	told = tx_settle(&b, sk, vec, sent);
	return sent < 0 ? sent : told;
}

/* The kernel stops behind a probe with a payload, since it sends less than asked. */
static int tx_single(struct sock *sk, int fd, struct mmsghdr *vec, int flags,
		     unsigned int *tried)
{
	struct msghdr msg;
	ssize_t n = tx_import(fd, &msg, vec);

	if (n)
		return msg_refuse(fd, n);
	if (sk_wire(sk)->encode)
		flags |= cop_many_flags();
	n = cop_sendmsg(sk, fd, &msg, flags);
	if (n < 0)
		return n;
	*tried = 1 + (flags & MSG_PROBE && n);
	return cop_put_msg_len(vec, n) ?: 1;
}

/*
 * A later part of a corked datagram has no header, so it can't go in a batch. Nor can
 * a probe: with a header, an empty probe would have a payload for the kernel. A payload
 * is encoded in a buffer for one datagram.
 */
static bool tx_one_by_one(struct sock *sk, int flags)
{
	return flags & (MSG_MORE | MSG_PROBE) || sk_wire(sk)->encode ||
	       sock_flag(sk, SOCK_CORKED | SOCK_CORK_OPT);
}

int cop_sendmmsg(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags)
{
	unsigned int done = 0, tried;
	int err = 0;

	n = min_t(unsigned int, n, IOV_MAX);
	if (!n)
		return msg_refuse(fd, 0);
	while (done < n) {
		tried = 0;
		if (!tx_one_by_one(sk, flags))
			err = tx_batch(sk, fd, vec + done, n - done, flags,
				       &tried);
		if (!tried)
			err = tx_single(sk, fd, vec + done, flags, &tried);
		if (err < 0)
			break;
		done += err;
		if ((unsigned int)err < tried)
			break;
	}
	return done ? (int)done : err;
}
