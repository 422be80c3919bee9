// SPDX-License-Identifier: MIT
/*
 * interpose/rights.c - descriptors in messages. The sender marks a COP socket
 * before it sends it, and the receiver looks for the mark.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * net/core/scm.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "interpose/interpose.h"
#include "cop_table.h"
#include "lib/uaccess.h"

static int fd_mark(int fd)
{
	struct socket *sock = sockfd_get(fd);

	if (!sock)
		return 0;
	fd_hand_on(sock, fd);
	fd_drop(sock);
	return 0;
}

/*
 * If the table has an entry for this number, the entry's socket was closed
 * unseen.
 */
int fd_received(int fd)
{
	int saved = errno;
	int err = 0;

	cop_libc_early();
	foreign_fd(fd);
	if (!cop_confined())
		err = fd_adopt(fd);
	errno = saved;
	return err < 0 ? err : 0;
}

/*
 * Counterpart: CMSG_OK(). The kernel refuses the whole message if this is
 * false.
 */
static bool cmsg_ok(const struct msghdr *msg, const struct cmsghdr *cmsg)
{
	size_t at = (const char *)cmsg - (const char *)msg->msg_control;

	return cmsg->cmsg_len >= sizeof(*cmsg) &&
	       cmsg->cmsg_len <= msg->msg_controllen - at;
}

/* Returns the last error of @act. */
static int each_right(struct msghdr *msg, int (*act)(int fd))
{
	struct cmsghdr *cmsg;
	int err = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg && cmsg_ok(msg, cmsg);
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t n = cmsg->cmsg_len - CMSG_LEN(0);
		int fd;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i + sizeof(fd) <= n; i += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(cmsg) + i, sizeof(fd));
			err = act(fd) ?: err;
		}
	}
	return err;
}

/* No message passes more descriptors than SCM_MAX_FD, which is 253. */
#define CONTROL_MAX 65536

/*
 * The library asks the kernel what it can read on a COP socket, never on a
 * foreign one.
 */
noinline void rights_send(const struct msghdr *umsg)
{
	int fd = fd_any();
	struct msghdr msg;
	int saved = errno;

	if (fd < 0 || msg_import(fd, &msg, umsg) || !msg.msg_control ||
	    msg.msg_controllen > CONTROL_MAX ||
	    !user_readable(fd, msg.msg_control, msg.msg_controllen))
		return;
	each_right(&msg, fd_mark);
	errno = saved;
}

static int fd_refuse(int fd)
{
	cop_libc.close(fd);
	return 0;
}

noinline int rights_receive(struct msghdr *msg)
{
	int err = each_right(msg, fd_received);

	if (unlikely(err)) {
		each_right(msg, fd_refuse);
		msg->msg_controllen = 0;
	}
	return err;
}
