/* SPDX-License-Identifier: MIT */
/*
 * harness.h - measuring two ways to do the same work against each other.
 *
 * The two sides take turns in short blocks, A B B A, so that whatever else
 * the machine does hits both alike. Figures are medians over many samples, and
 * the ratio is the median over all rounds of the ratio within a round.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

/* What is measured: @run does its work @n times and is timed as a whole. */
struct bench_op {
	void (*run)(void *arg, unsigned int n);
	void (*before)(void *arg); /* ahead of each sample, untimed; or NULL */
	void (*after)(void *arg);  /* behind each sample, untimed; or NULL */
	void *arg;
	unsigned int n; /* operations in a sample */
};

struct bench_peer;

/* Where it is measured: here, or in a process of its own. */
struct bench_side {
	const struct bench_op *op;
	struct bench_peer *peer; /* NULL: here */
};

/* What was measured; all zero to begin with. */
struct bench_result {
	struct bench_vec {
		double *v;
		size_t n, room;
	} ours, kernel, ratio, diff;
	size_t iterations; /* operations on each side */
};

/* What is to come out; 0: no such goal. */
struct bench_goal {
	double ratio; /* at most so many times the kernel's figure */
	double diff;  /* at most so many ns above it */
	double ns;    /* at most so many ns */
};

/**
 * bench_begin - name the benchmark, pin it to one CPU
 * @name: as in bench_<name>
 *
 * The CPU is the last one that the process may use, or $BENCH_CPU.
 */
void bench_begin(const char *name);

/**
 * bench_preload - run this program once more, with the library loaded
 * @argv: main()'s
 *
 * Returns at once in a program that has it.
 */
void bench_preload(char **argv);

/**
 * bench_lib - the library's absolute path, from $COP_LIB
 *
 * Exits with a message where that is not set.
 */
const char *bench_lib(void);

/**
 * bench_libc - libc's own definition of a symbol, whatever is preloaded
 * @name: the symbol
 */
void *bench_libc(const char *name);

/**
 * bench_die - say why the benchmark can't go on, and end it
 * @what: as for perror()
 */
void bench_die(const char *what) __attribute__((noreturn));

/**
 * bench_title - print the head of a table
 * @title: what its lines have in common
 * @ours: what the first figures are of, as "COP"
 * @kernel: what the second ones are of, as "UDP"; NULL: there are none
 */
void bench_title(const char *title, const char *ours, const char *kernel);

/**
 * bench_rounds - measure
 * @res: where the figures are added
 * @ours: what is measured; a peer's op has to have static storage
 * @kernel: what it is measured against; NULL: nothing
 * @rounds: rounds of four blocks
 * @samples: samples in a block
 */
void bench_rounds(struct bench_result *res, const struct bench_side *ours,
		  const struct bench_side *kernel, unsigned int rounds,
		  unsigned int samples);

/**
 * bench_report - print a line of the table, and free the figures
 * @name: of the line
 * @res: what was measured
 * @goal: what was to come out, or NULL
 *
 * With BENCH_JSON=file it is also appended to that file, as a line of JSON.
 */
void bench_report(const char *name, struct bench_result *res,
		  const struct bench_goal *goal);

/**
 * bench_figure - print a figure that is no time
 * @name: of the line
 * @value: the figure
 * @unit: its unit
 * @limit: what it may be at most; 0: no such goal
 */
void bench_figure(const char *name, double value, const char *unit,
		  double limit);

/**
 * bench_note - print a line of text below a table
 * @fmt: as for printf(), without a newline
 */
void bench_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- processes that measure for this one --------------------------------- */

/**
 * bench_peer_start - run this program in a process of its own
 * @role: what it is to be; arrives as bench_peer_role()
 * @preload: the library to load in it, or NULL
 */
struct bench_peer *bench_peer_start(const char *role, const char *preload);

/**
 * bench_peer_call - have a peer call a function of this program
 * @peer: the peer
 * @fn: the function
 * @arg: its argument
 *
 * Returns what the function returned.
 */
long bench_peer_call(struct bench_peer *peer, long (*fn)(long arg), long arg);

/**
 * bench_peer_stop - end a peer
 * @peer: the peer
 */
void bench_peer_stop(struct bench_peer *peer);

/**
 * bench_peer_role - what this process was started as
 *
 * Returns bench_peer_start()'s @role, or NULL in the process that the user ran.
 */
const char *bench_peer_role(void);

/**
 * bench_peer_serve - in a peer: do what is asked until bench_peer_stop()
 */
void bench_peer_serve(void) __attribute__((noreturn));

#endif /* BENCH_HARNESS_H */
