// SPDX-License-Identifier: MIT
/*
 * test_forget.c - socket/forget.c: descriptors that were closed unseen.
 */
#include <errno.h>
#include <fcntl.h>

#include "lib/libc.h"
#include "unit/helpers.h"

TestSuite(cop_forget, .init = t_init, .timeout = 20);

Test(cop_forget, a_descriptor_closed_unseen_is_forgotten)
{
	int fd = t_open_bound();
	struct sock *sk = t_sk(fd);

	close(fd);
	fd_forget(fd);
	cr_assert(eq(ptr, sockfd_lookup(fd), NULL));
	cr_assert(zero(int, sk->sk_refcnt));
}

static struct cop_libc libc;
static int again = -1, of;

/* Another thread, behind the answer that the number is closed: it duplicates again. */
static int duplicate_again(int fd, int level, int optname, void *val,
			   socklen_t *len)
{
	int err = libc.getsockopt(fd, level, optname, val, len), to = again;

	again = -1;
	if (to == -1)
		return err;
	cr_assert(eq(int, fd, to));
	cr_assert(eq(int, err, -1));
	cr_assert(eq(int, dup2(of, to), to));
	cr_assert(zero(int, fd_install(to, sockfd_get(of))));
	errno = EBADF;
	return err;
}

Test(cop_forget,
     a_number_that_is_a_duplicate_of_the_same_socket_again_stays_ours)
{
	int fd = dup(of = t_open_bound());

	cr_assert(zero(int, fd_install(fd, sockfd_get(of))));
	close(fd);
	libc = cop_libc;
	cop_libc.getsockopt = duplicate_again;
	again = fd;
	cr_expect(not(fd_forget_gone(fd)));
	cop_libc = libc;
	cr_expect(lt(int, again, 0), "the other thread was not there");
	cr_expect(eq(ptr, sockfd_slot(fd), t_sock(of)));
	cr_expect(eq(int, t_sock(of)->f_count, 2));
	close(fd);
	cr_expect(fd_forget_gone(fd));
	cr_expect(eq(int, t_sock(of)->f_count, 1));
}

Test(cop_forget, an_entry_that_another_call_is_closing_counts_once)
{
	int fd = dup(of = t_open_bound());
	struct fd_change change;

	cr_assert(zero(int, fd_install(fd, sockfd_get(of))));
	fd_change_begin(&change, fd, NULL);
	cr_expect(not(fd_forget_gone(fd)));
	close(fd);
	cr_expect(fd_forget_gone(fd));
	fd_change_end(&change, true);
	cr_expect(eq(ptr, sockfd_slot(fd), NULL));
	cr_expect(eq(int, t_sock(of)->f_count, 1));
}
