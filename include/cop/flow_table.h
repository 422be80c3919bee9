/* SPDX-License-Identifier: MIT */
/*
 * flow_table.h - one flow as it is in a socket's tables: for cop_flow.c, which says
 * ahead of this where uthash takes its memory, and for cop_export.c.
 */
#ifndef COP_FLOW_TABLE_H
#define COP_FLOW_TABLE_H

#include <uthash.h>

#include "cop/flow.h"
#include "cop/slab.h"

/* All (l), but for the slab's. Tables are lists, too, linked by hh. */
struct cop_flow {
	struct slab_node node;
	struct cop_flow_key key;
	uint64_t next_seq; /* of what is sent to it unconnected */
	uint64_t tx_datagrams, tx_bytes;
	uint64_t begin, end;  /* of both ways, microseconds */
	const void *receiver; /* the thread that has received the last... */
	uint32_t run;	      /* ...so many, one after the other */
	uint32_t unknown;     /* cop_flows.unknown as it was then */
	struct cop_source rx;
	UT_hash_handle hh;
};

_Static_assert(COP_FLOWS_MAX * sizeof(struct cop_flow) <= 240 * 1024,
	       "a socket's flows must stay small");

#endif /* COP_FLOW_TABLE_H */
