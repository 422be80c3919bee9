// SPDX-License-Identifier: MIT
/*
 * test_received.c - socket/received.c: a descriptor that came over an exec or from
 * another process becomes a COP socket if it has the mark of one.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sys/wait.h>

#include "cop_port.h"
#include "filter/attach.h"
#include "inet/missing.h"
#include "lib/process.h"
#include "unit/helpers.h"

TestSuite(cop_received, .init = t_init, .timeout = 20);

static bool is_claimed(uint16_t snum)
{
	return cop_port_taken(&cop_port_table, snum);
}

Test(cop_received, two_descriptors_of_one_kernel_socket_are_one_sock)
{
	int fd = t_open_bound();
	int two = dup(fd);
	uint16_t snum = t_port(fd);
	struct socket *sock = t_sock(fd);

	sock->sk->sk_prot->mark(sock->sk, fd);
	cr_assert(fd_adopt(two));
	cr_assert(eq(ptr, t_sock(two), sock));
	t_close(fd);
	cr_assert(is_claimed(snum));
	t_close(two);
	cr_assert(not(is_claimed(snum)));
}

Test(cop_received, adopting_a_descriptor_twice_changes_nothing)
{
	int fd = t_open_bound();
	struct socket *sock = t_sock(fd);
	uint16_t snum = t_port(fd);

	sock->sk->sk_prot->mark(sock->sk, fd);
	cr_assert(fd_adopt(fd));
	cr_assert(eq(ptr, t_sock(fd), sock));
	cr_assert(eq(int, sock->f_count, 1));
	t_close(fd);
	cr_assert(not(is_claimed(snum)));
}

/* The kernel lets only root filter TCP, so that nobody else can forge it there. */
static bool can_mark(int fd, const struct cop_mark *mark)
{
	int err = cop_program_mark(&cop_wire, fd, mark);

	if (geteuid() && err == -EPERM)
		return false;
	cr_assert(zero(int, err));
	return true;
}

Test(cop_received, a_socket_of_another_kind_with_a_mark_is_not_taken)
{
	const struct cop_mark mark = { PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 },
				       0,	0 };
	int tcp = socket(AF_INET, SOCK_STREAM, 0);

	if (can_mark(tcp, &mark))
		cr_assert(not(fd_adopt(tcp)));
}

/* What a type has beyond its four bits are flags of a socket() call. */
Test(cop_received, a_mark_of_no_type_there_can_be_is_no_mark)
{
	int udp = t_udp();

	for (int high = 0x10; high <= 0xf0; high += 0x10) {
		const struct cop_mark mark = {
			PF_INET, SOCK_COP | high, IPPROTO_COP, 0, { 0 }, 0, 0
		};

		cr_assert(zero(int, cop_program_mark(&cop_wire, udp, &mark)));
		cr_assert(not(fd_adopt(udp)), "type %#x", SOCK_COP | high);
	}
}

static bool is_missing(int fd)
{
	return t_sk(fd)->sk_prot == &cop_missing_prot;
}

/*
 * The types of inetsw end at SOCK_MAX, those that fit into four bits do not. Any other
 * type and protocol may be those of a module, which is not here.
 */
Test(cop_received, a_mark_of_a_type_or_protocol_there_can_not_be_is_no_mark)
{
	static const uint16_t protocol[] = {
		0, IPPROTO_UDP, IPPROTO_COP, 255, 256, 0x8000 | IPPROTO_COP
	};

	for (unsigned int i = 0; i < 256 * ARRAY_SIZE(protocol); i++) {
		const struct cop_mark mark = {
			PF_INET, i % 256, protocol[i / 256], 0, { 0 }, 0, 0
		};
		bool ours = (mark.type == SOCK_COP &&
			     mark.protocol == IPPROTO_COP) ||
			    (mark.type == SOCK_DGRAM &&
			     mark.protocol == IPPROTO_UDP);
		bool can_be = mark.type < SOCK_MAX && mark.protocol &&
			      mark.protocol < IPPROTO_MAX;
		int udp = t_udp();

		cr_assert(zero(int, cop_program_mark(&cop_wire, udp, &mark)));
		cr_assert(eq(int, fd_adopt(udp), can_be),
			  "type %u, protocol %u", mark.type, mark.protocol);
		if (can_be)
			cr_assert(eq(int, is_missing(udp), !ours));
		t_close(udp);
	}
}

static void expect_own_family_only(int of_socket)
{
	for (int family = 0; family < 256; family++) {
		const struct cop_mark mark = { family, SOCK_COP, IPPROTO_COP,
					       0,      { 0 },	 0,
					       0 };
		int udp = socket(of_socket, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		cr_assert(zero(int, cop_program_mark(&cop_wire, udp, &mark)));
		cr_assert(eq(int, fd_adopt(udp), family == of_socket),
			  "socket of family %d, mark of %d", of_socket, family);
		t_close(udp);
	}
}

Test(cop_received, a_mark_of_any_family_but_the_kernel_sockets_is_no_mark)
{
	expect_own_family_only(AF_INET);
	expect_own_family_only(AF_INET6);
}

Test(cop_received, a_raw_socket_with_a_mark_is_not_taken)
{
	const struct cop_mark mark = { PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 },
				       0,	0 };
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);

	if (raw < 0)
		cr_skip_test("no raw socket for this user: %s",
			     strerror(errno));
	cr_assert(zero(int, cop_program_mark(&cop_wire, raw, &mark)));
	cr_assert(not(fd_adopt(raw)));
}

static int kind_socket(int i)
{
	static const int kind[][3] = {
		{ AF_INET6, SOCK_DGRAM, 0 },
		{ AF_INET, SOCK_STREAM, 0 },
		{ AF_UNIX, SOCK_DGRAM, 0 },
		{ AF_UNIX, SOCK_STREAM, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
	};

	if (i == ARRAY_SIZE(kind))
		return -1;
	return socket(kind[i][0], kind[i][1] | SOCK_CLOEXEC, kind[i][2]);
}

Test(cop_received, a_mark_on_another_kind_of_socket_does_not_count)
{
	struct cop_mark mark = {
		PF_INET, SOCK_COP, IPPROTO_COP, 0, { 0 }, 0, 0
	};
	int fd;

	for (int i = 0; (fd = kind_socket(i)) >= 0; i++) {
		if (can_mark(fd, &mark))
			cr_assert(not(fd_adopt(fd)), "kind %d", i);
	}
}

/* ---- no mark, or no table ---------------------------------------------------- */

Test(cop_received, a_descriptor_without_a_mark_is_not_taken)
{
	int fd[] = { -1, 4000, open("/dev/null", O_RDONLY), t_udp() };

	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		cr_assert(not(fd_adopt(fd[i])), "%zu", i);
	cr_assert(zero(uint, cop_table.max));
}

/* The table belongs to the parent, which has no such descriptor. */
Test(cop_received, a_vfork_child_takes_nothing)
{
	int fd = t_open_bound();
	volatile bool taken = true;
	pid_t pid;

	if (!t_vfork_shares_memory())
		cr_skip_test("vfork() is a fork() here");
	t_sk(fd)->sk_prot->mark(t_sk(fd), fd);
	t_leave(fd);
	cop_process_share();
	pid = vfork();
	if (!pid) {
		taken = fd_adopt(fd);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	cr_assert(not(taken));
	cr_assert(fd_adopt(fd));
}

/* ---- threads ------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 200 };

static pthread_barrier_t together;
static int copy[THREADS];

static void *adopt_each_round(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		fd_adopt(copy[me]);
		pthread_barrier_wait(&together);
	}
	return NULL;
}

static void mark_and_leave(void)
{
	copy[0] = t_open_bound();
	for (int i = 1; i < THREADS; i++)
		copy[i] = dup(copy[0]);
	t_sk(copy[0])->sk_prot->mark(t_sk(copy[0]), copy[0]);
	t_leave(copy[0]);
}

static void assert_one_socket(int round)
{
	for (int i = 1; i < THREADS; i++)
		cr_assert(eq(ptr, t_sock(copy[i]), t_sock(copy[0])), "round %d",
			  round);
	cr_assert(eq(int, t_sock(copy[0])->f_count, THREADS));
	for (int i = 0; i < THREADS; i++)
		t_close(copy[i]);
}

Test(cop_received, threads_that_take_one_kernel_socket_at_once_share_a_socket)
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&together, NULL, THREADS + 1);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, adopt_each_round, (void *)i);
	for (int i = 0; i < ROUNDS; i++) {
		mark_and_leave();
		pthread_barrier_wait(&together);
		pthread_barrier_wait(&together);
		assert_one_socket(i);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}
