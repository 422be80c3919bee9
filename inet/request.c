// SPDX-License-Identifier: MIT
/*
 * inet/request.c - modules: loaded when a program asks for what they have, or at the
 * start.
 *
 * Owns: the directories, and the list of loaded modules. Protected by: the directories
 * are written once, when the library starts; the list by loading_lock, which is held
 * while a module is loaded, with signals blocked. A signal handler, or the module's own
 * init, that asks for another module in this time gets none.
 * Counterpart in the kernel: kernel/module/kmod.c and main.c.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inet/module_file.h"
#include "inet/module_object.h"
#include "inet/request.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/dlerror.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "lib/signals.h"
#include "lib/transport.h"
#include "socket/security.h"

#define DIRS_MAX \
	PATH_MAX /* bytes of each variable, directories made absolute */
#define NAME_LEN 64

/* Absolute names with colons between, in memory that the program does not change. */
static char module_dirs[DIRS_MAX];
static char load_files[DIRS_MAX];

int (*request_begin)(struct module *mod);

static pthread_mutex_t loading_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(pid_t) loading; /* (a) the thread that has the lock, or 0 */
static struct module *modules; /* (l) loading_lock; the last one is first */

/* (l) loading_lock: why the last file can't be used; empty: it can */
static char last_fault[PATH_MAX + 256];

/* ---- settings ------------------------------------------------------------ */

/* Appends one name to a list. Returns whether there was room. */
static bool add_name(char *list, const char *name, size_t len)
{
	char cwd[PATH_MAX];
	size_t at = strlen(list);
	int n;

	if (*name == '/')
		cwd[0] = '\0';
	else if (!getcwd(cwd, sizeof(cwd)))
		return false;
	n = snprintf(list + at, DIRS_MAX - at, "%s%s%s%.*s", at ? ":" : "", cwd,
		     *cwd ? "/" : "", (int)len, name);
	return n >= 0 && (size_t)n < DIRS_MAX - at;
}

static void read_list(const char *variable, char *list)
{
	const char *value = secure_getenv(variable);
	size_t len;

	list[0] = '\0';
	if (likely(!value))
		return;
	for (const char *name = value; *name; name += len + !!name[len]) {
		len = strcspn(name, ":");
		if (len && !add_name(list, name, len)) {
			cop_log(-1, "%s=%.200s is ignored: it is too long",
				variable, value);
			list[0] = '\0';
			return;
		}
	}
}

void request_init(void)
{
	cop_dlerror_init();
	read_list("COP_MODULES", module_dirs);
	read_list("COP_LOAD", load_files);
}

/* ---- loading ------------------------------------------------------------- */

bool request_is_loading(void)
{
	const pid_t thread = READ_ONCE(loading);

	return unlikely(thread) && thread == gettid();
}

const char *request_obstacle(void)
{
	if (cop_confined())
		return "the process is confined";
	if (!cop_process_is_owner() || cop_process_has_parted())
		return "this is a child of vfork(), or a thread with "
		       "descriptors of its own";
	if (cop_process_is_torn() || cop_process_lost_threads())
		return "this is a forked child of a process with threads";
	if (request_is_loading())
		return "another module is being loaded";
	return NULL;
}

bool request_may_load(void)
{
	return !request_obstacle();
}

__attribute__((format(printf, 3, 4))) static void
refuse(const char *path, const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_fault, sizeof(last_fault), fmt, ap);
	va_end(ap);
	cop_warn(-1, "module %s can't be %s: %s", path, what, last_fault);
}

/*
 * From here on the file stays mapped, even if init fails: it may have registered what
 * other threads have met. A file that has two names is one module, and starts once.
 */
static void start_module(const char *path, struct module *mod)
{
	int err;

	if (mod->kernel) {
		if (READ_ONCE(mod->going))
			refuse(path, "used", "its init has failed before");
		return;
	}
	cop_libc.dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	err = request_begin(mod);
	if (err) {
		refuse(path, "used", "its init returned %d", err);
		return;
	}
	mod->next = modules;
	modules = mod;
	cop_debug(-1, "loaded module %s, version %s, from %s", mod->name,
		  mod->version, path);
}

static void map_file(const char *path)
{
	void *handle = cop_libc.dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct module *mod;
	const char *fault;

	if (!handle) {
		fault = dlerror();
		refuse(path, "loaded", "%s", fault ?: "it is damaged");
		return;
	}
	mod = dlsym(handle, "cop_module");
	fault = module_object_fault(mod);
	if (fault)
		refuse(path, "used", "%s", fault);
	else
		start_module(path, mod);
	dlclose(handle);
}

static void load_file(const char *path)
{
	struct cop_dlerror keep;

	cop_dlerror_hide(&keep);
	map_file(path);
	cop_dlerror_show(&keep);
}

/* Returns whether there is a file of this name. */
static bool try_file(const char *path)
{
	const char *fault = module_file_fault(path);

	if (!fault)
		load_file(path);
	else if (*fault)
		refuse(path, "loaded", "%s", fault);
	return !fault || *fault;
}

static void load_begin(sigset_t *mask, int *cancel)
{
	*cancel = cancel_off();
	signals_off(mask);
	pthread_mutex_lock(&loading_lock);
	WRITE_ONCE(loading, gettid());
}

static void load_end(const sigset_t *mask, int cancel)
{
	WRITE_ONCE(loading, 0);
	pthread_mutex_unlock(&loading_lock);
	signals_on(mask);
	cancel_on(cancel);
}

/* Calls @fn for each name of a list until it returns true. */
static bool each_name(const char *list, bool (*fn)(const char *, const char *),
		      const char *arg)
{
	char name[PATH_MAX];
	size_t len;

	for (; *list; list += len + !!list[len]) {
		len = strcspn(list, ":");
		if (len >= sizeof(name))
			continue;
		memcpy(name, list, len);
		name[len] = '\0';
		if (fn(name, arg))
			return true;
	}
	return false;
}

static bool try_directory(const char *dir, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s.so", dir, name);

	return n > 0 && (size_t)n < sizeof(path) && try_file(path);
}

void request_module(const char *fmt, ...)
{
	char name[NAME_LEN];
	sigset_t mask;
	va_list ap;
	int cancel;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	load_begin(&mask, &cancel);
	if (!each_name(module_dirs, try_directory, name))
		try_directory(COP_LIBDIR "/cop", name);
	load_end(&mask, cancel);
}

/* Its constructors run, as libc wants it, but not the init of a module of another name. */
static bool map_if_named(const char *path, const char *name)
{
	void *handle = cop_libc.dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct module *mod;
	bool is;

	if (!handle)
		return false;
	mod = dlsym(handle, "cop_module");
	is = mod && !module_object_fault(mod) && !strcasecmp(mod->name, name);
	if (is)
		map_file(path);
	dlclose(handle);
	return is;
}

bool request_if_named(const char *path, const char *name)
{
	struct cop_dlerror keep;
	sigset_t mask;
	bool is = false;
	int cancel;

	load_begin(&mask, &cancel);
	cop_dlerror_hide(&keep);
	if (!module_file_fault(path))
		is = map_if_named(path, name);
	cop_dlerror_show(&keep);
	load_end(&mask, cancel);
	return is;
}

static bool load_named(const char *path, const char *unused)
{
	(void)unused;
	if (!try_file(path))
		cop_warn(-1, "module %s can't be loaded: there is no such file",
			 path);
	return false;
}

void request_load(void)
{
	sigset_t mask;
	int cancel;

	if (likely(!load_files[0]))
		return;
	load_begin(&mask, &cancel);
	each_name(load_files, load_named, NULL);
	load_end(&mask, cancel);
}

/* ---- for cop transports -------------------------------------------------- */

const char *request_dirs(void)
{
	return module_dirs;
}

const char *request_files(void)
{
	return load_files;
}

const char *request_libdir(void)
{
	return COP_LIBDIR "/cop";
}

const char *request_try(const char *path, const struct module **mod)
{
	sigset_t mask;
	bool is_there;
	int cancel;

	load_begin(&mask, &cancel);
	last_fault[0] = '\0';
	is_there = try_file(path);
	*mod = modules;
	load_end(&mask, cancel);
	if (!is_there)
		return "there is no such file";
	return last_fault[0] ? last_fault : NULL;
}

/* ---- the end ------------------------------------------------------------- */

/* Other threads may still be in operations of a module. */
void request_exit(void)
{
	for (struct module *mod = modules; mod; mod = mod->next) {
		WRITE_ONCE(mod->going, true);
		cop_debug(-1, "module %s ends with %d sockets", mod->name,
			  READ_ONCE(mod->refcnt));
		if (mod->exit)
			mod->exit();
		security_drop_hooks(mod);
	}
}
