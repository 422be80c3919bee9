// SPDX-License-Identifier: MIT
/*
 * filter/mark.c - what of a COP sock only we know, in the words of a mark. Address,
 * port and peer are not among it: those the kernel tells.
 *
 * Owns: cop_sock's marked. Protected by: atomic accesses; what is read was written
 * by another process, and is checked. The program on the kernel socket, which is
 * read and set again, is protected by the sock's lock and by one that processes have
 * in common. May call: filter/attach.c, lib/lock.c, port/bind.c and the kernel.
 * Counterpart in the kernel: none; there the sock
 * itself goes through an exec.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include "port/bind.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "filter/mark.h"
#include "datagram/proto.h"

/* Of sk_flags, what the next owner has to know. */
#define MARK_FLAGS                                                        \
	(SOCK_USER_RANGE | SOCK_ON_DEVICE | SOCK_CORKED | SOCK_CORK_OPT | \
	 SOCK_NARROWED)

/* Of WORD_LOCKS, which has sk_userlocks, sk_reuse and sk_reuseport, a byte each. */
#define MARK_LOCKS (SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK | 1 << 8 | 1 << 16)

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

	if (cop_confined())
		return;
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

/* ---- what another process has written -------------------------------------- */

/* As the kernel judges IP_LOCAL_PORT_RANGE: 0 is no limit. */
static bool is_range(uint32_t range)
{
	uint16_t low = range, high = range >> 16;

	return !low || !high || low <= high;
}

static bool mark_is_sound(struct sock *sk, const struct cop_mark *mark)
{
	return mark->family == sk->sk_family && mark->type == sk->sk_type &&
	       mark->protocol == sk->sk_protocol &&
	       !(mark->word[WORD_FLAGS] & ~MARK_FLAGS) &&
	       !(mark->word[WORD_LOCKS] & ~MARK_LOCKS) &&
	       is_range(mark->word[WORD_RANGE]);
}

static uint32_t kernel_get(int fd, int level, int optname)
{
	uint32_t value = 0;
	socklen_t len = sizeof(value);

	if (cop_libc.getsockopt(fd, level, optname, &value, &len))
		return 0;
	return value;
}

/* One whose name can't be told is one as well. */
static bool is_on_device(int fd)
{
	char name[IFNAMSIZ];
	socklen_t len = sizeof(name);

	return cop_libc.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
				   &len) ||
	       len;
}

static bool has_unsent(int fd)
{
	int queued = 0;

	return !cop_libc.ioctl(fd, TIOCOUTQ, &queued) && queued;
}

/*
 * The kernel knows the range. Only the mark knows whether it is the program's own,
 * or one port to which a COP sock has narrowed the kernel's choice. That port is
 * the sock's, or will be.
 */
static void take_range(struct sock *sk, int fd, __be16 sport,
		       const struct cop_mark *mark)
{
	uint32_t range = kernel_get(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE);
	uint16_t low = range;

	if (mark->word[WORD_FLAGS] & SOCK_NARROWED && low &&
	    low == range >> 16 && (!sport || sport == htons(low))) {
		sock_set_flag(sk, SOCK_NARROWED);
		range = mark->word[WORD_RANGE];
	}
	WRITE_ONCE(cop_sk(sk)->user_range, range);
	if (range)
		sock_set_flag(sk, SOCK_USER_RANGE);
}

static void take_options(struct sock *sk, int fd, const struct cop_mark *mark)
{
	if (is_on_device(fd))
		sock_set_flag(sk, SOCK_ON_DEVICE);
	if (kernel_get(fd, IPPROTO_UDP, UDP_CORK))
		sock_set_flag(sk, SOCK_CORK_OPT);
	if (mark->word[WORD_FLAGS] & SOCK_CORKED && has_unsent(fd))
		sock_set_flag(sk, SOCK_CORKED);
}

/*
 * A port is pinned only where the kernel has no IP_LOCAL_PORT_RANGE. Elsewhere a
 * disconnect would free the port, and the claim of a pinned one would stay.
 */
static uint16_t take_pinned(int fd, const struct cop_mark *mark)
{
	uint32_t range;
	socklen_t len = sizeof(range);

	if (!cop_libc.getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
				 &len))
		return 0;
	return mark->word[WORD_PORTS];
}

/* No bind can have fixed the port of a socket that has none. */
static void take_locks(struct sock *sk, __be16 sport,
		       const struct cop_mark *mark)
{
	uint32_t locks = mark->word[WORD_LOCKS];

	if (!sport)
		locks &= ~SOCK_BINDPORT_LOCK;
	WRITE_ONCE(sk->sk_userlocks, locks & 0xff);
	WRITE_ONCE(sk->sk_reuse, locks >> 8 & 0xff);
	WRITE_ONCE(sk->sk_reuseport, locks >> 16 & 0xff);
}

int cop_unmark(struct sock *sk, int fd, __be16 sport,
	       const struct cop_mark *mark)
{
	if (!mark_is_sound(sk, mark))
		return -ENOENT;
	take_range(sk, fd, sport, mark);
	take_options(sk, fd, mark);
	take_locks(sk, sport, mark);
	WRITE_ONCE(cop_sk(sk)->marked, mark_sum(mark));
	cop_bind_adopted(sk, sport, take_pinned(fd, mark),
			 mark->word[WORD_PORTS] >> 16);
	return 0;
}
