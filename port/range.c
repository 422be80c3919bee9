// SPDX-License-Identifier: MIT
/*
 * port/range.c - which ports an ephemeral bind may get.
 *
 * Owns: the number of the last reading that the port space has. Protected by:
 * atomic operations; one caller hands each reading on. Counterpart in the kernel:
 * inet_get_local_port_range() and inet_is_local_reserved_port().
 */
#include <stdint.h>

#include "cop_port.h"
#include "lib/compiler.h"
#include "lib/sysctl.h"
#include "port/port_crowd.h"
#include "port/range.h"

static void ports_allow(void)
{
	uint32_t range = READ_ONCE(cop_sysctl.port_range);
	uint16_t low = range, high = range >> 16;
	int inuse;

	cop_port_forget_foreign();
	cop_port_allow(&cop_port_table, low, high, &cop_sysctl.reserved);
	inuse = cop_sysctl_inuse();
	if (inuse >= 0)
		cop_port_crowd_measure(inuse, cop_port_held(&cop_port_table),
				       high - low + 1);
}

/*
 * A caller that needs no ports, as socket() does, may have read the settings in
 * this second. So a counter tells which reading the port space has.
 */
void cop_port_refresh(void)
{
	static _Atomic(uint32_t) allowed; /* cop_sysctl.port_reads then */
	uint32_t had = READ_ONCE(allowed), reads;

	cop_sysctl_refresh();
	reads = atomic_load(&cop_sysctl.port_reads);
	if (unlikely(reads != had) &&
	    atomic_compare_exchange_strong(&allowed, &had, reads))
		ports_allow();
}
