// SPDX-License-Identifier: MIT
/*
 * descriptors.c - duplicating and closing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "prog.h"

static void last_close_frees(int fd)
{
	T(freed());
	T(close(sock_a));
	T(freed());
	show_is_a(fd);
	T(close(fd));
	T(freed());
}

static void dup_plain(void)
{
	int fd;

	make_pair();
	T(fd = dup(sock_a));
	show_is_a(fd);
	last_close_frees(fd);
}

static void dup_by_fcntl(void)
{
	int fd;

	make_pair();
	T(fd = fcntl(sock_a, F_DUPFD, 100));
	T(fcntl(fd, F_GETFD));
	show_is_a(fd);
	T(close(fd));
	T(fd = fcntl(sock_a, F_DUPFD_CLOEXEC, 200));
	T(fcntl(fd, F_GETFD));
	T(fcntl(sock_a, F_DUPFD, -1));
	T(fcntl(sock_a, F_DUPFD, INT_MAX));
	last_close_frees(fd);
}

static void dup_by_fcntl64(void)
{
	int fd;

	make_pair();
	T(fd = fcntl64(sock_a, F_DUPFD, 100));
	show_is_a(fd);
	last_close_frees(fd);
}

static void dup_onto_itself(void)
{
	make_pair();
	T(dup2(sock_a, sock_a));
	show_is_a(sock_a);
	T(dup3(sock_a, sock_a, 0));
	T(dup3(sock_a, sock_a, O_CLOEXEC));
	show_is_a(sock_a);
	T(close(sock_a));
	T(dup2(sock_a, sock_a));
	T(freed());
}

/* The socket that was there is closed, unless the call fails. */
static void dup_over_a_socket(void)
{
	int other = sock_at('O', "127.0.0.1");

	make_pair();
	T(dup2(77, sock_a));
	T(dup3(other, sock_a, 1));
	T(dup2(-1, sock_a));
	T(freed());
	show_is_a(sock_a);
	T(dup2(other, sock_a));
	show_name(sock_a);
	T(freed());
	T(close(other));
	show_name(sock_a);
	T(sendto(sock_a, "from O", 6, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(dup3(sock_b, sock_a, O_CLOEXEC));
	T(fcntl(sock_a, F_GETFD));
	show_name(sock_a);
}

static void dup_a_file_over(void)
{
	int fd = open("/dev/zero", O_RDWR);

	make_pair();
	T(dup2(fd, sock_a));
	T(freed());
	memset(buf, 'x', sizeof(buf));
	T(read(sock_a, buf, 8));
	T(buf[7]);
	T(write(sock_a, "zero", 4));
	T(send(sock_a, "x", 1, 0));
	T(recv(sock_a, buf, 1, 0));
	show_name(sock_a);
	T(close(sock_a));
	T(close(sock_a));
}

static void dup_over_a_file(void)
{
	int fd = open("/dev/zero", O_RDWR);

	make_pair();
	T(dup2(sock_a, fd));
	show_is_a(fd);
	last_close_frees(fd);
}

static void dup_too_high(void)
{
	make_pair();
	T(dup2(sock_a, INT_MAX));
	T(dup2(sock_a, -1));
	T(dup3(sock_a, INT_MAX, 0));
	T(dup3(sock_a, 50, 12345));
	T(dup3(sock_a, INT_MAX, 12345));
	T(dup3(sock_a, -1, 12345));
	T(dup3(sock_a, -1, O_CLOEXEC));
	T(dup2(sock_a, 1000));
	show_is_a(1000);
	last_close_frees(1000);
}

static void flags_are_shared(void)
{
	int fd;

	make_pair();
	T(fd = dup(sock_a));
	T(fcntl(sock_a, F_GETFL));
	T(fcntl(fd, F_SETFL, O_NONBLOCK));
	T(fcntl(sock_a, F_GETFL));
	T(recv(sock_a, buf, 64, 0));
	T(fcntl(fd, F_SETFD, FD_CLOEXEC));
	T(fcntl(sock_a, F_GETFD));
	T(fcntl(fd, F_GETFD));
	T(fcntl(fd, 12345));
	connect_to(fd, &addr_b);
	show_peer(sock_a);
	T(write(sock_a, "peer", 4));
	R(recv(sock_b, buf, 64, MSG_DONTWAIT));
}

static void socket_flags(void)
{
	int fd = sock_flags(SOCK_NONBLOCK);

	T(fcntl(fd, F_GETFL));
	T(fcntl(fd, F_GETFD));
	fd = sock_flags(SOCK_CLOEXEC);
	T(fcntl(fd, F_GETFL));
	T(fcntl(fd, F_GETFD));
	fd = sock_flags(SOCK_NONBLOCK | SOCK_CLOEXEC);
	T(fcntl(fd, F_GETFL));
	T(fcntl(fd, F_GETFD));
}

/* ---- closing ----------------------------------------------------------- */

static void every_call(int fd)
{
	struct iovec iov = { buf, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr vec = { .msg_hdr = msg };
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	socklen_t len = 4;
	int n = 0;

	T(bind(fd, SA(&addr), sizeof(addr)));
	T(connect(fd, SA(&addr), sizeof(addr)));
	T(getsockname(fd, SA(&addr), &len));
	T(getpeername(fd, SA(&addr), &len));
	T(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &n, 4));
	T(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, 4));
	T(getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &len));
	T(getsockopt(fd, SOL_SOCKET, SO_ERROR, &n, &len));
	T(listen(fd, 1));
	T(accept(fd, NULL, NULL));
	T(shutdown(fd, SHUT_RD));
	T(send(fd, "x", 1, 0));
	T(sendto(fd, "x", 1, 0, SA(&addr), sizeof(addr)));
	T(sendmsg(fd, &msg, 0));
	T(sendmmsg(fd, &vec, 1, 0));
	T(write(fd, "x", 1));
	T(writev(fd, &iov, 1));
	T(pwritev2(fd, &iov, 1, -1, 0));
	T(recv(fd, buf, 1, MSG_DONTWAIT));
	T(recvfrom(fd, buf, 1, MSG_DONTWAIT, NULL, NULL));
	T(recvmsg(fd, &msg, MSG_DONTWAIT));
	T(recvmmsg(fd, &vec, 1, MSG_DONTWAIT, NULL));
	T(read(fd, buf, 1));
	T(readv(fd, &iov, 1));
	T(preadv2(fd, &iov, 1, -1, 0));
	T(ioctl(fd, FIONREAD, &n));
	T(fcntl(fd, F_GETFD));
	T(fcntl(fd, F_DUPFD, 0));
	T(dup(fd));
	T(dup2(fd, 60));
	T(dup3(fd, 60, 0));
	T(poll(&pfd, 1, 0));
	T(pfd.revents);
	T(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &ev));
	T(close(fd));
}

static void closed(void)
{
	make_pair();
	T(close(sock_a));
	every_call(sock_a);
	T(close(sock_a));
}

static void never_opened(void)
{
	sock();
	every_call(900);
	every_call(-1);
	every_call(INT_MAX);
	every_call(INT_MIN);
}

static void close_ranges(void)
{
	int low;

	make_pair();
	T(low = fcntl(sock_a, F_DUPFD, 300));
	T(fcntl(sock_a, F_DUPFD, 500));
	T(close_range(290, 310, 1234));
	T(close_range(310, 290, 0));
	show_is_a(low);
	T(close_range(290, 310, CLOSE_RANGE_CLOEXEC));
	T(fcntl(low, F_GETFD));
	show_is_a(low);
	T(close_range(290, ~0U, 0));
	T(send(low, "x", 1, 0));
	show_is_a(sock_a);
	T(close_range(sock_a, sock_a, 0));
	T(freed());
	T(close(sock_a));
}

/* The child's close leaves the parent's socket as it is. */
static void closed_by_a_child(void)
{
	int status;

	make_pair();
	if (!fork()) {
		close(sock_a);
		_exit(0);
	}
	wait(&status);
	T(status);
	T(freed());
	show_is_a(sock_a);
	if (!fork()) {
		show_is_a(sock_a);
		_exit(0);
	}
	wait(&status);
	T(close(sock_a));
	T(freed());
}

/* ---- what is left ------------------------------------------------------ */

static int entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void nothing_is_left(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct sockaddr_in addr;
	int one = 1, ep;
	fd_set set;

	printf("%d open\n", entries("/proc/self/fd"));
	make_pair();
	addr = addr_of("127.0.0.1", 0);
	ep = epoll_create1(0);
	for (int i = 0; i < 20; i++) {
		int fd = sock();

		bind(fd, SA(&addr), sizeof(addr));
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, 4);
		connect_to(fd, &addr_b);
		send(fd, "x", 1, 0);
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
		FD_ZERO(&set);
		FD_SET(fd, &set);
		select(fd + 1, &set, NULL, NULL, &(struct timeval){ 0 });
		close(dup(fd));
		close(fd);
	}
	show_is_a(sock_a);
	printf("%d open, %d threads\n", entries("/proc/self/fd"),
	       entries("/proc/self/task") - 2);
	close(sock_a);
	close(sock_b);
	close(ep);
	printf("%d open, %d threads\n", entries("/proc/self/fd"),
	       entries("/proc/self/task") - 2);
}

SCENARIOS({ "dup_plain", dup_plain }, { "dup_by_fcntl", dup_by_fcntl },
	  { "dup_by_fcntl64", dup_by_fcntl64 },
	  { "dup_onto_itself", dup_onto_itself },
	  { "dup_over_a_socket", dup_over_a_socket },
	  { "dup_a_file_over", dup_a_file_over },
	  { "dup_over_a_file", dup_over_a_file },
	  { "dup_too_high", dup_too_high },
	  { "flags_are_shared", flags_are_shared },
	  { "socket_flags", socket_flags }, { "closed", closed },
	  { "never_opened", never_opened }, { "close_ranges", close_ranges },
	  { "closed_by_a_child", closed_by_a_child },
	  { "nothing_is_left", nothing_is_left })
