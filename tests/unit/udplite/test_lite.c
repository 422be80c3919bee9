// SPDX-License-Identifier: MIT
/*
 * test_lite.c - transports/udplite: the checksum, and what it covers.
 */
#include <stdlib.h>
#include <time.h>

#define COP_TRANSPORT_TYPES /* of the header only the types */
#include "transports/udplite/lite.h"
#include "unit/helpers.h"

TestSuite(udplite, .timeout = 60);

/* RFC 1071, as it stands there: 16-bit words in network order, and the carries. */
static uint16_t plain_sum(uint32_t sum, const unsigned char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static unsigned char data[70000];

static void fill(unsigned int seed)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = seed ? rand_r(&seed) >> 5 : 0xff;
}

/* All ones of a one's complement sum are 0, so both are the same sum. */
static void same_sum(size_t off, size_t len)
{
	const uint16_t is = plain_sum(0, data + off, len);

	for (int avx2 = 0; avx2 <= csum_has_avx2(); avx2++) {
		uint16_t got =
			ntohs(csum_fold(csum_partial(data + off, len, avx2)));

		cr_assert(eq(int, got % 0xffff, is % 0xffff), "%zu at %zu", len,
			  off);
		cr_assert(eq(int, !got, !is), "%zu at %zu", len, off);
	}
}

Test(udplite, the_sum_is_that_of_rfc_1071_for_every_length_and_alignment)
{
	for (unsigned int seed = 0; seed < 4; seed++) {
		fill(seed);
		for (size_t len = 0; len < 300; len++)
			for (size_t off = 0; off < 9; off++)
				same_sum(off, len);
		for (size_t len = 65400; len <= 65527; len++)
			same_sum(len % 7, len);
	}
	memset(data, 0, sizeof(data));
	same_sum(0, 1400);
}

Test(udplite, the_example_of_rfc_1071_has_its_sum)
{
	static const unsigned char example[] = { 0x00, 0x01, 0xf2, 0x03,
						 0xf4, 0xf5, 0xf6, 0xf7 };

	cr_assert(eq(int, ntohs(csum_fold(csum_tail(example, 8))), 0xddf2));
}

static const struct {
	int value;
	uint16_t wanted;
} values[] = {
	{ 0, 0 },  { 1, 8 },	     { 7, 8 },	       { 8, 8 },
	{ 9, 9 },  { 65535, 65535 }, { 65536, 65535 }, { INT_MAX, 65535 },
	{ -1, 8 }, { INT_MIN, 8 },
};

Test(udplite, a_coverage_is_understood_as_the_kernel_understands_it)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		cr_assert(eq(int, lite_coverage_wanted(values[i].value),
			     values[i].wanted),
			  "%d", values[i].value);
}

Test(udplite, the_field_is_the_length_or_what_was_set_if_that_is_less)
{
	cr_assert(eq(int, lite_coverage_field(false, 0, 100), 100));
	cr_assert(eq(int, lite_coverage_field(true, 0, 100), 0));
	cr_assert(eq(int, lite_coverage_field(true, 20, 100), 20));
	cr_assert(eq(int, lite_coverage_field(true, 100, 100), 100));
	cr_assert(eq(int, lite_coverage_field(true, 101, 100), 100));
}

Test(udplite, coverages_of_1_to_7_and_beyond_the_end_are_illegal)
{
	cr_assert(eq(sz, lite_covered(0, 100), 100));
	for (uint16_t field = 1; field < 8; field++)
		cr_assert(zero(sz, lite_covered(field, 100)));
	cr_assert(eq(sz, lite_covered(8, 100), 8));
	cr_assert(eq(sz, lite_covered(100, 100), 100));
	cr_assert(zero(sz, lite_covered(101, 100)));
	cr_assert(zero(sz, lite_covered(65535, 100)));
	cr_assert(eq(sz, lite_covered(8, 8), 8));
}

static struct cop_ends ends_of(int family, const char *source, const char *dest)
{
	struct cop_ends ends = { { .family = family }, { .family = family } };

	if (family == AF_INET) {
		inet_pton(family, source, &ends.source.in.sin_addr);
		inet_pton(family, dest, &ends.dest.in.sin_addr);
	} else {
		inet_pton(family, source, &ends.source.in6.sin6_addr);
		inet_pton(family, dest, &ends.dest.in6.sin6_addr);
	}
	return ends;
}

static uint16_t sum_of(const struct cop_ends *ends, struct udplitehdr *hdr,
		       size_t len, size_t covered)
{
	return lite_sum(ends, hdr, data, len, covered, csum_has_avx2());
}

/* A datagram has the right sum exactly as long as nothing that is covered changes. */
static void is_covered(const struct cop_ends *ends, size_t len, size_t covered)
{
	struct udplitehdr hdr = { htons(4000), htons(5000), htons(covered), 0 };

	hdr.check = ~sum_of(ends, &hdr, len, covered);
	cr_assert(eq(int, sum_of(ends, &hdr, len, covered), 0xffff));
	for (size_t i = 0; i < len; i++) {
		bool counts = i + LITE_HLEN < covered;

		data[i] ^= 1 << i % 8;
		cr_assert(eq(int, sum_of(ends, &hdr, len, covered) != 0xffff,
			     counts),
			  "byte %zu of %zu", i, covered);
		data[i] ^= 1 << i % 8;
	}
	hdr.dest ^= 1;
	cr_assert(ne(int, sum_of(ends, &hdr, len, covered), 0xffff));
}

Test(udplite, each_bit_that_is_covered_counts_and_no_other)
{
	struct cop_ends in = ends_of(AF_INET, "192.0.2.1", "198.51.100.7");
	struct cop_ends in6 = ends_of(AF_INET6, "2001:db8::1", "2001:db8::2");

	fill(9);
	for (size_t covered = 8; covered <= 108; covered++) {
		is_covered(&in, 100, covered);
		is_covered(&in6, 100, covered);
	}
	is_covered(&in, 1400, 1408);
	is_covered(&in6, 1400, 8);
}

Test(udplite, addresses_and_length_count_whatever_is_covered)
{
	struct cop_ends ends = ends_of(AF_INET, "192.0.2.1", "198.51.100.7");
	struct cop_ends other = ends_of(AF_INET, "192.0.2.2", "198.51.100.7");
	struct udplitehdr hdr = { .coverage = htons(8) };

	hdr.check = ~sum_of(&ends, &hdr, 100, 8);
	cr_assert(eq(int, sum_of(&ends, &hdr, 100, 8), 0xffff));
	cr_assert(ne(int, sum_of(&other, &hdr, 100, 8), 0xffff));
	cr_assert(ne(int, sum_of(&ends, &hdr, 99, 8), 0xffff));
}
