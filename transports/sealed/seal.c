// SPDX-License-Identifier: MIT
/*
 * seal.c - XChaCha20-Poly1305, by libsodium. The subkey is HChaCha20 of the key and the
 * first 16 bytes of the nonce, as in draft-irtf-cfrg-xchacha; what is left is
 * ChaCha20-Poly1305 of RFC 8439 with 4 zero bytes and the last 8 bytes of the nonce. So
 * HChaCha20 runs once for each salt and not for each datagram, and the result is that of
 * crypto_aead_xchacha20poly1305_ietf_encrypt().
 *
 * Owns: nothing. Protected by: nothing to protect.
 */
#include <sodium.h>
#include <string.h>

#include "sealed.h"

_Static_assert(sizeof(struct sealedhdr) == 48, "no padding");
_Static_assert(SEALED_TAG_LEN == crypto_aead_chacha20poly1305_ietf_ABYTES, "");
_Static_assert(SEALED_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	       "");

struct short_nonce {
	unsigned char bytes[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
};

static struct short_nonce short_nonce(const struct sealedhdr *hdr)
{
	struct short_nonce nonce = { { 0 } };

	memcpy(nonce.bytes + 4, hdr->counter, sizeof(hdr->counter));
	return nonce;
}

void sealed_seal(const unsigned char subkey[SEALED_KEY_LEN],
		 const struct sealedhdr *hdr, unsigned char *payload,
		 size_t len)
{
	const struct short_nonce nonce = short_nonce(hdr);

	crypto_aead_chacha20poly1305_ietf_encrypt_detached(
		payload, payload + len, NULL, payload, len,
		(const unsigned char *)hdr, sizeof(*hdr), NULL, nonce.bytes,
		subkey);
}

/* Without a place for the plaintext libsodium checks only. */
bool sealed_is_genuine(const unsigned char subkey[SEALED_KEY_LEN],
		       const struct sealedhdr *hdr,
		       const unsigned char *payload, size_t len)
{
	const struct short_nonce nonce = short_nonce(hdr);

	return !crypto_aead_chacha20poly1305_ietf_decrypt_detached(
		NULL, NULL, payload, len, payload + len,
		(const unsigned char *)hdr, sizeof(*hdr), nonce.bytes, subkey);
}

/* RFC 8439, section 2.8: block 0 of the key stream is the tag's key. */
void sealed_open(const unsigned char subkey[SEALED_KEY_LEN],
		 const struct sealedhdr *hdr, unsigned char *payload,
		 size_t len)
{
	const struct short_nonce nonce = short_nonce(hdr);

	crypto_stream_chacha20_ietf_xor_ic(payload, payload, len, nonce.bytes,
					   1, subkey);
}
