/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fixalloc.h - allocate descriptors of one size from chunks that the caller
 * provides.
 *
 * gomem's own metadata cannot come from the allocators it replaces. Nor can it
 * get memory from the kernel under the lock that protects it. So this allocator
 * never gets memory itself. When it has none left it returns NULL: the caller
 * drops the lock, gets a chunk from the page source, and tries again:
 *
 *	while (!(p = gomem_fixalloc_alloc(f))) {
 *		spin_unlock(f->lock);
 *		chunk = ...;			(may fail, may sleep)
 *		spin_lock(f->lock);
 *		gomem_fixalloc_refill(f, chunk, GOMEM_FIXALLOC_CHUNK);
 *	}
 *
 * Two CPUs may refill it at the same time; no chunk is lost.
 *
 * Memory is type-stable: a descriptor stays a descriptor until
 * gomem_fixalloc_destroy(). So code that follows a stale pointer to a freed
 * descriptor finds one of the same type. The first word of a free descriptor is
 * a link, and all of it is zeroed when it is allocated again. It is not zeroed
 * if @keeps is set (the opposite of Go's fixalloc.zero), or if a per-CPU page
 * cache kept it instead of freeing it here.
 */
#ifndef GOMEM_FIXALLOC_H
#define GOMEM_FIXALLOC_H

#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * A good chunk size. Every object size that gomem_fixalloc_init() accepts fits.
 * With about 100 objects in a chunk, its header and tail are negligible.
 * gomem_heap_refill_descs() uses smaller chunks while there are few objects.
 */
#define GOMEM_FIXALLOC_CHUNK	SZ_16K

struct gomem_fixchunk;

/**
 * struct gomem_fixalloc - descriptors of one size
 * @lock: the caller's lock; protects all members
 * @size: bytes from one object to the next, a multiple of the alignment
 * @header: bytes from the start of a chunk to its first object
 * @keeps: do not zero an object that was freed before when it is allocated
 *	again. All but its first word is as it was when it was freed
 * @free: free list of objects, the last freed one first, linked by their first
 *	word
 * @chunks: list of all chunks, the oldest first
 * @last: the newest chunk, the end of @chunks
 * @cut: the chunk in @chunks that new objects are cut from. The chunks before
 *	it are used up, the chunks after it are untouched. NULL if all chunks
 *	are used up
 * @inuse: bytes in allocated objects
 * @sys: bytes in chunks
 *
 * Invariants, checked by gomem_fixalloc_validate():
 *	inuse + size * length of free	=  size * objects cut from chunks
 *	sys				=  sum of the sizes of chunks
 *	chunk is before cut	implies	it has no room for an object
 *	chunk is after cut	implies	nothing was cut from it
 */
struct gomem_fixalloc {
	spinlock_t *lock;	/* the caller's; protects all members */
	unsigned int size;
	unsigned int header;
	bool keeps;
	void *free;
	struct gomem_fixchunk *chunks;
	struct gomem_fixchunk *last;
	struct gomem_fixchunk *cut;
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
			    void (*free_chunk)(void *chunk, size_t size,
					       void *ctx),
			    void *ctx);

void *gomem_fixalloc_alloc(struct gomem_fixalloc *f);
void gomem_fixalloc_free(struct gomem_fixalloc *f, void *p);
void gomem_fixalloc_refill(struct gomem_fixalloc *f, void *chunk,
			   size_t size);

const char *gomem_fixalloc_validate(const struct gomem_fixalloc *f);

#endif /* GOMEM_FIXALLOC_H */
