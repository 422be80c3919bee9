// SPDX-License-Identifier: MIT
/*
 * budget.c - limits the work for one process and for all processes together. A
 * hostile process may fill its memory so that a reader would read for ever.
 *
 * Time is counted as processor time, so that nothing is left out on a busy
 * machine. 10,000 sockets take 0.2 s of it.
 */
#include <stdint.h>
#include <time.h>

#include "budget.h"
#include "supervise.h"

#define CLOCK_EVERY 64 /* how many reads for each look at the clock */

struct amount {
	int64_t us, flows, bytes;
};

static const struct amount for_all = { 10000000, 1000000, 1 << 30 };
static const struct amount for_one = { 2000000, 250000, 256 << 20 };
static const struct amount at_least = { 20000, 1024, 4 << 20 };

static struct amount left, left_for_one;
static int64_t last_us, half_us;
static int reads;
static bool is_spent, is_cut;

static int64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void take_time(void)
{
	int64_t now = cpu_us();

	left.us -= now - last_us;
	left_for_one.us -= now - last_us;
	last_us = now;
}

void budget_begin(void)
{
	left = left_for_one = for_all;
	is_spent = false;
	last_us = cpu_us();
}

static int64_t share(int64_t of_all, int64_t of_one, int64_t least)
{
	int64_t amount = of_all < of_one ? of_all : of_one;

	return amount > least ? amount : least;
}

void budget_begin_process(void)
{
	take_time();
	is_spent = is_cut = false;
	reads = 0;
	left_for_one = (struct amount){
		share(left.us, for_one.us, at_least.us),
		share(left.flows, for_one.flows, at_least.flows),
		share(left.bytes, for_one.bytes, at_least.bytes),
	};
	half_us = left_for_one.us / 2;
}

bool budget_read(size_t len)
{
	if (++reads % CLOCK_EVERY == 0) {
		take_time();
		supervise_beat();
	}
	left.bytes -= len;
	left_for_one.bytes -= len;
	if (left_for_one.us < 0 || left_for_one.bytes < 0)
		is_spent = true;
	return !is_spent;
}

bool budget_step(void)
{
	return budget_read(0);
}

bool budget_has_half(void)
{
	budget_step();
	return left_for_one.us >= half_us;
}

bool budget_flow(void)
{
	left.flows--;
	if (--left_for_one.flows < 0)
		is_spent = true;
	return !is_spent;
}

bool budget_is_spent(void)
{
	return is_spent;
}

void budget_cut(void)
{
	is_cut = true;
}

bool budget_was_short(void)
{
	return is_spent || is_cut;
}
