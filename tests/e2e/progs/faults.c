// SPDX-License-Identifier: MIT
/*
 * faults.c - calls with something wrong about them: what is said of it, in which
 * order two faults are seen, and what has been done all the same.
 */
#include <limits.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "netns.h"
#include "prog.h"

#define COMPAT 0x80000000u /* MSG_CMSG_COMPAT, inside the kernel */
#define KERNEL ((void *)0xffff888000000000)
#define PROBE  MSG_PROXY /* as the kernel calls it */

static char large[70000];

/* Lengths that the compiler knows nothing of. */
static volatile size_t half = SSIZE_MAX, endless = SIZE_MAX, million = 1 << 20;

static void *no_page(void)
{
	void *page =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		die("mmap");
	return page;
}

static char *page(int prot)
{
	char *at = mmap(NULL, 8192, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

static struct msghdr message(void *name, socklen_t namelen, struct iovec *iov)
{
	return (struct msghdr){ .msg_name = name,
				.msg_namelen = namelen,
				.msg_iov = iov,
				.msg_iovlen = 1 };
}

/* ---- receiving ------------------------------------------------------------ */

static void receive_to(void *addr, socklen_t *len)
{
	fresh();
	T(recvfrom(sock_b, buf, 8, MSG_DONTWAIT, addr, len));
	printf("  %.8s\n", buf);
}

/* A fault in the room for the address is seen behind the receive. */
static void room_for_address(void)
{
	static socklen_t negative = -5, none;
	socklen_t len = sizeof(from);
	void *const bad[] = { no_ptr, BAD_PTR, KERNEL, no_page() };

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		receive_to(&from, bad[i]);
		deliver("one");
		receive_to(&from, bad[i]);
		deliver("two");
		len = sizeof(from);
		receive_to(bad[i] ?: BAD_PTR, &len);
		printf("  length %u\n", len);
	}
	receive_to(&from, &negative);
	deliver("three");
	receive_to(&from, &negative);
	deliver("four");
	receive_to(BAD_PTR, &none);
	printf("  length %u\n", none);
	show_rest(sock_b);
}

/*
 * The kernel looks at the length behind the payload, which may lie over it: then there is
 * more room, or less than none, than at the beginning.
 */
static void length_under_the_payload(void)
{
	char *at = page(PROT_READ | PROT_WRITE), *readonly = page(PROT_READ);
	socklen_t *len = (socklen_t *)at;

	make_pair();
	for (int i = 0; i < 2; i++) {
		*len = 0;
		deliver(i ? "\x7f\x7f\x7f\x7f" : "\xff\xff\xff\xff");
		T(recvfrom(sock_b, at, 100, MSG_DONTWAIT, (void *)readonly,
			   len));
	}
	mprotect(at + 4096, 4096, PROT_NONE);
	*len = 16;
	deliver("\x7f\x7f\x7f\x7f");
	T(recvfrom(sock_b, at, 100, MSG_DONTWAIT, (void *)(at + 4096 - 16),
		   len));
	show_rest(sock_b);
}

static struct mmsghdr vec[4];
static struct iovec iov[4];

static void make_vec(void)
{
	memset(vec, 0, sizeof(vec));
	for (size_t i = 0; i < ARRAY_SIZE(vec); i++) {
		iov[i] = (struct iovec){ large, 100 };
		vec[i].msg_hdr = message(NULL, 0, &iov[i]);
		vec[i].msg_hdr.msg_flags = 0x55;
	}
}

static void show_vec(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(vec); i++)
		printf("  %u, flags %x, name %u\n", vec[i].msg_len,
		       vec[i].msg_hdr.msg_flags, vec[i].msg_hdr.msg_namelen);
}

static void receive_many(int flags)
{
	T(recvmmsg(sock_b, vec, 4, flags | MSG_DONTWAIT, NULL));
	show_vec();
}

static void show_error(void)
{
	struct pollfd fd = { .fd = sock_b };
	socklen_t len = sizeof(int);
	int err = 0;

	T(poll(&fd, 1, 0));
	T(getsockopt(sock_b, SOL_SOCKET, SO_ERROR, &err, &len));
	printf("  events %x, error %d\n", fd.revents, err);
}

/* A message that is not received is left as it is, and one that can't be ends
 * the call, whose error the socket keeps. */
static void many_messages(void)
{
	make_pair();
	make_vec();
	receive_many(0);
	receive_many(MSG_ERRQUEUE);
	deliver("one");
	vec[0].msg_hdr.msg_name = BAD_PTR;
	receive_many(0);
	for (int i = 0; i < 3; i++)
		deliver("two");
	make_vec();
	iov[1].iov_base = BAD_PTR;
	receive_many(0);
	show_error();
	make_vec();
	iov[2].iov_base = KERNEL;
	receive_many(MSG_PEEK);
	show_error();
	show_rest(sock_b);
}

/* More of them than there is room for on the library's stack. */
static struct iovec bytes[1000];

static void many_iovecs(void)
{
	struct msghdr msg = { .msg_iov = bytes,
			      .msg_iovlen = ARRAY_SIZE(bytes) };
	char ip[INET6_ADDRSTRLEN];

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		bytes[i] = (struct iovec){ large + i, 1 };
	deliver("one");
	msg.msg_name = BAD_PTR;
	msg.msg_namelen = 16;
	T(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	printf("  %.8s\n", large);
	deliver("two");
	fresh();
	msg.msg_name = &from;
	msg.msg_namelen = 6;
	T(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	printf("  %.8s name %u %s\n", large, msg.msg_namelen,
	       inet_ntop(AF_INET, &from.sin_addr, ip, sizeof(ip)));
}

/* The error that the last send brought is seen before any message is. */
static void pending_error(void)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);
	struct pollfd fd = { .events = POLLIN };

	make_pair();
	deliver("one");
	connect_to(sock_b, &nobody);
	fd.fd = sock_b;
	T(poll(&fd, 1, 0));
	make_vec();
	vec[0].msg_hdr.msg_name = &from;
	vec[0].msg_hdr.msg_namelen = -1;
	T(send(sock_b, "abc", 3, 0));
	T(recvmmsg(sock_b, vec, 2, MSG_DONTWAIT, NULL));
	T(recvmmsg(sock_b, vec, 2, MSG_DONTWAIT, NULL));
	sock_b = sock();
	connect_to(sock_b, &nobody);
	vec[0].msg_hdr.msg_iov = bytes;
	vec[0].msg_hdr.msg_iovlen = ARRAY_SIZE(bytes);
	T(send(sock_b, "abc", 3, 0));
	T(recvmmsg(sock_b, vec, 2, MSG_DONTWAIT, NULL));
}

/* Whatever the vector is, and though nothing is asked for; but the time is first. */
static void pending_error_and_a_bad_vector(void)
{
	struct sockaddr_in nobody = addr_of("127.0.0.1", 9);
	struct timespec never = { -1, 0 };
	struct mmsghdr *const bad[] = { no_ptr, BAD_PTR, KERNEL, no_page(),
					vec };
	struct pollfd fd;

	for (int polled = 0; polled < 2; polled++) {
		sock_b = sock();
		connect_to(sock_b, &nobody);
		fd = (struct pollfd){ .fd = sock_b, .events = POLLIN };
		if (polled)
			T(poll(&fd, 1, 0));
		make_vec();
		vec[0].msg_hdr = message(&from, 1, BAD_PTR);
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			T(send(sock_b, "abc", 3, 0));
			T(recvmmsg(sock_b, bad[i], 2, 0, BAD_PTR));
			T(recvmmsg(sock_b, bad[i], 2, 0, &never));
			T(recvmmsg(sock_b, bad[i], 2, MSG_ERRQUEUE, NULL));
			T(recvmmsg(sock_b, bad[i], 2, 0, NULL));
			T(recvmmsg(sock_b, bad[i], 2, MSG_DONTWAIT, NULL));
			T(send(sock_b, "abc", 3, 0));
			T(recvmmsg(sock_b, bad[i], 0, 0, NULL));
			T(recvmmsg(sock_b, bad[i], 0, 0, NULL));
		}
	}
}

static void filter_without_a_descriptor(void)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	struct sock_fprog prog = { ARRAY_SIZE(all), all };

	make_pair();
	while (dup(sock_a) >= 0)
		;
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		     sizeof(prog)));
	deliver("abc");
	show_rest(sock_b);
}

/* ---- sending --------------------------------------------------------------- */

static void too_long(void)
{
	struct iovec two[] = { { large, largest_udp() },
			       { large, largest_udp() } };

	make_pair();
	T(send(sock_a, large, largest_udp() + 1, 0));
	T(send(sock_a, large, 65535, 0));
	T(send(sock_a, large, 65536, 0));
	T(sendto(sock_a, large, 65535, MSG_OOB, SA(&addr_b), sizeof(addr_b)));
	T(write(sock_a, large, half));
	T(write(sock_a, large, million));
	T(writev(sock_a, two, 2));
	two[1].iov_len = SSIZE_MAX;
	T(writev(sock_a, two, 2));
	T(writev(sock_a, two + 1, 1));
	T(read(sock_b, large, endless));
	show_rest(sock_b);
}

/* The kernel cuts the length of a single buffer short before it judges it. */
static void endless_buffers(void)
{
	struct iovec one = { large, half };

	make_pair();
	connect_to(sock_a, &addr_b);
	for (int i = 0; i < 2; i++) {
		make_vec();
		vec[0].msg_hdr = message(NULL, 0, &one);
		vec[1].msg_hdr = message(&from, sizeof(from), &one);
		for (int k = 0; k < 7; k++)
			T(send(sock_a, "payload", 7, 0));
		T(recvmsg(sock_b, &vec[0].msg_hdr, 0));
		T(recvmsg(sock_b, &vec[1].msg_hdr, 0));
		T(recvmmsg(sock_b, vec, 2, MSG_DONTWAIT, NULL));
		T(readv(sock_b, &one, 1));
		T(preadv2(sock_b, &one, 1, -1, 0));
		T(recv(sock_b, large, half, 0));
		show_rest(sock_b);
		connect_to(sock_b, &addr_a);
	}
}

static void endless_error_buffers(void)
{
	struct iovec one = { large, half };
	const int on = 1;

	make_pair();
	close(sock_b);
	T(setsockopt(sock_a, SOL_IP, IP_RECVERR, &on, sizeof(on)));
	make_vec();
	vec[0].msg_hdr = message(NULL, 0, &one);
	vec[1].msg_hdr = message(NULL, 0, &one);
	for (int i = 0; i < 2; i++) {
		T(sendto(sock_a, "payload", 7, 0, SA(&addr_b), sizeof(addr_b)));
		T(i ? recvmsg(sock_a, &vec[0].msg_hdr, MSG_ERRQUEUE)
		    : recvmmsg(sock_a, vec, 2, MSG_ERRQUEUE, NULL));
		T(recv(sock_a, large, 1, MSG_DONTWAIT));
	}
}

/* The pages of a message, of which the second can't be written. */
static char *fault_room;

static void show_partial(size_t room, size_t skip)
{
	const unsigned char *at = (unsigned char *)fault_room + 4096 - room;

	printf("  ");
	for (size_t i = skip; i < room; i++)
		printf("%02x", at[i]);
	printf("\n");
}

/* So many iovecs have the room: few, or more than the library has on its stack. */
static size_t fault_parts = 2;

static void divide_room(struct iovec *parts, size_t room)
{
	const size_t each = room / fault_parts;
	char *at = fault_room + 4096 - room;

	for (size_t i = 0; i < fault_parts; i++, at += each)
		parts[i] = (struct iovec){ at, each };
	parts[fault_parts - 1].iov_len = 1000 - (fault_parts - 1) * each;
}

/* Receive from the error queue to @room bytes and a fault behind them. */
static void receive_error_to(size_t room, size_t skip)
{
	char control[512];
	struct sockaddr_in name;
	struct iovec parts[70];
	struct msghdr msg = { .msg_name = &name,
			      .msg_namelen = sizeof(name),
			      .msg_iov = parts,
			      .msg_iovlen = fault_parts,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	divide_room(parts, room);
	memset(fault_room, 0xee, 4096);
	memset(control, 0xee, sizeof(control));
	memset(&name, 0xee, sizeof(name));
	T(recvmsg(sock_a, &msg, MSG_ERRQUEUE | MSG_DONTWAIT));
	printf("  flags %x, namelen %d, controllen %s, name %s, control %s\n",
	       msg.msg_flags, msg.msg_namelen,
	       msg.msg_controllen == sizeof(control) ? "as it was" : "written",
	       name.sin_family == 0xeeee ? "as it was" : "written",
	       control[0] == (char)0xee ? "as it was" : "written");
	show_partial(room, skip);
}

static void make_fault_room(void)
{
	const int on = 1;

	fault_room = page(PROT_READ | PROT_WRITE);
	if (mprotect(fault_room + 4096, 4096, PROT_NONE))
		die("mprotect");
	make_pair();
	T(setsockopt(sock_a, SOL_IP, IP_RECVERR, &on, sizeof(on)));
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = 'a' + i % 26;
}

/* The memory ends in the header, behind it, or nowhere. */
static void fault_in_the_error_queue(void)
{
	static const size_t rooms[] = { 0, 4, 16, 20, 60, 199, 200 };

	make_fault_room();
	close(sock_b);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rooms); i++) {
		fault_parts = i < ARRAY_SIZE(rooms) ? 2 : 70;
		T(sendto(sock_a, large, 200, 0, SA(&addr_b), sizeof(addr_b)));
		receive_error_to(rooms[i % ARRAY_SIZE(rooms)], 0);
		T(recv(sock_a, buf, 1, MSG_DONTWAIT));
		T(recv(sock_a, buf, 1, MSG_ERRQUEUE | MSG_DONTWAIT));
	}
}

#define FRAME_HEAD 42 /* bytes of Ethernet, IPv4 and UDP */

/* IPv4's id and checksum, the ports, and UDP's checksum differ each time. */
static bool differs(size_t i)
{
	return i == 18 || i == 19 || i == 24 || i == 25 ||
	       (i >= 34 && i < 38) || i == 40 || i == 41;
}

/* What is always the same in the head of a frame. */
static void show_head(size_t room)
{
	const unsigned char *at = (unsigned char *)fault_room + 4096 - room;

	printf("  head ");
	for (size_t i = 0; i < room && i < FRAME_HEAD; i++)
		printf(differs(i) ? "--" : "%02x", at[i]);
	printf("\n");
}

/* The kernel gives back the whole frame. */
static void fault_in_a_frame(void)
{
	const int on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	static const size_t rooms[] = { 0,  1,	13, 17, 18,  26,  33, 39,
					40, 42, 50, 59, 120, 230, 242 };

	make_fault_room();
	T(setsockopt(sock_a, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)));
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		T(sendto(sock_a, large, 200, 0, SA(&addr_b), sizeof(addr_b)));
		receive_error_to(rooms[i], FRAME_HEAD);
		show_head(rooms[i]);
		T(recv(sock_a, buf, 1, MSG_ERRQUEUE | MSG_DONTWAIT));
	}
}

/* What a program can't have is a fault even if nothing of it is used. */
static void nothing_at_a_bad_place(void)
{
	struct iovec two[] = { { KERNEL, 0 }, { large, 1 } };

	make_pair();
	connect_to(sock_a, &addr_b);
	T(send(sock_a, KERNEL, 0, 0));
	T(send(sock_a, BAD_PTR, 0, 0));
	T(send(sock_a, no_ptr, 0, 0));
	T(write(sock_a, KERNEL, 0));
	T(writev(sock_a, two, 2));
	T(pwritev2(sock_a, two, 2, -1, 64));
	two[0] = (struct iovec){ large, half };
	T(pwritev2(sock_a, two, 2, -1, 64));
	T(write(sock_a, no_ptr, half));
	two[0].iov_len = endless;
	T(pwritev2(sock_a, two, 1, -1, 64));
	T(preadv2(sock_b, two, 1, -1, 64));
	T(sendto(sock_a, KERNEL, 1, 0, SA(&addr_b), 1000));
	T(recv(sock_b, KERNEL, 0, MSG_DONTWAIT));
	show_rest(sock_b);
}

/* To sendmsg() and sendmmsg() it is no name, to sendto() one too short. */
static void name_of_no_length(void)
{
	make_pair();
	connect_to(sock_a, &addr_b);
	T(sendto(sock_a, large, 100, 0, SA(&addr_b), 0));
	T(sendto(sock_a, large, 5000, 0, SA(&addr_b), 0));
	T(sendto(sock_a, large, 5000, 0, BAD_PTR, 0));
	make_vec();
	vec[0].msg_hdr.msg_name = &addr_b;
	T(sendmmsg(sock_a, vec, 1, MSG_MORE));
	vec[0].msg_hdr.msg_name = BAD_PTR;
	T(sendmmsg(sock_a, vec, 1, 0));
	T(sendmsg(sock_a, &vec[0].msg_hdr, 0));
	vec[0].msg_hdr.msg_name = NULL;
	vec[0].msg_hdr.msg_namelen = -1;
	T(sendmsg(sock_a, &vec[0].msg_hdr, 0));
	show_rest(sock_b);
}

static void bad_names(void)
{
	void *const bad[] = { BAD_PTR, KERNEL, no_page() };

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		make_vec();
		vec[1].msg_hdr = message(bad[i], 16, &iov[1]);
		vec[0].msg_hdr = message(&addr_b, sizeof(addr_b), &iov[0]);
		T(sendmmsg(sock_a, vec, 4, 0));
		T(sendmmsg(sock_a, vec + 1, 3, 0));
		T(sendmmsg(-1, bad[i], 1, 0));
		T(sendmmsg(STDIN_FILENO, bad[i], 1, 0));
	}
	make_vec();
	vec[0].msg_hdr = message(&addr_b, 200, &iov[0]);
	T(sendmmsg(sock_a, vec, 1, 0));
	vec[0].msg_hdr.msg_namelen = -1;
	T(sendmmsg(sock_a, vec, 1, 0));
	show_rest(sock_b);
}

/* The first that has a payload is the last. */
static void probes(void)
{
	make_pair();
	connect_to(sock_a, &addr_b);
	make_vec();
	T(sendmmsg(sock_a, vec, 4, PROBE));
	iov[0].iov_len = iov[1].iov_len = 0;
	T(sendmmsg(sock_a, vec, 4, PROBE));
	T(send(sock_a, large, 10, PROBE));
	T(send(sock_a, large, largest_udp() + 1, PROBE));
	T(send(sock_a, large, 65535, PROBE));
	T(send(sock_a, large, 65536, PROBE));
	show_rest(sock_b);
}

/* It is refused where there may be control messages, and means nothing else. */
static void compat(void)
{
	make_pair();
	connect_to(sock_a, &addr_b);
	make_vec();
	T(send(sock_a, "abc", 3, COMPAT));
	T(send(sock_a, large, 5000, COMPAT));
	T(sendmsg(sock_a, &vec[0].msg_hdr, COMPAT));
	T(sendmsg(sock_a, BAD_PTR, COMPAT));
	T(sendmmsg(sock_a, vec, 1, COMPAT));
	T(sendmmsg(sock_a, vec, 0, COMPAT));
	T(recvmsg(sock_b, &vec[0].msg_hdr, COMPAT));
	T(recvmsg(sock_b, BAD_PTR, COMPAT));
	T(recvmmsg(sock_b, vec, 1, COMPAT, NULL));
	T(recvmmsg(sock_b, vec, 0, COMPAT, BAD_PTR));
	T(recv(sock_b, buf, sizeof(buf), COMPAT));
	T(recv(sock_b, large, sizeof(large), COMPAT));
	show_rest(sock_b);
}

/* ---- names ----------------------------------------------------------------- */

static void unix_pair(void)
{
	int type = is_cop ? SOCK_COP : SOCK_DGRAM;
	int sv[2] = { -7, -7 };

	T(socketpair(PF_INET, type, 0, sv));
	printf("  %d %d\n", sv[0], sv[1]);
	T(socketpair(PF_INET, type | SOCK_CLOEXEC, 0, sv));
	T(socketpair(PF_INET, type | 16, 0, sv));
	T(socketpair(PF_INET, type, 0, BAD_PTR));
	T(socketpair(PF_INET, type, -1, sv));
}

static int bound_and_left(void)
{
	struct sockaddr_in none = { .sin_family = AF_UNSPEC };
	int fd = sock_at('C', "127.0.0.1");

	if (connect(fd, SA(&none), sizeof(none)))
		die("connect");
	return fd;
}

/* A disconnect leaves the address; a bind that finds its port taken does not. */
static void refused_bind(void)
{
	struct sockaddr_in any;
	int fd;

	make_pair();
	fd = bound_and_left();
	show_name(fd);
	T(bind(fd, SA(&addr_a), sizeof(addr_a)));
	show_name(fd);
	fd = bound_and_left();
	any = addr_of("0.0.0.0", ntohs(addr_a.sin_port));
	T(bind(fd, SA(&any), sizeof(any)));
	show_name(fd);
}

/*
 * Sends that fail before the kernel has bound it, until it does. Where others hold
 * many ports the library has it bind ahead of a send.
 */
static void refused_send(void)
{
	struct msghdr msg = { .msg_controllen = 1000 };
	char ip[INET6_ADDRSTRLEN];
	struct sockaddr_in addr;
	int fd;

	own_network();
	make_pair();
	fd = bound_and_left();
	msg.msg_name = &addr_b;
	msg.msg_namelen = sizeof(addr_b);
	for (int i = 0; i < 20; i++)
		if (sendmsg(fd, &msg, 0) != -1 || errno != EFAULT)
			die("sendmsg");
	show_name(fd);
	T(sendto(fd, "abc", 3, 0, SA(&addr_b), sizeof(addr_b)));
	addr = name_of(fd);
	printf("  %s\n", inet_ntop(AF_INET, &addr.sin_addr, ip, sizeof(ip)));
}

/* A child does not know what its parent makes of a socket, the kernel does. */
static void bind_in_child(int fd, void (*parent)(int fd))
{
	int ends[2], status;
	char c;

	if (pipe(ends))
		die("pipe");
	fflush(stdout);
	if (!fork()) {
		if (read(ends[0], &c, 1) == 1)
			T(bind(fd, SA(&addr_a), sizeof(addr_a)));
		exit(0);
	}
	parent(fd);
	if (write(ends[1], "", 1) != 1)
		die("write");
	wait(&status);
}

static void connect_to_b(int fd)
{
	connect_to(fd, &addr_b);
}

static void disconnect(int fd)
{
	struct sockaddr_in none = { .sin_family = AF_UNSPEC };

	connect_to(fd, &none);
}

static void bound_by_the_parent(void)
{
	int fd;

	make_pair();
	bind_in_child(sock(), connect_to_b);
	fd = sock();
	connect_to_b(fd);
	bind_in_child(fd, disconnect);
}

static int filter_number;

/* The library asks the kernel about it on a socket that has the next number. */
static void filter_from_next_number(void)
{
	make_pair();
	filter_number = dup(sock_a);
	close(filter_number);
	T(setsockopt(sock_a, SOL_SOCKET, SO_ATTACH_BPF, &filter_number,
		     sizeof(filter_number)));
}

/* In a child that was there before its parent has set a filter. */
static void in_child(void (*child)(void), void (*parent)(void))
{
	int ends[2], status;
	char c;

	if (pipe(ends))
		die("pipe");
	fflush(stdout);
	if (!fork()) {
		if (read(ends[0], &c, 1) == 1)
			child();
		exit(0);
	}
	parent();
	if (write(ends[1], "", 1) != 1)
		die("write");
	wait(&status);
}

static void drop_all(void)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog prog = { ARRAY_SIZE(none), none };

	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		     sizeof(prog)));
}

static void look_at_filter(void)
{
	struct pollfd fd = { .fd = sock_b, .events = POLLIN };
	static struct sock_filter insn[4];
	socklen_t len = INT_MAX;

	T(poll(&fd, 1, 0));
	T(getsockopt(sock_b, SOL_SOCKET, SO_GET_FILTER, insn, &len));
	printf("  %u, %x %x\n", len, insn[0].code, insn[0].k);
}

static void detach_filter(void)
{
	int none = 0;

	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &none,
		     sizeof(none)));
	T(setsockopt(sock_b, SOL_SOCKET, SO_DETACH_FILTER, &none,
		     sizeof(none)));
}

static void filter_of_the_parent(void)
{
	make_pair();
	in_child(look_at_filter, drop_all);
	deliver("abc");
	show_rest(sock_b);
	in_child(detach_filter, drop_all);
	deliver("abc");
	show_rest(sock_b);
}

/* One that accepts everything. */
static int ebpf_program(void)
{
	static const struct bpf_insn insn[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				.insn_cnt = ARRAY_SIZE(insn),
				.insns = (uintptr_t)insn,
				.license = (uintptr_t) "MIT" };
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		skip("bpf");
	return fd;
}

static void ebpf(void)
{
	int program = ebpf_program();

	make_pair();
	T(setsockopt(sock_b, SOL_SOCKET, SO_ATTACH_BPF, &program,
		     sizeof(program)));
	deliver("abc");
	show_rest(sock_b);
}

/* One that would choose from the sockets of a port. */
static void ebpf_chooser(void)
{
	int program = ebpf_program(), one = 1, fd = sock();

	T(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program,
		     sizeof(program)));
}

static void unmapped(size_t len)
{
	char *at = page(PROT_READ | PROT_WRITE);

	make_pair();
	connect_to(sock_a, &addr_b);
	T(send(sock_a, at, len, 0));
	munmap(at, 8192);
	T(send(sock_a, at, len, 0));
}

static void unmapped_payload(void)
{
	unmapped(100);
}

static void unmapped_long_payload(void)
{
	unmapped(5000);
}

static void made_readonly(size_t len)
{
	char *at = page(PROT_READ | PROT_WRITE);

	make_pair();
	for (int i = 0; i < 2; i++) {
		deliver("abc");
		T(recv(sock_b, at, len, 0));
		mprotect(at, 8192, PROT_READ);
	}
}

static void readonly_buffer(void)
{
	made_readonly(100);
}

static void readonly_large_buffer(void)
{
	made_readonly(5000);
}

static void readonly_long_payload(void)
{
	static char payload[9000];
	char *at = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	make_pair();
	connect_to(sock_a, &addr_b);
	for (int i = 0; i < 2; i++) {
		T(send(sock_a, payload, sizeof(payload), 0));
		T(recv(sock_b, at, 16384, 0));
		mprotect(at, 16384, PROT_READ);
	}
}

SCENARIOS({ "pending_error_and_a_bad_vector", pending_error_and_a_bad_vector },
	  { "filter_without_a_descriptor", filter_without_a_descriptor },
	  { "ebpf", ebpf }, { "ebpf_chooser", ebpf_chooser },
	  { "filter_of_the_parent", filter_of_the_parent },
	  { "unmapped_payload", unmapped_payload },
	  { "unmapped_long_payload", unmapped_long_payload },
	  { "readonly_buffer", readonly_buffer },
	  { "readonly_large_buffer", readonly_large_buffer },
	  { "readonly_long_payload", readonly_long_payload },
	  { "room_for_address", room_for_address },
	  { "length_under_the_payload", length_under_the_payload },
	  { "many_iovecs", many_iovecs }, { "pending_error", pending_error },
	  { "filter_from_next_number", filter_from_next_number },
	  { "many_messages", many_messages }, { "too_long", too_long },
	  { "endless_buffers", endless_buffers },
	  { "endless_error_buffers", endless_error_buffers },
	  { "fault_in_the_error_queue", fault_in_the_error_queue },
	  { "fault_in_a_frame", fault_in_a_frame },
	  { "nothing_at_a_bad_place", nothing_at_a_bad_place },
	  { "name_of_no_length", name_of_no_length },
	  { "bad_names", bad_names }, { "probes", probes },
	  { "compat", compat }, { "unix_pair", unix_pair },
	  { "refused_bind", refused_bind }, { "refused_send", refused_send },
	  { "bound_by_the_parent", bound_by_the_parent })
