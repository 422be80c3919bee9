/* SPDX-License-Identifier: MIT */
/*
 * step.h - a function that is interrupted by a signal handler behind each of its
 * instructions, so that no place is left where one has not been.
 */
#ifndef COP_TEST_STEP_H
#define COP_TEST_STEP_H

/**
 * t_step - run a function one instruction at a time
 * @fn: what
 * @between: is called behind each, in a signal handler, with its number from 0
 *	on; NULL: nothing
 *
 * Returns how many there were. Skips the test where the processor or
 * ThreadSanitizer, whose own code must not be interrupted, does not allow it.
 */
unsigned int t_step(void (*fn)(void), void (*between)(unsigned int nth));

#endif /* COP_TEST_STEP_H */
