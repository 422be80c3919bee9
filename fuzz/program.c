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

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static void check_image(int fd)
{
	struct elf_image image;

	memset(&image, 0xaa, sizeof(image));
	if (elf_read(fd, &image) || !image.is_native)
		return;
	HOLDS(!image.has_interp || is_text(image.interp, sizeof(image.interp)));
}

static void check_program(const char *path)
{
	char subject[REPORT_MAX], reason[REPORT_MAX];
	struct program prog = { .runs = "" };
	enum verdict verdict = program_find(&prog, path);

	HOLDS(verdict == ACTIVE);
	verdict = program_judge(&prog);
	HOLDS(is_text(prog.path, sizeof(prog.path)));
	HOLDS(is_text(prog.runs, sizeof(prog.runs)));
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
	check_image(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_program(path);
	close(fd);
	return 0;
}
