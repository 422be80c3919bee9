/* SPDX-License-Identifier: MIT */
/*
 * dropin.h - the file that cop enable writes and cop disable removes.
 */
#ifndef COP_TOOLS_DROPIN_H
#define COP_TOOLS_DROPIN_H

#include <limits.h>
#include <stdbool.h>

#include "unit.h"
#include "unitfile.h"

struct dropin {
	char dir[PATH_MAX]; /* NAME.service.d */
	char path[PATH_MAX];
};

enum dropin_state {
	DROPIN_NONE,	/* there is no such file */
	DROPIN_OURS,	/* cop enable has written it */
	DROPIN_FOREIGN, /* somebody else has, or it is no file */
};

/**
 * dropin_find - find the unit's drop-in
 * @d: its paths are set
 * @unit: the unit
 * @state: set to what is there
 *
 * Returns 0 or a negative errno: -EXDEV if its directory is outside the unit's root.
 */
int dropin_find(struct dropin *d, const struct unit *unit,
		enum dropin_state *state);

/**
 * dropin_write - write the unit's drop-in, in place of an older one
 * @d: from dropin_find(), which has not found DROPIN_FOREIGN
 * @before: what LD_PRELOAD had in the unit's other files, as it is written there; or
 *	NULL
 * @library: the library's path
 *
 * The variables COP_... of the environment are written, too. A reader sees the old file
 * or the new one, whole. Returns 0 or a negative errno.
 */
int dropin_write(const struct dropin *d, const char *before,
		 const char *library);

/**
 * dropin_remove - remove the unit's drop-in, and its directory if it is empty then
 * @d: from dropin_find(), which has found DROPIN_OURS
 *
 * Returns 0 or a negative errno.
 */
int dropin_remove(const struct dropin *d);

/**
 * dropin_read - read the unit's drop-in
 * @d: from dropin_find()
 * @settings: filled in; the caller frees them
 */
void dropin_read(const struct dropin *d, struct unit_settings *settings);

/* The variables that the drop-in may set, apart from LD_PRELOAD; NULL at the end. */
extern const char *const dropin_variables[];

#endif /* COP_TOOLS_DROPIN_H */
