// SPDX-License-Identifier: MIT
/*
 * test_range.c - port/range.c: which ports an ephemeral bind may get. A test that
 * changes a setting has a network namespace of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "cop_port.h"
#include "lib/sysctl.h"
#include "port/range.h"
#include "unit/helpers.h"

TestSuite(cop_range, .init = t_init, .timeout = 20);

static bool allowed(unsigned int snum)
{
	uint64_t word = cop_port_table.allowed
				.word[snum % COP_HTABLE_SIZE][snum / 8192];

	return word >> snum / COP_HTABLE_SIZE % 64 & 1;
}

/* How many ports of [@low, @high] an ephemeral bind may have. */
static int count_allowed(int low, int high)
{
	int n = 0;

	for (int p = low; p <= high; p++)
		n += allowed(p);
	return n;
}

Test(cop_range, without_a_descriptor_to_read_with_the_kernels_defaults_hold)
{
	int fd, last = -1;

	while ((fd = dup(0)) >= 0)
		last = fd;
	cr_assert(ge(int, last, 0));
	cop_port_refresh();
	cr_assert(eq(int, count_allowed(0, 65535), 60999 - 32768 + 1));
}

static int change_range(void)
{
	if (!t_own_network() ||
	    !t_write_sysctl("ip_local_port_range", "20000 20099"))
		return T_SKIP;
	cop_port_refresh();
	CHECK(count_allowed(20000, 20099) == 100);
	CHECK(count_allowed(0, 65535) == 100);
	return 0;
}

Test(cop_range, exactly_the_local_port_range_is_allowed)
{
	T_CHILD(change_range);
}

static int reserve_ports(void)
{
	if (!t_own_network() ||
	    !t_write_sysctl("ip_local_port_range", "20000 20099") ||
	    !t_write_sysctl("ip_local_reserved_ports",
			    "80,20000,20010-20019,20099,30000-40000"))
		return T_SKIP;
	cop_port_refresh();
	CHECK(count_allowed(0, 65535) == 88);
	CHECK(!allowed(20000) && !allowed(20099));
	CHECK(count_allowed(20009, 20020) == 2);
	return 0;
}

Test(cop_range, reserved_ports_are_not_allowed)
{
	T_CHILD(reserve_ports);
}

/* More than the reader's buffer holds; every 4th, so that no range forms. */
static int reserve_a_long_list(void)
{
	static char list[4096]; /* the kernel takes a page */
	size_t len = 0;

	for (int p = 20000; p < 22400; p += 4)
		len += sprintf(list + len, "%s%d", len ? "," : "", p);
	if (!t_own_network() ||
	    !t_write_sysctl("ip_local_port_range", "20000 22399") ||
	    !t_write_sysctl("ip_local_reserved_ports", list))
		return T_SKIP;
	cop_port_refresh();
	for (int p = 20000; p < 22400; p++)
		CHECK(allowed(p) == (p % 4 != 0));
	return 0;
}

Test(cop_range, a_long_list_of_reserved_ports_is_read_whole)
{
	T_CHILD(reserve_a_long_list);
}

static int follow_a_change(void)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	int tries = 60;

	cop_port_refresh();
	if (!t_own_network() ||
	    !t_write_sysctl("ip_local_port_range", "20000 20099"))
		return T_SKIP;
	while (tries-- && count_allowed(0, 65535) != 100) {
		nanosleep(&pause, NULL);
		cop_port_refresh();
	}
	CHECK(count_allowed(20000, 20099) == 100);
	return 0;
}

Test(cop_range, a_change_is_followed_within_a_second_or_so)
{
	T_CHILD(follow_a_change);
}

/* socket() reads the settings, and nobody else does so in the same second. */
static int read_by_another(void)
{
	if (!t_own_network() ||
	    !t_write_sysctl("ip_local_port_range", "20000 20099") ||
	    !t_write_sysctl("ip_local_reserved_ports", "20050"))
		return T_SKIP;
	cop_sysctl_refresh();
	CHECK(!count_allowed(0, 65535));
	cop_port_refresh();
	CHECK(count_allowed(20000, 20099) == 99);
	CHECK(count_allowed(0, 65535) == 99);
	return 0;
}

Test(cop_range, settings_that_a_caller_without_ports_has_read_are_not_lost)
{
	T_CHILD(read_by_another);
}
