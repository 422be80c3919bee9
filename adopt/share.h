/* SPDX-License-Identifier: MIT */
/*
 * share.h - what a socket that was pending has become, and that all processes that
 * share it learn it.
 *
 * Only for socks that began with the pending transport of a carrier. Such a sock has
 * one of three transports: it is pending until one thread of one process exchanges
 * pending for udp or plain of struct cop_carrier.
 */
#ifndef COP_SHARE_H
#define COP_SHARE_H

#include "adopt/plain.h"
#include "adopt/udp.h"
#include "filter/attach.h"
#include "filter/mark.h"
#include "socket/sock.h"

/* Whether the sock is still pending, as far as this process knows. */
static inline bool cop_is_pending(struct sock *sk)
{
	const struct proto *prot = sk->sk_prot;
	const struct cop_carrier *c = cop_carrier_of(prot);

	return prot != &c->udp && prot != &c->plain;
}

/**
 * cop_still_pending - whether a sock is pending, in any process
 * @sk: the sock
 * @fd: its descriptor
 *
 * Each call on a pending socket begins with it: if another process has decided,
 * this one follows. Costs system calls only for a socket that is shared.
 */
bool cop_still_pending(struct sock *sk, int fd);

/**
 * cop_leads_elsewhere - whether another thread has closed or exchanged a descriptor
 * @sk: the sock that the caller has found at the descriptor
 * @fd: the descriptor
 *
 * What the kernel says about the descriptor counts for the sock only if this is false
 * before and behind. Costs system calls only in a process with threads.
 */
bool cop_leads_elsewhere(struct sock *sk, int fd);

/**
 * cop_decide - give a pending sock its transport for good
 * @sk: the sock
 * @prot: cop_udp_of(@sk) or cop_plain_of(@sk)
 *
 * Returns whether the sock was pending. Under cop_decide_lock(), if the kernel
 * socket has to change with it.
 */
bool cop_decide(struct sock *sk, const struct proto *prot);

/**
 * cop_decide_cop - put a pending sock on COP, as far as the sock goes
 * @sk: the sock; its port belongs to COP from now on
 *
 * Under cop_decide_lock().
 */
void cop_decide_cop(struct sock *sk);

/**
 * cop_decide_lock, cop_decide_unlock - let one thread decide, or set a filter
 * @sk: the sock
 * @fd: its descriptor
 * @held: filled in by the first, for the second
 *
 * A decision moves the program's filter, so it excludes setting one. For a socket
 * that is shared the lock holds in all processes, and cop_decide_lock() follows
 * what another process has decided. May be nested.
 */
void cop_decide_lock(struct sock *sk, int fd, struct cop_mark_held *held);
void cop_decide_unlock(struct sock *sk, struct cop_mark_held *held);

/**
 * cop_pending_mark - mark the kernel socket of a pending sock as pending
 * @sk: the sock
 * @fd: its descriptor
 *
 * From then on the mark tells all processes that share the socket what it becomes.
 * If the kernel refuses the mark, each process decides for itself.
 */
void cop_pending_mark(struct sock *sk, int fd);

/**
 * cop_pending_share - note that another process is about to have a socket
 * @sk: any sock that the caller keeps alive
 * @fd: its descriptor
 *
 * If the socket is pending, its mark says so from now on, and later tells what the
 * socket has become. Async-signal-safe.
 */
void cop_pending_share(struct sock *sk, int fd);

/**
 * cop_replace_pending_mark - write on the kernel socket that it has become COP
 * @sk: a COP sock that was pending
 * @fd: its descriptor
 *
 * Under cop_decide_lock().
 */
void cop_replace_pending_mark(struct sock *sk, int fd);

/* Whether a mark says that its socket is pending. */
bool cop_pending_is_marked(const struct cop_mark *mark);

/* Whether the kernel socket has SO_LOCK_FILTER, so its filter can't change. */
bool cop_filter_is_locked(int fd);

#endif /* COP_SHARE_H */
