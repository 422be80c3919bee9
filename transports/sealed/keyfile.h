/* SPDX-License-Identifier: MIT */
/*
 * keyfile.h - files with the keys of sealed: for the module, and for cop run and
 * cop key.
 */
#ifndef SEALED_KEYFILE_H
#define SEALED_KEYFILE_H

#define SEALED_KEY_LEN	32
#define SEALED_KEY_TEXT 44 /* characters of a key in base64 */
#define SEALED_KEYS_MAX 8

struct sealed_keyfile {
	unsigned int n;
	unsigned char key[SEALED_KEYS_MAX][SEALED_KEY_LEN];
};

/**
 * sealed_keyfile_read - read a file of keys
 * @path: its name
 * @keys: where the keys are put; the caller wipes them
 * @why: set to what is wrong, as the rest of a sentence that begins with the name
 *
 * Each line is a key in base64; empty lines do not count. Returns 0; -ENOKEY if the
 * file can't be opened; -EKEYREJECTED if others may read or change it, or it is not a
 * list of keys. Does not wait, and is async-signal-safe.
 */
int sealed_keyfile_read(const char *path, struct sealed_keyfile *keys,
			const char **why);

/**
 * sealed_keyfile_text - write a key in base64
 * @key: the key
 * @text: receives it, with a NUL behind
 */
void sealed_keyfile_text(const unsigned char key[SEALED_KEY_LEN],
			 char text[SEALED_KEY_TEXT + 1]);

#endif /* SEALED_KEYFILE_H */
