// SPDX-License-Identifier: MIT
/*
 * test_ends.c - wire/ends.c: the addresses of a datagram that has arrived.
 */
#include "lib/pktinfo.h"
#include "unit/helpers.h"
#include "wire/ends.h"

TestSuite(cop_ends, .init = t_init, .timeout = 20);

Test(cop_ends, a_sock_knows_the_sender_and_its_own_bound_address)
{
	struct sockaddr_in from = t_addr("192.0.2.1", 7);
	struct cop_ends ends;

	cop_ends_source(&from, sizeof(from), &ends);
	cop_ends_own(t_sk(t_open_bound()), &ends);
	cr_assert(eq(u32, ends.source.in.sin_addr.s_addr,
		     inet_addr("192.0.2.1")));
	cr_assert(eq(u32, ends.dest.in.sin_addr.s_addr, inet_addr(LOOPBACK)));
	cop_ends_source(NULL, 0, &ends);
	cop_ends_own(t_sk(t_open()), &ends);
	cr_assert(eq(int, ends.source.family, AF_UNSPEC));
	cr_assert(eq(int, ends.dest.family, AF_UNSPEC));
}

/* What the kernel returns: a TTL, the address, and a TTL once more. */
static size_t fill(unsigned char *control)
{
	struct msghdr msg = { .msg_control = control, .msg_controllen = 256 };
	struct in_pktinfo info = { .ipi_addr.s_addr = inet_addr("192.0.2.9") };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	const int ttl = 64;

	for (int i = 0; i < 3; i++) {
		const size_t len = i == 1 ? sizeof(info) : sizeof(ttl);

		*cmsg = (struct cmsghdr){ CMSG_LEN(len), IPPROTO_IP,
					  i == 1 ? IP_PKTINFO : IP_TTL };
		memcpy(CMSG_DATA(cmsg), i == 1 ? (void *)&info : (void *)&ttl,
		       len);
		cmsg = (struct cmsghdr *)((char *)cmsg + CMSG_SPACE(len));
	}
	return (unsigned char *)cmsg - control;
}

static unsigned char kernels[256] __attribute__((aligned(8)));
static unsigned char programs[256] __attribute__((aligned(8)));

/* Returns the bytes that the program got in @room. */
static size_t control_in(int fd, void *at, size_t room, int *flags)
{
	struct msghdr whole = { .msg_control = kernels };
	struct msghdr msg = { .msg_control = at, .msg_controllen = room };
	union cop_addr dest = { .family = AF_UNSPEC };

	whole.msg_controllen = fill(kernels);
	cop_ends_dest(t_sk(fd), &whole, &dest);
	cop_ends_control(t_sk(fd), &whole, &msg);
	cr_assert(eq(u32, dest.in.sin_addr.s_addr, inet_addr("192.0.2.9")));
	*flags = msg.msg_flags;
	return msg.msg_controllen;
}

Test(cop_ends, the_program_gets_the_control_messages_that_it_has_asked_for)
{
	const size_t ttl = CMSG_SPACE(sizeof(int));
	int fd = t_open(), flags;

	cr_assert(eq(sz, control_in(fd, programs, 256, &flags), 2 * ttl));
	cr_assert(zero(int, flags));
	sock_set_flag(t_sk(fd), SOCK_PKTINFO);
	cr_assert(eq(sz, control_in(fd, programs, 256, &flags),
		     2 * ttl + CMSG_SPACE(sizeof(struct in_pktinfo))));
}

Test(cop_ends, messages_are_cut_as_the_kernel_cuts_them)
{
	const size_t ttl = CMSG_SPACE(sizeof(int));
	int fd = t_open(), flags;

	for (size_t room = 0; room < 3 * ttl; room++) {
		size_t got = control_in(fd, programs, room, &flags);
		bool cut = room < ttl + CMSG_LEN(sizeof(int));
		size_t rest = room % ttl;

		if (room >= 2 * ttl)
			rest = 0;
		else if (rest < sizeof(struct cmsghdr))
			rest = 0;
		cr_assert(eq(sz, got,
			     min_t(size_t, room / ttl, 2) * ttl + rest),
			  "%zu", room);
		cr_assert(eq(int, flags, cut ? MSG_CTRUNC : 0), "%zu", room);
	}
}

Test(cop_ends, memory_that_can_not_be_written_gets_no_messages)
{
	int flags;

	cr_assert(zero(sz, control_in(t_open(), (void *)8, 256, &flags)));
	cr_assert(zero(sz, control_in(t_open(), NULL, 0, &flags)));
	cr_assert(eq(int, flags, MSG_CTRUNC));
}
