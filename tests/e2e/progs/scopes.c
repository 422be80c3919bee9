// SPDX-License-Identifier: MIT
/*
 * scopes.c - what only IPv6 has: two families on one socket, scope ids, flow labels,
 * multicast by interface. And names that are no names, for sockets of both families.
 *
 * A name is put together byte by byte, since each family's is given to the other's
 * sockets as well.
 */
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/mman.h>

#include <linux/in6.h> /* behind netinet/in.h */

#include "netns.h"

#define DEVICE "v0" /* with fe80::1; its other end has fe80::2 */
#define OTHER  "v1"

/* ---- names ------------------------------------------------------------------- */

struct name {
	unsigned char data[160];
};

static struct name name_v6(const char *ip, int port, uint32_t scope)
{
	struct name name = { { 0 } };
	const sa_family_t family = IPV6;
	const in_port_t be = htons(port);

	memset(name.data, 0x5a, sizeof(name.data));
	memset(name.data, 0, 28);
	memcpy(name.data, &family, sizeof(family));
	memcpy(name.data + 2, &be, sizeof(be));
	memcpy(name.data + 24, &scope, sizeof(scope));
	if (inet_pton(IPV6, ip, name.data + 8) != 1)
		die(ip);
	return name;
}

static struct name name_v4(const char *ip, int port)
{
	struct name name = { { 0 } };
	const sa_family_t family = IPV4;
	const in_port_t be = htons(port);

	memset(name.data, 0x5a, sizeof(name.data));
	memset(name.data, 0, 16);
	memcpy(name.data, &family, sizeof(family));
	memcpy(name.data + 2, &be, sizeof(be));
	if (inet_pton(IPV4, ip, name.data + 4) != 1)
		die(ip);
	return name;
}

static void set_family(struct name *name, sa_family_t family)
{
	memcpy(name->data, &family, sizeof(family));
}

/* Any name, whatever its family; the port by the name of its socket. */
static void show_any(const unsigned char *name, socklen_t len)
{
	char ip[INET6_ADDRSTRLEN];
	sa_family_t family;
	in_port_t port;
	uint32_t flow, scope;

	memcpy(&family, name, sizeof(family));
	memcpy(&port, name + 2, sizeof(port));
	memcpy(&flow, name + 4, sizeof(flow));
	memcpy(&scope, name + 24, sizeof(scope));
	printf("  (%d) family %d", (int)len, family);
	if (family == IPV6)
		printf(" [%s%%%u]:%c flow %x",
		       inet_ntop(IPV6, name + 8, ip, sizeof(ip)), scope,
		       port_name(port), ntohl(flow));
	if (family == IPV4)
		printf(" %s:%c", inet_ntop(IPV4, name + 4, ip, sizeof(ip)),
		       port_name(port));
	printf("\n");
}

static void show_own(int fd)
{
	unsigned char name[160] = { 0 };
	socklen_t len = sizeof(name);

	T(getsockname(fd, SA(name), &len));
	show_any(name, len);
}

static void show_other(int fd)
{
	unsigned char name[160] = { 0 };
	socklen_t len = sizeof(name);

	T(getpeername(fd, SA(name), &len));
	show_any(name, len);
}

static const struct {
	const char *what;
	const char *ip; /* NULL: a name of IPv4's */
	uint32_t scope;
	int family; /* -1: the one that it has */
} names[] = {
	{ "::1", "::1", 0, -1 },
	{ "::1%1", "::1", 1, -1 },
	{ "::", "::", 0, -1 },
	{ "mapped", "::ffff:127.0.0.1", 0, -1 },
	{ "mapped%77", "::ffff:127.0.0.1", 77, -1 },
	{ "mapped any", "::ffff:0.0.0.0", 0, -1 },
	{ "link-local", "fe80::1", 0, -1 },
	{ "link-local%1", "fe80::1", 1, -1 },
	{ "link-local%77", "fe80::1", 77, -1 },
	{ "group", "ff02::1", 0, -1 },
	{ "group%77", "ff02::1", 77, -1 },
	{ "compatible", "::127.0.0.1", 0, -1 },
	{ "nobody's", "2001:db8::1", 0, -1 },
	{ "IPv4", NULL, 0, -1 },
	{ "none", "::1", 0, AF_UNSPEC },
	{ "none, any", "::", 0, AF_UNSPEC },
	{ "none, IPv4", NULL, 0, AF_UNSPEC },
	{ "unix", "::1", 0, AF_UNIX },
	{ "netlink", "::1", 0, AF_NETLINK },
	{ "another", "::1", 0, 255 },
	{ "the last", "::1", 0, 65535 },
};

static const int lengths[] = { 0,  1,  2,  3,  8,  15,	16,  17,  23, 24,
			       25, 26, 27, 28, 29, 127, 128, 129, -1 };

static struct name name_of_row(size_t row, int port)
{
	struct name name =
		names[row].ip ? name_v6(names[row].ip, port, names[row].scope)
			      : name_v4("127.0.0.1", port);

	if (names[row].family >= 0)
		set_family(&name, names[row].family);
	return name;
}

/* Sockets in the states in which a name may mean another thing. */
static int plain_sock(void)
{
	return sock();
}

static int v6only_sock(void)
{
	int fd = sock(), one = 1;

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	return fd;
}

static int bound_sock(void)
{
	return sock_at('X', "127.0.0.1");
}

static int any_sock(void)
{
	return sock_at('X', "0.0.0.0");
}

static int mapped_sock(void)
{
	struct name name = name_v6("::ffff:127.0.0.1", 0, 0);
	int fd = sock();

	bind(fd, SA(name.data), 28);
	return fd;
}

static int connected_sock(void)
{
	struct sockaddr_in peer = addr_of("127.0.0.1", 9);
	int fd = sock();

	connect_to(fd, &peer);
	return fd;
}

static int connected_mapped_sock(void)
{
	struct name name = name_v6("::ffff:127.0.0.1", 9, 0);
	int fd = sock();

	connect(fd, SA(name.data), 28);
	return fd;
}

static const struct {
	const char *what;
	int (*make)(void);
} states[] = {
	{ "new", plain_sock },
	{ "v6only", v6only_sock },
	{ "bound", bound_sock },
	{ "bound to any", any_sock },
	{ "bound to mapped", mapped_sock },
	{ "connected", connected_sock },
	{ "connected to mapped", connected_mapped_sock },
};

static const char *outcome(long ret)
{
	static char text[32];

	if (ret < 0)
		return strerrorname_np(errno);
	snprintf(text, sizeof(text), "%ld", ret);
	return text;
}

/* Call @call with each name at each length, on a socket in each state. */
static void each_name(long (*call)(int fd, const void *name, socklen_t len),
		      int port)
{
	for (size_t s = 0; s < ARRAY_SIZE(states); s++)
		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			const struct name name = name_of_row(n, port);

			printf("%s, %s:", states[s].what, names[n].what);
			for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
				int fd = states[s].make();

				printf(" %s", outcome(call(fd, name.data,
							   lengths[l])));
				close(fd);
			}
			printf("\n");
		}
}

static long do_bind(int fd, const void *name, socklen_t len)
{
	return bind(fd, name, len);
}

static long do_connect(int fd, const void *name, socklen_t len)
{
	return connect(fd, name, len);
}

static long do_sendto(int fd, const void *name, socklen_t len)
{
	return sendto(fd, "abc", 3, 0, name, len);
}

static long do_sendmsg(int fd, const void *name, socklen_t len)
{
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = { .msg_name = (void *)name,
			      .msg_namelen = len,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	return sendmsg(fd, &msg, 0);
}

static long do_sendmmsg(int fd, const void *name, socklen_t len)
{
	struct iovec iov = { "abc", 3 };
	struct mmsghdr vec[2] = { { .msg_hdr = { .msg_name = (void *)name,
						 .msg_namelen = len,
						 .msg_iov = &iov,
						 .msg_iovlen = 1 } } };

	vec[1] = vec[0];
	return sendmmsg(fd, vec, 2, 0);
}

/* Nobody is at port 9, and each socket is used once. */
static void names_bound(void)
{
	each_name(do_bind, 0);
}

static void names_connected(void)
{
	each_name(do_connect, 9);
}

static void names_sent_to(void)
{
	each_name(do_sendto, 9);
}

static void names_in_messages(void)
{
	each_name(do_sendmsg, 9);
}

static void names_in_many(void)
{
	each_name(do_sendmmsg, 9);
}

/* What a name leaves in a socket that took it. */
static void names_taken(void)
{
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		const struct name name = name_of_row(n, 0);

		for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
			int fd = sock();

			if (bind(fd, SA(name.data), lengths[l])) {
				close(fd);
				continue;
			}
			know('A', fd);
			printf("bind %s (%d)\n", names[n].what, lengths[l]);
			show_own(fd);
			close(fd);
		}
	}
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		const struct name name = name_of_row(n, 9);

		for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
			int fd = any_sock();

			if (!connect(fd, SA(name.data), lengths[l])) {
				printf("connect %s (%d)\n", names[n].what,
				       lengths[l]);
				show_own(fd);
				show_other(fd);
			}
			close(fd);
		}
	}
}

/* The last @len bytes before memory that can't be read. */
static unsigned char *at_the_end(size_t len)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (two == MAP_FAILED || mprotect(two + page, page, PROT_NONE))
		die("mmap");
	return two + page - len;
}

static void names_cut(void)
{
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		const struct name name = name_of_row(n, 0);

		printf("%s\n", names[n].what);
		for (int there = 0; there <= 28; there += 4) {
			unsigned char *end = at_the_end(there);
			int fd = sock();

			memcpy(end, name.data, there);
			printf("%d of 28:", there);
			printf(" %s", outcome(do_bind(sock(), end, 28)));
			printf(" %s", outcome(do_bind(sock(), end, 16)));
			printf(" %s", outcome(do_connect(sock(), end, 28)));
			printf(" %s", outcome(do_sendto(sock(), end, 28)));
			printf(" %s", outcome(do_sendmsg(sock(), end, 28)));
			printf(" %s", outcome(do_sendmmsg(sock(), end, 28)));
			printf(" %s", outcome(do_connect(fd, end, 24)));
			printf("\n");
			closefrom(fd);
		}
	}
}

/* Each length of room for each call that returns a name, and memory that ends. */
static void room_for_names(void)
{
	connect_pair();
	for (int len = -1; len <= 30; len++) {
		unsigned char name[64];
		socklen_t got = len;

		if (len == 3)
			continue; /* half a port */
		for (int call = 0; call < 3; call++) {
			memset(name, 0x5a, sizeof(name));
			got = len;
			deliver("x");
			if (call == 0)
				T(getsockname(sock_a, SA(name), &got));
			else if (call == 1)
				T(getpeername(sock_a, SA(name), &got));
			else
				T(recvfrom(sock_b, buf, 64, MSG_DONTWAIT,
					   SA(name), &got));
			printf("  %d:", (int)got);
			memset(name + 2, 0, 2); /* the port */
			for (int i = 0; i < 32; i++)
				printf(" %02x", name[i]);
			printf("\n");
		}
	}
}

static void room_that_ends(void)
{
	connect_pair();
	for (int there = 0; there <= 28; there += 4) {
		unsigned char *end = at_the_end(there);
		socklen_t len = 28;

		T(getsockname(sock_a, SA(end), &len));
		len = 28;
		T(getpeername(sock_a, SA(end), &len));
		len = 28;
		deliver("x");
		T(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(end), &len));
		T(len);
		show_rest(sock_b);
	}
}

/* ---- options -------------------------------------------------------------------- */

static void set_option(int fd, int level, int name, int value)
{
	printf("option %d: ", name);
	T(setsockopt(fd, level, name, &value, sizeof(value)));
}

static void show_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	printf("option %d: ", name);
	T(getsockopt(fd, level, name, &value, &len));
	printf("  %d (%u)\n", value, len);
}

static void v6only(void)
{
	for (size_t s = 0; s < ARRAY_SIZE(states); s++) {
		int fd = states[s].make();

		printf("%s\n", states[s].what);
		show_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		show_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
		show_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
		show_option(fd, SOL_SOCKET, SO_DOMAIN);
		close(fd);
	}
}

static void address_form(void)
{
	for (size_t s = 0; s < ARRAY_SIZE(states); s++) {
		int fd = states[s].make();

		printf("%s\n", states[s].what);
		show_option(fd, IPPROTO_IPV6, IPV6_ADDRFORM);
		set_option(fd, IPPROTO_IPV6, IPV6_ADDRFORM, IPV4);
		set_option(fd, IPPROTO_IPV6, IPV6_ADDRFORM, IPV6);
		set_option(fd, IPPROTO_IPV6, IPV6_ADDRFORM, 0);
		show_option(fd, SOL_SOCKET, SO_DOMAIN);
		close(fd);
	}
}

/* From then on it has the names of AF_INET, and takes them. */
static void address_form_of_mapped(void)
{
	int fd = connected_mapped_sock(), ipv4 = IPV4;
	struct name to = name_v4("127.0.0.1", 9);

	T(setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, no_ptr, sizeof(ipv4)));
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &ipv4, 3));
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &ipv4, sizeof(ipv4)));
	know('A', fd);
	show_own(fd);
	show_other(fd);
	show_option(fd, SOL_SOCKET, SO_DOMAIN);
	T(sendto(fd, "x", 1, 0, SA(to.data), 16));
	to = name_v6("::1", 9, 0);
	T(sendto(fd, "x", 1, 0, SA(to.data), 28));
	T(bind(fd, SA(to.data), 28));
	set_family(&to, AF_UNSPEC);
	T(connect(fd, SA(to.data), 16));
	show_other(fd);
}

/* ---- on a link ------------------------------------------------------------------ */

static unsigned int device, other_device;

/* The kernel notes that a link is there after a moment, and then uses its addresses. */
static void await_link(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	do {
		usleep(10000);
		if (ioctl(fd, SIOCGIFFLAGS, &ifr))
			die(name);
	} while (!(ifr.ifr_flags & IFF_RUNNING));
	close(fd);
}

static struct name at(const char *ip, int fd, uint32_t scope)
{
	return name_v6(ip, fd < 0 ? 0 : ntohs(name_of(fd).sin_port), scope);
}

/* A new address is in the table of routes after a moment. */
static void await_address(const char *ip, unsigned int interface)
{
	struct name name = name_v6(ip, 0, interface);
	int fd = sock();

	if (bind(fd, SA(name.data), 28))
		die(ip);
	name = at(ip, fd, interface);
	do {
		sendto(fd, "x", 1, 0, SA(name.data), 28);
		usleep(5000);
	} while (recv(fd, buf, 1, MSG_DONTWAIT) < 0);
	close(fd);
}

/* Two interfaces that are joined, with link-local addresses and a shorter MTU. */
static void make_link(void)
{
	if (AF_INET != IPV6) {
		errno = EAFNOSUPPORT;
		skip("this is about IPv6");
	}
	own_network();
	if (system("ip link add " DEVICE " mtu 1400 type veth peer name " OTHER
		   " mtu 1400 && "
		   "ip link set " DEVICE " addrgenmode none up && "
		   "ip link set " OTHER " addrgenmode none up"))
		skip("no link to be had");
	await_link(DEVICE);
	await_link(OTHER);
	if (system("ip addr add fe80::1/64 dev " DEVICE " nodad && "
		   "ip addr add fe80::2/64 dev " OTHER " nodad && "
		   "ip addr add fd00::1/64 dev " DEVICE " nodad"))
		skip("no addresses to be had");
	device = if_nametoindex(DEVICE);
	other_device = if_nametoindex(OTHER);
	await_address("fe80::1", device);
	await_address("fe80::2", other_device);
	await_address("fd00::1", 0);
}

static int sock_on_link(char name, const char *ip, uint32_t scope)
{
	struct name addr = name_v6(ip, 0, scope);
	int fd = sock();

	T(bind(fd, SA(addr.data), 28));
	know(name, fd);
	return fd;
}

static void show_control(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		const unsigned char *data = CMSG_DATA(c);
		size_t len = c->cmsg_len - CMSG_LEN(0);

		printf("  control %d %d (%zu)", c->cmsg_level, c->cmsg_type,
		       len);
		if (c->cmsg_type == IPV6_ORIGDSTADDR ||
		    c->cmsg_type == IPV6_PATHMTU) {
			show_any(data, len);
			data += 28;
			len = len > 28 ? len - 28 : 0;
		}
		for (size_t i = 0; i < len && i < 40; i++)
			printf(" %02x", data[i]);
		printf("\n");
	}
}

/* A name, a datagram and its control messages. */
static void receive(int fd)
{
	static char control[512] __attribute__((aligned(8)));
	unsigned char name[160] = { 0 };
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_name = name,
			      .msg_namelen = sizeof(name),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t got;

	memset(buf, '.', sizeof(buf));
	T(got = recvmsg(fd, &msg, MSG_DONTWAIT));
	if (got < 0)
		return;
	printf("  %.10s flags %#x\n", buf, (unsigned int)msg.msg_flags);
	show_any(name, msg.msg_namelen);
	show_control(&msg);
}

/* An address of a link is nothing without the link. */
static void link_local(void)
{
	struct name to;
	int fd, hearer;

	make_link();
	hearer = sock_on_link('H', "fe80::1", device);
	show_own(hearer);
	fd = sock_on_link('A', "fe80::1", 0);
	fd = sock_on_link('A', "fe80::1", other_device);
	fd = sock_on_link('A', "fe80::2", other_device);
	to = name_v6("fe80::1", 9, 0);
	T(sendto(fd, "unscoped", 8, 0, SA(to.data), 28));
	T(sendto(sock(), "unscoped", 8, 0, SA(to.data), 28));
	to = name_v6("fe80::1", 9, device);
	T(sendto(fd, "wrong link", 10, 0, SA(to.data), 28));
	T(sendto(sock(), "no link", 7, 0, SA(to.data), 24));
	to = at("fe80::1", hearer, device);
	T(sendto(sock(), "its link", 8, 0, SA(to.data), 28));
	recv(hearer, buf, 0, MSG_PEEK);
	T(recv(hearer, buf, sizeof(buf), 0));
	T(connect(hearer, SA(to.data), 28));
	show_other(hearer);
	T(send(hearer, "to itself", 9, 0));
	receive(hearer);
	to = at("fe80::2", fd, other_device);
	T(connect(hearer, SA(to.data), 28));
	show_other(hearer);
	to = at("fe80::2", fd, 0);
	T(connect(hearer, SA(to.data), 28));
	show_other(hearer);
	T(bind(sock(), SA(at("fe80::1", hearer, device).data), 28));
}

/* Two sockets that differ by their link. */
static void across_the_link(void)
{
	struct name to;
	int a, b;

	make_link();
	a = sock_on_link('A', "fe80::1", device);
	b = sock_on_link('B', "fe80::2", other_device);
	to = at("fe80::2", b, device);
	T(sendto(a, "across", 6, 0, SA(to.data), 28));
	T(recv(b, buf, 0, MSG_PEEK));
	receive(b);
	T(connect(a, SA(to.data), 28));
	show_own(a);
	show_other(a);
	T(send(a, "again", 5, 0));
	T(recv(b, buf, 0, MSG_PEEK));
	receive(b);
}

static void join(int fd, int how, const char *group, unsigned int interface)
{
	struct ipv6_mreq mreq = { .ipv6mr_interface = interface };

	inet_pton(IPV6, group, &mreq.ipv6mr_multiaddr);
	T(setsockopt(fd, IPPROTO_IPV6, how, &mreq, sizeof(mreq)));
}

static void multicast(void)
{
	struct name to;
	int fd, hearer;

	make_link();
	hearer = sock_on_link('H', "::", 0);
	fd = sock_on_link('A', "fe80::1", device);
	join(hearer, IPV6_JOIN_GROUP, "ff02::1234", 77);
	join(hearer, IPV6_JOIN_GROUP, "fe80::1234", device);
	join(hearer, IPV6_JOIN_GROUP, "ff02::1234", device);
	join(hearer, IPV6_JOIN_GROUP, "ff02::1234", device);
	to = at("ff02::1234", hearer, device);
	T(sendto(fd, "group", 5, 0, SA(to.data), 28));
	receive(hearer);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	T(sendto(fd, "not looped", 10, 0, SA(to.data), 28));
	show_rest(hearer);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 2);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 77);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, device);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 300);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3);
	to = at("ff02::1234", hearer, 0);
	T(sendto(fd, "unscoped", 8, 0, SA(to.data), 28));
	receive(hearer);
	T(connect(fd, SA(to.data), 28));
	show_other(fd);
	T(send(fd, "connected", 9, 0));
	receive(hearer);
	to = at("ff02::1", hearer, device);
	T(sendto(fd, "all nodes", 9, 0, SA(to.data), 28));
	receive(hearer);
	set_option(hearer, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	T(sendto(fd, "not joined", 10, 0, SA(to.data), 28));
	show_rest(hearer);
	join(hearer, IPV6_LEAVE_GROUP, "ff02::1234", device);
	join(hearer, IPV6_LEAVE_GROUP, "ff02::1234", device);
	T(send(fd, "has left", 8, 0));
	show_rest(hearer);
}

/* Bound to the group itself, whose address nobody sends from. */
static void bound_to_group(void)
{
	struct name to;
	int fd, hearer;

	make_link();
	hearer = sock_on_link('H', "ff02::1234", 0);
	hearer = sock_on_link('H', "ff02::1234", device);
	show_own(hearer);
	join(hearer, IPV6_JOIN_GROUP, "ff02::1234", device);
	fd = sock_on_link('A', "fd00::1", 0);
	to = at("ff02::1234", hearer, device);
	T(sendto(fd, "group", 5, 0, SA(to.data), 28));
	receive(hearer);
	to = at("fe80::1", hearer, device);
	T(sendto(fd, "alone", 5, 0, SA(to.data), 28));
	show_rest(hearer);
	to = at("fd00::1", fd, 0);
	T(sendto(hearer, "answer", 6, 0, SA(to.data), 28));
	receive(fd);
}

static void with_pktinfo(int fd, const struct name *to, const char *ip,
			 unsigned int interface, size_t len)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo) + 8)];
	} control = { .head = { .cmsg_len = CMSG_LEN(len),
				.cmsg_level = IPPROTO_IPV6,
				.cmsg_type = IPV6_PKTINFO } };
	struct in6_pktinfo info = { .ipi6_ifindex = interface };
	struct iovec iov = { "pktinfo", 7 };
	struct msghdr msg = { .msg_name = (void *)to->data,
			      .msg_namelen = 28,
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(len) };

	inet_pton(IPV6, ip, &info.ipi6_addr);
	memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
	printf("from %s by %u: ", ip, interface);
	T(sendmsg(fd, &msg, 0));
}

static void pktinfo(void)
{
	struct in6_pktinfo sticky = { .ipi6_ifindex = 0 };
	socklen_t len = sizeof(sticky);
	struct name to;
	int fd, hearer;

	make_link();
	hearer = sock_on_link('H', "::", 0);
	set_option(hearer, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set_option(hearer, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1);
	fd = sock_on_link('A', "::", 0);
	to = at("fd00::1", hearer, 0);
	len = sizeof(struct in6_pktinfo);
	with_pktinfo(fd, &to, "fe80::1", device, len);
	receive(hearer);
	with_pktinfo(fd, &to, "::1", 0, len);
	receive(hearer);
	with_pktinfo(fd, &to, "2001:db8::1", 0, len);
	with_pktinfo(fd, &to, "fd00::1", 77, len);
	with_pktinfo(fd, &to, "fd00::1", device, len - 1);
	with_pktinfo(fd, &to, "::ffff:127.0.0.1", 0, len);
	inet_pton(IPV6, "::1", &sticky.ipi6_addr);
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_PKTINFO, &sticky, len));
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_PKTINFO, &sticky, len - 1));
	T(sendto(fd, "sticky", 6, 0, SA(to.data), 28));
	receive(hearer);
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_PKTINFO, no_ptr, 0));
	T(sendto(fd, "not sticky", 10, 0, SA(to.data), 28));
	receive(hearer);
	sticky.ipi6_ifindex = 77;
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_PKTINFO, &sticky, len));
	sticky.ipi6_ifindex = device;
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_PKTINFO, &sticky, len));
	set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_IF, htonl(other_device));
	set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_IF, htonl(77));
	show_option(fd, IPPROTO_IPV6, IPV6_UNICAST_IF);
}

static void flow_labels(void)
{
	struct in6_flowlabel_req req = { .flr_label = htonl(0x12345),
					 .flr_action = IPV6_FL_A_GET,
					 .flr_share = IPV6_FL_S_EXCL,
					 .flr_flags = IPV6_FL_F_CREATE };
	const uint32_t flow = htonl(0x12345), unknown = htonl(0x54321);
	struct name to;
	int fd, hearer;

	make_link();
	hearer = sock_on_link('H', "::1", 0);
	set_option(hearer, IPPROTO_IPV6, IPV6_FLOWINFO, 1);
	fd = sock_on_link('A', "::1", 0);
	to = at("::1", hearer, 0);
	inet_pton(IPV6, "::1", &req.flr_dst);
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &req, sizeof(req)));
	set_option(fd, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0);
	memcpy(to.data + 4, &unknown, sizeof(unknown));
	T(sendto(fd, "unknown", 7, 0, SA(to.data), 28));
	T(connect(fd, SA(to.data), 28));
	memcpy(to.data + 4, &flow, sizeof(flow));
	T(sendto(fd, "labelled", 8, 0, SA(to.data), 28));
	receive(hearer);
	T(connect(fd, SA(to.data), 28));
	show_other(fd);
	T(send(fd, "connected", 9, 0));
	receive(hearer);
	req.flr_action = IPV6_FL_A_PUT;
	T(setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &req, sizeof(req)));
}

/* A notice of the path's MTU waits, and a look at the datagram behind it. */
static void length_behind_a_notice(void)
{
	static char large[3000];
	struct name to;
	int fd, len = -1;

	make_link();
	fd = sock_on_link('A', "fe80::1", device);
	set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1);
	to = at("fe80::1", fd, device);
	T(sendto(fd, "to itself", 9, 0, SA(to.data), 28));
	to = name_v6("fe80::2", 9, device);
	T(sendto(fd, large, 1400, 0, SA(to.data), 28));
	T(ioctl(fd, FIONREAD, &len));
	T(len);
	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0)
		if (len)
			printf("  %d bytes: %.9s\n", len, buf);
}

/* A datagram that is too long for the path: an error, and a notice of it. */
static void path_mtu(void)
{
	static char large[3000];
	static unsigned char name[160];
	struct mmsghdr vec[2] = {
		{ .msg_hdr = { .msg_name = name, .msg_namelen = sizeof(name) } }
	};
	struct name to;
	int fd, hearer;

	make_link();
	hearer = sock_on_link('H', "::", 0);
	set_option(hearer, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1);
	fd = sock_on_link('A', "fe80::1", device);
	to = at("fe80::2", hearer, device);
	show_option(fd, IPPROTO_IPV6, IPV6_MTU);
	T(sendto(fd, large, 3000, 0, SA(to.data), 28));
	T(recv(hearer, buf, 0, MSG_PEEK | MSG_TRUNC));
	receive(hearer);
	set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
	T(sendto(fd, large, 1300, 0, SA(to.data), 28));
	T(sendto(fd, large, 1400, 0, SA(to.data), 28));
	set_option(fd, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1);
	T(sendto(fd, large, 1400, 0, SA(to.data), 28));
	receive(fd);
	receive(fd);
	T(sendto(fd, large, 1400, 0, SA(to.data), 28));
	T(recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	T(recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	T(sendto(fd, large, 1400, 0, SA(to.data), 28));
	T(recvmmsg(fd, vec, 2, MSG_DONTWAIT, NULL));
	T(vec->msg_len);
	show_any(name, vec->msg_hdr.msg_namelen);
	T(recvmmsg(fd, vec, 2, MSG_DONTWAIT, NULL));
	set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	T(sendto(fd, large, 1400, 0, SA(to.data), 28));
	T(recv(fd, buf, sizeof(buf), MSG_ERRQUEUE));
	T(connect(fd, SA(to.data), 28));
	show_option(fd, IPPROTO_IPV6, IPV6_MTU);
	set_option(fd, IPPROTO_IPV6, IPV6_MTU, 1280);
	set_option(fd, IPPROTO_IPV6, IPV6_MTU, 1279);
	T(send(fd, large, 1250, 0));
}

/* ---- both families ------------------------------------------------------------- */

static int ipv4_sock_at(char name, const char *ip)
{
	struct name addr = name_v4(ip, 0);
	int fd = is_cop ? socket(IPV4, SOCK_COP, IPPROTO_COP)
			: socket(IPV4, SOCK_DGRAM, 0);

	T(bind(fd, SA(addr.data), 16));
	know(name, fd);
	return fd;
}

/* One of either family, which send to one another. */
static void meet(const char *server, const char *client_sees)
{
	struct name to;
	int fd = ipv4_sock_at('A', "127.0.0.1");
	int hearer = sock_on_link('H', server, 0);

	printf("%s\n", server);
	to = name_v4("127.0.0.1", ntohs(name_of(hearer).sin_port));
	T(sendto(fd, "from IPv4", 9, 0, SA(to.data), 16));
	receive(hearer);
	to = name_v6("::ffff:127.0.0.1", ntohs(known[0].port), 0);
	T(sendto(hearer, "mapped", 6, 0, SA(to.data), 28));
	receive(fd);
	to = name_v4("127.0.0.1", ntohs(known[0].port));
	T(sendto(hearer, "unmapped", 8, 0, SA(to.data), 16));
	receive(fd);
	T(connect(hearer, SA(to.data), 16));
	show_own(hearer);
	show_other(hearer);
	T(send(hearer, "connected", 9, 0));
	receive(fd);
	to = name_v6(client_sees, ntohs(name_of(hearer).sin_port), 0);
	T(sendto(hearer, "itself", 6, 0, SA(to.data), 28));
	set_family(&to, AF_UNSPEC);
	T(sendto(hearer, "its peer", 8, 0, SA(to.data), 28));
	T(connect(hearer, SA(to.data), 28));
	show_own(hearer);
	close(fd);
	close(hearer);
}

static void families_meet(void)
{
	make_link();
	meet("::", "::1");
	meet("::ffff:127.0.0.1", "::ffff:127.0.0.1");
	meet("::1", "::1");
}

/* ---- filters -------------------------------------------------------------------- */

/* Datagrams whose byte (or more) at @k, to be read as @size, has this value pass. */
static void filter_on(int fd, unsigned int size, uint32_t k, uint32_t value)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | size | BPF_ABS, k),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, -1),
	};
	struct sock_fprog prog = { ARRAY_SIZE(insn), insn };

	T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
}

static const struct {
	const char *what;
	unsigned int size;
	uint32_t k, value;
} loads[] = {
	{ "payload", BPF_W, 8, 0x61626364 },
	{ "UDP length", BPF_H, 4, 8 + 8 },
	{ "version 6", BPF_B, SKF_NET_OFF, 0x60 },
	{ "version 4", BPF_B, SKF_NET_OFF, 0x45 },
	{ "next header 6", BPF_B, SKF_NET_OFF + 6, IPPROTO_UDP },
	{ "protocol 4", BPF_B, SKF_NET_OFF + 9, IPPROTO_UDP },
	{ "source 4", BPF_W, SKF_NET_OFF + 12, INADDR_LOOPBACK },
	{ "source 6", BPF_W, SKF_NET_OFF + 20, 1 },
	{ "destination 6", BPF_W, SKF_NET_OFF + 36, 1 },
	{ "payload 6", BPF_W, SKF_NET_OFF + 48, 0x61626364 },
	{ "payload 4", BPF_W, SKF_NET_OFF + 28, 0x61626364 },
	{ "UDP length 6", BPF_H, SKF_NET_OFF + 44, 8 + 8 },
	{ "UDP length 4", BPF_H, SKF_NET_OFF + 24, 8 + 8 },
	{ "ethernet's protocol", BPF_H, SKF_AD_OFF + SKF_AD_PROTOCOL, 0x86dd },
	{ "loopback's protocol", BPF_H, SKF_LL_OFF + 12, 0x86dd },
};

static void filters(void)
{
	int v4 = ipv4_sock_at('A', "127.0.0.1");
	int v6 = sock_at('B', "127.0.0.1");

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		int fd = sock_at('H', "0.0.0.0");
		int port = ntohs(name_of(fd).sin_port);
		struct name to4 = name_v4("127.0.0.1", port);
		struct sockaddr_in to6 = addr_of("127.0.0.1", port);

		printf("%s: ", loads[i].what);
		filter_on(fd, loads[i].size, loads[i].k, loads[i].value);
		T(sendto(v4, "abcd-4..", 8, 0, SA(to4.data), 16));
		T(sendto(v6, "abcd-6..", 8, 0, SA(&to6), sizeof(to6)));
		while (recv(fd, buf, 64, MSG_DONTWAIT) >= 0)
			printf("  passed: %.8s\n", buf);
		close(fd);
	}
}

SCENARIOS({ "names_bound", names_bound },
	  { "names_connected", names_connected },
	  { "names_sent_to", names_sent_to },
	  { "names_in_messages", names_in_messages },
	  { "names_in_many", names_in_many }, { "names_taken", names_taken },
	  { "names_cut", names_cut }, { "room_for_names", room_for_names },
	  { "room_that_ends", room_that_ends }, { "v6only", v6only },
	  { "address_form", address_form },
	  { "address_form_of_mapped", address_form_of_mapped },
	  { "link_local", link_local }, { "across_the_link", across_the_link },
	  { "multicast", multicast }, { "bound_to_group", bound_to_group },
	  { "pktinfo", pktinfo }, { "flow_labels", flow_labels },
	  { "path_mtu", path_mtu },
	  { "length_behind_a_notice", length_behind_a_notice },
	  { "families_meet", families_meet }, { "filters", filters })
