// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_paths.c - a client that allocates in several ways, OBJECTS objects in
 * each.
 *
 * Each via_*() allocates in another way. The objects are live until the module
 * is unloaded. account=Y charges all of them to an account. orphan=Y destroys
 * the account after the allocations, not only when the module is unloaded.
 * pool=Y also allocates through a memory pool of the kernel's. When the module
 * is unloaded, it does not free the first object from the pool, so that gomem
 * reports it as leaked.
 *
 * With busy=N, short_lived() allocates N more objects and frees each at once.
 * long_lived() allocates N / 16 objects and frees each after at least 20
 * milliseconds. timed=N logs how long an allocation and a free of TIMED bytes
 * take together, on average over N of them. The parameter where has the address
 * of the first object of each way, except for the arena.
 */
#define pr_fmt(fmt) "gomem_paths: " fmt

#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mempool.h>
#include <linux/module.h>

#define OBJECTS	20
#define POOLED	15	/* index in held[] */
#define TIMED	64

static unsigned int busy;
module_param(busy, uint, 0444);
MODULE_PARM_DESC(busy, "Objects of short_lived() (default 0)");

static bool account;
module_param(account, bool, 0444);
MODULE_PARM_DESC(account, "Charge all objects to an account (default N)");

static bool orphan;
module_param(orphan, bool, 0444);
MODULE_PARM_DESC(orphan,
		 "Destroy the account while it has objects (default N)");

static ulong hard;
module_param(hard, ulong, 0444);
MODULE_PARM_DESC(hard,
		 "Most bytes of the account, 0 for any number (default 0)");

static unsigned int timed;
module_param(timed, uint, 0444);
MODULE_PARM_DESC(timed, "Pairs of calls whose time is logged (default 0)");

static bool pool;
module_param(pool, bool, 0444);
MODULE_PARM_DESC(pool,
		 "Use a memory pool, too, and lose an object (default N)");

static struct gomem_account *payer;
static struct gomem_cache *cache;
static struct gomem_arena *arena;
static mempool_t *mempool;
static void *held[16][OBJECTS];

static int show_where(char *buf, const struct kernel_param *kp)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i][0])
			len += scnprintf(buf + len, PAGE_SIZE - len, "%lx\n",
					 (unsigned long)held[i][0]);
	return len;
}

static const struct kernel_param_ops where_ops = {
	.get = show_where,
};

module_param_cb(where, &where_ops, NULL, 0400);
MODULE_PARM_DESC(where, "Addresses of the first object of each way");

static noinline void via_alloc(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_alloc(72, GFP_KERNEL);
}

static noinline void via_size(void **p, size_t size)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_alloc(size, GFP_KERNEL);
}

static noinline void via_noscan(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_alloc_noscan(72, GFP_KERNEL);
}

static noinline void via_tiny(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_alloc_noscan(4, GFP_KERNEL);
}

static noinline void via_zalloc(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_zalloc(72, GFP_KERNEL);
}

static noinline void via_bulk(void **p)
{
	if (gomem_alloc_bulk(136, GFP_KERNEL, OBJECTS, p) != OBJECTS)
		pr_warn("no memory\n");
}

static noinline void via_cache(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_cache_alloc(cache, GFP_KERNEL);
}

static noinline void via_cache_bulk(void **p)
{
	if (gomem_cache_alloc_bulk(cache, GFP_KERNEL, OBJECTS, p) != OBJECTS)
		pr_warn("no memory\n");
}

static noinline void via_realloc(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_realloc(p[i], 3000, GFP_KERNEL);
}

static noinline void via_large(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = gomem_alloc(40000, GFP_KERNEL);
}

static noinline void via_arena(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		if (!gomem_arena_alloc(arena, 3000, GFP_KERNEL))
			pr_warn("no memory\n");
}

static noinline void via_mempool(void **p)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		p[i] = mempool_alloc(mempool, GFP_KERNEL);
}

static noinline void short_lived(void)
{
	unsigned int i;
	void *p;

	for (i = 0; i < busy; i++) {
		p = gomem_alloc(200, GFP_KERNEL);
		gomem_free(p);
	}
}

static noinline void long_lived(void)
{
	unsigned int i;
	void *p;

	for (i = 0; i < busy / 16; i++) {
		p = gomem_alloc(200, GFP_KERNEL);
		/*
		 * msleep() might sleep less than 20 ms: it counts jiffies,
		 * which may lag behind the clock.
		 */
		usleep_range(20000, 40000);
		gomem_free(p);
	}
}

static void timed_pairs(void)
{
	unsigned int i;
	u64 ns;
	void *p;

	ns = ktime_get_ns();
	for (i = 0; i < timed; i++) {
		p = gomem_alloc(TIMED, GFP_KERNEL);
		/* Keep the compiler from dropping both calls. */
		OPTIMIZER_HIDE_VAR(p);
		gomem_free(p);
	}
	ns = ktime_get_ns() - ns;
	if (timed)
		pr_info("a pair takes %llu ps\n",
			div_u64(ns * 1000, timed));
}

static void allocate(void)
{
	unsigned int i = 0;

	via_alloc(held[i++]);
	via_size(held[i++], 72);
	via_noscan(held[i++]);
	via_tiny(held[i++]);
	via_zalloc(held[i++]);
	via_bulk(held[i++]);
	via_cache(held[i++]);
	via_cache_bulk(held[i++]);
	via_size(held[i], 100);
	via_realloc(held[i++]);
	via_large(held[i++]);
	via_arena();
	if (pool)
		via_mempool(held[POOLED]);
}

static void free_all(void)
{
	unsigned int i, j;

	if (!orphan)
		gomem_account_destroy(payer);
	for (i = 0; i < ARRAY_SIZE(held); i++)
		for (j = 0; j < OBJECTS; j++)
			gomem_free(held[i][j]);
	mempool_destroy(mempool);
	gomem_arena_destroy(arena);
	gomem_cache_destroy(cache);
}

static int __init gomem_paths_init(void)
{
	struct gomem_account *old = NULL;

	cache = gomem_cache_create("paths", 88, NULL);
	arena = gomem_arena_create(GFP_KERNEL);
	if (pool)
		mempool = mempool_create(1, gomem_mempool_alloc,
					 gomem_mempool_free, (void *)500UL);
	if (!cache || !arena || (pool && !mempool)) {
		free_all();
		return -ENOMEM;
	}
	if (account) {
		payer = gomem_account_create("gomem paths", 0, hard, NULL,
					     NULL);
		old = gomem_account_enter(payer);
	}
	allocate();
	if (account)
		gomem_account_exit(old);
	if (orphan)
		gomem_account_destroy(payer);
	short_lived();
	long_lived();
	timed_pairs();
	return 0;
}

static void __exit gomem_paths_exit(void)
{
	if (pool)
		held[POOLED][0] = NULL;
	free_all();
}

module_init(gomem_paths_init);
module_exit(gomem_paths_exit);

MODULE_DESCRIPTION("Client that allocates in each way");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(GOMEM_NS);
