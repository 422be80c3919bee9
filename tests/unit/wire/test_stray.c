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

/* An address that is short, or of another family, is not read as one of IPv4. */
static void odd_addresses(void)
{
	struct sockaddr_in from = t_addr("192.0.2.3", 1003);

	cop_rx_stray(t_sk(fd), fd, COP_STRAY_MAGIC, &from, sizeof(from) - 1);
	from.sin_family = AF_INET6;
	cop_rx_stray(t_sk(fd), fd, COP_STRAY_MAGIC, &from, sizeof(from));
}

Test(cop_stray, an_address_that_is_not_ipv4_is_not_named)
{
	char text[512];

	fd = t_open_bound();
	cop_env.debug = true;
	t_stderr(odd_addresses, text, sizeof(text));
	cr_assert(eq(str, text, ""));
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_MAGIC], 2));
}
