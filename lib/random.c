// SPDX-License-Identifier: MIT
/*
 * lib/random.c - numbers that an outsider can't guess. They are the kernel's;
 * the library fetches many at a time.
 *
 * Owns: the stock in struct cop_process. Protected by: atomic accesses; a race
 * can only hand a number out twice. Counterpart in the kernel: the batched
 * numbers of drivers/char/random.c.
 */
#include <sys/random.h>
#include <time.h>

#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/process.h"
#include "lib/random.h"

/*
 * For a confined process, and early in boot, while the kernel has no entropy.
 */
static void random_from_clock(uint32_t *numbers, size_t n)
{
	struct timespec now;

	for (size_t i = 0; i < n; i++) {
		cop_clock_read(CLOCK_MONOTONIC, &now);
		numbers[i] = (uint32_t)now.tv_nsec * 2654435761u + i;
	}
}

static noinline void random_fill(struct cop_process *process)
{
	uint32_t fresh[COP_RANDOM_POOL];
	int cancel = cancel_off();

	if (cop_confined() ||
	    getrandom(fresh, sizeof(fresh), GRND_NONBLOCK) != sizeof(fresh))
		random_from_clock(fresh, COP_RANDOM_POOL);
	for (size_t i = 0; i < COP_RANDOM_POOL; i++)
		WRITE_ONCE(process->random_pool[i], fresh[i]);
	cancel_on(cancel);
}

uint32_t cop_random(void)
{
	struct cop_process *process = cop_process();
	uint32_t pos = READ_ONCE(process->random_pos);

	if (unlikely(pos % COP_RANDOM_POOL == 0))
		random_fill(process);
	WRITE_ONCE(process->random_pos, pos + 1);
	return READ_ONCE(process->random_pool[pos % COP_RANDOM_POOL]);
}
