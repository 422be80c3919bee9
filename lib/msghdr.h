/* SPDX-License-Identifier: MIT */
/*
 * msghdr.h - a program's struct msghdr, before any socket sees it.
 */
#ifndef COP_MSGHDR_H
#define COP_MSGHDR_H

#include <sys/socket.h>

/**
 * msg_import - look at a message as copy_msghdr_from_user() does
 * @fd: a socket
 * @msg: where it is copied to
 * @umsg: the program's
 *
 * Returns 0, -EFAULT for what can't be read, -EINVAL for a negative
 * length of the name.
 */
int msg_import(int fd, struct msghdr *msg, const struct msghdr *umsg);

/**
 * msg_import_name - look at the name of a message that is to be sent
 * @fd: a socket
 * @msg: from msg_import(); a name of no length is none
 *
 * Returns 0, or -EFAULT for one that can't be read.
 */
int msg_import_name(int fd, struct msghdr *msg);

/**
 * msg_export - tell a program what it has received
 * @umsg: the program's message
 * @msg: from msg_import(), since received into; its name and payload are the
 *	program's memory, and written already
 *
 * Returns 0, or -EFAULT where @umsg can't be written to.
 */
int msg_export(struct msghdr *umsg, const struct msghdr *msg);

/**
 * msg_export_fault - tell a program what a receive that failed has written
 * @umsg: the program's message
 * @msg: as it is since
 * @room: msg_namelen ahead of the receive
 * @ret: what the receive came to, -errno
 *
 * Where it is the name that can't be written to, its length is written already.
 * Returns @ret.
 */
ssize_t msg_export_fault(struct msghdr *umsg, const struct msghdr *msg,
			 socklen_t room, ssize_t ret);

/**
 * name_export - tell a program an address
 * @fd: a socket
 * @name: where to, in the program's memory
 * @namelen: the room there in bytes, and then the address's length; likewise
 * @from: the address
 * @fromlen: its length in bytes
 *
 * Returns 0, -EFAULT where either can't be written to, -EINVAL for a room below 0.
 * The length is written first. Counterpart: move_addr_to_user().
 */
int name_export(int fd, void *name, socklen_t *namelen,
		const struct sockaddr_storage *from, socklen_t fromlen);

/**
 * msg_refuse - end a call that moves nothing, without the kernel
 * @fd: the descriptor, which the kernel is asked about: another thread may change
 *	the memory that made us refuse, so the kernel must not see the call itself
 * @ret: what the call comes to on a socket
 *
 * Returns @ret, or -EBADF or -ENOTSOCK where @fd is none.
 */
ssize_t msg_refuse(int fd, ssize_t ret);

#endif /* COP_MSGHDR_H */
