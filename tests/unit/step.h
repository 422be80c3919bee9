/* SPDX-License-Identifier: MIT */
/*
 * step.h - a function that is interrupted by a signal handler behind any of its
 * instructions, so that no place is left where one has not been.
 */
#ifndef COP_TEST_STEP_H
#define COP_TEST_STEP_H

#define STEP_TIMES 20

/**
 * t_step - run a function, and interrupt it
 * @fn: what
 * @nth: behind which of its instructions, from 0 on
 * @every: and behind each that is so many further on, STEP_TIMES in all, since
 *	what is interrupted for ever may never end; 0: no other
 * @between: is called there, in a signal handler
 *
 * Returns how often it was. Skips the test where the processor does not allow
 * it, or ThreadSanitizer, whose own code must not be interrupted.
 */
unsigned int t_step(void (*fn)(void), unsigned int nth, unsigned int every,
		    void (*between)(void));

#endif /* COP_TEST_STEP_H */
