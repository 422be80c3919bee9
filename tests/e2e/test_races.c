// SPDX-License-Identifier: MIT
/*
 * test_races.c - a descriptor is replaced or closed while another thread sends or
 * receives on it: no datagram is lost, and none has a header too many or too few.
 * progs/races.c has the calls.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "runner.h"

struct race {
	char name[32];
};

ParameterizedTestParameters(e2e_races, datagrams_stay_whole)
{
	static struct race races[] = {
		{ "send_dup2" },	{ "send_dup3" },
		{ "receive_dup2" },	{ "receive_dup3" },
		{ "send_close" },	{ "receive_close" },
		{ "send_close_range" }, { "receive_close_range" },
		{ "send_fclose" },	{ "receive_fclose" },
		{ "send_freopen" },	{ "receive_freopen" },
	};

	return cr_make_param_array(struct race, races,
				   sizeof(races) / sizeof(*races));
}

ParameterizedTest(struct race *race, e2e_races, datagrams_stay_whole,
		  .timeout = 120)
{
	run_same("races", race->name);
}
