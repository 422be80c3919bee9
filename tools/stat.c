// SPDX-License-Identifier: MIT
/*
 * stat.c - cop stat: the COP sockets of all processes that one may look into, as
 * ss(8) shows the kernel's.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "mapped.h"
#include "rates.h"
#include "refused.h"
#include "say.h"
#include "show.h"
#include "wanted.h"

/* A process that was asked for can't be shown. */
#define EXIT_UNSHOWN 1

/* ---- one look ------------------------------------------------------------ */

static bool has_port(long port, uint16_t is)
{
	return !port || port == is;
}

static bool is_wanted(const struct wanted *w, const struct stat_sock *s)
{
	return has_port(w->sport, s->num) && has_port(w->dport, s->dport) &&
	       (has_port(w->port, s->num) || has_port(w->port, s->dport));
}

static void look_into(struct target *t, const struct wanted *w,
		      struct stat_list *list, struct refused *refused)
{
	struct mapped found;
	int err = mapped_find(t, &found);

	if (err) {
		refused_maps(refused, t, err);
		return;
	}
	if (!found.is_named && !found.n && !found.has_other)
		return;
	target_name(t);
	for (int i = 0; i < found.n; i++)
		sockets_read(t, &found.export[i], list, w -> flows);
	if (found.has_other)
		refused_version(refused, t, found.other);
	if (found.is_named && t->mem_error)
		refused_mem(refused, t);
}

/* Returns whether there is such a process. */
static bool look_at(pid_t pid, const struct wanted *w, struct stat_list *list,
		    struct refused *refused)
{
	struct target t;

	if (target_open(&t, pid))
		return false;
	look_into(&t, w, list, refused);
	target_close(&t);
	return true;
}

static bool look_around(const struct wanted *w, struct stat_list *list,
			struct refused *refused)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at(atoi(entry->d_name), w, list, refused);
	closedir(dir);
	return true;
}

static void sift(const struct wanted *w, struct stat_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct stat_sock s = list->socks[i];

		if (is_wanted(w, &s)) {
			list->socks[n++] = s;
		} else {
			free(s.fds);
			free(s.flows);
		}
	}
	list->n = n;
}

/* Returns what to exit with. */
static int look(const struct wanted *w, struct stat_list *list,
		struct refused *refused)
{
	int status = 0;

	kernel_forget();
	if (w->pid && !look_at(w->pid, w, list, refused))
		status = cop_fail(EXIT_UNSHOWN, "stat: there is no process %ld",
				  w->pid);
	if (!w->pid && !look_around(w, list, refused))
		status = cop_fail(EXIT_UNSHOWN, "stat: /proc: %s",
				  strerror(errno));
	sift(w, list);
	return status;
}

/* ---- again and again ----------------------------------------------------- */

static int rows_of(const char *line, size_t len, int columns)
{
	int width = 0;

	for (size_t i = 0; i < len; i++)
		width = line[i] == '\t' ? (width | 7) + 1 : width + 1;
	return width ? (width + columns - 1) / columns : 1;
}

/* As much as there is room for, from the top. */
static void redraw(const char *text)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int rows;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	rows = size.ws_row ? size.ws_row - 1 : INT32_MAX;
	fputs("\033[H\033[J", stdout);
	for (const char *next; *text; text = next) {
		size_t len = strcspn(text, "\n");

		next = text + len + (text[len] == '\n');
		rows -= rows_of(text, len, size.ws_col ? size.ws_col : 80);
		if (rows < 0)
			break;
		fwrite(text, next - text, 1, stdout);
	}
}

static void print(const struct wanted *w, const struct stat_list *list,
		  const struct stat_list *old, bool is_first)
{
	bool is_drawn = w->watch && !w->json && isatty(STDOUT_FILENO);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	(w->json ? show_json : show_text)(out, list, old);
	fclose(out);
	if (is_drawn) {
		redraw(text);
	} else {
		if (!is_first && !w->json)
			putchar('\n');
		fwrite(text, len, 1, stdout);
	}
	free(text);
	fflush(stdout);
}

static void pause_for(double seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	ts.tv_nsec = (seconds - (double)ts.tv_sec) * 1e9;
	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* What can't be shown is said once. */
static int watch(const struct wanted *w)
{
	struct stat_list list = { 0 }, old = { 0 };
	struct refused refused = { 0 };
	bool is_first = true;
	int status;

	for (;;) {
		refused.is_silent = !is_first;
		status = look(w, &list, &refused);
		if (!status && is_first)
			status = refused_say(&refused, w->pid) ? EXIT_UNSHOWN
							       : 0;
		if (status)
			break;
		print(w, &list, is_first ? NULL : &old, is_first);
		if (!w->watch || ferror(stdout))
			break;
		sockets_free(&old);
		rates_sort(&list);
		old = list;
		list = (struct stat_list){ 0 };
		is_first = false;
		pause_for(w->seconds);
	}
	sockets_free(&list);
	sockets_free(&old);
	return status;
}

static int stat_main(int argc, char *argv[])
{
	struct wanted wanted = { 0 };
	int status = wanted_read(argc, argv, &wanted);

	return status ? status : watch(&wanted);
}

static void stat_help(void)
{
	printf("\n");
	wanted_help();
	printf("\n"
	       "Exits with 0 whether there are sockets or not, with %d if a "
	       "process that was\nasked for can't be shown, with %d if it is "
	       "used wrongly.\n",
	       EXIT_UNSHOWN, EXIT_USAGE);
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
