// SPDX-License-Identifier: MIT
/*
 * data.c - the calls that send and receive one datagram, and their flags.
 */
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "stray.h"

static int receive(int fd, size_t len, int flags)
{
	fromlen = sizeof(from);
	return recvfrom(fd, buf, len, flags, SA(&from), &fromlen);
}

/* ---- one datagram, every way ------------------------------------------- */

static void send_ways(void)
{
	struct iovec iov[3] = { { "one", 3 }, { "", 0 }, { "two", 3 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	struct mmsghdr vec = { .msg_hdr = msg };

	connect_pair();
	T(send(sock_a, "send", 4, 0));
	R(receive(sock_b, 64, 0));
	T(sendto(sock_a, "sendto", 6, 0, NULL, 0));
	R(receive(sock_b, 64, 0));
	T(sendto(sock_a, "to peer", 7, 0, SA(&addr_b), sizeof(addr_b)));
	R(receive(sock_b, 64, 0));
	T(sendto(sock_a, "to self", 7, 0, SA(&addr_a), sizeof(addr_a)));
	T(sendmsg(sock_a, &msg, 0));
	R(receive(sock_b, 64, 0));
	T(sendmmsg(sock_a, &vec, 1, 0));
	T(vec.msg_len);
	R(receive(sock_b, 64, 0));
	T(write(sock_a, "write", 5));
	R(receive(sock_b, 64, 0));
	T(writev(sock_a, iov, 3));
	R(receive(sock_b, 64, 0));
	T(pwritev2(sock_a, iov, 3, -1, 0));
	R(receive(sock_b, 64, 0));
	show_rest(sock_b);
	show_rest(sock_a);
}

static void receive_ways(void)
{
	struct iovec iov[3] = { { buf, 2 }, { NULL, 0 }, { buf + 4, 8 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	struct mmsghdr vec = { .msg_hdr = msg };

	make_pair();
	for (int i = 0; i < 8; i++)
		deliver("payload");
	R(recv(sock_b, buf, 64, 0));
	R(recvfrom(sock_b, buf, 64, 0, NULL, NULL));
	R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
	R(recvmsg(sock_b, &msg, 0));
	R(recvmmsg(sock_b, &vec, 1, 0, NULL));
	T(vec.msg_len);
	R(read(sock_b, buf, 64));
	R(readv(sock_b, iov, 3));
	R(preadv2(sock_b, iov, 3, -1, 0));
	show_rest(sock_b);
}

static void sizes(void)
{
	static const int size[] = { 1,	  2047,	 2048,	2049, 4096,
				    9000, 16000, 40000, 65000 };
	static char out[65536], in[65536];

	make_pair();
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 31 + (i >> 8);
	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		printf("%d bytes\n", size[i]);
		memset(in, 0, sizeof(in));
		T(sendto(sock_a, out, size[i], 0, SA(&addr_b), sizeof(addr_b)));
		T(recv(sock_b, in, sizeof(in), MSG_PEEK));
		T(memcmp(in, out, size[i]));
		memset(in, 0, sizeof(in));
		T(recv(sock_b, in, sizeof(in), 0));
		T(memcmp(in, out, size[i]));
		T(in[size[i]]);
	}
}

static void too_large(void)
{
	static char out[70000];
	struct iovec iov = { out, sizeof(out) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	connect_pair();
	T(send(sock_a, out, sizeof(out), 0));
	T(sendmsg(sock_a, &msg, 0));
	T(write(sock_a, out, sizeof(out)));
	T(writev(sock_a, &iov, 1));
	T(sendto(sock_a, out, largest_udp() + 1, 0, SA(&addr_b),
		 sizeof(addr_b)));
	T(send(sock_a, out, SIZE_MAX, 0));
	T(send(sock_a, out, SSIZE_MAX, 0));
	show_rest(sock_b);
	T(send(sock_a, "ok", 2, 0));
	show_rest(sock_b);
}

/* ---- empty datagrams, short buffers ------------------------------------ */

static void empty(void)
{
	struct msghdr none = { 0 };

	connect_pair();
	T(send(sock_a, NULL, 0, 0));
	R(receive(sock_b, 64, 0));
	T(sendto(sock_a, "", 0, 0, SA(&addr_b), sizeof(addr_b)));
	R(receive(sock_b, 64, MSG_TRUNC));
	T(write(sock_a, "", 0));
	R(read(sock_b, buf, 64));
	T(write(sock_a, NULL, 0));
	R(recv(sock_b, NULL, 0, 0));
	T(sendmsg(sock_a, &none, 0));
	R(recvmsg(sock_b, &none, 0));
	T(none.msg_flags);
	show_rest(sock_b);
}

/* A read of nothing leaves the datagram, a recv of nothing takes it. */
static void nothing_asked(void)
{
	struct iovec iov[2] = { { buf, 0 }, { buf, 0 } };
	struct msghdr none = { .msg_iov = iov, .msg_iovlen = 2 };

	make_pair();
	for (int i = 0; i < 8; i++)
		deliver("payload");
	T(read(sock_b, buf, 0));
	T(read(sock_b, NULL, 0));
	T(readv(sock_b, iov, 2));
	T(readv(sock_b, iov, 0));
	T(readv(sock_b, NULL, 0));
	T(preadv2(sock_b, iov, 2, -1, 0));
	T(preadv2(sock_b, iov, 0, -1, 0));
	T(recv(sock_b, buf, 0, 0));
	R(receive(sock_b, 0, 0));
	T(recv(sock_b, NULL, 0, MSG_TRUNC));
	T(recvmsg(sock_b, &none, 0));
	T(none.msg_flags);
	none.msg_iovlen = 0;
	T(recvmsg(sock_b, &none, MSG_TRUNC));
	T(none.msg_flags);
	show_rest(sock_b);
	T(read(sock_b, buf, 0));
	T(readv(sock_b, iov, 2));
}

static void nothing_written(void)
{
	struct iovec iov[2] = { { buf, 0 }, { buf, 0 } };

	connect_pair();
	T(writev(sock_a, iov, 0));
	T(writev(sock_a, NULL, 0));
	T(writev(sock_a, iov, 2));
	T(pwritev2(sock_a, iov, 0, -1, 0));
	T(pwritev2(sock_a, iov, 2, -1, 0));
	show_rest(sock_b);
}

static void short_buffers(void)
{
	struct iovec iov[2] = { { buf, 2 }, { buf + 4, 3 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	make_pair();
	for (int i = 0; i < 7; i++)
		deliver("a long payload");
	R(receive(sock_b, 3, 0));
	R(receive(sock_b, 3, MSG_TRUNC));
	R(recv(sock_b, buf, 1, 0));
	R(recvmsg(sock_b, &msg, 0));
	T(msg.msg_flags);
	R(recvmsg(sock_b, &msg, MSG_TRUNC));
	T(msg.msg_flags);
	R(read(sock_b, buf, 4));
	R(readv(sock_b, iov, 2));
	show_rest(sock_b);
}

/* ---- flags ------------------------------------------------------------- */

static void peek(void)
{
	struct iovec iov[2] = { { buf, 2 }, { buf + 4, 3 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct mmsghdr vec[2] = { { .msg_hdr = msg }, { .msg_hdr = msg } };

	make_pair();
	deliver("first one");
	deliver("second");
	R(receive(sock_b, 64, MSG_PEEK));
	R(receive(sock_b, 3, MSG_PEEK));
	R(receive(sock_b, 3, MSG_PEEK | MSG_TRUNC));
	R(receive(sock_b, 0, MSG_PEEK | MSG_TRUNC));
	R(recvmsg(sock_b, &msg, MSG_PEEK));
	T(msg.msg_flags);
	R(recvmmsg(sock_b, vec, 2, MSG_PEEK, NULL));
	T(vec[0].msg_len);
	T(vec[1].msg_len);
	R(receive(sock_b, 64, 0));
	R(receive(sock_b, 64, MSG_PEEK | MSG_DONTWAIT));
	R(receive(sock_b, 64, 0));
	R(receive(sock_b, 64, MSG_PEEK | MSG_DONTWAIT));
}

static void do_not_wait(void)
{
	struct msghdr none = { 0 };
	struct iovec iov = { buf, 64 };
	struct timeval tv = { .tv_usec = 20000 };

	make_pair();
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(recvmsg(sock_b, &none, MSG_DONTWAIT));
	T(preadv2(sock_b, &iov, 1, -1, 8)); /* RWF_NOWAIT */
	T(setsockopt(sock_b, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	T(recv(sock_b, buf, 64, 0));
	T(read(sock_b, buf, 64));
	deliver("x");
	R(preadv2(sock_b, &iov, 1, -1, 8));
	close(sock_b);
	sock_b = sock_flags(SOCK_NONBLOCK);
	T(recv(sock_b, buf, 64, 0));
	T(read(sock_b, buf, 64));
	T(recv(sock_b, buf, 64, MSG_PEEK));
	T(recv(sock_b, buf, 64, MSG_WAITALL));
}

/* Flags that no datagram socket knows. */
static void other_flags(void)
{
	static const int flags[] = {
		MSG_OOB,     MSG_DONTROUTE, MSG_CTRUNC,	      MSG_PROXY,
		MSG_EOR,     MSG_WAITALL,   MSG_FIN,	      MSG_SYN,
		MSG_CONFIRM, MSG_RST,	    MSG_NOSIGNAL,     MSG_WAITFORONE,
		MSG_BATCH,   MSG_ZEROCOPY,  MSG_CMSG_CLOEXEC, 0x20000,
		0x80000,     0x100000,	    0x200000,	      0x800000,
		0x1000000,   0x8000000,	    0x20000000,	      INT_MIN,
	};

	connect_pair();
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		printf("flags %#x\n", flags[i]);
		T(send(sock_a, "flag", 4, flags[i]));
		R(receive(sock_b, 64, flags[i] | MSG_DONTWAIT));
		show_rest(sock_b);
	}
}

static void more(void)
{
	struct iovec iov = { "vec", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr vec[2] = { { .msg_hdr = msg }, { .msg_hdr = msg } };

	connect_pair();
	T(send(sock_a, "one ", 4, MSG_MORE));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(send(sock_a, "two ", 4, MSG_MORE));
	T(send(sock_a, "three", 5, 0));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	T(send(sock_a, "", 0, MSG_MORE));
	T(write(sock_a, "end", 3));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	T(sendmsg(sock_a, &msg, MSG_MORE));
	T(sendmmsg(sock_a, vec, 2, MSG_MORE));
	T(sendmmsg(sock_a, vec, 2, 0));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	show_rest(sock_b);
}

/* A part that is refused takes the ones before it along, or doesn't. */
static void more_refused(void)
{
	static char large[65000];

	connect_pair();
	T(send(sock_a, "kept ", 5, MSG_MORE));
	T(send(sock_a, "x", 1, MSG_OOB));
	T(send(sock_a, large, 70000, 0));
	T(send(sock_a, "whole", 5, 0));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	T(send(sock_a, "lost", 4, MSG_MORE));
	T(send(sock_a, large, sizeof(large), MSG_MORE));
	T(send(sock_a, large, sizeof(large), 0));
	T(send(sock_a, "whole", 5, 0));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	T(send(sock_a, "lost", 4, MSG_MORE));
	T(send(sock_a, NULL, 4, 0));
	T(send(sock_a, "whole", 5, 0));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	show_rest(sock_b);
}

static void more_elsewhere(void)
{
	make_pair();
	T(sendto(sock_a, "to B ", 5, MSG_MORE, SA(&addr_b), sizeof(addr_b)));
	T(sendto(sock_a, "to A", 4, MSG_MORE, SA(&addr_a), sizeof(addr_a)));
	T(send(sock_a, " and no", 7, 0));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	R(receive(sock_a, 64, MSG_DONTWAIT));
	T(send(sock_a, "nowhere", 7, 0));
	T(send(sock_a, "nowhere", 7, MSG_MORE));
	T(sendto(sock_a, "again", 5, 0, SA(&addr_b), sizeof(addr_b)));
	R(receive(sock_b, 64, MSG_DONTWAIT));
}

/* ---- addresses --------------------------------------------------------- */

static void destinations(void)
{
	struct sockaddr_storage addr = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&addr;

	make_pair();
	T(send(sock_a, "x", 1, 0));
	T(write(sock_a, "x", 1));
	T(sendto(sock_a, "x", 1, 0, NULL, 0));
	T(sendto(sock_a, "x", 1, 0, NULL, 16));
	T(sendto(sock_a, "x", 1, 0, BAD_PTR, 16));
	T(sendto(sock_a, "x", 1, 0, BAD_PTR, 0));
	*in = addr_b;
	for (int len = -1; len < 16; len++)
		T(sendto(sock_a, "x", 1, 0, SA(&addr), len));
	T(sendto(sock_a, "x", 1, 0, SA(&addr), sizeof(addr)));
	T(sendto(sock_a, "x", 1, 0, SA(&addr), sizeof(addr) + 1));
	T(sendto(sock_a, "x", 1, 0, SA(&addr), INT_MIN));
	show_rest(sock_b);
	for (int family = 0; family < 20; family++) {
		in->sin_family = family;
		T(sendto(sock_a, "x", 1, 0, SA(&addr), 16));
	}
	show_rest(sock_b);
	*in = addr_of("127.0.0.1", 0);
	T(sendto(sock_a, "x", 1, 0, SA(in), sizeof(*in)));
	*in = addr_of("0.0.0.0", ntohs(addr_b.sin_port));
	T(sendto(sock_a, "to any", 6, 0, SA(in), sizeof(*in)));
	R(receive(sock_b, 64, MSG_DONTWAIT));
	*in = addr_of("240.0.0.1", 9);
	T(sendto(sock_a, "x", 1, 0, SA(in), sizeof(*in)));
}

/* With sendmsg, which treats the address in a way of its own. */
static void message_destinations(void)
{
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	make_pair();
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_name = &addr_b;
	for (int len = -1; len <= 16; len++) {
		msg.msg_namelen = len;
		T(sendmsg(sock_a, &msg, 0));
	}
	msg.msg_namelen = 1000;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_namelen = sizeof(addr_b);
	msg.msg_name = BAD_PTR;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_name = NULL;
	T(sendmsg(sock_a, &msg, 0));
	show_rest(sock_b);
	T(sendmsg(sock_a, NULL, 0));
	T(sendmsg(sock_a, BAD_PTR, 0));
}

static void sources(void)
{
	make_pair();
	for (int i = 0; i < 8; i++)
		deliver("payload");
	for (int len = 0; len < 18; len += 4) {
		fresh();
		fromlen = len;
		T(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
		show_buf();
	}
	R(recvfrom(sock_b, buf, 64, 0, NULL, &fromlen));
	R(recvfrom(sock_b, buf, 64, 0, NULL, NULL));
	show_rest(sock_b);
}

/* Whether the datagram is lost with the error is not looked at. */
static void source_faults(void)
{
	make_pair();
	for (int i = 0; i < 5; i++)
		deliver("payload");
	fromlen = -1;
	T(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), NULL));
	T(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), BAD_PTR));
	fromlen = sizeof(from);
	T(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, BAD_PTR, &fromlen));
}

/* ---- bad pointers ------------------------------------------------------ */

static void bad_payloads(void)
{
	struct iovec iov[2] = { { "good", 4 }, { BAD_PTR, 4 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	connect_pair();
	T(send(sock_a, NULL, 4, 0));
	T(send(sock_a, BAD_PTR, 4, 0));
	T(send(sock_a, BAD_PTR, 4000, 0));
	T(write(sock_a, no_ptr, 4));
	T(sendmsg(sock_a, &msg, 0));
	T(writev(sock_a, iov, 2));
	T(writev(sock_a, BAD_PTR, 1));
	T(writev(sock_a, no_ptr, 1));
	msg.msg_iov = NULL;
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_iov = BAD_PTR;
	T(sendmsg(sock_a, &msg, 0));
	show_rest(sock_b);
	T(send(sock_a, "good", 4, 0));
	show_rest(sock_b);
}

static void bad_buffers(void)
{
	struct iovec iov[2] = { { buf, 4 }, { BAD_PTR, 4 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	make_pair();
	for (int i = 0; i < 12; i++)
		deliver("a payload");
	R(recv(sock_b, NULL, 4, MSG_PEEK | MSG_DONTWAIT));
	R(recv(sock_b, BAD_PTR, 4, MSG_PEEK | MSG_DONTWAIT));
	R(recv(sock_b, NULL, 4, MSG_DONTWAIT));
	R(recv(sock_b, BAD_PTR, 4, MSG_DONTWAIT));
	R(read(sock_b, no_ptr, 4));
	R(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	R(readv(sock_b, iov, 2));
	T(recvmsg(sock_b, NULL, MSG_DONTWAIT));
	T(recvmsg(sock_b, BAD_PTR, MSG_DONTWAIT));
	msg.msg_iov = NULL;
	R(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	msg.msg_iov = BAD_PTR;
	R(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	show_rest(sock_b);
}

/* ---- iovecs ------------------------------------------------------------ */

static void iovecs_sent(size_t n, size_t each)
{
	static char out[65536], in[65536];
	static struct iovec iov[1025];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	printf("%zu iovecs of %zu bytes\n", n, each);
	for (size_t i = 0; i < n * each && i < sizeof(out); i++)
		out[i] = i * 7 + (i >> 7);
	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){ out + i * each, each };
	T(sendmsg(sock_a, &msg, 0));
	T(recv(sock_b, in, sizeof(in), MSG_DONTWAIT));
	T(memcmp(in, out, n * each) && n < 1025);
	T(writev(sock_a, iov, n));
	T(recv(sock_b, in, sizeof(in), MSG_DONTWAIT));
	T(memcmp(in, out, n * each) && n < 1025);
	T(pwritev2(sock_a, iov, n, -1, 0));
	show_rest(sock_b);
}

static void iovecs_received(size_t n, size_t each)
{
	static char out[65536], in[65536];
	static struct iovec iov[1025];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	printf("%zu iovecs of %zu bytes\n", n, each);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + (i >> 7);
	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){ in + i * each, each };
	for (int i = 0; i < 3; i++)
		T(send(sock_a, out, 50000, 0));
	T(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	T(msg.msg_flags);
	T(memcmp(in, out, n * each) && n < 1025);
	memset(in, 0, sizeof(in));
	T(readv(sock_b, iov, n));
	T(memcmp(in, out, n * each) && n < 1025);
	T(preadv2(sock_b, iov, n, -1, 0));
	show_rest(sock_b);
}

static void many_iovecs(void)
{
	connect_pair();
	iovecs_sent(1, 60);
	iovecs_sent(63, 60);
	iovecs_sent(1022, 60);
	iovecs_sent(1023, 1);
	iovecs_sent(1023, 60);
	iovecs_sent(1024, 1);
	iovecs_sent(1024, 60);
	iovecs_sent(1025, 1);
	iovecs_received(1, 60);
	iovecs_received(1022, 40);
	iovecs_received(1023, 1);
	iovecs_received(1023, 40);
	iovecs_received(1024, 1);
	iovecs_received(1024, 40);
	iovecs_received(1025, 1);
}

static void try_iovecs(const struct iovec *iov, long n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };

	T(sendmsg(sock_a, &msg, 0));
	T(writev(sock_a, iov, n));
	T(pwritev2(sock_a, iov, n, -1, 0));
	show_rest(sock_b);
	T(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	T(readv(sock_b, iov, n));
	T(preadv2(sock_b, iov, n, -1, 0));
}

static void odd_iovecs(void)
{
	struct iovec negative[2] = { { buf, 4 }, { buf, (size_t)-1 } };
	struct iovec sum[2] = { { buf, SSIZE_MAX }, { buf, SSIZE_MAX } };
	struct timeval tv = { .tv_usec = 1000 };

	connect_pair();
	T(setsockopt(sock_b, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	try_iovecs(negative, 2);
	try_iovecs(sum, 2);
	try_iovecs(NULL, 1);
	try_iovecs(BAD_PTR, 1);
	try_iovecs(negative, 1025);
	try_iovecs(negative, INT_MAX);
	try_iovecs(negative, -1);
}

static void offsets(void)
{
	struct iovec iov = { buf, 4 };

	connect_pair();
	for (int i = 0; i < 3; i++)
		T(send(sock_b, "payload", 7, 0));
	T(pwritev2(sock_a, &iov, 1, 0, 0));
	T(pwritev2(sock_a, &iov, 1, 5, 0));
	T(pwritev2(sock_a, &iov, 1, -2, 0));
	T(preadv2(sock_a, &iov, 1, 0, 0));
	T(preadv2(sock_a, &iov, 1, 5, 0));
	T(preadv2(sock_a, &iov, 1, -2, 0));
	T(pread(sock_a, buf, 4, 0));
	T(pwrite(sock_a, buf, 4, 0));
	T(preadv(sock_a, &iov, 1, 0));
	T(pwritev(sock_a, &iov, 1, 0));
	T(lseek(sock_a, 0, SEEK_SET));
	show_rest(sock_a);
	show_rest(sock_b);
}

/* Most flags of preadv2 and pwritev2 mean nothing to a socket. */
static void rw_flags(void)
{
	struct iovec iov = { buf, 7 };

	connect_pair();
	for (int bit = 0; bit < 31; bit++) {
		printf("flags %#x\n", 1 << bit);
		T(send(sock_b, "payload", 7, 0));
		T(preadv2(sock_a, &iov, 1, -1, 1 << bit));
		T(pwritev2(sock_a, &iov, 1, -1, 1 << bit));
	}
	show_rest(sock_a);
	show_rest(sock_b);
}

/* ---- what is queued ---------------------------------------------------- */

static int asked(int fd, unsigned long cmd)
{
	int n = -1;

	T(ioctl(fd, cmd, &n));
	return n;
}

static void queued(void)
{
	make_pair();
	T(asked(sock_b, FIONREAD));
	deliver("five!");
	deliver("longer than that");
	T(asked(sock_b, FIONREAD));
	T(asked(sock_b, SIOCINQ));
	R(receive(sock_b, 64, 0));
	T(asked(sock_b, FIONREAD));
	R(receive(sock_b, 64, 0));
	deliver("");
	T(asked(sock_b, FIONREAD));
	R(receive(sock_b, 64, 0));
	T(asked(sock_b, FIONREAD));
	T(asked(sock_b, SIOCOUTQ));
	T(ioctl(sock_b, FIONREAD, NULL));
	T(ioctl(sock_b, FIONREAD, BAD_PTR));
	deliver("five!");
	T(ioctl(sock_b, FIONREAD, NULL));
	T(ioctl(sock_b, SIOCINQ, BAD_PTR));
}

/* The error of a send to nobody, which the next call returns. */
static void provoke_error(void)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);

	connect_to(sock_b, &nobody);
	T(send(sock_b, "x", 1, 0));
}

static void queued_behind_an_error(void)
{
	struct pollfd fd;

	make_pair();
	send_stray(&addr_b);
	provoke_error();
	T(asked(sock_b, FIONREAD));
	fd = (struct pollfd){ .fd = sock_b, .events = POLLERR };
	T(poll(&fd, 1, 1000));
	T(asked(sock_b, FIONREAD));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(asked(sock_b, FIONREAD));
	make_pair();
	fd = (struct pollfd){ .fd = sock_b, .events = POLLIN };
	T(poll(&fd, 1, 0));
	deliver("five!");
	provoke_error();
	T(asked(sock_b, FIONREAD));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	T(asked(sock_b, FIONREAD));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
}

static void ioctls(void)
{
	int one = 1;
	char room[256];

	make_pair();
	T(ioctl(sock_b, FIONBIO, &one));
	T(recv(sock_b, buf, 64, 0));
	T(ioctl(sock_b, FIONBIO, NULL));
	T(asked(sock_b, SIOCATMARK));
	T(asked(sock_b, 0x5401)); /* TCGETS */
	T(asked(sock_b, FIOGETOWN));
	T(asked(sock_b, 0xdeadbeef));
	T(ioctl(sock_b, SIOCGSTAMP, room));
	deliver("x");
	T(recv(sock_b, buf, 64, 0));
	T(ioctl(sock_b, SIOCGSTAMP, room));
	T(ioctl(sock_b, SIOCGIFCONF, NULL));
	T(ioctl(sock_b, SIOCADDRT, NULL));
	T(isatty(sock_b));
}

SCENARIOS({ "send_ways", send_ways }, { "receive_ways", receive_ways },
	  { "sizes", sizes }, { "too_large", too_large }, { "empty", empty },
	  { "nothing_asked", nothing_asked },
	  { "nothing_written", nothing_written },
	  { "short_buffers", short_buffers }, { "peek", peek },
	  { "do_not_wait", do_not_wait }, { "other_flags", other_flags },
	  { "more", more }, { "more_refused", more_refused },
	  { "more_elsewhere", more_elsewhere },
	  { "destinations", destinations },
	  { "message_destinations", message_destinations },
	  { "sources", sources }, { "source_faults", source_faults },
	  { "bad_payloads", bad_payloads }, { "bad_buffers", bad_buffers },
	  { "many_iovecs", many_iovecs }, { "odd_iovecs", odd_iovecs },
	  { "offsets", offsets }, { "rw_flags", rw_flags },
	  { "queued_behind_an_error", queued_behind_an_error },
	  { "queued", queued }, { "ioctls", ioctls })
