/* SPDX-License-Identifier: MIT */
/*
 * filter.h - keeps strays from a program, before they wake it. A *stray* is a UDP
 * datagram that does not begin with a valid COP header.
 */
#ifndef COP_FILTER_H
#define COP_FILTER_H

#include "lib/confine.h"
#include "wire/encap.h"
#include "socket/sock.h"

/* What is first in the queue of a kernel socket. */
enum cop_head {
	HEAD_EMPTY, /* nothing */
	HEAD_COP,   /* a COP datagram */
	HEAD_STRAY, /* a stray */
	HEAD_ERROR, /* an error is pending, and a look would take it away; or the
		     * socket was shut down and has no datagram left */
	HEAD_GONE   /* the descriptor leads to another socket or file now */
};

/**
 * cop_poll - have the kernel drop strays before they wake the program
 * @sk: a COP sock
 * @fd: its descriptor
 *
 * Called for a socket that the program gives to poll, select or epoll, and after a
 * receive has met a stray. Sets the filter, unless the program's own filter is set,
 * which drops strays as well. Then drops the strays at the head of the queue. Later
 * calls do so again until no stray from before the filter can be left. With
 * COP_DEBUG it sets no filter, so that the library sees who sends strays. Returns
 * false if it has seen that the queue is empty. No cancellation point.
 */
bool cop_poll(struct sock *sk, int fd);

/**
 * cop_poll_is_done - whether the poll operation of a sock has nothing to do
 * @sk: a sock; the memory of one suffices
 */
bool cop_poll_is_done(struct sock *sk);

/**
 * cop_filter_attached - record that the kernel drops strays from now on
 * @sk: a COP sock
 */
void cop_filter_attached(struct sock *sk);

/**
 * cop_filter_init - set the flags of a new sock that concern strays
 * @sk: a COP sock
 */
void cop_filter_init(struct sock *sk);

/**
 * cop_head_clean - record that the queue holds no stray from before the filter
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
 * socket, and it sees no strays. Return 0 or the kernel's error; -EINVAL also for a
 * filter that can't be moved, see cop_bpf_shift(); -ENOBUFS if there is no
 * descriptor left, since setting a filter needs one for a moment; -ENOPROTOOPT for
 * an eBPF program, which can't be moved at all.
 */
int cop_attach_filter(struct sock *sk, int fd, int optname, const void *optval,
		      socklen_t optlen);
int cop_detach_filter(struct sock *sk, int fd, const void *optval,
		      socklen_t optlen);
int cop_get_filter(struct sock *sk, int fd, void *optval, socklen_t *optlen);

/**
 * cop_attach_reuseport - SO_ATTACH_REUSEPORT_CBPF on sockets that share a port
 * @sk: one of them
 * @fd: its descriptor
 * @optval: the option's value
 * @optlen: its length in bytes
 *
 * The BPF program sees the payload, as on a UDP socket. Returns 0 or the kernel's
 * error; -EINVAL also for a program that can't be moved, see cop_bpf_skip(); -ENOMEM.
 */
int cop_attach_reuseport(struct sock *sk, int fd, const void *optval,
			 socklen_t optlen);

/**
 * cop_head_purge - drop the strays at the head of the queue
 * @sk: a COP sock
 * @fd: its descriptor
 * @rx: filled in for the first datagram that is left, if it is a COP datagram
 *
 * Returns what is first in the queue now.
 */
enum cop_head cop_head_purge(struct sock *sk, int fd, struct cop_rx *rx);

/**
 * cop_head_taken - count a datagram that was taken from an unclean queue
 * @sk: a COP sock
 *
 * The queue held only so many datagrams when the filter was set. When that many
 * are taken, it is clean.
 */
void cop_head_taken(struct sock *sk);

static inline bool is_head_unclean(uint32_t sk_flags)
{
	return sk_flags & SOCK_HEAD_UNCLEAN;
}

/* Whether the kernel drops strays, and none from before it did is queued. */
static inline bool cop_head_is_clean(uint32_t sk_flags)
{
	return (sk_flags & (SOCK_FILTER | SOCK_HEAD_UNCLEAN)) == SOCK_FILTER;
}

/* Note that there was a stray in the queue: if a filter is set, it is from before it. */
static inline void cop_head_stray(struct sock *sk)
{
	if (sock_flag(sk, SOCK_FILTER))
		sock_set_flag(sk, SOCK_HEAD_UNCLEAN);
}

/*
 * Whether the queue may hold strays from before the filter, so that a call has to
 * look for them.
 */
static inline bool cop_head_unclean(struct sock *sk)
{
	return is_head_unclean(READ_ONCE(sk->sk_flags)) && !cop_confined();
}

#endif /* COP_FILTER_H */
