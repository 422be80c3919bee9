/* SPDX-License-Identifier: MIT */
/*
 * cancel.h - keeps the cancellation of a thread out of the middle of a call.
 *
 * Some system calls that libcop makes are cancellation points, although the
 * program's own call is none, or has had its effect already.
 */
#ifndef COP_CANCEL_H
#define COP_CANCEL_H

#include <pthread.h>

/* Returns the old state, for cancel_on(). Async-signal-safe in glibc. */
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
 * The old form of pthread_cleanup_push(). Today's form keeps a jump buffer in
 * the caller's frame, and a thread that ends jumps to it even if a signal
 * handler has left that frame by longjmp() long ago. A longjmp() runs and
 * removes handlers of the old form.
 */
void _pthread_cleanup_push(struct _pthread_cleanup_buffer *buffer,
			   void (*routine)(void *), void *arg);
void _pthread_cleanup_pop(struct _pthread_cleanup_buffer *buffer, int execute);

#endif /* COP_CANCEL_H */
