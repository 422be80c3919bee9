// SPDX-License-Identifier: MIT
/*
 * test_share.c - adopt/share.c: a pending socket is decided once, for all.
 */
#include "adopt/pending.h"
#include "adopt/share.h"
#include "lib/env.h"
#include "unit/helpers.h"

static void setup(void)
{
	setenv("COP_ADOPT", "udp:1", 1);
	cop_env_init();
	t_init();
}

TestSuite(cop_share, .init = setup, .timeout = 20);

Test(cop_share, only_the_first_decision_counts)
{
	struct sock *cop = t_sk(t_open_adopted());
	struct sock *plain = t_sk(t_open_adopted());

	cr_assert(cop_is_pending(cop));
	cr_expect(cop_decide(cop, &cop_udp_prot));
	cr_expect(not(cop_decide(cop, &cop_plain_prot)));
	cr_expect(not(cop_is_pending(cop)));
	cr_expect(not(cop_is_plain(cop)));
	cr_expect(cop_decide(plain, &cop_plain_prot));
	cr_expect(not(cop_decide(plain, &cop_udp_prot)));
	cr_expect(cop_is_plain(plain));
}

Test(cop_share, a_mark_of_cop_is_not_one_of_a_pending_socket)
{
	int cop = t_open_bound(), pending = t_open_adopted();
	struct cop_mark mark;

	cop_pending_share(t_sk(cop), cop);
	cr_expect(ne(int, cop_program_read(&cop_wire, cop, &mark), 0));
	t_sk(cop)->sk_prot->mark(t_sk(cop), cop);
	cr_assert(zero(int, cop_program_read(&cop_wire, cop, &mark)));
	cr_expect(not(cop_pending_is_marked(&mark)));
	cop_pending_share(t_sk(pending), pending);
	cr_assert(zero(int, cop_program_read(&cop_wire, pending, &mark)));
	cr_expect(cop_pending_is_marked(&mark));
}

Test(cop_share, a_locked_filter_leaves_the_decision_to_each_process)
{
	int fd = t_open_adopted(), on = 1;

	cr_assert(zero(int, setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on,
				       sizeof(on))));
	cr_expect(cop_filter_is_locked(fd));
	cop_pending_share(t_sk(fd), fd);
	cr_expect(not(sock_flag(t_sk(fd), SOCK_PENDING_SHARED)));
}

static void put_all_on_cop(void)
{
	setenv("COP_ADOPT", "udp", 1);
	cop_env_init();
	t_init();
}

Test(cop_share_all,
     a_pending_socket_stays_pending_in_a_process_that_adopts_all_udp,
     .init = put_all_on_cop)
{
	int fd = t_open_adopted();
	struct sock *sk = t_sk(fd);

	cr_assert(eq(ptr, (void *)sk->sk_prot, &cop_udp_prot));
	sk->sk_prot = &cop_pending_prot; /* as another process's is */
	cop_pending_share(sk, fd);
	t_leave(fd);
	cr_assert(fd_adopt(fd));
	cr_expect(eq(ptr, (void *)t_sk(fd)->sk_prot, &cop_pending_prot));
	cr_expect(sock_flag(t_sk(fd), SOCK_PENDING_SHARED));
	t_close(fd);
}
