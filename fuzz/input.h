/* SPDX-License-Identifier: MIT */
/*
 * input.h - what the targets share: bytes of an input, and what has to hold.
 */
#ifndef COP_FUZZ_INPUT_H
#define COP_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer keeps an input for which this ends the program. */
#define HOLDS(x)                                                               \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, \
				#x);                                           \
			abort();                                               \
		}                                                              \
	} while (0)

/* What is left of an input. Zeros follow where it ends. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t input_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint32_t input_word(struct input *in)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | input_byte(in);
	return value;
}

/* Copies what is left to memory that is just as long, so a sanitizer sees its end. */
static inline void *input_copy(const struct input *in)
{
	uint8_t *copy = malloc(in->left + !in->left);

	HOLDS(copy);
	memcpy(copy, in->at, in->left);
	return copy;
}

/* Takes a text up to a newline; it ends with a 0, and the caller frees it. */
static inline char *input_line(struct input *in)
{
	const uint8_t *end = memchr(in->at, '\n', in->left);
	size_t len = end ? (size_t)(end - in->at) : in->left;
	char *line = malloc(len + 1);

	HOLDS(line);
	memcpy(line, in->at, len);
	line[len] = '\0';
	in->at += len + !!end;
	in->left -= len + !!end;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* COP_FUZZ_INPUT_H */
