// SPDX-License-Identifier: MIT
/*
 * sealed.c - datagrams of all kinds for check and decode of transports/sealed.
 */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/input.h"
#include "fuzz/sealed.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "inet/protosw.h"
#include "lib/libc.h"
#include "socket/sock.h"
#include "socket/socket.h"
#include "transports/sealed/keys.h"
#include "transports/sealed/sealed.h"

#define PAYLOAD_MAX 256
#define ACCEPTED    (1 << 16)

#define SEAL	    1 /* with the key that the socket has */
#define PEEK	    2
#define RIGHT_TIME  4

extern struct module cop_builtin_sealed;

static struct sock *sk;

/*
 * Times, salts and counters of what was accepted; what finds no place is not noted. A
 * nonce with another time is no replay: no sender that has the key makes such a datagram.
 */
static struct seen {
	unsigned char bytes[32];
	bool used;
} accepted[ACCEPTED];

struct datagram {
	struct sealedhdr hdr;
	unsigned char payload[PAYLOAD_MAX + SEALED_TAG_LEN];
};

static void write_key(void)
{
	static char name[] = "/tmp/cop-fuzz-key-XXXXXX";
	unsigned char key[SEALED_KEY_LEN] = { 1, 2, 3 };
	char text[SEALED_KEY_TEXT + 1];
	int fd = mkstemp(name);

	sealed_keyfile_text(key, text);
	HOLDS(write(fd, text, SEALED_KEY_TEXT) == SEALED_KEY_TEXT);
	close(fd);
	setenv("COP_KEY_FILE", name, 1);
}

static void begin(void)
{
	struct socket *sock;

	if (sk)
		return;
	write_key();
	if (!inet_has_type(SOCK_DGRAM)) {
		cop_libc_init();
		inet_init();
		modules_init();
	}
	HOLDS(!module_begin(&cop_builtin_sealed));
	unlink(getenv("COP_KEY_FILE"));
	HOLDS(!sock_create(PF_INET, SOCK_SEALED, IPPROTO_SEALED, &sock));
	sk = sock->sk;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

/* What a fuzzer would not find in a life. */
static void make_right(struct datagram *d, size_t len, uint8_t how)
{
	const uint32_t id = sealed_keys_id(SEALED_SENDS);
	unsigned char subkey[SEALED_KEY_LEN];
	uint64_t now = now_us();
	union sealed_salt salt;

	if (how & RIGHT_TIME) {
		d->hdr.time[0] = htonl(now >> 32);
		d->hdr.time[1] = htonl(now);
	}
	if (!(how & SEAL))
		return;
	memcpy(d->hdr.key, &id, sizeof(id));
	memcpy(salt.bytes, d->hdr.salt, sizeof(d->hdr.salt));
	sealed_subkey(SEALED_SENDS, &salt, subkey);
	sealed_seal(subkey, &d->hdr, d->payload, len);
}

/* Returns whether it was there already. */
static bool note(const struct sealedhdr *hdr)
{
	struct seen seen = { .used = true };
	uint64_t at;

	memcpy(seen.bytes, hdr->time, sizeof(seen.bytes));
	memcpy(&at, seen.bytes + 12, sizeof(at));
	for (int i = 0; i < 16; i++) {
		struct seen *is = &accepted[(at + i) % ACCEPTED];

		if (is->used &&
		    !memcmp(is->bytes, seen.bytes, sizeof(seen.bytes)))
			return true;
		if (is->used)
			continue;
		*is = seen;
		return false;
	}
	return false;
}

static void decode(struct datagram *d, size_t len, uint8_t how)
{
	const struct cop_wire *wire = sk_wire(sk);
	struct datagram was = *d;
	struct cop_hdr_info info;

	if (wire->check(&d->hdr, sizeof(d->hdr) + len + SEALED_TAG_LEN,
			&info) != COP_NO_STRAY)
		return;
	HOLDS(info.len == sizeof(d->hdr));
	if (wire->decode(sk, &d->hdr, d->payload, len, how & PEEK, NULL)) {
		HOLDS(!memcmp(d, &was, sizeof(was)));
		return;
	}
	HOLDS(how & SEAL);
	HOLDS(how & PEEK || !note(&d->hdr));
}

int fuzz_sealed(const uint8_t *data, size_t size)
{
	static struct datagram d;
	const size_t least = 1 + sizeof(d.hdr) + SEALED_TAG_LEN;
	struct cop_hdr_info info;

	begin();
	if (size < least) {
		HOLDS(sk_wire(sk)->check(&d.hdr, 0, &info) == COP_STRAY_SHORT);
		return 0;
	}
	if (size - 1 > sizeof(d))
		size = sizeof(d) + 1;
	memset(&d, 0, sizeof(d));
	memcpy(&d, data + 1, size - 1);
	make_right(&d, size - least, data[0]);
	decode(&d, size - least, data[0]);
	return 0;
}
