// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_owner.c - misuse objects that belong to a device, to a typed
 * cache, or to the scratch buffers.
 */
#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gomem.h>

#include "gomem_misuse.h"

static int free_as_devices(struct device *dev)
{
	void *p = gomem_alloc(100, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	devm_gomem_free(dev, p);
	gomem_free(p);
	return 0;
}

static int alloc_dma_for(struct device *dev)
{
	return devm_gomem_alloc(dev, 100, GFP_KERNEL | __GFP_DMA) ? -EIO : 0;
}

/* Call the function in @c->p with a device. */
static int with_device(const struct misuse_case *c)
{
	struct device *dev = root_device_register("gomem_misuse");
	int (*misuse)(struct device *dev) = c->p;
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = misuse(dev);
	root_device_unregister(dev);
	return err;
}

static int scratch_double_put(const struct misuse_case *c)
{
	void *p = gomem_scratch_get(1, GFP_KERNEL);
	void *a, *b;

	if (!p)
		return -ENOMEM;
	gomem_scratch_put(p);
	gomem_scratch_put(p);
	a = gomem_scratch_get(1, GFP_KERNEL);
	b = gomem_scratch_get(1, GFP_KERNEL);
	gomem_scratch_put(a);
	gomem_scratch_put(b);
	return !a || !b || a == b ? -EIO : 0;
}

static int with_scratch(const struct misuse_case *c)
{
	char *p = gomem_scratch_get(1, GFP_KERNEL);
	size_t size = GOMEM_SCRATCH_SIZE(1);
	int err = use_and_check(c, p, size);

	if (!err && gomem_usable_size(p) != size)
		err = -EIO;
	gomem_scratch_put(p);
	return err;
}

static int scratch_put_foreign(const struct misuse_case *c)
{
	gomem_scratch_put(c->p);
	return 0;
}

static int scratch_order(const struct misuse_case *c)
{
	return gomem_scratch_get(GOMEM_SCRATCH_MAX_ORDER + 1, GFP_KERNEL) ?
	       -EIO : 0;
}

static int scratch_gfp(const struct misuse_case *c)
{
	return gomem_scratch_get(2, GFP_KERNEL | __GFP_DMA) ? -EIO : 0;
}

/*
 * Destroy a cache that has live objects. The objects may be freed later, but
 * the cache itself is only freed when gomem is unloaded.
 */
static int cache_left(const struct misuse_case *c)
{
	struct gomem_cache *cache = gomem_cache_create("misuse", 100, NULL);
	void *p[3];

	if (!cache || gomem_cache_alloc_bulk(cache, GFP_KERNEL, 3, p) != 3)
		return -ENOMEM;
	gomem_cache_destroy(cache);
	gomem_cache_free_bulk(cache, 3, p);
	return 0;
}

static int cache_gone(const struct misuse_case *c)
{
	struct gomem_cache *cache = gomem_cache_create("misuse", 100, NULL);

	if (!cache)
		return -ENOMEM;
	gomem_cache_destroy(cache);
	return gomem_cache_alloc(cache, GFP_KERNEL) ? -EIO : 0;
}

static int cache_too_large(const struct misuse_case *c)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = true };

	return gomem_cache_create("misuse", GOMEM_CACHE_MAX_SIZE, &args) ?
	       -EIO : 0;
}

/*
 * RCU readers may read an object of a typesafe cache during its free and after
 * it. So gomem must refuse calls that may clear or move a live object of such
 * a cache: gomem_free_sensitive() and gomem_realloc().
 */
static int with_cache(const struct misuse_case *c)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = true };
	struct gomem_cache *cache = gomem_cache_create("misuse", 100, &args);
	char *p = cache ? gomem_cache_alloc(cache, GFP_KERNEL) : NULL;
	int err = use_and_check(c, p, 100);

	gomem_cache_free(cache, p);
	gomem_cache_destroy(cache);
	return err;
}

/*
 * gomem refuses to free or resize the handle of a typed cache. Afterwards the
 * cache still allocates.
 */
static int with_handle(const struct misuse_case *c)
{
	struct gomem_cache *cache = gomem_cache_create("misuse", 100, NULL);
	void *handle = cache, *p;

	if (!cache)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(handle);
	c->use(handle);
	p = gomem_cache_alloc(cache, GFP_KERNEL);
	gomem_cache_free(cache, p);
	gomem_cache_destroy(cache);
	return p ? 0 : -EIO;
}

#define TWICE		"double_frees_detected"
#define INTERIOR	"interior_pointers_detected"
#define FOREIGN		"foreign_pointers_detected"
#define WRONG		"wrong_functions_detected"
#define GFP		"bad_gfp_refused"

#define PUT		"gomem_scratch_put() owns this"
#define DESTROY		"gomem_cache_destroy() owns this"
#define BUFFER		"4096-byte scratch buffer"
#define CHANGE		"would change what.*100-byte object .* of cache misuse"

const struct misuse_case owner_cases[] = {
	{ "devm_not_its", with_device, .p = free_as_devices, .counter = WRONG,
	  .report = "gomem_free() owns this.*112-byte object" },
	{ "devm_gfp", with_device, .p = alloc_dma_for, .counter = GFP,
	  .report = "100 bytes refused.*GFP_DMA" },
	{ "scratch_double_put", scratch_double_put, .counter = TWICE,
	  .report = "double free.*" BUFFER },
	{ "scratch_free", with_scratch, .use = free_it, .counter = WRONG,
	  .report = PUT ".*" BUFFER },
	{ "scratch_free_sensitive", with_scratch, .use = free_it_sensitive,
	  .counter = WRONG, .report = PUT },
	{ "scratch_realloc", with_scratch, .use = realloc_it,
	  .counter = WRONG, .report = PUT },
	{ "scratch_interior", with_scratch, .use = put_it, .at = 2048,
	  .counter = INTERIOR,
	  .report = "not the start of an object.*" BUFFER " .*+ 2048" },
	{ "scratch_put_foreign", scratch_put_foreign, .p = &static_data,
	  .counter = FOREIGN, .report = "no live object" },
	{ "scratch_order", scratch_order, .counter = "bad_order_refused",
	  .report = "order 5 refused" },
	{ "scratch_gfp", scratch_gfp, .counter = GFP,
	  .report = "8192 bytes refused.*GFP_DMA" },
	{ "cache_gone", cache_gone, .counter = "bad_caches_detected",
	  .report = "no cache, or destroyed already" },
	{ "cache_realloc", with_cache, .use = realloc_it, .counter = WRONG,
	  .report = CHANGE },
	{ "cache_sensitive", with_cache, .use = free_it_sensitive,
	  .counter = WRONG, .report = CHANGE },
	{ "cache_free_handle", with_handle, .use = free_it, .counter = WRONG,
	  .report = DESTROY ".*152-byte handle" },
	{ "cache_rcu_handle", with_handle, .use = free_it_later,
	  .counter = WRONG, .report = DESTROY },
	{ "cache_bulk_handle", with_handle, .use = free_it_in_bulk,
	  .counter = WRONG, .report = DESTROY },
	{ "cache_realloc_handle", with_handle, .use = realloc_it,
	  .counter = WRONG, .report = DESTROY },
	{ "cache_too_large", cache_too_large,
	  .counter = "bad_cache_args_refused",
	  .report = "cache misuse refused: 4194304 bytes" },
	{ "cache_left", cache_left },
	{}
};
