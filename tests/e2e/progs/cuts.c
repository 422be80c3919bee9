// SPDX-License-Identifier: MIT
/*
 * cuts.c - sends that are to be cut into datagrams: UDP_SEGMENT as an option and as a
 * control message.
 */
#include <limits.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>

#include "netns.h"
#include "prog.h"

static char data[70000], got[70000];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = 'a' + i / 10 % 26;
}

/* Each datagram: its length and its first bytes; of many in a row, how many. */
static void show_received(void)
{
	ssize_t n, last = -1;
	int same = 0;

	while ((n = recv(sock_b, got, sizeof(got), MSG_DONTWAIT)) >= 0) {
		if (n == last && same++)
			continue;
		if (last >= 0 && same > 1)
			printf("  %d of these\n", same);
		if (n != last)
			same = 1;
		last = n;
		printf("  %zd %.*s\n", n, n < 8 ? (int)n : 8, got);
	}
	printf("  %d of these, then %s\n", same, strerrorname_np(errno));
}

static int cut_at(int fd, int size)
{
	return setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
}

static void show_size(int fd)
{
	socklen_t len = sizeof(int);
	int size = -1;

	T(getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len));
	printf("  size %d, %u bytes\n", size, len);
}

static void start(void)
{
	int size = 1 << 22;

	connect_pair();
	fill();
	setsockopt(sock_b, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void option(void)
{
	static const int sizes[] = { 100,   1, 0,     1000,  -1,  65535,
				     65536, 7, 65000, 65520, 1200 };

	start();
	show_size(sock_a);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		T(cut_at(sock_a, sizes[i]));
		show_size(sock_a);
		T(send(sock_a, data, 0, 0));
		T(send(sock_a, data, 20, 0));
		T(send(sock_a, data, 350, 0));
		T(send(sock_a, data, 3000, 0));
		show_received();
	}
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_SEGMENT, data, 3));
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_SEGMENT, BAD_PTR, 4));
}

static void calls(void)
{
	struct iovec iov[4] = { { data, 130 },
				{ data + 130, 0 },
				{ data + 130, 1 },
				{ data + 131, 319 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 4 };
	struct mmsghdr vec[3] = { { .msg_hdr = msg },
				  { .msg_hdr = msg },
				  { .msg_hdr = msg } };

	start();
	T(cut_at(sock_a, 100));
	T(write(sock_a, data, 450));
	show_received();
	T(writev(sock_a, iov, 4));
	show_received();
	T(sendto(sock_a, data, 450, MSG_DONTWAIT, SA(&addr_b), sizeof(addr_b)));
	show_received();
	T(sendmsg(sock_a, &msg, 0));
	show_received();
	T(sendmmsg(sock_a, vec, 3, 0));
	printf("  %u %u %u\n", vec[0].msg_len, vec[1].msg_len, vec[2].msg_len);
	show_received();
	iov[3].iov_base = BAD_PTR;
	T(sendmsg(sock_a, &msg, 0));
	T(sendmmsg(sock_a, vec, 3, 0));
	show_received();
}

static ssize_t send_cut(size_t len, const uint16_t *sizes, unsigned int n)
{
	char control[4 * CMSG_SPACE(sizeof(int))]
		__attribute__((aligned(8))) = { 0 };
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = n * CMSG_SPACE(2) };

	for (unsigned int i = 0; i < n; i++) {
		struct cmsghdr c = { .cmsg_len = CMSG_LEN(2),
				     .cmsg_level = IPPROTO_UDP,
				     .cmsg_type = UDP_SEGMENT };

		memcpy(control + i * CMSG_SPACE(2), &c, sizeof(c));
		memcpy(control + i * CMSG_SPACE(2) + CMSG_LEN(0), &sizes[i], 2);
	}
	return sendmsg(sock_a, &msg, 0);
}

/* The last control message counts, and more than the option. */
static void control(void)
{
	static const uint16_t one[] = { 100 }, two[] = { 100, 200 },
			      none[] = { 0 }, off[] = { 100, 0 },
			      most[] = { 65535 };

	start();
	for (int option = 0; option < 200; option += 150) {
		T(cut_at(sock_a, option));
		T(send_cut(450, one, 1));
		show_received();
		T(send_cut(450, two, 2));
		show_received();
		T(send_cut(450, none, 1));
		show_received();
		T(send_cut(450, off, 2));
		show_received();
		T(send_cut(450, most, 1));
		show_received();
	}
}

static void bad_control(void)
{
	struct cmsghdr c[2] = { { .cmsg_len = CMSG_LEN(4),
				  .cmsg_level = IPPROTO_UDP,
				  .cmsg_type = UDP_SEGMENT } };
	struct iovec iov = { data, 450 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = c,
			      .msg_controllen = sizeof(c) };

	start();
	T(cut_at(sock_a, 100));
	T(sendmsg(sock_a, &msg, 0));
	c[0].cmsg_type = 77;
	c[0].cmsg_len = CMSG_LEN(2);
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_control = BAD_PTR;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_controllen = 4;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_control = data;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_controllen = 1 << 24;
	T(sendmsg(sock_a, &msg, 0));
	show_received();
}

/* Of pieces, and of bytes: with headers some are too long for one send. */
static void limits(void)
{
	static const struct {
		int size;
		size_t len;
	} c[] = { { 100, 6400 },   { 100, 12800 },   { 100, 12801 },
		  { 100, 60000 },  { 1, 200 },	     { 1200, 64800 },
		  { 1023, 65450 }, { 40000, 65000 }, { 1000, 65507 },
		  { 512, 65507 },  { 1000, 65536 },  { 500, 64000 },
		  { 500, 64001 },  { 500, 64500 },   { 500, 65507 },
		  { 2, 65507 },	   { 1000, 65508 },  { 1000, 65512 },
		  { 600, 65527 },  { 1000, 65528 },  { 500, 65520 } };

	start();
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		printf("%zu bytes at %d\n", c[i].len, c[i].size);
		T(cut_at(sock_a, c[i].size));
		T(send(sock_a, data, c[i].len, 0));
		show_received();
		T(send(sock_a, BAD_PTR, c[i].len, 0));
	}
	show_received();
}

static void many_iovecs(void)
{
	static struct iovec iov[1024];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1024 };

	start();
	for (size_t i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){ data + 60 * i, i % 3 ? 60 : 0 };
	T(cut_at(sock_a, 1000));
	T(sendmsg(sock_a, &msg, 0));
	show_received();
	iov[700].iov_base = BAD_PTR;
	T(sendmsg(sock_a, &msg, 0));
	show_received();
}

static void beyond_the_mtu(void)
{
	struct sockaddr_in to = addr_of("10.9.9.2", 1000);

	own_network();
	if (system("ip link add v0 type veth peer name v1 && "
		   "ip addr add 10.9.9.1/24 dev v0 && ip link set v0 up && "
		   "ip link set v1 up && ip neigh add 10.9.9.2 lladdr "
		   "02:00:00:00:00:01 dev v0"))
		skip("no veth to be had");
	sock_a = sock();
	T(cut_at(sock_a, 1400));
	T(sendto(sock_a, data, 5000, 0, SA(&to), sizeof(to)));
	T(cut_at(sock_a, 1600));
	T(sendto(sock_a, data, 5000, 0, SA(&to), sizeof(to)));
	T(sendto(sock_a, data, 1600, 0, SA(&to), sizeof(to)));
	T(sendto(sock_a, data, 1000, 0, SA(&to), sizeof(to)));
}

static void refused(void)
{
	make_pair();
	T(cut_at(sock_a, 100));
	T(send(sock_a, data, 450, 0));
	T(sendto(sock_a, data, 450, 0, SA(&addr_b), 3));
	T(connect(sock_a, SA(&addr_b), sizeof(addr_b)));
	T(shutdown(sock_a, SHUT_WR));
	T(send(sock_a, data, 450, MSG_NOSIGNAL));
	show_received();
}

/* The option belongs to the socket, and each process that has it sees the option. */
static void inherited(char *self)
{
	start();
	T(cut_at(sock_a, 100));
	if (!fork()) {
		T(send(sock_a, data, 250, 0));
		exit(0);
	}
	wait(NULL);
	show_received();
	dup2(sock_a, 60);
	dup2(sock_b, 61);
	fflush(stdout);
	execl(self, self, kind, "heir", NULL);
	die(self);
}

static void heir(void)
{
	sock_a = 60;
	sock_b = 61;
	fill();
	show_size(sock_a);
	T(send(sock_a, data, 250, 0));
	show_received();
	T(cut_at(sock_a, 0));
	T(send(sock_a, data, 250, 0));
	show_received();
}

static void heirs(void)
{
	inherited("/proc/self/exe");
}

/* A corked datagram is not cut: UDP cuts all of it once it is whole. */
static void corked(void)
{
	start();
	T(cut_at(sock_a, 100));
	T(send(sock_a, data, 60, MSG_MORE));
	T(send(sock_a, data, 250, 0));
	show_received();
	T(cut_at(sock_a, 0));
	T(send(sock_a, data, 60, MSG_MORE));
	T(cut_at(sock_a, 100));
	T(send(sock_a, data, 250, 0));
	show_received();
}

static void *send_all(void *arg)
{
	T(send(sock_a, data, 12800, 0));
	return arg;
}

/* The most pieces, by a thread with the least stack. */
static void small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	start();
	T(cut_at(sock_a, 100));
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	fflush(stdout);
	if (pthread_create(&thread, &attr, send_all, NULL))
		die("pthread_create");
	pthread_join(thread, NULL);
	show_received();
}

SCENARIOS({ "small_stack", small_stack }, { "option", option },
	  { "calls", calls }, { "control", control },
	  { "bad_control", bad_control }, { "limits", limits },
	  { "many_iovecs", many_iovecs }, { "beyond_the_mtu", beyond_the_mtu },
	  { "refused", refused }, { "heirs", heirs }, { "heir", heir },
	  { "corked", corked })
