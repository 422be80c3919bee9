/* SPDX-License-Identifier: MIT */
/*
 * joined.h - several datagrams that the kernel has joined, with their headers.
 */
#ifndef COP_JOINED_H
#define COP_JOINED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/endpoint.h"
#include "socket/sock.h"
#include "wire/recv.h"

/* A receive. Datagram @step bytes behind another one begins with a header of its own. */
struct joined {
	struct sock *sk;
	int fd;
	int flags; /* MSG_* of the receive */
	/* Header and payload as they came: first the header of the first datagram, then
	 * the room for all payloads. */
	const struct iovec *iov;
	size_t n;    /* bytes that came */
	size_t got;  /* bytes that there was room for */
	size_t step; /* @n: it is one datagram */
	size_t cap;  /* bytes of payload that the program has room for */
	const void *name;
	socklen_t namelen;

	struct cop_peer from; /* the sender, or nobody */

	/* What the program gets. */
	size_t len;	    /* bytes of payload */
	size_t copied;	    /* bytes of it in its memory */
	size_t size;	    /* of the payload of each datagram but the last */
	unsigned int taken; /* datagrams */
	bool ended;	    /* no further one can be shown */
	bool cut;	    /* a further one has come, and is lost */
	struct cop_rx seg;  /* the present one */
	struct cop_hdr_info last; /* of the last one that is no stray */
};

/**
 * cop_joined_is_for_program - whether joined datagrams are for the program
 * @j: what has come
 * @why: receives the reason why the first one is a stray, or COP_NO_STRAY
 *
 * Not if all of them are strays: then they are one stray to the caller, and the others
 * are counted. Nor if the descriptor is another socket by now.
 */
bool cop_joined_is_for_program(const struct joined *j, enum cop_stray *why);

/**
 * cop_unjoin - take the headers out of joined datagrams
 * @j: what has come; what the program gets is filled in
 * @rx: describes what came, as cop_gro_recv() says
 *
 * Counts each datagram, and each stray among them, which the program does not get.
 */
void cop_unjoin(struct joined *j, struct cop_rx *rx);

/**
 * cop_joined_step - find from one header to the next where the kernel did not tell
 * @j: what has come; its step is changed
 *
 * Returns the number of bytes; @j->n: it is one datagram. The kernel tells it only as
 * long as UDP_GRO is set. For datagrams that it joined before, the headers tell it.
 */
size_t cop_joined_step(struct joined *j);

#endif /* COP_JOINED_H */
