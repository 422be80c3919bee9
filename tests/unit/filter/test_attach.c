// SPDX-License-Identifier: MIT
/*
 * test_attach.c - filter/attach.c: the BPF program on a kernel socket, and its mark.
 */
#include <linux/filter.h>

#include "lib/libc.h"
#include "filter/attach.h"
#include "unit/helpers.h"

static const struct cop_mark mark = {
	.family = PF_INET,
	.type = SOCK_COP,
	.protocol = IPPROTO_COP,
	.word = { 1, 0xffffffff, 0x80000000, 42 },
};

static struct cop_mark with_body(enum cop_body body)
{
	struct cop_mark m = mark;

	m.body = body;
	return m;
}

static void assert_mark(int fd, enum cop_body body)
{
	struct cop_mark is = { 0 }, should = with_body(body);

	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &is)));
	cr_assert(eq(u8, is.family, should.family));
	cr_assert(eq(u8, is.type, should.type));
	cr_assert(eq(u16, is.protocol, should.protocol));
	cr_assert(eq(int, is.body, should.body));
	for (int i = 0; i < COP_MARK_WORDS; i++)
		cr_assert(eq(u32, is.word[i], should.word[i]));
}

/* Whether a datagram gets through to @to. */
static bool gets_through(int to, const void *data, size_t len)
{
	int from = t_udp();
	struct sockaddr_in addr = t_addr(LOOPBACK, t_port(to));
	char buf[64];
	bool came;

	cr_assert(eq(sz,
		     sendto(from, data, len, 0, (struct sockaddr *)&addr,
			    sizeof(addr)),
		     len));
	came = recv(to, buf, sizeof(buf), MSG_DONTWAIT) >= 0;
	close(from);
	return came;
}

static const unsigned char cop[] = { 0xc0, 0xb1, 0x14, 0, 0, 0, 0, 0,	0,
				     0,	   0,	 0,    0, 0, 0, 0, 'h', 'i' };

/* A filter that takes payloads that begin with this letter. */
static int letter_filter(char letter)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, letter, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	int fd = t_udp();

	cr_assert(zero(int, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
				       sizeof(prog))));
	return fd;
}

Test(cop_attach, a_socket_without_a_program_has_no_mark)
{
	struct cop_mark m;

	cr_assert(eq(int, cop_program_read(&cop_wire, t_udp(), &m), -ENOENT));
	cr_assert(eq(int, cop_program_read(&cop_wire, STDIN_FILENO, &m),
		     -ENOENT));
	cr_assert(eq(int, cop_program_read(&cop_wire, -1, &m), -ENOENT));
}

Test(cop_attach, a_foreign_program_is_no_mark)
{
	int fd = letter_filter('x');
	struct cop_mark m;

	cr_assert(eq(int, cop_program_read(&cop_wire, fd, &m), -ENOENT));
	cr_assert(eq(int, cop_program_mark(&cop_wire, fd, &mark), -EBUSY));
}

Test(cop_attach, a_mark_alone_keeps_nothing_out)
{
	int fd = t_udp();

	cr_assert(zero(int, cop_program_mark(&cop_wire, fd, &mark)));
	assert_mark(fd, COP_BODY_ALL);
	cr_assert(gets_through(fd, "stray", 5));
	cr_assert(gets_through(fd, cop, sizeof(cop)));
	cr_assert(zero(int, cop_program_user(&cop_wire, fd, NULL, 0)));
}

Test(cop_attach,
     the_stray_filter_comes_with_a_mark_and_stays_when_it_is_renewed)
{
	struct cop_mark m = with_body(COP_BODY_COP);
	int fd = t_udp();

	cr_assert(zero(int, cop_program_attach(&cop_wire, fd, &m, -1)));
	for (int i = 0; i < 2; i++) {
		assert_mark(fd, COP_BODY_COP);
		cr_assert(not(gets_through(fd, "stray", 5)));
		cr_assert(gets_through(fd, cop, sizeof(cop)));
		cr_assert(zero(int, cop_program_mark(&cop_wire, fd, &mark)));
	}
}

Test(cop_attach, the_programs_filter_is_moved_and_read_back_as_it_was)
{
	struct cop_mark m = with_body(COP_BODY_USER);
	struct sock_filter insn[4];
	int fd = t_udp();

	cr_assert(zero(int, cop_program_attach(&cop_wire, fd, &m,
					       letter_filter('h'))));
	for (int i = 0; i < 2; i++) {
		assert_mark(fd, COP_BODY_USER);
		cr_assert(gets_through(fd, cop, sizeof(cop)));
		cr_assert(not(gets_through(fd, "h", 1)));
		cr_assert(eq(int, cop_program_user(&cop_wire, fd, NULL, 0), 4));
		cr_assert(eq(int, cop_program_user(&cop_wire, fd, insn, 3),
			     -EINVAL));
		cr_assert(eq(int, cop_program_user(&cop_wire, fd, insn, 4), 4));
		cr_assert(eq(u32, insn[0].k, 8));
		cr_assert(eq(u32, insn[1].k, 'h'));
		cr_assert(zero(int, cop_program_mark(&cop_wire, fd, &mark)));
	}
	cr_assert(zero(int, cop_program_attach(&cop_wire, fd, &m,
					       letter_filter('x'))));
	cr_assert(not(gets_through(fd, cop, sizeof(cop))));
}

/* ---- another process sets a longer filter --------------------------------------- */

static int (*next_getsockopt)(int, int, int, void *, socklen_t *);
static int longer_len, questions, changes_left;

/* A filter of the program's, of @len instructions. */
static void set_longer(int fd, int len)
{
	struct sock_filter code[200];
	struct sock_fprog prog = { len, code };
	struct cop_mark m = with_body(COP_BODY_USER);
	int user = t_udp();

	for (int i = 0; i < len; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, i);
	code[len - 1] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	cr_assert(zero(int, setsockopt(user, SOL_SOCKET, SO_ATTACH_FILTER,
				       &prog, sizeof(prog))));
	cr_assert(zero(int, cop_program_attach(&cop_wire, fd, &m, user)));
	close(user);
}

/* Behind the question for the length the filter becomes longer. */
static int getsockopt_beside(int fd, int level, int name, void *val,
			     socklen_t *len)
{
	bool asks = name == SO_GET_FILTER && !*len;
	int ret = next_getsockopt(fd, level, name, val, len);

	questions += name == SO_GET_FILTER;
	if (asks && changes_left) {
		changes_left--;
		cop_libc.getsockopt = next_getsockopt;
		set_longer(fd, longer_len += 15);
		cop_libc.getsockopt = getsockopt_beside;
	}
	return ret;
}

static int beside(int changes)
{
	int fd = t_udp();

	longer_len = 0;
	set_longer(fd, longer_len += 15);
	questions = 0;
	changes_left = changes;
	if (cop_libc.getsockopt != getsockopt_beside)
		next_getsockopt = cop_libc.getsockopt;
	cop_libc.getsockopt = getsockopt_beside;
	return fd;
}

Test(cop_attach, a_filter_that_becomes_longer_while_it_is_read_is_read)
{
	struct sock_filter code[60];

	assert_mark(beside(3), COP_BODY_USER);
	cr_assert(eq(int,
		     cop_program_user(&cop_wire, beside(3), code,
				      ARRAY_SIZE(code)),
		     60));
	cr_assert(zero(int, cop_program_mark(&cop_wire, beside(3), &mark)));
}

/* Another process may do so without end. */
Test(cop_attach, a_filter_that_becomes_longer_each_time_ends_the_attempts)
{
	struct cop_mark m;

	cr_assert(eq(int, cop_program_read(&cop_wire, beside(1000), &m),
		     -ENOENT));
	cr_assert(le(int, questions, 20));
}

Test(cop_attach, a_locked_filter_cannot_be_marked)
{
	int fd = t_udp();
	int one = 1;

	cr_assert(zero(int, setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one,
				       sizeof(one))));
	cr_assert(eq(int, cop_program_mark(&cop_wire, fd, &mark), -EPERM));
}

/* The program on @fd with one instruction changed. */
static void change_insn(int fd, unsigned int i, struct sock_filter insn)
{
	struct sock_filter code[64];
	socklen_t len = ARRAY_SIZE(code);
	struct sock_fprog prog = { 0, code };

	cr_assert(zero(int,
		       getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &len)));
	cr_assert(lt(uint, i, len));
	prog.len = len;
	code[i] = insn;
	cr_assert(zero(int, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
				       sizeof(prog))));
}

static int marked(enum cop_body body)
{
	struct cop_mark m = with_body(body);
	int user = body == COP_BODY_USER ? letter_filter('h') : -1;
	int fd = t_udp();

	cr_assert(zero(int, cop_program_attach(&cop_wire, fd, &m, user)));
	assert_mark(fd, body);
	return fd;
}

/* Else poll() would rely on a filter that lets strays in. */
Test(cop_attach, a_mark_does_not_count_if_its_filter_was_replaced)
{
	const struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	const unsigned int first = 1 + 4 + 1 + COP_MARK_WORDS;
	struct cop_mark m;

	for (int body = COP_BODY_COP; body <= COP_BODY_USER; body++) {
		int fd = marked(body);

		change_insn(fd, first, all);
		cr_assert(
			eq(int, cop_program_read(&cop_wire, fd, &m), -ENOENT));
		cr_assert(zero(int, cop_program_user(&cop_wire, fd, NULL, 0)));
		cr_assert(eq(int, cop_program_mark(&cop_wire, fd, &mark),
			     -EBUSY));
	}
}

Test(cop_attach, a_mark_does_not_count_if_it_names_another_filter)
{
	const uint32_t kind = 3u << 24 | PF_INET << 16 | SOCK_COP << 8;
	struct cop_mark m;

	for (int is = COP_BODY_ALL; is <= COP_BODY_USER; is++) {
		for (int says = 0; says <= 255; says++) {
			const struct sock_filter word =
				BPF_STMT(BPF_LD | BPF_IMM, kind | says);
			int fd = marked(is);

			change_insn(fd, 2, word);
			/* Of COP_BODY_RAW a reader expects nothing. */
			cr_assert(eq(int, !cop_program_read(&cop_wire, fd, &m),
				     is == says || says == COP_BODY_RAW),
				  "%d for %d", says, is);
			close(fd);
		}
	}
}

/* Whoever can set a filter can write anything there. */
Test(cop_attach, a_forged_mark_is_read_within_its_bounds)
{
	struct sock_filter code[64];
	socklen_t len = ARRAY_SIZE(code);
	struct sock_fprog prog;
	struct cop_mark m;
	int fd = t_udp();

	cr_assert(zero(int, cop_program_mark(&cop_wire, fd, &mark)));
	cr_assert(zero(int,
		       getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &len)));
	for (unsigned int i = 1; i + 1 < len; i++) {
		struct sock_filter was = code[i];

		code[i].k ^= 0xffff;
		prog = (struct sock_fprog){ len, code };
		cr_assert(zero(int, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER,
					       &prog, sizeof(prog))));
		if (!cop_program_read(&cop_wire, fd, &m))
			cr_assert(le(int,
				     cop_program_user(&cop_wire, fd, NULL, 0),
				     0));
		code[i] = was;
	}
}
