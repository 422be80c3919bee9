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

#endif /* COP_MSGHDR_H */
