/* SPDX-License-Identifier: MIT */
/*
 * skeleton.h - transports/skeleton, built in the directory of a test.
 */
#ifndef COP_TEST_SKELETON_H
#define COP_TEST_SKELETON_H

#include "scratch.h"

#define ROOT	 COP_TEST_DIR "/.."
#define SKELETON ROOT "/transports/skeleton"
#define NAME	 "net-pf-2-proto-254-type-8"

/* The skeleton in m/, built against the header in the source. */
void make_skeleton(void);

/* A variant of it: a sed script changes the source, or the header. */
void make_variant(const char *source, const char *header);

#endif /* COP_TEST_SKELETON_H */
