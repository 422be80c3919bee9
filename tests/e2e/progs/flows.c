// SPDX-License-Identifier: MIT
/*
 * flows.c - a sender and a receiver, by all the calls there are for that.
 *
 *	flows KIND recv WAY COUNT ENDING
 *	flows KIND send WAY COUNT PORT [SOURCE_PORT]
 *	flows KIND ping WAY COUNT PORT
 *
 * Each prints "port N", its own. COUNT is of datagrams that are received, or sent;
 * the n-th has n % 20 bytes. No socket is closed but by the ending "close".
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "prog.h"

enum { THREADS = 16, VEC = 8, LEN_MOD = 20 };

static int fd, count;
static struct sockaddr_in dest;
static atomic_int ticket;
static char data[64];

/* ---- receiving, one or more: as many as are returned ----------------------- */

static void check(ssize_t n, const char *what)
{
	if (n < 0)
		die(what);
}

static int by_name(void)
{
	fromlen = sizeof(from);
	check(recvfrom(fd, data, sizeof(data), 0, SA(&from), &fromlen), "name");
	return 1;
}

static int by_recvfrom(void)
{
	check(recvfrom(fd, data, sizeof(data), 0, NULL, NULL), "recvfrom");
	return 1;
}

static int by_recv(void)
{
	check(recv(fd, data, sizeof(data), 0), "recv");
	return 1;
}

static int by_read(void)
{
	check(read(fd, data, sizeof(data)), "read");
	return 1;
}

static int by_small(void)
{
	check(recv(fd, data, 2, 0), "recv");
	return 1;
}

static int by_peek(void)
{
	check(recv(fd, data, sizeof(data), MSG_PEEK), "recv");
	check(recv(fd, data, 1, MSG_PEEK), "recv");
	check(recv(fd, data, sizeof(data), 0), "recv");
	return 1;
}

static int by_poll(void)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	check(poll(&pfd, 1, -1), "poll");
	check(recv(fd, data, sizeof(data), MSG_DONTWAIT), "recv");
	return 1;
}

static int recvmsg_with(void *name, socklen_t len)
{
	struct iovec iov[2] = { { data, 3 }, { data + 3, 40 } };
	struct msghdr msg = { .msg_name = name,
			      .msg_namelen = len,
			      .msg_iov = iov,
			      .msg_iovlen = 2 };

	check(recvmsg(fd, &msg, 0), "recvmsg");
	return 1;
}

static int by_recvmsg(void)
{
	return recvmsg_with(&from, sizeof(from));
}

static int by_recvmsg_noname(void)
{
	return recvmsg_with(NULL, 0);
}

static int by_recvmsg_short(void)
{
	return recvmsg_with(&from, 6);
}

static int left; /* that are still to come */

static int recvmmsg_with(bool named, socklen_t len)
{
	static struct sockaddr_in names[VEC];
	struct mmsghdr vec[VEC] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	int n;

	for (int i = 0; i < VEC; i++)
		vec[i].msg_hdr = (struct msghdr){
			.msg_name = named ? &names[i] : NULL,
			.msg_namelen = named ? len : 0,
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
	n = recvmmsg(fd, vec, left < VEC ? left : VEC, MSG_WAITFORONE, NULL);
	check(n, "recvmmsg");
	for (int i = 0; named && i < n; i++)
		if (vec[i].msg_hdr.msg_namelen != sizeof(from) ||
		    names[i].sin_family != AF_INET || !names[i].sin_port)
			die("recvmmsg: not its name");
	return n;
}

static int by_recvmmsg(void)
{
	return recvmmsg_with(true, sizeof(from));
}

static int by_recvmmsg_noname(void)
{
	return recvmmsg_with(false, 0);
}

static int by_recvmmsg_short(void)
{
	return recvmmsg_with(true, 6);
}

static int by_echo(void)
{
	fromlen = sizeof(from);
	ssize_t n = recvfrom(fd, data, sizeof(data), 0, SA(&from), &fromlen);

	check(n, "recvfrom");
	check(sendto(fd, data, n, 0, SA(&from), fromlen), "sendto");
	return 1;
}

static void receive(int (*by)(void), int n)
{
	for (left = n; left > 0;)
		left -= by();
}

static void *receive_some(void *arg)
{
	char own[64];

	while (ticket++ < count)
		check(recv(fd, own, sizeof(own), 0), "recv");
	return arg;
}

static void in_threads(void *(*fn)(void *))
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, fn, NULL))
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void receive_in_threads(void)
{
	in_threads(receive_some);
}

/* Of the first the sender is learnt; the rest is queued, or is to come. */
static void receive_connected(void)
{
	receive(by_name, 1);
	connect_to(fd, &from);
	receive(by_recv, (count - 1) / 2);
	receive(by_read, count - 1 - (count - 1) / 2);
}

/* Half of it by a child, then half of it here. */
static void receive_forked(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		receive(by_recv, count / 2);
		exit(close(fd));
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("child");
	receive(by_recv, count - count / 2);
}

/* ---- sending --------------------------------------------------------------- */

static size_t length(int n)
{
	return n % LEN_MOD;
}

static void to_dest(int n)
{
	check(sendto(fd, data, length(n), 0, SA(&dest), sizeof(dest)),
	      "sendto");
}

static void to_peer(int n)
{
	check(send(fd, data, length(n), 0), "send");
}

static void written(int n)
{
	/* an empty write() to a socket is an empty datagram */
	check(write(fd, data, length(n)), "write");
}

static void by_sendmsg(int n)
{
	struct iovec iov = { data, length(n) };
	struct msghdr msg = { .msg_name = &dest,
			      .msg_namelen = sizeof(dest),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	check(sendmsg(fd, &msg, 0), "sendmsg");
}

static void send_range(void (*by)(int n), int begin, int end)
{
	for (int i = begin; i < end; i++)
		by(i);
}

static void send_mmsg(void)
{
	for (int i = 0; i < count;) {
		struct mmsghdr vec[VEC] = { 0 };
		struct iovec iov[VEC];
		int n = count - i < VEC ? count - i : VEC;

		for (int j = 0; j < n; j++) {
			iov[j] = (struct iovec){ data, length(i + j) };
			vec[j].msg_hdr.msg_iov = &iov[j];
			vec[j].msg_hdr.msg_iovlen = 1;
			vec[j].msg_hdr.msg_name = &dest;
			vec[j].msg_hdr.msg_namelen = sizeof(dest);
		}
		n = sendmmsg(fd, vec, n, 0);
		check(n, "sendmmsg");
		i += n;
	}
}

static void *send_some(void *arg)
{
	int n;

	while ((n = ticket++) < count)
		to_dest(n);
	return arg;
}

/* A third each: not connected, connected, and no longer. */
static void send_both(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	send_range(to_dest, 0, count / 3);
	connect_to(fd, &dest);
	send_range(to_peer, count / 3, count * 2 / 3);
	if (connect(fd, &none, sizeof(none)))
		die("disconnect");
	send_range(to_dest, count * 2 / 3, count);
}

/* What a datagram may be late by is over, see flow/source.c. */
static void send_anew(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	send_range(to_dest, 0, count);
}

static void ping(void)
{
	for (int i = 0; i < count; i++) {
		to_dest(i);
		by_name();
	}
}

static void ping_connected(void)
{
	connect_to(fd, &dest);
	for (int i = 0; i < count; i++) {
		to_peer(i);
		by_recv();
	}
}

/* ---- the program ----------------------------------------------------------- */

static const struct {
	const char *name;
	int (*by)(void);
	void (*all)(void);
} receivers[] = {
	{ "name", by_name, NULL },
	{ "recvfrom", by_recvfrom, NULL },
	{ "recv", by_recv, NULL },
	{ "read", by_read, NULL },
	{ "small", by_small, NULL },
	{ "peek", by_peek, NULL },
	{ "poll", by_poll, NULL },
	{ "recvmsg", by_recvmsg, NULL },
	{ "recvmsg_noname", by_recvmsg_noname, NULL },
	{ "recvmsg_short", by_recvmsg_short, NULL },
	{ "recvmmsg", by_recvmmsg, NULL },
	{ "recvmmsg_noname", by_recvmmsg_noname, NULL },
	{ "recvmmsg_short", by_recvmmsg_short, NULL },
	{ "echo", by_echo, NULL },
	{ "threads", NULL, receive_in_threads },
	{ "connected", NULL, receive_connected },
	{ "fork", NULL, receive_forked },
};

static const struct {
	const char *name;
	bool connected;
	void (*by)(int n);
	void (*all)(void);
} senders[] = {
	{ "sendto", false, to_dest, NULL },
	{ "connected", true, to_peer, NULL },
	{ "named", true, to_dest, NULL },
	{ "write", true, written, NULL },
	{ "sendmsg", false, by_sendmsg, NULL },
	{ "sendmmsg", false, NULL, send_mmsg },
	{ "both", false, NULL, send_both },
	{ "anew", false, NULL, send_anew },
	{ "ping", false, NULL, ping },
	{ "ping_connected", false, NULL, ping_connected },
};

static void send_in_threads(void)
{
	in_threads(send_some);
}

static void do_receive(const char *way)
{
	for (size_t i = 0; i < ARRAY_SIZE(receivers); i++) {
		if (strcmp(receivers[i].name, way))
			continue;
		if (receivers[i].all)
			receivers[i].all();
		else
			receive(receivers[i].by, count);
		return;
	}
	die(way);
}

static void do_send(const char *way)
{
	if (!strcmp(way, "threads")) {
		send_in_threads();
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
		if (strcmp(senders[i].name, way))
			continue;
		if (senders[i].connected)
			connect_to(fd, &dest);
		if (senders[i].all)
			senders[i].all();
		else
			send_range(senders[i].by, 0, count);
		return;
	}
	die(way);
}

static int end(const char *ending)
{
	if (!strcmp(ending, "exit"))
		exit(0);
	if (!strcmp(ending, "_exit"))
		_exit(0);
	if (!strcmp(ending, "signal"))
		raise(SIGTERM);
	if (!strcmp(ending, "close"))
		return close(fd);
	return 0; /* "return" */
}

int main(int argc, char **argv)
{
	struct sockaddr_in own;
	bool receives;

	if (argc < 6)
		return 2;
	know_kind(argv[1]);
	receives = !strcmp(argv[2], "recv");
	count = atoi(argv[4]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(40);
	own = addr_of("127.0.0.1", argc > 6 ? atoi(argv[6]) : 0);
	fd = sock();
	if (bind(fd, SA(&own), sizeof(own)))
		die("bind");
	printf("port %d\n", ntohs(name_of(fd).sin_port));
	if (receives) {
		do_receive(argv[3]);
		return end(argv[5]);
	}
	dest = addr_of("127.0.0.1", atoi(argv[5]));
	do_send(argv[3]);
	return end("close");
}
