/* SPDX-License-Identifier: MIT */
/*
 * netns.h - a network of its own for a program: whose ephemeral ports and
 * addresses are what the program says, and nobody else takes its ports.
 */
#ifndef COP_TEST_NETNS_H
#define COP_TEST_NETNS_H

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "prog.h"

static inline void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		skip("lo");
	close(fd);
}

/* Before the first socket; the program is skipped where it can't be had. */
static inline void own_network(void)
{
	unsetenv("LD_PRELOAD"); /* of what the program starts */
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		skip("no network namespace to be had");
	loopback_up();
}

static inline void set_sysctl(const char *name, const char *value)
{
	ssize_t len = strlen(value);
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, len) != len)
		skip(name);
	close(fd);
}

#endif /* COP_TEST_NETNS_H */
