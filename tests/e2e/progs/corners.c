// SPDX-License-Identifier: MIT
/*
 * corners.c - calls that go wrong halfway, and things that change under a
 * socket: its filter, its number, the ports that there are.
 */
#include <linux/filter.h>
#include <sys/epoll.h>
#include <time.h>

#include "fds.h"
#include "netns.h"

#define NEAR_SECOND 1050000 /* by then what is known of ports is asked again */

static int udp(void)
{
	return socket(PF_INET, SOCK_DGRAM, 0);
}

static ssize_t send_to(int fd, const struct sockaddr_in *to, const char *text)
{
	return sendto(fd, text, strlen(text), 0, (const struct sockaddr *)to,
		      sizeof(*to));
}

static int bind_at(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	return bind(fd, SA(&addr), sizeof(addr));
}

/* ---- filters ----------------------------------------------------------- */

static void filter_from_bad_descriptor(void)
{
	int bad = 999;

	make_pair();
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_BPF, &bad, sizeof(bad)));
	deliver("abc");
	R(recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT));
}

static int wait_for_events(int epfd)
{
	struct epoll_event event;

	return epoll_wait(epfd, &event, 1, 100);
}

static void filter_taken_away(void)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, -1) };
	struct sock_fprog prog = { ARRAY_SIZE(all), all };
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(0), none = 0;

	make_pair();
	T(epoll_ctl(epfd, EPOLL_CTL_ADD, sock_b, &event));
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		     sizeof(prog)));
	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &none,
		     sizeof(none)));
	send_to(udp(), &addr_b, "stray");
	T(wait_for_events(epfd));
	deliver("abc");
	T(wait_for_events(epfd));
	T(recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT));
}

/* ---- several messages, and parts of one -------------------------------- */

static void stray_uses_up_the_time(void)
{
	struct timespec no_time = { 0 };
	struct iovec iov = { buf, sizeof(buf) };
	struct mmsghdr msg = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	make_pair();
	send_to(udp(), &addr_b, "a stray that is longer than a header");
	T(recvmmsg(sock_b, &msg, 1, MSG_DONTWAIT, &no_time));
}

/* What is before the payload is looked at by a UDP socket. */
static void numbered_by_sendmmsg(void)
{
	struct iovec iov = { "hi", 2 };
	struct mmsghdr msg = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	int peer = udp(), fd = sock();
	struct sockaddr_in addr;

	bind_at(peer, "127.0.0.1", 0);
	addr = name_of(peer);
	connect_to(fd, &addr);
	msg.msg_hdr.msg_name = &addr;
	for (int i = 0; i < 3; i++) {
		unsigned char wire[64] = { 0 };

		sendmmsg(fd, &msg, 1, 0);
		T(recv(peer, wire, sizeof(wire), MSG_DONTWAIT));
		printf("  first: %d, number %d\n", wire[3], wire[11]);
	}
}

/* More control data than the kernel takes: the part is refused. */
static void part_that_fails(void)
{
	static char control[1 << 21];
	struct iovec iov = { "BBBB", 4 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	CMSG_FIRSTHDR(&msg)->cmsg_len = sizeof(control);
	CMSG_FIRSTHDR(&msg)->cmsg_level = 99;
	connect_pair();
	T(send(sock_a, "AAAA", 4, MSG_MORE));
	T(sendmsg(sock_a, &msg, MSG_MORE));
	T(send(sock_a, "CCCC", 4, 0));
	R(recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT));
	T(send(sock_a, "DDDD", 4, 0));
	R(recv(sock_b, buf, sizeof(buf), MSG_DONTWAIT));
}

/* ---- a descriptor that comes in a message ------------------------------ */

static void unix_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		die("socketpair");
}

static void tcp_pair(int fds[2])
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in addr;

	bind_at(listener, "127.0.0.1", 0);
	listen(listener, 1);
	addr = name_of(listener);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect_to(fds[0], &addr);
	fds[1] = accept(listener, NULL, NULL);
	close(listener);
}

/* stdio closes a descriptor by a way of its own. */
static int pass_to_stale_number(int fds[2])
{
	int channel[2], fd, stale;
	FILE *file;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, channel))
		die("socketpair");
	stale = sock_at('A', "127.0.0.1");
	file = fdopen(stale, "r");
	fclose(file);
	give_fd(channel[0], fds[1]);
	fd = take_fd(channel[1]);
	close(fds[1]);
	printf("the number is %s\n", fd == stale ? "reused" : "not reused");
	return fd;
}

/* Waits, for loopback too takes a moment. */
static void tell_read(int fd, size_t len)
{
	char text[64] = { 0 };
	ssize_t n = recv(fd, text, len, 0);

	printf("  read %zd: %s\n", n, text);
}

static void written_when_passed(void (*make)(int fds[2]))
{
	int fds[2], fd;

	make(fds);
	fd = pass_to_stale_number(fds);
	T(write(fd, "hello", 5));
	tell_read(fds[0], 63);
}

static void read_when_passed(void (*make)(int fds[2]))
{
	int fds[2], fd;

	make(fds);
	fd = pass_to_stale_number(fds);
	T(write(fds[0], "0123456789abcdefghijklmnopqrstuvwxyz", 36));
	tell_read(fd, 10);
	tell_read(fd, 63);
}

static void passed_unix(void)
{
	written_when_passed(unix_pair);
	read_when_passed(unix_pair);
}

static void passed_tcp(void)
{
	written_when_passed(tcp_pair);
	read_when_passed(tcp_pair);
}

/* ---- ports ------------------------------------------------------------- */

#define TAKEN_PORTS 400
#define WAYS	    3

static int autobound(int *port)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = sock();

	connect_to(fd, &nobody);
	*port = ntohs(name_of(fd).sin_port);
	connect(fd, &none, sizeof(none));
	return fd;
}

/* Another process has those ports, and many more, until it is killed. */
static pid_t spawn_holder(const int *port, int n)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		die("pipe");
	pid = fork();
	if (!pid) {
		for (int i = 0; i < TAKEN_PORTS; i++)
			bind_at(udp(), "0.0.0.0", 0);
		for (int i = 0; i < n; i++)
			bind_at(udp(), "0.0.0.0", port[i]);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	if (pid < 0 || read(ready[0], &byte, 1) != 1)
		die("spawn");
	return pid;
}

static void port_taken_after_disconnect(void)
{
	struct sockaddr_in nobody, any = { .sin_family = AF_INET };
	int fd[WAYS], port[WAYS];
	pid_t holder;

	own_network();
	nobody = addr_of("127.0.0.1", 9);
	for (int i = 0; i < WAYS; i++)
		fd[i] = autobound(&port[i]);
	holder = spawn_holder(port, WAYS);
	usleep(NEAR_SECOND);
	T(connect(fd[0], SA(&nobody), sizeof(nobody)));
	T(send_to(fd[1], &nobody, "x"));
	T(bind(fd[2], SA(&any), sizeof(any)));
	for (int i = 0; i < WAYS; i++)
		printf("the port is %s\n",
		       ntohs(name_of(fd[i]).sin_port) == port[i] ? "the same"
								 : "another");
	kill(holder, SIGKILL);
}

/* What is known of the range is refreshed by the second: at its beginning. */
static void await_new_second(void)
{
	struct timespec ts;

	do
		clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	while (ts.tv_nsec > 50000000);
	close(sock());
}

/* Nobody asks for the port's number before something is received there. */
static void range_changes_before_bind(void)
{
	int fd, other, type;
	socklen_t len = sizeof(type);
	struct sockaddr_in addr;

	own_network();
	set_sysctl("ip_local_port_range", "20000 20009");
	other = udp();
	await_new_second();
	fd = sock();
	set_sysctl("ip_local_port_range", "30000 30009");
	T(bind_at(fd, "127.0.0.1", 0));
	for (int port = 30000; port < 30010; port++) {
		addr = addr_of("127.0.0.1", port);
		send_to(other, &addr, "stray");
	}
	T(recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	T(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
	printf("  type %d\n", type);
}

SCENARIOS({ "filter_from_bad_descriptor", filter_from_bad_descriptor },
	  { "filter_taken_away", filter_taken_away },
	  { "stray_uses_up_the_time", stray_uses_up_the_time },
	  { "numbered_by_sendmmsg", numbered_by_sendmmsg },
	  { "part_that_fails", part_that_fails },
	  { "passed_unix", passed_unix }, { "passed_tcp", passed_tcp },
	  { "port_taken_after_disconnect", port_taken_after_disconnect },
	  { "range_changes_before_bind", range_changes_before_bind })
