/* SPDX-License-Identifier: MIT */
/*
 * probe.h - loads a module in a process of its own, and says what it has.
 */
#ifndef COP_TOOLS_PROBE_H
#define COP_TOOLS_PROBE_H

#include <stdint.h>

#include "offer.h"

#define PROBE_MAX 16 /* transports of a module that are shown */

struct found {
	enum offer_state state;
	char why[OFFER_WHY]; /* why the state is not OFFER_OK */
	char module[OFFER_NAME], version[OFFER_NAME];
	int n; /* transports that it has registered, PROBE_MAX at most */
	struct found_transport {
		char name[OFFER_NAME];
		int type, protocol;
	} transport[PROBE_MAX];
	uint64_t families; /* that it has registered, a bit for each */
};

/**
 * probe - load a module as a program would, and report
 * @path: the file's absolute name
 * @asked: what a program asks for when the library looks for this file; NULL: the
 *	file is one of COP_LOAD
 * @found: filled in
 *
 * The module's code runs in a child of this process, which ends with it. It may take
 * PROBE_SECONDS. It has no descriptor of its parent, no terminal, and can't get more
 * rights. What the child says is taken for a claim: numbers are checked, texts end.
 */
void probe(const char *path, const struct asked *asked, struct found *found);

#define PROBE_SECONDS 3

#endif /* COP_TOOLS_PROBE_H */
