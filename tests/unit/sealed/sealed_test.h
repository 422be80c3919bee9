/* SPDX-License-Identifier: MIT */
/*
 * sealed_test.h - the transport sealed, linked with the tests: with keys of a file.
 */
#ifndef COP_TEST_SEALED_H
#define COP_TEST_SEALED_H

#include <stdbool.h>
#include <stdint.h>

#include "transports/sealed/sealed.h"

/* Keys whose bytes are the numbers from 0 on, from 1 on, and so on. */
void t_key(unsigned int n, unsigned char key[SEALED_KEY_LEN]);

/* Writes a file with keys of these numbers, and returns its name. */
const char *t_key_file(unsigned int n, const unsigned int numbers[]);

/* Begins the library and the module with such a file. */
void t_sealed_with(unsigned int n, const unsigned int numbers[]);

/* The same with key 0 alone; for a suite's .init. */
void t_sealed(void);

/* A sealed socket, bound to LOOPBACK. */
int t_open_sealed(void);

/* Figure @name of a sealed socket's own. */
uint32_t t_sealed_count(int fd, const char *name);

/* A datagram as it crosses the wire. */
struct t_sealed {
	struct sealedhdr hdr;
	unsigned char payload[2048];
	size_t len; /* of all of it */
};

/* What @fd seals and sends. */
void t_capture(int fd, const void *data, size_t len, struct t_sealed *to);

/* Seals a datagram by hand. @time: microseconds since 1970 */
void t_seal(unsigned int key, uint64_t time, const unsigned char salt[16],
	    uint64_t counter, const void *data, size_t len,
	    struct t_sealed *to);

/* Sends a datagram to a sealed socket, from a socket of the kernel's. */
void t_inject(int fd, const struct t_sealed *what);

/* Whether @fd has a datagram now; @text: its payload, of 2048 bytes at most. */
bool t_receives(int fd, char text[2049]);

uint64_t t_now_us(void);

#endif /* COP_TEST_SEALED_H */
