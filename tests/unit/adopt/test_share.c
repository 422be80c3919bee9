// SPDX-License-Identifier: MIT
/*
 * test_share.c - adopt/share.c: a pending socket is decided once, for all.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sys/single_threaded.h>

#include "adopt/decide.h"
#include "adopt/pending.h"
#include "adopt/share.h"
#include "lib/env.h"
#include "lib/libc.h"
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

/* As two threads decide that did not wait for each other. */
Test(cop_share, a_socket_that_stayed_udp_is_not_carried)
{
	struct sock *late = t_sk(t_open_adopted());
	struct sock *first = t_sk(t_open_adopted());

	cop_decide(late, &cop_plain_prot);
	cop_decide_cop(late);
	cr_expect(cop_is_plain(late));
	cr_expect(not(sock_flag(late, SOCK_CARRIED)));
	cop_decide_cop(first);
	cop_decide(first, &cop_plain_prot);
	cr_expect(not(cop_is_plain(first)));
	cr_expect(sock_flag(first, SOCK_CARRIED));
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

/* ---- beside other threads --------------------------------------------------------- */

static struct cop_libc libc;
static int copy, other,
	taken = -1; /* which number the other thread gives away */

/* The other thread does it just ahead of a call about a filter, and then undoes it. */
static int exchange_get(int fd, int level, int optname, void *val,
			socklen_t *len)
{
	if (fd == taken && optname == SO_GET_FILTER)
		cr_assert(eq(int, dup2(other, fd), fd));
	return libc.getsockopt(fd, level, optname, val, len);
}

static int exchange_set(int fd, int level, int optname, const void *val,
			socklen_t len)
{
	if (optname == SO_ATTACH_FILTER)
		cr_assert(eq(int, dup2(other, taken), taken));
	return libc.setsockopt(fd, level, optname, val, len);
}

static int open_beside_a_thread(void)
{
	int fd = t_open_adopted();

	__libc_single_threaded = 0;
	copy = dup(fd);
	other = t_udp();
	libc = cop_libc;
	return fd;
}

static bool is_marked(int fd)
{
	struct cop_mark mark;

	return !cop_program_read(&cop_wire, fd, &mark) &&
	       cop_pending_is_marked(&mark);
}

Test(cop_share, a_mark_that_went_to_another_socket_does_not_count)
{
	int fd = taken = open_beside_a_thread();

	t_hook_fcntl(t_no_duplicate);
	cop_libc.setsockopt = exchange_set;
	cop_pending_share(t_sk(fd), fd);
	cr_assert(not(is_marked(copy)));
	cr_expect(not(sock_flag(t_sk(fd), SOCK_PENDING_SHARED)));
}

/* The other socket keeps its own filter, too. */
Test(cop_share,
     the_mark_goes_to_the_pending_socket_while_its_number_is_exchanged)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	struct sock_fprog prog = { ARRAY_SIZE(all), all };
	int fd = taken = open_beside_a_thread(), next = dup(fd);
	socklen_t len = 0;

	close(next);
	cr_assert(zero(int, setsockopt(other, SOL_SOCKET, SO_ATTACH_FILTER,
				       &prog, sizeof(prog))));
	cop_libc.setsockopt = exchange_set;
	cop_pending_share(t_sk(fd), fd);
	cr_expect(is_marked(copy));
	cr_expect(sock_flag(t_sk(fd), SOCK_PENDING_SHARED));
	cr_expect(not(is_marked(other)));
	cr_assert(zero(int, getsockopt(other, SOL_SOCKET, SO_GET_FILTER, NULL,
				       &len)));
	cr_expect(eq(uint, len, 1));
	cr_expect(lt(int, fcntl(next, F_GETFD), 0), "a descriptor is left");
}

/* The kernel has looked @fd up, and another thread closes it ahead of the duplicate. */
static int close_within(int fd, int cmd, long arg)
{
	if (cmd != F_DUPFD_CLOEXEC)
		return t_next_fcntl(fd, cmd, arg);
	close(fd);
	taken = t_next_fcntl(copy, cmd, arg);
	return taken;
}

Test(cop_share, a_number_that_is_closed_meanwhile_stays_free)
{
	int fd = open_beside_a_thread();

	t_hook_fcntl(close_within);
	cop_pending_share(t_sk(fd), fd);
	cr_expect(is_marked(copy));
	cr_expect(lt(int, fcntl(fd, F_GETFD), 0), "a descriptor is left");
	cr_expect(gt(int, taken, fd));
	cr_expect(lt(int, fcntl(taken, F_GETFD), 0), "a duplicate is left");
}

Test(cop_share, another_socket_that_has_no_mark_decides_nothing)
{
	int fd = taken = open_beside_a_thread();

	cop_pending_share(t_sk(fd), fd);
	cr_assert(is_marked(copy));
	cop_libc.getsockopt = exchange_get;
	cr_expect(cop_still_pending(t_sk(fd), fd));
	cr_expect(cop_is_pending(t_sk(fd)));
}

static struct sock *forgetful;

static int forget_get(int fd, int level, int optname, void *val, socklen_t *len)
{
	if (optname == SO_GET_FILTER)
		sock_reset_flag(forgetful, SOCK_PENDING_SHARED);
	return libc.getsockopt(fd, level, optname, val, len);
}

/* The memory of a sock that was closed while a receive waited may be a new sock's. */
Test(cop_share, a_new_sock_without_a_mark_does_not_follow)
{
	int fd = open_beside_a_thread();

	forgetful = t_sk(fd);
	sock_set_flag(forgetful, SOCK_PENDING_SHARED);
	cop_libc.getsockopt = forget_get;
	cr_expect(cop_still_pending(t_sk(fd), fd));
	cr_expect(cop_is_pending(t_sk(fd)));
}

static int unmarked;

static int count_unmarked(int fd, int level, int optname, const void *val,
			  socklen_t len)
{
	struct cop_mark mark;
	int err = libc.setsockopt(fd, level, optname, val, len);

	unmarked += cop_program_read(&cop_wire, fd, &mark) != 0;
	return err;
}

static void put_marked_on_cop(int fd)
{
	struct cop_mark mark;

	cop_libc.setsockopt = count_unmarked;
	cr_assert(zero(int, cop_put_on_cop(t_sk(fd), fd)));
	cr_expect(zero(int, unmarked));
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_expect(not(cop_pending_is_marked(&mark)));
	cr_expect(eq(int, mark.body, COP_BODY_ALL));
}

Test(cop_share, on_the_way_to_cop_a_shared_socket_always_has_a_mark)
{
	int fd = open_beside_a_thread();

	cop_pending_share(t_sk(fd), fd);
	put_marked_on_cop(fd);
}

/* Another thread has forked while the parent's mark was being set. */
Test(cop_share, a_mark_counts_in_a_child_that_does_not_know_of_it)
{
	int fd = open_beside_a_thread();

	cop_pending_share(t_sk(fd), fd);
	sock_reset_flag(t_sk(fd), SOCK_PENDING_SHARED);
	put_marked_on_cop(fd);
}

static int decided_ahead = -1;

/* The other thread decides just ahead of the lock of the thread that marks. */
static int decide_ahead(int fd, int cmd, long arg)
{
	int ahead = decided_ahead;

	if (cmd == F_SETLK && ahead >= 0) {
		decided_ahead = -1;
		cr_assert(zero(int, cop_put_on_cop(t_sk(ahead), ahead)));
	}
	return t_next_fcntl(fd, cmd, arg);
}

Test(cop_share,
     a_socket_that_another_thread_decides_meanwhile_is_handed_on_as_cop)
{
	int fd = decided_ahead = open_beside_a_thread();
	struct cop_mark mark;

	t_hook_fcntl(decide_ahead);
	fd_hand_on(t_sock(fd), fd);
	cr_assert(lt(int, decided_ahead, 0), "nobody has decided");
	cr_assert(not(cop_is_pending(t_sk(fd))));
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_expect(not(cop_pending_is_marked(&mark)));
}

static pthread_barrier_t both;

static void *put_on_cop(void *fd)
{
	pthread_barrier_wait(&both);
	cop_put_on_cop(t_sk(*(int *)fd), *(int *)fd);
	return NULL;
}

/* Whichever of the two is first. */
static void hand_on_beside_a_decision(void)
{
	int fd = t_open_adopted();
	struct cop_mark mark;
	pthread_t thread;

	cr_assert(zero(int, pthread_create(&thread, NULL, put_on_cop, &fd)));
	pthread_barrier_wait(&both);
	fd_hand_on(t_sock(fd), fd);
	pthread_join(thread, NULL);
	cr_assert(zero(int, cop_program_read(&cop_wire, fd, &mark)));
	cr_assert(not(cop_pending_is_marked(&mark)));
	t_close(fd);
}

Test(cop_share, the_mark_tells_a_decision_of_the_same_moment, .timeout = 60)
{
	pthread_barrier_init(&both, NULL, 2);
	for (int i = 0; i < 1000; i++)
		hand_on_beside_a_decision();
}

/* ---- a process that adopts all ---------------------------------------------------- */

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
