// SPDX-License-Identifier: MIT
/*
 * cop_table.c - descriptor -> struct socket.
 *
 * Owns: cop_table and, with socket/change.c, the count of descriptors in each struct
 * socket. Protected by: each slot is emptied and filled with one atomic operation.
 * Counterpart in the kernel: fs/file.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "cop_table.h"
#include "lib/arena.h"
#include "lib/atomic.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "lib/scratch.h"

#define CHUNKS_MIN 64

struct cop_table cop_table;

/*
 * A pointer to a chunk that does not exist points here, so that a look-up finds an
 * empty slot without a compare. It points one word further (MOVED) in a set of
 * chunks that a larger set is about to replace.
 */
static struct {
	struct cop_chunk chunk;
	_Atomic(struct socket *) word;
} no_chunk;

#define MOVED ((struct cop_chunk *)&no_chunk.chunk.slot[1])

static size_t chunks_of(const struct cop_slots *slots)
{
	return slots ? slots->size / COP_CHUNK : 0;
}

/* Doubles the number each time, so that all old sets together are no larger. */
static size_t chunks_for(const struct cop_slots *slots, unsigned int fd)
{
	size_t n = slots ? 2 * chunks_of(slots) : CHUNKS_MIN;

	while (n <= fd / COP_CHUNK)
		n *= 2;
	return n;
}

/* From now on nobody adds a chunk to this place of the old set. */
static struct cop_chunk *chunk_freeze(struct cop_slots *slots, size_t i)
{
	struct cop_chunk *chunk = &no_chunk.chunk;

	if (atomic_compare_exchange_strong(&slots->chunk[i], &chunk, MOVED))
		return &no_chunk.chunk;
	return chunk == MOVED ? &no_chunk.chunk : chunk;
}

static struct cop_slots *slots_new(size_t chunks)
{
	struct cop_slots *slots =
		cop_arena_take(sizeof(*slots) + chunks * sizeof(*slots->chunk));

	if (slots)
		slots->size = chunks * COP_CHUNK;
	return slots;
}

/*
 * The new set has the same chunks, so a reader of the old set sees the same slots.
 * The old set is never freed.
 */
static int slots_grow(struct cop_slots *slots, unsigned int fd)
{
	size_t was = chunks_of(slots), n = chunks_for(slots, fd);
	struct cop_slots *more = slots_new(n);

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		atomic_init(&more->chunk[i],
			    i < was ? chunk_freeze(slots, i) : &no_chunk.chunk);
	atomic_compare_exchange_strong(&cop_table.slots, &slots, more);
	return 0;
}

static int chunk_make(struct cop_slots *slots, size_t i)
{
	struct cop_chunk *chunk = cop_arena_take(sizeof(*chunk));
	struct cop_chunk *is = &no_chunk.chunk;

	if (!chunk)
		return -ENOMEM;
	atomic_compare_exchange_strong(&slots->chunk[i], &is, chunk);
	return 0;
}

static bool has_chunk(int fd)
{
	struct cop_slots *slots = atomic_load(&cop_table.slots);
	struct cop_chunk *chunk = READ_ONCE(slots->chunk[fd / COP_CHUNK]);

	return chunk != MOVED && chunk != &no_chunk.chunk;
}

/* Make a chunk for a descriptor; the second of two threads uses the first one's. */
static int slots_get(unsigned int fd)
{
	struct cop_slots *slots;
	struct cop_chunk *chunk;
	int err = 0;

	while (!err) {
		slots = atomic_load(&cop_table.slots);
		chunk = fd < chunks_of(slots) * COP_CHUNK
				? atomic_load(&slots->chunk[fd / COP_CHUNK])
				: MOVED;
		if (chunk == MOVED)
			err = slots_grow(slots, fd);
		else if (chunk == &no_chunk.chunk)
			err = chunk_make(slots, fd / COP_CHUNK);
		else
			return 0;
	}
	return err;
}

void fd_table_prepare(void)
{
	slots_get(0);
}

static void table_raise_max(unsigned int above)
{
	unsigned int max = READ_ONCE(cop_table.max);

	while (max < above &&
	       !atomic_compare_exchange_weak(&cop_table.max, &max, above))
		;
}

static int make_room(int fd)
{
	int err = fd < 0 ? -EBADF : slots_get(fd);

	if (!err)
		table_raise_max(fd + 1u);
	return err;
}

/*
 * Whether the kernel gives a descriptor of that number, or gave it before the limit
 * was lowered.
 */
static bool can_be_open(int fd)
{
	struct rlimit limit;

	return fd >= 0 && (getrlimit(RLIMIT_NOFILE, &limit) ||
			   (rlim_t)fd < limit.rlim_cur ||
			   cop_libc.fcntl(fd, F_GETFD) >= 0);
}

int fd_room(int fd)
{
	if (likely((unsigned int)fd < READ_ONCE(cop_table.max) &&
		   has_chunk(fd)))
		return 0;
	return can_be_open(fd) ? make_room(fd) : -EBADF;
}

static int slot_fill(int fd, struct socket *sock)
{
	int err = make_room(fd);

	if (err)
		return err;
	cop_copies_settle();
	fd_drop(slot_socket(atomic_exchange(cop_slot(cop_slots(), fd), sock)));
	u32_add(&cop_table.installs, 1);
	return 0;
}

int fd_install(int fd, struct socket *sock)
{
	int err = 0;

	if (unlikely(!cop_process_is_owner()))
		sock->sk->sk_prot->mark(sock->sk, fd);
	else if (!(err = slot_fill(fd, sock)))
		return 0;
	fd_drop(sock);
	return err;
}

static bool socket_tryget(struct socket *sock)
{
	int count = READ_ONCE(sock->f_count);

	do {
		if (count <= 0)
			return false;
	} while (!int_cas(&sock->f_count, &count, count + 1));
	return true;
}

static struct socket *slot_read(int fd)
{
	return atomic_load_explicit(cop_slot(cop_slots(), fd),
				    memory_order_acquire);
}

/*
 * Take a count of a socket if the slot still holds it. Another thread may have closed
 * the socket, and its memory may be another socket's now.
 */
static bool slot_get(int fd, struct socket *sock)
{
	if (!socket_tryget(sock))
		return false;
	if (slot_socket(slot_read(fd)) == sock)
		return true;
	fd_drop(sock);
	return false;
}

struct socket *sockfd_get(int fd)
{
	struct socket *sock;

	do
		sock = sockfd_lookup(fd);
	while (sock && !slot_get(fd, sock));
	return sock;
}

static noinline bool still_owns(struct socket *sock, int fd)
{
	int saved = errno;
	bool ours = sock->sk->sk_prot->owns(sock->sk, fd);

	fd_drop(sock);
	errno = saved;
	return ours;
}

/* A slot with SLOT_EXCHANGE alone has a COP socket before and after. */
noinline struct socket *sockfd_ask(int fd)
{
	struct socket *slot, *sock;

	do {
		slot = slot_read(fd);
		sock = slot_socket(slot);
		if (!slot_has(slot, SLOT_DOUBT))
			return sock;
	} while (!slot_get(fd, sock));
	return still_owns(sock, fd) ? sock : NULL;
}

void fd_flush_all(void)
{
	unsigned int max = READ_ONCE(cop_table.max);

	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock = sockfd_get(fd);

		if (sock)
			sock->sk->sk_prot->report(sock->sk, fd);
		fd_drop(sock);
	}
}

void fd_drop(struct socket *sock)
{
	if (!sock || int_add(&sock->f_count, -1) != 1)
		return;
	sock->ops->release(sock);
	sock_free(sock);
}

static int highest(void)
{
	int fd = READ_ONCE(cop_table.max) - 1;

	while (fd >= 0 && !sockfd_lookup(fd))
		fd--;
	return fd;
}

/* A table can be long and nearly empty, so the last answer is kept. */
int fd_any(void)
{
	static _Atomic(int) last = -1;
	static _Atomic(unsigned int) none; /* cop_table.installs when the table
					    * had no socket */
	unsigned int installs = READ_ONCE(cop_table.installs);
	int fd = READ_ONCE(last);

	if (likely(sockfd_lookup(fd)))
		return fd;
	if (installs == READ_ONCE(none))
		return -1;
	fd = highest();
	if (fd >= 0)
		WRITE_ONCE(last, fd);
	else
		WRITE_ONCE(none, installs);
	return fd;
}
