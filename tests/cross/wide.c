// SPDX-License-Identifier: MIT
/*
 * wide.c - the calls that the libc of a 32-bit processor has more than once: for times
 * and positions in files of 32 bits, and of 64 bits. It is built for both, runs on the
 * kernel's UDP and on COP, and checks the same on both.
 *
 *	wide udp
 *	wide cop	with the library
 *
 * A call that bypassed the library would show: a wait by its end at a stray, a receive by
 * a header, a filter of seccomp by a later failure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCK_COP    7
#define IPPROTO_COP 253
#define SHORT_MS    30
#define LONG_MS	    20000

#define CHECK(x)                                                             \
	do {                                                                 \
		if (!(x)) {                                                  \
			fprintf(stderr, "wide: line %d: %s: %s\n", __LINE__, \
				#x, strerror(errno));                        \
			exit(1);                                             \
		}                                                            \
	} while (0)

static bool cop;
static int sock; /* connected to itself */
static struct sockaddr_in name;

static int open_socket(void)
{
	const struct timeval most = { 20, 0 };
	socklen_t len = sizeof(name);
	int fd = cop ? socket(AF_INET, SOCK_COP, IPPROTO_COP)
		     : socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(fd >= 0);
	name = (struct sockaddr_in){ .sin_family = AF_INET };
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(!bind(fd, (struct sockaddr *)&name, sizeof(name)));
	CHECK(!getsockname(fd, (struct sockaddr *)&name, &len));
	CHECK(!connect(fd, (struct sockaddr *)&name, sizeof(name)));
	CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)));
	return fd;
}

static void put(const char *text)
{
	CHECK(send(sock, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static void got(const char *text)
{
	char is[64] = "";

	CHECK(recv(sock, is, sizeof(is) - 1, 0) == (ssize_t)strlen(text));
	CHECK(!strcmp(is, text));
}

/* ---- waits ---------------------------------------------------------------- */

static int by_ppoll(int ms)
{
	struct timespec most = { ms / 1000, ms % 1000 * 1000000 };
	struct pollfd p = { .fd = sock, .events = POLLIN };

	return ppoll(&p, 1, &most, NULL);
}

static int by_pselect(int ms)
{
	struct timespec most = { ms / 1000, ms % 1000 * 1000000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(sock, &set);
	return pselect(sock + 1, &set, NULL, NULL, &most, NULL);
}

static int by_select(int ms)
{
	struct timeval most = { ms / 1000, ms % 1000 * 1000 };
	fd_set set;
	int n;

	FD_ZERO(&set);
	FD_SET(sock, &set);
	n = select(sock + 1, &set, NULL, NULL, &most);
	if (!n)
		CHECK(!most.tv_sec && !most.tv_usec);
	else
		CHECK(most.tv_sec * 1000 + most.tv_usec / 1000 <= ms);
	return n;
}

/* -1 and ENOSYS where nothing but libc knows the call. */
static int by_epoll(int ms)
{
	struct timespec most = { ms / 1000, ms % 1000 * 1000000 };
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0), n;

	CHECK(!epoll_ctl(fd, EPOLL_CTL_ADD, sock, &event));
	n = epoll_pwait2(fd, &event, 1, &most, NULL);
	if (n < 0 && errno == ENOSYS)
		n = epoll_wait(fd, &event, 1, ms);
	close(fd);
	return n;
}

/* The times of these system calls have 64 bits, and 32 bits by their older number. */
#ifdef SYS_ppoll_time64
static int by_syscall_ppoll(int ms)
{
	const int64_t most[2] = { ms / 1000, ms % 1000 * 1000000 };
	struct pollfd p = { .fd = sock, .events = POLLIN };

	return syscall(SYS_ppoll_time64, &p, 1, most, NULL, 8);
}

static int by_syscall_pselect(int ms)
{
	const int64_t most[2] = { ms / 1000, ms % 1000 * 1000000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(sock, &set);
	return syscall(SYS_pselect6_time64, sock + 1, &set, NULL, NULL, most,
		       NULL);
}

static int by_syscall_select(int ms)
{
	int32_t most[2] = { ms / 1000, ms % 1000 * 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(sock, &set);
	return syscall(SYS__newselect, sock + 1, &set, NULL, NULL, most);
}
#endif

/* A datagram without a header, which ends no wait. */
static void send_stray(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(sendto(fd, "stray", 5, 0, (struct sockaddr *)&name,
		     sizeof(name)) == 5);
	close(fd);
}

/* UDP's socket is connected, so it does not get the stray. */
static void check_wait(int (*wait)(int ms))
{
	CHECK(wait(0) == 0);
	send_stray();
	CHECK(wait(SHORT_MS) == 0);
	put("wake");
	CHECK(wait(LONG_MS) == 1);
	got("wake");
}

#define WAIT(call)                    \
	static void wait_##call(void) \
	{                             \
		check_wait(call);     \
	}

WAIT(by_ppoll)
WAIT(by_pselect)
WAIT(by_select)
WAIT(by_epoll)
#ifdef SYS_ppoll_time64
WAIT(by_syscall_ppoll)
WAIT(by_syscall_pselect)
WAIT(by_syscall_select)
#endif

/* ---- receives ------------------------------------------------------------- */

static char data[4][16];
static struct iovec iov[4];
static struct mmsghdr vec[4];

static void set_up_vec(void)
{
	memset(data, 0, sizeof(data));
	for (int i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ data[i], sizeof(data[i]) - 1 };
		vec[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i],
							.msg_iovlen = 1 } };
	}
}

static void check_recvmmsg(void)
{
	struct timespec most = { 5, 0 }, none = { 0, 0 }, wrong = { 0, -1 };

	put("one");
	put("two");
	put("three");
	set_up_vec();
	CHECK(recvmmsg(sock, vec, 4, MSG_DONTWAIT, &wrong) < 0 &&
	      errno == EINVAL);
	CHECK(recvmmsg(sock, vec, 4, 0, &none) == 1);
	CHECK(recvmmsg(sock, vec + 1, 2, 0, &most) == 2);
	CHECK(most.tv_sec < 5 && most.tv_sec >= 0 && most.tv_nsec > 0);
	CHECK(!strcmp(data[0], "one") && !strcmp(data[1], "two"));
	CHECK(!strcmp(data[2], "three") && vec[2].msg_len == 5);
}

#ifdef SYS_recvmmsg_time64
static void check_recvmmsg_by_number(void)
{
	int64_t most[2] = { 5, 0 };

	put("one");
	set_up_vec();
	CHECK(syscall(SYS_recvmmsg_time64, sock, vec, 1, 0, most) == 1);
	CHECK(!strcmp(data[0], "one") && most[0] < 5 && most[1] > 0);
}
#endif

static void check_sendmmsg(void)
{
	set_up_vec();
	strcpy(data[0], "first");
	strcpy(data[1], "second");
	iov[0].iov_len = 5;
	iov[1].iov_len = 6;
	CHECK(sendmmsg(sock, vec, 2, 0) == 2 && vec[1].msg_len == 6);
	got("first");
	got("second");
}

/* The time at which a datagram came, as a struct timeval of the program. */
static void check_timestamp(void)
{
	char control[256];
	struct timeval now, then;
	const int on = 1;
	struct cmsghdr *c;

	CHECK(!setsockopt(sock, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)));
	put("stamp");
	set_up_vec();
	vec[0].msg_hdr.msg_control = control;
	vec[0].msg_hdr.msg_controllen = sizeof(control);
	CHECK(recvmsg(sock, &vec[0].msg_hdr, 0) == 5);
	CHECK((c = CMSG_FIRSTHDR(&vec[0].msg_hdr)));
	CHECK(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMP);
	memcpy(&then, CMSG_DATA(c), sizeof(then));
	CHECK(!gettimeofday(&now, NULL));
	CHECK(now.tv_sec - then.tv_sec >= 0 && now.tv_sec - then.tv_sec < 60);
	CHECK(then.tv_usec >= 0 && then.tv_usec < 1000000);
}

/* ---- options, control ----------------------------------------------------- */

static void check_options(void)
{
	const struct timeval time = { 3, 0 };
	struct timeval is = { 0, 0 };
	socklen_t len = sizeof(is);

	CHECK(!setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
	CHECK(!getsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &is, &len));
	CHECK(is.tv_sec == 3 && !is.tv_usec && len == sizeof(is));
}

static void check_control(void)
{
	int ready = 0, copy = fcntl(sock, F_DUPFD, 100), was = sock;

	CHECK(copy >= 100);
	put("twice");
	CHECK(!ioctl(sock, FIONREAD, &ready) && ready == 5);
	sock = copy;
	got("twice");
	sock = was;
	close(copy);
#ifdef SYS_fcntl64
	copy = syscall(SYS_fcntl64, sock, F_DUPFD, 100);
	CHECK(copy >= 100);
	put("again");
	sock = copy;
	got("again");
	sock = was;
	close(copy);
#endif
}

/* ---- positions ------------------------------------------------------------ */

static void check_positions(void)
{
	struct iovec one = { data[0], 3 };
	off_t at = 2;
	int fd = memfd_create("wide", 0);

	CHECK(write(fd, "..file", 6) == 6);
	CHECK(sendfile(sock, fd, &at, 4) == 4 && at == 6);
	got("file");
	CHECK(pwritev2(sock, &one, 1, 0, 0) < 0 && errno == ESPIPE);
	CHECK(preadv2(sock, &one, 1, 0, 0) < 0 && errno == ESPIPE);
	strcpy(data[0], "end");
	CHECK(pwritev2(sock, &one, 1, -1, 0) == 3);
	CHECK(preadv2(sock, &one, 1, -1, 0) == 3 && !strcmp(data[0], "end"));
	close(fd);
}

/* ---- filters of system calls ---------------------------------------------- */

/* Refuses the numbers from @first to @last with EACCES. */
static int refuse(unsigned int first, unsigned int last)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

/* The library does what a filter forbids before the filter is there. */
static void check_prctl(void)
{
	const int none = 0;

	CHECK(!refuse(__NR_getpid, __NR_getpid));
	put("confined");
	got("confined");
	CHECK(!setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &none, sizeof(none)));
}

#ifdef SYS_socketcall
/* libc makes a socketcall() of each call, so a filter may refuse the single calls. */
static void check_socketcall(void)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	long set[] = { fd, SOL_SOCKET, SO_BROADCAST, (long)&on, sizeof(on), 0 };
	long to[] = { fd, (long)"x", 1, 0, (long)&name, sizeof(name) };
	long wait[] = { fd, (long)data[0], 1, MSG_DONTWAIT, 0, 0 };

	CHECK(!refuse(SYS_socket, SYS_shutdown));
	CHECK(!syscall(SYS_socketcall, 14 /* setsockopt */, set));
	CHECK(syscall(SYS_socketcall, 11 /* sendto */, to) == 1);
	CHECK(syscall(SYS_socketcall, 12 /* recvfrom */, wait) < 0 &&
	      errno == EAGAIN);
	CHECK(syscall(SYS_socketcall, 10 /* recv */, wait) < 0 &&
	      errno == EAGAIN);
}
#endif

/* ---- the checks ----------------------------------------------------------- */

static const struct {
	const char *name;
	void (*check)(void);
} checks[] = {
	{ "ppoll", wait_by_ppoll },
	{ "pselect", wait_by_pselect },
	{ "select", wait_by_select },
	{ "epoll_pwait2", wait_by_epoll },
#ifdef SYS_ppoll_time64
	{ "syscall(ppoll_time64)", wait_by_syscall_ppoll },
	{ "syscall(pselect6_time64)", wait_by_syscall_pselect },
	{ "syscall(_newselect)", wait_by_syscall_select },
	{ "syscall(recvmmsg_time64)", check_recvmmsg_by_number },
#endif
	{ "recvmmsg", check_recvmmsg },
	{ "sendmmsg", check_sendmmsg },
	{ "recvmsg and SO_TIMESTAMP", check_timestamp },
	{ "SO_RCVTIMEO", check_options },
	{ "fcntl and ioctl", check_control },
	{ "positions", check_positions },
	{ "prctl", check_prctl },
#ifdef SYS_socketcall
	{ "socketcall", check_socketcall },
#endif
};

static bool passes(void (*check)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(60);
		sock = open_socket();
		check();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	cop = !strcmp(argv[1], "cop");
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		printf("%s: %s\n", checks[i].name,
		       passes(checks[i].check) ? "passed" : "failed");
	return 0;
}
