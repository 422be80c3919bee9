// SPDX-License-Identifier: MIT
/*
 * test_user_filter.c - filter/user_filter.c: the program's own filter, set, read and
 * taken away. Each error is compared with the kernel's.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "filter/attach.h"
#include "filter/filter.h"
#include "filter/mark.h"
#include "lib/libc.h"
#include "unit/helpers.h"

TestSuite(cop_user_filter, .init = t_init, .timeout = 20);

static int set_option(int fd, int optname, const void *optval, socklen_t optlen)
{
	struct socket *sock = sockfd_lookup(fd);

	if (sock)
		return sock->sk->sk_prot->setsockopt(sock->sk, fd, SOL_SOCKET,
						     optname, optval, optlen);
	return setsockopt(fd, SOL_SOCKET, optname, optval, optlen) ? -errno : 0;
}

static int get_filter_of(int fd, void *optval, socklen_t *optlen)
{
	struct socket *sock = sockfd_lookup(fd);

	if (sock)
		return sock->sk->sk_prot->getsockopt(sock->sk, fd, SOL_SOCKET,
						     SO_GET_FILTER, optval,
						     optlen);
	return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, optval, optlen)
		       ? -errno
		       : 0;
}

static struct sock_filter accept_all[] = { BPF_STMT(BPF_RET | BPF_K,
						    0xffffffff) };
static struct sock_filter senseless[] = { BPF_STMT(0xffff, 0) };
static struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_IMM, 0) };
static const struct sock_fprog good = { 1, accept_all };

static int attach_accept_all(int fd)
{
	return set_option(fd, SO_ATTACH_FILTER, &good, sizeof(good));
}

/* ---- setting a filter -------------------------------------------------------- */

static const struct sock_fprog bad[] = {
	{ 0, accept_all }, { 1, NULL },	   { 1, (void *)16 },
	{ 1, senseless },  { 1, endless }, { BPF_MAXINSNS + 1, accept_all },
	{ 65535, NULL },
};

Test(cop_user_filter, a_bad_program_gets_the_kernels_error)
{
	int fd[] = { t_udp(), t_open_bound() };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int err[2];

		for (int k = 0; k < 2; k++)
			err[k] = set_option(fd[k], SO_ATTACH_FILTER, &bad[i],
					    sizeof(bad[i]));
		cr_assert(ne(int, err[0], 0), "program %zu", i);
		cr_assert(eq(int, err[1], err[0]), "program %zu", i);
	}
}

static const socklen_t length[] = { 0, 1, 4, 8, 15, 16, 17, 128, -1 };

Test(cop_user_filter, a_wrong_length_gets_the_kernels_error)
{
	static const int option[] = { SO_ATTACH_FILTER, SO_ATTACH_BPF };
	int fd[] = { t_udp(), t_open_bound() };
	char value[128] = { 0 };

	memcpy(value, &good, sizeof(good));
	for (size_t i = 0; i < ARRAY_SIZE(option) * ARRAY_SIZE(length); i++) {
		int name = option[i % 2], err[2];

		if (length[i / 2] ==
		    (name == SO_ATTACH_BPF ? sizeof(int) : sizeof(good)))
			continue;
		for (int k = 0; k < 2; k++)
			err[k] = set_option(fd[k], name, value, length[i / 2]);
		cr_assert(eq(int, err[1], err[0]), "option %d, length %d", name,
			  (int)length[i / 2]);
	}
}

Test(cop_user_filter, a_pointer_to_nowhere_is_efault)
{
	int fd = t_open_bound();

	cr_assert(eq(int,
		     set_option(fd, SO_ATTACH_FILTER, (void *)16, sizeof(good)),
		     -EFAULT));
	cr_assert(eq(int, set_option(fd, SO_ATTACH_BPF, NULL, sizeof(int)),
		     -EFAULT));
}

Test(cop_user_filter,
     a_descriptor_that_is_no_ebpf_program_gets_the_kernels_error)
{
	int fd[] = { t_udp(), t_open_bound() };
	int number[] = { -1, 0, 4000, fd[0] };

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		cr_assert(eq(int,
			     set_option(fd[1], SO_ATTACH_BPF, &number[i],
					sizeof(int)),
			     set_option(fd[0], SO_ATTACH_BPF, &number[i],
					sizeof(int))),
			  "descriptor %d", number[i]);
}

/* The lowest free number is what the library's own socket gets for a moment. */
Test(cop_user_filter, a_number_that_is_nobodys_is_ebadf)
{
	int fd = t_open_bound(), none = dup(0);

	close(none);
	cr_assert(eq(int, set_option(fd, SO_ATTACH_BPF, &none, sizeof(none)),
		     -EBADF));
}

static int no_descriptor_left(void)
{
	struct rlimit limit;
	int fd = t_open_bound();

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = fd + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK(attach_accept_all(fd) == -ENOBUFS);
	return 0;
}

Test(cop_user_filter, without_a_descriptor_to_try_it_on_it_is_enobufs)
{
	T_CHILD(no_descriptor_left);
}

Test(cop_user_filter, under_SO_LOCK_FILTER_each_change_gets_the_kernels_error)
{
	int fd[] = { t_udp(), t_open_bound() }, one = 1;

	for (int k = 0; k < 2; k++) {
		cr_assert(zero(int, attach_accept_all(fd[k])));
		cr_assert(zero(int, set_option(fd[k], SO_LOCK_FILTER, &one,
					       sizeof(one))));
		cr_assert(eq(int, attach_accept_all(fd[k]), -EPERM));
		cr_assert(eq(int,
			     set_option(fd[k], SO_DETACH_FILTER, &one,
					sizeof(one)),
			     -EPERM));
	}
}

/* ---- reading and taking away ---------------------------------------------------- */

Test(cop_user_filter, a_filter_is_read_back_as_in_udp)
{
	int fd[] = { t_udp(), t_open_bound() };

	for (int k = 0; k < 2; k++) {
		struct sock_filter insn[4] = { 0 };
		socklen_t len = ARRAY_SIZE(insn);

		cr_assert(zero(int, get_filter_of(fd[k], insn, &len)));
		cr_assert(zero(uint, len), "no filter yet");
		cr_assert(zero(int, attach_accept_all(fd[k])));
		cr_assert(zero(int, get_filter_of(fd[k], insn, &len)));
		cr_assert(eq(uint, len, 1), "0: how many there are");
		cr_assert(zero(int, insn[0].code));
		len = ARRAY_SIZE(insn);
		cr_assert(zero(int, get_filter_of(fd[k], insn, &len)));
		cr_assert(eq(uint, len, 1));
		cr_assert(zero(int, memcmp(insn, accept_all, sizeof(*insn))));
		cr_assert(eq(int, get_filter_of(fd[k], NULL, &len), -EFAULT));
		len = -1;
		cr_assert(eq(int, get_filter_of(fd[k], insn, &len), -EINVAL));
		cr_assert(eq(int, get_filter_of(fd[k], insn, NULL), -EFAULT));
	}
}

Test(cop_user_filter, our_own_filter_is_not_there_for_the_program)
{
	int fd = t_open_bound();

	t_sk(fd)->sk_prot->poll(t_sk(fd), fd);
	cr_assert(eq(int, t_set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0), -ENOENT));
	cr_assert(zero(int, t_get(fd, SOL_SOCKET, SO_GET_FILTER)));
	cr_assert(zero(int, attach_accept_all(fd)));
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0)));
	cr_assert(eq(int, t_set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0), -ENOENT));
}

/* ---- a program that chooses among sockets ----------------------------------------- */

Test(cop_user_filter, a_program_that_chooses_sockets_gets_the_kernels_error)
{
	struct sock *sk = t_sk(t_open_adopted());
	int udp = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int want = set_option(udp, SO_ATTACH_REUSEPORT_CBPF, &bad[i],
				      sizeof(bad[i]));

		cr_assert(ne(int, want, 0), "program %zu", i);
		cr_assert(eq(int,
			     cop_attach_reuseport(sk, udp, &bad[i],
						  sizeof(bad[i])),
			     want),
			  "program %zu", i);
	}
	cr_assert(eq(int, cop_attach_reuseport(sk, udp, &good, 3), -EINVAL));
	cr_assert(eq(int,
		     cop_attach_reuseport(sk, udp, (void *)16, sizeof(good)),
		     -EFAULT));
	cr_assert(eq(int, cop_attach_reuseport(sk, -1, &good, sizeof(good)),
		     -EBADF));
}

/* ---- a mark that is written meanwhile ----------------------------------------------- */

enum { FILTER_ROUNDS = 5000 };

static int filtered_fd;
static atomic_bool enough;

static void *mark_on(void *arg)
{
	struct sock *sk = t_sk(filtered_fd);

	for (unsigned int i = 0; !enough; i++) {
		WRITE_ONCE(sk->sk_reuse, i & 1);
		cop_mark(sk, filtered_fd);
	}
	return arg;
}

static int filter_len(void)
{
	struct sock_filter insn[8];

	return cop_program_user(&cop_wire, filtered_fd, insn, ARRAY_SIZE(insn));
}

static void set_and_take_away(void)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog prog = { 1, none };
	struct sock *sk = t_sk(filtered_fd);
	int zero = 0;

	for (int i = 0; i < FILTER_ROUNDS; i++) {
		cr_assert(zero(int, cop_attach_filter(sk, filtered_fd,
						      SO_ATTACH_FILTER, &prog,
						      sizeof(prog))));
		cr_assert(eq(int, filter_len(), 1), "round %d", i);
		cr_assert(zero(int, cop_detach_filter(sk, filtered_fd, &zero,
						      sizeof(zero))));
		cr_assert(zero(int, filter_len()), "round %d", i);
	}
}

Test(cop_user_filter, a_filter_is_not_lost_to_another_threads_mark,
     .timeout = 60)
{
	pthread_t thread;

	filtered_fd = t_open_bound();
	pthread_create(&thread, NULL, mark_on, NULL);
	set_and_take_away();
	enough = true;
	pthread_join(thread, NULL);
	t_close(filtered_fd);
}

/*
 * The library tries for 0.1 s to get the lock that processes share, and then goes on without.
 * On a busy machine the other process may not run for so long, while it has the lock. So here
 * each of them waits for the lock.
 */
static int (*next_fcntl)(int, int, ...);

static int patient_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return next_fcntl(fd, cmd == F_SETLK ? F_SETLKW : cmd, arg);
}

static void wait_for_the_shared_lock(void)
{
	next_fcntl = cop_libc.fcntl;
	cop_libc.fcntl = patient_fcntl;
}

static int mark_in_child(void)
{
	alarm(60);
	mark_on(NULL);
	return 0;
}

/* As one that was forked and is about to exec. */
Test(cop_user_filter, a_filter_is_not_lost_to_another_processs_mark,
     .timeout = 60)
{
	pid_t child;

	wait_for_the_shared_lock();
	filtered_fd = t_open_bound();
	child = fork();
	if (!child)
		_exit(mark_in_child());
	set_and_take_away();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	t_close(filtered_fd);
}
