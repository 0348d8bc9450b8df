/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sample.h - choose the allocations that the heap profile records (Go's
 * nextSample).
 *
 * Of all bytes that are allocated, each is a sample with the same chance, 1 in
 * gomem_profile_rate, independent of the others. The object that a sample lies
 * in is recorded. So an object of s bytes is recorded with the chance
 *
 *	1 - exp(-s / rate)
 *
 * and a count of recorded objects, divided by this chance, is an unbiased
 * estimate of the count of all objects. Tools for Go's profiles compute that.
 *
 * Instead of drawing a number for each byte, the distance to the next sample is
 * drawn: it is distributed exponentially, with the rate as its mean. Countdowns
 * of separate streams of allocations add up to the same distribution. Hits of a
 * slot are such a stream, counted in objects. All other allocations of a CPU
 * are another one, counted in bytes.
 *
 * A record costs some thousand instructions. A CPU that allocates gigabytes a
 * second would take many. If records follow each other by less than
 * GOMEM_SAMPLE_SPACING, the CPU thins its samples: distances are drawn for
 * 2^thin times the rate, and each record counts for as many as were left out on
 * average. Estimates stay unbiased; they only vary more.
 */
#ifndef GOMEM_SAMPLE_H
#define GOMEM_SAMPLE_H

#include <linux/bits.h>
#include <linux/jump_label.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/time64.h>
#include <linux/types.h>

/*
 * Default and maximum of gomem_profile_rate: bytes from one sample to the next,
 * on average. At a rate of 0 no object is recorded, at 1 each object is.
 */
#define GOMEM_PROFILE_RATE	524288UL
#define GOMEM_PROFILE_RATE_MAX	BIT(30)

/* Nanoseconds: about a hundred times what a record takes. */
#define GOMEM_SAMPLE_SPACING	(300 * NSEC_PER_USEC)
#define GOMEM_THIN_MAX		12U

/*
 * Countdowns when there is no profile, in objects and in bytes. They are
 * finite, so that a countdown that missed the start of a profile finds it soon.
 */
#define GOMEM_SAMPLE_NEVER	((s32)BIT(20))
#define GOMEM_SAMPLE_RETRY	((s64)BIT(30))

/* Unit of chances. */
#define GOMEM_CHANCE_ONE	BIT_ULL(60)

extern unsigned long gomem_profile_rate;
DECLARE_STATIC_KEY_FALSE(gomem_profiling);

/**
 * struct gomem_sampler - a CPU's samples
 * @left: bytes that come before the next sample, of allocations that are no
 *	hits
 * @drawn_thin: the value of @thin when @left was drawn
 * @thin: binary logarithm of how much rarer samples are than the rate says
 * @last: time of the last record, in nanoseconds of local_clock()
 *
 * An interrupt may change the members between two accesses. Then a distance or
 * @thin is off once, which does no harm.
 */
struct gomem_sampler {
	s64 left;
	u8 drawn_thin;
	u8 thin;
	u64 last;
};

DECLARE_PER_CPU(struct gomem_sampler, gomem_sampler);

s32 gomem_sample_objects(u32 size, u8 *thin);
int gomem_sample_draw(void);
void gomem_sample_note(void);
u32 gomem_sample_weight(size_t size, unsigned int thin);
u64 gomem_sample_chance(u64 size, unsigned long rate);
void gomem_sample_set_rate(unsigned long rate);

/**
 * gomem_sample_due - count an allocation that is no hit of a slot
 * @bytes: its bytes
 *
 * Context: any but NMI.
 * Return: -1; or, if the allocation has to be recorded, the @thin to pass to
 * gomem_sample_weight().
 */
static __always_inline int gomem_sample_due(size_t bytes)
{
	if (!static_branch_unlikely(&gomem_profiling))
		return -1;
	if (likely(this_cpu_sub_return(gomem_sampler.left, bytes) >= 0))
		return -1;
	return gomem_sample_draw();
}

#endif /* GOMEM_SAMPLE_H */
