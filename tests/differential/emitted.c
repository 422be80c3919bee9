/*
 * What a program that shows a difference begins with. To see it:
 *
 *	cc -w -o differs differs.c
 *	./differs udp >udp; LD_PRELOAD=./libcop.so ./differs cop >cop
 *	diff udp cop
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TYPE	 (is_cop ? 7 : SOCK_DGRAM)
#define PROTOCOL (is_cop ? 253 : is_lite ? IPPROTO_UDPLITE : IPPROTO_UDP)
#define CANARY	 0xa5

static int is_cop, is_lite;
static int s[16] = { -1, -1, -1, -1, -1, -1, -1, -1,
		     -1, -1, -1, -1, -1, -1, -1, -1 };
static int epoll = -1;
static struct mmsghdr messages[16];

/* Do a call, and print it with its result. */
#define T(call)                                              \
	do {                                                 \
		long ret_;                                   \
		errno = 0;                                   \
		ret_ = (long)(call);                         \
		printf("%s = %ld %s\n", #call, ret_,         \
		       errno ? strerrorname_np(errno) : ""); \
		fflush(stdout);                              \
	} while (0)

/* Memory that is never used again, filled with CANARY. */
static void *fresh(size_t len)
{
	static unsigned char *at, *end;
	unsigned char *got;

	len = (len < 1 << 17 ? len : 1 << 17) + 4096;
	if (at + len > end || !at) {
		at = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		end = at + (1 << 24);
	}
	got = at;
	at += (len + 63) & ~63ul;
	return memset(got, CANARY, len);
}

static void *copy(const void *from, size_t len)
{
	return memcpy(fresh(len), from, len);
}

static void *bytes(const char *from, size_t len)
{
	return memcpy(memset(fresh(4096), 0, 4096), from, len);
}

static void *data(unsigned int call, size_t len)
{
	unsigned char *at = fresh(len);

	for (size_t i = 0; i < len && i < 1 << 17; i++)
		at[i] = call * 31 + i * 7 + (i >> 8);
	return at;
}

static void *no_page(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* ---- names ---- */

static in_port_t port(int slot)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t len = sizeof(addr);

	getsockname(s[slot], (struct sockaddr *)&addr, &len);
	return ntohs(addr.sin6_port);
}

static void *name(int family, const char *ip, int port_)
{
	struct sockaddr_in addr = { family, htons(port_), { inet_addr(ip) } };

	return memcpy(memset(fresh(256), 0, 256), &addr, sizeof(addr));
}

static void *name6(int family, const char *ip, int port_, uint32_t scope,
		   uint32_t flow)
{
	struct sockaddr_in6 addr = { family, htons(port_), htonl(flow) };

	inet_pton(AF_INET6, ip, &addr.sin6_addr);
	addr.sin6_scope_id = scope;
	return memcpy(memset(fresh(256), 0, 256), &addr, sizeof(addr));
}

static struct msghdr message(void *name_, socklen_t namelen, struct iovec *iov,
			     size_t iovlen, void *control, size_t controllen,
			     int flags)
{
	return (struct msghdr){ name_,	 namelen,    iov,  iovlen,
				control, controllen, flags };
}

/* ---- what came of it ---- */

static void show(const void *at, size_t len)
{
	const unsigned char *byte = at;
	unsigned int sum = 1;
	size_t used = len;

	while (used && byte[used - 1] == CANARY)
		used--;
	for (size_t i = 0; i < used; i++)
		sum = sum * 31 + byte[i];
	printf("  %zu bytes, sum %08x:", used, sum);
	for (size_t i = 0; i < used && i < 40; i++)
		printf(" %02x", byte[i]);
	printf("\n");
}

/* The port as that of a slot, if it is one. */
static void show_name(const void *at)
{
	struct sockaddr_in addr;
	struct sockaddr_in6 addr6;
	char text[64];

	memcpy(&addr, at, sizeof(addr));
	memcpy(&addr6, at, sizeof(addr6));
	if (addr.sin_family == AF_INET6)
		printf("  family 10, %s scope %u flow %x port",
		       inet_ntop(AF_INET6, &addr6.sin6_addr, text, 64),
		       addr6.sin6_scope_id, ntohl(addr6.sin6_flowinfo));
	else
		printf("  family %d, %s port", addr.sin_family,
		       inet_ntoa(addr.sin_addr));
	for (int i = 0; i < 16; i++)
		if (s[i] >= 0 && port(i) == ntohs(addr.sin_port)) {
			printf(" of %d\n", i);
			return;
		}
	if (ntohs(addr.sin_port) < 32768)
		printf(" %d", ntohs(addr.sin_port));
	printf("\n");
}

static void show_lengths(int n)
{
	for (int i = 0; i < n; i++)
		printf("  message %d: %u\n", i, messages[i].msg_len);
}

static void show_message(const struct msghdr *msg)
{
	printf("  namelen %u controllen %zu flags %x\n", msg->msg_namelen,
	       msg->msg_controllen, msg->msg_flags);
	if ((intptr_t)msg->msg_name > 4096)
		show_name(msg->msg_name);
	if ((intptr_t)msg->msg_iov > 4096 && msg->msg_iovlen &&
	    (intptr_t)msg->msg_iov[0].iov_base > 4096)
		show(msg->msg_iov[0].iov_base, 4096);
	if ((intptr_t)msg->msg_control > 4096)
		show(msg->msg_control, 1024);
}

static void show_messages(int n)
{
	for (int i = 0; i < n; i++)
		show_message(&messages[i].msg_hdr);
}

static void show_polled(const struct pollfd *fds, int n)
{
	for (int i = 0; i < n; i++)
		printf("  %x\n", fds[i].revents);
}

static fd_set *set(int n, ...)
{
	fd_set *fds = memset(fresh(sizeof(*fds)), 0, sizeof(*fds));
	va_list ap;

	va_start(ap, n);
	while (n--) {
		int fd = va_arg(ap, int);

		if (fd >= 0)
			FD_SET(fd, fds);
	}
	va_end(ap);
	return fds;
}

static int highest(void)
{
	int max = 0;

	for (int i = 0; i < 16; i++)
		max = s[i] >= max ? s[i] + 1 : max;
	return max;
}

/* ---- SCM_RIGHTS ---- */

static int mail[2];

static void make_mail(void)
{
	int ends[2];

	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends);
	for (int i = 0; i < 2; i++) {
		mail[i] = fcntl(ends[i], F_DUPFD, 210);
		close(ends[i]);
	}
}

static ssize_t give(int fd)
{
	struct iovec iov = { "g", 1 };
	struct msghdr msg = message(NULL, 0, &iov, 1, fresh(64), 24, 0);
	struct cmsghdr *cmsg = msg.msg_control;

	*cmsg = (struct cmsghdr){ 20, SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(mail[0], &msg, 0);
}

static ssize_t take(int *fd)
{
	struct iovec iov = { fresh(1), 1 };
	struct msghdr msg = message(NULL, 0, &iov, 1, fresh(64), 24, 0);
	ssize_t n = recvmsg(mail[1], &msg, 0);

	if (n > 0 && msg.msg_controllen)
		memcpy(fd, CMSG_DATA((struct cmsghdr *)msg.msg_control), 4);
	return n;
}

/* ---- the network, and who acts in it ---- */

/* No call may wait for long. */
static int hurry(int fd)
{
	struct timeval soon = { 0, 1000 };
	int saved = errno;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	errno = saved;
	return fd;
}

static void give_up_rights(void)
{
	struct __user_cap_header_struct head = { 0x20080522, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	syscall(SYS_capset, &head, none);
}

/* Who is not root is root in a user namespace, so that ip has its rights. */
static void own_network(void)
{
	char map[32];
	int fd, len = snprintf(map, sizeof(map), "0 %d 1", getuid());

	if (!unshare(CLONE_NEWNET))
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		perror("unshare");
	fd = open("/proc/self/uid_map", O_WRONLY);
	if (fd < 0 || write(fd, map, len) != len)
		perror("uid_map");
	close(fd);
}

/* A kernel without IPv6, or what looks like it. */
static void no_family(void)
{
	struct sock_filter insn[] = {
		{ 0x20, 0, 0, offsetof(struct seccomp_data, nr) },
		{ 0x15, 1, 0, SYS_socket },
		{ 0x15, 0, 5, SYS_socketpair },
		{ 0x20, 0, 0, offsetof(struct seccomp_data, args[0]) },
		{ 0x15, 0, 3, AF_INET6 },
		{ 0x20, 0, 0, offsetof(struct seccomp_data, args[1]) },
		{ 0x45, 1, 0, ~(0xf | SOCK_NONBLOCK | SOCK_CLOEXEC) },
		{ 0x06, 0, 0, SECCOMP_RET_ERRNO | EAFNOSUPPORT },
		{ 0x06, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog prog = { 9, insn };
	int (*real_prctl)(int, ...) =
		dlsym(dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY), "prctl");

	real_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	real_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

#define SYSCTL(name, value) "echo " value " >/proc/sys/net/ipv6/" name ";"

static const char *ipv6_setup(const char *net)
{
	if (net[0] == 'o' || net[0] == 'n')
		return SYSCTL("conf/all/disable_ipv6", "1");
	if (net[0] != '6')
		return "";
	return SYSCTL("conf/default/addr_gen_mode",
		      "1") SYSCTL("auto_flowlabels", "0")
		SYSCTL("icmp/ratelimit",
		       "0") "ip addr add fd00::1/128 dev lo nodad;"
			    "ip addr add fd00::2/128 dev lo nodad;"
			    "ip addr add fe80::1/64 dev lo nodad;"
			    "ip link add second type dummy 2>/dev/null ||"
			    " ip link add second type ifb;"
			    "ip link set second up multicast on;"
			    "ip addr add fe80::2/64 dev second nodad;"
			    "ip route add multicast ff00::/8 dev lo "
			    "table local;"
			    "ip route add unreachable fd09::/16 dev lo;"
			    "sleep 0.1;";
}

static void network(int mtu, int rights, const char *net)
{
	char setup[1024];

	snprintf(setup, sizeof(setup),
		 "ip link set lo mtu %d up multicast on;"
		 "ip addr add 10.1.0.1/24 brd + dev lo;"
		 "ip route add 224.0.0.0/4 dev lo;"
		 "ip route add unreachable 10.9.0.0/16;%s true",
		 mtu, ipv6_setup(net));
	if (!strcmp(net, "6only"))
		strcat(setup, ";" SYSCTL("bindv6only", "1"));
	unsetenv("LD_PRELOAD");
	own_network();
	if (system(setup))
		fprintf(stderr, "no network as it should be\n");
	if (!strcmp(net, "none"))
		no_family();
	if (!rights)
		give_up_rights();
	make_mail();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	alarm(20);
}

static int me, turn[2][2];

static void fork_actor(void)
{
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (pipe(ends))
			perror("pipe");
		turn[i][0] = fcntl(ends[0], F_DUPFD, 200);
		turn[i][1] = fcntl(ends[1], F_DUPFD, 200);
		close(ends[0]);
		close(ends[1]);
	}
	me = !fork();
	close(turn[!me][0]);
	close(turn[me][1]);
}

static void turn_to(int actor)
{
	char c = 0;

	if (me == actor && read(turn[me][0], &c, 1) != 1)
		exit(1);
	if (me != actor && write(turn[!me][1], &c, 1) != 1)
		exit(1);
}

static void end_actors(void)
{
	char c;

	close(turn[!me][1]);
	while (read(turn[me][0], &c, 1) > 0)
		;
	if (me)
		exit(0);
	wait(NULL);
}
