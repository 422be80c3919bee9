/* SPDX-License-Identifier: MIT */
/*
 * sealed.h - the header of a sealed datagram, and the cryptography. docs/sealed.md has
 * the header byte by byte.
 */
#ifndef SEALED_H
#define SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cop_transport.h>

#include "keyfile.h"

#define SOCK_SEALED    9
#define IPPROTO_SEALED 253

#define SEALED_MAGIC   0x5ea1
#define SEALED_VERSION 1
#define SEALED_F_FIRST 0x01 /* the first datagram of its flow */
#define SEALED_TAG_LEN 16

struct sealedhdr { /* 48 bytes, network byte order */
	__be16 magic;
	__u8 version;
	__u8 flags;
	__u8 key[4];	/* which key */
	__be32 seq;	/* of the datagram in its flow */
	__be32 tstamp;	/* microseconds of the sender's clock, for the jitter */
	__be32 time[2]; /* microseconds since 1970 */
	__u8 salt[16];	/* with the counter: the nonce of XChaCha20 */
	__be32 counter[2]; /* datagrams that had this salt before */
};

/**
 * sealed_seal - encrypt a payload, and write the tag behind it
 * @subkey: of the key and the salt in @hdr
 * @hdr: the whole header, which the tag covers
 * @payload: @len bytes, encrypted in place, and 16 more for the tag
 */
void sealed_seal(const unsigned char subkey[SEALED_KEY_LEN],
		 const struct sealedhdr *hdr, unsigned char *payload,
		 size_t len);

/**
 * sealed_is_genuine - whether the tag is right; changes nothing
 * sealed_open - decrypt a payload in place, whose tag is right
 *
 * Arguments as for sealed_seal().
 */
bool sealed_is_genuine(const unsigned char subkey[SEALED_KEY_LEN],
		       const struct sealedhdr *hdr,
		       const unsigned char *payload, size_t len);
void sealed_open(const unsigned char subkey[SEALED_KEY_LEN],
		 const struct sealedhdr *hdr, unsigned char *payload,
		 size_t len);

#endif /* SEALED_H */
