// SPDX-License-Identifier: MIT
/*
 * adopt/share.c - what a socket that was pending has become: one decision counts
 * for all threads, and for all processes that share the socket. The mark on the
 * kernel socket carries it from one process to another.
 *
 * Owns: sk_prot of a sock that began as pending, SOCK_PENDING_SHARED. Protected by:
 * sk_prot changes once, by compare and swap, under cop_decide_lock().
 * Counterpart in the kernel: smc_switch_to_fallback() in net/smc/af_smc.c.
 */
#include <errno.h>

#include "adopt/share.h"
#include "datagram/naming.h"
#include "datagram/proto.h"
#include "filter/filter.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "port/bind.h"
#include "wire/owner.h"

/* Asked for each decision, so a process with one thread must not pay for it. */
bool cop_leads_elsewhere(struct sock *sk, int fd)
{
	return unlikely(!process_is_alone()) && !cop_owns(sk, fd);
}

bool cop_decide(struct sock *sk, const struct proto *prot)
{
	const struct proto *is = sk->sk_prot;

	return is != cop_udp_of(sk) && is != cop_plain_of(sk) &&
	       atomic_compare_exchange_strong(&sk->sk_prot, &is, prot);
}

void cop_decide_cop(struct sock *sk)
{
	sock_set_flag(sk, SOCK_CARRIED);
	cop_decide(sk, cop_udp_of(sk));
	if (unlikely(cop_is_plain(sk))) {
		sock_reset_flag(sk, SOCK_CARRIED);
		return;
	}
	cop_short_open(sk);
}

/* ---- the mark ------------------------------------------------------------ */

/* The words of the mark. filter/mark.c writes none like it: its body is not raw. */
enum { WORD_PENDING, PENDING_MAGIC = SOCK_PENDING_SHARED };

bool cop_pending_is_marked(const struct cop_mark *mark)
{
	return mark->body == COP_BODY_RAW &&
	       mark->word[WORD_PENDING] == PENDING_MAGIC;
}

bool cop_filter_is_locked(int fd)
{
	socklen_t len = sizeof(int);
	int locked = 0;

	return !cop_libc.getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked,
				    &len) &&
	       locked;
}

/*
 * Without a duplicate the first check may be out of date by the time that the mark is set.
 * Without the flag this process only decides for itself.
 */
static void set_mark(struct sock *sk, int fd, const struct cop_mark_held *held,
		     const struct cop_mark *mark)
{
	int err = cop_program_wrap(sk_wire(sk), held->fd, mark);

	if (cop_leads_elsewhere(sk, held->fd))
		return;
	if (!err)
		sock_set_flag(sk, SOCK_PENDING_SHARED);
	else
		cop_warn(fd, "can't be marked, so each process decides for "
			     "itself");
}

void cop_pending_mark(struct sock *sk, int fd)
{
	const struct cop_mark mark = {
		.family = sk->sk_family,
		.type = sk->sk_type,
		.protocol = sk->sk_protocol,
		.carrier_type = sk->sk_prot->carrier_type,
		.carrier_protocol = sk->sk_prot->carrier_protocol,
		.word[WORD_PENDING] = PENDING_MAGIC,
	};
	struct cop_mark_held held;

	if (cop_mark_lock(sk, fd, &held) && cop_is_pending(sk) &&
	    !sock_flag(sk, SOCK_PENDING_SHARED) &&
	    !cop_filter_is_locked(held.fd) && cop_owns(sk, held.fd))
		set_mark(sk, fd, &held, &mark);
	cop_mark_unlock(sk, &held);
}

void cop_pending_share(struct sock *sk, int fd)
{
	if (cop_has_pending(sk) && !sock_flag(sk, SOCK_PENDING_SHARED) &&
	    !cop_confined())
		cop_pending_mark(sk, fd);
}

/* ---- one decision for all ------------------------------------------------ */

/*
 * Does what another process has decided, under the lock. A process that puts the
 * socket on COP replaces the mark; one that leaves it to UDP removes the mark. While a
 * receive waited for the lock, the sock may have become a new one, which is not shared.
 */
static noinline void follow(struct sock *sk, int fd)
{
	struct cop_mark mark;
	bool none;

	if (!cop_is_pending(sk) || !cop_owns(sk, fd))
		return;
	none = cop_program_read(sk_wire(sk), fd, &mark);
	if ((!none && cop_pending_is_marked(&mark)) ||
	    cop_leads_elsewhere(sk, fd) || !sock_flag(sk, SOCK_PENDING_SHARED))
		return;
	if (none) {
		cop_decide(sk, cop_plain_of(sk));
	} else {
		cop_naming_begin(sk, fd);
		cop_udp_of(sk)->adopt(sk, fd, &mark);
		cop_decide_cop(sk);
		cop_naming_end(sk, fd);
		if (sock_flag(sk, SOCK_WAITED))
			sk->sk_prot->poll(sk, fd);
	}
}

/* In one step, so that no other process finds the socket without a mark. */
void cop_replace_pending_mark(struct sock *sk, int fd)
{
	struct cop_mark mark;

	if (!cop_program_read(sk_wire(sk), fd, &mark) &&
	    cop_pending_is_marked(&mark) && cop_owns(sk, fd))
		cop_mark_filter(sk, fd, COP_BODY_ALL, -1);
	else
		sk->sk_prot->mark(sk, fd);
}

void cop_decide_lock(struct sock *sk, int fd, struct cop_mark_held *held)
{
	if (unlikely(sock_flag(sk, SOCK_PENDING_SHARED))) {
		cop_mark_lock(sk, fd, held);
		follow(sk, held->fd);
		return;
	}
	cop_lock(&cop_sk(sk)->lock, &held->here);
	held->fd = fd;
	held->copy = -1;
	held->threads = held->shared = false;
}

void cop_decide_unlock(struct sock *sk, struct cop_mark_held *held)
{
	cop_mark_unlock(sk, held);
}

/* Follows another process's decision, if there is one. */
static noinline bool look(struct sock *sk, int fd)
{
	struct cop_mark_held held;

	cop_decide_lock(sk, fd, &held);
	cop_decide_unlock(sk, &held);
	return cop_is_pending(sk);
}

bool cop_still_pending(struct sock *sk, int fd)
{
	return cop_is_pending(sk) &&
	       (likely(!sock_flag(sk, SOCK_PENDING_SHARED)) || cop_confined() ||
		look(sk, fd));
}
