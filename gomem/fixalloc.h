/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fixalloc.h - descriptors of one size, cut from chunks that the caller
 * provides.
 *
 * gomem's own metadata cannot come from the allocators it replaces, nor be
 * allocated under the lock that it is needed under. So this allocator never
 * gets memory itself: when it has none left it says so, and the caller drops
 * the lock, gets a chunk from the page source, and tries again:
 *
 *	while (!(p = gomem_fixalloc_alloc(f))) {
 *		spin_unlock(f->lock);
 *		chunk = ...;			(may fail, may sleep)
 *		spin_lock(f->lock);
 *		gomem_fixalloc_refill(f, chunk, GOMEM_FIXALLOC_CHUNK);
 *	}
 *
 * Two callers may refill at the same time; no chunk is lost.
 *
 * Memory is type-stable: once it has been a descriptor it is never anything
 * else until gomem_fixalloc_destroy(). Who follows a stale pointer finds an
 * object of the same type: its first word is a link while it is free, and it
 * is zeroed when it is handed out again (not with @keeps, Go's fixalloc.zero the other
 * way round, nor if a cache above keeps it).
 */
#ifndef GOMEM_FIXALLOC_H
#define GOMEM_FIXALLOC_H

#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * A good size of chunk to refill with. Any object that gomem_fixalloc_init()
 * accepts fits; 100 or so objects make the header and the tail negligible.
 * Smaller ones do while there are few: see gomem_heap_refill().
 */
#define GOMEM_FIXALLOC_CHUNK	SZ_16K

struct gomem_fixchunk;

/**
 * struct gomem_fixalloc - descriptors of one size
 * @lock: the owner's lock around everything here
 * @size: bytes from one object to the next, a multiple of the alignment
 * @header: bytes from the start of a chunk to its first object
 * @keeps: what came back is handed out as it is, but for its first word
 * @free: objects that came back, the last one first, linked by their first word
 * @chunks: all chunks, the oldest first
 * @last: the last one of @chunks
 * @cut: chunk of @chunks that new objects are cut from; the ones before it
 *	are used up, the ones after it are untouched; NULL if all are used up
 * @inuse: bytes in objects that are handed out
 * @sys: bytes in chunks
 *
 * Invariants, checked by gomem_fixalloc_validate():
 *	inuse + size * length of free	=  size * objects cut from chunks
 *	sys				=  sum of the sizes of chunks
 *	chunk is before cut	implies	it has no room for an object
 *	chunk is after cut	implies	nothing was cut from it
 */
struct gomem_fixalloc {
	spinlock_t *lock;	/* not ours: see above */
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
 * gomem_fixalloc_inuse() - bytes in objects that are handed out
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
