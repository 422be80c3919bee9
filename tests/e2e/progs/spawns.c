// SPDX-License-Identifier: MIT
/*
 * spawns.c - posix_spawn as programs of before and after glibc 2.15 are bound to
 * it: the old one has a shell run a script that does not begin with #!.
 */
#ifdef UNVERSIONED

/* As a library that knows of one meaning only. */
int posix_spawn(void);
int posix_spawn(void)
{
	return 0;
}

#else

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "prog.h"

extern char **environ;

typedef int spawn_call(pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[],
		       char *const envp[]);

#ifdef __x86_64__
__asm__(".symver old_spawn,posix_spawn@GLIBC_2.2.5");
__asm__(".symver old_spawnp,posix_spawnp@GLIBC_2.2.5");
extern spawn_call old_spawn, old_spawnp;
#else
#define old_spawn  posix_spawn
#define old_spawnp posix_spawnp
#endif

static const char script[] = "exec head -c 5 <&9\n";

/* The script reads what the socket has that it inherits. */
static int run(spawn_call *spawn, const char *path)
{
	char *argv[] = { "script", NULL };
	pid_t pid;
	int status, err = spawn(&pid, path, NULL, NULL, argv, environ);

	if (err)
		return err;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void of_a_script(void)
{
	char path[] = "/tmp/cop-spawns.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0)
		die(path);
	fchmod(fd, 0700);
	close(fd);
	make_pair();
	deliver("first");
	deliver("again");
	dup2(sock_b, 9);
	fflush(stdout);
	T(run(old_spawn, path));
	T(run(old_spawnp, path));
	T(run(posix_spawn, path) == ENOEXEC);
	T(run(posix_spawnp, path) == ENOEXEC);
	unlink(path);
}

SCENARIOS({ "of_a_script", of_a_script })

#endif
