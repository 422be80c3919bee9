// SPDX-License-Identifier: MIT
/*
 * damaged.c - loads damaged copies of a module, each in a child of its own.
 *
 * damaged cut FILE COPY: cut off at each length. damaged flip FILE COPY N SEED: N copies
 * with one byte changed. The library has to find COPY as net-pf-2-proto-254-type-8.
 * Says for each copy that ends the child that asks for a socket, and not one that only
 * calls dlopen(), where the damage is; then that this was all. Damage in the module's
 * own code and data, and in the relocations that make its pointers, is not counted: no
 * loader can tell what they should be.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char whole[1 << 20] __attribute__((aligned(16)));
static size_t whole_len;
static int copies, sockets;

static void read_whole(const char *file)
{
	FILE *in = fopen(file, "r");

	whole_len = in ? fread(whole, 1, sizeof(whole), in) : 0;
	if (!whole_len)
		exit(2);
	fclose(in);
}

/* A new file each time: an old one may be mapped. */
static void put(const char *copy, size_t len)
{
	int fd;

	unlink(copy);
	fd = open(copy, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || write(fd, whole, len) != (ssize_t)len)
		exit(2);
	close(fd);
}

static int ask(const char *unused)
{
	(void)unused;
	return socket(AF_INET, 8, 254) >= 0;
}

static int open_plainly(const char *copy)
{
	void *handle = dlopen(copy, RTLD_NOW | RTLD_LOCAL);

	return handle && dlsym(handle, "cop_module") && !dlclose(handle);
}

/* Damaged code may loop, with signals blocked. Returns what @fn returned, or -signal. */
static int in_child(int (*fn)(const char *), const char *copy)
{
	const struct rlimit none = { 0, 0 }, second = { 1, 1 };
	int status;
	pid_t pid = fork();

	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		setrlimit(RLIMIT_CPU, &second);
		_exit(fn(copy));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		exit(2);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* A signal, or an assertion of libc's loader. */
static bool is_end(int outcome)
{
	return outcome != 0 && outcome != 1;
}

static bool is_own_section(const ElfW(Shdr) * section)
{
	switch (section->sh_type) {
	case SHT_REL:
	case SHT_RELA:
		return true;
	case SHT_PROGBITS:
		return section->sh_flags & (SHF_EXECINSTR | SHF_WRITE);
	default:
		return false;
	}
}

static bool is_modules_own(size_t at)
{
	const ElfW(Ehdr) *elf = (void *)whole;
	const ElfW(Shdr) *section = (void *)(whole + elf->e_shoff);

	for (int i = 0; i < elf->e_shnum; i++)
		if (is_own_section(&section[i]) &&
		    at - section[i].sh_offset < section[i].sh_size)
			return true;
	return false;
}

static void try(const char *copy, size_t at)
{
	int ours = in_child(ask, copy), plain = 0;

	if (is_end(ours))
		plain = in_child(open_plainly, copy);
	copies++;
	sockets += ours == 1;
	if (is_end(ours) && !is_end(plain) && !is_modules_own(at))
		printf("damage at %#zx: %d\n", at, ours);
}

static void cut(const char *copy)
{
	for (size_t len = 0; len <= whole_len; len += len < 1024 ? 1 : 61) {
		put(copy, len);
		try(copy, len);
	}
}

static void flip(const char *copy, int n, unsigned int seed)
{
	srand(seed);
	while (n--) {
		const size_t at = rand() % whole_len;
		const unsigned char was = whole[at];

		whole[at] ^= 1 + rand() % 255;
		put(copy, whole_len);
		whole[at] = was;
		try(copy, at);
	}
}

int main(int argc, char *argv[])
{
	if (argc < 4)
		return 2;
	setvbuf(stdout, NULL, _IONBF, 0);
	read_whole(argv[2]);
	if (!strcmp(argv[1], "cut"))
		cut(argv[3]);
	else
		flip(argv[3], atoi(argv[4]), atoi(argv[5]));
	printf("%s\n", sockets && sockets < copies ? "all" : "nothing tried");
	return 0;
}
