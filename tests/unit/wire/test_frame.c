// SPDX-License-Identifier: MIT
/*
 * test_frame.c - wire/frame.c: frames that come back with a transmit timestamp.
 */
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include "wire/frame.h"
#include "unit/helpers.h"

TestSuite(cop_frame, .timeout = 20);

#define PAYLOAD 30
#define IPV6	-1 /* of a shape's options: the network header is one of IPv6 */

struct frame {
	unsigned char data[400];
	size_t ip;    /* where the IP header is */
	size_t addrs; /* where the IP addresses are */
	size_t cop;   /* where the COP header is */
	size_t n;
};

static uint16_t sum(const void *data, size_t len, uint32_t start)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i++)
		start += i % 2 ? byte[i] : byte[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* The sum of the pseudo-header of a UDP datagram that is @len long. */
static uint16_t pseudo(const struct frame *f, size_t len)
{
	return sum(f->data + f->addrs,
		   f->data[f->ip] >> 4 == 4 ? 2 * sizeof(struct in_addr)
					    : 2 * sizeof(struct in6_addr),
		   IPPROTO_UDP + len);
}

static struct udphdr udp_of(const struct frame *f)
{
	struct udphdr udp;

	memcpy(&udp, f->data + f->cop - 8, sizeof(udp));
	return udp;
}

static void set_check(struct frame *f, uint16_t check)
{
	f->data[f->cop - 2] = check >> 8;
	f->data[f->cop - 1] = check;
}

/* Behind the network header: UDP, COP and the payload. */
static void put_datagram(struct frame *f)
{
	struct udphdr udp = { .source = htons(1),
			      .dest = htons(2),
			      .len = htons(8 + COP_HLEN + PAYLOAD) };
	struct cophdr cop;

	cop_wire.build(&cop, htons(1), htons(2), 3, 4);
	f->n = f->cop + COP_HLEN + PAYLOAD;
	memcpy(f->data + f->cop - 8, &udp, sizeof(udp));
	memcpy(f->data + f->cop, &cop, sizeof(cop));
	for (size_t i = 0; i < PAYLOAD; i++)
		f->data[f->cop + COP_HLEN + i] = 7 * i;
}

static struct frame ipv4_of(size_t link, size_t options)
{
	struct frame f = { .ip = link,
			   .addrs = link + 12,
			   .cop = link + 20 + options + 8 };
	struct iphdr ip = { .version = 4,
			    .ihl = 5 + options / 4,
			    .protocol = IPPROTO_UDP,
			    .ttl = 64,
			    .saddr = inet_addr("192.0.2.1"),
			    .daddr = inet_addr("192.0.2.2") };

	memset(f.data, 0xee, sizeof(f.data));
	put_datagram(&f);
	ip.tot_len = htons(f.n - link);
	memcpy(f.data + f.ip, &ip, sizeof(ip));
	return f;
}

/* The extension headers have these types and lengths in bytes. */
static struct frame ipv6_of(size_t link, const uint8_t *types,
			    const size_t *lens)
{
	struct frame f = { .ip = link, .addrs = link + 8, .cop = link + 40 };
	struct ip6_hdr ip = { .ip6_flow = htonl(0x60000000), .ip6_hlim = 64 };
	uint8_t *next = &ip.ip6_nxt;

	memset(f.data, 0xee, sizeof(f.data));
	inet_pton(AF_INET6, "2001:db8::1", &ip.ip6_src);
	inet_pton(AF_INET6, "fe80::2", &ip.ip6_dst);
	for (; *lens; types++, lens++) {
		*next = *types;
		next = f.data + f.cop;
		next[1] = *types == IPPROTO_FRAGMENT ? 0 : *lens / 8 - 1;
		next[2] = next[3] = 0;
		f.cop += *lens;
	}
	*next = IPPROTO_UDP;
	f.cop += 8;
	put_datagram(&f);
	ip.ip6_plen = htons(f.n - link - sizeof(ip));
	memcpy(f.data + f.ip, &ip, sizeof(ip));
	return f;
}

static const struct {
	size_t link;
	int options; /* bytes of them, or IPV6 */
	uint8_t types[4];
	size_t lens[4]; /* of the extension headers */
} shape[] = {
	{ 14, 0, { 0 }, { 0 } },
	{ 0, 0, { 0 }, { 0 } },
	{ 18, 4, { 0 }, { 0 } },
	{ 32, 40, { 0 }, { 0 } },
	{ 4, 20, { 0 }, { 0 } },
	{ 13, 0, { 0 }, { 0 } },
	{ 14, IPV6, { 0 }, { 0 } },
	{ 0, IPV6, { 0 }, { 0 } },
	{ 13, IPV6, { IPPROTO_DSTOPTS }, { 8 } },
	{ 32, IPV6, { IPPROTO_HOPOPTS, IPPROTO_ROUTING }, { 16, 24 } },
	{ 18,
	  IPV6,
	  { IPPROTO_HOPOPTS, IPPROTO_FRAGMENT, IPPROTO_DSTOPTS },
	  { 8, 8, 64 } },
};

static struct frame frame_of(size_t i)
{
	return shape[i].options == IPV6
		       ? ipv6_of(shape[i].link, shape[i].types, shape[i].lens)
		       : ipv4_of(shape[i].link, shape[i].options);
}

/* The length of the frame, as its IP header says it. */
static size_t length_of(const struct frame *f)
{
	const unsigned char *ip = f->data + f->ip;

	if (*ip >> 4 == 4)
		return f->ip + (ip[2] << 8 | ip[3]);
	return f->ip + 40 + (ip[4] << 8 | ip[5]);
}

Test(cop_frame, a_frame_is_shorter_by_a_header)
{
	for (size_t i = 0; i < ARRAY_SIZE(shape); i++) {
		struct frame f = frame_of(i);
		size_t hlen = f.cop - 8 - f.ip, len = 8 + PAYLOAD;

		set_check(&f, pseudo(&f, len + COP_HLEN));
		cr_assert(eq(sz, cop_frame_strip(&cop_wire, f.data, f.n, f.n),
			     f.cop),
			  "shape %zu", i);
		cr_assert(eq(sz, length_of(&f), f.n - COP_HLEN));
		cr_assert(eq(int, ntohs(udp_of(&f).len), len));
		cr_assert(eq(int, ntohs(udp_of(&f).check), pseudo(&f, len)));
		if (f.data[f.ip] >> 4 == 4)
			cr_assert(eq(int, sum(f.data + f.ip, hlen, 0), 0xffff));
	}
}

/*
 * What a receiver of the datagram in a frame computes if the first @skip bytes behind
 * the UDP header are left out: 0xffff if nothing is wrong.
 */
static uint16_t verify(const struct frame *f, size_t skip)
{
	size_t rest = f->n - f->cop - skip;
	uint16_t s = sum(f->data + f->cop - 8, 8, pseudo(f, 8 + rest));

	return sum(f->data + f->cop + skip, rest, s);
}

static void expect_right_sum(const struct cop_wire *wire, size_t i, int byte)
{
	struct frame f = frame_of(i);

	f.data[f.n - 1] = byte;
	set_check(&f, 0);
	set_check(&f, ~verify(&f, 0));
	cr_assert(eq(sz, cop_frame_strip(wire, f.data, f.n, f.n), f.cop));
	cr_assert(eq(int, verify(&f, wire->hlen), 0xffff), "shape %zu, byte %d",
		  i, byte);
	cr_assert(ne(int, udp_of(&f).check, 0));
}

Test(cop_frame, a_checksum_that_was_computed_is_right_without_the_header)
{
	for (size_t i = 0; i < ARRAY_SIZE(shape); i++)
		for (int byte = 0; byte < 256; byte++)
			expect_right_sum(&cop_wire, i, byte);
}

/* The last byte of COP's header is the payload's first one then. */
Test(cop_frame, a_checksum_is_right_without_a_header_of_odd_length)
{
	struct cop_wire odd = cop_wire;

	odd.hlen--;
	for (size_t i = 0; i < ARRAY_SIZE(shape); i++)
		for (int byte = 0; byte < 256; byte++)
			expect_right_sum(&odd, i, byte);
}

Test(cop_frame, a_datagram_of_ipv4_without_a_checksum_gets_none)
{
	struct frame f = frame_of(0);

	set_check(&f, 0);
	cr_assert(eq(sz, cop_frame_strip(&cop_wire, f.data, f.n, f.n), f.cop));
	cr_assert(eq(int, udp_of(&f).check, 0));
}

/* The first fragment of a datagram that is longer. Others have no header. */
Test(cop_frame, a_first_fragment_is_shorter_by_a_header)
{
	struct frame v4 = frame_of(0), v6 = frame_of(10);
	const size_t frag = v6.ip + 40 + 8; /* where its fragment header is */

	v4.data[v4.cop - 3] += 8;
	v4.data[v4.ip + 6] = 0x20;
	cr_assert(eq(sz, cop_frame_strip(&cop_wire, v4.data, v4.n, v4.n),
		     v4.cop));
	cr_assert(eq(int, ntohs(udp_of(&v4).len), 16 + PAYLOAD));
	v6.data[v6.cop - 3] += 8;
	v6.data[frag + 3] = 1;
	cr_assert(eq(sz, cop_frame_strip(&cop_wire, v6.data, v6.n, v6.n),
		     v6.cop));
	cr_assert(eq(int, ntohs(udp_of(&v6).len), 16 + PAYLOAD));
	v4 = frame_of(0);
	v4.data[v4.ip + 7] = 1;
	cr_assert(eq(sz, cop_frame_strip(&cop_wire, v4.data, v4.n, v4.n), 0));
	v6 = frame_of(10);
	v6.data[frag + 3] = 8;
	cr_assert(eq(sz, cop_frame_strip(&cop_wire, v6.data, v6.n, v6.n), 0));
}

Test(cop_frame, a_frame_that_was_cut_is_one_as_long_as_the_header_is_there)
{
	for (size_t i = 0; i < ARRAY_SIZE(shape); i++) {
		struct frame f = frame_of(i);
		size_t end = f.cop + COP_HLEN;

		cr_assert(
			eq(sz,
			   cop_frame_strip(&cop_wire, f.data, end - 1, end - 1),
			   0));
		cr_assert(eq(sz, cop_frame_strip(&cop_wire, f.data, end, end),
			     f.cop));
	}
}

static const struct {
	const char *what;
	size_t shape;
	int from_ip; /* offset of a byte that is changed */
	unsigned char to;
} other[] = {
	{ "IPv5", 0, 0, 0x55 },
	{ "IPv6 in a header of IPv4", 0, 0, 0x65 },
	{ "a short IP header", 0, 0, 0x44 },
	{ "TCP", 0, 9, IPPROTO_TCP },
	{ "a short IP length", 0, 3, 20 },
	{ "another UDP length", 0, 25, 9 },
	{ "no magic", 0, 28, 0 },
	{ "another version", 0, 30, 0x24 },
	{ "no header length", 0, 30, 0x10 },
	{ "IPv4 in a header of IPv6", 6, 0, 0x45 },
	{ "TCP in IPv6", 6, 6, IPPROTO_TCP },
	{ "a short IPv6 length", 6, 5, 8 },
	{ "another UDP length in IPv6", 6, 45, 9 },
	{ "no magic in IPv6", 6, 48, 0 },
	{ "an extension header that is too long", 8, 41, 200 },
	{ "TCP behind an extension header", 8, 40, IPPROTO_TCP },
	{ "an extension header that is not known", 8, 6, 255 },
};

Test(cop_frame, a_frame_without_COP_stays_as_it_is)
{
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		struct frame f = frame_of(other[i].shape), was;

		f.data[f.ip + other[i].from_ip] = other[i].to;
		was = f;
		cr_assert(eq(sz, cop_frame_strip(&cop_wire, f.data, f.n, f.n),
			     0),
			  "%s", other[i].what);
		cr_assert(eq(int, memcmp(&f, &was, sizeof(f)), 0), "%s",
			  other[i].what);
	}
}

Test(cop_frame, no_byte_beyond_the_end_is_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(shape); i++) {
		struct frame f = frame_of(i);

		for (size_t n = 0; n <= f.n; n++) {
			unsigned char *exact = malloc(n ?: 1);

			memcpy(exact, f.data, n);
			cop_frame_strip(&cop_wire, exact, n,
					n); /* for AddressSanitizer */
			free(exact);
		}
	}
}
