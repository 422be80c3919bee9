// SPDX-License-Identifier: MIT
/*
 * adopt/decide.c - whether a pending socket becomes COP or stays UDP. It becomes
 * COP when it is bound to a port that COP_ADOPT lists. If it is not, the first
 * destination decides. If a datagram comes ahead of any send, the port that the
 * socket is bound to decides.
 *
 * Owns: nothing; the decision itself is in adopt/share.c. Protected by:
 * cop_decide_lock().
 * Counterpart in the kernel: smc_switch_to_fallback() in net/smc/af_smc.c.
 */
#include <errno.h>
#include <poll.h>

#include "adopt/decide.h"
#include "adopt/pending_filter.h"
#include "adopt/share.h"
#include "datagram/gro_option.h"
#include "datagram/naming.h"
#include "datagram/proto.h"
#include "datagram/tx.h"
#include "filter/filter.h"
#include "lib/sockname.h"
#include "lib/cancel.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "port/bind.h"

static int stay_udp(struct sock *sk, int fd)
{
	struct cop_mark_held held;

	cop_decide_lock(sk, fd, &held);
	if (!cop_leads_elsewhere(sk, held.fd)) {
		if (cop_decide(sk, cop_plain_of(sk)) &&
		    sock_flag(sk, SOCK_PENDING_SHARED) && !cop_confined())
			cop_program_unwrap(held.fd);
		cop_gro_plain(sk, held.fd);
	}
	cop_decide_unlock(sk, &held);
	return cop_is_plain(sk) ? COP_PLAIN_UDP : 0;
}

/* A confined process may not ask the kernel: it goes by what the sock knows. */
static __be16 local_port(struct sock *sk, int fd)
{
	union cop_addr local;

	if (cop_confined())
		return READ_ONCE(inet_sk(sk)->inet_sport);
	cop_local_addr(fd, &local);
	return cop_addr_port(&local);
}

static int move_filter(struct sock *sk, int fd)
{
	if (cop_confined())
		return 0;
	return cop_filter_is_locked(fd) ? -EPERM
					: cop_pending_move_filter(sk, fd);
}

/*
 * The sock takes the port that the socket is bound to, before another COP socket can
 * take that port. Returns -errno if the socket has to stay UDP. If another thread has
 * exchanged the socket meanwhile, all this says nothing about the sock.
 */
static int put_on_cop_locked(struct sock *sk, int fd)
{
	__be16 port;
	int err;

	if (!cop_is_pending(sk) || cop_leads_elsewhere(sk, fd))
		return 0;
	err = move_filter(sk, fd);
	port = local_port(sk, fd);
	if (cop_leads_elsewhere(sk, fd))
		return 0;
	if (err) {
		cop_decide(sk, cop_plain_of(sk));
		cop_gro_plain(sk, fd);
		return err;
	}
	cop_naming_begin(sk, fd);
	cop_bind_confirm(sk, port);
	cop_decide_cop(sk);
	cop_naming_end(sk, fd);
	if (sock_flag(sk, SOCK_PENDING_SHARED))
		cop_replace_pending_mark(sk, fd);
	if (sock_flag(sk, SOCK_WAITED))
		sk->sk_prot->poll(sk, fd);
	return 0;
}

int cop_put_on_cop(struct sock *sk, int fd)
{
	struct cop_mark_held held;
	int err;

	cop_decide_lock(sk, fd, &held);
	err = put_on_cop_locked(sk, held.fd);
	cop_decide_unlock(sk, &held);
	if (err)
		cop_warn(fd, "stays UDP: its filter can't be moved");
	else if (!cop_is_pending(sk))
		cop_debug(fd, "is put on COP");
	return cop_is_plain(sk) ? COP_PLAIN_UDP : 0;
}

int cop_decide_by_port(struct sock *sk, int fd, __be16 port)
{
	if (!cop_is_pending(sk)) /* first: a decision is for good */
		return cop_is_plain(sk) ? COP_PLAIN_UDP : 0;
	if (cop_env_adopts(ntohs(port)))
		return cop_put_on_cop(sk, fd);
	cop_debug(fd, "stays UDP: port %u is not listed", ntohs(port));
	return stay_udp(sk, fd);
}

/*
 * A socket that has received something has a port. While a receive waited, another
 * thread may have closed the socket, and opened a new one that has none yet.
 */
int cop_decide_by_local(struct sock *sk, int fd)
{
	__be16 port;

	if (cop_is_pending(sk) && cop_leads_elsewhere(sk, fd))
		return 0;
	port = local_port(sk, fd);
	if (!port && !cop_confined())
		return cop_is_plain(sk) ? COP_PLAIN_UDP : 0;
	return cop_decide_by_port(sk, fd, port);
}

/* ---- by a send ----------------------------------------------------------- */

static bool find_dest(struct sock *sk, int fd, const void *name, socklen_t len,
		      struct cop_endpoint *to)
{
	enum cop_dest dest = name ? cop_addr_dest(sk->sk_family, name, len, to)
				  : COP_DEST_PEER;
	union cop_addr peer;

	if (dest != COP_DEST_PEER)
		return dest == COP_DEST_NAME;
	return !cop_confined() && cop_peer_addr(fd, &peer) &&
	       cop_endpoint_of(&peer, cop_addr_len(&peer), to);
}

int cop_decide_by_dest(struct sock *sk, int fd, const void *name, socklen_t len)
{
	struct cop_endpoint to;
	int err;

	cop_still_pending(sk, fd);
	if (!find_dest(sk, fd, name, len, &to) || !to.port)
		return cop_is_plain(sk) ? COP_PLAIN_UDP : 0;
	err = cop_decide_by_port(sk, fd, to.port);
	if (!err && !READ_ONCE(inet_sk(sk)->inet_sport))
		err = sk->sk_prot->autobind(sk, fd);
	return err;
}

/* ---- by a receive -------------------------------------------------------- */

/*
 * Waits for a datagram and leaves it in the queue. Returns 1 for a datagram, which
 * has a sender; 0 at the end of a socket that was shut down, which has none; -errno,
 * such as -EAGAIN with MSG_DONTWAIT.
 */
static int await_datagram(int fd, int flags)
{
	union cop_addr sender;
	socklen_t len = sizeof(sender);
	char none;
	int n = cop_libc_result(cop_libc.recvfrom(
		fd, &none, 0, MSG_PEEK | flags, &sender.sa, &len));

	return n < 0 ? n : len > 0;
}

/* A peek would take a pending error from the program, so poll() asks first. */
static bool is_received(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return cop_libc.poll(&ready, 1, 0) > 0 && ready.revents & POLLIN &&
	       !(ready.revents & POLLERR) &&
	       await_datagram(fd, MSG_DONTWAIT) > 0;
}

/* poll() and recvfrom() are cancellation points; ioctl() and connect() are not. */
int cop_decide_if_received(struct sock *sk, int fd)
{
	bool received;
	int cancel;

	if (!cop_still_pending(sk, fd))
		return cop_is_plain(sk) ? COP_PLAIN_UDP : 0;
	if (cop_confined())
		return 0;
	cancel = cancel_off();
	received = is_received(fd);
	cancel_on(cancel);
	return received ? cop_decide_by_local(sk, fd) : 0;
}

int cop_decide_by_receive(struct sock *sk, int fd, int flags)
{
	int n = await_datagram(fd, flags & MSG_DONTWAIT);

	return n > 0 ? cop_decide_by_local(sk, fd) : n;
}
