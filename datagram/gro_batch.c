// SPDX-License-Identifier: MIT
/*
 * datagram/gro_batch.c - many receives of joined datagrams by one system call.
 *
 * The kernel receives into an array of ours, as in rx_batch.c. Only messages whose room
 * is enough for every datagram with all of its headers are in it.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * do_recvmmsg() in net/socket.c, one round of its loop.
 */
#include <errno.h>
#include <pthread.h>

#include "datagram/gro.h"
#include "datagram/gro_batch.h"
#include "datagram/gro_option.h"
#include "datagram/joined.h"
#include "datagram/rx.h"
#include "datagram/strays.h"
#include "filter/filter.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/buffer.h"
#include "wire/encap.h"
#include "wire/ends.h"
#include "wire/owner.h"
#include "wire/stray.h"

/* So much fits into a buffer, and so much is on the stack: see batch.h. */
#define MSGS	 16
#define IOVS	 64
#define FEW_MSGS 2
#define FEW_IOVS 8

struct gro_batch {
	struct sock *sk;
	int fd;
	unsigned int n;
	unsigned int iovs; /* in use */
	uint32_t serial;
	uint16_t gen;

	unsigned int msgs_max, iovs_max; /* that the arrays have room for */
	struct mmsghdr *vec;
	struct msghdr *asked; /* as the program gave it */
	struct iovec *iov;
	char (*control)[COP_GRO_CONTROL];
	union cop_addr *from; /* if the program does not ask */
	unsigned char (*head)[COP_HDR_MAX];
};

/* Bytes of the arrays. */
#define ARRAYS(msgs, iovs)                                                   \
	((msgs) * (sizeof(struct mmsghdr) + sizeof(struct msghdr) +          \
		   COP_GRO_CONTROL + sizeof(union cop_addr) + COP_HDR_MAX) + \
	 (iovs) * sizeof(struct iovec))

_Static_assert(ARRAYS(MSGS, IOVS) <= COP_BUFFER_ARRAYS,
	       "a buffer has room for the arrays");

static void place(struct gro_batch *b, void *arrays, unsigned int msgs,
		  unsigned int iovs)
{
	b->msgs_max = msgs;
	b->iovs_max = iovs;
	b->vec = arrays;
	b->asked = (struct msghdr *)(b->vec + msgs);
	b->iov = (struct iovec *)(b->asked + msgs);
	b->control = (char(*)[COP_GRO_CONTROL])(b->iov + iovs);
	b->from = (union cop_addr *)(b->control + msgs);
	b->head = (unsigned char(*)[COP_HDR_MAX])(b->from + msgs);
}

/*
 * Whether the kernel can't meet a fault in a message, and has room for every datagram. The
 * iovecs are copied to where add() has them: what counts is how long they are there.
 */
static bool fits(struct gro_batch *b, const struct mmsghdr *umsg,
		 struct msghdr *msg)
{
	const ssize_t room = COP_DATAGRAM_MAX - sk_wire(b->sk)->hlen;
	ssize_t cap;

	if (!user_writable(umsg, sizeof(*umsg)) ||
	    msg_import(b->fd, msg, &umsg->msg_hdr))
		return false;
	cap = cop_iov_length(b->fd, msg);
	return cap >= room && msg->msg_iovlen < b->iovs_max - b->iovs &&
	       (likely(msg->msg_iovlen == 1) || cop_gro_can_write(msg, cap)) &&
	       cop_iov_take(b->iov + b->iovs + 1, msg) >= (size_t)room &&
	       (!msg->msg_name ||
		(msg->msg_namelen >= cop_addr_size(b->sk->sk_family) &&
		 user_writable(msg->msg_name, msg->msg_namelen)));
}

static void add(struct gro_batch *b, const struct msghdr *msg)
{
	struct msghdr *whole = &b->vec[b->n].msg_hdr;

	b->asked[b->n] = *whole = *msg;
	if (!whole->msg_name) {
		whole->msg_name = &b->from[b->n];
		whole->msg_namelen = sizeof(b->from[b->n]);
	}
	if (cop_gro_controls_apart(msg)) {
		whole->msg_control = b->control[b->n];
		whole->msg_controllen = COP_GRO_CONTROL;
	}
	whole->msg_iov = b->iov + b->iovs;
	whole->msg_iovlen = msg->msg_iovlen + 1;
	b->iov[b->iovs++] = cop_wire_head(sk_wire(b->sk), b->head[b->n]);
	b->asked[b->n].msg_iov = b->iov + b->iovs;
	b->iovs += msg->msg_iovlen;
	b->n++;
}

static void fill(struct gro_batch *b, const struct mmsghdr *vec, unsigned int n)
{
	struct msghdr msg;

	n = min_t(unsigned int, n, b->msgs_max);
	for (unsigned int i = 0; i < n; i++) {
		if (!fits(b, &vec[i], &msg))
			return;
		add(b, &msg);
	}
}

/* Makes message @i, which is in order, the program's message @at. Returns 0 or -EFAULT. */
static int export(struct gro_batch *b, unsigned int i, unsigned int at,
		  struct mmsghdr *umsg, const struct cop_rx *rx)
{
	const struct msghdr *whole = &b->vec[i].msg_hdr;
	struct msghdr *msg = &b->asked[at];

	if (unlikely(i != at))
		cop_iov_move(msg->msg_iov, 0, b->asked[i].msg_iov, 0,
			     rx->copied);
	if (unlikely(i != at) &&
	    copy_to_user(msg->msg_name, whole->msg_name,
			 msg->msg_name ? cop_addr_size(b->sk->sk_family) : 0))
		return -EFAULT;
	if (unlikely(i != at) || whole->msg_control == b->control[i]) {
		cop_put_control(whole, msg);
	} else {
		msg->msg_controllen = whole->msg_controllen;
		msg->msg_flags = whole->msg_flags;
	}
	if (msg->msg_name)
		umsg->msg_hdr.msg_namelen = whole->msg_namelen;
	umsg->msg_hdr.msg_controllen = msg->msg_controllen;
	umsg->msg_hdr.msg_flags = msg->msg_flags;
	umsg->msg_len = rx->copied;
	return 0;
}

static bool is_stray(struct gro_batch *b, const struct joined *j,
		     const struct cop_rx *rx)
{
	if (likely(rx->stray == COP_NO_STRAY) || !cop_may_own(b->sk, b->fd) ||
	    cop_rx_is_notice(b->sk, b->fd, j->name, j->namelen, rx))
		return false;
	cop_rx_stray(b->sk, b->fd, rx->stray, j->name, j->namelen);
	return true;
}

/*
 * The kernel has received message @i of the batch. Makes it the program's message @at.
 * Returns false for a stray.
 */
static bool settle(struct gro_batch *b, struct mmsghdr *vec, unsigned int i,
		   unsigned int at)
{
	struct msghdr *whole = &b->vec[i].msg_hdr;
	struct cop_rx rx = { .serial = b->serial, .gen = b->gen };
	struct joined j = { .sk = b->sk,
			    .fd = b->fd,
			    .iov = whole->msg_iov,
			    .n = b->vec[i].msg_len,
			    .got = b->vec[i].msg_len,
			    .cap = COP_DATAGRAM_MAX,
			    .name = whole->msg_name,
			    .namelen = min_t(socklen_t, whole->msg_namelen,
					     sizeof(struct sockaddr_storage)) };

	cop_gro_settle(&j, whole, 0, &rx);
	if (is_stray(b, &j, &rx) || export(b, i, at, &vec[at], &rx))
		return false;
	if (rx.joined) {
		b->serial = j.seg.serial;
	} else if (likely(rx.stray == COP_NO_STRAY)) {
		rx.now = cop_clock_us();
		cop_rx_account(b->sk, j.name, j.namelen, &rx);
		b->serial++;
	}
	return true;
}

static int fill_and_call(struct gro_batch *b, struct mmsghdr *vec,
			 unsigned int n, int flags, struct timespec *timeout,
			 struct cop_rx_result *res)
{
	int got;

	fill(b, vec, n);
	res->tried = b->n;
	res->kept = 0;
	if (!b->n)
		return 0;
	b->serial = cop_rx_serial;
	b->gen = READ_ONCE(cop_sk(b->sk)->flows.gen);
	got = cop_libc_result(
		cop_libc.recvmmsg(b->fd, b->vec, b->n, flags, timeout));
	if (got == -EAGAIN)
		cop_gro_note_empty(b->sk, b->fd);
	for (int i = 0; i < got; i++)
		res->kept += settle(b, vec, i, res->kept);
	if (got > 0 && res->kept < (unsigned int)got)
		cop_poll(b->sk, b->fd);
	return got;
}

static noinline int few(struct gro_batch *b, struct mmsghdr *vec,
			unsigned int n, int flags, struct timespec *timeout,
			struct cop_rx_result *res)
{
	unsigned char arrays[ARRAYS(FEW_MSGS, FEW_IOVS)]
		__attribute__((aligned(16)));

	place(b, arrays, FEW_MSGS, FEW_IOVS);
	return fill_and_call(b, vec, n, flags, timeout, res);
}

int cop_gro_batch(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		  int flags, struct timespec *timeout,
		  struct cop_rx_result *res)
{
	struct gro_batch b = { .sk = sk, .fd = fd };
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer = n > FEW_MSGS ? cop_buffer_get() : NULL;
	int got;

	if (!buffer)
		return few(&b, vec, n, flags, timeout, res);
	place(&b, buffer->arrays, MSGS, IOVS);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	got = fill_and_call(&b, vec, n, flags, timeout, res);
	_pthread_cleanup_pop(&cleanup, 1);
	return got;
}
