/* SPDX-License-Identifier: MIT */
/*
 * service.h - what cop enable, cop disable and cop status share.
 */
#ifndef COP_TOOLS_SERVICE_H
#define COP_TOOLS_SERVICE_H

#include "command.h"
#include "dropin.h"
#include "options.h"
#include "unit.h"

#define SERVICE_FAILED 1 /* the drop-in could not be written or removed */
#define SERVICE_OWN    2 /* how many options all three have */
#define SERVICE_USAGE  "[--user] [--root DIR] "

extern const struct own_option service_own[SERVICE_OWN];
extern const struct command cop_enable, cop_disable, cop_status;

/**
 * service_arguments - read the options and the unit's name
 * @options: the subcommand's options
 * @argc: main()'s
 * @argv: main()'s
 * @unit: empty; its place and name are set
 *
 * Returns 0, or the status to exit with.
 */
int service_arguments(const struct options *options, int argc, char *argv[],
		      struct unit *unit);

/**
 * service_fail - say that a file can't be read, written or removed
 * @subcommand: for the message
 * @path: the file
 * @err: a negative errno
 *
 * Returns the status to exit with, and so does the next.
 */
int service_fail(const char *subcommand, const char *path, int err);
int service_foreign(const char *subcommand, const struct dropin *d);

/**
 * service_reload - have a running systemd read its files again
 * @subcommand: for the message
 * @unit: the unit, whose drop-in has changed
 *
 * Returns the status to exit with.
 */
int service_reload(const char *subcommand, const struct unit *unit);

#endif /* COP_TOOLS_SERVICE_H */
