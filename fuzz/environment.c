// SPDX-License-Identifier: MIT
/*
 * environment.c - values of the library's variables, a line for each: whatever they are,
 * the settings are valid, and the library keeps no pointer into the environment.
 */
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "fuzz/input.h"
#include "inet/request.h"
#include "lib/env.h"
#include "lib/libc.h"

static const char *const variables[] = { "COP_ADOPT",	"COP_DEBUG",
					 "COP_STATS",	"COP_TRANSPORT",
					 "COP_MODULES", "COP_LOAD" };

#define VARIABLES (sizeof(variables) / sizeof(*variables))

static void init_quietly(void)
{
	int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	HOLDS(err >= 0 && null >= 0);
	dup2(null, STDERR_FILENO);
	cop_env_init();
	request_init();
	dup2(err, STDERR_FILENO);
	close(err);
	close(null);
}

static void check(void)
{
	HOLDS(cop_env.debug >= 0 && cop_env.debug <= 2);
	HOLDS(memchr(cop_env.transport, '\0', sizeof(cop_env.transport)));
	if (cop_env.stats && strcmp(cop_env.stats, "stderr")) {
		HOLDS(*cop_env.stats == '/');
		HOLDS(strlen(cop_env.stats) < PATH_MAX);
	}
	HOLDS(!request_dirs() || strlen(request_dirs()) < (1 << 20));
	HOLDS(!request_files() || strlen(request_files()) < (1 << 20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	cop_libc_init();
	for (size_t i = 0; i < VARIABLES; i++) {
		char *value = input_line(&in);

		setenv(variables[i], value, 1);
		free(value);
	}
	init_quietly();
	for (size_t i = 0; i < VARIABLES; i++)
		unsetenv(variables[i]);
	check();
	return 0;
}
