// SPDX-License-Identifier: MIT
/*
 * datagram/tx_batch.c - many datagrams out in one system call.
 *
 * The program's vector is read and written message by message, as the kernel does: it
 * may run past the end of memory. The kernel gets an array of ours, in which each message
 * has its header. A short payload is packed (batch.h): the kernel takes longer for a second
 * iovec than a copy takes. Packed messages make one piece, so that a run of them does, too.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has arrays of its own.
 * Counterpart in the kernel: __sys_sendmmsg() in net/socket.c.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "datagram/batch.h"
#include "datagram/cut.h"
#include "datagram/proto.h"
#include "datagram/segments.h"
#include "datagram/soft_error.h"
#include "datagram/tx.h"
#include "datagram/tx_arrays.h"
#include "datagram/tx_batch.h"
#include "datagram/tx_short.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/buffer.h"
#include "wire/encap.h"

/* A longer payload is not packed. */
#define PACK_MAX COP_COPY_MAX

int cop_tx_import(int fd, struct msghdr *msg, const struct mmsghdr *umsg)
{
	int err = msg_import(fd, msg, &umsg->msg_hdr);

	return err ? err : msg_import_name(fd, msg);
}

/* ---- packed messages --------------------------------------------------------- */

/* What the last message had, so that the next one to the same destination is found. */
struct tx_name {
	const void *name;
	socklen_t len;
	bool is; /* a group is open */
};

static inline bool tx_sees_payload(struct cop_batch_pages *last, int fd,
				   const struct iovec *iov)
{
	return likely(cop_batch_sees_payload(last, &cop_readable_pages, iov)) ||
	       cop_readable(fd, iov->iov_base, iov->iov_len);
}

static inline bool tx_sees_name(struct msghdr *msg)
{
	if (!msg->msg_name || !msg->msg_namelen) {
		msg->msg_name = NULL;
		msg->msg_namelen = 0;
		return true;
	}
	return msg->msg_namelen <= sizeof(struct sockaddr_storage) &&
	       cop_page_seen(&cop_readable_pages, msg->msg_name,
			     msg->msg_namelen);
}

static inline uint64_t tx_numbers(struct sock *sk, const struct tx_group *g,
				  unsigned int n, uint64_t now)
{
	if (g->tx.flow == COP_TX_PEER)
		return cop_sent_next_many(&cop_sk(sk)->peer, n, g->bytes, now,
					  one_thread());
	if (g->tx.flow == COP_TX_TABLE)
		return cop_flow_next_many(&cop_sk(sk)->flows, &g->tx.to, n,
					  g->bytes, now);
	return 0;
}

/* Number the messages of the last group, up to message @end, and write their headers. */
static inline void tx_close(struct tx_batch *b, struct sock *sk,
			    unsigned int end)
{
	struct tx_group *g = &b->group[b->groups - 1];
	const __be16 source = cop_tx_source(sk), dest = g->tx.to.end.port;
	const uint64_t one = g->tx.flow != COP_TX_NONE;
	uint64_t seq = tx_numbers(sk, g, end - g->begin, b->now);
	struct cophdr hdr;

	g->tx.seq = seq;
	for (unsigned int i = g->begin; i < end; i++, seq += one) {
		cop_hdr_build(&hdr, source, dest, seq, b->now);
		memcpy(b->vec[i].msg_hdr.msg_iov->iov_base, &hdr, sizeof(hdr));
	}
}

/* Whether two datagrams go to one destination. */
static inline bool tx_same(const struct cop_tx *a, const struct cop_tx *b)
{
	return a->flow == b->flow &&
	       (a->flow != COP_TX_TABLE || a->to.word == b->to.word);
}

/* Find the group of the next message, whose name is not the last one's. */
static noinline void tx_open(struct tx_batch *b, struct sock *sk,
			     const struct msghdr *msg, struct tx_name *last)
{
	struct cop_tx tx;

	cop_tx_find(sk, msg->msg_name, msg->msg_namelen, &tx);
	if (!last->is || !tx_same(&b->group[b->groups - 1].tx, &tx)) {
		if (last->is)
			tx_close(b, sk, b->n);
		b->group[b->groups++] =
			(struct tx_group){ .tx = tx, .begin = b->n };
	}
	*last = (struct tx_name){ msg->msg_name, msg->msg_namelen, true };
}

/*
 * Pack messages from @vec on, up to @n: each has one short payload and no control message,
 * and all of its memory was seen before. Returns how many; the next one has to go by
 * iovecs.
 */
static inline unsigned int tx_pack(struct tx_batch *b, struct sock *sk, int fd,
				   const struct mmsghdr *vec, unsigned int n,
				   struct cop_batch_pages *last)
{
	struct mmsghdr *whole = b->vec + b->n;
	struct iovec *iov = b->iov + b->iovs;
	struct tx_name name = { .is = false };
	unsigned int i;

	n = min_t(unsigned int, n, b->iovs_max - b->iovs);
	for (i = 0; i < n; i++, whole++, iov++) {
		struct msghdr *msg = &whole->msg_hdr;
		struct tx_group *g;
		struct iovec from;

		if (unlikely(!cop_batch_sees_vec(last, &vec[i])))
			break;
		*msg = vec[i].msg_hdr;
		if (unlikely(msg->msg_iovlen != 1 || msg->msg_controllen ||
			     !cop_batch_sees_iov(last, msg->msg_iov) ||
			     !tx_sees_name(msg)))
			break;
		from = *msg->msg_iov;
		if (unlikely(from.iov_len - 1 >= PACK_MAX ||
			     COP_HLEN + from.iov_len >
				     COP_DATAGRAM_MAX - b->used ||
			     !tx_sees_payload(last, fd, &from)))
			break;
		if (unlikely(!name.is || msg->msg_name != name.name ||
			     msg->msg_namelen != name.len))
			tx_open(b, sk, msg, &name);
		g = &b->group[b->groups - 1];
		g->bytes += from.iov_len;
		iov->iov_base = b->pack + b->used;
		iov->iov_len = COP_HLEN + from.iov_len;
		cop_copy(iov->iov_base + COP_HLEN, from.iov_base, from.iov_len);
		b->used += iov->iov_len;
		b->len[b->n++] =
			likely(g->tx.flow != COP_TX_NONE) ? iov->iov_len : 0;
		msg->msg_iov = iov;
	}
	if (likely(name.is))
		tx_close(b, sk, b->n);
	b->iovs += i;
	return i;
}

/* ---- other messages ----------------------------------------------------------- */

/* Returns a message's length, or below 0 where it has to be sent by itself. */
static ssize_t tx_length(const struct tx_batch *b, struct sock *sk, int fd,
			 const struct msghdr *msg)
{
	ssize_t len = cop_iov_length(fd, msg);

	if (len > cop_wire_most(sk_wire(sk)) ||
	    msg->msg_iovlen + 1 > b->iovs_max - b->iovs ||
	    cop_cut_size(sk, fd, msg))
		return -1;
	return len;
}

/*
 * Bytes of the last message's datagram that may be part of a run, with its header; else
 * 0. The kernel refuses one without a destination, and control messages are for one
 * datagram only. A receiver with UDP_GRO could not show an empty payload among others.
 * Another thread may have changed the program's iovecs since their length was taken.
 */
static uint16_t tx_segment(const struct tx_batch *b, unsigned int hlen)
{
	const struct cop_tx *tx = &b->group[b->groups - 1].tx;
	const struct msghdr *whole = &b->vec[b->n].msg_hdr;
	size_t len = 0;

	for (size_t k = 1; k < whole->msg_iovlen; k++)
		len += whole->msg_iov[k].iov_len;
	if (len != tx->payload || tx->flow == COP_TX_NONE ||
	    whole->msg_controllen || tx->payload - 1 >= UINT16_MAX - hlen)
		return 0;
	return hlen + tx->payload;
}

static void tx_add(struct tx_batch *b, struct sock *sk,
		   const struct msghdr *msg, size_t len)
{
	struct msghdr *whole = &b->vec[b->n].msg_hdr;
	struct tx_group *g = &b->group[b->groups++];
	unsigned char *hdr = b->hdr[b->n];

	g->begin = b->n;
	cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len, b->now, &g->tx,
		     hdr);
	*whole = *msg;
	whole->msg_iov = b->iov + b->iovs;
	whole->msg_iovlen = msg->msg_iovlen + 1;
	b->iov[b->iovs++] = (struct iovec){ hdr, sk_wire(sk)->hlen };
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		b->iov[b->iovs++] = msg->msg_iov[i];
	b->len[b->n] = tx_segment(b, sk_wire(sk)->hlen);
	b->n++;
}

/*
 * Returns whether messages behind this one may be in the batch, too. The kernel sends a
 * message before it writes the length to the program's vector, so a message whose length
 * can't be written is sent too, as the last one.
 */
static noinline bool tx_fill_one(struct tx_batch *b, struct sock *sk, int fd,
				 const struct mmsghdr *umsg)
{
	struct msghdr msg;
	ssize_t len;

	if (cop_tx_import(fd, &msg, umsg))
		return false;
	len = tx_length(b, sk, fd, &msg);
	if (len < 0)
		return false;
	tx_add(b, sk, &msg, len);
	b->untold = !user_writable(&umsg->msg_len, sizeof(umsg->msg_len));
	return likely(!b->untold);
}

/* ---- the batch ------------------------------------------------------------------ */

/*
 * Put as many messages into a batch as fit. A batch of none means that the first
 * message has to be sent by itself.
 */
static inline void tx_fill(struct tx_batch *b, struct sock *sk, int fd,
			   const struct mmsghdr *vec, unsigned int n)
{
	struct cop_batch_pages last = COP_BATCH_NO_PAGES;
	unsigned int i = 0;

	b->now = cop_clock_us();
	b->n = b->iovs = b->groups = b->used = 0;
	b->untold = false;
	n = min_t(unsigned int, n, b->msgs_max);
	while (i < n) {
		if (likely(b->pack))
			i += tx_pack(b, sk, fd, vec + i, n - i, &last);
		if (i < n && !tx_fill_one(b, sk, fd, &vec[i++]))
			return;
	}
}

/*
 * Give the numbers of messages from @sent on back, last to first, since only the latest
 * number of a flow can be.
 */
static noinline void tx_undo(struct tx_batch *b, struct sock *sk, int sent)
{
	const struct tx_group *g = &b->group[b->groups - 1];
	int i;

	for (i = b->n - 1; i >= sent && i >= 0; i--) {
		const struct msghdr *whole = &b->vec[i].msg_hdr;
		struct cop_tx tx;

		while (g->begin > (unsigned int)i)
			g--;
		tx = g->tx;
		tx.seq += i - g->begin;
		if (whole->msg_iovlen == 1)
			tx.payload =
				whole->msg_iov->iov_len - sk_wire(sk)->hlen;
		cop_tx_end(sk, &tx, -ECANCELED);
	}
}

/*
 * Account for a batch of which the kernel has sent @sent messages. One whose length can't
 * be written to the program is a fault. Returns how many count, or -EFAULT if none does.
 */
static inline int tx_settle(struct tx_batch *b, struct sock *sk,
			    struct mmsghdr *vec, int sent)
{
	const unsigned int hlen = sk_wire(sk)->hlen;
	const int told = sent - (b->untold && sent == (int)b->n);
	uint64_t bytes = 0;

	if (unlikely(sent < (int)b->n))
		tx_undo(b, sk, sent);
	for (int i = 0; i < sent; i++) {
		unsigned int len = b->vec[i].msg_len - hlen;

		bytes += len;
		if (likely(i < told))
			vec[i].msg_len = len;
	}
	if (likely(sent > 0))
		cop_tx_count_many(sk, sent, bytes, one_thread());
	return told ? told : -EFAULT;
}

static inline int tx_call(struct tx_batch *b, struct sock *sk, int fd,
			  struct mmsghdr *vec, unsigned int n, int flags,
			  unsigned int *tried)
{
	struct cop_segments s;
	int sent, told;

	tx_fill(b, sk, fd, vec, n);
	*tried = b->n;
	if (!b->n)
		return 0;
	s = (struct cop_segments){ .sk = sk,
				   .fd = fd,
				   .flags = flags,
				   .n = b->n,
				   .vec = b->vec,
				   .len = b->len };
	sent = cop_soft_error_of_send(sk, fd, &b->vec[0].msg_hdr, flags, 0);
	if (likely(!sent))
		sent = cop_segments_send(&s);
	told = tx_settle(b, sk, vec, sent);
	return sent < 0 ? sent : told;
}

/* A confined process trusts the kernel alone to find memory that can't be read. */
static inline bool tx_packs(struct sock *sk)
{
	return sk_wire(sk) == &cop_wire && !sock_flag(sk, SOCK_SEGMENTS) &&
	       !cop_confined();
}

static noinline int tx_few(struct sock *sk, int fd, struct mmsghdr *vec,
			   unsigned int n, int flags, unsigned int *tried)
{
	unsigned char arrays[TX_ARRAYS(COP_FEW_MSGS, COP_FEW_IOVS)]
		__attribute__((aligned(16)));
	struct tx_batch b = { .pack = NULL };

	tx_place(&b, arrays, COP_FEW_MSGS, COP_FEW_IOVS);
	return tx_call(&b, sk, fd, vec, n, flags, tried);
}

flatten int cop_tx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
			 unsigned int n, int flags, unsigned int *tried)
{
	const bool packs = n >= COP_PACK_MIN && tx_packs(sk);
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer = NULL;
	struct tx_batch b;
	int sent;

	if (likely(packs) || n > COP_FEW_MSGS)
		buffer = cop_buffer_get();
	if (unlikely(!buffer))
		return tx_few(sk, fd, vec, n, flags, tried);
	b.pack = packs ? buffer->data : NULL;
	tx_place(&b, buffer->arrays, COP_BATCH_MSGS, COP_BATCH_IOVS);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	sent = tx_call(&b, sk, fd, vec, n, flags, tried);
	_pthread_cleanup_pop(&cleanup, 1);
	return sent;
}
