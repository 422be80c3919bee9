// SPDX-License-Identifier: MIT
/*
 * helpers.c - what the unit tests share. The t_* calls take the steps that
 * interpose.c takes, which the unit tests are not linked with.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/output.h"
#include "port/bind.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "socket/inherit.h"
#include "lib/libc.h"
#include "unit/helpers.h"

/* Criterion forgets some of what its asserts allocate. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libcriterion\n";
}

/* ---- sockets -------------------------------------------------------------- */

void t_init(void)
{
	cop_libc_init();
	inet_init();
	modules_init();
}

static int open_type(int family, int type)
{
	struct socket *sock = NULL;
	int fd;

	cr_assert(eq(int, sock_create(family, type, 0, &sock), 0));
	fd = sock->sk->sk_prot->open(sock->sk, SOCK_CLOEXEC);
	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, fd_install(fd, sock), 0));
	return fd;
}

int t_open_type(int type)
{
	return open_type(PF_INET, type);
}

int t_open(void)
{
	return t_open_type(SOCK_COP);
}

int t_open_adopted(void)
{
	return t_open_type(SOCK_DGRAM);
}

static void set_timeout(int fd)
{
	struct timeval tv = { .tv_sec = 2 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

int t_open_bound(void)
{
	int fd = t_open();

	cr_assert(eq(int, t_bind(fd, LOOPBACK, 0), 0));
	cr_assert(ne(uint, t_port(fd), 0)); /* and so the port is recorded */
	set_timeout(fd);
	return fd;
}

int t_open_inet6(struct sockaddr_in6 *addr)
{
	int fd = open_type(PF_INET6, SOCK_COP);
	struct socket *sock = t_sock(fd);
	socklen_t len = sizeof(*addr);

	if (addr) {
		cr_assert(zero(int,
			       sock->ops->bind(sock, fd, (void *)addr, len)));
		cr_assert(zero(int, getsockname(fd, (void *)addr, &len)));
	}
	set_timeout(fd);
	return fd;
}

void t_close(int fd)
{
	struct fd_change change;

	fd_change_begin(&change, fd, NULL);
	cop_libc.close(fd);
	fd_change_end(&change, true);
}

void t_leave(int fd)
{
	struct fd_change change;

	fd_change_begin(&change, fd, NULL);
	fd_change_end(&change, true);
}

/* Elsewhere is this process, once it has forgotten the descriptor. */
struct sock *t_taken_over(int fd)
{
	struct socket *sock = t_sock(fd);

	sock->sk->sk_prot->mark(sock->sk, fd);
	t_leave(fd);
	cr_assert(zero(ptr, sockfd_lookup(fd)));
	cr_assert(fd_adopt(fd));
	return t_sk(fd);
}

struct socket *t_sock(int fd)
{
	struct socket *sock = sockfd_lookup(fd);

	cr_assert(ne(ptr, sock, NULL));
	return sock;
}

struct sock *t_sk(int fd)
{
	return t_sock(fd)->sk;
}

__be32 t_in(const struct cop_addr_slot *slot)
{
	return cop_slot_get(slot, AF_INET).in.sin_addr.s_addr;
}

struct cop_counters *t_count(int fd)
{
	return &cop_sk(t_sk(fd))->count;
}

int t_udp(void)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, 0);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0));
	set_timeout(fd);
	return fd;
}

static bool port_is_free(uint16_t snum)
{
	struct sockaddr_in addr = t_addr("0.0.0.0", snum);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = bind(fd, (struct sockaddr *)&addr, sizeof(addr));

	close(fd);
	return !err;
}

static int drops_in_proc(uint16_t snum)
{
	FILE *file = fopen("/proc/net/udp", "r");
	unsigned int port, drops;
	char line[256];
	int found = -1;

	cr_assert(ne(ptr, file, NULL));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line,
			   "%*d: %*x:%x %*x:%*x %*x %*x:%*x %*x:%*x %*x %*u "
			   "%*u %*u %*d %*s %u",
			   &port, &drops) == 2 &&
		    port == snum)
			found = drops;
	fclose(file);
	return found;
}

/*
 * qemu-user does not know SO_MEMINFO. The kernel's list misses a socket now and then,
 * while others come and go.
 */
unsigned int t_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);
	int drops = -1;

	if (!getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) &&
	    len == sizeof(info))
		return info[SK_MEMINFO_DROPS];
	while (drops < 0)
		drops = drops_in_proc(t_port(fd));
	return drops;
}

/*
 * Tests run side by side, and on a busy machine it takes long until a test has bound the
 * port that was free. So each process has ports of its own, unless their numbers differ
 * by a multiple of OWNERS: half of them below 20000, as cop_decide's tests want it.
 */
#define OWNERS	  1000
#define OWN_PORTS 20

static uint16_t port_of_owner(uint32_t owner, uint32_t i)
{
	return (i % 2 ? 20000 : 10000) + owner % OWNERS * (OWN_PORTS / 2) +
	       i % OWN_PORTS / 2;
}

/* Once all its ports were tried, a process takes others' too. */
uint16_t t_free_port(void)
{
	static uint32_t tries;
	uint16_t snum;

	do {
		snum = port_of_owner(getpid() + tries / OWN_PORTS * 7, tries);
		tries++;
	} while (!port_is_free(snum));
	return snum;
}

/* ---- calls ---------------------------------------------------------------- */

struct sockaddr_in t_addr(const char *ip, uint16_t snum)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(snum),
		.sin_addr.s_addr = inet_addr(ip),
	};

	return addr;
}

int t_bind_addr(int fd, const void *addr, socklen_t len)
{
	struct socket *sock = sockfd_lookup(fd);

	if (sock)
		return sock->ops->bind(sock, fd, addr, len);
	return bind(fd, addr, len) ? -errno : 0;
}

int t_bind(int fd, const char *ip, uint16_t snum)
{
	struct sockaddr_in addr = t_addr(ip, snum);

	return t_bind_addr(fd, &addr, sizeof(addr));
}

static int connect_addr(int fd, const struct sockaddr_in *addr)
{
	const struct sockaddr *sa = (const struct sockaddr *)addr;
	struct socket *sock = sockfd_lookup(fd);

	if (sock)
		return sock->ops->connect(sock, fd, sa, sizeof(*addr));
	return connect(fd, sa, sizeof(*addr)) ? -errno : 0;
}

int t_connect(int fd, const char *ip, uint16_t snum)
{
	struct sockaddr_in addr = t_addr(ip, snum);

	return connect_addr(fd, &addr);
}

int t_disconnect(int fd)
{
	struct sockaddr_in addr = { .sin_family = AF_UNSPEC };

	return connect_addr(fd, &addr);
}

struct sockaddr_in t_name(int fd)
{
	struct socket *sock = sockfd_lookup(fd);
	struct sockaddr_in addr = { 0 };
	struct sockaddr *sa = (struct sockaddr *)&addr;
	socklen_t len = sizeof(addr);
	int err;

	if (sock)
		err = sock->sk->sk_prot->getname(sock->sk, fd, sa, &len);
	else
		err = getsockname(fd, sa, &len);
	cr_assert(eq(int, err, 0));
	return addr;
}

uint16_t t_port(int fd)
{
	return ntohs(t_name(fd).sin_port);
}

static ssize_t send_now(int fd, const struct msghdr *msg, struct mmsghdr *vec,
			unsigned int n, int flags)
{
	struct socket *sock = t_sock(fd);

	if (vec)
		return sock->sk->sk_prot->sendmmsg(sock->sk, fd, vec, n, flags);
	return sock->sk->sk_prot->sendmsg(sock->sk, fd, msg, flags);
}

/* A socket without a port gets one in the send itself, at the second try too. */
static ssize_t send_bound(int fd, const struct msghdr *msg, struct mmsghdr *vec,
			  unsigned int n, int flags)
{
	struct socket *sock = t_sock(fd);
	ssize_t ret = -EAGAIN;
	bool bound = false;

	if (inet_sk(sock->sk)->inet_sport)
		return send_now(fd, msg, vec, n, flags);
	for (int i = 0; i < 2 && ret == -EAGAIN && !bound; i++) {
		sock->sk->sk_prot->autobind(sock->sk, fd);
		ret = send_now(fd, msg, vec, n, flags);
		bound = sock->sk->sk_prot->autobound(sock->sk, fd,
						     ret < 0 ? ret : 0);
	}
	return ret;
}

ssize_t t_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return send_bound(fd, msg, NULL, 0, flags);
}

ssize_t t_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct socket *sock = t_sock(fd);

	msg->msg_flags = 0;
	return sock->sk->sk_prot->recvmsg(sock->sk, fd, msg, flags);
}

ssize_t t_sendto(int fd, const void *buf, size_t len, int flags,
		 const struct sockaddr_in *to)
{
	struct socket *sock = t_sock(fd);
	socklen_t tolen = to ? sizeof(*to) : 0;
	struct iovec iov = { (void *)buf, len };
	struct msghdr msg = {
		.msg_name = (void *)to,
		.msg_namelen = tolen,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	if (inet_sk(sock->sk)->inet_sport)
		return sock->sk->sk_prot->sendto(sock->sk, fd, buf, len, flags,
						 to, tolen);
	return t_sendmsg(fd, &msg, flags);
}

ssize_t t_send(int fd, const char *text)
{
	return t_sendto(fd, text, strlen(text), 0, NULL);
}

ssize_t t_recvfrom(int fd, void *buf, size_t len, int flags,
		   struct sockaddr_in *from)
{
	struct socket *sock = t_sock(fd);
	socklen_t fromlen = sizeof(*from);

	return sock->sk->sk_prot->recvfrom(sock->sk, fd, buf, len, flags, from,
					   from ? &fromlen : NULL);
}

ssize_t t_recv(int fd, void *buf, size_t len, int flags)
{
	return t_recvfrom(fd, buf, len, flags, NULL);
}

int t_sendmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags)
{
	return send_bound(fd, NULL, vec, n, flags);
}

int t_recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags,
	       struct timespec *timeout)
{
	struct socket *sock = t_sock(fd);

	return sock->sk->sk_prot->recvmmsg(sock->sk, fd, vec, n, flags,
					   timeout);
}

int t_set(int fd, int level, int optname, int value)
{
	struct socket *sock = t_sock(fd);

	return sock->sk->sk_prot->setsockopt(sock->sk, fd, level, optname,
					     &value, sizeof(value));
}

int t_get(int fd, int level, int optname)
{
	struct socket *sock = t_sock(fd);
	socklen_t len = sizeof(int);
	int value = 0;
	int err = sock->sk->sk_prot->getsockopt(sock->sk, fd, level, optname,
						&value, &len);

	return err ? err : value;
}

/* ---- the wire ------------------------------------------------------------- */

void t_wire_recv(int udp, struct t_wire *wire)
{
	ssize_t n = recv(udp, wire, COP_HLEN + sizeof(wire->payload), 0);

	cr_assert(ge(int, n, COP_HLEN), "no datagram with a header came");
	wire->len = n - COP_HLEN;
}

void t_udp_send(int udp, uint16_t snum, const void *data, size_t len)
{
	struct sockaddr_in to = t_addr(LOOPBACK, snum);

	cr_assert(eq(int,
		     sendto(udp, data, len, 0, (struct sockaddr *)&to,
			    sizeof(to)),
		     len));
}

/* By the book, not by the library. */
static struct cophdr header(int udp, uint16_t snum)
{
	struct cophdr hdr = {
		.magic = htons(0xc0b1),
		.ver_hlen = 0x14,
		.flags = 1,
		.source = htons(t_port(udp)),
		.dest = htons(snum),
	};

	return hdr;
}

void t_udp_send_cop(int udp, uint16_t snum, unsigned int options,
		    const void *payload, size_t len)
{
	static unsigned char data[COP_HLEN_MAX + COP_MAX_LEN];
	struct cophdr hdr = header(udp, snum);
	size_t hlen = COP_HLEN + options * 4;

	hdr.ver_hlen += options;
	memset(data, 0xee, hlen);
	memcpy(data, &hdr, COP_HLEN);
	memcpy(data + hlen, payload, len);
	t_udp_send(udp, snum, data, hlen + len);
}

void t_udp_send_strays(int udp, uint16_t snum)
{
	const struct cophdr good = header(udp, snum);
	struct {
		struct cophdr hdr;
		char payload[8];
	} stray = { good, "stray" };

	t_udp_send(udp, snum, &stray, COP_HLEN - 1);
	stray.hdr.magic = ~good.magic;
	t_udp_send(udp, snum, &stray, sizeof(stray));
	stray.hdr = good;
	stray.hdr.ver_hlen = 2 << 4 | COP_HLEN_WORDS;
	t_udp_send(udp, snum, &stray, sizeof(stray));
	stray.hdr.ver_hlen = COP_VERSION << 4 | 15;
	t_udp_send(udp, snum, &stray, sizeof(stray));
}

/* ---- child processes ------------------------------------------------------ */

int t_child(int (*fn)(void))
{
	int *ret = mmap(NULL, sizeof(*ret), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, result;
	pid_t pid;

	cr_assert(ne(ptr, ret, MAP_FAILED));
	pid = fork();
	cr_assert(ge(int, pid, 0));
	if (!pid) {
		*ret = fn();
		_exit(0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	result = WIFSIGNALED(status) ? -WTERMSIG(status) : *ret;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		result = WEXITSTATUS(status);
	munmap(ret, sizeof(*ret));
	return result;
}

bool t_vfork_shares_memory(void)
{
	volatile bool shared = false;
	pid_t pid = vfork();

	if (!pid) {
		shared = true;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return shared;
}

bool t_own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int flags = CLONE_NEWNET | (geteuid() ? CLONE_NEWUSER : 0);
	int fd, err;

	if (unshare(flags))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return !err;
}

/* Who is not root has all capabilities in a network of his own. */
bool t_unprivileged(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = { 0 };

	if (!geteuid() &&
	    (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
		return false;
	return geteuid() && !syscall(SYS_capset, &head, none);
}

static bool is_unknown(int level, int name)
{
	if (level != IPPROTO_IP || name != IP_LOCAL_PORT_RANGE)
		return false;
	errno = ENOPROTOOPT;
	return true;
}

static int old_getsockopt(int fd, int level, int name, void *val,
			  socklen_t *len)
{
	return is_unknown(level, name) ? -1
				       : getsockopt(fd, level, name, val, len);
}

static int old_setsockopt(int fd, int level, int name, const void *val,
			  socklen_t len)
{
	return is_unknown(level, name) ? -1
				       : setsockopt(fd, level, name, val, len);
}

void t_old_kernel(void)
{
	cop_libc.getsockopt = old_getsockopt;
	cop_libc.setsockopt = old_setsockopt;
}

void t_stderr(void (*fn)(void), char *text, size_t size)
{
	int saved = dup(STDERR_FILENO);
	int pipefd[2];
	ssize_t n;

	cr_assert(eq(int, pipe2(pipefd, O_NONBLOCK), 0));
	dup2(pipefd[1], STDERR_FILENO);
	cop_output_init();
	fn();
	dup2(saved, STDERR_FILENO);
	cop_output_init();
	close(saved);
	n = read(pipefd[0], text, size - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(pipefd[0]);
	close(pipefd[1]);
}

bool t_write_sysctl(const char *name, const char *value)
{
	char path[128];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY);
	ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return ok;
}

/* ---- fcntl() ----------------------------------------------------------------- */

static int (*next_fcntl)(int fd, int cmd, ...);
static int (*fcntl_hook)(int fd, int cmd, long arg);

int t_next_fcntl(int fd, int cmd, long arg)
{
	return next_fcntl(fd, cmd, arg);
}

static int hooked_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return fcntl_hook(fd, cmd, arg);
}

void t_hook_fcntl(int (*hook)(int fd, int cmd, long arg))
{
	if (cop_libc.fcntl != hooked_fcntl)
		next_fcntl = cop_libc.fcntl;
	fcntl_hook = hook;
	cop_libc.fcntl = hooked_fcntl;
}

int t_no_duplicate(int fd, int cmd, long arg)
{
	if (cmd != F_DUPFD_CLOEXEC)
		return t_next_fcntl(fd, cmd, arg);
	errno = EMFILE;
	return -1;
}
