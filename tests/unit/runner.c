// SPDX-License-Identifier: MIT
/*
 * runner.c - runs the tests where Criterion's runner can't: under ThreadSanitizer,
 * since Criterion shares an arena with its workers at an address that ThreadSanitizer
 * does not allow; and for other processors, for which Debian has no Criterion, with
 * tests/cross/criterion and COP_TEST_RUNNER.
 *
 * Each test runs in a forked child, as with Criterion, and prints what failed by
 * itself.
 *
 *	--jobs N	so many tests at once
 *	--filter GLOB	only these tests: SUITE/TEST
 *	--skip FILE	not these tests: a glob and a reason on each line
 *	--patience N	each test may take N times as long as it says
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COP_TEST_RUNNER
#endif
#endif
#if defined(__SANITIZE_THREAD__) && !defined(COP_TEST_RUNNER)
#define COP_TEST_RUNNER
#endif

#ifdef COP_TEST_RUNNER
#include <fnmatch.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "unit/helpers.h"

#define SKIPPED	  77
#define TIMEOUT	  60 /* seconds, unless the test or its suite says another */
#define JOBS_MOST 64

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[], *__stop_cr_sts[];

static struct criterion_test *current;

static struct {
	int jobs, patience;
	const char *filter;
} option = { 1, 1, "*" };

static struct {
	int passed, failed, skipped;
} count;

/* A test that is left out. */
struct left_out {
	struct left_out *next;
	char glob[256], why[256];
};

static struct left_out *left_out;

/* The tests that are running. */
static struct {
	struct criterion_test *test;
	pid_t pid;
	FILE *output;
} running[JOBS_MOST];

/* ---- Criterion's functions ------------------------------------------------ */

static const struct criterion_test_extra_data *suite_data(void)
{
	static const struct criterion_test_extra_data none;

	for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts;
	     s++)
		if (!strcmp((*s)->name, current->category))
			return (*s)->data;
	return &none;
}

static void call(void (*function)(void))
{
	if (function)
		function();
}

void criterion_internal_test_setup(void)
{
	call(suite_data()->init);
	call(current->data->init);
}

void criterion_internal_test_teardown(void)
{
	call(current->data->fini);
	call(suite_data()->fini);
}

/* A test goes on after a failed cr_expect(), so the result has to wait. */
static bool failed;

static void report(const char *file, size_t line, const char *condition,
		   const char *message)
{
	printf("%s:%zu: %s::%s failed: %s%s\n", file, line, current->category,
	       current->name, condition, message);
	fflush(stdout);
	failed = true;
}

void criterion_abort_test(void)
{
	_exit(1);
}

void criterion_skip_test(const char *format, ...)
{
	va_list ap;

	printf("[SKIP] %s::%s: ", current->category, current->name);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(SKIPPED);
}

#ifdef CROSS_CRITERION_H
long long cross_left, cross_right;

bool cross_note(bool result, long long left, long long right)
{
	cross_left = left;
	cross_right = right;
	return result;
}

void cross_failed(const char *file, size_t line, const char *condition,
		  const char *format, ...)
{
	char message[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	n = strlen(message);
	snprintf(message + n, sizeof(message) - n, " (last: %lld and %lld)",
		 cross_left, cross_right);
	report(file, line, condition, message);
}
#else
void criterion_internal_test_main(void (*fn)(void))
{
	fn();
}

void cri_assert_node_send(const char *file, size_t line,
			  struct cri_assert_node *node)
{
	report(file, line, "", node->message ? node->message : "");
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
#endif

/* ---- which tests ---------------------------------------------------------- */

static const char *name_of(const struct criterion_test *test)
{
	static char name[512];

	snprintf(name, sizeof(name), "%s/%s", test->category, test->name);
	return name;
}

/* Returns why the test is left out, or NULL. */
static const char *why_not(const struct criterion_test *test)
{
	for (struct left_out *l = left_out; l; l = l->next)
		if (!fnmatch(l->glob, name_of(test), 0))
			return l->why;
	return NULL;
}

static void read_left_out(const char *path)
{
	char line[sizeof(struct left_out)];
	FILE *file = fopen(path, "r");

	if (!file) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file)) {
		struct left_out *l = calloc(1, sizeof(*l));

		if (sscanf(line, "%255s %255[^\n]", l->glob, l->why) != 2 ||
		    l->glob[0] == '#') {
			free(l);
			continue;
		}
		l->next = left_out;
		left_out = l;
	}
	fclose(file);
}

/* ---- running -------------------------------------------------------------- */

static int timeout(void)
{
	double own = current->data->timeout, suite = suite_data()->timeout;

	return option.patience * (int)(own > 0	   ? own
				       : suite > 0 ? suite
						   : TIMEOUT);
}

static void begin(struct criterion_test *test)
{
	int i = 0;

	while (running[i].test)
		i++;
	current = test;
	fflush(stdout);
	running[i].output = tmpfile();
	running[i].pid = fork();
	running[i].test = test;
	if (running[i].pid)
		return;
	dup2(fileno(running[i].output), STDOUT_FILENO);
	dup2(fileno(running[i].output), STDERR_FILENO);
	fclose(running[i].output);
	alarm(timeout());
	test->test();
	exit(failed);
}

static void skip(const struct criterion_test *test, const char *why)
{
	printf("[SKIP] %s::%s: %s\n", test->category, test->name, why);
	count.skipped++;
}

static void show(FILE *output)
{
	char line[1024];

	rewind(output);
	while (fgets(line, sizeof(line), output))
		fputs(line, stdout);
}

static void judge(const struct criterion_test *test, int status, FILE *output)
{
	const bool ended = WIFEXITED(status);
	const bool passed = ended && !WEXITSTATUS(status);
	const bool skipped = ended && WEXITSTATUS(status) == SKIPPED;

	if (!passed)
		show(output);
	fclose(output);
	if (passed) {
		count.passed++;
	} else if (skipped) {
		count.skipped++;
	} else {
		count.failed++;
		printf("[FAIL] %s::%s: %s %d\n", test->category, test->name,
		       WIFEXITED(status) ? "exit status" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status)
					 : WTERMSIG(status));
	}
}

static void wait_for_one(void)
{
	int status;
	pid_t pid = wait(&status);

	for (int i = 0; i < option.jobs; i++) {
		if (!running[i].test || running[i].pid != pid)
			continue;
		judge(running[i].test, status, running[i].output);
		running[i].test = NULL;
	}
}

static void run_all(void)
{
	int busy = 0;

	for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst;
	     t++) {
		const char *why = why_not(*t);

		if (fnmatch(option.filter, name_of(*t), 0))
			continue;
		if (why) {
			skip(*t, why);
			continue;
		}
		if (busy == option.jobs) {
			wait_for_one();
			busy--;
		}
		begin(*t);
		busy++;
	}
	while (busy--)
		wait_for_one();
}

/* The options that it does not know are Criterion's. */
static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "jobs", required_argument, NULL, 'j' },
		{ "filter", required_argument, NULL, 'f' },
		{ "skip", required_argument, NULL, 's' },
		{ "patience", required_argument, NULL, 'p' },
		{ 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			option.jobs = atoi(optarg);
		else if (c == 'f')
			option.filter = optarg;
		else if (c == 's')
			read_left_out(optarg);
		else if (c == 'p')
			option.patience = atoi(optarg);
	}
	if (option.jobs < 1 || option.jobs > JOBS_MOST)
		option.jobs = 1;
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	run_all();
	printf("[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | "
	       "Skipped: %d\n",
	       count.passed + count.failed, count.passed, count.failed,
	       count.skipped);
	return count.failed != 0;
}
#else
typedef int runner_is_not_needed;
#endif
