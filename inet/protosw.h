/* SPDX-License-Identifier: MIT */
/*
 * protosw.h - the transports by type.
 */
#ifndef COP_PROTOSW_H
#define COP_PROTOSW_H

#include <stdbool.h>

#include "lib/transport.h"

/**
 * inet_has_type - whether there is a transport of a type
 * @type: any number
 */
bool inet_has_type(int type);

/**
 * inet_is_kernels - whether a type is one of the kernel's: it has UDP's transport
 * @type: below SOCK_MAX
 */
bool inet_is_kernels(int type);

/**
 * inet_lookup_protosw - find the transport of a type and a protocol
 * @type: below SOCK_MAX
 * @protocol: protocol number; 0 becomes the number of the answer
 *
 * Returns NULL if there is none.
 */
struct inet_protosw *inet_lookup_protosw(int type, int *protocol);

/**
 * inet_first_protosw - the first transport of a type; its next leads to the others
 * @type: below SOCK_MAX
 *
 * Returns NULL if there is none.
 */
struct inet_protosw *inet_first_protosw(int type);

/**
 * inet_unregister_owned - hide all transports of a module from new sockets
 * @owner: the module, whose init has failed
 *
 * Also those whose flags say that they are permanent.
 */
void inet_unregister_owned(const struct module *owner);

/**
 * inet_find_protosw - the same, with the help of modules
 * @family: PF_INET or PF_INET6
 * @type: any number from 0 on
 * @protocol: below IPPROTO_MAX; 0 becomes the number of the answer
 *
 * See inet_create().
 */
struct inet_protosw *inet_find_protosw(int family, int type, int *protocol);

#endif /* COP_PROTOSW_H */
