// SPDX-License-Identifier: MIT
/*
 * datagram/proto.c - the life of a datagram sock, its name and its peer.
 *
 * Owns: nothing. Protected by: the rules of each field of struct cop_sock; the
 * caller keeps the sock alive.
 * Counterpart in the kernel: net/ipv4/udp.c and datagram.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cop.h"
#include "lib/addr.h"
#include "lib/atomic.h"
#include "port/bind.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "filter/filter.h"
#include "flow/flow.h"
#include "lib/libc.h"
#include "filter/mark.h"
#include "lib/netns.h"
#include "cop_port.h"
#include "datagram/proto.h"
#include "datagram/unmark.h"
#include "cop_route.h"
#include "datagram/stats.h"
#include "lib/sysctl.h"
#include "datagram/tx.h"
#include "lib/uaccess.h"

/* The counterpart of udp_init_sock: a socket has no flows to begin with. */
int cop_init_sock(struct sock *sk)
{
	cop_flow_init(&cop_sk(sk)->flows);
	cop_filter_init(sk);
	return 0;
}

/* The library's port space and settings are not those of the socket's namespace. */
static void note_elsewhere(struct sock *sk)
{
	sock_set_flag(sk, SOCK_ELSEWHERE);
	cop_sysctl_elsewhere();
}

int cop_open(struct sock *sk, int flags)
{
	int fd = cop_libc_result(
		cop_libc.socket(AF_INET, SOCK_DGRAM | flags, IPPROTO_UDP));

	if (fd < 0)
		return fd;
	sock_set_flag(sk, SOCK_CARRIED);
	if (unlikely(!cop_netns_made_at_home(fd))) {
		note_elsewhere(sk);
		cop_mirror_buffers(sk, fd);
	}
	return fd;
}

/* Sets the addresses as inet_bind() and cop_connected() would have set them. */
static void adopt_names(struct sock *sk, int fd,
			const struct sockaddr_in *local)
{
	struct inet_sock *inet = inet_sk(sk);
	union cop_addr peer;
	uint64_t netns = cop_netns_key(fd, sock_flag(sk, SOCK_ELSEWHERE));
	__be32 addr = local->sin_addr.s_addr;

	WRITE_ONCE(inet->inet_rcv_saddr, addr);
	WRITE_ONCE(inet->inet_saddr, inet_source_addr(addr, netns));
	if (!cop_peer_addr(fd, &peer))
		return;
	WRITE_ONCE(inet->inet_daddr, peer.in.sin_addr.s_addr);
	WRITE_ONCE(inet->inet_dport, peer.in.sin_port);
	WRITE_ONCE(sk->sk_state, COP_ESTABLISHED);
}

static bool option_is(int fd, int optname, int value)
{
	socklen_t len = sizeof(int);
	int is;

	return !cop_libc.getsockopt(fd, SOL_SOCKET, optname, &is, &len) &&
	       is == value;
}

/*
 * The kernel socket came over an exec, or from another process. That process may have
 * marked any socket, such as a raw socket for UDP, and may still use it.
 */
int cop_adopt(struct sock *sk, int fd, const struct cop_mark *mark)
{
	struct sockaddr_in local;
	int err;

	if (!option_is(fd, SO_DOMAIN, AF_INET) ||
	    !option_is(fd, SO_TYPE, SOCK_DGRAM) ||
	    !option_is(fd, SO_PROTOCOL, IPPROTO_UDP))
		return -ENOENT;
	ip_local_name(fd, &local);
	if (local.sin_family != AF_INET)
		return -ENOENT;
	if (!cop_netns_came_home(fd))
		note_elsewhere(sk);
	err = cop_unmark(sk, fd, local.sin_port, mark);
	if (err)
		return err;
	sock_set_flag(sk, SOCK_CARRIED | SOCK_RECEIVED);
	adopt_names(sk, fd, &local);
	cop_mirror_buffers(sk, fd);
	cop_wait_note(sk, fd);
	if (mark->body != COP_BODY_ALL)
		cop_filter_attached(sk);
	return 0;
}

void cop_close(struct sock *sk)
{
	cop_stats_report(sk, -1);
	sk_common_release(sk);
}

/* Releases a port that is claimed and not hashed. */
static void release_claim(_Atomic(uint16_t) *claim)
{
	uint16_t snum = atomic_exchange(claim, 0);

	if (snum)
		cop_port_release(&cop_port_table, snum);
}

void cop_destroy(struct sock *sk)
{
	struct cop_sock *csk = cop_sk(sk);

	cop_flow_destroy(&csk->flows);
	if (unlikely(READ_ONCE(csk->armed)))
		release_claim(&csk->armed);
	if (unlikely(READ_ONCE(csk->pinned))) {
		cop_unhash(sk);
		if (sock_flag(sk, SOCK_SHARED_PORT))
			WRITE_ONCE(csk->pinned, 0);
		release_claim(&csk->pinned);
	}
}

void cop_autobind(struct sock *sk, int fd)
{
	cop_naming_begin(sk);
	if (READ_ONCE(sk->sk_num) || sock_flag(sk, SOCK_UNCONFIRMED))
		cop_bind_confirmed(sk, fd);
	else
		cop_autobind_arm(sk, fd);
	cop_naming_end(sk);
}

bool cop_autobound(struct sock *sk, int fd, int err)
{
	struct sockaddr_in local;
	bool bound;

	if (READ_ONCE(inet_sk(sk)->inet_sport) || cop_confined())
		return true;
	cop_naming_begin(sk);
	ip_local_name(fd, &local);
	bound = cop_autobind_settle(sk, fd, &local, err);
	cop_naming_end(sk);
	return bound;
}

/*
 * The kernel's answer also confirms the port. A pinned port that the sock has given
 * back is still on the kernel socket, so the program gets port 0 instead.
 */
int cop_getname(struct sock *sk, int fd, struct sockaddr *uaddr,
		socklen_t *addr_len)
{
	struct sockaddr_in *addr = (struct sockaddr_in *)uaddr;
	socklen_t room =
		user_readable(fd, addr_len, sizeof(room)) ? *addr_len : 0;
	int err = cop_libc_result(cop_libc.getsockname(fd, uaddr, addr_len));

	if (err || room < sizeof(*addr))
		return err;
	if (unlikely(READ_ONCE(cop_sk(sk)->pinned) && !READ_ONCE(sk->sk_num)))
		addr->sin_port = 0;
	else if (unlikely(!READ_ONCE(inet_sk(sk)->inet_sport)))
		cop_bind_confirm(sk, addr->sin_port);
	return 0;
}

/* The kernel takes a connect to the wildcard address as one to this host. */
static __be32 peer_addr(int fd, const struct sockaddr_in *asked)
{
	union cop_addr peer;

	if (likely(asked->sin_addr.s_addr != htonl(INADDR_ANY)))
		return asked->sin_addr.s_addr;
	if (cop_confined())
		return htonl(INADDR_LOOPBACK);
	cop_peer_addr(fd, &peer);
	return peer.in.sin_addr.s_addr;
}

/* Once connected, the kernel queues only datagrams of the peer. */
static bool queue_is_empty(int fd)
{
	struct pollfd queue = { .fd = fd, .events = POLLIN };
	int cancel, ready;

	if (cop_confined())
		return false;
	cancel = cancel_off();
	ready = cop_libc.poll(&queue, 1, 0);
	cancel_on(cancel);
	return !ready || !(queue.revents & POLLIN);
}

/* Adds the figures of the old peer to its flow, and ends its sequence numbers. */
static void leave_peer(struct sock *sk)
{
	struct cop_flow_key key = { .addr = READ_ONCE(sk->sk_daddr),
				    .port = READ_ONCE(sk->sk_dport) };

	if (sock_flag(sk, SOCK_PEER_ONLY))
		sock_reset_flag(sk, SOCK_PEER_ONLY);
	cop_flow_fold(&cop_sk(sk)->flows, &key, &cop_sk(sk)->peer);
}

/* What ip4_datagram_connect leaves in the sock. */
static void cop_connected(struct sock *sk, int fd,
			  const struct sockaddr_in *peer,
			  const struct sockaddr_in *local)
{
	struct inet_sock *inet = inet_sk(sk);
	__be32 saddr = local->sin_addr.s_addr;

	if (!READ_ONCE(inet->inet_saddr))
		WRITE_ONCE(inet->inet_saddr, saddr);
	if (!READ_ONCE(inet->inet_rcv_saddr))
		WRITE_ONCE(inet->inet_rcv_saddr, saddr);
	if (local->sin_port)
		WRITE_ONCE(inet->inet_sport, local->sin_port);
	leave_peer(sk);
	WRITE_ONCE(inet->inet_daddr, peer_addr(fd, peer));
	WRITE_ONCE(inet->inet_dport, peer->sin_port);
	if (queue_is_empty(fd))
		sock_set_flag(sk, SOCK_PEER_ONLY);
	WRITE_ONCE(sk->sk_state, COP_ESTABLISHED);
}

/*
 * Connects; a sock without a port offers one of COP's to the kernel's autobind.
 * Returns whether to try again, since another process had that port.
 */
static bool connect_once(struct sock *sk, int fd, const struct sockaddr *uaddr,
			 socklen_t addr_len, struct sockaddr_in *local,
			 int *err)
{
	bool confirmed = READ_ONCE(inet_sk(sk)->inet_sport);

	if (!confirmed)
		cop_autobind(sk, fd);
	*err = ip_route_connect(fd, uaddr, addr_len, local);
	if (confirmed || cop_confined() ||
	    cop_autobind_settle(sk, fd, local, *err))
		return false;
	return *err == -EAGAIN;
}

int cop_connect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		socklen_t addr_len)
{
	struct sockaddr_in local;
	int tries = COP_BIND_TRIES;
	int err;

	cop_naming_begin(sk);
	while (connect_once(sk, fd, uaddr, addr_len, &local, &err) && --tries)
		;
	if (!err)
		cop_connected(sk, fd, (const struct sockaddr_in *)uaddr,
			      &local);
	cop_naming_end(sk);
	return err;
}

/*
 * Whether a disconnect leaves the port. For a socket that came from another process,
 * the kernel alone knows whether a bind has fixed the port. The kernel does not know
 * that a pinned port is hidden from the program, so there the sock decides.
 */
static bool port_stays(struct sock *sk, int fd)
{
	struct sockaddr_in local;

	if (likely(!sock_flag(sk, SOCK_RECEIVED)) ||
	    READ_ONCE(cop_sk(sk)->pinned))
		return READ_ONCE(sk->sk_userlocks) & SOCK_BINDPORT_LOCK;
	ip_local_name(fd, &local);
	return local.sin_port;
}

static int disconnect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		      socklen_t addr_len)
{
	struct inet_sock *inet = inet_sk(sk);
	uint8_t locks = READ_ONCE(sk->sk_userlocks);
	int err = cop_libc_result(cop_libc.connect(fd, uaddr, addr_len));

	if (err)
		return err;
	WRITE_ONCE(sk->sk_state, COP_CLOSE);
	leave_peer(sk);
	WRITE_ONCE(inet->inet_daddr, 0);
	WRITE_ONCE(inet->inet_dport, 0);
	if (!(locks & SOCK_BINDADDR_LOCK)) {
		WRITE_ONCE(inet->inet_rcv_saddr, 0);
		WRITE_ONCE(inet->inet_saddr, 0);
	}
	if (!port_stays(sk, fd)) {
		cop_unhash(sk);
		sock_reset_flag(sk, SOCK_UNCONFIRMED);
		WRITE_ONCE(inet->inet_sport, 0);
	}
	return 0;
}

/* The counterpart of udp_disconnect: undoes all that a bind did not fix. */
int cop_disconnect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		   socklen_t addr_len)
{
	int err;

	cop_naming_begin(sk);
	err = disconnect(sk, fd, uaddr, addr_len);
	cop_naming_end(sk);
	return err;
}
