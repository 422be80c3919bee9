// SPDX-License-Identifier: MIT
/*
 * refused.c - processes that cop stat can't show, and why. Counterpart in the
 * kernel: ptrace_may_access(), and yama_ptrace_access_check().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "refused.h"
#include "say.h"

static bool is_refusal(int err)
{
	return err == EACCES || err == EPERM;
}

void refused_maps(struct refused *refused, const struct target *t, int err)
{
	if (!is_refusal(err))
		return;
	if (target_status(t, "Uid:", false) == (long)getuid())
		refused->own++;
	else
		refused->others++;
}

/* A part of a number would name another process. */
void refused_add(struct refusal *refusal, const struct target *t)
{
	static const char more[] = ", ...";
	size_t len = strlen(refusal->names);
	char name[COMMAND_MAX + 32];
	size_t n = snprintf(name, sizeof(name), "%s%d (%s)", len ? ", " : "",
			    (int)t->pid, t->command);

	refusal->n++;
	if (refusal->is_full)
		return;
	refusal->is_full = len + n + sizeof(more) > sizeof(refusal->names);
	strcpy(refusal->names + len, refusal->is_full ? more : name);
}

void refused_mem(struct refused *refused, const struct target *t)
{
	if (is_refusal(t->mem_error))
		refused_add(&refused->memory, t);
}

void refused_version(struct refused *refused, const struct target *t)
{
	refused->versions++;
	if (refused->is_silent)
		return;
	cop_fail(0, "stat: process %d (%s) has another version of libcop",
		 (int)t->pid, t->command);
}

/* Returns 0 if Yama is not there, or allows it. */
static int yama_scope(void)
{
	int fd = open("/proc/sys/kernel/yama/ptrace_scope",
		      O_RDONLY | O_CLOEXEC);
	char text[8] = "";

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atoi(text);
}

/* Does not advise root to try it as root. */
static const char *advice(void)
{
	return geteuid() ? "try as root" : "CAP_SYS_PTRACE is needed";
}

static void say(const struct refusal *refusal, const char *what,
		const char *why)
{
	if (refusal->n)
		cop_fail(0, "stat: %d process%s %s: %s: %s", refusal->n,
			 refusal->n == 1 ? "" : "es", what, refusal->names,
			 why);
}

static void say_memory(const struct refusal *memory)
{
	int scope = yama_scope();
	char why[128];

	if (scope)
		snprintf(why, sizeof(why),
			 "kernel.yama.ptrace_scope is %d (%s)", scope,
			 scope < 3 ? advice() : "no user may read it");
	else
		snprintf(why, sizeof(why), "the kernel forbids it (%s)",
			 advice());
	say(memory, "with libcop can't be read", why);
}

static void say_unknown(const struct refused *refused)
{
	int n = refused->others + refused->own;
	char who[64];

	if (!refused->own)
		snprintf(who, sizeof(who), "not yours");
	else if (!refused->others)
		snprintf(who, sizeof(who), "yours but protected");
	else
		snprintf(who, sizeof(who),
			 "%d not yours, %d yours but protected",
			 refused->others, refused->own);
	cop_fail(0,
		 "stat: %d process%s can't be read, and may or may not have "
		 "libcop: %s (%s)",
		 n, n == 1 ? "" : "es", who, advice());
}

static void say_unseen(const struct refused *refused)
{
	if (refused->unseen)
		cop_fail(0, "stat: %d process%s left out: the time is up",
			 refused->unseen, refused->unseen == 1 ? "" : "es");
}

bool refused_say(const struct refused *refused, bool is_one)
{
	bool is_unknown = refused->others || refused->own;

	say_memory(&refused->memory);
	say(&refused->slow, "left out",
	    "libcop.so is on a file system that may never answer");
	say(&refused->stuck, "left out", "looking at it did not end");
	say(&refused->greedy, "shown in part", "cop stat reads no more");
	say_unseen(refused);
	if (is_unknown)
		say_unknown(refused);
	return is_one &&
	       (is_unknown || refused->memory.n || refused->slow.n ||
		refused->stuck.n || refused->unseen || refused->versions);
}
