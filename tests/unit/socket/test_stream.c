// SPDX-License-Identifier: MIT
/*
 * test_stream.c - socket/stream.c: streams on descriptors, and whose they are.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio_ext.h>
#include <wchar.h>

#include "socket/stream.h"
#include "unit/helpers.h"

TestSuite(cop_stdio, .init = t_init, .timeout = 20);

/* ---- what moves the bytes here ------------------------------------------- */

static char written[16384];
static size_t writes, total;
static _Atomic(int) closes;

static ssize_t io_write(void *cookie, const char *buf, size_t len)
{
	(void)cookie;
	memcpy(written + total, buf, len);
	total += len;
	writes++;
	return len;
}

static ssize_t io_read(void *cookie, char *buf, size_t len)
{
	return cop_stream_rest(cookie, buf, len);
}

static int io_close(void *cookie)
{
	struct cop_stream *s = cookie;

	closes++;
	return close(s->fd);
}

static const cookie_io_functions_t io = { .read = io_read,
					  .write = io_write,
					  .close = io_close };

static FILE *open_on(int fd, const char *mode)
{
	FILE *fp = NULL;

	cr_assert(zero(int, cop_stream_open(fd, mode, &io, &fp)));
	return fp;
}

static void end(FILE *fp)
{
	struct cop_stream *s = cop_stream_take(fp);

	cr_assert(ne(ptr, s, NULL));
	cr_assert(zero(int, fclose(fp)));
	cop_stream_free(s);
}

static int list_length(void)
{
	int n = 0;

	for (struct cop_stream *s = cop_streams; s; s = s->next)
		n++;
	return n;
}

/* ---- opening -------------------------------------------------------------- */

Test(cop_stdio, a_bad_mode_is_einval)
{
	static const char *const mode[] = { "", "x", "R", " r", "+" };
	FILE *fp = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(mode); i++)
		cr_assert(eq(int, cop_stream_open(t_udp(), mode[i], &io, &fp),
			     -EINVAL));
	cr_assert(eq(ptr, fp, NULL));
	cr_assert(zero(int, list_length()));
}

Test(cop_stdio, no_descriptor_is_ebadf)
{
	FILE *fp;

	cr_assert(eq(int, cop_stream_open(-1, "r", &io, &fp), -EBADF));
	cr_assert(eq(int, cop_stream_open(1000000, "w", &io, &fp), -EBADF));
}

Test(cop_stdio, a_stream_has_the_number_and_closes_it_once)
{
	int fd = t_udp();
	FILE *fp = open_on(fd, "w");

	cr_assert(eq(int, fileno(fp), fd));
	end(fp);
	cr_assert(eq(int, (int)closes, 1));
	cr_assert(eq(int, fcntl(fd, F_GETFD), -1));
}

Test(cop_stdio, the_buffer_is_as_large_as_libcs)
{
	FILE *fp = open_on(t_udp(), "w");
	FILE *libcs = fdopen(t_udp(), "w");

	fputc('x', libcs);
	cr_assert(eq(sz, __fbufsize(fp), __fbufsize(libcs)));
	fputs("words", fp);
	cr_assert(zero(sz, writes));
	end(fp);
	cr_assert(eq(sz, writes, 1));
	cr_assert(zero(int, memcmp(written, "words", 5)));
}

/* ---- whose a stream is ---------------------------------------------------- */

Test(cop_stdio, a_stream_is_found_by_its_file_until_it_is_taken)
{
	FILE *one = open_on(t_udp(), "w");
	FILE *two = open_on(t_udp(), "r");
	struct cop_stream *s = cop_stream_find(one);

	cr_assert(ne(ptr, s, NULL));
	cr_assert(ne(ptr, cop_stream_find(two), s));
	cr_assert(eq(ptr, cop_stream_find(stdin), NULL));
	cr_assert(eq(ptr, cop_stream_take(stdin), NULL));
	cr_assert(eq(ptr, cop_stream_take(one), s));
	cr_assert(eq(ptr, cop_stream_find(one), NULL));
	cr_assert(eq(ptr, cop_stream_take(one), NULL));
	fclose(one);
	cop_stream_free(s);
	cr_assert(ne(ptr, cop_stream_find(two), NULL));
	end(two);
}

Test(cop_stdio, the_memory_of_a_stream_is_used_again)
{
	FILE *both[2];

	for (int i = 0; i < 1000; i++) {
		both[0] = open_on(t_udp(), "w");
		both[1] = open_on(t_udp(), "r+");
		end(both[i % 2]);
		end(both[!(i % 2)]);
	}
	cr_assert(eq(int, list_length(), 2));
}

static void *open_and_end(void *arg)
{
	for (int i = 0; i < 500; i++) {
		int fd = t_udp();
		FILE *fp = open_on(fd, "w");

		if (cop_stream_find(fp)->fd != fd)
			*(int *)arg += 1;
		end(fp);
	}
	return NULL;
}

Test(cop_stdio, threads_open_and_close_beside_each_other)
{
	pthread_t thread[4];
	int wrong[4] = { 0 };

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, open_and_end, &wrong[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		cr_assert(zero(int, wrong[i]));
	}
	cr_assert(le(int, list_length(), 4));
}

/* ---- the rest of a datagram ---------------------------------------------- */

Test(cop_stdio, the_rest_is_read_in_pieces_and_once)
{
	FILE *fp = open_on(t_udp(), "r");
	struct cop_stream *s = cop_stream_find(fp);
	char buf[8] = "";

	cr_assert(zero(sz, cop_stream_rest(s, buf, sizeof(buf))));
	strcpy(cop_stream_room(s), "the rest");
	cop_stream_keep(s, 8);
	cr_assert(eq(sz, cop_stream_rest(s, buf, 3), 3));
	cr_assert(zero(int, memcmp(buf, "the", 3)));
	cr_assert(eq(sz, cop_stream_rest(s, buf, sizeof(buf)), 5));
	cr_assert(zero(int, memcmp(buf, " rest", 5)));
	cr_assert(zero(sz, cop_stream_rest(s, buf, sizeof(buf))));
	end(fp);
}

Test(cop_stdio, the_next_stream_has_no_rest)
{
	FILE *fp = open_on(t_udp(), "r");
	char *room = cop_stream_room(cop_stream_find(fp));

	memset(room, 'x', COP_STREAM_REST);
	cop_stream_keep(cop_stream_find(fp), COP_STREAM_REST);
	cr_assert(eq(int, fgetc(fp), 'x'));
	end(fp);
	fp = open_on(t_udp(), "r");
	cr_assert(eq(int, fgetc(fp), EOF));
	end(fp);
}

/* ---- becoming a file's ---------------------------------------------------- */

Test(cop_stdio, a_released_stream_is_reopened_by_libc)
{
	FILE *fp = open_on(t_udp(), "w");
	int fd = fileno(fp);

	cop_stream_release(cop_stream_find(fp));
	cr_assert(eq(ptr, freopen("/dev/zero", "r", fp), fp));
	cr_assert(eq(int, fileno(fp), fd));
	cr_assert(gt(int, fwide(fp, 1), 0));
	cr_assert(zero(int, (int)fgetwc(fp)));
	end(fp);
	cr_assert(zero(int, (int)closes));
	cr_assert(eq(int, fcntl(fd, F_GETFD), -1));
}
