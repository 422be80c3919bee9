/* SPDX-License-Identifier: MIT */
/*
 * confine.h - getting ready for a seccomp filter.
 */
#ifndef COP_SOCKET_CONFINE_H
#define COP_SOCKET_CONFINE_H

#include <stdbool.h>

/**
 * cop_confine_begin - prepare for a filter that is about to be installed
 *
 * Every open COP socket gets its filter and its mark, the clock is calibrated,
 * the settings are read. Where the caller shares another process's memory
 * (vfork), that other process stays unconfined. Returns whether the process
 * became confined by it: then a call that fails is followed by
 * cop_confine_undo(). errno stays.
 */
bool cop_confine_begin(void);
void cop_confine_undo(void);

/**
 * cop_confine_started - prepare for what is left of a process's life
 *
 * Behind cop_confine_start(), once the descriptors that were inherited have been
 * looked at.
 */
void cop_confine_started(void);

#endif /* COP_SOCKET_CONFINE_H */
