/* SPDX-License-Identifier: MIT */
/*
 * filter.h - keeping what is not COP from a program, before it wakes anybody.
 */
#ifndef COP_FILTER_H
#define COP_FILTER_H

#include "lib/confine.h"
#include "wire/encap.h"
#include "socket/sock.h"

/* What stands first in the queue of a kernel socket. */
enum cop_head {
	HEAD_EMPTY, /* nothing */
	HEAD_COP,   /* a COP datagram */
	HEAD_STRAY, /* something else */
	HEAD_ERROR, /* an error is pending, which a look would take away; or the
		     * end of a socket that was shut */
	HEAD_GONE   /* the descriptor is no longer ours */
};

/**
 * cop_poll - have the kernel drop what is not COP before it wakes anyone
 * @sk: a COP sock
 * @fd: its descriptor
 *
 * For sockets that are given to poll, select or epoll, and those on which a
 * stray was seen. Strays that are at the head of the queue already are dropped;
 * until none can be left behind them, later calls look again. Where a filter of
 * the program's own is set, by whichever process, that one does it. No
 * cancellation point. With COP_DEBUG no filter is set: strays are dropped here,
 * where it is seen who sent them. Returns false where it was seen that there is
 * nothing to be received.
 */
bool cop_poll(struct sock *sk, int fd);

/**
 * cop_filter_attached - note that from now on the kernel drops strays
 * @sk: a COP sock
 */
void cop_filter_attached(struct sock *sk);

/**
 * cop_filter_init - set up a new sock for what is said of strays
 * @sk: a COP sock
 */
void cop_filter_init(struct sock *sk);

/**
 * cop_head_clean - note that nothing from before the filter is queued
 * @sk: a COP sock
 */
void cop_head_clean(struct sock *sk);

/**
 * cop_attach_filter, cop_detach_filter, cop_get_filter - SO_ATTACH_FILTER and
 * SO_ATTACH_BPF, SO_DETACH_FILTER, SO_GET_FILTER
 * @sk: a COP sock
 * @fd: its descriptor
 * @optname: which of the first two
 * @optval: the option's value
 * @optlen: its length in bytes, as in setsockopt() and getsockopt()
 *
 * The program's filter sees the UDP header and then the payload, as on a UDP
 * socket, and never what is not COP. Return 0 or what the kernel says of it;
 * -EINVAL also for a filter that can't be moved, see cop_bpf_shift(); -ENOMEM
 * when no descriptor is left for the moment that it takes; -ENOPROTOOPT for an
 * eBPF program, which can't be moved at all.
 */
int cop_attach_filter(struct sock *sk, int fd, int optname, const void *optval,
		      socklen_t optlen);
int cop_detach_filter(struct sock *sk, int fd, const void *optval,
		      socklen_t optlen);
int cop_get_filter(int fd, void *optval, socklen_t *optlen);

/**
 * cop_attach_reuseport - SO_ATTACH_REUSEPORT_CBPF on sockets that share a port
 * @sk: one of them
 * @fd: its descriptor
 * @optval: the option's value
 * @optlen: its length in bytes
 *
 * The program sees the payload, as on a UDP socket. Returns 0 or what the kernel
 * says; -EINVAL also for one that can't be moved, see cop_bpf_skip().
 */
int cop_attach_reuseport(struct sock *sk, int fd, const void *optval,
			 socklen_t optlen);

/**
 * cop_head_purge - take strays away from the head of the queue
 * @sk: a COP sock
 * @fd: its descriptor
 * @rx: the first datagram that is left, where it is COP
 *
 * Returns what is at the head then.
 */
enum cop_head cop_head_purge(struct sock *sk, int fd, struct cop_rx *rx);

/**
 * cop_head_taken - note that a datagram was taken from an unclean queue
 * @sk: a COP sock
 *
 * The kernel's buffer can't have held more than so many when the filter was set.
 */
void cop_head_taken(struct sock *sk);

static inline bool is_head_unclean(uint32_t sk_flags)
{
	return (sk_flags & (SOCK_FILTER | SOCK_FILTER_CLEAN)) == SOCK_FILTER;
}

/*
 * Whether there may be strays in the queue in spite of a filter, which are to be
 * sought.
 */
static inline bool cop_head_unclean(struct sock *sk)
{
	return is_head_unclean(READ_ONCE(sk->sk_flags)) && !cop_confined();
}

#endif /* COP_FILTER_H */
