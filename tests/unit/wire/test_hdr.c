// SPDX-License-Identifier: MIT
/*
 * test_hdr.c - wire/hdr.c: the COP header is built and checked.
 */
#include "wire/hdr.h"
#include "unit/helpers.h"

TestSuite(cop_hdr, .init = t_init, .timeout = 20);

static const struct {
	const char *name;
	unsigned char head[4];
	size_t len;
	enum cop_stray stray;
} head[] = {
	{ "plain", { 0xc0, 0xb1, 0x14, 0 }, 16, COP_NO_STRAY },
	{ "plain, with payload", { 0xc0, 0xb1, 0x14, 0 }, 999, COP_NO_STRAY },
	{ "first", { 0xc0, 0xb1, 0x14, 1 }, 16, COP_NO_STRAY },
	{ "flags unknown", { 0xc0, 0xb1, 0x14, 0xfe }, 16, COP_NO_STRAY },
	{ "a word of options", { 0xc0, 0xb1, 0x15, 0 }, 20, COP_NO_STRAY },
	{ "11 of options", { 0xc0, 0xb1, 0x1f, 0 }, 60, COP_NO_STRAY },
	{ "empty", { 0xc0, 0xb1, 0x14, 0 }, 0, COP_STRAY_SHORT },
	{ "15 bytes", { 0xc0, 0xb1, 0x14, 0 }, 15, COP_STRAY_SHORT },
	{ "magic swapped", { 0xb1, 0xc0, 0x14, 0 }, 16, COP_STRAY_MAGIC },
	{ "magic half", { 0xc0, 0xb0, 0x14, 0 }, 16, COP_STRAY_MAGIC },
	{ "version 0", { 0xc0, 0xb1, 0x04, 0 }, 16, COP_STRAY_VERSION },
	{ "version 2", { 0xc0, 0xb1, 0x24, 0 }, 16, COP_STRAY_VERSION },
	{ "version 15", { 0xc0, 0xb1, 0xf4, 0 }, 16, COP_STRAY_VERSION },
	{ "length 0", { 0xc0, 0xb1, 0x10, 0 }, 99, COP_STRAY_LENGTH },
	{ "length 3", { 0xc0, 0xb1, 0x13, 0 }, 99, COP_STRAY_LENGTH },
	{ "length 5 of 16", { 0xc0, 0xb1, 0x15, 0 }, 16, COP_STRAY_LENGTH },
	{ "length 15 of 59", { 0xc0, 0xb1, 0x1f, 0 }, 59, COP_STRAY_LENGTH },
};

Test(cop_hdr, a_header_is_judged_by_length_magic_version_and_length)
{
	struct cop_hdr_info info;

	for (size_t i = 0; i < ARRAY_SIZE(head); i++) {
		unsigned char hdr[COP_HLEN] __attribute__((aligned(4))) = { 0 };

		memcpy(hdr, head[i].head, sizeof(head[i].head));
		cr_assert(eq(int, cop_wire.check(hdr, head[i].len, &info),
			     head[i].stray),
			  "%s", head[i].name);
		if (head[i].stray == COP_NO_STRAY)
			cr_assert(
				eq(int, info.len, (head[i].head[2] & 0xf) * 4));
	}
}

Test(cop_hdr, a_header_is_built_byte_for_byte)
{
	static const unsigned char want[COP_HLEN] = { 0xc0, 0xb1, 0x14, 0x00,
						      0x12, 0x34, 0xab, 0xcd,
						      0x01, 0x02, 0x03, 0x04,
						      0x9a, 0x9b, 0x9c, 0x9d };
	struct cophdr hdr;

	cop_wire.build(&hdr, htons(0x1234), htons(0xabcd), 0x01020304,
		       0x9a9b9c9d);
	cr_assert(zero(int, memcmp(&hdr, want, sizeof(want))));
}

Test(cop_hdr, only_number_0_is_first_and_not_the_one_after_a_wrap)
{
	struct cophdr hdr;

	cop_wire.build(&hdr, 0, 0, 0, 0);
	cr_assert(eq(int, hdr.flags, COP_F_FIRST));
	cop_wire.build(&hdr, 0, 0, 1, 0);
	cr_assert(zero(int, hdr.flags));
	cop_wire.build(&hdr, 0, 0, 1ull << 32, 0);
	cr_assert(zero(int, hdr.flags));
	cr_assert(zero(u32, hdr.seq));
}

Test(cop_hdr, a_plain_header_is_a_valid_one_of_16_bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(head); i++) {
		unsigned char hdr[COP_HLEN] __attribute__((aligned(4))) = { 0 };

		memcpy(hdr, head[i].head, sizeof(head[i].head));
		cr_assert(eq(long, cop_hdr_plain(hdr, head[i].len),
			     head[i].stray == COP_NO_STRAY &&
					     cop_hdr_read(hdr).len == COP_HLEN
				     ? (long)head[i].len - COP_HLEN
				     : -1),
			  "%s", head[i].name);
	}
}

Test(cop_hdr, a_built_header_is_read_back)
{
	struct cop_hdr_info info;
	struct cophdr hdr;

	cop_wire.build(&hdr, htons(1), htons(2), 0xfffffff0, 0x9a9b9c9d);
	cr_assert(zero(long, cop_hdr_plain(&hdr, COP_HLEN)));
	cr_assert(eq(int, cop_wire.check(&hdr, COP_HLEN, &info), COP_NO_STRAY));
	cr_assert(eq(sz, info.len, COP_HLEN));
	cr_assert(eq(int, info.source, htons(1)));
	cr_assert(eq(int, info.dest, htons(2)));
	cr_assert(eq(u32, info.seq, 0xfffffff0));
	cr_assert(eq(u32, info.tstamp, 0x9a9b9c9d));
	cr_assert(not(info.first));
	info = cop_hdr_read(&hdr);
	cr_assert(eq(u32, info.seq, 0xfffffff0));
}

Test(cop_hdr, a_datagram_shorter_than_a_header_has_no_payload)
{
	cr_assert(zero(sz, cop_wire_payload(&cop_wire, 0)));
	cr_assert(zero(sz, cop_wire_payload(&cop_wire, COP_HLEN)));
	cr_assert(eq(sz, cop_wire_payload(&cop_wire, COP_HLEN + 1), 1));
}

/* ---- descriptions of other headers ----------------------------------------- */

static const struct {
	const char *what;
	uint16_t hlen, hlen_max;
	uint8_t len_at, len_high;
	struct cop_match match;
	bool valid;
} described[] = {
	{ "a byte", 1, 1, 0, 0, { 0 }, true },
	{ "no byte", 0, 0, 0, 0, { 0 }, false },
	{ "the longest", COP_HDR_MAX, COP_HDR_MAX, 0, 0, { 0 }, true },
	{ "longer", COP_HDR_MAX + 1, COP_HDR_MAX + 1, 0, 0, { 0 }, false },
	{ "longest below shortest", 8, 7, 0, 0, { 0 }, false },
	{ "options", 8, 60, 7, 0xf, { 0 }, true },
	{ "options, no whole words", 6, 60, 0, 0, { 0 }, false },
	{ "options, a nibble beyond", 8, 64, 0, 0, { 0 }, false },
	{ "options, the nibble's byte beyond", 8, 60, 8, 0, { 0 }, false },
	{ "options, no nibble", 8, 60, 0, 0x10, { 0 }, false },
	{ "a match at the end", 8, 8, 0, 0, { 4, 4, ~0u, 1 }, true },
	{ "a match beyond", 8, 8, 0, 0, { 5, 4, ~0u, 1 }, false },
	{ "a match of 3 bytes", 8, 8, 0, 0, { 0, 3, 0xffffff, 1 }, false },
	{ "a match beyond its mask", 8, 8, 0, 0, { 0, 2, 0xff, 0x100 }, false },
	{ "a mask beyond its size", 8, 8, 0, 0, { 0, 1, 0x1ff, 1 }, false },
};

Test(cop_hdr, a_description_that_can_not_be_is_not_valid)
{
	for (size_t i = 0; i < ARRAY_SIZE(described); i++) {
		const struct cop_wire wire = {
			.hlen = described[i].hlen,
			.hlen_max = described[i].hlen_max,
			.len_at = described[i].len_at,
			.len_high = described[i].len_high,
			.match = { described[i].match },
			.check = cop_wire.check,
			.build = cop_wire.build,
		};

		cr_assert(eq(int, !cop_wire_fault(&wire), described[i].valid),
			  "%s", described[i].what);
	}
	cr_assert(zero(ptr, (void *)cop_wire_fault(&cop_wire)));
}

static int code(struct sock *sk, void *hdr, void *payload, size_t len,
		const struct cop_ends *ends)
{
	(void)sk, (void)hdr, (void)payload, (void)len, (void)ends;
	return 0;
}

static int decode(struct sock *sk, const void *hdr, void *payload, size_t len,
		  bool peek, const struct cop_ends *ends)
{
	(void)sk, (void)hdr, (void)payload, (void)len, (void)peek, (void)ends;
	return 0;
}

#define CODED .encode = code, .decode = decode

static const struct {
	struct cop_wire is;
	const char *fault;
} completed[] = {
	{ { .has = COP_HAS_ALL, .seq_bits = 8 }, NULL },
	{ { .has = 0 }, NULL },
	{ { .has = 8 }, "has or seq_bits" },
	{ { .has = COP_HAS_SEQ, .seq_bits = 7 }, "has or seq_bits" },
	{ { .has = COP_HAS_SEQ, .seq_bits = 33 }, "has or seq_bits" },
	{ { .has = COP_HAS_PORTS, .seq_bits = 16 }, "has or seq_bits" },
	{ { CODED, .overhead = COP_OVERHEAD_MAX }, NULL },
	{ { CODED }, NULL },
	{ { CODED, .overhead = COP_OVERHEAD_MAX + 1 },
	  "overhead, encode or decode" },
	{ { .overhead = 1 }, "overhead, encode or decode" },
	{ { .encode = code }, "overhead, encode or decode" },
	{ { .decode = decode }, "overhead, encode or decode" },
	{ { CODED, .ends = true, .plain = true }, NULL },
	{ { .ends = true }, "ends or plain" },
	{ { .plain = true }, "ends or plain" },
	{ { CODED, .plain = true, .overhead = 1 }, "ends or plain" },
	{ { .segments = true }, NULL },
	{ { CODED, .segments = true }, "segments" },
};

Test(cop_hdr, a_description_is_checked_to_its_last_member)
{
	for (size_t i = 0; i < ARRAY_SIZE(completed); i++) {
		struct cop_wire wire = completed[i].is;
		const char *fault;

		wire.hlen = wire.hlen_max = 8;
		wire.check = cop_wire.check;
		wire.build = cop_wire.build;
		fault = cop_wire_fault(&wire);
		cr_assert(eq(str, (char *)(fault ?: "none"),
			     (char *)(completed[i].fault ?: "none")),
			  "%zu", i);
	}
}

Test(cop_hdr, a_payload_is_what_is_left_of_header_and_overhead)
{
	struct cop_wire wire = { .hlen = 8, .overhead = 8 };

	cr_assert(zero(sz, cop_wire_payload(&wire, 16)));
	cr_assert(eq(sz, cop_wire_payload(&wire, 17), 1));
	cr_assert(eq(long, cop_wire_most(&wire), COP_DATAGRAM_MAX - 16));
}

Test(cop_hdr, a_description_without_check_or_build_is_not_valid)
{
	struct cop_wire no_check = cop_wire, no_build = cop_wire;

	no_check.check = NULL;
	no_build.build = NULL;
	cr_assert(eq(str, (char *)cop_wire_fault(&no_check), "check"));
	cr_assert(eq(str, (char *)cop_wire_fault(&no_build), "build"));
}

static size_t told; /* the length that the module's check tells */

static enum cop_stray tells(const void *at, size_t len,
			    struct cop_hdr_info *info)
{
	(void)at;
	(void)len;
	*info = (struct cop_hdr_info){ .len = told };
	return COP_NO_STRAY;
}

Test(cop_hdr, a_length_that_a_header_can_not_have_is_a_stray)
{
	static const struct {
		size_t told, len;
		enum cop_stray stray;
	} lengths[] = {
		{ 8, 20, COP_NO_STRAY },      { 12, 20, COP_NO_STRAY },
		{ 8, 8, COP_NO_STRAY },	      { 0, 20, COP_STRAY_LENGTH },
		{ 7, 20, COP_STRAY_LENGTH },  { 13, 20, COP_STRAY_LENGTH },
		{ 12, 11, COP_STRAY_LENGTH },
	};
	const struct cop_wire wire = { .hlen = 8,
				       .hlen_max = 12,
				       .check = tells };
	struct cop_hdr_info info;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		told = lengths[i].told;
		cr_assert(eq(int,
			     cop_wire_check(&wire, "", lengths[i].len, &info),
			     lengths[i].stray),
			  "%zu", i);
	}
}
