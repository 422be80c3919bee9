/* SPDX-License-Identifier: MIT */
/*
 * flow_table.h - one flow as it is in a socket's table: for flow/flow.c, and for
 * inet/export.c.
 */
#ifndef COP_FLOW_TABLE_H
#define COP_FLOW_TABLE_H

#include <stdbool.h>

#include "flow/flow.h"
#include "lib/slab.h"

/* (l) is cop_flows.lock of the socket that it is a flow of. */
struct cop_flow {
	struct slab_node node;
	union {
		struct cop_flow_key key;    /* as inet/export.c has it */
		_Atomic(uint64_t) key_word; /* (a) set before it is added */
	};
	_Atomic(uint64_t) token; /* (a) whose it is, see flow/flow.c; 0: free */
	_Atomic(uint64_t)
		number; /* (a) of the next that is sent to it unconnected, in
			 * 48 bits; above them, how often the memory was
			 * another flow's */
	_Atomic(struct cop_flow *) chain; /* (a) the next one in its bucket */
	_Atomic(uint64_t) tx_datagrams;	  /* (a) */
	_Atomic(uint64_t) tx_bytes;	  /* (a) */
	_Atomic(uint64_t) begin;	  /* (a) of both ways, microseconds */
	_Atomic(uint64_t) end;		  /* (a) likewise */
	_Atomic(bool) sent;		  /* (a) it was sent to */
	uint8_t list;	      /* (l) which one it is in, see flow/flow.c */
	const void *receiver; /* (l) the thread that has received the last... */
	uint32_t run;	      /* (l) ...so many, one after the other */
	uint32_t unknown;     /* (l) cop_flows.unknown as it was then */
	struct cop_source rx; /* (l) */
	struct cop_flow *prev, *next; /* (l) in the list that it is in */
	struct cop_flow *newer; /* (l) of those that are in no list yet, once
				 * it is one of them */
};

_Static_assert(COP_FLOWS_MAX * sizeof(struct cop_flow) <= 240 * 1024,
	       "a socket's flows must stay small");

#endif /* COP_FLOW_TABLE_H */
