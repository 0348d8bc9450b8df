/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sample.h - choose the allocations that the heap profile records.
 *
 * Each byte that is allocated is a *sample* with a chance of 1 in
 * gomem_profile_rate, independent of other bytes. An object that contains a
 * sample is recorded. So an object of s bytes is recorded with the chance
 *
 *	1 - exp(-s / rate)
 *
 * and the number of recorded objects, divided by this chance, is an unbiased
 * estimate of the number of all objects. Go's heap profile works in the same
 * way. So tools that read Go's profiles, such as pprof, compute the right
 * estimate for gomem's profile, too.
 *
 * gomem does not draw a random number for each byte. It draws the distance to
 * the next sample, which is distributed exponentially, with the rate as its
 * mean, and counts the distance down. There are several countdowns. The hits of
 * each slot have one, in objects. All other allocations of a CPU have another
 * one, in bytes. The chance of each byte is the same as with one countdown.
 *
 * A record costs up to 10 000 instructions. A CPU that allocates gigabytes a
 * second would make many records. So if it makes more records than
 * GOMEM_SAMPLE_EARN and GOMEM_SAMPLE_BURST allow, the CPU *thins* its samples:
 * distances are drawn as for 2^thin times the rate, so there are fewer samples.
 * Each record then gets a weight, because it also stands for records that
 * thinning left out. Estimates stay unbiased; they only vary more.
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
 * on average. At a rate of 0 no object is recorded, except for those that the
 * parameter profile_exact selects. At a rate of 1 each object is recorded.
 */
#define GOMEM_PROFILE_RATE	524288UL
#define GOMEM_PROFILE_RATE_MAX	BIT(30)

/*
 * A CPU earns the right to a record in each GOMEM_SAMPLE_EARN nanoseconds, and
 * saves up to GOMEM_SAMPLE_BURST rights. It begins to thin its samples only
 * when it has no right left, and thins them less with each record that it has a
 * right to again. So if a CPU has saved all the rights that it can, it does not
 * thin the samples of the next 50 MB that it allocates, at the default rate. A
 * record and the free of its object take up to 20 000 instructions together. So
 * in the long run records and these frees take less than 1 % of a CPU's time,
 * until thinning has reached its maximum of 2^12. tests/rig/profile_cost
 * measures the cost.
 */
#define GOMEM_SAMPLE_EARN	(4 * NSEC_PER_MSEC)
#define GOMEM_SAMPLE_BURST	100

/*
 * A CPU records each sampled object, even without a right to the record. After
 * a record without a right, the CPU's samples become half as frequent if less
 * than this many nanoseconds lie between this record and the CPU's previous
 * one, and more frequent if at least four times as many lie between them.
 * The time between records varies, since the distances between samples are
 * random. On average it settles between these two bounds: at about three times
 * as many nanoseconds, GOMEM_SAMPLE_EARN.
 */
#define GOMEM_SAMPLE_SPACING	(GOMEM_SAMPLE_EARN / 3)
#define GOMEM_THIN_MAX		12U

/*
 * A countdown to the next sample starts from these values when there is no
 * profile: the first in objects, the second in bytes. The values are not larger
 * because the start of a profile may fail to restart a countdown: if the CPU is
 * offline, see gomem_arm_all(), or if the CPU counts at the same moment, see
 * gomem_sample_set_rate(). Such a countdown has to end soon, so that the next
 * distance is drawn from the profile's rate.
 */
#define GOMEM_SAMPLE_NEVER	((s32)BIT(20))
#define GOMEM_SAMPLE_RETRY	((s64)BIT(30))

/* A chance of 1. All chances are in units of 2^-60. */
#define GOMEM_CHANCE_ONE	BIT_ULL(60)

extern unsigned long gomem_profile_rate;
DECLARE_STATIC_KEY_FALSE(gomem_profiling);

/**
 * struct gomem_sampler - a CPU's thinning, and its countdown in bytes
 * @left: bytes to allocate before the next sample, not counting hits of slots
 * @drawn_thin: the value of @thin when @left was drawn
 * @thin: binary logarithm of how much rarer samples are than the rate says
 * @last: time of the last record, in nanoseconds of local_clock()
 * @due: at the time @last, the CPU had one right to a record left for each
 *	GOMEM_SAMPLE_EARN from @due to @last. If @due is after @last, the record
 *	at @last was made without a right
 *
 * An interrupt may change the members between two accesses. Then one distance
 * or one value of @thin is wrong, which does no harm.
 */
struct gomem_sampler {
	s64 left;
	u8 drawn_thin;
	u8 thin;
	u64 last;
	u64 due;
};

DECLARE_PER_CPU(struct gomem_sampler, gomem_sampler);

s32 gomem_sample_objects(u32 size, u8 *thin);
int gomem_sample_draw(void);
void gomem_sample_note(void);
u32 gomem_sample_weight(size_t size, unsigned int thin);
u64 gomem_sample_chance(u64 size, unsigned long rate);
void gomem_sample_set_rate(unsigned long rate);

/**
 * gomem_sample_due - count an allocation that is not a hit of a slot toward the
 *	next sample
 * @bytes: bytes of the object
 *
 * Context: any but NMI.
 * Return: -1 if the allocation is not recorded. Else the value that
 * gomem_sampler.drawn_thin had before this call, for gomem_sample_weight().
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
