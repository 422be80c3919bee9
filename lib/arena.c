// SPDX-License-Identifier: MIT
/*
 * lib/arena.c - memory that the library takes piece by piece and never gives
 * back.
 *
 * Owns: the pieces. Protected by: atomic operations. Counterpart in the kernel:
 * mm/memblock.c.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "lib/arena.h"
#include "lib/atomic.h"
#include "lib/compiler.h"

#define ALIGN(n, to) (((n) + (to)-1) & ~((size_t)(to)-1))
#define LINE	     64
#define PAGE	     4096

struct piece {
	_Atomic(size_t) used; /* (a) bytes in use, this header included */
	size_t size;	      /* (c) bytes in all; 0 in the reserve */
} __attribute__((aligned(LINE)));

/*
 * The first piece is part of the library's data, so that the first sockets need
 * no mmap(): a limit may refuse one, and fork() copies a part of the library's
 * data for less than another mapping. The piece is small, because if a program
 * locks its memory, the whole piece counts.
 */
static struct {
	struct piece head;
	char room[COP_ARENA_RESERVE - sizeof(struct piece)];
} reserve __attribute__((aligned(LINE)));

static _Atomic(struct piece *) current; /* (a) NULL: the reserve */

static size_t piece_size(const struct piece *piece)
{
	return piece ? piece->size : sizeof(reserve);
}

/* Returns NULL if the piece has less than @len bytes left. */
static void *piece_take(struct piece *piece, size_t len)
{
	struct piece *head = piece ?: &reserve.head;
	size_t used = READ_ONCE(head->used), from;

	do {
		from = used ?: sizeof(*head);
		if (len > piece_size(piece) - from)
			return NULL;
	} while (!atomic_compare_exchange_strong(&head->used, &used,
						 from + len));
	return (char *)head + from;
}

static struct piece *map(size_t size)
{
	int saved = errno;
	struct piece *piece = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (piece == MAP_FAILED) {
		errno = saved;
		return NULL;
	}
	piece->size = size;
	return piece;
}

/* A process that has used up a piece will need more: the next one is larger. */
static size_t next_size(const struct piece *was)
{
	return was ? min_t(size_t, 2 * was->size, COP_ARENA_MOST)
		   : COP_ARENA_LEAST;
}

/*
 * A request may be larger than the next piece, or there may be no memory for
 * that piece. Then the request gets a mapping of its own.
 */
static void *take_from_new(struct piece *was, size_t len)
{
	size_t least = ALIGN(len + sizeof(struct piece), PAGE);
	size_t size = next_size(was);
	struct piece *piece = least < size ? map(size) : NULL;
	void *taken;

	if (!piece)
		return (piece = map(least)) ? piece_take(piece, len) : NULL;
	taken = piece_take(piece, len);
	atomic_compare_exchange_strong(&current, &was, piece);
	return taken;
}

void *cop_arena_take(size_t len)
{
	struct piece *piece = atomic_load(&current);
	void *taken;

	len = ALIGN(len, LINE);
	taken = piece_take(piece, len);
	return taken ? taken : take_from_new(piece, len);
}
