/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the time, to the microsecond, and what is left of a timeout.
 */
#ifndef COP_CLOCK_H
#define COP_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/compiler.h"

/**
 * cop_clock_ns - CLOCK_MONOTONIC in nanoseconds, from the kernel
 *
 * errno stays. Async-signal-safe.
 */
uint64_t cop_clock_ns(void);

/**
 * cop_clock_read - clock_gettime(), also where reading the cycle counter is a SIGSEGV
 * @which: CLOCK_*
 * @now: the time
 *
 * errno stays. Async-signal-safe.
 */
void cop_clock_read(clockid_t which, struct timespec *now);

/* A thread's last reading of the kernel's clock: when a microsecond began. */
struct cop_clock_reading {
	_Atomic(uint64_t) cycles; /* (a) for this thread's signal handlers; 0:
				   * none, or one is being taken */
	_Atomic(uint64_t) us;	  /* (a) likewise */
};

/* How fast the cycle counter is; all 0 until that is known, and if it is not used. */
struct cop_clock_rate {
	_Atomic(uint64_t) us; /* (a) microseconds in 2^32 cycles */
	_Atomic(uint64_t)
		limit; /* (a) cycles after which a reading is too old */
};

extern __thread struct cop_clock_reading cop_clock_last
	__attribute__((tls_model("initial-exec")));
extern struct cop_clock_rate cop_clock_rate HIDDEN;

/* (a) Nothing is faster than clock_gettime() here, and it may be called. */
extern _Atomic(bool) cop_clock_kernel HIDDEN;

static inline uint64_t cop_timespec_us(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint32_t)t->tv_nsec / 1000;
}

/* cop_clock_us() where cop_clock_kernel says so. */
static inline uint64_t cop_clock_kernel_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return cop_timespec_us(&now);
}

/* cop_clock_us() from the kernel, which is also a new reading. */
uint64_t cop_clock_ask(void);

/**
 * cop_clock_us - CLOCK_MONOTONIC in microseconds
 *
 * If the kernel keeps time by the processor's cycle counter, this function uses
 * the counter too, and reads the kernel's clock once in a millisecond. The
 * result differs from CLOCK_MONOTONIC by a microsecond at most, unless the
 * thread is interrupted between two instructions. errno stays.
 * Async-signal-safe.
 */
static inline uint64_t cop_clock_us(void)
{
#ifdef __x86_64__
	const uint64_t limit = READ_ONCE(cop_clock_rate.limit);
	uint64_t from, since, us;

	if (unlikely(!limit))
		return likely(READ_ONCE(cop_clock_kernel))
			       ? cop_clock_kernel_us()
			       : cop_clock_ask();
	atomic_signal_fence(memory_order_seq_cst);
	from = READ_ONCE(cop_clock_last.cycles);
	atomic_signal_fence(memory_order_seq_cst);
	since = __builtin_ia32_rdtsc() - from;
	us = READ_ONCE(cop_clock_last.us);
	us += since * READ_ONCE(cop_clock_rate.us) >> 32;
	atomic_signal_fence(memory_order_seq_cst);
	/*
	 * A signal handler may have taken a new reading between these loads: then
	 * the values do not belong together. since is huge before the first reading,
	 * and if the counter went back.
	 */
	if (likely(since < limit && READ_ONCE(cop_clock_last.cycles) == from))
		return us;
#endif
	return cop_clock_ask();
}

/**
 * cop_clock_prepare - find out now how the kernel keeps time
 *
 * Makes the system calls that the first cop_clock_us() would need. errno stays.
 */
void cop_clock_prepare(void);

/**
 * cop_clock_spare_counter - note that reading the cycle counter is a SIGSEGV from now on
 * @spare: false: it is none after all
 *
 * Called ahead of prctl(PR_SET_TSC) and of seccomp's strict mode. From then on the
 * library asks the kernel by a system call. In a confined process it makes none, and the
 * time stands still. errno stays. Async-signal-safe.
 */
void cop_clock_spare_counter(bool spare);

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
