// SPDX-License-Identifier: MIT
/*
 * slowfs.c - a file system (FUSE) whose one file, libcop.so, is never read to its
 * end, mounted on the directory that it is told; a child has the file mapped. Says
 * "ready PID" once it has, and ends with its stdin.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SKIP 77
#define SIZE 65536

static int fuse;

static void reply(const struct fuse_in_header *h, int err, const void *data,
		  size_t len)
{
	struct fuse_out_header out = { sizeof(out) + len, err, h->unique };
	struct iovec iov[] = { { &out, sizeof(out) }, { (void *)data, len } };

	if (writev(fuse, iov, len ? 2 : 1) < 0 && errno != ENOENT)
		perror("fuse");
}

static struct fuse_attr attr_of(uint64_t ino)
{
	return (struct fuse_attr){
		.ino = ino,
		.size = SIZE,
		.mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void look_up(const struct fuse_in_header *h)
{
	struct fuse_entry_out entry = { .nodeid = 2,
					.attr_valid = 1000,
					.entry_valid = 1000,
					.attr = attr_of(2) };

	if (strcmp((const char *)(h + 1), "libcop.so"))
		reply(h, -ENOENT, NULL, 0);
	else
		reply(h, 0, &entry, sizeof(entry));
}

/* A read is what nobody answers. */
static void answer(const struct fuse_in_header *h)
{
	struct fuse_init_out init = { .major = 7,
				      .minor = 31,
				      .max_readahead = 4096,
				      .max_write = 4096 };
	struct fuse_attr_out attr = { .attr_valid = 1000,
				      .attr = attr_of(h->nodeid) };
	struct fuse_open_out open = { 0 };

	switch (h->opcode) {
	case FUSE_INIT:
		return reply(h, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		return look_up(h);
	case FUSE_GETATTR:
		return reply(h, 0, &attr, sizeof(attr));
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return reply(h, 0, &open, sizeof(open));
	case FUSE_READ:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		return reply(h, -ENOSYS, NULL, 0);
	}
}

static void map_file(const char *dir)
{
	char path[256];
	int fd;

	/* When the server ends nobody has this any more, and all waits are over. */
	close(fuse);
	snprintf(path, sizeof(path), "%s/libcop.so", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0 || mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
			   0) == MAP_FAILED)
		_exit(1);
	printf("ready %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}

static void serve(void)
{
	static _Alignas(8) char request[1 << 20];
	struct pollfd fds[] = { { fuse, POLLIN, 0 }, { 0, POLLIN, 0 } };

	while (poll(fds, 2, -1) > 0 && !fds[1].revents)
		if (read(fuse, request, sizeof(request)) > 0)
			answer((const void *)request);
}

int main(int argc, char *argv[])
{
	char options[128];
	pid_t child;

	if (argc < 2)
		return 2;
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fuse, getuid(),
		 getgid());
	if (fuse < 0 ||
	    mount("fuse", argv[1], "fuse", MS_NODEV | MS_NOSUID, options)) {
		perror("fuse");
		return SKIP;
	}
	child = fork();
	if (!child)
		map_file(argv[1]);
	serve();
	kill(child, SIGKILL);
	umount2(argv[1], MNT_DETACH | MNT_FORCE);
	return 0;
}
