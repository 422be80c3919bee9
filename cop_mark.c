// SPDX-License-Identifier: MIT
/*
 * cop_mark.c - what of a COP sock only we know, in the words of a mark. Address,
 * port and peer are not among it: those the kernel tells.
 *
 * Owns: cop_sock's marked. Protected by: atomic accesses; the program on the kernel
 * socket, which is read and set again, by the sock's lock and by one that processes
 * have in common. May call: cop_program.c, cop_lock.c, cop_bind.c. Counterpart in the kernel: none; there the sock
 * itself goes through an exec.
 */
#include <netinet/in.h>

#include "cop/bind.h"
#include "cop/compiler.h"
#include "cop/env.h"
#include "cop/mark.h"
#include "cop/proto.h"

/* Of sk_flags, what the next owner has to know. */
#define MARK_FLAGS                                                        \
	(SOCK_USER_RANGE | SOCK_ON_DEVICE | SOCK_CORKED | SOCK_CORK_OPT | \
	 SOCK_NARROWED)

enum { WORD_FLAGS, WORD_LOCKS, WORD_RANGE, WORD_PORTS };

static void mark_fill(struct sock *sk, enum cop_body body,
		      struct cop_mark *mark)
{
	mark->family = sk->sk_family;
	mark->type = sk->sk_type;
	mark->protocol = sk->sk_protocol;
	mark->body = body;
	mark->word[WORD_FLAGS] = READ_ONCE(sk->sk_flags) & MARK_FLAGS;
	mark->word[WORD_LOCKS] = READ_ONCE(sk->sk_userlocks) |
				 READ_ONCE(sk->sk_reuse) << 8 |
				 READ_ONCE(sk->sk_reuseport) << 16;
	mark->word[WORD_RANGE] = READ_ONCE(cop_sk(sk)->user_range);
	mark->word[WORD_PORTS] = (uint32_t)READ_ONCE(sk->sk_num) << 16 |
				 READ_ONCE(cop_sk(sk)->pinned);
}

/* FNV-1a; never 0, which stands for no mark. */
static uint32_t mark_sum(const struct cop_mark *mark)
{
	uint32_t sum = 0x811c9dc5;

	for (int i = 0; i < COP_MARK_WORDS; i++)
		sum = (sum ^ mark->word[i]) * 0x01000193;
	return sum | 1;
}

static void mark_done(struct sock *sk, int fd, const struct cop_mark *mark,
		      int err)
{
	if (!err)
		WRITE_ONCE(cop_sk(sk)->marked, mark_sum(mark));
	else
		cop_warn(fd, "can't be marked: error %d", -err);
}

void cop_mark_lock(struct sock *sk, int fd, struct cop_mark_held *held)
{
	cop_lock(&cop_sk(sk)->lock, &held->here);
	held->shared = held->here.taken && cop_lock_shared(fd);
}

void cop_mark_unlock(struct sock *sk, int fd, struct cop_mark_held *held)
{
	if (held->shared)
		cop_unlock_shared(fd);
	cop_unlock(&cop_sk(sk)->lock, &held->here);
}

/* The program is read, and set with the new mark: none may be set in between. */
static noinline void mark_renew(struct sock *sk, int fd)
{
	struct cop_mark_held held;
	struct cop_mark mark;

	cop_mark_lock(sk, fd, &held);
	mark_fill(sk, COP_BODY_ALL, &mark);
	mark_done(sk, fd, &mark, cop_program_mark(fd, &mark));
	cop_mark_unlock(sk, fd, &held);
}

void cop_mark(struct sock *sk, int fd)
{
	struct cop_mark mark;

	mark_fill(sk, COP_BODY_ALL, &mark);
	if (READ_ONCE(cop_sk(sk)->marked) != mark_sum(&mark) &&
	    cop_owns(sk, fd))
		mark_renew(sk, fd);
}

int cop_mark_filter(struct sock *sk, int fd, enum cop_body body, int user)
{
	struct cop_mark_held held;
	struct cop_mark mark;
	int err;

	cop_mark_lock(sk, fd, &held);
	mark_fill(sk, body, &mark);
	err = cop_program_attach(fd, &mark, user);
	mark_done(sk, fd, &mark, err);
	cop_mark_unlock(sk, fd, &held);
	return err;
}

void cop_unmark(struct sock *sk, __be16 sport, const struct cop_mark *mark)
{
	uint32_t locks = mark->word[WORD_LOCKS];
	uint32_t ports = mark->word[WORD_PORTS];

	sock_set_flag(sk, mark->word[WORD_FLAGS] & MARK_FLAGS);
	WRITE_ONCE(sk->sk_userlocks, locks & 0xff);
	WRITE_ONCE(sk->sk_reuse, locks >> 8 & 0xff);
	WRITE_ONCE(sk->sk_reuseport, locks >> 16 & 0xff);
	WRITE_ONCE(cop_sk(sk)->user_range, mark->word[WORD_RANGE]);
	WRITE_ONCE(cop_sk(sk)->marked, mark_sum(mark));
	cop_bind_adopted(sk, sport, ports, ports >> 16);
}
