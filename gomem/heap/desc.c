// SPDX-License-Identifier: GPL-2.0
/*
 * desc.c - allocate the descriptors of a heap's spans and chunks.
 */
#include <kunit/visibility.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>

#include "heap/desc.h"
#include "heap/mheap.h"

/**
 * gomem_heap_init_descs - make the allocators of a heap's descriptors
 * @h: the heap
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_heap_init_descs(struct gomem_heap *h)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < GOMEM_NR_SPAN_SIZES && !err; i++) {
		err = gomem_fixalloc_init(&h->spanalloc[i],
					  gomem_span_desc_size(i),
					  sizeof(u64), &h->lock);
		/* gomem_span_init() overwrites old values: do not zero. */
		h->spanalloc[i].keeps = true;
	}
	return err ?: gomem_fixalloc_init(&h->chunkalloc,
					  sizeof(struct gomem_chunk),
					  sizeof(u64), &h->lock);
}

static void put_meta(void *extent, size_t bytes, void *arg)
{
	gomem_meta_put(arg, extent, bytes);
	cond_resched();
}

/**
 * gomem_heap_destroy_descs - give the memory of all descriptors back
 * @h: a heap that is not in use any more
 *
 * Context: may sleep.
 */
void gomem_heap_destroy_descs(struct gomem_heap *h)
{
	unsigned int i;

	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		gomem_fixalloc_destroy(&h->spanalloc[i], put_meta, h->source);
	gomem_fixalloc_destroy(&h->chunkalloc, put_meta, h->source);
}

/*
 * An allocator of descriptors fetches 1 / META_SHARE of the memory that it has
 * already, rounded up to kernel pages: at least what one descriptor needs, and
 * at most META_BYTES. Kernel pages that would lie behind the last descriptor
 * are not fetched. Go's runtime always fetches 16 KiB.
 */
#define META_BYTES	SZ_16K
#define META_SHARE	8

static size_t meta_bytes(const struct gomem_fixalloc *f)
{
	size_t least = PAGE_ALIGN(f->header + f->size);
	/* Read without the lock: a stale number is good enough. */
	size_t sys = data_race(f->sys), bytes;

	bytes = clamp_t(size_t, PAGE_ALIGN(sys / META_SHARE), least,
			META_BYTES);
	return PAGE_ALIGN(f->header + (bytes - f->header) / f->size * f->size);
}

static noinline void add_meta(struct gomem_heap *h, struct gomem_fixalloc *f,
			      void *extent, size_t bytes)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	gomem_fixalloc_refill(f, extent, bytes);
	spin_unlock_irqrestore(&h->lock, flags);
}

static noinline bool refill_by(struct gomem_heap *h, struct gomem_fixalloc *f,
			       size_t bytes, gfp_t gfp)
{
	void *extent = gomem_meta_get(h->source, bytes, gfp, h->node);

	if (!extent)
		return false;
	add_meta(h, f, extent, bytes);
	return true;
}

/* Kept out of line, like fetch_meta_hard(), to save stack in the callers. */
static noinline bool fetch_meta_light(struct gomem_heap *h,
				      struct gomem_fixalloc *f, gfp_t gfp)
{
	return refill_by(h, f, meta_bytes(f), gomem_gfp_light(gfp));
}

static noinline bool fetch_meta_hard(struct gomem_heap *h,
				     struct gomem_fixalloc *f, gfp_t gfp)
{
	return refill_by(h, f, PAGE_ALIGN(f->header + f->size),
			 gomem_gfp_full(gfp));
}

static __always_inline bool fetch_meta(struct gomem_heap *h,
				       struct gomem_fixalloc *f, gfp_t gfp)
{
	return fetch_meta_light(h, f, gfp) || fetch_meta_hard(h, f, gfp);
}

/**
 * gomem_heap_refill_descs - get memory for descriptors
 * @h: the heap
 * @f: the heap's allocator of the descriptors, which has none left
 * @gfp: how hard to try
 *
 * Context: no lock held; may sleep if @gfp allows it.
 * Return: false if there is no memory.
 */
bool gomem_heap_refill_descs(struct gomem_heap *h, struct gomem_fixalloc *f,
			     gfp_t gfp)
{
	return fetch_meta(h, f, gfp);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_refill_descs);

static noinline void *take_desc(struct gomem_heap *h, struct gomem_fixalloc *f)
{
	unsigned long flags;
	void *desc;

	spin_lock_irqsave(&h->lock, flags);
	desc = gomem_fixalloc_alloc(f);
	spin_unlock_irqrestore(&h->lock, flags);
	return desc;
}

/*
 * Fetch memory for new descriptors, and take one of them. Other CPUs may take
 * all of them first: then fetch again. Return NULL if there is no memory.
 */
static noinline void *take_new_desc(struct gomem_heap *h,
				    struct gomem_fixalloc *f, gfp_t gfp)
{
	void *desc = NULL;

	while (!desc && fetch_meta(h, f, gfp))
		desc = take_desc(h, f);
	return desc;
}

/**
 * gomem_heap_alloc_desc - allocate a descriptor
 * @h: the heap
 * @f: one of the heap's allocators of descriptors
 * @gfp: how hard to try
 *
 * Context: no lock held; may sleep if @gfp allows it.
 * Return: the descriptor, NULL if there is no memory.
 */
void *gomem_heap_alloc_desc(struct gomem_heap *h, struct gomem_fixalloc *f,
			    gfp_t gfp)
{
	return take_desc(h, f) ?: take_new_desc(h, f, gfp);
}

/**
 * gomem_heap_free_desc - free a descriptor
 * @h: the heap
 * @f: the allocator that the descriptor is from
 * @desc: the descriptor
 *
 * Context: any but NMI, with no lock of the heap held.
 */
void gomem_heap_free_desc(struct gomem_heap *h, struct gomem_fixalloc *f,
			  void *desc)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	gomem_fixalloc_free(f, desc);
	spin_unlock_irqrestore(&h->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_free_desc);
