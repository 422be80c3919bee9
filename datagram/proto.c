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
#include "lib/sockname.h"
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
#include "lib/pktinfo.h"
#include "cop_port.h"
#include "datagram/cut.h"
#include "datagram/gro_option.h"
#include "datagram/naming.h"
#include "datagram/proto.h"
#include "datagram/unmark.h"
#include "cop_route.h"
#include "datagram/stats.h"
#include "lib/sysctl.h"
#include "datagram/tx.h"
#include "lib/uaccess.h"

/* The counterpart of udp_init_sock: a socket has no flows to begin with. */
void cop_short_open(struct sock *sk)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	if (prot->wire == &cop_wire && prot->sendto == cop_sendto &&
	    prot->recvfrom == cop_recvfrom)
		sock_set_flag(sk, SOCK_SHORT);
}

int cop_init_sock(struct sock *sk)
{
	cop_flow_init(&cop_sk(sk)->flows);
	cop_filter_init(sk);
	cop_short_open(sk);
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
	int fd = cop_libc_result(cop_libc.socket(
		sk->sk_family, SOCK_DGRAM | flags, IPPROTO_UDP));

	if (fd < 0)
		return fd;
	sock_set_flag(sk, SOCK_CARRIED);
	if (unlikely(sk_wire(sk)->ends))
		cop_pktinfo_ask(fd, sk->sk_family);
	if (unlikely(cop_sysctl_may_be_v6only()))
		sock_set_flag(sk, SOCK_MAYBE_V6ONLY);
	if (unlikely(!cop_netns_made_at_home(fd))) {
		note_elsewhere(sk);
		cop_mirror_buffers(sk, fd);
	}
	return fd;
}

/*
 * The kernel socket came over an exec, or from another process. That process may have
 * marked any socket, such as a raw socket for UDP, and may still use it.
 */
int cop_adopt(struct sock *sk, int fd, const struct cop_mark *mark)
{
	union cop_addr local;
	int err;

	if (!sock_is_udp(fd, sk->sk_family))
		return -ENOENT;
	if (!cop_local_addr(fd, &local))
		return -ENOENT;
	if (!cop_netns_came_home(fd))
		note_elsewhere(sk);
	err = cop_unmark(sk, fd, cop_addr_port(&local), mark);
	if (err)
		return err;
	sock_set_flag(sk, SOCK_CARRIED | SOCK_RECEIVED);
	if (unlikely(sk_wire(sk)->ends))
		cop_pktinfo_ask(fd, sk->sk_family);
	cop_take_names(sk, fd, &local);
	cop_mirror_buffers(sk, fd);
	cop_wait_note(sk, fd);
	cop_cut_note(sk, fd);
	cop_gro_note(sk, fd,
		     mark->word[WORD_FLAGS] & (SOCK_GRO | SOCK_GRO_OPT));
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
	uint16_t snum = u16_exchange(claim, 0);

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
		sk->sk_prot->unhash(sk);
		if (READ_ONCE(sk->sk_shared))
			WRITE_ONCE(csk->pinned, 0);
		release_claim(&csk->pinned);
	}
}

static int autobind(struct sock *sk, int fd)
{
	if (!READ_ONCE(sk->sk_num) && !sock_flag(sk, SOCK_UNCONFIRMED))
		return cop_autobind_arm(sk, fd);
	cop_bind_confirmed(sk, fd);
	return 0;
}

int cop_autobind(struct sock *sk, int fd)
{
	int err;

	cop_naming_begin(sk, fd);
	err = autobind(sk, fd);
	cop_naming_end(sk, fd);
	return err;
}

bool cop_autobound(struct sock *sk, int fd, int err)
{
	union cop_addr local;
	bool bound;

	if (READ_ONCE(inet_sk(sk)->inet_sport) || cop_confined())
		return true;
	cop_naming_resume(sk, fd);
	cop_local_addr(fd, &local);
	bound = cop_autobind_settle(sk, fd, &local, err);
	cop_naming_end(sk, fd);
	return bound;
}

/*
 * The kernel's answer also confirms the port. A pinned port that the sock has given
 * back is still on the kernel socket, so the program gets port 0 instead.
 */
static int getname(struct sock *sk, int fd, struct sockaddr *uaddr,
		   socklen_t *addr_len)
{
	union cop_addr *addr = (union cop_addr *)uaddr;
	socklen_t room =
		user_readable(fd, addr_len, sizeof(room)) ? *addr_len : 0;
	int err = cop_libc_result(cop_libc.getsockname(fd, uaddr, addr_len));

	if (err || room < cop_addr_min_len(sk->sk_family))
		return err;
	if (unlikely(READ_ONCE(cop_sk(sk)->pinned) && !READ_ONCE(sk->sk_num)))
		cop_addr_set_port(addr, 0);
	else if (unlikely(!READ_ONCE(inet_sk(sk)->inet_sport)))
		cop_bind_confirm(sk, cop_addr_port(addr));
	return 0;
}

int cop_getname(struct sock *sk, int fd, struct sockaddr *uaddr,
		socklen_t *addr_len)
{
	int err;

	if (likely(READ_ONCE(inet_sk(sk)->inet_sport)))
		return getname(sk, fd, uaddr, addr_len);
	cop_naming_begin(sk, fd);
	err = getname(sk, fd, uaddr, addr_len);
	cop_naming_end(sk, fd);
	return err;
}

/*
 * The kernel takes a connect to the wildcard address as one to this host. It may also
 * show the peer as an address of another family, or in another scope.
 */
static void set_peer(struct sock *sk, int fd, const union cop_addr *asked)
{
	union cop_addr peer;

	if (likely(cop_addr_is_exact(asked, sk->sk_family)))
		peer = *asked;
	else if (cop_confined() || !cop_peer_addr(fd, &peer))
		peer = cop_addr_is_any(asked)
			       ? cop_addr_loopback(sk->sk_family,
						   cop_addr_port(asked))
			       : *asked;
	cop_slot_set(&inet_sk(sk)->inet_daddr, &peer);
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

/* An AF_INET6 socket can be bound to ::ffff:0.0.0.0: all addresses of IPv4. */
static bool is_wildcard(const struct cop_addr_slot *slot)
{
	struct cop_endpoint end = cop_slot_endpoint(slot);
	union cop_addr addr;

	cop_addr_on_wire(&end, &addr);
	return addr.family == AF_UNSPEC;
}

/* What ip4_datagram_connect leaves in the sock. */
static void cop_connected(struct sock *sk, int fd, const union cop_addr *peer,
			  const union cop_addr *local)
{
	struct inet_sock *inet = inet_sk(sk);

	/* A sock that is bound to a group sends from another address. */
	if (is_wildcard(&inet->inet_rcv_saddr)) {
		if (is_wildcard(&inet->inet_saddr))
			cop_slot_set(&inet->inet_saddr, local);
		cop_slot_set(&inet->inet_rcv_saddr, local);
	}
	if (cop_addr_port(local))
		WRITE_ONCE(inet->inet_sport, cop_addr_port(local));
	cop_leave_peer(sk);
	set_peer(sk, fd, peer);
	if (queue_is_empty(fd))
		sock_set_flag(sk, SOCK_PEER_ONLY);
	sk_set_state(sk, COP_ESTABLISHED);
}

/*
 * Connects; a sock without a port offers one of COP's to the kernel's autobind.
 * Returns whether to try again, since another process had that port.
 */
static bool connect_once(struct sock *sk, int fd, const struct sockaddr *uaddr,
			 socklen_t addr_len, union cop_addr *local, int *err)
{
	bool confirmed = READ_ONCE(inet_sk(sk)->inet_sport);

	*err = confirmed ? 0 : autobind(sk, fd);
	if (unlikely(*err))
		return false;
	*err = ip_route_connect(fd, uaddr, addr_len, local);
	if (confirmed || cop_confined() ||
	    cop_autobind_settle(sk, fd, local, *err))
		return false;
	return *err == -EAGAIN;
}

/* Even a connect that fails then may have put the socket on the interface. */
static bool is_on_interface(const struct sockaddr *uaddr, socklen_t addr_len)
{
	const union cop_addr *addr = (const union cop_addr *)uaddr;

	return addr_len >= cop_addr_len(addr) && cop_addr_has_scope(addr);
}

int cop_connect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		socklen_t addr_len)
{
	union cop_addr local;
	int tries = COP_BIND_TRIES;
	int err;

	cop_naming_begin(sk, fd);
	if (unlikely(is_on_interface(uaddr, addr_len)))
		sock_set_flag(sk, SOCK_ON_DEVICE);
	while (connect_once(sk, fd, uaddr, addr_len, &local, &err) && --tries)
		;
	if (!err)
		cop_connected(sk, fd, (const union cop_addr *)uaddr, &local);
	cop_naming_end(sk, fd);
	return err;
}

/*
 * Whether a disconnect leaves the port. For a socket that came from another process,
 * the kernel alone knows whether a bind has fixed the port. The kernel does not know
 * that a pinned port is hidden from the program, so there the sock decides.
 */
static bool port_stays(struct sock *sk, int fd)
{
	union cop_addr local;

	if (likely(!sock_flag(sk, SOCK_RECEIVED)) ||
	    READ_ONCE(cop_sk(sk)->pinned))
		return READ_ONCE(sk->sk_userlocks) & SOCK_BINDPORT_LOCK;
	cop_local_addr(fd, &local);
	return cop_addr_port(&local);
}

static int disconnect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		      socklen_t addr_len)
{
	struct inet_sock *inet = inet_sk(sk);
	uint8_t locks = READ_ONCE(sk->sk_userlocks);
	int err = cop_libc_result(cop_libc.connect(fd, uaddr, addr_len));

	if (err)
		return err;
	sk_set_state(sk, COP_CLOSE);
	cop_leave_peer(sk);
	cop_slot_clear(&inet->inet_daddr);
	if (!(locks & SOCK_BINDADDR_LOCK)) {
		cop_slot_clear(&inet->inet_rcv_saddr);
		cop_slot_clear(&inet->inet_saddr);
	}
	if (!port_stays(sk, fd)) {
		sk->sk_prot->unhash(sk);
		sock_set_flag(sk, SOCK_UNBOUND);
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

	cop_naming_begin(sk, fd);
	err = disconnect(sk, fd, uaddr, addr_len);
	cop_naming_end(sk, fd);
	return err;
}
