// SPDX-License-Identifier: MIT
/*
 * step.c - a function that is interrupted behind each of its instructions: the
 * processor traps there while its trap flag is set.
 */
#include <signal.h>
#include <ucontext.h>

#include "lib/atomic.h"
#include "unit/helpers.h"
#include "unit/step.h"

#if defined(__x86_64__) && !defined(COP_TSAN)
#include <x86intrin.h>

#define TRAP_FLAG 0x100ull

static volatile unsigned int steps, fired, step_at, step_every;
static volatile unsigned int fire_max;
static void (*volatile step_between)(void);

/* The kernel has cleared the flag for as long as this runs. */
static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if (steps++ != step_at)
		return;
	fired++;
	step_at += step_every;
	step_between();
	if (fired == fire_max)
		uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

unsigned int t_step(void (*fn)(void), unsigned int nth, unsigned int every,
		    void (*between)(void))
{
	struct sigaction act = { .sa_sigaction = on_trap,
				 .sa_flags = SA_SIGINFO },
			 was;

	steps = fired = 0;
	step_at = nth;
	step_every = every;
	fire_max = every ? STEP_TIMES : 1;
	step_between = between;
	cr_assert(zero(int, sigaction(SIGTRAP, &act, &was)));
	__writeeflags(__readeflags() | TRAP_FLAG);
	fn();
	__writeeflags(__readeflags() & ~TRAP_FLAG);
	sigaction(SIGTRAP, &was, NULL);
	cr_assert(gt(u32, steps, 0), "nothing has trapped");
	return fired;
}
#else
unsigned int t_step(void (*fn)(void), unsigned int nth, unsigned int every,
		    void (*between)(void))
{
	(void)fn;
	(void)nth;
	(void)every;
	(void)between;
	cr_skip("no stepping here: another processor, or ThreadSanitizer");
	return 0;
}
#endif
