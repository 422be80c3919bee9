/* SPDX-License-Identifier: MIT */
/*
 * clock.h - what time it is, to the microsecond.
 */
#ifndef COP_CLOCK_H
#define COP_CLOCK_H

#include <stdint.h>
#include <time.h>

/**
 * cop_clock_us - CLOCK_MONOTONIC in microseconds
 *
 * Where the kernel itself keeps time by the processor's counter, so does this,
 * and asks for the time itself once in a millisecond. Never differs from
 * CLOCK_MONOTONIC by more than a microsecond, but where a thread is held up between
 * two instructions. errno stays. Async-signal-safe.
 */
uint64_t cop_clock_us(void);

/**
 * cop_clock_prepare - find out now what keeps the kernel's time
 *
 * It takes system calls, of which cop_clock_us() makes none behind it. errno
 * stays.
 */
void cop_clock_prepare(void);

/**
 * cop_time_end - when a time will be over
 * @timeout: the time, not below 0
 *
 * Returns CLOCK_MONOTONIC then. It saturates: a time may be all there is.
 * Counterpart: timespec64_add_safe().
 */
struct timespec cop_time_end(const struct timespec *timeout);

/**
 * cop_time_left - what is left of a time
 * @end: from cop_time_end()
 *
 * Returns 0 where it is over.
 */
struct timespec cop_time_left(const struct timespec *end);

#endif /* COP_CLOCK_H */
