// SPDX-License-Identifier: MIT
/*
 * bench_lean.c - the calls whose instructions scripts/lean counts below callgrind.
 *
 * Started with "COP" or "UDP" it makes each call a few times, and has callgrind write
 * the counts of each call down. Without an argument it becomes scripts/lean.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "cop.h"

#define CALLS	20 /* so many of a kind; scripts/lean divides by it */
#define VLEN	8  /* datagrams of a batch, likewise */
#define PAYLOAD 64
#define ROOM	1400 /* for a datagram, as a program of networks has */
#define PAGE	4096

/* Each on a page of its own: where the loader puts them does not count. */
static char out[PAGE] __attribute__((aligned(PAGE)));
static char in[VLEN][ROOM] __attribute__((aligned(PAGE)));

/* One socket sends to the other. */
struct pair {
	int tx, rx;
	struct sockaddr_in6 to; /* of either family */
	socklen_t tolen;
};

static void expect(bool is, const char *what)
{
	if (is)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static void expect_payload(ssize_t n, const char *call)
{
	expect(n == PAYLOAD, call);
}

static void send_named(const struct pair *p)
{
	expect_payload(sendto(p->tx, out, PAYLOAD, 0, (struct sockaddr *)&p->to,
			      p->tolen),
		       "sendto");
}

static void recv_named(const struct pair *p)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);

	expect_payload(recvfrom(p->rx, in[0], ROOM, 0, (struct sockaddr *)&from,
				&len),
		       "recvfrom");
}

static void recv_large(const struct pair *p)
{
	static char all[65536];
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);

	expect_payload(recvfrom(p->rx, all, sizeof(all), 0,
				(struct sockaddr *)&from, &len),
		       "recvfrom into much room");
}

static void send_plain(const struct pair *p)
{
	expect_payload(send(p->tx, out, PAYLOAD, 0), "send");
}

static void recv_plain(const struct pair *p)
{
	expect_payload(recv(p->rx, in[0], ROOM, 0), "recv");
}

static void send_file(const struct pair *p)
{
	expect_payload(write(p->tx, out, PAYLOAD), "write");
}

static void recv_file(const struct pair *p)
{
	expect_payload(read(p->rx, in[0], ROOM), "read");
}

static void send_message(const struct pair *p)
{
	struct iovec iov = { out, PAYLOAD };
	struct msghdr msg = { .msg_name = (void *)&p->to,
			      .msg_namelen = p->tolen,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	expect_payload(sendmsg(p->tx, &msg, 0), "sendmsg");
}

static void recv_message(const struct pair *p)
{
	struct sockaddr_in6 from;
	struct iovec iov = { in[0], ROOM };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	expect_payload(recvmsg(p->rx, &msg, 0), "recvmsg");
}

static void send_batch(const struct pair *p)
{
	struct mmsghdr vec[VLEN] = { 0 };
	struct iovec iov = { out, PAYLOAD };

	for (int i = 0; i < VLEN; i++) {
		vec[i].msg_hdr.msg_iov = &iov;
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	expect(sendmmsg(p->tx, vec, VLEN, 0) == VLEN, "sendmmsg");
}

static void recv_batch(const struct pair *p)
{
	struct mmsghdr vec[VLEN] = { 0 };
	struct iovec iov[VLEN];

	for (int i = 0; i < VLEN; i++) {
		iov[i] = (struct iovec){ in[i], ROOM };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	expect(recvmmsg(p->rx, vec, VLEN, 0, NULL) == VLEN, "recvmmsg");
}

static void repeat(void (*call)(const struct pair *p), const struct pair *p)
{
	for (int i = 0; i < CALLS; i++)
		call(p);
}

/* The first round maps memory and finds symbols; the second one counts. */
static void count(const char *send_name, void (*tx)(const struct pair *p),
		  const char *recv_name, void (*rx)(const struct pair *p),
		  const struct pair *p)
{
	repeat(tx, p);
	repeat(rx, p);
	CALLGRIND_ZERO_STATS;
	repeat(tx, p);
	CALLGRIND_DUMP_STATS_AT(send_name);
	repeat(rx, p);
	CALLGRIND_DUMP_STATS_AT(recv_name);
}

/* count(), for the receive only. */
static void count_receive(void (*tx)(const struct pair *p), const char *name,
			  void (*rx)(const struct pair *p),
			  const struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		repeat(tx, p);
		CALLGRIND_ZERO_STATS;
		repeat(rx, p);
	}
	CALLGRIND_DUMP_STATS_AT(name);
}

static void address(struct pair *p, int family)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)&p->to;

	memset(&p->to, 0, sizeof(p->to));
	p->to.sin6_family = family;
	p->tolen = family == AF_INET ? sizeof(*in4) : sizeof(p->to);
	if (family == AF_INET)
		in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		p->to.sin6_addr = in6addr_loopback;
}

static int bound(struct pair *p, int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	address(p, family);
	expect(fd >= 0 && !bind(fd, (struct sockaddr *)&p->to, p->tolen) &&
		       !getsockname(fd, (struct sockaddr *)&p->to, &p->tolen),
	       "a bound socket");
	return fd;
}

/* The sender is bound first, so that the address in the end is the receiver's. */
static struct pair make_pair(int family, int type, int protocol, bool connected)
{
	struct pair p, back;

	p.tx = bound(&back, family, type, protocol);
	p.rx = bound(&p, family, type, protocol);
	if (connected)
		expect(!connect(p.tx, (struct sockaddr *)&p.to, p.tolen) &&
			       !connect(p.rx, (struct sockaddr *)&back.to,
					back.tolen),
		       "connect");
	return p;
}

static void count_all(int type, int protocol)
{
	struct pair p = make_pair(AF_INET, type, protocol, false);
	struct pair c = make_pair(AF_INET, type, protocol, true);
	struct pair p6 = make_pair(AF_INET6, type, protocol, false);

	count("sendto", send_named, "recvfrom", recv_named, &p);
	count_receive(send_named, "recvfrom, 64 kB of room", recv_large, &p);
	count("send", send_plain, "recv", recv_plain, &c);
	count("write", send_file, "read", recv_file, &c);
	count("sendmsg", send_message, "recvmsg", recv_message, &p);
	count("sendmmsg", send_batch, "recvmmsg", recv_batch, &c);
	count("sendto, IPv6", send_named, "recvfrom, IPv6", recv_named, &p6);
}

static __attribute__((noinline)) void count_beside(bool cop)
{
	struct pair other = make_pair(AF_INET, SOCK_DGRAM, 0, true);
	struct pair named = make_pair(AF_INET, SOCK_DGRAM, 0, false);

	count("send of UDP", send_plain, "recv of UDP", recv_plain, &other);
	count("sendto of UDP", send_named, "recvfrom of UDP", recv_named,
	      &named);
	count_all(cop ? SOCK_COP : SOCK_DGRAM, cop ? IPPROTO_COP : 0);
	/* The sockets above have higher numbers than these: a slot is looked at. */
	count("send of UDP beside COP", send_plain, "recv of UDP beside COP",
	      recv_plain, &other);
	count("sendto of UDP beside COP", send_named,
	      "recvfrom of UDP beside COP", recv_named, &named);
}

/*
 * What lies across two pages costs the library a longer look. So all frames of the calls
 * are on one page, however long the environment above them is.
 */
int main(int argc, char **argv)
{
	volatile char *above;

	if (argc == 1) {
		execl("scripts/lean", "scripts/lean", (char *)NULL);
		expect(false, "scripts/lean");
	}
	above = __builtin_alloca((uintptr_t)__builtin_frame_address(0) % PAGE);
	*above = 0;
	count_beside(!strcmp(argv[1], "COP"));
	return 0;
}
