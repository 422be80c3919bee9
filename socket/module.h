/* SPDX-License-Identifier: MIT */
/*
 * module.h - references of a module, one for each sock of its transports.
 */
#ifndef COP_MODULE_H
#define COP_MODULE_H

#include <stdbool.h>

#include "lib/transport.h"

/* The rest of try_module_get() and module_put(), for a module that was loaded. */
bool cop_module_get(struct module *mod);
void cop_module_put(struct module *mod);

/**
 * try_module_get - take a reference of a module
 * @mod: the module; NULL: it is built into the library
 *
 * Returns false if the module has ended. Lock-free, async-signal-safe.
 */
static inline bool try_module_get(struct module *mod)
{
	return !mod || cop_module_get(mod);
}

/**
 * module_put - drop a reference of a module
 * @mod: as for try_module_get(), which returned true
 *
 * Nothing is freed with the last one: threads without a reference may be inside the
 * module's functions. With COP_DEBUG it complains of a reference too many. Lock-free,
 * async-signal-safe.
 */
static inline void module_put(struct module *mod)
{
	if (mod)
		cop_module_put(mod);
}

#endif /* COP_MODULE_H */
