/* SPDX-License-Identifier: MIT */
/*
 * stats.h - a socket's figures, printed when it is closed.
 */
#ifndef COP_STATS_H
#define COP_STATS_H

#include "socket/sock.h"

/**
 * cop_stats_report - print a sock's figures, if COP_STATS is set
 * @sk: the sock; only its first report is printed
 * @fd: its descriptor, which has the kernel's count of drops, or -1
 */
void cop_stats_report(struct sock *sk, int fd);

#endif /* COP_STATS_H */
