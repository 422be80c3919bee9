// SPDX-License-Identifier: MIT
/*
 * test_hold.c - socket/hold.c: a socket that a call keeps alive, and that a signal handler
 * may leave behind.
 */
#include <setjmp.h>
#include <signal.h>

#include "cop_port.h"
#include "datagram/naming.h"
#include "lib/kernel_socket.h"
#include "socket/hold.h"
#include "unit/helpers.h"

TestSuite(cop_hold, .init = t_init, .timeout = 20);

static int f_count(int fd)
{
	return t_sock(fd)->f_count;
}

/* What a call leaves that a handler has jumped out of. */
static noinline void leave(int fd)
{
	unsigned int at;

	fd_hold(fd, &at);
}

/* As deep as a signal handler is at least. */
static noinline void deep_below(void (*call)(int fd), int fd)
{
	volatile char frame[2048];

	frame[0] = 1;
	call(fd);
	frame[sizeof(frame) - 1] = frame[0];
}

static noinline void hold_and_end(int fd)
{
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);

	fd_unhold(sock, at);
}

Test(cop_hold, a_call_keeps_its_socket_until_it_ends)
{
	int fd = t_open_bound();
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);

	cr_assert(eq(ptr, sock, t_sock(fd)));
	cr_assert(eq(int, f_count(fd), 2));
	fd_unhold(sock, at);
	cr_assert(eq(int, f_count(fd), 1));
	cr_assert(zero(uint, sock_holds.n));
}

Test(cop_hold, a_descriptor_that_is_not_cops_is_held_and_dropped_as_nothing)
{
	unsigned int at;

	cr_assert(zero(ptr, fd_hold(-1, &at)));
	fd_unhold(NULL, at);
	cr_assert(zero(uint, sock_holds.n));
}

Test(cop_hold, the_next_call_drops_what_a_lost_one_held)
{
	int fd = t_open_bound();

	leave(fd);
	cr_assert(eq(int, f_count(fd), 2));
	hold_and_end(fd);
	cr_assert(eq(int, f_count(fd), 1));
	cr_assert(zero(uint, sock_holds.n));
}

Test(cop_hold, a_close_drops_what_a_lost_call_held_and_the_port_is_free)
{
	int fd = t_open_bound();
	uint16_t snum = t_port(fd);

	leave(fd);
	t_close(fd);
	cr_assert(not(cop_port_is_taken(&cop_port_table, snum)));
}

Test(cop_hold, calls_of_a_handler_leave_the_interrupted_calls_socket)
{
	int fd = t_open_bound();
	unsigned int at;
	struct socket *sock;

#ifdef COP_TSAN
	cr_skip("as built for ThreadSanitizer the frame is no lower");
#endif
	sock = fd_hold(fd, &at);
	deep_below(hold_and_end, fd);
	cr_assert(eq(int, f_count(fd), 2));
	deep_below(leave, fd);
	cr_assert(eq(int, f_count(fd), 3));
	fd_unhold(sock, at);
	cr_assert(eq(int, f_count(fd), 1));
	cr_assert(zero(uint, sock_holds.n));
}

Test(cop_hold, more_calls_than_there_is_room_for_end_as_others_do)
{
	int fd = t_open_bound();
	unsigned int at[2 * SOCK_HOLDS];
	struct socket *sock[2 * SOCK_HOLDS];

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		sock[i] = fd_hold(fd, &at[i]);
		sock_holds.hold[min_t(size_t, i, SOCK_HOLDS - 1)].frame =
			UINTPTR_MAX; /* further up, as if all were nested */
	}
	cr_assert(eq(int, f_count(fd), 1 + ARRAY_SIZE(at)));
	for (size_t i = ARRAY_SIZE(at); i-- > 0;)
		fd_unhold(sock[i], at[i]);
	cr_assert(eq(int, f_count(fd), 1));
	cr_assert(zero(uint, sock_holds.n));
}

/* ---- handlers with a stack of their own ------------------------------------- */

static int of_handler;
static void (*in_handler)(int fd);
static sigjmp_buf back;
static bool jumps;

static void handle(int sig)
{
	in_handler(of_handler);
	if (jumps)
		siglongjmp(back, sig);
}

static void handle_apart(int fd, void (*call)(int fd), bool jump)
{
	static char room[65536];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
	struct sigaction action = { .sa_handler = handle,
				    .sa_flags = SA_ONSTACK };

	of_handler = fd;
	in_handler = call;
	jumps = jump;
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	if (!sigsetjmp(back, 1))
		raise(SIGUSR1);
}

Test(cop_hold,
     a_handler_on_a_stack_of_its_own_leaves_the_interrupted_calls_socket)
{
	int fd = t_open_bound();
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);

	handle_apart(fd, hold_and_end, false);
	cr_assert(eq(int, f_count(fd), 2));
	fd_unhold(sock, at);
	cr_assert(eq(int, f_count(fd), 1));
}

Test(cop_hold, a_call_is_lost_if_its_handler_has_left_its_own_stack)
{
	int fd = t_open_bound();

	handle_apart(fd, leave, true);
	cr_assert(eq(int, f_count(fd), 2));
	hold_and_end(fd);
	cr_assert(eq(int, f_count(fd), 1));
}

/* ---- what a lost call was about to do --------------------------------------- */

static noinline void leave_naming(int fd)
{
	leave(fd);
	cop_naming_begin(t_sk(fd), fd);
}

Test(cop_hold, a_lost_call_does_not_name_its_socket_any_more)
{
	int fd = t_open_bound();

	leave_naming(fd);
	hold_and_end(fd);
	cr_assert(zero(u32, t_sk(fd)->sk_naming % 0x10000));
	cr_assert(eq(u64, t_sock(fd)->cookie, sock_kernel_cookie(fd)));
	cr_assert(sock_flag(t_sk(fd), SOCK_CROSSED));
}

Test(cop_hold, a_lost_calls_claim_is_given_back)
{
	int fd = t_open(), other = t_open_bound();
	uint16_t snum = cop_port_claim_any(&cop_port_table);

	leave(fd);
	fd_hold_claim(t_sk(fd), snum);
	hold_and_end(fd);
	cr_assert(not(cop_port_is_taken(&cop_port_table, snum)));

	snum = t_sk(other)->sk_num;
	leave(other);
	fd_hold_claim(t_sk(other), snum);
	hold_and_end(other);
	cr_assert(cop_port_is_taken(&cop_port_table, snum));
}

/* ---- contexts: a call goes on that seemed to be lost ------------------------- */

Test(cop_hold, a_call_on_a_stack_far_below_is_not_lost)
{
	int fd = t_open_bound();
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);

	sock_holds.hold[at].frame -= 64ul << 20;
	hold_and_end(fd);
	cr_assert(eq(int, f_count(fd), 2));
	fd_unhold(sock, at);
	cr_assert(eq(int, f_count(fd), 1));
}

Test(cop_hold, a_call_that_goes_on_ends_its_naming_once)
{
	int fd = t_open_bound();
	struct sock *sk = t_sk(fd);
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);

	cop_naming_begin(sk, fd);
	hold_and_end(fd); /* the call on the stack beside it */
	cr_assert(zero(u32, sk->sk_naming % 0x10000));
	cop_naming_end(sk, fd);
	cr_assert(zero(u32, sk->sk_naming % 0x10000));
	fd_unhold(sock, at);
	cr_assert(eq(int, f_count(fd), 1));

	sock_reset_flag(sk, SOCK_CROSSED);
	cop_naming_end(sk, fd);
	cr_assert(zero(u32, sk->sk_naming % 0x10000));
}

Test(cop_hold, a_hold_that_has_begun_no_naming_ends_none)
{
	int fd = t_open_bound();
	struct sock *sk = t_sk(fd);
	unsigned int at;

	cop_naming_begin(sk, fd); /* of the call that was interrupted */
	fd_hold(fd, &at);
	cop_naming_end(sk, fd);
	cr_assert(zero(u32, sock_holds.hold[at].naming));
	hold_and_end(fd); /* and the last one is lost */
	cr_assert(zero(u32, sk->sk_naming % 0x10000));
}
