// SPDX-License-Identifier: GPL-2.0
/*
 * arena.c - arenas: allocate by advancing a pointer, free all at once.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/poison.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "internal.h"
#include "base/debug.h"
#include "base/sizeclass.h"
#include "base/stats.h"
#include "map/report.h"
#include "map/special.h"
#include "cpu/mcache.h"
#include "api/arena.h"
#include "api/cleanup.h"
#include "api/object.h"
#include "api/watch.h"

/*
 * The first block of an arena is one page long, and each further block is twice
 * as long as the one before, up to 256 KiB. So a small arena takes little
 * memory, and a large arena has few blocks. If the first object of a block
 * needs more pages, the block has as many, rounded up to a power of two. But an
 * object of more than 64 KiB gets a span of its own if it does not fit into the
 * current block. So if the next object does not fit into a block, at most
 * 64 KiB, plus a page for alignment, stay unused.
 */
#define BLOCK_MAX_PAGES		(SZ_256K >> GOMEM_PAGE_SHIFT)
#define IN_BLOCK_MAX_PAGES	(BLOCK_MAX_PAGES / 4)

#define ARENA_MAGIC		0x61726e61206c6976UL

/* Maximum number of bytes in quarantine. */
#define QUARANTINE_MAX		SZ_4M

/**
 * struct gomem_arena - an arena; the struct is itself a gomem object
 * @magic: arena_magic() while the arena is live. gomem_arena_destroy()
 *	overwrites it with the key of a free object
 * @link: in the list of arenas. When gomem is unloaded, it reports the arenas
 *	that are still on this list. Protected by arena_lock, which is taken
 *	anyway to count arenas
 * @spans: all memory of the arena, linked by gomem_span.list
 * @block: current block, the span in which @pos lies; NULL at first
 * @pos: end of the last object of @block. The next object begins here, or after
 *	the bytes that its alignment needs; 0 at first
 * @end: end of the current block
 * @zero: the memory from @pos to @end is known to be zero
 * @pages: gomem pages in @spans
 * @block_pages: gomem pages of the next block
 *
 * Only the arena's user changes the members other than @link, without a lock,
 * until gomem_arena_destroy() claims the arena by its magic.
 */
struct gomem_arena {
	unsigned long magic;
	struct list_head link;
	struct list_head spans;
	struct gomem_span *block;
	unsigned long pos;
	unsigned long end;
	unsigned long pages;
	unsigned int block_pages;
	bool zero;
};

/*
 * Protects the two lists and the two counts below, and the claim of an arena.
 * Taken by gomem_arena_create() and gomem_arena_destroy() on any CPU and in any
 * context but NMI. gomem_arena_flush_quarantine() takes it, for example for the
 * shrinker, and debugfs takes it to read the counts. Interrupts are off. No
 * other lock is taken under it.
 */
static DEFINE_SPINLOCK(arena_lock);
static LIST_HEAD(arenas);
static LIST_HEAD(quarantine);	/* spans, the oldest first */
static unsigned long nr_arenas;
static unsigned long quarantined_pages;

/*
 * Handles of arenas are noscan, so that kmemleak does not follow the members
 * pos and end. These may equal the address of an object that lies right after
 * the block, and would hide a leak of that object. kmemleak does not report
 * blocks as leaks, so it need not find the struct's pointers to them.
 */
static_assert(GOMEM_ARENA_SPC & 1);
static_assert(sizeof(struct gomem_arena) <= GOMEM_HANDLE_SIZE);

/*
 * Return the magic of a live arena. It depends on the arena's address, so that
 * a copy of the struct is not taken for an arena.
 */
static unsigned long arena_magic(const struct gomem_arena *a)
{
	return gomem_objkey(a) ^ ARENA_MAGIC;
}

/*
 * Return true if the arena @obj is live, false if it was destroyed. The caller
 * has found @obj live in the same RCU read-side section, so @obj can be read
 * even if the arena was destroyed since.
 */
static bool is_live(const void *obj)
{
	const struct gomem_arena *a = obj;

	return READ_ONCE(a->magic) == arena_magic(a);
}

/*
 * Return true if @a is a live arena; else report @a and return false. Any
 * pointer is safe to pass: memory is read only if it lies in one of gomem's
 * spans. rcu_read_lock() keeps that memory from going back to the kernel: see
 * gomem_heap_release().
 */
static bool check_handle(const struct gomem_arena *a, unsigned long caller)
{
	bool aligned = IS_ALIGNED((unsigned long)a, sizeof(u64));
	bool readable, destroyed;
	unsigned long magic;

	rcu_read_lock();
	readable = aligned &&
		   gomem_pagemap_span(&gomem_pagemap, (unsigned long)a);
	magic = readable ? READ_ONCE(a->magic) : 0;
	rcu_read_unlock();

	if (likely(readable && magic == arena_magic(a)))
		return true;
	/*
	 * The struct of a destroyed arena is a free object, and contains its
	 * key. If no other object of its span is live, the span may be gone. So
	 * a pointer to a gomem page without a span counts as a destroyed arena.
	 */
	if (readable)
		destroyed = magic == gomem_objkey(a);
	else
		destroyed = aligned &&
			    gomem_pagemap_has_page(&gomem_pagemap,
						   (unsigned long)a);
	gomem_report_arena(a, destroyed, caller);
	return false;
}

struct gomem_arena *gomem_arena_create(gfp_t gfp)
{
	struct gomem_arena *a;
	unsigned long flags;

	if (!gomem_enter_alloc(sizeof(*a), gfp, _RET_IP_))
		return NULL;
	a = gomem_object_alloc_in_span(&gomem_kinds[GOMEM_ARENA_SPC], gfp,
				       _RET_IP_);
	if (!a)
		return NULL;
	INIT_LIST_HEAD(&a->spans);
	a->block = NULL;
	a->pos = 0;
	a->end = 0;
	a->pages = 0;
	a->block_pages = 1;
	a->zero = false;
	a->magic = arena_magic(a);

	spin_lock_irqsave(&arena_lock, flags);
	list_add_tail(&a->link, &arenas);
	nr_arenas++;
	spin_unlock_irqrestore(&arena_lock, flags);
	gomem_count(GOMEM_EV_ARENA_CREATES, 1);
	return a;
}
EXPORT_SYMBOL_NS_GPL(gomem_arena_create, GOMEM_NS);

/* Remove a span's record in the heap profile, and its charge to an account. */
static void forget_record(const struct gomem_span *s)
{
	if (gomem_has_special((void *)s->base))
		gomem_cleanup_run((void *)s->base);
}

static struct gomem_span *add_span(struct gomem_arena *a, unsigned int npages,
				   gfp_t gfp)
{
	struct gomem_span_request req = {
		.npages = npages,
		.kind = &gomem_kinds[0],
		.arena = true,
		.gfp = gfp,
	};
	struct gomem_span *s =
		gomem_heap_alloc_span(gomem_node_heap(NUMA_NO_NODE), &req);

	if (!s)
		return NULL;
	if (unlikely(!gomem_watch((void *)s->base, s->elemsize, gfp))) {
		forget_record(s);
		gomem_heap_free_span(s);
		return NULL;
	}
	list_add_tail(&s->list, &a->spans);
	a->pages += npages;
	/*
	 * With a min_count of 0, kmemleak never reports the block as a leak,
	 * but scans it, since it may hold the only pointer to another object.
	 */
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_alloc((void *)s->base, s->elemsize, 0, gfp);
	return s;
}

/*
 * Return a gfp without direct reclaim and without a warning. It is for a block
 * that is longer than the object needs.
 */
static gfp_t gfp_light(gfp_t gfp)
{
	gfp &= ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL);
	return gfp | __GFP_NOWARN | __GFP_NORETRY;
}

/*
 * Get a span for an object of @size bytes. If the object needs no more than
 * IN_BLOCK_MAX_PAGES, first try to get a block that also has space for later
 * objects. Return NULL if there is not even memory for the object alone, or if
 * gomem_watch() refuses the span.
 */
static struct gomem_span *grow_arena(struct gomem_arena *a, size_t size,
				     gfp_t gfp)
{
	unsigned int need = DIV_ROUND_UP(size, GOMEM_PAGE_SIZE), block;
	struct gomem_span *s = NULL;

	if (need > IN_BLOCK_MAX_PAGES)
		return add_span(a, need, gfp);
	block = max_t(unsigned int, a->block_pages, roundup_pow_of_two(need));
	if (block > need)
		s = add_span(a, block, gfp_light(gfp));
	if (!s)
		s = add_span(a, need, gfp);
	if (s && s->npages == block)
		a->block_pages = min_t(unsigned int, 2 * block,
				       BLOCK_MAX_PAGES);
	return s;
}

/*
 * Take an object from the current block. Return NULL if it does not fit. @size
 * is a multiple of 8, so the next object is aligned to 8 bytes at least. Set
 * @zero to true if the memory of the object is known to be zero, else to false.
 */
static void *take_from_block(struct gomem_arena *a, size_t size, size_t align,
			     bool *zero)
{
	unsigned long obj = ALIGN(a->pos, align);

	if (obj + size > a->end)
		return NULL;
	a->pos = obj + size;
	/*
	 * Other CPUs may read handed_out at the same time: in
	 * gomem_usercopy_allowed(), for the debugfs file whatis, and in a scan.
	 */
	WRITE_ONCE(a->block->handed_out, a->pos - a->block->base);
	*zero = a->zero;
	return (void *)obj;
}

/*
 * Take an object from the start of a new span. The new span becomes the current
 * block if it has more space left than the current block has.
 */
static void *take_grown(struct gomem_arena *a, size_t size, gfp_t gfp,
			bool *zero)
{
	struct gomem_span *s = grow_arena(a, size, gfp);

	if (!s)
		return NULL;
	WRITE_ONCE(s->handed_out, size);
	if (s->elemsize - size > a->end - a->pos) {
		a->block = s;
		a->pos = s->base + size;
		a->end = s->base + s->elemsize;
		a->zero = s->zero;
	}
	*zero = s->zero;
	return (void *)s->base;
}

void *gomem_arena_alloc(struct gomem_arena *a, size_t size, gfp_t gfp)
{
	size_t align = sizeof(u64);
	bool zero;
	void *obj;

	if (unlikely(!check_handle(a, _RET_IP_)))
		return NULL;
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(size > GOMEM_MAX_SIZE)) {
		gomem_report_request(GOMEM_SIZE_TOO_LARGE, size, gfp, _RET_IP_);
		return NULL;
	}
	if (unlikely(!gomem_enter_alloc(size, gfp, _RET_IP_)))
		return NULL;

	if (is_power_of_2(size))
		align = clamp_t(size_t, size, align, GOMEM_PAGE_SIZE);
	size = ALIGN(size, sizeof(u64));
	obj = take_from_block(a, size, align, &zero) ?:
	      take_grown(a, size, gfp, &zero);
	if (unlikely(!obj)) {
		gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
		return NULL;
	}
	gomem_count(GOMEM_EV_ARENA_ALLOCS, 1);
	if (want_init_on_alloc(gfp) && zero)
		gomem_count(GOMEM_EV_ZEROING_SKIPPED, size);
	else if (want_init_on_alloc(gfp))
		memset(obj, 0, size);
	return obj;
}
EXPORT_SYMBOL_NS_GPL(gomem_arena_alloc, GOMEM_NS);

static void release_spans(struct list_head *spans)
{
	struct gomem_span *s, *next;

	list_for_each_entry_safe(s, next, spans, list) {
		list_del_init(&s->list);
		if (want_init_on_free())
			memset((void *)s->base, 0, s->elemsize);
		gomem_heap_free_span(s);
	}
}

/*
 * If a span was written to in quarantine, report the bytes from the first to
 * the last changed one.
 */
static void verify_poison(const struct gomem_span *s)
{
	u8 *start = (u8 *)s->base, *end = start + s->elemsize;
	u8 *first = memchr_inv(start, POISON_FREE, s->elemsize);

	if (likely(!first))
		return;
	while (end[-1] == POISON_FREE)
		end--;
	gomem_report_arena_write(s, first, end - first);
}

/* Check spans that leave the quarantine, and free them. */
static void verify_and_release(struct list_head *leaving)
{
	struct gomem_span *s;

	list_for_each_entry(s, leaving, list)
		verify_poison(s);
	release_spans(leaving);
}

/*
 * Move the oldest spans to @leaving until at most @keep pages are in
 * quarantine. Return how many pages were moved.
 */
static unsigned long shrink_quarantine(unsigned long keep,
				       struct list_head *leaving)
{
	unsigned long pages = 0;
	struct gomem_span *s;

	lockdep_assert_held(&arena_lock);
	while (quarantined_pages > keep) {
		s = list_first_entry(&quarantine, struct gomem_span, list);
		list_move_tail(&s->list, leaving);
		quarantined_pages -= s->npages;
		pages += s->npages;
	}
	return pages;
}

static void enter_quarantine(struct list_head *spans,
			     unsigned long destroyed_by)
{
	unsigned long flags, pages = 0;
	struct gomem_span *s;
	LIST_HEAD(leaving);

	list_for_each_entry(s, spans, list) {
		WRITE_ONCE(s->handed_out, 0);
		memset((void *)s->base, POISON_FREE, s->elemsize);
		s->destroyed_by = destroyed_by;
		pages += s->npages;
	}
	spin_lock_irqsave(&arena_lock, flags);
	list_splice_tail(spans, &quarantine);
	quarantined_pages += pages;
	shrink_quarantine(QUARANTINE_MAX >> GOMEM_PAGE_SHIFT, &leaving);
	spin_unlock_irqrestore(&arena_lock, flags);
	verify_and_release(&leaving);
}

/*
 * Claim an arena for its destruction. If two tasks destroy it at the same time,
 * one succeeds. The other one finds the key of a free object.
 */
static bool claim_arena(struct gomem_arena *a)
{
	unsigned long flags;
	bool live;

	spin_lock_irqsave(&arena_lock, flags);
	live = is_live(a);
	if (live) {
		WRITE_ONCE(a->magic, gomem_objkey(a));
		list_del(&a->link);
		nr_arenas--;
	}
	spin_unlock_irqrestore(&arena_lock, flags);
	return live;
}

static void forget_records(struct list_head *spans)
{
	struct gomem_span *s;

	list_for_each_entry(s, spans, list)
		forget_record(s);
}

static void forget_leaks(struct list_head *spans)
{
	struct gomem_span *s;

	if (!IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		return;
	list_for_each_entry(s, spans, list)
		kmemleak_free((void *)s->base);
}

void gomem_arena_destroy(struct gomem_arena *a)
{
	LIST_HEAD(spans);
	bool claimed;

	if (!a)
		return;
	rcu_read_lock();
	claimed = check_handle(a, _RET_IP_) && gomem_enter_free(_RET_IP_);
	if (claimed && unlikely(!claim_arena(a))) {
		gomem_report_arena(a, true, _RET_IP_);
		claimed = false;
	}
	rcu_read_unlock();
	if (unlikely(!claimed))
		return;
	list_splice(&a->spans, &spans);
	gomem_object_free(&gomem_kinds[GOMEM_ARENA_SPC], a);

	forget_records(&spans);
	forget_leaks(&spans);
	if (gomem_debugs(GOMEM_DEBUG_ARENAS))
		enter_quarantine(&spans, _RET_IP_);
	else
		release_spans(&spans);
}
EXPORT_SYMBOL_NS_GPL(gomem_arena_destroy, GOMEM_NS);

/**
 * gomem_arena_flush_quarantine - check all spans in quarantine, and free them
 *
 * Context: any but NMI. The time grows with the number of bytes in quarantine.
 * Return: bytes that went back to the heap.
 */
unsigned long gomem_arena_flush_quarantine(void)
{
	unsigned long flags, pages;
	LIST_HEAD(leaving);

	spin_lock_irqsave(&arena_lock, flags);
	pages = shrink_quarantine(0, &leaving);
	spin_unlock_irqrestore(&arena_lock, flags);
	verify_and_release(&leaving);
	return pages << GOMEM_PAGE_SHIFT;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_arena_flush_quarantine);

/**
 * gomem_arena_get_stats - copy the counts of all arenas
 * @st: result
 */
void gomem_arena_get_stats(struct gomem_arena_stats *st)
{
	unsigned long flags;

	spin_lock_irqsave(&arena_lock, flags);
	st->live = nr_arenas;
	st->quarantined = quarantined_pages << GOMEM_PAGE_SHIFT;
	spin_unlock_irqrestore(&arena_lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_arena_get_stats);

/**
 * gomem_arena_list - return the list of all arenas
 *
 * The scan for leaks (run/ram.c) does not read the head of the list. Otherwise
 * it would find a pointer to a leaked arena there, and not report the arena.
 * The links in arenas are not read, either: the scan skips the contents of
 * noscan objects, and handles of arenas are noscan.
 *
 * Return: the head of the list.
 */
const struct list_head *gomem_arena_list(void)
{
	return &arenas;
}

/**
 * gomem_arena_exit - empty the quarantine, and report arenas that were left
 *
 * No caller calls the functions of arenas any more. But some code may still
 * write to the memory of an arena that was not destroyed, so that memory is not
 * freed. Only gomem uses the arena structs themselves, so these are freed.
 *
 * Context: process context, as the module exits, while objects can still be
 * freed.
 */
void gomem_arena_exit(void)
{
	struct gomem_arena *a, *next;
	unsigned long pages = 0;

	gomem_arena_flush_quarantine();
	list_for_each_entry(a, &arenas, link)
		pages += a->pages;
	list_for_each_entry_safe(a, next, &arenas, link) {
		gomem_report_leaked_arena(a, a->pages << GOMEM_PAGE_SHIFT);
		gomem_object_free(&gomem_kinds[GOMEM_ARENA_SPC], a);
	}
	if (nr_arenas)
		gomem_report_leaked_arenas(nr_arenas,
					   pages << GOMEM_PAGE_SHIFT);
}
