// SPDX-License-Identifier: MIT
/*
 * datagram/ends.c - the addresses of a datagram that is sent.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel: the
 * middle of udp_sendmsg(), which routes the datagram ahead of its checksum.
 */
#include <errno.h>
#include <netinet/in.h>

#include "cop_route.h"
#include "datagram/ends.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "lib/pktinfo.h"
#include "lib/sockname.h"
#include "lib/sysctl.h"
#include "lib/uaccess.h"
#include "wire/coded.h"

#define LOOPBACK4_IPV6 0x7f000006 /* 127.0.0.6 */

static struct cop_endpoint destination(const struct sock *sk,
				       const struct cop_tx *tx)
{
	if (tx->flow == COP_TX_PEER)
		return cop_slot_endpoint(&sk->sk_daddr);
	if (tx->flow == COP_TX_TABLE)
		return cop_peer_endpoint(&tx->to);
	return (struct cop_endpoint){ 0 };
}

/* The last message counts, as in ip_cmsg_send(). */
static bool source_of_message(struct sock *sk, int fd, const struct msghdr *msg,
			      bool to_v4, union cop_addr *source)
{
	struct cmsghdr *cmsg;
	bool found = false;

	if (msg->msg_controllen > (size_t)READ_ONCE(cop_sysctl.optmem_max) ||
	    !user_readable(fd, msg->msg_control, msg->msg_controllen))
		return false;
	for (cmsg = CMSG_FIRSTHDR(msg); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)msg, cmsg))
		found |= cop_pktinfo_source(cmsg, READ_ONCE(sk->sk_family),
					    to_v4, source);
	return found;
}

static noinline void from_message(struct sock *sk, int fd,
				  const struct msghdr *msg, bool to_v4,
				  struct cop_endpoint *from)
{
	union cop_addr source;

	if (!source_of_message(sk, fd, msg, to_v4, &source))
		return;
	if (source.family == AF_UNSPEC)
		source = cop_addr_v4(INADDR_ANY, 0);
	cop_endpoint_of(&source, sizeof(source), from);
}

/* The source of a datagram to a group is that of IP_MULTICAST_IF, if it names one. */
static bool source_of_group(int fd, const struct cop_endpoint *to,
			    union cop_addr *source)
{
	union cop_addr addr;
	socklen_t len = sizeof(struct in_addr);

	cop_addr_on_wire(to, &addr);
	if (addr.family != AF_INET ||
	    !IN_MULTICAST(ntohl(addr.in.sin_addr.s_addr)) || cop_confined())
		return false;
	addr = cop_addr_v4(0, 0);
	if (cop_libc.getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF,
				&addr.in.sin_addr, &len) ||
	    !addr.in.sin_addr.s_addr)
		return false;
	*source = addr;
	return true;
}

/* SO_BINDTODEVICE decides on the route. */
static void add_device(struct sock *sk, int fd, struct cop_endpoint *to)
{
	socklen_t len = sizeof(int);
	int device;

	if (likely(!sock_flag(sk, SOCK_ON_DEVICE)) || to->scope ||
	    cop_confined())
		return;
	if (!cop_libc.getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device,
				 &len))
		to->scope = device;
}

static noinline int source_of_route(struct sock *sk, int fd,
				    const struct cop_endpoint *to,
				    union cop_addr *source)
{
	const uint64_t netns = cop_netns_key(fd, sock_flag(sk, SOCK_ELSEWHERE));
	struct cop_endpoint route = *to, end;

	if (source_of_group(fd, to, source))
		return 0;
	add_device(sk, fd, &route);
	if (inet_route_source(&route, netns, &end))
		cop_addr_on_wire(&end, source);
	else if (cop_confined())
		return -EADDRNOTAVAIL;
	return 0;
}

/*
 * An AF_INET6 socket that is bound to an address of IPv6 has an address for datagrams of
 * IPv4, too: LOOPBACK4_IPV6 in net/ipv6/af_inet6.c. One that a connect() has given its
 * address has none.
 */
static void own_source(const struct sock *sk, const struct cop_endpoint *to,
		       const struct cop_endpoint *from, union cop_addr *source)
{
	cop_addr_on_wire(from, source);
	if (likely(source->family == AF_INET || !cop_endpoint_is_v4(to) ||
		   source->family == AF_UNSPEC))
		return;
	*source = cop_addr_v4(htonl(LOOPBACK4_IPV6), 0);
	if (!(READ_ONCE(sk->sk_userlocks) & SOCK_BINDADDR_LOCK))
		source->family = AF_UNSPEC;
}

/* Another process may have connected the socket. */
static noinline bool ask_kernel(int fd, struct cop_endpoint *to,
				struct cop_endpoint *from)
{
	union cop_addr addr;

	if (cop_confined() || !cop_peer_addr(fd, &addr) ||
	    !cop_endpoint_of(&addr, sizeof(addr), to))
		return false;
	if (cop_local_addr(fd, &addr))
		cop_endpoint_of(&addr, sizeof(addr), from);
	return true;
}

int cop_ends_sent(struct sock *sk, int fd, const struct cop_tx *tx,
		  const struct msghdr *msg, struct cop_ends *ends)
{
	struct cop_endpoint to = destination(sk, tx);
	struct cop_endpoint from = cop_slot_endpoint(&inet_sk(sk)->inet_saddr);
	const bool refused = unlikely(tx->flow == COP_TX_NONE) &&
			     !ask_kernel(fd, &to, &from);

	if (!cop_endpoint_is_v4(&to) && likely(!refused))
		cop_dest_of_any(&to, &from);
	if (unlikely(msg && msg->msg_controllen))
		from_message(sk, fd, msg, cop_endpoint_is_v4(&to), &from);
	if (cop_endpoint_is_v4(&to))
		cop_dest_of_any(&to, &from);
	cop_addr_on_wire(&to, &ends->dest);
	own_source(sk, &to, &from, &ends->source);
	if (ends->source.family != AF_UNSPEC || refused)
		return 0;
	return source_of_route(sk, fd, &to, &ends->source);
}

int cop_encode(struct sock *sk, int fd, const struct cop_tx *tx, void *hdr,
	       void *payload)
{
	const bool needs = sk_wire(sk)->ends;
	struct cop_ends ends;
	int err = needs ? cop_ends_sent(sk, fd, tx, NULL, &ends) : 0;

	if (unlikely(err))
		return err;
	return cop_coded_encode(sk, hdr, payload, tx->payload,
				needs ? &ends : NULL);
}

bool cop_keeps_pktinfo(const struct sock *sk, int level, int optname)
{
	return unlikely(sk_wire(sk)->ends) &&
	       cop_is_pktinfo(READ_ONCE(sk->sk_family), level, optname);
}

void cop_take_pktinfo(struct sock *sk, int fd)
{
	const int family = READ_ONCE(sk->sk_family);

	if (cop_pktinfo_is_asked(fd, family))
		sock_set_flag(sk, SOCK_PKTINFO);
	else
		sock_reset_flag(sk, SOCK_PKTINFO);
	cop_pktinfo_ask(fd, family);
}

/* The kernel takes more than one length of value, so it says what it has taken. */
int cop_set_pktinfo(struct sock *sk, int fd, int level, int optname,
		    const void *optval, socklen_t optlen)
{
	int err = cop_libc_result(
		cop_libc.setsockopt(fd, level, optname, optval, optlen));

	if (!err)
		cop_take_pktinfo(sk, fd);
	return err;
}

/* IPV6_ADDRFORM makes a connected socket of AF_INET6 one of AF_INET. */
int cop_set_addrform(struct sock *sk, int fd, const void *optval,
		     socklen_t optlen)
{
	int err = cop_libc_result(cop_libc.setsockopt(
		fd, IPPROTO_IPV6, IPV6_ADDRFORM, optval, optlen));

	if (err)
		return err;
	WRITE_ONCE(sk->sk_family, PF_INET);
	if (sk_wire(sk)->ends)
		cop_take_pktinfo(sk, fd);
	return 0;
}
