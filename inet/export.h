/* SPDX-License-Identifier: MIT */
/*
 * export.h - where another process finds the sockets of this one: a symbol of
 * libcop.so.
 *
 * cop stat reads the symbol from the libcop.so beside it. The build-id tells cop stat
 * which processes have loaded the same file. The symbol says where each field lies,
 * so cop stat and libcop.so may differ in version. A new name goes to the end of its
 * enum. If an old name gets a new meaning, COP_EXPORT_LAYOUT grows. Needs no other
 * header.
 */
#ifndef COP_EXPORT_H
#define COP_EXPORT_H

#include <stdint.h>

#define COP_EXPORT_SYMBOL  "libcop_export"
#define COP_EXPORT_MAGIC   "libcop\r\n"
#define COP_EXPORT_LAYOUT  4
#define COP_EXPORT_VERSION 16
#define COP_OBJECT_MAX	   4096 /* no object is larger */
#define COP_EXPORT_CHUNK   512	/* slots of descriptors in a chunk */

/* A slot is a pointer, with notes in these bits while a call changes the slot. */
#define COP_EXPORT_SLOT_NOTES 7ul

/* The objects that a reader reads. */
enum cop_export_object {
	COP_OBJ_TABLE,	 /* struct cop_table */
	COP_OBJ_PROCESS, /* struct cop_process, to which a pointer leads */
	COP_OBJ_SOCKET,	 /* struct socket */
	COP_OBJ_SOCK,	 /* struct cop_sock */
	COP_OBJ_FLOW,	 /* struct cop_flow */
	COP_OBJ_SLOTS,	 /* struct cop_slots, to which cop_table.slots leads */
	COP_OBJ_PROTO,	 /* struct proto, which may be a module's */
	COP_OBJ_WIRE,	 /* struct cop_wire, likewise */
	COP_OBJECTS
};

/*
 * Their fields, each a number of 1, 2, 4 or 8 bytes, or a pointer. An address, of IPv4
 * as ::ffff:a.b.c.d, is two fields of 8 bytes, and the interface that is its scope; the
 * three names follow each other, and the port's is the next.
 */
enum cop_export_name {
	COP_TABLE_MAX,
	COP_TABLE_SLOTS,
	COP_SLOTS_CHUNK, /* the first of the pointers to chunks, enough of them
			  * for COP_TABLE_MAX slots. A chunk has
			  * COP_EXPORT_CHUNK slots */
	COP_PROCESS_OWNER,
	COP_SOCKET_SK,
	COP_SOCK_SOCKET,
	COP_SOCK_PROT,
	COP_SOCK_STATE,
	COP_SOCK_NUM,
	COP_SOCK_FAMILY,
	COP_SOCK_RCV_SADDR,
	COP_SOCK_RCV_SADDR_LOW,
	COP_SOCK_RCV_SADDR_SCOPE,
	COP_SOCK_RCV_SADDR_PORT, /* not used: COP_SOCK_NUM is the port */
	COP_SOCK_DADDR,
	COP_SOCK_DADDR_LOW,
	COP_SOCK_DADDR_SCOPE,
	COP_SOCK_DPORT,
	COP_SOCK_TX,
	COP_SOCK_TX_BYTES,
	COP_SOCK_TX_ERRORS,
	COP_SOCK_RX,
	COP_SOCK_RX_BYTES,
	COP_SOCK_TRUNCATED,
	COP_SOCK_PORT_MISMATCH,
	COP_SOCK_STRAY_SHORT,
	COP_SOCK_STRAY_MAGIC,
	COP_SOCK_STRAY_VERSION,
	COP_SOCK_STRAY_LENGTH,
	COP_SOCK_STRAY_PAYLOAD,
	COP_SOCK_EVICTED,
	COP_SOCK_MISSED,
	COP_SOCK_PEER_TX,
	COP_SOCK_PEER_TX_BYTES,
	COP_SOCK_PEER_BEGIN,
	COP_SOCK_PEER_END,
	COP_SOCK_FIRST,
	COP_SOCK_FIRST_TX,
	COP_SOCK_FIRST_TX_BYTES,
	COP_SOCK_FIRST_BEGIN,
	COP_SOCK_FIRST_END,
	COP_SOCK_SENT_FLOWS,
	COP_SOCK_RECEIVED_FLOWS,
	COP_FLOW_ADDR,
	COP_FLOW_ADDR_LOW,
	COP_FLOW_SCOPE,
	COP_FLOW_PORT,
	COP_FLOW_TX,
	COP_FLOW_TX_BYTES,
	COP_FLOW_BEGIN,
	COP_FLOW_END,
	COP_FLOW_RX,
	COP_FLOW_RX_BYTES,
	COP_FLOW_MISSING,
	COP_FLOW_LOST,
	COP_FLOW_REORDERED,
	COP_FLOW_DUPLICATED,
	COP_FLOW_UNORDERED,
	COP_FLOW_RESTARTS,
	COP_FLOW_JITTER,
	COP_FLOW_GAP,
	COP_FLOW_TABLE, /* the same for all flows of a list */
	COP_FLOW_PREV,
	COP_FLOW_NEXT,
	COP_PROTO_NAME, /* pointers to text, and to pointers to text */
	COP_PROTO_COUNTERS,
	COP_PROTO_N_COUNTERS,
	COP_PROTO_COUNTERS_AT, /* where they are in a sock, 8 bytes each */
	COP_PROTO_WIRE,
	COP_WIRE_HAS,
	COP_WIRE_DECODE, /* 0: payloads travel as they are */
	COP_FIELDS
};

/* What kind of socket it is; its struct proto tells. */
enum cop_export_kind {
	COP_KIND_COP,
	COP_KIND_ADOPTED, /* UDP on COP, for COP_ADOPT */
	COP_KIND_PENDING, /* UDP that may still become COP, for COP_ADOPT */
	COP_KIND_PLAIN,	  /* it stays UDP */
	COP_KINDS,
	COP_KIND_MODULE = COP_KINDS /* none of these: a module's transport */
};

struct cop_export_field {
	uint16_t offset; /* in its object */
	uint8_t size;	 /* in bytes, 0: there is none */
	uint8_t object;	 /* enum cop_export_object */
};

/* All (c). */
struct cop_export {
	char magic[8];
	uint32_t layout;
	uint32_t size; /* of this */
	char version[COP_EXPORT_VERSION];
	const void *table;   /* the struct cop_table */
	const void *process; /* where the pointer to struct cop_process is */
	const void *protos[COP_KINDS];
	uint32_t carriers;     /* transports that UDP may be put on; each has */
	uint32_t carrier_size; /* its own struct proto so many bytes behind the
				* last one's, for the kinds of COP_ADOPT */
	uint16_t flows_max;    /* of one socket */
	uint16_t fields;       /* in field[] */
	uint16_t object[COP_OBJECTS]; /* sizes, in bytes */
	struct cop_export_field field[COP_FIELDS];
};

#endif /* COP_EXPORT_H */
