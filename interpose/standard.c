// SPDX-License-Identifier: MIT
/*
 * interpose/standard.c - the standard streams while a COP socket is descriptor 0, 1
 * or 2. libc's own stdin, stdout and stderr read and write inside libc, so each
 * gives way to a stream that knows of COP, and comes back when the descriptor is
 * something else.
 *
 * Owns: standard. Protected by: atomic accesses; of two threads that replace
 * one descriptor at once, the streams are as the descriptor is in the end, or
 * libc's. Counterpart in the kernel: none.
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
	FILE **const at;      /* (c) where the program finds it */
	const char *mode;     /* (c) of fdopen() */
	_Atomic(FILE *) own;  /* (a) what was there: libc's */
	_Atomic(FILE *) ours; /* (a) kept for the next time; NULL: never made */
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

/* A stream of ours that the program has neither closed nor reopened. */
static FILE *find_ours(int fd)
{
	FILE *fp = READ_ONCE(standard[fd].ours);
	struct cop_stream *s = fp ? cop_stream_find(fp) : NULL;

	return s && s->fd == fd ? fp : NULL;
}

/*
 * malloc() and libc's list of streams may be in the hands of a thread that a _Fork()
 * has left behind; after a fork() they are not. A vfork() child's are its parent's.
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

/* libc's, in libio.h, which it keeps to itself: the stream was written to. */
#define CURRENTLY_PUTTING 0x0800

/*
 * It is buffered as the one in whose place it comes, which UDP would write by. Where
 * lines are, putc() has no room of its own, so that each byte is looked at:
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

/* What was printed and not written goes where the descriptor leads now. */
static void move_pending(FILE *fp, FILE *own)
{
	flockfile(own);
	fwrite_unlocked(own->_IO_write_base, 1, __fpending(own), fp);
	__fpurge(own);
	funlockfile(own);
}

/*
 * A stream of another descriptor, which the program has put there. Bytes that were
 * read ahead are the program's yet: then it keeps its stdin. Wide characters are
 * nothing that a stream of ours has.
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

/* Ours reads and writes any descriptor, so it may stay until it is empty. */
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
