// SPDX-License-Identifier: MIT
/*
 * test_change.c - socket/change.c: a descriptor that is closed or replaced.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>

#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_change, .init = t_init, .timeout = 20);

/* ---- closing -------------------------------------------------------------- */

Test(cop_change, a_descriptor_is_cop_until_the_kernel_has_closed_it)
{
	int fd = t_open_bound();
	struct socket *sock = t_sock(fd);
	struct fd_change change;

	cr_assert(zero(int, fd_change_begin(&change, fd, NULL)));
	cr_assert(eq(ptr, sockfd_lookup(fd), sock));
	close(fd);
	cr_assert(zero(ptr, sockfd_lookup(fd)));
	fd_change_end(&change, true);
	cr_assert(zero(ptr, sockfd_lookup(fd)));
}

Test(cop_change, somebody_elses_new_descriptor_is_not_cop_before_the_close_ends)
{
	static const char *const file[] = { "/dev/null", "/proc/self/maps" };

	for (size_t i = 0; i < ARRAY_SIZE(file); i++) {
		int fd = t_open_bound();
		struct fd_change change;

		fd_change_begin(&change, fd, NULL);
		close(fd);
		cr_assert(eq(int, open(file[i], O_RDONLY), fd));
		cr_assert(zero(ptr, sockfd_lookup(fd)));
		fd_change_end(&change, true);
		cr_assert(zero(ptr, sockfd_lookup(fd)));
		close(fd);
	}
}

Test(cop_change, a_cop_socket_that_got_the_number_outlives_the_end_of_the_close)
{
	int fd = t_open_bound();
	struct fd_change change;
	struct sock *old = t_sk(fd);
	struct socket *newer;

	fd_change_begin(&change, fd, NULL);
	close(fd);
	cr_assert(eq(int, t_open(), fd));
	newer = t_sock(fd);
	fd_change_end(&change, true);
	cr_assert(eq(ptr, sockfd_lookup(fd), newer));
	cr_assert(eq(int, newer->f_count, 1));
	cr_assert(zero(int, old->sk_refcnt));
}

Test(cop_change, a_port_is_held_until_the_close_ends)
{
	int fd = t_open_bound();
	uint16_t snum = t_port(fd);
	struct fd_change change;

	fd_change_begin(&change, fd, NULL);
	close(fd);
	cr_assert(cop_port_taken(&cop_port_table, snum));
	fd_change_end(&change, true);
	cr_assert(not(cop_port_taken(&cop_port_table, snum)));
}

Test(cop_change, a_descriptor_that_was_not_closed_is_as_it_was)
{
	int fd = t_open_bound();
	struct socket *sock = t_sock(fd);
	struct fd_change change;

	fd_change_begin(&change, fd, NULL);
	fd_change_end(&change, false);
	cr_assert(eq(ptr, sockfd_lookup(fd), sock));
	cr_assert(eq(int, sock->f_count, 1));
}

Test(cop_change, two_closes_at_once_release_a_socket_once)
{
	int fd = t_open_bound();
	struct fd_change one, other;
	struct sock *sk = t_sk(fd);

	fd_change_begin(&one, fd, NULL);
	fd_change_begin(&other, fd, NULL);
	close(fd);
	fd_change_end(&one, true);
	fd_change_end(&other, true);
	cr_assert(zero(ptr, sockfd_lookup(fd)));
	cr_assert(zero(int, sk->sk_refcnt));
}

Test(cop_change, the_kernel_settles_whether_a_descriptor_was_closed)
{
	int fd = t_open_bound(), kept = t_open_bound();
	struct fd_change change;

	fd_change_begin(&change, fd, NULL);
	close(fd);
	fd_change_settle(&change);
	cr_assert(zero(ptr, sockfd_lookup(fd)));

	fd_change_begin(&change, kept, NULL);
	fd_change_settle(&change);
	cr_assert(not(zero(ptr, sockfd_lookup(kept))));
}

Test(cop_change, a_number_without_a_cop_socket_changes_nothing)
{
	struct fd_change change;

	cr_assert(zero(int, fd_change_begin(&change, -1, NULL)));
	fd_change_end(&change, true);
	cr_assert(zero(int, fd_change_begin(&change, 9000, NULL)));
	fd_change_end(&change, true);
	cr_assert(zero(uint, cop_table.max));
}

/* ---- replacing ------------------------------------------------------------ */

/* What dup2() does; @meanwhile sees the number before and after the kernel does. */
static void dup_over(int fd, int newfd, void (*meanwhile)(int newfd))
{
	struct fd_change change;

	cr_assert(zero(int, fd_change_begin(&change, newfd, sockfd_get(fd))));
	meanwhile(newfd);
	cr_assert(eq(int, dup2(fd, newfd), newfd));
	meanwhile(newfd);
	fd_change_end(&change, true);
	meanwhile(newfd);
}

static void is_cop(int fd)
{
	cr_assert(not(zero(ptr, sockfd_lookup(fd))));
}

Test(cop_change, a_cop_socket_in_the_place_of_another_is_cop_all_the_time)
{
	int fd = t_open_bound(), newfd = t_open_bound();
	struct sock *old = t_sk(newfd);

	dup_over(fd, newfd, is_cop);
	cr_assert(eq(ptr, t_sock(newfd), t_sock(fd)));
	cr_assert(eq(int, t_sock(fd)->f_count, 2));
	cr_assert(zero(int, old->sk_refcnt));
}

Test(cop_change, a_duplicate_in_the_place_of_its_own_socket_is_counted_right)
{
	int fd = t_open_bound(), newfd = dup(fd);

	cr_assert(zero(int, fd_install(newfd, sockfd_get(fd))));
	dup_over(fd, newfd, is_cop);
	cr_assert(eq(int, t_sock(fd)->f_count, 2));
}

static int plain_then_cop;

static void is_what_the_kernel_has(int fd)
{
	if (plain_then_cop++)
		is_cop(fd);
	else
		cr_assert(zero(ptr, sockfd_lookup(fd)));
}

Test(cop_change, a_cop_socket_in_the_place_of_a_file_is_cop_once_it_is_there)
{
	int fd = t_open_bound(), newfd = open("/dev/null", O_RDWR);

	dup_over(fd, newfd, is_what_the_kernel_has);
	cr_assert(eq(ptr, t_sock(newfd), t_sock(fd)));
	cr_assert(eq(int, t_sock(fd)->f_count, 2));
}

Test(cop_change, a_file_in_the_place_of_a_cop_socket_is_not_cop)
{
	int fd = open("/dev/null", O_RDWR), newfd = t_open_bound();
	struct fd_change change;

	fd_change_begin(&change, newfd, NULL);
	is_cop(newfd);
	dup2(fd, newfd);
	cr_assert(zero(ptr, sockfd_lookup(newfd)));
	fd_change_end(&change, true);
	cr_assert(zero(ptr, sockfd_lookup(newfd)));
}

Test(cop_change, a_replacement_that_fails_leaves_both_as_they_were)
{
	int fd = t_open_bound(), newfd = t_open_bound();
	struct socket *sock = t_sock(newfd);
	struct fd_change change;

	fd_change_begin(&change, newfd, sockfd_get(fd));
	fd_change_end(&change, false);
	cr_assert(eq(ptr, t_sock(newfd), sock));
	cr_assert(eq(int, sock->f_count, 1));
	cr_assert(eq(int, t_sock(fd)->f_count, 1));

	fd_change_begin(&change, 300, sockfd_get(fd));
	fd_change_end(&change, false);
	cr_assert(zero(ptr, sockfd_lookup(300)));
	cr_assert(eq(int, t_sock(fd)->f_count, 1));
}

Test(cop_change, of_two_replacements_at_once_both_count_right)
{
	int a = t_open_bound(), b = t_open_bound(), newfd = t_open_bound();
	struct fd_change one, other;
	struct sock *old = t_sk(newfd);

	fd_change_begin(&one, newfd, sockfd_get(a));
	fd_change_begin(&other, newfd, sockfd_get(b));
	dup2(b, newfd);
	dup2(a, newfd);
	fd_change_end(&other, true);
	fd_change_end(&one, true);
	cr_assert(eq(ptr, t_sock(newfd), t_sock(a)));
	cr_assert(eq(int, t_sock(a)->f_count, 2));
	cr_assert(eq(int, t_sock(b)->f_count, 1));
	cr_assert(zero(int, old->sk_refcnt));
}

Test(cop_change, a_close_during_a_replacement_counts_right)
{
	int a = t_open_bound(), newfd = t_open_bound();
	struct fd_change one, other;
	struct sock *old = t_sk(newfd);

	fd_change_begin(&one, newfd, sockfd_get(a));
	fd_change_begin(&other, newfd, NULL);
	close(newfd);
	fd_change_end(&other, true);
	dup2(a, newfd);
	fd_change_end(&one, true);
	cr_assert(eq(ptr, t_sock(newfd), t_sock(a)));
	cr_assert(eq(int, t_sock(a)->f_count, 2));
	cr_assert(zero(int, old->sk_refcnt));
}

Test(cop_change, a_number_that_the_kernel_does_not_give_begins_nothing)
{
	unsigned int max = READ_ONCE(cop_table.max);
	int fd = t_open_bound();
	struct fd_change change;

	cr_assert(eq(int, fd_change_begin(&change, INT_MAX, sockfd_get(fd)),
		     -EBADF));
	cr_assert(
		eq(int, fd_change_begin(&change, -1, sockfd_get(fd)), -EBADF));
	cr_assert(eq(uint, READ_ONCE(cop_table.max),
		     max > fd + 1u ? max : fd + 1u));
	cr_assert(eq(int, t_sock(fd)->f_count, 1));
}

/* ---- threads -------------------------------------------------------------- */

static _Atomic(bool) over;
static _Atomic(long) plain;

static void *look(void *arg)
{
	int fd = (int)(intptr_t)arg;

	while (!over)
		plain += !sockfd_lookup(fd);
	return NULL;
}

static void nothing(int fd)
{
	(void)fd;
}

Test(cop_change, a_thread_never_sees_a_descriptor_that_is_always_cop_as_plain)
{
	int a = t_open_bound(), b = t_open_bound(), x = t_open_bound();
	pthread_t thread;

	pthread_create(&thread, NULL, look, (void *)(intptr_t)x);
	for (int i = 0; i < 20000; i++)
		dup_over(i % 2 ? a : b, x, nothing);
	over = true;
	pthread_join(thread, NULL);
	cr_assert(zero(long, plain));
	cr_assert(eq(int, t_sock(a)->f_count + t_sock(b)->f_count, 3));
}

/* ---- two at once ------------------------------------------------------------ */

static struct socket *begin_next(struct fd_change *change, int fd, int from)
{
	struct socket *sock = sockfd_get(from);

	cr_assert(zero(int, fd_change_begin(change, fd, sock)));
	return sock;
}

/* In the kernel the second is last; here the first ends last. */
Test(cop_change, of_two_that_replace_a_descriptor_the_kernels_last_one_stays)
{
	for (int order = 0; order < 2; order++) {
		int fd = t_open_bound(), one = t_open_bound(),
		    two = t_open_bound();
		struct fd_change first, second;
		struct socket *sock;

		begin_next(&first, fd, one);
		sock = begin_next(&second, fd, two);
		cr_assert(eq(int, dup2(one, fd), fd));
		cr_assert(eq(int, dup2(two, fd), fd));
		fd_change_end(order ? &first : &second, true);
		fd_change_end(order ? &second : &first, true);
		cr_expect(eq(ptr, sockfd_lookup(fd), sock), "%d", order);
		cr_expect(eq(int, sock->f_count, 2));
		cr_expect(eq(int, t_sock(one)->f_count, 1));
		t_close(fd);
		t_close(one);
		t_close(two);
	}
	cr_expect(zero(uint, cop_port_held(&cop_port_table)));
}
