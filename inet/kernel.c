// SPDX-License-Identifier: MIT
/*
 * inet/kernel.c - the functions of the library that a module may call. The module gets
 * a table of them: a symbol that the library exports would take the place of the
 * program's own symbol of that name.
 *
 * Owns: constants. Protected by: they never change. Counterpart in the kernel:
 * EXPORT_SYMBOL(), and the initcalls.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cop_port.h"
#include "datagram/defaults.h"
#include "wire/own_counters.h"
#include "datagram/proto.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "inet/marked.h"
#include "inet/protosw.h"
#include "inet/request.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/random.h"
#include "lib/uaccess.h"
#include "port/port_crowd.h"
#include "socket/module.h"
#include "socket/security.h"
#include "socket/sock.h"
#include "socket/socket.h"
#include "transports/cop/cop.h"

/* Here they are members of the public struct cop_inet_info. */
#undef inet_num
#undef inet_rcv_saddr
#undef inet_daddr

static void put_addr(union cop_addr *addr, const struct cop_addr_slot *slot,
		     const struct sock *sk, bool is_set)
{
	if (is_set)
		*addr = cop_slot_get(slot, sk->sk_family);
	else
		addr->family = AF_UNSPEC;
}

static void inet_info(const struct sock *sk, struct cop_inet_info *info)
{
	const struct inet_sock *inet = inet_sk(sk);

	*info = (struct cop_inet_info){
		.inet_num = READ_ONCE(sk->sk_num),
		.inet_sport = READ_ONCE(inet->inet_sport),
	};
	put_addr(&info->inet_saddr, &inet->inet_saddr, sk, true);
	put_addr(&info->inet_rcv_saddr, &sk->sk_rcv_saddr, sk, true);
	put_addr(&info->inet_daddr, &sk->sk_daddr, sk,
		 READ_ONCE(sk->sk_state) == COP_ESTABLISHED);
}

static bool claim_port(uint16_t snum)
{
	return snum && !cop_port_is_foreign(snum) &&
	       cop_port_claim(&cop_port_table, snum);
}

static void release_port(uint16_t snum)
{
	cop_port_release(&cop_port_table, snum);
}

static bool port_is_held(uint16_t snum)
{
	return cop_port_is_foreign(snum) ||
	       cop_port_is_taken(&cop_port_table, snum);
}

static unsigned int queue_length(unsigned int queue)
{
	return cop_port_queue_length(&cop_port_table, queue);
}

static uint16_t next_port(unsigned int queue, uint16_t after)
{
	return cop_port_next(&cop_port_table, queue, after);
}

__attribute__((format(printf, 2, 3))) static void
module_log(enum cop_loglevel level, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (likely(cop_env.debug < (int)level))
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
		cop_log_some(-1, "%s", text);
	va_end(ap);
}

static void socket_info(const struct socket *sock, struct cop_socket_info *info)
{
	struct sock *sk = READ_ONCE(sock->sk);

	*info = (struct cop_socket_info){
		.sk = sk,
		.family = READ_ONCE(sk->sk_family),
		.type = sock->type,
		.protocol = sk->sk_protocol,
	};
}

static bool confined(void)
{
	return cop_confined();
}

/*
 * The module whose init runs, and the families that it has registered. One module
 * begins at a time.
 */
static struct {
	struct module
		*mod; /* NULL: none, or one that is built into the library */
	uint64_t families; /* a bit for each */
} begun;

/* Whatever the owner is, the transport is this module's. */
static int register_proto(struct proto *prot)
{
	if (begun.mod)
		prot->owner = begun.mod;
	return proto_register(prot);
}

static int register_family(const struct net_proto_family *fam)
{
	int err = sock_register(fam);

	if (!err)
		begun.families |= 1ull << fam->family;
	return err;
}

static int module_copy_from_user(int fd, void *to, const void *from, size_t len)
{
	if (!user_readable(fd, from, len))
		return -EFAULT;
	memcpy(to, from, len);
	return 0;
}

static int module_copy_to_user(void *to, const void *from, size_t len)
{
	return copy_to_user(to, from, len);
}

static const struct cop_kernel cop_kernel = {
	.datagram = &cop_datagram_prot,
	.proto_register = register_proto,
	.proto_unregister = proto_unregister,
	.inet_register_protosw = inet_register_protosw,
	.inet_unregister_protosw = inet_unregister_protosw,
	.sock_register = register_family,
	.sock_unregister = sock_unregister,
	.inet_create = inet_create,
	.sock_hold = sock_hold,
	.sock_put = sock_put,
	.inet_info = inet_info,
	.claim_port = claim_port,
	.release_port = release_port,
	.port_is_held = port_is_held,
	.queue_length = queue_length,
	.next_port = next_port,
	.random = cop_random,
	.log = module_log,
	.try_module_get = try_module_get,
	.module_put = module_put,
	.security_add_hooks = security_add_hooks,
	.socket_info = socket_info,
	.count = cop_count,
	.copy_from_user = module_copy_from_user,
	.copy_to_user = module_copy_to_user,
	.confined = confined,
};

/* ---- the start of a module ------------------------------------------------ */

/* The modules that are built into the library. */
static struct module *const builtin[] = {
	&cop_builtin_cop,
};

/* What init has registered before it failed must not be found. */
static void module_abort(struct module *mod)
{
	WRITE_ONCE(mod->going, true);
	security_drop_hooks(mod);
	inet_unregister_owned(mod);
	for (int family = 0; family < NPROTO; family++)
		if (begun.families & 1ull << family)
			sock_unregister(family);
}

int module_begin(struct module *mod)
{
	int err;

	begun.mod = mod;
	begun.families = 0;
	mod->kernel = &cop_kernel;
	err = mod->init();
	begun.mod = NULL;
	if (err)
		module_abort(mod);
	return err;
}

void modules_init(void)
{
	request_begin = module_begin;
	inet_marked_init();
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++) {
		builtin[i]->kernel = &cop_kernel;
		builtin[i]->init();
	}
}
