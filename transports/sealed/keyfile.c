// SPDX-License-Identifier: MIT
/*
 * keyfile.c - reads and writes the keys of sealed. cop is linked statically and without
 * libsodium, so base64 (RFC 4648, section 4) is here. A key is read once, at the start:
 * nobody who could measure how long that takes can choose what is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyfile.h"

/* A file that is longer is not a list of keys. */
#define FILE_MAX 4096

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? at - digits : -1;
}

/* 43 digits have two bits more than a key. They must be 0: each key has one text. */
static bool read_key(const char *text, size_t len,
		     unsigned char key[SEALED_KEY_LEN])
{
	unsigned int bits = 0, n = 0;
	size_t out = 0;

	if (len != SEALED_KEY_TEXT || text[len - 1] != '=')
		return false;
	for (size_t i = 0; i < len - 1; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | value;
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		key[out++] = bits >> n;
		bits &= (1u << n) - 1;
	}
	return !bits;
}

void sealed_keyfile_text(const unsigned char key[SEALED_KEY_LEN],
			 char text[SEALED_KEY_TEXT + 1])
{
	unsigned int bits = 0, n = 0;
	size_t out = 0;

	for (size_t i = 0; i < SEALED_KEY_LEN; i++) {
		bits = bits << 8 | key[i];
		for (n += 8; n >= 6; n -= 6)
			text[out++] = digits[bits >> (n - 6) & 63];
		bits &= (1u << n) - 1;
	}
	text[out++] = digits[bits << (6 - n) & 63];
	text[out++] = '=';
	text[out] = '\0';
}

/* The owner of a file can read it, so the file must be ours, or root's. */
static const char *fault_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return "it is no regular file";
	if (st.st_uid && st.st_uid != geteuid())
		return "it belongs to another user";
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return "other users may read or change it (chmod 600)";
	return NULL;
}

static const char *read_lines(const char *text, struct sealed_keyfile *keys)
{
	for (size_t len; *text; text += len + !!text[len]) {
		len = strcspn(text, "\n");
		if (!len)
			continue;
		if (keys->n == SEALED_KEYS_MAX)
			return "it has more than 8 keys";
		if (!read_key(text, len, keys->key[keys->n]))
			return "a line is not a key of 32 bytes in base64";
		keys->n++;
	}
	return keys->n ? NULL : "it has no key";
}

static const char *read_file(int fd, struct sealed_keyfile *keys)
{
	char text[FILE_MAX + 1];
	size_t n = 0;
	const char *why;
	ssize_t got;

	while (n < FILE_MAX) {
		got = read(fd, text + n, FILE_MAX - n);
		if (!got || (got < 0 && errno != EINTR))
			break;
		n += got > 0 ? got : 0;
	}
	text[n] = '\0';
	if (got < 0)
		why = "it can't be read";
	else if (n == FILE_MAX || strlen(text) != n)
		why = "it is not a list of keys";
	else
		why = read_lines(text, keys);
	explicit_bzero(text, sizeof(text));
	return why;
}

int sealed_keyfile_read(const char *path, struct sealed_keyfile *keys,
			const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	memset(keys, 0, sizeof(*keys));
	if (fd < 0) {
		*why = errno == ENOENT ? "there is no such file"
				       : "it can't be opened";
		return -ENOKEY;
	}
	*why = fault_of(fd) ?: read_file(fd, keys);
	close(fd);
	if (!*why)
		return 0;
	explicit_bzero(keys, sizeof(*keys));
	return -EKEYREJECTED;
}
