/* SPDX-License-Identifier: MIT */
/*
 * child.h - what a child process is doing.
 */
#ifndef COP_TOOLS_CHILD_H
#define COP_TOOLS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * child_sleeps - whether a process waits, or was stopped
 * @pid: the process
 *
 * A process that runs, or could run, does not wait: the machine is busy.
 */
bool child_sleeps(pid_t pid);

/**
 * child_busy_us - the processor time of a process
 * @pid: the process
 *
 * Returns microseconds, 0 if there is no such process.
 */
int64_t child_busy_us(pid_t pid);

/**
 * child_reap - wait for the end of a child, but not for ever
 * @pid: the child
 * @status: set as by waitpid()
 * @ms: how long to wait, in milliseconds
 *
 * Returns whether the child has ended.
 */
bool child_reap(pid_t pid, int *status, int ms);

#endif /* COP_TOOLS_CHILD_H */
