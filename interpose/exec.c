// SPDX-License-Identifier: MIT
/*
 * interpose/exec.c - the calls that run another program. They mark each COP
 * socket that the program will inherit, so that the library finds it there
 * (socket/pass.c).
 *
 * Owns: SOCK_PASSED. Protected by: an atomic flag. Counterpart in the kernel:
 * fs/exec.c.
 */
#include <dlfcn.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "cop_table.h"
#include "socket/pass.h"

/* ---- exec ---------------------------------------------------------------- */

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	fd_pass_begin();
	return cop_libc.execve(path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	fd_pass_begin();
	return cop_libc.execv(path, argv);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	fd_pass_begin();
	return cop_libc.execvp(file, argv);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	fd_pass_begin();
	return cop_libc.execvpe(file, argv, envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	fd_pass_begin();
	return cop_libc.fexecve(fd, argv, envp);
}

EXPORT int execveat(int dirfd, const char *path, char *const argv[],
		    char *const envp[], int flags)
{
	fd_pass_begin();
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

static int spawn(spawn_call *call, SPAWN_PARAMS)
{
	unsigned int installs = fd_pass_begin();
	int err = call(pid, path, actions, attr, argv, envp);

	fd_pass_end(installs);
	return err;
}

EXPORT int new_posix_spawn(SPAWN_PARAMS)
{
	return spawn(cop_libc.posix_spawn, pid, path, actions, attr, argv,
		     envp);
}

EXPORT int new_posix_spawnp(SPAWN_PARAMS)
{
	return spawn(cop_libc.posix_spawnp, pid, path, actions, attr, argv,
		     envp);
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
	return spawn(old_spawn("posix_spawn", cop_libc.posix_spawn), pid, path,
		     actions, attr, argv, envp);
}

EXPORT int old_posix_spawnp(SPAWN_PARAMS)
{
	return spawn(old_spawn("posix_spawnp", cop_libc.posix_spawnp), pid,
		     path, actions, attr, argv, envp);
}
#endif

/* No fd_pass_end(): when system() returns, the command has ended. */
EXPORT int system(const char *command)
{
	fd_pass_begin();
	return cop_libc.system(command);
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	unsigned int installs = fd_pass_begin();
	FILE *file = cop_libc.popen(command, mode);

	fd_pass_end(installs);
	return file;
}
