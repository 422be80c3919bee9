// SPDX-License-Identifier: MIT
/*
 * step.c - a function that is interrupted behind each of its instructions: the
 * processor traps there while its trap flag is set.
 */
#include <signal.h>

#include "cop/atomic.h"
#include "unit/helpers.h"
#include "unit/step.h"

#if defined(__x86_64__) && !defined(COP_TSAN)
#include <x86intrin.h>

#define TRAP_FLAG 0x100ull

static volatile unsigned int steps;
static void (*volatile step_between)(unsigned int nth);

/* The kernel has cleared the flag for as long as this runs. */
static void on_trap(int sig)
{
	unsigned int nth = steps;

	(void)sig;
	steps = nth + 1;
	if (step_between)
		step_between(nth);
}

unsigned int t_step(void (*fn)(void), void (*between)(unsigned int nth))
{
	struct sigaction act = { .sa_handler = on_trap }, was;

	steps = 0;
	step_between = between;
	cr_assert(zero(int, sigaction(SIGTRAP, &act, &was)));
	__writeeflags(__readeflags() | TRAP_FLAG);
	fn();
	__writeeflags(__readeflags() & ~TRAP_FLAG);
	sigaction(SIGTRAP, &was, NULL);
	cr_assert(gt(u32, steps, 1), "nothing has trapped");
	return steps;
}
#else
unsigned int t_step(void (*fn)(void), void (*between)(unsigned int nth))
{
	(void)fn;
	(void)between;
	cr_skip("no stepping here: another processor, or ThreadSanitizer");
	return 0;
}
#endif
