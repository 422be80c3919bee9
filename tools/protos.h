/* SPDX-License-Identifier: MIT */
/*
 * protos.h - reads the transports of another process: its modules' and the
 * library's own.
 */
#ifndef COP_TOOLS_PROTOS_H
#define COP_TOOLS_PROTOS_H

#include "inet/export.h"
#include "lib/transport.h"
#include "target.h"

#define TRANSPORT_NAME_MAX 32

struct stat_transport {
	uint64_t addr;		       /* of its struct proto */
	char name[TRANSPORT_NAME_MAX]; /* any bytes */
	uint8_t lacks;		       /* COP_HAS_*: what its header has not */
	bool decodes;		       /* its payloads */
	uint32_t counters_at;	       /* where a sock's own counters are */
	int n_counters;
	char counter[COP_COUNTERS_MAX]
		    [COP_COUNTER_NAME_MAX + 1]; /* any bytes */
};

/**
 * protos_kind - what kind of socket has a struct proto
 * @x: the library in its process
 * @prot: address of the struct proto; may be any number
 */
enum cop_export_kind protos_kind(const struct cop_export *x, uint64_t prot);

/**
 * protos_begin - forget all transports: the next process has its own
 */
void protos_begin(void);

/**
 * protos_find - read a transport
 * @t: the process, after target_mem()
 * @x: its library
 * @addr: address of its struct proto; may be any number
 *
 * Returns the transport, or NULL if it can't be read. Valid until the next call.
 */
const struct stat_transport *
protos_find(const struct target *t, const struct cop_export *x, uint64_t addr);

/**
 * protos_counters - read the counters of a sock that its transport has named
 * @t: the process
 * @transport: from protos_find()
 * @sk: address of the sock
 * @value: the counters; 0 where they can't be read
 */
void protos_counters(const struct target *t,
		     const struct stat_transport *transport, uint64_t sk,
		     uint64_t value[COP_COUNTERS_MAX]);

#endif /* COP_TOOLS_PROTOS_H */
