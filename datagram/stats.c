// SPDX-License-Identifier: MIT
/*
 * datagram/stats.c - print a socket's figures when it is closed, or when the process
 * exits.
 *
 * Owns: nothing. Protected by: SOCK_REPORTED, so that each socket is printed once.
 * Counterpart in the kernel: /proc/net/udp, at the end of a socket's life.
 */
#include <linux/sock_diag.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/output.h"
#include "datagram/proto.h"
#include "lib/figures.h"
#include "lib/scratch.h"
#include "datagram/stats.h"
#include "wire/own_counters.h"

/* So many flows are copied out of the table at a time. */
#define FLOWS_AT_ONCE 16

/* Datagrams that the kernel dropped: no room in the buffer, or a stray. */
static uint32_t kernel_drops(int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(meminfo);

	if (fd >= 0)
		cop_libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len);
	return meminfo[SK_MEMINFO_DROPS];
}

static void put_local(struct cop_record *r, struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	union cop_addr local = cop_slot_get(&inet->inet_saddr, sk->sk_family);

	cop_addr_set_port(&local, htons(READ_ONCE(inet->inet_num)));
	cop_record_count(r, "pid", getpid());
	cop_record_name(r, "local", &local);
}

/* A figure that only a header with @needs has. */
static void put_if(struct cop_record *r, uint8_t lacks, uint8_t needs,
		   const char *key, uint64_t value)
{
	if (unlikely(lacks & needs))
		cop_record_unknown(r, key);
	else
		cop_record_count(r, key, value);
}

static void put_strays(struct cop_record *r, const struct cop_wire *wire,
		       struct cop_counters *c)
{
	cop_record_count(r, "stray_short",
			 READ_ONCE(c->strays[COP_STRAY_SHORT]));
	cop_record_count(r, "stray_magic",
			 READ_ONCE(c->strays[COP_STRAY_MAGIC]));
	cop_record_count(r, "stray_version",
			 READ_ONCE(c->strays[COP_STRAY_VERSION]));
	cop_record_count(r, "stray_length",
			 READ_ONCE(c->strays[COP_STRAY_LENGTH]));
	if (unlikely(wire->decode))
		cop_record_count(r, "stray_payload", READ_ONCE(c->refused));
}

/* What a module has may change under its names, so they are escaped all the same. */
static void put_own(struct cop_record *r, struct sock *sk)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	if (likely(!prot->n_counters))
		return;
	cop_record_open(r, "counters");
	for (unsigned int i = 0; i < prot->n_counters; i++)
		cop_record_foreign(r, prot->counters[i], cop_counter(sk, i));
	cop_record_close(r);
}

static void put_transport(struct cop_record *r, const struct sock *sk)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	if (unlikely(prot->owner))
		cop_record_text(r, "transport", prot->name);
}

static void put_socket(struct cop_record *r, struct sock *sk, int fd,
		       unsigned int flows)
{
	struct cop_counters *c = &cop_sk(sk)->count;
	union cop_addr peer = cop_slot_get(&sk->sk_daddr, sk->sk_family);

	cop_record_begin(r, r->json ? "socket" : "cop");
	put_local(r, sk);
	cop_record_name(r, "peer", &peer);
	put_transport(r, sk);
	cop_record_count(r, "tx", READ_ONCE(c->tx_datagrams));
	cop_record_count(r, "tx_bytes", READ_ONCE(c->tx_bytes));
	cop_record_count(r, "tx_errors", READ_ONCE(c->tx_errors));
	cop_record_count(r, "rx", READ_ONCE(c->rx_datagrams));
	cop_record_count(r, "rx_bytes", READ_ONCE(c->rx_bytes));
	cop_record_count(r, "truncated", READ_ONCE(c->rx_truncated));
	put_if(r, cop_wire_lacks(sk_wire(sk)), COP_HAS_PORTS, "port_mismatch",
	       READ_ONCE(c->port_mismatch));
	put_strays(r, sk_wire(sk), c);
	cop_record_count(r, "kernel_drops", kernel_drops(fd));
	cop_record_count(r, "flows", flows);
	cop_record_count(r, "evicted", READ_ONCE(cop_sk(sk)->flows.evicted));
	cop_record_count(r, "missed", READ_ONCE(cop_sk(sk)->flows.missed));
	put_own(r, sk);
	cop_record_end(r);
}

static void put_received(struct cop_record *r, const struct cop_source *rx,
			 uint8_t lacks)
{
	cop_record_count(r, "rx", rx->datagrams);
	cop_record_count(r, "rx_bytes", rx->bytes);
	put_if(r, lacks, COP_HAS_SEQ, "lost", cop_source_lost(rx));
	put_if(r, lacks, COP_HAS_SEQ, "reordered", rx->reordered);
	put_if(r, lacks, COP_HAS_SEQ, "duplicated", rx->duplicated);
	put_if(r, lacks, COP_HAS_SEQ, "unordered", rx->unordered);
	put_if(r, lacks, COP_HAS_SEQ, "restarts", rx->restarts);
	put_if(r, lacks, COP_HAS_TSTAMP, "jitter_us", rx->jitter >> 4);
	cop_record_count(r, "gap_us", rx->gap);
}

/* Microseconds from the library's clock to the time of day. */
static uint64_t clock_offset(void)
{
	struct timespec now;

	cop_clock_read(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 -
	       cop_clock_us();
}

static void put_flow(struct cop_record *r, struct sock *sk,
		     const struct cop_flow_report *flow)
{
	union cop_addr peer = cop_endpoint_shown(&flow->peer, sk->sk_family);
	uint64_t offset = clock_offset();

	cop_record_begin(r, "flow");
	put_local(r, sk);
	cop_record_name(r, "peer", &peer);
	cop_record_count(r, "tx", flow->tx_datagrams);
	cop_record_count(r, "tx_bytes", flow->tx_bytes);
	put_received(r, &flow->rx, cop_wire_lacks(sk_wire(sk)));
	cop_record_time(r, "first", flow->begin + offset);
	cop_record_time(r, "last", flow->end + offset);
	cop_record_end(r);
}

static void put_flows(struct cop_record *r, struct sock *sk)
{
	struct cop_flow_report reports[FLOWS_AT_ONCE];
	unsigned int from = 0, total;

	do {
		total = cop_flow_list(&cop_sk(sk)->flows, from, reports,
				      FLOWS_AT_ONCE);
		for (unsigned int i = 0; i < FLOWS_AT_ONCE && from + i < total;
		     i++)
			put_flow(r, sk, &reports[i]);
		from += FLOWS_AT_ONCE;
	} while (from < total);
}

/*
 * Add the figures of two peers to the table: while a socket is in use, its first peer
 * and the peer it is connected to are counted apart from the table.
 */
static void fold(struct sock *sk)
{
	struct cop_flows *flows = &cop_sk(sk)->flows;
	struct cop_endpoint peer = cop_slot_endpoint(&sk->sk_daddr);
	struct cop_endpoint first =
		cop_endpoint_of_word(READ_ONCE(flows->first));

	cop_flow_fold(flows, &first, &flows->first_sent);
	cop_flow_fold(flows, &peer, &cop_sk(sk)->peer);
}

static void put_all(struct cop_record *r, struct sock *sk, int fd)
{
	fold(sk);
	put_socket(r, sk, fd, cop_flow_list(&cop_sk(sk)->flows, 0, NULL, 0));
	put_flows(r, sk);
	cop_record_flush(r);
	if (r->failed)
		cop_warn(-1, "%s could not be written", cop_env.stats);
}

static bool is_json(const char *name)
{
	size_t len = strlen(name);

	return len >= 6 && !strcmp(name + len - 6, ".jsonl");
}

static noinline void report(struct sock *sk, int fd)
{
	struct cop_record r = { .json = is_json(cop_env.stats) };

	if (!strcmp(cop_env.stats, "stderr"))
		r.fd = cop_log_begin();
	else
		r.fd = cop_output_file(cop_env.stats);
	if (r.fd < 0) {
		cop_warn(-1, "%s could not be written", cop_env.stats);
		return;
	}
	put_all(&r, sk, fd);
	cop_output_close(r.fd);
}

void cop_stats_report(struct sock *sk, int fd)
{
	struct cop_scratch part;

	if (likely(!cop_env.stats) || !sock_flag(sk, SOCK_CARRIED))
		return;
	cop_scratch_begin(&part);
	if (!(u32_or(&sk->sk_flags, SOCK_REPORTED) & SOCK_REPORTED))
		report(sk, fd);
	cop_scratch_end(&part);
}
