// SPDX-License-Identifier: MIT
/*
 * datagram/segments.c - datagrams of a batch that the kernel gets as one send.
 *
 * One send of 32 datagrams costs the kernel a quarter of 32 sends. The program must not
 * notice: it gets the results of 32 sends. So the library looks ahead whether the kernel
 * would take all of them without waiting, and whether an error is pending. Where it
 * can't know, it makes the 32 sends.
 *
 * Owns: struct cop_segmenting of a sock. Protected by: atomic accesses; each field is a
 * guess that may be out of date. Counterpart in the kernel: udp_send_skb() and
 * __udp_gso_segment() in net/ipv4/.
 */
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#include "datagram/proto.h"
#include "datagram/segments.h"
#include "datagram/soft_error.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"

/* A shorter run saves less than the library's look ahead costs. */
#define RUN_MIN 4

/* UDP_MAX_SEGMENTS of the oldest kernel that can do it. */
#define RUN_MAX 64

_Static_assert(COP_BATCH_MSGS <= RUN_MAX, "a batch is no longer than a run");

/* With any other flag the datagrams go one by one. */
#define RUN_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CONFIRM | MSG_DONTROUTE)

/* After so many refusals in a row, 1 << PAUSE_MAX batches go one by one. */
#define PAUSE_MAX 7

/*
 * In a smaller SO_SNDBUF datagrams go one by one. A run takes less memory than its
 * datagrams, so later sends would find more room than those of UDP.
 */
#define SNDBUF_MIN (128 << 10)

/* ---- whether the socket allows it ------------------------------------------- */

/* An option's number, or 0 where the kernel does not know it. */
static int option(int fd, int level, int optname)
{
	struct {
		int value, more;
	} opt = { 0 };
	socklen_t len = sizeof(opt);

	if (cop_libc.getsockopt(fd, level, optname, &opt, &len))
		return 0;
	return opt.value;
}

/*
 * The size that the socket cuts sends into; 0: none; -1 where the kernel does not know
 * UDP_SEGMENT. Such a kernel ignores the control message, too.
 */
static int segment_size(int fd)
{
	socklen_t len = sizeof(int);
	int size = 0;

	if (cop_libc.getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len))
		return -1;
	return size;
}

#define TX_COMPLETION (1 << 18) /* SOF_TIMESTAMPING_TX_COMPLETION, Linux 6.15 */

/*
 * The kernel makes time stamps, and keys for them, once for each send. Without UDP's
 * checksums it makes no segments.
 */
static bool socket_allows(int fd)
{
	const int stamps = SOF_TIMESTAMPING_TX_RECORD_MASK | TX_COMPLETION |
			   SOF_TIMESTAMPING_OPT_ID;

	return !segment_size(fd) && !option(fd, SOL_SOCKET, SO_NO_CHECK) &&
	       !(option(fd, SOL_SOCKET, SO_TIMESTAMPING) & stamps) &&
	       !option(fd, SOL_SOCKET, SO_TXTIME);
}

/*
 * An answer does not count if another thread has meanwhile changed an option: then the
 * number of changes in @was is out of date.
 */
static noinline bool ask(struct sock *sk, int fd, uint16_t was)
{
	_Atomic(uint16_t) *word = &cop_sk(sk)->segmenting.may;
	const int saved = errno;
	const bool may = socket_allows(fd);

	u16_cas(word, &was, was | (may ? COP_SEG_YES : COP_SEG_NO));
	errno = saved;
	return may;
}

void cop_segments_forget(struct sock *sk)
{
	_Atomic(uint16_t) *word = &cop_sk(sk)->segmenting.may;
	uint16_t was = READ_ONCE(*word);

	while (!u16_cas(word, &was, (was + COP_SEG_CHANGE) & ~COP_SEG_ANSWER))
		;
}

static bool options_allow(struct sock *sk, int fd)
{
	const uint16_t word = READ_ONCE(cop_sk(sk)->segmenting.may);

	if (unlikely(!(word & COP_SEG_ANSWER)))
		return ask(sk, fd, word);
	return word & COP_SEG_YES;
}

/* Whether this is one of the batches that go one by one after a refusal. */
static bool pauses(struct sock *sk)
{
	uint8_t left = READ_ONCE(cop_sk(sk)->segmenting.pause);

	if (likely(!left))
		return false;
	WRITE_ONCE(cop_sk(sk)->segmenting.pause, left - 1);
	return true;
}

static bool may_join(const struct cop_segments *s)
{
	return s->n >= RUN_MIN && sk_wire(s->sk)->segments &&
	       READ_ONCE(s->sk->sk_sndbuf) >= SNDBUF_MIN &&
	       !(s->flags & ~RUN_FLAGS) && !cop_confined() &&
	       options_allow(s->sk, s->fd) && !pauses(s->sk);
}

/* A refusal outweighs two successes: it costs a batch's work. */
static void note_refusal(struct sock *sk)
{
	uint8_t step = READ_ONCE(cop_sk(sk)->segmenting.refusals);

	step = min_t(unsigned int, step + 2, PAUSE_MAX);
	WRITE_ONCE(cop_sk(sk)->segmenting.refusals, step);
	WRITE_ONCE(cop_sk(sk)->segmenting.pause, 1 << step);
}

static void note_success(struct sock *sk)
{
	uint8_t step = READ_ONCE(cop_sk(sk)->segmenting.refusals);

	if (unlikely(step))
		WRITE_ONCE(cop_sk(sk)->segmenting.refusals, step - 1);
}

/* ---- runs -------------------------------------------------------------------- */

/*
 * At least what the kernel takes from SO_SNDBUF for a datagram of @len bytes: memory for
 * it, headers of IP and the link, and struct skb_shared_info, by powers of two, and
 * struct sk_buff.
 */
static size_t memory_of(size_t len)
{
	const size_t data = len + 192 + 320;
	const unsigned int bits = 64 - __builtin_clzll(data - 1);

	return ((size_t)1 << bits) + 256;
}

static bool same_destination(const struct msghdr *a, const struct msghdr *b)
{
	if (a->msg_namelen != b->msg_namelen)
		return false;
	return a->msg_name == b->msg_name ||
	       !memcmp(a->msg_name, b->msg_name, a->msg_namelen);
}

/*
 * How many datagrams from number @i on are a run, at least 1. All of them fit into @room
 * bytes of the socket's buffer.
 */
static unsigned int run_at(const struct cop_segments *s, unsigned int i,
			   size_t room)
{
	const size_t len = s->len[i], memory = memory_of(len);
	size_t sum = len;
	unsigned int n = 1;

	if (!len)
		return 1;
	for (; i + n < s->n && s->len[i + n - 1] == len; n++) {
		const size_t next = s->len[i + n];

		sum += next;
		if (!next || next > len || sum > COP_DATAGRAM_MAX_IPV4 ||
		    (n + 1) * memory > room ||
		    !same_destination(&s->vec[i].msg_hdr,
				      &s->vec[i + n].msg_hdr))
			break;
	}
	return n;
}

/* ---- sending ------------------------------------------------------------------ */

/*
 * Whether less than half of SO_SNDBUF is in use, and no error is pending. Counterpart:
 * sock_writeable().
 */
static bool is_ready(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return cop_libc.poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT;
}

static int send_singly(const struct cop_segments *s, unsigned int i,
		       unsigned int n)
{
	return cop_libc_result(
		cop_libc.sendmmsg(s->fd, s->vec + i, n, s->flags));
}

/*
 * Whether a run of @n datagrams lies in one piece, @all: as many iovecs as datagrams, and
 * the last one where it would be. In between are others of the same length, and such a
 * length only packed messages have.
 */
static bool is_one_piece(const struct msghdr *msg, unsigned int n, size_t len,
			 struct iovec *all)
{
	const struct iovec *iov = msg->msg_iov, *last = iov + n - 1;
	const size_t before = (n - 1) * len;

	if (msg->msg_iovlen != n ||
	    (char *)iov->iov_base + before != last->iov_base)
		return false;
	*all = (struct iovec){ iov->iov_base, before + last->iov_len };
	return true;
}

/* Returns @n or -errno: the kernel sends all of a run or nothing. */
static int send_run(const struct cop_segments *s, unsigned int i,
		    unsigned int n)
{
	union {
		struct cmsghdr cmsg;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .cmsg = { .cmsg_len = CMSG_LEN(sizeof(uint16_t)),
				.cmsg_level = IPPROTO_UDP,
				.cmsg_type = UDP_SEGMENT } };
	const struct msghdr *last = &s->vec[i + n - 1].msg_hdr;
	struct msghdr msg = s->vec[i].msg_hdr;
	struct iovec all;
	ssize_t sent;

	memcpy(CMSG_DATA(&control.cmsg), &s->len[i], sizeof(uint16_t));
	msg.msg_iovlen = last->msg_iov + last->msg_iovlen - msg.msg_iov;
	if (likely(is_one_piece(&msg, n, s->len[i], &all))) {
		msg.msg_iov = &all;
		msg.msg_iovlen = 1;
	}
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	sent = cop_libc_result(cop_libc.sendmsg(s->fd, &msg, s->flags));
	if (unlikely(sent < 0))
		return sent;
	for (unsigned int k = i; k < i + n; k++)
		s->vec[k].msg_len = s->len[k];
	return n;
}

bool cop_is_from_icmp(int err)
{
	switch (-err) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EPROTO:
	case EACCES:
		return true;
	default:
		return false;
	}
}

/*
 * The kernel has refused a run with @err. What it says to the datagrams one by one
 * counts. If it takes them, @err belongs to an earlier datagram. The kernel has told it
 * and forgotten it, so the program's next call gets it from the library.
 */
static noinline int send_refused(const struct cop_segments *s, unsigned int i,
				 unsigned int n, int err)
{
	int sent = send_singly(s, i, n);

	if (sent > 0 && cop_is_from_icmp(err))
		cop_soft_error_set(s->sk, err);
	else
		note_refusal(s->sk);
	return sent;
}

/*
 * Send a run as one, or one by one. The kernel gives *@room bytes of memory to datagrams
 * for sure, without waiting, and @half once it says that it is ready.
 */
static int take_run(const struct cop_segments *s, unsigned int i,
		    unsigned int n, size_t half, size_t *room)
{
	const size_t need = n * memory_of(s->len[i]);
	int sent;

	if (need > *room) {
		if (!is_ready(s->fd))
			return send_singly(s, i, n);
		*room = half;
	}
	*room -= need;
	sent = send_run(s, i, n);
	if (unlikely(sent < 0))
		return send_refused(s, i, n, sent);
	note_success(s->sk);
	return sent;
}

/* Most datagrams that begin no run show it by the length of the next one. */
static inline bool begins_run(const struct cop_segments *s, unsigned int i,
			      size_t half)
{
	return s->n - i >= RUN_MIN && s->len[i] == s->len[i + 1] &&
	       run_at(s, i, half) >= RUN_MIN;
}

/* How many datagrams from number @i on are not in a run that is worth it. */
static unsigned int singles_at(const struct cop_segments *s, unsigned int i,
			       size_t half)
{
	unsigned int n = 0;

	while (i + n < s->n && !begins_run(s, i + n, half))
		n++;
	return n;
}

int cop_segments_send(const struct cop_segments *s)
{
	const size_t half = READ_ONCE(s->sk->sk_sndbuf) / 2;
	unsigned int done = 0, n;
	size_t room = 0;
	int sent;

	if (!may_join(s))
		return send_singly(s, 0, s->n);
	while (done < s->n) {
		n = run_at(s, done, half);
		if (n >= RUN_MIN) {
			sent = take_run(s, done, n, half, &room);
		} else {
			n = 1 + singles_at(s, done + 1, half);
			sent = send_singly(s, done, n);
			room = 0;
		}
		if (sent < 0)
			return done ? (int)done : sent;
		done += sent;
		if (sent < (int)n)
			break;
	}
	return done;
}
