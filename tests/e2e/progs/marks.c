// SPDX-License-Identifier: MIT
/*
 * marks.c - descriptors with forged marks: a peer, or the program that calls exec(),
 * has written on its sockets what it likes, by system calls that no library sees.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "netns.h"
#include "raw.h"

#define FEW    64 /* descriptors in a message; none passes more than 253 */
#define ROUNDS 40 /* messages, and execs */
#define OTHER  30 /* files that a program starts with otherwise, at most */

/* ---- marks ------------------------------------------------------------------ */

#define WORDS 8

struct mark {
	unsigned int len;
	struct sock_filter code[64];
};

static void put(struct mark *mark, uint16_t code, uint32_t k)
{
	mark->code[mark->len++] = (struct sock_filter)BPF_STMT(code, k);
}

/* What the library writes on a socket of this type, without a filter. */
static struct mark mark_of(uint8_t type, uint16_t protocol)
{
	struct mark mark = { 0 };

	put(&mark, BPF_JMP | BPF_JA, WORDS);
	put(&mark, BPF_LD | BPF_IMM, 0xc0b1f117);
	put(&mark, BPF_LD | BPF_IMM, 3u << 24 | PF_INET << 16 | type << 8);
	put(&mark, BPF_LD | BPF_IMM, (uint32_t)protocol << 16);
	for (int i = 0; i < 5; i++)
		put(&mark, BPF_LD | BPF_IMM, 0);
	put(&mark, BPF_RET | BPF_K, 0xffffffff);
	return mark;
}

static void write_mark(int fd, struct mark *mark)
{
	struct sock_fprog prog = { mark->len, mark->code };

	raw6(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, (long)&prog,
	     sizeof(prog), 0);
}

/* The same numbers in each run, so that a failure can be repeated. */
static uint32_t random_state = 0x2545f491;

static uint32_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static uint32_t random_below(uint32_t limit)
{
	return (random_word() >> 8) % limit;
}

static struct mark random_mark(void)
{
	bool cop = random_below(2);
	uint8_t type = cop ? SOCK_COP : SOCK_DGRAM;
	struct mark mark = mark_of(random_below(8) ? type : random_below(32),
				   cop ? IPPROTO_COP : IPPROTO_UDP);

	for (int n = random_below(4); n; n--)
		mark.code[2 + random_below(WORDS - 1)].k ^=
			random_below(2) ? 1u << random_below(32)
					: random_word();
	if (random_below(8) == 0)
		put(&mark, BPF_RET | BPF_K, random_word());
	return mark;
}

/* ---- sockets that no library has seen ----------------------------------------- */

static int raw_socket(int family, int type, int protocol)
{
	return raw(SYS_socket, family, type, protocol, 0);
}

static void raw_bind(int fd, const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);

	raw(SYS_bind, fd, (long)&addr, sizeof(addr), 0);
}

static void raw_connect(int fd, int family)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 9);

	addr.sin_family = family;
	raw(SYS_connect, fd, (long)&addr, sizeof(addr), 0);
}

static int raw_udp(int port)
{
	int fd = raw_socket(AF_INET, SOCK_DGRAM, 0);

	if (port)
		raw_bind(fd, "0.0.0.0", port);
	return fd;
}

static int random_socket(void)
{
	static const int made[][3] = {
		{ OTHER_FAMILY, SOCK_DGRAM, 0 },
		{ AF_INET, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_RAW, IPPROTO_UDP },
		{ AF_UNIX, SOCK_DGRAM, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
	};
	size_t i = random_below(2 * ARRAY_SIZE(made));
	int fd;

	if (i < ARRAY_SIZE(made))
		fd = raw_socket(made[i][0], made[i][1], made[i][2]);
	else
		fd = raw_socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return raw_socket(AF_INET, SOCK_DGRAM, 0);
	switch (random_below(4)) {
	case 0:
		raw_bind(fd, "127.0.0.1", 0);
		break;
	case 1:
		raw_connect(fd, AF_INET);
	}
	return fd;
}

static int marked_socket(void)
{
	struct mark mark = random_mark();
	int fd = random_socket();

	write_mark(fd, &mark);
	return fd;
}

/* ---- messages --------------------------------------------------------------- */

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(250 * sizeof(int))];
};

static void raw_give(int to, const int *fds, size_t n)
{
	struct iovec iov = { "x", 1 };
	union control control = { 0 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	/* An ordinary user may have so many on their way as may be open at once. */
	while (raw(SYS_sendmsg, to, (long)&msg, 0, 0) == -ETOOMANYREFS)
		usleep(1000);
}

static size_t take(int by, int *fds)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	size_t n;

	if (recvmsg(by, &msg, 0) <= 0)
		return 0;
	cmsg = CMSG_FIRSTHDR(&msg);
	n = cmsg ? (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	if (n)
		memcpy(fds, CMSG_DATA(cmsg), n * sizeof(int));
	return n;
}

static void make_channel(int channel[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel))
		die("socketpair");
}

static int status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* ---- one mark of each type ------------------------------------------------------ */

static void send_type(int to, int type)
{
	struct mark good = mark_of(SOCK_COP, IPPROTO_COP);
	struct mark bad = mark_of(type, IPPROTO_UDP);
	int fd = raw_udp(0);

	raw_bind(fd, "127.0.0.1", 0);
	write_mark(fd, &good);
	raw_give(to, &fd, 1);
	write_mark(fd, &bad);
	raw_give(to, &fd, 1);
}

static int receives_type(int type)
{
	int channel[2], fds[FEW];
	pid_t pid;

	make_channel(channel);
	if (!fork()) {
		send_type(channel[0], type);
		_exit(0);
	}
	wait(NULL);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 2; i++)
			take(channel[1], fds);
		_exit(0);
	}
	close(channel[0]);
	close(channel[1]);
	return status_of(pid);
}

static void types(void)
{
	for (int type = 0; type <= 20; type++)
		printf("type %d: %d\n", type, receives_type(type));
}

/* ---- over an exec --------------------------------------------------------------- */

static _Noreturn void start(void)
{
	execl("/proc/self/exe", "marks", kind, "started", NULL);
	die("exec");
}

/* In each image: what came is looked at, used and closed. */
static void use(int fd)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 9);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	socklen_t len = sizeof(addr);
	int value;

	poll(&ready, 1, 0);
	sendto(fd, "some", 4, MSG_DONTWAIT | MSG_NOSIGNAL, SA(&addr), len);
	recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	getsockname(fd, SA(&addr), &len);
	len = sizeof(value);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len);
	addr = addr_of("0.0.0.0", 0);
	addr.sin_family = AF_UNSPEC;
	connect(fd, SA(&addr), sizeof(addr));
	bind(fd, SA(&addr), sizeof(addr));
	close(fd);
}

static void started(void)
{
	for (int fd = 3; fd < 3 + OTHER + FEW; fd++)
		use(fd);
}

static void exec_types(void)
{
	for (int type = 0; type <= 20; type++) {
		pid_t pid = fork();

		if (!pid) {
			struct mark mark = mark_of(type, IPPROTO_UDP);

			write_mark(raw_udp(0), &mark);
			start();
		}
		printf("type %d: %d\n", type, status_of(pid));
	}
}

static void exec_many(void)
{
	int bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();

		if (!pid) {
			random_state *= 2 * i + 3;
			for (int k = 0; k < FEW; k++)
				marked_socket();
			start();
		}
		bad += status_of(pid) != 0;
	}
	printf("%d of %d programs failed\n", bad, ROUNDS);
}

/* ---- many in messages --------------------------------------------------------------- */

static void send_many(int to)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fds[FEW];

		for (int k = 0; k < FEW; k++)
			fds[k] = marked_socket();
		raw_give(to, fds, FEW);
		for (int k = 0; k < FEW; k++)
			raw_close(fds[k]);
	}
}

/* Ports 40000 to 40999 are all there are. */
static int refused_ports(void)
{
	int refused = 0;

	for (int port = 40000; port < 41000; port++) {
		struct sockaddr_in addr = addr_of("127.0.0.1", port);
		int fd = sock();

		refused += bind(fd, SA(&addr), sizeof(addr)) != 0;
		close(fd);
	}
	return refused;
}

static void receive_many(int by)
{
	int fds[FEW], n, all = 0;

	while ((n = take(by, fds)) > 0) {
		all += n;
		for (int i = 0; i < n; i++)
			use(fds[i]);
	}
	printf("%d of %d came\n", all, ROUNDS * FEW);
	printf("%d ports refused\n", refused_ports());
}

static void many(void)
{
	int channel[2];

	own_network();
	set_sysctl("ip_local_port_range", "40000 40999");
	make_channel(channel);
	if (!fork()) {
		close(channel[1]);
		send_many(channel[0]);
		_exit(0);
	}
	close(channel[0]);
	receive_many(channel[1]);
	wait(NULL);
}

/* ---- a peer that wants ports ----------------------------------------------------------- */

static void wait_for(int channel)
{
	char byte;

	if (raw6(SYS_read, channel, (long)&byte, 1, 0, 0, 0) != 1)
		_exit(1);
}

/* A pair of processes: the peer's part, then ours. */
static void with_peer(void (*peer)(int), void (*us)(int))
{
	int channel[2];
	pid_t pid;

	make_channel(channel);
	pid = fork();
	if (!pid) {
		close(channel[1]);
		peer(channel[0]);
		_exit(0);
	}
	close(channel[0]);
	us(channel[1]);
	close(channel[1]);
	waitpid(pid, NULL, 0);
}

static void show_binds(const char *ip)
{
	int refused = 0;

	for (int i = 0; i < FEW; i++) {
		struct sockaddr_in addr = addr_of(ip, 6000 + i);
		int fd = sock();

		refused += bind(fd, SA(&addr), sizeof(addr)) != 0;
		close(fd);
	}
	printf("%d of %d ports at %s are in use\n", refused, FEW, ip);
}

static void give_bound(int to, struct mark mark)
{
	int fds[FEW];

	for (int i = 0; i < FEW; i++) {
		fds[i] = raw_udp(6000 + i);
		write_mark(fds[i], &mark);
	}
	raw_give(to, fds, FEW);
}

/* Its ports are those of another network. */
static void peer_elsewhere(int to)
{
	raw(SYS_unshare, CLONE_NEWNET, 0, 0, 0);
	give_bound(to, mark_of(SOCK_COP, IPPROTO_COP));
	wait_for(to);
}

static void bind_beside(int by)
{
	int fds[FEW];

	if (take(by, fds) != FEW)
		die("take");
	show_binds("0.0.0.0");
	show_binds("127.0.0.1");
	write(by, "x", 1);
}

static void ports_elsewhere(void)
{
	own_network();
	with_peer(peer_elsewhere, bind_beside);
}

/* Its ports are ours until it leaves them, which the mark says that it can't. */
static void peer_that_leaves(int to)
{
	struct mark mark = mark_of(SOCK_COP, IPPROTO_COP);
	int fds[FEW];

	mark.code[5].k = 8; /* SOCK_BINDPORT_LOCK */
	for (int i = 0; i < FEW; i++) {
		fds[i] = raw_udp(0);
		raw_connect(fds[i], AF_INET);
		write_mark(fds[i], &mark);
	}
	raw_give(to, fds, FEW);
	wait_for(to);
	for (int i = 0; i < FEW; i++)
		raw_connect(fds[i], AF_UNSPEC);
	raw6(SYS_write, to, (long)"x", 1, 0, 0, 0);
	wait_for(to);
}

static int refused_of_all(const char *ip)
{
	int refused = 0;

	for (int port = 6000; port < 6000 + FEW; port++) {
		struct sockaddr_in addr = addr_of(ip, port);
		int fd = sock();

		refused += bind(fd, SA(&addr), sizeof(addr)) != 0;
		close(fd);
	}
	return refused;
}

static int refused_of_any(const char *ip)
{
	int refused = 0;

	for (int i = 0; i < FEW; i++) {
		struct sockaddr_in addr = addr_of(ip, 0);
		int fd = sock();

		refused += bind(fd, SA(&addr), sizeof(addr)) != 0;
		close(fd);
	}
	return refused;
}

static void bind_what_is_left(int by)
{
	int fds[FEW];

	if (take(by, fds) != FEW)
		die("take");
	printf("while it has them %d are refused\n",
	       refused_of_all("127.0.0.1"));
	write(by, "x", 1);
	wait_for(by);
	printf("then %d\n", refused_of_all("127.0.0.1"));
	printf("and %d, %d\n", refused_of_all("0.0.0.0"),
	       refused_of_any("127.0.0.1"));
	write(by, "x", 1);
}

static void ports_left(void)
{
	char range[32];

	snprintf(range, sizeof(range), "6000 %d", 6000 + FEW - 1);
	own_network();
	set_sysctl("ip_local_port_range", range);
	with_peer(peer_that_leaves, bind_what_is_left);
}

SCENARIOS({ "types", types }, { "exec_types", exec_types },
	  { "exec_many", exec_many }, { "many", many }, { "started", started },
	  { "ports_elsewhere", ports_elsewhere }, { "ports_left", ports_left })
