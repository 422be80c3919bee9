// SPDX-License-Identifier: MIT
/*
 * lacks.c - prints what is missing here, as kinds of tests/cross/emulated, with commas
 * between them. On Linux itself nothing is missing. qemu-user passes a program's system
 * calls on to Linux, but knows only some of them.
 *
 *	lacks		the kinds that are missing
 *	lacks --all	each kind, whether it is missing, and what it is
 *
 * Each kind is tried by a child, and is missing if the child fails, or ends by a signal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define UDP_MOST 65507
#define NOWHERE	 ((void *)8)

/* ---- sockets -------------------------------------------------------------- */

static struct sockaddr_in bound;

static int udp(void)
{
	const struct timeval second = { 1, 0 };
	socklen_t len = sizeof(bound);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	bound = (struct sockaddr_in){ .sin_family = AF_INET };
	bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(fd, (struct sockaddr *)&bound, sizeof(bound));
	getsockname(fd, (struct sockaddr *)&bound, &len);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	return fd;
}

/* A socket that is connected to itself. */
static int talking(void)
{
	int fd = udp();

	connect(fd, (struct sockaddr *)&bound, sizeof(bound));
	return fd;
}

static bool set(int fd, int level, int name, const void *value, socklen_t len)
{
	return !setsockopt(fd, level, name, value, len);
}

static struct sock_filter accepts[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_STMT(BPF_RET | BPF_K, 0x12345678),
};

static int filtered(void)
{
	const struct sock_fprog prog = { 2, accepts };
	int fd = udp();

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
	return fd;
}

/* ---- options -------------------------------------------------------------- */

static bool get_filter(void)
{
	struct sock_filter is[2] = { 0 };
	socklen_t n = 2;

	return !getsockopt(filtered(), SOL_SOCKET, SO_GET_FILTER, is, &n) &&
	       n == 2 && !memcmp(is, accepts, sizeof(is));
}

static bool detach_filter(void)
{
	const int none = 0;

	return set(filtered(), SOL_SOCKET, SO_DETACH_FILTER, &none,
		   sizeof(none));
}

static bool lock_filter(void)
{
	const int on = 1;

	return set(filtered(), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

static bool attach_bpf(void)
{
	const int nobodys = -1;

	return !set(udp(), SOL_SOCKET, SO_ATTACH_BPF, &nobodys,
		    sizeof(nobodys)) &&
	       errno == EBADF;
}

/* The socket is in no group. */
static bool reuseport_bpf(void)
{
	const struct sock_fprog prog = { 2, accepts };

	return !set(udp(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
		    sizeof(prog)) &&
	       errno == EINVAL;
}

static bool port_range(void)
{
	const uint32_t range = 40001u << 16 | 40000u;
	uint32_t is = 0;
	socklen_t len = sizeof(is);
	int fd = udp();

	return set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
		   sizeof(range)) &&
	       !getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &is, &len) &&
	       is == range;
}

static bool cookie(void)
{
	uint64_t is = 0;
	socklen_t len = sizeof(is);

	return !getsockopt(udp(), SOL_SOCKET, SO_COOKIE, &is, &len) && is;
}

static bool timestamping(void)
{
	const int what = 0x18; /* SOFTWARE, RX_SOFTWARE */

	return set(udp(), SOL_SOCKET, SO_TIMESTAMPING, &what, sizeof(what));
}

static bool multicast_if(void)
{
	const struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
	struct in_addr is = { 0 };
	socklen_t len = sizeof(is);
	int fd = udp();

	return set(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback,
		   sizeof(loopback)) &&
	       !getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &is, &len) &&
	       is.s_addr == loopback.s_addr;
}

static bool meminfo(void)
{
	uint32_t is[9];
	socklen_t len = sizeof(is);

	return !getsockopt(udp(), SOL_SOCKET, SO_MEMINFO, is, &len) &&
	       len == sizeof(is);
}

static bool unknown_option(void)
{
	const int value = 0;
	int fd = udp();

	return !set(fd, SOL_SOCKET, 0x7fff, NOWHERE, sizeof(int)) &&
	       errno == EFAULT &&
	       !set(fd, SOL_SOCKET, 0x7fff, &value, sizeof(value)) &&
	       errno == ENOPROTOOPT;
}

static bool short_answer(void)
{
	unsigned char is[4] = { 0xee, 0xee, 0xee, 0xee };
	socklen_t none = 0, two = 2;
	const int fd = udp();

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, is, &none) && !none &&
	       is[0] == 0xee &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, is, &two) && two == 2 &&
	       is[1] != 0xee && is[2] == 0xee;
}

/* With 64 bits the library does not ask for the last page. */
static bool last_page(void)
{
	const int fd = udp();

	return sizeof(void *) == 8 ||
	       (!set(fd, SOL_SOCKET, 0x7fff, (void *)-4096, sizeof(int)) &&
		errno == EFAULT);
}

/* ---- datagrams ------------------------------------------------------------ */

static bool recvmmsg_time(void)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	struct timespec wrong = { 0, -1 };
	int fd = talking();

	return send(fd, "x", 1, 0) == 1 &&
	       recvmmsg(fd, &vec, 1, 0, &wrong) < 0 && errno == EINVAL;
}

/* The kernel looks at other things first, and then cannot read the payload. */
static bool send_fault(void)
{
	return send(talking(), NOWHERE, 1, 0) < 0 && errno == EFAULT &&
	       send(udp(), NOWHERE, 1, 0) < 0 && errno == EDESTADDRREQ &&
	       send(talking(), NOWHERE, UDP_MOST + 1, 0) < 0 &&
	       errno == EMSGSIZE;
}

/* A part of the payload is not there: nothing is sent. */
static bool part_fault(void)
{
	struct iovec iov[2] = { { "x", 1 }, { NOWHERE, 1 } };
	const struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	const int fd = talking();

	if (sendmsg(fd, &msg, 0) >= 0 || errno != EFAULT)
		return false;
	iov[1].iov_len = UDP_MOST;
	return sendmsg(fd, &msg, 0) < 0 && errno == EMSGSIZE;
}

static bool no_parts(void)
{
	struct sockaddr_in from = { 0 };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from) };
	const int fd = talking();

	return send(fd, "x", 1, 0) == 1 && !recvmsg(fd, &msg, 0) &&
	       from.sin_port == bound.sin_port;
}

/* A receive without data does not look at the address of the buffer. */
static bool receive_wait_first(void)
{
	return recv(talking(), NOWHERE, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The kernel's UDP has them, too; a kernel without UDP-Lite says ENOPROTOOPT. */
static bool udplite_options(void)
{
	socklen_t len = sizeof(int);
	int value;

	return !getsockopt(udp(), IPPROTO_UDPLITE, 10, &value, &len) ||
	       errno == ENOPROTOOPT;
}

static bool probe(void)
{
	const int flags = MSG_CONFIRM | MSG_PROXY; /* MSG_PROBE */
	struct msghdr none = { 0 };

	return sendmsg(udp(), &none, flags) < 0 && errno == EDESTADDRREQ;
}

static bool bad_descriptor_first(void)
{
	return getsockname(-1, NOWHERE, NULL) < 0 && errno == EBADF &&
	       sendto(-1, NOWHERE, 1, 0, NULL, 0) < 0 && errno == EBADF;
}

/* A control message of a program goes to the kernel: a number in two bytes. */
static bool send_control(void)
{
	char data[30] = { 0 }, control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	const uint16_t piece = 10;
	int fd = talking();

	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(piece)),
			       .cmsg_level = IPPROTO_UDP,
			       .cmsg_type = 103 /* UDP_SEGMENT */ };
	memcpy(CMSG_DATA(c), &piece, sizeof(piece));
	if (sendmsg(fd, &msg, 0) != sizeof(data))
		return false;
	return recv(fd, data, sizeof(data), 0) == piece;
}

/* A control message that comes from the kernel: a number in four bytes. */
static bool gro_control(void)
{
	char data[30] = { 0 }, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	const int on = 1, piece = 10;
	int fd = talking(), is = 0;

	if (!set(fd, IPPROTO_UDP, 103 /* UDP_SEGMENT */, &piece, sizeof(int)) ||
	    !set(fd, IPPROTO_UDP, 104 /* UDP_GRO */, &on, sizeof(int)) ||
	    send(fd, data, sizeof(data), 0) != sizeof(data) ||
	    recvmsg(fd, &msg, 0) != sizeof(data) || !CMSG_FIRSTHDR(&msg))
		return false;
	memcpy(&is, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(is));
	return is == piece;
}

/* ---- processes ------------------------------------------------------------ */

static bool child_says_yes(pid_t child)
{
	int status = -1;

	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

static bool wipe_on_fork(void)
{
	volatile int *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	*page = 1;
	if (madvise((void *)page, 4096, MADV_WIPEONFORK))
		return false;
	child = fork();
	if (!child)
		_exit(*page);
	return child_says_yes(child);
}

static bool populate(void)
{
	void *wrong =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char right[8192];
	const uintptr_t page = ((uintptr_t)right + 4095) & ~4095ul;

	return !madvise((void *)page, 4096, MADV_POPULATE_WRITE) &&
	       madvise(wrong, 4096, MADV_POPULATE_WRITE) && errno == EINVAL;
}

static bool dontdump(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char line[512], start[32];
	bool mine = false;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	snprintf(start, sizeof(start), "%lx-", (unsigned long)page);
	if (madvise(page, 4096, MADV_DONTDUMP) || !smaps)
		return false;
	while (fgets(line, sizeof(line), smaps)) {
		if (strchr(line, '-') && strchr(line, '-') < line + 17)
			mine = !strncmp(line, start, strlen(start));
		else if (mine && !strncmp(line, "VmFlags:", 8))
			return strstr(line, " dd");
	}
	return false;
}

static bool one_task(void)
{
	struct stat task;

	return !stat("/proc/self/task", &task) && task.st_nlink == 3;
}

/* The kernel puts the number of the thread into the word. */
static bool pi_futex(void)
{
	static uint32_t word;

	return !syscall(SYS_futex, &word, 6 /* FUTEX_LOCK_PI */, 0, NULL) &&
	       word == (uint32_t)getpid();
}

static bool shared_by_vfork(void)
{
	static volatile int seen;
	pid_t child = vfork();

	if (!child) {
		seen = 1;
		_exit(0);
	}
	return child_says_yes(child) && seen;
}

static bool subreaper(void)
{
	return !prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* ---- the kinds ------------------------------------------------------------ */

static const struct {
	const char *name, *what;
	bool (*works)(void);
} kind[] = {
	{ "get-filter", "getsockopt(SO_GET_FILTER)", get_filter },
	{ "detach-filter", "setsockopt(SO_DETACH_FILTER)", detach_filter },
	{ "lock-filter", "setsockopt(SO_LOCK_FILTER)", lock_filter },
	{ "attach-bpf", "setsockopt(SO_ATTACH_BPF)", attach_bpf },
	{ "reuseport-bpf", "setsockopt(SO_ATTACH_REUSEPORT_CBPF)",
	  reuseport_bpf },
	{ "port-range", "IP_LOCAL_PORT_RANGE", port_range },
	{ "cookie", "getsockopt(SO_COOKIE)", cookie },
	{ "timestamping", "SO_TIMESTAMPING", timestamping },
	{ "multicast-if", "IP_MULTICAST_IF with an address of 4 bytes",
	  multicast_if },
	{ "meminfo", "getsockopt(SO_MEMINFO)", meminfo },
	{ "unknown-option", "an unknown option with a bad pointer is EFAULT",
	  unknown_option },
	{ "short-answer", "a short buffer gets a part of the answer",
	  short_answer },
	{ "last-page", "EFAULT for the last page of 32 bits", last_page },
	{ "recvmmsg-time", "the time of recvmmsg()", recvmmsg_time },
	{ "send-fault",
	  "the order of errors of a send of memory that is not there",
	  send_fault },
	{ "receive-wait", "EAGAIN comes before EFAULT", receive_wait_first },
	{ "part-fault", "a part that is not there keeps a send back",
	  part_fault },
	{ "no-parts", "a receive of no parts takes a datagram", no_parts },
	{ "bad-descriptor", "EBADF comes before EFAULT", bad_descriptor_first },
	{ "udplite-options", "options of the level of UDP-Lite",
	  udplite_options },
	{ "probe", "a send of no parts with MSG_PROBE is checked", probe },
	{ "send-control", "a control message that a program sends",
	  send_control },
	{ "gro-control", "the control message UDP_GRO", gro_control },
	{ "wipe-on-fork", "MADV_WIPEONFORK", wipe_on_fork },
	{ "populate", "MADV_POPULATE_WRITE", populate },
	{ "dontdump", "MADV_DONTDUMP in /proc/self/smaps", dontdump },
	{ "one-task", "a process has no threads but its own", one_task },
	{ "pi-futex", "FUTEX_LOCK_PI in the byte order of the program",
	  pi_futex },
	{ "vfork", "a child of vfork() shares the memory", shared_by_vfork },
	{ "subreaper", "PR_SET_CHILD_SUBREAPER", subreaper },
};

static bool works(bool (*try)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		alarm(10);
		_exit(!try());
	}
	return child_says_yes(child);
}

int main(int argc, char **argv)
{
	const bool all = argc > 1 && !strcmp(argv[1], "--all");
	const char *comma = "";

	for (size_t i = 0; i < sizeof(kind) / sizeof(*kind); i++) {
		const bool here = works(kind[i].works);

		if (all) {
			printf("%-16s%-9s%s\n", kind[i].name,
			       here ? "" : "missing", kind[i].what);
		} else if (!here) {
			printf("%s%s", comma, kind[i].name);
			comma = ",";
		}
	}
	if (!all)
		printf("\n");
	return 0;
}
