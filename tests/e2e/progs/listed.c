// SPDX-License-Identifier: MIT
/*
 * listed.c - which calls decide, of a UDP socket and a list of ports, whether it
 * is put on COP; and which decide nothing.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include "listed.h"
#include "ways.h"

/* ---- bind ---------------------------------------------------------------- */

static void binds_listed(void)
{
	int fd = sock();

	T(bind_to(fd, LISTED_A));
	has_become(fd, true);
	hears(fd, peer_at(0, true), true);
	shows(fd, OTHER_A, true);
	shows(fd, LISTED_B, true);
	T(close(fd));
	fd = sock();
	T(bind_to(fd, LISTED_A));
	T(connect_port(fd, OTHER_A));
	shows(fd, OTHER_A, true);
}

static void binds_unlisted(void)
{
	int fd = sock();

	T(bind_to(fd, OTHER_A));
	shows(fd, OTHER_B, false);
	hears(fd, peer_at(0, false), false);
	shows(fd, LISTED_A, false);
}

static int bind_elsewhere(int fd, in_port_t port)
{
	struct sockaddr_in addr = addr_of("198.51.100.7", port);

	return bind(fd, SA(&addr), sizeof(addr));
}

static int bind_oddly(int fd, in_port_t port, int family, socklen_t len)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);

	addr.sin_family = family;
	return bind(fd, SA(&addr), len);
}

static void fail_to_bind(int fd, in_port_t port)
{
	int holder = peer_at(port, false);

	T(bind_to(fd, port));
	T(bind_elsewhere(fd, port));
	T(bind_oddly(fd, port, OTHER_FAMILY, sizeof(from)));
	T(bind_oddly(fd, port, AF_INET, SHORTEST_NAME - 1));
	T(bind(fd, BAD_PTR, sizeof(from)));
	T(bind(fd, NULL, 0));
	raw_close(holder);
}

static void bind_fails(void)
{
	int fd = sock();

	fail_to_bind(fd, LISTED_A);
	T(bind_to(fd, OTHER_A));
	T(bind_to(fd, LISTED_A));
	shows(fd, OTHER_B, false);
	T(close(fd));
	fd = sock();
	fail_to_bind(fd, LISTED_A);
	fail_to_bind(fd, OTHER_A);
	T(bind_to(fd, LISTED_B));
	shows(fd, OTHER_B, true);
}

/* ---- the first destination ------------------------------------------------- */

static void sends_to_listed(void)
{
	int fd = bound(OTHER_A);

	shows(fd, LISTED_A, true);
	shows(fd, OTHER_B, true);
	hears(fd, peer_at(LISTED_B, true), true);
	fd = sock();
	shows(fd, LISTED_A, true);
	shows(fd, OTHER_B, true);
}

static void sends_to_unlisted(void)
{
	int fd = bound(OTHER_A);

	shows(fd, OTHER_B, false);
	shows(fd, LISTED_A, false);
	T(connect_port(fd, LISTED_A));
	shows(fd, LISTED_A, false);
	fd = sock();
	shows(fd, OTHER_B, false);
	shows(fd, LISTED_A, false);
	hears(fd, peer_at(LISTED_B, false), false);
}

static int disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(fd, &none, sizeof(none));
}

static void connects_to_listed(void)
{
	int fd = bound(OTHER_A);

	T(connect_port(fd, LISTED_A));
	shows(fd, LISTED_A, true);
	T(connect_port(fd, OTHER_B));
	shows(fd, OTHER_B, true);
	fd = sock();
	T(connect_port(fd, LISTED_A));
	shows(fd, LISTED_A, true);
	T(disconnect(fd));
	shows(fd, OTHER_B, true);
	T(disconnect(fd));
	T(bind_to(fd, OTHER_B));
	shows(fd, LISTED_A, true);
}

static void connects_to_unlisted(void)
{
	int fd = sock();

	T(connect_port(fd, OTHER_B));
	shows(fd, OTHER_B, false);
	T(disconnect(fd));
	T(bind_to(fd, LISTED_B));
	shows(fd, LISTED_A, false);
	hears(fd, peer_at(OTHER_B, false), false);
}

static ssize_t send_oddly(int fd, in_port_t port, int family, socklen_t len)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);

	addr.sin_family = family;
	return sendto(fd, "payload", 7, 0, SA(&addr), len);
}

/* Calls that name no destination. */
static void nowhere(int fd)
{
	T(send(fd, "payload", 7, 0));
	T(write(fd, "payload", 7));
	T(send_port(fd, 0));
	T(send_oddly(fd, OTHER_A, AF_UNIX, sizeof(from)));
	T(send_oddly(fd, OTHER_A, AF_INET, SHORTEST_NAME - 1));
	T(sendto(fd, "payload", 7, 0, BAD_PTR, sizeof(from)));
	T(sendmsg(fd, BAD_PTR, 0));
	T(sendmmsg(fd, BAD_PTR, 1, 0));
	T(connect(fd, BAD_PTR, sizeof(from)));
	T(connect(fd, no_ptr, 0));
	T(disconnect(fd));
}

static void goes_nowhere(void)
{
	int fd = sock();

	nowhere(fd);
	shows(fd, LISTED_A, true);
	fd = bound(OTHER_A);
	nowhere(fd);
	shows(fd, LISTED_A, true);
	fd = sock();
	nowhere(fd);
	shows(fd, OTHER_B, false);
	shows(fd, LISTED_A, false);
}

/* Which binds the socket, and that is all. */
static void connects_to_port_0(void)
{
	int fd = sock();

	T(connect_port(fd, 0));
	know('C', fd);
	show_peer(fd);
	T(connect_port(fd, LISTED_A));
	show_name(fd);
	shows(fd, LISTED_A, true);
	fd = sock();
	T(connect_port(fd, 0));
	know('C', fd);
	shows(fd, LISTED_A, true);
	show_name(fd);
	fd = sock();
	T(connect_port(fd, 0));
	T(disconnect(fd));
	show_name(fd);
	shows(fd, OTHER_B, false);
}

static void connect_fails(void)
{
	struct sockaddr_in all = addr_of("255.255.255.255", LISTED_A);
	int fd = sock();

	T(connect(fd, SA(&all), sizeof(all)));
	shows(fd, OTHER_B, true);
	all.sin_port = htons(OTHER_A);
	fd = sock();
	T(connect(fd, SA(&all), sizeof(all)));
	shows(fd, LISTED_A, false);
}

/* ---- all calls that send --------------------------------------------------- */

static ssize_t sendmsg_to(int fd, in_port_t port, int flags)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);
	struct iovec iov[2] = { { "pay", 3 }, { "load", 4 } };
	struct msghdr msg = { .msg_name = &addr,
			      .msg_namelen = sizeof(addr),
			      .msg_iov = iov,
			      .msg_iovlen = 2 };

	return sendmsg(fd, &msg, flags);
}

/* The kernel looks at as much of a name as there can be. */
static int sendmmsg_long(int fd, in_port_t port)
{
	struct sockaddr_storage room[2] = { 0 };
	struct iovec iov = { "payload", 7 };
	struct mmsghdr vec = { .msg_hdr = { .msg_name = room,
					    .msg_namelen = sizeof(room),
					    .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	*(struct sockaddr_in *)room = addr_of("127.0.0.1", port);
	return sendmmsg(fd, &vec, 1, 0);
}

static int sendmmsg_to(int fd, in_port_t first, in_port_t second)
{
	struct sockaddr_in addr[2] = { addr_of("127.0.0.1", first),
				       addr_of("127.0.0.1", second) };
	struct iovec iov = { "payload", 7 };
	struct mmsghdr vec[2];

	for (int i = 0; i < 2; i++)
		vec[i].msg_hdr = (struct msghdr){ .msg_name = &addr[i],
						  .msg_namelen = 16,
						  .msg_iov = &iov,
						  .msg_iovlen = 1 };
	return sendmmsg(fd, vec, 2, 0);
}

static void sends_messages(void)
{
	int listed = tap_at(LISTED_A), other = tap_at(OTHER_A), fd = sock();

	T(sendmsg_to(fd, LISTED_A, 0));
	hears_on(listed, LISTED_A, true);
	T(sendmsg_to(fd, OTHER_A, 0));
	hears_on(other, OTHER_A, true);
	fd = sock();
	T(sendmsg_to(fd, OTHER_A, 0));
	hears_on(other, OTHER_A, false);
	T(sendmsg_to(fd, LISTED_A, 0));
	hears_on(listed, LISTED_A, false);
	fd = sock();
	T(sendmmsg_to(fd, LISTED_A, OTHER_A));
	hears_on(listed, LISTED_A, true);
	hears_on(other, OTHER_A, true);
	fd = sock();
	T(sendmmsg_to(fd, OTHER_A, LISTED_A));
	hears_on(other, OTHER_A, false);
	hears_on(listed, LISTED_A, false);
	fd = sock();
	T(sendmmsg_long(fd, LISTED_A));
	hears_on(listed, LISTED_A, true);
	fd = sock();
	T(sendmmsg_long(fd, OTHER_A));
	hears_on(other, OTHER_A, false);
}

/* Where a message has none the peer is the destination, at port 0. */
static int sendmmsg_behind(int fd, in_port_t port)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);
	struct iovec iov = { "payload", 7 };
	struct mmsghdr vec[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		vec[i].msg_hdr.msg_iov = &iov;
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	vec[2].msg_hdr.msg_name = &addr;
	vec[2].msg_hdr.msg_namelen = sizeof(addr);
	return sendmmsg(fd, vec, 3, 0);
}

static void sends_to_port_0(void)
{
	struct sockaddr_in group = addr_of("239.1.2.3", 0);
	struct in_addr lo = { htonl(INADDR_LOOPBACK) };
	int listed = tap_at(LISTED_A), fd = sock(), one = 1;

	T(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)));
	T(connect_port(fd, 0));
	T(send(fd, "quoted", 6, 0));
	R(recvfrom(fd, buf, 64, MSG_ERRQUEUE | MSG_DONTWAIT, SA(&from),
		   &fromlen));
	T(sendmsg(fd, &(struct msghdr){ 0 }, 0));
	T(send_port(fd, LISTED_A));
	T(disconnect(fd));
	shows(fd, LISTED_B, true);
	fd = sock();
	T(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo)));
	T(connect(fd, SA(&group), sizeof(group)));
	T(sendmmsg_behind(fd, LISTED_A));
	hears_on(listed, LISTED_A, true);
	has_become(fd, true);
}

static void part_to(in_port_t port, bool by_cop)
{
	int tap = tap_at(port), fd = sock();

	T(sendmsg_to(fd, port, MSG_MORE));
	T(send(fd, "in parts", 8, 0));
	hears_on(tap, port, by_cop);
	has_become(fd, by_cop);
	raw_close(tap);
}

static void sends_in_parts(void)
{
	part_to(LISTED_A, true);
	part_to(OTHER_A, false);
}

static void ways_to(in_port_t port, bool by_cop)
{
	int tap = tap_at(port);

	strcpy(way_text, "payload");
	for (size_t i = 0; i < ARRAY_SIZE(sending); i++) {
		struct heard heard;
		int fd = sock();

		connect_port(fd, port);
		printf("%s\n", sending[i].name);
		T(sending[i].call(fd));
		hear(tap, &heard);
		judge("on the wire", has_header(&heard) == on_cop(by_cop));
		close(fd);
	}
	raw_close(tap);
}

static void sends_by_all_ways(void)
{
	ways_to(LISTED_A, true);
	ways_to(OTHER_A, false);
}

static int file_of(const char *text)
{
	FILE *file = tmpfile();

	if (!file || fputs(text, file) < 0 || fflush(file))
		die("tmpfile");
	return fileno(file);
}

static void moves_files(in_port_t port, bool by_cop)
{
	int tap = tap_at(port), fd = sock(), ends[2], in = file_of("payload");
	off_t off = 0;

	if (pipe(ends) || write(ends[1], "payload", 7) != 7)
		die("pipe");
	T(sendfile(fd, in, &off, 7));
	T(splice(ends[0], NULL, fd, NULL, 7, 0));
	T(connect_port(fd, port));
	off = 0;
	T(sendfile(fd, in, &off, 7));
	hears_on(tap, port, by_cop);
	T(write(ends[1], "payload", 7));
	T(splice(ends[0], NULL, fd, NULL, 7, 0));
	hears_on(tap, port, by_cop);
	T(dprintf(fd, "pay%s", "load"));
	hears_on(tap, port, by_cop);
	raw_close(tap);
}

static void sends_files(void)
{
	moves_files(LISTED_A, true);
	moves_files(OTHER_A, false);
}

static void streams(in_port_t port, bool by_cop)
{
	int tap = tap_at(port), peer = peer_at(0, by_cop), fd = sock();
	FILE *out = fdopen(fd, "w+");

	setvbuf(out, NULL, _IONBF, 0);
	T(connect_port(fd, port));
	T(fputs("payload", out) < 0);
	hears_on(tap, port, by_cop);
	T(connect_port(fd, ntohs(name_of(peer).sin_port)));
	send_from(peer, fd, "x");
	T(fgetc(out));
	T(fclose(out));
	raw_close(tap);
	close(peer);
}

static void has_streams(void)
{
	streams(LISTED_A, true);
	streams(OTHER_A, false);
}

/* ---- receiving first --------------------------------------------------------- */

/* In all ways, at a port that nobody asked for. */
static void receive_in_all_ways(bool by_cop)
{
	int peer = peer_at(0, by_cop);

	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
		int fd = bound_anywhere();

		send_from(peer, fd, "to it");
		memset(way_text, 0, sizeof(way_text));
		printf("%s\n", receiving[i].name);
		T(receiving[i].call(fd));
		printf("  %.8s\n", way_text);
		shows(fd, LISTED_A, by_cop);
		close(fd);
	}
}

static void receives_first(void)
{
	receive_in_all_ways(false);
}

static void all_receives_first(void)
{
	receive_in_all_ways(true);
}

/* What looks at the queue, and leaves it as it is. */
static void look_in_all_ways(bool by_cop)
{
	int peer = peer_at(0, by_cop), fd = bound_anywhere(), n = 0;

	send_from(peer, fd, "to it");
	R(recvfrom(fd, buf, 64, MSG_PEEK, SA(&from), &fromlen));
	R(recvfrom(fd, buf, 64, MSG_PEEK | MSG_TRUNC, SA(&from), &fromlen));
	R(recvfrom(fd, buf, 2, MSG_TRUNC, SA(&from), &fromlen));
	T(recv(fd, buf, 64, MSG_DONTWAIT));
	shows(fd, LISTED_A, by_cop);
	close(fd);
	fd = bound_anywhere();
	send_from(peer, fd, "to it");
	T(ioctl(fd, FIONREAD, &n));
	T(n);
	has_become(fd, by_cop);
	T(disconnect(fd));
	close(fd);
	fd = bound_anywhere();
	send_from(peer, fd, "to it");
	T(disconnect(fd));
	has_become(fd, by_cop);
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

static void looks_first(void)
{
	look_in_all_ways(false);
}

static void all_looks_first(void)
{
	look_in_all_ways(true);
}

static void receive_many(bool by_cop)
{
	int peer = peer_at(0, by_cop), fd = bound_anywhere();
	char text[3][8] = { "", "", "" };
	struct iovec iov[3];
	struct mmsghdr vec[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ text[i], 7 };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	send_from(peer, fd, "one");
	send_from(peer, fd, "another");
	T(recvmmsg(fd, vec, 3, MSG_DONTWAIT, NULL));
	for (int i = 0; i < 3; i++)
		printf("  %d %s\n", vec[i].msg_len, text[i]);
	T(recvmmsg(fd, vec, 3, MSG_DONTWAIT, NULL));
	shows(fd, LISTED_A, by_cop);
}

static void receives_many(void)
{
	receive_many(false);
}

static void all_receives_many(void)
{
	receive_many(true);
}

/* A plain server does not answer by COP because of whom it is asked by. */
static void source_is_forged(void)
{
	int asks = peer_at(LISTED_A, false), fd = bound(OTHER_A);

	hears(fd, asks, false);
	T(send_port(fd, LISTED_A));
	hears_on(asks, LISTED_A, false);
	shows(fd, LISTED_B, false);
}

/* ---- where there is nothing to be received --------------------------------- */

static void find_nothing(int fd)
{
	struct timeval soon = { .tv_usec = 1000 };
	struct iovec iov = { buf, 64 };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
	int n = 5;

	T(recv(fd, buf, 64, MSG_DONTWAIT));
	T(recvfrom(fd, buf, 64, MSG_DONTWAIT | MSG_PEEK, SA(&from), &fromlen));
	T(recvmsg(fd, &vec.msg_hdr, MSG_DONTWAIT));
	T(recvmmsg(fd, &vec, 1, MSG_DONTWAIT, NULL));
	T(recvmmsg(fd, &vec, 0, 0, NULL));
	T(recv(fd, buf, 64, MSG_ERRQUEUE));
	T(recv(fd, buf, 64, MSG_OOB | MSG_DONTWAIT));
	T(ioctl(fd, FIONREAD, &n));
	T(n);
	T(poll(&pfd, 1, 0));
	T(pfd.revents);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	T(recv(fd, buf, 64, 0));
	T(read(fd, buf, 64));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	T(read(fd, buf, 64));
	fcntl(fd, F_SETFL, 0);
}

static void receives_nothing(void)
{
	int fd = bound(OTHER_A);

	find_nothing(fd);
	shows(fd, LISTED_A, true);
	fd = sock();
	find_nothing(fd);
	shows(fd, LISTED_A, true);
	fd = sock();
	find_nothing(fd);
	shows(fd, OTHER_B, false);
	shows(fd, LISTED_A, false);
}

/* The end of a socket that is shut is nothing that has come. */
static void is_shut(void)
{
	int peer = peer_at(0, false), fd = bound(OTHER_A);

	T(shutdown(fd, SHUT_RD));
	T(recv(fd, buf, 64, 0));
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	shows(fd, LISTED_A, true);
	T(recv(fd, buf, 64, 0));
	close(fd);
	fd = bound(OTHER_A);
	T(shutdown(fd, SHUT_RDWR));
	send_from(peer, fd, "to it");
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	has_become(fd, false);
	T(recv(fd, buf, 64, 0));
}

static const struct way *way;
static int way_fd;
static atomic_int way_tid;

static void *receive(void *arg)
{
	way_tid = gettid();
	T(way->call(way_fd));
	return arg;
}

/* Asleep in a receive, while somebody else decides. */
static void decide_meanwhile(in_port_t port, bool by_cop)
{
	int peer = peer_at(port, by_cop);
	pthread_t thread;

	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
		way = &receiving[i];
		way_fd = bound_anywhere();
		way_tid = 0;
		memset(way_text, 0, sizeof(way_text));
		pthread_create(&thread, NULL, receive, NULL);
		while (!way_tid)
			sched_yield();
		await_blocked(way_tid);
		send_port(way_fd, port);
		T(recv(peer, buf, 64, 0));
		send_from(peer, way_fd, "answer");
		pthread_join(thread, NULL);
		printf("  %s: %.8s\n", way->name, way_text);
		has_become(way_fd, by_cop);
		close(way_fd);
	}
	close(peer);
}

static void sleeps_meanwhile(void)
{
	decide_meanwhile(LISTED_A, true);
	decide_meanwhile(OTHER_A, false);
}

#define S(name)               \
	{                     \
#name, (name) \
	}

LISTED_SCENARIOS(S(binds_listed), S(binds_unlisted), S(bind_fails),
		 S(sends_to_listed), S(sends_to_unlisted),
		 S(connects_to_listed), S(connects_to_unlisted),
		 S(goes_nowhere), S(connects_to_port_0), S(sends_to_port_0),
		 S(connect_fails), S(sends_messages), S(sends_in_parts),
		 S(sends_by_all_ways), S(sends_files), S(has_streams),
		 S(receives_first), S(all_receives_first), S(looks_first),
		 S(all_looks_first), S(receives_many), S(all_receives_many),
		 S(source_is_forged), S(receives_nothing), S(is_shut),
		 S(sleeps_meanwhile))
