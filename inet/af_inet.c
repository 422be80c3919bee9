// SPDX-License-Identifier: MIT
/*
 * inet/af_inet.c - the families PF_INET and PF_INET6.
 *
 * Owns: the operations of both. Protected by: they are constant, apart from the
 * transport of UDP, which is chosen while the library starts.
 * Counterpart in the kernel: net/ipv4/af_inet.c and net/ipv6/af_inet6.c.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "adopt/pending.h"
#include "adopt/plain.h"
#include "adopt/udp.h"
#include "lib/sockname.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "inet/af_inet.h"
#include "inet/missing.h"
#include "inet/protosw.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "lib/process.h"
#include "datagram/defaults.h"
#include "datagram/naming.h"
#include "cop_route.h"
#include "port/bind.h"
#include "socket/socket.h"

static const struct proto_ops inet_dgram_ops;

/*
 * A type that the kernel does not have is served here, whatever the protocol. A type
 * of the kernel is served here if COP_ADOPT asks for it and inetsw has the protocol;
 * not for a thread that has parted from the table, where no socket can be entered. If
 * COP_TRANSPORT names a transport, which may encrypt, socket() fails in such a thread.
 */
static bool inet_serves(int type, int protocol)
{
	const struct inet_protosw *answer;

	if (likely(!inet_has_type(type)))
		return false;
	answer = inet_lookup_protosw(type, &protocol);
	if (!answer)
		return !inet_is_kernels(type);
	return !(answer->flags & INET_PROTOSW_ADOPTED) ||
	       (cop_env.adopt &&
		(cop_env.transport[0] || !cop_process_has_parted()));
}

/* A kernel without the family says so, whatever the protocol. */
static int inet_refuse(int family, int err)
{
	const int none = -1; /* no socket comes of it */
	int kernels = cop_confined() ? 0
				     : cop_libc_result(cop_libc.socket(
					       family, SOCK_DGRAM, none));

	return kernels == -EAFNOSUPPORT ? kernels : err;
}

static bool capable(int cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return !cop_libc.syscall(SYS_capget, &head, data) &&
	       data[cap / 32 % 2].effective >> cap % 32 & 1;
}

int inet_create_sk(struct socket *sock, int family, int protocol,
		   const struct inet_protosw *answer, const struct proto *prot)
{
	struct sock *sk = sk_alloc(family, prot);
	int err;

	if (!sk)
		return -ENOBUFS;
	WRITE_ONCE(sock->ops,
		   answer && answer->ops ? answer->ops : &inet_dgram_ops);
	sock_init_data(sock, sk);
	sk->sk_protocol = protocol;
	if (family == PF_INET6)
		cop_port_note_ipv6();
	if (answer && answer->flags & INET_PROTOSW_REUSE)
		WRITE_ONCE(sk->sk_reuse, 1);
	err = sk->sk_prot->init(sk);
	if (err)
		sk_common_release(sk);
	return err;
}

int inet_create(struct socket *sock, int family, int protocol)
{
	struct inet_protosw *answer;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return inet_refuse(family, -EINVAL);
	answer = inet_find_protosw(family, sock->type, &protocol);
	if (!answer && !inet_has_type(sock->type))
		return -ESOCKTNOSUPPORT;
	if (!answer)
		return inet_refuse(family, -EPROTONOSUPPORT);
	if (unlikely(answer->capability > 0 && !capable(answer->capability)))
		return -EPERM;
	return inet_create_sk(sock, family, protocol, answer, answer->prot);
}

static int inet_adopt(struct socket *sock, int fd, const struct cop_mark *mark)
{
	return sock->sk->sk_prot->adopt(sock->sk, fd, mark);
}

static int inet_release(struct socket *sock)
{
	sock->sk->sk_prot->close(sock->sk);
	return 0;
}

/* To PF_INET an address of no family that is all zero is its wildcard. */
static bool inet_family_fits(const struct sock *sk, union cop_addr *addr)
{
	if (addr->family == AF_UNSPEC && sk->sk_family == PF_INET &&
	    !addr->in.sin_addr.s_addr)
		addr->family = AF_INET;
	return addr->family == sk->sk_family;
}

/* Sets address and port of the sock after a bind, as inet_bind does. */
static void inet_bound(struct sock *sk, int fd, const union cop_addr *addr)
{
	uint64_t netns = cop_netns_key(fd, sock_flag(sk, SOCK_ELSEWHERE));
	struct inet_sock *inet = inet_sk(sk);
	uint8_t locks = READ_ONCE(sk->sk_userlocks);

	cop_slot_set(&inet->inet_rcv_saddr, addr);
	if (inet_addr_is_source(addr, netns))
		cop_slot_set(&inet->inet_saddr, addr);
	else
		cop_slot_clear(&inet->inet_saddr);
	if (!cop_addr_is_any(addr))
		locks |= SOCK_BINDADDR_LOCK;
	if (cop_addr_port(addr))
		locks |= SOCK_BINDPORT_LOCK;
	WRITE_ONCE(sk->sk_userlocks, locks);
	if (cop_addr_port(addr))
		WRITE_ONCE(inet->inet_sport, cop_addr_port(addr));
}

/*
 * Checks length and family here. The kernel's own bind, in the transport's bind, checks
 * the rest, in the order of its inet_bind: whether the address is local, the port
 * privileged, and the socket bound already.
 */
static int inet_bind(struct socket *sock, int fd, const struct sockaddr *uaddr,
		     socklen_t addr_len)
{
	struct sock *sk = sock->sk;
	union cop_addr addr;
	int err;

	err = cop_addr_import(fd, uaddr, addr_len, &addr);
	if (err)
		return err;
	if (addr_len < cop_addr_min_len(sk->sk_family))
		return -EINVAL;
	if (!inet_family_fits(sk, &addr))
		return -EAFNOSUPPORT;
	if (unlikely(addr_len < cop_addr_len(&addr)))
		cop_addr_drop_scope(&addr); /* the name has not all of it */
	cop_naming_begin(sk, fd);
	err = sk->sk_prot->bind(sk, fd, &addr);
	if (!err)
		inet_bound(sk, fd, &addr);
	cop_naming_end(sk, fd);
	return err;
}

/*
 * The transport's connect does the autobind: the kernel can bind in the same call. The
 * copy is zero behind a short name, since memory checkers read a whole address.
 */
static int inet_dgram_connect(struct socket *sock, int fd,
			      const struct sockaddr *uaddr, socklen_t addr_len)
{
	const struct proto *prot = sock->sk->sk_prot;
	struct sockaddr_storage addr = { 0 };
	int err;

	err = cop_addr_fits(fd, uaddr, addr_len);
	if (err)
		return err;
	if (addr_len < sizeof(uaddr->sa_family))
		return -EINVAL;
	memcpy(&addr, uaddr, addr_len);
	if (addr.ss_family == AF_UNSPEC)
		return prot->disconnect(sock->sk, fd, (struct sockaddr *)&addr,
					addr_len);
	return prot->connect(sock->sk, fd, (struct sockaddr *)&addr, addr_len);
}

static int sock_no_socketpair(struct socket *sock1, struct socket *sock2)
{
	(void)sock1;
	(void)sock2;
	return -EOPNOTSUPP;
}

static const struct proto_ops inet_dgram_ops = {
	.release = inet_release,
	.adopt = inet_adopt,
	.bind = inet_bind,
	.connect = inet_dgram_connect,
	.socketpair = sock_no_socketpair,
};

static struct inet_protosw inetsw_array[] = {
	{
		.type = SOCK_DGRAM,
		.protocol = IPPROTO_UDP,
		.prot = &cop_udp_prot,
		.flags = INET_PROTOSW_PERMANENT | INET_PROTOSW_ADOPTED,
	},
};

/* Both families have the same transports, and the same functions. */
static const struct net_proto_family inet_family_ops[] = {
	{ .family = PF_INET, .serves = inet_serves, .create = inet_create },
	{ .family = PF_INET6, .serves = inet_serves, .create = inet_create },
};

/* Nothing creates a socket at the same time: the library or the program starts. */
void inet_adopt_on(const struct cop_carrier *c, int capability)
{
	for (size_t i = 0; i < ARRAY_SIZE(inetsw_array); i++) {
		inetsw_array[i].prot = !c ? &cop_missing_prot
				       : cop_env.adopt == COP_ADOPT_SOME
					       ? &c->pending
					       : &c->udp;
		inetsw_array[i].capability = capability;
	}
}

static const struct cop_carrier_ops carrier_ops = {
	.udp = &cop_udp_ops,
	.pending = &cop_pending_ops,
	.plain = &cop_plain_ops,
};

void inet_init(void)
{
	proto_register(&cop_missing_prot);
	cop_carrier_init(&carrier_ops, &cop_datagram_prot);
	for (size_t i = 0; i < ARRAY_SIZE(inet_family_ops); i++)
		sock_register(&inet_family_ops[i]);
	inet_adopt_on(&cop_carriers[0], 0);
	for (size_t i = 0; i < ARRAY_SIZE(inetsw_array); i++)
		inet_register_protosw(&inetsw_array[i]);
}
