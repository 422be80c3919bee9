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

/*
 * What pthread_cleanup_push() was before it had a jump buffer in the caller's
 * frame, to which the thread's end jumps even when a signal handler has jumped
 * out of that frame long before. These are undone, and run, by a jump.
 */
void _pthread_cleanup_push(struct _pthread_cleanup_buffer *buffer,
			   void (*routine)(void *), void *arg);
void _pthread_cleanup_pop(struct _pthread_cleanup_buffer *buffer, int execute);

#endif /* COP_CANCEL_H */
