/* SPDX-License-Identifier: MIT */
/*
 * churn.h - sockets that many threads open, bind, connect, use, duplicate and close at
 * random, and what is left of them. For churn.c and soak.c.
 *
 * Descriptors lie in slots for all. Whoever closes, duplicates or looks at what
 * it receives takes a descriptor out of its slot meanwhile; all other calls use
 * what they saw there, which may be closed by now, or another socket.
 */
#ifndef COP_TEST_CHURN_H
#define COP_TEST_CHURN_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/select.h>

#include "netns.h"

#define THREADS	 16
#define SLOTS	 48
#define PORT_MIN 40000
#define PORTS	 4000
#define LARGEST	 5000
#define MESSAGES 8

static _Atomic(int) slot[SLOTS];
static atomic_bool stop;
static atomic_int damaged, verified;

/* Each thread's own: its numbers, and room for what it sends and receives. */
struct worker {
	uint64_t state;
	unsigned char data[LARGEST];
	struct iovec iov[MESSAGES];
	struct mmsghdr vec[MESSAGES];
};

static uint32_t below(struct worker *me, uint32_t limit)
{
	me->state ^= me->state << 13;
	me->state ^= me->state >> 7;
	me->state ^= me->state << 17;
	return (me->state >> 16) % limit;
}

/* ---- slots ------------------------------------------------------------- */

static _Atomic(int) *any_slot(struct worker *me)
{
	return &slot[below(me, SLOTS)];
}

static int seen(struct worker *me)
{
	return *any_slot(me);
}

static int taken(struct worker *me)
{
	return atomic_exchange(any_slot(me), -1);
}

static void put(struct worker *me, int fd)
{
	if (fd < 0)
		return;
	fd = atomic_exchange(any_slot(me), fd);
	if (fd >= 0)
		close(fd);
}

/* ---- data -------------------------------------------------------------- */

static void fill(struct worker *me, unsigned char *data, size_t len)
{
	unsigned char first = below(me, 256);

	for (size_t i = 0; i < len; i++)
		data[i] = first + i;
}

/* Which process this is, and whose datagrams a thread looks at. */
static const char *process = "first";
static _Thread_local int looked_at;

/* Its first bytes tell what it is. */
static void say_damaged(const unsigned char *data, ssize_t len)
{
	socklen_t size = sizeof(int);
	int type = 0;

	getsockopt(looked_at, SOL_SOCKET, SO_TYPE, &type, &size);
	fprintf(stderr,
		"%d, %s: descriptor %d, type %d, %s: damaged, %zd bytes:",
		getpid(), process, looked_at, type,
		lacks_peek_offset(looked_at) ? "known to the library"
					     : "a plain socket",
		len);
	for (ssize_t i = 0; i < len && i < 24; i++)
		fprintf(stderr, " %02x", data[i]);
	fputc('\n', stderr);
}

static void verify(const unsigned char *data, ssize_t len)
{
	bool whole = true;

	for (ssize_t i = 1; i < len; i++)
		whole &= data[i] == (unsigned char)(data[0] + i);
	if (!whole)
		say_damaged(data, len);
	damaged += !whole;
	verified++;
}

static size_t some_length(struct worker *me)
{
	return below(me, below(me, 4) ? 64 : LARGEST);
}

static struct sockaddr_in some_address(struct worker *me)
{
	return addr_of("127.0.0.1", PORT_MIN + below(me, PORTS));
}

/* Mostly somebody is there. */
static struct sockaddr_in some_destination(struct worker *me)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(seen(me), SA(&addr), &len) || !addr.sin_port)
		return some_address(me);
	return addr_of("127.0.0.1", ntohs(addr.sin_port));
}

/* Every message gets a part of data, an eighth of it. */
static struct mmsghdr *messages(struct worker *me)
{
	size_t part = LARGEST / MESSAGES;

	for (int i = 0; i < MESSAGES; i++) {
		me->iov[i] = (struct iovec){ me->data + i * part, part };
		me->vec[i] =
			(struct mmsghdr){ .msg_hdr = { .msg_iov = &me->iov[i],
						       .msg_iovlen = 1 } };
	}
	return me->vec;
}

/* ---- calls ------------------------------------------------------------- */

static void open_one(struct worker *me)
{
	static const int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC };

	put(me, sock_flags(flags[below(me, 3)]));
}

static void bind_one(struct worker *me)
{
	struct sockaddr_in addr = some_address(me);

	if (below(me, 2))
		addr = addr_of("0.0.0.0", ntohs(addr.sin_port));
	if (below(me, 2))
		addr.sin_port = 0;
	bind(seen(me), SA(&addr), sizeof(addr));
}

static void connect_one(struct worker *me)
{
	struct sockaddr_in addr = some_destination(me);

	if (!below(me, 3))
		addr.sin_family = AF_UNSPEC;
	connect(seen(me), SA(&addr), sizeof(addr));
}

static void sendto_one(struct worker *me)
{
	struct sockaddr_in addr = some_destination(me);
	size_t len = some_length(me);

	fill(me, me->data, len);
	sendto(seen(me), me->data, len, MSG_DONTWAIT, SA(&addr), sizeof(addr));
}

static void send_one(struct worker *me)
{
	size_t len = some_length(me);

	fill(me, me->data, len);
	send(seen(me), me->data, len, MSG_DONTWAIT);
}

static void sendmmsg_one(struct worker *me)
{
	struct mmsghdr *vec = messages(me);
	struct sockaddr_in addr = some_destination(me);

	for (int i = 0; i < MESSAGES; i++) {
		fill(me, me->iov[i].iov_base, me->iov[i].iov_len);
		vec[i].msg_hdr.msg_name = &addr;
		vec[i].msg_hdr.msg_namelen = sizeof(addr);
	}
	sendmmsg(seen(me), vec, MESSAGES, MSG_DONTWAIT);
}

static void recv_one(struct worker *me)
{
	recv(seen(me), me->data, LARGEST, MSG_DONTWAIT);
}

static void recv_verified(struct worker *me)
{
	int fd = looked_at = taken(me);
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	ssize_t n;

	while ((n = recvfrom(fd, me->data, below(me, 2) ? 64 : LARGEST,
			     MSG_DONTWAIT, SA(&addr), &len)) >= 0)
		verify(me->data, n);
	put(me, fd);
}

static void recvmmsg_verified(struct worker *me)
{
	int fd = looked_at = taken(me);
	struct mmsghdr *vec = messages(me);
	int n = recvmmsg(fd, vec, MESSAGES, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		verify(me->iov[i].iov_base, vec[i].msg_len);
	put(me, fd);
}

static void dup_one(struct worker *me)
{
	int fd = taken(me);

	put(me, below(me, 2) ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 30));
	put(me, fd);
}

static void dup2_one(struct worker *me)
{
	int fd = taken(me), over = taken(me);

	if (fd >= 0 && over >= 0)
		dup2(fd, over);
	put(me, over);
	put(me, fd);
}

static void close_one(struct worker *me)
{
	int fd = taken(me);

	if (fd >= 0)
		close(fd);
}

static void wait_one(struct worker *me)
{
	struct pollfd pfd = { .fd = seen(me), .events = POLLIN };
	struct timeval none = { 0 };
	fd_set set;

	if (below(me, 2) || pfd.fd < 0) {
		poll(&pfd, 1, 0);
		return;
	}
	FD_ZERO(&set);
	FD_SET(pfd.fd, &set);
	select(pfd.fd + 1, &set, NULL, NULL, &none);
}

static void ask_one(struct worker *me)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int fd = seen(me), size;

	getsockname(fd, SA(&addr), &len);
	getpeername(fd, SA(&addr), &len);
	len = sizeof(size);
	if (!getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len))
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &size, len);
}

static void (*const calls[])(struct worker *) = {
	open_one,	   open_one,   bind_one,      bind_one,
	connect_one,	   sendto_one, sendto_one,    send_one,
	sendmmsg_one,	   recv_one,   recv_verified, recv_verified,
	recvmmsg_verified, dup_one,    dup2_one,      close_one,
	wait_one,	   ask_one,
};

static void call_one(struct worker *me)
{
	calls[below(me, ARRAY_SIZE(calls))](me);
}

/* ---- what is left ------------------------------------------------------ */

static bool can_bind(int fd, int port)
{
	struct sockaddr_in addr = addr_of("0.0.0.0", port);
	bool bound = !bind(fd, SA(&addr), sizeof(addr));

	close(fd);
	return bound;
}

/* Neither libcop nor the kernel may have anybody there any more. */
static int ports_lost(void)
{
	int lost = 0;

	for (int port = PORT_MIN; port < PORT_MIN + PORTS; port++)
		lost += !can_bind(sock(), port) ||
			!can_bind(socket(PF_INET, SOCK_DGRAM, 0), port);
	return lost;
}

static void close_slots(void)
{
	for (int i = 0; i < SLOTS; i++) {
		int fd = atomic_exchange(&slot[i], -1);

		if (fd >= 0)
			close(fd);
	}
}

static void init_worker(struct worker *me, unsigned int seed)
{
	memset(me, 0, sizeof(*me));
	me->state = 0x9e3779b97f4a7c15ull * (seed + 1);
}

#endif /* COP_TEST_CHURN_H */
