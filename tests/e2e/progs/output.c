// SPDX-License-Identifier: MIT
/*
 * output.c - programs that the library's own words could hurt: each says at its end
 * that it is still there.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "prog.h"

extern char **environ;

static void close_one(void)
{
	int fd = sock_at('A', "127.0.0.1");
	struct sockaddr_in addr = name_of(fd);

	sendto(fd, "x", 1, 0, SA(&addr), sizeof(addr));
	close(fd);
}

/* What the test has made standard error of is full, or has no reader. */
static void closes(void)
{
	close_one();
	printf("closed\n");
}

static void to_a_pipe_without_reader(void)
{
	int ends[2];

	if (pipe(ends))
		die("pipe");
	dup2(ends[1], STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
	execl("/proc/self/exe", "output", kind, "closes", NULL);
}

static void fill(int fd)
{
	static char page[4096];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, page, sizeof(page)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

static void to_a_full_pipe(void)
{
	int ends[2];

	if (pipe(ends))
		die("pipe");
	dup2(ends[1], STDERR_FILENO);
	fill(STDERR_FILENO);
	execl("/proc/self/exe", "output", kind, "closes", NULL);
}

static void to_a_file_at_its_limit(void)
{
	struct rlimit limit = { 0, 0 };
	FILE *file = tmpfile();

	dup2(fileno(file), STDERR_FILENO);
	setrlimit(RLIMIT_FSIZE, &limit);
	execl("/proc/self/exe", "output", kind, "closes", NULL);
}

/* Data of the program's own, with the number of standard error. */
static void data_as_standard_error(void)
{
	FILE *file = tmpfile();
	struct stat st;

	close(STDERR_FILENO);
	T(dup2(fileno(file), STDERR_FILENO));
	close_one();
	fstat(STDERR_FILENO, &st);
	printf("%ld bytes\n", (long)st.st_size);
}

/* As nginx, sendmail and PostgreSQL do. */
static void sets_a_title(void)
{
	char *end = environ[0];
	int n = 0;

	while (environ[n])
		n++;
	for (int i = 0; i < n; i++) {
		if (environ[i] == end)
			end += strlen(end) + 1;
	}
	memset(environ[0], 'w', end - environ[0] - 1);
	if (chdir("/"))
		die("chdir");
	close_one();
	printf("closed\n");
}

static void *close_for_ever(void *arg)
{
	for (;;)
		close_one();
	return arg;
}

static void exits_among_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, close_for_ever, NULL);
	usleep(50000);
	printf("ends\n");
	exit(0);
}

SCENARIOS({ "closes", closes },
	  { "to_a_pipe_without_reader", to_a_pipe_without_reader },
	  { "to_a_full_pipe", to_a_full_pipe },
	  { "to_a_file_at_its_limit", to_a_file_at_its_limit },
	  { "data_as_standard_error", data_as_standard_error },
	  { "sets_a_title", sets_a_title },
	  { "exits_among_threads", exits_among_threads })
