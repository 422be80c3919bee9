/* SPDX-License-Identifier: MIT */
/*
 * tx_arrays.h - a batch of datagrams on its way out, and where its arrays are.
 */
#ifndef COP_TX_ARRAYS_H
#define COP_TX_ARRAYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "datagram/batch.h"
#include "datagram/tx.h"
#include "wire/buffer.h"
#include "wire/hdr.h"

/*
 * Messages that follow each other and go to one destination: they get their numbers at
 * once. A message that is not packed is a group of its own.
 */
struct tx_group {
	struct cop_tx
		tx; /* of the first message; payload: not for packed ones */
	unsigned int begin; /* the first message */
	size_t bytes;	    /* payload of all of them */
};

struct tx_batch {
	uint64_t now;
	unsigned int n;
	unsigned int iovs;   /* in use */
	unsigned int groups; /* likewise */
	bool untold; /* the program can't be told the last one's length */
	unsigned char *pack; /* room for packed messages, or NULL */
	size_t used;	     /* bytes of it that messages have */

	unsigned int msgs_max, iovs_max; /* that the arrays have room for */
	struct mmsghdr *vec;
	struct iovec *iov;
	struct tx_group *group;
	unsigned char (*hdr)[COP_HDR_MAX];
	uint16_t *len; /* for struct cop_segments */
};

/* Bytes of the arrays. */
#define TX_ARRAYS(msgs, iovs)                                         \
	((msgs) * (sizeof(struct mmsghdr) + sizeof(struct tx_group) + \
		   COP_HDR_MAX + sizeof(uint16_t)) +                  \
	 (iovs) * sizeof(struct iovec))

_Static_assert(TX_ARRAYS(COP_BATCH_MSGS, COP_BATCH_IOVS) <= COP_BUFFER_ARRAYS,
	       "a buffer has room for the arrays");

static inline void tx_place(struct tx_batch *b, void *arrays, unsigned int msgs,
			    unsigned int iovs)
{
	b->msgs_max = msgs;
	b->iovs_max = iovs;
	b->vec = arrays;
	b->iov = (struct iovec *)(b->vec + msgs);
	b->group = (struct tx_group *)(b->iov + iovs);
	b->hdr = (unsigned char(*)[COP_HDR_MAX])(b->group + msgs);
	b->len = (uint16_t *)(b->hdr + msgs);
}

#endif /* COP_TX_ARRAYS_H */
