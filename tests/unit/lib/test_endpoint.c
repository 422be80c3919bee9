// SPDX-License-Identifier: MIT
/*
 * test_endpoint.c - lib/endpoint.c: one end of a flow, of either family.
 */
#include <stdlib.h>

#include "lib/endpoint.h"
#include "unit/addresses.h"
#include "unit/helpers.h"

static struct cop_endpoint end_of(union cop_addr addr)
{
	struct cop_endpoint end;

	cr_assert(cop_endpoint_of(&addr, cop_addr_len(&addr), &end));
	return end;
}

static void expect_same(union cop_addr a, union cop_addr b, bool same)
{
	struct cop_endpoint x = end_of(a), y = end_of(b);
	char text[2][COP_ADDR_TEXT];

	cr_expect(eq(int, cop_endpoint_equal(&x, &y), same), "%s %s",
		  cop_addr_print(text[0], sizeof(text[0]), &a),
		  cop_addr_print(text[1], sizeof(text[1]), &b));
	cr_expect(eq(int, cop_endpoint_word(&x) == cop_endpoint_word(&y), same),
		  "the words: %s %s", text[0], text[1]);
}

Test(cop_endpoint, ipv4_is_the_same_end_in_both_families)
{
	expect_same(v4("10.0.0.1", 5), v6("::ffff:10.0.0.1", 5, 0), true);
	expect_same(v4("10.0.0.1", 5), v6("::ffff:10.0.0.1", 6, 0), false);
	expect_same(v4("10.0.0.1", 5), v6("::10.0.0.1", 5, 0), false);
}

Test(cop_endpoint, ends_differ_by_address_port_and_scope)
{
	expect_same(v6("fe80::1", 5, 1), v6("fe80::1", 5, 1), true);
	expect_same(v6("fe80::1", 5, 1), v6("fe80::1", 5, 2), false);
	expect_same(v6("fe80::1", 5, 1), v6("fe80::1", 6, 1), false);
	expect_same(v6("fe80::1", 5, 1), v6("fe80::2", 5, 1), false);
	expect_same(v6("fd00::1", 5, 0), v6("fd00:1::", 5, 0), false);
}

Test(cop_endpoint, only_an_address_that_needs_a_scope_has_one)
{
	expect_same(v6("fd00::1", 5, 1), v6("fd00::1", 5, 2), true);
	expect_same(v6("ff02::1", 5, 1), v6("ff02::1", 5, 2), false);
	expect_same(v6("ff01::1", 5, 1), v6("ff01::1", 5, 2), false);
	expect_same(v6("ff0e::1", 5, 1), v6("ff0e::1", 5, 2), true);
}

static const struct {
	int family, name; /* the socket's, the name's */
	socklen_t len;
	enum cop_dest dest;
} dests[] = {
	{ AF_INET, AF_INET, 16, COP_DEST_NAME },
	{ AF_INET, AF_INET, 15, COP_DEST_NONE },
	{ AF_INET, AF_UNSPEC, 16, COP_DEST_NAME },
	{ AF_INET, AF_INET6, 28, COP_DEST_NONE },
	{ AF_INET6, AF_INET6, 28, COP_DEST_NAME },
	{ AF_INET6, AF_INET6, 24, COP_DEST_NAME },
	{ AF_INET6, AF_INET6, 23, COP_DEST_NONE },
	{ AF_INET6, AF_INET, 16, COP_DEST_NAME },
	{ AF_INET6, AF_INET, 15, COP_DEST_NONE },
	{ AF_INET6, AF_UNSPEC, 2, COP_DEST_PEER },
	{ AF_INET6, AF_UNSPEC, 1, COP_DEST_NONE },
	{ AF_INET6, AF_UNIX, 28, COP_DEST_NONE },
};

Test(cop_endpoint, a_send_goes_where_udp_and_udpv6_send_it)
{
	for (size_t i = 0; i < ARRAY_SIZE(dests); i++) {
		union cop_addr name = { .family = dests[i].name };
		struct cop_endpoint end;

		cr_expect(eq(int,
			     cop_addr_dest(dests[i].family, &name, dests[i].len,
					   &end),
			     dests[i].dest),
			  "row %zu", i);
	}
}

Test(cop_endpoint, a_name_without_a_scope_has_scope_0)
{
	union cop_addr name = v6("fe80::1", 5, 7);
	struct cop_endpoint end;

	cr_assert(cop_endpoint_of(&name, SIN6_LEN_RFC2133, &end));
	cr_expect(zero(u32, end.scope));
	cr_assert(not(cop_endpoint_of(&name, SIN6_LEN_RFC2133 - 1, &end)));
	cr_assert(not(cop_endpoint_of(NULL, 0, &end)));
}

/* Neighbours, which are what an attacker would try first. */
Test(cop_endpoint, words_of_ipv6_have_the_top_bit_and_differ)
{
	enum { N = 10000 };
	static uint64_t word[N];

	for (int i = 0; i < N; i++) {
		union cop_addr addr = v6("2001:db8::", i % 3, 0);
		struct cop_endpoint end;

		addr.in6.sin6_addr.s6_addr32[i % 4] = htonl(i);
		end = end_of(addr);
		word[i] = cop_endpoint_word(&end);
		cr_assert(word[i] >> 63);
		for (int j = 0; j < i; j++)
			cr_assert(word[i] != word[j], "%d %d", i, j);
	}
}

Test(cop_endpoint, the_word_of_ipv4_is_address_and_port)
{
	struct cop_endpoint end = end_of(v4("1.2.3.4", 5)), back, six;

	cr_expect(eq(u64, cop_endpoint_word(&end),
		     (uint64_t)inet_addr("1.2.3.4") << 16 | htons(5)));
	back = cop_endpoint_of_word(cop_endpoint_word(&end));
	cr_expect(cop_endpoint_equal(&back, &end));
	six = end_of(v6("::1", 5, 0));
	cr_expect(cop_word_is_v4(cop_endpoint_word(&end)));
	cr_expect(not(cop_word_is_v4(cop_endpoint_word(&six))));
}

/* Each bit of an endpoint counts. */
Test(cop_endpoint, a_word_of_ipv6_changes_with_each_bit_of_the_end)
{
	struct cop_endpoint end = end_of(v6("fe80::1", 5, 1)), other;
	const uint64_t word = cop_endpoint_word(&end);

	for (size_t i = 0; i < 8 * offsetof(struct cop_endpoint, zero); i++) {
		other = end;
		((unsigned char *)&other)[i / 8] ^= 1 << i % 8;
		cr_expect(ne(u64, cop_endpoint_word(&other), word), "%zu", i);
	}
}

static const struct {
	const char *ip;
	socklen_t len;
	bool is_v4;
} peers[] = {
	{ "1.2.3.4", 16, true },	{ "::ffff:1.2.3.4", 28, true },
	{ "::ffff:1.2.3.4", 24, true }, { "::1", 28, false },
	{ "fe80::1", 28, false },	{ "fe80::1", 24, false },
	{ "ff02::1", 28, false },	{ "2001:db8::7", 128, false },
};

/* A peer is its endpoint, whichever way it came to be. */
Test(cop_endpoint, a_peer_has_the_word_and_the_end_of_its_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct sockaddr_storage name = { 0 };
		union cop_addr addr = strchr(peers[i].ip, ':')
					      ? v6(peers[i].ip, 5, 7)
					      : v4(peers[i].ip, 5);
		struct cop_endpoint end, back;
		struct cop_peer peer, to, at;

		memcpy(&name, &addr, sizeof(addr));
		cr_assert(cop_endpoint_of(&name, peers[i].len, &end));
		peer = cop_peer_of(&name, peers[i].len);
		cr_assert(cop_peer_is_known(&peer));
		cr_assert(
			eq(int,
			   cop_peer_dest(addr.family, &name, peers[i].len, &to),
			   COP_DEST_NAME));
		at = cop_peer_at(&end);
		cr_expect(eq(u64, peer.word, cop_endpoint_word(&end)));
		cr_expect(eq(u64, to.word, peer.word));
		cr_expect(eq(u64, at.word, peer.word));
		cr_expect(eq(int, cop_word_is_v4(peer.word), peers[i].is_v4));
		cr_expect(eq(uint, peer.end.port, htons(5)));
		back = cop_peer_endpoint(&peer);
		cr_expect(cop_endpoint_equal(&back, &end), "%s", peers[i].ip);
		back = cop_peer_endpoint(&to);
		cr_expect(cop_endpoint_equal(&back, &end), "%s", peers[i].ip);
	}
}

static void expect_map(union cop_addr addr, int family, union cop_addr mapped)
{
	union cop_addr is = cop_addr_map(&addr, family);
	char text[COP_ADDR_TEXT];

	cr_expect(cop_addr_equal(&is, &mapped), "%s",
		  cop_addr_print(text, sizeof(text), &is));
}

Test(cop_endpoint, an_address_is_mapped_to_the_other_family_where_it_can_be)
{
	expect_map(v4("10.0.0.1", 5), AF_INET6, v6("::ffff:10.0.0.1", 5, 0));
	expect_map(v6("::ffff:10.0.0.1", 5, 0), AF_INET, v4("10.0.0.1", 5));
	expect_map(v4("0.0.0.0", 5), AF_INET6, v6("::", 5, 0));
	expect_map(v6("::", 5, 0), AF_INET, v4("0.0.0.0", 5));
	expect_map(v6("fd00::1", 5, 0), AF_INET, v6("fd00::1", 5, 0));
	expect_map(v4("10.0.0.1", 5), AF_INET, v4("10.0.0.1", 5));
	expect_map(cop_addr_any(AF_UNIX), AF_INET, cop_addr_any(AF_UNIX));
}

static void expect_kept(union cop_addr addr, int family)
{
	struct cop_addr_slot slot;
	union cop_addr is;

	memset(&slot, 0xff, sizeof(slot));
	cop_slot_set(&slot, &addr);
	is = cop_slot_get(&slot, family);
	cr_expect(cop_addr_equal(&is, &addr));
	cr_expect(eq(int, cop_slot_is_set(&slot), !cop_addr_is_any(&addr)));
}

Test(cop_endpoint, a_sock_keeps_an_address_of_its_family)
{
	expect_kept(v4("10.0.0.1", 5), AF_INET);
	expect_kept(v4("0.0.0.0", 5), AF_INET);
	expect_kept(v6("fe80::1", 5, 3), AF_INET6);
	expect_kept(v6("::", 5, 0), AF_INET6);
	expect_kept(v6("::ffff:0.0.0.0", 5, 0), AF_INET6);
}

Test(cop_endpoint, a_slot_is_cleared_by_no_address)
{
	struct cop_addr_slot slot;
	union cop_addr addr = v4("10.0.0.1", 5);

	cop_slot_set(&slot, &addr);
	addr.family = AF_UNSPEC;
	cop_slot_set(&slot, &addr);
	cr_expect(not(cop_slot_is_set(&slot)));
	cr_expect(zero(uint, slot.port));
}
