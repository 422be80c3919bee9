// SPDX-License-Identifier: MIT
/*
 * test_splice.c - lib/splice.c: what is looked at in a file or a pipe stays
 * there until it is taken.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/splice.h"
#include "unit/helpers.h"

static unsigned char content[COP_SPLICE_MAX], *buf;
static int pipes[2], copy[2];

static void setup(void)
{
	t_init();
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = i * 7 + i / 251;
	buf = cop_splice_map();
	cr_assert_not_null(buf);
	cr_assert(zero(int, pipe(pipes)));
}

TestSuite(cop_splice, .init = setup, .timeout = 20);

static void fill(size_t len)
{
	cr_assert(eq(long, write(pipes[1], content, len), (long)len));
}

static ssize_t peek(size_t n)
{
	return cop_pipe_peek(copy, pipes[0], buf, n);
}

Test(cop_splice, a_file_is_read_and_keeps_its_position)
{
	int fd = memfd_create("file", 0);

	cr_assert(eq(long, write(fd, content, 5000), 5000));
	cr_assert(eq(long, cop_file_peek(fd, 100, buf, 10000), 4900));
	cr_assert(zero(int, memcmp(buf, content + 100, 4900)));
	cr_assert(eq(long, cop_file_peek(fd, 5000, buf, 10000), 0));
	cr_assert(eq(long, lseek(fd, 0, SEEK_CUR), 5000));
}

Test(cop_splice, a_file_that_can_not_be_read_at_a_position_is_an_error)
{
	int dir = open("/", O_RDONLY);

	cr_assert(eq(long, cop_file_peek(dir, 0, buf, 1), -EINVAL));
	cr_assert(eq(long, cop_file_peek(-1, 0, buf, 1), -EBADF));
	cr_assert(eq(long, cop_file_peek(pipes[0], 0, buf, 1), -EINVAL));
}

Test(cop_splice, a_wait_takes_nothing)
{
	char byte;

	fill(2);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, cop_pipe_wait(pipes[0]), 1));
	cr_assert(eq(long, read(pipes[0], &byte, 1), 1));
	cr_assert(eq(int, byte, content[0]));
	cr_assert(eq(int, cop_pipe_wait(pipes[0]), 1));
	cr_assert(eq(long, read(pipes[0], &byte, 1), 1));
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	cr_assert(eq(int, cop_pipe_wait(pipes[0]), -EAGAIN));
	close(pipes[1]);
	cr_assert(eq(int, cop_pipe_wait(pipes[0]), 0));
	cr_assert(eq(int, cop_pipe_wait(-1), -EBADF));
}

Test(cop_splice, peeked_data_stay_until_they_are_taken)
{
	fill(5000);
	cr_assert(zero(int, cop_pipe_open(copy, pipes[0])));
	cr_assert(eq(long, peek(4500), 4500));
	cr_assert(zero(int, memcmp(buf, content, 4500)));
	cr_assert(eq(long, peek(10000), 5000));
	cr_assert(zero(int, memcmp(buf, content, 5000)));
	cop_pipe_take(copy, pipes[0], 4500);
	cop_pipe_close(copy);
	cr_assert(eq(long, read(pipes[0], buf, 5000), 500));
	cr_assert(zero(int, memcmp(buf, content + 4500, 500)));
}

Test(cop_splice, an_empty_pipe_is_eagain_or_its_end)
{
	cr_assert(zero(int, cop_pipe_open(copy, pipes[0])));
	cr_assert(eq(long, peek(10), -EAGAIN));
	cop_pipe_take(copy, pipes[0], 10); /* does not wait */
	close(pipes[1]);
	cr_assert(eq(long, peek(10), 0));
	cr_assert(eq(long, cop_pipe_peek(copy, -1, buf, 10), -EBADF));
}

#define PACKETS 100

static void fill_packets(void)
{
	cr_assert(lt(int, 0, fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20)));
	fcntl(pipes[1], F_SETFL, O_DIRECT);
	for (int i = 0; i < PACKETS; i++)
		cr_assert(eq(long, write(pipes[1], content + i * 10, 10), 10));
}

Test(cop_splice, a_pipe_of_many_packets_is_seen_whole)
{
	fill_packets();
	cr_assert(zero(int, cop_pipe_open(copy, pipes[0])));
	cr_assert(eq(long, peek(PACKETS * 10 - 5), PACKETS * 10 - 5));
	cr_assert(zero(int, memcmp(buf, content, PACKETS * 10 - 5)));
	cop_pipe_take(copy, pipes[0], PACKETS * 10 - 5);
	cop_pipe_close(copy);
	cr_assert(eq(long, read(pipes[0], buf, 1000), 5));
	cr_assert(zero(int, memcmp(buf, content + PACKETS * 10 - 5, 5)));
}

/* As where the user has so many pipes that another gets two pages. */
Test(cop_splice, a_copy_that_would_be_cut_short_is_enobufs)
{
	fill_packets();
	cr_assert(zero(int, cop_pipe_open(copy, pipes[0])));
	cr_assert(lt(int, 0, fcntl(copy[1], F_SETPIPE_SZ, 8192)));
	cr_assert(eq(long, peek(1000), -ENOBUFS));
	cop_pipe_close(copy);
	cr_assert(zero(int, cop_pipe_open(copy, pipes[0])));
	cr_assert(lt(int, 0, fcntl(copy[1], F_SETPIPE_SZ, 8192)));
	cr_assert(eq(long, peek(20), 20));
	cop_pipe_take(copy, pipes[0], 20);
	cr_assert(eq(long, read(pipes[0], buf, 1000), 10));
	cr_assert(zero(int, memcmp(buf, content + 20, 10)));
}

Test(cop_splice, no_descriptor_for_a_copy_is_enobufs)
{
	int low = open("/dev/null", O_RDONLY);

	while (dup(low) >= 0)
		;
	cr_assert(eq(int, cop_pipe_open(copy, pipes[0]), -ENOBUFS));
}
