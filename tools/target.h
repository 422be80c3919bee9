/* SPDX-License-Identifier: MIT */
/*
 * target.h - another process, to be looked at without its help.
 */
#ifndef COP_TOOLS_TARGET_H
#define COP_TOOLS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COMMAND_MAX 64 /* of a command's name, of which each byte is escaped */

/* Memory that can be read without waiting for anybody. */
struct range {
	uint64_t start, end;
};

struct target {
	pid_t pid;
	int dir; /* its directory in /proc, by which it stays the same process */
	int mem;       /* its memory, -1: not opened, or may not be */
	int mem_error; /* why not; 0: nobody has tried */
	char command[COMMAND_MAX];  /* as the kernel has it; may be empty */
	const struct range *ranges; /* ascending, from mapped_find() */
	size_t n_ranges;
	int mount_scans;  /* how often its mounts were looked through */
	uint64_t slow;	  /* the last device that they don't show to be safe */
	uint64_t network; /* its network namespace, 0: not known yet */
};

/**
 * target_open - begin to look at a process
 * @t: it
 * @pid: its number
 *
 * Returns 0, or -1 with errno where there is none (now). Ends with
 * target_close().
 */
int target_open(struct target *t, pid_t pid);
void target_close(struct target *t);

/**
 * target_name - find out the name of the command
 * @t: the process
 */
void target_name(struct target *t);

/**
 * target_mem - make sure of the process's memory
 * @t: the process
 *
 * Returns whether it may be read; else mem_error says why not.
 */
bool target_mem(struct target *t);

/**
 * target_peek - read memory
 * @t: the process, after target_mem() and mapped_find()
 * @addr: where, which may be any number
 * @buf: where to
 * @len: how much
 *
 * Reads only what is in one of its ranges, and only while there is a budget.
 * Returns whether all of it was there.
 */
bool target_peek(const struct target *t, uint64_t addr, void *buf, size_t len);

/**
 * target_read - read a small file of the process
 * @t: the process
 * @name: in its directory
 * @buf: where to; ends with a 0
 * @size: how much there is room for, with that
 *
 * Returns its length, or -1 with errno.
 */
ssize_t target_read(const struct target *t, const char *name, char *buf,
		    size_t size);

/**
 * target_status - a number from the process's status
 * @t: the process
 * @key: of the line, with the colon
 * @last: the last number of the line, not the first
 *
 * Returns -1 where there is none.
 */
long target_status(const struct target *t, const char *key, bool last);

#endif /* COP_TOOLS_TARGET_H */
