// SPDX-License-Identifier: MIT
/*
 * wire/encap.c - the COP header, and datagrams through the kernel socket.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: lib/iov.c and the
 * kernel. Counterpart in the kernel: net/ipv4/fou_core.c, udp_tunnel_core.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "wire/encap.h"
#include "wire/frame.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/uaccess.h"

/*
 * Up to so many iovecs are copied to the stack, with ours beside them; a message
 * with more goes through a buffer of its own, whose mapping is a system call.
 */
#define IOV_ON_STACK 64

/* Beyond all lengths that differ to the kernel, and within any address space. */
#define LONGER_THAN_ANY (1 << 20)

static size_t iov_limit(size_t ours)
{
	return cop_confined() ? IOV_MAX - ours : IOV_ON_STACK;
}

enum cop_stray cop_hdr_check(const void *data, size_t len)
{
	const struct cophdr *hdr = data;

	if (len < COP_HLEN)
		return COP_STRAY_SHORT;
	if (hdr->magic != htons(COP_MAGIC))
		return COP_STRAY_MAGIC;
	if (hdr->ver_hlen >> 4 != COP_VERSION)
		return COP_STRAY_VERSION;
	if (cop_hdr_len(hdr) < COP_HLEN || cop_hdr_len(hdr) > len)
		return COP_STRAY_LENGTH;
	return COP_NO_STRAY;
}

void cop_hdr_build(struct cophdr *hdr, __be16 source, __be16 dest, uint64_t seq,
		   uint32_t tstamp)
{
	hdr->magic = htons(COP_MAGIC);
	hdr->ver_hlen = COP_VERSION << 4 | COP_HLEN_WORDS;
	hdr->flags = seq ? 0 : COP_F_FIRST;
	hdr->source = source;
	hdr->dest = dest;
	hdr->seq = htonl((uint32_t)seq);
	hdr->tstamp = htonl(tstamp);
}

/* The kernel first looks at the place, and if it is one alone cuts it short. */
static bool iov_in_range(const struct msghdr *msg, const struct iovec *iov)
{
	size_t len = iov->iov_len;

	if (msg->msg_iovlen == 1)
		len = min_t(size_t, len, INT_MAX);
	return user_range(iov->iov_base, len);
}

/* Copied one by one, up to the first that is refused: see copy_iovec_from_user(). */
static int iov_import(int fd, const struct msghdr *msg)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (!user_readable(fd, iov, sizeof(*iov)))
			return -EFAULT;
		if (iov->iov_len > SSIZE_MAX)
			return -EINVAL;
	}
	return 0;
}

ssize_t cop_iov_length_many(int fd, const struct msghdr *msg)
{
	size_t sum = 0;
	int err;

	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	err = iov_import(fd, msg);
	if (err)
		return err;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (!iov_in_range(msg, iov))
			return -EFAULT;
		sum += min_t(size_t, iov->iov_len, SSIZE_MAX - sum);
	}
	return sum;
}

/*
 * A payload that can't be read is left to the kernel, for its EFAULT. Where it may
 * not be asked, a payload is left to it wherever that is possible.
 */
static bool iov_may_be_copied(int fd, const struct msghdr *msg)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (iov->iov_len &&
		    !user_readable(fd, iov->iov_base, iov->iov_len))
			return false;
	}
	return true;
}

static ssize_t send_copied(int fd, const struct cophdr *hdr,
			   const struct msghdr *msg, int flags, size_t len)
{
	unsigned char buf[COP_HLEN + COP_COPY_MAX];

	memcpy(buf, hdr, COP_HLEN);
	cop_iov_gather(buf + COP_HLEN, msg->msg_iov, len);
	return cop_libc_result(cop_libc.sendto(fd, buf, COP_HLEN + len, flags,
					       msg->msg_name,
					       msg->msg_namelen));
}

static ssize_t send_vectored(int fd, const struct cophdr *hdr,
			     const struct msghdr *msg, int flags)
{
	struct iovec iov[msg->msg_iovlen + 1];
	struct msghdr whole = *msg;

	iov[0].iov_base = (void *)hdr;
	iov[0].iov_len = COP_HLEN;
	if (msg->msg_iovlen)
		memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	whole.msg_iov = iov;
	whole.msg_iovlen++;
	if (cop_by_file(flags))
		return cop_libc_result(
			cop_libc.writev(fd, iov, whole.msg_iovlen));
	return cop_libc_result(cop_libc.sendmsg(fd, &whole, flags));
}

/* A buffer for a whole datagram, which is too large for some stacks. */
static void *bounce_map(void)
{
	void *buf = mmap(NULL, COP_DATAGRAM_MAX, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return buf == MAP_FAILED ? NULL : buf;
}

static void bounce_unmap(void *buf)
{
	munmap(buf, COP_DATAGRAM_MAX);
}

/*
 * What can't be copied is a fault that the kernel comes upon behind all else that
 * may be wrong with the call, so the kernel is given a payload that can't be read.
 */
static ssize_t send_from(int fd, const struct cophdr *hdr,
			 const struct msghdr *msg, int flags, size_t len,
			 void *buf)
{
	struct iovec iov = { buf, min_t(size_t, len, LONGER_THAN_ANY) };
	struct msghdr whole = *msg;

	whole.msg_iov = &iov;
	whole.msg_iovlen = 1;
	if (len <= COP_DATAGRAM_MAX && iov_may_be_copied(fd, msg))
		cop_iov_gather(buf, msg->msg_iov, len);
	else if (mprotect(buf, COP_DATAGRAM_MAX, PROT_NONE))
		return -EFAULT;
	return send_vectored(fd, hdr, &whole, flags);
}

/*
 * The kernel judges a length beyond 65,535 ahead of all else, and a length that IP
 * can't carry behind all else. The header must not make the one of the other.
 */
static size_t refused_length(size_t len)
{
	return len <= UINT16_MAX ? min_t(size_t, len, UINT16_MAX - COP_HLEN)
				 : len;
}

static noinline ssize_t send_bounced(int fd, const struct cophdr *hdr,
				     const struct msghdr *msg, int flags,
				     size_t len)
{
	struct _pthread_cleanup_buffer cleanup;
	void *buf = bounce_map();
	ssize_t n;

	if (!buf)
		return -ENOBUFS;
	_pthread_cleanup_push(&cleanup, bounce_unmap, buf);
	n = send_from(fd, hdr, msg, flags, refused_length(len), buf);
	_pthread_cleanup_pop(&cleanup, 1);
	return n < 0 ? n
		     : (ssize_t)len + COP_HLEN; /* a probe takes any length */
}

flatten ssize_t cop_encap_send(int fd, const struct cophdr *hdr,
			       const struct msghdr *msg, int flags, size_t len)
{
	ssize_t n;

	if (!hdr)
		return cop_libc_result(
			cop_libc.sendmsg(fd, msg, flags & ~COP_MSG_FILE));
	if (len <= COP_COPY_MAX && !msg->msg_controllen && !cop_confined() &&
	    iov_may_be_copied(fd, msg))
		n = send_copied(fd, hdr, msg, flags, len);
	else if (msg->msg_iovlen > iov_limit(1) || len > COP_DATAGRAM_MAX)
		n = send_bounced(fd, hdr, msg, flags, len);
	else
		n = send_vectored(fd, hdr, msg, flags);
	return n < COP_HLEN ? n : n - COP_HLEN;
}

void cop_rx_measure(struct cop_rx *rx, const void *head, size_t n, size_t cap)
{
	rx->stray = cop_hdr_check(head, n);
	rx->len = n;
	if (rx->stray == COP_NO_STRAY) {
		memcpy(&rx->hdr, head, COP_HLEN);
		rx->len -= cop_hdr_len(&rx->hdr);
	}
	rx->copied = min_t(size_t, rx->len, cap);
}

/* Whether it was truncated is seen by the program's iovecs, not by ours. */
static void rx_flags(struct msghdr *msg, const struct cop_rx *rx)
{
	msg->msg_flags &= ~MSG_TRUNC;
	if (rx->copied < rx->len)
		msg->msg_flags |= MSG_TRUNC;
}

static ssize_t read_one(int fd, struct msghdr *msg, struct iovec *iov,
			size_t iovlen)
{
	msg->msg_namelen = 0;
	msg->msg_controllen = 0;
	msg->msg_flags = 0;
	return cop_libc_result(cop_libc.readv(fd, iov, iovlen));
}

/* MSG_TRUNC has the kernel return the whole length. */
static ssize_t recv_one(int fd, struct msghdr *msg, struct iovec *iov,
			size_t iovlen, int flags)
{
	struct msghdr whole = *msg;
	ssize_t n;

	if (cop_by_file(flags))
		return read_one(fd, msg, iov, iovlen);
	whole.msg_iov = iov;
	whole.msg_iovlen = iovlen;
	n = cop_libc_result(cop_libc.recvmsg(fd, &whole, flags | MSG_TRUNC));
	msg->msg_namelen = whole.msg_namelen;
	if (n < 0)
		return n;
	msg->msg_controllen = whole.msg_controllen;
	msg->msg_flags = whole.msg_flags;
	return n;
}

static int recv_through(int fd, struct msghdr *msg, int flags, size_t cap,
			struct cop_rx *rx, unsigned char *buf)
{
	struct iovec iov = { buf, COP_DATAGRAM_MAX };
	struct sockaddr_storage name = { 0 };
	const socklen_t room = msg->msg_name ? msg->msg_namelen : 0;
	struct msghdr whole = *msg;
	size_t skip = 0;
	ssize_t n;

	if (msg->msg_name) {
		whole.msg_name = &name;
		whole.msg_namelen = sizeof(name);
	}
	n = recv_one(fd, &whole, &iov, 1, flags);
	if (n < 0)
		return n;
	cop_rx_measure(rx, buf, n, cap);
	if (rx->stray == COP_NO_STRAY)
		skip = cop_hdr_len(&rx->hdr);
	rx->fault = cop_iov_scatter(msg->msg_iov, buf + skip, rx->copied);
	if (rx->fault && rx->stray == COP_NO_STRAY)
		return -EFAULT;
	msg->msg_namelen = whole.msg_namelen;
	msg->msg_controllen = whole.msg_controllen;
	msg->msg_flags = whole.msg_flags;
	rx_flags(msg, rx);
	return copy_to_user(msg->msg_name, &name,
			    min_t(socklen_t, room, whole.msg_namelen));
}

static noinline int recv_bounced(int fd, struct msghdr *msg, int flags,
				 size_t cap, struct cop_rx *rx)
{
	struct _pthread_cleanup_buffer cleanup;
	void *buf = bounce_map();
	int err;

	if (!buf)
		return -ENOBUFS;
	_pthread_cleanup_push(&cleanup, bounce_unmap, buf);
	err = recv_through(fd, msg, flags, cap, rx, buf);
	_pthread_cleanup_pop(&cleanup, 1);
	return err;
}

/* The program's iovecs between one for the header and one for what options
 * push beyond the end. */
static size_t iov_wrap(struct iovec *iov, const struct msghdr *msg, void *hdr,
		       void *tail)
{
	size_t n = msg->msg_iovlen;

	iov[0] = (struct iovec){ hdr, COP_HLEN };
	if (n)
		memcpy(iov + 1, msg->msg_iov, n * sizeof(*iov));
	iov[n + 1] = (struct iovec){ tail, COP_TAIL };
	return n + 2;
}

/* Pass over options: they stand where the payload belongs. */
static void skip_options(const struct msghdr *msg, const void *tail,
			 size_t options, size_t len)
{
	struct iovec from[msg->msg_iovlen + 2];
	unsigned char none[COP_HLEN];

	iov_wrap(from, msg, none, (void *)tail);
	cop_iov_copy(msg->msg_iov, from + 1, options, len);
}

/* The kernel has not written as much as there is to be. */
static int put_back(const struct msghdr *msg, const void *hdr, size_t n,
		    size_t len)
{
	unsigned char head[COP_HLEN];

	if (!cop_iov_writable(msg->msg_iov, len))
		return -EFAULT;
	memcpy(head, hdr, sizeof(head));
	if (len)
		cop_iov_push(msg->msg_iov, head, min_t(size_t, n, COP_HLEN),
			     len);
	return 0;
}

void cop_encap_settle(struct msghdr *msg, const void *hdr, const void *tail,
		      size_t n, size_t cap, struct cop_rx *rx)
{
	cop_rx_measure(rx, hdr, n, cap);
	if (unlikely(rx->stray != COP_NO_STRAY))
		rx->fault = put_back(msg, hdr, n, rx->copied);
	else if (unlikely(cop_hdr_len(&rx->hdr) > COP_HLEN))
		skip_options(msg, tail, cop_hdr_len(&rx->hdr) - COP_HLEN,
			     rx->copied);
	rx_flags(msg, rx);
}

static int recv_vectored(int fd, struct msghdr *msg, int flags, size_t cap,
			 struct cop_rx *rx)
{
	struct iovec iov[msg->msg_iovlen + 2];
	unsigned char hdr[COP_HLEN] __attribute__((aligned(4)));
	unsigned char tail[COP_TAIL];
	size_t iovlen = iov_wrap(iov, msg, hdr, tail);
	ssize_t n = recv_one(fd, msg, iov, iovlen, flags);

	if (n < 0)
		return n;
	cop_encap_settle(msg, hdr, tail, n, cap, rx);
	return 0;
}

flatten int cop_encap_recv(int fd, struct msghdr *msg, int flags, size_t cap,
			   struct cop_rx *rx)
{
	if (unlikely(msg->msg_iovlen > iov_limit(2)))
		return recv_bounced(fd, msg, flags, cap, rx);
	return recv_vectored(fd, msg, flags, cap, rx);
}

/*
 * Of a frame, whose first bytes went where a header belongs, all that is behind
 * the COP header is in its place already.
 */
static bool put_frame(const struct msghdr *msg, const void *hdr, size_t n)
{
	unsigned char head[COP_FRAME_HEAD];
	size_t len = min_t(size_t, n, sizeof(head)), before;

	memcpy(head, hdr, COP_HLEN);
	if (len > COP_HLEN)
		cop_iov_gather(head + COP_HLEN, msg->msg_iov, len - COP_HLEN);
	before = cop_frame_strip(head, len, n);
	if (before)
		cop_iov_scatter(msg->msg_iov, head,
				min_t(size_t, before, n - COP_HLEN));
	return before;
}

/* The error queue has no use for MSG_TRUNC: it returns what it copied. */
static ssize_t recv_error(int fd, struct msghdr *msg, int flags, size_t cap)
{
	unsigned char hdr[COP_HLEN] __attribute__((aligned(4)));
	struct iovec iov[IOV_ON_STACK + 1] = { { hdr, COP_HLEN } };
	struct msghdr whole = *msg;
	ssize_t n;

	if (msg->msg_iovlen)
		memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	whole.msg_iov = iov;
	whole.msg_iovlen++;
	n = cop_libc_result(cop_libc.recvmsg(fd, &whole, flags));
	if (n < 0)
		return n;
	msg->msg_namelen = whole.msg_namelen;
	msg->msg_controllen = whole.msg_controllen;
	msg->msg_flags = whole.msg_flags;
	if (n < COP_HLEN)
		return 0; /* the router quoted less than a header */
	if (cop_hdr_check(hdr, n) == COP_NO_STRAY || put_frame(msg, hdr, n))
		return n - COP_HLEN;
	if ((size_t)n > cap)
		msg->msg_flags |= MSG_TRUNC;
	n = min_t(size_t, n, cap);
	return put_back(msg, hdr, COP_HLEN, n) ?: n;
}

/* As for cop_encap_recv(): a fault is seen where the kernel would have seen it. */
static ssize_t error_unbounce(struct msghdr *msg, const struct msghdr *whole,
			      size_t cap, size_t n)
{
	const socklen_t room = msg->msg_name ? msg->msg_namelen : 0;

	if (cop_iov_scatter(msg->msg_iov, whole->msg_iov->iov_base,
			    min_t(size_t, n, cap)))
		return -EFAULT;
	msg->msg_namelen = whole->msg_namelen;
	msg->msg_controllen = whole->msg_controllen;
	msg->msg_flags = whole->msg_flags;
	if (n > cap)
		msg->msg_flags |= MSG_TRUNC;
	if (copy_to_user(msg->msg_name, whole->msg_name,
			 min_t(socklen_t, room, whole->msg_namelen)))
		return -EFAULT;
	return min_t(size_t, n, cap);
}

static noinline ssize_t recv_error_bounced(int fd, struct msghdr *msg,
					   int flags, size_t cap)
{
	struct iovec iov = { bounce_map(), COP_DATAGRAM_MAX };
	struct sockaddr_storage name = { 0 };
	struct msghdr whole = *msg;
	ssize_t n;

	if (!iov.iov_base)
		return -ENOBUFS;
	whole.msg_iov = &iov;
	whole.msg_iovlen = 1;
	if (msg->msg_name) {
		whole.msg_name = &name;
		whole.msg_namelen = sizeof(name);
	}
	n = recv_error(fd, &whole, flags, iov.iov_len);
	if (n >= 0)
		n = error_unbounce(msg, &whole, cap, n);
	bounce_unmap(iov.iov_base);
	return n;
}

/* It never waits, so nothing can cut it short. */
ssize_t cop_encap_recv_error(int fd, struct msghdr *msg, int flags, size_t cap)
{
	int cancel = cancel_off();
	ssize_t n;

	if (msg->msg_iovlen > IOV_ON_STACK)
		n = recv_error_bounced(fd, msg, flags, cap);
	else
		n = recv_error(fd, msg, flags, cap);
	cancel_on(cancel);
	return n;
}
