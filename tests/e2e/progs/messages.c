// SPDX-License-Identifier: MIT
/*
 * messages.c - many messages in one call, control messages, the error queue.
 */
#include <limits.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/errqueue.h>

#include <linux/net_tstamp.h>

#include "prog.h"

#define N 40

static struct mmsghdr vec[2000];
static struct iovec iovs[2000];
static struct sockaddr_in names[2000];
static char data[2000][8];
static char control[512] __attribute__((aligned(8)));

static void set_up(unsigned int n, size_t len)
{
	memset(vec, 0, sizeof(vec));
	memset(names, 0, sizeof(names));
	for (unsigned int i = 0; i < n; i++) {
		iovs[i] = (struct iovec){ data[i], len };
		vec[i].msg_hdr.msg_iov = &iovs[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
}

static void set_up_send(unsigned int n)
{
	set_up(n, 8);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(data[i], sizeof(data[i]), "m%05u", i % 100000);
		iovs[i].iov_len = 1 + i % 6;
	}
}

static void set_up_receive(unsigned int n, size_t len)
{
	set_up(n, len);
	memset(data, '.', sizeof(data));
	for (unsigned int i = 0; i < n; i++) {
		vec[i].msg_hdr.msg_name = &names[i];
		vec[i].msg_hdr.msg_namelen = sizeof(names[i]);
	}
}

static void show_vec(int n)
{
	for (int i = 0; i < n; i++) {
		printf("  %d: %u %.8s flags %#x", i, vec[i].msg_len, data[i],
		       (unsigned int)vec[i].msg_hdr.msg_flags);
		show_addr(&names[i], vec[i].msg_hdr.msg_namelen);
	}
}

/* ---- many messages ----------------------------------------------------- */

static void many(void)
{
	make_pair();
	connect_to(sock_a, &addr_b);
	set_up_send(N);
	T(sendmmsg(sock_a, vec, N, 0));
	for (int i = 0; i < N; i += 7)
		T(vec[i].msg_len);
	set_up_receive(N, 8);
	T(recvmmsg(sock_b, vec, N, MSG_DONTWAIT, NULL));
	show_vec(N);
	T(recvmmsg(sock_b, vec, N, MSG_DONTWAIT, NULL));
}

static void many_cut(void)
{
	connect_pair();
	set_up_send(N);
	T(sendmmsg(sock_a, vec, N, 0));
	set_up_receive(N, 3);
	T(recvmmsg(sock_b, vec, 8, 0, NULL));
	show_vec(8);
	set_up_receive(N, 3);
	T(recvmmsg(sock_b, vec, 8, MSG_TRUNC, NULL));
	show_vec(8);
	set_up_receive(N, 0);
	T(recvmmsg(sock_b, vec, 8, 0, NULL));
	show_vec(8);
	show_rest(sock_b);
}

static void many_at_most(void)
{
	int size = 1 << 22;

	connect_pair();
	T(setsockopt(sock_b, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	set_up_send(2000);
	for (int i = 0; i < 2000; i++)
		iovs[i].iov_len = 0;
	T(sendmmsg(sock_a, vec, 0, 0));
	T(recvmmsg(sock_b, vec, 0, 0, NULL));
	T(recvmmsg(sock_b, vec, 0, MSG_DONTWAIT, NULL));
	T(sendmmsg(sock_a, vec, 100, 0));
	show_rest(sock_b);
	for (int i = 0; i < 2000; i++)
		vec[i].msg_hdr.msg_iovlen = 0;
	T(sendmmsg(sock_b, vec, 2000, 0) == 1024);
	T(sendmmsg(sock_b, vec, -1, 0) == 1024);
}

static void one_is_refused(void)
{
	make_pair();
	set_up_send(10);
	for (int i = 0; i < 10; i++) {
		vec[i].msg_hdr.msg_name = &addr_b;
		vec[i].msg_hdr.msg_namelen = sizeof(addr_b);
	}
	vec[4].msg_hdr.msg_name = NULL;
	T(sendmmsg(sock_a, vec, 10, 0));
	T(sendmmsg(sock_a, vec + 4, 6, 0));
	iovs[7].iov_base = BAD_PTR;
	T(sendmmsg(sock_a, vec + 5, 5, 0));
	T(sendmmsg(sock_a, vec + 7, 3, 0));
	vec[8].msg_hdr.msg_iovlen = 1025;
	T(sendmmsg(sock_a, vec + 8, 2, 0));
	show_rest(sock_b);
	T(sendmmsg(sock_a, NULL, 2, 0));
	T(sendmmsg(sock_a, BAD_PTR, 2, 0));
	T(recvmmsg(sock_b, NULL, 2, MSG_DONTWAIT, NULL));
	T(recvmmsg(sock_b, BAD_PTR, 2, MSG_DONTWAIT, NULL));
}

static void wait_for_one(void)
{
	connect_pair();
	for (int i = 0; i < 3; i++)
		T(send(sock_a, "one", 3, 0));
	set_up_receive(N, 8);
	T(recvmmsg(sock_b, vec, N, MSG_WAITFORONE, NULL));
	show_vec(3);
	T(recvmmsg(sock_b, vec, N, MSG_WAITFORONE | MSG_DONTWAIT, NULL));
	T(send(sock_a, "one", 3, 0));
	T(recvmmsg(sock_b, vec, 1, MSG_WAITFORONE, NULL));
}

static void until_time_is_up(void)
{
	struct timespec none = { 0 }, bad = { 0, 1000000000 };
	struct timespec negative = { -1, 0 }, second = { 1, 0 };

	connect_pair();
	for (int i = 0; i < 5; i++)
		T(send(sock_a, "one", 3, 0));
	set_up_receive(N, 8);
	T(recvmmsg(sock_b, vec, N, 0, &none));
	T(recvmmsg(sock_b, vec, N, 0, &bad));
	T(recvmmsg(sock_b, vec, N, 0, &negative));
	T(recvmmsg(sock_b, vec, N, 0, BAD_PTR));
	T(recvmmsg(sock_b, vec, 2, 0, &second));
	T(second.tv_sec == 0 && second.tv_nsec > 900000000);
	T(recvmmsg(sock_b, vec, 5, MSG_DONTWAIT, &second));
	show_rest(sock_b);
}

/* An error that comes after a message is told by the next call. */
static void error_comes_late(void)
{
	int dead = sock_at('D', "127.0.0.1");
	struct sockaddr_in addr = name_of(dead);

	make_pair();
	close(dead);
	connect_to(sock_a, &addr);
	set_up_send(3);
	T(sendmmsg(sock_a, vec, 3, 0));
	T(sendmmsg(sock_a, vec, 3, 0));
	T(sendmmsg(sock_a, vec, 1, 0));
	set_up_receive(3, 8);
	T(recvmmsg(sock_a, vec, 3, 0, NULL));
	T(recvmmsg(sock_a, vec, 3, MSG_DONTWAIT, NULL));
}

static void many_peeked(void)
{
	connect_pair();
	T(send(sock_a, "first", 5, 0));
	T(send(sock_a, "second", 6, 0));
	set_up_receive(3, 8);
	T(recvmmsg(sock_b, vec, 3, MSG_PEEK, NULL));
	show_vec(3);
	show_rest(sock_b);
}

static void many_iovecs_each(void)
{
	static struct iovec parts[3][60];
	static char text[] = "abcdefgh";

	connect_pair();
	set_up(3, 0);
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 60; j++)
			parts[i][j] = (struct iovec){ &text[i], 1 + i };
		vec[i].msg_hdr.msg_iov = parts[i];
		vec[i].msg_hdr.msg_iovlen = 60;
	}
	T(sendmmsg(sock_a, vec, 3, 0));
	for (int i = 0; i < 3; i++)
		R(recv(sock_b, buf, 24, MSG_TRUNC));
	show_rest(sock_b);
}

/* ---- a time that never ends ---------------------------------------------- */

/* Taken one by one, as more iovecs than fit into a batch are; then in a batch. */
static void time_without_end(void)
{
	static const size_t counts[] = { 95, 1 };
	struct timespec left;
	struct iovec iov[95];

	connect_pair();
	for (size_t i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){ &data[i], 1 };
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		set_up(2, 1);
		for (int j = 0; j < 2; j++) {
			deliver("x");
			vec[j].msg_hdr.msg_iov = iov;
			vec[j].msg_hdr.msg_iovlen = counts[i];
		}
		left = (struct timespec){ LONG_MAX, 999999999 };
		T(recvmmsg(sock_b, vec, 2, 0, &left));
		T(left.tv_sec > LONG_MAX / 2);
		left = (struct timespec){ 0 };
		deliver("x");
		T(recvmmsg(sock_b, vec, 2, 0, &left));
		T(left.tv_sec + left.tv_nsec);
	}
}

/* ---- segments ------------------------------------------------------------- */

/* Five datagrams in one call, or where they can't be cut out of it, in five. */
static void segments(void)
{
	static char payload[5000];
	uint16_t size = 1000;
	struct iovec iov = { payload, sizeof(payload) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = CMSG_SPACE(sizeof(size)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	connect_pair();
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	if (sendmsg(sock_a, &msg, 0) < 0 && errno == EIO)
		for (int i = 0; i < 5; i++)
			send(sock_a, payload + 1000 * i, 1000, 0);
	for (int i = 0; i < 6; i++)
		T(recv(sock_b, payload, sizeof(payload), MSG_DONTWAIT));
}

/* ---- control messages -------------------------------------------------- */

/* A sockaddr_in in a control message, which one of either family can get. */
static void show_ipv4(const unsigned char *name)
{
	char ip[INET_ADDRSTRLEN];
	in_port_t port;

	memcpy(&port, name + 2, sizeof(port));
	printf("    %s:%c\n", inet_ntop(IPV4, name + 4, ip, sizeof(ip)),
	       port_name(port));
}

static void show_ipv6(const unsigned char *name)
{
	char ip[INET6_ADDRSTRLEN];
	in_port_t port;

	memcpy(&port, name + 2, sizeof(port));
	printf("    [%s]:%c\n", inet_ntop(IPV6, name + 8, ip, sizeof(ip)),
	       port_name(port));
}

static void show_error(const struct sock_extended_err *err)
{
	const void *offender = SO_EE_OFFENDER(err);

	printf("    %s origin %d type %d code %d info %u",
	       strerrorname_np(err->ee_errno), err->ee_origin, err->ee_type,
	       err->ee_code, err->ee_info);
	printf(" family %d\n", SA(offender)->sa_family);
	if (SA(offender)->sa_family == IPV4)
		show_ipv4(offender);
	if (SA(offender)->sa_family == IPV6)
		show_ipv6(offender);
}

static void show_ipv6_cmsg(struct cmsghdr *c)
{
	const struct in6_pktinfo *info = (void *)CMSG_DATA(c);
	char ip[INET6_ADDRSTRLEN];

	if (c->cmsg_type == IPV6_HOPLIMIT || c->cmsg_type == IPV6_TCLASS)
		printf("    is %d\n", *(int *)CMSG_DATA(c));
	if (c->cmsg_type == IPV6_PKTINFO)
		printf("    to %s by %d\n",
		       inet_ntop(IPV6, &info->ipi6_addr, ip, sizeof(ip)),
		       info->ipi6_ifindex);
	if (c->cmsg_type == IPV6_ORIGDSTADDR)
		show_ipv6((void *)CMSG_DATA(c));
	if (c->cmsg_type == IPV6_RECVERR)
		show_error((void *)CMSG_DATA(c));
}

static void show_cmsg(struct cmsghdr *c)
{
	const struct in_pktinfo *info = (void *)CMSG_DATA(c);
	char ip[INET_ADDRSTRLEN], spec[INET_ADDRSTRLEN];

	printf("  control %d %d: %zu bytes\n", c->cmsg_level, c->cmsg_type,
	       c->cmsg_len - CMSG_LEN(0));
	if (c->cmsg_level == IPPROTO_IPV6)
		show_ipv6_cmsg(c);
	if (c->cmsg_level != IPPROTO_IP)
		return;
	if (c->cmsg_type == IP_TTL)
		printf("    ttl %d\n", *(int *)CMSG_DATA(c));
	if (c->cmsg_type == IP_TOS)
		printf("    tos %d\n", *CMSG_DATA(c));
	if (c->cmsg_type == IP_PKTINFO)
		printf("    to %s at %s by %d\n",
		       inet_ntop(IPV4, &info->ipi_addr, ip, sizeof(ip)),
		       inet_ntop(IPV4, &info->ipi_spec_dst, spec, sizeof(spec)),
		       info->ipi_ifindex);
	if (c->cmsg_type == IP_ORIGDSTADDR)
		show_ipv4((void *)CMSG_DATA(c));
	if (c->cmsg_type == IP_RECVERR)
		show_error((void *)CMSG_DATA(c));
}

/* Receive on @fd with @room bytes for control messages, and print it all. */
static void receive(int fd, size_t room, size_t len, int flags)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = room,
			      .msg_flags = -1 };

	fresh();
	T(recvmsg(fd, &msg, flags | MSG_DONTWAIT));
	fromlen = msg.msg_namelen;
	show_buf();
	printf("  flags %#x, control %zu\n", (unsigned int)msg.msg_flags,
	       msg.msg_controllen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c))
		show_cmsg(c);
}

static void turn_on(int fd, int level, int name)
{
	int one = 1;

	if (setsockopt(fd, level, name, &one, sizeof(one)))
		die("setsockopt");
}

/* A socket of AF_INET6 can have both options. */
static void turn_on_ip(int fd, int name, int ipv6_name)
{
	turn_on(fd, IPPROTO_IP, name);
	if (AF_INET == IPV6)
		turn_on(fd, IPPROTO_IPV6, ipv6_name);
}

static void control_received(void)
{
	connect_pair();
	turn_on_ip(sock_b, IP_PKTINFO, IPV6_RECVPKTINFO);
	turn_on_ip(sock_b, IP_RECVTTL, IPV6_RECVHOPLIMIT);
	turn_on_ip(sock_b, IP_RECVTOS, IPV6_RECVTCLASS);
	turn_on_ip(sock_b, IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR);
	turn_on(sock_b, IPPROTO_IP, IP_RECVOPTS);
	turn_on(sock_b, SOL_SOCKET, SO_TIMESTAMP);
	turn_on(sock_b, SOL_SOCKET, SO_RXQ_OVFL);
	for (int i = 0; i < 5; i++)
		T(send(sock_a, "payload", 7, 0));
	receive(sock_b, 512, 64, MSG_PEEK);
	receive(sock_b, 512, 64, 0);
	receive(sock_b, 40, 64, 0);
	receive(sock_b, 10, 64, 0);
	receive(sock_b, 0, 3, 0);
	receive(sock_b, 512, 3, MSG_TRUNC);
	receive(sock_b, 512, 3, 0);
}

static void timestamps_received(void)
{
	connect_pair();
	turn_on(sock_b, SOL_SOCKET, SO_TIMESTAMPNS);
	T(send(sock_a, "payload", 7, 0));
	receive(sock_b, 512, 64, 0);
}

static void control_in_many(void)
{
	static char room[3][128] __attribute__((aligned(8)));

	connect_pair();
	turn_on_ip(sock_b, IP_RECVTTL, IPV6_RECVHOPLIMIT);
	set_up_send(3);
	T(sendmmsg(sock_a, vec, 3, 0));
	set_up_receive(3, 8);
	for (int i = 0; i < 3; i++) {
		vec[i].msg_hdr.msg_control = room[i];
		vec[i].msg_hdr.msg_controllen = i == 1 ? 4 : 128;
	}
	T(recvmmsg(sock_b, vec, 3, MSG_DONTWAIT, NULL));
	show_vec(3);
	for (int i = 0; i < 3; i++) {
		T(vec[i].msg_hdr.msg_controllen);
		if (vec[i].msg_hdr.msg_controllen)
			show_cmsg(CMSG_FIRSTHDR(&vec[i].msg_hdr));
	}
}

static struct msghdr with_control(int level, int type, const void *value,
				  size_t len)
{
	static struct iovec iov = { "payload", 7 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = (struct cmsghdr *)control;

	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(len),
			       .cmsg_level = level,
			       .cmsg_type = type };
	memcpy(CMSG_DATA(c), value, len);
	return msg;
}

static void control_sent(void)
{
	struct in_pktinfo info = { .ipi_spec_dst.s_addr =
					   htonl(INADDR_LOOPBACK + 4) };
	int ttl = 42, tos = 0x10, zero = 0, large = 256;
	struct msghdr msg;

	connect_pair();
	connect_to(sock_b, &(struct sockaddr_in){ .sin_family = AF_UNSPEC });
	turn_on_ip(sock_b, IP_RECVTTL, IPV6_RECVHOPLIMIT);
	turn_on_ip(sock_b, IP_RECVTOS, IPV6_RECVTCLASS);
	msg = with_control(IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	T(sendmsg(sock_a, &msg, 0));
	receive(sock_b, 512, 64, 0);
	msg = with_control(IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	T(sendmsg(sock_a, &msg, 0));
	receive(sock_b, 512, 64, 0);
	msg = with_control(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	T(sendmsg(sock_a, &msg, 0));
	receive(sock_b, 512, 64, 0);
	msg = with_control(IPPROTO_IP, IP_TTL, &zero, sizeof(zero));
	T(sendmsg(sock_a, &msg, 0));
	msg = with_control(IPPROTO_IP, IP_TTL, &large, sizeof(large));
	T(sendmsg(sock_a, &msg, 0));
	msg = with_control(IPPROTO_IP, IP_TTL, &ttl, 1);
	T(sendmsg(sock_a, &msg, 0));
	msg = with_control(IPPROTO_IP, 1000, &ttl, sizeof(ttl));
	T(sendmsg(sock_a, &msg, 0));
	msg = with_control(SOL_SOCKET, 1000, &ttl, sizeof(ttl));
	T(sendmsg(sock_a, &msg, 0));
	msg = with_control(1000, 1, &ttl, sizeof(ttl));
	T(sendmsg(sock_a, &msg, 0));
	show_rest(sock_b);
}

static void control_malformed(void)
{
	int ttl = 42;
	struct msghdr msg;

	connect_pair();
	msg = with_control(IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	((struct cmsghdr *)control)->cmsg_len = 4;
	T(sendmsg(sock_a, &msg, 0));
	((struct cmsghdr *)control)->cmsg_len = 4000;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_controllen = 7;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_controllen = 1 << 30;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_controllen = 64;
	msg.msg_control = BAD_PTR;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_control = NULL;
	T(sendmsg(sock_a, &msg, 0));
	show_rest(sock_b);
}

/* ---- the error queue --------------------------------------------------- */

static struct sockaddr_in dead_addr(void)
{
	int fd = sock_at('D', "127.0.0.1");
	struct sockaddr_in addr = name_of(fd);

	close(fd);
	return addr;
}

static void error_queue(void)
{
	struct sockaddr_in dead = dead_addr();

	make_pair();
	receive(sock_a, 512, 64, MSG_ERRQUEUE);
	turn_on_ip(sock_a, IP_RECVERR, IPV6_RECVERR);
	T(sendto(sock_a, "payload", 7, 0, SA(&dead), sizeof(dead)));
	T(recv(sock_a, buf, 64, MSG_DONTWAIT));
	receive(sock_a, 512, 64, MSG_ERRQUEUE);
	receive(sock_a, 512, 64, MSG_ERRQUEUE);
	T(sendto(sock_a, "payload", 7, 0, SA(&dead), sizeof(dead)));
	T(sendto(sock_a, "refused", 7, 0, SA(&dead), sizeof(dead)));
	receive(sock_a, 512, 3, MSG_ERRQUEUE);
	T(sendto(sock_a, "", 0, 0, SA(&dead), sizeof(dead)));
	receive(sock_a, 512, 64, MSG_ERRQUEUE);
	T(sendto(sock_a, "payload", 7, 0, SA(&dead), sizeof(dead)));
	receive(sock_a, 20, 64, MSG_ERRQUEUE | MSG_TRUNC);
	T(recv(sock_a, buf, 64, MSG_ERRQUEUE));
	T(sendto(sock_a, "payload", 7, 0, SA(&dead), sizeof(dead)));
	R(recvfrom(sock_a, buf, 64, MSG_ERRQUEUE, SA(&from), &fromlen));
}

/* The error itself is told already, and only its datagram is left in the queue. */
static void length_behind_an_error(void)
{
	struct sockaddr_in dead = dead_addr();
	int len = -1;

	make_pair();
	turn_on_ip(sock_b, IP_RECVERR, IPV6_RECVERR);
	T(sendto(sock_b, "payload", 7, 0, SA(&dead), sizeof(dead)));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	deliver("twelve bytes");
	T(ioctl(sock_b, FIONREAD, &len));
	T(len);
	receive(sock_b, 512, 64, MSG_ERRQUEUE);
	T(ioctl(sock_b, FIONREAD, &len));
	T(len);
}

static void error_queue_connected(void)
{
	struct sockaddr_in dead = dead_addr();
	static char large[300];

	make_pair();
	memset(large, 'x', sizeof(large));
	turn_on_ip(sock_a, IP_RECVERR, IPV6_RECVERR);
	connect_to(sock_a, &dead);
	T(send(sock_a, large, sizeof(large), 0));
	T(send(sock_a, "x", 1, 0));
	T(send(sock_a, "x", 1, 0));
	receive(sock_a, 512, 24, MSG_ERRQUEUE);
	receive(sock_a, 512, 24, MSG_ERRQUEUE);
	receive(sock_a, 512, 24, MSG_ERRQUEUE);
	T(recv(sock_a, buf, 64, MSG_DONTWAIT));
}

static void error_queue_in_many(void)
{
	struct sockaddr_in dead = dead_addr();

	make_pair();
	turn_on_ip(sock_a, IP_RECVERR, IPV6_RECVERR);
	connect_to(sock_a, &dead);
	T(send(sock_a, "one", 3, 0));
	T(recv(sock_a, buf, 64, MSG_DONTWAIT));
	T(send(sock_a, "two", 3, 0));
	T(recv(sock_a, buf, 64, MSG_DONTWAIT));
	set_up_receive(4, 8);
	T(recvmmsg(sock_a, vec, 4, MSG_ERRQUEUE | MSG_DONTWAIT, NULL));
	show_vec(2);
}

#define FRAME_PAYLOAD (14 + (AF_INET == IPV6 ? 40 : 20) + 8) /* on loopback */

static unsigned int short_at(const unsigned char *at)
{
	return at[0] << 8 | at[1];
}

/* 0 where the checksum of an IP header is right. */
static unsigned int ip_fault(const unsigned char *ip)
{
	unsigned int sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += short_at(ip + i);
	return ((sum & 0xffff) + (sum >> 16)) ^ 0xffff;
}

static void show_packet(const unsigned char *ip)
{
	const unsigned char *udp = ip + (*ip >> 4 == 4 ? 20 : 40);

	if (*ip >> 4 == 4)
		printf(", IP %u (%u)", short_at(ip + 2), ip_fault(ip));
	else
		printf(", IPv6 %u", short_at(ip + 4));
	printf(", UDP %u (%u), %s\n", short_at(udp + 4), short_at(udp + 6),
	       udp + 8);
}

static void show_frame(int flags, size_t room, unsigned int parts)
{
	unsigned char frame[300] = { 0 };
	char cmsgs[200];
	struct iovec iov[100];
	struct msghdr msg = { .msg_iov = iov,
			      .msg_iovlen = parts,
			      .msg_control = cmsgs,
			      .msg_controllen = sizeof(cmsgs) };

	for (unsigned int i = 0; i < parts; i++)
		iov[i] = (struct iovec){ frame + i,
					 i == parts - 1 ? room - i : 1 };
	T(recvmsg(sock_a, &msg, MSG_ERRQUEUE | MSG_DONTWAIT | flags));
	printf("  flags %#x", msg.msg_flags);
	show_packet(frame + 14);
}

/* The kernel hands back what it has sent, link header and all. */
static void frames(void)
{
	int on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

	make_pair();
	if (setsockopt(sock_a, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)))
		die("SO_TIMESTAMPING");
	for (int i = 0; i < 5; i++)
		T(sendto(sock_a, "in a frame", 10, 0, SA(&addr_b),
			 sizeof(addr_b)));
	show_frame(0, 200, 1);
	show_frame(0, FRAME_PAYLOAD + 10, 1);
	show_frame(0, 200, 50);
	show_frame(0, 200, 90);
	show_frame(MSG_TRUNC, FRAME_PAYLOAD + 4, 1);
}

SCENARIOS({ "time_without_end", time_without_end }, { "segments", segments },
	  { "many", many }, { "many_cut", many_cut },
	  { "many_at_most", many_at_most },
	  { "one_is_refused", one_is_refused },
	  { "wait_for_one", wait_for_one },
	  { "until_time_is_up", until_time_is_up },
	  { "error_comes_late", error_comes_late },
	  { "many_peeked", many_peeked },
	  { "many_iovecs_each", many_iovecs_each },
	  { "control_received", control_received },
	  { "timestamps_received", timestamps_received },
	  { "control_in_many", control_in_many },
	  { "control_sent", control_sent },
	  { "control_malformed", control_malformed },
	  { "error_queue", error_queue },
	  { "length_behind_an_error", length_behind_an_error },
	  { "error_queue_connected", error_queue_connected },
	  { "error_queue_in_many", error_queue_in_many }, { "frames", frames })
