/* SPDX-License-Identifier: MIT */
/*
 * fitness.h - says whether libcop would act in a service.
 */
#ifndef COP_TOOLS_FITNESS_H
#define COP_TOOLS_FITNESS_H

#include <stddef.h>

#include "unit.h"
#include "unitfile.h"

#define WHY_SIZE (2 * PATH_MAX + 512)

/**
 * fitness_read - read all files of a unit
 * @unit: from unit_find()
 * @settings: filled in; the caller frees them
 */
void fitness_read(const struct unit *unit, struct unit_settings *settings);

/**
 * fitness_refuses - whether the library would not get into the service's processes
 * @unit: the unit
 * @settings: its settings
 * @library: the library's path, as the service's processes name it
 * @why: set to the reason, of WHY_SIZE bytes
 *
 * What can't be known before the service runs counts as fit.
 */
bool fitness_refuses(const struct unit *unit,
		     const struct unit_settings *settings, const char *library,
		     char *why);

/**
 * fitness_socket - find the socket unit that opens UDP sockets for the service
 * @unit: the unit
 * @name: set to the socket unit's name
 *
 * Returns whether there is one.
 */
bool fitness_socket(const struct unit *unit, char name[UNIT_NAME_SIZE]);

#endif /* COP_TOOLS_FITNESS_H */
