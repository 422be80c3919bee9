/* SPDX-License-Identifier: MIT */
/*
 * program.h - the instructions of the BPF program on a kernel socket, for attach.c.
 */
#ifndef COP_PROGRAM_H
#define COP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "filter/attach.h"

/* The words of a mark, each the operand of one instruction. */
enum {
	WORD_MAGIC,
	WORD_KIND,    /* version, family, type, body; a byte each */
	WORD_SIZE,    /* protocol, length of the program's own filter */
	WORD_CARRIER, /* the carrier's type, its protocol */
	WORD_STATE,
	WORDS = WORD_STATE + COP_MARK_WORDS
};

#define BODY \
	(1 + WORDS) /* where the filter begins: behind the jump and the mark */

/* Enough for any program without a filter of the program's own. */
#define FEW 32

struct program {
	unsigned int len;
	unsigned int room;
	struct sock_filter *insn; /* few, or a mapping */
	struct sock_filter few[FEW];
};

/**
 * program_open, program_close - get and give back memory for instructions
 * @p: filled in; the caller calls program_close() also if program_open() failed
 * @room: how many instructions
 *
 * program_open() returns 0 or -ENOMEM. Async-signal-safe.
 */
int program_open(struct program *p, unsigned int room);
void program_close(struct program *p);

/**
 * program_put_mark, program_get_mark - write the jump and the mark; read the mark
 * @p: the program; has room for BODY instructions
 * @mark: what the socket is
 * @body: which filter follows; @mark->body is ignored
 * @ulen: the length of the program's own filter
 */
void program_put_mark(struct program *p, const struct cop_mark *mark,
		      enum cop_body body, unsigned int ulen);
void program_get_mark(const struct program *p, struct cop_mark *mark);

/**
 * program_put_body - write the filter behind the mark, and set the length
 * @wire: the transport's header
 * @p: the program
 * @body: which filter, if @user is NULL
 * @user: the program's own filter, to be moved behind that header; its memory
 *	has room for twice its length
 *
 * Returns 0, or -EINVAL if @p has no room or the filter can't be moved.
 */
int program_put_body(const struct cop_wire *wire, struct program *p,
		     enum cop_body body, const struct program *user);

/**
 * program_put_all - write the filter that lets everything in
 * @out: where to
 *
 * Returns the number of instructions.
 */
int program_put_all(struct sock_filter *out);

/**
 * program_user_len, program_body - what a mark says of the filter
 * @p: a program for which program_is_marked() is true
 */
unsigned int program_user_len(const struct program *p);
enum cop_body program_body(const struct program *p);

/**
 * program_claims_mark - whether a program has the form of one with a mark
 * @p: the program; another process may have written it
 *
 * Says nothing of the filter behind the mark.
 */
bool program_claims_mark(const struct program *p);

/**
 * program_is_marked - whether this library has made the program
 * @wire: the header of the transport that the mark is for; not used for COP_BODY_RAW
 * @p: the program; another process may have written it
 *
 * True only if the whole program, to the last instruction, is what this library
 * makes for the mark.
 */
bool program_is_marked(const struct cop_wire *wire, const struct program *p);

#endif /* COP_PROGRAM_H */
