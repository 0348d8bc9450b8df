// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse.c - do one thing wrong, so that a test can look at the report.
 *
 * Loading with case=NAME misuses gomem in that way, once, and so does writing NAME to
 * /sys/module/gomem_misuse/parameters/case later. Each checks that the call had no
 * effect on the objects around. What gomem counted and printed is for the script to
 * compare (tests/kselftest/misuse.sh).
 */
#define pr_fmt(fmt) "gomem_misuse: " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

static int static_data;

/* Frees @p twice, with other objects of its size going back and forth between. */
static int double_free(size_t size, bool noscan)
{
	void *p = noscan ? gomem_alloc_noscan(size, GFP_KERNEL) : gomem_alloc(size, GFP_KERNEL);
	void *a, *b;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	gomem_free(p);

	/* The second free must not have put it up for allocation twice. */
	a = gomem_alloc(size, GFP_KERNEL);
	b = gomem_alloc(size, GFP_KERNEL);
	if (!a || a == b)
		return -EIO;
	gomem_free(a);
	gomem_free(b);
	return 0;
}

static int double_free_small(void)
{
	return double_free(100, false);
}

static int double_free_noscan(void)
{
	return double_free(24, true);
}

/* With a neighbour before it, and after the block was taken back with its last object. */
static int double_free_tiny(void)
{
	char *p = gomem_strdup("four", GFP_KERNEL), *q = gomem_strdup("five", GFP_KERNEL);

	if (!p || !q)
		return -ENOMEM;
	gomem_free(q);
	gomem_free(q);
	gomem_free(p);
	return 0;
}

static int double_free_tiny_block(void)
{
	char *p[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc_noscan(5, GFP_KERNEL);
		if (!p[i])
			return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free(p[i]);
	gomem_free(p[9]);
	return 0;
}

static int double_free_large(void)
{
	return double_free(200000, false);
}

/* Freed by way of its span: allocate enough that slots and spans overflow. */
static int double_free_in_span(void)
{
	static void *p[300];
	size_t i, n = ARRAY_SIZE(p);

	if (gomem_alloc_bulk(512, GFP_KERNEL, n, p) != n)
		return -ENOMEM;
	/* One stays, and with it its span. */
	for (i = 0; i < n; i++)
		if (i != 21)
			gomem_free(p[i]);
	/* The slot kept the last ones; the first went to their spans. */
	gomem_free(p[20]);
	gomem_free(p[21]);
	return 0;
}

static int free_at(size_t size, size_t offset)
{
	char *p = gomem_zalloc(size, GFP_KERNEL);
	int err = 0;

	if (!p)
		return -ENOMEM;
	gomem_free(p + offset);
	if (memchr_inv(p, 0, size) || gomem_usable_size(p) < size)
		err = -EIO;
	gomem_free(p);
	return err;
}

static int interior_small(void)
{
	return free_at(96, 8);
}

static int interior_unaligned(void)
{
	return free_at(64, 3);
}

static int interior_large(void)
{
	return free_at(300000, 8192);
}

/* All that is known is that no object starts there, and that one may have. */
static int interior_tiny(void)
{
	char *p = gomem_strdup("four", GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free(p + 3);
	gomem_free(p);
	return 0;
}

/* One byte beyond the last object of its block so far. */
static int interior_tiny_end(void)
{
	char *p = gomem_alloc_noscan(1, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free(p + 1);
	gomem_free(p);
	return 0;
}

/* 27264-byte objects are three to a span of ten pages: one over two borders. */
static int interior_far(void)
{
	return free_at(27264, 16384);
}

static int foreign_kmalloc(void)
{
	void *p = kmalloc(100, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	kfree(p);
	return 0;
}

static int foreign_vmalloc(void)
{
	void *p = vmalloc(100);

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	vfree(p);
	return 0;
}

static void construct(void *obj)
{
}

/* With a constructor it is merged with no other, and keeps its name. */
static int foreign_cache(void)
{
	struct kmem_cache *cache = kmem_cache_create("gomem_misuse", 200, 0, 0, construct);
	void *p = cache ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	kmem_cache_free(cache, p);
	kmem_cache_destroy(cache);
	return 0;
}

static int foreign_kmalloc_large(void)
{
	char *p = kmalloc(SZ_64K, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free(p + SZ_32K);
	kfree(p);
	return 0;
}

static int foreign_page(void)
{
	void *p = (void *)__get_free_page(GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	free_page((unsigned long)p);
	return 0;
}

static int foreign_percpu(void)
{
	void __percpu *p = alloc_percpu(long);

	if (!p)
		return -ENOMEM;
	gomem_free((void *)(__force unsigned long)p);
	free_percpu(p);
	return 0;
}

static int foreign_error(void)
{
	gomem_free(ERR_PTR(-ENOMEM));
	return 0;
}

static int foreign_text(void)
{
	gomem_free(foreign_error);
	return 0;
}

static int foreign_kernel(void)
{
	gomem_free(&init_task);
	return 0;
}

/* In the direct map, but with no memory there. */
static int foreign_hole(void)
{
	gomem_free(__va(BIT(44)));
	return 0;
}

static int foreign_null_member(void)
{
	gomem_free((void *)0x28);
	return 0;
}

static int foreign_static(void)
{
	gomem_free(&static_data);
	return 0;
}

static int foreign_stack(void)
{
	int on_stack = 0;

	gomem_free(&on_stack);
	return on_stack;
}

static int foreign_user(void)
{
	gomem_free((void *)0x400000);
	return 0;
}

static int foreign_wild(void)
{
	gomem_free((void *)0xdead000000000100UL);
	return 0;
}

static int write_after_free(void)
{
	char *p = gomem_alloc(48, GFP_KERNEL);
	char *q;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	/* Through an integer, or the compiler sees what we are up to. */
	OPTIMIZER_HIDE_VAR(p);
	memset(p, 'x', 8);
	/* It is set aside: nobody gets it. */
	q = gomem_alloc(48, GFP_KERNEL);
	gomem_free(q);
	return q == p ? -EIO : 0;
}

/* With the key gone the second free is not noticed, but its effect is undone. */
static int double_free_written(void)
{
	char *p = gomem_alloc(80, GFP_KERNEL);
	void *a, *b;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	OPTIMIZER_HIDE_VAR(p);
	memset(p, 'x', 8);
	gomem_free(p);
	a = gomem_alloc(80, GFP_KERNEL);
	b = gomem_alloc(80, GFP_KERNEL);
	gomem_free(a);
	gomem_free(b);
	return !a || !b || a == b ? -EIO : 0;
}

static int refused(void *p)
{
	if (p)
		gomem_free(p);
	return p ? -EIO : 0;
}

static int gfp_dma(void)
{
	return refused(gomem_alloc(100, GFP_KERNEL | __GFP_DMA));
}

static int gfp_dma32_large(void)
{
	return refused(gomem_alloc(100000, GFP_KERNEL | __GFP_DMA32));
}

static int gfp_highmem_noscan(void)
{
	return refused(gomem_alloc_noscan(20, GFP_KERNEL | __GFP_HIGHMEM));
}

static int overflow_array(void)
{
	size_t n = SIZE_MAX / 8 + 2;

	OPTIMIZER_HIDE_VAR(n);
	return refused(gomem_alloc_array(n, 8, GFP_KERNEL));
}

static int overflow_calloc(void)
{
	size_t n = SIZE_MAX;

	OPTIMIZER_HIDE_VAR(n);
	return refused(gomem_calloc(n, n, GFP_KERNEL));
}

static int overflow_quiet(void)
{
	size_t n = SIZE_MAX;

	OPTIMIZER_HIDE_VAR(n);
	return refused(gomem_calloc(n, 2, GFP_KERNEL | __GFP_NOWARN));
}

static int too_large(void)
{
	return refused(gomem_alloc(GOMEM_MAX_SIZE + 1, GFP_KERNEL));
}

static int too_large_huge(void)
{
	return refused(gomem_zalloc(SIZE_MAX, GFP_KERNEL));
}

static int too_large_quiet(void)
{
	return refused(gomem_alloc(GOMEM_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
}

static int bad_node(void)
{
	return refused(gomem_alloc_node(100, GFP_KERNEL, 12345));
}

static int bad_node_negative(void)
{
	return refused(gomem_alloc_node(100, GFP_KERNEL, -7));
}

static int realloc_foreign(void)
{
	return refused(gomem_realloc(&static_data, 100, GFP_KERNEL));
}

/* Any other function says the same. */
static int with_foreign(void *(*use)(void *p))
{
	void *p = kmalloc(100, GFP_KERNEL), *q;

	if (!p)
		return -ENOMEM;
	memset(p, 'x', 100);
	q = use(p);
	if (q || memchr_inv(p, 'x', 100))
		return -EIO;
	kfree(p);
	return 0;
}

static void *realloc_it(void *p)
{
	return gomem_realloc(p, 50, GFP_KERNEL);
}

static void *size_of_it(void *p)
{
	return (void *)gomem_usable_size(p);
}

static void *free_it_sensitive(void *p)
{
	gomem_free_sensitive(p);
	return NULL;
}

static void *put_it(void *p)
{
	gomem_scratch_put(p);
	return NULL;
}

static int realloc_kmalloc(void)
{
	return with_foreign(realloc_it);
}

static int usable_kmalloc(void)
{
	return with_foreign(size_of_it);
}

static int sensitive_kmalloc(void)
{
	return with_foreign(free_it_sensitive);
}

static int scratch_put_kmalloc(void)
{
	return with_foreign(put_it);
}

/* The object is in the slot; whoever resizes it would share it. */
static int realloc_free(void)
{
	void *p = gomem_alloc(200, GFP_KERNEL);
	void *q = p;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	OPTIMIZER_HIDE_VAR(q);
	return refused(gomem_realloc(q, 190, GFP_KERNEL));
}

static int usable_free(void)
{
	void *p = gomem_alloc(200, GFP_KERNEL);
	void *q = p;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	OPTIMIZER_HIDE_VAR(q);
	return gomem_usable_size(q) ? -EIO : 0;
}

static int usable_interior(void)
{
	char *p = gomem_alloc(100, GFP_KERNEL);
	int err;

	if (!p)
		return -ENOMEM;
	err = gomem_usable_size(p + 4) ? -EIO : 0;
	gomem_free(p);
	return err;
}

static int sensitive_twice(void)
{
	void *p = gomem_alloc(100, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free_sensitive(p);
	gomem_free_sensitive(p);
	return 0;
}

struct node {
	struct rcu_head rcu;
	char data[100];
};

/* The first one counts, once. */
static int rcu_twice(void)
{
	struct node *n = gomem_alloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return -ENOMEM;
	rcu_read_lock();
	gomem_free_rcu(n, rcu);
	gomem_free_rcu(n, rcu);
	rcu_read_unlock();
	gomem_rcu_barrier();
	return 0;
}

static int rcu_free(void)
{
	struct node *n = gomem_alloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return -ENOMEM;
	gomem_free(n);
	gomem_free_rcu(n, rcu);
	return 0;
}

static int rcu_interior(void)
{
	char *p = gomem_zalloc(300, GFP_KERNEL);
	int err;

	if (!p)
		return -ENOMEM;
	gomem_free_rcu((struct node *)(p + 16), rcu);
	err = memchr_inv(p, 0, 300) ? -EIO : 0;
	gomem_free(p);
	return err;
}

static int rcu_foreign(void)
{
	static struct node node;

	gomem_free_rcu(&node, rcu);
	return node.rcu.func ? -EIO : 0;
}

static int rcu_mightsleep_foreign(void)
{
	gomem_free_rcu_mightsleep(&static_data);
	return 0;
}

/* The others are freed. */
static int bulk_foreign(void)
{
	void *p[50];

	if (!gomem_alloc_bulk(100, GFP_KERNEL, 50, p))
		return -ENOMEM;
	gomem_free(p[20]);
	p[20] = &static_data;
	gomem_free_bulk(50, p);
	return 0;
}

static int bulk_interior(void)
{
	void *p[50], *q;

	if (!gomem_alloc_bulk(200, GFP_KERNEL, 50, p))
		return -ENOMEM;
	q = p[49];
	p[49] += 8;
	gomem_free_bulk(50, p);
	gomem_free(q);
	return 0;
}

static int bulk_gfp(void)
{
	void *p[50];

	return gomem_alloc_bulk(100, GFP_KERNEL | __GFP_DMA, 50, p) ? -EIO : 0;
}

static int with_device(int (*fn)(struct device *dev))
{
	struct device *dev = root_device_register("gomem_misuse");
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = fn(dev);
	root_device_unregister(dev);
	return err;
}

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

static int devm_not_its(void)
{
	return with_device(free_as_devices);
}

static int devm_gfp(void)
{
	return with_device(alloc_dma_for);
}

static int scratch_double_put(void)
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

/* The buffer stays what it is, and its owner's. */
static int scratch_misused(int (*misuse)(char *buf))
{
	char *p = gomem_scratch_get(1, GFP_KERNEL | __GFP_ZERO);
	size_t size = GOMEM_SCRATCH_SIZE(1);
	int err;

	if (!p)
		return -ENOMEM;
	err = misuse(p);
	if (memchr_inv(p, 0, size) || gomem_usable_size(p) != size)
		err = -EIO;
	gomem_scratch_put(p);
	return err;
}

static int free_buf(char *buf)
{
	gomem_free(buf);
	return 0;
}

static int free_buf_sensitive(char *buf)
{
	*buf = 1;
	gomem_free_sensitive(buf);
	return (*buf)-- == 1 ? 0 : -EIO;
}

static int realloc_buf(char *buf)
{
	return refused(gomem_realloc(buf, 10, GFP_KERNEL));
}

static int put_middle(char *buf)
{
	gomem_scratch_put(buf + 2048);
	return 0;
}

static int scratch_free(void)
{
	return scratch_misused(free_buf);
}

static int scratch_free_sensitive(void)
{
	return scratch_misused(free_buf_sensitive);
}

static int scratch_realloc(void)
{
	return scratch_misused(realloc_buf);
}

static int scratch_interior(void)
{
	return scratch_misused(put_middle);
}

static int scratch_put_object(void)
{
	char *p = gomem_zalloc(4096, GFP_KERNEL);
	int err;

	if (!p)
		return -ENOMEM;
	gomem_scratch_put(p);
	err = memchr_inv(p, 0, 4096) ? -EIO : 0;
	gomem_free(p);
	return err;
}

static int scratch_put_foreign(void)
{
	gomem_scratch_put(&static_data);
	return 0;
}

static int scratch_order(void)
{
	return gomem_scratch_get(GOMEM_SCRATCH_MAX_ORDER + 1, GFP_KERNEL) ? -EIO : 0;
}

static int scratch_gfp(void)
{
	return gomem_scratch_get(2, GFP_KERNEL | __GFP_DMA) ? -EIO : 0;
}

/* The object stays what it is, and its arena's. */
static int arena_misused(int (*misuse)(char *obj))
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	char *p = a ? gomem_arena_alloc(a, 100, GFP_KERNEL | __GFP_ZERO) : NULL;
	int err;

	if (!p)
		return -ENOMEM;
	err = misuse(p);
	if (memchr_inv(p, 0, 100))
		err = -EIO;
	gomem_arena_destroy(a);
	return err;
}

static int usable_size_of(char *obj)
{
	return gomem_usable_size(obj) ? -EIO : 0;
}

static int put_obj(char *obj)
{
	gomem_scratch_put(obj);
	return 0;
}

static int destroy_obj(char *obj)
{
	gomem_arena_destroy((struct gomem_arena *)obj);
	return 0;
}

static int arena_free(void)
{
	return arena_misused(free_buf);
}

static int arena_free_sensitive(void)
{
	return arena_misused(free_buf_sensitive);
}

static int arena_realloc(void)
{
	return arena_misused(realloc_buf);
}

static int arena_usable(void)
{
	return arena_misused(usable_size_of);
}

static int arena_put(void)
{
	return arena_misused(put_obj);
}

static int arena_destroy_object(void)
{
	return arena_misused(destroy_obj);
}

static int arena_double_destroy(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);

	if (!a || !gomem_arena_alloc(a, 100, GFP_KERNEL))
		return -ENOMEM;
	gomem_arena_destroy(a);
	gomem_arena_destroy(a);
	return 0;
}

static int arena_alloc_destroyed(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);

	if (!a)
		return -ENOMEM;
	gomem_arena_destroy(a);
	return gomem_arena_alloc(a, 100, GFP_KERNEL) ? -EIO : 0;
}

static int arena_foreign(void)
{
	gomem_arena_destroy((void *)&static_data);
	return 0;
}

static int arena_gfp(void)
{
	return gomem_arena_create(GFP_KERNEL | __GFP_DMA32) ? -EIO : 0;
}

static int arena_too_large(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	int err;

	if (!a)
		return -ENOMEM;
	err = gomem_arena_alloc(a, GOMEM_MAX_SIZE + 1, GFP_KERNEL) ? -EIO : 0;
	gomem_arena_destroy(a);
	return err;
}

/* Found when another arena, as large as the quarantine, pushes this one out. */
static int arena_write_destroyed(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	struct gomem_arena *b = gomem_arena_create(GFP_KERNEL);
	char *p = a ? gomem_arena_alloc(a, 100, GFP_KERNEL) : NULL;

	if (!p || !b || !gomem_arena_alloc(b, SZ_4M, GFP_KERNEL))
		return -ENOMEM;
	gomem_arena_destroy(a);
	OPTIMIZER_HIDE_VAR(p);
	memset(p + 40, 'x', 24);
	gomem_arena_destroy(b);
	return 0;
}

#define NR_BESIDE	300

/* Objects of @size, each filled with its number; all of them are freed in the end. */
static int with_neighbours(size_t size, int (*misuse)(void **objs))
{
	static void *objs[NR_BESIDE];
	unsigned int i;
	int err = 0;

	if (gomem_alloc_bulk(size, GFP_KERNEL, NR_BESIDE, objs) != NR_BESIDE)
		return -ENOMEM;
	for (i = 0; i < NR_BESIDE; i++)
		memset(objs[i], i, size);
	err = misuse(objs);
	for (i = 0; i < NR_BESIDE; i++)
		if (memchr_inv(objs[i], i & 0xff, size))
			err = -EIO;
	gomem_free_bulk(NR_BESIDE, objs);
	return err;
}

static int kfree_middle(void **objs)
{
	kfree(objs[NR_BESIDE / 2]);
	return 0;
}

static int kfree_object(void)
{
	return with_neighbours(64, kfree_middle);
}

/* A hundred that lie in one page. */
static int kfree_page(void **objs)
{
	struct page *page = virt_to_page(objs[NR_BESIDE / 2]);
	unsigned int i, n = 0;

	for (i = 0; i < NR_BESIDE && n < 100; i++) {
		if (virt_to_page(objs[i]) != page)
			continue;
		kfree(objs[i]);
		n++;
	}
	return n == 100 ? 0 : -EIO;
}

static int kfree_often(void)
{
	return with_neighbours(32, kfree_page);
}

/* Again and again, and more often than any page has objects. */
static int kfree_loop(void **objs)
{
	struct page *page = virt_to_page(objs[NR_BESIDE / 2]);
	unsigned int i;

	for (i = 0; i < 100000; i++)
		kfree(objs[NR_BESIDE / 2]);
	return page_count(page) > 0 ? 0 : -EIO;
}

static int kfree_storm(void)
{
	return with_neighbours(64, kfree_loop);
}

/* As a subsystem of the kernel frees what a module gave it: nobody frees it but that. */
static int kfree_leak(void)
{
	unsigned int i;
	void *p;

	for (i = 0; i < 5; i++) {
		p = gomem_alloc(96, GFP_KERNEL);
		if (!p)
			return -ENOMEM;
		kfree(p);
	}
	return 0;
}

static int kfree_cache(void)
{
	struct gomem_cache *c = gomem_cache_create("misuse", 72, NULL);
	unsigned int i;
	void *p;

	if (!c)
		return -ENOMEM;
	for (i = 0; i < 3; i++) {
		p = gomem_cache_alloc(c, GFP_KERNEL);
		if (!p)
			return -ENOMEM;
		kfree(p);
	}
	gomem_cache_destroy(c);
	return 0;
}

/* Not misuse: the page of an object that was freed is used until the client leaves. */
static struct page *kept;

#define KEPT_FROM	64
#define KEPT_BYTES	(PAGE_SIZE - KEPT_FROM)

static int page_kept(void)
{
	void *p = gomem_alloc(SZ_8K, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kept = virt_to_page(p);
	get_page(kept);
	gomem_free(p);
	memset(p + KEPT_FROM, 'x', KEPT_BYTES);
	return 0;
}

static void put_kept(void)
{
	if (!kept)
		return;
	pr_info("kept page: %d reference, contents %s\n", page_count(kept),
		memchr_inv(page_address(kept) + KEPT_FROM, 'x', KEPT_BYTES) ? "lost" : "kept");
	put_page(kept);
}

/* One reference less than gomem gave the page. */
static int page_put(void)
{
	void *p = gomem_alloc(SZ_8K, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	put_page(virt_to_page(p));
	gomem_free(p);
	return 0;
}

/* Not misuse: nothing may be counted. */
static int none(void)
{
	gomem_free(NULL);
	gomem_free(ZERO_SIZE_PTR);
	gomem_free_sensitive(NULL);
	gomem_free_bulk(0, NULL);
	gomem_scratch_put(NULL);
	gomem_arena_destroy(NULL);
	if (gomem_usable_size(NULL) || gomem_usable_size(ZERO_SIZE_PTR))
		return -EIO;
	if (gomem_owns(NULL) || gomem_owns(ZERO_SIZE_PTR) || gomem_owns(&static_data))
		return -EIO;
	if (gomem_alloc(0, GFP_KERNEL) != ZERO_SIZE_PTR)
		return -EIO;
	return 0;
}

/* Objects that nobody frees. */
/* They may be freed later, but the cache stays. */
static int cache_left(void)
{
	struct gomem_cache *c = gomem_cache_create("misuse", 100, NULL);
	void *p[3];

	if (!c || gomem_cache_alloc_bulk(c, GFP_KERNEL, 3, p) != 3)
		return -ENOMEM;
	gomem_cache_destroy(c);
	gomem_cache_free_bulk(c, 3, p);
	return 0;
}

static int cache_gone(void)
{
	struct gomem_cache *c = gomem_cache_create("misuse", 100, NULL);

	if (!c)
		return -ENOMEM;
	gomem_cache_destroy(c);
	return gomem_cache_alloc(c, GFP_KERNEL) ? -EIO : 0;
}

/* What an RCU reader may look at is cleared or moved. */
static int cache_keeps(bool sensitive)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = true };
	struct gomem_cache *c = gomem_cache_create("misuse", 100, &args);
	void *p = c ? gomem_cache_alloc(c, GFP_KERNEL) : NULL;
	int err = 0;

	if (!p)
		return -ENOMEM;
	if (sensitive)
		gomem_free_sensitive(p);
	else if (gomem_realloc(p, 50, GFP_KERNEL))
		err = -EIO;
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
	return err;
}

static int cache_realloc(void)
{
	return cache_keeps(false);
}

static int cache_sensitive(void)
{
	return cache_keeps(true);
}

static int cache_too_large(void)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = true };

	return gomem_cache_create("misuse", GOMEM_CACHE_MAX_SIZE, &args) ? -EIO : 0;
}

static int leak(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	int i;

	if (!a || !gomem_arena_alloc(a, 100, GFP_KERNEL) ||
	    !gomem_arena_alloc(a, SZ_64K, GFP_KERNEL))
		return -ENOMEM;

	for (i = 0; i < 3; i++)
		if (!gomem_alloc(48, GFP_KERNEL) || !gomem_strdup("tiny", GFP_KERNEL))
			return -ENOMEM;
	if (!gomem_scratch_get(1, GFP_KERNEL))
		return -ENOMEM;
	return gomem_alloc(100000, GFP_KERNEL) ? 0 : -ENOMEM;
}

/* No misuse: who wants to know what an address is, may be told. */
static int dump_live(void)
{
	u8 *p = gomem_alloc(96, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_dump_obj(p + 5);
	gomem_free(p);
	return 0;
}

static int dump_kmalloc(void)
{
	void *p = kmalloc(100, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_dump_obj(p);
	kfree(p);
	return 0;
}

#define CASE(fn) { #fn, fn }

static const struct {
	const char *name;
	int (*fn)(void);
} cases[] = {
	CASE(double_free_small),
	CASE(double_free_noscan),
	CASE(double_free_tiny),
	CASE(double_free_tiny_block),
	CASE(double_free_large),
	CASE(double_free_in_span),
	CASE(interior_small),
	CASE(interior_unaligned),
	CASE(interior_large),
	CASE(interior_far),
	CASE(interior_tiny),
	CASE(interior_tiny_end),
	CASE(foreign_kmalloc),
	CASE(foreign_vmalloc),
	CASE(foreign_static),
	CASE(foreign_stack),
	CASE(foreign_user),
	CASE(foreign_wild),
	CASE(foreign_cache),
	CASE(foreign_kmalloc_large),
	CASE(foreign_page),
	CASE(foreign_percpu),
	CASE(foreign_error),
	CASE(foreign_text),
	CASE(foreign_kernel),
	CASE(foreign_hole),
	CASE(foreign_null_member),
	CASE(realloc_kmalloc),
	CASE(usable_kmalloc),
	CASE(sensitive_kmalloc),
	CASE(scratch_put_kmalloc),
	CASE(write_after_free),
	CASE(double_free_written),
	CASE(gfp_dma),
	CASE(gfp_dma32_large),
	CASE(gfp_highmem_noscan),
	CASE(overflow_array),
	CASE(overflow_calloc),
	CASE(overflow_quiet),
	CASE(too_large),
	CASE(too_large_huge),
	CASE(too_large_quiet),
	CASE(bad_node),
	CASE(bad_node_negative),
	CASE(realloc_foreign),
	CASE(realloc_free),
	CASE(usable_free),
	CASE(usable_interior),
	CASE(sensitive_twice),
	CASE(rcu_twice),
	CASE(rcu_free),
	CASE(rcu_interior),
	CASE(rcu_foreign),
	CASE(rcu_mightsleep_foreign),
	CASE(bulk_foreign),
	CASE(bulk_interior),
	CASE(bulk_gfp),
	CASE(devm_not_its),
	CASE(devm_gfp),
	CASE(scratch_double_put),
	CASE(scratch_free),
	CASE(scratch_free_sensitive),
	CASE(scratch_realloc),
	CASE(scratch_interior),
	CASE(scratch_put_object),
	CASE(scratch_put_foreign),
	CASE(scratch_order),
	CASE(scratch_gfp),
	CASE(arena_free),
	CASE(arena_free_sensitive),
	CASE(arena_realloc),
	CASE(arena_usable),
	CASE(arena_put),
	CASE(arena_destroy_object),
	CASE(arena_double_destroy),
	CASE(arena_alloc_destroyed),
	CASE(arena_foreign),
	CASE(arena_gfp),
	CASE(arena_too_large),
	CASE(arena_write_destroyed),
	CASE(kfree_object),
	CASE(kfree_often),
	CASE(kfree_storm),
	CASE(kfree_leak),
	CASE(kfree_cache),
	CASE(page_kept),
	CASE(page_put),
	CASE(none),
	CASE(cache_left),
	CASE(cache_gone),
	CASE(cache_realloc),
	CASE(cache_sensitive),
	CASE(cache_too_large),
	CASE(leak),
	CASE(dump_live),
	CASE(dump_kmalloc),
};

static int do_case(const char *name)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!sysfs_streq(name, cases[i].name))
			continue;
		err = cases[i].fn();
		pr_info("%s: %d\n", cases[i].name, err);
		return err;
	}
	pr_err("there is no case \"%s\"\n", name);
	return -EINVAL;
}

static char *first = "";
static bool loaded;

/* Parameters are written one at a time, and before the module starts, too. */
static int set_case(const char *name, const struct kernel_param *kp)
{
	return loaded ? do_case(name) : param_set_charp(name, kp);
}

static const struct kernel_param_ops case_ops = {
	.set = set_case,
	.free = param_free_charp,
};

module_param_cb(case, &case_ops, &first, 0200);
MODULE_PARM_DESC(case, "What to do wrong");

static int __init gomem_misuse_init(void)
{
	int err = do_case(first);

	loaded = !err;
	return err;
}

static void __exit gomem_misuse_exit(void)
{
	put_kept();
}

module_init(gomem_misuse_init);
module_exit(gomem_misuse_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: do one thing wrong");
MODULE_LICENSE("GPL");
