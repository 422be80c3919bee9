// SPDX-License-Identifier: MIT
/*
 * test_hostile.c - a sender of 10,000 datagrams that are not COP: none is
 * delivered, all are counted, and the valid ones in between arrive in order.
 *
 * The sender is this test, on a plain UDP socket. It waits for the reader every
 * few datagrams, so that the socket's buffer never overflows.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop.h"
#include "runner.h"

#define PYTHON		 "/usr/bin/python3"
#define READER		 COP_TEST_DIR "/e2e/scripts/reader.py"
#define WAIT_MS		 10000

#define STRAYS		 10000
#define STRAYS_PER_BATCH 25
#define BATCHES		 (STRAYS / STRAYS_PER_BATCH)
#define STRAY_MAX	 3000

static struct run_result reader_result;

static char expected[RUN_MAX]; /* what the reader is to print */
static size_t expected_len;
static unsigned int valid_sent;

/* The same numbers in each run, so that a failure can be repeated. */
static uint32_t random_below(uint32_t limit)
{
	static uint32_t state = 0x2545f491;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}

static void valid_header(struct cophdr *hdr)
{
	hdr->magic = htons(COP_MAGIC);
	hdr->ver_hlen = COP_VERSION << 4 | COP_HLEN_WORDS;
	hdr->flags = 0;
	hdr->source = htons(1 + random_below(65535));
	hdr->dest = htons(1 + random_below(65535));
	hdr->seq = htonl(random_below(1 << 30));
	hdr->tstamp = htonl(random_below(1 << 30));
}

/* ---- what is not COP --------------------------------------------------- */

static size_t random_bytes(unsigned char *data)
{
	static const uint16_t magic = COP_MAGIC;
	size_t len = random_below(STRAY_MAX + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = random_below(256);
	if (len >= 2 && data[0] == magic >> 8 && data[1] == (magic & 0xff))
		data[0]++;
	return len;
}

static size_t random_bytes_few(unsigned char *data)
{
	size_t len = random_bytes(data);

	return len % (2 * COP_HLEN);
}

static size_t wrong_magic(unsigned char *data)
{
	valid_header((struct cophdr *)data);
	data[random_below(2)] ^= 1 << random_below(8);
	return COP_HLEN + random_below(100);
}

static size_t wrong_version(unsigned char *data)
{
	struct cophdr *hdr = (struct cophdr *)data;

	valid_header(hdr);
	hdr->ver_hlen ^= (1 + random_below(15)) << 4;
	return COP_HLEN + random_below(100);
}

static size_t header_length_too_small(unsigned char *data)
{
	struct cophdr *hdr = (struct cophdr *)data;

	valid_header(hdr);
	hdr->ver_hlen = COP_VERSION << 4 | random_below(COP_HLEN_WORDS);
	return COP_HLEN + random_below(100);
}

/* Down to the datagram that is one byte shorter than its header. */
static size_t header_length_beyond_the_end(unsigned char *data)
{
	struct cophdr *hdr = (struct cophdr *)data;
	unsigned int words = COP_HLEN_WORDS + 1 + random_below(11);

	valid_header(hdr);
	hdr->ver_hlen = COP_VERSION << 4 | words;
	return COP_HLEN + random_below(words * 4 - COP_HLEN);
}

static size_t header_cut_short(unsigned char *data)
{
	valid_header((struct cophdr *)data);
	return random_below(COP_HLEN);
}

static size_t stray(unsigned char *data)
{
	static size_t (*const kind[])(unsigned char *) = {
		random_bytes,
		random_bytes_few,
		wrong_magic,
		wrong_version,
		header_length_too_small,
		header_length_beyond_the_end,
		header_cut_short,
	};

	return kind[random_below(sizeof(kind) / sizeof(*kind))](data);
}

/* ---- the sender -------------------------------------------------------- */

static void send_stray(int fd)
{
	unsigned char data[STRAY_MAX] __attribute__((aligned(4)));
	ssize_t len;

	memset(data, 'x', sizeof(data));
	len = stray(data);
	cr_assert_eq(send(fd, data, len, 0), len);
}

/* Some with options, which a receiver skips. */
static void send_valid(int fd, const char *text)
{
	unsigned char data[256] __attribute__((aligned(4))) = { 0 };
	unsigned int words = COP_HLEN_WORDS + random_below(4);
	struct cophdr *hdr = (struct cophdr *)data;
	ssize_t len = words * 4 + strlen(text);

	valid_header(hdr);
	hdr->ver_hlen = COP_VERSION << 4 | words;
	memcpy(data + words * 4, text, strlen(text));
	cr_assert_eq(send(fd, data, len, 0), len);
	valid_sent++;
	expected_len += snprintf(expected + expected_len,
				 sizeof(expected) - expected_len, "%s\n", text);
}

/* Returns whether the reader had all that was valid in it. */
static bool send_batch(int fd, struct run_child *reader, unsigned int batch)
{
	unsigned int at = random_below(STRAYS_PER_BATCH);
	char text[32], line[33];

	for (unsigned int i = 0; i < STRAYS_PER_BATCH; i++) {
		if (i == at) {
			snprintf(text, sizeof(text), "amid %u", batch);
			send_valid(fd, text);
		}
		send_stray(fd);
	}
	snprintf(text, sizeof(text), "after %u", batch);
	send_valid(fd, text);
	snprintf(line, sizeof(line), "%s\n", text);
	return run_expect(reader, line, WAIT_MS);
}

static int connect_to(struct run_child *reader)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int port = 0;

	run_expect(reader, "\n", WAIT_MS);
	if (sscanf(reader_result.out, "port %u", &port) != 1) {
		run_finish(reader, 0);
		cr_assert_fail("no reader: %s", reader_result.err);
	}
	expected_len = snprintf(expected, sizeof(expected), "port %u\n", port);
	addr.sin_port = htons(port);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		run_finish(reader, 0);
		cr_assert_fail("the reader can't be reached");
	}
	return fd;
}

static unsigned long count_of(const char *name)
{
	const char *found = strstr(reader_result.err, name);

	cr_expect_not_null(found, "no %s in: %s", name, reader_result.err);
	return found ? strtoul(found + strlen(name), NULL, 10) : 0;
}

static unsigned long strays_counted(void)
{
	return count_of(" stray_short=") + count_of(" stray_magic=") +
	       count_of(" stray_version=") + count_of(" stray_length=");
}

static int start(struct run_child *reader, const char *how, const char *what)
{
	const char *const argv[] = { "timeout", "30", PYTHON, READER,
				     how,	what, NULL };
	const char *const env[] = { "COP_STATS=stderr", NULL };

	cr_assert_eq(run_start(reader, &reader_result, argv, true, env), 0);
	return connect_to(reader);
}

static void attack(const char *how, const char *sandboxed)
{
	struct run_child reader;
	unsigned int batch = 0;
	int fd = start(&reader, how, sandboxed);

	while (batch < BATCHES && send_batch(fd, &reader, batch))
		batch++;
	send_valid(fd, "end");
	cr_expect_eq(run_finish(&reader, WAIT_MS), 0, "%s", reader_result.err);
	close(fd);
	cr_expect_eq(batch, BATCHES, "%s: stuck at batch %u", how, batch);
	cr_expect_str_eq(reader_result.out, expected);
	cr_expect_eq(count_of(" rx="), valid_sent);
	cr_expect_eq(strays_counted() + count_of(" kernel_drops="), STRAYS,
		     "%s", reader_result.err);
}

/* Strays are there before the reader polls for the first time. */
static void attack_early(const char *how)
{
	struct run_child reader;
	int fd = start(&reader, how, "late");

	for (int i = 0; i < STRAYS_PER_BATCH; i++)
		send_stray(fd);
	cr_expect(run_write(&reader, "now\n"));
	cr_expect_not(run_expect(&reader, "woken for nothing", 300));
	send_valid(fd, "end");
	cr_expect_eq(run_finish(&reader, WAIT_MS), 0, "%s", reader_result.err);
	close(fd);
	cr_expect_str_eq(reader_result.out, expected);
	cr_expect_eq(strays_counted(), STRAYS_PER_BATCH);
}

/* ---- the tests --------------------------------------------------------- */

Test(hostile, nothing_but_cop_reaches_recv)
{
	attack("recv", NULL);
}

Test(hostile, nothing_but_cop_reaches_recvfrom)
{
	attack("recvfrom", NULL);
}

Test(hostile, nothing_but_cop_reaches_recvmsg)
{
	attack("recvmsg", NULL);
}

Test(hostile, nothing_but_cop_reaches_recvmmsg)
{
	attack("recvmmsg", NULL);
}

Test(hostile, nothing_but_cop_reaches_read)
{
	attack("read", NULL);
}

Test(hostile, nothing_but_cop_reaches_a_peek)
{
	attack("peek", NULL);
}

Test(hostile, nothing_but_cop_wakes_poll)
{
	attack("poll", NULL);
}

Test(hostile, nothing_but_cop_wakes_epoll_level_triggered)
{
	attack("epoll_level", NULL);
}

Test(hostile, nothing_but_cop_wakes_epoll_edge_triggered)
{
	attack("epoll_edge", NULL);
}

Test(hostile, a_stray_from_before_does_not_wake_poll)
{
	attack_early("poll");
}

Test(hostile, a_stray_from_before_does_not_wake_epoll_level_triggered)
{
	attack_early("epoll_level");
}

Test(hostile, a_stray_from_before_does_not_wake_epoll_edge_triggered)
{
	attack_early("epoll_edge");
}

/*
 * Where the kernel can't be asked to drop strays, each of them gets as far as
 * the library's receive path.
 */
Test(hostile, nothing_but_cop_reaches_recv_in_a_sandbox)
{
	attack("recv", "sandboxed");
	cr_expect_eq(strays_counted(), STRAYS);
}

Test(hostile, nothing_but_cop_reaches_recvmsg_in_a_sandbox)
{
	attack("recvmsg", "sandboxed");
	cr_expect_eq(strays_counted(), STRAYS);
}

Test(hostile, nothing_but_cop_reaches_recvmmsg_in_a_sandbox)
{
	attack("recvmmsg", "sandboxed");
	cr_expect_eq(strays_counted(), STRAYS);
}

Test(hostile, nothing_but_cop_reaches_a_peek_in_a_sandbox)
{
	attack("peek", "sandboxed");
	cr_expect_eq(strays_counted(), STRAYS);
}
