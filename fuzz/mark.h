/* SPDX-License-Identifier: MIT */
/*
 * mark.h - descriptors with forged marks, one for each call.
 */
#ifndef COP_FUZZ_MARK_H
#define COP_FUZZ_MARK_H

#include <stddef.h>
#include <stdint.h>

/**
 * LLVMFuzzerTestOneInput - receive a descriptor with a mark that @data makes up
 * @data: bytes that choose the kind of socket, its state, and what is written
 *	on it; zeros follow where they end
 * @size: how many
 *
 * Aborts where something does not hold. Returns 0.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* COP_FUZZ_MARK_H */
