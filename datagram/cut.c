// SPDX-License-Identifier: MIT
/*
 * datagram/cut.c - sends that the program wants to be cut into datagrams (UDP_SEGMENT,
 * as a socket option or a control message). Each piece gets its header and its number,
 * and the kernel cuts behind each piece.
 *
 * Owns: SOCK_SEGMENTS, and the size in struct cop_segmenting. Protected by: atomic
 * accesses. Counterpart in the kernel: udp_send_skb() in net/ipv4/udp.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "datagram/cut.h"
#include "datagram/cut_pack.h"
#include "datagram/pieces.h"
#include "datagram/segments.h"
#include "datagram/soft_error.h"
#include "datagram/tx.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/sysctl.h"
#include "lib/uaccess.h"
#include "wire/bounce.h"
#include "wire/buffer.h"
#include "wire/encap.h"

/* The most bytes of the program's own control messages. */
#define CONTROL_MAX	4096

#define PIECES_ON_STACK 16

/* ---- the size ------------------------------------------------------------------ */

static void note_size(struct sock *sk, int size)
{
	WRITE_ONCE(cop_sk(sk)->segmenting.size, size);
	if (size)
		sock_set_flag(sk, SOCK_SEGMENTS);
	else
		sock_reset_flag(sk, SOCK_SEGMENTS);
}

void cop_cut_note(struct sock *sk, int fd)
{
	socklen_t len = sizeof(int);
	int size;

	if (!cop_confined() &&
	    !cop_libc.getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len))
		note_size(sk, size);
}

int cop_cut_set(struct sock *sk, int fd, const void *optval, socklen_t optlen)
{
	int err, size;

	if (!sk_wire(sk)->segments)
		return -ENOPROTOOPT;
	err = cop_libc_result(cop_libc.setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT,
						  optval, optlen));
	if (err)
		return err;
	memcpy(&size, optval, sizeof(size));
	note_size(sk, size);
	return 0;
}

static bool can_read_control(int fd, const struct msghdr *msg)
{
	return msg->msg_controllen <=
		       (size_t)READ_ONCE(cop_sysctl.optmem_max) &&
	       user_readable(fd, msg->msg_control, msg->msg_controllen);
}

static bool has_number(const struct msghdr *msg, const struct cmsghdr *cmsg)
{
	return (const char *)CMSG_DATA(cmsg) + sizeof(uint16_t) <=
	       (const char *)msg->msg_control + msg->msg_controllen;
}

/* A size that no payload exceeds. 0, in a control message, means the same. */
#define NEVER UINT16_MAX

/* The last size counts. */
static int size_in_control(const struct msghdr *msg, int size)
{
	struct cmsghdr *cmsg;
	uint16_t value;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)msg, cmsg)) {
		if (cmsg->cmsg_level != IPPROTO_UDP)
			continue;
		if (!cop_cut_is_size(cmsg) || !has_number(msg, cmsg))
			return -EINVAL;
		memcpy(&value, CMSG_DATA(cmsg), sizeof(value));
		size = value ?: NEVER;
	}
	return size;
}

int cop_cut_size_of(struct sock *sk, int fd, const struct msghdr *msg)
{
	int size = READ_ONCE(cop_sk(sk)->segmenting.size);

	if (msg->msg_controllen && can_read_control(fd, msg))
		size = size_in_control(msg, size);
	if (size == NEVER)
		return 0;
	if (size > 0 && !sk_wire(sk)->segments)
		return -EIO;
	return size;
}

/* ---- the pieces ---------------------------------------------------------------- */

/* The program's iovecs, from byte *@off of **@from on. Returns how many go to @to. */
static unsigned int take_iovecs(struct iovec *to, const struct iovec **from,
				size_t *off, size_t len)
{
	unsigned int n = 0;

	while (len) {
		const struct iovec *iov = *from;
		const size_t part = min_t(size_t, iov->iov_len - *off, len);

		if (part)
			to[n++] = (struct iovec){ (char *)iov->iov_base + *off,
						  part };
		*off += part;
		len -= part;
		if (*off == iov->iov_len) {
			(*from)++;
			*off = 0;
		}
	}
	return n;
}

static ssize_t send_one(const struct cop_pieces *p, const struct msghdr *msg)
{
	return cop_libc_result(cop_libc.sendmsg(p->cut.fd, msg, p->cut.flags));
}

/*
 * Whether the second of two sends might have to wait, and must not. With less than half
 * of SO_SNDBUF in use the kernel takes both.
 */
static bool is_too_early(const struct cop_pieces *p)
{
	struct pollfd room = { .fd = p->cut.fd, .events = POLLOUT };

	if (cop_confined() || cop_libc.poll(&room, 1, 0))
		return false;
	return p->cut.flags & MSG_DONTWAIT ||
	       cop_libc.fcntl(p->cut.fd, F_GETFL, 0) & O_NONBLOCK;
}

/* The first send must not leave if the second one would be EFAULT. */
static bool can_read(const struct cop_pieces *p, const struct msghdr *msg)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		if (!user_readable(p->cut.fd, msg->msg_iov[i].iov_base,
				   msg->msg_iov[i].iov_len))
			return false;
	return true;
}

/*
 * With its headers the send may be too long for the kernel although the payload is not.
 * Then it is two. The second one may meet an ICMP error of the first, which is for the
 * program's next call. If the kernel refuses the second one for another reason, its
 * datagrams are sent for the program, and lost.
 */
static ssize_t send_two(const struct cop_pieces *p, const struct msghdr *whole,
			size_t first_iovs)
{
	struct msghdr first = *whole, second = *whole;
	ssize_t sent;

	first.msg_iovlen = first_iovs;
	second.msg_iov += first_iovs;
	second.msg_iovlen -= first_iovs;
	if (unlikely(!can_read(p, &second)))
		return send_one(p, &second); /* its error is that of both */
	if (is_too_early(p))
		return -EAGAIN;
	sent = send_one(p, &first);
	if (sent < 0)
		return sent;
	sent = send_one(p, &second);
	if (sent < 0 && cop_is_from_icmp(sent)) {
		cop_soft_error_set(p->cut.sk, sent);
		send_one(p, &second);
	}
	return p->cut.len;
}

/*
 * All pieces have @tx, each with a number of its own. So the stack of a thread of
 * PTHREAD_STACK_MIN is large enough.
 */
static void settle(const struct cop_pieces *p, struct cop_tx *tx,
		   const uint64_t *seq, ssize_t sent)
{
	for (unsigned int i = p->n; i-- > 0;) {
		tx->seq = seq[i];
		tx->payload = cop_piece_length(p, i);
		p->cut.end(p->cut.sk, tx,
			   sent < 0 ? sent : (ssize_t)tx->payload);
	}
}

static ssize_t send_from(const struct cop_pieces *p, unsigned char *room)
{
	const unsigned int most = cop_pieces_at_once(p);
	const struct cop_piece_arrays a = cop_pieces_place(p, room);
	const struct iovec *from = p->cut.msg->msg_iov;
	const uint64_t now = cop_clock_us();
	struct msghdr whole = *p->cut.msg;
	size_t off = 0, iovs = 0, first_iovs = 0;
	struct cop_tx tx;
	ssize_t sent;

	for (unsigned int i = 0; i < p->n; i++) {
		const size_t len = cop_piece_length(p, i);
		unsigned char *hdr = a.hdr + i * a.stride;

		p->cut.begin(p->cut.sk, whole.msg_name, whole.msg_namelen, len,
			     now, &tx, hdr);
		a.seq[i] = tx.seq;
		a.iov[iovs++] = (struct iovec){ hdr, p->hlen };
		iovs += take_iovecs(a.iov + iovs, &from, &off, len);
		if (i + 1 == most)
			first_iovs = iovs;
	}
	cop_cut_control(p->cut.msg, p->step, a.control);
	whole.msg_iov = a.iov;
	whole.msg_iovlen = iovs;
	whole.msg_control = a.control;
	whole.msg_controllen = COP_CUT_CONTROL + p->cut.msg->msg_controllen;
	if (likely(most == p->n))
		sent = send_one(p, &whole);
	else
		sent = send_two(p, &whole, first_iovs);
	settle(p, &tx, a.seq, sent);
	return sent < 0 ? sent : (ssize_t)p->cut.len;
}

static noinline ssize_t send_on_stack(const struct cop_pieces *p)
{
	unsigned char room[cop_pieces_size(p)] __attribute__((aligned(16)));

	return send_from(p, room);
}

/* The smallest stack of a thread has room for few pieces beside a signal. */
static ssize_t send_pieces(const struct cop_pieces *p)
{
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer =
		p->n > PIECES_ON_STACK ? cop_buffer_get() : NULL;
	ssize_t sent;

	if (!buffer)
		return send_on_stack(p);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	sent = send_from(p, buffer->data);
	_pthread_cleanup_pop(&cleanup, 1);
	return sent;
}

static ssize_t refuse(const struct cop_pieces *p)
{
	static const unsigned char hdr[COP_HDR_MAX];

	return cop_encap_refuse(sk_wire(p->cut.sk), p->cut.fd, hdr, p->cut.msg,
				p->cut.flags, p->cut.len);
}

/* More iovecs than fit on a stack: their bytes go to a buffer. */
static ssize_t send_gathered(struct cop_pieces *p, void *buf)
{
	struct iovec iov = { buf, p->cut.len };
	struct msghdr one = *p->cut.msg;

	if (cop_payload_fetch(p->cut.fd, p->cut.msg, buf, p->cut.len))
		return refuse(p);
	one.msg_iov = &iov;
	one.msg_iovlen = 1;
	p->cut.msg = &one;
	return send_pieces(p);
}

static noinline ssize_t send_bounced(struct cop_pieces *p)
{
	struct _pthread_cleanup_buffer cleanup;
	void *buf = cop_bounce_map();
	ssize_t n;

	if (!buf)
		return -ENOBUFS;
	_pthread_cleanup_push(&cleanup, cop_bounce_unmap, buf);
	n = send_gathered(p, buf);
	_pthread_cleanup_pop(&cleanup, 1);
	return n;
}

/*
 * The program's iovecs are read once more. Another thread may have changed them, but the
 * kernel must not cut at other places than between our pieces.
 */
static ssize_t send_copied(struct cop_pieces *p)
{
	struct iovec own[p->cut.msg->msg_iovlen];
	struct msghdr msg = *p->cut.msg;
	size_t len = 0;

	if (msg.msg_iovlen)
		memcpy(own, msg.msg_iov, sizeof(own));
	for (size_t i = 0; i < msg.msg_iovlen; i++)
		len += min_t(size_t, own[i].iov_len, COP_DATAGRAM_MAX);
	if (len < p->cut.len)
		return -EFAULT;
	msg.msg_iov = own;
	p->cut.msg = &msg;
	return send_pieces(p);
}

/*
 * Most sends go to the kernel in one piece. Returns 0 if this one can't: a send that is to
 * be cut has a payload.
 */
static ssize_t send_packed(const struct cop_cut *cut)
{
	struct cop_buffer *buffer = cop_confined() ? NULL : cop_buffer_get();
	struct _pthread_cleanup_buffer cleanup;
	struct cop_cut_pack pack;
	ssize_t n = 0;

	if (unlikely(!buffer))
		return 0;
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	if (likely(cop_cut_pack(&pack, cut, buffer->data, COP_DATAGRAM_MAX))) {
		n = cop_libc_result(
			cop_libc.sendmsg(cut->fd, &pack.whole, cut->flags));
		n = cop_cut_packed(&pack, cut, n);
	}
	_pthread_cleanup_pop(&cleanup, 1);
	return n;
}

/* The kernel refuses control messages that it can't read, or that are too long. */
ssize_t cop_cut_send(const struct cop_cut *cut)
{
	struct cop_pieces p = { .cut = *cut, .hlen = sk_wire(cut->sk)->hlen };
	const size_t controllen = cut->msg->msg_controllen;
	ssize_t n;

	p.cut.flags &= ~COP_MSG_FILE;
	if (controllen && !can_read_control(cut->fd, cut->msg))
		return refuse(&p);
	if (cut->len > cut->most)
		return refuse(&p);
	if (controllen > CONTROL_MAX)
		return -ENOBUFS;
	n = send_packed(&p.cut);
	if (likely(n))
		return n;
	cop_pieces_count(&p);
	if (cut->msg->msg_iovlen > COP_IOV_ON_STACK)
		return send_bounced(&p);
	return send_copied(&p);
}
