// SPDX-License-Identifier: GPL-2.0
/*
 * wc_mem.c - allocate and free all memory of the client, with gomem or with
 * kmalloc(), and count it.
 *
 * Other clients need neither the table of allocators nor the counters below:
 * they call gomem_alloc() and gomem_free() as they would call kmalloc() and
 * kfree().
 */
#define pr_fmt(fmt) "wordcount: " fmt

#include <linux/gomem.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "wordcount.h"

/**
 * struct wc_allocator - an allocator
 * @name: its name in the parameter "allocator"
 * @alloc: allocate memory for anything
 * @alloc_text: allocate memory that will hold no pointers
 * @realloc: resize memory
 * @strdup: copy a string
 * @free: free memory
 * @held: return the usable bytes of an object of @size. The result does not
 *	change during the life of the object, so that tally.held, summed over
 *	all CPUs, is 0 again after all objects are freed
 */
struct wc_allocator {
	const char *name;
	void *(*alloc)(size_t size, gfp_t gfp);
	void *(*alloc_text)(size_t size, gfp_t gfp);
	void *(*realloc)(const void *p, size_t size, gfp_t gfp);
	char *(*strdup)(const char *s, gfp_t gfp);
	void (*free)(const void *p);
	size_t (*held)(const void *p, size_t size);
};

static void *go_alloc(size_t size, gfp_t gfp)
{
	return gomem_alloc(size, gfp);
}

static void *go_alloc_text(size_t size, gfp_t gfp)
{
	return gomem_alloc_noscan(size, gfp);
}

static void *k_alloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp);
}

static void *k_realloc(const void *p, size_t size, gfp_t gfp)
{
	return krealloc(p, size, gfp);
}

static char *k_strdup(const char *s, gfp_t gfp)
{
	return kstrdup(s, gfp);
}

static void k_free(const void *p)
{
	kfree(p);
}

/*
 * An object of less than 16 bytes may share a block, and its usable size grows
 * when the next object in the block is freed. So count the size that the object
 * has if it shares no block: 8 or 16 bytes.
 */
static size_t go_held(const void *p, size_t size)
{
	return size < 16 ? round_up(size, 8) : gomem_usable_size(p);
}

static size_t k_held(const void *p, size_t size)
{
	return ksize(p);
}

static const struct wc_allocator allocators[] = {
	{
		.name		= "gomem",
		.alloc		= go_alloc,
		.alloc_text	= go_alloc_text,
		.realloc	= gomem_realloc,
		.strdup		= gomem_strdup,
		.free		= gomem_free,
		.held		= go_held,
	},
	{
		.name		= "kmalloc",
		.alloc		= k_alloc,
		.alloc_text	= k_alloc,
		.realloc	= k_realloc,
		.strdup		= k_strdup,
		.free		= k_free,
		.held		= k_held,
	},
};

/* Set before the first allocation, and constant afterwards. */
static const struct wc_allocator *allocator;

int wc_mem_select(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		if (!strcmp(name, allocators[i].name)) {
			allocator = &allocators[i];
			return 0;
		}
	}
	pr_err("allocator=%s: must be gomem or kmalloc\n", name);
	return -EINVAL;
}

const char *wc_mem_name(void)
{
	return allocator->name;
}

/*
 * The counters of one CPU may be negative, since an object may be freed on
 * another CPU than it was allocated on. Only the sum of all CPUs is meaningful.
 */
static DEFINE_PER_CPU(struct wc_tally, tally);

static void *count_alloc(void *p, size_t size)
{
	if (!p)
		return NULL;
	this_cpu_inc(tally.allocs);
	this_cpu_add(tally.requested, size);
	this_cpu_add(tally.held, allocator->held(p, size));
	return p;
}

static void count_free(const void *p, size_t size)
{
	this_cpu_inc(tally.frees);
	this_cpu_sub(tally.requested, size);
	this_cpu_sub(tally.held, allocator->held(p, size));
}

void wc_mem_tally(struct wc_tally *sum)
{
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct wc_tally *t = per_cpu_ptr(&tally, cpu);

		sum->allocs += READ_ONCE(t->allocs);
		sum->frees += READ_ONCE(t->frees);
		sum->requested += READ_ONCE(t->requested);
		sum->held += READ_ONCE(t->held);
	}
}

void *wc_alloc(size_t size)
{
	return count_alloc(allocator->alloc(size, GFP_KERNEL), size);
}

void *wc_zalloc(size_t size)
{
	return count_alloc(allocator->alloc(size, GFP_KERNEL | __GFP_ZERO),
			   size);
}

/*
 * Allocate memory that will hold no pointers, so that kmemleak need not scan
 * it.
 */
void *wc_alloc_text(size_t size)
{
	return count_alloc(allocator->alloc_text(size, GFP_KERNEL), size);
}

/*
 * Resize @p, which may be NULL. On failure @p is unchanged and still belongs to
 * the caller.
 */
void *wc_realloc(void *p, size_t old_size, size_t new_size, gfp_t gfp)
{
	size_t old_held = p ? allocator->held(p, old_size) : 0;
	void *new = allocator->realloc(p, new_size, gfp);

	if (!new)
		return NULL;
	if (!p)
		return count_alloc(new, new_size);
	this_cpu_add(tally.requested, new_size - old_size);
	this_cpu_add(tally.held, allocator->held(new, new_size) - old_held);
	return new;
}

char *wc_strdup(const char *s, size_t len)
{
	return count_alloc(allocator->strdup(s, GFP_KERNEL), len + 1);
}

void wc_free(const void *p, size_t size)
{
	if (!p)
		return;
	count_free(p, size);
	allocator->free(p);
}
