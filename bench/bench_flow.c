// SPDX-License-Identifier: MIT
/*
 * bench_flow.c - what the figures of a flow add to a send and to a receive: the
 * seq, the time and the counters, without the system call.
 *
 * A send is cop_tx_begin() and cop_tx_end(). A receive is a look at the clock
 * and cop_rx_account(). The peers of an unconnected socket take turns.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "cop.h"
#include "lib/clock.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "lib/libc.h"
#include "datagram/proto.h"
#include "socket/socket.h"
#include "datagram/rx.h"
#include "datagram/tx.h"
#include "harness.h"

#define PEERS	1000
#define PAYLOAD 64
#define PORT	5000

static struct sock *sk;
static struct bench_end peer[PEERS];
static unsigned int peers; /* how many take turns */
static uint32_t seq[PEERS];

static void run_gettime(void *arg, unsigned int n)
{
	struct timespec now;

	(void)arg;
	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &now);
}

static void run_clock(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		cop_clock_us();
}

static const struct bench_end *next_peer(unsigned int i)
{
	return &peer[i % peers];
}

static void run_send(void *arg, unsigned int n)
{
	const bool named = arg;
	unsigned char hdr[COP_HDR_MAX];
	struct cop_tx tx;

	while (n--) {
		cop_tx_begin(sk, named ? &next_peer(n)->sa : NULL,
			     named ? peer->len : 0, PAYLOAD, cop_clock_us(),
			     &tx, hdr);
		cop_tx_end(sk, &tx, PAYLOAD);
	}
}

static void run_receive(void *arg, unsigned int n)
{
	struct cop_rx rx = { .len = PAYLOAD,
			     .copied = PAYLOAD,
			     .gen = cop_sk(sk)->flows.gen };

	(void)arg;
	rx.hdr.dest = inet_sk(sk)->inet_sport;
	while (n--) {
		const struct bench_end *from = next_peer(n);

		rx.serial = cop_rx_serial;
		rx.now = cop_clock_us();
		rx.hdr.source = htons(PORT);
		rx.hdr.seq = seq[from - peer]++;
		rx.hdr.tstamp = rx.now;
		cop_rx_account(sk, &from->sa, from->len, &rx);
	}
}

/* 127.0.0.1 and what follows it, or ::1 and what follows it. */
static void make_peer(struct bench_end *end, int family, uint32_t i)
{
	bench_loopback(end, family, PORT);
	if (family == AF_INET)
		end->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
	else
		end->in6.sin6_addr.s6_addr32[3] = htonl(1 + i);
}

static void make_sock(int family, unsigned int n)
{
	struct socket *sock;

	if (sock_create(family, SOCK_COP, IPPROTO_COP, &sock))
		bench_die("a sock");
	sk = sock->sk;
	peers = n;
	for (unsigned int i = 0; i < PEERS; i++) {
		make_peer(&peer[i], family, i);
		seq[i] = 0;
	}
}

static void connect_sock(void)
{
	cop_slot_set(&sk->sk_daddr, (union cop_addr *)&peer[0].sa);
	sk_set_state(sk, COP_ESTABLISHED);
}

static void measure(const char *name, void (*run)(void *arg, unsigned int n),
		    void *arg, double ns)
{
	const struct bench_op op = { .run = run, .arg = arg, .n = 10000 };
	const struct bench_goal goal = { .ns = ns };
	struct bench_side side = { .op = &op };
	struct bench_result res = { 0 };

	bench_rounds(&res, &side, NULL, 50, 20);
	bench_report(name, &res, &goal);
}

static void measure_family(const struct bench_family *family)
{
	char title[64];

	snprintf(title, sizeof(title), "ns for the figures of a datagram, %s",
		 family->name);
	bench_title(title, "COP", NULL);
	make_sock(family->family, 1);
	connect_sock();
	measure("send, connected", run_send, NULL, 60);
	measure("receive, connected", run_receive, NULL, 60);
	make_sock(family->family, PEERS);
	measure("send, 1,000 peers", run_send, sk, 100);
	measure("receive, 1,000 peers", run_receive, NULL, 100);
	make_sock(family->family, PEERS);
	measure("receive, 1,000 peers that were not sent to", run_receive, NULL,
		100);
}

int main(void)
{
	bench_begin("flow");
	cop_libc_init();
	inet_init();
	modules_init();
	bench_title("ns for a look at the clock", "COP", NULL);
	measure("clock_gettime()", run_gettime, NULL, 0);
	measure("cop_clock_us()", run_clock, NULL, 0);
	for (int f = 0; f < BENCH_FAMILIES; f++)
		measure_family(&bench_families[f]);
	return 0;
}
