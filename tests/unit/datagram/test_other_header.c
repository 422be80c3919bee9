// SPDX-License-Identifier: MIT
/*
 * test_other_header.c - the rooms datagram/, filter/ and wire/ with a transport whose
 * header is not COP's: they ask the transport how long it is.
 */
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "datagram/defaults.h"
#include "filter/bpf.h"
#include "filter/program.h"
#include "inet/af_inet.h"
#include "lib/libc.h"
#include "unit/raw_peer.h"

#define OTHER_TYPE     9
#define OTHER_PROTOCOL 17
#define HLEN	       8
#define HLEN_MAX       60

/* As COP's it has options, but it is 8 bytes and counts words elsewhere. */
struct other_hdr {
	uint16_t magic;
	uint8_t seq;
	uint8_t words; /* 0xa in the high nibble */
	__be16 source;
	__be16 dest;
};

static enum cop_stray other_check(const void *at, size_t len,
				  struct cop_hdr_info *info)
{
	const struct other_hdr *hdr = at;
	const size_t words = len < HLEN ? 0 : hdr->words & 0xf;

	if (len < HLEN)
		return COP_STRAY_SHORT;
	if (hdr->magic != htons(0x0708))
		return COP_STRAY_MAGIC;
	if (hdr->words >> 4 != 0xa)
		return COP_STRAY_VERSION;
	if (words < HLEN / 4 || words * 4 > len)
		return COP_STRAY_LENGTH;
	*info = (struct cop_hdr_info){ .len = words * 4,
				       .first = !hdr->seq,
				       .source = hdr->source,
				       .dest = hdr->dest,
				       .seq = hdr->seq };
	return COP_NO_STRAY;
}

static void other_build(void *at, __be16 source, __be16 dest, uint64_t seq,
			uint32_t tstamp)
{
	struct other_hdr *hdr = at;

	(void)tstamp;
	*hdr = (struct other_hdr){ htons(0x0708), seq, 0xa0 | HLEN / 4, source,
				   dest };
}

static const struct cop_wire other_wire = {
	.hlen = HLEN,
	.hlen_max = HLEN_MAX,
	.len_at = 3,
	.len_high = 0xa,
	.match = { { 0, 1, 0xff, 7 }, { 0, 2, 0x0fff, 0x0708 } },
	.check = other_check,
	.build = other_build,
};

static struct cop_slab other_slab = COP_SLAB(struct cop_sock);

static struct proto other_prot = {
	.name = "OTHER",
	.slab = &other_slab,
	.wire = &other_wire,
};

static struct inet_protosw other = {
	.type = OTHER_TYPE,
	.protocol = OTHER_PROTOCOL,
	.prot = &other_prot,
};

static void setup(void)
{
	raw_peer_init();
	other.ops = t_sock(t_open())->ops;
	cr_assert(zero(int, proto_register(&other_prot)));
	cr_assert(zero(int, inet_register_protosw(&other)));
}

TestSuite(other_header, .init = setup, .timeout = 20);

static int other_bound(void)
{
	int fd = t_open_type(OTHER_TYPE);

	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	return fd;
}

static void send_raw(int udp, int fd, size_t hlen, size_t len)
{
	static unsigned char wire[HLEN_MAX + COP_MAX_LEN];
	struct other_hdr hdr = { htons(0x0708), 1, 0xa0 | hlen / 4, 0, 0 };

	memset(wire, 0xee, hlen);
	memcpy(wire, &hdr, sizeof(hdr));
	memcpy(wire + hlen, data, len);
	t_udp_send(udp, t_port(fd), wire, hlen + len);
}

static void assert_wire(int udp, size_t len)
{
	static unsigned char wire[COP_DATAGRAM_MAX];

	cr_assert(eq(long, recv(udp, wire, sizeof(wire), 0), HLEN + len));
	cr_assert(eq(int, wire[0], 7));
	cr_assert(eq(int, wire[3], 0xa0 | HLEN / 4));
	cr_assert(zero(int, memcmp(wire + HLEN, data, len)), "%zu bytes", len);
}

static const size_t sizes[] = { 0, 1, 7, 8, 9, 47, 48, 49, 2048, 2049, 9000 };

Test(other_header, each_way_to_send_puts_that_header_ahead_of_the_payload)
{
	int udp = t_udp(), fd = other_bound();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t len = sizes[i];
		struct iovec iov[70];
		struct mmsghdr vec[3];

		cr_assert(eq(long, t_sendto(fd, data, len, 0, &to), len));
		assert_wire(udp, len);
		for (size_t n = 1; n <= 70; n += 69) {
			struct msghdr msg = vectored(iov, n, data, len);

			msg.msg_name = &to;
			msg.msg_namelen = sizeof(to);
			cr_assert(eq(long, t_sendmsg(fd, &msg, 0), len));
			assert_wire(udp, len);
			for (int k = 0; k < 3; k++)
				vec[k].msg_hdr = msg;
			cr_assert(eq(int, t_sendmmsg(fd, vec, 3, 0), 3));
			for (int k = 0; k < 3; k++) {
				cr_assert(eq(uint, vec[k].msg_len, len));
				assert_wire(udp, len);
			}
		}
	}
}

Test(other_header, the_longest_payload_fills_udps_longest_datagram)
{
	int udp = t_udp(), fd = other_bound();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	size_t most = COP_DATAGRAM_MAX_IPV4 - HLEN;
	unsigned char *long_data = calloc(1, most + 1);

	cr_assert(eq(long, t_sendto(fd, long_data, most, 0, &to), most));
	cr_assert(
		eq(long, recv(udp, NULL, 0, MSG_TRUNC), COP_DATAGRAM_MAX_IPV4));
	cr_assert(
		eq(long, t_sendto(fd, long_data, most + 1, 0, &to), -EMSGSIZE));
	free(long_data);
}

static void assert_room(size_t len, size_t cap)
{
	size_t copied = min_t(size_t, len, cap);

	cr_assert(zero(int, memcmp(room, data, copied)), "%zu of %zu bytes",
		  copied, len);
	memset(room, 0, sizeof(room));
}

static void receive_all_ways(int udp, int fd, size_t hlen, size_t len,
			     size_t cap)
{
	struct iovec iov[70];
	struct mmsghdr one = { 0 };
	int waiting;

	send_raw(udp, fd, hlen, len);
	cr_assert(zero(int, t_sk(fd)->sk_prot->ioctl(t_sk(fd), fd, FIONREAD,
						     &waiting)));
	cr_assert(eq(int, waiting, len));
	cr_assert(eq(long, t_recv(fd, room, cap, MSG_PEEK | MSG_TRUNC), len));
	assert_room(len, cap);
	cr_assert(eq(long, t_recv(fd, room, cap, MSG_TRUNC), len));
	assert_room(len, cap);
	for (size_t n = 1; n <= 70; n += 69) {
		struct msghdr msg = vectored(iov, n, room, cap);

		send_raw(udp, fd, hlen, len);
		cr_assert(eq(long, t_recvmsg(fd, &msg, MSG_TRUNC), len));
		assert_room(len, cap);
		cr_assert(eq(int, !!(msg.msg_flags & MSG_TRUNC), len > cap));
		send_raw(udp, fd, hlen, len);
		one.msg_hdr = vectored(iov, n, room, cap);
		cr_assert(eq(int, t_recvmmsg(fd, &one, 1, 0, NULL), 1));
		cr_assert(eq(uint, one.msg_len, min_t(size_t, len, cap)));
		assert_room(len, cap);
	}
}

Test(other_header, each_way_to_receive_takes_that_header_off)
{
	static const size_t hlens[] = { HLEN, 12, 16, 40, HLEN_MAX };
	int udp = t_udp(), fd = other_bound();

	for (size_t h = 0; h < ARRAY_SIZE(hlens); h++)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			receive_all_ways(udp, fd, hlens[h], sizes[i], 9000);
			receive_all_ways(udp, fd, hlens[h], sizes[i], 48);
		}
	cr_assert(zero(u32, t_count(fd)->strays[COP_STRAY_SHORT]));
}

Test(other_header, two_sockets_exchange_and_count_datagrams)
{
	int a = other_bound(), b = other_bound();
	struct sockaddr_in from, to = t_addr(LOOPBACK, t_port(b));
	char buf[16];

	for (int i = 0; i < 3; i++) {
		cr_assert(eq(long, t_sendto(a, "question", 8, 0, &to), 8));
		cr_assert(eq(long, t_recvfrom(b, buf, 16, 0, &from), 8));
		cr_assert(eq(uint, ntohs(from.sin_port), t_port(a)));
	}
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 3));
	cr_assert(zero(u32, t_count(b)->port_mismatch));
}

/* Each byte of the header takes each value, at some lengths. */
Test(other_header, the_kernel_drops_what_the_check_calls_a_stray)
{
	int udp = t_udp(), fd = other_bound();
	unsigned int bad = 0;

	t_sk(fd)->sk_prot->poll(t_sk(fd), fd);
	for (int at = 0; at < 4; at++)
		for (int byte = 0; byte < 256; byte++)
			for (size_t len = 4; len <= HLEN_MAX; len += 4) {
				struct cop_hdr_info info;
				union {
					struct other_hdr hdr;
					unsigned char byte[HLEN_MAX];
				} wire = { { htons(0x0708), 0, 0xa2, 0, 0 } };

				wire.byte[at] = byte;
				t_udp_send(udp, t_port(fd), &wire, len);
				if (other_check(&wire, len, &info) !=
				    COP_NO_STRAY)
					bad++;
				else
					cr_assert(eq(long,
						     t_recv(fd, room, 64, 0),
						     len - info.len));
				cr_assert(eq(uint, t_drops(fd), bad),
					  "byte %d is %#x, %zu bytes", at, byte,
					  len);
			}
}

static void attach(int fd, struct sock_filter *insn, unsigned short n)
{
	struct sock_fprog prog = { n, insn };

	cr_assert(zero(int, t_sk(fd)->sk_prot->setsockopt(
				    t_sk(fd), fd, SOL_SOCKET, SO_ATTACH_FILTER,
				    &prog, sizeof(prog))));
}

/* It takes a payload that begins with data's, and cuts it to 2 bytes. */
static struct sock_filter first_byte[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 8 + 5, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 8 + 2),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

Test(other_header, a_filter_of_the_programs_own_moves_behind_that_header)
{
	int udp = t_udp(), fd = other_bound();

	attach(fd, first_byte, ARRAY_SIZE(first_byte));
	for (size_t hlen = HLEN; hlen <= HLEN_MAX; hlen += 4) {
		send_raw(udp, fd, hlen, 4); /* too short for the filter */
		t_udp_send(udp, t_port(fd), data, 20);
		send_raw(udp, fd, hlen, 5);
		cr_assert(eq(long, t_recv(fd, room, 64, 0), 2));
	}
	cr_assert(eq(uint, t_drops(fd), 2 * ((HLEN_MAX - HLEN) / 4 + 1)));
}

Test(other_header, the_longest_pattern_fits_in_the_program)
{
	struct cop_wire wire = other_wire;
	struct sock_filter insn[64];

	for (int i = 0; i < COP_MATCHES; i++)
		wire.match[i] = (struct cop_match){ i, 2, 0xff0, 0 };
	cr_assert(zero(ptr, (void *)cop_wire_fault(&wire)));
	cr_assert(le(int, cop_bpf_strays(&wire, insn, 64), FEW - BODY));
}
