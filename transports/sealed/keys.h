/* SPDX-License-Identifier: MIT */
/*
 * keys.h - the keys of this process, and the *subkeys* that are derived of a key and a
 * salt.
 */
#ifndef SEALED_KEYS_H
#define SEALED_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "keyfile.h"
#include "nonce.h"

/* The key that sends; behind it are the others, which receive only. */
#define SEALED_SENDS 0

/**
 * sealed_keys_init - read the file that COP_KEY_FILE names
 *
 * Returns 0 also if there are no keys then: sealed_keys_ready() says why. -errno
 * if there is no memory that is safe for keys. Once, in the module's init.
 */
int sealed_keys_init(void);

/**
 * sealed_keys_ready - whether a new socket can send and receive
 *
 * From the first such socket on, a forked child keeps the keys: it may have to use the
 * socket. In the child of a process that had no such socket the keys are gone, and this
 * reads the file again. Returns 0, -ENOKEY or -EKEYREJECTED.
 */
int sealed_keys_ready(void);

/**
 * sealed_keys_id - the number by which a header names a key
 * @key: below SEALED_KEYS_MAX
 *
 * Derived of the key. Returns 0 if there is no such key.
 */
uint32_t sealed_keys_id(int key);

/**
 * sealed_keys_find - the key of a number, or -1
 * @id: from a header
 */
int sealed_keys_find(uint32_t id);

/**
 * sealed_subkey - the subkey of a key and a salt
 * @key: from sealed_keys_find()
 * @salt: the salt
 * @subkey: receives it; the caller wipes it
 *
 * Returns whether it was kept; if not, it is derived. Async-signal-safe.
 */
bool sealed_subkey(int key, const union sealed_salt *salt,
		   unsigned char subkey[SEALED_KEY_LEN]);

/**
 * sealed_subkey_keep - keep a subkey for the next datagram of its salt
 *
 * Only of a sender that is authentic, and of our own sockets: nobody else shall be able
 * to displace another one. Arguments as for sealed_subkey().
 */
void sealed_subkey_keep(int key, const union sealed_salt *salt,
			const unsigned char subkey[SEALED_KEY_LEN]);

#endif /* SEALED_KEYS_H */
