// SPDX-License-Identifier: MIT
/*
 * bench_batch.c - 32 datagrams in one call, sent, received, and both, on
 * loopback, over COP and over the kernel's UDP, with IPv4 and with IPv6. With UDP_GRO
 * the COP receiver gets them joined, and is compared with UDP's recvmmsg() without it.
 *
 * Both kinds of socket are open in this process. For UDP the benchmark calls
 * libc's own functions, past the library: they cost as much as without it.
 */
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cop.h"
#include "harness.h"

#define PAYLOAD_MAX 1400
#define VLEN	    32

/* Two sockets of one kind: one sends to the other. */
struct pair {
	int (*sendmmsg)(int fd, struct mmsghdr *vec, unsigned int n, int flags);
	int (*recvmmsg)(int fd, struct mmsghdr *vec, unsigned int n, int flags,
			struct timespec *timeout);
	int tx, rx;
	struct bench_end to; /* @rx's address */
};

static struct pair cop, udp, gro;

static struct mmsghdr out[VLEN], in[VLEN];
static unsigned char room[VLEN][PAYLOAD_MAX];

static void send_batch(struct pair *p)
{
	for (int i = 0; i < VLEN; i++)
		if (out[i].msg_hdr.msg_namelen)
			out[i].msg_hdr.msg_name = &p->to.sa;
	bench_expect(p->sendmmsg(p->tx, out, VLEN, 0), VLEN);
}

static void receive_batch(struct pair *p)
{
	bench_expect(p->recvmmsg(p->rx, in, VLEN, 0, NULL), VLEN);
	bench_expect(in[VLEN - 1].msg_len,
		     out[VLEN - 1].msg_hdr.msg_iov->iov_len);
}

/* What comes joined, until all of a batch is here. The last datagram may be alone. */
static void receive_joined(struct pair *p)
{
	static unsigned char all[65536];
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { all, sizeof(all) };
	size_t want = 0, got = 0;

	for (int i = 0; i < VLEN; i++)
		want += out[i].msg_hdr.msg_iov->iov_len;
	while (got < want) {
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };

		got += recvmsg(p->rx, &msg, 0);
	}
	bench_expect(got, want);
}

static void run_joined(void *arg, unsigned int n)
{
	for (; n; n -= VLEN) {
		send_batch(arg);
		receive_joined(arg);
	}
}

static void run_send(void *arg, unsigned int n)
{
	for (; n; n -= VLEN)
		send_batch(arg);
}

static void run_pair(void *arg, unsigned int n)
{
	for (; n; n -= VLEN) {
		send_batch(arg);
		receive_batch(arg);
	}
}

static void run_receive(void *arg, unsigned int n)
{
	for (; n; n -= VLEN)
		receive_batch(arg);
}

static void drain(void *arg)
{
	receive_batch(arg);
}

static void fill(void *arg)
{
	send_batch(arg);
}

/* Datagrams of one length, or each longer than the one before. */
static void set_up(size_t len, bool alike, bool named)
{
	static struct iovec out_iov[VLEN], in_iov[VLEN];

	for (int i = 0; i < VLEN; i++) {
		size_t less = alike ? 0 : VLEN - 1 - i;

		out_iov[i] = (struct iovec){ room[i], len - less };
		in_iov[i] = (struct iovec){ room[i], PAYLOAD_MAX };
		out[i].msg_hdr =
			(struct msghdr){ .msg_namelen = named ? cop.to.len : 0,
					 .msg_iov = &out_iov[i],
					 .msg_iovlen = 1 };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &in_iov[i],
						 .msg_iovlen = 1 };
	}
}

/* What is measured. What the other call has to do is done before or afterwards. */
enum { SEND, RECEIVE, BOTH };

static const struct variant {
	const char *name;
	int calls;
	bool alike, named, joined;
	double goal; /* ratio to UDP */
} variants[] = {
	{ "sendmmsg", SEND, true, false, false, 0.30 },
	{ "sendmmsg by name", SEND, true, true, false, 0.30 },
	{ "sendmmsg + recvmmsg", BOTH, true, false, false, 0.45 },
	{ "sendmmsg by name + recvmmsg", BOTH, true, true, false, 0.45 },
	{ "sendmmsg + recvmsg with UDP_GRO", BOTH, true, false, true, 0.15 },
	{ "the same by name", BOTH, true, true, true, 0.15 },
	{ "sendmmsg of many lengths", SEND, false, false, false, 1.05 },
	{ "the same + recvmmsg", BOTH, false, false, false, 1.05 },
	{ "recvmmsg", RECEIVE, false, false, false, 1.05 },
};

static void set_op(struct bench_op *op, int calls)
{
	op->run = calls == SEND	     ? run_send
		  : calls == RECEIVE ? run_receive
				     : run_pair;
	op->before = calls == RECEIVE ? fill : NULL;
	op->after = calls == SEND ? drain : NULL;
	op->n = VLEN;
}

static void compare(const struct variant *v, size_t len)
{
	const struct bench_goal goal = { .ratio = v->goal };
	struct bench_op ops[2] = { { .arg = v->joined ? &gro : &cop },
				   { .arg = &udp } };
	struct bench_side ours = { .op = &ops[0] }, kernels = { .op = &ops[1] };
	struct bench_result res = { 0 };
	char name[64];

	for (int i = 0; i < 2; i++)
		set_op(&ops[i], v->calls);
	if (v->joined)
		ops[0].run = run_joined;
	set_up(len, v->alike, v->named);
	bench_rounds(&res, &ours, &kernels, 60, 20);
	snprintf(name, sizeof(name), "%s, %zu bytes", v->name, len);
	bench_report(name, &res, &goal);
}

static void pair_open(struct pair *p, int family, int type, int protocol)
{
	struct bench_end tx;

	p->tx = bench_bound(family, type, protocol, &tx);
	p->rx = bench_bound(family, type, protocol, &p->to);
	if (connect(p->tx, &p->to.sa, p->to.len) ||
	    connect(p->rx, &tx.sa, tx.len))
		bench_die("connect");
}

static void compare_family(const struct bench_family *family)
{
	static const size_t lens[] = { 64, 512, 1200, PAYLOAD_MAX };
	const int on = 1;
	char title[64];

	snprintf(title, sizeof(title), "ns for one datagram of %d, %s", VLEN,
		 family->name);
	pair_open(&cop, family->family, SOCK_COP, IPPROTO_COP);
	pair_open(&gro, family->family, SOCK_COP, IPPROTO_COP);
	if (setsockopt(gro.rx, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)))
		bench_die("UDP_GRO");
	pair_open(&udp, family->family, SOCK_DGRAM, 0);
	bench_title(title, "COP", family->udp);
	for (size_t v = 0; v < sizeof(variants) / sizeof(*variants); v++)
		for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
			compare(&variants[v], lens[i]);
}

int main(int argc, char **argv)
{
	(void)argc;
	bench_begin("batch");
	bench_preload(argv);
	cop.sendmmsg = sendmmsg;
	cop.recvmmsg = recvmmsg;
	gro = cop;
	udp.sendmmsg = bench_libc("sendmmsg");
	udp.recvmmsg = bench_libc("recvmmsg");
	bench_each_family(compare_family);
	return 0;
}
