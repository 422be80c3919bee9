// SPDX-License-Identifier: MIT
/*
 * bench_peers.c - a server that talks with one peer, with a thousand, or with a million:
 * one datagram in and one out for each peer in turn, on COP and on the kernel's UDP.
 *
 * All peers are one socket: IP_PKTINFO chooses the address 127.x.y.z that it sends from.
 * A socket of COP has 1,024 flows at most, so with more peers each datagram evicts a flow.
 * In the end the server talks with each of the million once, and the benchmark shows how
 * much memory that took.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define PAYLOAD 64
#define MOST	1000000 /* peers */
#define ROOM	1400
#define SERVER	INADDR_LOOPBACK
#define PEERS	(INADDR_LOOPBACK + 0x10000) /* the first peer's address */

struct calls {
	ssize_t (*sendmsg)(int fd, const struct msghdr *msg, int flags);
	ssize_t (*recvmsg)(int fd, struct msghdr *msg, int flags);
};

struct side {
	struct calls calls;
	int server, peer;
	struct bench_end to_server,
		to_peer; /* only the port of the second counts */
	unsigned int peers, next;
};

static struct side cop, udp;
static char out[PAYLOAD], in[ROOM];

static void send_from(const struct side *s, int fd, uint32_t from, uint32_t to,
		      __be16 port)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = port,
				    .sin_addr.s_addr = htonl(to) };
	struct in_pktinfo source = { .ipi_spec_dst.s_addr = htonl(from) };
	struct iovec iov = { out, PAYLOAD };
	struct msghdr msg = { .msg_name = &name,
			      .msg_namelen = sizeof(name),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(source));
	memcpy(CMSG_DATA(cmsg), &source, sizeof(source));
	bench_expect(s->calls.sendmsg(fd, &msg, 0), PAYLOAD);
}

static void receive(const struct side *s, int fd)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct sockaddr_in from;
	struct iovec iov = { in, ROOM };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	bench_expect(s->calls.recvmsg(fd, &msg, 0), PAYLOAD);
}

static void run_turns(void *arg, unsigned int n)
{
	struct side *s = arg;

	while (n--) {
		uint32_t peer = PEERS + s->next++ % s->peers;

		send_from(s, s->peer, peer, SERVER, s->to_server.in.sin_port);
		receive(s, s->server);
		send_from(s, s->server, SERVER, peer, s->to_peer.in.sin_port);
		receive(s, s->peer);
	}
}

static int bound(int type, int protocol, struct bench_end *end)
{
	int fd = socket(AF_INET, type, protocol), on = 1;

	bench_any(end, AF_INET, 0);
	if (fd < 0 || bind(fd, &end->sa, end->len) ||
	    getsockname(fd, &end->sa, &end->len) ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)))
		bench_die("a bound socket");
	return fd;
}

static void side_open(struct side *s, int type, int protocol)
{
	s->server = bound(type, protocol, &s->to_server);
	s->peer = bound(type, protocol, &s->to_peer);
}

/* As many turns as flows come first, so that all flows are in use. */
static void compare(unsigned int peers)
{
	static const struct bench_goal goal = { .ratio = 1.12 };
	const struct bench_op a = { .run = run_turns, .arg = &cop, .n = 1 };
	const struct bench_op b = { .run = run_turns, .arg = &udp, .n = 1 };
	struct bench_side cop_side = { .op = &a }, udp_side = { .op = &b };
	struct bench_result res = { 0 };
	char name[64];

	cop.peers = udp.peers = peers;
	run_turns(&cop, peers < 3000 ? peers : 3000);
	bench_rounds(&res, &cop_side, &udp_side, 60, 200);
	snprintf(name, sizeof(name), "%u peer%s", peers, peers > 1 ? "s" : "");
	bench_report(name, &res, &goal);
}

/* Memory of this process, in kB. */
static long resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long all, pages;

	if (!statm || fscanf(statm, "%ld %ld", &all, &pages) != 2)
		bench_die("/proc/self/statm");
	fclose(statm);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Among millions the kernel may lose a datagram while other programs move sockets. */
static void talk_with_all(const struct side *s)
{
	struct iovec iov = { in, ROOM };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	for (uint32_t i = 0; i < MOST; i++) {
		send_from(s, s->peer, PEERS + i, SERVER,
			  s->to_server.in.sin_port);
		s->calls.recvmsg(s->server, &msg, MSG_DONTWAIT);
		send_from(s, s->server, SERVER, PEERS + i,
			  s->to_peer.in.sin_port);
		s->calls.recvmsg(s->peer, &msg, MSG_DONTWAIT);
	}
}

/* The first call brings what any use of fopen() takes. */
static void show_memory(void)
{
	long before = resident();

	before = resident();
	talk_with_all(&cop);
	bench_figure("memory for a datagram of each of a million peers",
		     resident() - before, "kB", 16);
}

int main(int argc, char **argv)
{
	static const unsigned int peers[] = { 1, 100, 1000, 2000, 10000, MOST };

	(void)argc;
	bench_begin("peers");
	bench_preload(argv);
	cop.calls = (struct calls){ sendmsg, recvmsg };
	udp.calls =
		(struct calls){ bench_libc("sendmsg"), bench_libc("recvmsg") };
	side_open(&cop, SOCK_COP, IPPROTO_COP);
	side_open(&udp, SOCK_DGRAM, 0);
	bench_title("ns for a datagram from a peer and one to it", "COP",
		    "the kernel's UDP");
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		compare(peers[i]);
	show_memory();
	return 0;
}
