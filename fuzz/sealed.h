/* SPDX-License-Identifier: MIT */
/*
 * sealed.h - datagrams for the transport sealed, one for each call.
 */
#ifndef COP_FUZZ_SEALED_H
#define COP_FUZZ_SEALED_H

#include <stddef.h>
#include <stdint.h>

/**
 * fuzz_sealed - have a sealed socket decode a datagram that @data makes up
 * @data: the first byte says how: whether the datagram is sealed with the right key,
 *	and whether the receive is a peek. Header and payload follow
 * @size: how many
 *
 * Aborts where something does not hold: what is not authentic is accepted, or what was
 * accepted before, or a datagram that is refused is changed. Returns 0. In the program
 * of "make fuzz" this is LLVMFuzzerTestOneInput().
 */
int fuzz_sealed(const uint8_t *data, size_t size);

#endif /* COP_FUZZ_SEALED_H */
