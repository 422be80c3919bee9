/* SPDX-License-Identifier: MIT */
/*
 * msghdr.h - a program's struct msghdr, before any socket sees it.
 */
#ifndef COP_MSGHDR_H
#define COP_MSGHDR_H

#include <sys/socket.h>

/**
 * msg_import - copy and check a message as copy_msghdr_from_user() does
 * @fd: a socket
 * @msg: the copy; its name has sizeof(struct sockaddr_storage) bytes at most
 * @umsg: the program's message
 *
 * Returns 0, -EFAULT if @umsg can't be read, -EINVAL for a negative length of
 * the name.
 */
int msg_import(int fd, struct msghdr *msg, const struct msghdr *umsg);

/**
 * msg_import_name - check the name of a message that is to be sent
 * @fd: a socket
 * @msg: from msg_import(); a name of length 0 becomes NULL
 *
 * Returns 0, or -EFAULT if the name can't be read.
 */
int msg_import_name(int fd, struct msghdr *msg);

/**
 * msg_export - write the results of a receive into the program's message
 * @umsg: the program's message
 * @msg: from msg_import(), after the receive; its name and payload are in the
 *	program's memory, and are written already
 *
 * Returns 0, or -EFAULT if @umsg can't be written.
 */
int msg_export(struct msghdr *umsg, const struct msghdr *msg);

/**
 * msg_export_fault - write what the kernel writes although a receive fails
 * @umsg: the program's message
 * @msg: from msg_import(), after the receive
 * @room: msg_namelen before the receive
 * @ret: the receive's error, -errno
 *
 * The kernel writes the length of the name before the name. So if the name
 * can't be written, the program still gets its length. Returns @ret.
 */
ssize_t msg_export_fault(struct msghdr *umsg, const struct msghdr *msg,
			 socklen_t room, ssize_t ret);

/**
 * name_export - write an address into a program's memory
 * @fd: a socket
 * @name: the program's buffer
 * @namelen: the program's length: before the call the room at @name in bytes,
 *	afterwards the address's length
 * @from: the address
 * @fromlen: its length in bytes
 *
 * Returns 0, -EFAULT if @name or @namelen can't be written, -EINVAL if the room
 * is negative. Writes the length first. Counterpart: move_addr_to_user().
 */
int name_export(int fd, void *name, socklen_t *namelen,
		const struct sockaddr_storage *from, socklen_t fromlen);

/**
 * msg_refuse - the result of a call that moves no data
 * @fd: the descriptor
 * @ret: the call's result if @fd is a socket
 *
 * The kernel does not see the call itself: another thread may change the memory
 * that made the library refuse it, and then the kernel would move data. The
 * kernel only says whether @fd is a socket. Returns @ret, or -EBADF or
 * -ENOTSOCK.
 */
ssize_t msg_refuse(int fd, ssize_t ret);

#endif /* COP_MSGHDR_H */
