// SPDX-License-Identifier: MIT
/*
 * filter/mark.c - writing on a kernel socket what only the library knows of its
 * COP sock, for the process that gets the kernel socket next. The kernel itself
 * tells address, port and peer, so the mark does not have them.
 * datagram/unmark.c reads it.
 *
 * Owns: cop_sock's marked. Protected by: atomic accesses. The program on the kernel
 * socket, which is read and set again, is protected by the sock's lock and by a
 * lock that the processes with the kernel socket share. Counterpart in the kernel:
 * none; there the sock itself goes through an exec.
 */
#include <errno.h>
#include <fcntl.h>

#include "datagram/proto.h"
#include "filter/mark.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "wire/owner.h"

static void mark_fill(struct sock *sk, enum cop_body body,
		      struct cop_mark *mark)
{
	mark->family = sk->sk_family;
	mark->type = sk->sk_type;
	mark->protocol = sk->sk_protocol;
	mark->carrier_type = sk->sk_prot->carrier_type;
	mark->carrier_protocol = sk->sk_prot->carrier_protocol;
	mark->body = body;
	mark->word[WORD_FLAGS] = READ_ONCE(sk->sk_flags) & MARK_FLAGS;
	mark->word[WORD_LOCKS] = READ_ONCE(sk->sk_userlocks) |
				 READ_ONCE(sk->sk_reuse) << 8 |
				 READ_ONCE(sk->sk_reuseport) << 16;
	mark->word[WORD_RANGE] = READ_ONCE(cop_sk(sk)->user_range);
	mark->word[WORD_PORTS] = (uint32_t)READ_ONCE(sk->sk_num) << 16 |
				 READ_ONCE(cop_sk(sk)->pinned);
}

/*
 * FNV-1a, of what can change while a sock lives: IPV6_ADDRFORM changes the family. Never
 * 0, because 0 means that the kernel socket has no mark.
 */
static uint32_t mark_sum(const struct cop_mark *mark)
{
	uint32_t sum = (0x811c9dc5 ^ mark->family) * 0x01000193;

	for (int i = 0; i < COP_MARK_WORDS; i++)
		sum = (sum ^ mark->word[i]) * 0x01000193;
	return sum | 1;
}

void cop_mark_is(struct sock *sk, const struct cop_mark *mark)
{
	WRITE_ONCE(cop_sk(sk)->marked, mark_sum(mark));
}

/*
 * If another thread has exchanged the descriptor meanwhile, the mark is on another kernel
 * socket. A later mark must not be left out then: the sock may have more descriptors.
 */
static void mark_done(struct sock *sk, int fd, const struct cop_mark_held *held,
		      const struct cop_mark *mark, int err)
{
	if (err)
		cop_warn(fd, "can't be marked: error %d", -err);
	else if (likely(process_is_alone()) || cop_owns(sk, held->fd))
		cop_mark_is(sk, mark);
}

/*
 * The duplicate gets a number above @fd: the kernel looks @fd up, and then for a free number,
 * and another thread may close @fd in between. Then the next file that the program opens gets
 * that number, as it does without the library.
 */
static bool duplicate(struct sock *sk, int fd, struct cop_mark_held *held)
{
	held->copy = cop_libc_result(
		cop_libc.fcntl(fd, F_DUPFD_CLOEXEC, (long)fd + 1));
	if (unlikely(held->copy < 0))
		return held->copy != -EBADF;
	held->fd = held->copy;
	return cop_owns(sk, held->fd);
}

bool cop_mark_lock(struct sock *sk, int fd, struct cop_mark_held *held)
{
	bool leads = true;

	held->fd = fd;
	held->copy = -1;
	held->threads = !process_is_alone();
	if (unlikely(held->threads))
		cop_scratch_begin(&held->scratch);
	cop_lock(&cop_sk(sk)->lock, &held->here);
	if (unlikely(held->threads) && held->here.taken)
		leads = duplicate(sk, fd, held);
	held->shared = leads && held->here.taken && cop_lock_shared(held->fd);
	return leads;
}

/* To close the duplicate gives up the process's lock on the socket, too. */
void cop_mark_unlock(struct sock *sk, struct cop_mark_held *held)
{
	if (unlikely(held->copy >= 0))
		cop_libc.close(held->copy);
	else if (held->shared)
		cop_unlock_shared(held->fd);
	cop_unlock(&cop_sk(sk)->lock, &held->here);
	if (unlikely(held->threads))
		cop_scratch_end(&held->scratch);
}

/*
 * Reads the BPF program and sets it again with the new mark. The locks keep others
 * from setting one in between.
 */
static noinline void mark_renew(struct sock *sk, int fd)
{
	struct cop_mark_held held;
	struct cop_mark mark;
	int err;

	if (cop_mark_lock(sk, fd, &held)) {
		mark_fill(sk, COP_BODY_ALL, &mark);
		err = cop_program_mark(sk_wire(sk), held.fd, &mark);
		mark_done(sk, fd, &held, &mark, err);
	}
	cop_mark_unlock(sk, &held);
}

void cop_mark(struct sock *sk, int fd)
{
	struct cop_mark mark;

	if (cop_confined())
		return;
	mark_fill(sk, COP_BODY_ALL, &mark);
	if (READ_ONCE(cop_sk(sk)->marked) != mark_sum(&mark) &&
	    cop_owns(sk, fd))
		mark_renew(sk, fd);
}

int cop_mark_filter_locked(struct sock *sk, int fd,
			   const struct cop_mark_held *held, enum cop_body body,
			   int user)
{
	struct cop_mark mark;
	int err;

	mark_fill(sk, body, &mark);
	err = cop_program_attach(sk_wire(sk), held->fd, &mark, user);
	mark_done(sk, fd, held, &mark, err);
	return err;
}

int cop_mark_filter(struct sock *sk, int fd, enum cop_body body, int user)
{
	struct cop_mark_held held;
	int err = -EBADF;

	if (cop_mark_lock(sk, fd, &held))
		err = cop_mark_filter_locked(sk, fd, &held, body, user);
	cop_mark_unlock(sk, &held);
	return err;
}
