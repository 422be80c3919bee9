// SPDX-License-Identifier: MIT
/*
 * test_fuzz.c - what fuzz/mark.c looks for, for a moment, with the same numbers in
 * each run. "make fuzz" looks for longer.
 */
#include "fuzz/mark.h"
#include "fuzz/sealed.h"
#include "unit/helpers.h"

#define MARKS  20000
#define LENGTH 96

static uint8_t random_byte(void)
{
	static uint32_t state = 0x2545f491;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state >> 16;
}

static int forged_marks(void)
{
	uint8_t data[LENGTH];

	for (int i = 0; i < MARKS; i++) {
		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = random_byte();
		LLVMFuzzerTestOneInput(data, sizeof(data));
	}
	return 0;
}

Test(fuzz, forged_marks_crash_nothing_and_leave_no_port)
{
	T_CHILD(forged_marks);
}

/* The first bytes are right, so that most of them get to decode; few salts. */
static int sealed_datagrams(void)
{
	uint8_t data[LENGTH] = { 0, 0x5e, 0xa1, 1 };

	for (int i = 0; i < 5 * MARKS; i++) {
		for (size_t k = 4; k < sizeof(data); k++)
			data[k] = random_byte() % (k < 49 ? 2 : 256);
		data[0] = random_byte();
		fuzz_sealed(data, 65 + random_byte() % (LENGTH - 64));
	}
	return 0;
}

Test(fuzz, sealed_datagrams_are_accepted_once_and_only_if_authentic)
{
	T_CHILD(sealed_datagrams);
}
