/* SPDX-License-Identifier: MIT */
/*
 * nonce.h - the nonces of a sending socket: 16 random bytes, the *salt*, and a counter.
 */
#ifndef SEALED_NONCE_H
#define SEALED_NONCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SEALED_SALT_LEN 16

/*
 * Counters are below this number, so that a receiver can keep them with their window
 * (window.c). A sender reaches it after 14 years of ten million datagrams a second.
 */
#define SEALED_COUNTER_END ((1ull << 52) - 16)

union sealed_salt {
	unsigned char bytes[SEALED_SALT_LEN];
	uint64_t word[2];
};

struct sealed_nonce {
	union sealed_salt salt;
	uint64_t counter;
};

/*
 * The nonces of one sending socket. The library may clear this memory, from its first
 * byte on, while a thread that it has overtaken still reads it.
 */
struct sealed_nonces {
	_Atomic(uint64_t)
		ticket; /* (a) of this salt, a number that no other salt
				    * in this memory had; 0: there is no salt.
				    * First, so that it is cleared first */
	_Atomic(uint64_t)
		maker; /* (a) the process that draws a salt; 0: none */
	_Atomic(uint64_t) process; /* (a) the process that drew the salt */
	_Atomic(uint64_t) salt[2]; /* (a) */
	_Atomic(uint64_t) counter; /* (a) of the next datagram */
	uint64_t
		id; /* (c) of the socket: all processes that a fork has given the
		      * socket know it by this number, and no other socket */
	_Atomic(uint64_t)
		noted; /* (a) when the salt was last noted in window.c */
};

/* What a fork leaves to parent and child. */
struct sealed_family {
	_Atomic(uint64_t) processes; /* (a) processes that have had a number */
	_Atomic(uint64_t) sockets;   /* (a) sockets that have had a number */
	_Atomic(uint64_t) salts;     /* (a) salts that were made of the seed */
};

/**
 * sealed_nonce_init - begin
 * @family: shared memory of this process and of all that it forks
 *
 * Returns 0 or -errno: without it no nonce is safe. Once, in the module's init.
 */
int sealed_nonce_init(struct sealed_family *family);

/**
 * sealed_process - the number of this process, which no process of its family has
 *
 * Never 0. Async-signal-safe, without a system call.
 */
uint64_t sealed_process(void);

/**
 * sealed_nonce_begin - begin without a salt
 * @nonces: of a new socket, all zero
 */
void sealed_nonce_begin(struct sealed_nonces *nonces);

/**
 * sealed_nonce_next - a nonce that nobody has had and nobody will have
 * @nonces: of the sending socket
 * @nonce: receives it
 *
 * Returns 1 if its salt was drawn just now, else 0; or -ENOKEY if the counter has
 * reached its end. Never waits. Async-signal-safe.
 */
int sealed_nonce_next(struct sealed_nonces *nonces, struct sealed_nonce *nonce);

/**
 * sealed_nonce_is_own - whether a salt is the present one of a socket
 * @nonces: of the socket
 * @salt: from a datagram
 */
bool sealed_nonce_is_own(struct sealed_nonces *nonces,
			 const union sealed_salt *salt);

/**
 * sealed_nonce_end - the socket ends
 * @nonces: of the socket
 */
void sealed_nonce_end(struct sealed_nonces *nonces);

#endif /* SEALED_NONCE_H */
