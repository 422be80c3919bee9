/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - the functions of the library that a module may call.
 */
#ifndef COP_INET_KERNEL_H
#define COP_INET_KERNEL_H

#include "lib/transport.h"

/**
 * module_begin - give a module the library's functions, and start it
 * @mod: the module
 *
 * Returns what its init returns. The caller sees to it that one module starts at a
 * time.
 */
int module_begin(struct module *mod);

/**
 * modules_init - start the modules that are built into the library
 *
 * Once, behind inet_init().
 */
void modules_init(void);

#endif /* COP_INET_KERNEL_H */
