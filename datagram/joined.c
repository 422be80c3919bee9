// SPDX-License-Identifier: MIT
/*
 * datagram/joined.c - several datagrams that the kernel has joined: takes the headers
 * out, so that the payloads come one behind another.
 *
 * Joined datagrams are of one sender and of one length; the last may be shorter. All of
 * them lie in one array of iovecs, in which headers and payloads alternate. Payloads move
 * to the front of it.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has memory of its own.
 * Counterpart in the kernel: __udp_gso_segment() in net/ipv4/udp_offload.c.
 */
#include <string.h>

#include "datagram/joined.h"
#include "datagram/rx_short.h"
#include "flow/arrivals.h"
#include "flow/run.h"
#include "lib/atomic.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/iov.h"
#include "wire/encap.h"
#include "wire/owner.h"
#include "wire/stray.h"

/* Describes the datagram at byte @off. Returns false if its header is not there. */
static bool look_at(const struct joined *j, size_t off, struct cop_rx *seg)
{
	const struct cop_wire *wire = sk_wire(j->sk);
	const size_t len = min_t(size_t, j->step, j->n - off),
		     hlen = min_t(size_t, len, wire->hlen);
	unsigned char head[COP_HDR_MAX] __attribute__((aligned(4)));
	const struct iovec to = { head, sizeof(head) };

	if (off + hlen > j->got)
		return false;
	cop_iov_move(&to, 0, j->iov, off, hlen);
	seg->stray = cop_wire_check(wire, head, len, &seg->hdr);
	seg->len = len;
	if (seg->stray == COP_NO_STRAY)
		seg->len -= seg->hdr.len;
	return true;
}

/*
 * There was no room for a header, since the program has no room for the payload. It is
 * taken for the one that follows the header before it.
 */
static void guess_next(const struct joined *j, size_t off, struct cop_rx *seg)
{
	const struct cop_wire *wire = sk_wire(j->sk);
	const size_t len = min_t(size_t, j->step, j->n - off);

	seg->hdr = j->last;
	seg->hdr.first = false;
	seg->hdr.len = wire->hlen;
	seg->hdr.seq =
		(seg->hdr.seq + 1) & (UINT32_MAX >> cop_wire_narrow(wire));
	seg->stray = len < wire->hlen ? COP_STRAY_SHORT : COP_NO_STRAY;
	seg->len = len - min_t(size_t, len, wire->hlen);
}

/*
 * The control message tells one length, so only the last payload can be shorter. An
 * empty one can't be shown behind others.
 */
static bool can_show(struct joined *j, size_t len)
{
	if (!j->taken)
		j->size = len;
	else if (j->ended || !len || len > j->size)
		return false;
	j->ended = len < j->size || !len;
	return true;
}

static void move_payload(struct joined *j, size_t off, struct cop_rx *seg)
{
	const size_t at = off + seg->hdr.len, room = j->cap - j->copied,
		     there = j->got > at ? j->got - at : 0;

	seg->copied = min_t(size_t, seg->len, min_t(size_t, room, there));
	if (at != sk_wire(j->sk)->hlen + j->copied)
		cop_iov_move(j->iov + 1, j->copied, j->iov, at, seg->copied);
	j->copied += seg->copied;
}

/* Takes the datagram that j->seg describes. */
static void take(struct joined *j, size_t off)
{
	struct cop_rx *seg = &j->seg;

	j->last = seg->hdr;
	seg->copied = 0;
	if (!j->cut && can_show(j, seg->len)) {
		j->taken++;
		move_payload(j, off, seg);
	} else {
		j->cut = true;
	}
	j->len += seg->len;
	if (j->flags & MSG_PEEK)
		return;
	cop_rx_account_from(j->sk, sk_wire(j->sk), false, &j->from, seg,
			    &seg->hdr);
	seg->serial++;
}

static void drop_stray(const struct joined *j, const struct cop_rx *seg)
{
	if (!(j->flags & MSG_PEEK))
		cop_rx_stray(j->sk, j->fd, seg->stray, j->name, j->namelen);
}

/* ---- nearly all datagrams -------------------------------------------------------- */

/*
 * Whether the datagrams behind the first one, which was taken, may be plain: their headers
 * and payloads lie in one piece, and there is room for all payloads.
 */
static bool may_be_plain(const struct joined *j)
{
	return sk_wire(j->sk) == &cop_wire && !(j->flags & MSG_PEEK) &&
	       j->taken == 1 && j->last.len == COP_HLEN && !j->ended &&
	       !j->cut && j->copied == j->size && j->got == j->n &&
	       cop_peer_is_known(&j->from) &&
	       j->n - COP_HLEN <= min_t(size_t, j->cap, j->iov[1].iov_len) &&
	       j->seg.gen == READ_ONCE(cop_sk(j->sk)->flows.gen);
}

/* Of the datagram at byte @off, which is not the first one. */
static size_t payload_at(const struct joined *j, size_t off)
{
	return min_t(size_t, j->step, j->n - off) - COP_HLEN;
}

/*
 * Counts the datagrams from byte @off on that have the next numbers of the flow of the one
 * before. The caller holds the lock of the flows. Returns the byte where they end.
 */
static size_t count_locked(struct joined *j, size_t off)
{
	const unsigned char *wire = j->iov[1].iov_base;
	struct cop_flow_run run;
	struct cop_hdr_info hdr;
	struct cophdr head;

	if (!cop_flow_run_begin(&run, &cop_sk(j->sk)->flows, j->from.word,
				j->seg.now))
		return off;
	for (; off < j->n; off += j->step) {
		if (j->n - off <= COP_HLEN)
			break;
		memcpy(&head, wire + off - COP_HLEN, sizeof(head));
		if (cop_hdr_plain(&head, j->step) < 0)
			break;
		hdr = cop_hdr_read(&head);
		if (hdr.first || !cop_flow_run_next(&run, hdr.seq, hdr.tstamp,
						    payload_at(j, off)))
			break;
		if (cop_rx_ports_differ(j->sk, &j->from, &hdr))
			u32_add(&cop_sk(j->sk)->count.port_mismatch, 1);
		j->last = hdr;
	}
	cop_flow_run_end(&run);
	j->seg.serial += run.n;
	return off;
}

static size_t count_plain(struct joined *j, size_t off)
{
	struct cop_flows *flows = &cop_sk(j->sk)->flows;
	struct flow_table *table =
		atomic_load_explicit(&flows->table, memory_order_acquire);

	if (!table || !cop_flow_trylock(flows, table))
		return off;
	off = count_locked(j, off);
	cop_flow_unlock(flows);
	return off;
}

/*
 * Takes plain datagrams behind the first one: the lock of the flows is taken once. Returns
 * the byte where they end.
 */
static size_t take_plain(struct joined *j, size_t off)
{
	struct cop_counters *count = &cop_sk(j->sk)->count;
	const unsigned int taken = j->taken;
	const size_t end = count_plain(j, off), before = j->copied;
	unsigned char *payload = j->iov[1].iov_base;

	for (; off < end; off += j->step) {
		const size_t len = payload_at(j, off);

		memmove(payload + j->copied, payload + off, len);
		j->copied += len;
		j->taken++;
		j->ended = len < j->size;
	}
	j->len += j->copied - before;
	u32_count(&count->rx_datagrams, j->taken - taken, one_thread());
	u64_count(&count->rx_bytes, j->copied - before, one_thread());
	return off;
}

static void take_all(struct joined *j)
{
	for (size_t off = 0; off < j->n; off += j->step) {
		if (off == j->step && likely(may_be_plain(j)))
			off = take_plain(j, off);
		if (off >= j->n)
			return;
		if (!look_at(j, off, &j->seg)) {
			if (!j->taken)
				return;
			guess_next(j, off, &j->seg);
		}
		if (likely(j->seg.stray == COP_NO_STRAY))
			take(j, off);
		else
			drop_stray(j, &j->seg);
	}
}

static bool has_good_one(const struct joined *j)
{
	struct cop_rx seg;

	for (size_t off = 0; off < j->n && look_at(j, off, &seg);
	     off += j->step)
		if (seg.stray == COP_NO_STRAY)
			return true;
	return false;
}

/* All are strays. The first one is left to the caller. */
static void drop_behind_first(const struct joined *j)
{
	struct cop_rx seg;

	for (size_t off = j->step; off < j->n && look_at(j, off, &seg);
	     off += j->step)
		drop_stray(j, &seg);
}

/*
 * Whether joined datagrams are for the program. If all of them are strays, they are one
 * stray to the caller. If the descriptor is another socket by now, that one gets what
 * came as it came.
 */
bool cop_joined_is_for_program(const struct joined *j, enum cop_stray *why)
{
	struct cop_rx first;

	look_at(j, 0, &first);
	*why = first.stray;
	if (likely(first.stray == COP_NO_STRAY))
		return true;
	if (!cop_may_own(j->sk, j->fd))
		return false;
	if (has_good_one(j))
		return true;
	drop_behind_first(j);
	return false;
}

void cop_unjoin(struct joined *j, struct cop_rx *rx)
{
	j->from = cop_peer_of(j->name, j->namelen);
	j->seg = *rx;
	j->seg.now = cop_clock_us();
	take_all(j);
	rx->stray = COP_NO_STRAY;
	rx->hdr = j->last;
	rx->hdr.len = sk_wire(j->sk)->hlen;
	rx->len = j->len;
	rx->copied = j->copied;
	rx->joined = true;
}

/* ---- where one datagram ends -------------------------------------------------------- */

/* The most numbers between two datagrams that are joined, if others were lost. */
#define GAP_MAX 4096

/* Whether @b can be a later datagram of the flow of @a. */
static bool follows(const struct cop_wire *wire, const struct cop_hdr_info *a,
		    const struct cop_hdr_info *b)
{
	if (wire->has & COP_HAS_PORTS &&
	    (a->source != b->source || a->dest != b->dest))
		return false;
	return !(wire->has & COP_HAS_SEQ) ||
	       ((b->seq - a->seq) & (UINT32_MAX >> cop_wire_narrow(wire))) - 1 <
		       GAP_MAX;
}

/* Whether datagrams of @j->step bytes follow each other. */
static bool all_follow(const struct joined *j)
{
	struct cop_rx before, seg;

	look_at(j, 0, &before);
	if (before.stray != COP_NO_STRAY) /* options are longer than that */
		return false;
	for (size_t off = j->step; off < j->n && look_at(j, off, &seg);
	     off += j->step) {
		if (seg.stray != COP_NO_STRAY ||
		    !follows(sk_wire(j->sk), &before.hdr, &seg.hdr))
			return false;
		before = seg;
	}
	return true;
}

/*
 * The kernel tells the length of joined datagrams only as long as UDP_GRO is set. If the
 * program turns it off, the headers tell the length of joined datagrams in the queue.
 */
noinline size_t cop_joined_step(struct joined *j)
{
	const size_t hlen = sk_wire(j->sk)->hlen;
	struct cop_rx first;

	j->step = j->n;
	if (!look_at(j, 0, &first) || first.stray != COP_NO_STRAY)
		return j->n;
	for (j->step = hlen; j->step + hlen <= min_t(size_t, j->n, j->got);
	     j->step++)
		if (all_follow(j))
			return j->step;
	return j->n;
}
