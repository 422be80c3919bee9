// SPDX-License-Identifier: MIT
/*
 * nonce.c - nonces that are never used twice.
 *
 * The salt of a sending socket is random, so two sockets, two programs and two starts of
 * a program have two salts. Within one process an atomic counter numbers the datagrams.
 * A fork copies salt and counter. But it clears the page that has the number of the
 * process, so parent and child notice, and the child draws a salt of its own. An exec,
 * or a message that carries the socket, makes a new socket with a new salt. Nothing is
 * stored, so a kill leaves nothing that could be used again.
 *
 * Owns: the number of the process, the seed. Protected by: atomic accesses. A thread
 * never waits for another one: if another one is drawing the salt, it takes a salt for
 * its one datagram.
 */
#include <errno.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cop_transport.h>

#include "nonce.h"

static _Atomic(uint64_t)
	*process; /* a page that a fork clears; 0: not numbered */
static struct sealed_family *family;
static unsigned char seed[32]; /* random; a fork copies it */

int sealed_nonce_init(struct sealed_family *f)
{
	const size_t len = sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -ENOMEM;
	if (madvise(page, len, MADV_WIPEONFORK) ||
	    getrandom(seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed)) {
		int err = -errno;

		munmap(page, len);
		return err;
	}
	process = page;
	family = f;
	return 0;
}

uint64_t sealed_process(void)
{
	uint64_t is = atomic_load_explicit(process, memory_order_relaxed);
	uint64_t none = 0;

	if (__builtin_expect(is != 0, 1))
		return is;
	atomic_compare_exchange_strong(
		process, &none, atomic_fetch_add(&family->processes, 1) + 1);
	return atomic_load_explicit(process, memory_order_relaxed);
}

/*
 * A confined process may not ask the kernel. Then the salt is a hash of the secret seed
 * and a number, which no other process of this family gets.
 */
static void draw(union sealed_salt *salt)
{
	const int saved = errno;
	uint64_t number;

	if (cop_process_confined() ||
	    syscall(SYS_getrandom, salt->bytes, sizeof(salt->bytes),
		    GRND_NONBLOCK) != sizeof(salt->bytes)) {
		number = atomic_fetch_add(&family->salts, 1);
		crypto_generichash(salt->bytes, sizeof(salt->bytes),
				   (unsigned char *)&number, sizeof(number),
				   seed, sizeof(seed));
	}
	errno = saved;
}

void sealed_nonce_begin(struct sealed_nonces *nonces)
{
	nonces->id = atomic_fetch_add(&family->sockets, 1) + 1;
}

static void load_salt(struct sealed_nonces *nonces, union sealed_salt *salt)
{
	for (int i = 0; i < 2; i++)
		salt->word[i] = atomic_load_explicit(&nonces->salt[i],
						     memory_order_relaxed);
}

/*
 * Takes a number of the present salt. If another thread changes or ends the salt
 * meanwhile, the ticket is another one behind: then the number is not used. A signal
 * handler may fork between any two lines: then the two processes differ.
 */
static bool take(struct sealed_nonces *nonces, struct sealed_nonce *nonce)
{
	const uint64_t me = sealed_process();
	uint64_t ticket =
		atomic_load_explicit(&nonces->ticket, memory_order_acquire);

	if (!ticket ||
	    atomic_load_explicit(&nonces->process, memory_order_relaxed) != me)
		return false;
	load_salt(nonces, &nonce->salt);
	nonce->counter = atomic_fetch_add(&nonces->counter, 1);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&nonces->ticket, memory_order_relaxed) ==
		       ticket &&
	       sealed_process() == me;
}

/* The caller takes number 0 itself. */
static void put_salt(struct sealed_nonces *nonces, uint64_t me,
		     const union sealed_salt *salt)
{
	static _Atomic(uint64_t) tickets;

	atomic_store(&nonces->ticket, 0);
	atomic_thread_fence(memory_order_release);
	for (int i = 0; i < 2; i++)
		atomic_store_explicit(&nonces->salt[i], salt->word[i],
				      memory_order_relaxed);
	atomic_store_explicit(&nonces->counter, 1, memory_order_relaxed);
	atomic_store_explicit(&nonces->process, me, memory_order_relaxed);
	atomic_store_explicit(&nonces->noted, 0, memory_order_relaxed);
	atomic_store(&nonces->ticket, atomic_fetch_add(&tickets, 1) + 1);
}

/* In the child of a fork, a thread that only the parent has may have begun. */
static bool begin_making(struct sealed_nonces *nonces, uint64_t me)
{
	uint64_t is = atomic_load(&nonces->maker);

	return is != me &&
	       atomic_compare_exchange_strong(&nonces->maker, &is, me);
}

static void make(struct sealed_nonces *nonces, uint64_t me,
		 struct sealed_nonce *nonce)
{
	draw(&nonce->salt);
	nonce->counter = 0;
	if (!begin_making(nonces, me))
		return;
	if (!atomic_load(&nonces->ticket) ||
	    atomic_load(&nonces->process) != me)
		put_salt(nonces, me, &nonce->salt);
	atomic_store(&nonces->maker, 0);
}

int sealed_nonce_next(struct sealed_nonces *nonces, struct sealed_nonce *nonce)
{
	uint64_t me;

	if (__builtin_expect(take(nonces, nonce), 1))
		return nonce->counter < SEALED_COUNTER_END ? 0 : -ENOKEY;
	do {
		me = sealed_process();
		make(nonces, me, nonce);
	} while (sealed_process() != me);
	return 1;
}

bool sealed_nonce_is_own(struct sealed_nonces *nonces,
			 const union sealed_salt *salt)
{
	union sealed_salt own;

	load_salt(nonces, &own);
	return salt->word[0] == own.word[0] && salt->word[1] == own.word[1];
}

void sealed_nonce_end(struct sealed_nonces *nonces)
{
	atomic_store(&nonces->ticket, 0);
	atomic_thread_fence(memory_order_seq_cst);
}
