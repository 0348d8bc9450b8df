/* SPDX-License-Identifier: GPL-2.0 */
/*
 * profile.h - the heap profile: who allocated the memory that is in use.
 */
#ifndef GOMEM_PROFILE_H
#define GOMEM_PROFILE_H

#include <linux/types.h>

#include "base/sample.h"
#include "map/bucket.h"

struct gomem_special;
struct list_head;

/**
 * struct gomem_profile_row - the counts of a bucket at one moment
 * @b: the bucket
 * @allocs: sum of the weights (base/sample.h) of the objects recorded so far,
 *	in units of 2^-8
 * @frees: the part of @allocs that was freed
 * @squares: sum of the squared weights of the live objects; see struct
 *	gomem_bucket
 * @oldest: jiffies since the oldest live object was allocated; 0 if none is
 *	live
 * @youngest: jiffies since the youngest live object was allocated; 0 if none is
 *	live
 */
struct gomem_profile_row {
	struct gomem_bucket *b;
	u64 allocs;
	u64 frees;
	u64 squares;
	unsigned long oldest;
	unsigned long youngest;
};

void gomem_profile_take(void *obj, size_t size, unsigned int thin,
			bool charged);
void gomem_profile_watch(void *obj, size_t size, bool charged);
void gomem_profile_extend(void *obj, size_t size, bool charged);
void gomem_profile_take_many(void **p, unsigned int n, size_t size);
void gomem_profile_forget(const struct gomem_special *sp);
u64 gomem_profile_records(const struct gomem_bucket *b, u64 *frees);
u64 gomem_profile_scale(u64 n, u32 size, unsigned long rate);
u64 gomem_profile_error(const struct gomem_profile_row *row);
u64 gomem_profile_variance(const struct gomem_profile_row *row);
bool gomem_profile_sampled(void);
struct gomem_profile_row *gomem_profile_snapshot(unsigned int *n, bool ages);

/*
 * Count the bytes of an allocation that was not a hit toward the next sample.
 * If the object is sampled, record it.
 */
static __always_inline void gomem_profile_count_one(void *obj, size_t size)
{
	int thin = gomem_sample_due(size);

	if (unlikely(thin >= 0))
		gomem_profile_take(obj, size, thin, false);
}

/*
 * Count the bytes of objects of a bulk call. If the profile samples one of
 * them, count nothing and return true: the caller then calls
 * gomem_profile_take_many(), which counts them.
 */
static __always_inline bool gomem_profile_due(size_t bytes)
{
	if (!static_branch_unlikely(&gomem_profiling))
		return false;
	if (unlikely(this_cpu_read(gomem_sampler.left) < (s64)bytes))
		return true;
	this_cpu_sub(gomem_sampler.left, bytes);
	return false;
}

/* Count objects of a bulk call, and record those that are sampled. */
static __always_inline void gomem_profile_count(void **p, unsigned int n,
						size_t size)
{
	if (gomem_profile_due(n * size))
		gomem_profile_take_many(p, n, size);
}

struct list_head *gomem_profile_buckets(void);
void gomem_profile_exit(void);

#endif /* GOMEM_PROFILE_H */
