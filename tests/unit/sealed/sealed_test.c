// SPDX-License-Identifier: MIT
/*
 * sealed_test.c - the transport sealed, linked with the tests.
 */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "inet/kernel.h"
#include "unit/helpers.h"
#include "unit/sealed/sealed_test.h"
#include "wire/own_counters.h"

extern struct module cop_builtin_sealed;

void t_key(unsigned int n, unsigned char key[SEALED_KEY_LEN])
{
	for (int i = 0; i < SEALED_KEY_LEN; i++)
		key[i] = n + i;
}

const char *t_key_file(unsigned int n, const unsigned int numbers[])
{
	static char name[] = "/tmp/cop-test-key-XXXXXX";
	char text[SEALED_KEY_TEXT + 1];
	unsigned char key[SEALED_KEY_LEN];
	int fd = mkstemp(name);

	cr_assert(ge(int, fd, 0));
	for (unsigned int i = 0; i < n; i++) {
		t_key(numbers[i], key);
		sealed_keyfile_text(key, text);
		dprintf(fd, "%s\n", text);
	}
	close(fd);
	return name;
}

void t_sealed_with(unsigned int n, const unsigned int numbers[])
{
	const char *name = t_key_file(n, numbers);

	t_init();
	setenv("COP_KEY_FILE", name, 1);
	cr_assert(zero(int, module_begin(&cop_builtin_sealed)));
	unlink(name);
}

void t_sealed(void)
{
	t_sealed_with(1, (unsigned int[]){ 0 });
}

int t_open_sealed(void)
{
	int fd = t_open_type(SOCK_SEALED);

	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	return fd;
}

uint32_t t_sealed_count(int fd, const char *name)
{
	const struct proto *prot = t_sk(fd)->sk_prot;

	for (unsigned int i = 0; prot->counters[i]; i++)
		if (!strcmp(prot->counters[i], name))
			return cop_counter(t_sk(fd), i);
	cr_fatal("%s", name);
	return 0;
}

void t_capture(int fd, const void *data, size_t len, struct t_sealed *to)
{
	int udp = t_udp();
	struct sockaddr_in name = t_name(udp);

	cr_assert(eq(int, t_sendto(fd, data, len, 0, &name), (int)len));
	to->len = recv(udp, to, offsetof(struct t_sealed, len), 0);
	close(udp);
}

void t_seal(unsigned int number, uint64_t time, const unsigned char salt[16],
	    uint64_t counter, const void *data, size_t len, struct t_sealed *to)
{
	static const unsigned char what[] = "libcop sealed key id";
	unsigned char key[SEALED_KEY_LEN], nonce[24], id[16];

	t_key(number, key);
	crypto_generichash(id, sizeof(id), what, sizeof(what) - 1, key,
			   sizeof(key));
	to->hdr = (struct sealedhdr){
		.magic = htons(SEALED_MAGIC),
		.version = SEALED_VERSION,
		.flags = SEALED_F_FIRST,
		.time = { htonl(time >> 32), htonl(time) },
		.counter = { htonl(counter >> 32), htonl(counter) },
	};
	memcpy(to->hdr.key, id, sizeof(to->hdr.key));
	memcpy(to->hdr.salt, salt, sizeof(to->hdr.salt));
	memcpy(nonce, salt, 16);
	memcpy(nonce + 16, to->hdr.counter, 8);
	crypto_aead_xchacha20poly1305_ietf_encrypt(to->payload, NULL, data, len,
						   (unsigned char *)&to->hdr,
						   sizeof(to->hdr), NULL, nonce,
						   key);
	to->len = sizeof(to->hdr) + len + SEALED_TAG_LEN;
}

void t_inject(int fd, const struct t_sealed *what)
{
	int udp = t_udp();

	t_udp_send(udp, t_port(fd), what, what->len);
	close(udp);
}

bool t_receives(int fd, char text[2049])
{
	ssize_t n = t_recv(fd, text, 2048, MSG_DONTWAIT);

	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}

uint64_t t_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}
