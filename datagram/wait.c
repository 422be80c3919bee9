// SPDX-License-Identifier: MIT
/*
 * datagram/wait.c - how long a receive may still wait after a stray. For the kernel
 * the stray is a datagram, so the next receive would wait for all of SO_RCVTIMEO
 * again. For the program nothing has come yet, so its time goes on.
 *
 * Owns: SOCK_RCVTIMEO. Protected by: atomic flags. Counterpart in the kernel:
 * sock_rcvtimeo(), and the timeo that __skb_recv_udp() keeps from one try to the
 * next.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "datagram/wait.h"

/* SO_RCVTIMEO in microseconds; 0: none. */
static uint64_t rcvtimeo(int fd)
{
	struct timeval timeo = { 0 };
	socklen_t len = sizeof(timeo);

	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeo, &len))
		return 0;
	return timeo.tv_sec * 1000000ull + timeo.tv_usec;
}

void cop_wait_note(struct sock *sk, int fd)
{
	if (cop_confined())
		return;
	if (rcvtimeo(fd))
		sock_set_flag(sk, SOCK_RCVTIMEO);
	else
		sock_reset_flag(sk, SOCK_RCVTIMEO);
}

/*
 * When the receive has to end, or 0 for never. Another process may have set SO_RCVTIMEO
 * on its copy of the descriptor. Then nobody noted when this receive began, and its
 * time counts from now.
 */
static uint64_t wait_end(struct sock *sk, int fd, struct cop_wait *wait,
			 uint64_t now)
{
	uint64_t timeo = rcvtimeo(fd), end;

	if (!timeo)
		return wait->until;
	if (!wait->begin) {
		wait->begin = now;
		sock_set_flag(sk, SOCK_RCVTIMEO);
	}
	end = wait->begin + timeo;
	return wait->until && wait->until < end ? wait->until : end;
}

static int wait_for(int fd, uint64_t us)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct timespec left = { us / 1000000, us % 1000000 * 1000 };
	int n = cop_libc_result(cop_libc.ppoll(&ready, 1, &left, NULL));

	if (n < 0)
		return n;
	return n ? 0 : -EAGAIN;
}

int cop_wait_again(struct sock *sk, int fd, int flags, struct cop_wait *wait)
{
	uint64_t now, end;

	if (flags & MSG_DONTWAIT || cop_confined() ||
	    cop_libc.fcntl(fd, F_GETFL, 0) & O_NONBLOCK)
		return 0;
	now = cop_clock_us();
	end = wait_end(sk, fd, wait, now);
	if (!end)
		return 0;
	wait->flags = MSG_DONTWAIT;
	return now < end ? wait_for(fd, end - now) : -EAGAIN;
}
