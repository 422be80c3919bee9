// SPDX-License-Identifier: MIT
/*
 * ports.c - values of COP_ADOPT: the library and cop run understand the same ones, and the
 * library lists the ports that the text names.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fuzz/input.h"
#include "fuzz/reports.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "tools/adopt.h"

#define PORTS 65536

/* Reads a valid list in the plainest way. */
static void read_ports(const char *text, uint8_t *is_listed)
{
	unsigned int low, high;
	int n;

	for (text += 4; *text; text += *text == ',') {
		HOLDS(sscanf(text, "%u%n", &low, &n) == 1);
		text += n;
		high = low;
		if (*text == '-') {
			HOLDS(sscanf(text, "-%u%n", &high, &n) == 1);
			text += n;
		}
		HOLDS(high < PORTS);
		for (; low <= high; low++)
			is_listed[low] = 1;
	}
}

/* The library reports what it ignores. */
static void init_quietly(void)
{
	int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	HOLDS(err >= 0 && null >= 0);
	dup2(null, STDERR_FILENO);
	cop_env_init();
	dup2(err, STDERR_FILENO);
	close(err);
	close(null);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t is_listed[PORTS];
	struct input in = { data, size };
	char *value = input_line(&in);

	keep_reports();
	cop_libc_init();
	setenv("COP_ADOPT", value, 1);
	init_quietly();
	HOLDS(adopt_is_valid(value) == (cop_env.adopt != COP_ADOPT_NONE));
	if (cop_env.adopt == COP_ADOPT_ALL)
		HOLDS(!strcmp(value, "udp"));
	if (cop_env.adopt == COP_ADOPT_SOME) {
		memset(is_listed, 0, sizeof(is_listed));
		read_ports(value, is_listed);
		for (unsigned int port = 0; port < PORTS; port++)
			HOLDS(cop_env_adopts(port) == is_listed[port]);
	}
	free(value);
	return 0;
}
