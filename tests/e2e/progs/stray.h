/* SPDX-License-Identifier: MIT */
/*
 * stray.h - datagrams that no socket of the kind under test sends: plain UDP's,
 * which are to be noticed nowhere. On UDP itself there are none.
 */
#ifndef COP_TEST_STRAY_H
#define COP_TEST_STRAY_H

#include "raw.h"

/* A UDP socket of the kernel's own, whatever becomes of the program's. */
static inline int plain_udp(void)
{
	int fd = raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0);

	if (fd < 0)
		die("plain UDP");
	return fd;
}

static inline void send_stray(const struct sockaddr_in *to)
{
	static const char text[] = "a stray, and not short";
	int fd;

	if (!is_carried)
		return;
	fd = plain_udp();
	if (raw6(SYS_sendto, fd, (long)text, sizeof(text), 0, (long)to,
		 sizeof(*to)) != sizeof(text))
		die("stray");
	raw_close(fd);
}

#endif /* COP_TEST_STRAY_H */
