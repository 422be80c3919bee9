/* SPDX-License-Identifier: MIT */
/*
 * netns.h - network namespaces: which one a socket belongs to, and which one the
 * port space and the settings of this process belong to, the home namespace.
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
 * Returns SO_NETNS_COOKIE, which no other namespace has; 0 before Linux 5.14 and
 * for what is no socket. A socket stays in the namespace that it was created in.
 * One system call. errno may change. Async-signal-safe.
 */
uint64_t cop_netns_of(int fd);

/**
 * cop_netns_leave - note that the calling thread is about to change its namespace
 *
 * Called ahead of setns() and unshare(). Only the first call in a process that has
 * had a COP socket makes system calls. errno stays. Async-signal-safe.
 */
void cop_netns_leave(void);

/**
 * cop_netns_at_home - whether the calling thread is in the home namespace
 *
 * Called before settings are read. The first caller makes its namespace the home
 * one. A load as long as no thread has left; else three system calls.
 * Async-signal-safe.
 */
bool cop_netns_at_home(void);

/**
 * cop_netns_made_at_home - whether a new socket of this process is at home
 * @fd: its descriptor
 *
 * A load as long as no thread has left; else a system call. Async-signal-safe.
 */
bool cop_netns_made_at_home(int fd);

/**
 * cop_netns_came_home - whether a socket that came from elsewhere is at home
 * @fd: its descriptor
 *
 * One system call, and three more at the first call. Async-signal-safe.
 */
bool cop_netns_came_home(int fd);

/**
 * cop_netns_key - by which namespace to remember what is known of a socket
 * @fd: its descriptor
 * @elsewhere: whether it is not at home
 *
 * Returns 0 where the home namespace is the only one there is, without a system
 * call; else cop_netns_of().
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
