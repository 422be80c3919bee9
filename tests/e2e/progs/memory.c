// SPDX-License-Identifier: MIT
/*
 * memory.c - calls with memory that can't be read, or can be read only: what is
 * said of it, and what the call has done all the same.
 */
#include <limits.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "prog.h"

#define PAGE 4096
#define LONG 3000

static char large[70000];

/* Numbers of iovecs that the compiler knows nothing of. */
static volatile int negative = -1, too_many = 1025;

/* Two pages, of which only the first one can be used. */
static void *mapped(int prot)
{
	char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("mmap");
	memset(at, '-', 2 * PAGE);
	mprotect(at + PAGE, PAGE, PROT_NONE);
	mprotect(at, PAGE, prot);
	return at;
}

/* A copy of @what that can't be written to. */
static void *read_only(const void *what, size_t len)
{
	char *at = mapped(PROT_READ | PROT_WRITE);

	memcpy(at, what, len);
	mprotect(at, PAGE, PROT_READ);
	return at;
}

/* What is put so that it ends with the memory. */
static void *at_the_end(const void *what, size_t len)
{
	return memcpy(mapped(PROT_READ | PROT_WRITE) + PAGE - len, what, len);
}

static void show_queue(int fd)
{
	int n;

	while ((n = recv(fd, large, sizeof(large), MSG_DONTWAIT)) >= 0)
		printf("  left: %d\n", n);
}

/* From A to B, to the address or the peer. */
static void deliver_long(size_t len)
{
	memset(large, 'x', len);
	if (sendto(sock_a, large, len, 0, SA(&addr_b), sizeof(addr_b)) !=
	    (ssize_t)len)
		die("sendto");
}

/* ---- vectors of messages -------------------------------------------------- */

static struct iovec iov[1024];

/* @n messages whose vector ends with the memory. */
static struct mmsghdr *vector(unsigned int n, size_t len)
{
	struct mmsghdr vec[4] = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		iov[i] = (struct iovec){ large + 1000 * i, len };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	return at_the_end(vec, n * sizeof(*vec));
}

static void sends_past_the_memory(void)
{
	struct mmsghdr *vec;

	connect_pair();
	for (unsigned int n = 1; n <= 3; n++) {
		vec = vector(n, 5);
		T(sendmmsg(sock_a, vec, 100, 0));
		T(sendmmsg(sock_a, vec, UINT_MAX, MSG_MORE));
		T(sendmmsg(sock_a, vec + n, 1, 0));
		T(send(sock_a, "end", 3, 0));
		printf("  %u\n", vec[n - 1].msg_len);
		show_queue(sock_b);
	}
}

static void receives_past_the_memory(void)
{
	struct mmsghdr *vec = vector(2, 64);

	connect_pair();
	T(recvmmsg(sock_b, vec + 2, 5, MSG_DONTWAIT, NULL));
	T(recvmmsg(sock_b, vec, UINT_MAX, MSG_DONTWAIT, NULL));
	for (int polled = 0; polled < 2; polled++) {
		for (int i = 0; i < 3; i++)
			deliver("abcde");
		T(recvmmsg(sock_b, vec, UINT_MAX, MSG_DONTWAIT, NULL));
		printf("  %u %.5s %u %.5s\n", vec[0].msg_len, large,
		       vec[1].msg_len, large + 1000);
		T(recvmmsg(sock_b, vec + 2, 5, MSG_DONTWAIT, NULL));
		T(recv(sock_b, large, 100, MSG_DONTWAIT));
		T(recv(sock_b, large, 100, MSG_DONTWAIT));
	}
}

/* Iovecs that run past their memory, in the first message and behind it. */
static void iovecs_past_the_memory(void)
{
	struct iovec *end = at_the_end(iov, 2 * sizeof(*iov));
	struct mmsghdr *vec = vector(2, 5);

	connect_pair();
	end[0] = end[1] = (struct iovec){ large, 5 };
	vec[1].msg_hdr.msg_iov = end;
	for (int n = 1; n <= 3; n++) {
		vec[1].msg_hdr.msg_iovlen = n;
		T(sendmmsg(sock_a, vec, 2, 0));
		T(sendmmsg(sock_a, vec + 1, 1, 0));
		T(sendmsg(sock_a, &vec[1].msg_hdr, 0));
		T(writev(sock_a, end, n));
		T(recvmmsg(sock_b, vec, 2, MSG_DONTWAIT, NULL));
		T(recvmmsg(sock_b, vec + 1, 1, MSG_DONTWAIT, NULL));
		T(recvmsg(sock_b, &vec[1].msg_hdr, MSG_DONTWAIT));
		T(readv(sock_b, end, n));
		show_queue(sock_b);
	}
	end[0].iov_len = SIZE_MAX;
	vec[1].msg_hdr.msg_iovlen = 3;
	T(sendmsg(sock_a, &vec[1].msg_hdr, 0));
	T(recvmsg(sock_b, &vec[1].msg_hdr, MSG_DONTWAIT));
	end[0] = end[1] = (struct iovec){ large, 0 };
	T(writev(sock_a, end, 2));
	T(writev(sock_a, end, negative));
	T(writev(sock_a, end, too_many));
	T(pwritev2(sock_a, end, 2, -1, 0));
	T(pwritev2(sock_a, end, 2, 0, 0));
	T(pwritev2(sock_a, end, 3, -1, 0));
	T(readv(sock_b, end, 2));
	T(preadv2(sock_b, end, 1, -1, 0));
	T(preadv2(sock_b, end, 1, 1, 0));
	show_queue(sock_b);
}

/* A vector that can be read only: the first one is moved, and not counted. */
static void vector_that_is_read_only(void)
{
	struct mmsghdr *vec = vector(3, 50), *first;

	connect_pair();
	first = read_only(vec, 3 * sizeof(*vec));
	T(sendmmsg(sock_a, first, 3, 0));
	T(recvmmsg(sock_b, first, 3, MSG_DONTWAIT, NULL));
	T(recvmmsg(sock_b, first, 3, MSG_DONTWAIT, NULL));
	deliver("abc");
	T(recvmmsg(sock_b, first, 3, MSG_PEEK, NULL));
	T(recvmmsg(sock_b, first, 3, 0, NULL));
	show_queue(sock_b);
}

/* Of three messages the third one lies in memory that can be read only. */
static void vector_that_becomes_read_only(void)
{
	char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mmsghdr *vec = memcpy(at + PAGE - 2 * sizeof(*vec),
				     vector(3, 50), 3 * sizeof(*vec));
	socklen_t len = sizeof(int);
	int err = 0;

	connect_pair();
	mprotect(at + PAGE, PAGE, PROT_READ);
	T(sendmmsg(sock_a, vec, 3, 0));
	printf("  %u %u %u\n", vec[0].msg_len, vec[1].msg_len, vec[2].msg_len);
	T(recvmmsg(sock_b, vec, 3, MSG_DONTWAIT, NULL));
	T(getsockopt(sock_b, SOL_SOCKET, SO_ERROR, &err, &len));
	printf("  %u %u %u, error %d\n", vec[0].msg_len, vec[1].msg_len,
	       vec[2].msg_len, err);
	show_queue(sock_b);
}

static void time_that_is_read_only(void)
{
	const struct timespec second = { 1, 0 }, bad = { -1, 0 };
	struct mmsghdr *vec = vector(2, 50);

	connect_pair();
	deliver("abc");
	T(recvmmsg(sock_b, vec, 1, 0, read_only(&second, sizeof(second))));
	T(recvmmsg(sock_b, vec, 1, MSG_DONTWAIT,
		   read_only(&second, sizeof(second))));
	T(recvmmsg(sock_b, vec, 1, 0, read_only(&bad, sizeof(bad))));
	T(recvmmsg(sock_b, BAD_PTR, 1, 0, read_only(&bad, sizeof(bad))));
	T(recvmmsg(sock_b, vec, 0, 0, BAD_PTR));
	T(recvmmsg(sock_b, vec, 0, 0, read_only(&second, sizeof(second))));
	T(recvmmsg(-1, vec, 0, 0, BAD_PTR));
	T(recvmmsg(sock_b, BAD_PTR, 0, 0, NULL));
	T(sendmmsg(sock_a, BAD_PTR, 0, 0));
}

/* ---- one message ---------------------------------------------------------- */

/* Short and long, looked at and taken; then what is left of three. */
static void receive_into(struct msghdr *msg)
{
	static const size_t lengths[] = { 50, LONG };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (int n = 0; n < 3; n++)
			deliver_long(lengths[i] + n);
		T(recvmsg(sock_b, msg, MSG_PEEK));
		T(recvmsg(sock_b, msg, 0));
		T(recvmsg(sock_b, msg, MSG_TRUNC));
		show_queue(sock_b);
	}
	T(recvmsg(sock_b, msg, MSG_DONTWAIT));
}

static void name_that_is_bad(void)
{
	void *const bad[] = { (void *)8, BAD_PTR, mapped(PROT_READ),
			      mapped(PROT_NONE) };
	static const socklen_t lengths[] = { 0, 1, 8, 16, 200 };

	connect_pair();
	iov[0] = (struct iovec){ large, LONG };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			struct msghdr msg = { .msg_name = bad[i],
					      .msg_namelen = lengths[j],
					      .msg_iov = iov,
					      .msg_iovlen = 1 };

			receive_into(&msg);
			printf("  name %u\n", msg.msg_namelen);
		}
}

static void header_that_is_read_only(void)
{
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = 8,
			      .msg_iov = iov,
			      .msg_iovlen = 1 };

	connect_pair();
	iov[0] = (struct iovec){ large, LONG };
	receive_into(read_only(&msg, sizeof(msg)));
	msg.msg_name = NULL;
	receive_into(read_only(&msg, sizeof(msg)));
	receive_into(mapped(PROT_READ) + PAGE - 8);
	receive_into(mapped(PROT_NONE));
}

/* As many iovecs of a byte as @n, and one of them is at a bad place. */
static struct msghdr spread(size_t n, size_t at, void *bad, size_t len)
{
	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){ large + 100 + i * len, len };
	iov[at].iov_base = bad;
	return (struct msghdr){ .msg_iov = iov, .msg_iovlen = n };
}

/* A bad place behind the end of the datagram does no harm. */
static void iovecs_that_are_bad(void)
{
	void *const bad[] = { (void *)8, mapped(PROT_READ), mapped(PROT_NONE) };
	static const struct {
		size_t n, at, len;
	} c[] = { { 2, 1, 40 },	     { 3, 2, 40 },   { 64, 63, 1 },
		  { 65, 10, 50 },    { 65, 64, 1 },  { 1023, 1000, 1 },
		  { 1024, 1023, 1 }, { 1024, 0, 1 }, { 1024, 700, 40 } };

	connect_pair();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (size_t j = 0; j < ARRAY_SIZE(c); j++) {
			struct msghdr msg =
				spread(c[j].n, c[j].at, bad[i], c[j].len);

			printf("%zu iovecs, %zu\n", c[j].n, c[j].at);
			T(sendmsg(sock_a, &msg, 0));
			show_queue(sock_b);
			receive_into(&msg);
		}
}

/* From the error queue, what comes back of a datagram to nobody. */
static void errors_into_bad_memory(void)
{
	void *const names[] = { (void *)8, mapped(PROT_READ), &from };
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);
	int fd = sock(), on = 1;

	setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	connect_to(fd, &nobody);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (size_t n = 3; n <= 100; n += 97) {
			struct msghdr msg = spread(n, n - 1, (void *)8, 4);

			msg.msg_name = names[i];
			msg.msg_namelen = sizeof(from);
			memset(large, '.', 200);
			send(fd, "payload", 7, 0);
			T(recvmsg(fd, &msg, MSG_ERRQUEUE));
			printf("  %.9s name %u\n", large + 100,
			       msg.msg_namelen);
			send(fd, "payload that is longer", 22, 0);
			send(fd, "payload that is longer", 22, 0);
			T(recvmsg(fd, &msg, MSG_ERRQUEUE));
			T(recv(fd, large, 100, MSG_ERRQUEUE | MSG_DONTWAIT));
		}
}

/* What else is wrong with the call is said ahead of a payload that is bad. */
static void payload_that_is_bad_too(void)
{
	struct sockaddr_in other = { .sin_family = OTHER_FAMILY }, none;
	struct msghdr msg = spread(1024, 1000, (void *)8, 1);
	struct msghdr long_msg;
	int fd;

	make_pair();
	none = addr_b;
	none.sin_port = 0;
	fd = sock();
	T(sendmsg(fd, &msg, 0));
	msg.msg_name = &other;
	msg.msg_namelen = sizeof(other);
	T(sendmsg(fd, &msg, 0));
	msg.msg_name = &none;
	T(sendmsg(fd, &msg, 0));
	msg.msg_name = &addr_b;
	T(sendmsg(fd, &msg, MSG_OOB));
	T(sendmsg(fd, &msg, 0));
	for (size_t len = 63; len <= 65; len++) {
		long_msg = spread(1024, 0, (void *)8, len);
		T(sendmsg(fd, &long_msg, 0));
		long_msg.msg_name = &addr_b;
		long_msg.msg_namelen = sizeof(addr_b);
		T(sendmsg(fd, &long_msg, 0));
		long_msg.msg_namelen = 5;
		T(sendmsg(fd, &long_msg, 0));
	}
	show_queue(sock_b);
}

/* ---- one buffer ----------------------------------------------------------- */

static void buffer_that_is_bad(void)
{
	char *const pages[] = { mapped(PROT_READ), mapped(PROT_NONE),
				mapped(PROT_READ | PROT_WRITE) };

	connect_pair();
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		for (int n = 0; n < 6; n++)
			deliver("abcdefgh");
		T(recv(sock_b, pages[i], 100, MSG_PEEK));
		T(recv(sock_b, pages[i], 100, 0));
		T(recv(sock_b, pages[i], LONG, 0));
		T(recv(sock_b, pages[i] + PAGE - 4, 100, 0));
		T(recv(sock_b, pages[i] + PAGE - 4, 4, MSG_TRUNC));
		T(recv(sock_b, pages[i] + PAGE - 4, 0, 0));
		show_queue(sock_b);
	}
	printf("  %.4s\n", pages[2] + PAGE - 4);
	T(recv(sock_b, pages[0], 100, MSG_DONTWAIT));
}

static void receive_named(void *payload, void *name, socklen_t *len)
{
	deliver("abc");
	T(recvfrom(sock_b, payload, 100, 0, name, len));
	T(recv(sock_b, large, 100, MSG_DONTWAIT));
}

/* The payload is written first, then the name, then its length. */
static void room_that_is_read_only(void)
{
	socklen_t len = sizeof(from);
	void *const page = mapped(PROT_READ);
	socklen_t *const fixed = read_only(&len, sizeof(len));

	connect_pair();
	fresh();
	receive_named(buf, page, &len);
	printf("  %.3s, length %u\n", buf, len);
	len = 0;
	receive_named(buf, page, &len);
	printf("  length %u\n", len);
	receive_named(buf, &from, fixed);
	printf("  %.3s, family %d\n", buf, from.sin_family);
	fresh();
	receive_named(page, &from, &fromlen);
	printf("  family %d, length %u\n", from.sin_family, fromlen);
}

/* ---- options and positions ------------------------------------------------ */

static void options_that_are_read_only(void)
{
	static const int names[] = { SO_TYPE, SO_REUSEADDR, SO_ERROR,
				     SO_RCVBUF };
	socklen_t len = sizeof(int);
	int value = 7;
	void *const page = mapped(PROT_READ);
	socklen_t *const fixed = read_only(&len, sizeof(len));

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		T(getsockopt(sock_a, SOL_SOCKET, names[i], page, &len));
		T(getsockopt(sock_a, SOL_SOCKET, names[i], &value, fixed));
	}
	T(getsockopt(sock_a, IPPROTO_IP, 51, page, &len));
	T(getsockopt(sock_a, IPPROTO_IP, 51, &value, fixed));
	T(getsockopt(sock_a, SOL_SOCKET, SO_GET_FILTER, page, &len));
	T(getsockopt(sock_a, SOL_SOCKET, SO_GET_FILTER, page, fixed));
	T(ioctl(sock_a, FIONREAD, page));
	len = sizeof(from);
	T(getsockname(sock_a, page, &len));
	T(getsockname(sock_a, SA(&from), fixed));
}

static void position_that_is_read_only(void)
{
	char path[] = "/tmp/cop-memory-XXXXXX";
	int fd = mkstemp(path);
	off_t off = 1;

	connect_pair();
	unlink(path);
	if (write(fd, "abcdef", 6) != 6)
		die("write");
	T(sendfile(sock_a, fd, read_only(&off, sizeof(off)), 3));
	T(sendfile(sock_a, fd, BAD_PTR, 3));
	T(sendfile(sock_a, fd, &off, 3));
	printf("  at %ld\n", (long)off);
	show_queue(sock_b);
}

SCENARIOS({ "sends_past_the_memory", sends_past_the_memory },
	  { "receives_past_the_memory", receives_past_the_memory },
	  { "iovecs_past_the_memory", iovecs_past_the_memory },
	  { "vector_that_is_read_only", vector_that_is_read_only },
	  { "vector_that_becomes_read_only", vector_that_becomes_read_only },
	  { "time_that_is_read_only", time_that_is_read_only },
	  { "name_that_is_bad", name_that_is_bad },
	  { "header_that_is_read_only", header_that_is_read_only },
	  { "iovecs_that_are_bad", iovecs_that_are_bad },
	  { "payload_that_is_bad_too", payload_that_is_bad_too },
	  { "errors_into_bad_memory", errors_into_bad_memory },
	  { "buffer_that_is_bad", buffer_that_is_bad },
	  { "room_that_is_read_only", room_that_is_read_only },
	  { "options_that_are_read_only", options_that_are_read_only },
	  { "position_that_is_read_only", position_that_is_read_only })
