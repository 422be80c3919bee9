// SPDX-License-Identifier: MIT
/*
 * interpose/exec.c - the calls that run another program. They mark each COP
 * socket that the program will inherit, so that the library finds it there.
 *
 * Owns: SOCK_PASSED. Protected by: an atomic flag. Counterpart in the kernel:
 * fs/exec.c.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "cop_table.h"

/* Asks the kernel: in a vfork() child the descriptors are the child's own. */
static bool is_inherited(struct socket *sock, int fd)
{
	int flags = cop_libc.fcntl(fd, F_GETFD);

	return flags >= 0 &&
	       (!(flags & FD_CLOEXEC) || sock_flag(sock->sk, SOCK_PASSED));
}

static noinline void mark_all(void)
{
	unsigned int max = READ_ONCE(cop_table.max);
	int saved = errno;

	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock = sockfd_get(fd);

		if (!sock)
			continue;
		if (is_inherited(sock, fd))
			fd_hand_on(sock, fd);
		fd_drop(sock);
	}
	errno = saved;
}

static void mark_inherited(void)
{
	if (any_ours() && !cop_confined())
		mark_all();
}

/* ---- exec ---------------------------------------------------------------- */

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	mark_inherited();
	return cop_libc.execve(path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	mark_inherited();
	return cop_libc.execv(path, argv);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	mark_inherited();
	return cop_libc.execvp(file, argv);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	mark_inherited();
	return cop_libc.execvpe(file, argv, envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	mark_inherited();
	return cop_libc.fexecve(fd, argv, envp);
}

EXPORT int execveat(int dirfd, const char *path, char *const argv[],
		    char *const envp[], int flags)
{
	mark_inherited();
	return cop_libc.execveat(dirfd, path, argv, envp, flags);
}

/* How many arguments there are, with the first one and the NULL at the end. */
static size_t count_args(va_list *ap)
{
	size_t n = 1;

	while (va_arg(*ap, char *))
		n++;
	return n + 1;
}

static void fill_args(char **argv, const char *arg, va_list *ap)
{
	for (*argv = (char *)arg; *argv++;)
		*argv = va_arg(*ap, char *);
}

/* The vector is on the stack, as in libc, because exec is async-signal-safe. */
#define ARGS(argv, arg)              \
	va_list ap;                  \
	va_start(ap, arg);           \
	char *argv[count_args(&ap)]; \
	va_end(ap);                  \
	va_start(ap, arg);           \
	fill_args(argv, arg, &ap)

EXPORT int execl(const char *path, const char *arg, ...)
{
	ARGS(argv, arg);
	va_end(ap);
	return execv(path, argv);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	ARGS(argv, arg);
	va_end(ap);
	return execvp(file, argv);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	ARGS(argv, arg);

	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}

/* ---- spawn --------------------------------------------------------------- */

/*
 * Only libc can read a list of actions, so the socket notes that it is in one.
 */
EXPORT int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions,
					    int fd, int newfd)
{
	struct socket *sock = sockfd_lookup(fd);

	if (unlikely(sock))
		sock_set_flag(sock->sk, SOCK_PASSED);
	return cop_libc.posix_spawn_file_actions_adddup2(actions, fd, newfd);
}

/*
 * libc has two versions of these calls; a program gets the one that was current
 * when it was linked. The version before glibc 2.15 runs a script without #! in
 * a shell. libcop.map lists both versions. A test checks that no other call has
 * two.
 */
#ifdef __x86_64__
#define HAS_OLD_SPAWN	  1
#define VERSION(fn, name) __asm__(".symver " #fn "," name)

VERSION(new_posix_spawn, "posix_spawn@@GLIBC_2.15");
VERSION(new_posix_spawnp, "posix_spawnp@@GLIBC_2.15");
VERSION(old_posix_spawn, "posix_spawn@GLIBC_2.2.5");
VERSION(old_posix_spawnp, "posix_spawnp@GLIBC_2.2.5");
#else
#define new_posix_spawn	 posix_spawn
#define new_posix_spawnp posix_spawnp
#endif

#define SPAWN_PARAMS                                               \
	pid_t *pid, const char *path,                              \
		const posix_spawn_file_actions_t *actions,         \
		const posix_spawnattr_t *attr, char *const argv[], \
		char *const envp[]

typedef int spawn_call(SPAWN_PARAMS);

spawn_call new_posix_spawn, new_posix_spawnp;
#ifdef HAS_OLD_SPAWN
spawn_call old_posix_spawn, old_posix_spawnp;
#endif

EXPORT int new_posix_spawn(SPAWN_PARAMS)
{
	mark_inherited();
	return cop_libc.posix_spawn(pid, path, actions, attr, argv, envp);
}

EXPORT int new_posix_spawnp(SPAWN_PARAMS)
{
	mark_inherited();
	return cop_libc.posix_spawnp(pid, path, actions, attr, argv, envp);
}

#ifdef HAS_OLD_SPAWN
/* Looked up at the call, not at each start: only few programs are so old. */
static spawn_call *old_spawn(const char *name, spawn_call *instead)
{
	spawn_call *old = (spawn_call *)dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5");

	return old ? old : instead;
}

EXPORT int old_posix_spawn(SPAWN_PARAMS)
{
	mark_inherited();
	return old_spawn("posix_spawn", cop_libc.posix_spawn)(
		pid, path, actions, attr, argv, envp);
}

EXPORT int old_posix_spawnp(SPAWN_PARAMS)
{
	mark_inherited();
	return old_spawn("posix_spawnp", cop_libc.posix_spawnp)(
		pid, path, actions, attr, argv, envp);
}
#endif

EXPORT int system(const char *command)
{
	mark_inherited();
	return cop_libc.system(command);
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	mark_inherited();
	return cop_libc.popen(command, mode);
}
