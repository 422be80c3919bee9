// SPDX-License-Identifier: MIT
/*
 * lines.c - passes on the output of another process in whole lines.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"

#define PART	 (64 * 1024)
#define HELD_MAX (64 << 20)

/* Somebody else may have made the file non-blocking. */
static bool may_go_on(int fd)
{
	struct pollfd pollfd = { fd, POLLOUT, 0 };

	if (errno == EINTR)
		return true;
	return errno == EAGAIN && poll(&pollfd, 1, -1) >= 0;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && !may_go_on(fd))
			return false;
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return true;
}

static bool has_room(struct lines *l)
{
	size_t size = l->size ? l->size * 2 : 2 * PART;
	char *more;

	if (l->size - l->len >= PART)
		return true;
	more = size <= HELD_MAX ? realloc(l->held, size) : NULL;
	if (!more)
		return false;
	l->held = more;
	l->size = size;
	return true;
}

static bool put(struct lines *l, int to, size_t len)
{
	bool ok;

	if (!len)
		return true;
	ok = write_all(to, l->held, len);
	l->len -= len;
	memmove(l->held, l->held + len, l->len);
	return ok;
}

static void close_pipe(struct lines *l)
{
	if (l->from >= 0)
		close(l->from);
	l->from = -1;
}

bool lines_relay(struct lines *l, int to)
{
	const char *last;
	ssize_t n;

	if (!has_room(l) && !put(l, to, l->len))
		return false;
	if (!has_room(l)) {
		close_pipe(l);
		return errno = ENOMEM, false;
	}
	n = read(l->from, l->held + l->len, l->size - l->len);
	if (n <= 0) {
		close_pipe(l);
		return true;
	}
	last = memrchr(l->held + l->len, '\n', n);
	l->len += n;
	return !last || put(l, to, last + 1 - l->held);
}

bool lines_finish(struct lines *l, int to)
{
	bool ok = put(l, to, l->len);

	lines_drop(l);
	return ok;
}

void lines_drop(struct lines *l)
{
	close_pipe(l);
	free(l->held);
	l->held = NULL;
	l->len = l->size = 0;
}
