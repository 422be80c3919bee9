/* SPDX-License-Identifier: MIT */
/*
 * env.h - what the environment asks of the library.
 */
#ifndef COP_ENV_H
#define COP_ENV_H

#include <stdbool.h>
#include <stdint.h>

/* What becomes of a program's own UDP sockets. */
enum cop_adopt {
	COP_ADOPT_NONE, /* they are the kernel's */
	COP_ADOPT_SOME, /* those of some ports are put on COP */
	COP_ADOPT_ALL,
};

enum cop_debug_level {
	COP_DEBUG_OFF,
	COP_DEBUG_FAULTS,    /* what goes wrong, and with whom */
	COP_DEBUG_DECISIONS, /* and what is decided */
};

struct cop_env {
	int debug;	      /* (c) COP_DEBUG, enum cop_debug_level */
	enum cop_adopt adopt; /* (c) COP_ADOPT */
	const char *stats;    /* (c) COP_STATS: "stderr", an absolute path that
			       * is nobody else's memory, or NULL */
};

/* All off until cop_env_init() has run, which alone writes it. */
extern struct cop_env cop_env;

/**
 * cop_env_init - read the environment, once, when the library is loaded
 *
 * A value that means nothing is reported on stderr and ignored.
 */
void cop_env_init(void);

/**
 * cop_env_adopts - whether COP_ADOPT lists a port
 * @port: host order
 */
bool cop_env_adopts(uint16_t port);

/**
 * cop_warn - say what goes wrong, with COP_DEBUG from 1 on
 * cop_debug - say what is decided, with COP_DEBUG from 2 on
 * @fd: the descriptor it is about, or -1
 * @fmt: as for printf(), without a newline
 *
 * So many lines are said within a second, then only how many were not.
 */
#define cop_say(level, ...)                           \
	do {                                          \
		if (unlikely(cop_env.debug >= level)) \
			cop_log_some(__VA_ARGS__);    \
	} while (0)
#define cop_warn(...)  cop_say(COP_DEBUG_FAULTS, __VA_ARGS__)
#define cop_debug(...) cop_say(COP_DEBUG_DECISIONS, __VA_ARGS__)

#define COP_LOG_BURST  50 /* lines within a second */

/**
 * cop_log_begin - standard error, to write lines to
 *
 * In a scratch part, and closed within it. Says first how many lines were lost.
 * Returns a descriptor, or a negative errno; see cop_output_stderr().
 */
int cop_log_begin(void);

/**
 * cop_log - write one line to stderr, whole
 * @fd: the descriptor it is about, or -1
 * @fmt: as for printf(), without a newline
 *
 * It begins with who says it and when: the process and the time of day, seconds
 * since the epoch.
 */
void cop_log(int fd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void cop_log_some(int fd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* COP_ENV_H */
