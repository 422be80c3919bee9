/* SPDX-License-Identifier: MIT */
/*
 * fds.h - descriptors that go from one process to another in a message of one byte
 * (SCM_RIGHTS).
 */
#ifndef COP_TEST_FDS_H
#define COP_TEST_FDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FDS_AT_ONCE 2

/* A message, with its buffers in itself. */
struct fds_msg {
	char byte;
	struct iovec iov;
	union {
		char room[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg;
};

/* Make @m a message of @n descriptors, FDS_AT_ONCE at most. */
static inline void fds_init(struct fds_msg *m, int n)
{
	*m = (struct fds_msg){ .byte = 'x' };
	m->control.align = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)),
					     SOL_SOCKET, SCM_RIGHTS };
	m->iov = (struct iovec){ &m->byte, 1 };
	m->msg = (struct msghdr){ .msg_iov = &m->iov,
				  .msg_iovlen = 1,
				  .msg_control = &m->control,
				  .msg_controllen =
					  CMSG_SPACE(n * sizeof(int)) };
}

static inline void give_fds(int link, const int *fds, int n)
{
	struct fds_msg m;

	fds_init(&m, n);
	memcpy(CMSG_DATA(&m.control.align), fds, n * sizeof(int));
	if (sendmsg(link, &m.msg, 0) != 1) {
		perror("sendmsg");
		exit(1);
	}
}

static inline void take_fds(int link, int *fds, int n)
{
	struct fds_msg m;

	fds_init(&m, n);
	if (recvmsg(link, &m.msg, 0) != 1 || !CMSG_FIRSTHDR(&m.msg)) {
		perror("recvmsg");
		exit(1);
	}
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m.msg)), n * sizeof(int));
}

static inline void give_fd(int link, int fd)
{
	give_fds(link, &fd, 1);
}

static inline int take_fd(int link)
{
	int fd;

	take_fds(link, &fd, 1);
	return fd;
}

#endif /* COP_TEST_FDS_H */
