// SPDX-License-Identifier: MIT
/*
 * test_sealed.c - transports/sealed/sealed.c: what a sealed socket sends and accepts.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "inet/kernel.h"
#include "transports/sealed/nonce.h"
#include "unit/helpers.h"
#include "unit/sealed/sealed_test.h"

#define SECOND 1000000

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

TestSuite(sealed, .timeout = 120);

extern struct module cop_builtin_sealed;

static const unsigned char salt[16] = "a sender's salt";
static struct t_sealed wire;
static char text[2049];

/* What becomes of @wire; @why: the figure that counts it, if it is refused. */
static void expect_refused(int fd, const char *why)
{
	uint32_t before = t_sealed_count(fd, why);

	t_inject(fd, &wire);
	cr_assert(not(t_receives(fd, text)), "%s", why);
	cr_assert(eq(uint, t_sealed_count(fd, why), before + 1), "%s", why);
}

static void expect_received(int fd, const char *data)
{
	t_inject(fd, &wire);
	cr_assert(t_receives(fd, text));
	cr_assert(eq(str, text, (char *)data));
}

/* ---- what goes through -------------------------------------------------------- */

Test(sealed, each_length_goes_through, .init = t_sealed)
{
	static char data[2048], got[2049];
	int s = t_open_sealed(), t = t_open_sealed();

	randombytes_buf(data, sizeof(data));
	cr_assert(zero(int, t_connect(t, LOOPBACK, t_port(s))));
	for (int len = 0; len <= 2048; len++) {
		cr_assert(eq(int, t_sendto(t, data, len, 0, NULL), len));
		cr_assert(eq(int, t_recv(s, got, 2048, MSG_DONTWAIT), len));
		cr_assert(zero(int, memcmp(data, got, len)));
	}
}

/* A line of the page for each 16 bytes, and the key. */
static void expect_on_page(const void *bytes, size_t len)
{
	static char page[60000], hex[33];
	FILE *f = fopen(COP_TEST_DIR "/../docs/sealed.md", "r");

	cr_assert(ne(ptr, f, NULL));
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	for (size_t at = 0; at < len; at += 16) {
		sodium_bin2hex(hex, sizeof(hex),
			       (const unsigned char *)bytes + at, 16);
		cr_expect(ne(ptr, strstr(page, hex), NULL), "%s", hex);
	}
}

Test(sealed, the_vector_of_the_documentation_is_right)
{
	unsigned char counting[16], key[SEALED_KEY_LEN];

	for (int i = 0; i < 16; i++)
		counting[i] = 0x40 + i;
	cr_assert(ge(int, sodium_init(), 0));
	t_key(0, key);
	expect_on_page(key, sizeof(key));
	crypto_core_hchacha20(key, counting, key, NULL);
	expect_on_page(key, sizeof(key));
	t_seal(0, 1700000000000000, counting, 5, "sealed datagram!", 16, &wire);
	cr_assert(eq(sz, wire.len, 80));
	expect_on_page(&wire, wire.len);
}

Test(sealed, what_is_sealed_by_hand_is_received, .init = t_sealed)
{
	int fd = t_open_sealed();

	t_seal(0, t_now_us(), salt, 0, "hello", 5, &wire);
	expect_received(fd, "hello");
	t_seal(0, t_now_us(), salt, SEALED_COUNTER_END - 1, "last", 4, &wire);
	expect_received(fd, "last");
}

Test(sealed, the_header_has_what_the_sender_knows, .init = t_sealed)
{
	int fd = t_open_sealed();
	uint64_t now = t_now_us(), time;

	t_capture(fd, "one", 3, &wire);
	cr_expect(eq(sz, wire.len, 48 + 3 + 16));
	cr_expect(eq(uint, wire.hdr.flags, SEALED_F_FIRST));
	cr_expect(zero(uint, wire.hdr.seq));
	cr_expect(zero(uint, wire.hdr.counter[1]));
	time = (uint64_t)ntohl(wire.hdr.time[0]) << 32 |
	       ntohl(wire.hdr.time[1]);
	cr_expect(le(u64, time, now + SECOND));
	cr_expect(ge(u64, time + SECOND, now));
	t_capture(fd, "two", 3, &wire);
	cr_expect(eq(uint, ntohl(wire.hdr.counter[1]), 1));
}

/* ---- what does not ------------------------------------------------------------- */

static unsigned int flows(int fd)
{
	return cop_flow_list(&cop_sk(t_sk(fd))->flows, 0, NULL, 0);
}

Test(sealed, no_flipped_bit_is_received_and_no_flow_is_touched,
     .init = t_sealed)
{
	int fd = t_open_sealed();
	unsigned char *bytes = (unsigned char *)&wire;

	t_seal(0, t_now_us(), salt, 7, "eight by", 8, &wire);
	for (size_t bit = 0; bit < 8 * wire.len; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		t_inject(fd, &wire);
		cr_assert(not(t_receives(fd, text)), "bit %zu", bit);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	cr_expect(zero(uint, flows(fd)));
	cr_expect(zero(uint, t_count(fd)->rx_datagrams));
	cr_expect(gt(uint, t_sealed_count(fd, "forged"), 8 * (8 + 16)));
	cr_expect(eq(uint, t_sealed_count(fd, "other_key"), 32));
	expect_received(fd, "eight by");
	cr_expect(eq(uint, flows(fd), 1));
}

Test(sealed, a_datagram_that_is_cut_off_or_longer_is_forged, .init = t_sealed)
{
	int fd = t_open_sealed();

	t_seal(0, t_now_us(), salt, 0, "twelve bytes", 12, &wire);
	wire.len--;
	expect_refused(fd, "forged");
	wire.len += 2;
	expect_refused(fd, "forged");
	wire.len = 48 + 16;
	expect_refused(fd, "forged");
}

Test(sealed, a_replay_is_refused_from_whatever_address, .init = t_sealed)
{
	int fd = t_open_sealed();

	t_seal(0, t_now_us(), salt, 0, "once", 4, &wire);
	expect_received(fd, "once");
	for (int i = 0; i < 10; i++)
		expect_refused(fd, "replayed");
	cr_expect(eq(uint, flows(fd), 1));
	cr_expect(eq(uint, t_count(fd)->rx_datagrams, 1));
}

Test(sealed, a_replay_to_a_child_that_has_the_socket_is_refused,
     .init = t_sealed)
{
	int fd = t_open_sealed();
	int status;

	t_seal(0, t_now_us(), salt, 0, "once", 4, &wire);
	if (!fork()) {
		t_inject(fd, &wire);
		_exit(!t_receives(fd, text));
	}
	wait(&status);
	cr_assert(zero(int, status));
	expect_refused(fd, "replayed");
}

Test(sealed, what_is_too_old_or_too_new_is_refused, .init = t_sealed)
{
	int fd = t_open_sealed();

	t_seal(0, t_now_us() - 62 * SECOND, salt, 0, "old", 3, &wire);
	expect_refused(fd, "old");
	t_seal(0, t_now_us() + 62 * SECOND, salt, 1, "early", 5, &wire);
	expect_refused(fd, "early");
	t_seal(0, 0, salt, 2, "very", 4, &wire);
	expect_refused(fd, "old");
	t_seal(0, ~0ull, salt, 3, "very", 4, &wire);
	expect_refused(fd, "early");
	t_seal(0, t_now_us() - 58 * SECOND, salt, 4, "slow", 4, &wire);
	expect_received(fd, "slow");
	t_seal(0, t_now_us() + 58 * SECOND, salt, 5, "fast", 4, &wire);
	expect_received(fd, "fast");
}

static void with_age(void)
{
	setenv("COP_SEALED_AGE", "5", 1);
	t_sealed();
}

Test(sealed, the_age_can_be_set, .init = with_age)
{
	int fd = t_open_sealed();

	t_seal(0, t_now_us() - 7 * SECOND, salt, 0, "old", 3, &wire);
	expect_refused(fd, "old");
	t_seal(0, t_now_us() - 3 * SECOND, salt, 1, "slow", 4, &wire);
	expect_received(fd, "slow");
}

static void with_bad_age(void)
{
	setenv("COP_SEALED_AGE", "86401", 1);
	t_sealed();
}

Test(sealed, an_age_that_can_not_be_is_ignored, .init = with_bad_age)
{
	int fd = t_open_sealed();

	t_seal(0, t_now_us() - 62 * SECOND, salt, 0, "old", 3, &wire);
	expect_refused(fd, "old");
}

Test(sealed, what_the_socket_has_sent_itself_is_refused, .init = t_sealed)
{
	int fd = t_open_sealed();

	for (int i = 0; i < 3; i++) {
		t_capture(fd, "mirror", 6, &wire);
		expect_refused(fd, "reflected");
	}
	cr_expect(zero(uint, t_count(fd)->rx_datagrams));
}

/* The child has the socket, and sends with a salt of its own. */
Test(sealed, what_a_child_has_sent_by_the_socket_is_refused, .init = t_sealed)
{
	int fd = t_open_sealed(), pipes[2], status;

	cr_assert(zero(int, pipe(pipes)));
	t_capture(fd, "parent", 6, &wire);
	if (!fork()) {
		if (t_receives(fd, text))
			_exit(1);
		t_inject(fd, &wire);
		if (t_receives(fd, text))
			_exit(2);
		t_capture(fd, "child", 5, &wire);
		_exit(write(pipes[1], &wire, sizeof(wire)) != sizeof(wire));
	}
	wait(&status);
	cr_assert(zero(int, status), "%d", status);
	cr_assert(eq(int, read(pipes[0], &wire, sizeof(wire)),
		     (int)sizeof(wire)));
	expect_refused(fd, "reflected");
}

Test(sealed, a_peek_leaves_the_datagram_and_refuses_a_replay, .init = t_sealed)
{
	int fd = t_open_sealed();

	t_seal(0, t_now_us(), salt, 0, "peeked", 6, &wire);
	t_inject(fd, &wire);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, t_recv(fd, text, 99, MSG_PEEK), 6));
	cr_assert(eq(int, t_recv(fd, text, 99, 0), 6));
	t_inject(fd, &wire);
	cr_expect(lt(int, t_recv(fd, text, 99, MSG_PEEK | MSG_DONTWAIT), 0));
	cr_expect(eq(uint, t_sealed_count(fd, "replayed"), 1));
}

/* ---- a flood --------------------------------------------------------------------- */

/* A sanitizer's own memory grows with what is looked at: then this is always 0. */
static long peak_kb(void)
{
	struct rusage use;

#if IS_SANITIZED
	return 0;
#endif
	getrusage(RUSAGE_SELF, &use);
	return use.ru_maxrss;
}

Test(sealed, a_million_forged_senders_take_no_memory_and_evict_nobody,
     .init = t_sealed)
{
	int fd = t_open_sealed();
	struct sock *sk = t_sk(fd);
	static struct t_sealed forged;
	long before;

	t_seal(0, t_now_us(), salt, 0, "genuine", 7, &wire);
	expect_received(fd, "genuine");
	t_seal(0, t_now_us(), salt, 0, "genuine", 7, &forged);
	before = peak_kb();
	for (uint64_t i = 0; i < 1000000; i++) {
		memcpy(forged.hdr.salt, &i, sizeof(i));
		if (i % 1000 == 0) {
			uint64_t now = t_now_us();

			forged.hdr.time[0] = htonl(now >> 32);
			forged.hdr.time[1] = htonl(now);
		}
		cr_assert(
			ne(int,
			   sk_wire(sk)->decode(sk, &forged.hdr, forged.payload,
					       7, false, NULL),
			   0));
	}
	cr_expect(lt(long, peak_kb() - before, 1024));
	cr_expect(eq(uint, t_sealed_count(fd, "forged"), 1000000));
	expect_refused(fd, "replayed");
	t_seal(0, t_now_us(), salt, 1, "still", 5, &wire);
	expect_received(fd, "still");
	cr_expect(zero(uint, t_sealed_count(fd, "crowded")));
}

/* Each by an authentic sender of its own: then memory is bounded, too. */
Test(sealed, a_hundred_thousand_senders_have_bounded_memory, .init = t_sealed)
{
	int fd = t_open_sealed();
	struct sock *sk = t_sk(fd);
	long before = peak_kb();
	unsigned char other[16] = { 0 };
	int received = 0;

	for (uint64_t i = 0; i < 100000; i++) {
		memcpy(other, &i, sizeof(i));
		t_seal(0, t_now_us(), other, 0, "hi", 2, &wire);
		received += !sk_wire(sk)->decode(sk, &wire.hdr, wire.payload, 2,
						 false, NULL);
	}
	cr_expect(lt(long, peak_kb() - before, 20000));
	cr_expect(gt(int, received, 50000));
}

/* ---- keys ------------------------------------------------------------------------ */

static void with_two_keys(void)
{
	t_sealed_with(2, (unsigned int[]){ 1, 0 });
}

Test(sealed, the_first_key_sends_and_all_receive, .init = with_two_keys)
{
	int fd = t_open_sealed();
	struct t_sealed own;

	t_capture(fd, "x", 1, &own);
	t_seal(0, t_now_us(), salt, 0, "by the second", 13, &wire);
	cr_expect(ne(int, memcmp(own.hdr.key, wire.hdr.key, 4), 0));
	expect_received(fd, "by the second");
	t_seal(1, t_now_us(), salt, 1, "by the first", 12, &wire);
	cr_expect(zero(int, memcmp(own.hdr.key, wire.hdr.key, 4)));
	expect_received(fd, "by the first");
	t_seal(2, t_now_us(), salt, 2, "by another", 10, &wire);
	expect_refused(fd, "other_key");
}

static int opens(void)
{
	struct socket *sock;

	return sock_create(PF_INET, SOCK_SEALED, 0, &sock);
}

static void begin_with(const char *file)
{
	t_init();
	if (file)
		setenv("COP_KEY_FILE", file, 1);
	else
		unsetenv("COP_KEY_FILE");
	cr_assert(zero(int, module_begin(&cop_builtin_sealed)));
}

Test(sealed, without_a_key_file_there_is_no_socket)
{
	begin_with(NULL);
	cr_expect(eq(int, opens(), -ENOKEY));
}

Test(sealed, with_a_file_that_is_not_there_there_is_no_socket)
{
	begin_with("/tmp/none/at/all");
	cr_expect(eq(int, opens(), -ENOKEY));
}

Test(sealed, with_a_file_that_is_no_key_there_is_no_socket)
{
	begin_with("/dev/null");
	cr_expect(eq(int, opens(), -EKEYREJECTED));
}

Test(sealed, a_key_may_not_stand_twice)
{
	const char *file = t_key_file(2, (unsigned int[]){ 5, 5 });

	begin_with(file);
	unlink(file);
	cr_expect(eq(int, opens(), -EKEYREJECTED));
}

/* No socket of the process can need the keys there. */
static int has_no_key(void)
{
	CHECK(opens() == -ENOKEY);
	return 0;
}

Test(sealed, a_child_of_a_process_without_sockets_has_no_key, .init = t_sealed)
{
	T_CHILD(has_no_key);
	cr_expect(zero(int, opens()));
}

static int inherited;

static int can_send(void)
{
	t_capture(inherited, "child", 5, &wire);
	CHECK(wire.len == 48 + 5 + 16);
	CHECK(!opens());
	return 0;
}

Test(sealed, a_child_can_use_the_socket_that_it_inherits, .init = t_sealed)
{
	inherited = t_open_sealed();
	T_CHILD(can_send);
}

static int reads_again(void)
{
	inherited = t_open_sealed();
	return can_send();
}

Test(sealed, a_child_without_keys_reads_the_file_again)
{
	const char *file = t_key_file(1, (unsigned int[]){ 0 });

	begin_with(file);
	T_CHILD(reads_again);
	unlink(file);
}

/* ---- where keys are in memory ---------------------------------------------------- */

/* So the key itself stands nowhere in this test. */
static unsigned char byte_of(int i)
{
	return i * 37 + 11;
}

static void with_odd_key(void)
{
	static char name[] = "/tmp/cop-test-key-XXXXXX";
	char out[SEALED_KEY_TEXT + 1];
	unsigned char key[SEALED_KEY_LEN];
	int fd = mkstemp(name);

	for (int i = 0; i < SEALED_KEY_LEN; i++)
		key[i] = byte_of(i);
	sealed_keyfile_text(key, out);
	cr_assert(eq(int, write(fd, out, SEALED_KEY_TEXT), SEALED_KEY_TEXT));
	explicit_bzero(key, sizeof(key));
	close(fd);
	begin_with(name);
	unlink(name);
}

static int count_keys(const unsigned char *at, const unsigned char *end)
{
	int found = 0, i;

	for (; at + SEALED_KEY_LEN <= end; at++) {
		for (i = 0; i < SEALED_KEY_LEN && at[i] == byte_of(i); i++)
			;
		found += i == SEALED_KEY_LEN;
	}
	return found;
}

/* "dd" in VmFlags: it is left out of core dumps. Memory that can be written only. */
Test(sealed, a_key_is_only_in_memory_that_no_core_dump_has,
     .init = with_odd_key)
{
	int s = t_open_sealed(), in_range = 0, kept = 0;
	static char line[512];
	unsigned long from, to;
	char perms[8];
	FILE *f;

#if IS_SANITIZED
	cr_skip_test("a sanitizer's memory is too large to search");
#endif
	cr_assert(zero(int, t_connect(s, LOOPBACK, 9)));
	t_send(s, "some traffic");
	f = fopen("/proc/self/smaps", "r");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) == 3)
			in_range =
				!strncmp(perms, "rw", 2)
					? count_keys((void *)from, (void *)to)
					: 0;
		if (strncmp(line, "VmFlags:", 8) || !in_range)
			continue;
		cr_expect(ne(ptr, strstr(line, " dd"), NULL), "%lx: %s", from,
			  line);
		kept += in_range;
	}
	fclose(f);
	cr_expect(eq(int, kept, 1));
}
