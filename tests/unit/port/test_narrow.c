// SPDX-License-Identifier: MIT
/*
 * test_narrow.c - port/narrow.c: ports on a kernel before Linux 6.3, which has no
 * IP_LOCAL_PORT_RANGE.
 */
#include "port/bind.h"
#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_narrow, .init = t_init, .timeout = 20);

static int old_bind(void)
{
	int fd;

	t_old_kernel();
	fd = t_open();
	CHECK(!t_bind(fd, LOOPBACK, 0));
	CHECK(t_port(fd) && t_port(fd) == t_sk(fd)->sk_num);
	CHECK(cop_port_taken(&cop_port_table, t_port(fd)));
	CHECK(t_bind(t_open(), "0.0.0.0", t_port(fd)) == -EADDRINUSE);
	return 0;
}

static int old_autobind(void)
{
	int peer = t_udp(), fd;
	uint16_t had;

	t_old_kernel();
	fd = t_open();
	CHECK(!t_connect(fd, LOOPBACK, t_port(peer)));
	had = t_port(fd);
	CHECK(had && had == t_sk(fd)->sk_num);
	CHECK(!t_disconnect(fd));
	CHECK(!t_port(fd) && !t_sk(fd)->sk_num);
	CHECK(cop_port_taken(&cop_port_table, had)); /* kept for it */
	CHECK(!t_connect(fd, LOOPBACK, t_port(peer)));
	CHECK(t_port(fd) == had);
	t_close(fd);
	CHECK(!cop_port_taken(&cop_port_table, had));
	return 0;
}

static int old_send(void)
{
	int peer = t_udp(), fd;
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(peer));
	struct t_wire wire;

	t_old_kernel();
	fd = t_open();
	CHECK(t_sendto(fd, "x", 1, 0, &to) == 1);
	t_wire_recv(peer, &wire);
	CHECK(wire.hdr.source == htons(t_port(fd)));
	return 0;
}

static int old_close(void)
{
	uint16_t had;
	int fd;

	t_old_kernel();
	fd = t_open();
	CHECK(!t_bind(fd, LOOPBACK, 0));
	had = t_port(fd);
	t_close(fd);
	CHECK(!cop_port_taken(&cop_port_table, had));
	CHECK(!t_bind(t_open(), LOOPBACK, had));
	return 0;
}

Test(cop_narrow, an_old_kernel_binds_to_port_0)
{
	T_CHILD(old_bind);
}

Test(cop_narrow, an_old_kernel_keeps_an_autobound_port_for_its_socket)
{
	T_CHILD(old_autobind);
}

Test(cop_narrow, an_old_kernel_autobinds_before_it_sends)
{
	T_CHILD(old_send);
}

Test(cop_narrow, an_old_kernel_gives_the_port_back_at_close)
{
	T_CHILD(old_close);
}
