/* SPDX-License-Identifier: MIT */
/*
 * symbol.h - where a symbol is that a file defines which another process has
 * mapped.
 */
#ifndef COP_TOOLS_SYMBOL_H
#define COP_TOOLS_SYMBOL_H

#include "target.h"

/* What the loader looks symbols up in; 0: there is none. */
struct symbol_tables {
	uint64_t bias; /* what to add to an address of the file's */
	uint64_t hash, symbols, strings;
};

/**
 * symbol_tables - find a file's tables
 * @t: the process, after target_mem()
 * @start: where the beginning of the file is mapped
 * @in: what there is
 *
 * Returns whether all are there. A file that is just being loaded has none.
 */
bool symbol_tables(const struct target *t, uint64_t start,
		   struct symbol_tables *in);

/**
 * symbol_find - look a symbol up
 * @t: the process, after target_mem()
 * @in: from symbol_tables()
 * @name: of the symbol
 * @addr: where its address is put
 *
 * Returns whether it is defined there.
 */
bool symbol_find(const struct target *t, const struct symbol_tables *in,
		 const char *name, uint64_t *addr);

#endif /* COP_TOOLS_SYMBOL_H */
