/* SPDX-License-Identifier: MIT */
/*
 * ways.h - every call that receives, sends or waits, in one form, so that a
 * program can go through them all; and how one tells that a thread is in one.
 */
#ifndef COP_TEST_WAYS_H
#define COP_TEST_WAYS_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "prog.h"

#define WAY_BYTES 3000 /* more than is copied on the stack */
#define WAY_IOVS  100  /* more than go to the kernel as they are */

static char way_text[WAY_BYTES];
static struct sockaddr_in way_addr;

struct way {
	const char *name;
	ssize_t (*call)(int fd);
};

/* ---- receiving --------------------------------------------------------- */

static inline ssize_t by_recv(int fd)
{
	return recv(fd, way_text, 32, 0);
}

static inline ssize_t by_recv_long(int fd)
{
	return recv(fd, way_text, WAY_BYTES, 0);
}

static inline ssize_t by_recvfrom(int fd)
{
	socklen_t len = sizeof(way_addr);

	return recvfrom(fd, way_text, 32, 0, SA(&way_addr), &len);
}

static inline ssize_t by_recvmsg(int fd)
{
	struct iovec iov[2] = { { way_text, 3 }, { way_text + 3, 29 } };
	struct msghdr msg = { .msg_name = &way_addr,
			      .msg_namelen = sizeof(way_addr),
			      .msg_iov = iov,
			      .msg_iovlen = 2 };

	return recvmsg(fd, &msg, 0);
}

static inline void many_iovs(struct iovec *iov)
{
	for (int i = 0; i < WAY_IOVS; i++)
		iov[i] = (struct iovec){ way_text + i, 1 };
}

static inline ssize_t by_recvmsg_many(int fd)
{
	struct iovec iov[WAY_IOVS];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = WAY_IOVS };

	many_iovs(iov);
	return recvmsg(fd, &msg, 0);
}

static inline ssize_t by_recvmmsg(int fd)
{
	struct iovec iov = { way_text, 32 };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	int n = recvmmsg(fd, &vec, 1, 0, NULL);

	return n == 1 ? (ssize_t)vec.msg_len : n;
}

static inline ssize_t by_read(int fd)
{
	return read(fd, way_text, 32);
}

static inline ssize_t by_readv(int fd)
{
	struct iovec iov[2] = { { way_text, 3 }, { way_text + 3, 29 } };

	return readv(fd, iov, 2);
}

static inline ssize_t by_preadv2(int fd)
{
	struct iovec iov[2] = { { way_text, 3 }, { way_text + 3, 29 } };

	return preadv2(fd, iov, 2, -1, 0);
}

static const struct way receiving[] = {
	{ "recv", by_recv },
	{ "recv of much", by_recv_long },
	{ "recvfrom", by_recvfrom },
	{ "recvmsg", by_recvmsg },
	{ "recvmsg into many", by_recvmsg_many },
	{ "recvmmsg", by_recvmmsg },
	{ "read", by_read },
	{ "readv", by_readv },
	{ "preadv2", by_preadv2 },
};

/* ---- sending, to a peer ------------------------------------------------ */

static inline ssize_t by_send(int fd)
{
	return send(fd, way_text, 5, 0);
}

static inline ssize_t by_sendto(int fd)
{
	return sendto(fd, way_text, 5, 0, NULL, 0);
}

static inline ssize_t by_sendmsg(int fd)
{
	struct iovec iov[2] = { { way_text, 2 }, { way_text + 2, 3 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return sendmsg(fd, &msg, 0);
}

static inline ssize_t by_sendmsg_many(int fd)
{
	struct iovec iov[WAY_IOVS];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = WAY_IOVS };

	many_iovs(iov);
	iov[0].iov_len = 2900; /* too much to be copied on the stack */
	return sendmsg(fd, &msg, 0);
}

static inline ssize_t by_sendmmsg(int fd)
{
	struct iovec iov = { way_text, 5 };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	return sendmmsg(fd, &vec, 1, 0);
}

static inline ssize_t by_write(int fd)
{
	return write(fd, way_text, 5);
}

static inline ssize_t by_writev(int fd)
{
	struct iovec iov = { way_text, 5 };

	return writev(fd, &iov, 1);
}

static inline ssize_t by_pwritev2(int fd)
{
	struct iovec iov = { way_text, 5 };

	return pwritev2(fd, &iov, 1, -1, 0);
}

static const struct way sending[] = {
	{ "send", by_send },	     { "sendto", by_sendto },
	{ "sendmsg", by_sendmsg },   { "sendmsg of many", by_sendmsg_many },
	{ "sendmmsg", by_sendmmsg }, { "write", by_write },
	{ "writev", by_writev },     { "pwritev2", by_pwritev2 },
};

/* ---- waiting ----------------------------------------------------------- */

static inline ssize_t by_poll(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, -1);
}

static inline ssize_t by_ppoll(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return ppoll(&pfd, 1, NULL, NULL);
}

static inline ssize_t by_select(int fd)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, NULL);
}

static inline ssize_t by_pselect(int fd)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return pselect(fd + 1, &set, NULL, NULL, NULL, NULL);
}

static const struct way waiting[] = {
	{ "poll", by_poll },
	{ "ppoll", by_ppoll },
	{ "select", by_select },
	{ "pselect", by_pselect },
};

/* ---- threads that are in one of them ----------------------------------- */

/* The system calls by which one of the above may sleep. */
static inline bool is_way(long number)
{
	static const long numbers[] = {
		SYS_recvfrom, SYS_recvmsg,  SYS_recvmmsg,    SYS_read,
		SYS_readv,    SYS_preadv2,  SYS_sendto,	     SYS_sendmsg,
		SYS_sendmmsg, SYS_write,    SYS_writev,	     SYS_pwritev2,
		SYS_ppoll,    SYS_pselect6, SYS_epoll_pwait, SYS_epoll_pwait2,
#ifdef SYS_poll
		SYS_poll,     SYS_select,   SYS_epoll_wait,
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (number == numbers[i])
			return true;
	return false;
}

/* What a thread sleeps in, -1 while it runs, -2 where one is not told. */
static inline long sleeps_in(pid_t tid)
{
	char path[64], line[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	file = fopen(path, "r");
	if (!file)
		return -2;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return line[0] >= '0' && line[0] <= '9' ? atol(line) : -1;
}

static inline void pause_us(long us)
{
	const struct timespec ts = { .tv_nsec = us * 1000 };

	nanosleep(&ts, NULL);
}

/* Until a thread is asleep in one of the calls. */
static inline void await_blocked(pid_t tid)
{
	long number;

	while (!is_way(number = sleeps_in(tid))) {
		if (number == -2) {
			pause_us(50000);
			return;
		}
		pause_us(100);
	}
}

/* Whether an address can be bound, by a socket that is gone again. */
static inline int try_bind(const struct sockaddr_in *addr)
{
	int sk = sock();
	int ret = bind(sk, (const struct sockaddr *)addr, sizeof(*addr));
	int saved = errno;

	close(sk);
	errno = saved;
	return ret;
}

#endif /* COP_TEST_WAYS_H */
