// SPDX-License-Identifier: MIT
/*
 * stat.c - cop stat: shows the COP sockets of all processes that this user may
 * read, as ss(8) shows the kernel's.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "budget.h"
#include "command.h"
#include "filesystem.h"
#include "mapped.h"
#include "rates.h"
#include "say.h"
#include "show.h"
#include "supervise.h"
#include "wanted.h"

/* Exit status: the process that the user asked for can't be shown. */
#define EXIT_UNSHOWN 1

/* Exit status: no process at all can be read. */
#define EXIT_BLIND 2

#define PROC_MAGIC 0x9fa0
#define SCREEN_MAX (1 << 20) /* bytes; no screen has room for more */

static const struct limits limits = {
	.patience = 500,
	.hurry = 50,
	.busy = 1000,
	.reading = 30000,
};

static struct own own;

struct look {
	const struct wanted *wanted;
	struct progress *p;
	FILE *out;
	bool is_drawn; /* out is a screen */
};

/* ---- one process --------------------------------------------------------- */

static void print_heading(struct look *look)
{
	if (!look->p->has_heading && !look->wanted->json)
		show_heading(look->out);
	look->p->has_heading = true;
}

static void print_sock(void *arg, const struct stat_sock *s)
{
	struct look *look = arg;

	supervise_beat();
	print_heading(look);
	if (!look->is_drawn || ftell(look->out) < SCREEN_MAX)
		(look->wanted->json ? show_json : show_text)(look->out, s);
	if (look->wanted->watch)
		rates_note(s);
}

/* Notes that a process was not shown, or not all of it. */
static void note(struct refused *refused, struct target *t,
		 const struct mapped *found)
{
	if (found->has_other)
		refused_version(refused, t);
	if (found->is_named && t->mem_error)
		refused_mem(refused, t);
	if (found->is_slow)
		refused_add(&refused->slow, t);
	if (budget_was_short())
		refused_add(&refused->greedy, t);
}

static void look_into(struct look *look, struct target *t)
{
	struct mapped found;
	int err;

	budget_begin_process();
	err = mapped_find(t, &own, &found);
	if (err) {
		refused_maps(&look->p->refused, t, err);
		return;
	}
	if (!found.is_named && !found.has_other && !found.n &&
	    !budget_was_short())
		return;
	target_name(t);
	for (int i = 0; i < found.n; i++)
		sockets_read(t, &found.export[i], look -> wanted, print_sock,
			     look);
	note(&look->p->refused, t, &found);
	fflush(look->out);
}

static bool is_skipped(struct progress *p, pid_t pid)
{
	for (unsigned int i = 0; i < p->n_skipped && i < SKIPPED_MAX; i++)
		if (p->skipped[i] == pid)
			return true;
	return false;
}

/* Returns whether the process exists. */
static bool look_at(struct look *look, pid_t pid)
{
	struct target t;

	if (pid <= look->p->after || is_skipped(look->p, pid))
		return true;
	if (target_open(&t, pid))
		return false;
	atomic_store(&look->p->at, pid);
	look_into(look, &t);
	atomic_store(&look->p->at, 0);
	supervise_beat();
	target_close(&t);
	return true;
}

/* ---- all of them --------------------------------------------------------- */

/* When the time is up, processes are only counted. */
static bool count(struct look *look, pid_t pid)
{
	if (pid > look->p->after && !is_skipped(look->p, pid))
		look->p->refused.unseen++;
	return true;
}

/* The kernel lists processes by ascending number. */
static void look_around(struct look *look,
			bool (*what)(struct look *look, pid_t pid))
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			what(look, atoi(entry->d_name));
	if (dir)
		closedir(dir);
}

/* The number may belong to another process by now. */
static void forget_ended(struct progress *p)
{
	for (int i = 0; i < SKIPPED_MAX; i++)
		if (p->skipped[i] && kill(p->skipped[i], 0) && errno == ESRCH)
			p->skipped[i] = 0;
}

static void begin(struct look *look)
{
	supervise_begin();
	kernel_forget();
	budget_begin();
	rates_begin();
	if (look->p->is_over)
		return;
	filesystem_begin(own.path);
	forget_ended(look->p);
}

/*
 * Reports once which processes can't be shown. Returns the status to exit with.
 */
static int look(struct look *look)
{
	struct progress *p = look->p;
	long pid = look->wanted->pid;
	bool is_over = p->is_over;

	begin(look);
	if (!pid)
		look_around(look, is_over ? count : look_at);
	else if (!(is_over ? count : look_at)(look, pid))
		return cop_fail(EXIT_UNSHOWN, "stat: there is no process %ld",
				pid);
	if (p->is_first && refused_say(&p->refused, pid))
		return EXIT_UNSHOWN;
	print_heading(look);
	p->after = p->refused.unseen = 0;
	p->has_heading = p->is_first = p->is_over = false;
	p->refused.is_silent = true;
	return is_over && !look->wanted->watch ? EXIT_CUT : 0;
}

/* ---- cop stat -w --------------------------------------------------------- */

static int rows_of(const char *line, size_t len, int columns)
{
	int width = 0;

	for (size_t i = 0; i < len; i++)
		width = line[i] == '\t' ? (width | 7) + 1 : width + 1;
	return width ? (width + columns - 1) / columns : 1;
}

/* Prints the first lines, as many as the terminal has room for. */
static void redraw(struct progress *p, const char *text)
{
	int rows = atomic_load(&p->rows), columns = atomic_load(&p->columns);

	rows = rows ? rows - 1 : INT_MAX;
	fputs("\033[H\033[J", stdout);
	for (const char *next; *text; text = next) {
		size_t len = strcspn(text, "\n");

		next = text + len + (text[len] == '\n');
		rows -= rows_of(text, len, columns ? columns : 80);
		if (rows < 0)
			break;
		fwrite(text, next - text, 1, stdout);
	}
	fflush(stdout);
}

/* On a terminal one reading is printed at once, when it is complete. */
static int look_and_redraw(struct look *l)
{
	char *text = NULL;
	size_t len;
	int status;

	l->out = open_memstream(&text, &len);
	if (!l->out)
		return cop_fail(EXIT_USAGE, "stat: %s", strerror(errno));
	status = look(l);
	fclose(l->out);
	if (!status)
		redraw(l->p, text);
	free(text);
	return status;
}

static void pause_for(double seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	ts.tv_nsec = (seconds - (double)ts.tv_sec) * 1e9;
	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static int work(void *arg, struct progress *p)
{
	const struct wanted *w = arg;
	struct look l = { .wanted = w, .p = p, .out = stdout };

	l.is_drawn = w->watch && !w->json && atomic_load(&p->columns);

	for (;;) {
		int status = l.is_drawn ? look_and_redraw(&l) : look(&l);

		fflush(stdout);
		if (status || !w->watch)
			return status;
		supervise_pause();
		pause_for(w->seconds);
		if (!l.is_drawn && !w->json)
			putchar('\n');
	}
}

/* ---- the subcommand ------------------------------------------------------ */

/* Returns NULL, or a text that says why nothing can be read. */
static const char *what_blinds(void)
{
	static char why[PATH_MAX + 128];
	struct statfs fs;
	const char *wrong;

	if (statfs("/proc", &fs) || fs.f_type != PROC_MAGIC)
		return "/proc is not mounted";
	wrong = own_read(&own);
	if (!wrong)
		return NULL;
	snprintf(why, sizeof(why), "%s, which says where sockets are, %s",
		 own.path, wrong);
	return why;
}

static int stat_main(int argc, char *argv[])
{
	struct wanted wanted = { 0 };
	int status = wanted_read(argc, argv, &wanted);
	const char *blinds;

	if (status)
		return status;
	blinds = what_blinds();
	if (blinds)
		return cop_fail(EXIT_BLIND, "stat: no process can be seen: %s",
				blinds);
	setlocale(LC_CTYPE, "");
	return supervise(work, &wanted, &limits);
}

static void stat_help(void)
{
	printf("\n");
	wanted_help();
	printf("\n"
	       "Exits with 0 whether there are sockets or not, with %d if "
	       "PID can't be shown,\nwith %d if no process can be seen, with "
	       "%d if it took too long,\nwith %d if it is used wrongly.\n",
	       EXIT_UNSHOWN, EXIT_BLIND, EXIT_CUT, EXIT_USAGE);
}

static const struct command command = {
	.name = "stat",
	.args = "[-fjn] [-w [SECONDS]] [-p PID] [--port PORT] [--sport PORT] "
		"[--dport PORT]",
	.summary = STAT_SUMMARY,
	.help = stat_help,
	.main = stat_main,
};

int main(int argc, char *argv[])
{
	return cop_program(&command, argc, argv);
}
