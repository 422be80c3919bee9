// SPDX-License-Identifier: MIT
/*
 * udplite.c - UDP-Lite, RFC 3828, in UDP datagrams: socket(AF_INET or AF_INET6,
 * SOCK_DGRAM, IPPROTO_UDPLITE). A program chooses how many bytes of a datagram the
 * checksum covers: those behind may arrive damaged.
 *
 * Counterpart in the kernel: net/ipv4/udplite.c, which Linux had until 7.0.
 */
#include <errno.h>
#include <stdatomic.h>

#include "lite.h"

/* Both values stand beside a bit that says whether the program has set them. */
#define COVERAGE_SET 0x10000

struct lite_sock {
	struct datagram_sock datagram; /* first */
	_Atomic(uint32_t) send_cscov;  /* (a) UDPLITE_SEND_CSCOV */
	_Atomic(uint32_t) recv_cscov;  /* (a) UDPLITE_RECV_CSCOV */
};

static bool avx2;

static struct lite_sock *lite_sk(struct sock *sk)
{
	return (struct lite_sock *)sk;
}

static uint32_t load(const _Atomic(uint32_t) *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

/* ---- counters --------------------------------------------------------------- */

enum {
	COVERAGE_ILLEGAL,
	COVERAGE_REFUSED,
	CHECKSUM_ZERO,
	CHECKSUM_WRONG,
	CHECKSUM_UNKNOWN
};

static const char *const counters[] = {
	[COVERAGE_ILLEGAL] = "coverage_illegal", /* 1 to 7, or too long */
	[COVERAGE_REFUSED] = "coverage_refused", /* by UDPLITE_RECV_CSCOV */
	[CHECKSUM_ZERO] = "checksum_zero",
	[CHECKSUM_WRONG] = "checksum_wrong",
	[CHECKSUM_UNKNOWN] = "checksum_unknown", /* delivered all the same */
	NULL,
};

/* ---- the header --------------------------------------------------------------- */

static void lite_build(void *at, __be16 source, __be16 dest, uint64_t seq,
		       uint32_t tstamp)
{
	*(struct udplitehdr *)at =
		(struct udplitehdr){ .source = source, .dest = dest };
	(void)seq, (void)tstamp;
}

static enum cop_stray lite_check(const void *at, size_t len,
				 struct cop_hdr_info *info)
{
	const struct udplitehdr *hdr = at;

	if (len < LITE_HLEN)
		return COP_STRAY_SHORT;
	*info = (struct cop_hdr_info){ .len = LITE_HLEN,
				       .source = hdr->source,
				       .dest = hdr->dest };
	return COP_NO_STRAY;
}

/* Without a source there is no route, so the kernel refuses the datagram. */
static int lite_encode(struct sock *sk, void *at, void *payload, size_t len,
		       const struct cop_ends *ends)
{
	const uint32_t cscov = load(&lite_sk(sk)->send_cscov);
	const size_t whole = LITE_HLEN + len;
	struct udplitehdr *hdr = at;
	uint16_t field = lite_coverage_field(cscov, cscov, whole);

	hdr->coverage = htons(field);
	hdr->check = ~lite_sum(ends, hdr, payload, len,
			       lite_covered(field, whole), avx2);
	if (!hdr->check)
		hdr->check = 0xffff;
	return 0;
}

/* Whether the program wants more of the datagram to be covered. */
static bool covers_too_little(struct sock *sk, size_t covered, size_t whole)
{
	const uint32_t cscov = load(&lite_sk(sk)->recv_cscov);
	const uint16_t wanted = cscov;

	return cscov && covered < whole && (!wanted || covered < wanted);
}

static int refuse(struct sock *sk, unsigned int counter)
{
	cop_count(sk, counter);
	return -EBADMSG;
}

static int lite_decode(struct sock *sk, const void *at, void *payload,
		       size_t len, bool peek, const struct cop_ends *ends)
{
	const struct udplitehdr *hdr = at;
	const size_t whole = LITE_HLEN + len;
	const size_t covered = lite_covered(ntohs(hdr->coverage), whole);

	if (!hdr->check)
		return refuse(sk, CHECKSUM_ZERO);
	if (!covered)
		return refuse(sk, COVERAGE_ILLEGAL);
	if (covers_too_little(sk, covered, whole))
		return refuse(sk, COVERAGE_REFUSED);
	if (ends->source.family == AF_UNSPEC ||
	    ends->dest.family == AF_UNSPEC) {
		if (!peek)
			cop_count(sk, CHECKSUM_UNKNOWN);
		return 0;
	}
	if (lite_sum(ends, hdr, payload, len, covered, avx2) != 0xffff)
		return refuse(sk, CHECKSUM_WRONG);
	return 0;
}

static const struct cop_wire lite_wire = {
	.hlen = LITE_HLEN,
	.hlen_max = LITE_HLEN,
	.check = lite_check,
	.build = lite_build,
	.has = COP_HAS_PORTS,
	.encode = lite_encode,
	.decode = lite_decode,
	.ends = true,
	.plain = true,
};

/* ---- options ------------------------------------------------------------------ */

/* The kernel takes UDP's number for the level as well. */
static _Atomic(uint32_t) *option(struct sock *sk, int level, int optname)
{
	if (level != IPPROTO_UDPLITE && level != IPPROTO_UDP)
		return NULL;
	if (optname == UDPLITE_SEND_CSCOV)
		return &lite_sk(sk)->send_cscov;
	return optname == UDPLITE_RECV_CSCOV ? &lite_sk(sk)->recv_cscov : NULL;
}

static int lite_setsockopt(struct sock *sk, int fd, int level, int optname,
			   const void *optval, socklen_t optlen)
{
	_Atomic(uint32_t) *cscov = option(sk, level, optname);
	int value;

	if (!cscov)
		return datagram_prot()->setsockopt(sk, fd, level, optname,
						   optval, optlen);
	if ((int)optlen < (int)sizeof(value))
		return -EINVAL;
	if (copy_from_user(fd, &value, optval, sizeof(value)))
		return -EFAULT;
	atomic_store_explicit(cscov, COVERAGE_SET | lite_coverage_wanted(value),
			      memory_order_relaxed);
	return 0;
}

static int lite_getsockopt(struct sock *sk, int fd, int level, int optname,
			   void *optval, socklen_t *optlen)
{
	const _Atomic(uint32_t) *cscov = option(sk, level, optname);
	int len, value;

	if (!cscov)
		return datagram_prot()->getsockopt(sk, fd, level, optname,
						   optval, optlen);
	if (copy_from_user(fd, &len, optlen, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (len > (int)sizeof(value))
		len = sizeof(value);
	value = (uint16_t)load(cscov);
	if (copy_to_user(optlen, &len, sizeof(len)))
		return -EFAULT;
	return copy_to_user(optval, &value, len);
}

/* ---- the transport ------------------------------------------------------------ */

static struct proto lite_prot = {
	.name = "UDP-Lite",
	.owner = THIS_MODULE,
	.obj_size = sizeof(struct lite_sock),
	.wire = &lite_wire,
	.shares_ports = true,
	.counters = counters,
	.setsockopt = lite_setsockopt,
	.getsockopt = lite_getsockopt,
};

static struct inet_protosw lite_protosw = {
	.type = SOCK_DGRAM,
	.protocol = IPPROTO_UDPLITE,
	.prot = &lite_prot,
};

static int lite_init(void)
{
	int err;

	avx2 = csum_has_avx2();
	err = proto_register(&lite_prot);
	return err ? err : inet_register_protosw(&lite_protosw);
}
module_init(lite_init);

static void lite_exit(void)
{
	inet_unregister_protosw(&lite_protosw);
	proto_unregister(&lite_prot);
}
module_exit(lite_exit);

MODULE_TRANSPORT("udplite", "1");
