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

#define PAYLOAD_MAX 1400
#define VLEN	    32

struct calls {
	ssize_t (*sendto)(int fd, const void *buf, size_t len, int flags,
			  const struct sockaddr *addr, socklen_t alen);
	ssize_t (*recvfrom)(int fd, void *buf, size_t len, int flags,
			    struct sockaddr *addr, socklen_t *alen);
	ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
	ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
	ssize_t (*sendmsg)(int fd, const struct msghdr *msg, int flags);
	ssize_t (*recvmsg)(int fd, struct msghdr *msg, int flags);
	int (*sendmmsg)(int fd, struct mmsghdr *vec, unsigned int n, int flags);
	int (*recvmmsg)(int fd, struct mmsghdr *vec, unsigned int n, int flags,
			struct timespec *timeout);
};

/* Two sockets of one kind: one sends to the other. */
struct pair {
	struct calls calls;
	int tx, rx;	     /* unconnected */
	int ctx, crx;	     /* connected to each other */
	struct bench_end to; /* @rx's address */
	size_t len;	     /* bytes of payload */
};

static struct pair cop, udp;

static unsigned char out[PAYLOAD_MAX], in[PAYLOAD_MAX];

static void run_sendto(void *arg, unsigned int n)
{
	struct pair *p = arg;
	struct sockaddr_in6 from;

	while (n--) {
		socklen_t alen = sizeof(from);

		bench_expect(p->calls.sendto(p->tx, out, p->len, 0, &p->to.sa,
					     p->to.len),
			     p->len);
		bench_expect(p->calls.recvfrom(p->rx, in, sizeof(in), 0,
					       (struct sockaddr *)&from, &alen),
			     p->len);
	}
}

static void run_send(void *arg, unsigned int n)
{
	struct pair *p = arg;

	while (n--) {
		bench_expect(p->calls.send(p->ctx, out, p->len, 0), p->len);
		bench_expect(p->calls.recv(p->crx, in, sizeof(in), 0), p->len);
	}
}

static void run_sendmsg(void *arg, unsigned int n)
{
	struct pair *p = arg;
	struct sockaddr_in6 from;

	while (n--) {
		struct iovec tx_iov = { out, p->len };
		struct iovec rx_iov = { in, sizeof(in) };
		struct msghdr tx = { .msg_name = &p->to.sa,
				     .msg_namelen = p->to.len,
				     .msg_iov = &tx_iov,
				     .msg_iovlen = 1 };
		struct msghdr rx = { .msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &rx_iov,
				     .msg_iovlen = 1 };

		bench_expect(p->calls.sendmsg(p->tx, &tx, 0), p->len);
		bench_expect(p->calls.recvmsg(p->rx, &rx, 0), p->len);
	}
}

static void run_sendmmsg(void *arg, unsigned int n)
{
	struct pair *p = arg;
	static struct mmsghdr tx[VLEN], rx[VLEN];
	static struct iovec tx_iov[VLEN], rx_iov[VLEN];
	static unsigned char room[VLEN][PAYLOAD_MAX];

	for (; n; n -= VLEN) {
		for (int i = 0; i < VLEN; i++) {
			tx_iov[i] = (struct iovec){ out, p->len };
			rx_iov[i] = (struct iovec){ room[i], PAYLOAD_MAX };
			tx[i].msg_hdr = (struct msghdr){ .msg_iov = &tx_iov[i],
							 .msg_iovlen = 1 };
			rx[i].msg_hdr = (struct msghdr){ .msg_iov = &rx_iov[i],
							 .msg_iovlen = 1 };
		}
		bench_expect(p->calls.sendmmsg(p->ctx, tx, VLEN, 0), VLEN);
		bench_expect(p->calls.recvmmsg(p->crx, rx, VLEN, 0, NULL),
			     VLEN);
		bench_expect(rx[VLEN - 1].msg_len, p->len);
	}
}

static const struct variant {
	const char *name;
	void (*run)(void *arg, unsigned int n);
	unsigned int n;
} variants[] = {
	{ "sendto + recvfrom", run_sendto, 1 },
	{ "send + recv, connected", run_send, 1 },
	{ "sendmsg + recvmsg", run_sendmsg, 1 },
	{ "sendmmsg + recvmmsg, 32", run_sendmmsg, VLEN },
};

static void pair_open(struct pair *p, int family, int type, int protocol)
{
	struct bench_end tx, ctx, crx;

	p->tx = bench_bound(family, type, protocol, &tx);
	p->rx = bench_bound(family, type, protocol, &p->to);
	p->ctx = bench_bound(family, type, protocol, &ctx);
	p->crx = bench_bound(family, type, protocol, &crx);
	if (connect(p->ctx, &crx.sa, crx.len) ||
	    connect(p->crx, &ctx.sa, ctx.len))
		bench_die("connect");
}

#define CALL(name) .name = name
static const struct calls ours = { CALL(sendto),   CALL(recvfrom),
				   CALL(send),	   CALL(recv),
				   CALL(sendmsg),  CALL(recvmsg),
				   CALL(sendmmsg), CALL(recvmmsg) };

static void libc_calls(struct calls *c)
{
	c->sendto = bench_libc("sendto");
	c->recvfrom = bench_libc("recvfrom");
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

	cop.len = len;
	udp.len = len;
	bench_rounds(&res, &cop_side, &udp_side, 60, samples);
	snprintf(name, sizeof(name), "%s, %zu bytes", v->name, len);
	bench_report(name, &res, &goal);
}

static void compare_family(const struct bench_family *family)
{
	static const size_t lens[] = { 64, 512, PAYLOAD_MAX };
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
	libc_calls(&udp.calls);
	bench_each_family(compare_family);
	return 0;
}
