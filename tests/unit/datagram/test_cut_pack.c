// SPDX-License-Identifier: MIT
/*
 * test_cut_pack.c - datagram/cut_pack.c: a send that is to be cut, in one piece.
 */
#include <sys/mman.h>

#include "datagram/cut_pack.h"
#include "unit/raw_peer.h"
#include "wire/encap.h"

TestSuite(cop_cut_pack, .init = raw_peer_init, .timeout = 20);

#define SIZE 100

static unsigned char piece[COP_DATAGRAM_MAX] __attribute__((aligned(4)));

/* A send of @msg by a socket that is connected. */
static struct cop_cut cut_of(int fd, const struct msghdr *msg, size_t len)
{
	return (struct cop_cut){ .sk = t_sk(fd),
				 .fd = fd,
				 .msg = msg,
				 .len = len,
				 .most = COP_DATAGRAM_MAX_IPV4,
				 .size = SIZE,
				 .begin = cop_tx_begin,
				 .end = cop_tx_end };
}

static uint64_t sent_to_peer(int fd)
{
	return cop_sk(t_sk(fd))->peer.datagrams;
}

static uint16_t step_in(const struct msghdr *msg)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	uint16_t step;

	cr_assert(cop_cut_is_size(cmsg));
	memcpy(&step, CMSG_DATA(cmsg), sizeof(step));
	return step;
}

Test(cop_cut_pack, each_datagram_has_its_header_and_the_next_number)
{
	static const size_t len[] = { 101, 200, 250, 1000 };

	for (size_t k = 0; k < ARRAY_SIZE(len); k++) {
		struct iovec iov[3];
		int udp, fd = connected(&udp);
		struct msghdr msg = vectored(iov, 1 + k % 3, data, len[k]);
		const struct cop_cut cut = cut_of(fd, &msg, len[k]);
		struct cop_cut_pack p;
		size_t total = cop_cut_pack(&p, &cut, piece, sizeof(piece));

		cr_assert(eq(sz, p.n, (len[k] + SIZE - 1) / SIZE));
		cr_assert(eq(sz, total, len[k] + p.n * COP_HLEN));
		cr_assert(eq(sz, p.whole.msg_iov->iov_len, total));
		cr_assert(eq(uint, step_in(&p.whole), SIZE + COP_HLEN));
		for (unsigned int i = 0; i < p.n; i++) {
			const unsigned char *at = piece + i * (SIZE + COP_HLEN);
			struct cop_hdr_info hdr = cop_hdr_read(at);
			size_t left = len[k] - i * SIZE;

			cr_assert(eq(u32, hdr.seq, i));
			cr_assert(eq(int, hdr.first, i == 0));
			cr_assert(eq(uint, ntohs(hdr.dest), t_port(udp)));
			cr_assert(
				zero(int, memcmp(at + COP_HLEN, data + i * SIZE,
						 left < SIZE ? left : SIZE)));
		}
		cr_assert(eq(long, cop_cut_packed(&p, &cut, total), len[k]));
		cr_assert(eq(u32, t_count(fd)->tx_datagrams, p.n));
		cr_assert(eq(u64, t_count(fd)->tx_bytes, len[k]));
	}
}

Test(cop_cut_pack, a_send_that_fails_gives_all_numbers_back)
{
	struct iovec iov;
	int udp, fd = connected(&udp);
	struct msghdr msg = vectored(&iov, 1, data, 1000);
	const struct cop_cut cut = cut_of(fd, &msg, 1000);
	struct cop_cut_pack p;

	cr_assert(eq(sz, cop_cut_pack(&p, &cut, piece, sizeof(piece)), 1160));
	cr_assert(eq(u64, sent_to_peer(fd), 10));
	cr_assert(eq(long, cop_cut_packed(&p, &cut, -EPERM), -EPERM));
	cr_assert(zero(u64, sent_to_peer(fd)));
	cr_assert(zero(u32, t_count(fd)->tx_datagrams));
	cr_assert(eq(u32, t_count(fd)->tx_errors, 10));
}

/* Nothing is numbered then. */
Test(cop_cut_pack, what_does_not_fit_or_cannot_be_read_is_not_packed)
{
	char control[256] = { 0 };
	struct iovec iov[32];
	int udp, fd = connected(&udp);
	struct msghdr one = vectored(iov, 1, data, 100),
		      many = vectored(iov, 32, data, 1000),
		      gone = vectored(iov, 1, data, 1000), long_control = gone;
	const struct {
		const struct msghdr *msg;
		size_t len, room;
	} c[] = {
		{ &one, 100, sizeof(piece) },
		{ &many, 1000, sizeof(piece) },
		{ &gone, 1000, 1159 },
		{ &gone, 60000, sizeof(piece) },
		{ &long_control, 1000, sizeof(piece) },
		{ &gone, 1000, sizeof(piece) },
	};
	struct cop_cut_pack p;

	long_control.msg_control = control;
	long_control.msg_controllen = sizeof(control);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		const struct cop_cut cut = cut_of(fd, c[i].msg, c[i].len);

		if (i == ARRAY_SIZE(c) - 1)
			iov[0] = (struct iovec){
				mmap(NULL, 4096, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
				1000
			};
		cr_assert(zero(sz, cop_cut_pack(&p, &cut, piece, c[i].room)),
			  "case %zu", i);
	}
	cr_assert(zero(u64, sent_to_peer(fd)));
}
