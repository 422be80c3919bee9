// SPDX-License-Identifier: MIT
/*
 * program.c - finds the program that a command would run, and says whether
 * libcop would act in it.
 *
 * A script runs its interpreter, which may be a script, too, as in the kernel.
 * A file that is neither a script nor ELF runs in the shell, as in execvp().
 * Counterpart in the kernel: load_script() in fs/binfmt_script.c.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf.h"
#include "program.h"
#include "secure.h"

#define LINE_MAX_SIZE 256 /* longest first line, BINPRM_BUF_SIZE */
#define DEPTH	      5	  /* most scripts that interpret one another */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- looking in PATH ----------------------------------------------------- */

/* access() also says yes for a directory, so this checks for a regular file. */
static int may_execute(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return -1;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

/* As execvp(): after a file that can't be executed, the search goes on. */
static bool goes_on(int err)
{
	return err == EACCES || err == ENOENT || err == ENOTDIR ||
	       err == ESTALE || err == ENODEV || err == ETIMEDOUT;
}

static int search(char path[PATH_MAX], const char *command)
{
	const char *dir = getenv("PATH");
	bool denied = false;
	size_t len;

	for (dir = dir ?: "/bin:/usr/bin";; dir += len + 1) {
		len = strchrnul(dir, ':') - dir;
		errno = ENAMETOOLONG;
		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)len, dir,
			     len ? "/" : "", command) < PATH_MAX &&
		    !may_execute(path))
			return 0;
		if (errno != ENAMETOOLONG && !goes_on(errno))
			return -1;
		denied |= errno == EACCES;
		if (!dir[len])
			break;
	}
	errno = denied ? EACCES : ENOENT;
	return -1;
}

static int find(struct program *prog, const char *command)
{
	errno = ENOENT;
	if (!*command)
		return -1;
	if (!strchr(command, '/'))
		return search(prog->path, command);
	errno = ENAMETOOLONG;
	if (strlen(command) >= sizeof(prog->path))
		return -1;
	strcpy(prog->path, command);
	return may_execute(command);
}

enum verdict program_find(struct program *prog, const char *command)
{
	snprintf(prog->path, sizeof(prog->path), "%s", command);
	if (!find(prog, command))
		return ACTIVE;
	snprintf(prog->path, sizeof(prog->path), "%s", command);
	return errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}

/* ---- scripts ------------------------------------------------------------- */

/*
 * Returns the word behind "#!" and sets its end. Returns NULL if there is no
 * word, or if the line is so long that its end may be missing.
 */
static const char *interpreter(const char *line, char *path)
{
	const char *word = line + 2 + strspn(line + 2, " \t");
	size_t len = strcspn(word, " \t\n");

	if (!len || word + len == line + LINE_MAX_SIZE)
		return NULL;
	memcpy(path, word, len);
	path[len] = '\0';
	return word + len;
}

/*
 * "#!/usr/bin/env NAME" runs NAME. With options or variables, if env will not
 * find NAME, or if there is no such env, the interpreter stays env.
 */
static void look_through_env(char *path, const char *args)
{
	char name[LINE_MAX_SIZE + 1], found[PATH_MAX];
	size_t len;

	args += strspn(args, " \t");
	len = strcspn(args, "\n");
	while (len && strchr(" \t", args[len - 1]))
		len--;
	memcpy(name, args, len);
	name[len] = '\0';
	if (strcmp(base_name(path), "env") || !len || name[0] == '-' ||
	    strpbrk(name, " \t=/"))
		return;
	if (!may_execute(path) && !search(found, name))
		strcpy(path, found);
}

/*
 * Replaces a script in prog->runs by its interpreter. Returns 1; 0 for ELF; or
 * -1.
 */
static int next_file(struct program *prog, int fd)
{
	char line[LINE_MAX_SIZE + 1] = "";
	ssize_t n = pread(fd, line, LINE_MAX_SIZE, 0);
	const char *args;

	if (n < 0)
		return -1;
	if (n >= SELFMAG && !memcmp(line, ELFMAG, SELFMAG))
		return 0;
	args = strncmp(line, "#!", 2) ? NULL : interpreter(line, prog->runs);
	if (args)
		look_through_env(prog->runs, args);
	else
		strcpy(prog->runs, SHELL);
	return 1;
}

/* ---- judging ------------------------------------------------------------- */

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool is_glibcs(const char *name)
{
	return begins(name, "ld-linux") || begins(name, "ld.so.") ||
	       begins(name, "ld64.so.");
}

/*
 * The loader may have another name, as the LSB's have: then its file's name
 * counts.
 */
static enum verdict judge_loader(struct program *prog)
{
	const char *loader = prog->loader;
	char real[PATH_MAX];

	if (begins(base_name(loader), "ld-musl-"))
		return MUSL;
	if (access(loader, F_OK)) {
		strcpy(prog->runs, loader);
		return NOT_EXECUTABLE;
	}
	if (is_glibcs(base_name(loader)) ||
	    (realpath(loader, real) && is_glibcs(base_name(real))))
		return ACTIVE;
	return OTHER_LIBC;
}

static enum verdict judge_image(struct program *prog, int fd)
{
	struct elf_image image;

	if (elf_read(fd, &image)) {
		errno = ENOEXEC;
		return NOT_EXECUTABLE;
	}
	if (!image.is_native)
		return MACHINE;
	if (image.is_go)
		return GO;
	if (!image.has_interp)
		return image.is_library ? NO_PROGRAM : STATIC;
	strcpy(prog->loader, image.interp);
	return judge_loader(prog);
}

/*
 * Goes from script to interpreter until it reaches a program, and opens that.
 * The program may be executable without being readable.
 */
static enum verdict descend(struct program *prog, int *fd)
{
	int ret;

	for (int depth = 0; depth <= DEPTH; depth++) {
		if (depth && may_execute(prog->runs))
			return NOT_EXECUTABLE;
		*fd = open(prog->runs, O_RDONLY | O_CLOEXEC);
		if (*fd < 0)
			return errno == EACCES ? UNREADABLE : NOT_EXECUTABLE;
		ret = next_file(prog, *fd);
		if (!ret)
			return ACTIVE;
		close(*fd);
		if (ret < 0)
			break;
	}
	errno = ret < 0 ? EIO : ELOOP;
	return NOT_EXECUTABLE;
}

enum verdict program_judge(struct program *prog)
{
	enum verdict verdict, secure;
	int fd;

	strcpy(prog->runs, prog->path);
	prog->loader[0] = '\0';
	verdict = descend(prog, &fd);
	if (verdict == ACTIVE) {
		verdict = judge_image(prog, fd);
		close(fd);
	}
	if (verdict != ACTIVE && verdict != UNREADABLE)
		return verdict;
	secure = secure_exec(prog->runs);
	return secure == ACTIVE ? verdict : secure;
}
