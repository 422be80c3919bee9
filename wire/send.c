// SPDX-License-Identifier: MIT
/*
 * wire/send.c - a header and a payload out through the kernel socket.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * udp_tunnel_xmit_skb() in net/ipv4/udp_tunnel_core.c.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/uaccess.h"
#include "wire/bounce.h"
#include "wire/hdr.h"
#include "wire/payload.h"
#include "wire/send.h"

/* The kernel treats all lengths beyond this alike, and it fits in any memory. */
#define LONGER_THAN_ANY (1 << 20)

static ssize_t send_copied(const struct cop_wire *wire, int fd, const void *hdr,
			   const struct msghdr *msg, int flags, size_t len)
{
	unsigned char buf[COP_HDR_MAX + COP_COPY_MAX];

	memcpy(buf, hdr, COP_HDR_MAX); /* a constant, so without a call */
	len = cop_iov_gather(buf + wire->hlen, msg->msg_iov, msg->msg_iovlen,
			     len);
	return cop_libc_result(cop_libc.sendto(fd, buf, wire->hlen + len, flags,
					       msg->msg_name,
					       msg->msg_namelen));
}

static ssize_t send_vectored(const struct cop_wire *wire, int fd,
			     const void *hdr, const struct msghdr *msg,
			     int flags)
{
	struct iovec iov[msg->msg_iovlen + 1];
	struct msghdr whole = *msg;

	iov[0].iov_base = (void *)hdr;
	iov[0].iov_len = wire->hlen;
	if (msg->msg_iovlen)
		memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	whole.msg_iov = iov;
	whole.msg_iovlen++;
	if (cop_by_file(flags))
		return cop_libc_result(
			cop_libc.writev(fd, iov, whole.msg_iovlen));
	return cop_libc_result(cop_libc.sendmsg(fd, &whole, flags));
}

/*
 * A payload that can't be read is an EFAULT, but the kernel first looks at everything
 * else that may be wrong with the call. So it gets a payload that it can't read.
 */
static ssize_t send_from(const struct cop_wire *wire, int fd, const void *hdr,
			 const struct msghdr *msg, int flags, size_t len,
			 bool refuse, void *buf)
{
	struct iovec iov = { buf, min_t(size_t, len, LONGER_THAN_ANY) };
	struct msghdr whole = *msg;

	whole.msg_iov = &iov;
	whole.msg_iovlen = 1;
	if (!refuse && len <= (size_t)cop_wire_most(wire) &&
	    cop_payload_is_readable(fd, msg))
		iov.iov_len =
			cop_iov_gather(buf, msg->msg_iov, msg->msg_iovlen, len);
	else if (cop_bounce_seal(buf))
		return -EFAULT;
	return send_vectored(wire, fd, hdr, &whole, flags);
}

/*
 * An IPv4 send refuses a length beyond 65,535 before it looks at anything else, and a
 * length that IP can't carry after everything else; an IPv6 send refuses both late. A length of the second kind must
 * not become one of the first because the header is added.
 */
static size_t refused_length(const struct cop_wire *wire, size_t len)
{
	if (len > UINT16_MAX)
		return len;
	return min_t(size_t, len + wire->overhead, UINT16_MAX - wire->hlen);
}

/* A probe succeeds with any length. The kernel says no more than its MAX_RW_COUNT. */
static ssize_t probed_length(size_t len)
{
	return min_t(size_t, len, INT_MAX & -sysconf(_SC_PAGESIZE));
}

static noinline ssize_t send_bounced(const struct cop_wire *wire, int fd,
				     const void *hdr, const struct msghdr *msg,
				     int flags, size_t len, bool refuse)
{
	struct _pthread_cleanup_buffer cleanup;
	void *buf = cop_bounce_map();
	ssize_t n;

	if (!buf)
		return -ENOBUFS;
	_pthread_cleanup_push(&cleanup, cop_bounce_unmap, buf);
	n = send_from(wire, fd, hdr, msg, flags, refused_length(wire, len),
		      refuse, buf);
	_pthread_cleanup_pop(&cleanup, 1);
	return n < 0 ? n : probed_length(len) + wire->hlen;
}

/*
 * A confined process may not be allowed to ask the kernel what can be read. So its
 * payload is copied only where there is no other way.
 */
flatten ssize_t cop_encap_send(const struct cop_wire *wire, int fd,
			       const void *hdr, const struct msghdr *msg,
			       int flags, size_t len)
{
	ssize_t n;

	if (!hdr)
		return cop_libc_result(
			cop_libc.sendmsg(fd, msg, flags & ~COP_MSG_FILE));
	if (len <= COP_COPY_MAX && !msg->msg_controllen && !cop_confined() &&
	    cop_payload_is_readable(fd, msg))
		n = send_copied(wire, fd, hdr, msg, flags, len);
	else if (msg->msg_iovlen > cop_iov_limit(1) ||
		 len > (size_t)cop_wire_most(wire))
		n = send_bounced(wire, fd, hdr, msg, flags, len, false);
	else
		n = send_vectored(wire, fd, hdr, msg, flags);
	return n < wire->hlen ? n : n - wire->hlen;
}

ssize_t cop_encap_refuse(const struct cop_wire *wire, int fd, const void *hdr,
			 const struct msghdr *msg, int flags, size_t len)
{
	ssize_t n = send_bounced(wire, fd, hdr, msg, flags, len, true);

	return n < wire->hlen ? n : n - wire->hlen;
}
