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
#include "lib/libc.h"
#include "datagram/proto.h"
#include "socket/socket.h"
#include "datagram/rx.h"
#include "datagram/tx.h"
#include "harness.h"

#define PEERS	1000
#define PAYLOAD 64

static struct sock *sk;
static struct sockaddr_in peer[PEERS];
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

static const struct sockaddr_in *next_peer(unsigned int i)
{
	return &peer[i % peers];
}

static void run_send(void *arg, unsigned int n)
{
	const bool named = arg;
	struct cop_tx tx;

	while (n--) {
		cop_tx_begin(sk, named ? next_peer(n) : NULL,
			     named ? sizeof(*peer) : 0, PAYLOAD, cop_clock_us(),
			     &tx);
		cop_tx_end(sk, &tx, PAYLOAD);
	}
}

static void run_receive(void *arg, unsigned int n)
{
	struct cop_rx rx = { .len = PAYLOAD, .copied = PAYLOAD };

	(void)arg;
	rx.hdr.dest = inet_sk(sk)->inet_sport;
	while (n--) {
		const struct sockaddr_in *from = next_peer(n);

		rx.serial = cop_rx_serial;
		rx.now = cop_clock_us();
		rx.hdr.source = from->sin_port;
		rx.hdr.seq = htonl(seq[from - peer]++);
		rx.hdr.tstamp = htonl(rx.now);
		cop_rx_account(sk, from, sizeof(*from), &rx);
	}
}

static void make_sock(unsigned int n)
{
	struct socket *sock;

	if (sock_create(PF_INET, SOCK_COP, IPPROTO_COP, &sock))
		bench_die("a sock");
	sk = sock->sk;
	peers = n;
	for (unsigned int i = 0; i < PEERS; i++) {
		peer[i].sin_family = AF_INET;
		peer[i].sin_port = htons(5000);
		peer[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
		seq[i] = 0;
	}
}

static void connect_sock(void)
{
	cop_slot_set(&sk->sk_daddr, (union cop_addr *)&peer[0]);
	sk->sk_state = COP_ESTABLISHED;
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

int main(void)
{
	bench_begin("flow");
	cop_libc_init();
	inet_init();
	bench_title("ns for the figures of a datagram", "COP", NULL);
	measure("clock_gettime()", run_gettime, NULL, 0);
	measure("cop_clock_us()", run_clock, NULL, 0);
	make_sock(1);
	connect_sock();
	measure("send, connected", run_send, NULL, 60);
	measure("receive, connected", run_receive, NULL, 60);
	make_sock(PEERS);
	measure("send, 1,000 peers", run_send, sk, 100);
	measure("receive, 1,000 peers", run_receive, NULL, 100);
	make_sock(PEERS);
	measure("receive, 1,000 peers that were not sent to", run_receive, NULL,
		100);
	return 0;
}
