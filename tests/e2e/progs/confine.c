// SPDX-License-Identifier: MIT
/*
 * confine.c - a process that confines itself with seccomp, as daemons do once they
 * have started: what its filter does not expect kills it, or fails.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "prog.h"

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(value)	    BPF_STMT(BPF_RET | BPF_K, value)

static bool by_syscall;

static void install(struct sock_filter *insn, unsigned short n)
{
	struct sock_fprog prog = { n, insn };
	int err;

	printf("confined\n"); /* stdout has its buffer now */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("PR_SET_NO_NEW_PRIVS");
	if (by_syscall)
		err = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
	else
		err = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
	if (err)
		die("seccomp");
}

/* As name and time servers do: of all options of a socket one is expected. */
static void allow_one_option(unsigned int otherwise)
{
	struct sock_filter insn[] = {
		LOAD(nr),
		UNLESS(SYS_setsockopt, 4),
		LOAD(args[1]),
		UNLESS(SOL_SOCKET, 3),
		LOAD(args[2]),
		UNLESS(SO_RCVBUF, 1),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(otherwise),
	};

	install(insn, ARRAY_SIZE(insn));
}

/* Nothing but what is named, and what prints and ends. */
static void allow_only(const int *calls, size_t n)
{
	static const int always[] = { SYS_write, SYS_exit_group };
	struct sock_filter insn[64] = { LOAD(nr) };
	unsigned short len = 1;

	for (size_t i = 0; i < n + ARRAY_SIZE(always); i++) {
		int nr = i < n ? calls[i] : always[i - n];

		insn[len++] = (struct sock_filter)UNLESS(nr, 1);
		insn[len++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	}
	insn[len++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	install(insn, len);
}

#define ALLOW(...)                                           \
	do {                                                 \
		static const int calls_[] = { __VA_ARGS__ }; \
                                                             \
		allow_only(calls_, ARRAY_SIZE(calls_));      \
	} while (0)

/* ---- a daemon's life ------------------------------------------------------- */

static char far[1 << 16] = "asked"; /* pages that nobody has looked at */

static int wait_for(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 5000);
}

static void serve(int server)
{
	struct sockaddr_in addr = name_of(server);
	struct sockaddr_in any = addr_of("127.0.0.1", 0);
	struct iovec iov = { far + 9000, 40 };
	struct msghdr msg = { .msg_name = &addr,
			      .msg_namelen = sizeof(addr),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	int client = sock(), other = sock();

	T(bind(client, SA(&any), sizeof(any)));
	know('C', client);
	T(sendto(client, far, 5, 0, SA(&addr), sizeof(addr)));
	T(wait_for(server));
	R(recvfrom(server, buf, 64, 0, SA(&from), &fromlen));
	T(sendto(server, "told", 4, 0, SA(&from), sizeof(from)));
	T(wait_for(client));
	R(recv(client, buf, 64, 0));
	T(sendmsg(client, &msg, 0));
	R(recv(server, buf, 64, MSG_DONTWAIT));
	T(sendto(other, "unbound", 7, 0, SA(&addr), sizeof(addr)));
	R(recv(server, buf, 64, 0));
	T(connect(other, SA(&addr), sizeof(addr)));
	T(send(other, "connected", 9, 0));
	R(recv(server, buf, 64, 0));
	T(close(other));
	T(close(client));
}

static void kills(void)
{
	int server = sock_at('S', "127.0.0.1");

	allow_one_option(SECCOMP_RET_KILL_PROCESS);
	serve(server);
}

static void kills_by_syscall(void)
{
	by_syscall = true;
	kills();
}

static void fails(void)
{
	int server = sock_at('S', "127.0.0.1");

	allow_one_option(SECCOMP_RET_ERRNO | EPERM);
	serve(server);
}

/* The filter comes by an instruction of the program's own, which nobody sees. */
static void fails_unseen(void)
{
	int server = sock_at('S', "127.0.0.1");
	struct sock_filter insn[] = {
		LOAD(nr),
		UNLESS(SYS_setsockopt, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(insn), insn };
	long ret = SYS_seccomp;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("PR_SET_NO_NEW_PRIVS");
#ifdef __x86_64__
	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(SECCOMP_SET_MODE_FILTER), "S"(0), "d"(&prog)
			 : "rcx", "r11", "memory");
#else
	ret = -1;
#endif
	if (ret)
		die("seccomp");
	serve(server);
}

/* The filter is there when the program begins. */
static void starts_confined(void)
{
	char *const argv[] = { "confine", (char *)kind, "serves", NULL };

	allow_one_option(SECCOMP_RET_KILL_PROCESS);
	execv("/proc/self/exe", argv);
}

static void serves(void)
{
	serve(sock_at('S', "127.0.0.1"));
}

/* ---- one kind of call, and no other ---------------------------------------- */

static char big[60000];

/* ---- IPv6 -------------------------------------------------------------------- */

static int sock6(void)
{
	int fd = is_cop ? socket(PF_INET6, SOCK_COP, IPPROTO_COP)
			: socket(PF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		skip("IPv6");
	return fd;
}

/* A daemon that makes no other calls than these, on sockets of IPv6. */
static void by_daemon_of_ipv6(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 }, to = any;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(to);
	int server = sock6(), client;

	any.sin6_addr = in6addr_loopback;
	T(bind(server, SA(&any), sizeof(any)));
	T(getsockname(server, SA(&to), &len));
	ALLOW(SYS_socket, SYS_bind, SYS_connect, SYS_sendto, SYS_recvfrom,
	      SYS_close);
	client = sock6();
	T(bind(client, SA(&any), sizeof(any)));
	T(bind(client, SA(&any), sizeof(any)));
	T(bind(sock6(), SA(&to), sizeof(to)));
	T(sendto(client, "asked", 5, 0, SA(&to), sizeof(to)));
	T(recv(server, buf, 64, 0));
	T(connect(client, SA(&to), sizeof(to)));
	T(send(client, "connected", 9, 0));
	T(recv(server, buf, 64, 0));
	T(connect(client, &none, sizeof(none)));
	T(sendto(client, "again", 5, 0, SA(&to), sizeof(to)));
	T(recv(server, buf, 64, 0));
	T(sendto(sock6(), "unbound", 7, 0, SA(&to), sizeof(to)));
	T(recv(server, buf, 64, 0));
	T(close(client));
}

static void by_file(void)
{
	connect_pair();
	ALLOW(SYS_read);
	R(write(sock_a, "written", 7));
	R(read(sock_b, buf, 64));
	T(write(sock_a, big, sizeof(big)));
	T(read(sock_b, big, sizeof(big)));
	T(write(sock_a, big, sizeof(big)));
	T(read(sock_b, buf, 3));
}

static void by_vector(void)
{
	struct iovec iov[2] = { { "in ", 3 }, { "parts", 5 } };
	struct iovec into[2] = { { buf, 4 }, { buf + 10, 4 } };

	connect_pair();
	ALLOW(SYS_writev, SYS_readv);
	T(writev(sock_a, iov, 2));
	R(readv(sock_b, into, 2));
}

static void by_buffer(void)
{
	make_pair();
	ALLOW(SYS_sendto, SYS_recvfrom);
	deliver("sent");
	R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
	deliver("looked at");
	R(recv(sock_b, buf, 3, MSG_PEEK | MSG_TRUNC));
	R(recv(sock_b, buf, 64, 0));
	T(sendto(sock_a, big, sizeof(big), 0, SA(&addr_b), sizeof(addr_b)));
	T(recv(sock_b, big, sizeof(big), 0));
	T(sendto(sock_a, far, 65535, 0, SA(&addr_b), sizeof(addr_b)));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
}

static void by_message(void)
{
	struct iovec iov[70], into = { buf, 64 };
	struct msghdr msg = { .msg_name = &addr_b,
			      .msg_namelen = sizeof(addr_b),
			      .msg_iov = iov,
			      .msg_iovlen = ARRAY_SIZE(iov) };

	for (size_t i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){ i % 2 ? "b" : "a", i % 4 == 0 };
	make_pair();
	ALLOW(SYS_sendmsg, SYS_recvmsg);
	T(sendmsg(sock_a, &msg, 0));
	msg.msg_name = &from;
	msg.msg_iov = &into;
	msg.msg_iovlen = 1;
	R(recvmsg(sock_b, &msg, 0));
}

static void by_many(void)
{
	struct iovec out[2] = { { "one", 3 }, { "three", 5 } };
	struct iovec in[2] = { { buf, 16 }, { buf + 16, 16 } };
	struct mmsghdr vec[2] = { 0 };

	connect_pair();
	ALLOW(SYS_sendmmsg, SYS_recvmmsg);
	for (int i = 0; i < 2; i++)
		vec[i].msg_hdr =
			(struct msghdr){ .msg_iov = &out[i], .msg_iovlen = 1 };
	T(sendmmsg(sock_a, vec, 2, 0));
	for (int i = 0; i < 2; i++)
		vec[i].msg_hdr.msg_iov = &in[i];
	R(recvmmsg(sock_b, vec, 2, MSG_DONTWAIT, NULL));
	printf("%u %u\n", vec[0].msg_len, vec[1].msg_len);
}

/* What is not a datagram. */
static void by_others(void)
{
	struct sockaddr_in any = addr_of("127.0.0.1", 0);
	int fresh_one, port, queued = -1;

	make_pair();
	fresh_one = sock();
	port = htons(addr_b.sin_port);
	close(sock_b);
	ALLOW(SYS_bind, SYS_connect, SYS_getsockname, SYS_socket, SYS_ioctl,
	      SYS_close, SYS_setsockopt, SYS_poll, SYS_dup);
	T(bind(fresh_one, SA(&any), sizeof(any)));
	sock_b = sock();
	T(bind(sock_b, SA(&addr_b), sizeof(addr_b)));
	T(htons(name_of(sock_b).sin_port) == port);
	T(bind(sock_b, SA(&any), sizeof(any)));
	T(connect(sock_a, SA(&addr_b), sizeof(addr_b)));
	T(ioctl(sock_b, FIONREAD, &queued));
	T(queued);
	T(setsockopt(sock_b, SOL_SOCKET, SO_RCVBUF, &port, sizeof(port)));
	T(close(dup(sock_b)));
	T(close(sock_b));
	T(close(fresh_one));
}

/* Of sockets that are made behind the filter, so that they have none of ours. */
static void sifts(void)
{
	int udp = socket(PF_INET, SOCK_DGRAM, 0);

	ALLOW(SYS_socket, SYS_bind, SYS_getsockname, SYS_sendto, SYS_recvfrom);
	make_pair();
	if (is_cop)
		sendto(udp, "a stray, no COP", 15, 0, SA(&addr_b),
		       sizeof(addr_b));
	deliver("meant");
	R(recv(sock_b, buf, 64, MSG_PEEK));
	R(recv(sock_b, buf, 64, 0));
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
}

static void exchange(void)
{
	T(write(sock_a, "written", 7));
	R(read(sock_b, buf, 64));
	T(write(sock_a, "", 0));
	T(read(sock_b, buf, 64));
	fflush(stdout);
}

/* Nothing but read() and write(), and no cycle counter either. */
static void strict_child(bool with_syscall)
{
	fflush(stdout);
	if (with_syscall
		    ? syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL)
		    : prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		die("the strict mode");
	exchange();
	syscall(SYS_exit, 7);
}

static void strict(void)
{
	int status;

	connect_pair();
	printf("strict\n");
	for (int i = 0; i < 4; i++) {
		fflush(stdout);
		if (!fork())
			strict_child(i & 1);
		wait(&status);
		printf("  status %x\n", status);
		usleep(30000);
		exchange();
		exchange();
	}
}

/* The kernel then ends each program that reads the counter, in vDSO, too. */
static void without_counter(void)
{
	struct timeval tv = { .tv_usec = 1000 };

	connect_pair();
	for (int i = 0; i < 3; i++) {
		exchange();
		usleep(30000);
	}
	T(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	exchange();
	T(setsockopt(sock_b, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	T(recv(sock_b, buf, 64, 0));
	exchange();
	T(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	exchange();
	T(syscall(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV));
	exchange();
	T(close(sock_a));
}

SCENARIOS({ "strict", strict }, { "without_counter", without_counter },
	  { "by_daemon_of_ipv6", by_daemon_of_ipv6 }, { "kills", kills },
	  { "kills_by_syscall", kills_by_syscall }, { "fails", fails },
	  { "fails_unseen", fails_unseen },
	  { "starts_confined", starts_confined }, { "serves", serves },
	  { "by_file", by_file }, { "by_vector", by_vector },
	  { "by_buffer", by_buffer }, { "by_message", by_message },
	  { "by_many", by_many }, { "by_others", by_others },
	  { "sifts", sifts })
