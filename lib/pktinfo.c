// SPDX-License-Identifier: MIT
/*
 * lib/pktinfo.c - the addresses in control messages.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * ip_cmsg_recv_pktinfo() and ip_cmsg_send() in net/ipv4/ip_sockglue.c.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/libc.h"
#include "lib/pktinfo.h"

#define OLD_PKTINFO 2 /* IPV6_2292PKTINFO of <linux/in6.h> */

void cop_pktinfo_ask(int fd, int family)
{
	const int on = 1;

	if (family == AF_INET)
		cop_libc.setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on,
				    sizeof(on));
	else
		cop_libc.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
				    sizeof(on));
}

bool cop_pktinfo_is_asked(int fd, int family)
{
	const bool v4 = family == AF_INET;
	socklen_t len = sizeof(int);
	int on = 0;

	cop_libc.getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
			    v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, &len);
	return on;
}

bool cop_is_pktinfo(int family, int level, int optname)
{
	if (family == AF_INET)
		return level == IPPROTO_IP && optname == IP_PKTINFO;
	return level == IPPROTO_IPV6 && optname == IPV6_RECVPKTINFO;
}

static void set_v4(struct cop_endpoint *end, __be32 addr)
{
	cop_endpoint_v4(addr, end->port, end);
}

void cop_dest_of_any(struct cop_endpoint *to, const struct cop_endpoint *from)
{
	const bool from_v4 =
		cop_endpoint_is_v4(from) && from->addr.s6_addr32[3];

	if (cop_endpoint_is_v4(to) && !to->addr.s6_addr32[3])
		set_v4(to, from_v4 ? from->addr.s6_addr32[3]
				   : htonl(INADDR_LOOPBACK));
	else if (IN6_IS_ADDR_UNSPECIFIED(&to->addr) && cop_endpoint_is_v4(from))
		set_v4(to, htonl(INADDR_LOOPBACK));
	else if (IN6_IS_ADDR_UNSPECIFIED(&to->addr))
		to->addr = in6addr_loopback;
}

static bool is_message(const struct cmsghdr *cmsg, int level, int type,
		       size_t len)
{
	return cmsg->cmsg_level == level && cmsg->cmsg_type == type &&
	       cmsg->cmsg_len >= CMSG_LEN(len);
}

static bool read_ipv6(const struct cmsghdr *cmsg, int type,
		      union cop_addr *addr)
{
	struct cop_endpoint end = { 0 };
	struct in6_pktinfo info;

	if (!is_message(cmsg, IPPROTO_IPV6, type, sizeof(info)))
		return false;
	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	end.addr = info.ipi6_addr;
	cop_addr_on_wire(&end, addr);
	return true;
}

bool cop_pktinfo_dest(const struct cmsghdr *cmsg, int family,
		      union cop_addr *dest)
{
	struct in_pktinfo info;

	if (family != AF_INET)
		return read_ipv6(cmsg, IPV6_PKTINFO, dest);
	if (!is_message(cmsg, IPPROTO_IP, IP_PKTINFO, sizeof(info)))
		return false;
	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	cop_addr_put_v4(info.ipi_addr.s_addr, dest);
	return true;
}

/* Without an address the kernel keeps to the address that the socket is bound to. */
static bool source_of_ipv6(const struct cmsghdr *cmsg, bool to_v4,
			   union cop_addr *source)
{
	union cop_addr addr;

	if (!(read_ipv6(cmsg, IPV6_PKTINFO, &addr) ||
	      (!to_v4 && read_ipv6(cmsg, OLD_PKTINFO, &addr))) ||
	    addr.family == AF_UNSPEC)
		return false;
	*source = addr;
	return true;
}

bool cop_pktinfo_source(const struct cmsghdr *cmsg, int family, bool to_v4,
			union cop_addr *source)
{
	struct in_pktinfo info;

	if (family != AF_INET && source_of_ipv6(cmsg, to_v4, source))
		return true;
	if (!to_v4 || !is_message(cmsg, IPPROTO_IP, IP_PKTINFO, sizeof(info)))
		return false;
	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	cop_addr_put_v4(info.ipi_spec_dst.s_addr, source);
	return true;
}
