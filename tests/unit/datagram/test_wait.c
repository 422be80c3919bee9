// SPDX-License-Identifier: MIT
/*
 * test_wait.c - datagram/wait.c: receives end in time while strays keep coming, with a
 * filter, and where none can be set.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "datagram/wait.h"
#include "unit/helpers.h"

TestSuite(cop_wait, .init = t_init, .timeout = 60);

#define TIMEO_MS 250
#define EACH_MS	 40

static uint16_t stray_port;
static atomic_bool enough;
static int (*next_setsockopt)(int, int, int, const void *, socklen_t);

static void *send_strays(void *arg)
{
	int udp = t_udp();

	while (!enough) {
		t_udp_send(udp, stray_port, "stray", 5);
		poll(NULL, 0, EACH_MS);
	}
	close(udp);
	return arg;
}

/* As under a seccomp filter. */
static int refuse_filters(int fd, int level, int name, const void *value,
			  socklen_t len)
{
	if (level == SOL_SOCKET && name == SO_ATTACH_FILTER) {
		errno = EPERM;
		return -1;
	}
	return next_setsockopt(fd, level, name, value, len);
}

static int fd;

static void set_timeo(long ms)
{
	struct timeval timeo = { ms / 1000, ms % 1000 * 1000 };

	cr_assert(
		zero(int, cop_setsockopt(t_sk(fd), fd, SOL_SOCKET, SO_RCVTIMEO,
					 &timeo, sizeof(timeo))));
}

static ssize_t by_recv(void)
{
	char buf[32];

	return t_recv(fd, buf, sizeof(buf), 0);
}

static ssize_t by_peek(void)
{
	char buf[32];

	return t_recv(fd, buf, sizeof(buf), MSG_PEEK);
}

static ssize_t by_long_recv(void)
{
	static char buf[65536];

	return t_recv(fd, buf, sizeof(buf), 0);
}

static ssize_t by_recvmsg(void)
{
	char buf[32];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return t_recvmsg(fd, &msg, 0);
}

static ssize_t by_many(int flags, struct timespec *timeout)
{
	char buf[8][32];
	struct iovec iov[8];
	struct mmsghdr vec[8] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(vec); i++) {
		iov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	return t_recvmmsg(fd, vec, ARRAY_SIZE(vec), flags, timeout);
}

static ssize_t by_recvmmsg(void)
{
	return by_many(0, NULL);
}

static ssize_t by_waitforone(void)
{
	return by_many(MSG_WAITFORONE, NULL);
}

static ssize_t (*const ways[])(void) = {
	by_recv, by_peek, by_long_recv, by_recvmsg, by_recvmmsg, by_waitforone
};

static void begin(void)
{
	fd = t_open_bound();
	set_timeo(TIMEO_MS);
	stray_port = t_port(fd);
}

static void end_in_time(size_t way)
{
	uint64_t from = cop_clock_us(), took;

	cr_expect(eq(i64, ways[way](), -EAGAIN), "way %zu", way);
	took = (cop_clock_us() - from) / 1000;
	cr_expect(ge(u64, took, TIMEO_MS - 5), "way %zu", way);
	cr_expect(lt(u64, took, TIMEO_MS + 150), "way %zu", way);
}

/* Each way on a socket of its own, which has no filter yet. */
static void all_end_in_time(void)
{
	pthread_t thread;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		begin();
		enough = false;
		pthread_create(&thread, NULL, send_strays, NULL);
		end_in_time(i);
		end_in_time(i);
		enough = true;
		pthread_join(thread, NULL);
		t_close(fd);
	}
}

Test(cop_wait, amid_strays_a_receive_ends_in_time)
{
	all_end_in_time();
}

Test(cop_wait, amid_strays_a_receive_ends_in_time_without_a_filter)
{
	next_setsockopt = cop_libc.setsockopt;
	cop_libc.setsockopt = refuse_filters;
	all_end_in_time();
}

static void watch(void)
{
	cop_env.debug = COP_DEBUG_FAULTS;
	all_end_in_time();
	cop_env.debug = COP_DEBUG_OFF;
}

Test(cop_wait, amid_strays_a_receive_ends_in_time_with_COP_DEBUG)
{
	char text[4096];

	t_stderr(watch, text, sizeof(text));
}

/* The time of recvmmsg() itself, where a socket has none. */
Test(cop_wait, amid_strays_recvmmsgs_own_time_ends)
{
	struct timespec timeout;
	pthread_t thread;
	uint64_t from;

	next_setsockopt = cop_libc.setsockopt;
	for (int refused = 0; refused < 2; refused++) {
		begin();
		set_timeo(0);
		cop_libc.setsockopt =
			refused ? refuse_filters : next_setsockopt;
		enough = false;
		pthread_create(&thread, NULL, send_strays, NULL);
		from = cop_clock_us();
		timeout = (struct timespec){ 0, 200000000 };
		/* with a filter nothing comes that would let it look at its time */
		if (refused)
			cr_expect(eq(int, by_many(0, &timeout), -EAGAIN));
		cr_expect(lt(u64, cop_clock_us() - from, 500000));
		enough = true;
		pthread_join(thread, NULL);
		t_close(fd);
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

Test(cop_wait, amid_strays_a_signal_interrupts)
{
	struct itimerval once = { .it_value.tv_usec = 100000 };
	pthread_t thread;
	uint64_t from;

	signal(SIGALRM, on_alarm);
	begin();
	set_timeo(5000);
	pthread_create(&thread, NULL, send_strays, NULL);
	from = cop_clock_us();
	setitimer(ITIMER_REAL, &once, NULL);
	cr_expect(eq(i64, by_recv(), -EINTR));
	cr_expect(lt(u64, cop_clock_us() - from, 2000000));
	enough = true;
	pthread_join(thread, NULL);
}

Test(cop_wait, amid_strays_a_receive_with_MSG_DONTWAIT_does_not_wait)
{
	uint64_t from;
	int udp = t_udp();

	begin();
	t_udp_send(udp, stray_port, "stray", 5);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	from = cop_clock_us();
	cr_expect(eq(i64, by_recv(), -EAGAIN));
	t_udp_send(udp, stray_port, "stray", 5);
	cr_expect(eq(i64, by_waitforone(), -EAGAIN));
	cr_expect(lt(u64, cop_clock_us() - from, 100000));
}

static void *send_late(void *arg)
{
	poll(NULL, 0, 100);
	t_udp_send(*(int *)arg, stray_port, "stray", 5);
	t_udp_send_cop(*(int *)arg, stray_port, 0, "text", 4);
	return NULL;
}

Test(cop_wait, behind_a_stray_a_datagram_is_received)
{
	int udp = t_udp();
	pthread_t thread;

	begin();
	pthread_create(&thread, NULL, send_late, &udp);
	cr_expect(eq(i64, by_recv(), 4));
	pthread_join(thread, NULL);
}

/* ---- a close does not end a receive --------------------------------------------- */

static void *receive_on(void *arg)
{
	char in[32];

	*(ssize_t *)arg =
		cop_recvfrom(t_sk(fd), fd, in, sizeof(in), 0, NULL, NULL);
	return NULL;
}

Test(cop_wait, a_datagram_after_a_close_does_not_count_for_the_next_owner)
{
	int udp = t_udp(), next;
	struct sock *was;
	pthread_t thread;
	ssize_t got = 0;

	begin();
	set_timeo(0);
	was = t_sk(fd);
	pthread_create(&thread, NULL, receive_on, &got);
	poll(NULL, 0, 100);
	t_leave(fd); /* but the kernel's socket is open */
	next = t_open_bound();
	cr_assert(eq(ptr, t_sk(next), was), "it has the same memory");
	t_udp_send_cop(udp, stray_port, 0, "text", 4);
	pthread_join(thread, NULL);
	cr_expect(eq(i64, got, 4));
	cr_expect(zero(u32, t_count(next)->rx_datagrams));
	cr_expect(zero(u64, t_count(next)->rx_bytes));
	cr_expect(zero(u32, cop_flow_list(&cop_sk(was)->flows, 0, NULL, 0)));
}
