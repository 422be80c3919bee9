// SPDX-License-Identifier: MIT
/*
 * test_stray.c - wire/stray.c: strays are counted, and their senders named.
 */
#include "lib/env.h"
#include "wire/stray.h"
#include "unit/helpers.h"

TestSuite(cop_stray, .init = t_init, .timeout = 20);

static int fd;

/* Two senders, the second one twice. */
static void three_strays(void)
{
	struct sockaddr_in from = t_addr("192.0.2.1", 1001);

	cop_rx_stray(t_sk(fd), fd, COP_STRAY_MAGIC, &from, sizeof(from));
	from = t_addr("192.0.2.2", 1002);
	cop_rx_stray(t_sk(fd), fd, COP_STRAY_VERSION, &from, sizeof(from));
	cop_rx_stray(t_sk(fd), fd, COP_STRAY_VERSION, &from, sizeof(from));
}

Test(cop_stray, each_reason_has_a_counter)
{
	fd = t_open_bound();
	for (int i = 0; i < COP_STRAY_REASONS; i++)
		for (int j = 0; j <= i; j++)
			cop_rx_stray(t_sk(fd), fd, i, NULL, 0);
	for (int i = 0; i < COP_STRAY_REASONS; i++)
		cr_assert(eq(u32, t_count(fd)->strays[i], i + 1));
}

Test(cop_stray, without_COP_DEBUG_no_sender_is_named)
{
	char text[512];

	fd = t_open_bound();
	t_stderr(three_strays, text, sizeof(text));
	cr_assert(eq(str, text, ""));
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_VERSION], 2));
}

Test(cop_stray, with_COP_DEBUG_each_sender_is_named_once)
{
	char text[512], *second;

	fd = t_open_bound();
	cop_env.debug = true;
	t_stderr(three_strays, text, sizeof(text));
	cr_assert(ne(ptr, strstr(text, "192.0.2.1:1001 are not COP"), NULL),
		  "%s", text);
	second = strstr(text, "192.0.2.2:1002 are COP of another version");
	cr_assert(ne(ptr, second, NULL), "%s", text);
	cr_assert(eq(ptr, strstr(second + 1, "192.0.2.2"), NULL), "%s", text);
}

static struct sockaddr_in6 addr6(const char *ip, uint16_t port, uint32_t scope)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_port = htons(port),
				     .sin6_scope_id = scope };

	cr_assert(eq(int, inet_pton(AF_INET6, ip, &addr.sin6_addr), 1));
	return addr;
}

static void stray_by(const char *ip, uint16_t port, uint32_t scope)
{
	struct sockaddr_in6 from = addr6(ip, port, scope);

	cop_rx_stray(t_sk(fd), fd, COP_STRAY_MAGIC, &from, sizeof(from));
}

static void strays_by_ipv6(void)
{
	for (int i = 0; i < 2; i++) {
		stray_by("2001:db8::1", 1001, 0);
		stray_by("fe80::1", 1002, 2);
		stray_by("fe80::1", 1002, 3);
		stray_by("::ffff:192.0.2.9", 1003, 0);
	}
}

static int times(const char *text, const char *found)
{
	int n = 0;

	for (; (text = strstr(text, found)); text++)
		n++;
	return n;
}

/* One link-local address on two interfaces is two senders. */
Test(cop_stray, with_COP_DEBUG_each_sender_by_ipv6_is_named_once)
{
	char text[1024];

	fd = t_open_inet6(NULL);
	cop_env.debug = true;
	t_stderr(strays_by_ipv6, text, sizeof(text));
	cr_assert(eq(int, times(text, "[2001:db8::1]:1001 are not COP"), 1),
		  "%s", text);
	cr_assert(eq(int, times(text, "[fe80::1%2]:1002 are not COP"), 1));
	cr_assert(eq(int, times(text, "[fe80::1%3]:1002 are not COP"), 1));
	cr_assert(
		eq(int, times(text, "[::ffff:192.0.2.9]:1003 are not COP"), 1));
	cr_assert(eq(int, times(text, "\n"), 4));
}

/* The last one that has a place, and one more. */
static void last_strays(void)
{
	stray_by("2001:db8::1", 2255, 0);
	stray_by("2001:db8::1", 2256, 0);
	stray_by("2001:db8::1", 2000, 0);
}

Test(cop_stray, no_more_than_256_senders_are_named)
{
	char text[1024];

	fd = t_open_inet6(NULL);
	cop_env.debug = true;
	for (int i = 0; i < 255; i++)
		stray_by("2001:db8::1", 2000 + i, 0);
	usleep(1100000); /* there are 50 lines in a second at most */
	t_stderr(last_strays, text, sizeof(text));
	cr_assert(eq(int, times(text, "[2001:db8::1]:2255 are not COP"), 1),
		  "%s", text);
	cr_assert(eq(int, times(text, "2001:db8"), 1), "%s", text);
}

/* An address that is short, or of another family, is no name of a sender. */
static void odd_addresses(void)
{
	struct sockaddr_in from = t_addr("192.0.2.3", 1003);

	cop_rx_stray(t_sk(fd), fd, COP_STRAY_MAGIC, &from, sizeof(from) - 1);
	from.sin_family = AF_INET6;
	cop_rx_stray(t_sk(fd), fd, COP_STRAY_MAGIC, &from, sizeof(from));
	from.sin_family = AF_UNIX;
	cop_rx_stray(t_sk(fd), fd, COP_STRAY_MAGIC, &from, sizeof(from));
}

Test(cop_stray, an_address_that_is_short_or_of_another_family_is_not_named)
{
	char text[512];

	fd = t_open_bound();
	cop_env.debug = true;
	t_stderr(odd_addresses, text, sizeof(text));
	cr_assert(eq(str, text, ""));
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_MAGIC], 3));
}
