// SPDX-License-Identifier: MIT
/*
 * test_output.c - lib/output.c: lines for people never block, and never raise a signal.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/output.h"
#include "lib/scratch.h"

static const char lines[] = "one\ntwo\n";

static int write_lines(int fd)
{
	struct cop_scratch part;
	int err;

	cop_scratch_begin(&part);
	err = cop_output_write(fd, lines, strlen(lines));
	cop_scratch_end(&part);
	return err;
}

static bool is_pending(int sig)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, sig);
}

Test(cop_output, lines_go_into_a_pipe)
{
	char text[64] = "";
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cr_assert_eq(write_lines(fd[1]), 0);
	cr_assert_eq(read(fd[0], text, sizeof(text)), (ssize_t)strlen(lines));
	cr_assert_str_eq(text, lines);
	cr_assert_eq(cop_output_lost(), 0);
}

Test(cop_output, full_pipe_does_not_block_and_its_lines_are_lost, .timeout = 10)
{
	char page[4096] = "";
	int fd[2];

	cr_assert_eq(pipe2(fd, O_NONBLOCK), 0);
	while (write(fd[1], page, sizeof(page)) > 0)
		;
	cr_assert_eq(fcntl(fd[1], F_SETFL, 0), 0);
	cr_assert_eq(write_lines(fd[1]), -EAGAIN);
	cr_assert_eq(cop_output_lost(), 2);
	cr_assert_eq(cop_output_lost(), 0);
}

Test(cop_output, pipe_without_a_reader_raises_no_signal)
{
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	close(fd[0]);
	cr_assert_eq(write_lines(fd[1]), -EPIPE);
	cr_assert_not(is_pending(SIGPIPE));
}

Test(cop_output, pending_signal_of_the_program_stays)
{
	sigset_t set;
	int fd[2];

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	cr_assert_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	raise(SIGPIPE);
	cr_assert_eq(pipe(fd), 0);
	close(fd[0]);
	cr_assert_eq(write_lines(fd[1]), -EPIPE);
	cr_assert(is_pending(SIGPIPE));
}

Test(cop_output, udp_socket_is_refused)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	cr_assert_eq(write_lines(fd), -ENOTCONN);
	close(fd);
}

static char directory[] = "/tmp/cop-output-XXXXXX";

static void enter_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
}

static void leave_directory(void)
{
	unlink("file");
	unlink("link");
	unlink("fifo");
	cr_assert_eq(chdir("/"), 0);
	rmdir(directory);
}

TestSuite(cop_output_file, .init = enter_directory, .fini = leave_directory);

Test(cop_output_file, lines_are_appended)
{
	struct stat st;

	for (int i = 1; i <= 2; i++) {
		int fd = cop_output_file("file");

		cr_assert_geq(fd, 0);
		cr_assert_eq(write_lines(fd), 0);
		cr_assert_eq(fstat(fd, &st), 0);
		cr_assert_eq(st.st_size, i * (off_t)strlen(lines));
		cop_output_close(fd);
	}
}

Test(cop_output_file, pipe_and_symbolic_link_are_refused)
{
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(symlink("file", "link"), 0);
	cr_assert_eq(cop_output_file("fifo"), -EINVAL);
	cr_assert_eq(cop_output_file("link"), -EINVAL);
	cr_assert_eq(access("file", F_OK), -1);
}

Test(cop_output_file, limit_leaves_whole_lines_out_and_raises_no_signal)
{
	const struct rlimit limit = { strlen(lines) + 2, RLIM_INFINITY };
	int fd = cop_output_file("file");
	struct stat st;

	cr_assert_eq(write_lines(fd), 0);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(write_lines(fd), -EFBIG);
	cr_assert_not(is_pending(SIGXFSZ));
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_size, (off_t)strlen(lines));
	cop_output_close(fd);
}

Test(cop_output, descriptor_2_that_became_another_file_is_refused)
{
	int null = open("/dev/null", O_WRONLY), old = dup(STDERR_FILENO), fd,
	    err;

	cop_output_init();
	fd = cop_output_stderr();
	dup2(null, STDERR_FILENO);
	err = cop_output_stderr();
	dup2(old, STDERR_FILENO);
	cr_assert_gt(fd, STDERR_FILENO);
	cr_assert_eq(err, -EBADF);
}
