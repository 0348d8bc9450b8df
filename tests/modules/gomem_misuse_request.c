// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_request.c - pass to gomem sizes, flags and nodes that it must
 * refuse, and resize or measure objects that are free.
 */
#include <linux/compiler.h>
#include <linux/gomem.h>

#include "gomem_misuse.h"

static int refused(const struct misuse_case *c)
{
	void *p = c->use(NULL);

	if (p)
		gomem_free(p);
	return p ? -EIO : 0;
}

/*
 * Most sizes are constants, so that the checks which gomem.h inlines for
 * constant sizes are tested, too.
 */
static void *dma(void *unused)
{
	return gomem_alloc(100, GFP_KERNEL | __GFP_DMA);
}

static void *dma32_large(void *unused)
{
	return gomem_alloc(100000, GFP_KERNEL | __GFP_DMA32);
}

static void *highmem_noscan(void *unused)
{
	return gomem_alloc_noscan(20, GFP_KERNEL | __GFP_HIGHMEM);
}

static void *large(void *unused)
{
	return gomem_alloc(GOMEM_MAX_SIZE + 1, GFP_KERNEL);
}

static void *large_quiet(void *unused)
{
	return gomem_alloc(GOMEM_MAX_SIZE + 1,
			   GFP_KERNEL | __GFP_NOWARN);
}

static void *huge(void *unused)
{
	return gomem_zalloc(SIZE_MAX, GFP_KERNEL);
}

static void *no_node(void *unused)
{
	return gomem_alloc_node(100, GFP_KERNEL, 12345);
}

static void *negative_node(void *unused)
{
	return gomem_alloc_node(100, GFP_KERNEL, -7);
}

static void *array(void *unused)
{
	size_t n = SIZE_MAX / 8 + 2;

	OPTIMIZER_HIDE_VAR(n);
	return gomem_alloc_array(n, 8, GFP_KERNEL);
}

static void *array_square(void *unused)
{
	size_t n = SIZE_MAX;

	OPTIMIZER_HIDE_VAR(n);
	return gomem_calloc(n, n, GFP_KERNEL);
}

static void *array_quiet(void *unused)
{
	size_t n = SIZE_MAX;

	OPTIMIZER_HIDE_VAR(n);
	return gomem_calloc(n, 2, GFP_KERNEL | __GFP_NOWARN);
}

static int bulk_gfp(const struct misuse_case *c)
{
	void *p[50];

	return gomem_alloc_bulk(c->size, GFP_KERNEL | __GFP_DMA, ARRAY_SIZE(p),
				p) ? -EIO : 0;
}

/*
 * Use a freed object, which is in this CPU's slot. If gomem resized it, a later
 * allocation could return the same object.
 */
static int use_free(const struct misuse_case *c)
{
	void *p = gomem_alloc(c->size, GFP_KERNEL);
	void *q = p;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	OPTIMIZER_HIDE_VAR(q);
	return c->use(q) ? -EIO : 0;
}

/* Call gomem_realloc(), which has to refuse and to leave the object live. */
static void *grow_refused(size_t size, size_t new_size, gfp_t gfp)
{
	void *p = gomem_alloc(size, GFP_KERNEL), *q;

	q = gomem_realloc(p, new_size, gfp);
	gomem_free(p);
	return q;
}

static void *grow_too_much(void *unused)
{
	return grow_refused(100, GOMEM_MAX_SIZE + 1, GFP_KERNEL);
}

static void *grow_nothing(void *unused)
{
	return gomem_realloc(NULL, GOMEM_MAX_SIZE + 1, GFP_KERNEL);
}

static void *grow_nothing_dma(void *unused)
{
	return gomem_realloc(NULL, 100, GFP_KERNEL | __GFP_DMA);
}

static void *grow_few_dma(void *unused)
{
	return grow_refused(100, 1000, GFP_KERNEL | __GFP_DMA);
}

static void *grow_much_dma(void *unused)
{
	return grow_refused(100, 20000, GFP_KERNEL | __GFP_DMA);
}

static void *grow_spare_dma(void *unused)
{
	return grow_refused(18432, 20000, GFP_KERNEL | __GFP_DMA);
}

static void *grow_large_dma(void *unused)
{
	return grow_refused(100000, 120000, GFP_KERNEL | __GFP_DMA);
}

static void *end_it(void *p)
{
	return ZERO_OR_NULL_PTR(gomem_realloc(p, 0, GFP_KERNEL)) ? NULL : p;
}

static void *shrink_it(void *p)
{
	return gomem_realloc(p, 190, GFP_KERNEL);
}

#define GFP		"bad_gfp_refused"
#define OVERFLOW	"size_overflows_refused"
#define TOO_LARGE	"too_large_refused"
#define NODE		"bad_node_refused"
#define USED		"uses_after_free_detected"

const struct misuse_case request_cases[] = {
	{ "gfp_dma", refused, .use = dma,
	  .counter = GFP, .report = "refused.*GFP_DMA" },
	{ "gfp_dma32_large", refused, .use = dma32_large,
	  .counter = GFP, .report = "100000 bytes refused.*GFP_DMA32" },
	{ "gfp_highmem_noscan", refused, .use = highmem_noscan,
	  .counter = GFP, .report = "refused.*HIGHMEM" },
	{ "gfp_dma_realloc", refused, .use = grow_few_dma,
	  .counter = GFP, .report = "1000 bytes refused.*GFP_DMA" },
	{ "gfp_dma_realloc_much", refused, .use = grow_much_dma,
	  .counter = GFP, .report = "20000 bytes refused.*GFP_DMA" },
	{ "gfp_dma_realloc_spare", refused, .use = grow_spare_dma,
	  .counter = GFP, .report = "20000 bytes refused.*GFP_DMA" },
	{ "gfp_dma_realloc_large", refused, .use = grow_large_dma,
	  .counter = GFP, .report = "120000 bytes refused.*GFP_DMA" },
	{ "gfp_dma_realloc_null", refused, .use = grow_nothing_dma,
	  .counter = GFP, .report = "112 bytes refused.*GFP_DMA" },
	{ "bulk_gfp", bulk_gfp, .size = 100,
	  .counter = GFP, .report = "100 bytes refused.*GFP_DMA" },
	{ "overflow_array", refused, .use = array,
	  .counter = OVERFLOW, .report = "times 8 bytes refused" },
	{ "overflow_calloc", refused, .use = array_square,
	  .counter = OVERFLOW, .report = "product overflows" },
	{ "overflow_quiet", refused, .use = array_quiet,
	  .counter = OVERFLOW },
	{ "too_large", refused, .use = large,
	  .counter = TOO_LARGE, .report = "4194305 bytes refused" },
	{ "too_large_huge", refused, .use = huge,
	  .counter = TOO_LARGE, .report = "limit is 4194304" },
	{ "too_large_realloc", refused, .use = grow_too_much,
	  .counter = TOO_LARGE, .report = "4194305 bytes refused" },
	{ "too_large_realloc_null", refused, .use = grow_nothing,
	  .counter = TOO_LARGE, .report = "4194305 bytes refused" },
	{ "too_large_quiet", refused, .use = large_quiet,
	  .counter = TOO_LARGE },
	{ "bad_node", refused, .use = no_node,
	  .counter = NODE, .report = "no node 12345" },
	{ "bad_node_negative", refused, .use = negative_node,
	  .counter = NODE, .report = "no node -7" },
	{ "realloc_free", use_free, .size = 200, .use = shrink_it,
	  .counter = USED, .report = "object is free.*208-byte object" },
	{ "realloc_free_end", use_free, .size = 200, .use = end_it,
	  .counter = "double_frees_detected", .report = "double free" },
	{ "usable_free", use_free, .size = 200, .use = size_of_it,
	  .counter = USED, .report = "object is free.*208-byte object" },
	{}
};
