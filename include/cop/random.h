/* SPDX-License-Identifier: MIT */
/*
 * random.h - numbers that an outsider can't guess, without a system call each.
 */
#ifndef COP_RANDOM_H
#define COP_RANDOM_H

#include <stdint.h>

/**
 * cop_random - the next number of a keyed sequence
 *
 * The key comes from getrandom() once in each process (a forked child draws
 * its own) and never leaves this file. Lock-free, async-signal-safe.
 * Counterpart: get_random_u32().
 */
uint32_t cop_random(void);

#endif /* COP_RANDOM_H */
