// SPDX-License-Identifier: MIT
/*
 * locked.c - programs whose memory is locked or limited: what the library takes of
 * it is what its sockets use.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "prog.h"

/* In kB. */
static long status_of(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	while (f && kb < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = atol(line + strlen(name));
	if (f)
		fclose(f);
	return kb;
}

static void limit(int which, rlim_t to)
{
	struct rlimit limit = { to, to };

	if (setrlimit(which, &limit))
		skip("setrlimit");
}

static void use_a_pair(void)
{
	make_pair();
	deliver("hello");
	R(recvfrom(sock_b, buf, sizeof(buf), 0, SA(&from), &fromlen));
}

/* A descriptor of a high number, as its duplicate. */
static void duplicate_high(int fd)
{
	T(dup2(sock_b, fd));
	deliver("again");
	R(recvfrom(fd, buf, sizeof(buf), 0, SA(&from), &fromlen));
}

static void everything_is_locked(void)
{
	long before;

	limit(RLIMIT_NOFILE, 20000);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		skip("mlockall");
	before = status_of("VmLck:");
	use_a_pair();
	duplicate_high(19999);
	printf("%s\n", status_of("VmLck:") - before <= 512 ? "little" : "much");
}

/* To what is locked already: no mapping more is to be had. */
static void no_more_may_be_locked(void)
{
	static char warm[4096]; /* stdio's */

	setvbuf(stdout, warm, _IOLBF, sizeof(warm));
	free(malloc(64 * 1024));
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		skip("mlockall");
	limit(RLIMIT_MEMLOCK, status_of("VmLck:") * 1024);
	if (setuid(65534))
		skip("setuid");
	use_a_pair();
	duplicate_high(1000);
}

static void no_more_may_be_mapped(void)
{
	limit(RLIMIT_NOFILE, 20000);
	limit(RLIMIT_AS, status_of("VmSize:") * 1024);
	use_a_pair();
	duplicate_high(19999);
}

SCENARIOS({ "everything_is_locked", everything_is_locked },
	  { "no_more_may_be_locked", no_more_may_be_locked },
	  { "no_more_may_be_mapped", no_more_may_be_mapped })
