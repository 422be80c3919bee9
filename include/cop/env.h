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

struct cop_env {
	bool debug;	      /* (c) COP_DEBUG=1 */
	enum cop_adopt adopt; /* (c) COP_ADOPT */
	const char *stats;    /* (c) COP_STATS: "stderr", a path, or NULL */
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
 * cop_debug - say something on stderr, where COP_DEBUG asks for it
 * @fmt: as for printf(), without a newline
 */
#define cop_debug(...)                        \
	do {                                  \
		if (unlikely(cop_env.debug))  \
			cop_log(__VA_ARGS__); \
	} while (0)

/**
 * cop_log - write one line to stderr, whole
 * @fmt: as for printf(), without a newline
 */
void cop_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* COP_ENV_H */
