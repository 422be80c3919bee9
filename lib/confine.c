// SPDX-License-Identifier: MIT
/*
 * lib/confine.c - whether the process has confined itself with seccomp.
 *
 * Owns: cop_is_confined. Protected by: an atomic flag that is set once; a
 * thread that reads the old value makes the system calls of an unconfined
 * process. Counterpart in the kernel: kernel/seccomp.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/confine.h"
#include "lib/libc.h"

_Atomic(bool) cop_is_confined;

/* ---- filters from before the start --------------------------------------- */

/* Returns how many filters a process has, -1 if /proc does not say. */
static int count_filters(const char *status)
{
	static const char name[] = "\nSeccomp_filters:";
	int fd = open(status, O_RDONLY | O_CLOEXEC);
	const char *at = NULL;
	char text[4096];
	ssize_t n;

	if (fd < 0)
		return -1;
	n = cop_libc.read(fd, text, sizeof(text) - 1);
	cop_libc.close(fd);
	if (n > 0) {
		text[n] = '\0';
		at = strstr(text, name);
	}
	return at ? atoi(at + sizeof(name) - 1) : -1;
}

static bool has_filters_of_container(void)
{
	int filters = count_filters("/proc/self/status");

	return filters > 0 && filters == count_filters("/proc/1/status");
}

/*
 * EINVAL means that the kernel has no seccomp. Any other error is a filter's.
 */
bool cop_confine_start(void)
{
	int saved = errno;
	int mode = cop_libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	bool confined = mode < 0 ? errno != EINVAL
				 : mode && !has_filters_of_container();

	errno = saved;
	return confined;
}

bool cop_confine_notice(int err)
{
	if (err == -EPERM || err == -EACCES || err == -ENOSYS)
		WRITE_ONCE(cop_is_confined, true);
	return cop_confined();
}
