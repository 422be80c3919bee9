// SPDX-License-Identifier: MIT
/*
 * cop_table.c - descriptor -> struct socket.
 *
 * Owns: cop_table and, with socket/change.c, the count of descriptors in each struct
 * socket.
 * Protected by: each slot is taken and filled with one atomic operation; one
 * thread at a time adopts.
 * May call: socket/socket.c, socket/sock.c, filter/attach.c, lib/process.c and a
 * socket's operations.
 * Counterpart in the kernel: fs/file.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "lib/arena.h"
#include "lib/atomic.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "socket/socket.h"
#include "cop_table.h"

#define CHUNKS_MIN	 64

#define ADOPT_LOCK_TRIES 50000

struct cop_table cop_table;

/*
 * What leads to no chunk leads here, so that a look-up has nothing to compare; and
 * one word further where a larger set of chunks is about to take the place of this.
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

/* A power of two, so that what is replaced is no more than what there is. */
static size_t chunks_for(const struct cop_slots *slots, unsigned int fd)
{
	size_t n = slots ? 2 * chunks_of(slots) : CHUNKS_MIN;

	while (n <= fd / COP_CHUNK)
		n *= 2;
	return n;
}

/* From now on nobody adds a chunk here that is not there yet. */
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
 * Chunks stay where they are, so whoever reads the old set sees the same slots; it
 * is never given back.
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

/* Have a chunk for a descriptor; whoever comes second uses the first one's. */
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

static int room(int fd)
{
	int err = fd < 0 ? -EBADF : slots_get(fd);

	if (!err)
		table_raise_max(fd + 1u);
	return err;
}

/* One that the kernel would give, or that there is although it no longer would. */
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
	return can_be_open(fd) ? room(fd) : -EBADF;
}

static int slot_fill(int fd, struct socket *sock)
{
	int err = room(fd);

	if (err)
		return err;
	fd_drop(slot_socket(atomic_exchange(
		cop_slot(READ_ONCE(cop_table.slots), fd), sock)));
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
	return atomic_load_explicit(cop_slot(READ_ONCE(cop_table.slots), fd),
				    memory_order_acquire);
}

/*
 * A socket with a count more, if the slot still holds it: it may have been
 * recycled meanwhile.
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

/* A descriptor in exchange is COP's before and after. */
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

/* While the slot holds it, the descriptor is not yet another thread's. */
static void fd_identify(struct socket *sock, int fd)
{
	uint64_t cookie;

	if (READ_ONCE(sock->cookie) || cop_confined() ||
	    !cop_process_is_owner() || !sock->sk->sk_prot->owns(sock->sk, fd))
		return;
	cookie = sock_kernel_cookie(fd);
	if (sockfd_lookup(fd) == sock)
		WRITE_ONCE(sock->cookie, cookie);
}

static bool is_unidentified(int fd)
{
	struct socket *sock = sockfd_lookup(fd);

	return sock && !READ_ONCE(sock->cookie);
}

static void identify_installed(unsigned int max)
{
	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock;

		if (!is_unidentified(fd))
			continue;
		sock = sockfd_get(fd);
		if (sock)
			fd_identify(sock, fd);
		fd_drop(sock);
	}
}

void fd_identify_all(void)
{
	static _Atomic(unsigned int) identified; /* cop_table.installs then */
	unsigned int installs = READ_ONCE(cop_table.installs);
	int saved = errno;

	if (likely(installs == READ_ONCE(identified)) || cop_confined() ||
	    !cop_process_is_owner())
		return;
	identify_installed(READ_ONCE(cop_table.max));
	WRITE_ONCE(identified, installs);
	errno = saved;
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

void fd_hand_on(struct socket *sock, int fd)
{
	fd_identify(sock, fd);
	sock->sk->sk_prot->mark(sock->sk, fd);
}

static bool has_cookie(struct socket *sock, int fd, uint64_t cookie)
{
	fd_identify(sock, fd);
	return READ_ONCE(sock->cookie) == cookie;
}

/* A look at the cookie needs no count, for the memory stays a socket's. */
static struct socket *get_if_twin(int fd, uint64_t cookie)
{
	struct socket *sock = sockfd_lookup(fd);
	uint64_t known = sock ? READ_ONCE(sock->cookie) : 0;

	if (!sock || (known && known != cookie))
		return NULL;
	sock = sockfd_get(fd);
	if (sock && has_cookie(sock, fd, cookie))
		return sock;
	fd_drop(sock);
	return NULL;
}

/* The socket that has this kernel socket already, with a count more. */
static struct socket *twin_get(uint64_t cookie)
{
	unsigned int max = READ_ONCE(cop_table.max);

	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock = get_if_twin(fd, cookie);

		if (sock)
			return sock;
	}
	return NULL;
}

static struct socket *socket_adopt(int fd, const struct cop_mark *mark)
{
	uint64_t cookie = sock_kernel_cookie(fd);
	struct socket *sock = cookie ? twin_get(cookie) : NULL;

	if (sock || sock_adopt(fd, mark, &sock))
		return sock;
	WRITE_ONCE(sock->cookie, cookie);
	return sock;
}

/*
 * Two threads may get the same kernel socket at once: the second one is to find
 * what the first one has made of it. A signal handler that finds its own thread
 * here goes on without it, in the end, as does a child forked meanwhile.
 */
static _Atomic(bool) adopting;

static void adopt_lock(void)
{
	for (int i = 0; i < ADOPT_LOCK_TRIES; i++) {
		if (!atomic_exchange(&adopting, true))
			return;
		cop_yield();
	}
}

static bool mark_adopt(int fd, const struct cop_mark *mark)
{
	struct socket *sock;
	bool adopted;

	adopt_lock();
	sock = socket_adopt(fd, mark);
	adopted = sock && !fd_install(fd, sock);
	if (adopted)
		cop_debug(fd, "is a COP socket that came from elsewhere");
	atomic_store(&adopting, false);
	return adopted;
}

bool fd_adopt(int fd)
{
	struct cop_mark mark;

	if (cop_program_read(fd, &mark) || !cop_process_is_owner())
		return false;
	return mark_adopt(fd, &mark);
}

void fd_drop(struct socket *sock)
{
	if (!sock || int_add(&sock->f_count, -1) != 1)
		return;
	sock->ops->release(sock);
	sock_free(sock);
}

/*
 * Empty a slot if it still holds @sock; the caller has a count of its own. Returns
 * whether the descriptor is not the socket's, as far as the caller is concerned. A
 * socket in exchange stays: the call that exchanges it is about to end. A socket that has
 * turned out to be plain UDP's was not closed.
 */
static bool slot_clear(int fd, struct socket *sock)
{
	struct socket *held = slot_read(fd);

	if (slot_socket(held) != sock || !cop_process_is_owner())
		return true;
	if (slot_has(held, SLOT_EXCHANGE) && sock_kernel_cookie(fd))
		return false;
	if (!atomic_compare_exchange_strong(
		    cop_slot(READ_ONCE(cop_table.slots), fd), &held, NULL))
		return slot_clear(fd, sock);
	if (sock_flag(sock->sk, SOCK_CARRIED))
		cop_debug(fd, "was closed unseen");
	fd_drop(sock);
	return true;
}

void fd_forget(int fd)
{
	struct socket *sock = sockfd_get(fd);

	if (!sock)
		return;
	slot_clear(fd, sock);
	fd_drop(sock);
}

bool fd_forget_gone(int fd)
{
	struct socket *sock = sockfd_get(fd);
	bool ours;

	if (!sock)
		return true;
	ours = sock->sk->sk_prot->owns(sock->sk, fd) || !slot_clear(fd, sock);
	fd_drop(sock);
	return !ours;
}

static int highest(void)
{
	int fd = READ_ONCE(cop_table.max) - 1;

	while (fd >= 0 && !sockfd_lookup(fd))
		fd--;
	return fd;
}

/* The table may reach far beyond what is in it, so what was found is kept. */
int fd_any(void)
{
	static _Atomic(int) last = -1;
	static _Atomic(unsigned int) none; /* cop_table.installs without any */
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

/* Whether an entry holds the port; @found is set if that was stale, and is gone. */
static bool forget_if_stale(int fd, uint16_t snum, bool *found)
{
	struct socket *sock = sockfd_get(fd);
	bool holds;

	if (!sock)
		return false;
	holds = sock->sk->sk_prot->holds(sock->sk, snum);
	if (holds && fd_forget_gone(fd))
		*found = true;
	fd_drop(sock);
	return holds;
}

/*
 * A claim without a sock is a lost thread's, not that of a call which a signal
 * handler has interrupted between the two.
 */
static bool claim_is_lost(void)
{
	return cop_process_is_owner() && cop_process_is_remnant();
}

bool fd_forget_stale(struct socket *sock, uint16_t snum)
{
	unsigned int max = READ_ONCE(cop_table.max);
	bool held = false, found = false;

	for (unsigned int fd = 0; fd < max; fd++)
		held |= forget_if_stale(fd, snum, &found);
	if (!held && !cop_confined() && claim_is_lost())
		found = sock->sk->sk_prot->reclaim(snum);
	return found;
}

/*
 * Another socket that is bound to the port, by whatever our table says, with its
 * claim taken. One that is only about to be bound is none: the kernel does not know
 * of it yet. Nor is one that is giving its port back.
 */
static struct socket *claim_from(int fd, const struct socket *sock,
				 uint16_t snum)
{
	struct socket *other = sockfd_get(fd);

	if (other && other != sock && READ_ONCE(other->sk->sk_num) == snum &&
	    !(u32_or(&other->sk->sk_flags, SOCK_SHARED_PORT) &
	      SOCK_SHARED_PORT))
		return other;
	fd_drop(other);
	return NULL;
}

struct socket *fd_borrow_claim(struct socket *sock, uint16_t snum)
{
	unsigned int max = READ_ONCE(cop_table.max);
	struct socket *other = NULL;

	if (!sock->sk->sk_prot->own_ports ||
	    sock_flag(sock->sk, SOCK_ELSEWHERE))
		return NULL;
	for (unsigned int fd = 0; snum && fd < max && !other; fd++)
		other = claim_from(fd, sock, snum);
	return other;
}
