// SPDX-License-Identifier: MIT
/*
 * udplite.c - UDP-Lite: the kernel's own, or that of transports/udplite. Called as
 * "udplite KIND SCENARIO"; as "udplite refused COMMAND..." it runs a command behind a
 * filter with which the kernel has no UDP-Lite.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "prog.h"

#define UDPLITE 136
#define SEND	10
#define RECV	11

static int lite(void)
{
	int fd = socket(PF_INET, SOCK_DGRAM, UDPLITE);

	if (fd < 0)
		die("socket");
	return fd;
}

static int lite_at(char name, const char *ip)
{
	struct sockaddr_in addr = addr_of(ip, 0);
	int fd = lite();

	if (bind(fd, SA(&addr), sizeof(addr)))
		die("bind");
	know(name, fd);
	return fd;
}

static int get(int fd, int level, int optname)
{
	socklen_t len = sizeof(int);
	int value = -99;

	if (getsockopt(fd, level, optname, &value, &len))
		return -errno;
	return value;
}

static int set(int fd, int level, int optname, int value)
{
	return setsockopt(fd, level, optname, &value, sizeof(value)) ? -errno
								     : 0;
}

/* ---- options ----------------------------------------------------------------- */

static void values(void)
{
	static const int all[] = { 0,	  1,	 7,	  8,  9,  20,  65534,
				   65535, 65536, 1 << 30, -1, -8, 255, 256 };
	static const int levels[] = { UDPLITE, IPPROTO_UDP };
	int fd = lite();

	printf("new: %d %d\n", get(fd, UDPLITE, SEND), get(fd, UDPLITE, RECV));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (int l = 0; l < 2; l++)
			for (int opt = SEND; opt <= RECV; opt++)
				printf("%d: %d, %d %d\n", all[i],
				       set(fd, levels[l], opt, all[i]),
				       get(fd, UDPLITE, opt),
				       get(fd, IPPROTO_UDP, opt));
}

static void lengths(void)
{
	int fd = lite(), value = 20;
	unsigned char room[8];
	socklen_t len;

	for (int n = -1; n <= 8; n++)
		T(setsockopt(fd, UDPLITE, SEND, &value, n));
	T(setsockopt(fd, UDPLITE, SEND, no_ptr, 4));
	T(setsockopt(fd, UDPLITE, SEND, BAD_PTR, 4));
	T(setsockopt(fd, UDPLITE, SEND, BAD_PTR, 3));
	for (int n = -1; n <= 8; n++) {
		memset(room, '.', sizeof(room));
		len = n;
		T(getsockopt(fd, UDPLITE, SEND, room, &len));
		printf("  %d %02x %02x %02x %02x %02x\n", (int)len, room[0],
		       room[1], room[2], room[3], room[4]);
	}
	len = 4;
	T(getsockopt(fd, UDPLITE, SEND, no_ptr, &len));
	T(getsockopt(fd, UDPLITE, SEND, room, no_ptr));
	T(getsockopt(fd, UDPLITE, SEND, BAD_PTR, &len));
	len = 0;
	T(getsockopt(fd, UDPLITE, SEND, BAD_PTR, &len));
}

/* What the socket is, and that other sockets have no such options. */
static void kinds(void)
{
	int fd = lite(), udp = socket(PF_INET, SOCK_DGRAM, 0), on = 1;

	printf("type %d, protocol %d, domain is ours: %d\n",
	       get(fd, SOL_SOCKET, SO_TYPE), get(fd, SOL_SOCKET, SO_PROTOCOL),
	       get(fd, SOL_SOCKET, SO_DOMAIN) == PF_INET);
	T(setsockopt(udp, UDPLITE, SEND, &on, sizeof(on)));
	T(setsockopt(udp, IPPROTO_UDP, RECV, &on, sizeof(on)));
	T(socket(PF_INET, SOCK_STREAM, UDPLITE));
	T(socket(PF_INET, SOCK_RDM, UDPLITE));
	printf("%d\n", set(fd, UDPLITE, 999, 1));
	printf("%d\n", get(fd, UDPLITE, 999));
	printf("%d %d %d\n", get(fd, SOL_SOCKET, SO_NO_CHECK),
	       set(fd, SOL_SOCKET, SO_NO_CHECK, 1),
	       get(fd, SOL_SOCKET, SO_NO_CHECK));
}

/* The library sets such an option itself: the program sees its own value. */
static void pktinfo_option(void)
{
	const int six = PF_INET == AF_INET6;
	const int level = six ? IPPROTO_IPV6 : IPPROTO_IP;
	const int opt = six ? IPV6_RECVPKTINFO : IP_PKTINFO;
	int fd = lite();

	for (int value = 0; value < 3; value++)
		printf("%d: %d %d\n", get(fd, level, opt),
		       set(fd, level, opt, value), get(fd, level, opt));
	T(setsockopt(fd, level, opt, &fd, 0));
	T(setsockopt(fd, level, opt, no_ptr, 4));
	T(setsockopt(fd, level, opt, "\0", 1));
	printf("%d\n", get(fd, level, opt));
}

/* ---- data -------------------------------------------------------------------- */

static void pass(int tx, int rx, const struct sockaddr_in *to, size_t len)
{
	static unsigned char out[70000], in[70000];
	ssize_t n;

	for (size_t i = 0; i < len; i++)
		out[i] = i * 7 % 251;
	fromlen = sizeof(from);
	n = sendto(tx, out, len, 0, SA(to), sizeof(*to));
	printf("%zu: %zd ", len, n < 0 ? (ssize_t)-errno : n);
	memset(in, 0, sizeof(in));
	n = recvfrom(rx, in, sizeof(in), MSG_DONTWAIT, SA(&from), &fromlen);
	printf("%zd %s", n < 0 ? (ssize_t)-errno : n,
	       memcmp(in, out, len) ? "other" : "same");
	show_addr(&from, fromlen);
}

static void pass_all(int tx, int rx, const struct sockaddr_in *to)
{
	static const size_t lens[] = { 0,    1,	   2,	 3,    11,   12,
				       13,   31,   63,	 64,   65,   127,
				       1400, 2047, 2048, 2049, 9001, 65000 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		pass(tx, rx, to, lens[i]);
}

static void exchange(void)
{
	int a = lite_at('A', "127.0.0.1"), b = lite_at('B', "127.0.0.1");
	struct sockaddr_in at = name_of(b);

	pass_all(a, b, &at);
	connect_to(a, &at);
	at = name_of(a);
	connect_to(b, &at);
	pass_all(b, a, &at);
}

/* The kernel chooses the source, and the library must know which. */
static void from_anywhere(void)
{
	static const char *const ips[] = { "127.0.0.1", "127.1.2.3" };
	int a = lite_at('A', "0.0.0.0"), b = lite_at('B', "0.0.0.0");
	struct sockaddr_in at;
	int c = lite();

	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		at = addr_of(ips[i], ntohs(name_of(b).sin_port));
		pass_all(a, b, &at);
	}
	at = addr_of("0.0.0.0", ntohs(name_of(b).sin_port));
	pass(a, b, &at, 100);
	at = addr_of("127.0.0.1", ntohs(name_of(b).sin_port));
	connect_to(c, &at);
	know('C', c);
	pass(c, b, &at, 100);
	pass(a, b, &at, 3000);
#ifdef PROG_INET6
	b = lite_at('D', "::ffff:0.0.0.0");
	at = addr_of("127.1.2.3", ntohs(name_of(b).sin_port));
	pass(b, b, &at, 100);
	pass(a, b, &at, 3000);
#endif
}

/* What is queued was sent to another address than the one that connect chooses. */
static void queued_before_connect(void)
{
	int a = lite_at('A', "0.0.0.0"), b = lite_at('B', "0.0.0.0");
	struct sockaddr_in to =
		addr_of("127.1.2.3", ntohs(name_of(b).sin_port));
	struct sockaddr_in peer =
		addr_of("127.0.0.1", ntohs(name_of(a).sin_port));

	for (int i = 0; i < 2; i++)
		T(sendto(a, "text", 4, 0, SA(&to), sizeof(to)));
	connect_to(b, &peer);
	R(recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	R(recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, SA(&from), &fromlen));
}

/* A message that names no source leaves it to the route, whatever the socket says. */
static void source_by_message(void)
{
	unsigned char control[CMSG_SPACE(sizeof(struct in_pktinfo))]
		__attribute__((aligned(8)));
	static const char *const ips[] = { "0.0.0.0", "127.0.0.3" };
	int a = lite_at('A', "127.0.0.2"), b = lite_at('B', "127.0.0.4");
	struct sockaddr_in to = name_of(b);
	struct iovec iov = { "text", 4 };
	struct msghdr msg = { .msg_name = &to,
			      .msg_namelen = sizeof(to),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		struct in_pktinfo info = { 0 };
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

		inet_pton(IPV4, ips[i], &info.ipi_spec_dst);
		*cmsg = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IP,
					  IP_PKTINFO };
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		T(sendmsg(a, &msg, 0));
		R(recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, SA(&from),
			   &fromlen));
	}
}

static void coverages(void)
{
	static const int all[] = { 0, 8, 9, 10, 50, 72, 73, 1408, 65535 };
	static const size_t lens[] = { 0, 1, 64, 1400, 5000 };
	int a = lite_at('A', "127.0.0.1"), b = lite_at('B', "127.0.0.1");
	struct sockaddr_in at = name_of(b);

	for (size_t s = 0; s < ARRAY_SIZE(all); s++)
		for (size_t r = 0; r < ARRAY_SIZE(all); r++) {
			set(a, UDPLITE, SEND, all[s]);
			set(b, UDPLITE, RECV, all[r]);
			printf("%d to %d\n", all[s], all[r]);
			for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
				pass(a, b, &at, lens[i]);
		}
}

static void show_control(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		printf("  level %d type %d len %zu\n", c->cmsg_level,
		       c->cmsg_type, c->cmsg_len);
	printf("  %zu bytes, flags %#x\n", msg->msg_controllen, msg->msg_flags);
}

/* Control messages of each receive, with room for all of them and for a part. */
static void show_messages(int tx, int rx, const struct sockaddr_in *to)
{
	static const size_t rooms[] = { 0, 8, 16, 20, 24, 28, 32, 40, 56, 200 };
	unsigned char control[256] __attribute__((aligned(8)));

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = rooms[i] };

		sendto(tx, "text", 4, 0, SA(to), sizeof(*to));
		T(recvmsg(rx, &msg, 0));
		show_control(&msg);
	}
}

static void control(void)
{
	const int six = PF_INET == AF_INET6;
	const int level = six ? IPPROTO_IPV6 : IPPROTO_IP;
	int a = lite_at('A', "127.0.0.1"), b = lite_at('B', "0.0.0.0");
	struct sockaddr_in at =
		addr_of("127.0.0.1", ntohs(name_of(b).sin_port));

	show_messages(a, b, &at);
	set(b, level, six ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1);
	show_messages(a, b, &at);
	set(b, level, six ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
	show_messages(a, b, &at);
	set(b, SOL_SOCKET, SO_TIMESTAMP, 1);
	show_messages(a, b, &at);
	set(b, level, six ? IPV6_RECVPKTINFO : IP_PKTINFO, 0);
	show_messages(a, b, &at);
}

static bool is_untouched(const unsigned char *room, size_t len)
{
	while (len && room[len - 1] == 0xa5)
		len--;
	return !len;
}

/* Whether a receive that fails leaves names and control messages as they were. */
static void receive_none(int fd, void *payload)
{
	unsigned char name[128], control[256] __attribute__((aligned(8)));
	struct iovec iov = { payload, 100 };
	struct msghdr msg = { .msg_name = memset(name, 0xa5, sizeof(name)),
			      .msg_namelen = sizeof(name),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = memset(control, 0xa5, 256),
			      .msg_controllen = sizeof(control) };

	T(recvmsg(fd, &msg, MSG_DONTWAIT));
	printf("name %d control %d\n", is_untouched(name, sizeof(name)),
	       is_untouched(control, sizeof(control)));
}

static void nothing_came(void)
{
	const int six = PF_INET == AF_INET6;
	int a = lite_at('A', "127.0.0.1"), b = lite_at('B', "127.0.0.1");
	struct sockaddr_in at = name_of(b);
	socklen_t len = sizeof(from);

	set(b, six ? IPPROTO_IPV6 : IPPROTO_IP,
	    six ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1);
	T(sendto(a, "text", 4, 0, SA(&at), sizeof(at)));
	receive_none(b, no_ptr);
	set(a, UDPLITE, SEND, 8);
	set(b, UDPLITE, RECV, 9);
	T(sendto(a, "text", 4, 0, SA(&at), sizeof(at)));
	receive_none(b, buf);
	T(sendto(a, "text", 4, 0, SA(&at), sizeof(at)));
	memset(&from, 0xa5, sizeof(from));
	T(recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, SA(&from), &len));
	printf("name %d\n", is_untouched((void *)&from, sizeof(from)));
}

static void errors(void)
{
	unsigned char control[256] __attribute__((aligned(8)));
	const int six = PF_INET == AF_INET6;
	int a = lite_at('A', "127.0.0.1"), b = lite_at('B', "127.0.0.1");
	struct sockaddr_in at = name_of(b);
	struct msghdr msg = { .msg_control = control,
			      .msg_controllen = sizeof(control) };

	set(a, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVERR : IP_RECVERR,
	    1);
	close(b);
	T(sendto(a, "text", 4, 0, SA(&at), sizeof(at)));
	T(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	T(recvmsg(a, &msg, MSG_ERRQUEUE));
	show_control(&msg);
	T(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
}

/* UDP's rule for ports, which UDP-Lite has, too. */
static void shared(void)
{
	int a = lite_at('A', "127.0.0.1"), b = lite(), c = lite();
	struct sockaddr_in at = name_of(a);

	T(bind(b, SA(&at), sizeof(at)));
	set(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set(b, SOL_SOCKET, SO_REUSEADDR, 1);
	printf("%d %d\n", get(b, SOL_SOCKET, SO_REUSEADDR),
	       get(c, SOL_SOCKET, SO_REUSEADDR));
	T(bind(b, SA(&at), sizeof(at)));
	at = addr_of("127.0.0.2", ntohs(at.sin_port));
	T(bind(c, SA(&at), sizeof(at)));
}

/* ---- the filter -------------------------------------------------------------- */

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

static void refuse_udplite(void)
{
	struct sock_filter insn[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UDPLITE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(insn), insn };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		skip("seccomp");
}

static void run_behind(char **argv)
{
	refuse_udplite();
	execvp(argv[0], argv);
	die(argv[0]);
}

static void none(void)
{
	T(socket(PF_INET, SOCK_DGRAM, UDPLITE));
}

int main(int argc, char **argv)
{
	static const struct scenario all[] = {
		{ "values", values },
		{ "lengths", lengths },
		{ "kinds", kinds },
		{ "pktinfo_option", pktinfo_option },
		{ "exchange", exchange },
		{ "from_anywhere", from_anywhere },
		{ "queued_before_connect", queued_before_connect },
		{ "source_by_message", source_by_message },
		{ "coverages", coverages },
		{ "control", control },
		{ "errors", errors },
		{ "nothing_came", nothing_came },
		{ "shared", shared },
		{ "none", none },
	};

	if (argc > 2 && !strcmp(argv[1], "refused"))
		run_behind(argv + 2);
	return play(all, ARRAY_SIZE(all), argc, argv);
}
