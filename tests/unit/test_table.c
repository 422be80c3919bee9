// SPDX-License-Identifier: MIT
/*
 * test_table.c - cop_table.c: descriptor -> struct socket.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "cop_port.h"
#include "lib/process.h"
#include "unit/helpers.h"

TestSuite(cop_table, .init = t_init, .timeout = 20);

static struct socket *new_socket(void)
{
	struct socket *sock = NULL;

	cr_assert(zero(int, sock_create(PF_INET, SOCK_COP, 0, &sock)));
	return sock;
}

/* ---- looking up ----------------------------------------------------------- */

Test(cop_table, no_number_is_ours_before_the_first_socket)
{
	static const int number[] = {
		-1, 0, 1, 2, 1023, 1024, INT_MAX, INT_MIN
	};

	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		cr_assert(eq(ptr, sockfd_lookup(number[i]), NULL));
		cr_assert(eq(ptr, sockfd_get(number[i]), NULL));
		fd_forget(number[i]);
	}
	cr_assert(zero(uint, cop_table.max));
}

Test(cop_table, only_the_installed_descriptor_is_ours)
{
	struct socket *sock = new_socket();
	volatile int number[] = { -1, 0, 41, 43, 1000000, INT_MAX, INT_MIN };

	fd_install(42, sock);
	cr_assert(eq(ptr, sockfd_lookup(42), sock));
	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		cr_assert(eq(ptr, sockfd_lookup(number[i]), NULL));
}

Test(cop_table, fd_any_finds_a_descriptor_if_there_is_one)
{
	static const int number[] = { 42, 900000, 7 };

	cr_assert(eq(int, fd_any(), -1));
	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		cr_assert(zero(int, fd_install(number[i], new_socket())));
		cr_assert(not(zero(ptr, sockfd_lookup(fd_any()))));
	}
	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		cr_assert(not(zero(ptr, sockfd_lookup(fd_any()))));
		t_leave(number[i]);
	}
	cr_assert(eq(int, fd_any(), -1));
	cr_assert(zero(int, fd_install(9, new_socket())));
	cr_assert(eq(int, fd_any(), 9));
}

Test(cop_table, a_descriptor_beyond_FD_SETSIZE_is_ours)
{
	static const int number[] = { 1024, 5000, 1000000 };

	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		struct socket *sock = new_socket();

		cr_assert(zero(int, fd_install(number[i], sock)));
		cr_assert(eq(ptr, sockfd_lookup(number[i]), sock));
	}
}

/* Numbers on both sides of where the table has to grow, and not two apart. */
Test(cop_table, a_descriptor_of_any_number_is_ours)
{
	static const int number[] = { 0,     511,   512,     32767,
				      32768, 65536, 1 << 20, 1 << 24 };
	struct socket *sock[ARRAY_SIZE(number)];

	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		sock[i] = new_socket();
		cr_assert(zero(int, fd_install(number[i], sock[i])));
	}
	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		cr_assert(eq(ptr, sockfd_lookup(number[i]), sock[i]), "%d",
			  number[i]);
		cr_assert(eq(ptr, sockfd_lookup(number[i] + 2), NULL));
	}
}

Test(cop_table, a_number_below_zero_is_no_descriptor)
{
	struct socket *sock = new_socket();
	struct sock *sk = sock->sk;

	cr_assert(eq(int, fd_install(-1, sock), -EBADF));
	cr_assert(zero(int, sk->sk_refcnt),
		  "its count is taken over all the same");
	cr_assert(eq(ptr, sockfd_lookup(-1), NULL));
}

/* In kB; VmSize is what is mapped. */
static long status_of(const char *name)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *line;

	close(fd);
	cr_assert(gt(long, n, 0));
	text[n] = '\0';
	line = strstr(text, name);
	cr_assert(ne(ptr, line, NULL));
	return strtol(line + strlen(name), NULL, 10);
}

Test(cop_table, the_table_takes_memory_only_for_descriptors_that_there_are)
{
	long before = status_of("VmSize:");

	cr_assert(zero(int, fd_install(3, new_socket())));
	cr_assert(zero(int, fd_install(1000000, new_socket())));
	cr_assert(le(long, status_of("VmSize:") - before, 256));
}

#define FILLERS 8
#define FILLED	2000

static struct socket *filled[FILLERS][FILLED];
static _Atomic(bool) lost;

/* Far apart, so that each one makes chunks, and all make the table grow. */
static int number_of(size_t filler, size_t i)
{
	return (i * FILLERS + filler) * 131;
}

static void *fill(void *arg)
{
	size_t filler = (uintptr_t)arg;

	for (size_t i = 0; i < FILLED; i++) {
		int fd = number_of(filler, i);

		filled[filler][i] = new_socket();
		if (fd_install(fd, filled[filler][i]) ||
		    sockfd_lookup(fd) != filled[filler][i])
			lost = true;
	}
	return NULL;
}

Test(cop_table, threads_that_make_the_table_grow_lose_nothing)
{
	pthread_t thread[FILLERS];

	for (size_t t = 0; t < FILLERS; t++)
		pthread_create(&thread[t], NULL, fill, (void *)t);
	for (size_t t = 0; t < FILLERS; t++)
		pthread_join(thread[t], NULL);
	cr_assert(not(lost));
	for (size_t t = 0; t < FILLERS; t++)
		for (size_t i = 0; i < FILLED; i++)
			cr_assert(eq(ptr, sockfd_lookup(number_of(t, i)),
				     filled[t][i]));
}

/* ---- forgetting ----------------------------------------------------------- */

Test(cop_table, installing_over_a_socket_releases_it)
{
	int fd = t_open_bound();
	struct sock *sk = t_sk(fd);
	uint16_t snum = t_port(fd);

	fd_install(fd, new_socket());
	cr_assert(zero(int, sk->sk_refcnt));
	cr_assert(not(cop_port_taken(&cop_port_table, snum)));
}

/* ---- duplicates ----------------------------------------------------------- */

Test(cop_table, duplicates_share_a_socket_and_the_last_close_releases_it)
{
	int fd = t_open_bound();
	int other = dup(fd);
	struct sock *sk = t_sk(fd);
	uint16_t snum = t_port(fd);

	cr_assert(zero(int, fd_install(other, sockfd_get(fd))));
	cr_assert(eq(ptr, t_sock(other), t_sock(fd)));
	cr_assert(eq(int, t_sock(fd)->f_count, 2));
	t_close(fd);
	cr_assert(eq(int, sk->sk_num, snum));
	cr_assert(cop_port_taken(&cop_port_table, snum));
	t_close(other);
	cr_assert(zero(int, sk->sk_refcnt));
	cr_assert(not(cop_port_taken(&cop_port_table, snum)));
}

Test(cop_table, a_call_under_way_keeps_a_closed_socket_alive)
{
	int fd = t_open_bound();
	struct socket *sock = sockfd_get(fd);
	struct sock *sk = sock->sk;

	t_close(fd);
	cr_assert(gt(int, sk->sk_refcnt, 0));
	cr_assert(eq(ptr, sock->sk, sk));
	fd_drop(sock);
	cr_assert(zero(int, sk->sk_refcnt));
}

/* ---- other processes ------------------------------------------------------ */

static int vfork_child_leaves_the_table(int fd)
{
	struct socket *sock = t_sock(fd);
	struct socket *spare = new_socket();
	volatile int bad;
	pid_t pid;

	cop_process_share();
	pid = vfork();
	if (!pid) {
		t_leave(fd);
		fd_forget(fd);
		bad = fd_install(fd + 1, spare) != 0;
		bad |= sockfd_lookup(fd + 1) != NULL;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	CHECK(!bad);
	CHECK(sockfd_lookup(fd) == sock);
	CHECK(sock->f_count == 1);
	return 0;
}

Test(cop_table, a_vfork_child_changes_nothing)
{
	if (!t_vfork_shares_memory())
		cr_skip("vfork() is fork() here");
	cr_assert(zero(int, vfork_child_leaves_the_table(t_open_bound())));
}

static int inherited;

static int close_inherited(void)
{
	uint16_t snum = t_port(inherited);

	CHECK(sockfd_lookup(inherited));
	t_close(inherited);
	CHECK(!sockfd_lookup(inherited));
	CHECK(!cop_port_taken(&cop_port_table, snum));
	CHECK(t_bind(t_open(), LOOPBACK, snum) == -EADDRINUSE);
	return 0;
}

Test(cop_table, a_forked_child_has_its_own_copy)
{
	inherited = t_open_bound();
	T_CHILD(close_inherited);
	cr_assert(ne(ptr, sockfd_lookup(inherited), NULL));
	cr_assert(cop_port_taken(&cop_port_table, t_port(inherited)));
}

/* ---- threads -------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 500 };

static _Atomic(int) wrong;

static int bind_somewhere(struct socket *sock, int fd)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, 0);
	struct sockaddr *sa = (struct sockaddr *)&addr;
	socklen_t len = sizeof(addr);
	int err = sock->ops->bind(sock, fd, sa, len);

	return err ? err : sock->sk->sk_prot->getname(sock->sk, fd, sa, &len);
}

/*
 * Open, bind and close; nobody else may have the socket or its descriptor.
 * No assert: only the main thread may fail a test.
 */
static void *open_and_close(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct socket *sock;
		int fd;

		if (sock_create(PF_INET, SOCK_COP, 0, &sock)) {
			wrong++;
			break;
		}
		fd = sock->sk->sk_prot->open(sock->sk, 0);
		fd_install(fd, sock);
		wrong += bind_somewhere(sock, fd) != 0;
		wrong += sockfd_lookup(fd) != sock;
		wrong += sock->sk->sk_refcnt != 2;
		t_close(fd);
	}
	return arg;
}

/* What another thread may close at any time is kept alive or not there. */
static void *get_and_drop(void *arg)
{
	int fd = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS * 20; i++) {
		struct socket *sock = sockfd_get(fd + i % THREADS);

		if (!sock)
			continue;
		wrong += sock->sk->sk_refcnt <= 0;
		wrong += sock->ops == NULL;
		fd_drop(sock);
	}
	return NULL;
}

static unsigned int ports_held(void)
{
	unsigned int n = 0;

	for (int q = 0; q < COP_HTABLE_SIZE; q++)
		n += cop_port_table.count[q] & ~COP_QUEUE_FULL;
	return n;
}

Test(cop_table, threads_that_open_and_close_leave_nothing_behind)
{
	pthread_t thread[2 * THREADS];
	int first = dup(0);

	close(first);
	for (int i = 0; i < 2 * THREADS; i++)
		pthread_create(&thread[i], NULL,
			       i % 2 ? get_and_drop : open_and_close,
			       (void *)(intptr_t)first);
	for (int i = 0; i < 2 * THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_assert(zero(int, wrong));
	cr_assert(zero(uint, ports_held()));
	for (unsigned int fd = 0; fd < cop_table.max; fd++)
		cr_assert(eq(ptr, sockfd_lookup(fd), NULL));
}
