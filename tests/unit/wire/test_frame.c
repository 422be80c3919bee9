// SPDX-License-Identifier: MIT
/*
 * test_frame.c - wire/frame.c: frames that come back with a transmit timestamp.
 */
#include <netinet/ip.h>
#include <netinet/udp.h>

#include "wire/frame.h"
#include "unit/helpers.h"

TestSuite(cop_frame, .timeout = 20);

#define PAYLOAD 30

struct frame {
	unsigned char data[200];
	size_t ip;  /* where the IP header is */
	size_t cop; /* where the COP header is */
	size_t n;
};

static uint16_t sum(const void *data, size_t len, uint32_t start)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i += 2)
		start += byte[i] << 8 | byte[i + 1];
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* A frame with that much link header and IP options. */
static struct frame frame_of(size_t link, size_t options)
{
	struct frame f = { .ip = link, .cop = link + 20 + options + 8 };
	struct iphdr ip = { .version = 4,
			    .ihl = 5 + options / 4,
			    .protocol = IPPROTO_UDP,
			    .ttl = 64,
			    .saddr = inet_addr("192.0.2.1"),
			    .daddr = inet_addr("192.0.2.2") };
	struct udphdr udp = { .source = htons(1), .dest = htons(2) };
	struct cophdr cop;

	cop_wire.build(&cop, htons(1), htons(2), 3, 4);
	f.n = f.cop + COP_HLEN + PAYLOAD;
	ip.tot_len = htons(f.n - link);
	udp.len = htons(8 + COP_HLEN + PAYLOAD);
	udp.check = htons(sum(&ip.saddr, 8, 17 + ntohs(udp.len)));
	memset(f.data, 0xee, sizeof(f.data));
	memcpy(f.data + f.ip, &ip, sizeof(ip));
	memcpy(f.data + f.cop - 8, &udp, sizeof(udp));
	memcpy(f.data + f.cop, &cop, sizeof(cop));
	return f;
}

static struct udphdr udp_of(const struct frame *f)
{
	struct udphdr udp;

	memcpy(&udp, f->data + f->cop - 8, sizeof(udp));
	return udp;
}

static const struct {
	size_t link, options;
} shape[] = {
	{ 14, 0 }, { 0, 0 }, { 18, 4 }, { 32, 40 }, { 4, 20 }, { 13, 0 }
};

Test(cop_frame, a_frame_is_shorter_by_a_header)
{
	for (size_t i = 0; i < ARRAY_SIZE(shape); i++) {
		struct frame f = frame_of(shape[i].link, shape[i].options);
		const struct iphdr *ip = (struct iphdr *)(f.data + f.ip);
		uint16_t len = 8 + PAYLOAD;

		cr_assert(eq(sz, cop_frame_strip(&cop_wire, f.data, f.n, f.n),
			     f.cop),
			  "shape %zu", i);
		cr_assert(eq(int, f.data[f.ip + 2] << 8 | f.data[f.ip + 3],
			     f.n - COP_HLEN - f.ip));
		cr_assert(eq(int, sum(ip, f.cop - 8 - f.ip, 0), 0xffff));
		cr_assert(eq(int, ntohs(udp_of(&f).len), len));
		cr_assert(eq(int, ntohs(udp_of(&f).check),
			     sum(f.data + f.ip + 12, 8, 17 + len)));
	}
}

Test(cop_frame, a_checksum_that_was_computed_is_left_out)
{
	struct frame f = frame_of(14, 0);

	f.data[f.cop - 1] ^= 1;
	cr_assert(eq(sz, cop_frame_strip(&cop_wire, f.data, f.n, f.n), f.cop));
	cr_assert(eq(int, udp_of(&f).check, 0));
}

Test(cop_frame, a_frame_that_was_cut_is_one_as_long_as_the_header_is_there)
{
	struct frame f = frame_of(14, 0);

	cr_assert(eq(sz,
		     cop_frame_strip(&cop_wire, f.data, f.cop + 15, f.cop + 15),
		     0));
	cr_assert(eq(sz,
		     cop_frame_strip(&cop_wire, f.data, f.cop + 16, f.cop + 16),
		     f.cop));
}

static const struct {
	const char *what;
	int from_ip; /* offset of a byte that is changed */
	unsigned char to;
} other[] = {
	{ "IPv6", 0, 0x65 },
	{ "a short IP header", 0, 0x44 },
	{ "TCP", 9, IPPROTO_TCP },
	{ "a short IP length", 3, 20 },
	{ "another UDP length", 25, 9 },
	{ "no magic", 28, 0 },
	{ "another version", 30, 0x24 },
	{ "no header length", 30, 0x10 },
};

Test(cop_frame, a_frame_without_COP_stays_as_it_is)
{
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		struct frame f = frame_of(14, 0), was;

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
	struct frame f = frame_of(0, 0);

	for (size_t n = 0; n <= f.n; n++) {
		unsigned char *exact = malloc(n ?: 1);
		struct frame copy = f;

		memcpy(exact, copy.data, n);
		cop_frame_strip(&cop_wire, exact, n,
				n); /* for AddressSanitizer */
		free(exact);
	}
}
