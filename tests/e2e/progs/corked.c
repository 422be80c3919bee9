// SPDX-License-Identifier: MIT
/*
 * corked.c - datagrams that are sent in parts, of which one is refused: whether the
 * parts before it are lost, and what is sent next.
 */
#include <netinet/udp.h>

#include "netns.h"

#define KERNEL	 ((void *)0xffff888000000000)
#define PROBE	 MSG_PROXY /* as the kernel calls it */
#define FAR	 "10.9.9.9"
#define ROOM_MIN 4608 /* the least that SO_SNDBUF comes to */

static char large[70000];

static ssize_t part(const void *data, size_t len, int flags)
{
	return sendto(sock_a, data, len, flags, SA(&addr_b), sizeof(addr_b));
}

static ssize_t message(struct msghdr msg, int flags)
{
	struct iovec iov = { "msg", 3 };

	if (!msg.msg_iovlen) {
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
	}
	return sendmsg(sock_a, &msg, flags);
}

static void show_datagrams(void)
{
	int n;

	memset(large, '.', 20);
	while ((n = recv(sock_b, large, sizeof(large), MSG_DONTWAIT)) >= 0)
		printf("  received %d %.12s\n", n, large);
}

/* ---- parts, each refused or not ------------------------------------------- */

static void too_long_in_all(int flags)
{
	T(part(large, 65000, flags));
	T(part(large, 65000, flags));
}

static void too_long_by_itself(int flags)
{
	T(part(large, largest_udp() + 1, flags));
}

static void longer_than_any(int flags)
{
	T(part(large, 65536, flags));
}

static void out_of_band(int flags)
{
	T(part("oob", 3, flags | MSG_OOB));
}

static void unreadable(int flags)
{
	T(part((void *)8, 10, flags));
}

static void unreadable_and_long(int flags)
{
	T(part((void *)8, 5000, flags));
}

static void outside(int flags)
{
	T(part(KERNEL, 10, flags));
}

static void bad_iovecs(int flags)
{
	struct msghdr msg = { .msg_iov = (void *)8, .msg_iovlen = 2 };

	T(message(msg, flags));
	msg.msg_iovlen = 1025;
	T(message(msg, flags));
}

static void bad_control(int flags)
{
	struct msghdr msg = { .msg_control = (void *)8, .msg_controllen = 100 };

	T(message(msg, flags));
	msg.msg_controllen = SIZE_MAX;
	T(message(msg, flags));
}

static void bad_name(int flags)
{
	struct msghdr msg = { .msg_name = (void *)8, .msg_namelen = 16 };

	T(message(msg, flags));
	msg.msg_namelen = -1;
	T(message(msg, flags));
}

/* Only the first part's name is looked at. */
static void other_names(int flags)
{
	struct sockaddr_in none = { .sin_family = OTHER_FAMILY };
	struct msghdr msg = { .msg_name = &none, .msg_namelen = 3 };

	T(message(msg, flags));
	msg.msg_namelen = sizeof(none);
	T(message(msg, flags));
}

static void probe(int flags)
{
	T(part("prb", 3, flags | PROBE));
}

static void nothing(int flags)
{
	T(part("", 0, flags));
}

/* So many small parts that there is no room for one more. */
static void no_room(int flags)
{
	int size = 1, n = 0;

	T(setsockopt(sock_a, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	while (n < 100 && part(large, 1000, flags | MSG_DONTWAIT) == 1000)
		n++;
	printf("  %s\n", n == 100 ? "taken" : strerrorname_np(errno));
	size = 100000;
	T(setsockopt(sock_a, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
}

static void (*const parts[])(int flags) = {
	too_long_in_all, too_long_by_itself,
	longer_than_any, out_of_band,
	unreadable,	 unreadable_and_long,
	outside,	 bad_iovecs,
	bad_control,	 bad_name,
	other_names,	 probe,
	nothing,	 no_room,
};

/* Begun, the part, and two more sends; the part first, and those behind it. */
static void play_parts(int flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		printf("part %zu\n", i);
		T(part("begun", 5, MSG_MORE));
		parts[i](flags);
		T(part("next", 4, 0));
		T(part("last", 4, 0));
		show_datagrams();
		parts[i](flags);
		T(part("next", 4, 0));
		show_datagrams();
	}
}

static void after_parts(void)
{
	make_pair();
	play_parts(MSG_MORE);
	play_parts(0);
}

/* What of A's is under way to nobody is in its memory all the time. */
static void send_far(void)
{
	struct sockaddr_in far = addr_of(FAR, 9);
	int queued = 0;

	T(sendto(sock_a, "far", 3, 0, SA(&far), sizeof(far)));
	T(ioctl(sock_a, TIOCOUTQ, &queued));
	printf("  %s\n", queued ? "under way" : "gone");
}

/* A device behind which nobody answers. */
static void silent_network(void)
{
	own_network();
	if (system("ip link add v0 type veth peer name v1 && "
		   "ip addr add 10.9.9.1/24 dev v0 && ip link set v0 up && "
		   "ip link set v1 up") ||
	    (usleep(200000), false))
		skip("no veth to be had");
}

static void while_others_are_under_way(void)
{
	silent_network();
	sock_a = sock();
	sock_b = sock_at('B', "127.0.0.1");
	addr_b = name_of(sock_b);
	send_far();
	play_parts(MSG_MORE);
}

/* A datagram in fragments, where each new one takes memory of the socket's. */
static void in_fragments(void)
{
	static struct sockaddr_in near;
	int size = 1, n = 0;

	silent_network();
	sock_a = sock();
	sock_b = sock_at('B', "127.0.0.1");
	near = name_of(sock_b);
	addr_b = addr_of(FAR, 9);
	T(setsockopt(sock_a, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	while (n < 100 && part(large, 1400, MSG_MORE | MSG_DONTWAIT) == 1400)
		n++;
	printf("  %s\n", n == 100 ? "taken" : strerrorname_np(errno));
	addr_b = near;
	T(part("next", 4, 0));
	show_datagrams();
	addr_b = addr_of(FAR, 9);
	while (n < 200 && part(large, 1400, MSG_DONTWAIT) == 1400)
		n++;
	printf("  %s\n", n == 200 ? "taken" : strerrorname_np(errno));
	T(part("begun", 5, MSG_MORE | MSG_DONTWAIT));
	addr_b = near;
	T(part("next", 4, MSG_DONTWAIT));
	show_datagrams();
}

/* By the option there is no last part, until it is taken off. */
static void by_the_option(void)
{
	int on = 1, off = 0;

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		printf("part %zu\n", i);
		T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)));
		T(part("begun", 5, 0));
		parts[i](0);
		T(part("next", 4, 0));
		T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &off, sizeof(off)));
		T(part("last", 4, 0));
		show_datagrams();
	}
}

static void shut_meanwhile(void)
{
	connect_pair();
	T(send(sock_a, "begun", 5, MSG_MORE));
	T(shutdown(sock_a, SHUT_WR));
	T(send(sock_a, "next", 4, MSG_MORE));
	T(send(sock_a, "last", 4, 0));
	T(send(sock_a, "more", 4, MSG_MORE));
	show_datagrams();
}

/* UDP_SEGMENT counts only in the part that begins the datagram. */
static ssize_t part_with_size(void)
{
	union {
		struct cmsghdr hdr;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .hdr = { .cmsg_level = IPPROTO_UDP,
			       .cmsg_type = UDP_SEGMENT,
			       .cmsg_len = CMSG_LEN(sizeof(uint16_t)) } };
	const uint16_t size = 2;

	memcpy(CMSG_DATA(&control.hdr), &size, sizeof(size));
	return message((struct msghdr){ .msg_name = &addr_b,
					.msg_namelen = sizeof(addr_b),
					.msg_control = &control,
					.msg_controllen = sizeof(control) },
		       MSG_MORE);
}

/* The peer is of IPv4, and in the IPv6 build the datagram that is begun is not. */
static void connected_elsewhere(void)
{
	const struct sockaddr_in far = addr_of("127.0.0.2", 9);

	sock_a = sock();
	sock_b = sock_at('B', "127.0.0.1");
	addr_b = name_of(sock_b);
	T(part("begun", 5, MSG_MORE));
	T(connect(sock_a, SA(&far), sizeof(far)));
	T(part_with_size());
	T(part("last", 4, 0));
	show_datagrams();
	T(part("next", 4, 0));
	show_datagrams();
}

SCENARIOS({ "after_parts", after_parts },
	  { "while_others_are_under_way", while_others_are_under_way },
	  { "in_fragments", in_fragments }, { "by_the_option", by_the_option },
	  { "shut_meanwhile", shut_meanwhile },
	  { "connected_elsewhere", connected_elsewhere })
