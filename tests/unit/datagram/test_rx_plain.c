// SPDX-License-Identifier: MIT
/*
 * test_rx_plain.c - datagram/rx_plain.c: one datagram in whose transport only reads the
 * payload. The transport here has a sum of all bytes, and of the last byte of each
 * address. tests/e2e/test_udplite.c has what programs see.
 */
#include "datagram/defaults.h"
#include "inet/af_inet.h"
#include "unit/helpers.h"

#define SUM_TYPE     9
#define SUM_PROTOCOL 19
#define HLEN	     4

static enum cop_stray check(const void *at, size_t len,
			    struct cop_hdr_info *info)
{
	if (len < HLEN)
		return COP_STRAY_SHORT;
	if (memcmp(at, "SUM", 3))
		return COP_STRAY_MAGIC;
	*info = (struct cop_hdr_info){ .len = HLEN };
	return COP_NO_STRAY;
}

static void build(void *hdr, __be16 source, __be16 dest, uint64_t seq,
		  uint32_t tstamp)
{
	(void)source, (void)dest, (void)seq, (void)tstamp;
	memcpy(hdr, "SUM", HLEN);
}

static unsigned char sum_of(const unsigned char *at, size_t len,
			    const struct cop_ends *ends)
{
	unsigned char sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += at[i];
	return sum + (ntohl(ends->source.in.sin_addr.s_addr) & 0xff) +
	       (ntohl(ends->dest.in.sin_addr.s_addr) & 0xff);
}

static int encode(struct sock *sk, void *hdr, void *payload, size_t len,
		  const struct cop_ends *ends)
{
	(void)sk;
	((unsigned char *)hdr)[3] = sum_of(payload, len, ends);
	return 0;
}

static int decode(struct sock *sk, const void *hdr, void *payload, size_t len,
		  bool peek, const struct cop_ends *ends)
{
	(void)sk, (void)peek;
	return ((const unsigned char *)hdr)[3] != sum_of(payload, len, ends);
}

static const struct cop_wire sum_wire = {
	.hlen = HLEN,
	.hlen_max = HLEN,
	.match = { { 0, 2, 0xffff, 0x5355 } },
	.check = check,
	.build = build,
	.encode = encode,
	.decode = decode,
	.ends = true,
	.plain = true,
};

static struct proto sum_prot = { .name = "SUM", .wire = &sum_wire };

static struct inet_protosw sum = {
	.type = SUM_TYPE,
	.protocol = SUM_PROTOCOL,
	.prot = &sum_prot,
};

static void setup(void)
{
	t_init();
	cr_assert(zero(int, proto_register(&sum_prot)));
	cr_assert(zero(int, inet_register_protosw(&sum)));
}

TestSuite(cop_rx_plain, .init = setup, .timeout = 20);

static int bound_to(const char *ip)
{
	int fd = t_open_type(SUM_TYPE);

	cr_assert(zero(int, t_bind(fd, ip, 0)));
	return fd;
}

static unsigned char data[9000], got[9000];

static void arrives(int tx, int rx, const char *ip, size_t len, size_t room)
{
	struct sockaddr_in to = t_addr(ip, t_port(rx)), from;
	const size_t part = min_t(size_t, len, room);

	for (size_t i = 0; i < len; i++)
		data[i] = i * 7 % 251;
	cr_assert(eq(long, t_sendto(tx, data, len, 0, &to), len));
	memset(got, 0, sizeof(got));
	cr_assert(eq(long, t_recvfrom(rx, got, room, MSG_TRUNC, &from), len));
	cr_assert(zero(int, memcmp(got, data, part)), "%zu in %zu", len, room);
	cr_assert(zero(int, got[part]));
	cr_assert(eq(int, from.sin_port, htons(t_port(tx))));
}

static const size_t lengths[] = { 0, 1, 64, 2047, 2048, 2049, 8000 };

Test(cop_rx_plain, datagrams_arrive_at_one_address_and_at_all)
{
	int tx = bound_to("127.0.0.2"), any = bound_to("0.0.0.0");

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		arrives(tx, bound_to("127.0.0.3"), "127.0.0.3", lengths[i],
			8999);
		arrives(tx, any, "127.0.0.4", lengths[i], 8999);
		arrives(any, any, "127.0.0.5", lengths[i], 8999);
	}
}

Test(cop_rx_plain, what_came_before_a_second_bind_was_sent_to_the_first_address)
{
	int tx = bound_to("127.0.0.2"), rx = bound_to("127.0.0.3");
	struct sockaddr_in to = t_addr("127.0.0.3", t_port(rx));

	cr_assert(eq(long, t_sendto(tx, "old", 3, 0, &to), 3));
	cr_assert(zero(int, t_disconnect(rx)));
	cr_assert(zero(int, t_bind(rx, "127.0.0.4", 0)));
	cr_assert(eq(long, t_recv(rx, got, 99, MSG_DONTWAIT), 3));
	cr_assert(zero(u32, t_count(rx)->refused));
	arrives(tx, rx, "127.0.0.4", 64, 99);
}

/* The sum covers what the program does not get. */
Test(cop_rx_plain, a_short_buffer_gets_the_beginning_of_a_whole_datagram)
{
	int tx = bound_to("127.0.0.2"), rx = bound_to("0.0.0.0");

	arrives(tx, rx, "127.0.0.3", 8000, 10);
	arrives(tx, rx, "127.0.0.3", 100, 0);
	cr_assert(eq(u32, t_count(rx)->rx_truncated, 2));
}

Test(cop_rx_plain, a_datagram_with_a_wrong_sum_is_dropped_and_counted)
{
	int rx = bound_to(LOOPBACK), udp = t_udp();

	t_udp_send(udp, t_port(rx), "SUM\x02", 4);
	t_udp_send(udp, t_port(rx), "SUM\x09x", 5);
	t_udp_send(udp, t_port(rx), "noise", 5);
	cr_assert(zero(long, t_recv(rx, got, 99, MSG_DONTWAIT)));
	cr_assert(eq(long, t_recv(rx, got, 99, MSG_DONTWAIT), -EAGAIN));
	cr_assert(eq(u32, t_count(rx)->refused, 1));
	cr_assert(eq(u32, t_count(rx)->rx_datagrams, 1));
}
