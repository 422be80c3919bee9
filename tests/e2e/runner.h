/* SPDX-License-Identifier: MIT */
/*
 * runner.h - run a program with or without libcop and keep what it says.
 */
#ifndef COP_TEST_RUNNER_H
#define COP_TEST_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RUN_MAX	       (128 * 1024) /* bytes kept of each output, the rest is lost */
#define RUN_TIMEOUT_MS 60000	    /* after which run() ends a program */

struct run_result {
	int status;	/* exit status, or 128 + the signal that ended it */
	bool timed_out; /* it was ended by us */
	size_t out_len; /* bytes in out, the closing 0 aside */
	size_t err_len; /* likewise of err */
	char out[RUN_MAX + 1];
	char err[RUN_MAX + 1];
};

/* A program under way: from run_start() to run_finish(). */
struct run_child {
	pid_t pid;    /* leader of a process group of its own */
	int in;	      /* its stdin to write to, -1: none, or closed */
	int out, err; /* its outputs to read from, -1: at their end */
	struct run_result *res;
};

/**
 * run - run a program to its end
 * @res: its outcome
 * @argv: program (looked up in PATH) and arguments, NULL at the end
 * @preload: whether LD_PRELOAD is COP_LIB
 * @extra_env: more "NAME=value", NULL at the end; may be NULL. A NAME without
 *	=value is taken out of the environment
 *
 * Its stdin is at its end. Returns the exit status, which is 128 + the signal's
 * number for a program that a signal ended, as in a shell; -1 if it could not
 * be started or took longer than RUN_TIMEOUT_MS.
 */
int run(struct run_result *res, const char *const argv[], bool preload,
	const char *const extra_env[]);

/**
 * run_start - start a program with a pipe for its stdin
 * @child: to be given to run_finish()
 * @res: where its outputs gather
 *
 * The rest as in run(). Returns 0, or -1 if it could not be started.
 */
int run_start(struct run_child *child, struct run_result *res,
	      const char *const argv[], bool preload,
	      const char *const extra_env[]);

/**
 * run_expect - gather outputs until one of them holds a text
 * @child: from run_start()
 * @text: to be found in out or err
 * @timeout_ms: how long it may take
 *
 * Returns whether it came.
 */
bool run_expect(struct run_child *child, const char *text, int timeout_ms);

/**
 * run_write - write to a program's stdin
 * @child: from run_start()
 * @text: what
 *
 * Returns whether all of it was taken.
 */
bool run_write(struct run_child *child, const char *text);

/**
 * run_finish - close a program's stdin and wait for its end
 * @child: from run_start()
 * @timeout_ms: how long it may take before it is killed, with its group; 0:
 *	kill it at once
 *
 * Returns as run() does.
 */
int run_finish(struct run_child *child, int timeout_ms);

/**
 * run_prog - run one of tests/e2e/progs
 * @res: its outcome
 * @name: the program's name
 * @args: its arguments in one string, separated by single spaces
 * @preload: whether LD_PRELOAD is COP_LIB
 *
 * Returns as run() does.
 */
int run_prog(struct run_result *res, const char *name, const char *args,
	     bool preload);

/**
 * run_says - run a program on COP
 * @name: one of tests/e2e/progs, which gets "cop" and
 * @what: as its two arguments
 * @expected: what it is to say
 *
 * Fails the current test unless it says so, exits with 0 and writes nothing to
 * stderr. A program that exits with RUN_SKIP skips the test and says why.
 *
 * This and the following functions give the test a network of its own, if it may have
 * one, so that no other test takes its ports.
 */
void run_says(const char *name, const char *what, const char *expected);

/**
 * run_adopted_says, run_unadopted_says - likewise on UDP, with libcop
 * @name: one of tests/e2e/progs, which gets "adopted" and COP_ADOPT=udp; or
 *	"udp", in a process that does not know the variable
 * @what: as there
 * @expected: as there
 */
void run_adopted_says(const char *name, const char *what, const char *expected);
void run_unadopted_says(const char *name, const char *what,
			const char *expected);

/**
 * run_same - run a program on UDP without libcop, on COP with it, and on UDP
 *	that COP_ADOPT puts on COP
 * @name: one of tests/e2e/progs, which gets "udp", "cop" or "adopted" and
 * @what: as its two arguments
 *
 * Fails the current test unless all three say the same, exit with 0 and write
 * nothing to stderr. A program that exits with RUN_SKIP skips the test and says
 * why.
 *
 * All this is done with the program that is built for AF_INET and, if this machine has
 * IPv6, with the one for AF_INET6.
 */
void run_same(const char *name, const char *what);

/**
 * run_same_inet, run_same_inet6, run_same_mapped - run_same() in one family
 * @name: as there
 * @what: as there
 *
 * The first is for scenarios that are about IPv4, the second for those about IPv6. The
 * third runs the program for AF_INET6 with addresses of IPv4.
 */
void run_same_inet(const char *name, const char *what);
void run_same_inet6(const char *name, const char *what);
void run_same_mapped(const char *name, const char *what);

/**
 * run_same_skeleton - run a program on UDP without libcop, and on transports/skeleton
 * @name: as for run_same(); it gets "skeleton"
 * @what: likewise
 * @modules: the directory of the module that was built from it
 *
 * As run_same(), in both families.
 */
void run_same_skeleton(const char *name, const char *what, const char *modules);

/**
 * run_same_carried, run_same_listed_carried - on UDP that transports/skeleton carries
 * @name: as for run_same() and run_same_listed()
 * @what: likewise
 * @modules: the directory of the module
 *
 * COP_TRANSPORT in the environment tells the program whose header there is.
 */
void run_same_carried(const char *name, const char *what, const char *modules);
void run_same_listed_carried(const char *name, const char *what,
			     const char *modules);

/**
 * run_same_without_fault - run_same(), with COP_DEBUG=1 on COP
 * @name: as there
 * @what: as there
 *
 * libcop may write to stderr, but not that a reference is lost.
 */
void run_same_without_fault(const char *name, const char *what);

/**
 * run_same_on_cop - run_same(), but for the UDP that is put on COP
 * @name: as there
 * @what: as there
 *
 * For scenarios in which one side is meant to be plain UDP; the caller says which.
 */
void run_same_on_cop(const char *name, const char *what);

/**
 * run_same_adopted - run_same(), but for the program's own COP sockets, and with
 *	libcop where UDP is to stay as it is
 * @name: as there
 * @what: as there
 *
 * For what UDP's rules allow and COP's do not.
 */
void run_same_adopted(const char *name, const char *what);

/**
 * run_same_adopted_inet - run_same_adopted() in one family
 * @name: as there
 * @what: as there
 *
 * For programs that have sockets of both families anyway.
 */
void run_same_adopted_inet(const char *name, const char *what);

/**
 * run_same_listed - run a program on UDP without libcop, and with a list of ports
 * @name: one of tests/e2e/progs that has listed.h, which gets "udp" or "listed"
 *	and
 * @what: as there
 *
 * It makes the list itself, and looks at what is on the wire.
 */
void run_same_listed(const char *name, const char *what);

/**
 * run_listed_says - run_says(), for a program that has listed.h
 * @name: as there
 * @what: as there
 * @expected: as there
 */
void run_listed_says(const char *name, const char *what, const char *expected);

/**
 * run_expect_no_fault - that a program lost no reference to a socket
 * @res: its outcome, with COP_DEBUG=1 in its environment
 */
void run_expect_no_fault(const struct run_result *res);

/**
 * run_or_skip - run what a test needs
 * @argv: as for run()
 *
 * Skips the current test, and says why, unless it runs and exits with 0.
 */
void run_or_skip(const char *const argv[]);

/**
 * run_build - build a program or a library in a way of the test's own
 * @cc: the compiler
 * @source: a file of tests/e2e/progs
 * @out: the file that is made
 *
 * More arguments of the compiler follow, NULL at the end. Skips the current test
 * where the compiler is not there or can't build it.
 */
void run_build(const char *cc, const char *source, const char *out, ...);

#define RUN_SKIP 77

#endif /* COP_TEST_RUNNER_H */
