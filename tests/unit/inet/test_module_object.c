// SPDX-License-Identifier: MIT
/*
 * test_module_object.c - inet/module_object.c: symbols that are no struct module.
 * tests/e2e/test_modules.c has files with damaged ones.
 */
#include <dlfcn.h>

#include "inet/module_object.h"
#include "lib/transport.h"
#include "unit/helpers.h"

static const char *fault_of(const void *mod)
{
	return module_object_fault(mod) ?: "none";
}

Test(inet_module_object, nothing_is_no_module)
{
	cr_expect(eq(str, (char *)fault_of(NULL),
		     "it has no struct module: MODULE_TRANSPORT() is missing"));
}

/* A function, and an object that can't be written. */
static const char *const symbol[] = { "getpid", "in6addr_any" };

Test(inet_module_object, another_kind_of_symbol_is_no_module)
{
	for (size_t i = 0; i < ARRAY_SIZE(symbol); i++)
		cr_expect(eq(str, (char *)fault_of(dlsym(RTLD_NEXT, symbol[i])),
			     "its cop_module is no struct module"));
}

/* Its first bytes are part of an address. */
Test(inet_module_object, an_object_of_another_size_is_no_module)
{
	cr_expect(
		ne(str, (char *)fault_of(dlsym(RTLD_NEXT, "environ")), "none"));
}

Test(inet_module_object, memory_of_no_file_is_no_module)
{
	struct module mod = { .abi = COP_TRANSPORT_ABI };

	cr_expect(eq(str, (char *)fault_of(&mod),
		     "its cop_module is no struct module"));
	cr_expect(eq(str, (char *)fault_of((void *)(uintptr_t)64),
		     "its cop_module is no struct module"));
}
