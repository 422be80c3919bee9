// SPDX-License-Identifier: MIT
/*
 * test_tx_batch.c - datagram/tx_batch.c: many datagrams out in one system call.
 */
#include <sys/mman.h>

#include "unit/datagram/messages.h"

TestSuite(cop_tx_batch, .init = t_init, .timeout = 20);

static void assert_wire(int udp, uint32_t seq, unsigned int number)
{
	struct t_wire wire;
	char want[ROOM];
	int len = snprintf(want, ROOM, "message %u", number);

	t_wire_recv(udp, &wire);
	cr_assert(eq(u32, ntohl(wire.hdr.seq), seq), "message %u", number);
	cr_assert(eq(int, wire.hdr.flags, seq ? 0 : COP_F_FIRST));
	cr_assert(eq(int, wire.hdr.dest, htons(t_port(udp))));
	cr_assert(eq(long, wire.len, len));
	cr_assert(zero(int, memcmp(wire.payload, want, len)));
}

/* Destinations in turn, some of them twice in a row, each name in memory of its own. */
Test(cop_tx_batch, each_destination_has_numbers_of_its_own)
{
	int udp[3] = { t_udp(), t_udp(), t_udp() }, fd = t_open_bound();
	uint32_t seq[3] = { 0 };

	for (int round = 0; round < 2; round++) {
		texts(30, 1);
		for (unsigned int i = 0; i < 30; i++)
			name[i].sin_port = htons(t_port(udp[i / 2 % 3]));
		cr_assert(eq(int, t_sendmmsg(fd, vec, 30, 0), 30));
		for (unsigned int i = 0; i < 30; i++)
			assert_wire(udp[i / 2 % 3], seq[i / 2 % 3]++, i);
	}
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 60));
}

/* The library's figures, and the numbers of the datagrams behind. */
Test(cop_tx_batch, what_the_kernel_refuses_gives_its_numbers_back)
{
	int udp[2] = { t_udp(), t_udp() }, fd = t_open_bound();

	for (int round = 0; round < 3; round++) {
		texts(9, t_port(udp[0]));
		for (unsigned int i = 5; i < 9; i++)
			name[i].sin_port = htons(t_port(udp[1]));
		name[3].sin_addr.s_addr = htonl(INADDR_BROADCAST);
		cr_assert(eq(int, t_sendmmsg(fd, vec, 9, 0), 3));
		cr_assert(eq(int, t_sendmmsg(fd, vec + 3, 6, 0), -EACCES));
		cr_assert(eq(int, t_sendmmsg(fd, vec + 4, 5, 0), 5));
		for (unsigned int i = 0; i < 3; i++)
			assert_wire(udp[0], round * 4 + i, i);
		assert_wire(udp[0], round * 4 + 3, 4);
		for (unsigned int i = 0; i < 4; i++)
			assert_wire(udp[1], round * 4 + i, 5 + i);
	}
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 24));
	cr_assert(eq(u64, t_count(fd)->tx_bytes, 24 * 9));
}

/* No payload, one in two parts, one that is too long to be copied. */
Test(cop_tx_batch, messages_that_are_not_packed_stand_in_their_places)
{
	static struct iovec parts[2] = { { (char *)"mess", 4 },
					 { (char *)"age 5", 5 } };
	static char longer[3000];
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	for (int round = 0; round < 2; round++) {
		const uint32_t first = round * 10;

		texts(10, t_port(udp));
		iov[3].iov_len = 0;
		vec[5].msg_hdr.msg_iov = parts;
		vec[5].msg_hdr.msg_iovlen = 2;
		iov[7] = (struct iovec){ longer, sizeof(longer) };
		cr_assert(eq(int, t_sendmmsg(fd, vec, 10, 0), 10));
		for (unsigned int i = 0; i < 10; i++) {
			if (i != 3 && i != 7) {
				assert_wire(udp, first + i, i);
				continue;
			}
			t_wire_recv(udp, &wire);
			cr_assert(eq(u32, ntohl(wire.hdr.seq), first + i));
			cr_assert(eq(long, wire.len, i == 3 ? 0 : 3000));
		}
		cr_assert(zero(uint, vec[3].msg_len));
		cr_assert(eq(uint, vec[5].msg_len, 9));
		cr_assert(eq(uint, vec[7].msg_len, 3000));
	}
}

/* Two pages: the first one can be read, the second one can't. */
static char *half_readable(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(ne(ptr, p, MAP_FAILED));
	cr_assert(zero(int, mprotect(p + page, page, PROT_NONE)));
	return p + page;
}

Test(cop_tx_batch,
     a_payload_that_ends_in_unreadable_memory_is_efault_in_its_turn)
{
	char *end = half_readable();
	int udp = t_udp(), fd = t_open_bound();

	for (int round = 0; round < 2; round++) {
		texts(6, t_port(udp));
		iov[4].iov_base = end - 5;
		cr_assert(eq(int, t_sendmmsg(fd, vec, 6, 0), 4));
		cr_assert(eq(int, t_sendmmsg(fd, vec + 4, 2, 0), -EFAULT));
		cr_assert(eq(int, t_sendmmsg(fd, vec + 5, 1, 0), 1));
		for (unsigned int i = 0; i < 4; i++)
			assert_wire(udp, round * 5 + i, i);
		assert_wire(udp, round * 5 + 4, 5);
	}
}
