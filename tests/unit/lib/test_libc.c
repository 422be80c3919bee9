// SPDX-License-Identifier: MIT
/*
 * test_libc.c - lib/libc.c: the table of next definitions, before and after its look-up.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/last_error.h"
#include "lib/libc.h"

static void assert_found(const char *name, void *entry)
{
	void *sym = dlsym(RTLD_NEXT, name);

	if (sym)
		cr_assert_eq(entry, sym, "%s is another function", name);
	else
		cr_assert_not_null(entry, "%s has no stand-in", name);
}

Test(cop_libc, init_finds_every_symbol)
{
	cop_libc_init();
#define X(type, name, params, args) assert_found(#name, (void *)cop_libc.name);
	COP_LIBC_CALLS(X)
#undef X
#define X(type, name, fixed, arg) assert_found(#name, (void *)cop_libc.name);
	COP_LIBC_VARIADIC(X)
#undef X
	assert_found("syscall", (void *)cop_libc.syscall);
	assert_found("prctl", (void *)cop_libc.prctl);
	assert_found("clone", (void *)cop_libc.clone);
}

Test(cop_libc, init_leaves_errno)
{
	errno = ENOTTY;
	cop_libc_init();
	cr_assert_eq(errno, ENOTTY);
}

static void *last_error_of_thread(void *arg)
{
	(void)arg;
	errno = EXDEV;
	return (void *)(intptr_t)cop_last_error();
}

Test(cop_libc, last_error_is_errno_in_each_thread)
{
	pthread_t id;
	void *seen;

	cop_libc_init();
	errno = ENOTTY;
	cr_assert_eq(pthread_create(&id, NULL, last_error_of_thread, NULL), 0);
	cr_assert_eq(pthread_join(id, &seen), 0);
	cr_assert_eq((intptr_t)seen, EXDEV);
	cr_assert_eq(cop_last_error(), ENOTTY);
}

Test(cop_libc, call_before_init_makes_the_call_and_looks_up_itself_alone)
{
	const void *stub = (void *)cop_libc.getsockopt;

	cr_assert_eq(cop_libc.getsockname(-1, NULL, NULL), -1);
	cr_assert_eq(errno, EBADF);
	assert_found("getsockname", (void *)cop_libc.getsockname);
	cr_assert_eq((void *)cop_libc.getsockopt, stub);
	cr_assert_neq(stub, dlsym(RTLD_NEXT, "getsockopt"));
}

Test(cop_libc, variadic_call_before_init_passes_its_arguments)
{
	char name[16] = "", own[] = "a name";
	int fd = cop_libc.fcntl(STDIN_FILENO, F_DUPFD, 500L);
	int pipes[2], n = 0;

	cr_assert_geq(fd, 500);
	close(fd);
	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(write(pipes[1], "abc", 3), 3);
	cr_assert_eq(cop_libc.ioctl(pipes[0], FIONREAD, &n), 0);
	cr_assert_eq(n, 3);
	cr_assert_eq(cop_libc.syscall(SYS_close, (long)pipes[0]), 0);
	cr_assert_eq(fcntl(pipes[0], F_GETFD), -1);
	cr_assert_eq(cop_libc.prctl(PR_SET_NAME, own, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_GET_NAME, name, 0, 0, 0), 0);
	cr_assert_str_eq(name, own);
	close(pipes[1]);
}

Test(cop_libc, result_is_a_count_or_a_negative_errno)
{
	errno = EAGAIN;
	cr_assert_eq(cop_libc_result(-1), -EAGAIN);
	cr_assert_eq(cop_libc_result(0), 0);
	cr_assert_eq(cop_libc_result(17), 17);
}
