// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - the text of every report.
 *
 * One event, one line that says what happened to which object and who did it,
 * and the stack that led there. A bug in a loop must not drown the log: each
 * kind is limited in rate. Its counter is not.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "cache.h"
#include "describe.h"
#include "kfrees.h"
#include "node.h"
#include "report.h"
#include "sizeclass.h"
#include "tiny.h"

/* Turn off where a misbehaving client is known and the stacks only get in the way. */
static bool report_stacks __read_mostly = true;
module_param(report_stacks, bool, 0644);
MODULE_PARM_DESC(report_stacks, "Print the stack with each report of misuse (default Y)");

#define REPORT_INTERVAL	(5 * HZ)
#define REPORT_BURST	10

static atomic64_t misuses[GOMEM_NR_MISUSES];
static struct ratelimit_state limits[GOMEM_NR_MISUSES] = {
	[0 ... GOMEM_NR_MISUSES - 1] =
		RATELIMIT_STATE_INIT("gomem", REPORT_INTERVAL, REPORT_BURST),
};

const char * const gomem_misuse_names[GOMEM_NR_MISUSES] = {
	[GOMEM_DOUBLE_FREE]		= "double_frees_detected",
	[GOMEM_INTERIOR_POINTER]	= "interior_pointers_detected",
	[GOMEM_FOREIGN_POINTER]		= "foreign_pointers_detected",
	[GOMEM_WRITE_AFTER_FREE]	= "writes_after_free_detected",
	[GOMEM_USE_AFTER_FREE]		= "uses_after_free_detected",
	[GOMEM_SIZE_OVERFLOW]		= "size_overflows_refused",
	[GOMEM_SIZE_TOO_LARGE]		= "too_large_refused",
	[GOMEM_BAD_GFP]			= "bad_gfp_refused",
	[GOMEM_BAD_NODE]		= "bad_node_refused",
	[GOMEM_BAD_ORDER]		= "bad_order_refused",
	[GOMEM_WRONG_FUNCTION]		= "wrong_functions_detected",
	[GOMEM_BAD_ARENA]		= "bad_arenas_detected",
	[GOMEM_ARENA_WRITE]		= "arena_writes_after_destroy_detected",
	[GOMEM_BAD_CACHE]		= "bad_caches_detected",
	[GOMEM_BAD_CACHE_ARGS]		= "bad_cache_args_refused",
	[GOMEM_CACHE_LEFT]		= "caches_destroyed_in_use",
	[GOMEM_IN_NMI]			= "nmi_refused",
	[GOMEM_KFREE]			= "kfrees_detected",
	[GOMEM_BAD_USERCOPY]		= "bad_usercopies_detected",
};
EXPORT_SYMBOL_IF_KUNIT(gomem_misuse_names);

/**
 * gomem_misuse_count - how often something was reported or would have been
 * @what: kind of misuse
 *
 * Return: the count, those that were not printed included.
 */
u64 gomem_misuse_count(enum gomem_misuse what)
{
	return atomic64_read(&misuses[what]);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_misuse_count);

/**
 * gomem_count_misuses - count what another report tells of
 * @what: kind of misuse
 * @n: how many there were
 */
void gomem_count_misuses(enum gomem_misuse what, unsigned long n)
{
	atomic64_add(n, &misuses[what]);
}

/* Count, and tell whether to print. */
static bool report_begin(enum gomem_misuse what)
{
	atomic64_inc(&misuses[what]);
	return __ratelimit(&limits[what]);
}

/* An allocation that was to be quiet about failing is counted all the same. */
static bool report_request_begin(enum gomem_misuse what, gfp_t gfp)
{
	if (!(gfp & __GFP_NOWARN))
		return report_begin(what);
	atomic64_inc(&misuses[what]);
	return false;
}

static void report_end(void)
{
	if (report_stacks)
		dump_stack();
}

/* The kernel can tell of which cache a slab object is, and who allocated it. */
static void describe_slab(const void *p)
{
	if (!gomem_is_kernel_slab(p))
		return;
	pr_err("that is");
	mem_dump_obj((void *)p);
}

static const char *pointer_text(enum gomem_misuse what)
{
	switch (what) {
	case GOMEM_DOUBLE_FREE:
		return "double free";
	case GOMEM_INTERIOR_POINTER:
		return "pointer is not the start of an object";
	case GOMEM_WRITE_AFTER_FREE:
		return "object was written to while it was free, found when allocated, and is lost";
	case GOMEM_USE_AFTER_FREE:
		return "object is free";
	default:
		return "pointer to no live object";
	}
}

/**
 * gomem_report_pointer - a bad pointer was passed in
 * @what: what is bad about it
 * @p: the pointer
 * @caller: who passed it
 *
 * Context: any, but not with a lock of the heap held.
 */
void gomem_report_pointer(enum gomem_misuse what, const void *p, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!report_begin(what))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("%s: %p (%s), by %pS\n", pointer_text(what), p, buf, (void *)caller);
	describe_slab(p);
	report_end();
}

/**
 * gomem_report_no_object - a pointer was passed in that lies in no span
 * @if_ours: what is bad about it if its page is the heap's: there was a span once
 * @p: the pointer
 * @caller: who passed it
 */
void gomem_report_no_object(enum gomem_misuse if_ours, const void *p, unsigned long caller)
{
	bool ours = gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p);

	gomem_report_pointer(ours ? if_ours : GOMEM_FOREIGN_POINTER, p, caller);
}

/**
 * gomem_report_owner - memory was passed to a function that does not own it
 * @p: the pointer, into a live span
 * @caller: who passed it
 */
void gomem_report_owner(const void *p, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];
	struct gomem_span *s;

	if (!report_begin(GOMEM_WRONG_FUNCTION))
		return;
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	pr_err("wrong function, %s owns this: %p (%s), by %pS\n", gomem_owner_of(s), p, buf,
	       (void *)caller);
	rcu_read_unlock();
	report_end();
}

/**
 * gomem_report_keeps - a function was called that would clear or move what has to stay
 * @p: an object with a constructor, or one that is typesafe under RCU
 * @caller: who called it
 */
void gomem_report_keeps(const void *p, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!report_begin(GOMEM_WRONG_FUNCTION))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("wrong function, it would change what the cache's constructor or RCU readers rely on: %p (%s), by %pS\n",
	       p, buf, (void *)caller);
	report_end();
}

/**
 * gomem_report_broken_list - the list of objects that waited for RCU ends amidst
 * @head: where it led to, which is no waiting object's head
 * @lost: how many objects should have followed; they are leaked
 *
 * One of those before or this one was freed, or written to, while it waited. Who did it
 * is not known any more.
 */
void gomem_report_broken_list(const void *head, unsigned long lost)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!report_begin(GOMEM_WRITE_AFTER_FREE))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)head, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("object was freed or written to while it waited for RCU: %p (%s), %lu objects are lost\n",
	       head, buf, lost);
}

/**
 * gomem_report_late_double_free - objects were freed twice some time ago
 * @kind: what they are
 * @n: how many
 *
 * They got past gomem_free() because their key was overwritten in between, and
 * were caught on their way back to their span. Who did it is not known any more.
 */
void gomem_report_late_double_free(const struct gomem_kind *kind, unsigned int n)
{
	atomic64_add(n - 1, &misuses[GOMEM_DOUBLE_FREE]);
	if (!report_begin(GOMEM_DOUBLE_FREE))
		return;
	pr_err("double free of %u %s%s of %u bytes, found late: written to between the frees\n",
	       n, gomem_object_word(gomem_spc_class(kind->spc)), n == 1 ? "" : "s", kind->size);
}

/**
 * gomem_report_request - an allocation was refused for what it asked
 * @what: what is wrong
 * @size: the size
 * @gfp: the gfp
 * @caller: who asked
 */
void gomem_report_request(enum gomem_misuse what, size_t size, gfp_t gfp, unsigned long caller)
{
	if (!report_request_begin(what, what == GOMEM_BAD_GFP ? 0 : gfp))
		return;
	if (what == GOMEM_SIZE_TOO_LARGE)
		pr_err("allocation of %zu bytes refused: the limit is %lu, by %pS\n", size,
		       GOMEM_MAX_SIZE, (void *)caller);
	else
		pr_err("allocation of %zu bytes refused: gfp %#x (%pGg) asks for a zone, by %pS\n",
		       size, (__force unsigned int)gfp, &gfp, (void *)caller);
	report_end();
}

/**
 * gomem_report_overflow - the size of an array overflows
 * @n: number of elements
 * @size: bytes of one
 * @gfp: the gfp
 * @caller: who asked
 */
void gomem_report_overflow(size_t n, size_t size, gfp_t gfp, unsigned long caller)
{
	if (!report_request_begin(GOMEM_SIZE_OVERFLOW, gfp))
		return;
	pr_err("allocation of %zu times %zu bytes refused: the product overflows, by %pS\n", n,
	       size, (void *)caller);
	report_end();
}

/**
 * gomem_report_node - an allocation asked for a node that there is not
 * @node: the node id
 * @caller: who asked
 */
void gomem_report_node(int node, unsigned long caller)
{
	if (!report_begin(GOMEM_BAD_NODE))
		return;
	pr_err("allocation refused: there is no node %d, by %pS\n", node, (void *)caller);
	report_end();
}

/**
 * gomem_report_order - a scratch buffer was asked for that is too large
 * @order: the order
 * @caller: who asked
 */
void gomem_report_order(unsigned int order, unsigned long caller)
{
	if (!report_begin(GOMEM_BAD_ORDER))
		return;
	pr_err("scratch buffer of order %u refused: the limit is %u, by %pS\n", order,
	       GOMEM_SCRATCH_MAX_ORDER, (void *)caller);
	report_end();
}

/**
 * gomem_report_arena - a handle is no live arena's
 * @arena: the handle
 * @destroyed: it was one
 * @caller: who passed it
 */
void gomem_report_arena(const void *arena, bool destroyed, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!report_begin(GOMEM_BAD_ARENA))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)arena, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("%s: %p (%s), by %pS\n", destroyed ? "arena was destroyed already" : "no arena",
	       arena, buf, (void *)caller);
	report_end();
}

/**
 * gomem_report_arena_write - an arena was written to after it was destroyed
 * @s: a span of it
 * @first: the first byte that was written to
 * @bytes: from there to the last one
 *
 * Who wrote is not known; who destroyed it is.
 */
void gomem_report_arena_write(const struct gomem_span *s, const void *first, size_t bytes)
{
	if (!report_begin(GOMEM_ARENA_WRITE))
		return;
	pr_err("arena was written to after it was destroyed: %p (%u-byte block, %zu bytes from + %lu), destroyed by %pS\n",
	       first, s->elemsize, bytes, (unsigned long)first - s->base,
	       (void *)s->destroyed_by);
}

/* More are counted, but not named. */
#define LEAKED_ARENAS_NAMED	10

/**
 * gomem_report_leaked_arena - an arena was never destroyed
 * @arena: its handle
 * @bytes: of its spans
 *
 * Context: process context, as the module exits.
 */
void gomem_report_leaked_arena(const void *arena, unsigned long bytes)
{
	static unsigned int named;

	if (named++ < LEAKED_ARENAS_NAMED)
		pr_warn("leaked: arena %p, %lu bytes, never destroyed\n", arena, bytes);
}

/**
 * gomem_report_leaked_arenas - how many there were
 * @n: arenas
 * @bytes: of the spans of all of them
 */
void gomem_report_leaked_arenas(unsigned long n, unsigned long bytes)
{
	pr_warn("leaked in all: %lu arenas, %lu bytes: lost until the next boot\n", n, bytes);
}

/**
 * gomem_report_cache - a pointer is no live typed cache
 * @cache: the pointer
 * @caller: who passed it
 */
void gomem_report_cache(const void *cache, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!report_begin(GOMEM_BAD_CACHE))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)cache, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("no cache, or destroyed already: %p (%s), by %pS\n", cache, buf, (void *)caller);
	report_end();
}

/**
 * gomem_report_cache_args - a typed cache was asked for that cannot be
 * @name: its name
 * @size: bytes of an object
 * @align: their alignment
 * @caller: who asked
 */
void gomem_report_cache_args(const char *name, unsigned int size, unsigned int align,
			     unsigned long caller)
{
	if (!report_begin(GOMEM_BAD_CACHE_ARGS))
		return;
	pr_err("cache %s refused: %u bytes aligned to %u, with 8 more for a constructor or RCU, are none or over %lu, or the part for user space is no part, by %pS\n",
	       name && *name ? name : "without a name", size, align, GOMEM_CACHE_MAX_SIZE,
	       (void *)caller);
	report_end();
}

/* Room for what describe_kfreed() says. */
#define KFREED_MAX	80

/* Of objects that were never freed: the kernel's kfree() was called for some of them. */
static void describe_kfreed(unsigned long n, char *buf, size_t len)
{
	buf[0] = '\0';
	if (n)
		snprintf(buf, len, ", %lu of them freed with the kernel's kfree() or put_page()",
			 n);
}

/**
 * gomem_report_cache_left - a typed cache was destroyed before its objects
 * @c: the cache
 * @objects: how many
 * @pages: gomem pages that they lie in
 * @kfreed: how many of them were freed with kfree(), as far as that left a trace
 * @caller: who destroyed it; 0 if that is the module's exit
 */
void gomem_report_cache_left(const struct gomem_cache *c, unsigned long objects,
			     unsigned long pages, unsigned long kfreed, unsigned long caller)
{
	unsigned long kib = pages * (GOMEM_PAGE_SIZE / SZ_1K);
	char by_kernel[KFREED_MAX];

	if (!report_begin(GOMEM_CACHE_LEFT))
		return;
	describe_kfreed(kfreed, by_kernel, sizeof(by_kernel));
	if (!caller) {
		pr_err("cache %s: %lu objects of %u bytes were never freed%s: %lu KiB are lost until the next boot\n",
		       c->name, objects, c->object_size, by_kernel, kib);
		return;
	}
	pr_err("cache %s: %lu objects of %u bytes were never freed%s: %lu KiB are lost until they are, destroyed by %pS\n",
	       c->name, objects, c->object_size, by_kernel, kib, (void *)caller);
	report_end();
}

/**
 * gomem_report_leaked_cache - a typed cache was never destroyed
 * @c: the cache
 */
void gomem_report_leaked_cache(const struct gomem_cache *c)
{
	pr_warn("leaked: cache %s, never destroyed\n", c->name);
}

/**
 * gomem_report_nmi - gomem was called in an NMI
 * @caller: by whom
 */
void gomem_report_nmi(unsigned long caller)
{
	if (!report_begin(GOMEM_IN_NMI))
		return;
	pr_err("call refused: in an NMI, by %pS\n", (void *)caller);
	report_end();
}

/**
 * gomem_report_kfree - somebody dropped references of a page that are ours
 * @page: where the page is; it does not go back to the kernel
 * @n: how many
 *
 * Found when the page was to go back: who did it, and with which object, is not known
 * any more.
 */
void gomem_report_kfree(const void *page, unsigned int n)
{
	atomic64_add(n - 1, &misuses[GOMEM_KFREE]);
	if (!report_begin(GOMEM_KFREE))
		return;
	pr_err("gomem's memory was freed %u time%s with kfree() or put_page(), found late: %lu bytes at %p are lost until the next boot\n",
	       n, n == 1 ? "" : "s", PAGE_SIZE, page);
}

/**
 * gomem_report_kfrees - objects were freed with kfree() and stay allocated
 * @class: their size class; 0: they are large, or of typed caches
 * @n: how many
 *
 * Found in the pages of live spans: who did it is not known any more.
 */
void gomem_report_kfrees(unsigned int class, unsigned long n)
{
	gomem_count_misuses(GOMEM_KFREE, n - 1);
	if (!report_begin(GOMEM_KFREE))
		return;
	if (class)
		pr_err("%lu %s%s of %u bytes freed with the kernel's kfree() or put_page(), lost until the next boot: see \"What the kernel frees\" in Documentation/override.rst\n",
		       n, gomem_object_word(class), n == 1 ? "" : "s", gomem_class_size(class));
	else
		pr_err("%lu large objects, or objects of typed caches, freed with the kernel's kfree() or put_page(), lost until the next boot: see \"What the kernel frees\" in Documentation/override.rst\n",
		       n);
}

/**
 * gomem_report_probed_kfree - kfree() was called with memory of gomem's
 * @p: the memory
 * @caller: who called
 *
 * Context: any that kfree() may be called in.
 */
void gomem_report_probed_kfree(const void *p, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!report_begin(GOMEM_KFREE))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("the kernel's kfree() cannot free this: %p (%s), by %pS\n", p, buf,
	       (void *)caller);
	report_end();
}

/* Which part of a typed cache's objects user space may see, if that is not all of them. */
static void describe_window(unsigned long addr, char *buf, size_t len)
{
	const struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);
	const struct gomem_cache *c = s ? READ_ONCE(s->kind)->cache : NULL;

	buf[0] = '\0';
	if (c && c->usersize)
		snprintf(buf, len, "; the cache is for %u bytes from + %u", c->usersize,
			 c->useroffset);
	else if (c)
		strscpy(buf, "; the cache was created without a part for user space", len);
}

/**
 * gomem_report_usercopy - a copy to or from user space leaves its object
 * @p: the first byte, in a page of the heap
 * @n: the length of the copy
 * @left: the largest length that would be right; 0: none
 * @to_user: the direction
 * @caller: who copies
 *
 * Context: any.
 */
void gomem_report_usercopy(const void *p, size_t n, size_t left, bool to_user,
			   unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX], window[64], right[64];

	if (!report_begin(GOMEM_BAD_USERCOPY))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	describe_window((unsigned long)p, window, sizeof(window));
	rcu_read_unlock();
	if (left)
		snprintf(right, sizeof(right), "no more than %zu are allowed there", left);
	else
		strscpy(right, "nothing is allowed there, or it is free", sizeof(right));
	pr_err("copy of %zu bytes %s user space: %s: %p (%s%s), by %pS\n", n,
	       to_user ? "to" : "from", right, p, buf, window, (void *)caller);
	report_end();
}

/* Live objects by size; large ones together. */
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
	/* Arenas and typed caches have been told of. */
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA || (!class && s->divmul))
		return;
	if (class == GOMEM_TINY_CLASS)
		census->tiny_objects += gomem_tiny_census(s);
	census->kfreed[class] += gomem_kfrees_of_span(s, &news);
	gomem_count_misuses(GOMEM_KFREE, news);
	census->objects[class] += s->alloc_count;
	census->bytes[class] += (unsigned long)s->alloc_count * s->elemsize;
}

/* One line for the objects of a size. Returns how many. */
static unsigned long report_leaked_class(const struct leak_census *census, unsigned int class)
{
	unsigned long n = census->objects[class];
	char by_kernel[KFREED_MAX];

	describe_kfreed(census->kfreed[class], by_kernel, sizeof(by_kernel));
	if (class == GOMEM_TINY_CLASS) {
		pr_warn("leaked: %lu objects in %lu blocks of %u bytes that they share%s\n",
			census->tiny_objects, n, gomem_class_size(class), by_kernel);
		return census->tiny_objects;
	}
	if (class)
		pr_warn("leaked: %lu %ss of %u bytes%s\n", n, gomem_object_word(class),
			gomem_class_size(class), by_kernel);
	else
		pr_warn("leaked: %lu large objects, %lu bytes%s\n", n, census->bytes[class],
			by_kernel);
	return n;
}

/* What else may have happened to the objects than that nobody freed them. */
static void report_leak_causes(unsigned long kfreed)
{
	u64 written = gomem_misuse_count(GOMEM_WRITE_AFTER_FREE);

	if (written)
		pr_warn("leaked: %llu of them perhaps set aside by gomem, written to while free\n",
			written);
	if (kfreed)
		pr_warn("leaked: what the kernel frees must be the kernel's, see \"What the kernel frees\" in Documentation/override.rst; kfree_probe=1 names who frees it\n");
	else if (gomem_kfrees_hidden())
		pr_warn("leaked: perhaps freed with the kernel's kfree(), which leaves no trace on this kernel; kfree_probe=1 names who frees it\n");
}

/**
 * gomem_report_leaks - tell which objects were never freed
 *
 * Context: process context, as the module exits; all caches are empty, all spans
 * swept.
 * Return: how many gomem pages they lie in.
 */
unsigned long gomem_report_leaks(void)
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
	pr_warn("leaked in all: %lu objects, %lu bytes: the %lu KiB that they lie in are lost until the next boot\n",
		objects, bytes, census.pages * (GOMEM_PAGE_SIZE / SZ_1K));
	return census.pages;
}
