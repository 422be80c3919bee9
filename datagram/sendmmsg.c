// SPDX-License-Identifier: MIT
/*
 * datagram/sendmmsg.c - many datagrams out by one call of the program: batches of two
 * kinds, and what goes by itself.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __sys_sendmmsg() in net/socket.c.
 */
#include <errno.h>
#include <limits.h>

#include "datagram/batch.h"
#include "datagram/cut_batch.h"
#include "datagram/proto.h"
#include "datagram/tx_batch.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/msghdr.h"
#include "wire/encap.h"

/* The kernel stops behind a probe with a payload, since it sends less than asked. */
static int tx_single(struct sock *sk, int fd, struct mmsghdr *vec, int flags,
		     unsigned int *tried)
{
	struct msghdr msg;
	ssize_t n = cop_tx_import(fd, &msg, vec);

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

/* Sends that are to be cut are no part of a batch: several of them make another one. */
static int tx_many(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		   int flags, unsigned int *tried)
{
	int sent = cop_tx_batch(sk, fd, vec, n, flags, tried);

	if (unlikely(!*tried) && n > 1)
		sent = cop_cut_batch(sk, fd, vec, n, flags, tried);
	return sent;
}

int cop_sendmmsg(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags)
{
	const uint16_t gen = READ_ONCE(cop_sk(sk)->flows.gen);
	unsigned int done = 0, tried;
	int err = 0;

	n = min_t(unsigned int, n, IOV_MAX);
	if (!n)
		return msg_refuse(fd, 0);
	while (done < n) {
		if (unlikely(done) && cop_batch_is_elsewhere(sk, fd, gen))
			return done;
		tried = 0;
		if (!tx_one_by_one(sk, flags))
			err = tx_many(sk, fd, vec + done, n - done, flags,
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
