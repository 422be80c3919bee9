// SPDX-License-Identifier: MIT
/*
 * offer.c - finds the transports that a program can ask for. The names of the files are
 * those of inet/protosw.c.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inet/af_inet.h"
#include "inet/module_file.h"
#include "inet/protosw.h"
#include "inet/request.h"
#include "offer.h"
#include "probe.h"
#include "say.h"
#include "socket/sock.h"
#include "transports/cop/cop.h"
#include "trusted.h"

#define PREFIX	    "net-pf-"
#define FILES_MAX   256	   /* files of a directory that are looked at */
#define ENTRIES_MAX 100000 /* entries of a directory that are read */
#define OFFERS_MAX  2048
#define SECONDS_MAX 60 /* then no more files are loaded */

static time_t started;

/* ---- the list ------------------------------------------------------------ */

/* Returns NULL if there are too many. */
static struct offer *add(struct offers *offers, const char *from)
{
	size_t size = offers->size ? offers->size * 2 : 16;
	struct offer *list;

	if (offers->n == OFFERS_MAX)
		return NULL;
	if (offers->n == offers->size) {
		list = realloc(offers->list, size * sizeof(*list));
		if (!list)
			return NULL;
		offers->list = list;
		offers->size = size;
	}
	list = &offers->list[offers->n++];
	memset(list, 0, sizeof(*list));
	list->from = from;
	return list;
}

__attribute__((format(printf, 3, 4))) static void
set_state(struct offer *o, enum offer_state state, const char *fmt, ...)
{
	va_list ap;

	o->state = state;
	va_start(ap, fmt);
	vsnprintf(o->why, sizeof(o->why), fmt, ap);
	va_end(ap);
}

/* ---- what the library has itself ----------------------------------------- */

static void add_builtin(struct offers *offers, int family,
			const struct inet_protosw *p)
{
	struct offer *o = add(offers, NULL);

	if (!o)
		return;
	o->asked = (struct asked){ family, p->type, p->protocol };
	snprintf(o->name, OFFER_NAME, "%s", p->prot->name);
	snprintf(o->module, OFFER_NAME, "%s", cop_builtin_cop.name);
	snprintf(o->version, OFFER_NAME, "%s", cop_builtin_cop.version);
}

static void add_builtins(struct offers *offers, int family)
{
	const struct inet_protosw *p;

	for (int type = 0; type < SOCK_MAX; type++)
		for (p = inet_first_protosw(type); p; p = p->next)
			if (!(p->flags & INET_PROTOSW_ADOPTED))
				add_builtin(offers, family, p);
}

/* ---- one file ------------------------------------------------------------ */

static char *target_of(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return strdup(target);
}

static bool is_library_dir(const struct offer *o)
{
	return !strcmp(o->from, request_libdir());
}

/* Loads the file, unless somebody else may have written what it would run. */
static void try_file(const struct offer *o, const struct asked *asked,
		     struct found *found)
{
	const char *why = NULL;

	if (!is_library_dir(o) && !access(o->file, F_OK) &&
	    !trusted_file(o->file))
		why = "other users may change it, so cop does not load it";
	else if (time(NULL) - started > SECONDS_MAX)
		why = "the time is up";
	if (!why) {
		probe(o->file, asked, found);
		return;
	}
	memset(found, 0, sizeof(*found));
	found->state = OFFER_UNTRIED;
	snprintf(found->why, sizeof(found->why), "%s", why);
}

static void take(struct offer *o, const struct found *found)
{
	o->state = found->state;
	memcpy(o->why, found->why, sizeof(o->why));
	memcpy(o->module, found->module, sizeof(o->module));
	memcpy(o->version, found->version, sizeof(o->version));
}

/* ---- COP_LOAD ------------------------------------------------------------ */

static void add_loaded(struct offers *offers, const char *path,
		       const struct found *found, const struct asked *asked,
		       const char *name)
{
	struct offer *o = add(offers, "COP_LOAD");

	if (!o)
		return;
	o->asked = *asked;
	o->file = strdup(path);
	o->target = target_of(path);
	take(o, found);
	memcpy(o->name, name, sizeof(o->name));
}

/* A module that registers nothing, for example one with hooks only, has a line, too. */
static void add_load_file(struct offers *offers, const char *path)
{
	static const struct asked none = { OFFER_ANY, OFFER_ANY, OFFER_ANY };
	static const char no_name[OFFER_NAME];
	struct offer o = { .from = "COP_LOAD", .file = (char *)path };
	struct found found;

	try_file(&o, NULL, &found);
	for (int i = 0; i < 2 * found.n; i++) {
		const struct found_transport *t = &found.transport[i / 2];
		struct asked asked = { i % 2 ? PF_INET6 : PF_INET, t->type,
				       t->protocol };

		add_loaded(offers, path, &found, &asked, t->name);
	}
	for (int family = 0; family < NPROTO; family++) {
		struct asked asked = { family, OFFER_ANY, OFFER_ANY };

		if (found.families >> family & 1)
			add_loaded(offers, path, &found, &asked, no_name);
	}
	if (!found.n && !found.families)
		add_loaded(offers, path, &found, &none, no_name);
}

/* ---- a directory --------------------------------------------------------- */

/* Reads "-proto-254", for example, as the library writes it. -1: it is not there. */
static int take_number(const char **at, const char *before, int below)
{
	size_t len = strlen(before);
	const char *digits = *at + len;
	int n = 0;

	if (strncmp(*at, before, len) || !isdigit((unsigned char)*digits) ||
	    (digits[0] == '0' && isdigit((unsigned char)digits[1])))
		return -1;
	for (; isdigit((unsigned char)*digits) && n < below; digits++)
		n = n * 10 + *digits - '0';
	if (n >= below)
		return -1;
	*at = digits;
	return n;
}

/*
 * Returns whether a program can ask for a file of this name. Families of their own
 * have the short name only, those of the Internet only the longer ones.
 */
static bool read_name(const char *name, struct asked *a)
{
	const char *at = name;

	a->type = a->protocol = OFFER_ANY;
	a->family = take_number(&at, PREFIX, NPROTO);
	if (a->family < 0)
		return false;
	if (a->family != PF_INET && a->family != PF_INET6)
		return !strcmp(at, ".so");
	a->protocol = take_number(&at, "-proto-", IPPROTO_MAX);
	if (a->protocol < 0)
		return false;
	if (!strcmp(at, ".so"))
		return true;
	a->type = take_number(&at, "-type-", SOCK_MAX);
	return a->type >= 0 && !strcmp(at, ".so");
}

/* The library looks no further where a file is, even one that it can't use. */
static bool is_there(const struct offer *o)
{
	const char *fault = module_file_fault(o->file);

	return !fault || *fault;
}

static bool comes_first(const struct offer *first, const struct offer *o)
{
	if (!first->file || memcmp(&first->asked, &o->asked, sizeof(o->asked)))
		return false;
	if (!strcmp(first->from, "COP_LOAD"))
		return first->state == OFFER_OK;
	return first->state != OFFER_UNASKED && is_there(first);
}

static const struct offer *find_first(const struct offers *offers,
				      const struct offer *o)
{
	for (const struct offer *first = offers->list; first < o; first++)
		if (comes_first(first, o))
			return first;
	return NULL;
}

static void judge(const struct offers *offers, struct offer *o)
{
	const struct offer *first = find_first(offers, o);
	struct found found;

	if (first) {
		set_state(o, OFFER_HIDDEN, "%.400s is found first",
			  first->file);
		return;
	}
	try_file(o, &o->asked, &found);
	take(o, &found);
	if (found.n)
		memcpy(o->name, found.transport[0].name, sizeof(o->name));
}

static void add_file(struct offers *offers, const char *dir, const char *name)
{
	struct offer *o = add(offers, dir);

	if (!o)
		return;
	if (asprintf(&o->file, "%s/%s", dir, name) < 0) {
		offers->n--;
		return;
	}
	o->target = target_of(o->file);
	if (read_name(name, &o->asked))
		judge(offers, o);
	else
		set_state(o, OFFER_UNASKED, "no program asks for this name");
}

static int by_number(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* Returns how many names of modules there are in @names. */
static int read_dir(DIR *dir, char *names[FILES_MAX], bool *is_cut)
{
	struct dirent *entry;
	int n = 0;

	*is_cut = false;
	for (int i = 0; (entry = readdir(dir)); i++) {
		if (i == ENTRIES_MAX) {
			*is_cut = true;
			break;
		}
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			continue;
		if (n == FILES_MAX) {
			*is_cut = true;
			break;
		}
		names[n] = strdup(entry->d_name);
		n += names[n] != NULL;
	}
	qsort(names, n, sizeof(*names), by_number);
	return n;
}

static void add_dir(struct offers *offers, const char *path)
{
	DIR *dir = opendir(path);
	char *names[FILES_MAX];
	bool is_cut;
	int n;

	if (!dir) {
		if (strcmp(path, request_libdir()))
			cop_say(stderr, "cop: transports: %s: %s", path,
				strerror(errno));
		return;
	}
	n = read_dir(dir, names, &is_cut);
	closedir(dir);
	if (is_cut)
		cop_say(stderr,
			"cop: transports: %s has too many files: cop looks at "
			"%d of them",
			path, n);
	for (int i = 0; i < n; i++) {
		add_file(offers, path, names[i]);
		free(names[i]);
	}
}

/* ---- all of them --------------------------------------------------------- */

/* Offers point to the names of their directories, which therefore stay. */
static void each_name(struct offers *offers, const char *list,
		      void (*fn)(struct offers *, const char *))
{
	size_t len;

	for (; *list; list += len + !!list[len]) {
		char *name;

		len = strcspn(list, ":");
		name = strndup(list, len);
		if (name)
			fn(offers, name);
	}
}

void offers_find(struct offers *offers)
{
	started = time(NULL);
	add_builtins(offers, PF_INET);
	add_builtins(offers, PF_INET6);
	each_name(offers, request_files(), add_load_file);
	each_name(offers, request_dirs(), add_dir);
	add_dir(offers, request_libdir());
	if (offers->n == OFFERS_MAX)
		cop_say(stderr, "cop: transports: there are more than %d",
			OFFERS_MAX);
}
