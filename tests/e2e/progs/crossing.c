// SPDX-License-Identifier: MIT
/*
 * crossing.c - calls of many threads on a few sockets at once that bind, connect,
 * disconnect, send, receive and replace a descriptor; and what the sockets are in the end.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "prog.h"

#define THREADS 16
#define SHARED	4
#define SECONDS 4
#define PORT	41000
#define PORTS	8

static int shared[SHARED], peer, stray;
static struct sockaddr_in peer_addr;
static atomic_bool stop;
static atomic_int damaged, whole;

static uint32_t below(uint64_t *state, uint32_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 16) % limit;
}

/* ---- datagrams: bytes that count up ------------------------------------------ */

static size_t fill(uint64_t *state, unsigned char *data)
{
	size_t len = 2 + below(state, 60);
	unsigned char first = below(state, 256);

	for (size_t i = 0; i < len; i++)
		data[i] = first + i;
	return len;
}

static void look_at(const unsigned char *data, ssize_t len)
{
	bool ok = true;

	for (ssize_t i = 1; i < len; i++)
		ok &= data[i] == (unsigned char)(data[0] + i);
	damaged += !ok;
	whole += ok;
}

static bool has_port(int fd, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int port;

	if (getsockname(fd, SA(addr), &len) || !addr->sin_port)
		return false;
	port = ntohs(addr->sin_port);
	*addr = addr_of("127.0.0.1", port);
	return true;
}

static void send_from(uint64_t *state, int out, int to)
{
	unsigned char data[64];
	struct sockaddr_in addr;
	size_t len = fill(state, data);

	if (out == stray)
		memset(data, 0xee, len);
	if (has_port(to, &addr))
		sendto(out, data, len, MSG_DONTWAIT, SA(&addr), sizeof(addr));
}

/* ---- calls on a socket ------------------------------------------------------- */

static void bind_it(uint64_t *state, int fd)
{
	struct sockaddr_in addr =
		addr_of(below(state, 2) ? "127.0.0.1" : "0.0.0.0",
			below(state, 2) ? 0 : PORT + below(state, PORTS));

	bind(fd, SA(&addr), sizeof(addr));
}

static void connect_it(uint64_t *state, int fd)
{
	(void)state;
	connect(fd, SA(&peer_addr), sizeof(peer_addr));
}

static void disconnect_it(uint64_t *state, int fd)
{
	struct sockaddr_in none = { .sin_family = AF_UNSPEC };

	(void)state;
	connect(fd, SA(&none), sizeof(none));
}

static void send_it(uint64_t *state, int fd)
{
	send_from(state, fd, peer);
}

static void send_on(uint64_t *state, int fd)
{
	unsigned char data[64];

	send(fd, data, fill(state, data), MSG_DONTWAIT);
}

static void send_to_it(uint64_t *state, int fd)
{
	send_from(state, peer, fd);
}

/* A transport may refuse what a socket has sent itself. */
static void send_to_itself(uint64_t *state, int fd)
{
	send_from(state, fd, fd);
}

static void send_stray_to_it(uint64_t *state, int fd)
{
	send_from(state, stray, fd);
}

static void receive(uint64_t *state, int fd)
{
	unsigned char data[4096];
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	ssize_t n =
		recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, SA(&addr), &len);

	(void)state;
	if (n >= 0)
		look_at(data, n);
}

static void receive_many(uint64_t *state, int fd)
{
	unsigned char data[2][2048];
	struct iovec iov[2] = { { data[0], 2048 }, { data[1], 2048 } };
	struct mmsghdr vec[2] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } }
	};
	int n = recvmmsg(fd, vec, 2, MSG_DONTWAIT, NULL);

	(void)state;
	for (int i = 0; i < n; i++)
		look_at(data[i], vec[i].msg_len);
}

static void receive_at_peer(uint64_t *state, int fd)
{
	(void)fd;
	receive(state, peer);
	receive(state, peer);
}

static void replace_it(uint64_t *state, int fd)
{
	int other = sock();

	if (!below(state, 100))
		dup2(other, fd);
	close(other);
}

static void (*const calls[])(uint64_t *state, int fd) = {
	bind_it,    connect_it,	      disconnect_it, disconnect_it,
	send_it,    send_on,	      send_to_it,    send_to_itself,
	receive,    receive,	      receive_many,  receive_at_peer,
	replace_it, send_stray_to_it,
};

static void *work(void *arg)
{
	uint64_t state = 0x9e3779b97f4a7c15ull * ((uintptr_t)arg + 1);

	while (!stop)
		calls[below(&state, ARRAY_SIZE(calls))](
			&state, shared[below(&state, SHARED)]);
	return NULL;
}

/* ---- the end ------------------------------------------------------------------ */

/* Whether a datagram reaches the socket, and none is left that is not whole. */
static bool is_sound(int fd)
{
	uint64_t state = 1;
	struct sockaddr_in addr;
	unsigned char data[64];

	disconnect_it(&state, fd);
	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) >= 0)
		;
	if (!has_port(fd, &addr))
		bind_it(&state, fd);
	send_to_it(&state, fd);
	return !has_port(fd, &addr) ||
	       recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0;
}

static int held(void)
{
	int n = 0;

	for (int port = PORT; port < PORT + PORTS; port++) {
		struct sockaddr_in addr = addr_of("0.0.0.0", port);
		int fd = sock();

		n += !!bind(fd, SA(&addr), sizeof(addr));
		close(fd);
	}
	return n;
}

static void at_once(void)
{
	pthread_t thread[THREADS];
	int unsound = 0;

	for (int i = 0; i < SHARED; i++)
		shared[i] = sock();
	peer = sock_at('P', "127.0.0.1");
	peer_addr = name_of(peer);
	stray = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, work, (void *)(long)i))
			die("pthread_create");
	sleep(SECONDS);
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < SHARED; i++)
		unsound += !is_sound(shared[i]);
	for (int i = 0; i < SHARED; i++)
		close(shared[i]);
	printf("%s, %d damaged, %d unsound, %d ports held\n",
	       whole ? "received" : "nothing", damaged, unsound, held());
}

SCENARIOS({ "at_once", at_once })
