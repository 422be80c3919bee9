/* SPDX-License-Identifier: MIT */
/*
 * cancel.h - parts that a thread's cancellation must not cut in two.
 *
 * Several of the system calls that libcop makes on the way are cancellation
 * points, though the program's call is none, or has had its effect already.
 */
#ifndef COP_CANCEL_H
#define COP_CANCEL_H

#include <pthread.h>

/* Returns what cancel_on() is to be given. Async-signal-safe in glibc. */
static inline int cancel_off(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static inline void cancel_on(int state)
{
	pthread_setcancelstate(state, NULL);
}

#endif /* COP_CANCEL_H */
