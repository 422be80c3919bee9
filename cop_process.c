// SPDX-License-Identifier: MIT
/*
 * cop_process.c - which process this memory belongs to.
 *
 * Owns: one page that fork() wipes. Protected by: atomic operations. May call:
 * mmap(), madvise(), getpid(). Counterpart in the kernel: current->tgid and
 * current->files.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "cop/compiler.h"
#include "cop/process.h"

static _Atomic(struct cop_process *) process_page;

/* Where there is no memory for a page, fork() goes unnoticed, no more. */
static struct cop_process process_fallback;

static struct cop_process *process_map(void)
{
	struct cop_process *none = NULL;
	struct cop_process *page =
		mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		page = &process_fallback;
	else
		madvise(page, sizeof(*page), MADV_WIPEONFORK);
	if (atomic_compare_exchange_strong(&process_page, &none, page))
		return page;
	if (page != &process_fallback)
		munmap(page, sizeof(*page));
	return none;
}

struct cop_process *cop_process(void)
{
	struct cop_process *page =
		atomic_load_explicit(&process_page, memory_order_acquire);

	return likely(page) ? page : process_map();
}

void cop_process_share(void)
{
	struct cop_process *process = cop_process();

	if (!READ_ONCE(process->owner))
		WRITE_ONCE(process->owner, getpid());
}

bool cop_process_is_owner(void)
{
	int owner = READ_ONCE(cop_process()->owner);

	return likely(!owner) || owner == getpid();
}
