/* SPDX-License-Identifier: MIT */
/*
 * unit.h - the name and the files of a service of systemd.
 */
#ifndef COP_TOOLS_UNIT_H
#define COP_TOOLS_UNIT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define UNIT_NAME_SIZE 256 /* systemd's limit, the 0 included */
#define UNIT_DROPIN    "zz-cop.conf"

struct unit_place {
	const char
		*root; /* the directory that has the system; "": this system */
	bool is_user;  /* units of the user's own systemd */
};

struct unit {
	struct unit_place place;
	char name[UNIT_NAME_SIZE]; /* with its suffix; not an alias */
	char path[PATH_MAX];	   /* its file; "" if there is none */
	bool is_masked;		   /* systemd does not start it */
};

/**
 * unit_set_name - take a name that a user gives
 * @unit: its name is set
 * @given: the name; without a suffix it means a service
 *
 * Returns NULL, or what is wrong with the name.
 */
const char *unit_set_name(struct unit *unit, const char *given);

/**
 * unit_find - find the unit's file
 * @unit: with its place and name. An alias becomes the unit's own name
 *
 * Looks where systemd does. Returns whether there is a file.
 */
bool unit_find(struct unit *unit);

/**
 * unit_dropin_dir - write the path of the directory for the drop-in of an administrator
 * @unit: the unit
 * @path: set to the path
 *
 * Returns 0 or a negative errno.
 */
int unit_dropin_dir(const struct unit *unit, char path[PATH_MAX]);

/**
 * unit_each_file - call a function for each file of the unit, in systemd's order
 * @unit: from unit_find()
 * @take: called with the path; the files of later calls count more
 * @arg: the function's first argument
 *
 * The unit's own file comes first, then the drop-ins. cop's own drop-in is left out.
 */
void unit_each_file(const struct unit *unit,
		    void (*take)(void *arg, const char *path), void *arg);

#endif /* COP_TOOLS_UNIT_H */
