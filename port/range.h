/* SPDX-License-Identifier: MIT */
/*
 * range.h - which ports an ephemeral bind may get.
 */
#ifndef COP_RANGE_H
#define COP_RANGE_H

/**
 * cop_port_refresh - follow a change of the settings for ports within a second
 *
 * As cop_sysctl_refresh(), and hands ip_local_port_range and
 * ip_local_reserved_ports on to the port space if anybody has read them since the
 * last time. Then it also counts the ports of other processes, see
 * cop_port_crowd_measure(). Lock-free, async-signal-safe; errno may change.
 */
void cop_port_refresh(void);

#endif /* COP_RANGE_H */
