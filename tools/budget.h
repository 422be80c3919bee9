/* SPDX-License-Identifier: MIT */
/*
 * budget.h - how much work one process may cause, and all of them.
 */
#ifndef COP_TOOLS_BUDGET_H
#define COP_TOOLS_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/**
 * budget_begin - begin a look at all processes
 */
void budget_begin(void);

/**
 * budget_begin_process - begin with the next process
 *
 * It may use what is left for all, but no more than is meant for one. When all
 * is spent it still gets a little: no process hides another by its greed.
 */
void budget_begin_process(void);

/**
 * budget_read - take note of a read
 * @len: its length
 *
 * Returns whether there is still a budget for it.
 */
bool budget_read(size_t len);

/**
 * budget_flow - take note of a flow
 *
 * Returns whether there is still a budget for it.
 */
bool budget_flow(void);

/**
 * budget_is_spent - whether something of this process was left out
 */
bool budget_is_spent(void);

#endif /* COP_TOOLS_BUDGET_H */
