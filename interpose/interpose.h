/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - functions and macros that the interpose files share.
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

/*
 * Functions that libc exports but does not declare in its headers for programs.
 */
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
#define X(type, name, params, args) type name params;
COP_LIBC_TIME64(X)
#undef X
#define X(type, name, fixed, arg) type name(int fd, fixed, ...);
COP_LIBC_TIME64_VARIADIC(X)
#undef X

/**
 * cop_return - the one place where a negative errno becomes -1 and errno
 * @ret: a result, or -errno; COP_PLAIN_UDP is ENOTSOCK
 * @saved_errno: errno before the call; a success restores it
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
 * @saved_errno: errno before the operation; restored if the function returns true
 *
 * The program closed it unseen, or it is plain UDP. Then the function removes the
 * entry from the table, and the caller makes the call again, because the number may
 * be closed now, or belong to another file. A descriptor that another call is
 * exchanging stays in the table.
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
		fd_forget(fd); /* the error itself is proof enough here */
		forgotten = true;
	}
	errno = saved_errno;
	return forgotten;
}

/**
 * iov_judge - check iovecs as the kernel does before a socket sees them
 * @fd: the socket
 * @iov: the iovecs
 * @n: how many
 *
 * Returns how many bytes they have. If that is 0 or less, no socket sees the
 * call, and this is its result: 0 for no bytes, -EINVAL or -EFAULT, or -EBADF
 * or -ENOTSOCK if @fd is no socket. Counterpart: vfs_writev() and vfs_readv().
 */
ssize_t iov_judge(int fd, const struct iovec *iov, int n);

/**
 * rwf_to_msg - turn the flags of preadv2() and pwritev2() into flags of a
 * message
 * @flags: RWF_*; most mean nothing to a socket
 *
 * Returns MSG_*, -EOPNOTSUPP for a flag that sockets do not know, -EINVAL for
 * two flags that exclude each other.
 */
int rwf_to_msg(int flags);

/**
 * syscall_seccomp - syscall(SYS_seccomp)
 * @a: its arguments
 */
long syscall_seccomp(const long *a);

/**
 * syscall_socketcall - syscall(SYS_socketcall), the older form of the socket calls
 * @a: its arguments: which call, and where that call's own arguments are
 */
long syscall_socketcall(const long *a);

/**
 * syscall_do - a system call that a program makes by syscall()
 * @number: SYS_*
 * @a: six arguments
 */
long syscall_do(long number, const long *a);

extern _Atomic(bool) cop_started; /* (a) the library serves all its calls */

/**
 * cop_init - start the library, unless it has started already
 *
 * A program may create or receive a socket before the constructors have run.
 */
void cop_init(void);

/**
 * process_shares - prepare all sockets for a fork of any kind
 *
 * Records for each sock which kernel socket it has, and for each pending sock that
 * another process may decide it. Async-signal-safe; errno stays.
 */
void process_shares(void);

/* The functions that move the bytes of a stream on a COP descriptor. */
extern const cookie_io_functions_t stream_io;

/**
 * process_watch - call process_shares() before each fork()
 */
void process_watch(void);

/**
 * rights_send - mark the COP sockets in a message before it is sent
 * @umsg: the program's message
 */
void rights_send(const struct msghdr *umsg);

/**
 * fd_received - find out whether a descriptor of another process is COP's
 * @fd: a new descriptor of this process
 *
 * Returns 0, or -EPROTONOSUPPORT if this task can't use it: see fd_adopt(). errno stays.
 */
int fd_received(int fd);

/**
 * rights_receive - call fd_received() for each descriptor in a message
 * @msg: the received message
 *
 * If this task can't use one of them, closes them all and returns -EPROTONOSUPPORT.
 */
int rights_receive(struct msghdr *msg);

/* Returns 0 if @err is 0, else -1 with errno. */
static inline int refuse_rights(int err)
{
	if (likely(!err))
		return 0;
	errno = -err;
	return -1;
}

/* Whether the process has, or ever had, a COP socket. */
static inline bool any_ours(void)
{
	return unlikely(READ_ONCE(cop_table.max));
}

/*
 * The function that makes a call again after gone(). A vfork() child may not
 * change the table, so there it is the next definition.
 */
#define AGAIN(call) (cop_process_is_owner() ? call : cop_libc.call)

/**
 * foreign_fd - note a new descriptor that is not COP's
 * @fd: the descriptor, or -1
 *
 * Removes the entry that the table still has for this number, if any. Returns
 * @fd.
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
 * wait_prepare - prepare a descriptor for a wait until it is readable
 * @fd: the descriptor
 *
 * Returns false if it is known that there is nothing to receive. errno stays.
 */
bool wait_prepare(int fd);

/**
 * wait_decodes - whether a wait for reading ended by more than what decode refuses
 * @fd: the descriptor, which the kernel calls readable
 *
 * Looks only at a descriptor without O_NONBLOCK: a receive on any other one fails with
 * EAGAIN, which does no harm. Returns false if nothing is left to receive. errno stays.
 * Counterpart: udp_poll(), which calls first_packet_length() in the same case.
 */
bool wait_decodes(int fd);

/**
 * wait_readable - whether memory that a program gives to a wait can be read
 * @ptr: its start
 * @len: its length in bytes
 *
 * Also false if no descriptor is COP's: then there is nothing to prepare.
 */
bool wait_readable(const void *ptr, size_t len);

/**
 * poll_prepare - prepare COP sockets for poll()
 * @fds: poll()'s array
 * @n: its length
 */
void poll_prepare(const struct pollfd *fds, nfds_t n);

/**
 * select_prepare - prepare COP sockets for select()
 * @n: select()'s first argument
 * @rd: select()'s second argument; may be NULL
 */
void select_prepare(int n, const fd_set *rd);

/**
 * stdio_adopt - make a COP descriptor the program's standard stream
 * @fd: 0, 1 or 2; does nothing for another number, or if @fd is not COP's
 *
 * stdin, stdout or stderr becomes a FILE of the library. It is buffered as
 * libc's, and takes over the bytes that libc's has not written yet. Returns
 * whether it did so.
 */
bool stdio_adopt(int fd);

/**
 * stdio_replaced - make a standard stream fit its descriptor again
 * @fd: 0, 1 or 2, which was just closed, or replaced by a dup2()
 *
 * Calls stdio_adopt() for a COP socket; for another file it puts libc's own
 * stream back. Does nothing in a vfork() child. Async-signal-safe, except that
 * the first COP socket at a number needs malloc(). After a _Fork() malloc() may
 * be unusable: then libc's stream stays. errno stays.
 */
void stdio_replaced(int fd);

/*
 * stdio_replaced() for any number; costs a compare for all but three. Returns
 * @fd.
 */
static inline int stdio_follow(int fd)
{
	if (unlikely((unsigned int)fd <= STDERR_FILENO))
		stdio_replaced(fd);
	return fd;
}

/**
 * epoll_prepare - prepare COP sockets for epoll_wait(), if there are new ones
 *
 * Costs a compare if there is no new one since the last call.
 */
void epoll_prepare(void);

/**
 * epoll_prepare_all - prepare every COP socket for a wait
 */
void epoll_prepare_all(void);

/**
 * watch_poll, watch_select, watch_epoll - wait, and drop strays that end the wait
 * @timeout: NULL for ever; watch_select() writes the time that is left into it
 *
 * With COP_DEBUG set, poll(), select() and epoll_wait() do their work by these; in a
 * process that has a transport with decode, poll() and select() do.
 * The other arguments are those of ppoll(), pselect() and epoll_pwait2().
 */
int watch_poll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	       const sigset_t *mask);
int watch_select(int n, fd_set *rd, fd_set *wr, fd_set *ex,
		 struct timespec *timeout, const sigset_t *mask);
int watch_epoll(int epfd, struct epoll_event *ev, int n,
		const struct timespec *timeout, const sigset_t *mask);

/**
 * watch_msec - turn milliseconds into a timeout for the three calls above
 * @ts: the caller's memory for it
 * @msec: milliseconds; less than 0 for ever
 *
 * Returns @ts, or NULL for ever.
 */
struct timespec *watch_msec(struct timespec *ts, int msec);

/* Whether the waits of a process with COP sockets use these functions: epoll_wait(). */
static inline bool watches(void)
{
	return unlikely(cop_env.debug);
}

/* Whether poll() and select() use them. In a confined process they make no other call. */
static inline bool sifts(void)
{
	return unlikely(READ_ONCE(cop_sifts)) && !cop_confined();
}

/* Whether select() does: it copies the sets, and a longer one has no room. */
static inline bool sifts_sets(int n)
{
	return sifts() && n >= 0 && n <= FD_SETSIZE;
}

#endif /* COP_INTERPOSE_H */
