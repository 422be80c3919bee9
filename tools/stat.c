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
#include "show.h"

/* A process that was asked for can't be shown. */
#define EXIT_UNSHOWN 1

#define SECONDS_MAX  86400

/* ---- options ------------------------------------------------------------- */

struct wanted {
	bool flows, json, watch;
	double seconds;		 /* between two looks */
	long pid;		 /* 0: all */
	long port, sport, dport; /* 0: any */
};

/* Each returns whether the value will do. */
static bool take_flows(struct wanted *w, const char *value)
{
	(void)value;
	return w->flows = true;
}

static bool take_json(struct wanted *w, const char *value)
{
	(void)value;
	return w->json = true;
}

static bool take_numeric(struct wanted *w, const char *value)
{
	(void)w;
	(void)value;
	return true;
}

static bool take_watch(struct wanted *w, const char *value)
{
	char *end;

	w->watch = true;
	w->seconds = 1;
	if (!value)
		return true;
	w->seconds = strtod(value, &end);
	return isdigit((unsigned char)*value) && !*end && w->seconds >= 0.01 &&
	       w->seconds <= SECONDS_MAX;
}

static bool number(const char *value, long max, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(value, &end, 10);
	return isdigit((unsigned char)*value) && !*end && !errno && *n > 0 &&
	       *n <= max;
}

static bool take_pid(struct wanted *w, const char *value)
{
	return number(value, 1 << 30, &w->pid);
}

static bool take_port(struct wanted *w, const char *value)
{
	return number(value, 65535, &w->port);
}

static bool take_sport(struct wanted *w, const char *value)
{
	return number(value, 65535, &w->sport);
}

static bool take_dport(struct wanted *w, const char *value)
{
	return number(value, 65535, &w->dport);
}

static const struct option {
	char letter; /* 0: it has none */
	const char *name;
	bool (*take)(struct wanted *w, const char *value);
	const char *value; /* NULL: it takes none; [NAME]: it may have one */
	const char *wants; /* if it isn't valid */
	const char *help;
} options[] = {
	{ 'f', "--flows", take_flows, NULL, NULL,
	  "also the flows of each socket, one for each peer" },
	{ 'w', "--watch", take_watch, "[SECONDS]",
	  "a number of seconds from 0.01 to 86400",
	  "again and again, with rates; every second unless it is said" },
	{ 'j', "--json", take_json, NULL, NULL,
	  "a line of JSON for each socket, and for each flow" },
	{ 'p', "--pid", take_pid, "PID", "the number of a process",
	  "of this process alone" },
	{ 0, "--port", take_port, "PORT", "a port",
	  "those that have this port, or whose peer has" },
	{ 0, "--sport", take_sport, "PORT", "a port", "those that have it" },
	{ 0, "--dport", take_dport, "PORT", "a port",
	  "those whose peer has it" },
	{ 'n', "--numeric", take_numeric, NULL, NULL,
	  "addresses as numbers, as they always are" },
};

#define OPTIONS (sizeof(options) / sizeof(*options))

static const struct option *find_option(const char *arg, size_t len)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if ((strlen(options[i].name) == len &&
		     !strncmp(options[i].name, arg, len)) ||
		    (len == 1 && options[i].letter == *arg))
			return &options[i];
	return NULL;
}

static bool may_do_without(const struct option *option)
{
	return option->value[0] == '[';
}

/* Where it is not in the same word: the next one, for which *i is moved. */
static const char *next_word(const struct option *option, char *argv[], int *i)
{
	const char *next = argv[*i + 1];

	if (!next || (may_do_without(option) && !isdigit((unsigned char)*next)))
		return NULL;
	(*i)++;
	return next;
}

static int apply(const struct option *option, const char *value, char *argv[],
		 int *i, struct wanted *w)
{
	if (option->value && !value)
		value = next_word(option, argv, i);
	if (!option->value && value)
		return cop_fail(EXIT_USAGE, "stat: %s takes no value",
				option->name);
	if (option->value && !value && !may_do_without(option))
		return cop_fail(EXIT_USAGE, "stat: %s: %s is missing",
				option->name, option->value);
	if (option->take(w, value))
		return 0;
	return cop_fail(EXIT_USAGE, "stat: %s %s: %s is wanted", option->name,
			value, option->wants);
}

static int no_option(const char *arg)
{
	return cop_fail(EXIT_USAGE,
			"stat: there is no option %s: cop help stat lists them",
			arg);
}

static int read_long(char *argv[], int *i, struct wanted *w)
{
	const char *arg = argv[*i];
	size_t len = strcspn(arg, "=");
	const struct option *option = find_option(arg, len);

	if (!option)
		return no_option(arg);
	return apply(option, arg[len] ? arg + len + 1 : NULL, argv, i, w);
}

/* Letters may follow each other, and a value the last one. */
static int read_letters(char *argv[], int *i, struct wanted *w)
{
	const char *arg = argv[*i];
	int status = 0;

	for (const char *c = arg + 1; *c && !status; c++) {
		const struct option *option = find_option(c, 1);
		bool is_value = c[1] && option && option->value &&
				(!may_do_without(option) ||
				 isdigit((unsigned char)c[1]));

		if (!option)
			return no_option(arg);
		if (is_value || !c[1] || !option->value)
			status = apply(option, is_value ? c + 1 : NULL, argv, i,
				       w);
		else
			option->take(w, NULL);
		if (is_value)
			break;
	}
	return status;
}

static int read_options(int argc, char *argv[], struct wanted *w)
{
	int status = 0;

	for (int i = 1; i < argc && !status; i++) {
		if (!strncmp(argv[i], "--", 2))
			status = read_long(argv, &i, w);
		else if (argv[i][0] == '-' && argv[i][1])
			status = read_letters(argv, &i, w);
		else
			status = cop_fail(EXIT_USAGE,
					  "stat: %s: only options are taken: "
					  "cop help stat lists them",
					  argv[i]);
	}
	return status;
}

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
	int status = read_options(argc, argv, &wanted);

	return status ? status : watch(&wanted);
}

static void stat_help(void)
{
	char name[64];

	printf("\n");
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];

		snprintf(name, sizeof(name), "%c%c%s %s%s%s",
			 o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			 o->letter ? "," : " ", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("  %-24s %s\n", name, o->help);
	}
	printf("\n"
	       "Exits with 0 whether there are sockets or not, with %d if a "
	       "process that was\nasked for can't be shown, with %d if it is "
	       "used wrongly.\n",
	       EXIT_UNSHOWN, EXIT_USAGE);
}

const struct command cop_stat = {
	.name = "stat",
	.args = "[-fjn] [-w [SECONDS]] [-p PID] [--port PORT] [--sport PORT] "
		"[--dport PORT]",
	.summary = "show the COP sockets of running programs",
	.help = stat_help,
	.main = stat_main,
};
