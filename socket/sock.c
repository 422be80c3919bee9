// SPDX-License-Identifier: MIT
/*
 * socket/sock.c - the life of a struct socket and of a struct sock.
 *
 * Owns: the slab of struct socket. Protected by: reference counts.
 * Counterpart in the kernel: net/core/sock.c.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "socket/module.h"
#include "socket/sock.h"
#include "lib/process.h"
#include "lib/sysctl.h"

static struct cop_slab socket_slab = COP_SLAB(struct socket);

/* ops and sk stay as they were: a reader without a reference may be here. */
struct socket *sock_alloc(void)
{
	struct socket *sock = cop_slab_alloc(&socket_slab);

	if (!sock)
		return NULL;
	sock->type = 0;
	sock->forks = READ_ONCE(cop_process_forks);
	WRITE_ONCE(sock->cookie, 0);
	WRITE_ONCE(sock->f_count, 1);
	WRITE_ONCE(sock->state, SS_UNCONNECTED);
	return sock;
}

void sock_free(struct socket *sock)
{
	WRITE_ONCE(sock->state, SS_FREE);
	cop_slab_free(&socket_slab, sock);
}

typedef uintptr_t __attribute__((may_alias)) sk_word;

static void sk_clear_from(struct sock *sk, size_t from, size_t end)
{
	for (; from < end; from += sizeof(sk_word))
		__atomic_store_n((sk_word *)((char *)sk + from), 0,
				 __ATOMIC_RELAXED);
}

/*
 * Zero all but the slab's node and sk_prot. A reader without a reference may be
 * about to call sk_prot, and every transport of a slab can take any sock of the
 * slab. Whole words are stored, so that such a reader sees the old word or zero.
 */
static void sk_clear(struct sock *sk, size_t size)
{
	const size_t prot = offsetof(struct sock, sk_prot);

	_Static_assert(sizeof(sk->node) % sizeof(sk_word) == 0, "a whole word");
	_Static_assert(offsetof(struct sock, sk_prot) % sizeof(sk_word) == 0 &&
			       sizeof(sk->sk_prot) == sizeof(sk_word),
		       "a word");
	sk_clear_from(sk, sizeof(sk->node), prot);
	sk_clear_from(sk, prot + sizeof(sk->sk_prot), size);
}

struct sock *sk_alloc(int family, const struct proto *prot)
{
	struct sock *sk;

	if (unlikely(READ_ONCE(prot->gone)) || !try_module_get(prot->owner))
		return NULL;
	sk = cop_slab_alloc(prot->slab);
	if (unlikely(!sk)) {
		module_put(prot->owner);
		return NULL;
	}
	sk_clear(sk, prot->base_clear);
	sk_clear_from(sk, prot->base_size, prot->slab->size);
	sk->sk_family = family;
	WRITE_ONCE(sk->sk_prot, prot);
	return sk;
}

void sock_init_data(struct socket *sock, struct sock *sk)
{
	cop_sysctl_refresh();
	WRITE_ONCE(sk->sk_rcvbuf, READ_ONCE(cop_sysctl.rmem_default));
	WRITE_ONCE(sk->sk_sndbuf, READ_ONCE(cop_sysctl.wmem_default));
	sk_set_state(sk, COP_CLOSE);
	WRITE_ONCE(sk->sk_socket, sock);
	sk->sk_type = sock->type;
	sk->sk_rcvtimeo = MAX_SCHEDULE_TIMEOUT;
	sk->sk_sndtimeo = MAX_SCHEDULE_TIMEOUT;
	WRITE_ONCE(sk->sk_refcnt, 1);
	atomic_store_explicit(&sock->sk, sk, memory_order_release);
}

static void sk_free(struct sock *sk)
{
	const struct proto *prot = sk->sk_prot;

	cop_slab_free(prot->slab, sk);
	module_put(prot->owner);
}

void sock_hold(struct sock *sk)
{
	int_add(&sk->sk_refcnt, 1);
}

void sock_put(struct sock *sk)
{
	int refs = int_add(&sk->sk_refcnt, -1);

	if (unlikely(refs <= 0))
		cop_warn(-1, "sock %p: a reference too many was dropped",
			 (void *)sk);
	else if (refs == 1)
		sk_free(sk);
}

void sock_orphan(struct sock *sk)
{
	sock_set_flag(sk, SOCK_DEAD);
	WRITE_ONCE(sk->sk_socket, NULL);
}

void sk_common_release(struct sock *sk)
{
	int refs;

	sk->sk_prot->destroy(sk);
	sock_orphan(sk);
	sk->sk_prot->unhash(sk);
	refs = READ_ONCE(sk->sk_refcnt);
	if (unlikely(refs != 1))
		cop_warn(-1,
			 "destruction of the %s socket %p is delayed, "
			 "refcnt=%d",
			 sk->sk_prot->name, (void *)sk, refs);
	sock_put(sk);
}
