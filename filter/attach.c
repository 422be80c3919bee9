// SPDX-License-Identifier: MIT
/*
 * filter/attach.c - the classic BPF program on a kernel socket. It begins with a
 * jump over words that are never reached: the mark, which outlives an exec and
 * goes along with the descriptor wherever it is sent. Behind the filter's
 * instructions stand, unreached as well, those that the program itself wrote.
 *
 * Owns: nothing. Protected by: the kernel sets a program in one step. May call:
 * filter/bpf.c and the kernel. Counterpart in the kernel: sk_attach_filter() and
 * sk_get_filter() in net/core/filter.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "filter/bpf.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "filter/attach.h"

#define MARK_MAGIC   0xc0b1f117 /* a COP socket's */
#define MARK_VERSION 1

/* The words of a mark, each the operand of one instruction. */
enum {
	WORD_MAGIC,
	WORD_KIND, /* version, family, type, body; a byte each */
	WORD_SIZE, /* protocol, length of the program's own filter */
	WORD_STATE,
	WORDS = WORD_STATE + COP_MARK_WORDS
};

#define BODY (1 + WORDS) /* behind the jump and what it skips */

/* Enough for any but those with a filter of the program's own. */
#define FEW 32

struct program {
	unsigned int len;
	unsigned int room;
	struct sock_filter *insn; /* few, or a mapping */
	struct sock_filter few[FEW];
};

/*
 * Many are too large for a handler's stack, and malloc() is not for handlers. A
 * few are zeroed, since valgrind takes the kernel's count of them for bytes.
 */
static int program_open(struct program *p, unsigned int room)
{
	*p = (struct program){ .room = room };
	p->insn = p->few;
	if (room <= FEW)
		return 0;
	p->insn = mmap(NULL, room * sizeof(*p->insn), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p->insn == MAP_FAILED ? -ENOMEM : 0;
}

static void program_close(struct program *p)
{
	if (p->insn != p->few && p->insn != MAP_FAILED)
		munmap(p->insn, p->room * sizeof(*p->insn));
}

static uint32_t program_word(const struct program *p, unsigned int i)
{
	return p->insn[1 + i].k;
}

static unsigned int user_len(const struct program *p)
{
	return program_word(p, WORD_SIZE) & 0xffff;
}

static enum cop_body program_body(const struct program *p)
{
	return program_word(p, WORD_KIND) & 0xff;
}

static void put_word(struct program *p, unsigned int i, uint32_t value)
{
	p->insn[1 + i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, value);
}

static void put_mark(struct program *p, const struct cop_mark *mark,
		     enum cop_body body, unsigned int ulen)
{
	p->insn[0] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, WORDS);
	put_word(p, WORD_MAGIC, MARK_MAGIC);
	put_word(p, WORD_KIND,
		 MARK_VERSION << 24 | mark->family << 16 | mark->type << 8 |
			 body);
	put_word(p, WORD_SIZE, (uint32_t)mark->protocol << 16 | ulen);
	for (unsigned int i = 0; i < COP_MARK_WORDS; i++)
		put_word(p, WORD_STATE + i, mark->word[i]);
}

static void get_mark(const struct program *p, struct cop_mark *mark)
{
	uint32_t kind = program_word(p, WORD_KIND);

	mark->family = kind >> 16;
	mark->type = kind >> 8;
	mark->body = program_body(p);
	mark->protocol = program_word(p, WORD_SIZE) >> 16;
	for (unsigned int i = 0; i < COP_MARK_WORDS; i++)
		mark->word[i] = program_word(p, WORD_STATE + i);
}

/* A filter that is as the program has set it may be all there is behind the mark. */
static bool lengths_fit(const struct program *p)
{
	if (program_body(p) == COP_BODY_RAW)
		return user_len(p) <= p->len - BODY;
	return user_len(p) < p->len - BODY &&
	       !user_len(p) == (program_body(p) != COP_BODY_USER);
}

/* Another process may have written anything here. */
static bool has_mark(const struct program *p)
{
	return p->len > BODY && p->insn[0].code == (BPF_JMP | BPF_JA) &&
	       p->insn[0].k == WORDS &&
	       program_word(p, WORD_MAGIC) == MARK_MAGIC &&
	       program_word(p, WORD_KIND) >> 24 == MARK_VERSION &&
	       program_body(p) <= COP_BODY_RAW && lengths_fit(p);
}

static int put_all(struct sock_filter *out)
{
	*out = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	return 1;
}

/*
 * The filter, and the one that it was made from behind it. That one has as much
 * room again, to work with.
 */
static int put_body(struct program *p, enum cop_body body,
		    const struct program *user)
{
	unsigned int ulen = user ? user->len : 0;
	struct sock_filter *out = p->insn + BODY;
	int n;

	if (ulen >= p->room - BODY)
		return -EINVAL;
	if (user)
		n = cop_bpf_shift(user->insn, ulen, out, p->room - BODY - ulen,
				  (uint16_t *)(user->insn + ulen));
	else if (body == COP_BODY_COP)
		n = cop_bpf_strays(out, p->room - BODY);
	else
		n = put_all(out);
	if (n < 0)
		return n;
	if (user)
		memcpy(out + n, user->insn, ulen * sizeof(*out));
	p->len = BODY + n + ulen;
	return 0;
}

/* What put_user() would make of the program's own filter, which stands last. */
static int put_user_again(struct program *again, const struct program *p)
{
	struct program user;
	int err = program_open(&user, 2 * user_len(p));

	if (!err) {
		user.len = user_len(p);
		memcpy(user.insn, p->insn + p->len - user.len,
		       user.len * sizeof(*user.insn));
		err = put_body(again, COP_BODY_USER, &user);
	}
	program_close(&user);
	return err;
}

/* Behind a filter that is as the program has set it nothing is promised. */
static unsigned int sure_len(const struct program *p)
{
	return program_body(p) == COP_BODY_RAW ? BODY : p->len;
}

static bool is_made_again(struct program *again, const struct program *p)
{
	struct cop_mark mark;
	int err;

	get_mark(p, &mark);
	again->len = p->len;
	if (mark.body == COP_BODY_RAW)
		err = 0;
	else if (mark.body == COP_BODY_USER)
		err = put_user_again(again, p);
	else
		err = put_body(again, mark.body, NULL);
	if (err || again->len != p->len)
		return false;
	put_mark(again, &mark, mark.body, user_len(p));
	return !memcmp(again->insn, p->insn, sure_len(p) * sizeof(*p->insn));
}

/*
 * A mark says which filter follows it, and poll() relies on that. So a mark counts
 * only if the whole program is what this library would set, to the last
 * instruction. A change of what filter/bpf.c makes needs a new MARK_VERSION.
 */
static bool is_marked(const struct program *p)
{
	struct program again;
	bool is;

	if (!has_mark(p))
		return false;
	is = !program_open(&again, p->len) && is_made_again(&again, p);
	program_close(&again);
	return is;
}

static int program_set(int fd, struct program *p)
{
	struct sock_fprog prog = { p->len, p->insn };

	return cop_libc_result(cop_libc.setsockopt(
		fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
}

/*
 * What the kernel calls a length is a number of instructions here. Where there is
 * no room it only says how many there are, which is none that were read.
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

/* A filter of the program's own is read back from where the kernel took it. */
static int put_user(struct program *p, int user)
{
	struct program from;
	int err = program_open(&from, 2 * program_len(user));

	if (!err)
		err = program_get(user, &from);
	if (!err)
		err = put_body(p, COP_BODY_USER, &from);
	if (!err)
		err = from.len;
	program_close(&from);
	return err;
}

static int attach(int fd, const struct cop_mark *mark, int user,
		  struct program *p)
{
	int n;

	if (mark->body == COP_BODY_USER)
		n = put_user(p, user);
	else
		n = put_body(p, mark->body, NULL);
	if (n < 0)
		return n;
	put_mark(p, mark, mark->body, n);
	return program_set(fd, p);
}

int cop_program_attach(int fd, const struct cop_mark *mark, int user)
{
	struct program p;
	int err = program_open(&p, mark->body == COP_BODY_USER ? BPF_MAXINSNS
							       : FEW);

	if (!err)
		err = attach(fd, mark, user, &p);
	program_close(&p);
	return err;
}

static int mark_renewed(int fd, const struct cop_mark *mark, struct program *p)
{
	enum cop_body body = COP_BODY_ALL;
	unsigned int ulen = 0;
	int err = program_get(fd, p);

	if (err)
		return err;
	if (!p->len) {
		put_body(p, body, NULL);
	} else if (is_marked(p)) {
		body = program_body(p);
		ulen = user_len(p);
	} else {
		return -EBUSY;
	}
	put_mark(p, mark, body, ulen);
	return program_set(fd, p);
}

int cop_program_mark(int fd, const struct cop_mark *mark)
{
	unsigned int len = program_len(fd);
	struct program p;
	int err = program_open(&p, len > FEW ? len : FEW);

	if (!err)
		err = mark_renewed(fd, mark, &p);
	program_close(&p);
	return err;
}

/* Where there is no filter, one stands in that lets everything in. */
static int wrap(int fd, const struct cop_mark *mark, struct program *p)
{
	int err = program_get(fd, p);

	if (err)
		return err;
	if (is_marked(p))
		return program_body(p) == COP_BODY_RAW ? 0 : -EBUSY;
	if (p->len > p->room - BODY)
		return -EINVAL;
	memmove(p->insn + BODY, p->insn, p->len * sizeof(*p->insn));
	put_mark(p, mark, COP_BODY_RAW, p->len);
	p->len += BODY;
	if (p->len == BODY)
		p->len += put_all(p->insn + BODY);
	return program_set(fd, p);
}

int cop_program_wrap(int fd, const struct cop_mark *mark)
{
	struct program p;
	int err = program_open(&p, program_len(fd) + BODY + 1);

	if (!err)
		err = wrap(fd, mark, &p);
	program_close(&p);
	return err;
}

static int unwrap(int fd, struct program *p)
{
	int err = program_get(fd, p);
	int none = 0;

	if (err || !is_marked(p) || program_body(p) != COP_BODY_RAW)
		return err;
	p->len = user_len(p);
	if (!p->len)
		return cop_libc_result(cop_libc.setsockopt(
			fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)));
	memmove(p->insn, p->insn + BODY, p->len * sizeof(*p->insn));
	return program_set(fd, p);
}

int cop_program_unwrap(int fd)
{
	struct program p;
	int err = program_open(&p, program_len(fd));

	if (!err)
		err = unwrap(fd, &p);
	program_close(&p);
	return err;
}

int cop_program_read(int fd, struct cop_mark *mark)
{
	unsigned int len = program_len(fd);
	struct program p;
	int err = -ENOENT;

	if (likely(len <= BODY))
		return err;
	if (!program_open(&p, len) && !program_get(fd, &p) && is_marked(&p)) {
		get_mark(&p, mark);
		err = 0;
	}
	program_close(&p);
	return err;
}

/* Without room the length is all that is wanted. */
static int get_user(const struct program *p, struct sock_filter *insn,
		    unsigned int room)
{
	unsigned int n = user_len(p);

	if (!room || !n)
		return n;
	if (room < n)
		return -EINVAL;
	memcpy(insn, p->insn + p->len - n, n * sizeof(*insn));
	return n;
}

int cop_program_user(int fd, struct sock_filter *insn, unsigned int len)
{
	struct program p;
	int err = program_open(&p, program_len(fd));

	if (!err)
		err = program_get(fd, &p);
	if (!err && is_marked(&p))
		err = get_user(&p, insn, len);
	program_close(&p);
	return err;
}
