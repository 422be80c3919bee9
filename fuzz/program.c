// SPDX-License-Identifier: MIT
/*
 * program.c - cop run and cop check read a program's file: an ELF file or a script that
 * anybody may have written. They come to an end, and their texts are whole.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/input.h"
#include "tools/elf.h"
#include "tools/program.h"
#include "tools/report.h"

#define LINE 256 /* the part of a script that the kernel reads */

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

/* The loader's name is in the file, with its end. */
static void check_image(int fd, const uint8_t *data, size_t size)
{
	struct elf_image image;

	memset(&image, 0xaa, sizeof(image));
	if (elf_read(fd, &image) || !image.is_native || !image.has_interp)
		return;
	HOLDS(is_text(image.interp, sizeof(image.interp)));
	HOLDS(memmem(data, size, image.interp, strlen(image.interp) + 1));
}

/*
 * Reads the first line in the plainest way. Returns whether the file runs the
 * interpreter that is written to @path, and not the shell.
 */
static bool names_interpreter(const uint8_t *data, size_t size,
			      char path[LINE + 1])
{
	char line[LINE + 1] = "";
	size_t at = 2, len = 0;

	memcpy(line, data, size < LINE ? size : LINE);
	if (line[0] != '#' || line[1] != '!')
		return false;
	while (line[at] == ' ' || line[at] == '\t')
		at++;
	while (line[at] && line[at] != ' ' && line[at] != '\t' &&
	       line[at] != '\n')
		path[len++] = line[at++];
	path[len] = '\0';
	return len && at < LINE;
}

static bool is_elf(const uint8_t *data, size_t size)
{
	return size >= 4 && !memcmp(data, "\177ELF", 4);
}

/* An interpreter that can be executed may be a script or env, which lead further. */
static void check_script(const uint8_t *data, size_t size, const char *runs)
{
	char path[LINE + 1];

	if (is_elf(data, size))
		return;
	if (!names_interpreter(data, size, path))
		HOLDS(!strcmp(runs, SHELL));
	else if (access(path, X_OK))
		HOLDS(!strcmp(runs, path));
}

static void check_program(const char *path, const uint8_t *data, size_t size)
{
	char subject[REPORT_MAX], reason[REPORT_MAX];
	struct program prog = { .runs = "" };
	enum verdict verdict = program_find(&prog, path);

	HOLDS(verdict == ACTIVE);
	verdict = program_judge(&prog);
	HOLDS(is_text(prog.path, sizeof(prog.path)));
	HOLDS(is_text(prog.runs, sizeof(prog.runs)));
	HOLDS(is_text(prog.loader, sizeof(prog.loader)));
	check_script(data, size, prog.runs);
	report_subject(subject, verdict, NULL, &prog);
	report_reason(reason, verdict, NULL);
	HOLDS(verdict_row(verdict)->code == verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	char path[64];

	HOLDS(fd >= 0 && !fchmod(fd, 0755));
	HOLDS(write(fd, data, size) == (ssize_t)size);
	check_image(fd, data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_program(path, data, size);
	close(fd);
	return 0;
}
