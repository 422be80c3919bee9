/* SPDX-License-Identifier: MIT */
/*
 * target.h - reads another process without its help.
 */
#ifndef COP_TOOLS_TARGET_H
#define COP_TOOLS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COMMAND_MAX 64 /* a command's name, with each byte escaped */

/* Memory that can be read without waiting for another process. */
struct range {
	uint64_t start, end;
};

struct target {
	pid_t pid;
	int dir; /* its directory in /proc, kept open: a number may be reused */
	int mem; /* its memory; -1: not opened, or not allowed */
	int mem_error;		    /* why it is not open; 0: not tried yet */
	char command[COMMAND_MAX];  /* its name in the kernel; may be empty */
	const struct range *ranges; /* ascending, from mapped_find() */
	size_t n_ranges;
	int mount_scans; /* how often its mounts were read */
	uint64_t slow; /* the last device that its mounts do not show as safe */
	uint64_t network; /* its network namespace, 0: not known yet */
};

/**
 * target_open - begin to read a process
 * @t: filled in
 * @pid: the process's number
 *
 * Returns 0, or -1 with errno if there is no such process. If 0, the caller
 * calls target_close() in the end.
 */
int target_open(struct target *t, pid_t pid);
void target_close(struct target *t);

/**
 * target_name - read the name of the process's command
 * @t: the process
 */
void target_name(struct target *t);

/**
 * target_mem - open the process's memory, unless it is open
 * @t: the process
 *
 * Returns whether the memory may be read; if not, mem_error says why.
 */
bool target_mem(struct target *t);

/**
 * target_peek - read memory
 * @t: the process, after target_mem() and mapped_find()
 * @addr: its address; may be any number
 * @buf: the copy
 * @len: how many bytes
 *
 * Reads only memory in one of the process's ranges, and only while there is a
 * budget. Returns whether it could read all of it.
 */
bool target_peek(const struct target *t, uint64_t addr, void *buf, size_t len);

/**
 * target_has_ended - whether the process has ended, or executed another program
 * @t: the process, after target_mem() and mapped_find()
 *
 * For a read that has failed: the process may be to blame, or this.
 */
bool target_has_ended(const struct target *t);

/**
 * target_read - read a small file of the process
 * @t: the process
 * @name: the file's name in the process's directory
 * @buf: the copy; ends with a 0
 * @size: room in @buf, the 0 included
 *
 * Returns its length, or -1 with errno.
 */
ssize_t target_read(const struct target *t, const char *name, char *buf,
		    size_t size);

/**
 * target_status - read a number from the process's status
 * @t: the process
 * @key: the beginning of the line, with the colon
 * @last: take the last number of the line, not the first
 *
 * Returns the number, or -1 if there is none.
 */
long target_status(const struct target *t, const char *key, bool last);

#endif /* COP_TOOLS_TARGET_H */
