/* SPDX-License-Identifier: MIT */
/*
 * request.h - modules: loaded when a program asks for what they have, or at the start.
 */
#ifndef COP_REQUEST_H
#define COP_REQUEST_H

#include <stdbool.h>

struct module;

/* module_begin(), above this file: modules_init() sets it before anything is asked. */
extern int (*request_begin)(struct module *mod);

/**
 * request_init - read COP_MODULES and COP_LOAD
 *
 * Once, when the library starts. Relative names start at the directory of this moment.
 * Not in a program that gains privileges: it ignores both.
 */
void request_init(void);

/**
 * request_load - load the files that COP_LOAD names
 *
 * Once, while the library starts, ahead of the sockets that the program inherits: they
 * may be of these modules.
 */
void request_load(void);

/**
 * request_may_load - whether this thread may load a module
 *
 * Not in the child of a vfork(), where libc's memory is the parent's; not in the child
 * of a fork that left other threads behind, where libc's locks may never be free; not
 * in a confined process; and not inside a module that is being loaded. Not
 * async-signal-safe, and nothing that follows is.
 */
bool request_may_load(void);

/**
 * request_obstacle - why this thread may not load a module, see request_may_load()
 *
 * Returns a text for a message, or NULL if it may.
 */
const char *request_obstacle(void);

/**
 * request_is_loading - whether this thread is loading a module
 */
bool request_is_loading(void);

/**
 * request_module - load a module by its name
 * @fmt: the name, as for printf()
 *
 * Looks for NAME.so in the directories of COP_MODULES and then in LIBDIR/cop. Says with
 * COP_DEBUG why a file that is there can't be used. The caller looks again whether
 * what it needs is there now; it asks for a name once, since a module that could not
 * be loaded stays so. Call it only if request_may_load(). errno may change.
 * Counterpart: request_module().
 */
void request_module(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * request_dirs, request_files - COP_MODULES and COP_LOAD as request_init() read them
 * request_libdir - the directory that is searched behind those
 *
 * Absolute names with colons between. For cop transports, which looks there, too.
 */
const char *request_dirs(void);
const char *request_files(void);
const char *request_libdir(void);

/**
 * request_try - load one file, as request_module() does
 * @path: its absolute name
 * @mod: set to the module, if there is one
 *
 * Returns NULL if it was loaded and its init returned 0. Otherwise why not: a text that
 * stays until the next call. For cop transports. Not async-signal-safe.
 */
const char *request_try(const char *path, const struct module **mod);

/**
 * request_if_named - load a file if it has a module of a name
 * @path: its absolute name
 * @name: as MODULE_TRANSPORT() has it; letters may be of either case
 *
 * Returns whether it has. Call it only if request_may_load(). errno may change.
 */
bool request_if_named(const char *path, const char *name);

/**
 * request_exit - tell all loaded modules that the process exits
 */
void request_exit(void);

#endif /* COP_REQUEST_H */
