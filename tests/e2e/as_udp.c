// SPDX-License-Identifier: MIT
/*
 * as_udp.c - compares what programs of progs/ print on UDP and on a transport.
 */
#include <criterion/criterion.h>

#include <unistd.h>

#include "as_udp.h"

static struct run_result udp, result;

void same_in(const char *with, const char *dir, const char *prog,
	     const char *scenario)
{
	scratch_shell(&udp, "%s%s udp %s", dir, prog, scenario);
	scratch_shell(&result, "%s%s%s cop %s", with, dir, prog, scenario);
	if (udp.status == 77)
		return;
	cr_expect_eq(result.status, udp.status, "%s %s: status %d: %s", prog,
		     scenario, result.status, result.err);
	cr_expect_str_eq(result.out, udp.out, "%s %s:\n%s\nand not\n%s", prog,
			 scenario, result.out, udp.out);
}

void same_with(const char *with, const char *prog, const char *const *scenarios)
{
	for (; *scenarios; scenarios++) {
		same_in(with, PROG("progs"), prog, *scenarios);
		if (!access("/proc/net/if_inet6", F_OK))
			same_in(with, PROG("progs6"), prog, *scenarios);
	}
}
