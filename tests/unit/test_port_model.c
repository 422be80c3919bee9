// SPDX-License-Identifier: MIT
/*
 * test_port_model.c - cop_port.c against a model that a reader can check: an
 * array of 65,536 bools. After each operation the answer has to be one that the
 * model allows, and the table has to be as the model is.
 */
#include "cop_port.h"
#include "unit/helpers.h"

#define LOW    32768
#define HIGH   60999
#define RANGE  (HIGH - LOW + 1)
#define SEED   2463534242u
#define QUEUES COP_HTABLE_SIZE

TestSuite(cop_port_model, .timeout = 60);

/* ---- the random source ---------------------------------------------------- */

static uint32_t state = SEED;
static uint32_t
	drawn; /* what the table drew last: its low bits are the rover */
static unsigned int draws;

/* Marsaglia's xorshift, so that a failure can be repeated. */
static uint32_t number(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static unsigned int below(unsigned int n)
{
	return (uint64_t)number() * n >> 32;
}

static uint32_t tables_random(void)
{
	draws++;
	drawn = number();
	return drawn;
}

static struct cop_port_table table = { .random = tables_random };

/* ---- the model ------------------------------------------------------------ */

static bool taken[COP_PORTS], allowed[COP_PORTS];

/* The same, added up; assert_same_table() counts them anew. */
static unsigned int length[QUEUES], avail[QUEUES], held, operations;

/* Those that are taken, in no order, to choose one at random. */
static uint16_t list[COP_PORTS], place[COP_PORTS];

static void model_count(uint16_t snum, int change)
{
	length[snum % QUEUES] += change;
	avail[snum % QUEUES] -= allowed[snum] ? change : 0;
	held += change;
}

static void model_set(uint16_t snum, bool now)
{
	taken[snum] = now;
	model_count(snum, now ? 1 : -1);
	if (now) {
		place[snum] = held - 1;
		list[held - 1] = snum;
	} else {
		place[list[held]] = place[snum];
		list[place[snum]] = list[held];
	}
}

static void model_allow(uint16_t low, uint16_t high,
			const struct cop_port_bits *reserved)
{
	memset(avail, 0, sizeof(avail));
	for (unsigned int p = 0; p < COP_PORTS; p++) {
		uint64_t word =
			reserved ? reserved->word[p % 128][p / 8192] : 0;

		allowed[p] =
			p >= low && p <= high && !(word >> (p / 128 % 64) & 1);
		avail[p % QUEUES] += allowed[p] && !taken[p];
	}
}

/* The queue that claim_any is to take its port from, or -1. */
static int model_queue(unsigned int rover)
{
	int best = -1;

	for (unsigned int i = 0; i < QUEUES; i++) {
		unsigned int q = (rover + i) % QUEUES;

		if (avail[q] && (best < 0 || length[q] < length[best]))
			best = q;
	}
	return best;
}

/* ---- what has to hold after each operation -------------------------------- */

static unsigned int queue_length(unsigned int q)
{
	return table.count[q] & ~COP_QUEUE_FULL;
}

static unsigned int queue_bits(unsigned int q)
{
	unsigned int n = 0;

	for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++)
		n += __builtin_popcountll(table.taken.word[q][w]);
	return n;
}

/* cr_assert() takes a microsecond, so it is left to what has failed. */
#define ASSERT(x)                                                     \
	do {                                                          \
		if (unlikely(!(x)))                                   \
			cr_fatal("%s, operation %u", #x, operations); \
	} while (0)

static void assert_same_queue(uint16_t snum)
{
	unsigned int q = snum % QUEUES;

	operations++;
	ASSERT(cop_port_taken(&table, snum) == taken[snum]);
	ASSERT(queue_length(q) == length[q]);
	ASSERT(queue_bits(q) == length[q]);
}

static void assert_same_table(void)
{
	unsigned int len[QUEUES] = { 0 }, free[QUEUES] = { 0 };

	for (unsigned int p = 0; p < COP_PORTS; p++) {
		ASSERT(cop_port_taken(&table, p) == taken[p]);
		len[p % QUEUES] += taken[p];
		free[p % QUEUES] += allowed[p] && !taken[p];
	}
	for (unsigned int q = 0; q < QUEUES; q++) {
		ASSERT(queue_length(q) == len[q] && len[q] == length[q]);
		ASSERT(free[q] == avail[q]);
	}
	ASSERT(cop_port_held(&table) == held);
}

/* ---- operations on both --------------------------------------------------- */

static void start(uint16_t low, uint16_t high)
{
	memset(&table.taken, 0, sizeof(table.taken));
	memset(&table.count, 0, sizeof(table.count));
	memset(taken, 0, sizeof(taken));
	memset(length, 0, sizeof(length));
	held = operations = 0;
	cop_port_allow(&table, low, high, NULL);
	model_allow(low, high, NULL);
}

static void claim(uint16_t snum)
{
	ASSERT(cop_port_claim(&table, snum) == !taken[snum]);
	if (!taken[snum])
		model_set(snum, true);
	assert_same_queue(snum);
}

static void release(uint16_t snum)
{
	cop_port_release(&table, snum);
	model_set(snum, false);
	assert_same_queue(snum);
}

static uint16_t claim_any(void)
{
	uint16_t snum = cop_port_claim_any(&table);
	int q = model_queue(drawn % QUEUES);

	if (!snum) {
		ASSERT(q < 0);
		assert_same_queue(snum);
		return 0;
	}
	ASSERT(allowed[snum]);
	ASSERT(!taken[snum]);
	ASSERT(snum % QUEUES == q);
	model_set(snum, true);
	assert_same_queue(snum);
	return snum;
}

static uint16_t some_held(void)
{
	return list[below(held)];
}

static void release_some(void)
{
	if (held)
		release(some_held());
}

/* Now and then no range at all, now and then all of it. */
static void change_range(void)
{
	struct cop_port_bits reserved = { 0 };
	uint16_t low = 1 + below(COP_PORTS - 1), size = number();
	uint16_t high = low + size < COP_PORTS ? low + size : COP_PORTS - 1;
	unsigned int ranges = below(4);

	if (!below(8))
		low = 1, high = COP_PORTS - 1;
	else if (!below(4))
		high = low + below(300) < COP_PORTS ? low + below(3) : low;
	while (ranges--) {
		unsigned int from = number() % COP_PORTS;

		for (unsigned int n = below(2000); n; n--)
			cop_port_bit(&reserved, from + n);
	}
	cop_port_allow(&table, low, high, &reserved);
	model_allow(low, high, &reserved);
	operations++;
	assert_same_table();
}

/* ---- every occupancy ------------------------------------------------------ */

/* Claims and releases that leave as many ports taken as there were. */
static void churn(unsigned int steps)
{
	while (held && steps--) {
		uint16_t snum = some_held();

		claim(snum);
		release(snum);
		if (below(4))
			ASSERT(claim_any());
		else
			claim(snum);
	}
}

/*
 * Fill a range by claim_any, with some random operations at each occupancy,
 * until 0 says that it is full, and empty it in the same way.
 */
static void up_and_down(uint16_t low, uint16_t high, unsigned int steps)
{
	unsigned int size = high - low + 1u;

	start(low, high);
	for (unsigned int n = 0; n < size; n++) {
		ASSERT(held == n);
		churn(steps);
		ASSERT(claim_any());
	}
	churn(steps);
	ASSERT(!claim_any());
	assert_same_table();
	for (unsigned int n = size; n--;) {
		release_some();
		churn(steps);
	}
	ASSERT(held == 0);
	assert_same_table();
}

static const uint16_t range[][2] = {
	{ 1, 1 },	  { 65535, 65535 }, { 40000, 40006 }, { 127, 128 },
	{ 32768, 32895 }, { 32769, 33100 }, { 1, 4097 },      { 60000, 65535 },
};

Test(cop_port_model, each_answer_is_allowed_at_every_occupancy_of_any_range)
{
	for (size_t i = 0; i < ARRAY_SIZE(range); i++)
		up_and_down(range[i][0], range[i][1], 8);
}

Test(cop_port_model, each_answer_is_allowed_at_every_occupancy_of_linuxs_range)
{
	up_and_down(LOW, HIGH, 2);
	cr_assert(gt(uint, operations, 250000));
}

Test(cop_port_model, each_answer_is_allowed_at_every_occupancy_of_all_ports)
{
	up_and_down(1, COP_PORTS - 1, 1);
	cr_assert(gt(uint, operations, 250000));
}

/* ---- any operation at any time -------------------------------------------- */

/* More claims than releases until all is full, then the reverse, and so on. */
static void any_operation(void)
{
	static bool falling;
	unsigned int what = below(100);

	if (held > COP_PORTS - 100 || !held)
		falling = held;
	if (what < (falling ? 15 : 35))
		claim_any();
	else if (what < (falling ? 25 : 60))
		claim(number());
	else if (what < 65)
		claim(held ? some_held() : 1);
	else
		release_some();
}

Test(cop_port_model, a_million_random_operations_are_as_the_model_allows)
{
	start(LOW, HIGH);
	while (operations < 1000000) {
		any_operation();
		if (operations % 1024 == 0)
			change_range();
	}
	assert_same_table();
}

/* The same in so small a range that it is full or nearly so most of the time. */
Test(cop_port_model, a_range_that_is_mostly_full_is_as_the_model_allows)
{
	unsigned int refused = 0, had = 0;

	start(50000, 50299);
	while (operations < 400000) {
		uint16_t snum = below(2) ? claim_any() : 0;

		had += snum != 0;
		refused += !snum && held >= 300;
		if (number() % 16 == 0)
			claim(50000 + below(300));
		if (number() % 16 < 7)
			release_some();
		if (operations % 4096 == 0)
			assert_same_table();
	}
	cr_assert(gt(uint, had, 100000));
	cr_assert(gt(uint, refused, 10000));
}

/* ---- balance -------------------------------------------------------------- */

static unsigned int longest(void)
{
	unsigned int max = 0;

	for (unsigned int q = 0; q < QUEUES; q++)
		if (queue_length(q) > max)
			max = queue_length(q);
	return max;
}

static const unsigned int share[] = { 2, 3, 4 }; /* binds among 5 operations */

/* The ports that are released are any, not those that were claimed last. */
Test(cop_port_model, the_longest_queue_is_at_most_2_longer_than_the_mean)
{
	for (int seed = 1; seed <= 60; seed++) {
		state = SEED * seed;
		start(LOW, HIGH);
		for (int i = 0; i < 10000; i++) {
			if (!held || below(5) < share[seed % 3])
				ASSERT(claim_any());
			else
				release_some();
		}
		cr_assert(le(uint, longest() * QUEUES, held + 2 * QUEUES),
			  "seed %d: %u of %u", seed, longest(), held);
	}
}

/* ---- chance --------------------------------------------------------------- */

/* How many of @n ports, drawn one by one, are of each hundredth of the range. */
static void draw_hundredths(unsigned int *hundredth, unsigned int n)
{
	memset(hundredth, 0, 100 * sizeof(*hundredth));
	while (n--) {
		uint16_t snum = cop_port_claim_any(&table);

		cop_port_release(&table, snum);
		hundredth[(snum - LOW) * 100 / RANGE]++;
	}
}

static void assert_even(unsigned int occupied)
{
	const unsigned int n = 200000;
	unsigned int hundredth[100];

	start(LOW, HIGH);
	while (held < occupied)
		claim_any();
	draw_hundredths(hundredth, n);
	for (int i = 0; i < 100; i++) {
		if (hundredth[i] < n / 100 * 6 / 10 ||
		    hundredth[i] > n / 100 * 14 / 10)
			cr_fatal("%u taken, hundredth %d: %u of %u", occupied,
				 i, hundredth[i], n);
	}
}

Test(cop_port_model, each_hundredth_of_the_range_gets_about_a_hundredth)
{
	assert_even(0);
	assert_even(QUEUES); /* one in each queue */
	assert_even(RANGE / 4 / QUEUES * QUEUES);
}

/* Ports handed out and known, then each time another draw for the next one. */
static unsigned int different_next_ports(unsigned int known, unsigned int tries)
{
	static bool seen[COP_PORTS];
	unsigned int different = 0;

	memset(seen, 0, sizeof(seen));
	state = SEED;
	start(LOW, HIGH);
	while (held < known)
		claim_any();
	for (unsigned int i = 0; i < tries; i++) {
		uint16_t snum = cop_port_claim_any(&table);

		different += !seen[snum];
		seen[snum] = true;
		cop_port_release(&table, snum);
	}
	return different;
}

static const unsigned int prefix[] = { 0, 1, 7, 64, 1000, 10000, RANGE / 2 };

/* At worst one queue is the shortest, of whose 221 ports some are taken. */
Test(cop_port_model, the_ports_handed_out_do_not_tell_the_next_one)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefix); i++)
		cr_assert(gt(uint, different_next_ports(prefix[i], 1000), 100),
			  "after %u", prefix[i]);
}

Test(cop_port_model, each_port_is_a_new_random_choice)
{
	start(LOW, HIGH);
	for (unsigned int i = 0; i < 1000; i++) {
		draws = 0;
		claim_any();
		cr_assert(eq(uint, draws, 1));
	}
}

/* The same draws give the same ports: nothing else goes into the choice. */
Test(cop_port_model, the_random_source_alone_decides)
{
	static uint16_t first[1000];

	for (int again = 0; again < 2; again++) {
		state = SEED;
		start(LOW, HIGH);
		for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
			uint16_t snum = claim_any();

			if (!again)
				first[i] = snum;
			cr_assert(eq(uint, snum, first[i]));
		}
	}
}
