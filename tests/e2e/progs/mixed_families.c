// SPDX-License-Identifier: MIT
/*
 * mixed_families.c - a server and its clients, for sockets of both families.
 *
 *	mixed_families serve ADDRESS PORT
 *	mixed_families ask ADDRESS PORT answered|unanswered
 *
 * The server prints "ready", and for each datagram "got TEXT", or "got a header
 * and TEXT". It answers TEXT, and ends at the end of its stdin. A client asks from
 * a socket that is not connected, and from one that is. It prints "answer TEXT", or
 * "no answer". An ADDRESS with a colon has a socket of AF_INET6, and [::] takes
 * IPv4, too.
 */
#include <poll.h>

#include "prog.h"

#define ANSWER_MS 15000
#define VAIN_MS	  50
#define HEADER	  16

static const unsigned char magic[] = { 0xc0, 0xb1 };

static struct sockaddr_storage addr;
static socklen_t addrlen;

static void read_addr(const char *ip, const char *port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr;

	if (!strchr(ip, ':')) {
		*(struct sockaddr_in *)&addr = addr_of(ip, atoi(port));
		addrlen = sizeof(struct sockaddr_in);
		return;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(atoi(port));
	if (inet_pton(AF_INET6, ip, &in6->sin6_addr) != 1)
		die(ip);
	addrlen = sizeof(*in6);
}

static int udp_socket(void)
{
	int none = 0, fd = socket(addr.ss_family, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	if (addr.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof(none)))
		die("IPV6_V6ONLY");
	return fd;
}

/* ---- the server ----------------------------------------------------------- */

static void answer(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	ssize_t n = recvfrom(fd, buf, sizeof(buf) - 1, 0, SA(&peer), &len);
	const char *text = buf;

	if (n < 0)
		die("recvfrom");
	buf[n] = 0;
	if (!memcmp(buf, magic, sizeof(magic)))
		text += HEADER;
	printf("got %s%s\n", text == buf ? "" : "a header and ", text);
	if (sendto(fd, text, strlen(text), 0, SA(&peer), len) < 0)
		die("sendto");
}

static void serve(void)
{
	int fd = udp_socket();
	struct pollfd ready[] = { { .fd = fd, .events = POLLIN },
				  { .fd = 0, .events = POLLIN } };

	if (bind(fd, SA(&addr), addrlen))
		die("bind");
	printf("ready\n");
	while (!ready[1].revents) {
		if (poll(ready, 2, -1) < 0)
			die("poll");
		if (ready[0].revents)
			answer(fd);
	}
}

/* ---- a client -------------------------------------------------------------- */

/* The sender must be the server, by the address that the client has of it. */
static void hear(int fd, int ms)
{
	struct sockaddr_storage peer = { 0 };
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	socklen_t len = sizeof(peer);
	ssize_t n;

	if (poll(&ready, 1, ms) <= 0) {
		printf("no answer\n");
		return;
	}
	n = recvfrom(fd, buf, sizeof(buf) - 1, 0, SA(&peer), &len);
	if (n < 0)
		die("recvfrom");
	buf[n] = 0;
	printf("answer %s%s\n", buf,
	       len == addrlen && !memcmp(&peer, &addr, len) ? ""
							    : " of another");
}

static void ask(int ms)
{
	static const char first[] = "one", second[] = "two";
	int fd = udp_socket();

	if (sendto(fd, first, sizeof(first), 0, SA(&addr), addrlen) < 0)
		die("sendto");
	hear(fd, ms);
	close(fd);
	fd = udp_socket();
	if (connect(fd, SA(&addr), addrlen))
		die("connect");
	if (send(fd, second, sizeof(second), 0) < 0)
		die("send");
	hear(fd, ms);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(40);
	read_addr(argv[2], argv[3]);
	if (!strcmp(argv[1], "serve"))
		serve();
	else
		ask(argc > 4 && !strcmp(argv[4], "answered") ? ANSWER_MS
							     : VAIN_MS);
	return 0;
}
