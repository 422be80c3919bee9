// SPDX-License-Identifier: MIT
/*
 * lib/clock.c - the time, at a third of what clock_gettime() costs.
 *
 * Owns: each thread's last reading of the clock. Protected by: no other thread
 * uses it; a signal handler that interrupts its update calls clock_gettime()
 * instead. Counterpart in the kernel: kernel/time/timekeeping.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/scratch.h"

#define NSEC_PER_SEC 1000000000l

#if defined(__x86_64__) || defined(__i386__)
/*
 * (a) The program has made reading the cycle counter a SIGSEGV for itself. vDSO's
 * clock_gettime() reads it, too.
 */
static _Atomic(bool) counter_is_spared;

/* (a) When the program did so. A confined process may not ask the kernel. */
static _Atomic(uint64_t) spared_since;

/*
 * The vDSO has the time of the last tick in memory. Without a vDSO, libc would make a
 * system call. The last tick may be before spared_since.
 */
static bool read_tick(clockid_t which, struct timespec *now)
{
	const bool real = which == CLOCK_REALTIME;

	return getauxval(AT_SYSINFO_EHDR) &&
	       !clock_gettime(real ? CLOCK_REALTIME_COARSE
				   : CLOCK_MONOTONIC_COARSE,
			      now) &&
	       (real || (uint64_t)now->tv_sec * NSEC_PER_SEC + now->tv_nsec >=
				READ_ONCE(spared_since));
}

static noinline void read_sparing(clockid_t which, struct timespec *now)
{
	struct {
		long sec, nsec;
	} kernel = { 0 };
	const int saved = errno;

	if (cop_confined() && read_tick(which, now))
		return;
	if (cop_confined() ||
	    cop_libc.syscall(SYS_clock_gettime, which, &kernel)) {
		kernel.sec = READ_ONCE(spared_since) / NSEC_PER_SEC;
		kernel.nsec = READ_ONCE(spared_since) % NSEC_PER_SEC;
	}
	errno = saved;
	now->tv_sec = kernel.sec;
	now->tv_nsec = kernel.nsec;
}

static bool spares_counter(void)
{
	return unlikely(READ_ONCE(counter_is_spared));
}
#else
static void read_sparing(clockid_t which, struct timespec *now)
{
	(void)which;
	*now = (struct timespec){ 0 };
}

static bool spares_counter(void)
{
	return false;
}

void cop_clock_spare_counter(bool spare)
{
	(void)spare;
}
#endif

void cop_clock_read(clockid_t which, struct timespec *now)
{
	if (spares_counter())
		read_sparing(which, now);
	else
		clock_gettime(which, now);
}

static struct timespec read_clock(void)
{
	struct timespec now;

	cop_clock_read(CLOCK_MONOTONIC, &now);
	return now;
}

uint64_t cop_clock_ns(void)
{
	const struct timespec now = read_clock();

	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint32_t)now.tv_nsec;
}

struct timespec cop_time_end(const struct timespec *timeout)
{
	struct timespec end = read_clock();

	end.tv_nsec += timeout->tv_nsec;
	end.tv_sec += end.tv_nsec >= NSEC_PER_SEC;
	end.tv_nsec %= NSEC_PER_SEC;
	if (__builtin_add_overflow(end.tv_sec, timeout->tv_sec, &end.tv_sec))
		end = (struct timespec){ .tv_sec = LONG_MAX };
	return end;
}

struct timespec cop_time_left(const struct timespec *end)
{
	const struct timespec now = read_clock();
	struct timespec left;

	left.tv_sec = end->tv_sec - now.tv_sec;
	left.tv_nsec = end->tv_nsec - now.tv_nsec;
	if (left.tv_nsec < 0) {
		left.tv_nsec += NSEC_PER_SEC;
		left.tv_sec--;
	}
	if (left.tv_sec < 0)
		left.tv_sec = left.tv_nsec = 0;
	return left;
}

static uint64_t kernel_us(void)
{
	const struct timespec now = read_clock();

	return cop_timespec_us(&now);
}

#ifdef __x86_64__
#include <x86intrin.h>

/*
 * A reading is a pair: the cycle counter and the clock. A pair that takes
 * longer than PAIR_CYCLES does not count, because an interrupt or another
 * virtual machine came in between. The counter's error is half of that at most:
 * a quarter of a microsecond at 2 GHz.
 */
#define PAIR_CYCLES  1000
#define PAIR_TRIES   8
#define ASK_AGAIN_NS 1000000
#define BASE_NS	     20000000

/* The counter's value at a time. */
struct reading {
	uint64_t cycles;
	uint64_t ns;
};

enum rate {
	RATE_UNKNOWN,
	RATE_BEGINNING, /* one thread sets the base */
	RATE_BEGUN,
	RATE_NONE,
	RATE_MEASURED
};

/*
 * The rate is measured once, over BASE_NS at least. The kernel may slew its clock
 * afterwards, by 500 ppm at most. That makes an error of half a microsecond in the
 * ASK_AGAIN_NS until the thread reads the clock again.
 */
static _Atomic(enum rate) rate_state;

_Atomic(bool) cop_clock_kernel; /* RATE_NONE, and nothing is spared */
static struct reading base;	/* (c) from RATE_BEGUN on */

struct cop_clock_rate cop_clock_rate;
__thread struct cop_clock_reading cop_clock_last
	__attribute__((tls_model("initial-exec")));

static __thread atomic_bool last_busy
	__attribute__((tls_model("initial-exec")));

static bool read_pair(struct reading *r)
{
	uint64_t before = __rdtsc(), took;

	r->ns = cop_clock_ns();
	took = __rdtsc() - before;
	r->cycles = before + took / 2;
	return took < PAIR_CYCLES;
}

static bool kernel_counts_cycles(void)
{
	static const char name[] = "/sys/devices/system/clocksource/"
				   "clocksource0/current_clocksource";
	int saved = errno, tsc = PR_TSC_SIGSEGV;
	struct cop_scratch part;
	char text[8] = "";
	int fd;

	cop_scratch_begin(&part);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (cop_libc.read(fd, text, sizeof(text) - 1) < 0)
			text[0] = '\0';
		cop_libc.close(fd);
	}
	cop_scratch_end(&part);
	cop_libc.prctl(PR_GET_TSC, &tsc, 0, 0, 0);
	errno = saved;
	return tsc == PR_TSC_ENABLE && !strcmp(text, "tsc\n");
}

/*
 * If each pair is slow, for example because a hypervisor traps the counter, the
 * kernel's clock is faster.
 */
static bool read_base(void)
{
	for (int i = 0; i < PAIR_TRIES; i++)
		if (read_pair(&base))
			return true;
	return false;
}

static void rate_become(enum rate state)
{
	atomic_store_explicit(&rate_state, state, memory_order_release);
}

static void kernel_may_be_best(void)
{
	WRITE_ONCE(cop_clock_kernel,
		   READ_ONCE(rate_state) == RATE_NONE && !spares_counter());
}

/*
 * Only one thread sets the base: of two threads each could write one half of
 * it.
 */
static void rate_begin(void)
{
	enum rate unknown = RATE_UNKNOWN;

	if (!atomic_compare_exchange_strong(&rate_state, &unknown,
					    RATE_BEGINNING))
		return;
	rate_become(kernel_counts_cycles() && read_base() ? RATE_BEGUN
							  : RATE_NONE);
	kernel_may_be_best();
}

void cop_clock_prepare(void)
{
	if (READ_ONCE(rate_state) == RATE_UNKNOWN)
		rate_begin();
}

/*
 * Two threads may measure at once: either result is good. A counter of more than
 * 2^32 cycles in ASK_AGAIN_NS is not one of a processor.
 */
static void rate_measure(void)
{
	uint64_t since, cycles, limit;
	struct reading r;

	if (!read_pair(&r))
		return;
	since = r.ns - base.ns;
	cycles = r.cycles - base.cycles;
	if (since < BASE_NS || r.cycles <= base.cycles)
		return;
	limit = (unsigned __int128)cycles * ASK_AGAIN_NS / since;
	if (limit > UINT32_MAX)
		return;
	WRITE_ONCE(cop_clock_rate.us,
		   ((unsigned __int128)since << 32) / cycles / 1000);
	rate_become(RATE_MEASURED);
	atomic_store(&cop_clock_rate.limit, limit);
	if (atomic_load(&counter_is_spared))
		WRITE_ONCE(cop_clock_rate.limit, 0);
}

static noinline enum rate rate_find(enum rate state)
{
	if (state == RATE_UNKNOWN && !cop_confined())
		rate_begin();
	else if (state == RATE_BEGUN)
		rate_measure();
	return state;
}

static enum rate rate_known(void)
{
	enum rate state =
		atomic_load_explicit(&rate_state, memory_order_acquire);

	return state >= RATE_NONE ? state : rate_find(state);
}

/* @ns is less than a microsecond. */
static uint64_t cycles_in(uint64_t ns)
{
	return (ns << 32) / 1000 / READ_ONCE(cop_clock_rate.us);
}

static noinline uint64_t read_again(void)
{
	struct reading r;

	WRITE_ONCE(last_busy, true);
	atomic_signal_fence(memory_order_seq_cst);
	WRITE_ONCE(cop_clock_last.cycles, 0);
	atomic_signal_fence(memory_order_seq_cst);
	if (read_pair(&r)) {
		WRITE_ONCE(cop_clock_last.us, r.ns / 1000);
		atomic_signal_fence(memory_order_seq_cst);
		WRITE_ONCE(cop_clock_last.cycles,
			   r.cycles - cycles_in(r.ns % 1000));
	}
	atomic_signal_fence(memory_order_seq_cst);
	WRITE_ONCE(last_busy, false);
	return r.ns / 1000;
}

noinline uint64_t cop_clock_ask(void)
{
	if (!spares_counter() && rate_known() == RATE_MEASURED &&
	    !READ_ONCE(last_busy))
		return read_again();
	return kernel_us();
}

/* While the counter is spared, limit is 0. Then the next measurement sets it again. */
static void forget_rate(void)
{
	enum rate measured = RATE_MEASURED;

	atomic_store(&cop_clock_rate.limit, 0);
	atomic_compare_exchange_strong(&rate_state, &measured, RATE_BEGUN);
}
#else
noinline uint64_t cop_clock_ask(void)
{
	return kernel_us();
}

void cop_clock_prepare(void)
{
}
#endif

#if defined(__x86_64__) || defined(__i386__)
void cop_clock_spare_counter(bool spare)
{
	if (spare && !spares_counter())
		WRITE_ONCE(spared_since, cop_clock_ns());
	atomic_store(&counter_is_spared, spare);
#ifdef __x86_64__
	if (spare)
		forget_rate();
	kernel_may_be_best();
#endif
}
#endif
