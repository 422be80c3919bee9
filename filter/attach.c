// SPDX-License-Identifier: MIT
/*
 * filter/attach.c - sets, reads and takes away the BPF program on a kernel socket.
 * The mark in it outlives an exec, and goes wherever the descriptor is sent.
 *
 * Owns: nothing. Protected by: the kernel sets a program in one step. Counterpart in
 * the kernel: sk_attach_filter() and sk_get_filter() in net/core/filter.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "filter/attach.h"
#include "filter/program.h"
#include "lib/compiler.h"
#include "lib/libc.h"

static int program_set(int fd, struct program *p)
{
	struct sock_fprog prog = { p->len, p->insn };

	return cop_libc_result(cop_libc.setsockopt(
		fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
}

/*
 * The kernel's length is a number of instructions here. If there is no room for
 * them, the kernel returns the number and reads none.
 */
static int program_get(int fd, struct program *p)
{
	socklen_t len = p->room;
	int err = cop_libc_result(cop_libc.getsockopt(
		fd, SOL_SOCKET, SO_GET_FILTER, p->insn, &len));

	p->len = err || len > p->room ? 0 : len;
	return err;
}

static unsigned int program_len(int fd)
{
	socklen_t len = 0;

	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len))
		return 0;
	return len;
}

/* Room that suffices at once for a program that the library has made without a user's. */
static unsigned int room_for(unsigned int len)
{
	return len > FEW ? len : FEW;
}

#define FETCH_TRIES 8

/*
 * Opens @p with the program of @fd, of @len instructions, and room for @spare more.
 * Another process may set a longer one between the question for the length and the one for
 * the program: then the kernel returns EINVAL, and the library asks for the length again.
 * Returns what program_get() does. The caller closes @p in every case.
 */
static int program_fetch(int fd, unsigned int len, unsigned int spare,
			 struct program *p)
{
	int tries = FETCH_TRIES, err;

	for (;;) {
		err = program_open(p, room_for(len + spare));
		if (err)
			return err;
		err = program_get(fd, p);
		if (likely(err != -EINVAL) || !--tries)
			return err;
		program_close(p);
		len = program_len(fd);
	}
}

/* Reads the program's own filter back from the socket that has accepted it. */
static int put_user(const struct cop_wire *wire, struct program *p, int user)
{
	struct program from;
	int err = program_open(&from, 2 * program_len(user));

	if (!err) /* nobody else has that socket */
		err = program_get(user, &from);
	if (!err)
		err = program_put_body(wire, p, COP_BODY_USER, &from);
	if (!err)
		err = from.len;
	program_close(&from);
	return err;
}

static int attach(const struct cop_wire *wire, int fd,
		  const struct cop_mark *mark, int user, struct program *p)
{
	int n;

	if (mark->body == COP_BODY_USER)
		n = put_user(wire, p, user);
	else
		n = program_put_body(wire, p, mark->body, NULL);
	if (n < 0)
		return n;
	program_put_mark(p, mark, mark->body, n);
	return program_set(fd, p);
}

int cop_program_attach(const struct cop_wire *wire, int fd,
		       const struct cop_mark *mark, int user)
{
	struct program p;
	int err = program_open(&p, mark->body == COP_BODY_USER ? BPF_MAXINSNS
							       : FEW);

	if (!err)
		err = attach(wire, fd, mark, user, &p);
	program_close(&p);
	return err;
}

static int mark_renewed(const struct cop_wire *wire, int fd,
			const struct cop_mark *mark, struct program *p)
{
	enum cop_body body = COP_BODY_ALL;
	unsigned int ulen = 0;

	if (!p->len) {
		p->len = BODY + program_put_all(p->insn + BODY);
	} else if (program_is_marked(wire, p)) {
		body = program_body(p);
		ulen = program_user_len(p);
	} else {
		return -EBUSY;
	}
	program_put_mark(p, mark, body, ulen);
	return program_set(fd, p);
}

int cop_program_mark(const struct cop_wire *wire, int fd,
		     const struct cop_mark *mark)
{
	struct program p;
	int err = program_fetch(fd, program_len(fd), 0, &p);

	if (!err)
		err = mark_renewed(wire, fd, mark, &p);
	program_close(&p);
	return err;
}

/* If there is no filter, this puts one that lets everything in. */
static int wrap(const struct cop_wire *wire, int fd,
		const struct cop_mark *mark, struct program *p)
{
	if (program_is_marked(wire, p))
		return program_body(p) == COP_BODY_RAW ? 0 : -EBUSY;
	if (p->len > p->room - BODY)
		return -EINVAL;
	memmove(p->insn + BODY, p->insn, p->len * sizeof(*p->insn));
	program_put_mark(p, mark, COP_BODY_RAW, p->len);
	p->len += BODY;
	if (p->len == BODY)
		p->len += program_put_all(p->insn + BODY);
	return program_set(fd, p);
}

int cop_program_wrap(const struct cop_wire *wire, int fd,
		     const struct cop_mark *mark)
{
	struct program p;
	int err = program_fetch(fd, program_len(fd), BODY + 1, &p);

	if (!err)
		err = wrap(wire, fd, mark, &p);
	program_close(&p);
	return err;
}

static int unwrap(int fd, struct program *p)
{
	int none = 0;

	if (!program_claims_mark(p) || program_body(p) != COP_BODY_RAW ||
	    !program_is_marked(NULL, p))
		return 0;
	p->len = program_user_len(p);
	if (!p->len)
		return cop_libc_result(cop_libc.setsockopt(
			fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)));
	memmove(p->insn, p->insn + BODY, p->len * sizeof(*p->insn));
	return program_set(fd, p);
}

int cop_program_unwrap(int fd)
{
	struct program p;
	int err = program_fetch(fd, program_len(fd), 0, &p);

	if (!err)
		err = unwrap(fd, &p);
	program_close(&p);
	return err;
}

/* @wire is NULL if the mark's transport is not known yet. */
static int read_mark(const struct cop_wire *wire, int fd, struct cop_mark *mark)
{
	unsigned int len = program_len(fd);
	struct program p;
	int err = -ENOENT;

	if (likely(len <= BODY))
		return err;
	if (!program_fetch(fd, len, 0, &p) &&
	    (wire ? program_is_marked(wire, &p) : program_claims_mark(&p))) {
		program_get_mark(&p, mark);
		err = 0;
	}
	program_close(&p);
	return err;
}

int cop_program_claim(int fd, struct cop_mark *mark)
{
	return read_mark(NULL, fd, mark);
}

int cop_program_read(const struct cop_wire *wire, int fd, struct cop_mark *mark)
{
	return read_mark(wire, fd, mark);
}

/* With no room the caller only asks for the length. */
static int get_user(const struct program *p, struct sock_filter *insn,
		    unsigned int room)
{
	unsigned int n = program_user_len(p);

	if (!room || !n)
		return n;
	if (room < n)
		return -EINVAL;
	memcpy(insn, p->insn + p->len - n, n * sizeof(*insn));
	return n;
}

int cop_program_user(const struct cop_wire *wire, int fd,
		     struct sock_filter *insn, unsigned int len)
{
	struct program p;
	int err = program_fetch(fd, program_len(fd), 0, &p);

	if (!err && program_is_marked(wire, &p))
		err = get_user(&p, insn, len);
	program_close(&p);
	return err;
}
