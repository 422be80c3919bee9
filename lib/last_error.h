/* SPDX-License-Identifier: MIT */
/*
 * last_error.h - errno as it is ahead of a call, without a call of libc's.
 */
#ifndef COP_LAST_ERROR_H
#define COP_LAST_ERROR_H

#include <errno.h>
#include <stdint.h>

#include "lib/compiler.h"

#ifdef __x86_64__
/*
 * How far errno is from where a thread's memory begins: libc is loaded with the program,
 * so this is the same in each thread. (c) once cop_libc_init() has run.
 */
extern intptr_t cop_errno_at HIDDEN;
#endif

/**
 * cop_last_error - errno, to be put back if a call that has failed is made again
 *
 * Two instructions, where errno itself is a call. Only for calls on descriptors, which
 * begin after cop_libc_init().
 */
static inline int cop_last_error(void)
{
#ifdef __x86_64__
	int value;

	__asm__ volatile("movl %%fs:(%1), %0"
			 : "=r"(value)
			 : "r"(cop_errno_at));
	return value;
#else
	return errno;
#endif
}

#endif /* COP_LAST_ERROR_H */
