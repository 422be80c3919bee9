/* SPDX-License-Identifier: MIT */
/*
 * stats.h - a socket's performance data, printed when it is closed.
 */
#ifndef COP_STATS_H
#define COP_STATS_H

#include "socket/sock.h"

/**
 * cop_stats_report - print a sock's performance data where COP_STATS asks
 * @sk: the sock; printed at its first report only
 * @fd: its descriptor, for the kernel's own count of drops, or -1
 */
void cop_stats_report(struct sock *sk, int fd);

#endif /* COP_STATS_H */
