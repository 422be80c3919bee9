// SPDX-License-Identifier: MIT
/*
 * cop_process.c - which process this memory belongs to.
 *
 * Owns: one page that fork() wipes, and which threads have left the others'
 * descriptors. Protected by: atomic operations. May call: mmap(), madvise(),
 * getpid(), stat(). Counterpart in the kernel: current->tgid and current->files.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cop/atomic.h"
#include "cop/compiler.h"
#include "cop/process.h"

_Atomic(struct cop_process *) cop_process_page;

/* Where there is no memory for a page, fork() goes unnoticed, no more. */
static struct cop_process process_fallback = { .first = 1 };

static void page_set_up(struct cop_process *page)
{
	WRITE_ONCE(page->first, 1);
	madvise(page, sizeof(*page), MADV_WIPEONFORK);
}

static struct cop_process *process_map(void)
{
	struct cop_process *none = NULL;
	struct cop_process *page =
		mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		page = &process_fallback;
	else
		page_set_up(page);
	if (atomic_compare_exchange_strong(&cop_process_page, &none, page))
		return page;
	if (page != &process_fallback)
		munmap(page, sizeof(*page));
	return none;
}

struct cop_process *cop_process(void)
{
	struct cop_process *page =
		atomic_load_explicit(&cop_process_page, memory_order_acquire);

	return likely(page) ? page : process_map();
}

void cop_process_share(void)
{
	struct cop_process *process = cop_process();

	if (!READ_ONCE(process->owner))
		WRITE_ONCE(process->owner, getpid());
}

/*
 * The process whose descriptors this thread has left, not a flag: a child that
 * it forks has one thread, and all that is in its memory is its own. A thread
 * that a parted one creates is taken for one of the others.
 */
static __thread int process_left __attribute__((tls_model("initial-exec")));

bool cop_process_has_parted(void)
{
	return process_left && process_left == getpid();
}

bool cop_process_part(void)
{
	if (cop_process_is_alone() || cop_process_has_parted())
		return false;
	cop_process_share();
	process_left = getpid();
	return true;
}

void cop_process_rejoin(void)
{
	process_left = 0;
}

bool cop_process_is_owner(void)
{
	int owner = READ_ONCE(cop_process()->owner);

	return likely(!owner) || (owner == getpid() && owner != process_left);
}

static _Atomic(bool) process_torn;

void cop_process_tear(void)
{
	WRITE_ONCE(process_torn, true);
}

void cop_process_mend(void)
{
	WRITE_ONCE(process_torn, false);
}

bool cop_process_is_torn(void)
{
	return READ_ONCE(process_torn);
}

/* A directory has a link from each one in it, one from its parent, and ".". */
static bool has_one_task(void)
{
	struct stat task;
	int saved = errno;
	int err = stat("/proc/self/task", &task);

	errno = saved;
	return !err && task.st_nlink == 3;
}

/* libc may still count threads that have ended. */
bool cop_process_is_alone(void)
{
	return one_thread() || has_one_task();
}

bool cop_process_is_remnant(void)
{
	return !one_thread() && !READ_ONCE(cop_process()->first) &&
	       has_one_task();
}
