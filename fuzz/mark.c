// SPDX-License-Identifier: MIT
/*
 * mark.c - descriptors of all kinds with forged marks, as another process may
 * send them: none may crash the receiver, none may give it a port that the kernel
 * does not show as that very socket's, and none may leave a port behind.
 *
 * An input makes a socket, writes a program on it, has fd_adopt() look at it as
 * over an exec or behind a message, and plays a few calls on what came of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adopt/carrier.h"
#include "cop.h"
#include "port/bind.h"
#include "lib/compiler.h"
#include "lib/endpoint.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "inet/missing.h"
#include "lib/libc.h"
#include "cop_port.h"
#include "filter/attach.h"
#include "filter/mark.h"
#include "datagram/defaults.h"
#include "datagram/proto.h"
#include "cop_table.h"
#include "fuzz/bpf_model.h"
#include "fuzz/input.h"
#include "fuzz/mark.h"
#include "unit/port_taken.h"

/* ---- a transport of a module ---------------------------------------------- */

#define OTHER_TYPE     9
#define OTHER_PROTOCOL 99
#define OTHER_HLEN     8
#define OTHER_MAGIC    0x4655

static enum cop_stray other_check(const void *data, size_t len,
				  struct cop_hdr_info *info)
{
	uint16_t magic;

	if (len < OTHER_HLEN)
		return COP_STRAY_SHORT;
	memcpy(&magic, data, sizeof(magic));
	if (magic != htons(OTHER_MAGIC))
		return COP_STRAY_MAGIC;
	*info = (struct cop_hdr_info){ .len = OTHER_HLEN };
	return COP_NO_STRAY;
}

static void other_build(void *hdr, __be16 source, __be16 dest, uint64_t seq,
			uint32_t tstamp)
{
	uint16_t word[] = { htons(OTHER_MAGIC), source, dest, seq + tstamp };

	memcpy(hdr, word, sizeof(word));
}

static const struct cop_wire other_wire = {
	.hlen = OTHER_HLEN,
	.hlen_max = OTHER_HLEN,
	.match = { { 0, 2, 0xffff, OTHER_MAGIC } },
	.check = other_check,
	.build = other_build,
};

static struct module other_module = { .name = "other" };

static struct proto other_prot = {
	.name = "OTHER",
	.owner = &other_module,
	.wire = &other_wire,
};

static struct inet_protosw other_protosw = {
	.type = OTHER_TYPE,
	.protocol = OTHER_PROTOCOL,
	.prot = &other_prot,
};

/* ---- sockets --------------------------------------------------------------- */

static int family_of(int fd)
{
	int family = AF_UNSPEC;
	socklen_t len = sizeof(family);

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
	return family;
}

/* For a socket of IPv6 an odd port means the address of IPv4, as IPv6 has it. */
static union cop_addr loopback(int fd, uint16_t snum)
{
	union cop_addr addr = cop_addr_loopback(AF_INET, htons(snum));

	if (family_of(fd) != AF_INET6)
		return addr;
	return snum & 1 ? cop_addr_map(&addr, AF_INET6)
			: cop_addr_loopback(AF_INET6, htons(snum));
}

static uint16_t port_of(int fd)
{
	union cop_addr addr = { .family = AF_UNSPEC };
	socklen_t len = sizeof(addr);

	if (getsockname(fd, &addr.sa, &len))
		return 0;
	return ntohs(cop_addr_port(&addr));
}

static void bind_to(int fd, uint16_t snum, bool anywhere)
{
	union cop_addr addr = loopback(fd, snum);

	if (anywhere) {
		addr = cop_addr_any(addr.family);
		cop_addr_set_port(&addr, htons(snum));
	}
	bind(fd, &addr.sa, cop_addr_len(&addr));
}

static void connect_to(int fd)
{
	union cop_addr addr = loopback(fd, 9);

	connect(fd, &addr.sa, cop_addr_len(&addr));
}

static void disconnect(int fd)
{
	const union cop_addr none = { .family = AF_UNSPEC };

	connect(fd, &none.sa, sizeof(none));
}

static void set(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

static void bind_within_one_port(int fd)
{
	bind_to(fd, 0, true);
	set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, port_of(fd) * 0x10001u);
}

static void begin_datagram(int fd)
{
	connect_to(fd);
	send(fd, "begun", 5, MSG_MORE | MSG_NOSIGNAL);
}

static void set_up(int fd, uint8_t state)
{
	switch (state % 10) {
	case 1:
		return bind_to(fd, 0, false);
	case 2:
		return bind_to(fd, 20000 + state, true);
	case 3:
		return connect_to(fd);
	case 4:
		return bind_within_one_port(fd);
	case 5:
		return begin_datagram(fd);
	case 6:
		return set(fd, IPPROTO_UDP, UDP_CORK, 1);
	case 7:
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
		return bind_to(fd, 0, false);
	case 8:
		connect_to(fd);
		return disconnect(fd);
	case 9:
		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		return bind_to(fd, 20000 + state, false);
	}
}

static const int kinds[][3] = {
	{ AF_INET6, SOCK_STREAM, 0 },
	{ AF_INET6, SOCK_RAW, IPPROTO_UDP },
	{ AF_INET, SOCK_STREAM, 0 },
	{ AF_INET, SOCK_RAW, IPPROTO_UDP },
	{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
	{ AF_UNIX, SOCK_DGRAM, 0 },
	{ AF_UNIX, SOCK_STREAM, 0 },
	{ AF_UNIX, SOCK_SEQPACKET, 0 },
	{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
};

/* Three in four are UDP's, of either family, for the others are told by their kind. */
static int make_socket(struct input *in)
{
	size_t kind = input_byte(in) % (4 * (ARRAY_SIZE(kinds) + 1));
	int fd;

	if (kind == ARRAY_SIZE(kinds))
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	if (kind < ARRAY_SIZE(kinds))
		fd = socket(kinds[kind][0], kinds[kind][1] | SOCK_CLOEXEC,
			    kinds[kind][2]);
	else
		fd = socket(kind & 1 ? AF_INET6 : AF_INET,
			    SOCK_DGRAM | SOCK_CLOEXEC, 0);
	set_up(fd, input_byte(in));
	return fd;
}

/* ---- marks ------------------------------------------------------------------ */

/* One that could be true of the socket. Half of them are of the module's transport. */
static struct cop_mark true_mark(int fd, struct input *in)
{
	uint32_t port = port_of(fd);
	uint8_t kind = input_byte(in);
	bool adopted = kind & 1, other = kind & 2;
	struct cop_mark mark = {
		.family = family_of(fd),
		.type = adopted ? SOCK_DGRAM
			: other ? OTHER_TYPE
				: SOCK_COP,
		.protocol = adopted ? IPPROTO_UDP
			    : other ? OTHER_PROTOCOL
				    : IPPROTO_COP,
		.carrier_type = adopted && other ? OTHER_TYPE : 0,
		.carrier_protocol = adopted && other ? OTHER_PROTOCOL : 0,
		.body = input_byte(in) % 4,
		.word = { input_word(in) &
				  (SOCK_USER_RANGE | SOCK_ON_DEVICE |
				   SOCK_CORKED | SOCK_CORK_OPT | SOCK_NARROWED),
			  input_word(in) & 0x0001010c, port * 0x10001,
			  port << 16 | (input_byte(in) & 1 ? port : 0) },
	};

	return mark;
}

static void forge(struct cop_mark *mark, struct input *in)
{
	for (int n = input_byte(in) % 4; n; n--) {
		uint8_t what = input_byte(in) % 10;

		if (what < COP_MARK_WORDS)
			mark->word[what] = input_word(in);
		else if (what == 4)
			mark->type = input_byte(in) % 16;
		else if (what == 5)
			mark->protocol = input_word(in);
		else if (what == 6)
			mark->family = input_byte(in);
		else if (what == 7)
			mark->carrier_type = input_byte(in);
		else if (what == 8)
			mark->carrier_protocol = input_word(in);
		else
			mark->family =
				mark->family == PF_INET ? PF_INET6 : PF_INET;
	}
}

#define PADDING_MAX 1020 /* instructions */
#define PROGRAM_MAX (2 * PADDING_MAX + 128)

/* One that may be so long that nothing of it is on the library's stack. */
static void set_filter(int fd, struct input *in)
{
	const struct sock_filter end[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, input_byte(in), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter code[PADDING_MAX + ARRAY_SIZE(end)];
	int n = input_byte(in);
	struct sock_fprog prog = { n % 4 == 3 ? n * 4 : n / 8, code };

	for (n = 0; n < prog.len; n++)
		code[n] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, n);
	memcpy(code + n, end, sizeof(end));
	prog.len += ARRAY_SIZE(end);
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

#define MARK_INSNS \
	(1 + 4 + COP_MARK_WORDS) /* the jump, and the words of a mark */

/* Half of them are words of the mark, which come first. */
static size_t which_insn(struct input *in, size_t len)
{
	uint8_t i = input_byte(in);

	return (i & 0x80 ? i : i % MARK_INSNS) % len;
}

/* One byte of it, which leaves the others right, or all four; or the code. */
static void corrupt_insn(struct sock_filter *insn, struct input *in)
{
	uint8_t how = input_byte(in);

	if (!(how & 1))
		insn->code ^= input_byte(in);
	else if (how & 2)
		insn->k ^= input_word(in);
	else
		insn->k ^= (uint32_t)input_byte(in) << (how & 0x18);
}

/* What is on the socket, with a few instructions and the length changed. */
static void corrupt(int fd, struct input *in)
{
	struct sock_filter code[PROGRAM_MAX] = { 0 };
	socklen_t len = ARRAY_SIZE(code);
	struct sock_fprog prog = { 0, code };

	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &len) || !len)
		return;
	for (int n = input_byte(in) % 4; n; n--)
		corrupt_insn(&code[which_insn(in, len)], in);
	if (input_byte(in) % 8 == 0) {
		code[len] = code[len - 1];
		len++;
	}
	prog.len = len;
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static void attach_user(const struct cop_wire *wire, int fd,
			const struct cop_mark *mark, struct input *in)
{
	int user = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	set_filter(user, in);
	cop_program_attach(wire, fd, mark, user);
	close(user);
}

/* As a socket whose transport is not decided yet has it, or nearly so. */
static void wrap(const struct cop_wire *wire, int fd, struct cop_mark *mark,
		 struct input *in)
{
	uint8_t how = input_byte(in);

	if (how & 1)
		mark->word[WORD_FLAGS] = SOCK_PENDING_SHARED;
	if (how & 2)
		set_filter(fd, in);
	cop_program_wrap(wire, fd, mark);
}

static void write_mark(int fd, struct input *in)
{
	struct cop_mark mark = true_mark(fd, in);
	const struct cop_wire *wire;

	forge(&mark, in);
	wire = input_byte(in) & 1 ? &other_wire : &cop_wire;
	if (mark.body == COP_BODY_RAW)
		wrap(wire, fd, &mark, in);
	else if (mark.body == COP_BODY_USER)
		attach_user(wire, fd, &mark, in);
	else
		cop_program_attach(wire, fd, &mark, -1);
	if (input_byte(in) & 1)
		corrupt(fd, in);
	if (input_byte(in) % 8 == 0)
		set(fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
}

/* ---- what came of it ---------------------------------------------------------- */

static bool kernel_says(int fd, int name, int value)
{
	socklen_t len = sizeof(int);
	int is = -1;

	return !getsockopt(fd, SOL_SOCKET, name, &is, &len) && is == value;
}

/* Its header is the one that its type and protocol say. */
static bool has_transport(const struct sock *sk)
{
	if (sk->sk_type == OTHER_TYPE && sk->sk_protocol == OTHER_PROTOCOL)
		return sk_wire(sk) == &other_wire;
	if (sk->sk_type == SOCK_DGRAM && sk->sk_protocol == IPPROTO_UDP)
		return sk_wire(sk) == (sk->sk_prot->carrier_type == OTHER_TYPE
					       ? &other_wire
					       : &cop_wire);
	return sk->sk_type == SOCK_COP && sk->sk_protocol == IPPROTO_COP &&
	       sk_wire(sk) == &cop_wire;
}

#define UDP_HLEN 8

/*
 * A poll relies on it: what follows a mark of these kinds drops what has not the header,
 * and the first kind drops nothing else.
 */
static void check_filter(const struct sock *sk, int fd)
{
	uint8_t data[UDP_HLEN + 64] = { 0 };
	struct sock_filter code[PROGRAM_MAX];
	socklen_t len = ARRAY_SIZE(code);
	struct cop_mark mark;

	HOLDS(!cop_program_claim(fd, &mark));
	HOLDS((mark.body == COP_BODY_RAW) == cop_has_pending(sk));
	if (mark.body != COP_BODY_COP && mark.body != COP_BODY_USER)
		return;
	HOLDS(!getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &len));
	HOLDS(model_kept(code, len, data, UDP_HLEN) < 0);
	HOLDS(model_kept(code, len, data, sizeof(data)) < 0);
	sk_wire(sk)->build(data + UDP_HLEN, 1, 2, 3, 4);
	HOLDS(mark.body == COP_BODY_USER ||
	      model_kept(code, len, data, sizeof(data)) == sizeof(data));
}

static void look_at(int fd)
{
	struct socket *sock = sockfd_lookup(fd);
	unsigned int held = cop_port_held(&cop_port_table);
	struct sock *sk = sock->sk;

	HOLDS(sk->sk_family == PF_INET || sk->sk_family == PF_INET6);
	HOLDS(kernel_says(fd, SO_DOMAIN, sk->sk_family));
	HOLDS(kernel_says(fd, SO_TYPE, SOCK_DGRAM));
	HOLDS(kernel_says(fd, SO_PROTOCOL, IPPROTO_UDP));
	HOLDS(sk->sk_prot == &cop_missing_prot || has_transport(sk));
	HOLDS(sk->sk_type < SOCK_MAX && sk->sk_protocol < IPPROTO_MAX);
	HOLDS(sk->sk_prot != &cop_missing_prot || !held);
	HOLDS(held <= 1);
	HOLDS(!held || cop_port_taken(&cop_port_table, port_of(fd)));
	HOLDS(!sk->sk_num || sk->sk_num == port_of(fd));
	HOLDS(!(sk->sk_userlocks & ~(SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK)));
	HOLDS(sk->sk_reuse <= 1 && sk->sk_reuseport <= 1);
}

static void call_names(struct socket *sock, int fd, struct input *in)
{
	union cop_addr addr = loopback(fd, input_byte(in) & 1 ? 0 : 20300);
	struct sockaddr *sa = &addr.sa;
	socklen_t len = sizeof(addr);

	switch (input_byte(in) % 4) {
	case 0:
		sock->ops->bind(sock, fd, sa, len);
		break;
	case 1:
		sock->ops->connect(sock, fd, sa, len);
		break;
	case 2:
		addr.family = AF_UNSPEC;
		sock->ops->connect(sock, fd, sa, len);
		break;
	default:
		sock->sk->sk_prot->getname(sock->sk, fd, sa, &len);
	}
}

static void call_options(struct socket *sock, int fd, struct input *in)
{
	static const int name[][2] = {
		{ SOL_SOCKET, SO_TYPE },
		{ SOL_SOCKET, SO_REUSEADDR },
		{ SOL_SOCKET, SO_REUSEPORT },
		{ SOL_SOCKET, SO_RCVBUF },
		{ SOL_SOCKET, SO_ERROR },
		{ IPPROTO_UDP, UDP_CORK },
		{ IPPROTO_IP, IP_LOCAL_PORT_RANGE },
	};
	const int *which = name[input_byte(in) % ARRAY_SIZE(name)];
	struct sock_filter code[64];
	socklen_t len = sizeof(int);
	int value = input_word(in);

	if (input_byte(in) & 1)
		sock->sk->sk_prot->setsockopt(sock->sk, fd, which[0], which[1],
					      &value, len);
	sock->sk->sk_prot->getsockopt(sock->sk, fd, which[0], which[1], &value,
				      &len);
	len = ARRAY_SIZE(code);
	sock->sk->sk_prot->getsockopt(sock->sk, fd, SOL_SOCKET, SO_GET_FILTER,
				      code, &len);
}

static void call_data(struct socket *sock, int fd, struct input *in)
{
	union cop_addr addr = loopback(fd, 9);
	char buf[64] = "data";

	if (!inet_sk(sock->sk)->inet_sport)
		sock->sk->sk_prot->autobind(sock->sk, fd);
	sock->sk->sk_prot->sendto(
		sock->sk, fd, buf, input_byte(in) % sizeof(buf),
		MSG_DONTWAIT | (input_byte(in) & 1 ? MSG_MORE : 0), &addr,
		cop_addr_len(&addr));
	if (!inet_sk(sock->sk)->inet_sport)
		sock->sk->sk_prot->autobound(sock->sk, fd, 0);
	sock->sk->sk_prot->poll(sock->sk, fd);
	sock->sk->sk_prot->recvfrom(sock->sk, fd, buf, sizeof(buf),
				    MSG_DONTWAIT, NULL, NULL);
}

/* The sender has the kernel socket too, and does as it likes. */
static void call_sender(int fd, struct input *in)
{
	switch (input_byte(in) % 4) {
	case 0:
		return disconnect(fd);
	case 1:
		return set_up(fd, input_byte(in));
	case 2:
		return write_mark(fd, in);
	default:
		return corrupt(fd, in);
	}
}

/* Where the sender has had a part in it, a port may be another by now. */
static void play(int fd, struct input *in)
{
	bool alone = true;

	for (int n = input_byte(in) % 6; n; n--) {
		struct socket *sock = sockfd_lookup(fd);

		switch (input_byte(in) % 5) {
		case 0:
			call_names(sock, fd, in);
			break;
		case 1:
			call_options(sock, fd, in);
			break;
		case 2:
			call_data(sock, fd, in);
			break;
		case 3:
			call_sender(fd, in);
			alone = false;
			break;
		default:
			sock->sk->sk_prot->mark(sock->sk, fd);
		}
		HOLDS(cop_port_held(&cop_port_table) <= 1);
	}
	if (alone)
		look_at(fd);
}

static void receive(int fd, struct input *in)
{
	struct sock *sk;

	if (!fd_adopt(fd)) {
		HOLDS(!sockfd_lookup(fd));
		return;
	}
	look_at(fd);
	sk = sockfd_lookup(fd)->sk;
	if (sk->sk_prot != &cop_missing_prot)
		check_filter(sk, fd);
	play(fd, in);
}

static void begin(void)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	cop_libc_init();
	inet_init();
	modules_init();
	proto_register(&other_prot);
	inet_register_protosw(&other_protosw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct fd_change change;
	int fd;

	begin();
	fd = make_socket(&in);
	if (fd < 0)
		return 0;
	write_mark(fd, &in);
	receive(fd, &in);
	fd_change_begin(&change, fd, NULL);
	close(fd);
	fd_change_end(&change, true);
	HOLDS(!cop_port_held(&cop_port_table));
	return 0;
}
