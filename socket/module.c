// SPDX-License-Identifier: MIT
/*
 * socket/module.c - references of a module.
 *
 * Owns: refcnt of each module. Protected by: atomic operations. Counterpart in the
 * kernel: kernel/module/main.c.
 */
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "socket/module.h"

bool cop_module_get(struct module *mod)
{
	if (unlikely(READ_ONCE(mod->going)))
		return false;
	int_add(&mod->refcnt, 1);
	return true;
}

void cop_module_put(struct module *mod)
{
	if (unlikely(int_add(&mod->refcnt, -1) <= 0))
		cop_warn(-1, "module %s: a reference too many was dropped",
			 mod->name);
}
