// SPDX-License-Identifier: MIT
/*
 * keys.c - the keys, and the subkeys that are in use.
 *
 * Owns: memory that no core dump has, with the keys and the subkeys of 4,096 salts; a
 * subkey that finds its place taken displaces another one, which is derived again. A
 * fork clears this memory in the child, unless the process has had a socket of sealed.
 * Protected by: the keys are constant once n is set; each place for a subkey has a
 * sequence number, and a thread that finds it changing derives the subkey itself. Nobody waits.
 */
#include <errno.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cop_transport.h>

#include "keys.h"

#define SETS 1024
#define WAYS 4

struct place {
	_Atomic(uint64_t) seq;	   /* (a) odd while it changes; 0: empty */
	_Atomic(uint64_t) key;	   /* (a) number of the key */
	_Atomic(uint64_t) salt[2]; /* (a) */
	_Atomic(uint64_t) subkey[SEALED_KEY_LEN / 8]; /* (a) */
};

struct memory {
	_Atomic(uint32_t) n; /* (a) keys; 0: none, or a fork has cleared them */
	_Atomic(uint32_t) loading;    /* (a) a thread is about to set n */
	uint32_t id[SEALED_KEYS_MAX]; /* (c) */
	unsigned char key[SEALED_KEYS_MAX][SEALED_KEY_LEN]; /* (c) */
	struct place place[SETS][WAYS] __attribute__((aligned(64)));
};

static struct memory *memory;
static char *path;   /* (c) COP_KEY_FILE; NULL: it is not set */
static int load_err; /* (c) of the start */

/* ---- keys ----------------------------------------------------------------- */

/* So that a receiver knows which key to try, and a wrong one costs nothing. */
static uint32_t id_of(const unsigned char *key)
{
	static const unsigned char what[] = "libcop sealed key id";
	unsigned char hash[crypto_generichash_BYTES_MIN];
	uint32_t id;

	crypto_generichash(hash, sizeof(hash), what, sizeof(what) - 1, key,
			   SEALED_KEY_LEN);
	hash[0] |= !(hash[0] | hash[1] | hash[2] | hash[3]);
	memcpy(&id, hash, sizeof(id));
	return id;
}

static bool has_id_twice(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = 0; j < i; j++)
			if (memory->id[i] == memory->id[j])
				return true;
	return false;
}

/* Puts the keys in place, and returns 0; or says what is wrong with them. */
static int put_keys(const struct sealed_keyfile *file, const char **why)
{
	for (unsigned int i = 0; i < file->n; i++) {
		memcpy(memory->key[i], file->key[i], SEALED_KEY_LEN);
		memory->id[i] = id_of(file->key[i]);
	}
	if (has_id_twice(file->n)) {
		*why = "it has a key twice";
		return -EKEYREJECTED;
	}
	atomic_store_explicit(&memory->n, file->n, memory_order_release);
	return 0;
}

static int load(void)
{
	struct sealed_keyfile file;
	const char *why;
	int err;

	if (!path) {
		pr_info("sealed has no keys, so socket() fails: COP_KEY_FILE "
			"is not set");
		return -ENOKEY;
	}
	err = sealed_keyfile_read(path, &file, &why);
	if (!err)
		err = put_keys(&file, &why);
	sodium_memzero(&file, sizeof(file));
	if (err)
		pr_info("sealed has no keys, so socket() fails: %s: %s", path,
			why);
	return err;
}

/* The name as it is, if there is no such file: for the message. */
static char *absolute(const char *name)
{
	return (*name == '/' ? NULL : realpath(name, NULL)) ?: strdup(name);
}

int sealed_keys_init(void)
{
	const char *name = secure_getenv("COP_KEY_FILE");

	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	if (madvise(memory, sizeof(*memory), MADV_DONTDUMP) ||
	    madvise(memory, sizeof(*memory), MADV_WIPEONFORK))
		return -errno;
	if (name && *name)
		path = absolute(name);
	load_err = load();
	return 0;
}

/* One thread reads the file. Another one, whatever it has interrupted, gives up. */
static int load_again(void)
{
	uint32_t none = 0;
	int err;

	for (int i = 0; i < 1000; i++) {
		if (atomic_compare_exchange_strong(&memory->loading, &none, 1))
			break;
		sched_yield();
		none = 0;
	}
	if (none)
		return -ENOKEY;
	err = atomic_load(&memory->n) ? 0 : load();
	atomic_store(&memory->loading, 0);
	return err;
}

static bool has_keys(void)
{
	return atomic_load_explicit(&memory->n, memory_order_acquire);
}

/* A confined process may not ask; then its children have no keys. */
static void keep_on_fork(void)
{
	static _Atomic(bool) kept;
	const int saved = errno;

	if (atomic_load_explicit(&kept, memory_order_relaxed) ||
	    cop_process_confined())
		return;
	if (!madvise(memory, sizeof(*memory), MADV_KEEPONFORK))
		atomic_store(&kept, true);
	errno = saved;
}

int sealed_keys_ready(void)
{
	int err = load_err;

	if (!err && !has_keys())
		err = cop_process_confined() ? -ENOKEY : load_again();
	if (!err)
		keep_on_fork();
	return err;
}

uint32_t sealed_keys_id(int key)
{
	return has_keys() ? memory->id[key] : 0;
}

int sealed_keys_find(uint32_t id)
{
	const unsigned int n =
		atomic_load_explicit(&memory->n, memory_order_acquire);

	for (unsigned int i = 0; i < n; i++)
		if (memory->id[i] == id)
			return i;
	return -1;
}

/* ---- subkeys --------------------------------------------------------------- */

static uint64_t get(_Atomic(uint64_t) *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void set(_Atomic(uint64_t) *word, uint64_t to)
{
	atomic_store_explicit(word, to, memory_order_relaxed);
}

/* Salts are random, so any bits of them choose a place. */
static struct place *places_of(const union sealed_salt *salt)
{
	return memory->place[salt->word[0] % SETS];
}

static bool read_place(struct place *p, int key, const union sealed_salt *salt,
		       uint64_t subkey[])
{
	uint64_t seq = atomic_load_explicit(&p->seq, memory_order_acquire);

	if (!seq || seq & 1 || get(&p->salt[0]) != salt->word[0] ||
	    get(&p->salt[1]) != salt->word[1] || get(&p->key) != (uint64_t)key)
		return false;
	for (int i = 0; i < SEALED_KEY_LEN / 8; i++)
		subkey[i] = get(&p->subkey[i]);
	atomic_thread_fence(memory_order_acquire);
	return get(&p->seq) == seq;
}

bool sealed_subkey(int key, const union sealed_salt *salt,
		   unsigned char subkey[SEALED_KEY_LEN])
{
	struct place *p = places_of(salt);
	uint64_t word[SEALED_KEY_LEN / 8];

	for (int i = 0; i < WAYS; i++)
		if (read_place(&p[i], key, salt, word)) {
			memcpy(subkey, word, SEALED_KEY_LEN);
			sodium_memzero(word, sizeof(word));
			return true;
		}
	crypto_core_hchacha20(subkey, salt->bytes, memory->key[key], NULL);
	return false;
}

static struct place *choose(struct place *p, const union sealed_salt *salt)
{
	for (int i = 0; i < WAYS; i++)
		if (!get(&p[i].seq))
			return &p[i];
	return &p[salt->word[1] % WAYS];
}

void sealed_subkey_keep(int key, const union sealed_salt *salt,
			const unsigned char subkey[SEALED_KEY_LEN])
{
	struct place *p = choose(places_of(salt), salt);
	uint64_t word[SEALED_KEY_LEN / 8];
	uint64_t seq = get(&p->seq);

	if (seq & 1 || !atomic_compare_exchange_strong(&p->seq, &seq, seq + 1))
		return;
	atomic_thread_fence(memory_order_release);
	memcpy(word, subkey, SEALED_KEY_LEN);
	set(&p->key, key);
	for (int i = 0; i < 2; i++)
		set(&p->salt[i], salt->word[i]);
	for (int i = 0; i < SEALED_KEY_LEN / 8; i++)
		set(&p->subkey[i], word[i]);
	atomic_store_explicit(&p->seq, seq + 2, memory_order_release);
	sodium_memzero(word, sizeof(word));
}
