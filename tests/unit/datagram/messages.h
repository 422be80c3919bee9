/* SPDX-License-Identifier: MIT */
/*
 * messages.h - messages for tests of sendmmsg and recvmmsg.
 */
#ifndef COP_TEST_MESSAGES_H
#define COP_TEST_MESSAGES_H

#include <stdio.h>

#include "unit/helpers.h"

enum { MANY = 50, ROOM = 64 }; /* more than one batch holds */

static struct mmsghdr vec[1100];
static struct iovec iov[1100];
static struct sockaddr_in name[1100];
static char room[1100][ROOM];

/* @n messages with a buffer and a name each. */
static inline struct mmsghdr *fresh(unsigned int n)
{
	memset(vec, 0, sizeof(vec));
	for (unsigned int i = 0; i < n; i++) {
		memset(room[i], 0, ROOM);
		iov[i] = (struct iovec){ room[i], ROOM };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
		vec[i].msg_hdr.msg_name = &name[i];
		vec[i].msg_hdr.msg_namelen = sizeof(name[i]);
	}
	return vec;
}

/* @n messages of a text each, to @snum. */
static inline struct mmsghdr *texts(unsigned int n, uint16_t snum)
{
	fresh(n);
	for (unsigned int i = 0; i < n; i++) {
		name[i] = t_addr(LOOPBACK, snum);
		iov[i].iov_len = snprintf(room[i], ROOM, "message %u", i);
	}
	return vec;
}

static inline void assert_text(unsigned int at, unsigned int number)
{
	char want[ROOM];
	int len = snprintf(want, ROOM, "message %u", number);

	cr_assert(eq(int, vec[at].msg_len, len), "message %u", at);
	cr_assert(zero(int, memcmp(room[at], want, len)), "message %u", at);
}

static inline void send_text(int udp, int fd, unsigned int number)
{
	char text[ROOM];
	int len = snprintf(text, ROOM, "message %u", number);

	t_udp_send_cop(udp, t_port(fd), 0, text, len);
}

#endif /* COP_TEST_MESSAGES_H */
