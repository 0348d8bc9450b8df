// SPDX-License-Identifier: GPL-2.0
/*
 * leaks.c - count and report the objects that are live when gomem is unloaded.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <linux/printk.h>
#include <linux/sizes.h>

#include "base/sizeclass.h"
#include "map/describe.h"
#include "map/report.h"
#include "cpu/node.h"
#include "api/kfrees.h"
#include "api/tiny.h"
#include "run/leaks.h"

/* Live objects by size class. All large objects are in class 0. */
struct leak_census {
	unsigned long objects[GOMEM_NR_CLASSES];
	unsigned long bytes[GOMEM_NR_CLASSES];
	unsigned long kfreed[GOMEM_NR_CLASSES];
	unsigned long tiny_objects;
	unsigned long pages;
};

static void count_leaks(struct gomem_span *s, void *arg)
{
	unsigned int class = gomem_spc_class(s->spc);
	struct leak_census *census = arg;
	unsigned long news;

	census->pages += s->npages;
	/*
	 * gomem_arena_exit() and gomem_cache_exit() have reported the arenas
	 * and typed caches that are left.
	 */
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA || (!class && s->divmul))
		return;
	if (class == GOMEM_TINY_CLASS)
		census->tiny_objects += gomem_tiny_census(s);
	census->kfreed[class] += gomem_kfrees_of_span(s, &news);
	gomem_count_misuses(GOMEM_KFREE, news);
	census->objects[class] += s->alloc_count;
	census->bytes[class] += (unsigned long)s->alloc_count * s->elemsize;
}

/*
 * Print a line about the leaked objects of a size class. Return their number.
 */
static unsigned long report_leaked_class(const struct leak_census *census,
					 unsigned int class)
{
	unsigned long n = census->objects[class];
	char by_kernel[GOMEM_KFREED_MAX];

	gomem_describe_kfreed(census->kfreed[class], by_kernel,
			      sizeof(by_kernel));
	if (class == GOMEM_TINY_CLASS) {
		pr_warn("leaked: %lu tiny objects in %lu shared blocks of %u bytes%s\n",
			census->tiny_objects, n, gomem_class_size(class),
			by_kernel);
		return census->tiny_objects;
	}
	if (class)
		pr_warn("leaked: %lu %ss of %u bytes%s\n", n,
			gomem_object_word(class), gomem_class_size(class),
			by_kernel);
	else
		pr_warn("leaked: %lu large objects, %lu bytes%s\n", n,
			census->bytes[class], by_kernel);
	return n;
}

/* Print why objects may be live although a module tried to free them. */
static void report_leak_causes(unsigned long kfreed)
{
	u64 written = gomem_misuse_count(GOMEM_WRITE_AFTER_FREE);

	if (written)
		pr_warn("leaked: up to %llu of these objects were freed, but written to while free, so gomem kept them: see its earlier reports\n",
			written);
	if (kfreed)
		pr_warn("leaked: kfree() and put_page() cannot free gomem's memory: see \"What the kernel frees\" in Documentation/override.rst. To find the callers, load gomem with kfree_probe=1\n");
	else if (gomem_kfrees_hidden())
		pr_warn("leaked: perhaps kfree() was called for some, which cannot free gomem's memory and leaves no trace on this kernel. To find the callers, load gomem with kfree_probe=1\n");
}

/**
 * gomem_leaks_report - report the objects that were never freed
 *
 * Context: process context, as the module exits. All slots and transfer caches
 * are empty, and all spans are swept.
 * Return: the number of gomem pages in live spans, including those of arenas
 * and typed caches.
 */
unsigned long gomem_leaks_report(void)
{
	unsigned long objects = 0, bytes = 0, kfreed = 0;
	static struct leak_census census;
	struct gomem_heap *h;
	unsigned int i;

	for_each_gomem_heap(h)
		gomem_heap_walk_spans(h, count_leaks, &census);
	for (i = 0; i < GOMEM_NR_CLASSES; i++) {
		if (!census.objects[i])
			continue;
		objects += report_leaked_class(&census, i);
		bytes += census.bytes[i];
		kfreed += census.kfreed[i];
	}
	if (!objects)
		return census.pages;
	report_leak_causes(kfreed);
	pr_warn("leaked in all: %lu objects, %lu bytes: the %lu KiB of their pages are lost until the next boot\n",
		objects, bytes, census.pages * (GOMEM_PAGE_SIZE / SZ_1K));
	return census.pages;
}
