// SPDX-License-Identifier: MIT
/*
 * lib/process.c - which process this memory belongs to.
 *
 * Owns: one page that fork() wipes, and which threads have left the others'
 * descriptors. Protected by: atomic operations. Counterpart in the kernel:
 * current->tgid and current->files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/atomic.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/process.h"

#define TASKS "/proc/self/task"

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
 * Who shares the table with this thread, by the number in cop_process.parting. A
 * forked child has a number of its own, or none: it has one thread, and all that is
 * in its memory is its own.
 */
static __thread uint32_t table_left __attribute__((tls_model("initial-exec")));
static __thread uint32_t table_kept __attribute__((tls_model("initial-exec")));

/*
 * A thread that libc has made, or fork(), has told the kernel where its robust
 * futexes are. What vfork() or clone() makes of a thread has not, though it has that
 * thread's memory. Returns -errno where the kernel does not say.
 */
static int is_libcs_thread(void)
{
	void *head = NULL;
	size_t len;
	int saved = errno;
	int err = cop_libc.syscall(SYS_get_robust_list, 0, &head, &len) ? -errno
									: 0;

	errno = saved;
	return err ? err : head != NULL;
}

/* Returns 0 where two tasks have the same @what, more where not, or -errno. */
static int compare_tasks(pid_t one, pid_t other, int what)
{
	int saved = errno;
	int ret = cop_libc.syscall(SYS_kcmp, one, other, what, 0ul, 0ul);

	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

/* A task that has ended has no memory any more, and another one has its number. */
static bool shares_table_with(pid_t member)
{
	const pid_t me = gettid();

	return compare_tasks(member, me, KCMP_VM) ||
	       compare_tasks(member, me, KCMP_FILES) <= 0;
}

/*
 * A thread that has not been seen since another one left the table: whoever made
 * it may have been that one. Where the kernel can't tell, it stays.
 */
static bool left_with_another(uint32_t parting)
{
	const pid_t member = READ_ONCE(cop_process()->member);

	if (table_kept == parting || !member || is_libcs_thread() == 0)
		return false;
	if (!shares_table_with(member)) {
		table_left = parting;
		return true;
	}
	table_kept = parting;
	return false;
}

bool cop_process_has_parted(void)
{
	uint32_t parting = READ_ONCE(cop_process()->parting);

	if (likely(!parting))
		return false;
	return table_left == parting || left_with_another(parting);
}

/* No ancestor of this process has had the same. */
static uint32_t parting_number(void)
{
	static _Atomic(uint32_t) last;
	struct cop_process *process = cop_process();
	uint32_t none = 0;

	if (!READ_ONCE(process->parting))
		atomic_compare_exchange_strong(&process->parting, &none,
					       atomic_fetch_add(&last, 1) + 1);
	return READ_ONCE(process->parting);
}

/* The first of the tasks in a part of a directory that has this one's table, or 0. */
static pid_t find_in(const char *entries, ssize_t len, pid_t me)
{
	const struct dirent64 *entry;
	pid_t task;

	for (ssize_t at = 0; at < len; at += entry->d_reclen) {
		entry = (const struct dirent64 *)(entries + at);
		task = atoi(entry->d_name);
		if (task > 0 && task != me &&
		    !compare_tasks(task, me, KCMP_FILES))
			return task;
	}
	return 0;
}

static pid_t find_task(pid_t me)
{
	char entries[1024] __attribute__((aligned(8)));
	int cancel = cancel_off(), saved = errno;
	int dir = open(TASKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t found = 0;
	ssize_t n;

	while (dir >= 0 && !found &&
	       (n = getdents64(dir, entries, sizeof(entries))) > 0)
		found = find_in(entries, n, me);
	if (dir >= 0)
		cop_libc.close(dir);
	errno = saved;
	cancel_on(cancel);
	return found;
}

/* Another thread that has the table, the first thread of the process at best. */
static pid_t find_member(void)
{
	const pid_t me = gettid();
	pid_t first = getpid();

	if (first != me && !compare_tasks(first, me, KCMP_FILES))
		return first;
	return find_task(me);
}

bool cop_process_part(void)
{
	if (cop_process_is_alone() || cop_process_has_parted())
		return false;
	cop_process_share();
	WRITE_ONCE(cop_process()->member, find_member());
	table_left = parting_number();
	return true;
}

void cop_process_rejoin(void)
{
	table_left = 0;
}

/*
 * What libc has not made: a child, or a thread that the program has made by
 * clone(). It is asked for by number; in a child whose number is the owner's, as
 * both are the first of a pid namespace, that is no other's.
 */
static noinline bool shares_owners_table(pid_t owner)
{
	const pid_t me = gettid();
	const pid_t member = READ_ONCE(cop_process()->member) ?: owner;
	int differ;

	if (me == owner)
		return false;
	differ = compare_tasks(member, me, KCMP_FILES);
	return differ < 0 ? getpid() == owner : !differ;
}

static noinline bool is_owner(pid_t owner)
{
	int is_libcs = is_libcs_thread();

	if (is_libcs < 0)
		return getpid() == owner && !cop_process_has_parted();
	return is_libcs ? !cop_process_has_parted()
			: shares_owners_table(owner);
}

bool cop_process_is_owner(void)
{
	int owner = READ_ONCE(cop_process()->owner);

	return likely(!owner) || is_owner(owner);
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
	int err = stat(TASKS, &task);

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
