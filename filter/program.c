// SPDX-License-Identifier: MIT
/*
 * filter/program.c - the instructions of the BPF program that the library puts on a
 * kernel socket. It begins with a jump over the mark: words that are never executed.
 * The filter follows. If the library made the filter from the program's own, the
 * program's own follows as it was, and is never executed either.
 *
 * Owns: nothing. Protected by: each struct program is its caller's. Counterpart in
 * the kernel: struct bpf_prog, with its orig_prog.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "filter/bpf.h"
#include "filter/program.h"
#include "lib/compiler.h"

#define MARK_MAGIC   0xc0b1f117 /* a COP socket's */
#define MARK_VERSION 3

/*
 * A signal handler may call this. Its stack may be too small for many instructions,
 * and it may not call malloc(), so they get a mapping. The few on the stack are
 * zeroed, because valgrind takes the number of instructions that the kernel writes
 * for a number of bytes.
 */
int program_open(struct program *p, unsigned int room)
{
	*p = (struct program){ .room = room };
	p->insn = p->few;
	if (room <= FEW)
		return 0;
	p->insn = mmap(NULL, room * sizeof(*p->insn), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p->insn == MAP_FAILED ? -ENOMEM : 0;
}

void program_close(struct program *p)
{
	if (p->insn != p->few && p->insn != MAP_FAILED)
		munmap(p->insn, p->room * sizeof(*p->insn));
}

static uint32_t program_word(const struct program *p, unsigned int i)
{
	return p->insn[1 + i].k;
}

unsigned int program_user_len(const struct program *p)
{
	return program_word(p, WORD_SIZE) & 0xffff;
}

enum cop_body program_body(const struct program *p)
{
	return program_word(p, WORD_KIND) & 0xff;
}

static void put_word(struct program *p, unsigned int i, uint32_t value)
{
	p->insn[1 + i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, value);
}

void program_put_mark(struct program *p, const struct cop_mark *mark,
		      enum cop_body body, unsigned int ulen)
{
	p->insn[0] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, WORDS);
	put_word(p, WORD_MAGIC, MARK_MAGIC);
	put_word(p, WORD_KIND,
		 MARK_VERSION << 24 | mark->family << 16 | mark->type << 8 |
			 body);
	put_word(p, WORD_SIZE, (uint32_t)mark->protocol << 16 | ulen);
	put_word(p, WORD_CARRIER,
		 (uint32_t)mark->carrier_type << 16 | mark->carrier_protocol);
	for (unsigned int i = 0; i < COP_MARK_WORDS; i++)
		put_word(p, WORD_STATE + i, mark->word[i]);
}

void program_get_mark(const struct program *p, struct cop_mark *mark)
{
	uint32_t kind = program_word(p, WORD_KIND);

	mark->family = kind >> 16;
	mark->type = kind >> 8;
	mark->body = program_body(p);
	mark->protocol = program_word(p, WORD_SIZE) >> 16;
	mark->carrier_type = program_word(p, WORD_CARRIER) >> 16;
	mark->carrier_protocol = program_word(p, WORD_CARRIER);
	for (unsigned int i = 0; i < COP_MARK_WORDS; i++)
		mark->word[i] = program_word(p, WORD_STATE + i);
}

/* COP_BODY_RAW: the program's own filter is all that follows the mark. */
static bool lengths_fit(const struct program *p)
{
	if (program_body(p) == COP_BODY_RAW)
		return program_user_len(p) <= p->len - BODY;
	return program_user_len(p) < p->len - BODY &&
	       !program_user_len(p) == (program_body(p) != COP_BODY_USER);
}

/* Another process may have written these instructions, so every field is checked. */
bool program_claims_mark(const struct program *p)
{
	return p->len > BODY && p->insn[0].code == (BPF_JMP | BPF_JA) &&
	       p->insn[0].k == WORDS &&
	       program_word(p, WORD_MAGIC) == MARK_MAGIC &&
	       program_word(p, WORD_KIND) >> 24 == MARK_VERSION &&
	       program_word(p, WORD_CARRIER) >> 24 == 0 &&
	       program_body(p) <= COP_BODY_RAW && lengths_fit(p);
}

int program_put_all(struct sock_filter *out)
{
	*out = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	return 1;
}

/*
 * Writes the filter, and behind it the program's own filter, from which it was made.
 * @user has room for twice its length: cop_bpf_shift() works in the second half.
 */
int program_put_body(const struct cop_wire *wire, struct program *p,
		     enum cop_body body, const struct program *user)
{
	unsigned int ulen = user ? user->len : 0;
	struct sock_filter *out = p->insn + BODY;
	int n;

	if (ulen >= p->room - BODY)
		return -EINVAL;
	if (user)
		n = cop_bpf_shift(wire, user->insn, ulen, out,
				  p->room - BODY - ulen,
				  (uint16_t *)(user->insn + ulen));
	else if (body == COP_BODY_COP)
		n = cop_bpf_strays(wire, out, p->room - BODY);
	else
		n = program_put_all(out);
	if (n < 0)
		return n;
	if (user)
		memcpy(out + n, user->insn, ulen * sizeof(*out));
	p->len = BODY + n + ulen;
	return 0;
}

/* Makes the filter again from the program's own filter, which comes last in @p. */
static int put_user_again(const struct cop_wire *wire, struct program *again,
			  const struct program *p)
{
	struct program user;
	int err = program_open(&user, 2 * program_user_len(p));

	if (!err) {
		user.len = program_user_len(p);
		memcpy(user.insn, p->insn + p->len - user.len,
		       user.len * sizeof(*user.insn));
		err = program_put_body(wire, again, COP_BODY_USER, &user);
	}
	program_close(&user);
	return err;
}

/* How many instructions the library has made itself: not those of COP_BODY_RAW. */
static unsigned int sure_len(const struct program *p)
{
	return program_body(p) == COP_BODY_RAW ? BODY : p->len;
}

static bool is_made_again(const struct cop_wire *wire, struct program *again,
			  const struct program *p)
{
	struct cop_mark mark;
	int err;

	program_get_mark(p, &mark);
	again->len = p->len;
	if (mark.body == COP_BODY_RAW)
		err = 0;
	else if (mark.body == COP_BODY_USER)
		err = put_user_again(wire, again, p);
	else
		err = program_put_body(wire, again, mark.body, NULL);
	if (err || again->len != p->len)
		return false;
	program_put_mark(again, &mark, mark.body, program_user_len(p));
	return !memcmp(again->insn, p->insn, sure_len(p) * sizeof(*p->insn));
}

/*
 * A mark says which filter follows it, and poll() relies on that. So a mark counts
 * only if each instruction of the program is the one that the library would set. If
 * cop_bpf_shift() or cop_bpf_strays() changes its result, MARK_VERSION has to change.
 */
bool program_is_marked(const struct cop_wire *wire, const struct program *p)
{
	struct program again;
	bool is;

	if (!program_claims_mark(p))
		return false;
	is = !program_open(&again, p->len) && is_made_again(wire, &again, p);
	program_close(&again);
	return is;
}
