/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - what the interpose files share beyond the symbols themselves.
 */
#ifndef COP_INTERPOSE_H
#define COP_INTERPOSE_H

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/process.h"
#include "cop_table.h"

#define EXPORT __attribute__((visibility("default")))

/* Another name that libc has for the same call. */
#define ALIAS(name) EXPORT __attribute__((alias(#name)))

/* Names that libc exports and its headers keep for their own use. */
int __dup2(int fd, int newfd);
pid_t __vfork(void);
ssize_t __read_chk(int fd, void *buf, size_t len, size_t buflen);
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t buflen, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t buflen, int flags,
		       struct sockaddr *addr, socklen_t *alen);
int __dprintf_chk(int fd, int flag, const char *fmt, ...);
int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap);
int __vfprintf_chk(FILE *fp, int flag, const char *fmt, va_list ap);
int __vsnprintf_chk(char *buf, size_t len, int flag, size_t buflen,
		    const char *fmt, va_list ap);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		const sigset_t *mask, size_t size);

/**
 * cop_return - the one place where a negative errno becomes -1 and errno
 * @ret: a result, or -errno; COP_PLAIN_UDP is ENOTSOCK
 * @saved_errno: errno as it was, which a success leaves alone
 *
 * Returns what the program gets.
 */
static inline ssize_t cop_return(ssize_t ret, int saved_errno)
{
	if (unlikely(ret < 0)) {
		errno = ret == COP_PLAIN_UDP ? ENOTSOCK : -ret;
		return -1;
	}
	errno = saved_errno;
	return ret;
}

/**
 * gone - whether the descriptor of an operation that failed is not COP's any more
 * @fd: the descriptor
 * @ret: what the operation returned
 * @saved_errno: errno as it was; set again if the function returns true
 *
 * The program closed it unseen, or it is plain UDP. Then the table forgets the
 * descriptor, and the caller begins again: the number may be nothing now, or
 * anything. A descriptor that another call is exchanging stays in the table.
 */
static inline bool gone(int fd, ssize_t ret, int saved_errno)
{
	bool forgotten;

	if (likely(ret >= 0))
		return false;
	if (likely(ret != COP_PLAIN_UDP && ret != -ENOTSOCK && ret != -EBADF))
		return false;
	forgotten = fd_forget_gone(fd);
	if (cop_confined()) {
		fd_forget(fd); /* nobody can ask, but this is an answer */
		forgotten = true;
	}
	errno = saved_errno;
	return forgotten;
}

/* A flag inside the kernel, for programs of 32 bits. */
#define MSG_CMSG_COMPAT (int)0x80000000

/**
 * iov_judge - what the kernel makes of iovecs that are to be read or written
 * @fd: the socket
 * @iov: the iovecs
 * @n: how many
 *
 * Returns the bytes in them. Else no socket sees the call, and what it comes to is
 * returned: 0 where there are none, -EINVAL or -EFAULT, or -EBADF or -ENOTSOCK for
 * what is no socket. Counterpart: vfs_writev() and vfs_readv().
 */
ssize_t iov_judge(int fd, const struct iovec *iov, int n);

/**
 * rwf_to_msg - the flags of preadv2() and pwritev2() as those of a message
 * @flags: RWF_*; most mean nothing to a socket
 *
 * Returns MSG_*, -EOPNOTSUPP for what sockets do not know, -EINVAL for two that
 * exclude each other.
 */
int rwf_to_msg(int flags);

/**
 * syscall_seccomp - syscall(SYS_seccomp)
 * @a: its arguments
 */
long syscall_seccomp(const long *a);

extern _Atomic(bool) cop_started; /* (a) the library serves all its calls */

/**
 * cop_init - start the library, unless it was started
 *
 * A socket may be asked for, or received, before the constructors have run.
 */
void cop_init(void);

/**
 * process_shares - note what is in all sockets, ahead of a fork of any kind
 *
 * Which kernel socket each is; of those that are undecided, that the decision is
 * not this process's alone. Async-signal-safe; errno stays.
 */
void process_shares(void);

/* What moves the bytes of a stream on a COP descriptor. */
extern const cookie_io_functions_t stream_io;

/**
 * process_watch - have sockets noted ahead of each fork()
 */
void process_watch(void);

/**
 * rights_send - mark the COP sockets in a message that is about to be sent
 * @umsg: the program's
 */
void rights_send(const struct msghdr *umsg);

/**
 * fd_received - take a descriptor that came from elsewhere for what it is
 * @fd: a new descriptor of this process; errno stays
 */
void fd_received(int fd);

/**
 * rights_receive - take the descriptors in a message for what they are
 * @msg: what was received
 */
void rights_receive(struct msghdr *msg);

/* Whether the process has, or ever had, a COP socket. */
static inline bool any_ours(void)
{
	return unlikely(READ_ONCE(cop_table.max));
}

/*
 * A call by name, to be made again behind gone(). A vfork() child may not change
 * the table, so there it is the next definition that is called.
 */
#define AGAIN(call) (cop_process_is_owner() ? call : cop_libc.call)

/**
 * foreign_fd - note a new descriptor that is not ours
 * @fd: the descriptor, or -1
 *
 * What its number meant before, if anything, is over. Returns @fd.
 */
static inline int foreign_fd(int fd)
{
	int saved;

	if (unlikely(sockfd_lookup(fd))) {
		saved = errno;
		fd_forget(fd);
		errno = saved;
	}
	return fd;
}

/**
 * wait_prepare - get a descriptor ready to be waited on for reading
 * @fd: the descriptor; errno stays
 *
 * Returns false where it was seen that there is nothing to be received.
 */
bool wait_prepare(int fd);

/**
 * wait_readable - whether memory that a wait is given can be read
 * @ptr: its start
 * @len: its length in bytes
 *
 * False too where no descriptor is COP's: then there is nothing to prepare.
 */
bool wait_readable(const void *ptr, size_t len);

/**
 * poll_prepare - get COP sockets ready to be polled
 * @fds: what poll() was given
 * @n: how many
 */
void poll_prepare(const struct pollfd *fds, nfds_t n);

/**
 * select_prepare - get COP sockets ready to be waited on for reading
 * @n: what select() was given
 * @rd: what select() was given; may be NULL
 */
void select_prepare(int n, const fd_set *rd);

/**
 * stdio_adopt - make a COP descriptor the program's standard stream
 * @fd: 0, 1 or 2; for any other number, and where it is not COP, nothing is done
 *
 * stdin, stdout or stderr is another FILE then, buffered as libc's is, which has
 * what is in libc's to be written. Returns whether it was done.
 */
bool stdio_adopt(int fd);

/**
 * stdio_replaced - let the standard stream be what its descriptor has become
 * @fd: 0, 1 or 2, just duplicated over or closed
 *
 * stdio_adopt() for a COP socket, or libc's own stream again. Nothing is done in a
 * vfork() child. Async-signal-safe, but for the first time that a COP socket is
 * there: that takes memory, unless other threads may have left that in disorder
 * (_Fork()). errno stays.
 */
void stdio_replaced(int fd);

/* For any number: a compare for all but three. */
static inline int stdio_follow(int fd)
{
	if (unlikely((unsigned int)fd <= STDERR_FILENO))
		stdio_replaced(fd);
	return fd;
}

/**
 * epoll_prepare - get every COP socket that is new ready to be waited on
 *
 * A compare where there is none since the last time.
 */
void epoll_prepare(void);

/**
 * epoll_prepare_all - get every COP socket ready to be waited on
 */
void epoll_prepare_all(void);

/**
 * watch_poll, watch_select, watch_epoll - wait, and name who sends strays
 * @timeout: NULL for ever; the second one leaves there what was left of it
 *
 * What poll(), select() and epoll_wait() do with COP_DEBUG. The rest as there.
 */
int watch_poll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	       const sigset_t *mask);
int watch_select(int n, fd_set *rd, fd_set *wr, fd_set *ex,
		 struct timespec *timeout, const sigset_t *mask);
int watch_epoll(int epfd, struct epoll_event *ev, int n,
		const struct timespec *timeout, const sigset_t *mask);

/**
 * watch_msec - a time as the calls above take it
 * @ts: where it is put
 * @msec: milliseconds; less than 0 for ever
 */
struct timespec *watch_msec(struct timespec *ts, int msec);

/* Whether they are to be used, where any descriptor is ours. */
static inline bool watches(void)
{
	return unlikely(cop_env.debug);
}

#endif /* COP_INTERPOSE_H */
