/* SPDX-License-Identifier: MIT */
/*
 * segments.h - datagrams of a batch that the kernel gets as one send.
 */
#ifndef COP_SEGMENTS_H
#define COP_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "datagram/batch.h"
#include "socket/sock.h"

/* A batch on its way out: @n datagrams, each with its header. */
struct cop_segments {
	struct sock *sk;
	int fd;
	int flags; /* MSG_* */
	unsigned int n;
	/* Of each datagram: what the kernel gets for it. All iovecs lie in one array,
	 * in order. msg_len is set for each datagram that is sent. */
	struct mmsghdr *vec;
	/* Of each datagram: bytes, with the header; 0 where it has to go by itself. */
	const uint16_t *len;
};

/**
 * cop_segments_send - send a batch, and as few sends as possible to the kernel
 * @s: the batch
 *
 * A run is datagrams that follow each other, to one destination, of one length; the last
 * may be shorter. The kernel gets a run as one send and cuts it into its datagrams
 * (UDP_SEGMENT). It sends all of a run or nothing. If it refuses a run, it gets the
 * datagrams one by one, and its answer to that is the result.
 *
 * Returns how many datagrams were sent or -errno, as sendmmsg(). A cancellation point.
 */
int cop_segments_send(const struct cop_segments *s);

/**
 * cop_segments_forget - note that an option of the socket may have changed
 * @sk: the sock
 *
 * The next batch asks the kernel again whether runs may be one send.
 */
void cop_segments_forget(struct sock *sk);

/**
 * cop_is_from_icmp - whether an ICMP message may have left an error on a socket
 * @err: -errno of a send
 *
 * Counterpart: icmp_err_convert.
 */
bool cop_is_from_icmp(int err);

#endif /* COP_SEGMENTS_H */
