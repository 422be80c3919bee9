/* SPDX-License-Identifier: MIT */
/*
 * as_udp.h - programs of progs/ that must print the same on a transport as on UDP.
 */
#ifndef COP_TEST_AS_UDP_H
#define COP_TEST_AS_UDP_H

#include "scratch.h"

#define PROG(dir) COP_BUILD_DIR "/tests/" dir "/"

/**
 * same_in - play a scenario on the kernel's UDP and on a transport, and compare
 * @with: what stands before the command, for the transport: variables, or cop run
 * @dir: PROG("progs") or PROG("progs6")
 * @prog: the program
 * @scenario: its argument
 *
 * A scenario that the machine can't play is left out.
 */
void same_in(const char *with, const char *dir, const char *prog,
	     const char *scenario);

/**
 * same_with - same_in() for several scenarios, in each family that the machine has
 * @with: as in same_in()
 * @prog: the program
 * @scenarios: NULL stands behind the last one
 */
void same_with(const char *with, const char *prog,
	       const char *const *scenarios);

#endif /* COP_TEST_AS_UDP_H */
