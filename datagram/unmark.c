// SPDX-License-Identifier: MIT
/*
 * datagram/unmark.c - taking over what a mark says of a kernel socket that came over
 * an exec or from another process. filter/mark.c writes the mark.
 *
 * Another process has written it, so nothing in it is trusted: the kernel is asked
 * for all that it can tell, and the rest is checked.
 *
 * Owns: nothing. Protected by: nothing; no other thread has the new sock yet.
 * Counterpart in the kernel: none; there the sock itself goes through an exec.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include "datagram/proto.h"
#include "datagram/unmark.h"
#include "filter/mark.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "port/bind.h"

/* Whether the kernel would take this for IP_LOCAL_PORT_RANGE: 0 is no limit. */
static bool is_range(uint32_t range)
{
	uint16_t low = range, high = range >> 16;

	return !low || !high || low <= high;
}

static bool mark_is_sound(struct sock *sk, const struct cop_mark *mark)
{
	return mark->family == sk->sk_family && mark->type == sk->sk_type &&
	       mark->protocol == sk->sk_protocol &&
	       mark->carrier_type == sk->sk_prot->carrier_type &&
	       mark->carrier_protocol == sk->sk_prot->carrier_protocol &&
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

/* If the kernel does not tell the device's name, there may be one. */
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
 * The kernel knows the range. Only the mark knows where it comes from: the program
 * has set it, or a COP sock has narrowed the kernel's choice to one port. In the
 * second case it is the port that the sock has or is about to get.
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
	sock_set_flag(sk, SOCK_MAYBE_V6ONLY);
	if (kernel_get(fd, IPPROTO_UDP, UDP_CORK))
		sock_set_flag(sk, SOCK_CORK_OPT);
	if (mark->word[WORD_FLAGS] & SOCK_CORKED && has_unsent(fd))
		sock_set_flag(sk, SOCK_CORKED);
}

/*
 * A port is pinned only if the kernel has no IP_LOCAL_PORT_RANGE. A kernel that has
 * it frees the port at a disconnect, but the claim of a pinned port would stay.
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

/* A socket without a port has no port that a bind could have fixed. */
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
	cop_mark_is(sk, mark);
	cop_bind_adopted(sk, sport, take_pinned(fd, mark),
			 mark->word[WORD_PORTS] >> 16);
	return 0;
}
