// SPDX-License-Identifier: MIT
/*
 * cop_udp.c - struct proto cop_udp_prot: a socket that a program has asked for
 * as UDP's, and COP_ADOPT has put on COP. It moves datagrams as cop_prot does,
 * but goes by UDP's name, and by UDP's rule who may have a port.
 *
 * Owns: the slab of such socks. Protected by: the fields' own rules; the caller
 * keeps the sock alive. May call: cop_proto.c, cop_bind.c, cop_route.c.
 * Counterpart in the kernel: update_socket_protocol() in net/socket.c, by which
 * a program's TCP becomes MPTCP; and net/ipv4/udp.c.
 */
#include <errno.h>

#include "cop/bind.h"
#include "cop/compiler.h"
#include "cop/filter.h"
#include "cop/libc.h"
#include "cop/mark.h"
#include "cop/proto.h"
#include "cop/route.h"
#include "cop/stats.h"

static struct cop_slab udp_slab = COP_SLAB(struct cop_sock);

/* The claim to the port is always another's: the kernel's. */
static int udp_init_sock(struct sock *sk)
{
	sock_set_flag(sk, SOCK_SHARED_PORT);
	return cop_init_sock(sk);
}

/* Sockets that share a port are told from each other by the cookie alone. */
static int udp_open(struct sock *sk, int flags)
{
	int fd = cop_open(sk, flags);

	if (fd >= 0)
		WRITE_ONCE(sk->sk_socket->cookie, sock_kernel_cookie(fd));
	return fd;
}

static int udp_bind(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	int err = cop_libc_result(cop_libc.bind(
		fd, (const struct sockaddr *)addr, sizeof(*addr)));

	if (!err && addr->sin_port)
		cop_bind_confirm(sk, addr->sin_port);
	else if (!err)
		cop_bind_confirmed(sk, fd);
	return err;
}

static int udp_get_port(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	int err;

	cop_naming_begin(sk);
	err = udp_bind(sk, fd, addr);
	cop_naming_end(sk);
	return err;
}

/*
 * The header of what is about to be sent must say which port it comes from. A
 * bind to port 0 is undone by a disconnect as an autobind is.
 */
static void udp_autobind(struct sock *sk, int fd)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = READ_ONCE(inet_sk(sk)->inet_rcv_saddr),
	};

	cop_naming_begin(sk);
	cop_bind_confirmed(sk, fd);
	if (!READ_ONCE(inet_sk(sk)->inet_sport))
		udp_bind(sk, fd, &any);
	cop_naming_end(sk);
}

/* Where there is no port yet the kernel autobinds in its connect. */
static int udp_connect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		       socklen_t addr_len)
{
	struct sockaddr_in local;
	int err;

	cop_naming_begin(sk);
	err = ip_route_connect(fd, uaddr, addr_len, &local);
	cop_bind_confirm(sk, local.sin_port);
	if (!err)
		cop_connected(sk, fd, (const struct sockaddr_in *)uaddr,
			      &local);
	cop_naming_end(sk);
	return err;
}

static bool is_port_rule(int level, int optname)
{
	return level == SOL_SOCKET &&
	       (optname == SO_REUSEADDR || optname == SO_REUSEPORT);
}

static int udp_setsockopt(struct sock *sk, int fd, int level, int optname,
			  const void *optval, socklen_t optlen)
{
	if (is_port_rule(level, optname))
		return cop_libc_result(cop_libc.setsockopt(fd, level, optname,
							   optval, optlen));
	return cop_setsockopt(sk, fd, level, optname, optval, optlen);
}

static int udp_getsockopt(struct sock *sk, int fd, int level, int optname,
			  void *optval, socklen_t *optlen)
{
	if (is_port_rule(level, optname))
		return cop_libc_result(cop_libc.getsockopt(fd, level, optname,
							   optval, optlen));
	return cop_getsockopt(sk, fd, level, optname, optval, optlen);
}

const struct proto cop_udp_prot = {
	.name = "COP-UDP",
	.slab = &udp_slab,
	.obj_size = COP_SOCK_CLEARED,
	.own_ports = false,
	.init = udp_init_sock,
	.destroy = cop_destroy,
	.close = cop_close,
	.report = cop_stats_report,
	.open = udp_open,
	.adopt = cop_adopt,
	.mark = cop_mark,
	.get_port = udp_get_port,
	.autobind = udp_autobind,
	.autobound = cop_autobound,
	.hash = cop_hash,
	.unhash = cop_unhash,
	.getname = cop_getname,
	.connect = udp_connect,
	.disconnect = cop_disconnect,
	.owns = cop_may_own,
	.holds = cop_holds,
	.reclaim = cop_reclaim,
	.poll = cop_poll,
	.ioctl = cop_ioctl,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.sendto = cop_sendto,
	.recvfrom = cop_recvfrom,
	.sendmsg = cop_sendmsg,
	.recvmsg = cop_recvmsg,
	.sendmmsg = cop_sendmmsg,
	.recvmmsg = cop_recvmmsg,
};
