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
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "lib/compiler.h"
#include "wire/frame.h"
#include "wire/hdr.h"

#define LINK_HLEN_MAX 32

/* Where the UDP header of a packet is, and how long the packet is as its header says. */
struct packet {
	size_t hlen; /* of the network header, with options or extension headers */
	size_t len;
	uint32_t addresses; /* their sum */
	bool begins;	    /* it is the first fragment of several */
};

static uint32_t sum_words(const void *data, size_t len)
{
	const unsigned char *byte = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? byte[i] : byte[i] << 8;
	return sum;
}

static uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* ---- where the headers are --------------------------------------------------- */

static bool find_in_ipv4(const unsigned char *at, size_t len, struct packet *p)
{
	struct iphdr ip;

	if (len < sizeof(ip))
		return false;
	memcpy(&ip, at, sizeof(ip));
	p->hlen = ip.ihl * 4;
	p->len = ntohs(ip.tot_len);
	p->addresses = sum_words(&ip.saddr, 2 * sizeof(ip.saddr));
	p->begins = ip.frag_off & htons(IP_MF);
	return p->hlen >= sizeof(ip) && ip.protocol == IPPROTO_UDP &&
	       !(ip.frag_off & htons(IP_OFFMASK));
}

/*
 * The headers that a sender can add. Of a fragment header the byte with the length is
 * always 0.
 */
static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT;
}

static bool find_in_ipv6(const unsigned char *at, size_t len, struct packet *p)
{
	struct ip6_hdr ip;
	uint8_t next;

	if (len < sizeof(ip))
		return false;
	memcpy(&ip, at, sizeof(ip));
	p->hlen = sizeof(ip);
	p->len = sizeof(ip) + ntohs(ip.ip6_plen);
	p->addresses = sum_words(&ip.ip6_src, 2 * sizeof(ip.ip6_src));
	p->begins = false;
	for (next = ip.ip6_nxt; is_extension(next);) {
		struct ip6_frag ext; /* each other one begins as it does */

		if (len < p->hlen + sizeof(ext))
			return false;
		memcpy(&ext, at + p->hlen, sizeof(ext));
		if (next == IPPROTO_FRAGMENT) {
			if (ext.ip6f_offlg & IP6F_OFF_MASK)
				return false;
			p->begins = ext.ip6f_offlg & IP6F_MORE_FRAG;
		}
		next = ext.ip6f_nxt;
		p->hlen += (ext.ip6f_reserved + 1) * 8;
	}
	return next == IPPROTO_UDP;
}

static bool find_udp(const unsigned char *at, size_t len, struct packet *p)
{
	switch (*at >> 4) {
	case 4:
		return find_in_ipv4(at, len, p);
	case 6:
		return find_in_ipv6(at, len, p);
	default:
		return false;
	}
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
 * Whether a datagram with a valid header begins at @at. The kernel may have cut its end
 * off.
 */
static bool find_packet(const struct cop_wire *wire, const unsigned char *at,
			size_t len, size_t n, struct packet *p)
{
	struct udphdr udp;
	size_t ulen;

	if (!find_udp(at, len, p) || p->len < n ||
	    len < p->hlen + sizeof(udp) + wire->hlen)
		return false;
	memcpy(&udp, at + p->hlen, sizeof(udp));
	ulen = ntohs(udp.len);
	if (p->begins ? p->hlen + ulen <= p->len : p->hlen + ulen != p->len)
		return false;
	return is_valid(wire, at + p->hlen + sizeof(udp), ulen - sizeof(udp));
}

/* ---- without the header ------------------------------------------------------ */

/* The checksum field of a datagram whose checksum the device is to compute. */
static uint16_t pseudo_sum(const struct packet *p, uint16_t len)
{
	return csum_fold(p->addresses + IPPROTO_UDP + len);
}

static uint16_t swap_bytes(uint16_t sum)
{
	return sum << 8 | sum >> 8;
}

/*
 * The checksum of the datagram without @by bytes of header, as in RFC 1624: the payload's
 * sum is the whole sum less the others. Behind a header of an odd length each byte of the
 * payload moves to the other half of its word.
 */
static uint16_t sum_without(const struct packet *p, const struct udphdr *udp,
			    const unsigned char *hdr, uint16_t by)
{
	uint16_t len = ntohs(udp->len), check = ~ntohs(udp->check);
	uint32_t ports = ntohs(udp->source) + ntohs(udp->dest);
	uint16_t others = csum_fold(pseudo_sum(p, len) + ports + len +
				    csum_fold(sum_words(hdr, by)));
	uint16_t payload = csum_fold(check + (uint16_t)~others);

	if (by % 2)
		payload = swap_bytes(payload);
	len -= by;
	check = ~csum_fold(pseudo_sum(p, len) + ports + len + payload);
	return check ?: 0xffff; /* 0 means that there is none */
}

static void shorten_udp(const struct packet *p, unsigned char *at, uint16_t by)
{
	struct udphdr udp;
	uint16_t len;

	memcpy(&udp, at, sizeof(udp));
	len = ntohs(udp.len);
	if (udp.check == htons(pseudo_sum(p, len)))
		udp.check = htons(pseudo_sum(p, len - by));
	else if (udp.check)
		udp.check = htons(sum_without(p, &udp, at + sizeof(udp), by));
	udp.len = htons(len - by);
	memcpy(at, &udp, sizeof(udp));
}

static void shorten_ipv4(unsigned char *at, size_t hlen, uint16_t by)
{
	unsigned char copy[60] __attribute__((aligned(4)));
	struct iphdr *ip = (struct iphdr *)copy;

	memcpy(copy, at, hlen);
	ip->tot_len = htons(ntohs(ip->tot_len) - by);
	ip->check = 0;
	ip->check = htons(~csum_fold(sum_words(ip, hlen)));
	memcpy(at, copy, hlen);
}

static void shorten_ipv6(unsigned char *at, uint16_t by)
{
	struct ip6_hdr ip;

	memcpy(&ip, at, sizeof(ip));
	ip.ip6_plen = htons(ntohs(ip.ip6_plen) - by);
	memcpy(at, &ip, sizeof(ip));
}

size_t cop_frame_strip(const struct cop_wire *wire, unsigned char *head,
		       size_t len, size_t n)
{
	struct packet p;

	for (size_t at = 0; at <= LINK_HLEN_MAX && at < len; at++) {
		if (!find_packet(wire, head + at, len - at, n - at, &p))
			continue;
		shorten_udp(&p, head + at + p.hlen, wire->hlen);
		if (head[at] >> 4 == 4)
			shorten_ipv4(head + at, p.hlen, wire->hlen);
		else
			shorten_ipv6(head + at, wire->hlen);
		return at + p.hlen + sizeof(struct udphdr);
	}
	return 0;
}
