// SPDX-License-Identifier: GPL-2.0
/*
 * sample.c - draw the random distances between the samples of the heap profile.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/sched/clock.h>

#include "base/sample.h"

/* ln 2, in units of 2^-16. */
#define LN2_Q16		45426

/* A random number has this many bits. */
#define RANDOM_BITS	26

unsigned long gomem_profile_rate __read_mostly;
EXPORT_SYMBOL_IF_KUNIT(gomem_profile_rate);
DEFINE_STATIC_KEY_FALSE(gomem_profiling);
DEFINE_PER_CPU(struct gomem_sampler, gomem_sampler);

/*
 * Return the logarithm to base 2 of @x, which is not 0, in units of 2^-16. Each
 * bit of the fraction is found by squaring, which doubles the logarithm.
 */
static unsigned int log2_q16(u32 x)
{
	unsigned int log = ilog2(x), i;
	u64 m = (u64)x << (31 - log);	/* 1 <= m / 2^31 < 2 */

	for (i = 0; i < 16; i++) {
		m = m * m >> 31;
		log = log << 1 | m >> 32;
		m >>= m >> 32;
	}
	return log;
}

/*
 * Draw an exponentially distributed distance in bytes: -ln(u) times the rate,
 * where u is uniform in (0, 1]. At a rate of 1 each object is recorded, so the
 * distance is 0.
 */
static u64 draw_bytes(unsigned long rate)
{
	u32 u = (get_random_u32() >> (32 - RANDOM_BITS)) + 1;
	u64 minus_log2 = (RANDOM_BITS << 16) - log2_q16(u);

	if (rate == 1)
		return 0;
	return mul_u64_u32_shr(mul_u64_u32_shr(rate, minus_log2, 16), LN2_Q16,
			       16);
}

static unsigned long thinned_rate(unsigned int thin)
{
	return READ_ONCE(gomem_profile_rate) << thin;
}

/**
 * gomem_sample_objects - draw how many objects come before the next sampled one
 * @size: bytes of an object, not 0
 * @thin: set to the binary logarithm of the thinning (see sample.h), for
 *	gomem_sample_weight()
 *
 * Context: any but NMI. On PREEMPT_RT it may sleep on a spinlock.
 * Return: the number; GOMEM_SAMPLE_NEVER if there is no profile.
 */
s32 gomem_sample_objects(u32 size, u8 *thin)
{
	unsigned long rate;

	*thin = raw_cpu_read(gomem_sampler.thin);
	rate = thinned_rate(*thin);
	if (!rate)
		return GOMEM_SAMPLE_NEVER;
	return min_t(u64, div_u64(draw_bytes(rate), size), S32_MAX);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_sample_objects);

/**
 * gomem_sample_draw - draw how many bytes come before this CPU's next sample
 *
 * Context: any but NMI.
 * Return: gomem_sampler.drawn_thin of the sample that is due now, for
 * gomem_sample_weight(); -1 if the profile was ended, so that nothing has to be
 * recorded.
 */
int gomem_sample_draw(void)
{
	unsigned int thin = raw_cpu_read(gomem_sampler.thin);
	unsigned long rate = thinned_rate(thin);
	int drawn = raw_cpu_read(gomem_sampler.drawn_thin);

	this_cpu_write(gomem_sampler.left,
		       rate ? draw_bytes(rate) : GOMEM_SAMPLE_RETRY);
	this_cpu_write(gomem_sampler.drawn_thin, thin);
	return rate ? drawn : -1;
}

/**
 * gomem_sample_note - note a record, and adapt the thinning of this CPU's
 *	samples
 *
 * If the CPU has a right to this record (see GOMEM_SAMPLE_BURST), samples
 * become twice as frequent, but not more frequent than the rate says. If the
 * CPU has saved all the rights that it can, thinning ends. If the CPU has no
 * right, the time since the record before this one decides: below
 * GOMEM_SAMPLE_SPACING, samples become half as frequent; from 4, 16, 64, ...
 * times GOMEM_SAMPLE_SPACING on, they become 2, 4, 8, ... times as frequent. At
 * a rate of 1 each object is recorded, and samples are not thinned.
 *
 * Context: any but NMI.
 */
void gomem_sample_note(void)
{
	struct gomem_sampler *sm = raw_cpu_ptr(&gomem_sampler);
	u64 now = local_clock(), passed = now - sm->last;
	u64 most = now - (u64)GOMEM_SAMPLE_BURST * GOMEM_SAMPLE_EARN;
	unsigned int thin = READ_ONCE(sm->thin), less;

	sm->last = now;
	if (READ_ONCE(gomem_profile_rate) == 1)
		return;
	/*
	 * sm->due, now and most are nanoseconds since the boot. Shortly after
	 * the boot, most is negative: so compare signed differences.
	 */
	if ((s64)(sm->due - most) < 0) {
		sm->due = most;
		thin = 0;
	}
	sm->due += GOMEM_SAMPLE_EARN;
	if ((s64)(sm->due - now) <= 0) {
		thin -= min(thin, 1U);
	} else if (passed < GOMEM_SAMPLE_SPACING) {
		thin = min(thin + 1, GOMEM_THIN_MAX);
	} else {
		less = ilog2(div_u64(passed, GOMEM_SAMPLE_SPACING)) / 2;
		thin -= min(thin, less);
	}
	WRITE_ONCE(sm->thin, thin);
}

/*
 * Return exp(-x) for x < 1, computed as (1 - x / 256)^256. Both @x and the
 * result are in units of 2^-31.
 */
static u64 exp_minus_q31(u64 x)
{
	u64 e = (1ULL << 31) - (x >> 8);
	unsigned int i;

	for (i = 0; i < 8; i++)
		e = e * e >> 31;
	return e;
}

/*
 * Return 1 - exp(-x) for x < 2^-8, computed as x - x^2 / 2 + x^3 / 6. Both @x
 * and the result are in units of 2^-60.
 */
static u64 small_chance(u64 x)
{
	u64 x2 = mul_u64_u64_div_u64(x, x, GOMEM_CHANCE_ONE);

	return x - x2 / 2 + mul_u64_u64_div_u64(x2, x, GOMEM_CHANCE_ONE) / 6;
}

/**
 * gomem_sample_chance - compute the chance that an object is recorded
 * @size: bytes of the object
 * @rate: bytes between samples on average
 *
 * Return: 1 - exp(-size / rate), in units of 2^-60; at least one unit.
 */
u64 gomem_sample_chance(u64 size, unsigned long rate)
{
	u64 whole, e = 1ULL << 31;

	if (rate <= 1 || size / rate >= 20)
		return GOMEM_CHANCE_ONE;
	if (size < rate >> 8)
		return max(small_chance(mul_u64_u64_div_u64(size,
							    GOMEM_CHANCE_ONE,
							    rate)), 1ULL);
	/*
	 * Multiply by exp(-1), in units of 2^-31, as many times as @rate fits
	 * into @size.
	 */
	for (whole = size / rate; whole; whole--)
		e = e * 790015084ULL >> 31;
	e = e * exp_minus_q31(div64_u64((size % rate) << 31, rate)) >> 31;
	return GOMEM_CHANCE_ONE - (e << 29);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_sample_chance);

/**
 * gomem_sample_weight - compute for how many records one record stands, since
 *	thinning (sample.h) leaves out others
 * @size: bytes of the object
 * @thin: how much the CPU thinned its samples when it drew the distance to this
 *	sample: the value that gomem_sampler.thin had then
 *
 * Return: the number of records, in units of 2^-8; at most 2^(thin + 8).
 */
u32 gomem_sample_weight(size_t size, unsigned int thin)
{
	unsigned long rate = READ_ONCE(gomem_profile_rate);

	if (!thin)
		return 1 << 8;
	return mul_u64_u64_div_u64(gomem_sample_chance(size, rate), 1 << 8,
				   gomem_sample_chance(size, rate << thin));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_sample_weight);

/**
 * gomem_sample_set_rate - change how many bytes lie between samples on average
 * @rate: the bytes; 0 ends the profile
 *
 * Context: may sleep. One caller at a time.
 */
void gomem_sample_set_rate(unsigned long rate)
{
	struct gomem_sampler *sm;
	int cpu;

	WRITE_ONCE(gomem_profile_rate, rate);
	/*
	 * A CPU may count down its sm->left concurrently. Then either its count
	 * or the new value is lost. This does no harm: any value reaches 0
	 * sooner or later, and then the CPU draws the next one.
	 */
	for_each_possible_cpu(cpu) {
		sm = per_cpu_ptr(&gomem_sampler, cpu);
		sm->thin = 0;
		sm->drawn_thin = 0;
		sm->left = rate ? draw_bytes(rate) : GOMEM_SAMPLE_RETRY;
	}
	if (rate)
		static_branch_enable(&gomem_profiling);
	else
		static_branch_disable(&gomem_profiling);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_sample_set_rate);
