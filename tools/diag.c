// SPDX-License-Identifier: MIT
/*
 * diag.c - asks the kernel what /proc/net/udp6 does not tell of a socket: whether it
 * takes IPv6 alone, and which interface it is bound to. One request lists all IPv6
 * UDP sockets of a network namespace, as ss(8) does it. Counterpart in the kernel:
 * udp_diag_dump().
 */
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "diag.h"
#include "supervise.h"

#define ANSWER_SIZE (32 * 1024)
#define WAIT_S	    1 /* for one answer */

/* A netlink socket of the namespace that cop is in, or -1. */
static int open_here(void)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (nl >= 0)
		setsockopt(nl, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return nl;
}

static bool is_same_file(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* A socket stays in the namespace in which it was made, so cop goes there and back. */
static int open_there(int theirs, int own)
{
	int nl;

	if (is_same_file(theirs, own))
		return open_here();
	if (setns(theirs, CLONE_NEWNET))
		return -1;
	nl = open_here();
	setns(own, CLONE_NEWNET);
	return nl;
}

static int open_for(const struct target *t)
{
	int theirs = openat(t->dir, "ns/net", O_RDONLY | O_CLOEXEC);
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int nl = -1;

	if (theirs >= 0 && own >= 0)
		nl = open_there(theirs, own);
	if (own >= 0)
		close(own);
	if (theirs >= 0)
		close(theirs);
	return nl;
}

static bool ask(int nl)
{
	const struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = AF_INET6,
			  .sdiag_protocol = IPPROTO_UDP,
			  .idiag_states = ~0u },
	};

	return send(nl, &request, sizeof(request), 0) == sizeof(request);
}

static void take_attributes(const struct nlmsghdr *h, struct diag_sock *d)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(h);
	const struct rtattr *attr = (const void *)(msg + 1);
	int len = NLMSG_PAYLOAD(h, sizeof(*msg));

	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		if (attr->rta_type != INET_DIAG_SKV6ONLY ||
		    RTA_PAYLOAD(attr) < 1)
			continue;
		d->has_v6only = true;
		d->v6only = *(const uint8_t *)RTA_DATA(attr);
	}
}

/* Returns whether further messages follow. */
static bool take_message(const struct nlmsghdr *h,
			 void (*take)(void *arg, const struct diag_sock *d),
			 void *arg)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(h);
	struct diag_sock d = { 0 };

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    h->nlmsg_len < NLMSG_LENGTH(sizeof(*msg)))
		return false;
	d.inode = msg->idiag_inode;
	d.device = msg->id.idiag_if;
	take_attributes(h, &d);
	take(arg, &d);
	return true;
}

void diag_udp6(const struct target *t,
	       void (*take)(void *arg, const struct diag_sock *d), void *arg)
{
	static char answer[ANSWER_SIZE]
		__attribute__((aligned(__alignof__(struct nlmsghdr))));
	int nl = open_for(t);
	bool more = nl >= 0 && ask(nl);

	while (more) {
		ssize_t len = recv(nl, answer, sizeof(answer), 0);
		const struct nlmsghdr *h = (const void *)answer;

		supervise_beat();
		more = len > 0;
		for (; more && NLMSG_OK(h, len); h = NLMSG_NEXT(h, len))
			more = take_message(h, take, arg);
	}
	if (nl >= 0)
		close(nl);
}
