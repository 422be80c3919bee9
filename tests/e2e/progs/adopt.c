// SPDX-License-Identifier: MIT
/*
 * adopt.c - what UDP has and COP has not: sockets that share a port, and other
 * protocols of its type; and what a process whose UDP is put on COP has to do
 * with others. The other program is this one again: "<program> <kind>
 * image_inherits|image_receives <port of B>".
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>

#include "fds.h"
#include "stray.h"

extern char **environ;

/* ---- sockets that share a port ------------------------------------------ */

#define MANY 4

static in_port_t port; /* that is shared; 0: none yet */
static int fds[MANY];

/* With @option set, unless it is 0, at the port that the first one got. */
static int share(int option, const char *ip)
{
	struct sockaddr_in addr = addr_of(ip, ntohs(port));
	int one = 1, fd = sock();

	if (option && setsockopt(fd, SOL_SOCKET, option, &one, sizeof(one)))
		die("setsockopt");
	if (bind(fd, SA(&addr), sizeof(addr))) {
		close(fd);
		return -1;
	}
	if (!port)
		port = know('P', fd).sin_port;
	return fd;
}

/* Each of fds[] that @sender reaches by sending to @ip. */
static void who_hears(int sender, const char *ip)
{
	struct sockaddr_in addr = addr_of(ip, ntohs(port));

	T(sendto(sender, "x", 1, 0, SA(&addr), sizeof(addr)));
	printf("  %s reaches", ip);
	for (int i = 0; i < MANY; i++)
		while (fds[i] && recv(fds[i], buf, 64, MSG_DONTWAIT) >= 0)
			printf(" %d", i);
	printf("\n");
}

static void two_addresses(void)
{
	make_pair();
	fds[0] = share(0, "127.0.0.1");
	T((fds[1] = share(0, "127.0.0.2")) < 0);
	T(share(0, "127.0.0.2"));
	T(share(0, "0.0.0.0"));
	T(share(SO_REUSEADDR, "127.0.0.2"));
	T(share(SO_REUSEPORT, "127.0.0.2"));
	who_hears(sock_a, "127.0.0.1");
	who_hears(sock_a, "127.0.0.2");
	show_name(fds[1]);
	T(close(fds[0]));
	fds[0] = 0;
	who_hears(sock_a, "127.0.0.2");
	T((fds[0] = share(0, "127.0.0.1")) < 0);
	who_hears(sock_a, "127.0.0.1");
}

static void reuse_address(void)
{
	make_pair();
	fds[0] = share(SO_REUSEADDR, "127.0.0.1");
	T((fds[1] = share(SO_REUSEADDR, "127.0.0.1")) < 0);
	T((fds[2] = share(SO_REUSEADDR, "0.0.0.0")) < 0);
	T(share(0, "127.0.0.1"));
	T(share(SO_REUSEPORT, "127.0.0.1"));
	who_hears(sock_a, "127.0.0.1");
	who_hears(sock_a, "127.0.0.2");
	T(close(fds[1]));
	fds[1] = 0;
	who_hears(sock_a, "127.0.0.1");
	T(close(fds[0]));
	fds[0] = 0;
	who_hears(sock_a, "127.0.0.1");
}

/* From so many ports that each of a group is chosen, by whatever hash. */
#define SENDERS 60

static int send_from_many(void)
{
	struct sockaddr_in to = addr_of("127.0.0.1", ntohs(port));
	int sent = 0;

	for (int i = 0; i < SENDERS; i++) {
		int fd = sock();

		sent += sendto(fd, "one of many", 11, 0, SA(&to), 16) == 11;
		close(fd);
	}
	return sent;
}

static void drain(int fd)
{
	while (recv(fd, buf, 64, MSG_DONTWAIT) >= 0)
		;
}

static void share_out(void)
{
	int heard = 0, chosen = 0;

	T(send_from_many());
	for (int i = 0; i < MANY; i++) {
		int before = heard;

		while (fds[i] && recv(fds[i], buf, 64, MSG_DONTWAIT) == 11)
			heard++;
		chosen += heard != before;
	}
	printf("  %d came to %d sockets\n", heard, chosen);
}

static void make_group(void)
{
	for (int i = 0; i < MANY; i++)
		fds[i] = share(SO_REUSEPORT, "127.0.0.1");
}

static void reuse_port(void)
{
	struct sockaddr_in addr;

	make_pair();
	make_group();
	addr = name_of(fds[3]);
	T(share(0, "127.0.0.1"));
	T(share(SO_REUSEADDR, "127.0.0.1"));
	share_out();
	T(sendto(fds[2], "answer", 6, 0, SA(&addr_b), 16));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(close(fds[0]));
	T(close(fds[1]));
	fds[0] = fds[1] = 0;
	share_out();
	T(connect(fds[2], SA(&addr_b), 16));
	T(sendto(sock_b, "to the peer", 11, 0, SA(&addr), 16));
	R(recvfrom(fds[2], buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

static int choose_by(const struct sock_filter *insn, unsigned short n)
{
	struct sock_fprog prog = { n, (struct sock_filter *)insn };

	return setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
			  sizeof(prog));
}

/* Programs that do not look at what came. */
static void choosers(void)
{
	const struct sock_filter second[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_CPU),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	int zero = 0;

	make_group();
	T(choose_by(second, ARRAY_SIZE(second)));
	share_out();
	T(choose_by(second, 0));
	T(choose_by(NULL, 1));
	T(setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, second, 3));
	T(setsockopt(fds[0], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &zero, 4));
	share_out();
}

static void each_is_chosen(void)
{
	struct sockaddr_in to = addr_of("127.0.0.1", ntohs(port));
	char text[] = "#?";

	for (int i = MANY - 1; i >= 0; i--) {
		text[1] = '0' + i;
		T(sendto(sock_a, text, 2, 0, SA(&to), sizeof(to)));
		T(recv(fds[i], buf, 64, MSG_DONTWAIT));
	}
}

/* Which of the group hears a datagram says its second byte. */
static void payload_choosers(void)
{
	const struct sock_filter by_byte[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, '0'),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_filter by_byte_at_x[] = {
		BPF_STMT(BPF_LDX | BPF_IMM, 1),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, '0'),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	make_pair();
	make_group();
	T(choose_by(by_byte, ARRAY_SIZE(by_byte)));
	each_is_chosen();
	T(choose_by(by_byte_at_x, ARRAY_SIZE(by_byte_at_x)));
	each_is_chosen();
}

/* One that would have to be told how much there is without the header. */
static void length_chooser(void)
{
	const struct sock_filter by_length[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 3),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	make_group();
	T(choose_by(by_length, ARRAY_SIZE(by_length)));
}

static void not_an_ebpf_chooser(void)
{
	static const int no_program[] = { -1, 0, 1000 };

	make_group();
	for (size_t i = 0; i < ARRAY_SIZE(no_program); i++)
		T(setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF,
			     &no_program[i], sizeof(int)));
	T(setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, no_program,
		     3));
	T(setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, BAD_PTR, 4));
}

/* A server that gives each of its clients a socket. */
static void connected_beside(void)
{
	struct sockaddr any = { .sa_family = AF_UNSPEC };

	make_pair();
	fds[0] = share(SO_REUSEADDR, "127.0.0.1");
	close(fds[0]);
	fds[0] = share(SO_REUSEADDR, "0.0.0.0");
	fds[1] = share(SO_REUSEADDR, "0.0.0.0");
	T(connect(fds[1], SA(&addr_a), sizeof(addr_a)));
	who_hears(sock_a, "127.0.0.1");
	who_hears(sock_b, "127.0.0.1");
	fds[2] = share(SO_REUSEADDR, "127.0.0.1");
	T(connect(fds[2], SA(&addr_b), sizeof(addr_b)));
	who_hears(sock_a, "127.0.0.1");
	who_hears(sock_b, "127.0.0.1");
	T(connect(fds[1], &any, sizeof(any)));
	who_hears(sock_a, "127.0.0.1");
	T(send(fds[2], "by its socket", 13, 0));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

static void join(int fd, int how)
{
	struct ip_mreq group = { { inet_addr("239.9.9.9") },
				 { htonl(INADDR_LOOPBACK) } };

	T(setsockopt(fd, IPPROTO_IP, how, &group, sizeof(group)));
}

static void to_all(void)
{
	struct in_addr lo = { htonl(INADDR_LOOPBACK) };
	int zero = 0, one = 1;

	make_pair();
	for (int i = 0; i < 3; i++)
		fds[i] = share(SO_REUSEADDR, "0.0.0.0");
	T(setsockopt(fds[2], IPPROTO_IP, IP_MULTICAST_ALL, &zero, 4));
	T(setsockopt(sock_a, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo)));
	T(setsockopt(sock_a, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)));
	join(fds[0], IP_ADD_MEMBERSHIP);
	join(fds[1], IP_ADD_MEMBERSHIP);
	who_hears(sock_a, "239.9.9.9");
	who_hears(sock_a, "127.255.255.255");
	join(fds[2], IP_ADD_MEMBERSHIP);
	who_hears(sock_a, "239.9.9.9");
	join(fds[0], IP_DROP_MEMBERSHIP);
	T(setsockopt(fds[0], IPPROTO_IP, IP_MULTICAST_ALL, &zero, 4));
	who_hears(sock_a, "239.9.9.9");
	T(close(fds[1]));
	fds[1] = 0;
	who_hears(sock_a, "127.255.255.255");
}

/* ---- with another process ------------------------------------------------- */

static int to_child[2], to_parent[2];

static void make_turns(void)
{
	if (pipe(to_child) || pipe(to_parent))
		die("pipe");
}

static void pass(const int pipes[2])
{
	fflush(stdout);
	if (write(pipes[1], "", 1) != 1)
		die("pipe");
}

static void await(const int pipes[2])
{
	char c;

	if (read(pipes[0], &c, 1) != 1)
		_exit(1);
}

static void in_child(void)
{
	T((fds[1] = share(SO_REUSEPORT, "127.0.0.1")) < 0);
	T(share(0, "127.0.0.1"));
	T(share(SO_REUSEADDR, "127.0.0.1"));
	T((fds[2] = share(0, "127.0.0.2")) < 0);
	pass(to_parent);
	await(to_child); /* the parent has closed its own */
	drain(fds[1]);
	T(close(fds[0]));
	fds[0] = 0;
	share_out();
	who_hears(fds[1], "127.0.0.2");
	_exit(0);
}

static void shared_by_processes(void)
{
	int status = -1;
	pid_t pid;

	make_turns();
	fds[0] = share(SO_REUSEPORT, "127.0.0.1");
	fflush(stdout);
	pid = fork();
	if (!pid)
		in_child();
	await(to_parent);
	T(send_from_many());
	T(recv(fds[0], buf, 64, MSG_DONTWAIT));
	T(share(0, "127.0.0.2"));
	drain(fds[0]);
	T(close(fds[0]));
	pass(to_child);
	waitpid(pid, &status, 0);
	printf("status %d\n", status);
	T(share(0, "0.0.0.0") < 0);
}

/* ---- beside COP's own ------------------------------------------------------ */

static int cop_at(const char *ip)
{
	struct sockaddr_in addr = addr_of(ip, ntohs(port));
	int fd = socket(PF_INET, SOCK_COP, 0);

	if (bind(fd, SA(&addr), sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* COP refuses a port that any COP socket holds, and UDP a name that one has. */
static void try_all(void)
{
	T(cop_at("127.0.0.1"));
	T(cop_at("127.0.0.2"));
	T(cop_at("0.0.0.0"));
	T(share(0, "127.0.0.1"));
	T(share(SO_REUSEADDR, "127.0.0.1"));
	T(share(0, "0.0.0.0"));
	T(share(0, "127.0.0.2") < 0);
	T(cop_at("127.0.0.3"));
}

static void beside(int (*first)(void))
{
	int fd = first();
	pid_t pid;

	try_all();
	fflush(stdout);
	close(fd);
	port = 0;
	fd = first();
	pid = fork();
	if (!pid) {
		try_all();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(fd);
}

static int cop_first(void)
{
	int fd = cop_at("127.0.0.1");

	port = know('P', fd).sin_port;
	return fd;
}

static int udp_first(void)
{
	return share(0, "127.0.0.1");
}

static void beside_cop(void)
{
	beside(cop_first);
}

static void cop_beside(void)
{
	beside(udp_first);
}

static void talks_to_cop(void)
{
	struct sockaddr_in addr;
	int cop = cop_first();

	make_pair();
	addr = name_of(cop);
	T(sendto(sock_a, "to COP", 6, 0, SA(&addr), sizeof(addr)));
	R(recvfrom(cop, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(sendto(cop, "to UDP", 6, 0, SA(&addr_a), sizeof(addr_a)));
	R(recvfrom(sock_a, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

/* ---- what is the kernel's --------------------------------------------------- */

static void others(void)
{
	static const struct {
		int family, type, protocol;
	} c[] = {
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE },
		{ AF_INET, SOCK_DGRAM, IPPROTO_TCP },
		{ AF_INET, SOCK_DGRAM, IPPROTO_COP },
		{ AF_INET, SOCK_DGRAM, IPPROTO_RAW },
		{ AF_INET, SOCK_DGRAM, 256 },
		{ AF_INET, SOCK_DGRAM, 262 },
		{ AF_INET, SOCK_DGRAM, -1 },
		{ AF_INET, SOCK_DGRAM, INT_MIN },
		{ AF_INET, SOCK_DGRAM | 1 << 4, 0 },
		{ AF_INET, SOCK_DGRAM | 1 << 30, 0 },
		{ AF_INET, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_STREAM, IPPROTO_UDP },
		{ AF_INET, SOCK_SEQPACKET, 0 },
		{ AF_INET, SOCK_RDM, IPPROTO_UDP },
		{ AF_INET, 0, 0 },
		{ AF_INET, -1, 0 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 },
		{ AF_INET6, SOCK_STREAM, 0 },
		{ AF_INET6, SOCK_RAW, IPPROTO_UDP },
		{ AF_UNIX, SOCK_DGRAM, 0 },
		{ AF_UNSPEC, SOCK_DGRAM, 0 },
		{ -1, SOCK_DGRAM, 0 },
		{ 9999, SOCK_DGRAM, IPPROTO_UDP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		int fd;

		printf("%d %#x %d: ", c[i].family, c[i].type, c[i].protocol);
		T((fd = socket(c[i].family, c[i].type, c[i].protocol)) < 0 ? -1
									   : 0);
		if (fd >= 0)
			T(lacks_peek_offset(fd));
		close(fd);
	}
}

static void is_udp(int fd)
{
	static const int names[] = { SO_TYPE, SO_PROTOCOL, SO_DOMAIN };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		socklen_t len = sizeof(int);
		int value = -1;

		T(getsockopt(fd, SOL_SOCKET, names[i], &value, &len));
		T(value);
	}
	T(of_the_kind(fd));
	T(fcntl(fd, F_GETFD));
	T(fcntl(fd, F_GETFL));
	close(fd);
}

static void asked_for(void)
{
	is_udp(socket(AF_INET, SOCK_DGRAM, 0));
	is_udp(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
	is_udp(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	is_udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
	is_udp(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	is_udp(syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0));
}

/* A UDP socket that hears what is on the wire, header and all. */
static int wiretap(struct sockaddr_in *addr)
{
	int fd = plain_udp();

	*addr = addr_of("127.0.0.1", 0);
	if (bind(fd, SA(addr), sizeof(*addr)))
		die("bind");
	*addr = name_of(fd);
	return fd;
}

static bool has_header(void)
{
	return !memcmp(buf, "\xc0\xb1\x14", 3);
}

static void on_wire(int fd)
{
	struct sockaddr_in addr;
	int tap = wiretap(&addr);

	T(sendto(fd, "payload", 7, 0, SA(&addr), sizeof(addr)));
	T(recv(tap, buf, 64, MSG_DONTWAIT));
	T(has_header());
	close(tap);
}

static void wire(void)
{
	int fd = sock();

	on_wire(fd);
	T(close(fd));
	on_wire(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
}

static void wire_of_ipv6(void)
{
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
	struct sockaddr_in addr;
	int tap = wiretap(&addr), fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		skip("no IPv6");
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
	mapped.sin6_port = addr.sin_port;
	T(sendto(fd, "payload", 7, 0, SA(&mapped), sizeof(mapped)));
	T(recv(tap, buf, 64, MSG_DONTWAIT));
	T(has_header());
}

/* ---- handed on ---------------------------------------------------------------- */

#define FD_A	40
#define FD_LINK 41

static const char *self;
static char port_b[8];

/* What came is what it was; what is made here is of this process's kind. */
static void use(int fd)
{
	T(lacks_peek_offset(fd));
	T(lacks_peek_offset(sock()));
	T(sendto(fd, "handed on", 9, 0, SA(&addr_b), sizeof(addr_b)));
	on_wire(fd);
	T(close(fd));
	fflush(stdout);
}

static void image_inherits(void)
{
	use(FD_A);
}

static void image_receives(void)
{
	use(take_fd(FD_LINK));
}

/* COP_ADOPT as it is there, or the other way round, for what is run next. */
static void turn_over(void)
{
	if (getenv("COP_ADOPT"))
		unsetenv("COP_ADOPT");
	else
		setenv("COP_ADOPT", "udp", 1);
}

static void run_image(const char *scenario)
{
	char *argv[] = { (char *)self, (char *)kind, (char *)scenario, port_b,
			 NULL };
	int status = -1;
	pid_t pid;

	fflush(stdout);
	if (posix_spawn(&pid, self, NULL, NULL, argv, environ))
		die(self);
	waitpid(pid, &status, 0);
	printf("status %d\n", status);
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
}

static void begin(void)
{
	make_pair();
	snprintf(port_b, sizeof(port_b), "%d", ntohs(addr_b.sin_port));
	fcntl(sock_b, F_SETFD, FD_CLOEXEC);
}

/* By a program with COP_ADOPT, and by one without. */
static void inherited(void)
{
	begin();
	dup2(sock_a, FD_A);
	for (int i = 0; i < 2; i++, turn_over())
		run_image("image_inherits");
}

static void received(void)
{
	int link[2];

	begin();
	fcntl(sock_a, F_SETFD, FD_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link))
		die("socketpair");
	dup2(link[1], FD_LINK);
	for (int i = 0; i < 2; i++, turn_over()) {
		give_fd(link[0], sock_a);
		run_image("image_receives");
	}
}

/* ---- a thread that has descriptors of its own ------------------------------------ */

static void *parts(void *arg)
{
	int fd;

	T(unshare(CLONE_FILES));
	fd = sock();
	T(lacks_peek_offset(fd));
	on_wire(fd);
	return arg;
}

static void parted(void)
{
	pthread_t thread;

	make_pair();
	pthread_create(&thread, NULL, parts, NULL);
	pthread_join(thread, NULL);
	T(of_the_kind(sock_a));
	T(of_the_kind(sock()));
	on_wire(sock_a);
}

int main(int argc, char **argv)
{
#define S(name)               \
	{                     \
#name, (name) \
	}
	static const struct scenario all[] = {
		S(two_addresses),
		S(reuse_address),
		S(reuse_port),
		S(choosers),
		S(payload_choosers),
		S(length_chooser),
		S(not_an_ebpf_chooser),
		S(connected_beside),
		S(to_all),
		S(shared_by_processes),
		S(beside_cop),
		S(cop_beside),
		S(talks_to_cop),
		S(others),
		S(asked_for),
		S(wire),
		S(wire_of_ipv6),
		S(inherited),
		S(received),
		S(parted),
		S(image_inherits),
		S(image_receives),
	};

	self = argv[0];
	if (argc > 3)
		addr_b = addr_of("127.0.0.1", atoi(argv[3]));
	return play(all, ARRAY_SIZE(all), argc, argv);
}
