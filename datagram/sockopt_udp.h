/* SPDX-License-Identifier: MIT */
/*
 * sockopt_udp.h - socket options of the level IPPROTO_UDP.
 */
#ifndef COP_SOCKOPT_UDP_H
#define COP_SOCKOPT_UDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct sock;

/* The kernel takes either number for the level of UDP's options. */
static inline bool cop_is_udp(int level)
{
	return level == IPPROTO_UDP || level == IPPROTO_UDPLITE;
}

/**
 * cop_set_udp, cop_get_udp - setsockopt() and getsockopt() of such an option
 *
 * Arguments and result as for setsockopt and getsockopt of struct proto. -ENOPROTOOPT for
 * an option that COP does not have.
 */
int cop_set_udp(struct sock *sk, int fd, int optname, const void *optval,
		socklen_t optlen);
int cop_get_udp(struct sock *sk, int fd, int level, int optname, void *optval,
		socklen_t *optlen);

#endif /* COP_SOCKOPT_UDP_H */
