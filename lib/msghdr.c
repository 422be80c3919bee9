// SPDX-License-Identifier: MIT
/*
 * lib/msghdr.c - checks a program's struct msghdr as the kernel does before a
 * socket sees it, and writes the results into it as the kernel does afterwards.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __copy_msghdr(), ____sys_recvmsg() and move_addr_to_user() in net/socket.c.
 */
#include <errno.h>

#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"

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

int msg_export(struct msghdr *umsg, const struct msghdr *msg)
{
	if (unlikely(!user_writable(umsg, sizeof(*umsg))))
		return -EFAULT;
	if (msg->msg_name)
		umsg->msg_namelen = msg->msg_namelen;
	umsg->msg_controllen = msg->msg_controllen;
	umsg->msg_flags = msg->msg_flags;
	return 0;
}

ssize_t msg_export_fault(struct msghdr *umsg, const struct msghdr *msg,
			 socklen_t room, ssize_t ret)
{
	if (ret == -EFAULT && msg->msg_name && msg->msg_namelen != room)
		copy_to_user(&umsg->msg_namelen, &msg->msg_namelen,
			     sizeof(umsg->msg_namelen));
	return ret;
}

int name_export(int fd, void *name, socklen_t *namelen,
		const struct sockaddr_storage *from, socklen_t fromlen)
{
	int len;

	if (!user_readable(fd, namelen, sizeof(*namelen)))
		return -EFAULT;
	len = min_t(int, *namelen, fromlen);
	if (len < 0)
		return -EINVAL;
	if (copy_to_user(namelen, &fromlen, sizeof(fromlen)))
		return -EFAULT;
	return copy_to_user(name, from, len);
}

ssize_t msg_refuse(int fd, ssize_t ret)
{
	socklen_t len = sizeof(int);
	int type;
	int err = cop_libc_result(
		cop_libc.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));

	return err ? err : ret;
}
