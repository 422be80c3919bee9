// SPDX-License-Identifier: MIT
/*
 * bench_memory.c - how much memory a socket and the descriptor table need.
 *
 * Private_Dirty counts the pages that only this process uses and that it has
 * written, so that the kernel had to give it memory for them.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop.h"
#include "datagram/proto.h"
#include "harness.h"

#define MANY 10000

/* Returns kB. Reads without stdio, because stdio's buffers would count, too. */
static long dirty(void)
{
	static char buf[4096];
	char *line;
	int fd = open("/proc/self/smaps_rollup", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0)
		bench_die("/proc/self/smaps_rollup");
	close(fd);
	buf[n] = 0;
	line = strstr(buf, "Private_Dirty:");
	return line ? strtol(line + strlen("Private_Dirty:"), NULL, 10) : 0;
}

static int open_cop(void)
{
	int fd = socket(AF_INET, SOCK_COP, IPPROTO_COP);

	if (fd < 0)
		bench_die("socket(SOCK_COP)");
	return fd;
}

static rlim_t raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max;
}

/* How many of @wanted COP sockets can be open at once. */
static unsigned int open_many(unsigned int wanted)
{
	unsigned int n;

	for (n = 0; n < wanted; n++)
		if (socket(AF_INET, SOCK_COP, IPPROTO_COP) < 0)
			break;
	return n;
}

int main(int argc, char **argv)
{
	long none, one, high, before;
	rlim_t limit;
	unsigned int n;
	char name[96];
	int fd;

	(void)argc;
	bench_begin("memory");
	bench_preload(argv);
	limit = raise_limit();
	dirty();
	none = dirty();
	fd = open_cop();
	one = dirty();
	if (dup2(fd, limit - 1) < 0)
		bench_die("a descriptor at the limit");
	high = dirty();
	before = dirty();
	n = open_many(MANY);
	printf("\nmemory: what is taken, in this process\n");
	bench_figure("a struct cop_sock", sizeof(struct cop_sock), "bytes",
		     320);
	bench_figure("the first COP socket", one - none, "kB dirty", 0);
	snprintf(name, sizeof(name), "a duplicate of it at descriptor %lu",
		 (unsigned long)limit - 1);
	bench_figure(name, high - one, "kB dirty", 8);
	snprintf(name, sizeof(name), "each of %u more, on average", n);
	bench_figure(name, (dirty() - before) * 1024.0 / n, "bytes dirty", 0);
	return 0;
}
