// SPDX-License-Identifier: MIT
/*
 * adopt/udp.c - struct proto cop_udp_prot: a socket that the program created for
 * UDP, and COP_ADOPT has put on COP or another carrier. It carries datagrams as the
 * carrier does, but the program and the kernel see UDP: in its options, and in the
 * rule of which sockets may share a port.
 *
 * Owns: nothing. Protected by: nothing to protect; the caller keeps the sock alive.
 * Counterpart in the kernel: update_socket_protocol() in net/socket.c, by which
 * a program's TCP becomes MPTCP; and net/ipv4/udp.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <sys/socket.h>

#include "adopt/udp.h"
#include "port/bind.h"
#include "lib/compiler.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "filter/mark.h"
#include "datagram/proto.h"
#include "datagram/stats.h"
#include "lib/uaccess.h"

/* The cookie alone tells sockets apart that share a port. */
static int udp_open(struct sock *sk, int flags)
{
	int fd = cop_base_of(sk)->open(sk, flags);

	if (fd >= 0)
		WRITE_ONCE(sk->sk_socket->cookie, sock_kernel_cookie(fd));
	return fd;
}

/* Options of which the kernel socket's own value is right, since it is UDP's. */
static bool is_udps(int level, int optname)
{
	return level == SOL_SOCKET &&
	       (optname == SO_REUSEADDR || optname == SO_REUSEPORT ||
		optname == SO_NO_CHECK);
}

/*
 * The library can't read an eBPF program, so it can't move one behind the header. It
 * fails as it does for a socket that shares no port. If the value is no descriptor,
 * the kernel says why.
 */
static int attach_unmovable(int fd, const void *optval, socklen_t optlen)
{
	const int none = -1;
	bool known = false;
	int bpf, err;

	if (optlen == sizeof(bpf) && user_readable(fd, optval, optlen)) {
		memcpy(&bpf, optval, sizeof(bpf));
		known = cop_libc.fcntl(bpf, F_GETFD) >= 0;
	}
	err = cop_libc_result(
		cop_libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF,
				    known ? &none : optval, optlen));
	return known && err == -EBADF ? -EINVAL : err;
}

static int udp_setsockopt(struct sock *sk, int fd, int level, int optname,
			  const void *optval, socklen_t optlen)
{
	if (is_udps(level, optname))
		return cop_libc_result(cop_libc.setsockopt(fd, level, optname,
							   optval, optlen));
	if (level == SOL_SOCKET && optname == SO_ATTACH_REUSEPORT_CBPF)
		return cop_attach_reuseport(sk, fd, optval, optlen);
	if (level == SOL_SOCKET && optname == SO_ATTACH_REUSEPORT_EBPF)
		return attach_unmovable(fd, optval, optlen);
	return cop_base_of(sk)->setsockopt(sk, fd, level, optname, optval,
					   optlen);
}

static int udp_getsockopt(struct sock *sk, int fd, int level, int optname,
			  void *optval, socklen_t *optlen)
{
	if (is_udps(level, optname))
		return cop_libc_result(cop_libc.getsockopt(fd, level, optname,
							   optval, optlen));
	return cop_base_of(sk)->getsockopt(sk, fd, level, optname, optval,
					   optlen);
}

/* Ports are given by UDP's rule, whatever rule the carrier has. */
const struct proto cop_udp_ops = {
	.open = udp_open,
	.shares_ports = true,
	.bind = cop_get_kernels_port,
	.get_port = cop_get_port,
	.unhash = cop_unhash,
	.holds = cop_holds,
	.reclaim = cop_reclaim,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
};
