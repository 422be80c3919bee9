// SPDX-License-Identifier: MIT
/*
 * test_env.c - lib/env.c: what the environment asks of the library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/env.h"
#include "unit/helpers.h"

static void setup(void)
{
	t_init();
	unsetenv("COP_DEBUG");
	unsetenv("COP_STATS");
	unsetenv("COP_ADOPT");
}

TestSuite(cop_env, .init = setup, .timeout = 20);

static unsigned int lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static const struct {
	const char *value; /* NULL: unset */
	int level;
	unsigned int complaints;
} debug[] = {
	{ NULL, 0, 0 }, { "0", 0, 0 }, { "1", 1, 0 },
	{ "2", 2, 0 },	{ "", 0, 1 },  { "yes", 0, 1 },
	{ "11", 0, 1 }, { "3", 0, 1 }, { "-1", 0, 1 },
};

Test(cop_env, COP_DEBUG_is_a_level_and_anything_else_is_reported_once)
{
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(debug); i++) {
		if (debug[i].value)
			setenv("COP_DEBUG", debug[i].value, 1);
		else
			unsetenv("COP_DEBUG");
		t_stderr(cop_env_init, text, sizeof(text));
		cr_assert(eq(int, cop_env.debug, debug[i].level), "%s",
			  debug[i].value);
		cr_assert(eq(uint, lines(text), debug[i].complaints), "%s: %s",
			  debug[i].value, text);
	}
}

Test(cop_env, COP_STATS_is_stderr_or_a_path_and_empty_is_reported)
{
	char text[512];

	t_stderr(cop_env_init, text, sizeof(text));
	cr_assert(eq(ptr, (void *)cop_env.stats, NULL));
	cr_assert(eq(str, text, ""));
	setenv("COP_STATS", "", 1);
	t_stderr(cop_env_init, text, sizeof(text));
	cr_assert(eq(ptr, (void *)cop_env.stats, NULL));
	cr_assert(eq(uint, lines(text), 1));
	setenv("COP_STATS", "/some/where", 1);
	t_stderr(cop_env_init, text, sizeof(text));
	cr_assert(eq(str, (char *)cop_env.stats, "/some/where"));
	cr_assert(eq(str, text, ""));
}

/* Whether ports 1, 5000, 5999, 6000 and 65535 are listed. */
static const struct {
	const char *value; /* NULL: unset */
	enum cop_adopt adopt;
	const char *listed;
} adopt[] = {
	{ NULL, COP_ADOPT_NONE, "-----" },
	{ "udp", COP_ADOPT_ALL, "-----" },
	{ "udp:5000-5999,65535", COP_ADOPT_SOME, "-xx-x" },
	{ "udp:6000", COP_ADOPT_SOME, "---x-" },
	{ "udp:1-65535", COP_ADOPT_SOME, "xxxxx" },
	{ "udp:05999-6000,1-1", COP_ADOPT_SOME, "x-xx-" },
};

static const char *const no_adopt[] = {
	"",	     "1",	  "tcp",	 "UDP",
	"udp ",	     "udp:",	  "udp,",	 "udp:x",
	"udp:0",     "udp:65536", "udp:1,",	 "udp:,1",
	"udp:-1",    "udp:1-",	  "udp:2-1",	 "udp:1 -2",
	"udp:1-2-3", "udp:+1",	  "udp: 1",	 "udp:1;2",
	"udp5000",   "udp:1,,2",  "udp:1-70000", "udp:4294967297",
};

Test(cop_env, COP_ADOPT_is_udp_or_a_list_of_ports)
{
	static const uint16_t port[] = { 1, 5000, 5999, 6000, 65535 };
	char text[512], listed[] = "-----";

	for (size_t i = 0; i < ARRAY_SIZE(adopt); i++) {
		if (adopt[i].value)
			setenv("COP_ADOPT", adopt[i].value, 1);
		t_stderr(cop_env_init, text, sizeof(text));
		for (size_t p = 0; p < ARRAY_SIZE(port); p++)
			listed[p] = cop_env_adopts(port[p]) ? 'x' : '-';
		cr_assert(eq(str, text, ""));
		cr_assert(eq(int, cop_env.adopt, adopt[i].adopt), "%s",
			  adopt[i].value);
		cr_assert(eq(str, listed, (char *)adopt[i].listed), "%s",
			  adopt[i].value);
	}
}

Test(cop_env, a_COP_ADOPT_that_means_nothing_is_reported_and_ignored)
{
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(no_adopt); i++) {
		setenv("COP_ADOPT", no_adopt[i], 1);
		t_stderr(cop_env_init, text, sizeof(text));
		cr_assert(eq(int, cop_env.adopt, COP_ADOPT_NONE), "%s",
			  no_adopt[i]);
		cr_assert(eq(uint, lines(text), 1), "%s", no_adopt[i]);
	}
}

static void say_little(void)
{
	cop_log(7, "%s %d", "word", 42);
}

Test(cop_env, a_line_of_the_log_has_process_time_descriptor_and_an_end)
{
	long long before = time(NULL), second;
	char text[512];
	int pid, end = 0;

	t_stderr(say_little, text, sizeof(text));
	cr_assert(eq(int,
		     sscanf(text, "libcop[%d] %lld.%*6[0-9] fd 7: word 42%n",
			    &pid, &second, &end),
		     2),
		  "%s", text);
	cr_assert(eq(int, pid, getpid()));
	cr_assert(ge(sz, second, before));
	cr_assert(le(sz, second, time(NULL)));
	cr_assert(eq(str, text + end, "\n"));
}

static void say_often(void)
{
	time_t begin;

	cop_env.debug = COP_DEBUG_FAULTS;
	do {
		begin = time(NULL);
		for (int i = 0; i < 10 * COP_LOG_BURST; i++)
			cop_warn(-1, "again");
	} while (time(NULL) != begin);
	cop_env.debug = COP_DEBUG_OFF;
}

/* In a second: what was counted as one may have been two. */
Test(cop_env, only_so_many_lines_are_written_within_a_second)
{
	static char text[64 * 1024];

	t_stderr(say_often, text, sizeof(text));
	cr_assert(ge(uint, lines(text), COP_LOG_BURST));
	cr_assert(le(uint, lines(text), 4 * COP_LOG_BURST));
}

static void say_at_each_level(void)
{
	for (int level = 0; level <= 2; level++) {
		cop_env.debug = level;
		cop_warn(-1, "warn%d", level);
		cop_debug(-1, "debug%d", level);
	}
	cop_env.debug = 0;
}

Test(cop_env, each_level_says_more)
{
	char text[512];

	t_stderr(say_at_each_level, text, sizeof(text));
	cr_assert(eq(ptr, strstr(text, "warn0"), NULL));
	cr_assert(eq(ptr, strstr(text, "debug0"), NULL));
	cr_assert(ne(ptr, strstr(text, "warn1"), NULL));
	cr_assert(eq(ptr, strstr(text, "debug1"), NULL));
	cr_assert(ne(ptr, strstr(text, "warn2"), NULL));
	cr_assert(ne(ptr, strstr(text, "debug2"), NULL));
}

static void say_too_much(void)
{
	char much[2000];

	memset(much, 'x', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	cop_log(-1, "%s", much);
}

Test(cop_env, a_line_too_long_is_cut_and_still_ends)
{
	char text[2048];

	t_stderr(say_too_much, text, sizeof(text));
	cr_assert(eq(uint, lines(text), 1));
	cr_assert(eq(chr, text[strlen(text) - 1], '\n'));
	cr_assert(lt(sz, strlen(text), 600));
}

static void debug_something(void)
{
	cop_warn(-1, "something");
}

Test(cop_env, cop_debug_is_silent_unless_asked_for)
{
	char text[512];

	t_stderr(debug_something, text, sizeof(text));
	cr_assert(eq(str, text, ""));
	cop_env.debug = COP_DEBUG_FAULTS;
	t_stderr(debug_something, text, sizeof(text));
	cr_assert(eq(uint, lines(text), 1));
}
