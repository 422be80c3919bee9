// SPDX-License-Identifier: MIT
/*
 * test_look.c - datagram/look.c: what decode refuses is dropped ahead of a poll or a
 * FIONREAD. The transport here refuses payloads that begin with an x.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "datagram/defaults.h"
#include "datagram/look.h"
#include "datagram/proto.h"
#include "inet/af_inet.h"
#include "lib/libc.h"
#include "unit/helpers.h"

#define X_TYPE	   9
#define X_PROTOCOL 19
#define HLEN	   4

static int tx, rx;
static struct sock *sk;

static int looks;  /* how often decode was asked */
static bool flood; /* each look finds one more that is refused */
static bool steal; /* amid each look another thread receives the first */

static void comes(const char *payload)
{
	struct sockaddr_in to = t_addr("127.0.0.1", t_port(rx));
	const ssize_t len = strlen(payload);

	cr_assert(eq(long, t_sendto(tx, payload, len, 0, &to), len));
}

static enum cop_stray check(const void *at, size_t len,
			    struct cop_hdr_info *info)
{
	if (len < HLEN)
		return COP_STRAY_SHORT;
	if (memcmp(at, "XHDR", HLEN))
		return COP_STRAY_MAGIC;
	*info = (struct cop_hdr_info){ .len = HLEN };
	return COP_NO_STRAY;
}

static void build(void *hdr, __be16 source, __be16 dest, uint64_t seq,
		  uint32_t tstamp)
{
	(void)source, (void)dest, (void)seq, (void)tstamp;
	memcpy(hdr, "XHDR", HLEN);
}

static int encode(struct sock *sock, void *hdr, void *payload, size_t len,
		  const struct cop_ends *ends)
{
	(void)sock, (void)hdr, (void)payload, (void)len, (void)ends;
	return 0;
}

static int decode(struct sock *sock, const void *hdr, void *payload, size_t len,
		  bool peek, const struct cop_ends *ends)
{
	char none;

	(void)sock, (void)hdr, (void)ends;
	cr_assert(peek);
	looks++;
	if (flood)
		comes("x");
	if (steal && *(char *)payload == 'x')
		cr_assert(gt(long, recv(rx, &none, 0, MSG_DONTWAIT), -1));
	return len && *(char *)payload == 'x' ? -EBADMSG : 0;
}

static const struct cop_wire x_wire = {
	.hlen = HLEN,
	.hlen_max = HLEN,
	.match = { { 0, 4, 0xffffffff, 0x58484452 } },
	.check = check,
	.build = build,
	.encode = encode,
	.decode = decode,
};

static struct proto x_prot = { .name = "X", .wire = &x_wire };

static struct inet_protosw x = {
	.type = X_TYPE,
	.protocol = X_PROTOCOL,
	.prot = &x_prot,
};

static void setup(void)
{
	t_init();
	cr_assert(zero(int, proto_register(&x_prot)));
	cr_assert(zero(int, inet_register_protosw(&x)));
	tx = t_open_type(X_TYPE);
	rx = t_open_type(X_TYPE);
	cr_assert(zero(int, t_bind(rx, "127.0.0.1", 0)));
	sk = t_sock(rx)->sk;
}

TestSuite(cop_look, .init = setup, .timeout = 20);

static uint32_t refused(void)
{
	return READ_ONCE(cop_sk(sk)->count.refused);
}

Test(cop_look, nothing_is_left_behind_what_is_refused)
{
	cr_assert(cop_may_refuse(sk));
	cr_assert(not(cop_first_decodes(sk, rx)));
	comes("xyz");
	comes("x");
	cr_assert(not(cop_first_decodes(sk, rx)));
	cr_assert(eq(u32, refused(), 2));
	cr_assert(eq(int, looks, 2));
}

Test(cop_look, what_is_good_stays)
{
	comes("xyz");
	comes("good");
	comes("xyz");
	for (int i = 0; i < 3; i++)
		cr_assert(cop_first_decodes(sk, rx));
	cr_assert(eq(u32, refused(), 1));
	cr_assert(eq(int, looks, 4));
}

Test(cop_look, a_good_one_stays_if_another_thread_takes_the_refused_one)
{
	char buf[9];

	steal = true;
	comes("xyz");
	comes("good");
	cr_assert(cop_first_decodes(sk, rx));
	cr_assert(zero(u32, refused()));
	cr_assert(eq(long, t_recv(rx, buf, sizeof(buf), MSG_PEEK), 4));
}

Test(cop_look, FIONREAD_is_that_of_the_first_good_one)
{
	int len = 99;

	comes("xyz");
	comes("good");
	cr_assert(zero(int, sk->sk_prot->ioctl(sk, rx, FIONREAD, &len)));
	cr_assert(eq(int, len, 4));
}

/* Then the program's receive drops them. */
Test(cop_look, a_flood_does_not_keep_a_look_going)
{
	flood = true;
	comes("x");
	cr_assert(cop_first_decodes(sk, rx));
	flood = false;
	cr_assert(not(cop_first_decodes(sk, rx)));
	cr_assert(eq(u32, refused(), 4097));
}

static struct cop_libc libc;

/* An ICMP message comes just ahead of the call, which takes its error. */
static ssize_t refuse_once(int fd, struct msghdr *msg, int flags)
{
	(void)fd, (void)msg, (void)flags;
	cop_libc = libc;
	errno = ECONNREFUSED;
	return -1;
}

Test(cop_look, an_error_that_comes_amid_a_look_is_the_programs)
{
	char buf[9];

	comes("good");
	libc = cop_libc;
	cop_libc.recvmsg = refuse_once;
	cr_assert(cop_first_decodes(sk, rx));
	cr_assert(eq(long, t_recv(rx, buf, sizeof(buf), 0), -ECONNREFUSED));
	cr_assert(eq(long, t_recv(rx, buf, sizeof(buf), MSG_PEEK), 4));
}

Test(cop_look, a_sock_of_COP_refuses_nothing)
{
	cr_assert(not(cop_may_refuse(t_sock(t_open())->sk)));
}
