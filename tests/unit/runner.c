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
 *	--verbose	print also which tests pass
 *	--patience N	each test may take N times as long as it says
 *	--listed FILE	tests that can't pass where something is missing: SUITE/TEST and
 *			KIND[,KIND]... on each line
 *	--lacks KIND,...  what is missing here. A test with one of these kinds has to
 *			fail: if it passes, it does not belong into the list. With "?"
 *			behind the kind it may fail
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
#define LISTED	  20 /* seconds for a test that has to fail */
#define JOBS_MOST 64

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[], *__stop_cr_sts[];

static struct criterion_test *current;

static struct {
	int jobs, patience;
	bool verbose;
	const char *filter, *lacks;
} option = { 1, 1, false, "*", "" };

static struct {
	int passed, failed, skipped;
} count;

/* A test of --listed. */
struct listed {
	struct listed *next;
	char name[256], kinds[256];
	bool found;
};

static struct listed *listed;

/* The tests that are running. */
static struct {
	struct criterion_test *test;
	const char *lacks; /* why it has to fail, or NULL */
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

static bool has_word(const char *list, const char *word, size_t len)
{
	for (const char *at = list; (at = strstr(at, word)); at++)
		if ((at == list || at[-1] == ',') &&
		    (!at[len] || at[len] == ','))
			return true;
	return false;
}

static bool may_pass(const char *kind)
{
	return kind[strlen(kind) - 1] == '?';
}

/* Returns the first of @kinds that is missing here, or NULL. */
static const char *missing(const char *kinds)
{
	char *rest = strdup(kinds), word[64];

	for (char *kind; (kind = strsep(&rest, ","));) {
		snprintf(word, sizeof(word), "%.*s",
			 (int)(strlen(kind) - may_pass(kind)), kind);
		if (has_word(option.lacks, word, strlen(word)))
			return kind;
	}
	return NULL;
}

/* Returns why the test has to fail, or NULL. */
static const char *why_not(const struct criterion_test *test)
{
	const char *name = name_of(test);

	for (struct listed *l = listed; l; l = l->next) {
		if (strcmp(l->name, name))
			continue;
		l->found = true;
		return missing(l->kinds);
	}
	return NULL;
}

static void read_listed(const char *path)
{
	char line[sizeof(struct listed)];
	FILE *file = fopen(path, "r");

	if (!file) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file)) {
		struct listed *l = calloc(1, sizeof(*l));

		if (sscanf(line, "%255s %255s", l->name, l->kinds) != 2 ||
		    l->name[0] == '#') {
			free(l);
			continue;
		}
		l->next = listed;
		listed = l;
	}
	fclose(file);
}

static void find_unknown(void)
{
	for (struct listed *l = listed; l; l = l->next) {
		if (l->found)
			continue;
		printf("[FAIL] %s: listed, but there is no such test\n",
		       l->name);
		count.failed++;
	}
}

/* ---- running -------------------------------------------------------------- */

static int timeout(void)
{
	double own = current->data->timeout, suite = suite_data()->timeout;

	return option.patience * (int)(own > 0	   ? own
				       : suite > 0 ? suite
						   : TIMEOUT);
}

static void begin(struct criterion_test *test, const char *lacks)
{
	int i = 0;

	while (running[i].test)
		i++;
	current = test;
	fflush(stdout);
	running[i].output = tmpfile();
	running[i].pid = fork();
	running[i].test = test;
	running[i].lacks = lacks;
	if (running[i].pid)
		return;
	dup2(fileno(running[i].output), STDOUT_FILENO);
	dup2(fileno(running[i].output), STDERR_FILENO);
	fclose(running[i].output);
	alarm(lacks && !may_pass(lacks) ? LISTED : timeout());
	test->test();
	exit(failed);
}

static void show(FILE *output)
{
	char line[1024];

	rewind(output);
	while (fgets(line, sizeof(line), output))
		fputs(line, stdout);
}

static void say(const char *what, const struct criterion_test *test,
		const char *why)
{
	printf("[%s] %s::%s%s\n", what, test->category, test->name, why);
}

static void judge_failed(const struct criterion_test *test, int status,
			 FILE *output)
{
	char why[64];

	show(output);
	snprintf(why, sizeof(why),
		 WIFEXITED(status) ? ": exit status %d" : ": signal %d",
		 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	say("FAIL", test, why);
	count.failed++;
}

/* A test that is listed for what is missing here: @lacks. */
static void judge_listed(const struct criterion_test *test, bool passed,
			 const char *lacks)
{
	char why[256];

	snprintf(why, sizeof(why), ": %s %s",
		 passed		   ? "passes, but is listed for"
		 : may_pass(lacks) ? "failed, as it may without"
				   : "lacks",
		 lacks);
	say(passed ? "FAIL" : "SKIP", test, why);
	(*(passed ? &count.failed : &count.skipped))++;
}

static void judge(const struct criterion_test *test, const char *lacks,
		  int status, FILE *output)
{
	const bool skipped =
		WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
	const bool passed = WIFEXITED(status) && !WEXITSTATUS(status);

	if (skipped) {
		show(output);
		count.skipped++;
	} else if (lacks && !(passed && may_pass(lacks))) {
		judge_listed(test, passed, lacks);
	} else if (!passed) {
		judge_failed(test, status, output);
	} else {
		count.passed++;
		if (option.verbose)
			say("PASS", test, "");
	}
	fclose(output);
}

static void wait_for_one(void)
{
	int status;
	pid_t pid = wait(&status);

	for (int i = 0; i < option.jobs; i++) {
		if (!running[i].test || running[i].pid != pid)
			continue;
		judge(running[i].test, running[i].lacks, status,
		      running[i].output);
		running[i].test = NULL;
	}
}

static void run_all(void)
{
	int busy = 0;

	for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst;
	     t++) {
		const char *why = why_not(*t);

		if (fnmatch(option.filter, name_of(*t), FNM_EXTMATCH))
			continue;
		if (busy == option.jobs) {
			wait_for_one();
			busy--;
		}
		begin(*t, why);
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
		{ "listed", required_argument, NULL, 'l' },
		{ "lacks", required_argument, NULL, 'L' },
		{ "verbose", no_argument, NULL, 'v' },
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
		else if (c == 'l')
			read_listed(optarg);
		else if (c == 'L')
			option.lacks = optarg;
		else if (c == 'v')
			option.verbose = true;
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
	find_unknown();
	printf("[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | "
	       "Skipped: %d\n",
	       count.passed + count.failed, count.passed, count.failed,
	       count.skipped);
	return count.failed != 0;
}
#else
typedef int runner_is_not_needed;
#endif
