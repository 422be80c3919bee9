// SPDX-License-Identifier: MIT
/*
 * show.c - what a call has put into a message.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/errqueue.h>

#include "player.h"

/* Newer than some headers. */
#define TIMESTAMP_OLD	 29
#define TIMESTAMPNS_OLD	 35
#define TIMESTAMPING_OLD 37
#define TIMESTAMP_NEW	 63
#define TIMESTAMPNS_NEW	 64
#define TIMESTAMPING_NEW 65
#define ORIGDSTADDR_6	 74

/* A time is said by whether it is one. */
static void say_time(const unsigned char *data, size_t len)
{
	int64_t sec;

	for (size_t at = 0; at + 16 <= len; at += 16) {
		memcpy(&sec, data + at, sizeof(sec));
		if (!sec)
			say("/none");
		else
			say(llabs(sec - time(NULL)) < 1000 ? "/now" : "/bad");
	}
}

static void say_extended_error(const unsigned char *data, size_t len)
{
	unsigned char offender[64];

	if (len < sizeof(struct sock_extended_err)) {
		say_hex("", data, len);
		return;
	}
	say_hex("", data, sizeof(struct sock_extended_err));
	data += sizeof(struct sock_extended_err);
	len -= sizeof(struct sock_extended_err);
	memset(offender, CANARY, sizeof(offender));
	memcpy(offender, data, len < sizeof(offender) ? len : 0);
	say_name("from", offender, sizeof(offender));
}

static bool is_error(const struct cmsghdr *cmsg)
{
	return (cmsg->cmsg_level == IPPROTO_IP &&
		cmsg->cmsg_type == IP_RECVERR) ||
	       (cmsg->cmsg_level == IPPROTO_IPV6 &&
		cmsg->cmsg_type == IPV6_RECVERR);
}

static bool is_name(const struct cmsghdr *cmsg)
{
	return (cmsg->cmsg_level == IPPROTO_IP &&
		cmsg->cmsg_type == IP_ORIGDSTADDR) ||
	       (cmsg->cmsg_level == IPPROTO_IPV6 &&
		cmsg->cmsg_type == ORIGDSTADDR_6);
}

static bool is_time(const struct cmsghdr *cmsg)
{
	switch (cmsg->cmsg_type) {
	case TIMESTAMP_OLD:
	case TIMESTAMPNS_OLD:
	case TIMESTAMPING_OLD:
	case TIMESTAMP_NEW:
	case TIMESTAMPNS_NEW:
	case TIMESTAMPING_NEW:
		return cmsg->cmsg_level == SOL_SOCKET;
	default:
		return false;
	}
}

static void say_control(const struct cmsghdr *cmsg)
{
	const unsigned char *data = (const unsigned char *)(cmsg + 1);
	size_t len = cmsg->cmsg_len - sizeof(*cmsg);
	unsigned char name[64];

	say(" {%d:%d:%zu", cmsg->cmsg_level, cmsg->cmsg_type, cmsg->cmsg_len);
	if (is_time(cmsg)) {
		say_time(data, len);
	} else if (is_error(cmsg)) {
		say_extended_error(data, len);
	} else if (is_name(cmsg)) {
		memset(name, CANARY, sizeof(name));
		memcpy(name, data, len < sizeof(name) ? len : 0);
		say_name("", name, sizeof(name));
	} else {
		say_hex("", data, len);
	}
	say("}");
}

/* Controls, and whether there is anything behind them. */
static void say_controls(const struct message *m, const struct msghdr *msg)
{
	struct msghdr walk = *msg;
	struct cmsghdr *cmsg;
	size_t used = room_used(&m->control);

	say(" clen=%zu", msg->msg_controllen);
	if (msg->msg_control != m->control_at ||
	    msg->msg_controllen > sizeof(m->control_at))
		return;
	for (cmsg = CMSG_FIRSTHDR(&walk); cmsg;
	     cmsg = CMSG_NXTHDR(&walk, cmsg)) {
		size_t left = m->control_at + msg->msg_controllen -
			      (unsigned char *)cmsg;

		if (cmsg->cmsg_len < sizeof(*cmsg) || cmsg->cmsg_len > left) {
			say(" {broken}");
			break;
		}
		say_control(cmsg);
	}
	if (used > msg->msg_controllen)
		say(" behind=%zu", used - msg->msg_controllen);
}

void say_message(const struct message *m, const struct msghdr *msg)
{
	say(" namelen=%u", msg->msg_namelen);
	say_name("from", m->name.at, sizeof(m->name.at));
	say(" flags=%x", msg->msg_flags);
	if (msg->msg_iov == m->iov)
		say_data(m->data, m->data_size);
	say_controls(m, msg);
}
