// SPDX-License-Identifier: MIT
/*
 * batches.c - sendmmsg of many datagrams, which the library may give to the kernel as
 * one send: the results are those of many sends.
 */
#include <netinet/udp.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/errqueue.h>

#include <linux/net_tstamp.h>

#include "netns.h"
#include "prog.h"

#define N    40
#define LONG 2000

static struct mmsghdr vec[N];
static struct iovec iovs[N];
static char data[N][LONG];

/* N datagrams of one length; @to: NULL for the peer. */
static void set_up(size_t len, struct sockaddr_in *to)
{
	memset(vec, 0, sizeof(vec));
	for (int i = 0; i < N; i++) {
		snprintf(data[i], LONG, "m%02d", i);
		iovs[i] = (struct iovec){ data[i], len };
		vec[i].msg_hdr =
			(struct msghdr){ .msg_name = to,
					 .msg_namelen = to ? sizeof(*to) : 0,
					 .msg_iov = &iovs[i],
					 .msg_iovlen = 1 };
	}
}

static void show_lengths(int n)
{
	for (int i = 0; i < n; i++)
		printf(" %u", vec[i].msg_len);
	printf("\n");
}

static void show_received(int fd)
{
	static char got[LONG];
	ssize_t n;

	while ((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) >= 0)
		printf("  %zd %.3s\n", n, n ? got : "");
}

/* ---- runs -------------------------------------------------------------------- */

static void to_the_peer(void)
{
	connect_pair();
	set_up(5, NULL);
	T(sendmmsg(sock_a, vec, N, 0));
	show_lengths(N);
	show_received(sock_b);
	iovs[N - 1].iov_len = 3;
	T(sendmmsg(sock_a, vec, N, MSG_DONTWAIT));
	show_lengths(N);
	show_received(sock_b);
}

static void to_a_name(void)
{
	make_pair();
	set_up(5, &addr_b);
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_b);
	set_up(0, &addr_b);
	T(sendmmsg(sock_a, vec, N, MSG_CONFIRM));
	show_received(sock_b);
	set_up(1400, &addr_b);
	T(sendmmsg(sock_a, vec, N, MSG_DONTROUTE));
	show_received(sock_b);
}

/* The socket gets its port with the first datagram. */
static void unbound(void)
{
	make_pair();
	sock_a = sock();
	set_up(5, &addr_b);
	T(sendmmsg(sock_a, vec, N, 0));
	know('C', sock_a);
	R(recvfrom(sock_b, buf, sizeof(buf), 0, SA(&from), &fromlen));
	show_received(sock_b);
}

static void of_any_length(void)
{
	make_pair();
	set_up(5, &addr_b);
	for (int i = 10; i < 30; i++)
		iovs[i].iov_len = 4 + i % 7 / 2;
	iovs[35].iov_len = 900;
	T(sendmmsg(sock_a, vec, N, 0));
	show_lengths(N);
	show_received(sock_b);
}

static void to_two_peers(void)
{
	struct sockaddr_in names[N];

	make_pair();
	set_up(5, NULL);
	for (int i = 0; i < N; i++) {
		names[i] = i % 16 < 8 ? addr_b : addr_a;
		vec[i].msg_hdr.msg_name = &names[i];
		vec[i].msg_hdr.msg_namelen = sizeof(names[i]);
	}
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_a);
	show_received(sock_b);
	names[20].sin_port = 0;
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_a);
	show_received(sock_b);
	names[0].sin_family = AF_UNIX;
	T(sendmmsg(sock_a, vec, N, 0));
}

/* ---- refusals ------------------------------------------------------------------ */

static void unreadable(void)
{
	make_pair();
	set_up(5, &addr_b);
	iovs[20].iov_base = BAD_PTR;
	T(sendmmsg(sock_a, vec, N, 0));
	T(sendmmsg(sock_a, vec + 20, N - 20, 0));
	T(sendmmsg(sock_a, vec + 21, N - 21, 0));
	show_received(sock_b);
}

static void shut(void)
{
	connect_pair();
	set_up(5, NULL);
	T(shutdown(sock_a, SHUT_WR));
	T(sendmmsg(sock_a, vec, N, MSG_NOSIGNAL));
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_b);
}

static void no_peer(void)
{
	make_pair();
	set_up(5, NULL);
	T(sendmmsg(sock_a, vec, N, 0));
	T(sendmmsg(sock_a, vec, N, MSG_OOB));
}

static void pending_error(void)
{
	connect_pair();
	T(close(sock_b));
	T(send(sock_a, "nobody", 6, 0));
	set_up(5, NULL);
	T(sendmmsg(sock_a, vec, N, 0));
}

/* The peer is gone: UDP ends the call with the second datagram. */
static void refused(void)
{
	connect_pair();
	T(close(sock_b));
	set_up(5, NULL);
	T(sendmmsg(sock_a, vec, 8, 0));
	T(sendmmsg(sock_a, vec, 8, 0));
}

static void corked(void)
{
	int one = 1, zero = 0;

	connect_pair();
	set_up(3, NULL);
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &one, sizeof(one)));
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_b);
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &zero, sizeof(zero)));
	show_received(sock_b);
	T(sendmmsg(sock_a, vec, N, MSG_MORE));
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_b);
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_b);
}

/* ---- options ------------------------------------------------------------------- */

/* One key for each datagram, whatever else is sent. */
static void keys(void)
{
	int on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
		 SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
	char control[512];
	struct msghdr msg;

	connect_pair();
	set_up(5, NULL);
	T(sendmmsg(sock_a, vec, N, 0));
	T(setsockopt(sock_a, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)));
	T(sendmmsg(sock_a, vec, 8, 0));
	for (int i = 0; i < 9; i++) {
		struct sock_extended_err err = { .ee_data = -1 };

		msg = (struct msghdr){ .msg_control = control,
				       .msg_controllen = sizeof(control) };
		if (recvmsg(sock_a, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
		     c = CMSG_NXTHDR(&msg, c))
			if (c->cmsg_level != SOL_SOCKET)
				memcpy(&err, CMSG_DATA(c), sizeof(err));
		printf("  key %d\n", (int)err.ee_data);
	}
	show_received(sock_b);
}

static void show_options(int fd)
{
	char control[128], byte;
	struct iovec iov = { &byte, 1 };
	int n = 0;

	for (;; n++) {
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		struct cmsghdr *c;

		if (recvmsg(fd, &msg, MSG_DONTWAIT) < 0)
			break;
		c = CMSG_FIRSTHDR(&msg);
		printf("  %d bytes of options\n",
		       c ? (int)(c->cmsg_len - CMSG_LEN(0)) : -1);
	}
	printf("%d datagrams\n", n);
}

static void ip_options(void)
{
	static const char nops[12] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
	int one = 1;

	make_pair();
	set_up(5, &addr_b);
	T(setsockopt(sock_b, IPPROTO_IP, IP_RECVOPTS, &one, sizeof(one)));
	T(setsockopt(sock_a, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops)));
	T(sendmmsg(sock_a, vec, N, 0));
	show_options(sock_b);
}

static void ipv6_options(void)
{
	static const char pad[8] = { 0, 0, 1, 4 };
	int one = 1;

	make_pair();
	set_up(5, &addr_b);
	T(setsockopt(sock_b, IPPROTO_IPV6, IPV6_RECVDSTOPTS, &one,
		     sizeof(one)));
	T(setsockopt(sock_a, IPPROTO_IPV6, IPV6_DSTOPTS, pad, sizeof(pad)));
	T(sendmmsg(sock_a, vec, N, 0));
	show_options(sock_b);
}

/* Each datagram tells its TTL, and may have one of its own. */
static void control(void)
{
	union {
		struct cmsghdr cmsg;
		char room[CMSG_SPACE(sizeof(int))];
	} ttl = { .cmsg = { .cmsg_len = CMSG_LEN(sizeof(int)),
			    .cmsg_level = IPPROTO_IP,
			    .cmsg_type = IP_TTL } };
	struct msghdr msg = { .msg_control = &ttl };
	int one = 1, value = 9;

	make_pair();
	set_up(5, &addr_b);
	T(setsockopt(sock_b, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)));
	memcpy(CMSG_DATA(&ttl.cmsg), &value, sizeof(value));
	vec[20].msg_hdr.msg_control = &ttl;
	vec[20].msg_hdr.msg_controllen = sizeof(ttl);
	T(sendmmsg(sock_a, vec, N, 0));
	for (int i = 0; i < N; i++) {
		msg.msg_controllen = sizeof(ttl);
		if (recvmsg(sock_b, &msg, MSG_DONTWAIT) < 0)
			break;
		memcpy(&value, CMSG_DATA(&ttl.cmsg), sizeof(value));
		printf("%d ", value);
	}
	printf("\n");
}

/* ---- networks ------------------------------------------------------------------ */

static void to_everybody(void)
{
	struct sockaddr_in all = addr_of("127.255.255.255", 0);
	struct sockaddr_in group = addr_of("239.1.1.1", 0);
	struct ip_mreqn lo = { .imr_multiaddr.s_addr = inet_addr("239.1.1.1"),
			       .imr_ifindex = 1 };
	int one = 1;

	own_network();
	sock_a = sock_at('A', "0.0.0.0");
	sock_b = sock_at('B', "0.0.0.0");
	all.sin_port = group.sin_port = name_of(sock_b).sin_port;
	set_up(5, &all);
	T(sendmmsg(sock_a, vec, N, 0));
	T(setsockopt(sock_a, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)));
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_b);
	T(setsockopt(sock_b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &lo, sizeof(lo)));
	T(setsockopt(sock_a, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo)));
	set_up(5, &group);
	T(sendmmsg(sock_a, vec, N, 0));
	show_received(sock_b);
}

static void must(const char *command)
{
	if (system(command))
		skip("no veth to be had");
}

static void make_veth(void)
{
	own_network();
	must("ip link add v0 type veth peer name v1 && "
	     "ip addr add 10.9.9.1/24 dev v0 && ip link set v0 up && "
	     "ip link set v1 up");
}

/*
 * Nobody has the addresses, so the kernel keeps the datagrams for three seconds, and
 * counts them against SO_SNDBUF.
 */
static void full_buffer(void)
{
	static const int sizes[] = { 2304, 8000, 20000, 50000 };
	struct sockaddr_in to;

	make_veth();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char ip[16];

		snprintf(ip, sizeof(ip), "10.9.9.%zu", 10 + i);
		to = addr_of(ip, 1000);
		set_up(400, &to);
		sock_a = sock();
		T(setsockopt(sock_a, SOL_SOCKET, SO_SNDBUF, &sizes[i],
			     sizeof(sizes[i])));
		for (int k = 0; k < 4; k++) {
			T(sendmmsg(sock_a, vec, N, MSG_DONTWAIT));
			T(sendmmsg(sock_a, vec, 6, MSG_DONTWAIT));
		}
	}
}

/* Longer than a packet may be: cut in fragments, or refused. */
static void beyond_the_mtu(void)
{
	struct sockaddr_in to = addr_of("10.9.9.2", 1000);
	int how = IP_PMTUDISC_DO;

	make_veth();
	must("ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:01 dev v0");
	sock_a = sock();
	set_up(1600, &to);
	T(sendmmsg(sock_a, vec, N, MSG_DONTWAIT));
	T(setsockopt(sock_a, IPPROTO_IP, IP_MTU_DISCOVER, &how, sizeof(how)));
	T(sendmmsg(sock_a, vec, N, MSG_DONTWAIT));
	for (int i = 0; i < 20; i++)
		iovs[i].iov_len = 1400;
	T(sendmmsg(sock_a, vec, N, MSG_DONTWAIT));
	T(sendmmsg(sock_a, vec, 20, MSG_DONTWAIT));
	T(connect(sock_a, SA(&to), sizeof(to)));
	T(sendmmsg(sock_a, vec, N, MSG_DONTWAIT));
}

/* Let another network have the end of the veth, and @receive run there. */
static pid_t other_network(void (*receive)(int ready), int *started)
{
	int moved[2], ready[2];
	char byte, command[128];
	pid_t child;

	if (pipe(moved) || pipe(ready))
		die("pipe");
	child = fork();
	if (!child) {
		if (unshare(CLONE_NEWNET))
			skip("no second network");
		if (write(ready[1], "", 1) != 1 ||
		    read(moved[0], &byte, 1) != 1)
			die("the other network");
		must("ip addr add 10.9.9.2/24 dev v1 && ip link set v1 up");
		receive(ready[1]);
		exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		skip("no second network");
	snprintf(command, sizeof(command), "ip link set v1 netns %d", child);
	must(command);
	if (write(moved[1], "", 1) != 1)
		die("write");
	*started = ready[0];
	return child;
}

static void receive_there(int ready)
{
	struct sockaddr_in at = addr_of("10.9.9.2", 5000);
	static char got[LONG];

	sock_b = sock();
	if (bind(sock_b, SA(&at), sizeof(at)) || write(ready, "", 1) != 1)
		die("bind");
	for (int i = 0; i < N; i++) {
		ssize_t n = recv(sock_b, got, sizeof(got), 0);

		printf("  there: %zd %.3s\n", n, got);
	}
}

static void from_another_network(void)
{
	struct sockaddr_in to = addr_of("10.9.9.2", 5000);
	int ready, sent, status;
	pid_t child;
	char byte;

	make_veth();
	child = other_network(receive_there, &ready);
	if (read(ready, &byte, 1) != 1)
		skip("no second network");
	sock_a = sock();
	set_up(700, &to);
	sent = sendmmsg(sock_a, vec, N, 0);
	if (waitpid(child, &status, 0) != child || status)
		die("the receiver");
	T(sent);
}

SCENARIOS({ "to_the_peer", to_the_peer }, { "to_a_name", to_a_name },
	  { "unbound", unbound }, { "of_any_length", of_any_length },
	  { "to_two_peers", to_two_peers }, { "unreadable", unreadable },
	  { "shut", shut }, { "no_peer", no_peer },
	  { "pending_error", pending_error }, { "refused", refused },
	  { "corked", corked }, { "keys", keys }, { "ip_options", ip_options },
	  { "ipv6_options", ipv6_options }, { "control", control },
	  { "to_everybody", to_everybody }, { "full_buffer", full_buffer },
	  { "beyond_the_mtu", beyond_the_mtu },
	  { "from_another_network", from_another_network })
