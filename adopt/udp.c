// SPDX-License-Identifier: MIT
/*
 * adopt/udp.c - struct proto cop_udp_prot: a socket that a program has asked for
 * as UDP's, and COP_ADOPT has put on COP. It moves datagrams as cop_prot does,
 * but goes by UDP's name, and by UDP's rule of who may bind to a port.
 *
 * Owns: the slab of such socks, and of those that are undecided. Protected by: the fields' own rules; the caller
 * keeps the sock alive. May call: datagram/proto.c, port/bind.c.
 * Counterpart in the kernel: update_socket_protocol() in net/socket.c, by which
 * a program's TCP becomes MPTCP; and net/ipv4/udp.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <sys/socket.h>

#include "adopt/pending.h"
#include "adopt/udp.h"
#include "port/bind.h"
#include "lib/compiler.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "filter/mark.h"
#include "datagram/proto.h"
#include "datagram/stats.h"
#include "lib/uaccess.h"

struct cop_slab cop_udp_slab = COP_SLAB(struct cop_sock);

/* Sockets that share a port are told from each other by the cookie alone. */
static int udp_open(struct sock *sk, int flags)
{
	int fd = cop_open(sk, flags);

	if (fd >= 0)
		WRITE_ONCE(sk->sk_socket->cookie, sock_kernel_cookie(fd));
	return fd;
}

/* What was marked undecided is so here, too, whatever this process puts on COP. */
static int udp_adopt(struct sock *sk, int fd, const struct cop_mark *mark)
{
	if (!cop_undecided_is_marked(mark))
		return cop_adopt(sk, fd, mark);
	WRITE_ONCE(sk->sk_prot, &cop_undecided_prot);
	return cop_undecided_prot.adopt(sk, fd, mark);
}

/* Of these the kernel's answer is UDP's. Whether there is a checksum is, too. */
static bool is_udps(int level, int optname)
{
	return level == SOL_SOCKET &&
	       (optname == SO_REUSEADDR || optname == SO_REUSEPORT ||
		optname == SO_NO_CHECK);
}

/*
 * Nobody can look into an eBPF program, so it is refused as if there were nothing
 * to choose from; what is none is for the kernel to refuse.
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
		return cop_attach_reuseport(fd, optval, optlen);
	if (level == SOL_SOCKET && optname == SO_ATTACH_REUSEPORT_EBPF)
		return attach_unmovable(fd, optval, optlen);
	return cop_setsockopt(sk, fd, level, optname, optval, optlen);
}

static int udp_getsockopt(struct sock *sk, int fd, int level, int optname,
			  void *optval, socklen_t *optlen)
{
	if (is_udps(level, optname))
		return cop_libc_result(cop_libc.getsockopt(fd, level, optname,
							   optval, optlen));
	return cop_getsockopt(sk, fd, level, optname, optval, optlen);
}

struct proto cop_udp_prot = {
	.name = "COP-UDP",
	.slab = &cop_udp_slab,
	.open = udp_open,
	.adopt = udp_adopt,
	.get_port = cop_get_kernels_port,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
};
