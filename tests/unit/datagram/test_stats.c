// SPDX-License-Identifier: MIT
/*
 * test_stats.c - datagram/stats.c: a socket's performance data when it is closed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/env.h"
#include "unit/helpers.h"

TestSuite(cop_stats, .init = t_init, .timeout = 20);

/* One socket with some of everything, and its close. */
static void use_and_close(void)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[4];

	t_connect(fd, LOOPBACK, t_port(udp));
	t_send(fd, "hello");
	t_send(fd, "you");
	t_udp_send_strays(udp, t_port(fd));
	t_udp_send_cop(udp, t_port(fd), 0, "truncated", 9);
	t_recv(fd, buf, sizeof(buf), 0);
	t_close(fd);
	close(udp);
}

static bool says(const char *text, const char *want)
{
	const char *at = strstr(text, want);

	return at && strchr(" \n", at[strlen(want)]);
}

Test(cop_stats, nothing_is_printed_unless_asked_for)
{
	char text[1024];

	t_stderr(use_and_close, text, sizeof(text));
	cr_assert(eq(str, text, ""));
}

static const char *const figure[] = {
	"tx=2",		 "tx_bytes=8",	    "tx_errors=0",     "rx=1",
	"rx_bytes=4",	 "truncated=1",	    "port_mismatch=0", "stray_short=1",
	"stray_magic=1", "stray_version=1", "stray_length=1",
};

Test(cop_stats, a_line_on_stderr_has_every_figure)
{
	char text[4096], want[32];

	cop_env.stats = "stderr";
	t_stderr(use_and_close, text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(figure); i++)
		cr_assert(says(text, figure[i]), "%s in %s", figure[i], text);
	snprintf(want, sizeof(want), "cop pid=%d", getpid());
	cr_assert(says(text, want));
	cr_assert(eq(ptr, strstr(text, "\nflow pid="), strchr(text, '\n')));
}

static void close_with_kernel_drops(void)
{
	int udp = t_udp(), fd = t_open_bound();

	t_sock(fd)->sk->sk_prot->poll(t_sock(fd)->sk, fd);
	t_udp_send_strays(udp, t_port(fd));
	t_close(fd);
}

Test(cop_stats, datagrams_that_the_kernel_dropped_are_reported)
{
	char text[1024];

	cop_env.stats = "stderr";
	t_stderr(close_with_kernel_drops, text, sizeof(text));
	cr_assert(says(text, "kernel_drops=4"), "%s", text);
}

static void close_duplicates(void)
{
	int fd = t_open_bound(), other = dup(fd);

	fd_install(other, sockfd_get(fd));
	t_close(fd);
	t_close(other);
}

Test(cop_stats, a_socket_with_duplicates_is_reported_once)
{
	char text[1024];

	cop_env.stats = "stderr";
	t_stderr(close_duplicates, text, sizeof(text));
	cr_assert(ne(ptr, strchr(text, '\n'), NULL));
	cr_assert(eq(ptr, strchr(text, '\n') + 1, text + strlen(text)));
}

Test(cop_stats, a_file_is_appended_to)
{
	char path[] = "/tmp/cop-stats-XXXXXX", text[4096] = { 0 };
	int file = mkstemp(path), lines = 0;
	ssize_t n;

	cr_assert(ge(int, file, 0));
	cop_env.stats = path;
	use_and_close();
	use_and_close();
	n = read(file, text, sizeof(text) - 1);
	unlink(path);
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	cr_assert(eq(int, lines, 4));
	cr_assert(says(text, "tx_bytes=8"));
}

static void close_to_nowhere(void)
{
	cop_env.stats = "/nonexistent/directory/file";
	use_and_close();
}

Test(cop_stats, a_file_that_can_not_be_written_hurts_nobody)
{
	char text[1024];

	t_stderr(close_to_nowhere, text, sizeof(text));
	cr_assert(eq(str, text, ""));
}
