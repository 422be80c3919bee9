/* SPDX-License-Identifier: MIT */
/*
 * inet6.h - the same programs for AF_INET6.
 *
 * Each program that has prog.h is built twice. In the second build, with PROG_INET6,
 * what the program says of AF_INET is said of AF_INET6: its sockets, its names of
 * them, and the addresses that it gives as text. So a scenario runs for both families
 * and is written once. A scenario that is about the one family says so in its test.
 */
#ifndef COP_TEST_INET6_H
#define COP_TEST_INET6_H

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The families by names that are the same in both builds. */
enum { IPV4 = AF_INET, IPV6 = AF_INET6 };

#ifdef PROG_INET6

#define OTHER_FAMILY  IPV4
#define SHORTEST_NAME 24 /* that the kernel takes: without the scope */

#undef AF_INET
#undef PF_INET
#define AF_INET	    AF_INET6
#define PF_INET	    AF_INET6

#define sockaddr_in sockaddr_in6
#define sin_family  sin6_family
#define sin_port    sin6_port
#define sin_addr    sin6_addr

/*
 * The loopback address is ::1, or with PROG_LOOPBACK in the environment another. All
 * other addresses are IPv4's, as a socket of AF_INET6 has them.
 */
static inline const char *ip_of_family(const char *ip)
{
	static _Thread_local char text[INET6_ADDRSTRLEN];

	if (!strcmp(ip, "0.0.0.0"))
		return "::";
	if (!strcmp(ip, "127.0.0.1") || strchr(ip, ':'))
		return strchr(ip, ':') ? ip : getenv("PROG_LOOPBACK") ?: "::1";
	snprintf(text, sizeof(text), "::ffff:%s", ip);
	return text;
}

/* How much of the length of the longest packet is its IP header. */
static inline size_t ip_header_that_counts(void)
{
	return getenv("PROG_LOOPBACK") ? 20 : 0;
}

#else

#define OTHER_FAMILY  IPV6
#define SHORTEST_NAME 16

static inline const char *ip_of_family(const char *ip)
{
	return ip;
}

static inline size_t ip_header_that_counts(void)
{
	return 20;
}

#endif

#endif /* COP_TEST_INET6_H */
