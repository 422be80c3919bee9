// SPDX-License-Identifier: MIT
/*
 * test_pending_filter.c - adopt/pending_filter.c: the program's filter on a socket
 * that may become COP later.
 */
#include <linux/filter.h>
#include <stdlib.h>

#include "adopt/pending.h"
#include "adopt/pending_filter.h"
#include "adopt/share.h"
#include "filter/attach.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "unit/helpers.h"

static void setup(void)
{
	setenv("COP_ADOPT", "udp:10000-19999", 1);
	cop_env_init();
	t_init();
}

TestSuite(cop_pending_filter, .init = setup, .timeout = 20);

static struct sock_filter first_byte[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
	BPF_STMT(BPF_RET | BPF_A, 0),
};
static struct sock_filter link_layer[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_LL_OFF + 100),
	BPF_STMT(BPF_RET | BPF_A, 0),
};

static int attach(int fd, struct sock_filter *insn)
{
	struct sock_fprog prog = { 2, insn };

	return cop_pending_set_filter(t_sk(fd), fd, SO_ATTACH_FILTER, &prog,
				      sizeof(prog));
}

static int lock(int fd)
{
	int one = 1;

	return cop_pending_set_filter(t_sk(fd), fd, SO_LOCK_FILTER, &one,
				      sizeof(one));
}

/* How many instructions the kernel's filter has. */
static unsigned int kernels_length(int fd)
{
	socklen_t n = 0;

	cr_assert(
		zero(int, getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n)));
	return n;
}

static int move(int fd)
{
	struct cop_mark_held held;
	int err;

	cop_decide_lock(t_sk(fd), fd, &held);
	err = cop_pending_move_filter(t_sk(fd), fd);
	cop_decide_unlock(t_sk(fd), &held);
	return err;
}

/* ---- which options these are ------------------------------------------------- */

static const struct {
	int level, optname;
	bool is;
} option[] = {
	{ SOL_SOCKET, SO_ATTACH_FILTER, true },
	{ SOL_SOCKET, SO_DETACH_FILTER, true },
	{ SOL_SOCKET, SO_GET_FILTER, true },
	{ SOL_SOCKET, SO_LOCK_FILTER, true },
	{ SOL_SOCKET, SO_ATTACH_BPF, false },
	{ SOL_SOCKET, SO_BROADCAST, false },
	{ IPPROTO_UDP, SO_ATTACH_FILTER, false },
	{ IPPROTO_IP, SO_LOCK_FILTER, false },
};

Test(cop_pending_filter, the_four_options_of_a_filter_are_known)
{
	for (size_t i = 0; i < ARRAY_SIZE(option); i++)
		cr_assert(eq(int,
			     cop_is_filter_option(option[i].level,
						  option[i].optname),
			     option[i].is),
			  "%zu", i);
}

/* ---- while it is pending ------------------------------------------------------ */

Test(cop_pending_filter, a_filter_is_set_and_taken_away_as_on_udp)
{
	int fd = t_open_adopted(), zero = 0;

	cr_assert(zero(int, attach(fd, first_byte)));
	cr_assert(eq(uint, kernels_length(fd), 2));
	cr_assert(
		zero(int, cop_pending_set_filter(t_sk(fd), fd, SO_DETACH_FILTER,
						 &zero, sizeof(zero))));
	cr_assert(zero(uint, kernels_length(fd)));
	cr_assert(eq(int,
		     cop_pending_set_filter(t_sk(fd), fd, SO_DETACH_FILTER,
					    &zero, sizeof(zero)),
		     -ENOENT));
	cr_assert(cop_is_pending(t_sk(fd)));
}

Test(cop_pending_filter, an_error_is_the_kernels)
{
	int fd = t_open_adopted();

	cr_assert(eq(int,
		     cop_pending_set_filter(t_sk(fd), fd, SO_ATTACH_FILTER,
					    NULL, sizeof(struct sock_fprog)),
		     -EFAULT));
	cr_assert(eq(int,
		     cop_pending_set_filter(t_sk(fd), fd, SO_LOCK_FILTER, NULL,
					    0),
		     -EINVAL));
	cr_assert(zero(int, lock(fd)));
	cr_assert(eq(int, attach(fd, first_byte), -EPERM));
}

Test(cop_pending_filter, a_shared_socket_keeps_its_mark_beside_the_filter)
{
	int fd = t_open_adopted();
	struct cop_mark mark;

	t_sk(fd)->sk_prot->mark(t_sk(fd), fd);
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_assert(zero(int, attach(fd, first_byte)));
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_assert(cop_pending_is_marked(&mark));
	cr_assert(cop_is_pending(t_sk(fd)));
}

/* Under the lock no mark can be set again, so the others see UDP. */
Test(cop_pending_filter, a_shared_socket_with_a_lock_is_udp_for_all)
{
	int fd = t_open_adopted();
	struct cop_mark mark;

	t_sk(fd)->sk_prot->mark(t_sk(fd), fd);
	cr_assert(zero(int, lock(fd)));
	cr_assert(cop_is_plain(t_sk(fd)));
	cr_assert(eq(int, cop_program_read(&cop_wire, fd, &mark), -ENOENT));
	cr_assert(eq(int, attach(fd, first_byte), COP_PLAIN_UDP));
}

Test(cop_pending_filter, after_the_decision_the_transport_sets_it)
{
	int fd = t_open_adopted();
	struct cop_mark mark;

	cr_assert(cop_decide(t_sk(fd), &cop_udp_prot));
	cr_assert(zero(int, attach(fd, first_byte)));
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_assert(eq(int, mark.body, COP_BODY_USER));
}

/* ---- when it becomes COP ------------------------------------------------------ */

Test(cop_pending_filter, a_filter_moves_behind_the_header_once)
{
	int fd = t_open_adopted();
	struct cop_mark mark;

	cr_assert(zero(int, attach(fd, first_byte)));
	cr_assert(zero(int, move(fd)));
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_assert(eq(int, mark.body, COP_BODY_USER));
	cr_assert(eq(int, cop_program_user(&cop_wire, fd, NULL, 0), 2));
	cr_assert(zero(int, move(fd)), "it has moved already");
	cr_assert(eq(int, cop_program_user(&cop_wire, fd, NULL, 0), 2));
}

Test(cop_pending_filter, without_a_filter_nothing_moves)
{
	int fd = t_open_adopted();

	cr_assert(zero(int, move(fd)));
	cr_assert(zero(uint, kernels_length(fd)));
}

Test(cop_pending_filter, a_locked_filter_can_not_move)
{
	int fd = t_open_adopted(), other = t_open_adopted();

	cr_assert(zero(int, lock(fd)));
	cr_assert(eq(int, move(fd), -EPERM), "without a filter");
	cr_assert(zero(int, attach(other, first_byte)));
	cr_assert(zero(int, lock(other)));
	cr_assert(eq(int, move(other), -EPERM), "with a filter");
}

Test(cop_pending_filter, a_filter_that_reads_another_layer_can_not_move)
{
	int fd = t_open_adopted();

	cr_assert(zero(int, attach(fd, link_layer)));
	cr_assert(eq(int, move(fd), -EINVAL));
	cr_assert(eq(uint, kernels_length(fd), 2));
}

Test(cop_pending_filter, a_confined_process_moves_nothing)
{
	int fd = t_open_adopted();

	cr_assert(zero(int, attach(fd, first_byte)));
	WRITE_ONCE(cop_is_confined, true);
	cr_assert(zero(int, move(fd)));
	cr_assert(eq(uint, kernels_length(fd), 2));
}
