// SPDX-License-Identifier: MIT
/*
 * lib/splice.c - takes a datagram's payload from a file or a pipe. It copies
 * the bytes first, and takes them once the datagram is sent: a send that fails
 * loses nothing.
 *
 * Owns: nothing. Protected by: nothing to protect; threads that use the same
 * file position or pipe at once have to keep order themselves, as without
 * libcop. Counterpart in the kernel: splice_direct_to_actor() and
 * splice_to_socket() in fs/splice.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/libc.h"
#include "lib/splice.h"

void *cop_splice_map(void)
{
	void *buf = mmap(NULL, COP_SPLICE_MAX, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return buf == MAP_FAILED ? NULL : buf;
}

void cop_splice_unmap(void *buf)
{
	munmap(buf, COP_SPLICE_MAX);
}

/*
 * sendfile() fails with EINVAL on a file that pread() can't read at a position.
 */
ssize_t cop_file_peek(int in, off64_t pos, void *buf, size_t n)
{
	size_t done = 0;
	ssize_t ret;

	do {
		ret = cop_libc_result(
			pread64(in, (char *)buf + done, n - done, pos + done));
		if (ret > 0)
			done += ret;
	} while (ret > 0 && done < n);
	if (done)
		return done;
	return ret == -EISDIR || ret == -ESPIPE ? -EINVAL : ret;
}

/*
 * A read into memory that can't be written waits for data, then fails and takes
 * none. After a signal handler it restarts when splice() would restart; poll()
 * never does.
 */
int cop_pipe_wait(int in)
{
	static const char unwritable;
	ssize_t ret =
		cop_libc_result(cop_libc.read(in, (void *)&unwritable, 1));

	return ret == -EFAULT ? 1 : ret;
}

/*
 * The copy has to hold as many pieces as @in. splice() itself needs no
 * descriptors, so it never fails for lack of them: the program sees ENOBUFS
 * instead.
 */
int cop_pipe_open(int copy[2], int in)
{
	int size = cop_libc.fcntl(in, F_GETPIPE_SZ);

	if (pipe2(copy, O_CLOEXEC))
		return -ENOBUFS;
	if (size > cop_libc.fcntl(copy[1], F_GETPIPE_SZ))
		cop_libc.fcntl(copy[1], F_SETPIPE_SZ, size);
	return 0;
}

void cop_pipe_close(const int copy[2])
{
	cop_libc.close(copy[0]);
	cop_libc.close(copy[1]);
}

/*
 * Whether the copy has only a part of the data, because a limit of the user
 * keeps the second pipe small. A part must not be sent as a datagram.
 */
static bool copy_is_cut(const int copy[2], int in, size_t n, size_t want)
{
	int have = 0;

	return n < want &&
	       cop_libc.fcntl(copy[1], F_GETPIPE_SZ) <
		       cop_libc.fcntl(in, F_GETPIPE_SZ) &&
	       !cop_libc.ioctl(in, FIONREAD, &have) && (size_t)have > n;
}

ssize_t cop_pipe_peek(const int copy[2], int in, void *buf, size_t n)
{
	ssize_t len = cop_libc_result(tee(in, copy[1], n, SPLICE_F_NONBLOCK));
	ssize_t done = 0, ret;

	if (len > 0 && copy_is_cut(copy, in, len, n))
		return -ENOBUFS;
	while (done < len) {
		ret = cop_libc_result(
			cop_libc.read(copy[0], (char *)buf + done, len - done));
		if (ret <= 0)
			return ret;
		done += ret;
	}
	return len;
}

/*
 * Moves the pages into the second pipe, which is empty again: nothing is
 * copied.
 */
void cop_pipe_take(const int copy[2], int in, size_t n)
{
	cop_libc.splice(in, NULL, copy[1], NULL, n, SPLICE_F_NONBLOCK);
}
