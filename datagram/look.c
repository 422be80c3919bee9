// SPDX-License-Identifier: MIT
/*
 * datagram/look.c - looks whether the first datagram is one that decode refuses. No
 * filter can tell, so poll() and FIONREAD would take it for one that can be received.
 *
 * Owns: nothing. Protected by: the sock's lock, so that two looks don't drop two
 * datagrams. Counterpart in the kernel: first_packet_length() in net/ipv4/udp.c, which
 * drops datagrams with a wrong checksum.
 */
#include <errno.h>
#include <poll.h>

#include "datagram/gro.h"
#include "datagram/look.h"
#include "datagram/proto.h"
#include "datagram/segments.h"
#include "datagram/soft_error.h"
#include "datagram/strays.h"
#include "filter/filter.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "wire/encap.h"

/* So many strays one look drops at most: new ones may come as fast as it drops them. */
#define LOOKS_MAX 4096

/* A transport may have a poll of its own. */
bool cop_may_refuse(struct sock *sk)
{
	return sk_wire(sk)->decode && READ_ONCE(sk->sk_prot)->poll == cop_poll;
}

enum look { LOOK_EMPTY, LOOK_DROPPED, LOOK_READY, LOOK_UNKNOWN };

/* A look is a receive, which takes a pending error, or a notice, from the program. */
static enum look may_look(struct sock *sk, int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN | POLLRDHUP };

	if (cop_libc.poll(&ready, 1, 0) <= 0)
		return LOOK_EMPTY;
	if (ready.revents != POLLIN || sock_tells_path_mtu(fd, sk->sk_family))
		return LOOK_READY;
	return LOOK_UNKNOWN;
}

/* It came since may_look(), and the look has taken it. */
static enum look leave_error(struct sock *sk, int err)
{
	if (cop_is_from_icmp(err))
		cop_soft_error_set(sk, err);
	return LOOK_READY;
}

static enum look look(struct sock *sk, int fd)
{
	struct sockaddr_storage from;
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from) };
	const int flags = MSG_PEEK | MSG_DONTWAIT;
	struct cop_rx rx = { .joined = false };
	enum look may = may_look(sk, fd);
	int err;

	if (may != LOOK_UNKNOWN)
		return may;
	err = cop_rx_one(sk, fd, &msg, flags, 0, &rx);
	if (err == -EAGAIN)
		return LOOK_EMPTY;
	if (err)
		return leave_error(sk, err);
	if (rx.stray == COP_NO_STRAY ||
	    cop_stray_fate(sk, fd, flags, &from, msg.msg_namelen, &rx) !=
		    COP_STRAY_DROPPED)
		return LOOK_READY;
	return LOOK_DROPPED;
}

/*
 * Signals wait for one look only, however many strays there are; in poll() and select() for
 * all of them, see wait_decodes().
 */
bool cop_first_decodes(struct sock *sk, int fd)
{
	enum look found = LOOK_DROPPED;
	struct cop_held held;

	if (cop_confined())
		return true;
	for (int i = 0; i < LOOKS_MAX && found == LOOK_DROPPED; i++) {
		cop_lock(&cop_sk(sk)->lock, &held);
		found = look(sk, fd);
		cop_unlock(&cop_sk(sk)->lock, &held);
	}
	return found != LOOK_EMPTY;
}
