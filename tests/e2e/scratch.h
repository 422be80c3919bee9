/* SPDX-License-Identifier: MIT */
/*
 * scratch.h - a directory of a test's own, and a shell in it.
 */
#ifndef COP_TEST_SCRATCH_H
#define COP_TEST_SCRATCH_H

#include "runner.h"

/*
 * The command make of this build, to be followed by variables and a goal. What is built
 * knows where it will be installed, and make install builds it again for other
 * directories; then other tests would miss it. So these two stay as they are.
 */
#define SCRATCH_MAKE                                             \
	"env -u MAKEFLAGS -u MAKELEVEL make -s -C " COP_TEST_DIR \
	"/.. B=" COP_BUILD_DIR                                   \
	" LIB=$LIB COP=$COP LIBDIR=$(sed -n 1p " COP_BUILD_DIR   \
	"/paths) LIBEXECDIR=$(sed -n 2p " COP_BUILD_DIR "/paths) "

/* Its path, once there is one; every user may look into it. */
extern char scratch_dir[64];

/* For a test's .init; at the test's end it is removed. */
void scratch_make(void);

/**
 * scratch_shell - run a line of the shell in the directory, without the library
 * @res: its outcome
 * @fmt: the line, as for printf(). $COP and $LIB in it are the launcher and the
 *	library, $PROGRAMS is the directory libexec with cop's other programs
 *
 * Returns as run() does.
 */
int scratch_shell(struct run_result *res, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * scratch_must - scratch_shell(), for what a test needs
 * @fmt: the line
 *
 * Fails the test if it does not work.
 */
void scratch_must(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * scratch_says - run a line of the shell and expect what it prints
 * @res: its outcome
 * @out: what stdout is to have
 * @line: the line, as for scratch_shell()
 */
void scratch_says(struct run_result *res, const char *out, const char *line);

/**
 * scratch_says_in_stderr - expect a text in what a line has written to stderr
 * @res: its outcome
 * @text: the text
 */
void scratch_says_in_stderr(const struct run_result *res, const char *text);

/* The path of m/, where tests have their modules. Valid until the next call. */
const char *scratch_modules(void);

#endif /* COP_TEST_SCRATCH_H */
