/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fixalloc.h - allocate descriptors of one size, also called objects here, from
 * *extents*: pieces of memory that the caller provides.
 *
 * Descriptors are allocated with the heap's lock held, under which gomem never
 * asks the kernel for memory. So this allocator never gets memory itself. When
 * it has none left, it returns NULL. Then the caller drops the lock, gets an
 * extent from the page source, and tries again:
 *
 *	while (!(p = gomem_fixalloc_alloc(f))) {
 *		spin_unlock(f->lock);
 *		extent = ...;			(may fail, may sleep)
 *		spin_lock(f->lock);
 *		gomem_fixalloc_refill(f, extent, GOMEM_FIXALLOC_EXTENT);
 *	}
 *
 * Two CPUs may refill the allocator at the same time; no extent is lost.
 *
 * Memory is type-stable: a descriptor stays a descriptor until
 * gomem_fixalloc_destroy(). So code that follows a stale pointer to a freed
 * descriptor finds a descriptor of the same type. The first word of a free
 * descriptor is a link. A descriptor is zeroed when it is allocated again,
 * unless gomem_fixalloc.keeps is set. A descriptor that a page cache keeps for
 * reuse does not come back to this allocator, and so is not zeroed either.
 */
#ifndef GOMEM_FIXALLOC_H
#define GOMEM_FIXALLOC_H

#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * A good size of an extent, in bytes. It has room for an object of each size
 * that gomem_fixalloc_init() accepts. It holds 170 of the smallest span
 * descriptors, or 48 of the largest. So its header and the unused bytes at its
 * end are negligible.
 * gomem_heap_refill_descs() fetches smaller extents in two cases: while the
 * allocator has less than about 100 KiB of extents, or if memory is short.
 */
#define GOMEM_FIXALLOC_EXTENT	SZ_16K

struct gomem_fixextent;

/**
 * struct gomem_fixalloc - descriptors of one size
 * @lock: the caller's lock; protects all members
 * @size: bytes from one object to the next, a multiple of the alignment
 * @header: bytes from the start of an extent to its first object
 * @keeps: set by the caller after gomem_fixalloc_init(): do not zero an object
 *	that is allocated again. All but its first word is then as it was at
 *	the free
 * @free: free list of objects, the last freed one first, linked by their first
 *	word
 * @extents: list of all extents, the oldest first
 * @last: the newest extent, the end of @extents
 * @cut: the extent in @extents that new objects are cut from. The extents
 *	before it are used up, the extents after it are untouched. NULL if all
 *	extents are used up
 * @inuse: bytes in allocated objects
 * @sys: bytes in extents
 *
 * Invariants, checked by gomem_fixalloc_validate():
 *	inuse + size * length of free	=  size * objects cut from extents
 *	sys				=  sum of the sizes of extents
 *	extent is before cut	implies	it has no room for an object
 *	extent is after cut	implies	nothing was cut from it
 */
struct gomem_fixalloc {
	spinlock_t *lock;	/* the caller's; protects all members */
	unsigned int size;
	unsigned int header;
	bool keeps;
	void *free;
	struct gomem_fixextent *extents;
	struct gomem_fixextent *last;
	struct gomem_fixextent *cut;
	size_t inuse;
	size_t sys;
};

/**
 * gomem_fixalloc_inuse() - return the bytes in allocated objects
 * @f: allocator
 *
 * Return: a multiple of the object size.
 */
static inline size_t gomem_fixalloc_inuse(const struct gomem_fixalloc *f)
{
	return f->inuse;
}

int gomem_fixalloc_init(struct gomem_fixalloc *f, unsigned int size,
			unsigned int align, spinlock_t *lock);
void gomem_fixalloc_destroy(struct gomem_fixalloc *f,
			    void (*free_extent)(void *extent, size_t size,
						void *ctx),
			    void *ctx);

void *gomem_fixalloc_alloc(struct gomem_fixalloc *f);
void gomem_fixalloc_free(struct gomem_fixalloc *f, void *p);
void gomem_fixalloc_refill(struct gomem_fixalloc *f, void *extent,
			   size_t size);

const char *gomem_fixalloc_validate(const struct gomem_fixalloc *f);

#endif /* GOMEM_FIXALLOC_H */
