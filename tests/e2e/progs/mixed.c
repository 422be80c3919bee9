// SPDX-License-Identifier: MIT
/*
 * mixed.c - one UDP socket that does as it is told on stdin, and says what came
 * of it.
 *
 *	mixed 4|6 WAY [nonblocking]
 *
 * The socket is one of AF_INET or AF_INET6. WAY is how it waits for a datagram. What
 * it can be told, a line each:
 *
 *	bind                       says "port N"; 6 is bound to all addresses of
 *	                           both families
 *	connect ADDRESS PORT       says "connected"
 *	send N ADDRESS PORT TEXT   N datagrams; says "sent TEXT"
 *	answer N TEXT              N datagrams to the sender of the next one that
 *	                           comes; says "answered TEXT"
 *	wait                       says "got TEXT"
 *	wait_in_vain               likewise, or "nothing came"
 *
 * At the end of stdin it closes the socket.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "prog.h"

#define LONG_MS	 15000
#define SHORT_MS 100

static int sk, epfd = -1, family;
static bool nonblocking;

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union name sender;

static socklen_t name_len(void)
{
	return family == AF_INET ? sizeof(sender.in) : sizeof(sender.in6);
}

/* A socket of AF_INET6 reaches IPv4 by an address that is mapped. */
static union name name_for(const char *ip, int port)
{
	union name name = { .in6 = { .sin6_family = family,
				     .sin6_port = htons(port) } };
	char mapped[64];

	if (family == AF_INET) {
		name.in = addr_of(ip, port);
		return name;
	}
	snprintf(mapped, sizeof(mapped), "%s%s",
		 strchr(ip, ':') ? "" : "::ffff:", ip);
	if (inet_pton(AF_INET6, mapped, &name.in6.sin6_addr) != 1)
		die(ip);
	return name;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- to receive -------------------------------------------------------- */

static ssize_t by_recvfrom(int flags)
{
	fromlen = sizeof(sender);
	return recvfrom(sk, buf, sizeof(buf) - 1, flags, &sender.sa, &fromlen);
}

static ssize_t by_recv(int flags)
{
	return recv(sk, buf, sizeof(buf) - 1, flags);
}

static ssize_t by_read(int flags)
{
	return flags ? by_recv(flags) : read(sk, buf, sizeof(buf) - 1);
}

static ssize_t by_recvmsg(int flags)
{
	struct iovec iov = { buf, sizeof(buf) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return recvmsg(sk, &msg, flags);
}

static ssize_t by_recvmmsg(int flags)
{
	static char other[sizeof(buf)];
	struct iovec iov[] = { { buf, sizeof(buf) - 1 },
			       { other, sizeof(other) } };
	struct mmsghdr msg[2] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } }
	};
	int n = recvmmsg(sk, msg, 2, flags | MSG_WAITFORONE, NULL);

	return n > 0 ? (ssize_t)msg[0].msg_len : n;
}

/* ---- to wait ----------------------------------------------------------- */

static void set_timeout(int ms)
{
	struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };

	if (setsockopt(sk, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		die("SO_RCVTIMEO");
}

/* Nothing but the receiving call itself, see take(). */
static int by_itself(int ms)
{
	if (!nonblocking)
		set_timeout(ms);
	return 1;
}

static int by_poll(int ms)
{
	struct pollfd ready = { .fd = sk, .events = POLLIN };

	return poll(&ready, 1, ms);
}

static int by_ppoll(int ms)
{
	struct pollfd ready = { .fd = sk, .events = POLLIN | POLLRDNORM };
	struct timespec timeout = { ms / 1000, ms % 1000 * 1000000 };
	sigset_t none;

	sigemptyset(&none);
	return ppoll(&ready, 1, &timeout, &none);
}

static int by_select(int ms)
{
	struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(sk, &set);
	return select(sk + 1, &set, NULL, NULL, &timeout);
}

static int by_pselect(int ms)
{
	struct timespec timeout = { ms / 1000, ms % 1000 * 1000000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(sk, &set);
	return pselect(sk + 1, &set, NULL, NULL, &timeout, NULL);
}

static int epoll_for(unsigned int events, int ms)
{
	struct epoll_event event = { .events = events };

	if (epfd < 0) {
		epfd = epoll_create1(EPOLL_CLOEXEC);
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, sk, &event))
			die("epoll_ctl");
	}
	return epoll_wait(epfd, &event, 1, ms);
}

static int by_epoll(int ms)
{
	return epoll_for(EPOLLIN, ms);
}

static int by_epoll_edge(int ms)
{
	return epoll_for(EPOLLIN | EPOLLET, ms);
}

static const struct way {
	const char *name;
	int (*wait)(int ms);
	ssize_t (*receive)(int flags);
} ways[] = {
	{ "recvfrom", by_itself, by_recvfrom },
	{ "recv", by_itself, by_recv },
	{ "read", by_itself, by_read },
	{ "recvmsg", by_itself, by_recvmsg },
	{ "recvmmsg", by_itself, by_recvmmsg },
	{ "poll", by_poll, by_recvfrom },
	{ "ppoll", by_ppoll, by_recv },
	{ "select", by_select, by_recvfrom },
	{ "pselect", by_pselect, by_read },
	{ "epoll", by_epoll, by_recvfrom },
	{ "epoll_edge", by_epoll_edge, by_recvmsg },
};

static const struct way *way;

/* Try often where that is all there is to do. */
static ssize_t receive_until(long end)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	ssize_t n;

	while ((n = way->receive(0)) < 0 && errno == EAGAIN && nonblocking &&
	       way->wait == by_itself && now_ms() < end)
		nanosleep(&pause, NULL);
	return n;
}

/*
 * Where a datagram was promised a blocking call that finds none hangs, which is
 * seen. Who waits for an edge takes all there is. Returns whether one came.
 */
static bool take(long end)
{
	ssize_t n = receive_until(end);

	if (n < 0 && errno == EAGAIN && way->wait == by_itself)
		return false;
	if (n < 0)
		die("woken for nothing");
	buf[n] = 0;
	if (way->wait == by_epoll_edge && recv(sk, NULL, 0, MSG_DONTWAIT) >= 0)
		printf("more than one came\n");
	printf("got %s\n", buf);
	return true;
}

/* The kernel may round a time limit down to its ticks, of 10 ms at most. */
static void wait_for(int ms)
{
	long begin = now_ms();
	int n = way->wait(ms);

	if (n < 0)
		die("wait");
	if (n && take(begin + ms))
		return;
	printf("nothing came\n");
	if (now_ms() - begin < ms - 10)
		printf("after %ld ms only\n", now_ms() - begin);
}

/* ---- the rest of what it can be told ------------------------------------- */

static void send_many(int n, const union name *to, const char *text)
{
	while (n--)
		if (sendto(sk, text, strlen(text), 0, &to->sa, name_len()) < 0)
			die("sendto");
}

static void answer(int n, const char *text)
{
	fromlen = sizeof(sender);
	if (recvfrom(sk, buf, sizeof(buf), 0, &sender.sa, &fromlen) < 0)
		die("recvfrom");
	send_many(n, &sender, text);
	printf("answered %s\n", text);
}

static void do_bind(void)
{
	union name addr = name_for(family == AF_INET ? "127.0.0.1" : "::", 0);
	socklen_t len = name_len();

	if (bind(sk, &addr.sa, len))
		die("bind");
	if (getsockname(sk, &addr.sa, &len))
		die("getsockname");
	printf("port %d\n", ntohs(addr.in.sin_port));
}

static void do_connect(const char *ip, int port)
{
	union name addr = name_for(ip, port);

	if (connect(sk, &addr.sa, name_len()))
		die("connect");
	printf("connected\n");
}

static void do_send(int n, const char *ip, int port, const char *text)
{
	union name addr = name_for(ip, port);

	send_many(n, &addr, text);
	printf("sent %s\n", text);
}

static void obey(const char *line)
{
	char text[sizeof(buf)], ip[20];
	int n, port;

	if (!strcmp(line, "bind\n"))
		do_bind();
	else if (!strcmp(line, "wait\n"))
		wait_for(LONG_MS);
	else if (!strcmp(line, "wait_in_vain\n"))
		wait_for(SHORT_MS);
	else if (sscanf(line, "connect %19s %d", ip, &port) == 2)
		do_connect(ip, port);
	else if (sscanf(line, "send %d %19s %d %63s", &n, ip, &port, text) == 4)
		do_send(n, ip, port, text);
	else if (sscanf(line, "answer %d %63s", &n, text) == 2)
		answer(n, text);
	else
		printf("what? %s", line);
}

int main(int argc, char **argv)
{
	char line[128];

	for (size_t i = 0; argc > 2 && i < ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, argv[2]))
			way = &ways[i];
	if (!way)
		return 2;
	family = strcmp(argv[1], "6") ? AF_INET : AF_INET6;
	nonblocking = argc > 3;
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(40);
	sk = socket(family, SOCK_DGRAM | (nonblocking ? SOCK_NONBLOCK : 0), 0);
	if (sk < 0)
		die("socket");
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	close(sk);
	return 0;
}
