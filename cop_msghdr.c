// SPDX-License-Identifier: MIT
/*
 * cop_msghdr.c - what the kernel makes of a program's struct msghdr before any
 * socket sees it.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: cop_uaccess.c.
 * Counterpart in the kernel: __copy_msghdr() in net/socket.c.
 */
#include <errno.h>

#include "cop/msghdr.h"
#include "cop/uaccess.h"

int msg_import(int fd, struct msghdr *msg, const struct msghdr *umsg)
{
	if (!user_readable(fd, umsg, sizeof(*umsg)))
		return -EFAULT;
	*msg = *umsg;
	msg->msg_flags = 0;
	if (!msg->msg_name)
		msg->msg_namelen = 0;
	if ((int)msg->msg_namelen < 0)
		return -EINVAL;
	if (msg->msg_namelen > sizeof(struct sockaddr_storage))
		msg->msg_namelen = sizeof(struct sockaddr_storage);
	return 0;
}

int msg_import_name(int fd, struct msghdr *msg)
{
	if (!msg->msg_namelen)
		msg->msg_name = NULL;
	else if (!user_readable(fd, msg->msg_name, msg->msg_namelen))
		return -EFAULT;
	return 0;
}
