// SPDX-License-Identifier: GPL-2.0
/*
 * fixalloc.c - descriptors of one size, cut from chunks that the caller
 * provides.
 *
 * The one idea: a stack of objects that came back, linked through themselves,
 * in front of a queue of chunks that objects are cut from.
 */
#include <kunit/visibility.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/string.h>

#include "fixalloc.h"

/**
 * struct gomem_fixchunk - header of a chunk, at its start
 * @next: the chunk that was added after this one
 * @size: bytes in the chunk, header included
 * @used: bytes that the header and the objects cut so far take
 */
struct gomem_fixchunk {
	struct gomem_fixchunk *next;
	size_t size;
	size_t used;
};

/**
 * gomem_fixalloc_init() - set up an allocator that has no memory yet
 * @f: allocator
 * @size: bytes in an object, a multiple of 8, at least 8
 * @align: alignment of objects, a power of two, at least 8; chunks must have
 *	it, too
 * @lock: lock that the owner will hold around the other calls
 *
 * Context: any.
 * Return: 0, or -EINVAL if @size or @align cannot be had.
 */
int gomem_fixalloc_init(struct gomem_fixalloc *f, unsigned int size,
			unsigned int align, spinlock_t *lock)
{
	/* The link of a free object is its first word. */
	BUILD_BUG_ON(sizeof(void *) != 8);

	if (!size || size % 8 || align < 8 || !is_power_of_2(align) ||
	    size > GOMEM_FIXALLOC_CHUNK || align > GOMEM_FIXALLOC_CHUNK)
		return -EINVAL;

	memset(f, 0, sizeof(*f));
	f->lock = lock;
	f->size = round_up(size, align);
	f->header = round_up(sizeof(struct gomem_fixchunk), align);
	return f->header + f->size <= GOMEM_FIXALLOC_CHUNK ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_init);

/**
 * gomem_fixalloc_destroy() - give every chunk back
 * @f: allocator that nobody uses any more
 * @free_chunk: called for each chunk, oldest first
 * @ctx: passed on to @free_chunk
 *
 * Objects that are still handed out go with the chunks: check @f->inuse first.
 *
 * Context: that of @free_chunk; no lock.
 */
void gomem_fixalloc_destroy(struct gomem_fixalloc *f,
			    void (*free_chunk)(void *chunk, size_t size,
					       void *ctx),
			    void *ctx)
{
	struct gomem_fixchunk *chunk, *next;

	for (chunk = f->chunks; chunk; chunk = next) {
		next = chunk->next;
		free_chunk(chunk, chunk->size, ctx);
	}
	memset(f, 0, sizeof(*f));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_destroy);

static bool has_room(const struct gomem_fixalloc *f,
		     const struct gomem_fixchunk *chunk)
{
	return chunk->size - chunk->used >= f->size;
}

/* Cut a new object from the first chunk that has room for it. */
static void *cut(struct gomem_fixalloc *f)
{
	void *p;

	while (f->cut && !has_room(f, f->cut))
		f->cut = f->cut->next;
	if (!f->cut)
		return NULL;
	p = (void *)f->cut + f->cut->used;
	f->cut->used += f->size;
	return p;
}

/**
 * gomem_fixalloc_alloc() - get an object
 * @f: allocator
 *
 * Context: any, under the lock.
 * Return: the object that came back last, else a new one, all zero but for one that
 * came back with @f->keeps; NULL if there is none and gomem_fixalloc_refill() must be
 * called.
 */
void *gomem_fixalloc_alloc(struct gomem_fixalloc *f)
{
	void *p = f->free;
	bool keeps = p && f->keeps;

	lockdep_assert_held(f->lock);

	if (p)
		f->free = *(void **)p;
	else
		p = cut(f);
	if (!p)
		return NULL;
	f->inuse += f->size;
	return keeps ? p : memset(p, 0, f->size);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_alloc);

/**
 * gomem_fixalloc_free() - give an object back
 * @f: allocator
 * @p: what gomem_fixalloc_alloc() returned
 *
 * Overwrites the first word of the object; the rest stays as it is until the
 * object is handed out again, which it is next.
 *
 * Context: any, under the lock.
 */
void gomem_fixalloc_free(struct gomem_fixalloc *f, void *p)
{
	lockdep_assert_held(f->lock);

	*(void **)p = f->free;
	f->free = p;
	f->inuse -= f->size;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_free);

/**
 * gomem_fixalloc_refill() - add a chunk
 * @f: allocator
 * @chunk: memory, aligned like the objects; need not be zeroed
 * @size: bytes in it, GOMEM_FIXALLOC_CHUNK; with less it may hold no object
 *
 * Harmless when another caller refilled meanwhile: the chunk waits its turn.
 *
 * Context: any, under the lock.
 */
void gomem_fixalloc_refill(struct gomem_fixalloc *f, void *chunk, size_t size)
{
	struct gomem_fixchunk *new = chunk;

	lockdep_assert_held(f->lock);

	if (WARN_ON_ONCE(size < f->header))
		return;
	*new = (struct gomem_fixchunk){ .size = size, .used = f->header };
	if (f->last)
		f->last->next = new;
	else
		f->chunks = new;
	f->last = new;
	if (!f->cut)
		f->cut = new;
	f->sys += size;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_refill);

/* Length of the free list, or @limit + 1 if it is longer (or has a loop). */
static size_t nr_free(const struct gomem_fixalloc *f, size_t limit)
{
	size_t n = 0;
	void *p;

	for (p = f->free; p && n <= limit; p = *(void **)p)
		n++;
	return n;
}

/**
 * gomem_fixalloc_validate() - check the invariants of struct gomem_fixalloc
 * @f: allocator
 *
 * Context: any, under the lock.
 * Return: NULL, or a description of the first violation.
 */
const char *gomem_fixalloc_validate(const struct gomem_fixalloc *f)
{
	const struct gomem_fixchunk *chunk;
	bool before = f->cut, after = false;
	size_t objects = 0, sys = 0;

	lockdep_assert_held(f->lock);

	for (chunk = f->chunks; chunk; chunk = chunk->next) {
		if (chunk == f->cut)
			before = false;
		if ((before || !f->cut) && has_room(f, chunk))
			return "a chunk before cut has room";
		if (after && chunk->used != f->header)
			return "a chunk after cut is in use";
		if (chunk == f->cut)
			after = true;
		objects += (chunk->used - f->header) / f->size;
		sys += chunk->size;
	}
	if (before)
		return "cut is not in the list of chunks";
	if (f->sys != sys)
		return "sys differs from the chunks";
	if (f->inuse + f->size * nr_free(f, objects) != f->size * objects)
		return "inuse and free differ from the objects cut";
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_validate);
