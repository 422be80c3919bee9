// SPDX-License-Identifier: MIT
/*
 * bench_port.c - the port allocator alone, without a system call.
 *
 * At each occupancy a sample claims some ports, and gives them back untimed. So
 * the occupancy stays the same, but other ports are free.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cop_port.h"
#include "tests/unit/port_taken.h"
#include "lib/random.h"
#include "harness.h"

#define LOW   32768
#define HIGH  60999
#define RANGE (HIGH - LOW + 1)
#define BATCH 64

static struct cop_port_table table = { .random = cop_random };
static uint16_t claimed[BATCH];
static unsigned int batch;

static void fill(unsigned int free)
{
	for (unsigned int snum = LOW; snum <= HIGH; snum++)
		if (cop_port_taken(&table, snum))
			cop_port_release(&table, snum);
	for (unsigned int n = free; n < RANGE; n++)
		if (!cop_port_claim_any(&table))
			bench_die("the range is full too early");
}

static void run_claim_any(void *arg, unsigned int n)
{
	(void)arg;
	for (unsigned int i = 0; i < n; i++)
		claimed[i] = cop_port_claim_any(&table);
	batch = n;
}

static void give_back(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < batch; i++) {
		if (!claimed[i])
			bench_die("no port, though some are free");
		cop_port_release(&table, claimed[i]);
	}
}

static void run_claim_release(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		cop_port_release(&table, cop_port_claim_any(&table));
}

static void choose(void *arg)
{
	batch = *(unsigned int *)arg;
	for (unsigned int i = 0; i < batch; i++)
		do
			claimed[i] = LOW + cop_random() % RANGE;
		while (cop_port_taken(&table, claimed[i]) ||
		       !cop_port_claim(&table, claimed[i]));
}

static void choose_free(void *arg)
{
	choose(arg);
	give_back(arg);
}

static void run_claim(void *arg, unsigned int n)
{
	(void)arg;
	for (unsigned int i = 0; i < n; i++)
		cop_port_claim(&table, claimed[i]);
}

static void run_release(void *arg, unsigned int n)
{
	(void)arg;
	for (unsigned int i = 0; i < n; i++)
		cop_port_release(&table, claimed[i]);
}

static void run_refusal(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (cop_port_claim_any(&table))
			bench_die("a port, though none is free");
}

/*
 * For ports drawn one by one from an empty range; a fair draw gives 10 per
 * mille.
 */
static void guessing(void)
{
	const unsigned int draws = 100000, part = RANGE / 100;
	unsigned int low = 0;

	fill(RANGE);
	for (unsigned int i = 0; i < draws; i++) {
		uint16_t snum = cop_port_claim_any(&table);

		low += snum < LOW + part;
		cop_port_release(&table, snum);
	}
	bench_figure("ports that are of the lowest 1 % of the range",
		     1000.0 * low / draws, "per mille", 15);
}

static void measure(const char *name, const struct bench_op *op, double ns)
{
	struct bench_goal goal = { .ns = ns };
	struct bench_side side = { .op = op };
	struct bench_result res = { 0 };

	bench_rounds(&res, &side, NULL, 200, 20);
	bench_report(name, &res, &goal);
}

static void ephemeral(const char *share, unsigned int free)
{
	struct bench_op claim = { .run = run_claim_any,
				  .after = give_back,
				  .n = free < BATCH ? free : BATCH };
	struct bench_op both = { .run = run_claim_release, .n = 200 };
	char name[64];

	fill(free);
	snprintf(name, sizeof(name), "ephemeral, %s", share);
	measure(name, &claim, 50);
	snprintf(name, sizeof(name), "ephemeral + release, %s", share);
	measure(name, &both, 0);
}

int main(void)
{
	static unsigned int all = BATCH;
	const struct bench_op claim = { .run = run_claim,
					.before = choose_free,
					.after = give_back,
					.arg = &all,
					.n = BATCH };
	const struct bench_op release = {
		.run = run_release, .before = choose, .arg = &all, .n = BATCH
	};
	const struct bench_op refusal = { .run = run_refusal, .n = 20 };

	bench_begin("port");
	cop_port_allow(&table, LOW, HIGH, NULL);
	bench_title("ns to claim a port, range of 28232", "COP", NULL);
	ephemeral("0 % taken", RANGE);
	ephemeral("50 % taken", RANGE / 2);
	ephemeral("90 % taken", RANGE / 10);
	ephemeral("99 % taken", RANGE / 100);
	ephemeral("99.9 % taken", RANGE / 1000);
	ephemeral("one port left", 1);
	fill(0);
	measure("refusal, none left", &refusal, 1000);
	fill(RANGE / 2);
	measure("explicit claim, 50 % taken", &claim, 20);
	measure("release, 50 % taken", &release, 20);
	guessing();
	return 0;
}
