// SPDX-License-Identifier: MIT
/*
 * lib/process.c - which process this memory belongs to.
 *
 * Owns: one page that fork() wipes, and for each thread whether it has left the
 * descriptor table of the process. Protected by: atomic operations. Counterpart
 * in the kernel: current->tgid and current->files.
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

struct cop_process cop_process_none;
_Atomic(struct cop_process *) cop_process_page = &cop_process_none;
_Atomic(uint32_t) cop_process_forks;

/*
 * Serves if there is no memory for a page. Then a child looks like its parent.
 */
static struct cop_process process_fallback = { .first = 1 };

static void page_set_up(struct cop_process *page)
{
	WRITE_ONCE(page->first, 1);
	madvise(page, sizeof(*page), MADV_WIPEONFORK);
}

noinline struct cop_process *cop_process_map(void)
{
	struct cop_process *none = &cop_process_none;
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

void cop_process_share(void)
{
	struct cop_process *process = cop_process();

	if (!READ_ONCE(process->owner))
		WRITE_ONCE(process->owner, getpid());
}

/*
 * The value of cop_process.parting when this thread left the descriptor table
 * of the process (table_left), or when it was seen to have kept it
 * (table_kept). A forked child has another value, or 0: it has one thread, and
 * its memory is its own.
 */
static __thread uint32_t table_left __attribute__((tls_model("initial-exec")));
static __thread uint32_t table_kept __attribute__((tls_model("initial-exec")));

/*
 * libc tells the kernel where a thread's robust futexes are, for each thread
 * that it creates and after each fork(). A task from vfork() or from a plain
 * clone() has no such list, although it has the memory of a thread that has
 * one. Returns 0, 1, or -errno if the kernel does not answer.
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

/* Returns 0 if two tasks have the same @what, more than 0 if not, or -errno. */
static int compare_tasks(pid_t one, pid_t other, int what)
{
	int saved = errno;
	int ret = cop_libc.syscall(SYS_kcmp, one, other, what, 0ul, 0ul);

	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

/*
 * If the member has ended, no task or a task with other memory has its number.
 * Then there is nothing to compare with, and the answer is yes.
 */
static bool shares_table_with(pid_t member)
{
	const pid_t me = gettid();

	return compare_tasks(member, me, KCMP_VM) ||
	       compare_tasks(member, me, KCMP_FILES) <= 0;
}

/*
 * For a thread that was not checked since another thread left the table: the
 * thread that left may have created this one, which then uses the other table,
 * too. If the kernel can't tell, this thread counts as having stayed.
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

/* Returns a number that no ancestor of this process has. */
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

/*
 * Returns the first of these tasks that has the same table as task @me, or 0.
 */
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

/*
 * Finds another thread with the same table, the process's first one if
 * possible.
 */
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
 * For a task that libc did not create: a child, or a thread that the program
 * created by clone(). The kernel compares tasks by number. A child may have the
 * owner's number, if each of them is the first process of its pid namespace:
 * then it is the child that asks, and it is not the owner.
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

static _Atomic(bool) process_lost; /* (a) */

void cop_process_forked(void)
{
	if (!one_thread())
		WRITE_ONCE(process_lost, true);
}

bool cop_process_lost_threads(void)
{
	return READ_ONCE(process_lost);
}

bool cop_process_is_torn(void)
{
	return READ_ONCE(process_torn);
}

/*
 * A directory has one link from its parent, one from its own ".", and one from
 * each directory in it: here one for each task.
 */
static bool has_one_task(void)
{
	struct stat64 task;
	int saved = errno;
	int err = stat64(TASKS, &task);

	errno = saved;
	return !err && task.st_nlink == 3;
}

/*
 * Asks the kernel as well, because libc may still count threads that have
 * ended.
 */
bool cop_process_is_alone(void)
{
	return one_thread() || has_one_task();
}

bool cop_process_is_remnant(void)
{
	return !one_thread() && !READ_ONCE(cop_process()->first) &&
	       has_one_task();
}
