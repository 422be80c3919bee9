/* SPDX-License-Identifier: MIT */
/*
 * module_object.h - whether a mapped file has a module that can be used.
 */
#ifndef COP_MODULE_OBJECT_H
#define COP_MODULE_OBJECT_H

struct module;

/**
 * module_object_fault - look at a module before anything in it is called
 * @mod: what dlsym() has found; NULL: nothing
 *
 * Returns NULL if it is a struct module of this version in memory that can be written,
 * whose pointers lead into its own file; or says what is wrong. Calls none of the
 * module's functions.
 */
const char *module_object_fault(const struct module *mod);

#endif /* COP_MODULE_OBJECT_H */
