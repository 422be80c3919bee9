/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the time, to the microsecond, and what is left of a timeout.
 */
#ifndef COP_CLOCK_H
#define COP_CLOCK_H

#include <stdint.h>
#include <time.h>

/**
 * cop_clock_ns - CLOCK_MONOTONIC in nanoseconds, from the kernel
 *
 * errno stays. Async-signal-safe.
 */
static inline uint64_t cop_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint32_t)now.tv_nsec;
}

/**
 * cop_clock_us - CLOCK_MONOTONIC in microseconds
 *
 * If the kernel keeps time by the processor's cycle counter, this function uses
 * the counter too, and reads the kernel's clock once in a millisecond. The
 * result differs from CLOCK_MONOTONIC by a microsecond at most, unless the
 * thread is interrupted between two instructions. errno stays.
 * Async-signal-safe.
 */
uint64_t cop_clock_us(void);

/**
 * cop_clock_prepare - find out now how the kernel keeps time
 *
 * Makes the system calls that the first cop_clock_us() would need. errno stays.
 */
void cop_clock_prepare(void);

/**
 * cop_time_end - when a timeout ends
 * @timeout: the timeout, not below 0
 *
 * Returns the end by CLOCK_MONOTONIC. Saturates, because a program may ask for
 * the longest timeout there is. Counterpart: timespec64_add_safe().
 */
struct timespec cop_time_end(const struct timespec *timeout);

/**
 * cop_time_left - what is left of a timeout
 * @end: from cop_time_end()
 *
 * Returns 0 after the end.
 */
struct timespec cop_time_left(const struct timespec *end);

#endif /* COP_CLOCK_H */
