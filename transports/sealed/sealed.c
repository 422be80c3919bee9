// SPDX-License-Identifier: MIT
/*
 * sealed.c - a transport that encrypts and authenticates: socket(AF_INET, 9, 253). Each
 * datagram is sealed with XChaCha20-Poly1305 and a key that both sides have.
 * docs/sealed.md has the header, and says against what it protects.
 *
 * Owns: the memory that a fork shares. Protected by: see nonce.c, keys.c and window.c.
 * Counterpart in the kernel: esp_output() and esp_input() in net/ipv4/esp4.c, and
 * drivers/net/wireguard/send.c and receive.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "keys.h"
#include "nonce.h"
#include "sealed.h"
#include "window.h"

struct sealed_sock {
	struct datagram_sock datagram;
	struct sealed_nonces nonces;
};

/* Why decode has refused a datagram. */
enum {
	FORGED,	   /* not authentic */
	OTHER_KEY, /* sealed with a key that is not in the file */
	REPLAYED,  /* received before */
	OLD,	   /* its time is too long ago */
	EARLY,	   /* its time is too far in the future */
	REFLECTED, /* this socket has sent it */
	CROWDED,   /* too many senders: see window.c */
};

static const char *const counters[] = {
	[FORGED] = "forged",	 [OTHER_KEY] = "other_key",
	[REPLAYED] = "replayed", [OLD] = "old",
	[EARLY] = "early",	 [REFLECTED] = "reflected",
	[CROWDED] = "crowded",	 NULL
};

#define SECOND 1000000ull

/* Seconds by which a datagram may be older or newer than the clock here. */
#define AGE_DEFAULT 60
#define AGE_MAX	    86400

static uint64_t max_age = AGE_DEFAULT * SECOND;

/* The coarse clock is read without a system call, whatever the machine's clock is. */
static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

static void put64(__be32 to[2], uint64_t value)
{
	to[0] = htonl(value >> 32);
	to[1] = htonl(value);
}

static uint64_t get64(const __be32 from[2])
{
	return (uint64_t)ntohl(from[0]) << 32 | ntohl(from[1]);
}

/* ---- the header ---------------------------------------------------------- */

/* encode fills in the rest. */
static void sealed_build(void *at, __be16 source, __be16 dest, uint64_t seq,
			 uint32_t tstamp)
{
	struct sealedhdr *hdr = at;

	(void)source, (void)dest;
	*hdr = (struct sealedhdr){ .magic = htons(SEALED_MAGIC),
				   .version = SEALED_VERSION,
				   .flags = seq ? 0 : SEALED_F_FIRST,
				   .seq = htonl(seq),
				   .tstamp = htonl(tstamp) };
}

static enum cop_stray sealed_check(const void *at, size_t len,
				   struct cop_hdr_info *info)
{
	const struct sealedhdr *hdr = at;

	if (len < sizeof(*hdr))
		return COP_STRAY_SHORT;
	if (hdr->magic != htons(SEALED_MAGIC))
		return COP_STRAY_MAGIC;
	if (hdr->version != SEALED_VERSION || hdr->flags & ~SEALED_F_FIRST)
		return COP_STRAY_VERSION;
	*info = (struct cop_hdr_info){ .len = sizeof(*hdr),
				       .first = hdr->flags & SEALED_F_FIRST,
				       .seq = ntohl(hdr->seq),
				       .tstamp = ntohl(hdr->tstamp) };
	return COP_NO_STRAY;
}

static struct sealed_nonces *nonces_of(struct sock *sk)
{
	return &((struct sealed_sock *)sk)->nonces;
}

/* ---- out ------------------------------------------------------------------- */

/* So that what comes back is known, by other processes too that have the socket. */
static void note_own(const struct sealed_nonces *nonces,
		     const union sealed_salt *salt, uint64_t now)
{
	const struct sealed_stream own = { .socket = nonces->id,
					   .salt = *salt,
					   .time = now + 2 * SECOND };

	sealed_window_own(&own, now);
}

/* A note is for two seconds, and each second there is one. */
static void note_again(struct sealed_nonces *nonces,
		       const union sealed_salt *salt, uint64_t now)
{
	if (now - atomic_load_explicit(&nonces->noted, memory_order_relaxed) <
	    SECOND)
		return;
	note_own(nonces, salt, now);
	atomic_store_explicit(&nonces->noted, now, memory_order_relaxed);
}

/* A fork may have cleared the keys, even a moment ago, below a signal handler. */
static bool has_keys(void)
{
	return sealed_keys_id(SEALED_SENDS);
}

/*
 * The time stands in the header before there is a nonce. So if a signal handler forks
 * behind that, both processes go on with the same nonce, but for the same datagram.
 */
static int sealed_encode(struct sock *sk, void *at, void *payload, size_t len,
			 const struct cop_ends *ends)
{
	struct sealed_nonces *nonces = nonces_of(sk);
	unsigned char subkey[SEALED_KEY_LEN];
	struct sealedhdr *hdr = at;
	const uint64_t now = now_us();
	const uint32_t key = sealed_keys_id(SEALED_SENDS);
	struct sealed_nonce nonce;
	int drawn;

	(void)ends; /* the header authenticates no address: a NAT may change it */
	put64(hdr->time, now);
	memcpy(hdr->key, &key, sizeof(hdr->key));
	drawn = sealed_nonce_next(nonces, &nonce);
	if (drawn < 0)
		return drawn;
	memcpy(hdr->salt, nonce.salt.bytes, sizeof(hdr->salt));
	put64(hdr->counter, nonce.counter);
	if (drawn)
		note_own(nonces, &nonce.salt, now);
	else
		note_again(nonces, &nonce.salt, now);
	if (!sealed_subkey(SEALED_SENDS, &nonce.salt, subkey))
		sealed_subkey_keep(SEALED_SENDS, &nonce.salt, subkey);
	if (has_keys())
		sealed_seal(subkey, hdr, payload, len);
	else
		drawn = -ENOKEY;
	sodium_memzero(subkey, sizeof(subkey));
	return drawn < 0 ? drawn : 0;
}

/* ---- in -------------------------------------------------------------------- */

static int refusal_of(enum sealed_seen seen)
{
	return seen == SEALED_SEEN  ? REPLAYED
	       : seen == SEALED_OWN ? REFLECTED
				    : CROWDED;
}

/*
 * What can be told without the key comes first (RFC 4303, section 3.4.3). Returns
 * a counter, or -1.
 */
static int refuse_early(struct sealed_nonces *nonces,
			const struct sealed_stream *s, uint64_t now)
{
	enum sealed_seen seen;

	if (s->time < now && now - s->time > max_age)
		return OLD;
	if (s->time > now && s->time - now > max_age)
		return EARLY;
	if (s->counter >= SEALED_COUNTER_END)
		return FORGED;
	if (sealed_nonce_is_own(nonces, &s->salt))
		return REFLECTED;
	seen = sealed_window_look(s);
	return seen == SEALED_NEW ? -1 : refusal_of(seen);
}

/* Returns a counter, or -1: the datagram is genuine and new, and is decrypted. */
static int open_with(int key, const struct sealed_stream *s,
		     const struct sealedhdr *hdr, unsigned char *payload,
		     size_t len, bool peek, uint64_t now)
{
	unsigned char subkey[SEALED_KEY_LEN];
	const bool kept = sealed_subkey(key, &s->salt, subkey);
	enum sealed_seen seen = SEALED_NEW;
	int refused = -1;

	if (!has_keys() || !sealed_is_genuine(subkey, hdr, payload, len)) {
		refused = FORGED;
	} else {
		if (!kept)
			sealed_subkey_keep(key, &s->salt, subkey);
		if (!peek)
			seen = sealed_window_take(s, now);
		if (seen != SEALED_NEW)
			refused = refusal_of(seen);
		else
			sealed_open(subkey, hdr, payload, len);
	}
	sodium_memzero(subkey, sizeof(subkey));
	return refused;
}

static int sealed_decode(struct sock *sk, const void *at, void *payload,
			 size_t len, bool peek, const struct cop_ends *ends)
{
	struct sealed_nonces *nonces = nonces_of(sk);
	const struct sealedhdr *hdr = at;
	const uint64_t now = now_us();
	struct sealed_stream s = { .socket = nonces->id,
				   .counter = get64(hdr->counter),
				   .time = get64(hdr->time) };
	uint32_t id;
	int key, refused;

	(void)ends;
	memcpy(&id, hdr->key, sizeof(id));
	memcpy(s.salt.bytes, hdr->salt, sizeof(hdr->salt));
	key = sealed_keys_find(id);
	refused = key < 0 ? OTHER_KEY : refuse_early(nonces, &s, now);
	if (refused < 0)
		refused = open_with(key, &s, hdr, payload, len, peek, now);
	if (refused < 0)
		return 0;
	cop_count(sk, refused);
	return -EBADMSG;
}

static const struct cop_wire sealed_wire = {
	.hlen = sizeof(struct sealedhdr),
	.hlen_max = sizeof(struct sealedhdr),
	.match = { { 0, 4, 0xfffffffe,
		     (uint32_t)SEALED_MAGIC << 16 | SEALED_VERSION << 8 } },
	.check = sealed_check,
	.build = sealed_build,
	.has = COP_HAS_SEQ | COP_HAS_TSTAMP,
	.overhead = SEALED_TAG_LEN,
	.encode = sealed_encode,
	.decode = sealed_decode,
};

/* ---- the transport ------------------------------------------------------- */

/* Without a key there is no socket. Nothing is ever sent in plain. */
static int sealed_init_sock(struct sock *sk)
{
	int err = datagram_prot()->init(sk);

	sealed_nonce_begin(nonces_of(sk));
	return err ?: sealed_keys_ready();
}

static void sealed_destroy(struct sock *sk)
{
	sealed_nonce_end(nonces_of(sk));
	datagram_prot()->destroy(sk);
}

static struct proto sealed_prot = {
	.name = "SEALED",
	.owner = THIS_MODULE,
	.obj_size = sizeof(struct sealed_sock),
	.wire = &sealed_wire,
	.counters = counters,
	.init = sealed_init_sock,
	.destroy = sealed_destroy,
};

static struct inet_protosw sealed_protosw = {
	.type = SOCK_SEALED,
	.protocol = IPPROTO_SEALED,
	.prot = &sealed_prot,
};

static void read_age(void)
{
	const char *value = secure_getenv("COP_SEALED_AGE");
	char *end;
	long n;

	if (!value)
		return;
	n = strtol(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && n >= 1 && n <= AGE_MAX)
		max_age = n * SECOND;
	else
		pr_info("COP_SEALED_AGE=%.40s is ignored: it must be a number "
			"of seconds from 1 to %d",
			value, AGE_MAX);
}

/* Behind the numbers of a fork's processes lie the windows. */
static int share_memory(void)
{
	const size_t head = 4096;
	const size_t len = head + sealed_window_size();
	unsigned char *memory =
		mmap(NULL, len, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err;

	if (memory == MAP_FAILED)
		return -ENOMEM;
	err = sealed_nonce_init((struct sealed_family *)memory);
	if (err)
		munmap(memory, len);
	else
		sealed_window_init(memory + head, max_age);
	return err;
}

static int sealed_init(void)
{
	int err;

	if (sodium_init() < 0)
		return -EOPNOTSUPP;
	read_age();
	err = share_memory() ?: sealed_keys_init();
	if (!err)
		err = proto_register(&sealed_prot);
	return err ?: inet_register_protosw(&sealed_protosw);
}
module_init(sealed_init);

static void sealed_exit(void)
{
	inet_unregister_protosw(&sealed_protosw);
	proto_unregister(&sealed_prot);
}
module_exit(sealed_exit);

MODULE_TRANSPORT("sealed", "1");
