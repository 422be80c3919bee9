// SPDX-License-Identifier: MIT
/*
 * cop_proto.c - struct proto cop_prot: the life of a COP sock, its peer, and
 * one datagram out or in.
 *
 * Owns: the slab of struct cop_sock. Protected by: the fields' own rules; for
 * open, connect and disconnect the caller keeps the sock alive. sendmsg and
 * recvmsg may block or be cancelled, so they take no reference: the memory is
 * type-stable. May call: cop_bind.c, cop_route.c, cop_flow.c, cop_encap.c.
 * Counterpart in the kernel: net/ipv4/udp.c and datagram.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#include "cop.h"
#include "cop/atomic.h"
#include "cop/bind.h"
#include "cop/compiler.h"
#include "cop/env.h"
#include "cop/flow.h"
#include "cop/libc.h"
#include "cop/port.h"
#include "cop/proto.h"
#include "cop/route.h"
#include "cop/stats.h"
#include "cop/sysctl.h"
#include "cop/tx.h"
#include "cop/uaccess.h"

static struct cop_slab cop_slab = COP_SLAB(struct cop_sock);

/* The counterpart of udp_init_sock: a socket has no flows to begin with. */
static int cop_init_sock(struct sock *sk)
{
	cop_flow_init(&cop_sk(sk)->flows);
	return 0;
}

static int cop_open(struct sock *sk, int flags)
{
	(void)sk;
	return cop_libc_result(
		cop_libc.socket(AF_INET, SOCK_DGRAM | flags, IPPROTO_UDP));
}

static void cop_close(struct sock *sk)
{
	cop_stats_report(sk, -1);
	sk_common_release(sk);
}

/* Ports that are claimed without being hashed. */
static void release_claim(_Atomic(uint16_t) *claim)
{
	uint16_t snum = atomic_exchange(claim, 0);

	if (snum)
		cop_port_release(&cop_port_table, snum);
}

static void cop_destroy(struct sock *sk)
{
	struct cop_sock *csk = cop_sk(sk);

	cop_flow_destroy(&csk->flows);
	if (unlikely(READ_ONCE(csk->armed)))
		release_claim(&csk->armed);
	if (unlikely(READ_ONCE(csk->pinned))) {
		cop_unhash(sk);
		release_claim(&csk->pinned);
	}
}

static void cop_autobind(struct sock *sk, int fd)
{
	if (READ_ONCE(sk->sk_num) || sock_flag(sk, SOCK_UNCONFIRMED))
		cop_bind_confirmed(sk, fd);
	else
		cop_autobind_arm(sk, fd);
}

static bool cop_autobound(struct sock *sk, int fd)
{
	struct sockaddr_in local;

	if (READ_ONCE(inet_sk(sk)->inet_sport))
		return true;
	ip_local_name(fd, &local);
	return cop_autobind_settle(sk, fd, &local);
}

/*
 * The kernel's answer also confirms the port. A pinned one that the sock has
 * given back is still on the kernel socket, but not the sock's.
 */
static int cop_getname(struct sock *sk, int fd, struct sockaddr *uaddr,
		       socklen_t *addr_len)
{
	struct sockaddr_in *addr = (struct sockaddr_in *)uaddr;
	socklen_t room = access_ok(addr_len, sizeof(room)) ? *addr_len : 0;
	int err = cop_libc_result(cop_libc.getsockname(fd, uaddr, addr_len));

	if (err || room < sizeof(*addr))
		return err;
	if (unlikely(READ_ONCE(cop_sk(sk)->pinned) && !READ_ONCE(sk->sk_num)))
		addr->sin_port = 0;
	else if (unlikely(!READ_ONCE(inet_sk(sk)->inet_sport)))
		cop_bind_confirm(sk, addr->sin_port);
	return 0;
}

/* What ip4_datagram_connect leaves in the sock. */
static void cop_connected(struct sock *sk, const struct sockaddr_in *peer,
			  const struct sockaddr_in *local)
{
	struct inet_sock *inet = inet_sk(sk);
	__be32 saddr = local->sin_addr.s_addr;

	if (!READ_ONCE(inet->inet_saddr))
		WRITE_ONCE(inet->inet_saddr, saddr);
	if (!READ_ONCE(inet->inet_rcv_saddr))
		WRITE_ONCE(inet->inet_rcv_saddr, saddr);
	WRITE_ONCE(inet->inet_sport, local->sin_port);
	WRITE_ONCE(inet->inet_daddr, peer->sin_addr.s_addr);
	WRITE_ONCE(inet->inet_dport, peer->sin_port);
	WRITE_ONCE(cop_sk(sk)->tx_seq, 0);
	WRITE_ONCE(sk->sk_state, COP_ESTABLISHED);
}

/*
 * Connect, with our port for the kernel's autobind where there is none yet.
 * Returns whether to try again: that port was another process's.
 */
static bool connect_once(struct sock *sk, int fd, const struct sockaddr *uaddr,
			 socklen_t addr_len, struct sockaddr_in *local,
			 int *err)
{
	bool confirmed = READ_ONCE(inet_sk(sk)->inet_sport);

	if (!confirmed)
		cop_autobind(sk, fd);
	*err = ip_route_connect(fd, uaddr, addr_len, local);
	if (confirmed || cop_autobind_settle(sk, fd, local))
		return false;
	return *err == -EAGAIN;
}

static int cop_connect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		       socklen_t addr_len)
{
	struct sockaddr_in local;
	int tries = COP_BIND_TRIES;
	int err;

	while (connect_once(sk, fd, uaddr, addr_len, &local, &err) && --tries)
		;
	if (!err)
		cop_connected(sk, (const struct sockaddr_in *)uaddr, &local);
	return err;
}

/* The counterpart of udp_disconnect: what a bind did not fix is undone. */
static int cop_disconnect(struct sock *sk, int fd, const struct sockaddr *uaddr,
			  socklen_t addr_len)
{
	struct inet_sock *inet = inet_sk(sk);
	uint8_t locks = READ_ONCE(sk->sk_userlocks);
	int err = cop_libc_result(cop_libc.connect(fd, uaddr, addr_len));

	if (err)
		return err;
	WRITE_ONCE(sk->sk_state, COP_CLOSE);
	WRITE_ONCE(inet->inet_daddr, 0);
	WRITE_ONCE(inet->inet_dport, 0);
	if (!(locks & SOCK_BINDADDR_LOCK)) {
		WRITE_ONCE(inet->inet_rcv_saddr, 0);
		WRITE_ONCE(inet->inet_saddr, 0);
	}
	if (!(locks & SOCK_BINDPORT_LOCK)) {
		cop_unhash(sk);
		sock_reset_flag(sk, SOCK_UNCONFIRMED);
		WRITE_ONCE(inet->inet_sport, 0);
	}
	return 0;
}

static bool dest_of(const struct msghdr *msg, struct cop_flow_key *key)
{
	const struct sockaddr_in *to = msg->msg_name;

	if (msg->msg_namelen < sizeof(*to) || !access_ok(to, sizeof(*to)) ||
	    (to->sin_family != AF_INET && to->sin_family != AF_UNSPEC))
		return false;
	key->addr = to->sin_addr.s_addr;
	key->port = to->sin_port;
	key->zero = 0;
	return true;
}

static bool is_peer(struct sock *sk, const struct cop_flow_key *key)
{
	return READ_ONCE(sk->sk_daddr) == key->addr &&
	       READ_ONCE(sk->sk_dport) == key->port;
}

/* An autobind that happens in the send itself has claimed its port already. */
static __be16 tx_source(const struct sock *sk)
{
	uint16_t snum = READ_ONCE(sk->sk_num);

	return htons(likely(snum) ? snum : READ_ONCE(cop_sk(sk)->armed));
}

/*
 * Find the flow of a datagram and take its number. One that has no destination
 * gets none: the kernel is about to say so.
 */
void cop_tx_begin(struct sock *sk, const struct msghdr *msg, struct cop_tx *tx)
{
	bool connected = READ_ONCE(sk->sk_state) == COP_ESTABLISHED;
	uint64_t seq = 0;

	tx->flow = COP_TX_NONE;
	tx->key = (struct cop_flow_key){ 0 };
	if (msg->msg_name) {
		if (dest_of(msg, &tx->key))
			tx->flow = connected && is_peer(sk, &tx->key)
					   ? COP_TX_PEER
					   : COP_TX_TABLE;
	} else if (connected) {
		tx->key.port = READ_ONCE(sk->sk_dport);
		tx->flow = COP_TX_PEER;
	}
	if (tx->flow == COP_TX_PEER)
		seq = u64_add(&cop_sk(sk)->tx_seq, 1);
	else if (tx->flow == COP_TX_TABLE)
		seq = cop_flow_next(&cop_sk(sk)->flows, &tx->key);
	tx->seq = seq;
	cop_hdr_build(&tx->hdr, tx_source(sk), tx->key.port, seq);
}

static void tx_undo(struct sock *sk, struct cop_tx *tx)
{
	uint64_t next = tx->seq + 1;

	if (tx->flow == COP_TX_PEER)
		u64_cas(&cop_sk(sk)->tx_seq, &next, tx->seq);
	else if (tx->flow == COP_TX_TABLE)
		cop_flow_undo(&cop_sk(sk)->flows, &tx->key, tx->seq);
}

void cop_tx_end(struct sock *sk, struct cop_tx *tx, ssize_t result)
{
	struct cop_counters *count = &cop_sk(sk)->count;

	if (unlikely(result < 0)) {
		tx_undo(sk, tx);
		u32_add(&count->tx_errors, 1);
		return;
	}
	u32_add(&count->tx_datagrams, 1);
	u64_add(&count->tx_bytes, result);
}

int cop_soft_error(struct sock *sk)
{
	if (likely(!READ_ONCE(cop_sk(sk)->soft_err)))
		return 0;
	return -atomic_exchange(&cop_sk(sk)->soft_err, 0);
}

bool cop_has_udp_cmsg(const struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	if (!msg->msg_controllen ||
	    !access_ok(msg->msg_control, msg->msg_controllen))
		return false;
	for (cmsg = CMSG_FIRSTHDR(msg); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)msg, cmsg))
		if (cmsg->cmsg_level == IPPROTO_UDP)
			return true;
	return false;
}

/*
 * A datagram that is sent in parts has one header, ahead of the first. A part
 * that the kernel refuses takes those before it along, but for the two errors
 * that it finds before it looks at them.
 */
static ssize_t sendmsg_corked(struct sock *sk, int fd, const struct msghdr *msg,
			      int flags, size_t len)
{
	bool begun = sock_flag(sk, SOCK_CORKED);
	bool more = flags & MSG_MORE || sock_flag(sk, SOCK_CORK_OPT);
	struct cop_tx tx;
	ssize_t n;

	if (!begun)
		cop_tx_begin(sk, msg, &tx);
	n = cop_encap_send(fd, begun ? NULL : &tx.hdr, msg, flags, len);
	if (!begun)
		cop_tx_end(sk, &tx, n);
	else if (n > 0)
		u64_add(&cop_sk(sk)->count.tx_bytes, n);
	if (n >= 0 && more)
		sock_set_flag(sk, SOCK_CORKED);
	else if (n >= 0 || (len <= UINT16_MAX && !(flags & MSG_OOB)))
		sock_reset_flag(sk, SOCK_CORKED);
	return n;
}

flatten ssize_t cop_sendmsg(struct sock *sk, int fd, const struct msghdr *msg,
			    int flags)
{
	ssize_t len = cop_iov_length(msg);
	struct cop_tx tx;
	ssize_t n;

	if (unlikely(len < 0))
		return cop_libc_result(cop_libc.sendmsg(fd, msg, flags));
	n = cop_soft_error(sk);
	if (unlikely(n))
		return n;
	if (unlikely(cop_has_udp_cmsg(msg)))
		return -EINVAL;
	if (unlikely(flags & MSG_MORE ||
		     sock_flag(sk, SOCK_CORKED | SOCK_CORK_OPT)))
		return sendmsg_corked(sk, fd, msg, flags, len);
	cop_tx_begin(sk, msg, &tx);
	n = cop_encap_send(fd, &tx.hdr, msg, flags, len);
	cop_tx_end(sk, &tx, n);
	return n;
}

bool cop_owns(struct sock *sk, int fd)
{
	struct sockaddr_in local;
	uint16_t snum = READ_ONCE(sk->sk_num);
	socklen_t len = sizeof(int);
	int protocol;

	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) ||
	    protocol != IPPROTO_UDP)
		return false;
	ip_local_name(fd, &local);
	return local.sin_family == AF_INET &&
	       (!snum || local.sin_port == htons(snum));
}

void cop_rx_stray(struct sock *sk, enum cop_stray reason)
{
	static const char *const name[] = {
		[COP_STRAY_SHORT] = "too short",
		[COP_STRAY_MAGIC] = "not COP",
		[COP_STRAY_VERSION] = "of another version",
		[COP_STRAY_LENGTH] = "of a wrong header length",
	};

	u32_add(&cop_sk(sk)->count.strays[reason], 1);
	cop_debug("port %u: a datagram that is %s was dropped",
		  READ_ONCE(sk->sk_num), name[reason]);
}

/* A look that finds a stray leaves it there, so it has to be taken away. */
static void drop_head(int fd)
{
	char none;

	cop_libc.recv(fd, &none, 0, MSG_DONTWAIT);
}

void cop_rx_account(struct sock *sk, const struct msghdr *msg,
		    const struct cop_rx *rx)
{
	struct cop_counters *count = &cop_sk(sk)->count;
	const struct sockaddr_in *from = msg->msg_name;

	u32_add(&count->rx_datagrams, 1);
	u64_add(&count->rx_bytes, rx->copied);
	if (unlikely(rx->copied < rx->len))
		u32_add(&count->rx_truncated, 1);
	if (from && msg->msg_namelen >= sizeof(*from) &&
	    unlikely(from->sin_port != rx->hdr.source))
		u32_add(&count->port_mismatch, 1);
}

/* An empty datagram has a sender; the end of a socket that was shut has none. */
bool cop_rx_ended(int fd, const struct msghdr *msg, const struct cop_rx *rx)
{
	struct pollfd end = { .fd = fd, .events = POLLRDHUP };

	if (rx->stray != COP_STRAY_SHORT || rx->len ||
	    (msg->msg_name && msg->msg_namelen))
		return false;
	return cop_libc.poll(&end, 1, 0) > 0 && end.revents & POLLRDHUP;
}

/*
 * Returns whether to receive again. A descriptor that is no longer ours keeps
 * its datagram: it was for whoever owns the number now.
 */
static bool stray_dropped(struct sock *sk, int fd, struct msghdr *msg,
			  int flags, const struct cop_rx *rx)
{
	if (!cop_owns(sk, fd)) {
		msg->msg_flags |= COP_MSG_STALE;
		return false;
	}
	if (cop_rx_ended(fd, msg, rx))
		return false;
	if (flags & MSG_PEEK)
		drop_head(fd);
	cop_rx_stray(sk, rx->stray);
	cop_poll(sk, fd);
	return true;
}

flatten ssize_t cop_recvmsg(struct sock *sk, int fd, struct msghdr *msg,
			    int flags)
{
	ssize_t cap = cop_iov_length(msg);
	struct msghdr try;
	struct cop_rx rx;
	int err;

	if (unlikely(cap < 0))
		return cop_libc_result(cop_libc.recvmsg(fd, msg, flags));
	if (unlikely(flags & MSG_ERRQUEUE))
		return cop_encap_recv_error(fd, msg, flags, cap);
	err = cop_soft_error(sk);
	if (unlikely(err))
		return err;
	do {
		try = *msg;
		err = cop_encap_recv(fd, &try, flags, cap, &rx);
		if (err)
			return err;
	} while (unlikely(rx.stray != COP_NO_STRAY) &&
		 stray_dropped(sk, fd, &try, flags, &rx));
	*msg = try;
	if (likely(!(flags & MSG_PEEK) && rx.stray == COP_NO_STRAY))
		cop_rx_account(sk, msg, &rx);
	if (unlikely(sock_flag(sk, SOCK_FILTER)) &&
	    !sock_flag(sk, SOCK_FILTER_CLEAN))
		cop_poll(sk, fd);
	return flags & MSG_TRUNC ? rx.len : rx.copied;
}

const struct proto cop_prot = {
	.name = "COP",
	.slab = &cop_slab,
	.obj_size = sizeof(struct cop_sock),
	.init = cop_init_sock,
	.destroy = cop_destroy,
	.close = cop_close,
	.report = cop_stats_report,
	.open = cop_open,
	.get_port = cop_get_port,
	.autobind = cop_autobind,
	.autobound = cop_autobound,
	.hash = cop_hash,
	.unhash = cop_unhash,
	.getname = cop_getname,
	.connect = cop_connect,
	.disconnect = cop_disconnect,
	.poll = cop_poll,
	.ioctl = cop_ioctl,
	.setsockopt = cop_setsockopt,
	.getsockopt = cop_getsockopt,
	.sendmsg = cop_sendmsg,
	.recvmsg = cop_recvmsg,
	.sendmmsg = cop_sendmmsg,
	.recvmmsg = cop_recvmmsg,
};
