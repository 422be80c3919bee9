// SPDX-License-Identifier: MIT
/*
 * datagram/rx_batch.c - many datagrams in by one system call, each into its message.
 *
 * The kernel receives into an array of ours. A small message gets header and payload in
 * one piece of a buffer of ours, since the kernel takes longer for three iovecs than a
 * copy takes. A large one has room for a header ahead of the program's iovecs and for
 * options behind them.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has arrays of its own.
 * Counterpart in the kernel: do_recvmmsg() in net/socket.c, one round of its loop.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "datagram/batch.h"
#include "datagram/proto.h"
#include "datagram/rx.h"
#include "datagram/rx_batch.h"
#include "datagram/rx_count.h"
#include "datagram/rx_odd.h"
#include "datagram/rx_short.h"
#include "datagram/strays.h"
#include "filter/filter.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

/* Packed messages begin at a multiple of it. */
#define PACK_ALIGN 64

/* ---- the arrays --------------------------------------------------------------- */

/* Their bytes. */
#define ARRAYS(msgs, iovs)                                   \
	((msgs) * (sizeof(struct mmsghdr) + sizeof(size_t) + \
		   sizeof(union cop_addr) + COP_HDR_MAX) +   \
	 (iovs) * sizeof(struct iovec))

_Static_assert(ARRAYS(COP_BATCH_MSGS, COP_BATCH_IOVS) <= COP_BUFFER_ARRAYS,
	       "a buffer has room for the arrays");

static inline void rx_place(struct rx_batch *b, void *arrays, unsigned int msgs,
			    unsigned int iovs)
{
	b->msgs_max = msgs;
	b->iovs_max = iovs;
	b->vec = arrays;
	b->iov = (struct iovec *)(b->vec + msgs);
	b->cap = (size_t *)(b->iov + iovs);
	b->from = (union cop_addr *)(b->cap + msgs);
	b->head = (unsigned char(*)[COP_HDR_MAX])(b->from + msgs);
}

/* ---- messages for the kernel ------------------------------------------------ */

/* Too little room for the sender's address: the message is received by itself. */
static bool rx_name_is_short(const struct sock *sk, const struct msghdr *msg)
{
	return msg->msg_name && msg->msg_namelen < cop_addr_size(sk->sk_family);
}

/* Returns the room for the payload, or -errno where the kernel refuses the message. */
static ssize_t rx_import(int fd, struct msghdr *msg, const struct mmsghdr *umsg)
{
	int err = msg_import(fd, msg, &umsg->msg_hdr);

	return err ? err : cop_iov_length(fd, msg);
}

/*
 * Make a message that the kernel refuses with the same errno as the program's. The
 * kernel keeps the errno in the socket if it has received other messages before.
 */
static void rx_refused(struct msghdr *whole, int err)
{
	static const struct iovec below_0 = { NULL, SIZE_MAX };
	void *const kernels = (void *)-4096l;

	*whole = (struct msghdr){ .msg_iov = (struct iovec *)&below_0,
				  .msg_iovlen = 1 };
	if (err == -EMSGSIZE)
		whole->msg_iovlen = IOV_MAX + 1;
	else if (err == -EFAULT)
		whole->msg_iov = kernels;
}

/* The flow's figures need the sender even if the program does not. */
static inline void rx_ask_name(struct rx_batch *b, struct msghdr *whole)
{
	if (whole->msg_name || b->known)
		return;
	whole->msg_name = &b->from[b->n];
	whole->msg_namelen = sizeof(b->from[b->n]);
}

static void rx_add(struct rx_batch *b, const struct msghdr *msg, size_t cap)
{
	struct msghdr *whole = &b->vec[b->n].msg_hdr;

	*whole = *msg;
	rx_ask_name(b, whole);
	whole->msg_iov = b->iov + b->iovs;
	whole->msg_iovlen = msg->msg_iovlen + 2;
	b->iov[b->iovs++] = cop_wire_head(b->wire, b->head[b->n]);
	b->cap[b->n] = min_t(size_t, cap, cop_iov_take(b->iov + b->iovs, msg));
	b->iovs += msg->msg_iovlen;
	b->iov[b->iovs++] = cop_wire_tail(b->wire, b->head[b->n]);
	b->n++;
}

static inline bool rx_sees_buffer(struct cop_batch_pages *last,
				  const struct iovec *iov)
{
	return likely(cop_batch_sees_payload(last, &cop_writable_pages, iov)) ||
	       cop_writable(iov->iov_base, iov->iov_len);
}

/*
 * Whether there is room for the sender's address, if the program asks for it. If it can't
 * be written, the program has the payload although the receive fails: so the kernel puts
 * that in place.
 */
static inline bool rx_sees_name(struct cop_batch_pages *last,
				const struct sock *sk, const struct msghdr *msg)
{
	const char *name = msg->msg_name, *end;

	if (!name)
		return true;
	if (unlikely(msg->msg_namelen < cop_addr_size(sk->sk_family) ||
		     msg->msg_namelen > sizeof(struct sockaddr_storage)))
		return false;
	end = name + msg->msg_namelen - 1;
	return (likely(cop_page_is(&cop_writable_pages, name, &last->name)) &&
		likely(cop_page_is(&cop_writable_pages, end, &last->name))) ||
	       cop_writable(name, msg->msg_namelen);
}

/*
 * Pack messages from @vec on, up to @n: each has one small buffer, and all of its memory
 * was seen before. Returns how many; the next one has to go by iovecs.
 */
static inline unsigned int rx_pack(struct rx_batch *b, const struct sock *sk,
				   const struct mmsghdr *vec, unsigned int n,
				   struct cop_batch_pages *last)
{
	const size_t hlen_max = b->wire->hlen_max;
	struct mmsghdr *whole = b->vec + b->n;
	struct iovec *iov = b->iov + b->iovs;
	size_t used = b->used;
	unsigned int i;

	n = min_t(unsigned int, n, (b->iovs_max - b->iovs) / 3);
	for (i = 0; i < n; i++, whole++, iov += 3) {
		if (unlikely(!cop_batch_sees_vec(last, &vec[i])))
			break;
		whole->msg_hdr = vec[i].msg_hdr;
		if (unlikely(
			    whole->msg_hdr.msg_iovlen != 1 ||
			    !cop_batch_sees_iov(last, whole->msg_hdr.msg_iov) ||
			    !rx_sees_name(last, sk, &whole->msg_hdr)))
			break;
		iov[1] = *whole->msg_hdr.msg_iov;
		if (unlikely(iov[1].iov_len - 1 >= COP_COPY_MAX ||
			     used + hlen_max + iov[1].iov_len >
				     COP_DATAGRAM_MAX ||
			     !rx_sees_buffer(last, &iov[1])))
			break;
		iov[0].iov_base = b->pack + used;
		iov[0].iov_len = hlen_max + iov[1].iov_len;
		used += (iov[0].iov_len + PACK_ALIGN - 1) & -PACK_ALIGN;
		b->cap[b->n] = iov[1].iov_len;
		whole->msg_hdr.msg_iov = iov;
		whole->msg_hdr.msg_flags = 0;
		rx_ask_name(b, &whole->msg_hdr);
		b->n++;
	}
	b->iovs += 3 * i;
	b->used = used;
	return i;
}

/* Returns whether messages behind this one may be in the batch, too. */
static noinline bool rx_fill_one(struct rx_batch *b, const struct sock *sk,
				 int fd, const struct mmsghdr *umsg)
{
	struct msghdr msg;
	ssize_t cap = rx_import(fd, &msg, umsg);

	if (unlikely(cap < 0)) {
		rx_refused(&b->vec[b->n++].msg_hdr, cap);
		return false;
	}
	if (unlikely(rx_name_is_short(sk, &msg) ||
		     !user_writable(umsg, sizeof(*umsg))) ||
	    msg.msg_iovlen + 2 > b->iovs_max - b->iovs)
		return false;
	rx_add(b, &msg, cap);
	return true;
}

/*
 * A message that can't be written to is received by itself, since the kernel receives
 * the datagram before it meets the fault.
 */
static inline void rx_fill(struct rx_batch *b, const struct sock *sk, int fd,
			   const struct mmsghdr *vec, unsigned int n)
{
	struct cop_batch_pages last = COP_BATCH_NO_PAGES;
	unsigned int i = 0;

	b->n = b->iovs = b->used = 0;
	b->known = READ_ONCE(sk->sk_flags) & SOCK_PEER_ONLY;
	n = min_t(unsigned int, n, b->msgs_max);
	while (i < n) {
		if (likely(b->pack))
			i += rx_pack(b, sk, vec + i, n - i, &last);
		if (i < n && !rx_fill_one(b, sk, fd, &vec[i++]))
			return;
	}
}

/* ---- what has come ---------------------------------------------------------- */

/*
 * cop_rx_settle_odd() for a datagram with COP's header and nothing unusual, in the
 * program's own message @i. Returns false, with nothing done, for every other one.
 */
static inline bool rx_settle_plain(struct rx_batch *b, struct mmsghdr *vec,
				   unsigned int i, struct rx_plain *plain)
{
	struct msghdr *whole = &b->vec[i].msg_hdr, *umsg = &vec[i].msg_hdr;
	const unsigned char *wire = rx_wire(whole);
	struct cop_rx rx;

	if (unlikely(!cop_rx_measure_plain(&cop_wire, &rx, wire,
					   b->vec[i].msg_len, b->cap[i])))
		return false;
	if (likely(rx_is_packed(whole)))
		cop_copy(whole->msg_iov[1].iov_base, wire + COP_HLEN,
			 rx.copied);
	cop_rx_msg_flags(whole, &rx);
	if (whole->msg_name && whole->msg_name != &b->from[i])
		umsg->msg_namelen = whole->msg_namelen;
	umsg->msg_controllen = whole->msg_controllen;
	umsg->msg_flags = whole->msg_flags;
	vec[i].msg_len = rx.copied;
	plain->bytes += rx.copied;
	plain->truncated += rx.copied < rx.len;
	return true;
}

/* Messages from @i on that are plain; returns the first one that is not, or @got. */
static inline unsigned int rx_settle_run(struct rx_batch *b, struct sock *sk,
					 struct mmsghdr *vec, unsigned int i,
					 unsigned int got)
{
	struct rx_plain plain = { .begin = i };

	while (i < got && likely(rx_settle_plain(b, vec, i, &plain)))
		i++;
	cop_rx_count(b, sk, &plain, i);
	return i;
}

static inline void rx_settle(struct rx_batch *b, struct sock *sk, int fd,
			     struct mmsghdr *vec, unsigned int got, int flags,
			     struct cop_rx_result *res)
{
	const bool plain =
		b->wire == &cop_wire && !(flags & (MSG_PEEK | MSG_TRUNC));
	unsigned int i = 0;

	b->now = cop_clock_us();
	while (i < got) {
		if (plain && i == res->kept)
			i = res->kept = rx_settle_run(b, sk, vec, i, got);
		if (unlikely(i < got)) {
			res->kept += cop_rx_settle_odd(b, sk, fd, vec, i, flags,
						       res);
			i++;
		}
	}
}

/* Strays that a receive with MSG_PEEK has seen are still first in the queue. */
static void strays_left(struct sock *sk, int fd, int flags, unsigned int kept)
{
	cop_poll(sk, fd);
	if (cop_confined() && flags & MSG_PEEK && !kept)
		cop_rx_discard(fd);
}

static inline int rx_call(struct rx_batch *b, struct sock *sk, int fd,
			  struct mmsghdr *vec, int flags,
			  struct timespec *timeout, struct cop_rx_result *res)
{
	int got;

	b->serial = cop_rx_serial;
	b->gen = READ_ONCE(cop_sk(sk)->flows.gen);
	got = cop_libc_result(cop_libc.recvmmsg(fd, b->vec, b->n,
						flags | MSG_TRUNC, timeout));
	if (likely(got > 0))
		rx_settle(b, sk, fd, vec, got, flags, res);
	if (got > 0 && unlikely(res->kept < (unsigned int)got) && !res->closed)
		strays_left(sk, fd, flags, res->kept);
	if (got < (int)b->n)
		cop_rx_export_fault(b, vec, got > 0 ? got : 0, res->kept);
	return got;
}

static inline int rx_fill_and_call(struct rx_batch *b, struct sock *sk, int fd,
				   struct mmsghdr *vec, unsigned int n,
				   int flags, struct timespec *timeout,
				   struct cop_rx_result *res)
{
	b->wire = sk_wire(sk);
	rx_fill(b, sk, fd, vec, n);
	res->tried = b->n;
	res->kept = 0;
	res->closed = false;
	return likely(b->n) ? rx_call(b, sk, fd, vec, flags, timeout, res) : 0;
}

static noinline int rx_few(struct sock *sk, int fd, struct mmsghdr *vec,
			   unsigned int n, int flags, struct timespec *timeout,
			   struct cop_rx_result *res)
{
	unsigned char arrays[ARRAYS(COP_FEW_MSGS, COP_FEW_IOVS)]
		__attribute__((aligned(16)));
	struct rx_batch b = { .pack = NULL };

	rx_place(&b, arrays, COP_FEW_MSGS, COP_FEW_IOVS);
	return rx_fill_and_call(&b, sk, fd, vec, n, flags, timeout, res);
}

/* A confined process trusts the kernel alone to find memory that can't be written. */
static inline bool rx_packs(const struct sock *sk, int flags)
{
	return !(flags & (MSG_PEEK | MSG_TRUNC)) && sk_wire(sk) == &cop_wire &&
	       !cop_confined();
}

flatten int cop_rx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
			 unsigned int n, int flags, struct timespec *timeout,
			 struct cop_rx_result *res)
{
	const bool packs = n >= COP_PACK_MIN && rx_packs(sk, flags);
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer = NULL;
	struct rx_batch b;
	int got;

	if (likely(packs) || n > COP_FEW_MSGS)
		buffer = cop_buffer_get();
	if (unlikely(!buffer))
		return rx_few(sk, fd, vec, n, flags, timeout, res);
	b.pack = packs ? buffer->data : NULL;
	rx_place(&b, buffer->arrays, COP_BATCH_MSGS, COP_BATCH_IOVS);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	got = rx_fill_and_call(&b, sk, fd, vec, n, flags, timeout, res);
	_pthread_cleanup_pop(&cleanup, 1);
	return got;
}
