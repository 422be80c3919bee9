// SPDX-License-Identifier: MIT
/*
 * key.c - cop key: makes files of keys for the transport sealed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key.h"
#include "say.h"
#include "transports/sealed/keyfile.h"

const char *key_fault(const char *path)
{
	struct sealed_keyfile keys;
	const char *why;

	sealed_keyfile_read(path, &keys, &why);
	explicit_bzero(&keys, sizeof(keys));
	return why;
}

/* Waits, early in boot, until the kernel has random numbers. */
static bool draw(unsigned char key[SEALED_KEY_LEN])
{
	ssize_t n;

	do {
		n = getrandom(key, SEALED_KEY_LEN, 0);
	} while (n < 0 && errno == EINTR);
	return n == SEALED_KEY_LEN;
}

static bool write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len; text += n, len -= n) {
		n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return false;
	}
	return true;
}

/* Nothing is left of a file that is not whole. */
static int write_key(const char *path, const char *line, size_t len)
{
	int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	bool written;

	if (fd < 0)
		return -errno;
	written = !fchmod(fd, 0600) && write_all(fd, line, len) && !fsync(fd);
	if (!close(fd) && written)
		return 0;
	unlink(path);
	return -EIO;
}

static int make_new(const char *path)
{
	unsigned char key[SEALED_KEY_LEN];
	char line[SEALED_KEY_TEXT + 2];
	int err = -EIO;

	if (draw(key)) {
		sealed_keyfile_text(key, line);
		line[SEALED_KEY_TEXT] = '\n';
		err = write_key(path, line, SEALED_KEY_TEXT + 1);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(line, sizeof(line));
	return err ? cop_fail(EXIT_USAGE, "key: %s: %s", path, strerror(-err))
		   : 0;
}

static int key_main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "new"))
		return make_new(argv[2]);
	return cop_fail(EXIT_USAGE, "key: say what to make: cop key new FILE");
}

const struct command cop_key = {
	.name = "key",
	.args = "new FILE",
	.summary = "make a key for cop run --key",
	.main = key_main,
};
