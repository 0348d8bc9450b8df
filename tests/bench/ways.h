/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ways.h - functions that allocate and free with each allocator. Those of the
 * empty way do neither: the empty way measures the loop alone (see bench.h).
 *
 * The functions are inlined into the loops. Each loop passes the pointer that
 * an allocating function returned to bench_use(), which records a failed
 * allocation.
 */
#ifndef GOMEM_BENCH_WAYS_H
#define GOMEM_BENCH_WAYS_H

#include <linux/gomem.h>
#include <linux/slab.h>

#include "bench.h"

static __always_inline void *none_get(gfp_t gfp)
{
	return (void *)READ_ONCE(bench_size);
}

static __always_inline void none_put(void *p)
{
}

static __always_inline void *gomem_get(gfp_t gfp)
{
	return gomem_alloc(READ_ONCE(bench_size), gfp);
}

static __always_inline void gomem_put(void *p)
{
	gomem_free(p);
}

static __always_inline void *kmalloc_get(gfp_t gfp)
{
	return kmalloc(READ_ONCE(bench_size), gfp);
}

static __always_inline void kmalloc_put(void *p)
{
	kfree(p);
}

static __always_inline void *cache_get(gfp_t gfp)
{
	return kmem_cache_alloc(bench_cache, gfp);
}

static __always_inline void cache_put(void *p)
{
	kmem_cache_free(bench_cache, p);
}

/*
 * Make the compiler believe that @p is used, so that it neither drops nor moves
 * the calls that allocate and free it. Record a failed allocation.
 */
static __always_inline void *bench_use(void *p)
{
	barrier_data(p);
	if (unlikely(!p))
		bench_failed = true;
	return p;
}

#endif /* GOMEM_BENCH_WAYS_H */
