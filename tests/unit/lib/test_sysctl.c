// SPDX-License-Identifier: MIT
/*
 * test_sysctl.c - lib/sysctl.c: the kernel settings that libcop follows. A test
 * that changes one has a network namespace of its own.
 */
#include <fcntl.h>
#include <stdio.h>

#include "lib/netns.h"
#include "lib/sysctl.h"
#include "unit/helpers.h"

TestSuite(cop_sysctl, .init = t_init, .timeout = 20);

static int proc_int(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = -1;

	if (f && fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

Test(cop_sysctl, the_settings_are_read_from_proc)
{
	cop_sysctl_refresh();
	cr_assert(eq(int, cop_sysctl.rmem_default,
		     proc_int("/proc/sys/net/core/rmem_default")));
	cr_assert(eq(int, cop_sysctl.wmem_default,
		     proc_int("/proc/sys/net/core/wmem_default")));
	cr_assert(eq(int, cop_sysctl.prot_sock,
		     proc_int("/proc/sys/net/ipv4/"
			      "ip_unprivileged_port_start")));
	cr_assert(eq(int, cop_sysctl.bindv6only,
		     proc_int("/proc/sys/net/ipv6/bindv6only")));
}

Test(cop_sysctl, bound_sockets_are_in_use)
{
	int before = cop_sysctl_inuse();

	for (int i = 0; i < 3; i++)
		t_udp();
	cr_assert(ge(int, before, 0));
	cr_assert(ge(int, cop_sysctl_inuse(), before + 3));
}

static int unprivileged_start(void)
{
	if (!t_own_network() ||
	    !t_write_sysctl("ip_unprivileged_port_start", "600") ||
	    !t_unprivileged())
		return T_SKIP;
	CHECK(t_bind(t_open(), LOOPBACK, 599) == -EACCES);
	CHECK(!t_bind(t_open(), LOOPBACK, 600));
	CHECK(t_bind(t_open(), "0.0.0.0", 600) == -EADDRINUSE);
	return 0;
}

Test(cop_sysctl, ip_unprivileged_port_start_is_followed)
{
	T_CHILD(unprivileged_start);
}

static int nonlocal_bind(void)
{
	if (!t_own_network() || !t_write_sysctl("ip_nonlocal_bind", "1"))
		return T_SKIP;
	CHECK(!t_bind(t_open(), NOT_LOCAL, 20000));
	CHECK(t_bind(t_open(), NOT_LOCAL, 20000) == -EADDRINUSE);
	CHECK(!t_bind(t_open(), NOT_LOCAL, 0));
	return 0;
}

Test(cop_sysctl, ip_nonlocal_bind_is_followed)
{
	T_CHILD(nonlocal_bind);
}

/* A setting that nobody has read may be on. */
Test(cop_sysctl, a_new_socket_may_be_one_of_ipv6_only_unless_the_setting_is_off)
{
	static const struct {
		int value;
		bool may_be;
	} setting[] = { { -1, true }, { 0, false }, { 1, true } };

	for (size_t i = 0; i < ARRAY_SIZE(setting); i++) {
		cop_sysctl.bindv6only = setting[i].value;
		cr_assert(
			eq(int, cop_sysctl_may_be_v6only(), setting[i].may_be));
	}
	cop_sysctl.bindv6only = 0;
	cop_netns_left = true;
	cr_assert(cop_sysctl_may_be_v6only(), "it has another value elsewhere");
}

/* There is no descriptor left to read with. */
Test(cop_sysctl, a_setting_that_can_not_be_read_keeps_its_value)
{
	int rmem = cop_sysctl.rmem_default, fd, last = -1;

	while ((fd = dup(0)) >= 0)
		last = fd;
	cr_assert(ge(int, last, 0));
	cop_sysctl_refresh();
	cr_assert(eq(int, cop_sysctl.rmem_default, rmem));
	cr_assert(eq(u32, cop_sysctl.port_range, COP_PORT_RANGE(32768, 60999)));
}
