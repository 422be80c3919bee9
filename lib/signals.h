/* SPDX-License-Identifier: MIT */
/*
 * signals.h - keeps signal handlers from running in this thread during a few system
 * calls.
 */
#ifndef COP_SIGNALS_H
#define COP_SIGNALS_H

#include <signal.h>

#define COP_SIGNAL_BIT(sig) (1ull << ((sig)-1))

/* All signals but the ones that signals_off() names. A long has 32 of them or 64. */
#define COP_SIGNALS_MOST                                      \
	(~(COP_SIGNAL_BIT(SIGSEGV) | COP_SIGNAL_BIT(SIGBUS) | \
	   COP_SIGNAL_BIT(SIGILL) | COP_SIGNAL_BIT(SIGFPE) |  \
	   COP_SIGNAL_BIT(SIGTRAP) | COP_SIGNAL_BIT(SIGSYS) | \
	   COP_SIGNAL_BIT(32) | COP_SIGNAL_BIT(33)))

/**
 * signals_off - block the thread's signals
 * @were: gets the mask as it was, for signals_on()
 *
 * Two kinds of signals stay unblocked: signals that an instruction raises, because the
 * kernel ends a process that blocks one and raises it; and libc's own two, because
 * pthread_sigmask() would have to remove them from a copy of the set.
 * Async-signal-safe; errno stays.
 */
static inline void signals_off(sigset_t *were)
{
	static const sigset_t most = {
		{ (unsigned long)COP_SIGNALS_MOST,
		  sizeof(long) == 8 ? 0 : COP_SIGNALS_MOST >> 32 }
	};

	pthread_sigmask(SIG_BLOCK, &most, were);
}

static inline void signals_on(const sigset_t *were)
{
	pthread_sigmask(SIG_SETMASK, were, NULL);
}

#endif /* COP_SIGNALS_H */
