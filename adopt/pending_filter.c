// SPDX-License-Identifier: MIT
/*
 * adopt/pending_filter.c - the program's filter on a socket that is pending. The
 * kernel has it as the program wrote it, for UDP. If the socket becomes COP, the
 * filter moves behind COP's header.
 *
 * Owns: nothing. Protected by: cop_decide_lock().
 * Counterpart in the kernel: sk_attach_filter() in net/core/filter.c.
 */
#include <errno.h>
#include <linux/filter.h>
#include <sys/mman.h>

#include "adopt/pending_filter.h"
#include "adopt/share.h"
#include "filter/filter.h"
#include "lib/confine.h"
#include "lib/libc.h"

/* Returns how many instructions the filter has, 0 without one. */
static socklen_t filter_length(int fd)
{
	socklen_t n = 0;

	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n))
		return 0;
	return n;
}

/* Sets the filter of @n instructions again, as one for COP. */
static int move(struct sock *sk, int fd, socklen_t n)
{
	const size_t room = BPF_MAXINSNS * sizeof(struct sock_filter);
	struct sock_fprog prog = { .len = 0 };
	int err;

	prog.filter = mmap(NULL, room, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (prog.filter == MAP_FAILED)
		return -ENOMEM;
	err = cop_libc_result(cop_libc.getsockopt(fd, SOL_SOCKET, SO_GET_FILTER,
						  prog.filter, &n));
	prog.len = n;
	if (!err)
		err = cop_attach_filter(sk, fd, SO_ATTACH_FILTER, &prog,
					sizeof(prog));
	munmap(prog.filter, room);
	return err;
}

/*
 * Without a filter of the program the mark stays until the one of COP replaces it. A
 * process that another thread has forked while this one set the mark finds it only here.
 */
static bool keeps_mark(struct sock *sk, int fd)
{
	struct cop_mark mark;

	if (cop_leads_elsewhere(sk, fd) ||
	    cop_program_user(sk_wire(sk), fd, NULL, 0))
		return false;
	if (sock_flag(sk, SOCK_PENDING_SHARED))
		return true;
	if (cop_program_read(sk_wire(sk), fd, &mark) ||
	    !cop_pending_is_marked(&mark))
		return false; /* the sock has become a new one meanwhile */
	sock_set_flag(sk, SOCK_PENDING_SHARED);
	return true;
}

/* On a kernel socket with SO_LOCK_FILTER, COP could set no filter of its own. */
int cop_pending_move_filter(struct sock *sk, int fd)
{
	struct cop_mark mark;
	socklen_t n;
	int err;

	if (cop_confined())
		return 0;
	if (!filter_length(fd))
		return cop_filter_is_locked(fd) ? -EPERM : 0;
	if (!cop_program_read(sk_wire(sk), fd, &mark) &&
	    (!cop_pending_is_marked(&mark) || keeps_mark(sk, fd)))
		return 0; /* or another process has moved it */
	if (cop_leads_elsewhere(sk, fd))
		return 0;
	err = cop_program_unwrap(fd);
	if (err)
		return err;
	n = filter_length(fd);
	return n ? move(sk, fd, n) : 0;
}

bool cop_is_filter_option(int level, int optname)
{
	return level == SOL_SOCKET &&
	       (optname == SO_ATTACH_FILTER || optname == SO_DETACH_FILTER ||
		optname == SO_LOCK_FILTER); /* SO_GET_FILTER is the first */
}

/*
 * Sets the option without the pending mark on the kernel socket, then marks the
 * socket again. If the mark can't be set again, the other processes see a socket of
 * UDP, so it becomes UDP here too.
 */
static int set_below_mark(struct sock *sk, int fd, int optname,
			  const void *optval, socklen_t optlen)
{
	struct cop_mark mark;
	int err;

	if (!sock_flag(sk, SOCK_PENDING_SHARED))
		return cop_libc_result(cop_libc.setsockopt(
			fd, SOL_SOCKET, optname, optval, optlen));
	err = cop_program_read(sk_wire(sk), fd, &mark);
	if (!err)
		err = cop_program_unwrap(fd);
	if (err)
		return err;
	err = cop_libc_result(
		cop_libc.setsockopt(fd, SOL_SOCKET, optname, optval, optlen));
	if (cop_filter_is_locked(fd) ||
	    cop_program_wrap(sk_wire(sk), fd, &mark))
		cop_decide(sk, cop_plain_of(sk));
	return err;
}

int cop_pending_set_filter(struct sock *sk, int fd, int optname,
			   const void *optval, socklen_t optlen)
{
	struct cop_mark_held held;
	bool pending;
	int err = 0;

	cop_decide_lock(sk, fd, &held);
	pending = cop_is_pending(sk);
	if (pending && optname == SO_ATTACH_FILTER && sk_wire(sk)->decode)
		err = -EINVAL; /* as on a socket that is adopted */
	else if (pending)
		err = set_below_mark(sk, held.fd, optname, optval, optlen);
	cop_decide_unlock(sk, &held);
	if (pending)
		return err;
	if (cop_is_plain(sk))
		return COP_PLAIN_UDP;
	return cop_udp_of(sk)->setsockopt(sk, fd, SOL_SOCKET, optname, optval,
					  optlen);
}
