// SPDX-License-Identifier: MIT
/*
 * only6.c - what sockets of AF_INET6 have and those of AF_INET don't: the longest
 * payload, short addresses, the path's MTU, IPV6_ADDRFORM.
 */
#include <limits.h>

#include "no_ipv6.h"

#ifndef IPV6_ADDRFORM
#define IPV6_ADDRFORM 1
#endif

#define MSG_PROBE 0x10

static ssize_t most; /* bytes of the largest payload over IPv6 */

static struct sockaddr_in6 addr6(const char *ip, in_port_t port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_port = port };

	inet_pton(AF_INET6, ip, &addr.sin6_addr);
	return addr;
}

/* Bound to an address, which is put in *@addr with the port. */
static int sock6(const char *ip, struct sockaddr_in6 *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = is_cop ? socket(PF_INET6, SOCK_COP, IPPROTO_COP)
			: socket(PF_INET6, SOCK_DGRAM, 0);

	most = is_carried ? 65511 : 65527;
	if (fd < 0)
		skip("socket(PF_INET6)");
	*addr = addr6(ip, 0);
	if (bind(fd, SA(addr), len))
		skip(ip);
	if (getsockname(fd, SA(addr), &len))
		die("getsockname");
	return fd;
}

static void set6(int fd, int name, int value)
{
	if (setsockopt(fd, IPPROTO_IPV6, name, &value, sizeof(value)))
		die("setsockopt");
}

/* ---- lengths ------------------------------------------------------------- */

static char out[66000], in[66000];

static void fill_out(void)
{
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 13 + (i >> 8);
}

static void longest(void)
{
	static struct iovec iov[1024];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1024 };
	struct mmsghdr vec[2] = { { .msg_hdr = msg }, { .msg_hdr = msg } };
	struct sockaddr_in6 to;
	int fd = sock6("::1", &to);

	fill_out();
	if (connect(fd, SA(&to), sizeof(to)))
		die("connect");
	T(send(fd, out, most, 0) == most);
	T(recv(fd, in, sizeof(in), 0) == most);
	T(memcmp(in, out, most));
	T(send(fd, out, most + 1, 0));
	for (int i = 0; i < 1024; i++)
		iov[i] = (struct iovec){ out + i * 63, 63 };
	iov[1023].iov_len = most - 1023 * 63;
	T(sendmsg(fd, &msg, 0) == most);
	T(sendmmsg(fd, vec, 2, 0));
	T(recv(fd, in, sizeof(in), 0) == most);
	T(memcmp(in, out, most));
	for (int i = 0; i < 1024; i++)
		iov[i].iov_base = in + i * 63;
	memset(in, 0, sizeof(in));
	T(recvmsg(fd, &msg, 0) == most);
	T(memcmp(in, out, most));
	iov[1023].iov_len++;
	T(sendmsg(fd, &msg, 0));
	T(send(fd, out, 65535, 0));
	T(send(fd, out, 65536, 0));
}

/* IPv4's limit holds for a peer of IPv4. */
static void longest_mapped(void)
{
	ssize_t limit = is_carried ? 65491 : 65507;
	struct sockaddr_in6 to;
	int fd = sock6("::ffff:127.0.0.1", &to);

	fill_out();
	T(sendto(fd, out, limit, 0, SA(&to), sizeof(to)) == limit);
	T(recv(fd, in, sizeof(in), 0) == limit);
	T(memcmp(in, out, limit));
	for (int i = 1; i < 30; i++)
		T(sendto(fd, out, limit + i, 0, SA(&to), sizeof(to)));
	T(sendto(fd, out, 65536, MSG_OOB, SA(&to), sizeof(to)));
}

/* A probe sends nothing, so no length is too much for it. */
static void probes(void)
{
	const size_t length[] = { 0, 1, 65527, 65536, INT_MAX, UINT_MAX };
	struct sockaddr_in6 to;
	int fd = sock6("::1", &to);

	for (size_t i = 0; i < ARRAY_SIZE(length); i++) {
		struct iovec iov = { out, length[i] };
		struct msghdr msg = {
			SA(&to), sizeof(to), &iov, 1, NULL, 0, 0
		};

		T(sendto(fd, out, length[i], MSG_PROBE, SA(&to), sizeof(to)));
		T(sendmsg(fd, &msg, MSG_PROBE));
	}
}

/* ---- names --------------------------------------------------------------- */

/* An option of IPv6 takes no value at all for a 0. */
static void no_value(void)
{
	static const int option[] = { IPV6_V6ONLY, IPV6_RECVPKTINFO,
				      IPV6_ADDRFORM, IPV6_UNICAST_HOPS };
	struct sockaddr_in6 any = addr6("::", 0);
	int fd = is_cop ? socket(PF_INET6, SOCK_COP, 0)
			: socket(PF_INET6, SOCK_DGRAM, 0);

	set6(fd, IPV6_V6ONLY, 1);
	for (size_t i = 0; i < ARRAY_SIZE(option); i++) {
		socklen_t len = sizeof(int);
		int value = -7;

		T(setsockopt(fd, IPPROTO_IPV6, option[i], NULL, 4));
		T(setsockopt(fd, IPPROTO_IPV6, option[i], NULL, 3));
		T(getsockopt(fd, IPPROTO_IPV6, option[i], &value, &len));
		printf("  value %d\n", value);
	}
	T(bind(fd, SA(&any), sizeof(any)));
}

/* Of less than 28 bytes, an address has no scope. */
static void short_scopes(void)
{
	struct sockaddr_in6 any, addr = addr6("fe80::77", 0);

	addr.sin6_scope_id = 1;
	for (socklen_t len = 23; len < 29; len++) {
		int fd = sock6("::1", &any);

		close(fd);
		fd = is_cop ? socket(PF_INET6, SOCK_COP, 0)
			    : socket(PF_INET6, SOCK_DGRAM, 0);
		T(bind(fd, SA(&addr), len));
		close(fd);
	}
}

static void addrform(void)
{
	struct sockaddr_in6 to, name = { 0 };
	struct sockaddr_in other = addr_of("240.0.0.1", 9);
	int family = 0, fd = sock6("::ffff:127.0.0.1", &to);
	socklen_t len = sizeof(family), namelen = sizeof(name);
	char byte;

	T(setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &(int){ AF_INET }, 4));
	T(connect(fd, SA(&to), sizeof(to)));
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &(int){ AF_INET }, 4));
	T(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len));
	printf("  family %d\n", family);
	T(getsockname(fd, SA(&name), &namelen));
	printf("  length %u, family %d\n", namelen, name.sin6_family);
	T(send(fd, "x", 1, 0));
	namelen = sizeof(name);
	T(recvfrom(fd, &byte, 1, 0, SA(&name), &namelen));
	printf("  length %u, family %d\n", namelen, name.sin6_family);
	T(bind(fd, SA(&to), sizeof(to)));
	T(bind(fd, SA(&other), sizeof(other)));
	T(sendto(fd, "x", 1, 0, SA(&to), sizeof(to)));
}

/* The length of a name comes even where the name can't be written to. */
static void bad_names(void)
{
	struct iovec iov = { in, sizeof(in) };
	struct sockaddr_in6 to, none = addr6("::1", htons(9));
	int fd = sock6("::1", &to);

	set6(fd, IPV6_RECVERR, 1);
	T(sendto(fd, "x", 1, 0, SA(&none), sizeof(none)));
	for (int flags = MSG_ERRQUEUE; flags >= 0; flags -= MSG_ERRQUEUE) {
		struct mmsghdr vec[2] = { 0 };

		for (int i = 0; i < 2; i++)
			vec[i].msg_hdr = (struct msghdr){ BAD_PTR, 16, &iov, 1,
							  NULL,	   0,  0 };
		T(recvmsg(fd, &vec[0].msg_hdr, flags | MSG_DONTWAIT));
		printf("  length %u\n", vec[0].msg_hdr.msg_namelen);
		for (int i = 0; i < 3; i++)
			T(sendto(fd, "y", 1, 0, SA(&to), sizeof(to)));
		T(recvmmsg(fd, vec, 2, flags | MSG_DONTWAIT, NULL));
		printf("  length %u, %u\n", vec[0].msg_hdr.msg_namelen,
		       vec[1].msg_hdr.msg_namelen);
		vec[0].msg_hdr.msg_name = &none;
		T(recvmmsg(fd, vec, 2, flags | MSG_DONTWAIT, NULL));
		printf("  length %u, %u\n", vec[0].msg_hdr.msg_namelen,
		       vec[1].msg_hdr.msg_namelen);
		none = addr6("::1", htons(9));
		T(sendto(fd, "x", 1, 0, SA(&none), sizeof(none)));
	}
}

/* ---- a kernel without IPv6 -------------------------------------------------- */

static void without_ipv6(void)
{
	static const int protocol[] = { 0, -1, 6, 256, 99 };
	int type = is_cop ? SOCK_COP : SOCK_DGRAM;

	refuse_family();
	for (size_t i = 0; i < ARRAY_SIZE(protocol); i++)
		T(socket(PF_INET6, type, protocol[i]));
	connect_pair();
	R(recvfrom(sock_b, buf, 1, MSG_DONTWAIT, SA(&from), &fromlen));
	deliver("over IPv4");
	R(recvfrom(sock_b, buf, sizeof(buf), 0, SA(&from), &fromlen));
}

/* ---- the path's MTU ------------------------------------------------------- */

static void show_notice(const struct msghdr *msg)
{
	const struct sockaddr_in6 *name = msg->msg_name;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	printf("  name of %u: %d, port %u\n", msg->msg_namelen,
	       name->sin6_family, name->sin6_port);
	if (cmsg)
		printf("  control %d %d of %zu\n", cmsg->cmsg_level,
		       cmsg->cmsg_type, cmsg->cmsg_len);
}

/* A send is too long for loopback's MTU: the socket receives the MTU. */
static void path_mtu(void)
{
	struct sockaddr_in6 to, name;
	struct iovec iov = { in, sizeof(in) };
	char control[200];
	struct mmsghdr vec[2];
	int fd = sock6("::1", &to);

	set6(fd, IPV6_DONTFRAG, 1);
	set6(fd, IPV6_RECVPATHMTU, 1);
	for (int i = 0; i < 5; i++) {
		for (int k = 0; k < 2; k++)
			vec[k].msg_hdr = (struct msghdr){
				&name,	 sizeof(name),	  &iov, 1,
				control, sizeof(control), 0
			};
		T(sendto(fd, out, 65500, 0, SA(&to), sizeof(to)));
		T(sendto(fd, "after", 5, 0, SA(&to), sizeof(to)));
		if (i == 0)
			T(recvmsg(fd, &vec[0].msg_hdr, MSG_DONTWAIT));
		else if (i == 1)
			T(recvmmsg(fd, vec, 1, MSG_DONTWAIT, NULL));
		else if (i == 2)
			T(read(fd, in, sizeof(in)));
		else if (i == 3)
			T(recv(fd, in, sizeof(in), MSG_DONTWAIT));
		else
			T(recv(fd, in, sizeof(in), MSG_DONTWAIT | MSG_PEEK));
		if (i < 2)
			show_notice(&vec[0].msg_hdr);
		T(recv(fd, in, sizeof(in), MSG_DONTWAIT));
		if (connect(fd, SA(&to), sizeof(to)))
			die("connect");
	}
	show_rest(fd);
}

SCENARIOS({ "longest", longest }, { "longest_mapped", longest_mapped },
	  { "probes", probes }, { "short_scopes", short_scopes },
	  { "no_value", no_value }, { "addrform", addrform },
	  { "bad_names", bad_names }, { "path_mtu", path_mtu },
	  { "without_ipv6", without_ipv6 })
