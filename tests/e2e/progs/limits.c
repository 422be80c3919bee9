// SPDX-License-Identifier: MIT
/*
 * limits.c - the highest descriptors there are, and none left.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "stray.h"

static int try_bind(const char *ip, int port)
{
	struct sockaddr_in addr = addr_of(ip, port);
	int fd = sock();
	int ret = bind(fd, SA(&addr), sizeof(addr));
	int saved = errno;

	close(fd);
	errno = saved;
	return ret;
}

/* ---- numbers beyond those of most programs ----------------------------- */

static int select_one(int fd)
{
	const size_t bits = 8 * sizeof(long);
	long *set = calloc(fd / bits + 1, sizeof(long));
	struct timeval none = { 0 };
	int ret;

	set[fd / bits] = 1l << fd % bits;
	ret = select(fd + 1, (fd_set *)set, NULL, NULL, &none);
	printf("  bit %d\n", !!set[fd / bits]);
	free(set);
	return ret;
}

static void wait_for(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	T(select_one(fd));
	T(poll(&pfd, 1, 0));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	T(epoll_wait(ep, &ev, 1, 0));
	close(ep);
}

/* A stray is there before the first of them waits. */
static void use(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int type = -1;

	send_stray(&addr_b);
	wait_for(fd);
	deliver("to the top");
	wait_for(fd);
	R(recvfrom(fd, buf, sizeof(buf), 0, SA(&from), &fromlen));
	wait_for(fd);
	T(sendto(fd, "from the top", 12, 0, SA(&addr_a), sizeof(addr_a)));
	R(recvfrom(sock_a, buf, sizeof(buf), 0, SA(&from), &fromlen));
	T(getsockname(fd, SA(&addr), &len));
	show_addr(&addr, len);
	len = sizeof(type);
	T(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
	T(type == (is_cop ? SOCK_COP : SOCK_DGRAM));
}

static void at(int fd)
{
	make_pair();
	T(dup2(sock_b, fd));
	T(close(sock_b));
	use(fd);
	T(try_bind("127.0.0.1", ntohs(addr_b.sin_port)));
	T(fcntl(fd, F_DUPFD, fd));
	T(dup2(fd, fd));
	T(close(fd));
	T(try_bind("127.0.0.1", ntohs(addr_b.sin_port)));
	T(send(fd, "x", 1, 0));
	T(close(fd));
	close(sock_a);
}

static unsigned int raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	return limit.rlim_cur > INT_MAX ? INT_MAX : limit.rlim_cur;
}

/* The kernel has a table of all numbers below, which can be too large for it. */
static void highest(void)
{
	unsigned int limit = raise_limit();

	if (dup2(0, limit - 1) < 0)
		skip("no memory for so many descriptors");
	close(limit - 1);
	at(limit - 1);
	make_pair();
	T(dup2(sock_b, limit));
	T(dup3(sock_b, limit, 0));
	T(fcntl(sock_b, F_DUPFD, limit));
	T(fcntl(sock_b, F_DUPFD, limit - 1) == (int)limit - 1);
	T(fcntl(sock_b, F_DUPFD, limit - 1));
	T(close(limit - 1));
	use(sock_b);
}

static void past_fd_setsize(void)
{
	if (raise_limit() < 4 * FD_SETSIZE) {
		errno = EMFILE;
		skip("the limit is too low");
	}
	at(FD_SETSIZE - 1);
	at(FD_SETSIZE);
	at(FD_SETSIZE + 1);
	at(3 * FD_SETSIZE + 7);
}

/* What is open above a limit that was lowered stays open. */
static void lowered(void)
{
	struct rlimit limit = { 20, 20 };
	struct pollfd pfd = { .fd = 41, .events = POLLIN };

	make_pair();
	T(dup2(sock_a, 40));
	T(dup2(sock_b, 41));
	T(close(sock_a));
	T(close(sock_b));
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	T(sendto(40, "above", 5, 0, SA(&addr_b), sizeof(addr_b)));
	T(poll(&pfd, 1, 0));
	T(select_one(41));
	R(recvfrom(41, buf, sizeof(buf), 0, SA(&from), &fromlen));
	T(dup2(40, 20));
	T(dup2(40, 40));
	T(dup2(41, 40));
	T(fcntl(40, F_DUPFD, 20));
	T(dup2(40, 19));
	T(close_range(40, 40, 0));
	T(send(40, "x", 1, 0));
	T(sendto(19, "below", 5, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(41, buf, sizeof(buf), 0, SA(&from), &fromlen));
	closefrom(41);
	T(send(41, "x", 1, 0));
	T(try_bind("127.0.0.1", ntohs(addr_b.sin_port)));
	T(close(19));
	T(try_bind("127.0.0.1", ntohs(addr_a.sin_port)));
}

/* ---- none left --------------------------------------------------------- */

#define FEW 64

static int last_dup;

static void use_up(void)
{
	struct rlimit limit;
	int fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = FEW;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	while ((fd = dup(0)) >= 0)
		last_dup = fd;
	if (errno != EMFILE)
		die("dup");
}

static void no_new_one(int fd)
{
	T(socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	T(dup(fd));
	T(fcntl(fd, F_DUPFD, 0));
	T(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	T(fcntl(fd, F_DUPFD, FEW));
	T(dup2(fd, FEW));
	T(dup3(fd, FEW, O_CLOEXEC));
}

/* What needs no new descriptor works without one. */
static void all_others_work(int fd, int other)
{
	struct sockaddr_in any = addr_of("0.0.0.0", 0);
	struct sockaddr_in local = addr_of("127.0.0.1", 0);
	struct pollfd pfd = { .fd = sock_b, .events = POLLIN };

	T(bind(fd, SA(&any), sizeof(any)));
	T(bind(other, SA(&local), sizeof(local)));
	T(connect(fd, SA(&addr_b), sizeof(addr_b)));
	know('F', fd);
	T(send(fd, "abc", 3, 0));
	T(poll(&pfd, 1, 0));
	R(recvfrom(sock_b, buf, sizeof(buf), 0, SA(&from), &fromlen));
	T(dup2(fd, last_dup));
	T(send(last_dup, "def", 3, 0));
	R(recv(sock_b, buf, sizeof(buf), 0));
	T(bind(other, SA(&addr_a), sizeof(addr_a)));
}

static void none_left(void)
{
	int first, second, third, fd, before = count_fds();

	make_pair();
	first = sock();
	second = sock();
	third = sock();
	use_up();
	no_new_one(first);
	all_others_work(first, second);
	T(sendto(third, "x", 1, 0, SA(&addr_b), sizeof(addr_b)));
	no_new_one(first);
	T(close(last_dup));
	T(fd = socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	T(bind(fd, SA(&addr_b), sizeof(addr_b)));
	T(close(sock_b));
	T(bind(fd, SA(&addr_b), sizeof(addr_b)));
	close_range(3, ~0u, 0);
	T(count_fds() - before);
	T(try_bind("0.0.0.0", ntohs(addr_a.sin_port)));
	T(try_bind("0.0.0.0", ntohs(addr_b.sin_port)));
}

/* The first socket there is gets the last descriptor. */
static void first_and_last(void)
{
	struct sockaddr_in any = addr_of("0.0.0.0", 0);
	int fd;

	use_up();
	T(socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	close(last_dup);
	T(fd = socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	T(bind(fd, SA(&any), sizeof(any)));
	T(socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	addr_a = name_of(fd);
	T(addr_a.sin_port != 0);
	T(sendto(fd, "to itself", 9, 0, SA(&addr_a), sizeof(addr_a)));
	R(recv(fd, buf, sizeof(buf), 0));
	T(close(fd));
	T(try_bind("0.0.0.0", ntohs(addr_a.sin_port)));
}

/*
 * A bind to a port at one address takes a second descriptor for a moment, on
 * COP. Where there is none nothing has happened.
 */
static void bind_without_helper(void)
{
	struct sockaddr_in want;
	int fd;

	make_pair();
	want = addr_b;
	close(sock_b);
	fd = sock();
	use_up();
	T(bind(fd, SA(&want), sizeof(want)));
	T(bind(fd, SA(&want), sizeof(want)));
	show_name(fd);
	T(bind(fd, SA(&addr_a), sizeof(addr_a)));
	T(bind(sock_a, SA(&want), sizeof(want)));
	close(last_dup);
	T(try_bind("0.0.0.0", ntohs(want.sin_port)));
	T(bind(fd, SA(&want), sizeof(want)));
	addr_b = name_of(fd);
	deliver("there");
	R(recv(fd, buf, sizeof(buf), 0));
}

/* ---- no memory ---------------------------------------------------------- */

/* From here on there are few pages more than the program has. */
static void limit_memory(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	struct rlimit limit;
	long pages;

	if (!file || fscanf(file, "%ld", &pages) != 1)
		die("statm");
	fclose(file);
	limit.rlim_cur = limit.rlim_max = (pages + 4) * sysconf(_SC_PAGESIZE);
	if (setrlimit(RLIMIT_AS, &limit))
		die("setrlimit");
}

static int refused, wrong;

static void judge(int ret, int wanted)
{
	int err = errno;
	bool is_open = fcntl(wanted, F_GETFD) >= 0;

	refused += ret < 0;
	wrong += ret < 0 ? err != EMFILE || is_open : !of_the_kind(wanted);
	if (ret >= 0)
		close(wanted);
}

/* The table of sockets can have no room for numbers that the kernel has. */
static void small_table(void)
{
	if (raise_limit() < 4 * FD_SETSIZE) {
		errno = EMFILE;
		skip("the limit is too low");
	}
	limit_memory();
	make_pair();
	for (int fd = 32; fd < 4 * FD_SETSIZE; fd *= 2) {
		judge(dup2(sock_b, fd), fd);
		judge(dup3(sock_b, fd + 1, O_CLOEXEC), fd + 1);
		judge(fcntl(sock_b, F_DUPFD, fd + 2), fd + 2);
	}
	printf("refused %s, wrong %d\n", refused ? "some" : "none", wrong);
	use(sock_b);
	T(close(sock_b));
	T(try_bind("127.0.0.1", ntohs(addr_b.sin_port)));
}

SCENARIOS({ "highest", highest }, { "past_fd_setsize", past_fd_setsize },
	  { "lowered", lowered }, { "none_left", none_left },
	  { "first_and_last", first_and_last },
	  { "bind_without_helper", bind_without_helper },
	  { "small_table", small_table })
