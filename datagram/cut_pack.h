/* SPDX-License-Identifier: MIT */
/*
 * cut_pack.h - a send that is to be cut, with all of its headers, in one piece.
 */
#ifndef COP_CUT_PACK_H
#define COP_CUT_PACK_H

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "datagram/cut.h"
#include "datagram/tx.h"

/*
 * A control message of ours; and room behind the program's own, where the last one may
 * lack its number.
 */
#define COP_CUT_CONTROL	    CMSG_SPACE(sizeof(uint16_t))
#define COP_CUT_CONTROL_PAD 8

/* A packed send has so many bytes of the program's own control messages at most. */
#define COP_CUT_PACK_CONTROL 128

/* A send in one piece. */
struct cop_cut_pack {
	struct cop_tx tx;    /* of its first datagram */
	uint64_t seq;	     /* of the second one; the others follow it */
	size_t len;	     /* payload, bytes */
	unsigned int n;	     /* datagrams */
	unsigned int size;   /* payload of each but the last, bytes */
	struct msghdr whole; /* for the kernel */
	struct iovec iov;
	char control[COP_CUT_CONTROL + COP_CUT_PACK_CONTROL +
		     COP_CUT_CONTROL_PAD] __attribute__((aligned(8)));
};

/* Whether a control message is a size of UDP_SEGMENT. */
static inline bool cop_cut_is_size(const struct cmsghdr *cmsg)
{
	return cmsg->cmsg_level == IPPROTO_UDP &&
	       cmsg->cmsg_type == UDP_SEGMENT &&
	       cmsg->cmsg_len == CMSG_LEN(sizeof(uint16_t));
}

/**
 * cop_cut_control - make the control messages of a send that is to be cut
 * @msg: the program's message
 * @step: bytes from one cut of the kernel to the next
 * @control: room for @msg's, COP_CUT_CONTROL and COP_CUT_CONTROL_PAD; aligned to 8
 */
void cop_cut_control(const struct msghdr *msg, unsigned int step,
		     void *control);

/**
 * cop_cut_pack - number the datagrams of a send, and put it in one piece
 * @p: filled in; must not move afterwards
 * @cut: the send. The program's control messages can be read
 * @at: where to; aligned to 4
 * @room: bytes at @at
 *
 * Returns how many bytes it takes. 0: it can't be packed, and nothing is numbered.
 */
size_t cop_cut_pack(struct cop_cut_pack *p, const struct cop_cut *cut,
		    unsigned char *at, size_t room);

/**
 * cop_cut_packed - account for a packed send
 * @p: from cop_cut_pack()
 * @cut: the send
 * @sent: what the kernel returned, or -errno
 *
 * Returns the payload's length or -errno.
 */
ssize_t cop_cut_packed(const struct cop_cut_pack *p, const struct cop_cut *cut,
		       ssize_t sent);

#endif /* COP_CUT_PACK_H */
