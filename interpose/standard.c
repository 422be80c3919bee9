// SPDX-License-Identifier: MIT
/*
 * interpose/standard.c - the standard streams while a COP socket is descriptor
 * 0, 1 or 2. libc's own stdin, stdout and stderr read and write inside libc,
 * unseen. So the library replaces each by a stream of its own, and puts libc's
 * back when the descriptor is another file.
 *
 * Owns: standard. Protected by: atomic accesses; if two threads replace a
 * descriptor at once, the stream in the end is the one that fits the
 * descriptor, or libc's. Counterpart in the kernel: none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>
#include <wchar.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "interpose/interpose.h"
#include "lib/process.h"
#include "socket/stream.h"
#include "cop_table.h"

static struct {
	FILE **const at;      /* (c) the program's variable */
	const char *mode;     /* (c) for fdopen() */
	_Atomic(FILE *) own;  /* (a) libc's stream, while ours is at *at */
	_Atomic(FILE *) ours; /* (a) the library's stream; NULL: not made yet */
} standard[] = {
	[STDIN_FILENO] = { .at = &stdin, .mode = "r" },
	[STDOUT_FILENO] = { .at = &stdout, .mode = "w" },
	[STDERR_FILENO] = { .at = &stderr, .mode = "w" },
};

/* Whether there are bytes in a stream's buffer. */
static bool is_begun(FILE *fp)
{
	return __fpending(fp) || fp->_IO_read_ptr < fp->_IO_read_end;
}

/* The library's stream, if the program has neither closed nor reopened it. */
static FILE *find_ours(int fd)
{
	FILE *fp = READ_ONCE(standard[fd].ours);
	struct cop_stream *s = fp ? cop_stream_find(fp) : NULL;

	return s && s->fd == fd ? fp : NULL;
}

/*
 * Whether it is safe to create a stream. After a _Fork() a thread of the parent
 * may have left malloc() or libc's list of streams locked; after a fork() it
 * has not. A vfork() child uses its parent's memory.
 */
static bool may_make(void)
{
	return cop_process_is_owner() && !cop_confined() &&
	       (one_thread() || !cop_process_is_torn());
}

static FILE *make_ours(int fd)
{
	FILE *fp = may_make() ? fdopen(fd, standard[fd].mode) : NULL;

	if (fp && fd == STDERR_FILENO)
		setvbuf(fp, NULL, _IONBF, 0);
	if (fp)
		WRITE_ONCE(standard[fd].ours, fp);
	return fp;
}

/* A flag in libc's private libio.h: the program writes to the stream. */
#define CURRENTLY_PUTTING 0x0800

/*
 * Buffers a new stream as the one that it replaces, so that the same writes
 * make the same datagrams as on UDP. A stream that is buffered by lines, or not
 * at all, has no room for putc(), so that libc looks at each byte: see
 * new_do_write() in libc.
 */
static void buffer_alike(FILE *fp, FILE *own)
{
	bool none = __fbufsize(own) == 1, lines = __flbf(own);

	setvbuf(fp, NULL, none ? _IONBF : lines ? _IOLBF : _IOFBF, 0);
	if (fp->_flags & CURRENTLY_PUTTING)
		fp->_IO_write_end =
			none || lines ? fp->_IO_write_base : fp->_IO_buf_end;
}

/*
 * Bytes that are printed but not written yet go to the descriptor's new socket.
 */
static void move_pending(FILE *fp, FILE *own)
{
	flockfile(own);
	fwrite_unlocked(own->_IO_write_base, 1, __fpending(own), fp);
	__fpurge(own);
	funlockfile(own);
}

/*
 * Whether a stream can't be replaced: the program has put a stream of another
 * descriptor there; or it uses wide characters, which the library's stream
 * can't; or stdin still has bytes that the program has not read.
 */
static bool has_to_stay(FILE *own, int fd)
{
	return own->_fileno != fd || fwide(own, 0) > 0 ||
	       (fd == STDIN_FILENO && is_begun(own));
}

static bool take_place(int fd)
{
	FILE *own = *standard[fd].at;
	FILE *fp;

	if (!own || has_to_stay(own, fd))
		return false;
	fp = find_ours(fd) ?: make_ours(fd);
	if (!fp || fp == own)
		return fp;
	if (fd == STDOUT_FILENO)
		buffer_alike(fp, own);
	if (fd != STDIN_FILENO && __fpending(own))
		move_pending(fp, own);
	WRITE_ONCE(standard[fd].own, own);
	*standard[fd].at = fp;
	return true;
}

/* A stream that still has bytes stays: it reads and writes any descriptor. */
static void give_back(int fd)
{
	FILE *own = READ_ONCE(standard[fd].own);
	FILE *fp = find_ours(fd);

	if (fp && own && *standard[fd].at == fp && !is_begun(fp))
		*standard[fd].at = own;
}

bool stdio_adopt(int fd)
{
	return fd >= STDIN_FILENO && fd <= STDERR_FILENO && sockfd_lookup(fd) &&
	       take_place(fd);
}

noinline void stdio_replaced(int fd)
{
	int saved = errno;

	if (!cop_process_is_owner())
		return;
	if (!stdio_adopt(fd))
		give_back(fd);
	errno = saved;
}
