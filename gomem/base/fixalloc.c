// SPDX-License-Identifier: GPL-2.0
/*
 * fixalloc.c - allocate descriptors of one size from *extents*: pieces of
 * memory that the caller provides.
 *
 * The descriptors are called objects here. Freed objects are on a free list,
 * linked through their first word. When the free list is empty, a new object is
 * cut from a queue of extents.
 */
#include <kunit/visibility.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/string.h>

#include "base/fixalloc.h"

/**
 * struct gomem_fixextent - header at the start of each extent
 * @next: the extent that was added after this one
 * @size: bytes in the extent, header included
 * @used: bytes taken by the header and by the objects cut so far
 */
struct gomem_fixextent {
	struct gomem_fixextent *next;
	size_t size;
	size_t used;
};

/**
 * gomem_fixalloc_init() - set up an allocator that has no memory yet
 * @f: allocator
 * @size: bytes in an object, a multiple of 8, at least 8
 * @align: alignment of objects, a power of two, at least 8. Extents must be
 *	aligned to it, too
 * @lock: lock that the caller will hold around all calls but
 *	gomem_fixalloc_destroy()
 *
 * Context: any.
 * Return: 0, or -EINVAL if @size or @align is invalid, or if an extent of
 * GOMEM_FIXALLOC_EXTENT bytes has no room for an object.
 */
int gomem_fixalloc_init(struct gomem_fixalloc *f, unsigned int size,
			unsigned int align, spinlock_t *lock)
{
	/* A free object holds a link, so size and alignment are at least 8. */
	BUILD_BUG_ON(sizeof(void *) != 8);

	if (!size || size % 8 || align < 8 || !is_power_of_2(align) ||
	    size > GOMEM_FIXALLOC_EXTENT || align > GOMEM_FIXALLOC_EXTENT)
		return -EINVAL;

	memset(f, 0, sizeof(*f));
	f->lock = lock;
	f->size = round_up(size, align);
	f->header = round_up(sizeof(struct gomem_fixextent), align);
	return f->header + f->size <= GOMEM_FIXALLOC_EXTENT ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_init);

/**
 * gomem_fixalloc_destroy() - free all memory of an allocator
 * @f: allocator; nobody else may use it any more
 * @free_extent: called for each extent, oldest first
 * @ctx: passed on to @free_extent
 *
 * Objects that are still allocated are freed with their extents. A caller that
 * expects none checks @f->inuse first.
 *
 * Context: that of @free_extent; takes no lock.
 */
void gomem_fixalloc_destroy(struct gomem_fixalloc *f,
			    void (*free_extent)(void *extent, size_t size,
						void *ctx),
			    void *ctx)
{
	struct gomem_fixextent *extent, *next;

	for (extent = f->extents; extent; extent = next) {
		next = extent->next;
		free_extent(extent, extent->size, ctx);
	}
	memset(f, 0, sizeof(*f));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_destroy);

static bool has_room(const struct gomem_fixalloc *f,
		     const struct gomem_fixextent *extent)
{
	return extent->size - extent->used >= f->size;
}

/* Cut a new object from the first extent with room; return NULL if none has. */
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
 * gomem_fixalloc_alloc() - allocate an object
 * @f: allocator
 *
 * The object is zeroed, unless it was freed before and @f->keeps is set.
 *
 * Context: any; caller holds the allocator's lock.
 * Return: the object that was freed last, else a new one. NULL if there is
 * neither: then the caller must call gomem_fixalloc_refill().
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
 * gomem_fixalloc_free() - free an object
 * @f: allocator
 * @p: object that gomem_fixalloc_alloc() returned
 *
 * Overwrites the first word of the object. The other words stay as they are
 * until gomem_fixalloc_alloc() returns this object again, before any object
 * that was freed earlier.
 *
 * Context: any; caller holds the allocator's lock.
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
 * gomem_fixalloc_refill() - add an extent of memory to an allocator
 * @f: allocator
 * @extent: memory, aligned like the objects; need not be zeroed
 * @size: bytes in @extent. With GOMEM_FIXALLOC_EXTENT bytes, an extent always
 *	has room for an object; with fewer bytes it may have none
 *
 * Another CPU may have refilled the allocator since the caller found it empty.
 * Then this extent is used after the other CPU's extent.
 *
 * Context: any; caller holds the allocator's lock.
 */
void gomem_fixalloc_refill(struct gomem_fixalloc *f, void *extent, size_t size)
{
	struct gomem_fixextent *new = extent;

	lockdep_assert_held(f->lock);

	if (WARN_ON_ONCE(size < f->header))
		return;
	*new = (struct gomem_fixextent){ .size = size, .used = f->header };
	if (f->last)
		f->last->next = new;
	else
		f->extents = new;
	f->last = new;
	if (!f->cut)
		f->cut = new;
	f->sys += size;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_refill);

/* Return the length of the free list; @limit + 1 if it is longer or loops. */
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
 * Context: any; caller holds the allocator's lock.
 * Return: NULL, or a description of the first violation.
 */
const char *gomem_fixalloc_validate(const struct gomem_fixalloc *f)
{
	const struct gomem_fixextent *extent;
	bool before = f->cut, after = false;
	size_t objects = 0, sys = 0;

	lockdep_assert_held(f->lock);

	for (extent = f->extents; extent; extent = extent->next) {
		if (extent == f->cut)
			before = false;
		if ((before || !f->cut) && has_room(f, extent))
			return "an extent before cut has room";
		if (after && extent->used != f->header)
			return "an extent after cut is in use";
		if (extent == f->cut)
			after = true;
		objects += (extent->used - f->header) / f->size;
		sys += extent->size;
	}
	if (before)
		return "cut is not in the list of extents";
	if (f->sys != sys)
		return "sys differs from the extents";
	if (f->inuse + f->size * nr_free(f, objects) != f->size * objects)
		return "inuse and free differ from the objects cut";
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_fixalloc_validate);
