// SPDX-License-Identifier: MIT
/*
 * execs.c - sockets that another program inherits. The other program is this
 * one again: "<program> udp|cop|adopted <scenario> <port of A> <port of B>".
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "stray.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

extern char **environ;

/* Where the program that is run finds the sockets. */
#define FD_A	 40
#define FD_B	 41
#define FD_DUP	 42
#define FD_CLOSE 43

static const char *self;
static char port_a[8], port_b[8];

static void move_to(int *fd, int to)
{
	if (dup2(*fd, to) != to)
		die("dup2");
	close(*fd);
	*fd = to;
}

static void say_ports(void)
{
	snprintf(port_a, sizeof(port_a), "%d", ntohs(addr_a.sin_port));
	snprintf(port_b, sizeof(port_b), "%d", ntohs(addr_b.sin_port));
}

static void make_inherited(void)
{
	make_pair();
	move_to(&sock_a, FD_A);
	move_to(&sock_b, FD_B);
	say_ports();
}

#define ARGS(scenario)                                                     \
	{                                                                  \
		(char *)self, (char *)kind, scenario, port_a, port_b, NULL \
	}

static void exec_self(const char *scenario)
{
	char *argv[] = ARGS((char *)scenario);

	fflush(stdout);
	execv(self, argv);
	die(self);
}

/* ---- in the program that is run ---------------------------------------- */

static void know_port(char name, const char *port, struct sockaddr_in *addr)
{
	*addr = addr_of("127.0.0.1", atoi(port));
	known[name - 'A'] = (struct known){ name, addr->sin_port };
}

static void inherit(char **argv)
{
	sock_a = FD_A;
	sock_b = FD_B;
	know_port('A', argv[0], &addr_a);
	know_port('B', argv[1], &addr_b);
}

static void show_kind(int fd)
{
	socklen_t len = sizeof(int);
	int n = 0;

	T(of_the_kind(fd));
	T(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &n, &len));
	T(n == (is_cop ? cop_protocol : IPPROTO_UDP));
	T(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &n, &len));
	T(n);
}

static void is_a(int fd)
{
	show_is_a(fd);
	show_name(fd);
}

static void image_is_a(void)
{
	is_a(FD_A);
	show_kind(FD_A);
}

static void image_is_last(void)
{
	show_kind(FD_A);
	is_a(FD_A);
	T(freed());
	T(close(FD_A));
	T(freed());
	is_a(FD_A);
}

static int disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(fd, &none, sizeof(none));
}

/* What a disconnect undoes, and that the port can be had again then. */
static void image_disconnects(void)
{
	show_kind(FD_A);
	show_name(FD_A);
	show_peer(FD_A);
	T(connect(FD_A, SA(&addr_b), sizeof(addr_b)));
	T(write(FD_A, "connected", 9));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(disconnect(FD_A));
	show_name(FD_A);
	show_peer(FD_A);
	T(freed());
	T(disconnect(FD_A));
	T(sendto(FD_A, "again", 5, 0, SA(&addr_b), sizeof(addr_b)));
	T(read(sock_b, buf, 64));
}

static void image_binds(void)
{
	show_kind(FD_A);
	T(bind(FD_A, SA(&addr_a), sizeof(addr_a)));
	is_a(FD_A);
	T(bind(FD_A, SA(&addr_a), sizeof(addr_a)));
	T(bind(FD_B, SA(&addr_b), sizeof(addr_b)));
}

static void image_is_connected(void)
{
	show_kind(FD_A);
	show_name(FD_A);
	show_peer(FD_A);
	T(write(FD_A, "connected", 9));
	R(recvfrom(sock_b, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(sendto(sock_b, "to A", 4, 0, SA(&addr_a), sizeof(addr_a)));
	R(recvfrom(FD_A, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(close(FD_B));
	T(send(FD_A, "refused", 7, 0));
	T(send(FD_A, "refused", 7, 0));
	T(disconnect(FD_A));
	show_name(FD_A);
	show_peer(FD_A);
}

static void image_dups(void)
{
	is_a(FD_A);
	is_a(FD_DUP);
	T(close(FD_A));
	T(freed());
	is_a(FD_DUP);
	T(dup2(FD_DUP, 60));
	T(close(FD_DUP));
	T(freed());
	is_a(60);
	T(close(60));
	T(freed());
}

/* Nothing is known of the number, whose next owner is a file. */
static void image_closed(void)
{
	int fd;

	T(fcntl(FD_CLOSE, F_GETFD));
	T(send(FD_CLOSE, "x", 1, 0));
	T(freed());
	while ((fd = open("/dev/zero", O_RDWR)) < FD_CLOSE)
		;
	T(fd);
	R(read(fd, buf, 1));
	T(write(fd, "x", 1));
	T(recv(fd, buf, 1, 0));
	T(close(fd));
}

static void image_queue(void)
{
	R(recvfrom(FD_B, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	R(recvfrom(FD_B, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	show_rest(FD_B);
	T(fcntl(FD_B, F_GETFL));
	T(recv(FD_B, buf, 64, 0));
}

static void image_strays(void)
{
	struct pollfd pfd = { .fd = FD_B, .events = POLLIN };

	send_stray(&addr_b);
	T(poll(&pfd, 1, 0));
	deliver("payload");
	R(recvfrom(FD_B, buf, 64, 0, SA(&from), &fromlen));
	show_rest(FD_B);
}

/* ---- options ----------------------------------------------------------- */

static const struct option {
	const char *name;
	int level, optname, value;
} options[] = {
	{ "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1 },
	{ "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1 },
	{ "SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 1 },
	{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 20000 },
	{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 30000 },
	{ "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 3 },
	{ "IP_TTL", IPPROTO_IP, IP_TTL, 7 },
	{ "IP_TOS", IPPROTO_IP, IP_TOS, 16 },
	{ "IP_PKTINFO", IPPROTO_IP, IP_PKTINFO, 1 },
	{ "IP_LOCAL_PORT_RANGE", IPPROTO_IP, IP_LOCAL_PORT_RANGE,
	  45010u << 16 | 45000 },
};

static void get_option(int fd, const struct option *option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	printf("%s: ", option->name);
	T(getsockopt(fd, option->level, option->optname, &value, &len));
	T((unsigned int)value);
}

static void image_options(void)
{
	show_kind(FD_A);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		get_option(FD_A, &options[i]);
		get_option(FD_B, &options[i]);
	}
}

/* A port of the range, and of no other. */
static void image_range(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int port;

	T(bind(FD_A, SA(&addr), sizeof(addr)));
	port = ntohs(name_of(FD_A).sin_port);
	T(port >= 45000 && port <= 45010);
}

static void set_options(void)
{
	make_inherited();
	close(FD_A);
	T(dup2(sock(), FD_A));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		T(setsockopt(FD_A, options[i].level, options[i].optname,
			     &options[i].value, sizeof(int)));
}

static void keeps_options(void)
{
	set_options();
	exec_self("image_options");
}

static void keeps_range(void)
{
	set_options();
	exec_self("image_range");
}

/* ---- a filter ---------------------------------------------------------- */

/* Lets pass what begins with an x; the UDP header is ahead. */
static struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'x', 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static void use_filter(void)
{
	struct sock_filter got[16] = { 0 };
	socklen_t len = ARRAY_SIZE(got);

	T(getsockopt(FD_B, SOL_SOCKET, SO_GET_FILTER, got, &len));
	T(len);
	T(memcmp(got, code, sizeof(code)));
	deliver("a");
	deliver("x one");
	deliver("b");
	R(recvfrom(FD_B, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	show_rest(FD_B);
}

static void image_filter(void)
{
	socklen_t len = 0;

	use_filter();
	T(setsockopt(FD_B, SOL_SOCKET, SO_DETACH_FILTER, &len, sizeof(int)));
	T(getsockopt(FD_B, SOL_SOCKET, SO_GET_FILTER, NULL, &len));
	T(len);
	deliver("a");
	R(recvfrom(FD_B, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(setsockopt(FD_B, SOL_SOCKET, SO_DETACH_FILTER, &len, sizeof(int)));
}

static void keeps_filter(void)
{
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	make_inherited();
	T(setsockopt(FD_B, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	use_filter();
	exec_self("image_filter");
}

/* What is not the program's is not shown. */
static void image_no_filter(void)
{
	socklen_t len = 16;
	int none = 0;

	T(getsockopt(FD_A, SOL_SOCKET, SO_GET_FILTER, NULL, &len));
	T(len);
	T(setsockopt(FD_A, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)));
	is_a(FD_A);
}

static void shows_no_filter(void)
{
	make_inherited();
	exec_self("image_no_filter");
}

/* ---- states ------------------------------------------------------------ */

static void keeps_explicit(void)
{
	make_inherited();
	close(FD_A);
	T(dup2(sock(), FD_A));
	T(bind(FD_A, SA(&addr_a), sizeof(addr_a)));
	exec_self("image_disconnects");
}

static void keeps_ephemeral(void)
{
	make_inherited();
	exec_self("image_disconnects");
}

static void make_unbound(void)
{
	make_inherited();
	close(FD_A);
	T(dup2(sock(), FD_A));
}

static void know_a(void)
{
	addr_a = know('A', FD_A);
	addr_a = addr_of("127.0.0.1", ntohs(addr_a.sin_port));
	say_ports();
}

static void keeps_autobound(void)
{
	make_unbound();
	T(sendto(FD_A, "x", 1, 0, SA(&addr_b), sizeof(addr_b)));
	T(recv(FD_B, buf, 1, 0));
	know_a();
	exec_self("image_disconnects");
}

static void keeps_connected(void)
{
	make_inherited();
	T(connect(FD_A, SA(&addr_b), sizeof(addr_b)));
	exec_self("image_is_connected");
}

static void keeps_autobound_by_connect(void)
{
	make_unbound();
	T(connect(FD_A, SA(&addr_b), sizeof(addr_b)));
	know_a();
	exec_self("image_is_connected");
}

static void keeps_unbound(void)
{
	make_unbound();
	exec_self("image_binds");
}

static const int numbers[] = { 3,    20,   63,	 64,   127, 128,
			       1000, 2047, 2048, 2049, 4095 };

static void image_numbers(void)
{
	int found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (of_the_kind(numbers[i]))
			found++;
		else
			printf("%d: not\n", numbers[i]);
	T(found);
	is_a(numbers[0]);
	is_a(numbers[ARRAY_SIZE(numbers) - 1]);
	T(close_range(3, FD_A - 1, 0));
	T(close_range(FD_B + 1, ~0U, 0));
	T(freed());
	T(close(FD_A));
	T(freed());
}

static void make_numbers(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < 4096 || setrlimit(RLIMIT_NOFILE, &limit))
		skip("not 4096 descriptors to be had");
	make_inherited();
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		T(dup2(FD_A, numbers[i]));
}

static void keeps_numbers(void)
{
	make_numbers();
	exec_self("image_numbers");
}

/* What is open stays so, beyond the limit. */
static void keeps_numbers_beyond(void)
{
	struct rlimit limit = { 50, 4096 };

	make_numbers();
	T(setrlimit(RLIMIT_NOFILE, &limit));
	exec_self("image_numbers");
}

/* As in a chroot. */
static void keeps_numbers_without_proc(void)
{
	static char path[4096];

	if (!realpath("/proc/self/exe", path))
		die("realpath");
	make_numbers();
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/proc", "tmpfs", 0, NULL))
		skip("no file systems of its own");
	self = path;
	exec_self("image_numbers");
}

static void image_armed(void)
{
	get_option(FD_A, &options[ARRAY_SIZE(options) - 1]);
	show_name(FD_A);
	T(connect(FD_A, SA(&addr_b), sizeof(addr_b)));
	T(disconnect(FD_A));
	show_name(FD_A);
	get_option(FD_A, &options[ARRAY_SIZE(options) - 1]);
	image_binds();
}

/* Calls that fail, and leave the socket without a port. */
static void keeps_armed(void)
{
	struct sockaddr_in all = addr_of("255.255.255.255", 9);

	make_unbound();
	T(sendto(FD_A, "x", 1, 0, SA(&all), sizeof(all)));
	T(connect(FD_A, SA(&all), sizeof(all)));
	exec_self("image_armed");
}

static void keeps_disconnected(void)
{
	make_inherited();
	T(connect(FD_A, SA(&addr_b), sizeof(addr_b)));
	T(disconnect(FD_A));
	exec_self("image_binds");
}

static void keeps_last_close(void)
{
	make_inherited();
	exec_self("image_is_last");
}

static void keeps_dups(void)
{
	make_inherited();
	T(dup2(FD_A, FD_DUP));
	exec_self("image_dups");
}

static void keeps_closed(void)
{
	make_inherited();
	T(dup3(FD_A, FD_CLOSE, O_CLOEXEC));
	T(fcntl(FD_A, F_SETFD, FD_CLOEXEC));
	exec_self("image_closed");
}

static void keeps_one_of_two(void)
{
	make_inherited();
	T(dup3(FD_A, FD_CLOSE, O_CLOEXEC));
	T(fcntl(FD_CLOSE, F_GETFD));
	exec_self("image_is_last");
}

static void keeps_queue(void)
{
	make_inherited();
	T(fcntl(FD_B, F_SETFL, O_NONBLOCK));
	deliver("one");
	deliver("two");
	exec_self("image_queue");
}

/* Again and again, with a change at each. */
static void image_again(void)
{
	int one = 1;

	is_a(FD_A);
	T(setsockopt(FD_A, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	T(connect(FD_A, SA(&addr_b), sizeof(addr_b)));
	exec_self("image_is_connected");
}

static void keeps_again(void)
{
	make_inherited();
	exec_self("image_again");
}

static void keeps_strays_out(void)
{
	struct pollfd pfd = { .fd = FD_B, .events = POLLIN };

	make_inherited();
	T(poll(&pfd, 1, 0));
	exec_self("image_strays");
}

static void keeps_strays_out_later(void)
{
	make_inherited();
	exec_self("image_strays");
}

/* ---- ways to run a program --------------------------------------------- */

#define IMAGE ARGS("image_is_a")

static void by_execve(void)
{
	char *argv[] = IMAGE;

	execve(self, argv, environ);
}

static void by_execv(void)
{
	char *argv[] = IMAGE;

	execv(self, argv);
}

static void by_execvp(void)
{
	char *argv[] = IMAGE;

	execvp(self, argv);
}

static void by_execvpe(void)
{
	char *argv[] = IMAGE;

	execvpe(self, argv, environ);
}

static void by_execl(void)
{
	execl(self, self, kind, "image_is_a", port_a, port_b, NULL);
}

static void by_execlp(void)
{
	execlp(self, self, kind, "image_is_a", port_a, port_b, NULL);
}

static void by_execle(void)
{
	execle(self, self, kind, "image_is_a", port_a, port_b, NULL, environ);
}

static void by_fexecve(void)
{
	char *argv[] = IMAGE;

	fexecve(open(self, O_RDONLY | O_CLOEXEC), argv, environ);
}

static void by_execveat(void)
{
	char *argv[] = IMAGE;

	execveat(AT_FDCWD, self, argv, environ, 0);
}

static void by_execveat_fd(void)
{
	char *argv[] = IMAGE;

	execveat(open(self, O_PATH | O_CLOEXEC), "", argv, environ,
		 AT_EMPTY_PATH);
}

static void by_number(void)
{
	char *argv[] = IMAGE;

	syscall(SYS_execve, self, argv, environ);
}

static void by_number_at(void)
{
	char *argv[] = IMAGE;

	syscall(SYS_execveat, AT_FDCWD, self, argv, environ, 0);
}

/* The first tries find nothing, as a shell's on its way along PATH. */
static void by_many_tries(void)
{
	char *argv[] = IMAGE;

	execve("/nonexistent", argv, environ);
	execve("/etc/passwd", argv, environ);
	execve("/", argv, environ);
	execve(self, argv, environ);
}

static const struct exec {
	const char *name;
	void (*call)(void);
} execs[] = {
	{ "execve", by_execve },
	{ "execv", by_execv },
	{ "execvp", by_execvp },
	{ "execvpe", by_execvpe },
	{ "execl", by_execl },
	{ "execlp", by_execlp },
	{ "execle", by_execle },
	{ "fexecve", by_fexecve },
	{ "execveat", by_execveat },
	{ "execveat, a descriptor", by_execveat_fd },
	{ "syscall(SYS_execve)", by_number },
	{ "syscall(SYS_execveat)", by_number_at },
	{ "many tries", by_many_tries },
};

static pid_t clone_by_number(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* Nothing is printed while the other program prints. */
static void wait_for(const char *name, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	printf("%s: status %d\n", name, status);
	is_a(FD_A);
}

/* The parent's sockets stay what they are. */
static void in_child(pid_t (*make)(void))
{
	make_inherited();
	for (size_t i = 0; i < ARRAY_SIZE(execs); i++) {
		pid_t pid;

		fflush(stdout);
		pid = make();
		if (!pid) {
			execs[i].call();
			_exit(1);
		}
		wait_for(execs[i].name, pid);
	}
	T(close(FD_A));
	T(freed());
}

static void ways_in_fork(void)
{
	in_child(fork);
}

static void ways_in_clone(void)
{
	in_child(clone_by_number);
}

/* No function may return between a vfork() and what it runs. */
static void ways_in_vfork(void)
{
	make_inherited();
	for (size_t i = 0; i < ARRAY_SIZE(execs); i++) {
		pid_t pid;

		fflush(stdout);
		pid = vfork();
		if (!pid) {
			execs[i].call();
			_exit(1);
		}
		wait_for(execs[i].name, pid);
	}
	T(close(FD_A));
	T(freed());
}

#define MUST(expr)                  \
	do {                        \
		if (expr)           \
			die(#expr); \
	} while (0)

static void ways_to_spawn(void)
{
	char command[5000], line[256];
	char *argv[] = IMAGE;
	pid_t pid;
	FILE *p;

	make_inherited();
	fflush(stdout);
	MUST(posix_spawn(&pid, self, NULL, NULL, argv, environ));
	wait_for("posix_spawn", pid);
	fflush(stdout);
	MUST(posix_spawnp(&pid, self, NULL, NULL, argv, environ));
	wait_for("posix_spawnp", pid);
	snprintf(command, sizeof(command), "%s %s image_is_a %s %s", self, kind,
		 port_a, port_b);
	fflush(stdout);
	printf("system: status %d\n", system(command));
	is_a(FD_A);
	p = popen(command, "r");
	while (fgets(line, sizeof(line), p))
		printf("popen: %s", line);
	printf("popen: status %d\n", pclose(p));
	is_a(FD_A);
	fflush(stdout);
	p = popen(command, "w");
	printf("popen: status %d\n", pclose(p));
	is_a(FD_A);
}

/* ---- file actions ------------------------------------------------------ */

static void image_stdin(void)
{
	is_a(0);
	show_kind(0);
	T(send(FD_A, "x", 1, 0));
	T(close(0));
}

static void spawns_onto_stdin(void)
{
	posix_spawn_file_actions_t actions;
	char *argv[] = ARGS("image_stdin");
	pid_t pid;

	make_inherited();
	T(fcntl(FD_A, F_SETFD, FD_CLOEXEC));
	posix_spawn_file_actions_init(&actions);
	T(posix_spawn_file_actions_adddup2(&actions, FD_A, 0));
	fflush(stdout);
	MUST(posix_spawn(&pid, self, &actions, NULL, argv, environ));
	wait_for("adddup2 onto 0", pid);
	fflush(stdout);
	MUST(posix_spawnp(&pid, self, &actions, NULL, argv, environ));
	wait_for("adddup2 onto 0 again", pid);
	T(posix_spawn_file_actions_adddup2(&actions, FD_A, -1));
	posix_spawn_file_actions_destroy(&actions);
	posix_spawn_file_actions_init(&actions);
	T(posix_spawn_file_actions_adddup2(&actions, FD_A, FD_A));
	fflush(stdout);
	MUST(posix_spawn(&pid, self, &actions, NULL,
			 (char *[])ARGS("image_is_a"), environ));
	wait_for("adddup2 onto itself", pid);
}

static void image_dup(void)
{
	is_a(FD_DUP);
	T(fcntl(FD_A, F_GETFD));
}

static void vdup_dup2(void)
{
	dup2(FD_A, FD_DUP);
}

static void vdup_dup3(void)
{
	dup3(FD_A, FD_DUP, 0);
}

static void vdup_dup(void)
{
	while (dup(FD_A) < FD_DUP)
		;
}

static void vdup_fcntl(void)
{
	fcntl(FD_A, F_DUPFD, FD_DUP);
}

static void vdup_number(void)
{
	syscall(SYS_fcntl, FD_A, F_DUPFD, FD_DUP);
}

static void vdup_twice(void)
{
	fcntl(FD_A, F_DUPFD_CLOEXEC, 100);
	dup2(100, FD_DUP);
}

static void vdup_twice_closed(void)
{
	dup2(FD_A, 100);
	close(FD_A);
	dup2(100, FD_DUP);
	close(100);
}

static void vdup_cleared(void)
{
	dup3(FD_A, FD_DUP, O_CLOEXEC);
	fcntl(FD_DUP, F_SETFD, 0);
}

static void vdup_ioctl(void)
{
	dup3(FD_A, FD_DUP, O_CLOEXEC);
	ioctl(FD_DUP, FIONCLEX);
}

static void vdup_swapped(void)
{
	int on = 1;

	fcntl(FD_B, F_DUPFD, FD_DUP);
	dup3(FD_A, FD_DUP, O_CLOEXEC);
	ioctl(FD_DUP, FIOCLEX, &on);
	ioctl(FD_DUP, FIONCLEX, &on);
}

/*
 * The sockets are closed on exec, and their duplicates are not, which are known
 * to nobody: the table is the parent's.
 */
static void dups_in_vfork(void)
{
	static void (*const acts[])(void) = {
		vdup_dup2,   vdup_dup3,	   vdup_dup,	      vdup_fcntl,
		vdup_number, vdup_twice,   vdup_twice_closed, vdup_cleared,
		vdup_ioctl,  vdup_swapped,
	};
	char *argv[] = ARGS("image_dup");

	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		pid_t pid;

		make_inherited();
		T(fcntl(FD_A, F_SETFD, FD_CLOEXEC));
		fflush(stdout);
		pid = vfork();
		if (!pid) {
			acts[i]();
			execv(self, argv);
			_exit(1);
		}
		wait_for("vfork", pid);
		T(fcntl(FD_DUP, F_GETFD));
		T(close(FD_A));
		T(freed());
		close(FD_B);
	}
}

/* A server that knows nothing of sockets, until an empty datagram. */
static void image_stdio(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		printf("You said %s", line);
		fprintf(stderr, "%zu bytes", strlen(line));
	}
	exit(7);
}

static void serves_by_stdio(void)
{
	int status = -1;
	pid_t pid;

	make_inherited();
	connect_to(FD_A, &addr_b);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(FD_A, 0);
		dup2(FD_A, 1);
		dup2(FD_A, 2);
		close_range(3, ~0U, 0);
		exec_self("image_stdio");
	}
	for (int i = 0; i < 3; i++) {
		T(sendto(FD_B, i ? "twice\n" : "hello\n", 6, 0, SA(&addr_a),
			 sizeof(addr_a)));
		R(recvfrom(FD_B, buf, 24, 0, SA(&from), &fromlen));
		R(recvfrom(FD_B, buf, 24, 0, SA(&from), &fromlen));
	}
	T(sendto(FD_B, "", 0, 0, SA(&addr_a), sizeof(addr_a)));
	waitpid(pid, &status, 0);
	T(WEXITSTATUS(status));
	is_a(FD_A);
}

/* What closes, opens and replaces in the child is the child's. */
static void spawns_without(void)
{
	posix_spawn_file_actions_t actions;
	char *argv[] = ARGS("image_closed");
	pid_t pid;

	make_inherited();
	dup2(FD_A, FD_CLOSE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, FD_CLOSE);
	posix_spawn_file_actions_addopen(&actions, FD_DUP, "/dev/zero",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, FD_DUP, FD_B);
	fflush(stdout);
	MUST(posix_spawn(&pid, self, &actions, NULL, argv, environ));
	wait_for("addclose", pid);
	is_a(FD_CLOSE);
}

/* ---- programs that are not told of the library ------------------------- */

/* They are run as on UDP: what they send is no COP datagram. */
static void image_plain(void)
{
	T(getenv("LD_PRELOAD"));
	T(getenv("ONLY") != NULL);
	T(of_the_kind(FD_A));
	show_name(FD_A);
	T(sendto(FD_A, "plain", 5, 0, SA(&addr_b), sizeof(addr_b)));
	T(close(FD_A));
	T(fcntl(FD_A, F_GETFD));
}

static void drain_b(void)
{
	while (recv(FD_B, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
}

static void plain_execve(char **envp)
{
	int status = -1;
	char *argv[] = { (char *)self, "udp",  "image_plain",
			 port_a,       port_b, NULL };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		execve(self, argv, envp);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("execve: status %d\n", status);
	drain_b();
	is_a(FD_A);
}

static void runs_without_library(void)
{
	char *empty[] = { NULL };
	char *own[] = { "ONLY=this", NULL };
	char command[5000];

	make_inherited();
	plain_execve(empty);
	plain_execve(own);
	plain_execve(NULL);
	fflush(stdout);
	snprintf(command, sizeof(command),
		 "env -u LD_PRELOAD %s udp image_plain %s %s", self, port_a,
		 port_b);
	printf("system: status %d\n", system(command));
	snprintf(command, sizeof(command),
		 "env -i ONLY=this %s udp image_plain %s %s", self, port_a,
		 port_b);
	fflush(stdout);
	printf("system: status %d\n", system(command));
	drain_b();
	is_a(FD_A);
}

/* ---- what fails -------------------------------------------------------- */

static void failing(void)
{
	char *argv[] = { "nothing", NULL };
	struct sock_filter insn[8];
	socklen_t len = ARRAY_SIZE(insn);
	pid_t pid;

	make_inherited();
	T(execv("/nonexistent", argv));
	T(execv("/etc/passwd", argv));
	T(execve("/", argv, environ));
	T(execvp("no-such-program", argv));
	T(execlp("no-such-program", "x", NULL));
	T(execl("/nonexistent", "x", NULL));
	T(execle("/nonexistent", "x", NULL, environ));
	T(execveat(-1, "x", argv, environ, 0));
	T(execveat(AT_FDCWD, "/nonexistent", argv, environ, 0));
	T(fexecve(-1, argv, environ));
	T(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ));
	T(posix_spawnp(&pid, "no-such-program", NULL, NULL, argv, environ));
	T(syscall(SYS_execve, "/nonexistent", argv, environ));
	T(system(NULL));
	is_a(FD_A);
	T(getsockopt(FD_A, SOL_SOCKET, SO_GET_FILTER, insn, &len));
	T(len);
	T(close(FD_A));
	T(freed());
}

/* ---- at the same time -------------------------------------------------- */

static void image_exit(void)
{
	exit(!of_the_kind(FD_A));
}

static void poll_once(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	poll(&pfd, 1, 0);
}

#define RACES 150

/* The parent's first poll while its child runs another program. */
static void polled_meanwhile(void)
{
	int plain = 0, woken = 0;

	alarm(60);
	for (int i = 0; i < RACES; i++) {
		struct pollfd pfd = { .fd = FD_A, .events = POLLIN };
		int status = -1;
		pid_t pid;

		make_inherited();
		pid = fork();
		if (!pid)
			exec_self("image_exit");
		for (int j = 0; j < i % 30; j++)
			sched_yield();
		poll_once(FD_A);
		waitpid(pid, &status, 0);
		plain += status != 0;
		send_stray(&addr_a);
		woken += poll(&pfd, 1, 0);
		close(FD_A);
		close(FD_B);
	}
	printf("%d were plain, %d woken by strays\n", plain, woken);
}

/*
 * The same with a child that never gets there, but marks what it would hand on
 * over and over, since it is different each time.
 */
static void marks_for_long(void)
{
	char *argv[] = { "nothing", NULL };

	for (int i = 0; i < 200; i++) {
		int on = i % 2;

		setsockopt(FD_A, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		execv("/nonexistent", argv);
	}
	_exit(0);
}

static pid_t fork_marker(void)
{
	pid_t pid = fork();

	if (!pid)
		marks_for_long();
	return pid;
}

static void polled_while_marked(void)
{
	int woken = 0;

	alarm(60);
	for (int i = 0; i < RACES; i++) {
		struct pollfd pfd = { .fd = FD_A, .events = POLLIN };
		pid_t pid;

		make_inherited();
		pid = fork_marker();
		usleep(i * 10);
		poll_once(FD_A);
		waitpid(pid, NULL, 0);
		send_stray(&addr_a);
		woken += poll(&pfd, 1, 0);
		close(FD_A);
		close(FD_B);
	}
	printf("%d woken by strays\n", woken);
}

static void in_epoll_while_marked(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int woken = 0;

	alarm(60);
	for (int i = 0; i < RACES; i++) {
		int set = epoll_create1(0);
		pid_t pid;

		make_inherited();
		pid = fork_marker();
		usleep(i * 10);
		epoll_ctl(set, EPOLL_CTL_ADD, FD_A, &event);
		waitpid(pid, NULL, 0);
		send_stray(&addr_a);
		woken += epoll_wait(set, &event, 1, 0);
		close(set);
		close(FD_A);
		close(FD_B);
	}
	printf("%d woken by strays\n", woken);
}

#define S(name)             \
	{                   \
#name, name \
	}

int main(int argc, char **argv)
{
	static const struct scenario all[] = {
		S(image_is_a),
		S(image_is_last),
		S(image_disconnects),
		S(image_binds),
		S(image_is_connected),
		S(image_dups),
		S(image_closed),
		S(image_queue),
		S(image_strays),
		S(image_options),
		S(image_range),
		S(image_filter),
		S(image_no_filter),
		S(image_again),
		S(image_stdin),
		S(image_stdio),
		S(image_dup),
		S(image_numbers),
		S(image_armed),
		S(image_plain),
		S(image_exit),
		S(keeps_options),
		S(keeps_range),
		S(keeps_filter),
		S(shows_no_filter),
		S(keeps_explicit),
		S(keeps_ephemeral),
		S(keeps_autobound),
		S(keeps_autobound_by_connect),
		S(keeps_connected),
		S(keeps_unbound),
		S(keeps_disconnected),
		S(keeps_last_close),
		S(keeps_dups),
		S(keeps_closed),
		S(keeps_one_of_two),
		S(keeps_queue),
		S(keeps_again),
		S(keeps_strays_out),
		S(keeps_strays_out_later),
		S(ways_in_fork),
		S(ways_in_clone),
		S(ways_in_vfork),
		S(ways_to_spawn),
		S(spawns_onto_stdin),
		S(serves_by_stdio),
		S(dups_in_vfork),
		S(keeps_numbers),
		S(keeps_numbers_beyond),
		S(keeps_numbers_without_proc),
		S(keeps_armed),
		S(spawns_without),
		S(runs_without_library),
		S(failing),
		S(polled_meanwhile),
		S(polled_while_marked),
		S(in_epoll_while_marked),
	};

	self = argv[0];
	if (argc > 4)
		inherit(argv + 3);
	return play(all, ARRAY_SIZE(all), argc, argv);
}
