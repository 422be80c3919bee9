/* SPDX-License-Identifier: MIT */
/*
 * confine.h - a process that has confined itself with seccomp: a system call that
 * its filter does not expect may kill it.
 */
#ifndef COP_CONFINE_H
#define COP_CONFINE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/compiler.h"

extern _Atomic(bool) cop_is_confined; /* (a) */

/**
 * cop_confined - whether only the program's own system calls may be made
 *
 * From then on a call on a COP socket makes the one system call that it makes on
 * plain UDP, and no other: no probe, no option of the library's own, nothing is
 * read of /proc. Strays are sifted when they are received, the kernel chooses
 * ephemeral ports, and pointers are trusted. A load and a test, for what is not
 * on the path of each datagram. Async-signal-safe.
 */
static inline bool cop_confined(void)
{
	return unlikely(READ_ONCE(cop_is_confined));
}

/**
 * cop_confine_start - whether the process was started under a filter
 *
 * Called once, when the library starts. A filter that process 1 has as well is a
 * container's: those judge a call by its number alone, and allow what sockets
 * need. Costs a system call where there is no filter.
 */
bool cop_confine_start(void);

/**
 * cop_confine_notice - take an option's error for a sign of a filter
 * @err: of an option that never fails so by itself, -errno
 *
 * For a filter that was installed by a system call of the program's own. Returns
 * whether the process is confined.
 */
bool cop_confine_notice(int err);

/**
 * cop_yield - let another thread run that holds a lock
 *
 * sched_yield(), or where that could be forbidden a pause of the processor.
 */
void cop_yield(void);

/*
 * Among the flags of a message, and only where the process is confined: the call
 * is one on a file (read, write, readv, writev), and so is the system call to be.
 */
#define COP_MSG_FILE 0x00400000

/* What read() and write() have for flags. */
static inline int cop_file_flags(void)
{
	return cop_confined() ? COP_MSG_FILE : 0;
}

/* The kernel ignores such a flag, should a program of its own set it. */
static inline bool cop_by_file(int flags)
{
	return unlikely(flags & COP_MSG_FILE) && cop_confined();
}

#endif /* COP_CONFINE_H */
