// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse.c - do one thing wrong, so that a test can look at the report.
 *
 * Loading with case=NAME misuses gomem in that way, once, and checks that the
 * call had no effect on the objects around. What gomem counted and printed is for
 * the script to compare (tests/kselftest/misuse.sh).
 */
#define pr_fmt(fmt) "gomem_misuse: " fmt

#include <linux/gomem.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

static char *name = "";
module_param_named(case, name, charp, 0444);
MODULE_PARM_DESC(case, "What to do wrong");

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
	gomem_free((void *)~0xffUL);
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
static int leak(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	int i;

	if (!a || !gomem_arena_alloc(a, 100, GFP_KERNEL) ||
	    !gomem_arena_alloc(a, SZ_64K, GFP_KERNEL))
		return -ENOMEM;

	for (i = 0; i < 3; i++)
		if (!gomem_alloc(48, GFP_KERNEL))
			return -ENOMEM;
	if (!gomem_scratch_get(1, GFP_KERNEL))
		return -ENOMEM;
	return gomem_alloc(100000, GFP_KERNEL) ? 0 : -ENOMEM;
}

#define CASE(fn) { #fn, fn }

static const struct {
	const char *name;
	int (*fn)(void);
} cases[] = {
	CASE(double_free_small),
	CASE(double_free_noscan),
	CASE(double_free_large),
	CASE(double_free_in_span),
	CASE(interior_small),
	CASE(interior_unaligned),
	CASE(interior_large),
	CASE(interior_far),
	CASE(foreign_kmalloc),
	CASE(foreign_vmalloc),
	CASE(foreign_static),
	CASE(foreign_stack),
	CASE(foreign_user),
	CASE(foreign_wild),
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
	CASE(none),
	CASE(leak),
};

static int __init gomem_misuse_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(name, cases[i].name))
			continue;
		err = cases[i].fn();
		pr_info("%s: %d\n", name, err);
		return err;
	}
	pr_err("there is no case \"%s\"\n", name);
	return -EINVAL;
}

static void __exit gomem_misuse_exit(void)
{
}

module_init(gomem_misuse_init);
module_exit(gomem_misuse_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: do one thing wrong");
MODULE_LICENSE("GPL");
