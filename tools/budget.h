/* SPDX-License-Identifier: MIT */
/*
 * budget.h - limits the work for one process and for all processes together.
 */
#ifndef COP_TOOLS_BUDGET_H
#define COP_TOOLS_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/**
 * budget_begin - begin to read all processes
 */
void budget_begin(void);

/**
 * budget_begin_process - begin with the next process
 *
 * A process may use what is left for all processes, up to the limit of one
 * process. When nothing is left, it still gets a little, so that no process
 * hides another.
 */
void budget_begin_process(void);

/**
 * budget_read - count a read
 * @len: its length
 *
 * Returns whether there is still a budget for it.
 */
bool budget_read(size_t len);

/**
 * budget_step - count a step that reads none of the process's memory
 *
 * Returns whether there is still a budget for it.
 */
bool budget_step(void);

/**
 * budget_has_half - whether half of this process's time is left
 *
 * Looks at the clock as often as budget_step() does.
 */
bool budget_has_half(void);

/**
 * budget_flow - count a flow
 *
 * Returns whether there is still a budget for it.
 */
bool budget_flow(void);

/**
 * budget_is_spent - whether nothing more may be read of this process
 */
bool budget_is_spent(void);

/**
 * budget_cut - note that a part of this process is left out
 */
void budget_cut(void);

/**
 * budget_was_short - whether a part of this process is left out
 */
bool budget_was_short(void);

#endif /* COP_TOOLS_BUDGET_H */
