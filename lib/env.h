/* SPDX-License-Identifier: MIT */
/*
 * env.h - the settings in the environment, and the library's messages.
 */
#ifndef COP_ENV_H
#define COP_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

/* Which of the program's UDP sockets the library puts on COP. */
enum cop_adopt {
	COP_ADOPT_NONE,
	COP_ADOPT_SOME, /* by port, see cop_env_adopts() */
	COP_ADOPT_ALL,
};

enum cop_debug_level {
	COP_DEBUG_OFF,
	COP_DEBUG_FAULTS,    /* faults, with the peer's address */
	COP_DEBUG_DECISIONS, /* also the library's decisions */
};

struct cop_env {
	int debug;	      /* (c) COP_DEBUG, enum cop_debug_level */
	enum cop_adopt adopt; /* (c) COP_ADOPT */
	char transport[64];   /* (c) COP_TRANSPORT, cut off; "": not set */
	const char *stats;    /* (c) COP_STATS: "stderr", an absolute path in
			       * the library's own memory, or NULL */
};

/* All zero until cop_env_init() fills it in. Nothing else writes it. */
extern struct cop_env cop_env HIDDEN;

/*
 * (a) Whether poll() and select() look at what is ready: with COP_DEBUG, or once there
 * is a transport that decodes.
 */
extern _Atomic(bool) cop_sifts HIDDEN;

/**
 * cop_env_init - read the environment, once, when the library is loaded
 *
 * Reports a value that it does not understand on stderr, and ignores it.
 */
void cop_env_init(void);

/**
 * cop_env_adopts - whether COP_ADOPT lists a port
 * @port: host order
 */
bool cop_env_adopts(uint16_t port);

/**
 * cop_warn - report a fault, if COP_DEBUG is 1 or more
 * cop_debug - report a decision, if COP_DEBUG is 2
 * @fd: the descriptor in question, or -1
 * @fmt: as for printf(), without a newline
 *
 * Within a second they write COP_LOG_BURST lines at most. The next second
 * begins with a line that says how many were left out.
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
 * cop_log_begin - get standard error, to write lines to
 *
 * Called in a scratch part; the caller closes the descriptor in the same part,
 * by cop_output_close(). First writes how many lines were lost, if any. Returns
 * a descriptor, or a negative errno; see cop_output_stderr().
 */
int cop_log_begin(void);

/**
 * cop_log - write one line to stderr, whole
 * cop_log_some - the same, for cop_warn() and cop_debug(), within their limit
 * @fd: the descriptor in question, or -1
 * @fmt: as for printf(), without a newline
 *
 * The line begins with the process id and the time of day, in seconds since the
 * epoch.
 */
void cop_log(int fd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void cop_log_some(int fd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* COP_ENV_H */
