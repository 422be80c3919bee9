/* SPDX-License-Identifier: MIT */
/*
 * window.h - which datagrams a socket has received. A *stream* is what one salt has sent
 * to one socket.
 */
#ifndef SEALED_WINDOW_H
#define SEALED_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "nonce.h"

enum sealed_seen {
	SEALED_NEW,
	SEALED_SEEN,	/* or so old that nobody knows */
	SEALED_OWN,	/* the socket has sent it itself */
	SEALED_CROWDED, /* of a stream that had to go for others */
};

/* A datagram: its stream, its number and its time. */
struct sealed_stream {
	uint64_t socket; /* struct sealed_nonces.id */
	union sealed_salt salt;
	uint64_t counter;
	uint64_t time; /* microseconds since 1970, the sender's clock */
};

/**
 * sealed_window_size - bytes of shared memory that the streams need
 */
size_t sealed_window_size(void);

/**
 * sealed_window_init - begin without streams
 * @memory: zero, and shared with all that this process forks
 * @age: a datagram that is older by so many microseconds is refused anyway
 */
void sealed_window_init(void *memory, uint64_t age);

/**
 * sealed_window_look - whether a datagram was received before
 * @s: the datagram, which may be forged
 *
 * Changes nothing. Never waits, async-signal-safe.
 */
enum sealed_seen sealed_window_look(const struct sealed_stream *s);

/**
 * sealed_window_take - receive a datagram, for the first time and the only one
 * @s: the datagram, which is authentic
 * @now: the time here
 *
 * Returns SEALED_NEW to one caller at most, in all processes that a fork has given the
 * socket. Makes the stream if it is new. Never waits, async-signal-safe.
 */
enum sealed_seen sealed_window_take(const struct sealed_stream *s,
				    uint64_t now);

/**
 * sealed_window_own - note that a stream is what the socket sends itself
 * @s: the socket and the salt. Its time is that of the last datagram that the note
 *	is to cover
 * @now: the time here
 */
void sealed_window_own(const struct sealed_stream *s, uint64_t now);

#endif /* SEALED_WINDOW_H */
