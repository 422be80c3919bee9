// SPDX-License-Identifier: MIT
/*
 * skeleton.c - a transport to begin with: socket(AF_INET, 8, 254). It has a header and
 * a rule for ports of its own. All else is as with any datagram socket.
 */
#include <arpa/inet.h>
#include <cop_transport.h>
#include <errno.h>

#define SOCK_SKEL    8	 /* types 8 and 9 are free in every kernel */
#define IPPROTO_SKEL 254 /* RFC 3692 has it for experiments */

/* ---- the header ---------------------------------------------------------- */

#define SKEL_MAGIC 0x534b
struct skelhdr { /* 8 bytes, network byte order */
	__be16 magic;
	__be16 source, dest; /* ports of the sender and the receiver */
	__be16 seq;	     /* one more for each datagram of a flow */
};

static void skel_build(void *at, __be16 source, __be16 dest, uint64_t seq,
		       uint32_t tstamp)
{
	struct skelhdr *hdr = at;

	*hdr = (struct skelhdr){ htons(SKEL_MAGIC), source, dest, htons(seq) };
}

/* It must agree with .match below, by which the kernel drops what is none of ours. */
static enum cop_stray skel_check(const void *at, size_t len,
				 struct cop_hdr_info *info)
{
	const struct skelhdr *hdr = at;

	if (len < sizeof(*hdr))
		return COP_STRAY_SHORT;
	if (hdr->magic != htons(SKEL_MAGIC))
		return COP_STRAY_MAGIC;
	*info = (struct cop_hdr_info){ .len = sizeof(*hdr),
				       .first = !hdr->seq,
				       .source = hdr->source,
				       .dest = hdr->dest,
				       .seq = ntohs(hdr->seq) };
	return COP_NO_STRAY;
}

static const struct cop_wire skel_wire = {
	.hlen = sizeof(struct skelhdr),
	.hlen_max = sizeof(struct skelhdr),
	.match = { { 0, 2, 0xffff, SKEL_MAGIC } }, /* 2 bytes at 0 */
	.check = skel_check,
	.build = skel_build,
	.has = COP_HAS_PORTS | COP_HAS_SEQ,
	.seq_bits = 16,
};

/* ---- ports: the lowest free one of the shortest queue --------------------- */

static int shortest_queue(void)
{
	int best = 0;

	for (int q = 1; q < INET_PORT_QUEUES; q++)
		if (inet_queue_length(q) < inet_queue_length(best))
			best = q;
	return best;
}

static int skel_get_port(struct sock *sk, uint16_t snum)
{
	int q = shortest_queue();
	uint16_t p = 0;

	if (snum) /* the program wants this one */
		return inet_claim_port(snum) ? snum : -EADDRINUSE;
	while ((p = inet_next_port(q, p)))
		if (inet_claim_port(p))
			return p;
	return 0; /* the queue is full: the kernel shall choose */
}

/* ---- the transport ------------------------------------------------------- */

static int skel_init_sock(struct sock *sk)
{
	pr_info("skel_init_sock() was called");
	return datagram_prot()->init(sk);
}

static struct proto skel_prot = {
	.name = "SKEL",
	.owner = THIS_MODULE,
	.wire = &skel_wire,
	.init = skel_init_sock,
	.get_port = skel_get_port,
};

static struct inet_protosw skel_protosw = {
	.type = SOCK_SKEL,
	.protocol = IPPROTO_SKEL,
	.prot = &skel_prot,
};

static int skel_init(void)
{
	int err = proto_register(&skel_prot);

	return err ? err : inet_register_protosw(&skel_protosw);
}
module_init(skel_init);

static void skel_exit(void)
{
	inet_unregister_protosw(&skel_protosw);
	proto_unregister(&skel_prot);
}
module_exit(skel_exit);

MODULE_TRANSPORT("skeleton", "1");
