/* SPDX-License-Identifier: MIT */
/*
 * confine.h - a process that has confined itself with seccomp: a system call
 * that its filter does not expect may kill it.
 */
#ifndef COP_CONFINE_H
#define COP_CONFINE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/compiler.h"

extern _Atomic(bool) cop_is_confined HIDDEN; /* (a) */

/**
 * cop_confined - whether only the program's own system calls may be made
 *
 * In a confined process a call on a COP socket makes the one system call that
 * it would make on plain UDP, and no other: the library probes nothing, sets no
 * option of its own and reads nothing in /proc. The receiver drops strays, the
 * kernel chooses ephemeral ports, and the library trusts the program's
 * pointers. Costs a load and a test: call it only off the path of each
 * datagram. Async-signal-safe.
 */
static inline bool cop_confined(void)
{
	return unlikely(READ_ONCE(cop_is_confined));
}

/**
 * cop_confine_start - whether the process was started under a filter
 *
 * Called once, when the library starts. A filter that process 1 has as well is
 * the container's, and does not count: such filters judge a call by its number
 * alone and allow what sockets need. Costs a system call if there is no filter.
 */
bool cop_confine_start(void);

/**
 * cop_confine_notice - learn from an error that there is a filter
 * @err: -errno of a socket option that no kernel refuses in this way by itself
 *
 * This finds a filter that the program installed without libc, by a system call
 * of its own. Returns whether the process is confined.
 */
bool cop_confine_notice(int err);

/*
 * A message flag, used only in a confined process: the program calls read(),
 * write(), readv() or writev(), so the library has to make that same system
 * call.
 */
#define COP_MSG_FILE 0x00400000

/* The message flags of read() and write(). */
static inline int cop_file_flags(void)
{
	return cop_confined() ? COP_MSG_FILE : 0;
}

/* The kernel ignores this flag if a program sets it. */
static inline bool cop_by_file(int flags)
{
	return unlikely(flags & COP_MSG_FILE) && cop_confined();
}

/* Likewise, where the program calls sendmmsg() or recvmmsg() for one message. */
#define COP_MSG_MANY 0x00800000

static inline int cop_many_flags(void)
{
	return cop_confined() ? COP_MSG_MANY : 0;
}

static inline bool cop_by_many(int flags)
{
	return unlikely(flags & COP_MSG_MANY) && cop_confined();
}

#endif /* COP_CONFINE_H */
