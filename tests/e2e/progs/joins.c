// SPDX-License-Identifier: MIT
/*
 * joins.c - receives of several datagrams that the kernel has joined: UDP_GRO.
 *
 * A send that is cut (UDP_SEGMENT) arrives joined.
 */
#include <limits.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "prog.h"

static char data[70000], got[70000];

static int join(int fd, int on)
{
	return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
}

static void show_option(int fd)
{
	socklen_t len = sizeof(int);
	int on = -1;

	T(getsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, &len));
	printf("  value %d, %u bytes\n", on, len);
}

/* @len bytes in pieces of @size. */
static void send_pieces(size_t len, int size)
{
	if (setsockopt(sock_a, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		die("UDP_SEGMENT");
	if (send(sock_a, data, len, 0) != (ssize_t)len)
		die("send");
}

static void start(void)
{
	int size = 1 << 22;

	connect_pair();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = 'a' + i / 10 % 26;
	setsockopt(sock_b, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(sock_a, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (join(sock_b, 1))
		skip("no UDP_GRO");
}

static void show_control(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		int value = 0;

		printf("  level %d type %d, %zu bytes", c->cmsg_level,
		       c->cmsg_type, (size_t)c->cmsg_len);
		memcpy(&value, CMSG_DATA(c),
		       c->cmsg_len < CMSG_LEN(sizeof(value))
			       ? c->cmsg_len - CMSG_LEN(0)
			       : sizeof(value));
		if (c->cmsg_level == IPPROTO_UDP)
			printf(": %d", value);
		printf("\n");
	}
}

/* What came is the data, from its first byte on. Behind the room nothing changes. */
static void show_message(ssize_t n, size_t room, struct msghdr *msg)
{
	size_t there = (size_t)n < room ? (size_t)n : room;

	printf("  %zd, flags %x, %zu of control, name %u", n,
	       msg->msg_flags & ~MSG_CMSG_CLOEXEC, (size_t)msg->msg_controllen,
	       msg->msg_namelen);
	if (n >= 0)
		printf(", %s, behind %02x\n",
		       memcmp(got, data, there) ? "other bytes" : "the data",
		       got[room] & 0xff);
	else
		printf(" %s\n", strerrorname_np(errno));
	if (n >= 0)
		show_control(msg);
}

static void receive(size_t room, size_t control_room, int flags)
{
	char control[2048] __attribute__((aligned(8)));
	struct sockaddr_in name = { 0 };
	struct iovec iov = { got, room };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_name = &name,
			      .msg_namelen = sizeof(name),
			      .msg_control = control_room ? control : NULL,
			      .msg_controllen = control_room };
	ssize_t n;

	memset(got, 0xee, sizeof(got));
	n = recvmsg(sock_b, &msg, flags | MSG_DONTWAIT);
	show_message(n, room, &msg);
}

static void option(void)
{
	int on = 1;

	start();
	show_option(sock_a);
	show_option(sock_b);
	T(join(sock_b, 7));
	show_option(sock_b);
	T(join(sock_b, -1));
	show_option(sock_b);
	T(join(sock_b, 0));
	show_option(sock_b);
	T(setsockopt(sock_b, IPPROTO_UDP, UDP_GRO, &on, 3));
	T(setsockopt(sock_b, IPPROTO_UDP, UDP_GRO, &on, -1));
	T(setsockopt(sock_b, IPPROTO_UDP, UDP_GRO, BAD_PTR, 4));
	T(setsockopt(sock_b, IPPROTO_UDP, UDP_GRO, data, 100));
	show_option(sock_b);
}

static void lengths(void)
{
	static const struct {
		size_t len;
		int size;
	} c[] = { { 350, 100 }, { 300, 100 },  { 101, 100 },	{ 100, 100 },
		  { 99, 100 },	{ 0, 100 },    { 200, 1 },	{ 128, 1 },
		  { 2, 1 },	{ 6400, 100 }, { 64000, 1200 }, { 9000, 8999 },
		  { 5000, 0 } };

	start();
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		if (c[i].len / (c[i].size ?: 1) > 128 && c[i].size)
			continue;
		printf("%zu at %d\n", c[i].len, c[i].size);
		send_pieces(c[i].len, c[i].size);
		receive(sizeof(got) - 1, 256, 0);
	}
	receive(sizeof(got) - 1, 256, 0);
}

/* A look leaves all there, and a small buffer gets the first bytes of the payload. */
static void rooms(void)
{
	static const size_t rooms[] = { 1000, 350, 349, 300, 101, 100,
					99,   17,  16,	1,   0 };

	start();
	send_pieces(350, 100);
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		receive(rooms[i], 256, MSG_PEEK);
		receive(rooms[i], 256, MSG_PEEK | MSG_TRUNC);
		receive(rooms[i], 0, MSG_PEEK | MSG_TRUNC);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		send_pieces(i ? 350 : 100, 100);
		receive(rooms[i], 256, i % 2 ? MSG_TRUNC : 0);
	}
	send_pieces(60000, 1000);
	receive(3000, 0, MSG_TRUNC);
	receive(3000, 0, 0);
}

static void controls(void)
{
	const int on = 1;

	start();
	for (int more = 0; more < 2; more++) {
		for (size_t room = 0; room < 110; room += room < 50 ? 1 : 4) {
			send_pieces(350, 100);
			printf("room %zu\n", room);
			receive(1000, room, 0);
		}
		send_pieces(350, 100);
		receive(1000, 512, 0);
		send_pieces(350, 100);
		receive(1000, 2048, MSG_PEEK);
		receive(1000, 2048, 0);
		send_pieces(35, 100);
		receive(1000, 2048, 0);
		setsockopt(sock_b, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
		setsockopt(sock_b, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		setsockopt(sock_b, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
			   sizeof(on));
		setsockopt(sock_b, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on,
			   sizeof(on));
	}
}

/* Control messages that can't be written are lost, and the payloads come as ever. */
static void control_faults(void)
{
	void *const only_read =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *const at[] = { BAD_PTR, only_read };
	struct iovec iov = { got, sizeof(got) - 1 };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	start();
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		for (size_t room = 64; room <= 1024; room *= 2) {
			vec.msg_hdr.msg_control = at[i];
			vec.msg_hdr.msg_controllen = room;
			send_pieces(350, 100);
			show_message(recvmsg(sock_b, &vec.msg_hdr, 0),
				     iov.iov_len, &vec.msg_hdr);
			vec.msg_hdr.msg_controllen = room;
			send_pieces(350, 100);
			T(recvmmsg(sock_b, &vec, 1, 0, NULL));
			show_message(vec.msg_len, iov.iov_len, &vec.msg_hdr);
		}
}

static void show_got(ssize_t n)
{
	printf("  %zd: %s, behind %02x\n", n,
	       n > 0 && !memcmp(got, data, n) ? "the data" : "other bytes",
	       got[1000] & 0xff);
	memset(got, 0xee, sizeof(got));
}

#define GOT(call)             \
	do {                  \
		ssize_t n_;   \
		T(n_ = call); \
		show_got(n_); \
	} while (0)

static void calls(void)
{
	struct iovec iov[4] = { { got, 130 },
				{ got + 130, 0 },
				{ got + 130, 1 },
				{ got + 131, 319 } };
	struct sockaddr_in name;
	socklen_t len = sizeof(name);

	start();
	for (int i = 0; i < 8; i++)
		send_pieces(450, 100);
	GOT(read(sock_b, got, 1000));
	GOT(readv(sock_b, iov, 4));
	GOT(readv(sock_b, iov, 3));
	GOT(recv(sock_b, got, 1000, 0));
	GOT(recv(sock_b, got, 200, MSG_TRUNC));
	GOT(recvfrom(sock_b, got, 1000, 0, SA(&name), &len));
	show_addr(&name, len);
	GOT(recv(sock_b, got, 1000, MSG_PEEK));
	GOT(recv(sock_b, BAD_PTR, 1000, 0));
	GOT(recv(sock_b, got, 1000, 0));
	T(recv(sock_b, got, 1000, MSG_DONTWAIT));
}

static void many(void)
{
	static char rooms[6][2000];
	char control[6][64] __attribute__((aligned(8)));
	struct iovec iov[6];
	struct mmsghdr vec[6] = { 0 };

	start();
	send_pieces(450, 100);
	send_pieces(100, 0);
	send_pieces(1800, 600);
	send_pieces(2, 1);
	for (int i = 0; i < 6; i++) {
		iov[i] = (struct iovec){ rooms[i], i == 2 ? 700 : 2000 };
		vec[i].msg_hdr = (struct msghdr){
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = i == 3 ? NULL : control[i],
			.msg_controllen = i == 3 ? 0 : sizeof(control[i]),
		};
	}
	T(recvmmsg(sock_b, vec, 6, MSG_DONTWAIT, NULL));
	for (int i = 0; i < 4; i++) {
		memcpy(got, rooms[i], sizeof(rooms[i]));
		got[iov[i].iov_len] = 0;
		show_message(vec[i].msg_len, iov[i].iov_len, &vec[i].msg_hdr);
	}
	T(recvmmsg(sock_b, vec, 6, MSG_DONTWAIT, NULL));
	send_pieces(450, 100);
	send_pieces(450, 100);
	T(recvmmsg(sock_b, vec, 1, MSG_PEEK, NULL));
	T(recvmmsg(sock_b, vec, 6, MSG_WAITFORONE, NULL));
}

/* Rooms for the longest datagram, as programs have them that set the option. */
static void many_large(void)
{
	static char rooms[20][65536],
		control[20][1024] __attribute__((aligned(8)));
	struct iovec iov[20][2];
	struct mmsghdr vec[20] = { 0 };
	struct sockaddr_in names[20];
	int n, on = 1;

	start();
	setsockopt(sock_b, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
	for (int i = 0; i < 18; i++)
		send_pieces(i * 301 % 1000, i % 3 ? 100 : 0);
	send_pieces(60000, 1000);
	for (int i = 0; i < 20; i++) {
		iov[i][0] = (struct iovec){ rooms[i], i % 5 ? 65535 : 70 };
		iov[i][1] = (struct iovec){ rooms[i] + iov[i][0].iov_len,
					    i % 5 ? 0 : 65466 };
		vec[i].msg_hdr = (struct msghdr){
			.msg_iov = iov[i],
			.msg_iovlen = 2,
			.msg_name = i % 2 ? &names[i] : NULL,
			.msg_namelen = i % 2 ? sizeof(names[i]) : 0,
			.msg_control = i % 4 ? control[i] : NULL,
			.msg_controllen = i % 4 * 300,
		};
	}
	vec[13].msg_hdr.msg_controllen = 50;
	T(n = recvmmsg(sock_b, vec, 20, MSG_DONTWAIT, NULL));
	for (int i = 0; i < n; i++) {
		memcpy(got, rooms[i], sizeof(rooms[i]));
		show_message(vec[i].msg_len, 65536, &vec[i].msg_hdr);
		if (i % 2)
			show_addr(&names[i], vec[i].msg_hdr.msg_namelen);
	}
	T(recvmmsg(sock_b, vec, 20, MSG_DONTWAIT, NULL));
	send_pieces(450, 100);
	vec[1].msg_hdr.msg_iov = BAD_PTR;
	T(recvmmsg(sock_b, vec, 20, MSG_DONTWAIT, NULL));
	send_pieces(450, 100);
	T(recvmmsg(sock_b, vec, 20, MSG_DONTWAIT, NULL));
	T(recvmmsg(sock_b, vec, 1, MSG_DONTWAIT, NULL));
}

static void show_readable(void)
{
	struct pollfd p = { .fd = sock_b, .events = POLLIN };
	int n = -1;

	T(poll(&p, 1, 0));
	T(ioctl(sock_b, FIONREAD, &n));
	printf("  %d bytes\n", n);
}

static void readable(void)
{
	start();
	show_readable();
	send_pieces(450, 100);
	send_pieces(60000, 1200);
	send_pieces(20, 100);
	for (int i = 0; i < 4; i++) {
		show_readable();
		receive(70, 0, 0);
	}
}

/* What is joined already stays so, and comes without its control message. */
static void turned_off(void)
{
	start();
	send_pieces(350, 100);
	send_pieces(2000, 1000);
	T(join(sock_b, 0));
	show_option(sock_b);
	send_pieces(350, 100);
	receive(1000, 256, MSG_PEEK);
	show_readable();
	receive(1000, 256, 0);
	receive(1000, 256, 0);
	for (int i = 0; i < 5; i++)
		receive(1000, 256, 0);
	send_pieces(200, 100);
	receive(1000, 256, 0);
	T(join(sock_b, 1));
	send_pieces(200, 100);
	for (int i = 0; i < 3; i++)
		receive(1000, 256, 0);
	send_pieces(300, 100);
	T(join(sock_b, 0));
	T(join(sock_b, 1));
	receive(1000, 256, 0);
}

static void many_iovecs(void)
{
	static struct iovec iov[1024];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1024 };
	char control[64] __attribute__((aligned(8)));

	start();
	for (size_t i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){ got + 60 * (i / 2), i % 2 ? 60 : 0 };
	for (size_t n = 1024; n > 2; n = n / 2 - 3) {
		send_pieces(10000, 300);
		memset(got, 0xee, sizeof(got));
		msg.msg_iovlen = n;
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		show_message(recvmsg(sock_b, &msg, MSG_DONTWAIT), n / 2 * 60,
			     &msg);
	}
	send_pieces(10000, 300);
	iov[99].iov_base = BAD_PTR;
	msg.msg_iovlen = 1024;
	T(recvmsg(sock_b, &msg, MSG_DONTWAIT));
	T(recvmsg(sock_b, &msg, MSG_DONTWAIT));
}

/* The first iovec can be written, and the second one can't. */
static void receive_half(size_t first, size_t second, bool many)
{
	char control[300] __attribute__((aligned(8)));
	struct iovec iov[] = { { got, first }, { (void *)8, second } };
	struct mmsghdr one = { .msg_hdr = { .msg_iov = iov, .msg_iovlen = 2 } };
	ssize_t n;

	memset(got, 0xee, sizeof(got));
	memset(control, 0x55, sizeof(control));
	one.msg_hdr.msg_control = control;
	one.msg_hdr.msg_controllen = sizeof(control);
	if (many)
		n = recvmmsg(sock_b, &one, 1, MSG_DONTWAIT, NULL);
	else
		n = recvmsg(sock_b, &one.msg_hdr, MSG_DONTWAIT);
	show_message(many && n > 0 ? one.msg_len : n, first, &one.msg_hdr);
	printf("  control %x\n", *(unsigned int *)control);
}

static void bad_iovecs(void)
{
	static const size_t second[] = { 8, 66000 };
	const struct iovec iov[] = { { got, 350 }, { (void *)8, 1 } };

	start();
	for (size_t i = 0; i < ARRAY_SIZE(second); i++) {
		for (int many = 0; many < 2; many++) {
			send_pieces(350, 100);
			receive_half(351, second[i], many);
			send_pieces(350, 100);
			receive_half(340, second[i], many);
			receive_half(340, second[i], many);
			send_pieces(100, 100);
			receive_half(101, second[i], many);
		}
	}
	send_pieces(350, 100);
	T(readv(sock_b, iov, 2));
}

static void inherited(void)
{
	start();
	send_pieces(350, 100);
	fflush(stdout);
	if (!fork()) {
		show_option(sock_b);
		receive(1000, 256, 0);
		exit(0);
	}
	wait(NULL);
	send_pieces(350, 100);
	receive(1000, 256, MSG_PEEK);
	dup2(sock_a, 60);
	dup2(sock_b, 61);
	fflush(stdout);
	execl("/proc/self/exe", "joins", kind, "heir", NULL);
	die("exec");
}

static void heir(void)
{
	sock_a = 60;
	sock_b = 61;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = 'a' + i / 10 % 26;
	show_option(sock_b);
	receive(1000, 256, 0);
	send_pieces(350, 100);
	receive(1000, 256, 0);
	send_pieces(250, 100);
	T(join(sock_b, 0));
	show_option(sock_b);
	send_pieces(250, 100);
	for (int i = 0; i < 5; i++)
		receive(1000, 256, 0);
}

/* The child turns the option off, and the parent does not see that. */
static void turned_off_elsewhere(void)
{
	start();
	send_pieces(350, 100);
	send_pieces(350, 100);
	fflush(stdout);
	if (!fork()) {
		T(join(sock_b, 0));
		receive(1000, 256, 0);
		exit(0);
	}
	wait(NULL);
	send_pieces(250, 100);
	for (int i = 0; i < 5; i++)
		receive(1000, 256, 0);
}

/* Only the kernel knows the option of a socket that was shared before it was set. */
static void turned_on_in(pid_t (*make_child)(void))
{
	start();
	T(join(sock_b, 0));
	fflush(stdout);
	if (!make_child()) {
		T(join(sock_b, 1));
		show_option(sock_b);
		exit(0);
	}
	wait(NULL);
	show_option(sock_b);
	send_pieces(250, 100);
	for (int i = 0; i < 4; i++)
		receive(1000, 256, 0);
}

static void turned_on_elsewhere(void)
{
	turned_on_in(fork);
}

static pid_t by_syscall(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void turned_on_unwrapped(void)
{
	turned_on_in(by_syscall);
}

static void *receive_all(void *arg)
{
	receive(1000, 0, 0);
	receive(60000, 256, 0);
	T(recvmmsg(sock_b, arg, 16, MSG_DONTWAIT, NULL));
	return NULL;
}

static void small_stack(void)
{
	static char rooms[16][65536];
	struct iovec iov[16];
	struct mmsghdr vec[16] = { 0 };
	pthread_attr_t attr;
	pthread_t thread;

	start();
	for (int i = 0; i < 16; i++) {
		iov[i] = (struct iovec){ rooms[i], sizeof(rooms[i]) };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	for (int i = 0; i < 10; i++) /* an ordinary user's queue holds 13 */
		send_pieces(12800, 100);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	fflush(stdout);
	if (pthread_create(&thread, &attr, receive_all, vec))
		die("pthread_create");
	pthread_join(thread, NULL);
}

/* The datagrams of a batch are joined on COP, and not on UDP. */
static void batch(void)
{
	struct iovec iov[8];
	struct mmsghdr vec[8] = { 0 };

	start();
	for (int i = 0; i < 8; i++) {
		iov[i] = (struct iovec){ data + 100 * i, i == 7 ? 0 : 100 };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	T(sendmmsg(sock_a, vec, 8, 0));
	for (int i = 0; i < 3; i++)
		receive(1000, 256, 0);
	for (int i = 0; i < 8; i++)
		iov[i].iov_len = 0;
	T(sendmmsg(sock_a, vec, 8, 0));
	show_rest(sock_b);
}

SCENARIOS({ "option", option }, { "lengths", lengths }, { "rooms", rooms },
	  { "controls", controls }, { "control_faults", control_faults },
	  { "calls", calls }, { "many", many }, { "many_large", many_large },
	  { "readable", readable }, { "turned_off", turned_off },
	  { "many_iovecs", many_iovecs }, { "bad_iovecs", bad_iovecs },
	  { "inherited", inherited }, { "heir", heir },
	  { "turned_off_elsewhere", turned_off_elsewhere },
	  { "turned_on_elsewhere", turned_on_elsewhere },
	  { "turned_on_unwrapped", turned_on_unwrapped },
	  { "small_stack", small_stack }, { "batch", batch })
