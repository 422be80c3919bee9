// SPDX-License-Identifier: MIT
/*
 * numbers.c - the same calls by other ways: by number through syscall(), by the
 * names that fortified programs call, and by libc's own names.
 */
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "stray.h"

/* What <bits/...2.h> calls where it knows a buffer's size. */
ssize_t __read_chk(int fd, void *to, size_t len, size_t size);
ssize_t __recv_chk(int fd, void *to, size_t len, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *to, size_t len, size_t size, int flags,
		       struct sockaddr *addr, socklen_t *addr_len);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		const sigset_t *mask, size_t size);

static long type_of_sock(void)
{
	return is_cop ? SOCK_COP : SOCK_DGRAM;
}

static void names_by_number(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int one = 1, value = -1, fd;
	socklen_t len = sizeof(addr);

	make_pair();
	T(fd = syscall(SYS_socket, PF_INET, type_of_sock(), 0));
	T(syscall(SYS_socket, PF_INET, type_of_sock() | SOCK_CLOEXEC, 77));
	T(syscall(SYS_bind, fd, &addr, sizeof(addr)));
	know('A', fd);
	T(syscall(SYS_bind, fd, &addr, sizeof(addr)));
	T(syscall(SYS_getsockname, fd, &addr, &len));
	show_addr(&addr, len);
	T(syscall(SYS_connect, fd, &addr_b, sizeof(addr_b)));
	len = sizeof(addr);
	T(syscall(SYS_getpeername, fd, &addr, &len));
	show_addr(&addr, len);
	T(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, 4));
	len = sizeof(value);
	T(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &value, &len));
	T(value);
	T(syscall(SYS_listen, fd, 1));
	T(syscall(SYS_accept, fd, NULL, NULL));
	T(syscall(SYS_accept4, fd, NULL, NULL, 0));
	T(syscall(SYS_shutdown, fd, SHUT_WR));
	T(syscall(SYS_sendto, fd, "x", 1, 0, NULL, 0));
}

static void data_by_number(void)
{
	struct iovec iov = { "by number", 9 }, to = { buf, 24 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct msghdr into = { .msg_iov = &to, .msg_iovlen = 1 };
	struct mmsghdr vec = { .msg_hdr = msg };
	struct mmsghdr into_vec = { .msg_hdr = into };
	int n = -1;

	connect_pair();
	T(syscall(SYS_sendto, sock_a, "sendto", 6, 0, NULL, 0));
	R(recv(sock_b, buf, 24, MSG_DONTWAIT));
	T(syscall(SYS_sendmsg, sock_a, &msg, 0));
	R(recv(sock_b, buf, 24, MSG_DONTWAIT));
	T(syscall(SYS_sendmmsg, sock_a, &vec, 1, 0));
	T(vec.msg_len);
	R(recv(sock_b, buf, 24, MSG_DONTWAIT));
	T(syscall(SYS_write, sock_a, "write", 5));
	R(recv(sock_b, buf, 24, MSG_DONTWAIT));
	T(syscall(SYS_writev, sock_a, &iov, 1));
	R(recv(sock_b, buf, 24, MSG_DONTWAIT));
	for (int i = 0; i < 6; i++)
		T(send(sock_a, "payload", 7, 0));
	T(syscall(SYS_ioctl, sock_b, FIONREAD, &n));
	T(n);
	fresh();
	R(syscall(SYS_recvfrom, sock_b, buf, 24, 0, &from, &fromlen));
	R(syscall(SYS_recvmsg, sock_b, &into, 0));
	R(syscall(SYS_recvmmsg, sock_b, &into_vec, 1, 0, NULL));
	T(into_vec.msg_len);
	R(syscall(SYS_read, sock_b, buf, 24));
	R(syscall(SYS_readv, sock_b, &to, 1));
	R(syscall(SYS_recvfrom, sock_b, buf, 3, MSG_TRUNC, NULL, NULL));
	show_rest(sock_b);
	T(syscall(SYS_recvfrom, sock_b, buf, 3, MSG_DONTWAIT, NULL, NULL));
}

static void descriptors_by_number(void)
{
	int fd;

	make_pair();
	T(fd = syscall(SYS_dup, sock_a));
	T(sendto(fd, "dup", 3, 0, SA(&addr_b), sizeof(addr_b)));
	R(recv(sock_b, buf, 24, 0));
	T(syscall(SYS_dup3, sock_a, 90, O_CLOEXEC));
	T(sendto(90, "dup3", 4, 0, SA(&addr_b), sizeof(addr_b)));
	R(recv(sock_b, buf, 24, 0));
	T(syscall(SYS_fcntl, sock_a, F_DUPFD, 100));
	T(sendto(100, "fcntl", 5, 0, SA(&addr_b), sizeof(addr_b)));
	R(recv(sock_b, buf, 24, 0));
#ifdef SYS_dup2
	T(syscall(SYS_dup2, sock_a, 110));
#else
	T(dup2(sock_a, 110));
#endif
	T(sendto(110, "dup2", 4, 0, SA(&addr_b), sizeof(addr_b)));
	R(recv(sock_b, buf, 24, 0));
	T(syscall(SYS_close, sock_a));
	T(syscall(SYS_close, sock_a));
	T(syscall(SYS_close, fd));
	T(syscall(SYS_close_range, 90, 110, 0));
	fd = sock();
	T(bind(fd, SA(&addr_a), sizeof(addr_a)));
	T(syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK));
	T(recv(fd, buf, 1, 0));
}

/* The waits take the socket's strays away; see waits.c. */
static void waits_by_number(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct timespec none = { 0 };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);
	fd_set set;

	make_pair();
	pfd.fd = sock_b;
	send_stray(&addr_b);
	T(syscall(SYS_ppoll, &pfd, 1, &none, NULL, 8));
	FD_ZERO(&set);
	FD_SET(sock_b, &set);
	T(syscall(SYS_pselect6, sock_b + 1, &set, NULL, NULL, &none, NULL));
	T(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, sock_b, &ev));
	T(epoll_wait(ep, &ev, 1, 0));
	deliver("payload");
	T(syscall(SYS_ppoll, &pfd, 1, &none, NULL, 8));
	FD_SET(sock_b, &set);
	T(syscall(SYS_pselect6, sock_b + 1, &set, NULL, NULL, &none, NULL));
#ifdef SYS_poll
	T(syscall(SYS_poll, &pfd, 1, 0));
	T(syscall(SYS_select, sock_b + 1, &set, NULL, NULL, &none));
#endif
	T(epoll_wait(ep, &ev, 1, 0));
	T(ev.events);
}

static void other_numbers(void)
{
	T(syscall(-1));
	T(syscall(100000));
	T(syscall(SYS_getpid) == getpid());
	T(syscall(SYS_close, 900));
}

/* ---- names ------------------------------------------------------------- */

static void fortified(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct timespec none = { 0 };

	make_pair();
	for (int i = 0; i < 3; i++)
		deliver("payload");
	pfd.fd = sock_b;
	T(__poll_chk(&pfd, 1, 0, sizeof(pfd)));
	T(__ppoll_chk(&pfd, 1, &none, NULL, sizeof(pfd)));
	R(__read_chk(sock_b, buf, 24, sizeof(buf)));
	R(__recv_chk(sock_b, buf, 24, sizeof(buf), MSG_PEEK));
	R(__recv_chk(sock_b, buf, 24, sizeof(buf), 0));
	R(__recvfrom_chk(sock_b, buf, 24, sizeof(buf), 0, SA(&from), &fromlen));
	show_rest(sock_b);
}

static void fortified_strays(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct timespec none = { 0 };

	for (int i = 0; i < 2; i++) {
		make_pair();
		pfd.fd = sock_b;
		send_stray(&addr_b);
		if (i)
			T(__poll_chk(&pfd, 1, 0, sizeof(pfd)));
		else
			T(__ppoll_chk(&pfd, 1, &none, NULL, sizeof(pfd)));
	}
}

/* A length beyond the buffer ends the program, as it does in libc. */
static void overflow(void (*act)(void))
{
	int status;

	if (!fork()) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		close(2);
		act();
		_exit(0);
	}
	wait(&status);
	printf("  signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static volatile size_t too_much = sizeof(buf) + 1;

static void overflow_read(void)
{
	__read_chk(sock_b, buf, too_much, sizeof(buf));
}

static void overflow_recv(void)
{
	__recv_chk(sock_b, buf, too_much, sizeof(buf), 0);
}

static void overflow_recvfrom(void)
{
	__recvfrom_chk(sock_b, buf, too_much, sizeof(buf), 0, NULL, NULL);
}

static void overflow_poll(void)
{
	struct pollfd pfd = { .fd = sock_b, .events = POLLIN };

	__poll_chk(&pfd, 2, 0, sizeof(pfd));
}

static void fortified_overflow(void)
{
	make_pair();
	deliver("payload");
	overflow(overflow_read);
	overflow(overflow_recv);
	overflow(overflow_recvfrom);
	overflow(overflow_poll);
	show_rest(sock_b);
}

int __close(int fd);
int __connect(int fd, const struct sockaddr *addr, socklen_t len);
int __dup2(int fd, int newfd);
int __fcntl(int fd, int cmd, ...);
int __poll(struct pollfd *fds, nfds_t n, int timeout);
ssize_t __read(int fd, void *to, size_t len);
ssize_t __send(int fd, const void *data, size_t len, int flags);
ssize_t __write(int fd, const void *data, size_t len);

static void underscored(void)
{
	struct pollfd pfd = { .events = POLLIN };

	make_pair();
	pfd.fd = sock_b;
	T(__connect(sock_a, SA(&addr_b), sizeof(addr_b)));
	show_peer(sock_a);
	T(__send(sock_a, "send", 4, 0));
	T(__write(sock_a, "write", 5));
	T(__poll(&pfd, 1, 0));
	R(__read(sock_b, buf, 24));
	R(__read(sock_b, buf, 24));
	T(__dup2(sock_a, 90));
	T(__fcntl(sock_a, F_DUPFD, 100));
	T(__close(sock_a));
	T(__send(90, "dup2", 4, 0));
	T(__send(100, "dupfd", 5, 0));
	R(__read(sock_b, buf, 24));
	R(__read(sock_b, buf, 24));
	show_rest(sock_b);
}

SCENARIOS({ "names_by_number", names_by_number },
	  { "data_by_number", data_by_number },
	  { "descriptors_by_number", descriptors_by_number },
	  { "waits_by_number", waits_by_number },
	  { "other_numbers", other_numbers }, { "fortified", fortified },
	  { "fortified_strays", fortified_strays },
	  { "fortified_overflow", fortified_overflow },
	  { "underscored", underscored })
