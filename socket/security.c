// SPDX-License-Identifier: MIT
/*
 * socket/security.c - policies: functions of modules that are asked before a socket is
 * made, bound or connected, and may refuse.
 *
 * Owns: a list of functions for each call. Protected by: the lists change only while a
 * module begins or ends, one at a time; readers need no lock, because the memory of an
 * entry stays. Counterpart in the kernel: security/security.c.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cancel.h"
#include "lib/env.h"
#include "socket/security.h"

#define MAX_ERRNO 4095

_Atomic(struct security_hook_list *) security_heads[SECURITY_HOOKS];

/* What messages call the hooks. */
static const char *const hook_name[] = {
	[SECURITY_socket_create] = "socket_create",
	[SECURITY_socket_post_create] = "socket_post_create",
	[SECURITY_socket_bind] = "socket_bind",
	[SECURITY_socket_connect] = "socket_connect",
};

static struct security_hook_list *
entry_at(_Atomic(struct security_hook_list *) *at)
{
	return atomic_load_explicit(at, memory_order_acquire);
}

/* ---- registration -------------------------------------------------------- */

static bool is_listed(const struct security_hook_list *entry)
{
	struct security_hook_list *is = entry_at(&security_heads[entry->head]);

	while (is && is != entry)
		is = entry_at(&is->next);
	return is;
}

/* All members of the union are pointers to functions, of the same size. */
static int check_entry(const struct security_hook_list *entry)
{
	if ((unsigned int)entry->head >= SECURITY_HOOKS ||
	    !entry->hook.socket_create)
		return -EINVAL;
	return is_listed(entry) ? -EEXIST : 0;
}

/* The next of an entry is set first: a reader may be at any entry. */
static void list_append(struct security_hook_list *entry)
{
	_Atomic(struct security_hook_list *) *at = &security_heads[entry->head];
	struct security_hook_list *is;

	while ((is = entry_at(at)))
		at = &is->next;
	WRITE_ONCE(entry->next, NULL);
	atomic_store_explicit(at, entry, memory_order_release);
}

int security_add_hooks(struct security_hook_list *hooks, int count,
		       const char *lsm, const struct module *owner)
{
	int err = 0;

	for (int i = 0; i < count && !err; i++)
		err = check_entry(&hooks[i]);
	if (err) {
		cop_warn(-1, "the hooks of %s can't be registered", lsm);
		return err;
	}
	for (int i = 0; i < count; i++) {
		hooks[i].lsm = lsm;
		hooks[i].owner = owner;
		list_append(&hooks[i]);
	}
	return 0;
}

/* The next of a removed entry stays, for readers that are at it. */
static void list_drop(_Atomic(struct security_hook_list *) *at,
		      const struct module *owner)
{
	struct security_hook_list *is;

	while ((is = entry_at(at)))
		if (is->owner == owner)
			WRITE_ONCE(*at, READ_ONCE(is->next));
		else
			at = &is->next;
}

void security_drop_hooks(const struct module *owner)
{
	for (int i = 0; i < SECURITY_HOOKS; i++)
		list_drop(&security_heads[i], owner);
}

/* ---- questions ----------------------------------------------------------- */

/*
 * The program gets what a policy returns as errno, so another number can't be passed
 * on. Nor can the two errors by which the interpose room finds out that the program has
 * closed the descriptor.
 */
static int refuse(const struct security_hook_list *entry, int err)
{
	cop_warn(-1, "%s refuses: its %s returned %d", entry->lsm,
		 hook_name[entry->head], err);
	if (err > 0 || err < -MAX_ERRNO || err == -EBADF || err == -ENOTSOCK)
		return -EACCES;
	return err;
}

/*
 * None of these calls but connect() is a cancellation point in the kernel, and a caller
 * holds a count of the socket: a policy that writes a line must not end the thread.
 */
#define ASK(name, ...)                                                    \
	do {                                                              \
		struct security_hook_list *is;                            \
		int cancel = cancel_off();                                \
		int err = 0;                                              \
                                                                          \
		for (is = entry_at(&security_heads[SECURITY_##name]); is; \
		     is = entry_at(&is->next)) {                          \
			err = is->hook.name(__VA_ARGS__);                 \
			if (unlikely(err)) {                              \
				err = refuse(is, err);                    \
				break;                                    \
			}                                                 \
		}                                                         \
		cancel_on(cancel);                                        \
		return err;                                               \
	} while (0)

int security_socket_create(int family, int type, int protocol, int kern)
{
	ASK(socket_create, family, type, protocol, kern);
}

int security_socket_post_create(struct socket *sock, int family, int type,
				int protocol, int kern)
{
	ASK(socket_post_create, sock, family, type, protocol, kern);
}

int security_socket_bind(struct socket *sock, struct sockaddr *address,
			 int addrlen)
{
	ASK(socket_bind, sock, address, addrlen);
}

int security_socket_connect(struct socket *sock, struct sockaddr *address,
			    int addrlen)
{
	ASK(socket_connect, sock, address, addrlen);
}
