// SPDX-License-Identifier: MIT
/*
 * bench_datagram.c - a datagram sent and received on loopback, over COP and
 * over the kernel's UDP, with IPv4 and with IPv6.
 *
 * Both kinds of socket are open in this process. For UDP the benchmark calls
 * libc's own functions, past the library: they cost as much as without it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define VLEN 32

struct calls {
	ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
	ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
	ssize_t (*sendmsg)(int fd, const struct msghdr *msg, int flags);
	ssize_t (*recvmsg)(int fd, struct msghdr *msg, int flags);
	int (*sendmmsg)(int fd, struct mmsghdr *vec, unsigned int n, int flags);
	int (*recvmmsg)(int fd, struct mmsghdr *vec, unsigned int n, int flags,
			struct timespec *timeout);
};

struct pair {
	struct bench_pair way; /* unconnected */
	struct calls calls;
	int ctx, crx; /* connected to each other */
};

static struct pair cop, udp;

static unsigned char out[BENCH_PAYLOAD_MAX], in[BENCH_PAYLOAD_MAX];

static void run_send(void *arg, unsigned int n)
{
	struct pair *p = arg;

	while (n--) {
		bench_expect(p->calls.send(p->ctx, out, p->way.len, 0),
			     p->way.len);
		bench_expect(p->calls.recv(p->crx, in, sizeof(in), 0),
			     p->way.len);
	}
}

static void run_sendmsg(void *arg, unsigned int n)
{
	struct pair *p = arg;
	struct sockaddr_in6 from;

	while (n--) {
		struct iovec tx_iov = { out, p->way.len };
		struct iovec rx_iov = { in, sizeof(in) };
		struct msghdr tx = { .msg_name = &p->way.to.sa,
				     .msg_namelen = p->way.to.len,
				     .msg_iov = &tx_iov,
				     .msg_iovlen = 1 };
		struct msghdr rx = { .msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &rx_iov,
				     .msg_iovlen = 1 };

		bench_expect(p->calls.sendmsg(p->way.tx, &tx, 0), p->way.len);
		bench_expect(p->calls.recvmsg(p->way.rx, &rx, 0), p->way.len);
	}
}

static void run_sendmmsg(void *arg, unsigned int n)
{
	struct pair *p = arg;
	static struct mmsghdr tx[VLEN], rx[VLEN];
	static struct iovec tx_iov[VLEN], rx_iov[VLEN];
	static unsigned char room[VLEN][BENCH_PAYLOAD_MAX];

	for (; n; n -= VLEN) {
		for (int i = 0; i < VLEN; i++) {
			tx_iov[i] = (struct iovec){ out, p->way.len };
			rx_iov[i] =
				(struct iovec){ room[i], BENCH_PAYLOAD_MAX };
			tx[i].msg_hdr = (struct msghdr){ .msg_iov = &tx_iov[i],
							 .msg_iovlen = 1 };
			rx[i].msg_hdr = (struct msghdr){ .msg_iov = &rx_iov[i],
							 .msg_iovlen = 1 };
		}
		bench_expect(p->calls.sendmmsg(p->ctx, tx, VLEN, 0), VLEN);
		bench_expect(p->calls.recvmmsg(p->crx, rx, VLEN, 0, NULL),
			     VLEN);
		bench_expect(rx[VLEN - 1].msg_len, p->way.len);
	}
}

static const struct variant {
	const char *name;
	void (*run)(void *arg, unsigned int n);
	unsigned int n;
} variants[] = {
	{ "sendto + recvfrom", bench_sendto, 1 },
	{ "send + recv, connected", run_send, 1 },
	{ "sendmsg + recvmsg", run_sendmsg, 1 },
	{ "sendmmsg + recvmmsg, 32", run_sendmmsg, VLEN },
};

static void pair_open(struct pair *p, int family, int type, int protocol)
{
	struct bench_end tx, ctx, crx;

	p->way.tx = bench_bound(family, type, protocol, &tx);
	p->way.rx = bench_bound(family, type, protocol, &p->way.to);
	p->ctx = bench_bound(family, type, protocol, &ctx);
	p->crx = bench_bound(family, type, protocol, &crx);
	if (connect(p->ctx, &crx.sa, crx.len) ||
	    connect(p->crx, &ctx.sa, ctx.len))
		bench_die("connect");
}

#define CALL(name) .name = name
static const struct calls ours = {
	CALL(send),    CALL(recv),     CALL(sendmsg),
	CALL(recvmsg), CALL(sendmmsg), CALL(recvmmsg)
};

static void libc_calls(struct calls *c)
{
	c->send = bench_libc("send");
	c->recv = bench_libc("recv");
	c->sendmsg = bench_libc("sendmsg");
	c->recvmsg = bench_libc("recvmsg");
	c->sendmmsg = bench_libc("sendmmsg");
	c->recvmmsg = bench_libc("recvmmsg");
}

static void compare(const struct variant *v, size_t len)
{
	static const struct bench_goal goal = { .ratio = 1.05 };
	struct bench_op a = { .run = v->run, .arg = &cop, .n = v->n };
	struct bench_op b = { .run = v->run, .arg = &udp, .n = v->n };
	struct bench_side cop_side = { .op = &a }, udp_side = { .op = &b };
	unsigned int samples = v->n > 1 ? 20 : 200;
	struct bench_result res = { 0 };
	char name[64];

	cop.way.len = len;
	udp.way.len = len;
	bench_rounds(&res, &cop_side, &udp_side, 60, samples);
	snprintf(name, sizeof(name), "%s, %zu bytes", v->name, len);
	bench_report(name, &res, &goal);
}

static void compare_family(const struct bench_family *family)
{
	static const size_t lens[] = { 64, 512, BENCH_PAYLOAD_MAX };
	char title[64];

	snprintf(title, sizeof(title),
		 "ns for one datagram sent and received, %s", family->name);
	pair_open(&cop, family->family, SOCK_COP, IPPROTO_COP);
	pair_open(&udp, family->family, SOCK_DGRAM, 0);
	bench_title(title, "COP", family->udp);
	for (size_t v = 0; v < sizeof(variants) / sizeof(*variants); v++)
		for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
			compare(&variants[v], lens[i]);
}

int main(int argc, char **argv)
{
	(void)argc;
	bench_begin("datagram");
	bench_preload(argv);
	cop.calls = ours;
	cop.way.sendto = sendto;
	cop.way.recvfrom = recvfrom;
	libc_calls(&udp.calls);
	udp.way.sendto = bench_libc("sendto");
	udp.way.recvfrom = bench_libc("recvfrom");
	bench_each_family(compare_family);
	return 0;
}
