// SPDX-License-Identifier: MIT
/*
 * tsan_main.c - runs the tests where Criterion's runner can't: it shares an
 * arena with its workers at an address that ThreadSanitizer does not allow.
 *
 * Each test runs in a forked child, as with Criterion, and prints what failed
 * by itself. Of Criterion there remain the tests' declarations and asserts.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RUN_TESTS_HERE
#endif
#endif
#if defined(__SANITIZE_THREAD__) && !defined(RUN_TESTS_HERE)
#define RUN_TESTS_HERE
#endif

#ifdef RUN_TESTS_HERE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "unit/helpers.h"

#define SKIPPED 77

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[], *__stop_cr_sts[];

static struct criterion_test *current;

static void (*suite_init(void))(void)
{
	for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts;
	     s++)
		if (!strcmp((*s)->name, current->category))
			return (*s)->data->init;
	return NULL;
}

void criterion_internal_test_setup(void)
{
	void (*init)(void) =
		current->data->init ? current->data->init : suite_init();

	if (init)
		init();
}

void criterion_internal_test_main(void (*fn)(void))
{
	fn();
}

void criterion_internal_test_teardown(void)
{
}

void cri_assert_node_send(const char *file, size_t line,
			  struct cri_assert_node *node)
{
	printf("%s:%zu: %s::%s failed: %s\n", file, line, current->category,
	       current->name, node->message ? node->message : "");
	fflush(stdout);
}

void criterion_abort_test(void)
{
	_exit(1);
}

void criterion_skip_test(const char *format, ...)
{
	(void)format;
	_exit(SKIPPED);
}

void *cr_malloc(size_t size)
{
	return malloc(size);
}

void *cr_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}

void *cr_realloc(void *mem, size_t size)
{
	return realloc(mem, size);
}

void cr_free(void *mem)
{
	free(mem);
}

static int run(struct criterion_test *test)
{
	int status;
	pid_t pid;

	current = test;
	pid = fork();
	if (!pid) {
		alarm(60);
		test->test();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		printf("skipped: %s::%s\n", test->category, test->name);
		return 0;
	}
	printf("FAIL: %s::%s, wait status %#x\n", test->category, test->name,
	       status);
	return 1;
}

/* An argument selects the tests whose suite begins with it. */
int main(int argc, char **argv)
{
	const char *only = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
	int tested = 0, failed = 0;

	for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst;
	     t++) {
		if (strncmp((*t)->category, only, strlen(only)))
			continue;
		fflush(stdout);
		tested++;
		failed += !!run(*t);
	}
	printf("Tested: %d | Failing: %d\n", tested, failed);
	return failed != 0;
}
#else
typedef int tsan_main_is_not_needed;
#endif
