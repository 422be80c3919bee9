/* SPDX-License-Identifier: MIT */
/*
 * random.h - numbers that an outsider can't guess, without a system call for
 * each.
 */
#ifndef COP_RANDOM_H
#define COP_RANDOM_H

#include <stdint.h>

/**
 * cop_random - the next number of a stock that getrandom() fills
 *
 * A forked child fetches a stock of its own. Two threads that call this in the
 * same moment may get the same number; an outsider still can't guess it.
 * Lock-free, async-signal-safe. Counterpart: get_random_u32().
 */
uint32_t cop_random(void);

#endif /* COP_RANDOM_H */
