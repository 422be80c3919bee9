// SPDX-License-Identifier: MIT
/*
 * test_keyfile.c - transports/sealed/keyfile.c: files of keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "unit/helpers.h"
#include "unit/sealed/sealed_test.h"

#define KEY   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

static struct sealed_keyfile keys;
static const char *why;

/* What a file of this text and mode is. */
static int read_text(const char *text, size_t len, mode_t mode)
{
	char name[] = "/tmp/cop-test-key-XXXXXX";
	int fd = mkstemp(name), err;

	cr_assert(eq(int, write(fd, text, len), (int)len));
	fchmod(fd, mode);
	close(fd);
	err = sealed_keyfile_read(name, &keys, &why);
	unlink(name);
	return err;
}

Test(sealed_keyfile, a_key_has_the_text_of_rfc_4648)
{
	unsigned char key[SEALED_KEY_LEN];
	char text[SEALED_KEY_TEXT + 1];

	t_key(0, key);
	sealed_keyfile_text(key, text);
	cr_expect(eq(str, text, KEY));
	cr_assert(zero(int, read_text(KEY, strlen(KEY), 0600)));
	cr_expect(eq(uint, keys.n, 1));
	cr_expect(zero(int, memcmp(keys.key[0], key, sizeof(key))));
}

Test(sealed_keyfile, random_keys_are_read_as_they_were_written)
{
	unsigned char key[SEALED_KEY_LEN];
	char text[SEALED_KEY_TEXT + 1];

	srand(1);
	for (int n = 0; n < 1000; n++) {
		for (int i = 0; i < SEALED_KEY_LEN; i++)
			key[i] = rand() >> 8;
		sealed_keyfile_text(key, text);
		cr_assert(zero(int, read_text(text, strlen(text), 0600)));
		cr_assert(zero(int, memcmp(keys.key[0], key, sizeof(key))));
	}
}

Test(sealed_keyfile, keys_keep_their_order)
{
	unsigned char key[SEALED_KEY_LEN];
	const char text[] = KEY "\n\n" OTHER "\n";

	cr_assert(zero(int, read_text(text, strlen(text), 0400)));
	cr_expect(eq(uint, keys.n, 2));
	t_key(1, key);
	cr_expect(zero(int, memcmp(keys.key[1], key, sizeof(key))));
}

#define LINE	  "a line is not a key of 32 bytes in base64"
#define OPEN	  "other users may read or change it (chmod 600)"
#define ROW(text) text, sizeof(text) - 1
#define EIGHT	  KEY "\n" KEY "\n" KEY "\n" KEY "\n" KEY "\n" KEY "\n" KEY "\n" KEY

Test(sealed_keyfile, what_is_no_file_of_keys_is_refused)
{
	static char zeros[4096];
	const struct {
		const char *text;
		size_t len;
		mode_t mode;
		const char *why;
	} rows[] = {
		{ ROW(""), 0600, "it has no key" },
		{ ROW("\n\n"), 0600, "it has no key" },
		{ ROW("AAECAw==\n"), 0600, LINE },
		{ ROW("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"), 0600,
		  LINE },
		{ ROW(KEY "A\n"), 0600, LINE },
		{ ROW(" " KEY "\n"), 0600, LINE },
		{ ROW(KEY "\r\n"), 0600, LINE },
		{ ROW("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n"), 0600,
		  LINE },
		{ ROW("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=\n"), 0600,
		  LINE },
		{ ROW(KEY "\nx\n"), 0600, LINE },
		{ ROW(EIGHT "\n" KEY "\n"), 0600, "it has more than 8 keys" },
		{ ROW(KEY "\0"), 0600, "it is not a list of keys" },
		{ ROW(zeros), 0600, "it is not a list of keys" },
		{ ROW(KEY), 0640, OPEN },
		{ ROW(KEY), 0604, OPEN },
		{ ROW(KEY), 0620, OPEN },
		{ ROW(KEY), 0601, OPEN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cr_expect(eq(int,
			     read_text(rows[i].text, rows[i].len, rows[i].mode),
			     -EKEYREJECTED),
			  "row %zu", i);
		cr_expect(eq(str, (char *)why, (char *)rows[i].why), "row %zu",
			  i);
		cr_expect(zero(uint, keys.n));
		for (size_t b = 0; b < sizeof(keys); b++)
			cr_assert(zero(u8, ((unsigned char *)&keys)[b]));
	}
}

Test(sealed_keyfile, what_is_no_file_is_refused)
{
	cr_expect(eq(int, sealed_keyfile_read("/tmp/none/at/all", &keys, &why),
		     -ENOKEY));
	cr_expect(eq(str, (char *)why, "there is no such file"));
	cr_expect(eq(int, sealed_keyfile_read("/tmp", &keys, &why),
		     -EKEYREJECTED));
	cr_expect(eq(str, (char *)why, "it is no regular file"));
}

/* The first page of a process is nobody's, so the read fails. */
Test(sealed_keyfile, a_file_that_cannot_be_read_is_refused)
{
	cr_expect(eq(int, sealed_keyfile_read("/proc/self/mem", &keys, &why),
		     -EKEYREJECTED));
	cr_expect(eq(str, (char *)why, "it can't be read"));
	cr_expect(zero(uint, keys.n));
}

/* Nobody writes to it: an open that waited would wait for ever. */
Test(sealed_keyfile, a_pipe_is_refused_at_once, .timeout = 10)
{
	char name[] = "/tmp/cop-test-XXXXXX/pipe";

	name[strlen(name) - 5] = '\0';
	cr_assert(ne(ptr, mkdtemp(name), NULL));
	name[strlen(name)] = '/';
	cr_assert(zero(int, mkfifo(name, 0600)));
	cr_expect(
		eq(int, sealed_keyfile_read(name, &keys, &why), -EKEYREJECTED));
	unlink(name);
	*strrchr(name, '/') = '\0';
	rmdir(name);
}

Test(sealed_keyfile, a_file_of_another_user_is_refused)
{
	char name[] = "/tmp/cop-test-key-XXXXXX";
	int fd;

	if (geteuid())
		cr_skip_test("only root can give a file away");
	fd = mkstemp(name);
	cr_assert(eq(int, write(fd, KEY, strlen(KEY)), (int)strlen(KEY)));
	cr_assert(zero(int, fchown(fd, 65534, 65534)));
	close(fd);
	cr_expect(
		eq(int, sealed_keyfile_read(name, &keys, &why), -EKEYREJECTED));
	cr_expect(eq(str, (char *)why, "it belongs to another user"));
	unlink(name);
}
