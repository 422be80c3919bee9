/* SPDX-License-Identifier: MIT */
/*
 * confine.h - prepares the process for a seccomp filter.
 */
#ifndef COP_SOCKET_CONFINE_H
#define COP_SOCKET_CONFINE_H

#include <stdbool.h>

/**
 * cop_confine_begin - prepare for a filter that is about to be installed
 *
 * Gives each open COP socket its filter and its mark, calibrates the clock and reads
 * the settings. A vfork() child shares its parent's memory, and the parent stays
 * unconfined. Returns whether the process counts as confined now: then, if the
 * program's call fails, the caller calls cop_confine_undo(). errno stays.
 */
bool cop_confine_begin(void);
void cop_confine_undo(void);

/**
 * cop_confine_started - prepare a process that started under a filter
 *
 * Called after cop_confine_start(), when the library has checked the inherited
 * descriptors. errno stays.
 */
void cop_confine_started(void);

#endif /* COP_SOCKET_CONFINE_H */
