// SPDX-License-Identifier: MIT
/*
 * datagram/gro_option.c - the socket option UDP_GRO. While it is set, the kernel joins
 * datagrams, and the sock's receives go to datagram/gro.c.
 *
 * Owns: SOCK_GRO, SOCK_GRO_OPT and SOCK_GRO_UNTOLD. Protected by: atomic flags; the
 * sock's lock while the kernel's option changes with them. Counterpart in the kernel:
 * udp_lib_setsockopt() in net/ipv4/udp.c.
 */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "datagram/gro_option.h"
#include "datagram/proto.h"
#include "lib/atomic.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "lib/process.h"
#include "lib/uaccess.h"

static int kernel_set(int fd, int value)
{
	return cop_libc_result(cop_libc.setsockopt(fd, IPPROTO_UDP, UDP_GRO,
						   &value, sizeof(value)));
}

/* Returns the value or -errno. */
static int kernel_get(int fd)
{
	socklen_t len = sizeof(int);
	int value = 0;
	int err = cop_libc_result(
		cop_libc.getsockopt(fd, IPPROTO_UDP, UDP_GRO, &value, &len));

	return err ? err : value;
}

/* Whether another process may have the kernel socket. */
static bool is_shared(const struct sock *sk)
{
	const struct socket *sock = READ_ONCE(sk->sk_socket);

	return READ_ONCE(sk->sk_flags) & (SOCK_RECEIVED | SOCK_HANDED_ON) ||
	       !sock || sock->forks != READ_ONCE(cop_process_forks);
}

/* The other process would give headers to its program. */
static bool is_unfit(const struct sock *sk)
{
	return sk_wire(sk)->decode || is_shared(sk);
}

void cop_gro_note(struct sock *sk, int fd, uint32_t was)
{
	const bool on = !cop_confined() && kernel_get(fd) > 0;

	if (on && sk_wire(sk)->decode)
		kernel_set(fd, 0);
	if (sk_wire(sk)->decode)
		was &= ~SOCK_GRO;
	else if (on)
		was = SOCK_GRO | SOCK_GRO_OPT;
	else if (was & SOCK_GRO) /* joined datagrams may be queued */
		was |= SOCK_GRO_UNTOLD;
	if (was)
		sock_set_flag(sk, was);
}

/* Datagrams that are joined already stay so. */
static int turn_off_locked(struct sock *sk, int fd)
{
	if (sock_flag(sk, SOCK_GRO))
		sock_set_flag(sk, SOCK_GRO_UNTOLD);
	return kernel_set(fd, 0);
}

static int turn_off(struct sock *sk, int fd)
{
	struct cop_held held;
	int err;

	cop_lock(&cop_sk(sk)->lock, &held);
	err = turn_off_locked(sk, fd);
	if (!err)
		sock_reset_flag(sk, SOCK_GRO_OPT);
	cop_unlock(&cop_sk(sk)->lock, &held);
	return err;
}

void cop_gro_stop(struct sock *sk, int fd)
{
	struct cop_held held;

	if (cop_confined())
		return;
	cop_lock(&cop_sk(sk)->lock, &held);
	turn_off_locked(sk, fd);
	cop_unlock(&cop_sk(sk)->lock, &held);
}

/* The flags come first, so that no other thread gets joined datagrams without them. */
static int turn_on_locked(struct sock *sk, int fd)
{
	const uint32_t both = SOCK_GRO | SOCK_GRO_OPT,
		       was = READ_ONCE(sk->sk_flags) & both;
	int err;

	sock_set_flag(sk, both);
	err = kernel_set(fd, 1);
	if (!err)
		sock_reset_flag(sk, SOCK_GRO_UNTOLD);
	else if (was != both)
		sock_reset_flag(sk, both & ~was);
	return err;
}

static int turn_on(struct sock *sk, int fd)
{
	struct cop_held held;
	int err;

	cop_lock(&cop_sk(sk)->lock, &held);
	err = turn_on_locked(sk, fd);
	cop_unlock(&cop_sk(sk)->lock, &held);
	return err;
}

static bool queue_is_empty(int fd)
{
	struct pollfd queue = { .fd = fd, .events = POLLIN };

	return !cop_libc.poll(&queue, 1, 0);
}

void cop_gro_note_empty(struct sock *sk, int fd)
{
	struct cop_held held;
	int cancel;

	if (likely(!sock_flag(sk, SOCK_GRO_UNTOLD)) || cop_confined())
		return;
	cancel = cancel_off();
	cop_lock(&cop_sk(sk)->lock, &held);
	if (sock_flag(sk, SOCK_GRO_UNTOLD) && !kernel_get(fd) &&
	    queue_is_empty(fd))
		sock_reset_flag(sk, SOCK_GRO | SOCK_GRO_UNTOLD);
	cop_unlock(&cop_sk(sk)->lock, &held);
	cancel_on(cancel);
}

static int note_only(struct sock *sk, int fd)
{
	int err = cop_confined() ? 0 : min_t(int, kernel_get(fd), 0);

	if (!err)
		sock_set_flag(sk, SOCK_GRO_OPT);
	return err;
}

int cop_gro_set(struct sock *sk, int fd, const void *optval, socklen_t optlen)
{
	int value;

	if ((int)optlen < (int)sizeof(value) ||
	    !user_readable(fd, optval, sizeof(value)))
		return cop_libc_result(cop_libc.setsockopt(
			fd, IPPROTO_UDP, UDP_GRO, NULL, optlen));
	memcpy(&value, optval, sizeof(value));
	if (!value)
		return turn_off(sk, fd);
	return is_unfit(sk) ? note_only(sk, fd) : turn_on(sk, fd);
}

void cop_gro_plain(struct sock *sk, int fd)
{
	if (sock_flag(sk, SOCK_GRO_OPT) && !sock_flag(sk, SOCK_GRO) &&
	    !cop_confined())
		kernel_set(fd, 1);
}

bool cop_gro_is_untold(struct sock *sk, int fd)
{
	if (unlikely(sock_flag(sk, SOCK_GRO_UNTOLD)))
		return true;
	/* Another process may have turned the option off. */
	if (likely(!is_shared(sk)) || cop_confined() || kernel_get(fd))
		return false;
	sock_set_flag(sk, SOCK_GRO_UNTOLD);
	return true;
}
