// SPDX-License-Identifier: MIT
/*
 * inet/export.c - where another process finds the sockets of this one. Such a reader
 * takes libcop_export from the file libcop.so, and relocates its pointers as the
 * loader does, so each pointer leads to an object of this library. Then it reads
 * those objects from the memory of the process, and calls nothing here.
 *
 * Owns: one constant. Protected by: nothing. The objects behind its pointers may
 * change while a reader reads them, but their memory keeps its type.
 * Counterpart in the kernel: VMCOREINFO, the symbols that crash(8) reads.
 */
#include <stddef.h>

#include "lib/compiler.h"
#include "inet/export.h"
#include "flow/table.h"
#include "lib/process.h"
#include "adopt/pending.h"
#include "adopt/plain.h"
#include "adopt/udp.h"
#include "datagram/proto.h"
#include "cop_table.h"
#include "lib/version.h"
#include "transports/cop/cop.h"

#define FIELD(is_of, type, member)                                   \
	{                                                            \
		.object = (is_of), .offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member),                 \
	}

#define IN_TABLE(member)   FIELD(COP_OBJ_TABLE, struct cop_table, member)
#define IN_PROCESS(member) FIELD(COP_OBJ_PROCESS, struct cop_process, member)
#define IN_SOCKET(member)  FIELD(COP_OBJ_SOCKET, struct socket, member)
#define IN_SOCK(member)	   FIELD(COP_OBJ_SOCK, struct cop_sock, member)
#define IN_PROTO(member)   FIELD(COP_OBJ_PROTO, struct proto, member)
#define IN_WIRE(member)	   FIELD(COP_OBJ_WIRE, struct cop_wire, member)
#define IN_FLOW(member)	   FIELD(COP_OBJ_FLOW, struct cop_flow, member)

/* 8 bytes of a flow's address. */
#define IN_FLOW_ADDR(at)                                             \
	{                                                            \
		.object = COP_OBJ_FLOW,                              \
		.offset = offsetof(struct cop_flow, peer.addr) + at, \
		.size = sizeof(uint64_t),                            \
	}

_Static_assert(sizeof(COP_LIB_VERSION) <= COP_EXPORT_VERSION, "it has to fit");
_Static_assert(SLOT_NOTES == COP_EXPORT_SLOT_NOTES, "readers have to know");

__attribute__((visibility("default"))) const struct cop_export libcop_export = {
	.magic = COP_EXPORT_MAGIC,
	.layout = COP_EXPORT_LAYOUT,
	.size = sizeof(libcop_export),
	.version = COP_LIB_VERSION,
	.table = &cop_table,
	.process = &cop_process_page,
	.protos = {
		[COP_KIND_COP] = &cop_prot,
		[COP_KIND_ADOPTED] = &cop_udp_prot,
		[COP_KIND_PENDING] = &cop_pending_prot,
		[COP_KIND_PLAIN] = &cop_plain_prot,
	},
	.carriers = sizeof(cop_carriers) / sizeof(*cop_carriers),
	.carrier_size = sizeof(*cop_carriers),
	.flows_max = COP_FLOWS_MAX,
	.fields = COP_FIELDS,
	.object = {
		[COP_OBJ_TABLE] = sizeof(struct cop_table),
		[COP_OBJ_PROCESS] = sizeof(struct cop_process),
		[COP_OBJ_SOCKET] = sizeof(struct socket),
		[COP_OBJ_SOCK] = sizeof(struct cop_sock),
		[COP_OBJ_FLOW] = sizeof(struct cop_flow),
		[COP_OBJ_SLOTS] = sizeof(struct cop_slots) +
				  sizeof(struct cop_chunk *),
		[COP_OBJ_PROTO] = sizeof(struct proto),
		[COP_OBJ_WIRE] = sizeof(struct cop_wire),
	},
	.field = {
		[COP_TABLE_MAX] = IN_TABLE(max),
		[COP_TABLE_SLOTS] = IN_TABLE(slots),
		[COP_PROCESS_OWNER] = IN_PROCESS(owner),
		[COP_SOCKET_SK] = IN_SOCKET(sk),
		[COP_SOCK_SOCKET] = IN_SOCK(inet.sk.sk_socket),
		[COP_SOCK_PROT] = IN_SOCK(inet.sk.sk_prot),
		[COP_SOCK_STATE] = IN_SOCK(inet.sk.sk_state),
		[COP_SOCK_NUM] = IN_SOCK(inet.inet_num),
		[COP_SOCK_FAMILY] = IN_SOCK(inet.sk.sk_family),
		[COP_SOCK_RCV_SADDR] = IN_SOCK(inet.inet_rcv_saddr.half[0]),
		[COP_SOCK_RCV_SADDR_LOW] = IN_SOCK(inet.inet_rcv_saddr.half[1]),
		[COP_SOCK_RCV_SADDR_SCOPE] = IN_SOCK(inet.inet_rcv_saddr.scope),
		[COP_SOCK_RCV_SADDR_PORT] = IN_SOCK(inet.inet_rcv_saddr.port),
		[COP_SOCK_DADDR] = IN_SOCK(inet.inet_daddr.half[0]),
		[COP_SOCK_DADDR_LOW] = IN_SOCK(inet.inet_daddr.half[1]),
		[COP_SOCK_DADDR_SCOPE] = IN_SOCK(inet.inet_daddr.scope),
		[COP_SOCK_DPORT] = IN_SOCK(inet.inet_daddr.port),
		[COP_SOCK_TX] = IN_SOCK(count.tx_datagrams),
		[COP_SOCK_TX_BYTES] = IN_SOCK(count.tx_bytes),
		[COP_SOCK_TX_ERRORS] = IN_SOCK(count.tx_errors),
		[COP_SOCK_RX] = IN_SOCK(count.rx_datagrams),
		[COP_SOCK_RX_BYTES] = IN_SOCK(count.rx_bytes),
		[COP_SOCK_TRUNCATED] = IN_SOCK(count.rx_truncated),
		[COP_SOCK_PORT_MISMATCH] = IN_SOCK(count.port_mismatch),
		[COP_SOCK_STRAY_SHORT] =
			IN_SOCK(count.strays[COP_STRAY_SHORT]),
		[COP_SOCK_STRAY_MAGIC] =
			IN_SOCK(count.strays[COP_STRAY_MAGIC]),
		[COP_SOCK_STRAY_VERSION] =
			IN_SOCK(count.strays[COP_STRAY_VERSION]),
		[COP_SOCK_STRAY_LENGTH] =
			IN_SOCK(count.strays[COP_STRAY_LENGTH]),
		[COP_SOCK_STRAY_PAYLOAD] =
			IN_SOCK(count.refused),
		[COP_SOCK_EVICTED] = IN_SOCK(flows.evicted),
		[COP_SOCK_MISSED] = IN_SOCK(flows.missed),
		[COP_SOCK_PEER_TX] = IN_SOCK(peer.datagrams),
		[COP_SOCK_PEER_TX_BYTES] = IN_SOCK(peer.bytes),
		[COP_SOCK_PEER_BEGIN] = IN_SOCK(peer.begin),
		[COP_SOCK_PEER_END] = IN_SOCK(peer.end),
		[COP_SOCK_FIRST] = IN_SOCK(flows.first),
		[COP_SOCK_FIRST_TX] = IN_SOCK(flows.first_sent.datagrams),
		[COP_SOCK_FIRST_TX_BYTES] = IN_SOCK(flows.first_sent.bytes),
		[COP_SOCK_FIRST_BEGIN] = IN_SOCK(flows.first_sent.begin),
		[COP_SOCK_FIRST_END] = IN_SOCK(flows.first_sent.end),
		[COP_SOCK_SENT_FLOWS] = IN_SOCK(flows.head),
		[COP_SOCK_RECEIVED_FLOWS] = IN_SOCK(flows.rx_head),
		[COP_FLOW_ADDR] = IN_FLOW_ADDR(0),
		[COP_FLOW_ADDR_LOW] = IN_FLOW_ADDR(8),
		[COP_FLOW_SCOPE] = IN_FLOW(peer.scope),
		[COP_FLOW_PORT] = IN_FLOW(peer.port),
		[COP_FLOW_TX] = IN_FLOW(tx_datagrams),
		[COP_FLOW_TX_BYTES] = IN_FLOW(tx_bytes),
		[COP_FLOW_BEGIN] = IN_FLOW(begin),
		[COP_FLOW_END] = IN_FLOW(end),
		[COP_FLOW_RX] = IN_FLOW(rx.datagrams),
		[COP_FLOW_RX_BYTES] = IN_FLOW(rx.bytes),
		[COP_FLOW_MISSING] = IN_FLOW(rx.missing),
		[COP_FLOW_LOST] = IN_FLOW(rx.lost),
		[COP_FLOW_REORDERED] = IN_FLOW(rx.reordered),
		[COP_FLOW_DUPLICATED] = IN_FLOW(rx.duplicated),
		[COP_FLOW_UNORDERED] = IN_FLOW(rx.unordered),
		[COP_FLOW_RESTARTS] = IN_FLOW(rx.restarts),
		[COP_FLOW_JITTER] = IN_FLOW(rx.jitter),
		[COP_FLOW_GAP] = IN_FLOW(rx.gap),
		[COP_FLOW_TABLE] = IN_FLOW(token),
		[COP_FLOW_PREV] = IN_FLOW(prev),
		[COP_FLOW_NEXT] = IN_FLOW(next),
		[COP_PROTO_NAME] = IN_PROTO(name),
		[COP_PROTO_COUNTERS] = IN_PROTO(counters),
		[COP_PROTO_N_COUNTERS] = IN_PROTO(n_counters),
		[COP_PROTO_COUNTERS_AT] = IN_PROTO(counters_at),
		[COP_PROTO_WIRE] = IN_PROTO(wire),
		[COP_WIRE_HAS] = IN_WIRE(has),
		[COP_WIRE_DECODE] = IN_WIRE(decode),
		[COP_SLOTS_CHUNK] = {
			.object = COP_OBJ_SLOTS,
			.offset = offsetof(struct cop_slots, chunk),
			.size = sizeof(struct cop_chunk *),
		},
	},
};
