// SPDX-License-Identifier: MIT
/*
 * socket/hold.c - a socket that a call keeps alive, and that a signal handler may leave
 * behind.
 *
 * A handler may leave a call by siglongjmp(), wherever it has interrupted it. The call
 * then never drops the socket that it holds: the socket would stay alive, with its
 * port, until the process ends. So each thread notes what its calls hold, and at which
 * stack frame. A frame below that of a later call belongs to a call that has ended.
 *
 * Owns: sock_holds. Protected by: each thread has its own; a signal handler's calls
 * begin behind the calls that it interrupts, and end before them. Counterpart in
 * the kernel: none; there every call ends.
 */
#include <errno.h>
#include <signal.h>

#include "cop_table.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/process.h"
#include "socket/hold.h"
#include "socket/identify.h"
#include "wire/owner.h"

__thread struct sock_holds sock_holds
	__attribute__((tls_model("initial-exec")));

/*
 * Two calls of one function have their frames at nearly the same place. A handler's call
 * is below what the kernel pushes for it: a ucontext and the registers.
 */
#define SIGNAL_FRAME 768

/*
 * Frames that are further apart are on two stacks: a handler may change to another context
 * of the program, which makes calls before the first one goes on.
 */
#define SAME_STACK (1ul << 20)

/* Whether an address is on the stack that the thread has for its signal handlers. */
static bool is_on(const stack_t *alt, uintptr_t at)
{
	return alt->ss_size && at - (uintptr_t)alt->ss_sp < alt->ss_size;
}

/*
 * Whether the call with frame @then has ended by the time of the call with frame @now. A
 * handler on a stack of its own may have interrupted a call on any other stack. If two
 * contexts of a program have stacks side by side, the answer may be wrong: then the call
 * goes on without its hold, and ends nothing a second time.
 */
static bool has_ended(uintptr_t then, uintptr_t now, const stack_t *alt)
{
	if (is_on(alt, then) != is_on(alt, now))
		return is_on(alt, then);
	return now + SIGNAL_FRAME - 1 - then < SAME_STACK;
}

/*
 * The sock may be between two states. So the library records which kernel socket it has,
 * and the next call that changes its names takes them from the kernel.
 */
static void end_naming(struct socket *sock, const struct sock_hold *hold)
{
	fd_identify(sock, hold->fd);
	sock_set_flag(sock->sk, SOCK_CROSSED);
	cop_naming_lost(sock->sk, hold->naming);
}

static void give_claim_back(struct sock *sk, uint16_t snum)
{
	if (!sk->sk_prot->holds(sk, snum))
		sk->sk_prot->reclaim(snum);
}

static noinline void drop_lost(struct sock_hold *hold)
{
	struct socket *sock = READ_ONCE(hold->sock);

	WRITE_ONCE(hold->sock, NULL);
	if (sock && hold->naming)
		end_naming(sock, hold);
	if (sock && READ_ONCE(hold->claim))
		give_claim_back(sock->sk, READ_ONCE(hold->claim));
	fd_drop(sock);
}

static void drop_above(unsigned int at)
{
	unsigned int n;

	while ((n = READ_ONCE(sock_holds.n)) > at) {
		if (n <= SOCK_HOLDS)
			drop_lost(&sock_holds.hold[n - 1]);
		WRITE_ONCE(sock_holds.n, n - 1);
	}
}

noinline void fd_holds_look(void)
{
	const uintptr_t now = (uintptr_t)__builtin_frame_address(0);
	unsigned int n = READ_ONCE(sock_holds.n);
	int saved = errno;
	stack_t alt;

	n = min_t(unsigned int, n, SOCK_HOLDS);
	if (!cop_confined() && !sigaltstack(NULL, &alt)) {
		while (n && has_ended(sock_holds.hold[n - 1].frame, now, &alt))
			n--;
		if (n < SOCK_HOLDS)
			drop_above(n);
	}
	errno = saved;
}

/*
 * A hold takes its place before it has a socket. So a handler in between takes the
 * next place, and leaves this one as it is.
 */
noinline struct socket *fd_hold(int fd, unsigned int *at)
{
	struct sock_hold unnoted, *hold = &unnoted;
	struct socket *sock;
	unsigned int n;

	fd_holds_drop_lost();
	n = *at = READ_ONCE(sock_holds.n);
	if (likely(n < SOCK_HOLDS))
		hold = &sock_holds.hold[n];
	hold->frame = (uintptr_t)__builtin_frame_address(0);
	hold->fd = fd;
	hold->naming = 0;
	WRITE_ONCE(hold->claim, 0);
	WRITE_ONCE(hold->sock, NULL);
	atomic_signal_fence(memory_order_seq_cst);
	WRITE_ONCE(sock_holds.n, n + 1);
	atomic_signal_fence(memory_order_seq_cst);
	sock = sockfd_get(fd);
	WRITE_ONCE(hold->sock, sock);
	return sock;
}

/*
 * Whether the hold is still there. Holds behind it are of a handler's calls, out of
 * which another handler has jumped.
 */
static bool is_held(const struct socket *sock, unsigned int at)
{
	if (unlikely(READ_ONCE(sock_holds.n) > at + 1))
		drop_above(at + 1);
	return READ_ONCE(sock_holds.n) == at + 1 &&
	       (at >= SOCK_HOLDS ||
		READ_ONCE(sock_holds.hold[at].sock) == sock);
}

void fd_unhold(struct socket *sock, unsigned int at)
{
	if (unlikely(!is_held(sock, at)))
		return; /* a call on another stack took it for lost */
	if (likely(at < SOCK_HOLDS))
		WRITE_ONCE(sock_holds.hold[at].sock, NULL);
	atomic_signal_fence(memory_order_seq_cst);
	WRITE_ONCE(sock_holds.n, at);
	fd_drop(sock);
}
