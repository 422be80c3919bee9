// SPDX-License-Identifier: MIT
/*
 * filter/user_filter.c - the program's own BPF programs: a filter, set by
 * SO_ATTACH_FILTER; and one that chooses among the sockets of a port.
 *
 * Owns: nothing; the kernel keeps the filter, for all processes that have the socket.
 * Protected by: cop_mark_lock(). Counterpart in the kernel: sk_attach_filter(),
 * sk_detach_filter() and sk_get_filter().
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "filter/bpf.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "filter/mark.h"
#include "lib/scratch_socket.h"
#include "lib/uaccess.h"

static bool is_locked(int fd)
{
	socklen_t len = sizeof(int);
	int locked = 0;

	cop_libc.getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, &len);
	return locked;
}

/*
 * The kernel checks the filter on a scratch socket. On the COP socket the filter
 * would drop COP datagrams until it is moved.
 */
static int try_filter(int fd, int scratch, int optname, const void *optval,
		      socklen_t optlen)
{
	int err = cop_libc_result(cop_libc.setsockopt(scratch, SOL_SOCKET,
						      optname, optval, optlen));

	return err != -EFAULT && is_locked(fd) ? -EPERM : err;
}

/*
 * SO_ATTACH_BPF names a descriptor. If the program names one that is not open, the
 * scratch socket may have got this very number.
 */
static bool names_scratch(int fd, int scratch, int optname, const void *optval)
{
	int bpf;

	if (optname != SO_ATTACH_BPF || !user_readable(fd, optval, sizeof(bpf)))
		return false;
	memcpy(&bpf, optval, sizeof(bpf));
	return bpf == scratch;
}

static int attach(struct sock *sk, int fd, int optname, const void *optval,
		  socklen_t optlen)
{
	struct cop_scratch scratch;
	int err;

	if (cop_scratch_socket(&scratch, sk->sk_family) < 0)
		return -ENOBUFS;
	if (names_scratch(fd, scratch.fd, optname, optval))
		err = -EBADF;
	else
		err = try_filter(fd, scratch.fd, optname, optval, optlen);
	if (!err && sk_wire(sk)->decode)
		err = -EINVAL; /* it would see what is encoded */
	else if (!err && optname == SO_ATTACH_FILTER)
		err = cop_mark_filter(sk, fd, COP_BODY_USER, scratch.fd);
	else if (!err)
		err = -ENOPROTOOPT; /* an eBPF program can't be moved */
	cop_scratch_close(&scratch);
	return err;
}

static bool length_fits(int optname, socklen_t optlen)
{
	return optlen == (optname == SO_ATTACH_FILTER
				  ? sizeof(struct sock_fprog)
				  : sizeof(uint32_t));
}

int cop_attach_filter(struct sock *sk, int fd, int optname, const void *optval,
		      socklen_t optlen)
{
	int cancel, err;

	if (!length_fits(optname, optlen))
		return cop_libc_result(cop_libc.setsockopt(
			fd, SOL_SOCKET, optname, optval, optlen));
	cancel = cancel_off();
	err = attach(sk, fd, optname, optval, optlen);
	cancel_on(cancel);
	if (err)
		return err;
	cop_filter_attached(sk);
	return 0;
}

static int detach(struct sock *sk, int fd)
{
	struct cop_mark_held held;
	struct cop_mark mark;
	int err = -ENOENT;

	if (cop_mark_lock(sk, fd, &held) &&
	    !cop_program_read(sk_wire(sk), held.fd, &mark) &&
	    mark.body == COP_BODY_USER)
		err = cop_mark_filter_locked(sk, fd, &held, COP_BODY_COP, -1);
	cop_mark_unlock(sk, &held);
	return err;
}

/* The filter that drops strays stays: another process may rely on it already. */
int cop_detach_filter(struct sock *sk, int fd, const void *optval,
		      socklen_t optlen)
{
	int err;

	if ((int)optlen < (int)sizeof(int) ||
	    !user_readable(fd, optval, sizeof(int)) || is_locked(fd))
		return cop_libc_result(cop_libc.setsockopt(
			fd, SOL_SOCKET, SO_DETACH_FILTER, optval, optlen));
	err = detach(sk, fd);
	if (!err && !sock_flag(sk, SOCK_FILTER))
		cop_filter_attached(sk);
	return err;
}

static int read_filter(struct sock *sk, int fd, struct sock_filter *insn,
		       unsigned int room)
{
	int n = room ? cop_program_user(sk_wire(sk), fd, NULL, 0) : 0;

	if (n > 0 && room >= (unsigned int)n &&
	    !user_writable(insn, n * sizeof(*insn)))
		return -EFAULT;
	return cop_program_user(sk_wire(sk), fd, insn, room);
}

/* *@optlen is a number of instructions, not of bytes. */
int cop_get_filter(struct sock *sk, int fd, void *optval, socklen_t *optlen)
{
	int n;

	if (!user_readable(fd, optlen, sizeof(*optlen)))
		return -EFAULT;
	if ((int)*optlen < 0)
		return -EINVAL;
	n = read_filter(sk, fd, optval, *optlen);
	if (n < 0)
		return n;
	return copy_to_user(optlen, &(socklen_t){ n }, sizeof(*optlen));
}

static int attach_moved(const struct cop_wire *wire, int fd,
			struct sock_fprog *prog, const void *insn, size_t size)
{
	int err;

	memcpy(prog->filter, insn, size);
	err = cop_bpf_skip(wire, prog->filter, prog->len);
	if (err)
		return err;
	return cop_libc_result(cop_libc.setsockopt(
		fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, prog, sizeof(*prog)));
}

/* A call that the kernel refuses goes to the kernel as it is. */
int cop_attach_reuseport(struct sock *sk, int fd, const void *optval,
			 socklen_t optlen)
{
	struct sock_fprog prog;
	const void *insn;
	size_t size;
	int err;

	if (optlen != sizeof(prog) || !user_readable(fd, optval, optlen))
		goto kernels;
	if (sk_wire(sk)->decode)
		return -EINVAL;
	memcpy(&prog, optval, sizeof(prog));
	size = prog.len * sizeof(*prog.filter);
	insn = prog.filter;
	if (!prog.len || prog.len > BPF_MAXINSNS ||
	    !user_readable(fd, insn, size))
		goto kernels;
	prog.filter = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (prog.filter == MAP_FAILED)
		return -ENOMEM;
	err = attach_moved(sk_wire(sk), fd, &prog, insn, size);
	munmap(prog.filter, size);
	return err;
kernels:
	return cop_libc_result(cop_libc.setsockopt(
		fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, optval, optlen));
}
