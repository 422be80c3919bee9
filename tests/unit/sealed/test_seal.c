// SPDX-License-Identifier: MIT
/*
 * test_seal.c - transports/sealed/seal.c: what is sealed is XChaCha20-Poly1305.
 */
#include <sodium.h>
#include <stdlib.h>

#include "unit/helpers.h"
#include "unit/sealed/sealed_test.h"

/* Of one salt and one key. */
static unsigned char key[SEALED_KEY_LEN], subkey[SEALED_KEY_LEN];
static struct sealedhdr hdr;

static void begin(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	t_key(0, key);
	randombytes_buf(&hdr, sizeof(hdr));
	crypto_core_hchacha20(subkey, hdr.salt, key, NULL);
}

TestSuite(sealed_seal, .init = begin, .timeout = 120);

/* draft-irtf-cfrg-xchacha-03, section 2.2.1. */
Test(sealed_seal, a_subkey_is_that_of_the_draft)
{
	static const unsigned char nonce[16] = { 0,    0,    0,	   9,	0, 0,
						 0,    0x4a, 0,	   0,	0, 0,
						 0x31, 0x41, 0x59, 0x27 };
	static const char expected[] = "82413b4227b27bfed30e42508a877d73a0f9e4d"
				       "58a74a853c12ec41326d3ecdc";
	char hex[65];

	crypto_core_hchacha20(subkey, nonce, key, NULL);
	sodium_bin2hex(hex, sizeof(hex), subkey, sizeof(subkey));
	cr_expect(eq(str, hex, (char *)expected));
}

Test(sealed_seal, each_length_is_sealed_as_libsodium_does_it_in_one)
{
	unsigned char plain[1500], one[1516], other[1516];
	unsigned char nonce[24];

	memcpy(nonce, hdr.salt, 16);
	memcpy(nonce + 16, hdr.counter, 8);
	randombytes_buf(plain, sizeof(plain));
	for (size_t len = 0; len <= sizeof(plain); len++) {
		crypto_aead_xchacha20poly1305_ietf_encrypt(
			one, NULL, plain, len, (unsigned char *)&hdr,
			sizeof(hdr), NULL, nonce, key);
		memcpy(other, plain, len);
		sealed_seal(subkey, &hdr, other, len);
		cr_assert(zero(int, memcmp(one, other, len + 16)));
		cr_assert(sealed_is_genuine(subkey, &hdr, other, len));
		sealed_open(subkey, &hdr, other, len);
		cr_assert(zero(int, memcmp(other, plain, len)));
	}
}

Test(sealed_seal, none_of_a_million_flipped_bits_is_genuine)
{
	static struct t_sealed d;
	unsigned char *bytes = (unsigned char *)&d;
	const size_t n = 8 * (sizeof(hdr) + 64 + SEALED_TAG_LEN);

	d.hdr = hdr;
	sealed_seal(subkey, &d.hdr, d.payload, 64);
	srand(1);
	for (size_t i = 0; i < 1000000; i++) {
		size_t bit = i < n ? i : rand() % n;

		bytes[bit / 8] ^= 1 << bit % 8;
		crypto_core_hchacha20(subkey, d.hdr.salt, key, NULL);
		cr_assert(
			not(sealed_is_genuine(subkey, &d.hdr, d.payload, 64)));
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	crypto_core_hchacha20(subkey, d.hdr.salt, key, NULL);
	cr_expect(sealed_is_genuine(subkey, &d.hdr, d.payload, 64));
}
