/* SPDX-License-Identifier: MIT */
/*
 * harness.h - compares two ways to do the same work.
 *
 * The two sides take turns in short blocks, A B B A, so that other work of the
 * machine disturbs both alike. Figures are medians over many samples. The ratio
 * is the median of the ratios of all rounds.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* An operation to measure: one call of @run does the work @n times. */
struct bench_op {
	void (*run)(void *arg, unsigned int n);
	void (*before)(void *arg); /* before each sample, untimed; or NULL */
	void (*after)(void *arg);  /* after each sample, untimed; or NULL */
	void *arg;
	unsigned int n; /* operations in a sample */
};

struct bench_peer;

/* One side of a comparison: an operation here, or in a peer. */
struct bench_side {
	const struct bench_op *op;
	struct bench_peer *peer; /* NULL: here */
};

/* The results; all zero at the start. */
struct bench_result {
	struct bench_vec {
		double *v;
		size_t n, room;
	} ours, kernel, ratio, diff;
	size_t iterations; /* operations on each side */
};

/* The goal of a line; 0: no such goal. */
struct bench_goal {
	double ratio; /* the largest ratio to the kernel's figure */
	double diff;  /* the most ns above the kernel's figure */
	double ns;    /* the most ns */
};

/* ---- families ------------------------------------------------------------------ */

/* The variants that a benchmark of sockets runs with. */
struct bench_family {
	int family;	  /* AF_INET or AF_INET6 */
	const char *name; /* "IPv4" */
	const char *udp;  /* the kernel's: "UDP" or "UDPv6" */
};

#define BENCH_FAMILIES 2
extern const struct bench_family bench_families[BENCH_FAMILIES];

/* An address of either family. */
struct bench_end {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

/**
 * bench_has - whether the machine has a family, and BENCH_FAMILY does not forbid it
 * @family: the family; BENCH_FAMILY=IPv6 runs that one only
 */
bool bench_has(const struct bench_family *family);

/**
 * bench_any, bench_loopback - an address
 * @end: where it is put
 * @family: AF_INET or AF_INET6
 * @port: host order
 */
void bench_any(struct bench_end *end, int family, int port);
void bench_loopback(struct bench_end *end, int family, int port);

/**
 * bench_each_family - run something with each family that bench_has()
 * @run: it
 */
void bench_each_family(void (*run)(const struct bench_family *family));

/**
 * bench_bound - a socket that is bound to a port of the loopback address
 * @family: AF_INET or AF_INET6
 * @type: as for socket()
 * @protocol: likewise
 * @end: where its name is put
 *
 * Exits with a message if it can't be had.
 */
int bench_bound(int family, int type, int protocol, struct bench_end *end);

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
 * Returns at once if the program has the library already.
 */
void bench_preload(char **argv);

/**
 * bench_lib - the library's absolute path, from $COP_LIB
 *
 * Exits with a message if $COP_LIB is not set.
 */
const char *bench_lib(void);

/**
 * bench_libc - libc's own definition of a symbol, past all preloaded libraries
 * @name: the symbol
 */
void *bench_libc(const char *name);

/**
 * bench_die - print why the benchmark can't go on, and exit
 * @what: as for perror()
 */
void bench_die(const char *what) __attribute__((noreturn));

/* The result of a call on a datagram. Inline, since it is measured with the call. */
static inline void bench_expect(long got, long wanted)
{
	if (got != wanted)
		bench_die("a datagram was not sent or received whole");
}

#define BENCH_PAYLOAD_MAX 1400

/* Two sockets of one kind, and the calls for them: one sends to the other. */
struct bench_pair {
	ssize_t (*sendto)(int fd, const void *buf, size_t len, int flags,
			  const struct sockaddr *addr, socklen_t alen);
	ssize_t (*recvfrom)(int fd, void *buf, size_t len, int flags,
			    struct sockaddr *addr, socklen_t *alen);
	int tx, rx;
	struct bench_end to; /* @rx's address */
	size_t len;	     /* bytes of payload, BENCH_PAYLOAD_MAX at most */
};

/**
 * bench_sendto - send datagrams with a destination, and receive each with its sender
 * @pair: a struct bench_pair, or what begins with one
 * @n: how many
 */
void bench_sendto(void *pair, unsigned int n);

/**
 * bench_title - print the head of a table
 * @title: the table's title
 * @ours: heading of the first column, as "COP"
 * @kernel: heading of the second column, as "UDP"; NULL: there is none
 */
void bench_title(const char *title, const char *ours, const char *kernel);

/**
 * bench_rounds - measure both sides
 * @res: the results are added here
 * @ours: the first side; a peer's op must have static storage
 * @kernel: the side to compare with; NULL: none
 * @rounds: how many rounds of four blocks
 * @samples: how many samples in a block
 */
void bench_rounds(struct bench_result *res, const struct bench_side *ours,
		  const struct bench_side *kernel, unsigned int rounds,
		  unsigned int samples);

/**
 * bench_report - print a line of the table, and free the figures
 * @name: the line's name
 * @res: the results
 * @goal: the goal, or NULL
 *
 * With BENCH_JSON=FILE, also appends the line to FILE as JSON.
 */
void bench_report(const char *name, struct bench_result *res,
		  const struct bench_goal *goal);

/**
 * bench_figure - print a figure that is no time
 * @name: the line's name
 * @value: the figure
 * @unit: its unit
 * @limit: the most that it may be; 0: no such goal
 */
void bench_figure(const char *name, double value, const char *unit,
		  double limit);

/**
 * bench_note - print a line of text below a table
 * @fmt: as for printf(), without a newline
 */
void bench_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- peers --------------------------------------------------------------- */

/**
 * bench_peer_start - run this program in a process of its own
 * @role: its role; the peer gets it from bench_peer_role()
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
 * bench_peer_role - the role of this process
 *
 * Returns bench_peer_start()'s @role, or NULL in the process that the user
 * started.
 */
const char *bench_peer_role(void);

/**
 * bench_peer_serve - in a peer: serve requests until bench_peer_stop()
 */
void bench_peer_serve(void) __attribute__((noreturn));

#endif /* BENCH_HARNESS_H */
