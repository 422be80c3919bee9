// SPDX-License-Identifier: MIT
/*
 * test_request.c - inet/request.c: which files a request looks for, and who may load
 * one. tests/e2e/test_transports.c loads real modules.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "inet/af_inet.h"
#include "inet/request.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/process.h"
#include "unit/helpers.h"

static char dir[] = "/tmp/cop-request-XXXXXX";

static void put(const char *name)
{
	FILE *file = fopen(name, "w");

	fputs("no module", file);
	fclose(file);
}

/* Two directories; what is in them can be found, but not loaded. */
static void setup(void)
{
	t_init();
	cr_assert(ne(ptr, mkdtemp(dir), NULL));
	cr_assert(zero(int, chdir(dir)));
	cr_assert(zero(int, mkdir("a", 0755) | mkdir("b", 0755)));
	put("b/one.so");
	put("a/two.so");
	put("b/two.so");
	put("a/net-pf-2-proto-9-type-9.so");
	put("b/net-pf-2-proto-9.so");
	put("b/net-pf-44.so");
	setenv("COP_MODULES", "a::b", 1);
	request_init();
	cop_env.debug = COP_DEBUG_FAULTS;
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	cr_expect(zero(int, system(command)));
}

TestSuite(inet_request, .init = setup, .fini = teardown, .timeout = 20);

static void ask_one_and_two(void)
{
	request_module("%s", "one");
	request_module("t%co", 'w');
	request_module("three");
}

Test(inet_request, the_first_directory_with_the_name_counts)
{
	char text[2048];

	cr_assert(zero(int, chdir("/")));
	t_stderr(ask_one_and_two, text, sizeof(text));
	cr_expect(ne(ptr,
		     strstr(text, "/b/one.so can't be loaded: it is no "
				  "ELF file"),
		     NULL));
	cr_expect(ne(ptr, strstr(text, "/a/two.so"), NULL));
	cr_expect(zero(ptr, strstr(text, "/b/two.so")));
	cr_expect(zero(ptr, strstr(text, "three")));
}

static void ask_nine(void)
{
	cr_expect(not(inet_request(PF_INET, 9, 9)));
	cr_expect(not(inet_request(44, 1, 2)));
}

Test(inet_request, both_names_are_asked_for_once)
{
	char text[2048];
	const char *longer, *shorter;

	t_stderr(ask_nine, text, sizeof(text));
	longer = strstr(text, "a/net-pf-2-proto-9-type-9.so");
	shorter = strstr(text, "b/net-pf-2-proto-9.so");
	cr_assert(longer && shorter && longer < shorter, "%s", text);
	cr_expect(ne(ptr, strstr(text, "b/net-pf-44.so"), NULL));
	t_stderr(ask_nine, text, sizeof(text));
	cr_expect(eq(str, text, ""));
}

static void ask_out_of_range(void)
{
	cr_expect(not(inet_request(-1, 9, 9)));
	cr_expect(not(inet_request(NPROTO, 9, 9)));
	cr_expect(not(inet_request(PF_INET, SOCK_MAX, 9)));
	cr_expect(not(inet_request(PF_INET6, 15, 9)));
	cr_expect(not(inet_request(PF_INET, 9, -1)));
	cr_expect(not(inet_request(PF_INET, 9, IPPROTO_MAX)));
	cr_expect(not(inet_request(PF_INET6, 10, IPPROTO_MAX - 1)));
}

Test(inet_request, numbers_out_of_range_are_not_asked_for)
{
	char text[2048];

	t_stderr(ask_out_of_range, text, sizeof(text));
	cr_expect(eq(str, text, ""));
}

static void load_all(void)
{
	setenv("COP_LOAD", "b/one.so:/nowhere/x.so", 1);
	request_init();
	request_load();
}

Test(inet_request, COP_LOAD_names_files_and_a_missing_one_is_reported)
{
	char text[2048];

	t_stderr(load_all, text, sizeof(text));
	cr_expect(ne(ptr, strstr(text, "/b/one.so can't be loaded"), NULL));
	cr_expect(ne(ptr,
		     strstr(text, "/nowhere/x.so can't be loaded: there "
				  "is no such file"),
		     NULL));
}

static void too_long(void)
{
	char *list = calloc(1, 5000);

	memset(list, 'x', 4999);
	setenv("COP_MODULES", list, 1);
	request_init();
	request_module("one");
	free(list);
}

Test(inet_request, a_list_that_is_too_long_is_ignored_aloud)
{
	char text[2048];

	t_stderr(too_long, text, sizeof(text));
	cr_expect(ne(ptr, strstr(text, "is ignored: it is too long"), NULL));
	cr_expect(zero(ptr, strstr(text, "one.so")));
}

/* ---- one file by name ----------------------------------------------------- */

Test(inet_request, one_file_is_tried_and_the_reason_is_told)
{
	const struct module *mod = NULL;
	char path[64];

	cop_env.debug = COP_DEBUG_OFF;
	snprintf(path, sizeof(path), "%s/b/one.so", dir);
	cr_expect(
		eq(str, (char *)request_try(path, &mod), "it is no ELF file"));
	snprintf(path, sizeof(path), "%s/b/none.so", dir);
	cr_expect(eq(str, (char *)request_try(path, &mod),
		     "there is no such file"));
	cr_expect(zero(ptr, (void *)mod));
}

Test(inet_request, the_names_that_are_searched_are_absolute)
{
	char dirs[128];

	snprintf(dirs, sizeof(dirs), "%s/a:%s/b", dir, dir);
	cr_expect(eq(str, (char *)request_dirs(), dirs));
	cr_expect(eq(str, (char *)request_files(), ""));
	cr_expect(eq(chr, request_libdir()[0], '/'));
}

/* ---- who may load --------------------------------------------------------- */

static int child_may_load(void)
{
	cop_process_forked();
	return request_may_load() ? 0 : 1;
}

static void *sleep_for_good(void *unused)
{
	(void)unused;
	pause();
	return NULL;
}

/* e2e/progs/modules.c forks without threads. Here Criterion may have some. */
Test(inet_request, a_forked_child_that_has_lost_threads_may_not_load)
{
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_for_good, NULL);
	cr_expect(request_may_load());
	cr_expect(eq(int, t_child(child_may_load), 1));
}

Test(inet_request, a_vfork_child_may_not_load)
{
	int status;
	pid_t pid;

	if (!t_vfork_shares_memory())
		cr_skip("not under ThreadSanitizer");
	cop_process_share();
	pid = vfork();
	if (!pid)
		_exit(request_may_load());
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_expect(zero(int, status));
	cr_expect(request_may_load());
}

Test(inet_request, a_confined_process_may_not_load)
{
	cop_is_confined = true;
	cr_assert(not(request_may_load()));
}

Test(inet_request, what_was_asked_for_in_vain_is_known)
{
	cop_env.debug = COP_DEBUG_OFF;
	cr_expect(inet_may_request(PF_INET, 9, 9));
	cr_expect(inet_may_request(44, 1, 2));
	ask_nine();
	cr_expect(not(inet_may_request(PF_INET, 9, 9)));
	cr_expect(not(inet_may_request(44, 1, 2)));
	cr_expect(inet_may_request(PF_INET, 9, 10));
	cr_expect(inet_may_request(PF_INET6, 9, 9));
	cr_expect(inet_may_request(PF_INET, 10, 9));
	cop_is_confined = true;
	cr_expect(not(inet_may_request(PF_INET6, 9, 9)));
	cr_expect(not(inet_may_request(43, 1, 2)));
}
