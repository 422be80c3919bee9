// SPDX-License-Identifier: MIT
/*
 * talk.c - a conversation by COP between programs for two processors. It knows of
 * libcop only the two numbers of a COP socket.
 *
 *	talk answer		prints its port, and answers each datagram with the same
 *				bytes in reverse order, until one of them is empty
 *	talk ask PORT		sends datagrams, and checks the answers
 *	talk end PORT		sends an empty datagram
 *
 * Both receive and wait by every call in turn, since a 32-bit libc has two of many.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define SOCK_COP    7
#define IPPROTO_COP 253
#define LONGEST	    8000
#define ROUNDS	    3

#define CHECK(x)                                                             \
	do {                                                                 \
		if (!(x)) {                                                  \
			fprintf(stderr, "talk: line %d: %s: %s\n", __LINE__, \
				#x, strerror(errno));                        \
			exit(1);                                             \
		}                                                            \
	} while (0)

static struct sockaddr_in peer;

/* ---- waiting -------------------------------------------------------------- */

static void wait_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 60000) == 1);
}

static void wait_ppoll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec most = { 60, 5 };

	CHECK(ppoll(&p, 1, &most, NULL) == 1 && most.tv_sec == 60);
}

static void wait_select(int fd)
{
	struct timeval most = { 60, 5 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	CHECK(select(fd + 1, &set, NULL, NULL, &most) == 1);
	CHECK(most.tv_sec <= 60 && most.tv_usec < 1000000);
}

static void wait_pselect(int fd)
{
	struct timespec most = { 60, 5 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	CHECK(pselect(fd + 1, &set, NULL, NULL, &most, NULL) == 1);
}

static void wait_epoll(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int epfd = epoll_create1(0);

	CHECK(epfd >= 0 && !epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev));
	CHECK(epoll_wait(epfd, &ev, 1, 60000) == 1);
	close(epfd);
}

static void wait_no(int fd)
{
	(void)fd;
}

static void (*const waits[])(int fd) = { wait_poll,    wait_ppoll, wait_select,
					 wait_pselect, wait_epoll, wait_no };

/* ---- receiving: each sets peer -------------------------------------------- */

static ssize_t by_recvfrom(int fd, char *buf)
{
	socklen_t len = sizeof(peer);

	return recvfrom(fd, buf, LONGEST, 0, (struct sockaddr *)&peer, &len);
}

static ssize_t by_recvmsg(int fd, char *buf)
{
	struct iovec iov[2] = { { buf, 7 }, { buf + 7, LONGEST - 7 } };
	struct msghdr msg = { .msg_name = &peer,
			      .msg_namelen = sizeof(peer),
			      .msg_iov = iov,
			      .msg_iovlen = 2 };

	return recvmsg(fd, &msg, 0);
}

static ssize_t by_recvmmsg(int fd, char *buf)
{
	struct iovec iov = { buf, LONGEST };
	struct mmsghdr vec = { .msg_hdr = { .msg_name = &peer,
					    .msg_namelen = sizeof(peer),
					    .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	int n = recvmmsg(fd, &vec, 1, 0, NULL);

	return n == 1 ? (ssize_t)vec.msg_len : -1;
}

static ssize_t by_syscall(int fd, char *buf)
{
	socklen_t len = sizeof(peer);
#ifdef SYS_socketcall
	long a[] = { fd, (long)buf, LONGEST, 0, (long)&peer, (long)&len };

	return syscall(SYS_socketcall, 12 /* recvfrom */, a);
#else
	return syscall(SYS_recvfrom, (long)fd, buf, (long)LONGEST, 0L, &peer,
		       &len);
#endif
}

static ssize_t (*const receives[])(int fd,
				   char *buf) = { by_recvfrom, by_recvmsg,
						  by_recvmmsg, by_syscall };

/* ---- sending to peer ------------------------------------------------------ */

static ssize_t by_sendto(int fd, const char *buf, size_t len)
{
	return sendto(fd, buf, len, 0, (struct sockaddr *)&peer, sizeof(peer));
}

static ssize_t by_sendmmsg(int fd, const char *buf, size_t len)
{
	struct iovec iov = { (void *)buf, len };
	struct mmsghdr vec = { .msg_hdr = { .msg_name = &peer,
					    .msg_namelen = sizeof(peer),
					    .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	return sendmmsg(fd, &vec, 1, 0) == 1 ? (ssize_t)len : -1;
}

static ssize_t by_sendmsg(int fd, const char *buf, size_t len)
{
	struct iovec iov[2] = { { (void *)buf, len / 2 },
				{ (void *)(buf + len / 2), len - len / 2 } };
	struct msghdr msg = { .msg_name = &peer,
			      .msg_namelen = sizeof(peer),
			      .msg_iov = iov,
			      .msg_iovlen = 2 };

	return sendmsg(fd, &msg, 0);
}

static ssize_t (*const sends[])(int fd, const char *buf,
				size_t len) = { by_sendto, by_sendmmsg,
						by_sendmsg };

#define ONE_OF(calls, i) ((calls)[(i) % (sizeof(calls) / sizeof((calls)[0]))])

/* ---- both sides ----------------------------------------------------------- */

static int open_socket(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct timeval most = { 60, 0 }, is = { 0, 0 };
	socklen_t len = sizeof(is);
	int fd = socket(AF_INET, SOCK_COP, IPPROTO_COP);

	CHECK(fd >= 0);
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(!bind(fd, (struct sockaddr *)&any, sizeof(any)));
	CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)));
	CHECK(!getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &is, &len));
	/* qemu-user does not know the option for times of 64 bits. */
	if (!getenv("EMULATED"))
		CHECK(is.tv_sec == 60 && !is.tv_usec && len == sizeof(is));
	return fd;
}

static void reverse(char *buf, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		char byte = buf[i];

		buf[i] = buf[len - 1 - i];
		buf[len - 1 - i] = byte;
	}
}

static int answer(void)
{
	socklen_t len = sizeof(peer);
	int fd = open_socket();
	char buf[LONGEST];

	CHECK(!getsockname(fd, (struct sockaddr *)&peer, &len));
	printf("%d\n", ntohs(peer.sin_port));
	fflush(stdout);
	for (unsigned int i = 0;; i++) {
		ssize_t n = ONE_OF(receives, i)(fd, buf);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		CHECK(n >= 0);
		if (!n)
			return 0;
		reverse(buf, n);
		CHECK(ONE_OF(sends, i / 4)(fd, buf, n) == n);
	}
}

static void ask_one(int fd, unsigned int i, size_t len)
{
	static char sent[LONGEST], got[LONGEST];
	const struct sockaddr_in to = peer;

	for (size_t at = 0; at < len; at++)
		sent[at] = 'a' + (at * 7 + i) % 26;
	CHECK(ONE_OF(sends, i)(fd, sent, len) == (ssize_t)len);
	ONE_OF(waits, i)(fd);
	memset(got, 0, sizeof(got));
	CHECK(ONE_OF(receives, i / 3)(fd, got) == (ssize_t)len);
	CHECK(peer.sin_port == to.sin_port &&
	      peer.sin_addr.s_addr == to.sin_addr.s_addr);
	reverse(got, len);
	CHECK(!memcmp(got, sent, len));
}

static int ask(void)
{
	static const size_t size[] = { 1, 2, 100, 1456, 2048, 2049, LONGEST };
	int fd = open_socket();
	unsigned int i = 0;

	for (int round = 0; round < ROUNDS; round++)
		for (size_t s = 0; s < sizeof(size) / sizeof(*size); s++)
			ask_one(fd, i++, size[s]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "answer"))
		return answer();
	CHECK(argc == 3);
	peer.sin_family = AF_INET;
	peer.sin_port = htons(atoi(argv[2]));
	peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!strcmp(argv[1], "ask"))
		return ask();
	CHECK(!by_sendto(open_socket(), "", 0));
	return 0;
}
