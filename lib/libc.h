/* SPDX-License-Identifier: MIT */
/*
 * libc.h - the next definition of every symbol that libcop interposes: libc's
 * own, or the one of another preloaded library that comes after libcop. The
 * interpose room passes calls on foreign descriptors to them. Every other room
 * reaches the kernel by them.
 */
#ifndef COP_LIBC_H
#define COP_LIBC_H

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "lib/compiler.h"

/*
 * The one list of calls: X(type, name, (parameters), (arguments)) feeds the
 * table below, its stubs and its look-up. The variadic calls follow behind it.
 */
#define COP_LIBC_CALLS(X)                                                      \
	X(int, socket, (int domain, int type, int protocol),                   \
	  (domain, type, protocol))                                            \
	X(int, socketpair, (int domain, int type, int protocol, int sv[2]),    \
	  (domain, type, protocol, sv))                                        \
	X(int, bind, (int fd, const struct sockaddr *addr, socklen_t len),     \
	  (fd, addr, len))                                                     \
	X(int, connect, (int fd, const struct sockaddr *addr, socklen_t len),  \
	  (fd, addr, len))                                                     \
	X(int, accept, (int fd, struct sockaddr *addr, socklen_t *len),        \
	  (fd, addr, len))                                                     \
	X(int, accept4,                                                        \
	  (int fd, struct sockaddr *addr, socklen_t *len, int flags),          \
	  (fd, addr, len, flags))                                              \
	X(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len),   \
	  (fd, addr, len))                                                     \
	X(int, getsockopt,                                                     \
	  (int fd, int level, int name, void *val, socklen_t *len),            \
	  (fd, level, name, val, len))                                         \
	X(int, setsockopt,                                                     \
	  (int fd, int level, int name, const void *val, socklen_t len),       \
	  (fd, level, name, val, len))                                         \
	X(ssize_t, send, (int fd, const void *buf, size_t len, int flags),     \
	  (fd, buf, len, flags))                                               \
	X(ssize_t, sendto,                                                     \
	  (int fd, const void *buf, size_t len, int flags,                     \
	   const struct sockaddr *addr, socklen_t alen),                       \
	  (fd, buf, len, flags, addr, alen))                                   \
	X(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags),     \
	  (fd, msg, flags))                                                    \
	X(int, sendmmsg,                                                       \
	  (int fd, struct mmsghdr *vec, unsigned int n, int flags),            \
	  (fd, vec, n, flags))                                                 \
	X(ssize_t, recv, (int fd, void *buf, size_t len, int flags),           \
	  (fd, buf, len, flags))                                               \
	X(ssize_t, recvfrom,                                                   \
	  (int fd, void *buf, size_t len, int flags, struct sockaddr *addr,    \
	   socklen_t *alen),                                                   \
	  (fd, buf, len, flags, addr, alen))                                   \
	X(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags),           \
	  (fd, msg, flags))                                                    \
	X(int, recvmmsg,                                                       \
	  (int fd, struct mmsghdr *vec, unsigned int n, int flags,             \
	   struct timespec *timeout),                                          \
	  (fd, vec, n, flags, timeout))                                        \
	X(ssize_t, read, (int fd, void *buf, size_t len), (fd, buf, len))      \
	X(ssize_t, readv, (int fd, const struct iovec *iov, int n),            \
	  (fd, iov, n))                                                        \
	X(ssize_t, preadv64v2,                                                 \
	  (int fd, const struct iovec *iov, int n, off64_t off, int flags),    \
	  (fd, iov, n, off, flags))                                            \
	X(ssize_t, write, (int fd, const void *buf, size_t len),               \
	  (fd, buf, len))                                                      \
	X(ssize_t, writev, (int fd, const struct iovec *iov, int n),           \
	  (fd, iov, n))                                                        \
	X(ssize_t, pwritev64v2,                                                \
	  (int fd, const struct iovec *iov, int n, off64_t off, int flags),    \
	  (fd, iov, n, off, flags))                                            \
	X(int, close, (int fd), (fd))                                          \
	X(int, close_range,                                                    \
	  (unsigned int first, unsigned int last, int flags),                  \
	  (first, last, flags))                                                \
	X(void, closefrom, (int first), (first))                               \
	X(int, unshare, (int flags), (flags))                                  \
	X(int, setns, (int fd, int nstype), (fd, nstype))                      \
	X(int, daemon, (int nochdir, int noclose), (nochdir, noclose))         \
	X(int, pidfd_getfd, (int pidfd, int fd, unsigned int flags),           \
	  (pidfd, fd, flags))                                                  \
	X(pid_t, vfork, (void), ())                                            \
	X(pid_t, _Fork, (void), ())                                            \
	X(int, execve,                                                         \
	  (const char *path, char *const argv[], char *const envp[]),          \
	  (path, argv, envp))                                                  \
	X(int, execv, (const char *path, char *const argv[]), (path, argv))    \
	X(int, execvp, (const char *file, char *const argv[]), (file, argv))   \
	X(int, execvpe,                                                        \
	  (const char *file, char *const argv[], char *const envp[]),          \
	  (file, argv, envp))                                                  \
	X(int, fexecve, (int fd, char *const argv[], char *const envp[]),      \
	  (fd, argv, envp))                                                    \
	X(int, execveat,                                                       \
	  (int dirfd, const char *path, char *const argv[],                    \
	   char *const envp[], int flags),                                     \
	  (dirfd, path, argv, envp, flags))                                    \
	X(int, posix_spawn,                                                    \
	  (pid_t * pid, const char *path,                                      \
	   const posix_spawn_file_actions_t *actions,                          \
	   const posix_spawnattr_t *attr, char *const argv[],                  \
	   char *const envp[]),                                                \
	  (pid, path, actions, attr, argv, envp))                              \
	X(int, posix_spawnp,                                                   \
	  (pid_t * pid, const char *file,                                      \
	   const posix_spawn_file_actions_t *actions,                          \
	   const posix_spawnattr_t *attr, char *const argv[],                  \
	   char *const envp[]),                                                \
	  (pid, file, actions, attr, argv, envp))                              \
	X(int, posix_spawn_file_actions_adddup2,                               \
	  (posix_spawn_file_actions_t * actions, int fd, int newfd),           \
	  (actions, fd, newfd))                                                \
	X(int, system, (const char *command), (command))                       \
	X(FILE *, popen, (const char *command, const char *mode),              \
	  (command, mode))                                                     \
	X(void *, dlopen, (const char *file, int mode), (file, mode))          \
	X(void *, dlmopen, (Lmid_t ns, const char *file, int mode),            \
	  (ns, file, mode))                                                    \
	X(FILE *, fdopen, (int fd, const char *mode), (fd, mode))              \
	X(int, fclose, (FILE * fp), (fp))                                      \
	X(FILE *, freopen, (const char *path, const char *mode, FILE *fp),     \
	  (path, mode, fp))                                                    \
	X(FILE *, freopen64, (const char *path, const char *mode, FILE *fp),   \
	  (path, mode, fp))                                                    \
	X(int, vdprintf, (int fd, const char *fmt, va_list ap), (fd, fmt, ap)) \
	X(int, __vdprintf_chk,                                                 \
	  (int fd, int flag, const char *fmt, va_list ap),                     \
	  (fd, flag, fmt, ap))                                                 \
	X(ssize_t, sendfile, (int out, int in, off_t *off, size_t n),          \
	  (out, in, off, n))                                                   \
	X(ssize_t, sendfile64, (int out, int in, off64_t *off, size_t n),      \
	  (out, in, off, n))                                                   \
	X(ssize_t, splice,                                                     \
	  (int in, off64_t *inoff, int out, off64_t *outoff, size_t n,         \
	   unsigned int flags),                                                \
	  (in, inoff, out, outoff, n, flags))                                  \
	X(int, dup, (int fd), (fd))                                            \
	X(int, dup2, (int fd, int newfd), (fd, newfd))                         \
	X(int, dup3, (int fd, int newfd, int flags), (fd, newfd, flags))       \
	X(int, poll, (struct pollfd * fds, nfds_t n, int timeout),             \
	  (fds, n, timeout))                                                   \
	X(int, ppoll,                                                          \
	  (struct pollfd * fds, nfds_t n, const struct timespec *timeout,      \
	   const sigset_t *mask),                                              \
	  (fds, n, timeout, mask))                                             \
	X(int, select,                                                         \
	  (int n, fd_set *rd, fd_set *wr, fd_set *ex, struct timeval *tv),     \
	  (n, rd, wr, ex, tv))                                                 \
	X(int, pselect,                                                        \
	  (int n, fd_set *rd, fd_set *wr, fd_set *ex,                          \
	   const struct timespec *timeout, const sigset_t *mask),              \
	  (n, rd, wr, ex, timeout, mask))                                      \
	X(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *ev),  \
	  (epfd, op, fd, ev))                                                  \
	X(int, epoll_wait,                                                     \
	  (int epfd, struct epoll_event *ev, int n, int timeout),              \
	  (epfd, ev, n, timeout))                                              \
	X(int, epoll_pwait,                                                    \
	  (int epfd, struct epoll_event *ev, int n, int timeout,               \
	   const sigset_t *mask),                                              \
	  (epfd, ev, n, timeout, mask))                                        \
	X(int, epoll_pwait2,                                                   \
	  (int epfd, struct epoll_event *ev, int n,                            \
	   const struct timespec *timeout, const sigset_t *mask),              \
	  (epfd, ev, n, timeout, mask))                                        \
	X(ssize_t, __read_chk, (int fd, void *buf, size_t len, size_t buflen), \
	  (fd, buf, len, buflen))                                              \
	X(ssize_t, __recv_chk,                                                 \
	  (int fd, void *buf, size_t len, size_t buflen, int flags),           \
	  (fd, buf, len, buflen, flags))                                       \
	X(ssize_t, __recvfrom_chk,                                             \
	  (int fd, void *buf, size_t len, size_t buflen, int flags,            \
	   struct sockaddr *addr, socklen_t *alen),                            \
	  (fd, buf, len, buflen, flags, addr, alen))                           \
	X(int, __poll_chk,                                                     \
	  (struct pollfd * fds, nfds_t n, int timeout, size_t size),           \
	  (fds, n, timeout, size))                                             \
	X(int, __ppoll_chk,                                                    \
	  (struct pollfd * fds, nfds_t n, const struct timespec *timeout,      \
	   const sigset_t *mask, size_t size),                                 \
	  (fds, n, timeout, mask, size))                                       \
	COP_LIBC_TIME64(X)

/*
 * The names of libc for programs of 32 bits that are built with times of 64 bits, as
 * Debian 13's are. Each @timeout is a struct cop_timespec64 or cop_timeval64.
 */
#if __TIMESIZE == 32
#define COP_LIBC_TIME64(X)                                                     \
	X(int, __getsockopt64,                                                 \
	  (int fd, int level, int name, void *val, socklen_t *len),            \
	  (fd, level, name, val, len))                                         \
	X(int, __setsockopt64,                                                 \
	  (int fd, int level, int name, const void *val, socklen_t len),       \
	  (fd, level, name, val, len))                                         \
	X(ssize_t, __sendmsg64, (int fd, const struct msghdr *msg, int flags), \
	  (fd, msg, flags))                                                    \
	X(int, __sendmmsg64,                                                   \
	  (int fd, struct mmsghdr *vec, unsigned int n, int flags),            \
	  (fd, vec, n, flags))                                                 \
	X(ssize_t, __recvmsg64, (int fd, struct msghdr *msg, int flags),       \
	  (fd, msg, flags))                                                    \
	X(int, __recvmmsg64,                                                   \
	  (int fd, struct mmsghdr *vec, unsigned int n, int flags,             \
	   struct cop_timespec64 *timeout),                                    \
	  (fd, vec, n, flags, timeout))                                        \
	X(int, __ppoll64,                                                      \
	  (struct pollfd * fds, nfds_t n,                                      \
	   const struct cop_timespec64 *timeout, const sigset_t *mask),        \
	  (fds, n, timeout, mask))                                             \
	X(int, __ppoll64_chk,                                                  \
	  (struct pollfd * fds, nfds_t n,                                      \
	   const struct cop_timespec64 *timeout, const sigset_t *mask,         \
	   size_t size),                                                       \
	  (fds, n, timeout, mask, size))                                       \
	X(int, __select64,                                                     \
	  (int n, fd_set *rd, fd_set *wr, fd_set *ex,                          \
	   struct cop_timeval64 *timeout),                                     \
	  (n, rd, wr, ex, timeout))                                            \
	X(int, __pselect64,                                                    \
	  (int n, fd_set *rd, fd_set *wr, fd_set *ex,                          \
	   const struct cop_timespec64 *timeout, const sigset_t *mask),        \
	  (n, rd, wr, ex, timeout, mask))                                      \
	X(int, __epoll_pwait2_time64,                                          \
	  (int epfd, struct epoll_event *ev, int n,                            \
	   const struct cop_timespec64 *timeout, const sigset_t *mask),        \
	  (epfd, ev, n, timeout, mask))
#define COP_LIBC_TIME64_VARIADIC(X)       \
	X(int, __fcntl_time64, int, long) \
	X(int, __ioctl_time64, unsigned long, void *)

struct cop_timespec64 {
	int64_t tv_sec;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	int32_t : 32;
	int32_t tv_nsec;
#else
	int32_t tv_nsec;
	int32_t : 32;
#endif
};

struct cop_timeval64 {
	int64_t tv_sec;
	int64_t tv_usec;
};
#else
#define COP_LIBC_TIME64(X)
#define COP_LIBC_TIME64_VARIADIC(X)
#endif

/* X(type, name, type of the command, type of the argument behind it) */
#define COP_LIBC_VARIADIC(X)                 \
	X(int, fcntl, int, long)             \
	X(int, fcntl64, int, long)           \
	X(int, ioctl, unsigned long, void *) \
	COP_LIBC_TIME64_VARIADIC(X)

/* What prctl() takes behind the option. Callers give as many as the option needs. */
#define COP_PRCTL_ARGS 4

static inline void cop_prctl_args(unsigned long *a, va_list ap)
{
	for (size_t i = 0; i < COP_PRCTL_ARGS; i++)
		a[i] = va_arg(ap, unsigned long);
}

struct cop_libc {
#define X(type, name, params, args) type(*name) params;
	COP_LIBC_CALLS(X)
#undef X
#define X(type, name, fixed, arg) type (*name)(int fd, fixed, ...);
	COP_LIBC_VARIADIC(X)
#undef X
	long (*syscall)(long number, ...);
	int (*prctl)(int option, ...);
	int (*clone)(int (*fn)(void *), void *stack, int flags, void *arg, ...);
};

/*
 * Each entry starts as a stub that looks its symbol up and repeats the call. So
 * any thread may call an entry before any constructor has run. Every writer
 * stores the same values.
 */
extern struct cop_libc cop_libc HIDDEN;

/**
 * cop_libc_init - look every symbol up now
 *
 * dlsym() is not async-signal-safe; after this no stub calls it again.
 */
void cop_libc_init(void);

/**
 * cop_libc_early - start the library, unless it is starting right now
 *
 * The interpose room defines it; in a program without that room, as the unit
 * tests, it is NULL. Called when the program uses a socket before libcop's
 * constructor has run. Returns whether the library has started.
 */
bool cop_libc_early(void) __attribute__((weak));

/**
 * cop_libc_result - turn a result of libc into the form that libcop uses inside
 * @ret: what a libc call returned
 *
 * Returns @ret, or -errno if @ret is negative.
 */
static inline ssize_t cop_libc_result(ssize_t ret)
{
	return ret < 0 ? -errno : ret;
}

#endif /* COP_LIBC_H */
