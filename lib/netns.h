/* SPDX-License-Identifier: MIT */
/*
 * netns.h - network namespaces: the namespace of a socket, and the home
 * namespace, to which the port space and the settings of this process belong.
 */
#ifndef COP_NETNS_H
#define COP_NETNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

/* (a) Whether a thread may have left the home namespace. */
extern _Atomic(bool) cop_netns_left;

/**
 * cop_netns_of - the network namespace of a socket
 * @fd: its descriptor
 *
 * Returns SO_NETNS_COOKIE, a number that no other namespace has; 0 before Linux
 * 5.14, and if @fd is no socket. A socket stays in the namespace in which it
 * was created. One system call. errno may change. Async-signal-safe.
 */
uint64_t cop_netns_of(int fd);

/**
 * cop_netns_leave - note that the calling thread is about to change its
 * namespace
 *
 * Called before setns() and unshare(). Only the first call makes system calls,
 * and only if the process has had a COP socket. errno stays. Async-signal-safe.
 */
void cop_netns_leave(void);

/**
 * cop_netns_at_home - whether the calling thread is in the home namespace
 *
 * Called before the library reads settings. The first caller makes its
 * namespace the home namespace. Costs a load as long as no thread has left;
 * else three system calls. Async-signal-safe.
 */
bool cop_netns_at_home(void);

/**
 * cop_netns_made_at_home - whether a new socket of this process is at home
 * @fd: its descriptor
 *
 * Costs a load as long as no thread has left; else a system call.
 * Async-signal-safe.
 */
bool cop_netns_made_at_home(int fd);

/**
 * cop_netns_came_home - whether a socket of another process is at home
 * @fd: its descriptor, which this process has inherited or received
 *
 * One system call, and three more at the first call. Async-signal-safe.
 */
bool cop_netns_came_home(int fd);

/**
 * cop_netns_key - a number for a socket's namespace, as part of a key
 * @fd: its descriptor
 * @elsewhere: whether it is outside the home namespace
 *
 * Returns 0, without a system call, as long as this process knows the home
 * namespace only; else cop_netns_of().
 */
uint64_t cop_netns_key(int fd, bool elsewhere);

/**
 * cop_netns_same - whether two sockets are in the same namespace
 * @fd: one descriptor
 * @other: the other one
 *
 * Two system calls. Async-signal-safe.
 */
bool cop_netns_same(int fd, int other);

#endif /* COP_NETNS_H */
