/* SPDX-License-Identifier: MIT */
/*
 * batch.h - limits and helpers of sendmmsg and recvmmsg.
 */
#ifndef COP_BATCH_H
#define COP_BATCH_H

#include <sys/socket.h>

#include "lib/uaccess.h"

/*
 * The kernel gets so many messages at a time, with so many iovecs in all: the arrays
 * are on the stack. A message with more iovecs goes by itself.
 */
#define COP_BATCH_MSGS 32
#define COP_BATCH_IOVS 96

/**
 * cop_put_msg_len - tell the program the length of a message
 * @umsg: the program's message
 * @len: bytes
 *
 * Returns 0, or -EFAULT where @umsg can't be written to.
 */
static inline int cop_put_msg_len(struct mmsghdr *umsg, unsigned int len)
{
	return copy_to_user(&umsg->msg_len, &len, sizeof(len));
}

#endif /* COP_BATCH_H */
