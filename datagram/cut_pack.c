// SPDX-License-Identifier: MIT
/*
 * datagram/cut_pack.c - a send that is to be cut, with all of its headers, in one piece.
 *
 * The kernel takes longer for two iovecs for each datagram than a copy takes. The datagrams
 * of a send get their numbers at once.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * ip_generic_getfrag().
 */
#include <string.h>

#include "datagram/cut_pack.h"
#include "datagram/pieces.h"
#include "datagram/tx_short.h"
#include "flow/flow.h"
#include "lib/compiler.h"
#include "lib/iov.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

/* A send of more iovecs is not packed. */
#define IOVS 8

/*
 * Ours comes first. The program's own may have other sizes: all of them become ours,
 * since the last one counts.
 */
void cop_cut_control(const struct msghdr *msg, unsigned int step, void *control)
{
	const uint16_t value = min_t(unsigned int, step, UINT16_MAX);
	struct msghdr all = { .msg_control = control,
			      .msg_controllen =
				      COP_CUT_CONTROL + msg->msg_controllen };
	struct cmsghdr *cmsg = control;

	memset(control, 0, COP_CUT_CONTROL);
	*cmsg = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(value)),
				  .cmsg_level = IPPROTO_UDP,
				  .cmsg_type = UDP_SEGMENT };
	if (msg->msg_controllen)
		memcpy((char *)control + COP_CUT_CONTROL, msg->msg_control,
		       msg->msg_controllen);
	for (; cmsg; cmsg = CMSG_NXTHDR(&all, cmsg))
		if (cop_cut_is_size(cmsg))
			memcpy(CMSG_DATA(cmsg), &value, sizeof(value));
}

/*
 * Copies the program's iovecs, so that another thread can't change them behind the checks.
 * Returns whether all of the payload is there, and can be read.
 */
static bool take_iovecs(struct iovec *own, const struct cop_cut *cut)
{
	size_t left = cut->len;

	for (size_t i = 0; i < cut->msg->msg_iovlen; i++) {
		own[i] = cut->msg->msg_iov[i];
		own[i].iov_len = min_t(size_t, own[i].iov_len, left);
		if (own[i].iov_len &&
		    !user_readable(cut->fd, own[i].iov_base, own[i].iov_len))
			return false;
		left -= own[i].iov_len;
	}
	return !left;
}

static bool can_pack(const struct cop_cut_pack *p, const struct cop_cut *cut,
		     size_t total, size_t room)
{
	return sk_wire(cut->sk) == &cop_wire && p->n > 1 &&
	       p->n <= COP_PIECES_MAX && cut->msg->msg_iovlen <= IOVS &&
	       cut->msg->msg_controllen <= COP_CUT_PACK_CONTROL &&
	       total <= COP_DATAGRAM_MAX_IPV4 && total <= room;
}

/* Numbers all datagrams but the first one, which has the flow. */
static uint64_t number_others(const struct cop_cut_pack *p, struct sock *sk,
			      uint64_t now)
{
	const size_t len = p->len - p->size;

	if (p->tx.flow == COP_TX_PEER)
		return cop_sent_next_many(&cop_sk(sk)->peer, p->n - 1, len, now,
					  one_thread());
	if (p->tx.flow == COP_TX_TABLE)
		return cop_flow_next_many(&cop_sk(sk)->flows, &p->tx.to,
					  p->n - 1, len, now);
	return 0;
}

static size_t length_of(const struct cop_cut_pack *p, unsigned int i)
{
	return min_t(size_t, p->size, p->len - i * (size_t)p->size);
}

/* Datagram @i of the send, at @at. Its header was built, if it is the first one. */
static void put_payload(const struct cop_cut_pack *p, unsigned int i,
			const struct iovec *own, unsigned char *at)
{
	const size_t off = i * (size_t)p->size, len = length_of(p, i);
	const struct iovec to = { at + COP_HLEN, len };

	if (likely(off + len <= own->iov_len))
		cop_copy(to.iov_base, (char *)own->iov_base + off, len);
	else
		cop_iov_copy(&to, own, off, len);
}

static void put_datagrams(struct cop_cut_pack *p, const struct cop_cut *cut,
			  const struct iovec *own, uint64_t now)
{
	const __be16 source = cop_tx_source(cut->sk), dest = p->tx.to.end.port;
	const uint64_t one = p->tx.flow != COP_TX_NONE;
	unsigned char *at = p->iov.iov_base;
	struct cophdr hdr;

	put_payload(p, 0, own, at);
	for (unsigned int i = 1; i < p->n; i++) {
		at += COP_HLEN + p->size;
		cop_hdr_build(&hdr, source, dest, p->seq + (i - 1) * one, now);
		memcpy(at, &hdr, sizeof(hdr));
		put_payload(p, i, own, at);
	}
}

static void make_message(struct cop_cut_pack *p, const struct cop_cut *cut)
{
	p->whole = *cut->msg;
	p->whole.msg_iov = &p->iov;
	p->whole.msg_iovlen = 1;
	cop_cut_control(cut->msg, COP_HLEN + p->size, p->control);
	p->whole.msg_control = p->control;
	p->whole.msg_controllen = COP_CUT_CONTROL + cut->msg->msg_controllen;
}

size_t cop_cut_pack(struct cop_cut_pack *p, const struct cop_cut *cut,
		    unsigned char *at, size_t room)
{
	const uint64_t now = cop_clock_us();
	struct iovec own[IOVS];
	size_t total;

	p->len = cut->len;
	p->size = cut->size;
	p->n = (p->len + p->size - 1) / p->size;
	total = p->len + p->n * (size_t)COP_HLEN;
	if (unlikely(!can_pack(p, cut, total, room) || !take_iovecs(own, cut)))
		return 0;
	p->iov = (struct iovec){ at, total };
	cut->begin(cut->sk, cut->msg->msg_name, cut->msg->msg_namelen, p->size,
		   now, &p->tx, at);
	p->seq = number_others(p, cut->sk, now);
	put_datagrams(p, cut, own, now);
	make_message(p, cut);
	return total;
}

/* Gives the numbers back, last to first, since only the latest one of a flow can be. */
static noinline ssize_t give_back(const struct cop_cut_pack *p,
				  const struct cop_cut *cut, ssize_t err)
{
	struct cop_tx tx;

	for (unsigned int i = p->n; i-- > 0;) {
		tx = p->tx;
		if (i)
			tx.seq = p->seq + i - 1;
		tx.payload = length_of(p, i);
		cut->end(cut->sk, &tx, err);
	}
	return err;
}

ssize_t cop_cut_packed(const struct cop_cut_pack *p, const struct cop_cut *cut,
		       ssize_t sent)
{
	if (unlikely(sent < 0))
		return give_back(p, cut, sent);
	cop_tx_count_many(cut->sk, p->n, p->len, one_thread());
	return p->len;
}
