/* SPDX-License-Identifier: MIT */
/*
 * manager.h - asks a running systemd, through systemctl.
 */
#ifndef COP_TOOLS_MANAGER_H
#define COP_TOOLS_MANAGER_H

#include <stdbool.h>
#include <sys/types.h>

#include "unit.h"

/**
 * manager_runs - whether the systemd that has the units of this place is running
 * @place: the place
 */
bool manager_runs(const struct unit_place *place);

/**
 * manager_reload - have systemd read its files again
 * @place: the place
 *
 * Returns whether it did. If not, systemctl has said why on standard error.
 */
bool manager_reload(const struct unit_place *place);

/**
 * manager_main_process - ask for the process of a service
 * @unit: the unit
 *
 * Returns its number, 0 if the service is not running, -1 if systemd does not say.
 */
pid_t manager_main_process(const struct unit *unit);

#endif /* COP_TOOLS_MANAGER_H */
