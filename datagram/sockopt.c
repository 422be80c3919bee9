// SPDX-License-Identifier: MIT
/*
 * datagram/sockopt.c - socket options. Most go to the kernel socket. A few are
 * answered here, since the kernel socket does not know that it carries COP.
 *
 * Owns: sk_reuse, sk_reuseport, user_range and the option flags. Protected by:
 * atomic accesses. Counterpart in the kernel: sk_setsockopt() and
 * udp_lib_setsockopt().
 */
#include <errno.h>
#include <string.h>

#include "cop.h"
#include "datagram/ends.h"
#include "port/bind.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "lib/sockname.h"
#include "filter/mark.h"
#include "datagram/proto.h"
#include "cop_route.h"
#include "datagram/segments.h"
#include "datagram/sockopt_udp.h"
#include "datagram/soft_error.h"
#include "lib/uaccess.h"
#include "datagram/wait.h"

/* SO_RCVTIMEO has two numbers: one for a time of 32 bits, one for 64 bits. */
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

/* Whether the descriptor is a socket: for options that the kernel does not get. */
static int kernel_has(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	if (cop_confined())
		return 0;
	return kernel_get(fd, SOL_SOCKET, SO_TYPE, &type, &len);
}

/*
 * SO_REUSEADDR and SO_REUSEPORT change nothing for COP, which always refuses a taken
 * port. So they are recorded, and the kernel must not get them.
 */
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

/* After this the filter can't change any more, so it gets everything it needs now. */
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

/* Whether the kernel alone has a say in an option, for a transport that lets it. */
static bool is_kernels(const struct sock *sk, int optname)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	if (optname == SO_REUSEADDR || optname == SO_REUSEPORT)
		return prot->shares_ports;
	return optname == SO_NO_CHECK && prot->wire->plain;
}

static int set_socket(struct sock *sk, int fd, int optname, const void *optval,
		      socklen_t optlen)
{
	int err;

	if ((optlen < sizeof(int) && optname != SO_BINDTODEVICE) ||
	    is_kernels(sk, optname))
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
	case SO_NO_CHECK: /* the only checksum is UDP's, so it stays on */
		return -ENOPROTOOPT;
	case SO_ZEROCOPY: /* the kernel would read the header after the call */
	case SO_PEEK_OFF: /* a peek has to begin with the header */
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

/* If the program sets a range of its own, the kernel chooses ports in it. */
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

static int set_v6only(struct sock *sk, int fd, const void *optval,
		      socklen_t optlen)
{
	int err = kernel_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, optval, optlen);
	int value = 0; /* to the kernel no value at all is 0, too */

	if (err)
		return err;
	if (optval)
		memcpy(&value, optval, sizeof(value));
	if (value)
		sock_set_flag(sk, SOCK_MAYBE_V6ONLY);
	else
		sock_reset_flag(sk, SOCK_MAYBE_V6ONLY);
	return 0;
}

static int set_option(struct sock *sk, int fd, int level, int optname,
		      const void *optval, socklen_t optlen)
{
	if (level == SOL_SOCKET)
		return set_socket(sk, fd, optname, optval, optlen);
	if (level == IPPROTO_IP && optname == IP_LOCAL_PORT_RANGE)
		return set_port_range(sk, fd, optval, optlen);
	if (level == IPPROTO_IPV6 && optname == IPV6_V6ONLY)
		return set_v6only(sk, fd, optval, optlen);
	if (level == IPPROTO_IPV6 && optname == IPV6_ADDRFORM)
		return cop_set_addrform(sk, fd, optval, optlen);
	if (cop_keeps_pktinfo(sk, level, optname))
		return cop_set_pktinfo(sk, fd, level, optname, optval, optlen);
	if (cop_is_udp(level))
		return cop_set_udp(sk, fd, optname, optval, optlen);
	return kernel_set(fd, level, optname, optval, optlen);
}

int cop_setsockopt(struct sock *sk, int fd, int level, int optname,
		   const void *optval, socklen_t optlen)
{
	int err = set_option(sk, fd, level, optname, optval, optlen);

	cop_segments_forget(sk);
	return err;
}

/* Let the kernel check the arguments, then replace its answer by ours. */
static int get_instead(int fd, int level, int optname, void *optval,
		       socklen_t *optlen, int value)
{
	int err = kernel_get(fd, level, optname, optval, optlen);

	if (!err)
		memcpy(optval, &value,
		       min_t(socklen_t, *optlen, sizeof(value)));
	return err;
}

/* Whether the library has narrowed the kernel's range to the one port of a sock. */
static bool is_narrowed(struct sock *sk, int fd, uint32_t range)
{
	uint16_t low = range, high = range >> 16;
	union cop_addr local;

	if (!low || low != high)
		return false;
	if (sock_flag(sk, SOCK_NARROWED))
		return true;
	if (cop_confined())
		return low == READ_ONCE(sk->sk_num);
	cop_local_addr(fd, &local);
	return cop_addr_port(&local) == htons(low);
}

/* The range that the program, or another process with the same socket, has set. */
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
 * The library may have narrowed the kernel's range, so the answer is the program's own
 * range. As do_ip_getsockopt() does for any option, a short buffer gets one byte if the
 * number fits in it. The kernel writes this length before a fault at the value.
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

/* The kernel clears its error when a program reads it, and so do we with ours. */
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
	if (is_kernels(sk, optname))
		return kernel_get(fd, SOL_SOCKET, optname, optval, optlen);
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
		return cop_get_filter(sk, fd, optval, optlen);
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
	if (cop_is_udp(level))
		return cop_get_udp(sk, fd, level, optname, optval, optlen);
	if (cop_keeps_pktinfo(sk, level, optname))
		return get_instead(fd, level, optname, optval, optlen,
				   sock_flag(sk, SOCK_PKTINFO));
	return kernel_get(fd, level, optname, optval, optlen);
}
