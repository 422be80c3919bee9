// SPDX-License-Identifier: MIT
/*
 * datagram/sockopt.c - socket options: forwarded to the kernel socket, or answered
 * here where it does not know that it carries COP.
 *
 * Owns: sk_reuse, sk_reuseport, user_range and the option flags. Protected by:
 * atomic accesses. May call: the kernel. Counterpart in the kernel:
 * sk_setsockopt() and udp_lib_setsockopt().
 */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "cop.h"
#include "port/bind.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "filter/mark.h"
#include "datagram/proto.h"
#include "cop_route.h"
#include "datagram/soft_error.h"
#include "lib/uaccess.h"
#include "datagram/wait.h"

/* With a time of 64 bits where the other has 32, or the other way round. */
#define RCVTIMEO_OTHER (SO_RCVTIMEO == 20 ? 66 : 20)

static int kernel_set(int fd, int level, int optname, const void *optval,
		      socklen_t optlen)
{
	return cop_libc_result(
		cop_libc.setsockopt(fd, level, optname, optval, optlen));
}

static int kernel_get(int fd, int level, int optname, void *optval,
		      socklen_t *optlen)
{
	return cop_libc_result(
		cop_libc.getsockopt(fd, level, optname, optval, optlen));
}

/* For what is not passed down: is there a socket at all to set it on? */
static int kernel_has(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	if (cop_confined())
		return 0;
	return kernel_get(fd, SOL_SOCKET, SO_TYPE, &type, &len);
}

/* COP refuses a taken port whatever these say, so the kernel must not know. */
static int set_recorded(int fd, _Atomic(uint8_t) *record, const void *optval,
			socklen_t optlen)
{
	int err = kernel_has(fd);
	int value;

	if (err)
		return err;
	if ((int)optlen < (int)sizeof(value))
		return -EINVAL;
	if (!user_readable(fd, optval, sizeof(value)))
		return -EFAULT;
	memcpy(&value, optval, sizeof(value));
	WRITE_ONCE(*record, value != 0);
	return 0;
}

/* What is to be in the filter when it can't be changed any more. */
static int lock_filter(struct sock *sk, int fd, const void *optval,
		       socklen_t optlen)
{
	cop_poll(sk, fd);
	cop_mark(sk, fd);
	return kernel_set(fd, SOL_SOCKET, SO_LOCK_FILTER, optval, optlen);
}

void cop_mirror_buffers(struct sock *sk, int fd)
{
	socklen_t len = sizeof(int);
	int size;

	if (cop_confined())
		return;
	if (!kernel_get(fd, SOL_SOCKET, SO_RCVBUF, &size, &len))
		WRITE_ONCE(sk->sk_rcvbuf, size);
	if (!kernel_get(fd, SOL_SOCKET, SO_SNDBUF, &size, &len))
		WRITE_ONCE(sk->sk_sndbuf, size);
}

static int set_socket(struct sock *sk, int fd, int optname, const void *optval,
		      socklen_t optlen)
{
	int err;

	if (optlen < sizeof(int) && optname != SO_BINDTODEVICE)
		return kernel_set(fd, SOL_SOCKET, optname, optval, optlen);
	switch (optname) {
	case SO_REUSEADDR:
		return set_recorded(fd, &sk->sk_reuse, optval, optlen);
	case SO_REUSEPORT:
		return set_recorded(fd, &sk->sk_reuseport, optval, optlen);
	case SO_ATTACH_FILTER:
	case SO_ATTACH_BPF:
		return cop_attach_filter(sk, fd, optname, optval, optlen);
	case SO_DETACH_FILTER: /* which is SO_DETACH_BPF */
		return cop_detach_filter(sk, fd, optval, optlen);
	case SO_LOCK_FILTER:
		return lock_filter(sk, fd, optval, optlen);
	case SO_NO_CHECK: /* COP has no other checksum, so it keeps UDP's */
		return -ENOPROTOOPT;
	case SO_ZEROCOPY: /* the header would be read after the call */
	case SO_PEEK_OFF: /* peeks begin with the header, always */
		return -EOPNOTSUPP;
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		err = kernel_set(fd, SOL_SOCKET, optname, optval, optlen);
		if (!err)
			cop_mirror_buffers(sk, fd);
		return err;
	case SO_RCVTIMEO:
	case RCVTIMEO_OTHER:
		err = kernel_set(fd, SOL_SOCKET, optname, optval, optlen);
		if (!err)
			cop_wait_note(sk, fd);
		return err;
	case SO_BINDTODEVICE:
	case SO_BINDTOIFINDEX:
		sock_set_flag(sk, SOCK_ON_DEVICE);
		return kernel_set(fd, SOL_SOCKET, optname, optval, optlen);
	default:
		return kernel_set(fd, SOL_SOCKET, optname, optval, optlen);
	}
}

/* Within a range of the program's own, the choice of a port is the kernel's. */
static int set_port_range(struct sock *sk, int fd, const void *optval,
			  socklen_t optlen)
{
	uint32_t range;
	int err =
		kernel_set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, optval, optlen);

	if (err)
		return err;
	memcpy(&range, optval, sizeof(range));
	WRITE_ONCE(cop_sk(sk)->user_range, range);
	sock_reset_flag(sk, SOCK_NARROWED);
	if (range)
		sock_set_flag(sk, SOCK_USER_RANGE);
	else
		sock_reset_flag(sk, SOCK_USER_RANGE);
	return 0;
}

/* Turned off, the kernel sends what was begun. */
static int set_cork(struct sock *sk, int fd, const void *optval,
		    socklen_t optlen)
{
	int err = kernel_set(fd, IPPROTO_UDP, UDP_CORK, optval, optlen);
	int value;

	if (err)
		return err;
	memcpy(&value, optval, sizeof(value));
	if (value)
		sock_set_flag(sk, SOCK_CORK_OPT);
	else
		sock_reset_flag(sk, SOCK_CORK_OPT | SOCK_CORKED);
	return 0;
}

int cop_setsockopt(struct sock *sk, int fd, int level, int optname,
		   const void *optval, socklen_t optlen)
{
	if (level == SOL_SOCKET)
		return set_socket(sk, fd, optname, optval, optlen);
	if (level == IPPROTO_IP && optname == IP_LOCAL_PORT_RANGE)
		return set_port_range(sk, fd, optval, optlen);
	if (level == IPPROTO_UDP)
		return optname == UDP_CORK ? set_cork(sk, fd, optval, optlen)
					   : -ENOPROTOOPT;
	return kernel_set(fd, level, optname, optval, optlen);
}

/* Ask the kernel, for its checks, then put our answer in the place of its. */
static int get_instead(int fd, int level, int optname, void *optval,
		       socklen_t *optlen, int value)
{
	int err = kernel_get(fd, level, optname, optval, optlen);

	if (!err)
		memcpy(optval, &value,
		       min_t(socklen_t, *optlen, sizeof(value)));
	return err;
}

/* Whether the kernel's range is one port because a COP sock has it, or is to. */
static bool is_narrowed(struct sock *sk, int fd, uint32_t range)
{
	uint16_t low = range, high = range >> 16;
	struct sockaddr_in local;

	if (!low || low != high)
		return false;
	if (sock_flag(sk, SOCK_NARROWED))
		return true;
	if (cop_confined())
		return low == READ_ONCE(sk->sk_num);
	ip_local_name(fd, &local);
	return local.sin_port == htons(low);
}

/* As the program set it; another process that has the socket may have. */
static uint32_t port_range(struct sock *sk, int fd)
{
	uint32_t range = READ_ONCE(cop_sk(sk)->user_range);
	socklen_t len = sizeof(range);
	uint32_t kernels;

	if (!kernel_get(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &kernels, &len) &&
	    !is_narrowed(sk, fd, kernels))
		return kernels;
	return range;
}

/*
 * The kernel's own range may be our port. It answers a short request for a
 * small number with one byte, as do_ip_getsockopt does for any option, and says
 * so before it finds that there is nowhere to put it.
 */
static int get_port_range(struct sock *sk, int fd, void *optval,
			  socklen_t *optlen)
{
	uint32_t range = port_range(sk, fd);
	int err = get_instead(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, optval,
			      optlen, range);

	if (err && (err != -EFAULT || !user_writable(optlen, sizeof(*optlen))))
		return err;
	if (*optlen && *optlen < sizeof(range) && range <= UINT8_MAX)
		*optlen = 1;
	return err;
}

/* The kernel clears its error when it is asked; so do we ours. */
static int get_error(struct sock *sk, int fd, void *optval, socklen_t *optlen)
{
	int err = kernel_get(fd, SOL_SOCKET, SO_ERROR, optval, optlen);
	int value = 0;

	if (err)
		return err;
	memcpy(&value, optval, min_t(socklen_t, *optlen, sizeof(value)));
	if (!value) {
		value = -cop_soft_error(sk);
		memcpy(optval, &value,
		       min_t(socklen_t, *optlen, sizeof(value)));
	}
	return 0;
}

static int get_socket(struct sock *sk, int fd, int optname, void *optval,
		      socklen_t *optlen)
{
	switch (optname) {
	case SO_TYPE:
		return get_instead(fd, SOL_SOCKET, optname, optval, optlen,
				   sk->sk_type);
	case SO_PROTOCOL:
		return get_instead(fd, SOL_SOCKET, optname, optval, optlen,
				   sk->sk_protocol);
	case SO_REUSEADDR:
		return get_instead(fd, SOL_SOCKET, optname, optval, optlen,
				   READ_ONCE(sk->sk_reuse));
	case SO_REUSEPORT:
		return get_instead(fd, SOL_SOCKET, optname, optval, optlen,
				   READ_ONCE(sk->sk_reuseport));
	case SO_ERROR:
		return get_error(sk, fd, optval, optlen);
	case SO_GET_FILTER:
		return cop_get_filter(fd, optval, optlen);
	case SO_PEEK_OFF:
		return -EOPNOTSUPP;
	default:
		return kernel_get(fd, SOL_SOCKET, optname, optval, optlen);
	}
}

int cop_getsockopt(struct sock *sk, int fd, int level, int optname,
		   void *optval, socklen_t *optlen)
{
	if (level == SOL_SOCKET)
		return get_socket(sk, fd, optname, optval, optlen);
	if (level == IPPROTO_IP && optname == IP_LOCAL_PORT_RANGE)
		return get_port_range(sk, fd, optval, optlen);
	if (level == IPPROTO_UDP && optname != UDP_CORK)
		return -ENOPROTOOPT;
	return kernel_get(fd, level, optname, optval, optlen);
}
