// SPDX-License-Identifier: MIT
/*
 * closing.c - the calls that close many descriptors, replace the first three,
 * or part a thread's descriptors from the others'.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "prog.h"

/* ---- duplicates -------------------------------------------------------- */

#define DUPS 500

static void last_of_many_dups(void)
{
	int fds[DUPS];
	int busy = 0;

	make_pair();
	for (int i = 0; i < DUPS; i++)
		fds[i] = i % 2 ? dup(sock_a) : fcntl(sock_a, F_DUPFD, 0);
	close(sock_a);
	/* In an order that jumps about, each once. */
	for (int i = 1; i < DUPS; i++) {
		busy += !freed();
		close(fds[i * 301 % DUPS]);
	}
	T(busy);
	show_is_a(fds[0]);
	T(freed());
	T(close(fds[0]));
	T(freed());
}

/* Its datagrams have no header, and come from what it is bound to. */
static void plain_over_ours(void)
{
	int plain = socket(AF_INET, SOCK_DGRAM, 0);
	int peer = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);

	if (bind(peer, SA(&addr), sizeof(addr)))
		die("bind");
	addr = name_of(peer);
	know('P', peer);
	connect_to(plain, &addr);
	know('Q', plain);
	make_pair();
	T(dup2(plain, sock_a) == sock_a);
	T(freed());
	T(send(sock_a, "plain", 5, 0));
	R(recvfrom(peer, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(sendto(peer, "back", 4, 0, SA(&from), fromlen));
	R(recv(sock_a, buf, 64, MSG_DONTWAIT));
	show_name(sock_a);
	T(close(plain));
	T(write(sock_a, "plain", 5));
	R(read(peer, buf, 64));
	T(close(sock_a));
	T(close(sock_a));
}

/* ---- what the numbers become ------------------------------------------- */

/* Files that get the numbers of what was closed are used as files. */
static void use_numbers(void)
{
	int fds[2], null;

	T(send(sock_a, "x", 1, 0));
	T(recv(sock_b, buf, 1, 0));
	T(close(sock_a));
	T(freed());
	T(pipe(fds));
	null = open("/dev/null", O_WRONLY);
	printf("numbers %s\n",
	       fds[0] == sock_a && fds[1] == sock_b ? "reused" : "new");
	T(write(fds[1], "data whole", 10));
	R(read(fds[0], buf, 24));
	T(send(fds[1], "x", 1, 0));
	T(write(null, "x", 1));
	close(fds[0]);
	close(fds[1]);
	close(null);
}

static void closefrom_3(void)
{
	closefrom(3);
}

static void closefrom_high(void)
{
	dup2(sock_a, 700);
	T(close(sock_a));
	closefrom(600);
	T(send(700, "x", 1, 0));
	T(freed());
	T(dup2(sock_b, sock_a) == sock_a);
	closefrom(sock_a);
}

static void close_range_all(void)
{
	T(close_range(3, ~0U, 0));
}

static void close_range_unshare(void)
{
	T(close_range(3, ~0U, CLOSE_RANGE_UNSHARE));
}

static void unshare_and_close(void)
{
	T(unshare(CLONE_FILES));
	T(close(sock_a));
	T(close(sock_b));
}

static void close_by_number(void)
{
	T(syscall(SYS_unshare, CLONE_FILES));
	T(syscall(SYS_close_range, sock_a, sock_b, CLOSE_RANGE_UNSHARE));
}

static void closings(void)
{
	static void (*const closing[])(void) = {
		closefrom_3,	     closefrom_high,	close_range_all,
		close_range_unshare, unshare_and_close, close_by_number,
	};

	for (size_t i = 0; i < ARRAY_SIZE(closing); i++) {
		make_pair();
		closing[i]();
		use_numbers();
	}
}

/* Below the first, none is closed; and a negative one is as good as 0. */
static void closefrom_keeps(void)
{
	make_pair();
	closefrom(sock_b + 1);
	show_is_a(sock_a);
	errno = UNTOUCHED;
	closefrom(1000000);
	T(errno == UNTOUCHED);
	show_is_a(sock_a);
	if (fork()) {
		int status;

		wait(&status);
		T(status);
		show_is_a(sock_a);
		return;
	}
	closefrom(-5);
	_exit(send(sock_a, "x", 1, 0) != -1 || errno != EBADF);
}

static void cloexec_range(void)
{
	make_pair();
	T(close_range(sock_a, sock_a,
		      CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE));
	T(fcntl(sock_a, F_GETFD));
	T(fcntl(sock_b, F_GETFD));
	T(close_range(sock_a, sock_a, 1234 | CLOSE_RANGE_UNSHARE));
	T(close_range(sock_b, sock_a, CLOSE_RANGE_UNSHARE));
	show_is_a(sock_a);
	T(freed());
	close_range_unshare();
	T(freed());
}

/* ---- threads with descriptors of their own ----------------------------- */

static pthread_barrier_t step;

static void part_by_unshare(void)
{
	T(unshare(CLONE_FILES | CLONE_FS));
}

static void part_by_number(void)
{
	T(syscall(SYS_unshare, CLONE_FILES));
}

static void part_by_close_range(void)
{
	T(close_range(900, ~0U, CLOSE_RANGE_UNSHARE));
}

static void part_by_cloexec(void)
{
	T(close_range(900, ~0U, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC));
}

/* The numbers of the two sockets are files here. */
static void use_parted_files(void)
{
	T(send(sock_a, "x", 1, 0));
	T(open("/dev/zero", O_RDWR) == sock_a);
	T(open("/dev/null", O_RDWR) == sock_b);
	R(read(sock_a, buf, 1));
	T(write(sock_b, "x", 1));
	T(recv(sock_b, buf, 1, 0));
	T(dup2(sock_a, sock_b) == sock_b);
	T(fcntl(sock_b, F_DUPFD, sock_a) > sock_b);
	R(read(sock_b, buf, 1));
}

static void *parts(void *arg)
{
	((void (*)(void))arg)();
	show_is_a(sock_a);
	T(close(sock_a));
	T(close_range(sock_b, ~0U, 0));
	use_parted_files();
	fflush(stdout);
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	closefrom(sock_a);
	T(send(sock_a, "x", 1, 0));
	return NULL;
}

/* What one does with its descriptors leaves the other's as they are. */
static void part(void (*how)(void))
{
	pthread_t thread;

	make_pair();
	pthread_create(&thread, NULL, parts, how);
	pthread_barrier_wait(&step);
	show_is_a(sock_a);
	T(freed());
	T(dup2(sock_a, 800));
	T(close(sock_a));
	pthread_barrier_wait(&step);
	pthread_join(thread, NULL);
	show_is_a(800);
	T(freed());
	T(close(800));
	T(freed());
	T(close(sock_b));
}

static void parted_threads(void)
{
	static void (*const how[])(void) = { part_by_unshare, part_by_number,
					     part_by_close_range,
					     part_by_cloexec };

	pthread_barrier_init(&step, NULL, 2);
	for (size_t i = 0; i < ARRAY_SIZE(how); i++)
		part(how[i]);
}

static void *fails_to_part(void *arg)
{
	T(unshare(CLONE_FILES | 0x1));
	T(close_range(900, ~0U, CLOSE_RANGE_UNSHARE | 1234));
	T(close_range(950, 900, CLOSE_RANGE_UNSHARE));
	T(close(sock_a));
	T(freed());
	return arg;
}

static void failed_to_part(void)
{
	pthread_t thread;

	make_pair();
	pthread_create(&thread, NULL, fails_to_part, NULL);
	pthread_join(thread, NULL);
	T(send(sock_a, "x", 1, 0));
	T(freed());
}

/* A child of a thread that has parted has one thread, and its own table. */
static void *forks_parted(void *arg)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int fd, status;

	T(unshare(CLONE_FILES));
	fflush(stdout);
	if (!fork()) {
		alarm(10);
		if (!vfork())
			_exit(0);
		show_is_a(sock_a);
		T(close(sock_a));
		T((fd = sock()) == sock_a);
		T(bind(fd, SA(&addr), sizeof(addr)));
		know('C', fd);
		T(sendto(fd, "from C", 6, 0, SA(&addr_b), sizeof(addr_b)));
		R(recvfrom(sock_b, buf, 64, 0, SA(&from), &fromlen));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	T(status);
	return arg;
}

static void child_of_a_parted_thread(void)
{
	pthread_t thread;

	make_pair();
	pthread_create(&thread, NULL, forks_parted, NULL);
	pthread_join(thread, NULL);
	show_is_a(sock_a);
}

static int try_sock(void)
{
	return is_cop ? socket(PF_INET, SOCK_COP, 0)
		      : socket(PF_INET, SOCK_DGRAM, 0);
}

/* What it has of its own nobody knows of: no header is there, and none goes. */
static void *lives_parted(void *arg)
{
	int fd;

	T(unshare(CLONE_FILES));
	T(try_sock());
	T((fd = dup(sock_a)) > 0);
	T(of_the_kind(fd));
	T(sendto(fd, "duplicate", 9, 0, SA(&addr_b), sizeof(addr_b)));
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	T(of_the_kind(sock_a));
	T(sendto(sock_a, "closed by others", 16, 0, SA(&addr_b),
		 sizeof(addr_b)));
	pthread_barrier_wait(&step);
	return arg;
}

static void life_of_a_parted_thread(void)
{
	pthread_t thread;

	make_pair();
	pthread_barrier_init(&step, NULL, 2);
	pthread_create(&thread, NULL, lives_parted, NULL);
	pthread_barrier_wait(&step);
	T(of_the_kind(sock_a));
	T(close(sock_a));
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	T(recv(sock_b, buf, 64, MSG_DONTWAIT));
	pthread_join(thread, NULL);
	T(of_the_kind(try_sock()));
}

/* Its descriptors are those that the new program has. */
static void *execs_parted(void *arg)
{
	char *argv[] = { "closing", (char *)kind, "after_exec", NULL };
	char number[8];

	T(unshare(CLONE_FILES));
	T(dup2(sock_a, 40));
	T(close(sock_a));
	T(open("/dev/zero", O_RDONLY) == sock_a);
	T(dup2(sock_a, 41));
	T(dup2(sock_b, 42));
	snprintf(number, sizeof(number), "%d", sock_b);
	setenv("COP_TEST_B", number, 1);
	fflush(stdout);
	execv("/proc/self/exe", argv);
	die("execv");
	return arg;
}

static void exec_of_a_parted_thread(void)
{
	pthread_t thread;

	make_pair();
	dup2(sock_b, 41);
	pthread_create(&thread, NULL, execs_parted, NULL);
	pthread_join(thread, NULL);
}

static void after_exec(void)
{
	sock_b = atoi(getenv("COP_TEST_B"));
	addr_a = know('A', 40);
	addr_b = know('B', sock_b);
	show_is_a(40);
	T(read(41, buf, 1));
	T(of_the_kind(42));
	T(close(sock_b));
	T(sendto(40, "to B", 4, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(42, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(close(40));
	T(freed());
}

/* ---- daemon ------------------------------------------------------------ */

/* Results go to a descriptor beside the first three. */
static void move_stdout(void)
{
	fflush(stdout);
	stdout = fdopen(fcntl(STDOUT_FILENO, F_DUPFD, 100), "w");
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* With the sockets as the first three, return in the child, which is alone. */
static void become_daemon(int noclose)
{
	pid_t parent = getpid();

	move_stdout();
	make_pair();
	T(dup2(sock_a, 0));
	T(dup2(sock_b, 1));
	T(dup2(sock_a, 2));
	fflush(stdout);
	T(daemon(1, noclose));
	while (getppid() == parent)
		usleep(1000);
	alarm(10);
}

static void daemon_replaces(void)
{
	become_daemon(0);
	R(read(0, buf, 8));
	T(recv(0, buf, 8, MSG_DONTWAIT));
	T(write(1, "null", 4));
	T(send(1, "x", 1, 0));
	T(write(2, "null", 4));
	show_name(2);
	show_is_a(sock_a);
	T(close(sock_a));
	T(freed());
	T(close(0));
	T(sock());
	T(of_the_kind(0));
}

static void daemon_keeps(void)
{
	become_daemon(1);
	T(close(sock_a));
	T(close(sock_b));
	sock_b = 1;
	show_is_a(0);
	T(close(0));
	show_is_a(2);
	T(freed());
	T(close(2));
	T(freed());
}

/* ---- no descriptor but the program's ----------------------------------- */

static int entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Do a call, and print what is open behind it. */
#define C(expr)                                                  \
	do {                                                     \
		T(expr);                                         \
		printf("  %d open\n", entries("/proc/self/fd")); \
	} while (0)

static int bind_to(int fd, const char *ip, in_port_t port)
{
	struct sockaddr_in addr = addr_of(ip, ntohs(port));

	return bind(fd, SA(&addr), sizeof(addr));
}

static int waited(pid_t pid)
{
	int status;

	if (!pid) {
		close(sock_a);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void count_making(void)
{
	int fd, other;

	C(fd = sock());
	C(bind_to(fd, "127.0.0.1", 0));
	addr_a = name_of(fd);
	know('A', fd);
	C(bind_to(fd, "127.0.0.1", 0));
	C(other = sock());
	C(bind_to(other, "127.0.0.1", addr_a.sin_port));
	C(bind_to(other, "198.51.100.7", 0));
	C(close(fd));
	C(bind_to(other, "127.0.0.1", addr_a.sin_port));
	C(close(other));
	C(other = sock());
	C(bind_to(other, "0.0.0.0", addr_a.sin_port));
	C(close(other));
	C(sock_flags(SOCK_CLOEXEC));
}

static void count_naming(void)
{
	struct sockaddr_in none = { .sin_family = AF_UNSPEC };
	socklen_t len = sizeof(int);
	int fd, n = 1;

	make_pair();
	C(fd = sock());
	C(connect(fd, SA(&addr_b), sizeof(addr_b)));
	know('C', fd);
	show_name(fd);
	C(connect(fd, SA(&none), sizeof(none)));
	C(sendto(fd, "x", 1, 0, SA(&addr_b), sizeof(addr_b)));
	C(getsockopt(fd, SOL_SOCKET, SO_ERROR, &n, &len));
	C(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &n, sizeof(n)));
	C(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)));
	C(ioctl(sock_b, FIONREAD, &n));
	C(shutdown(fd, SHUT_RD));
}

static void count_waiting(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pfd = { .fd = sock_b, .events = POLLIN };
	struct timeval none = { 0 };
	fd_set set;
	int ep;

	FD_ZERO(&set);
	FD_SET(sock_b, &set);
	C(poll(&pfd, 1, 0));
	C(select(sock_b + 1, &set, NULL, NULL, &none));
	C(ep = epoll_create1(0));
	C(epoll_ctl(ep, EPOLL_CTL_ADD, sock_b, &ev));
	C(epoll_wait(ep, &ev, 1, 0));
	C(close(ep));
}

static void count_moving(void)
{
	struct iovec iov = { buf, 1 };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };

	connect_to(sock_a, &addr_b);
	for (int i = 0; i < 5; i++)
		C(sendmmsg(sock_a, &vec, 1, 0));
	C(write(sock_a, "x", 1));
	C(sendmsg(sock_a, &vec.msg_hdr, 0));
	C(recv(sock_b, buf, 1, 0));
	C(recvmsg(sock_b, &vec.msg_hdr, 0));
	C(recvmmsg(sock_b, &vec, 1, 0, NULL));
	C(read(sock_b, buf, 1));
	C(recv(sock_b, buf, 1, MSG_PEEK));
}

static void count_children(void)
{
	C(waited(fork()));
	C(waited(vfork()));
	C(waited(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
	C(system("exit 3"));
	C(dup2(sock_a, 90));
	C(fcntl(sock_a, F_DUPFD, 90));
	C(close_range(90, ~0U, 0));
	C(dup(sock_a));
	C(close(sock_a));
	closefrom(3);
	C(0);
	printf("%d threads\n", entries("/proc/self/task") - 2);
}

static void nothing_hidden(void)
{
	C(0);
	count_making();
	count_naming();
	count_waiting();
	count_moving();
	count_children();
}

SCENARIOS({ "last_of_many_dups", last_of_many_dups },
	  { "plain_over_ours", plain_over_ours }, { "closings", closings },
	  { "closefrom_keeps", closefrom_keeps },
	  { "cloexec_range", cloexec_range },
	  { "parted_threads", parted_threads },
	  { "failed_to_part", failed_to_part },
	  { "child_of_a_parted_thread", child_of_a_parted_thread },
	  { "life_of_a_parted_thread", life_of_a_parted_thread },
	  { "exec_of_a_parted_thread", exec_of_a_parted_thread },
	  { "after_exec", after_exec }, { "daemon_replaces", daemon_replaces },
	  { "daemon_keeps", daemon_keeps },
	  { "nothing_hidden", nothing_hidden })
