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

/* A file that may take one write only. */
static inline bool write_file(const char *path, const char *text)
{
	ssize_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, len) == len;

	if (fd >= 0)
		close(fd);
	return written;
}

/*
 * Namespaces for who is not root: with a user namespace of one user and one group,
 * who is root there.
 */
static inline void own_users(int spaces)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %d 1", getuid());
	snprintf(groups, sizeof(groups), "0 %d 1", getgid());
	if (unshare(CLONE_NEWUSER | spaces) ||
	    !write_file("/proc/self/uid_map", users) ||
	    !write_file("/proc/self/setgroups", "deny") ||
	    !write_file("/proc/self/gid_map", groups))
		skip("no namespaces to be had");
}

/* Before the first socket; the program is skipped where it can't be had. */
static inline void own_network(void)
{
	unsetenv("LD_PRELOAD"); /* of what the program starts */
	if (unshare(CLONE_NEWNET))
		own_users(CLONE_NEWNET);
	loopback_up();
}

static inline void set_sysctl(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	if (!write_file(path, value))
		skip(name);
}

#endif /* COP_TEST_NETNS_H */
