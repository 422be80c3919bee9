// SPDX-License-Identifier: MIT
/*
 * bench_sealed.c - a datagram sent and received on loopback, over sealed. It is compared
 * with the same datagram over COP and libsodium's own time to encrypt and to decrypt it,
 * with COP alone, and with UDP.
 *
 * All sockets are open in this process. For UDP the benchmark calls libc's own functions,
 * past the library. COP_BENCH_SEALED is the directory with the module.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define PAYLOAD_MAX 1400
#define HEADER	    48 /* bytes that the tag covers as well */

struct pair {
	ssize_t (*sendto)(int fd, const void *buf, size_t len, int flags,
			  const struct sockaddr *addr, socklen_t alen);
	ssize_t (*recvfrom)(int fd, void *buf, size_t len, int flags,
			    struct sockaddr *addr, socklen_t *alen);
	int tx, rx;
	struct bench_end to;
};

static struct pair sealed, cop, udp;
static size_t len;

static unsigned char out[PAYLOAD_MAX], in[PAYLOAD_MAX];

static void exchange(struct pair *p)
{
	struct sockaddr_in6 from;
	socklen_t alen = sizeof(from);

	if (p->sendto(p->tx, out, len, 0, &p->to.sa, p->to.len) !=
		    (ssize_t)len ||
	    p->recvfrom(p->rx, in, sizeof(in), 0, (struct sockaddr *)&from,
			&alen) != (ssize_t)len)
		bench_die("a datagram was not sent or received whole");
}

static void run_pair(void *pair, unsigned int n)
{
	while (n--)
		exchange(pair);
}

/* What libsodium needs for one datagram in both directions. */
static void seal_and_open(void)
{
	static unsigned char key[32], nonce[24], header[HEADER];
	static unsigned char box[PAYLOAD_MAX + 16], plain[PAYLOAD_MAX];
	unsigned long long n;

	sodium_increment(nonce, sizeof(nonce));
	crypto_aead_xchacha20poly1305_ietf_encrypt(box, &n, out, len, header,
						   HEADER, NULL, nonce, key);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    plain, &n, NULL, box, n, header, HEADER, nonce, key))
		bench_die("decrypt");
}

static void run_libsodium(void *unused, unsigned int n)
{
	(void)unused;
	while (n--)
		seal_and_open();
}

static void run_both(void *pair, unsigned int n)
{
	while (n--) {
		exchange(pair);
		seal_and_open();
	}
}

static void pair_open(struct pair *p, int type, int protocol)
{
	struct bench_end end;

	p->tx = bench_bound(AF_INET, type, protocol, &end);
	p->rx = bench_bound(AF_INET, type, protocol, &p->to);
}

static void compare(const char *name, const struct bench_op *ours,
		    const struct bench_op *other, double ratio)
{
	const struct bench_goal goal = { .ratio = ratio };
	struct bench_side a = { .op = ours }, b = { .op = other };
	struct bench_result res = { 0 };
	char line[64];

	snprintf(line, sizeof(line), "%s, %zu bytes", name, len);
	bench_rounds(&res, &a, other ? &b : NULL, 100, 200);
	bench_report(line, &res, &goal);
}

/* The module reads the file when the library loads it. */
static void make_key(void)
{
	static char name[] = "/tmp/cop-bench-key-XXXXXX";
	static const char key[] =
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
	int fd = mkstemp(name);

	if (fd < 0 || write(fd, key, sizeof(key) - 1) != sizeof(key) - 1)
		bench_die(name);
	close(fd);
	setenv("COP_KEY_FILE", name, 1);
	setenv("COP_MODULES", getenv("COP_BENCH_SEALED") ?: "", 1);
}

static void compare_all(void)
{
	static const struct bench_op seal = { run_pair, NULL, NULL, &sealed,
					      1 };
	static const struct bench_op plain = { run_pair, NULL, NULL, &cop, 1 };
	static const struct bench_op kernel = { run_pair, NULL, NULL, &udp, 1 };
	static const struct bench_op both = { run_both, NULL, NULL, &cop, 1 };
	static const struct bench_op libsodium = { run_libsodium, NULL, NULL,
						   NULL, 1 };
	static const size_t lens[] = { 64, PAYLOAD_MAX };

	for (int i = 0; i < 2; i++) {
		len = lens[i];
		bench_title("ns for one datagram sent and received", "sealed",
			    "COP+sodium");
		compare("sendto + recvfrom", &seal, &both, 1.15);
		bench_title("", "sealed", "COP");
		compare("sendto + recvfrom", &seal, &plain, 0);
		bench_title("", "sealed", "UDP");
		compare("sendto + recvfrom", &seal, &kernel, 0);
		bench_title("", "libsodium", NULL);
		compare("encrypt + decrypt", &libsodium, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	const char *key = getenv("COP_KEY_FILE");

	(void)argc;
	bench_begin("sealed");
	if (!key)
		make_key();
	bench_preload(argv);
	if (sodium_init() < 0)
		bench_die("libsodium");
	sealed.sendto = cop.sendto = sendto;
	sealed.recvfrom = cop.recvfrom = recvfrom;
	udp.sendto = bench_libc("sendto");
	udp.recvfrom = bench_libc("recvfrom");
	pair_open(&sealed, 9, 253);
	pair_open(&cop, SOCK_COP, IPPROTO_COP);
	pair_open(&udp, SOCK_DGRAM, 0);
	if (key)
		unlink(key);
	compare_all();
	return 0;
}
