// SPDX-License-Identifier: MIT
/*
 * wire/frame.c - frames that the kernel hands back with a transmit timestamp. Such a
 * frame is the datagram as it was sent, so a header stands in it.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __skb_tstamp_tx() in net/core/skbuff.c.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>

#include "lib/compiler.h"
#include "wire/frame.h"
#include "wire/hdr.h"

#define LINK_HLEN_MAX 32

static uint32_t sum_words(const void *data, size_t len)
{
	const unsigned char *byte = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += byte[i] << 8 | byte[i + 1];
	return sum;
}

static uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* The checksum field of a datagram whose checksum the device is to compute. */
static __be16 pseudo_sum(const struct iphdr *ip, uint16_t len)
{
	uint32_t sum = sum_words(&ip->saddr, 2 * sizeof(ip->saddr));

	return htons(csum_fold(sum + IPPROTO_UDP + len));
}

static void shorten_udp(const struct iphdr *ip, struct udphdr *udp, uint16_t by)
{
	uint16_t len = ntohs(udp->len);
	bool partial = udp->check == pseudo_sum(ip, len);

	udp->len = htons(len - by);
	udp->check = partial ? pseudo_sum(ip, len - by) : 0;
}

static void shorten_ip(struct iphdr *ip, uint16_t by)
{
	ip->tot_len = htons(ntohs(ip->tot_len) - by);
	ip->check = 0;
	ip->check = htons(~csum_fold(sum_words(ip, ip->ihl * 4)));
}

/* Behind a link layer's header a header may lie unaligned: check a copy. */
static bool is_valid(const struct cop_wire *wire, const unsigned char *at,
		     size_t len)
{
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	struct cop_hdr_info info;

	memcpy(hdr, at, wire->hlen);
	return wire->check(hdr, len, &info) == COP_NO_STRAY;
}

/*
 * Whether a datagram with a valid header begins at @at, in IPv4. The kernel may have cut
 * its end off.
 */
static bool is_packet(const struct cop_wire *wire, const unsigned char *at,
		      size_t len, size_t n)
{
	struct iphdr ip;
	struct udphdr udp;
	size_t hlen;

	if (len < sizeof(ip))
		return false;
	memcpy(&ip, at, sizeof(ip));
	hlen = ip.ihl * 4;
	if (ip.version != 4 || hlen < sizeof(ip) ||
	    ip.protocol != IPPROTO_UDP || ntohs(ip.tot_len) < n ||
	    len < hlen + sizeof(udp) + wire->hlen)
		return false;
	memcpy(&udp, at + hlen, sizeof(udp));
	return ntohs(udp.len) == ntohs(ip.tot_len) - hlen &&
	       is_valid(wire, at + hlen + sizeof(udp),
			ntohs(udp.len) - sizeof(udp));
}

static size_t strip_packet(unsigned char *at, uint16_t by)
{
	struct udphdr udp;
	struct iphdr *ip;
	unsigned char copy[60] __attribute__((aligned(4)));
	size_t hlen = (*at & 0xf) * 4;

	memcpy(copy, at, hlen);
	memcpy(&udp, at + hlen, sizeof(udp));
	ip = (struct iphdr *)copy;
	shorten_udp(ip, &udp, by);
	shorten_ip(ip, by);
	memcpy(at, copy, hlen);
	memcpy(at + hlen, &udp, sizeof(udp));
	return hlen + sizeof(udp);
}

size_t cop_frame_strip(const struct cop_wire *wire, unsigned char *head,
		       size_t len, size_t n)
{
	for (size_t at = 0; at <= LINK_HLEN_MAX && at < len; at++)
		if (is_packet(wire, head + at, len - at, n - at))
			return at + strip_packet(head + at, wire->hlen);
	return 0;
}
