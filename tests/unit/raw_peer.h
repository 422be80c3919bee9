/* SPDX-License-Identifier: MIT */
/*
 * raw_peer.h - for tests of one datagram: a COP socket with a raw UDP socket on the
 * other side, and payloads between them.
 */
#ifndef COP_TEST_RAW_PEER_H
#define COP_TEST_RAW_PEER_H

#include <limits.h>

#include "unit/helpers.h"

static unsigned char data[COP_MAX_LEN_IPV6 + 2], room[COP_MAX_LEN_IPV6 + 2];

/* For TestSuite(): @data gets bytes that differ from their neighbours. */
static inline void raw_peer_init(void)
{
	t_init();
	memset(room, 0, sizeof(room));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
}

/* A COP socket that is connected to a raw UDP socket, which is put in *@udp. */
static inline int connected(int *udp)
{
	int fd = t_open_bound();

	*udp = t_udp();
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(*udp))));
	return fd;
}

/* Around the limits of what goes on the stack, and the most that the kernel takes. */
static const size_t iovecs[] = { 1, 2, 7, 62, 63, 64, 1021, 1022, 1023, 1024 };
static const size_t lengths[] = { 0,	1,    1023,  2047,	 2048,
				  2049, 9000, 60000, COP_MAX_LEN };

/* A message of @n iovecs that divide the @len bytes of @buf among them. */
static inline struct msghdr vectored(struct iovec *iov, size_t n,
				     unsigned char *buf, size_t len)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	for (size_t i = 0; i < n; i++) {
		size_t from = len * i / n;

		iov[i] = (struct iovec){ buf + from, len * (i + 1) / n - from };
	}
	return msg;
}

#endif /* COP_TEST_RAW_PEER_H */
