/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sizeclass.h - find the class of a request, and the layout of a class's spans.
 *
 * A span of class c usually has gomem_class_pages(c) pages. From its first byte
 * on it has gomem_class_nelems(c) objects side by side. The bytes after the
 * last object are the tail, at most an eighth of the span. cpu/mcentral_grow.c
 * also makes shorter spans, with fewer objects. scripts/mksizeclasses derives
 * the tables, checks them for every size and offset, and writes them.
 *
 * Alignment: an object is aligned to the lowest bit set in its class size, but
 * not beyond the alignment of its span. Every power of two from 8 to
 * GOMEM_SMALL_MAX is a class. Objects of these classes are naturally aligned:
 * up to 8 KiB because spans are aligned to pages. A span of the size class of
 * 16 KiB or 32 KiB has a single object, and consists of a page run that is
 * aligned to its size. A request of any other size gets no more than the
 * alignment of its class: 2560 bytes come from the class of 2688 bytes, which
 * is aligned to 128 bytes and not to 512.
 *
 * The classes of scratch buffers follow the size classes. No request size maps
 * to them, so gomem_alloc() never uses them; otherwise they are like size
 * classes. Their spans are 32 KiB, or shorter if memory is fragmented, and
 * aligned to their length. The buffer sizes are powers of two: there is no
 * tail, and each buffer is naturally aligned.
 *
 * The next class is that of the blocks that tiny objects share
 * (map/tinyblock.h). Blocks are 16 bytes, as in the size class of 16 bytes. But
 * a span has fewer of them, because their masks are in its tail. The last class
 * is that of handles.
 */
#ifndef GOMEM_SIZECLASS_H
#define GOMEM_SIZECLASS_H

#include <linux/gomem.h>
#include <linux/types.h>

#include "base/limits.h"

/*
 * In an mcache the two slots of a size class are neighbours. The second one is
 * for noscan objects. So the offset of a slot is
 *
 *	size class << GOMEM_CLASS_SHIFT | noscan << __GOMEM_SLOT_SHIFT
 */
#define GOMEM_CLASS_SHIFT	(__GOMEM_SLOT_SHIFT + 1)

/*
 * Two tables map sizes to classes, because a single table in steps of 8 bytes
 * would take 4 KiB of cache. The first has steps of 8 bytes, up to 1016 bytes;
 * the second has steps of 128 bytes, for larger sizes. The first has the class
 * shifted by GOMEM_CLASS_SHIFT, which saves the hit path the shift.
 */
#define GOMEM_CLASS8_MAX	(1024 - 8)
#define GOMEM_CLASS8_LEN	(1024 / 8 + 1)
#define GOMEM_CLASS128_LEN	((GOMEM_SMALL_MAX - 1024) / 128 + 1)

/* Pages of the longest span of small objects: 80 KiB. */
#define GOMEM_CLASS_MAX_PAGES	10

/* The class of scratch buffers of order 0: 2 KiB. The other orders follow. */
#define GOMEM_SCRATCH_CLASS	GOMEM_NR_SIZE_CLASSES
#define GOMEM_TINY_CLASS \
	(GOMEM_SCRATCH_CLASS + GOMEM_SCRATCH_MAX_ORDER + 1)
/* The class of handles: the structs of typed caches and arenas. */
#define GOMEM_HANDLE_CLASS	(GOMEM_TINY_CLASS + 1)
#define GOMEM_HANDLE_SIZE	152
#define GOMEM_NR_CLASSES	(GOMEM_HANDLE_CLASS + 1)

/*
 * A span class is a size class and a noscan bit, so objects with pointers and
 * objects without never share a span. The span classes of class 0 are those of
 * large objects, of arenas and of typed caches.
 *
 * The span classes below GOMEM_NR_HEAP_SPANCLASSES are those of the size
 * classes. Each further class has two span classes, too. Scratch buffers use
 * only the one for objects with pointers. Blocks of tiny objects use only the
 * noscan one. Handles of typed caches have pointers, handles of arenas are
 * noscan.
 */
#define GOMEM_NR_HEAP_SPANCLASSES	(2 * GOMEM_NR_SIZE_CLASSES)
#define GOMEM_NR_SPANCLASSES		(2 * GOMEM_NR_CLASSES)
#define GOMEM_CACHE_SPC			(2 * GOMEM_HANDLE_CLASS)
#define GOMEM_ARENA_SPC			(2 * GOMEM_HANDLE_CLASS + 1)

extern const u16 gomem_class_to_size[GOMEM_NR_CLASSES];
extern const u8 gomem_class_to_pages[GOMEM_NR_CLASSES];
extern const u16 gomem_class_to_nelems[GOMEM_NR_CLASSES];
extern const u32 gomem_class_to_divmul[GOMEM_NR_CLASSES];
extern const u16 gomem_size_to_slot8[GOMEM_CLASS8_LEN];
extern const u8 gomem_size_to_class128[GOMEM_CLASS128_LEN];

/**
 * gomem_sizeclass() - find the size class that serves a request
 * @size: bytes requested, at most GOMEM_SMALL_MAX: the tables end there
 *
 * Return: the smallest class whose objects have at least @size bytes; 0 if
 * @size is 0.
 */
static inline unsigned int gomem_sizeclass(size_t size)
{
	if (likely(size <= GOMEM_CLASS8_MAX))
		return gomem_size_to_slot8[(size + 7) / 8] >> GOMEM_CLASS_SHIFT;

	/*
	 * ceil((size - 1024) / 128). The constants are folded because
	 * size - 1024 would be negative for sizes from 1017 to 1023.
	 */
	return gomem_size_to_class128[(size - (1024 - 127)) / 128];
}

/**
 * gomem_size_slot() - find the slot that serves a request
 * @size: bytes requested, at most GOMEM_SMALL_MAX
 *
 * Return: the offset in an mcache of the slot for scannable objects of the size
 * class.
 */
static __always_inline unsigned long gomem_size_slot(size_t size)
{
	if (likely(size <= GOMEM_CLASS8_MAX))
		return gomem_size_to_slot8[(size + 7) / 8];
	return (unsigned long)gomem_sizeclass(size) << GOMEM_CLASS_SHIFT;
}

/**
 * gomem_class_size() - return the object size of a class
 * @class: size class
 *
 * Return: bytes of an object. This and the other gomem_class_*() functions
 * return 0 for class 0.
 */
static inline unsigned int gomem_class_size(unsigned int class)
{
	return gomem_class_to_size[class];
}

/**
 * gomem_class_pages() - return the usual span length of a class in pages
 * @class: size class
 *
 * Return: gomem pages of a span of the usual length. A class's first spans may
 * be shorter: see span_pages() in mcentral_grow.c.
 */
static inline unsigned int gomem_class_pages(unsigned int class)
{
	return gomem_class_to_pages[class];
}

/**
 * gomem_class_span_bytes() - return the span length of a class in bytes
 * @class: size class
 *
 * Return: bytes of a span of gomem_class_pages(@class) pages, tail included.
 */
static inline unsigned int gomem_class_span_bytes(unsigned int class)
{
	return gomem_class_to_pages[class] * (unsigned int)GOMEM_PAGE_SIZE;
}

/**
 * gomem_class_nelems() - return the number of objects in a span of a class
 * @class: size class
 *
 * Return: objects of a span of gomem_class_pages(@class) pages. A shorter span
 * has fewer.
 */
static inline unsigned int gomem_class_nelems(unsigned int class)
{
	return gomem_class_to_nelems[class];
}

/**
 * gomem_class_tail() - return the length of the tail of a class's spans
 * @class: size class
 *
 * Return: bytes after the last object of a span of gomem_class_pages(@class)
 * pages. The tail of a shorter span may have another length.
 */
static inline unsigned int gomem_class_tail(unsigned int class)
{
	return gomem_class_span_bytes(class) -
	       gomem_class_nelems(class) * gomem_class_size(class);
}

/**
 * gomem_class_divmul() - return the multiplier that divides by the object size
 * @class: size class
 *
 * Return: ceil(2^32 / size), for gomem_div().
 */
static inline u32 gomem_class_divmul(unsigned int class)
{
	return gomem_class_to_divmul[class];
}

/**
 * gomem_class_limit() - return the limit for gomem_is_start()
 * @class: size class
 *
 * The high half of offset * divmul is the index of the object. So comparing
 * whole products compares indices.
 *
 * Return: the smallest product whose index is above that of the last object.
 */
static inline u64 gomem_class_limit(unsigned int class)
{
	return (u64)gomem_class_to_nelems[class] << 32;
}

/**
 * gomem_div() - find the object at an offset
 * @offset: bytes from the start of the span, at most the length of the span. Up
 *	to there the result is exact. For much larger offsets it would be wrong,
 *	because @divmul is rounded up
 * @divmul: divmul of the span's kind; see gomem_class_divmul()
 *
 * Return: index of the object that @offset is in; at least the number of the
 * span's objects if @offset is in the tail.
 */
static inline unsigned int gomem_div(unsigned int offset, u32 divmul)
{
	return ((u64)offset * divmul) >> 32;
}

/**
 * gomem_is_start() - check whether an object starts at an offset
 * @offset: bytes from the start of the span, at most the length of the span
 * @divmul: divmul of the span's kind; see gomem_class_divmul()
 * @limit: gomem_class_limit() of the span's class, or nelems << 32 for a span
 *	of nelems objects
 *
 * Takes one multiplication, after Lemire, Kaser and Kurz, "Faster remainder by
 * direct computation". Let product = offset * divmul.
 *
 * The low half of the product stands for the fraction of offset / size. At a
 * multiple of the size it is the rounding error of divmul times the index,
 * which is less than divmul. Each byte further adds a whole divmul.
 *
 * The high half is the index. A multiple of the size that lies in the tail, or
 * at its end, has an index of at least nelems.
 *
 * This holds for the same offsets as gomem_div(). mksizeclasses and KUnit check
 * both functions for every offset of every class.
 *
 * Return: true if @offset is the first byte of an object.
 */
static inline bool gomem_is_start(unsigned int offset, u32 divmul, u64 limit)
{
	u64 product = (u64)offset * divmul;

	return (u32)product < divmul && product < limit;
}

/**
 * gomem_is_multiple() - check whether an offset is a multiple of the size
 * @offset: bytes from the start of the span, at most the length of the span
 * @divmul: divmul of the span's kind; 0 to reject every offset
 *
 * This is the half of gomem_is_start() that needs only the low half of the
 * product. Unlike gomem_is_start(), it accepts a multiple in the tail.
 *
 * Return: true if @offset is a multiple of the size.
 */
static __always_inline bool gomem_is_multiple(u32 offset, u32 divmul)
{
	return offset * divmul < divmul;
}

/**
 * gomem_spc_make() - make a span class from a size class
 * @class: size class
 * @noscan: true if the objects hold no pointers
 *
 * Return: the span class, below GOMEM_NR_SPANCLASSES.
 */
static inline unsigned int gomem_spc_make(unsigned int class, bool noscan)
{
	return class << 1 | noscan;
}

/**
 * gomem_spc_class() - return the size class of a span class
 * @spc: span class
 *
 * Return: the size class; 0 for large objects, arenas and typed caches.
 */
static inline unsigned int gomem_spc_class(unsigned int spc)
{
	return spc >> 1;
}

/**
 * gomem_spc_noscan() - return the noscan bit of a span class
 * @spc: span class
 *
 * Return: true if the objects hold no pointers.
 */
static inline bool gomem_spc_noscan(unsigned int spc)
{
	return spc & 1;
}

/**
 * gomem_class_is_scratch() - check whether a class is one of scratch buffers
 * @class: size class
 *
 * Return: true if gomem_scratch_put() frees the objects of the class.
 */
static inline bool gomem_class_is_scratch(unsigned int class)
{
	return class >= GOMEM_SCRATCH_CLASS && class < GOMEM_TINY_CLASS;
}

/**
 * gomem_class_is_refused() - check whether gomem_free() refuses all objects of
 *	a class
 * @class: size class
 *
 * Return: true if another function frees the objects of the class.
 */
static inline bool gomem_class_is_refused(unsigned int class)
{
	return gomem_class_is_scratch(class) || class == GOMEM_HANDLE_CLASS;
}

/**
 * gomem_scratch_spc() - return the span class of scratch buffers
 * @order: the buffer has GOMEM_SCRATCH_SIZE(@order) bytes. At most
 *	GOMEM_SCRATCH_MAX_ORDER
 *
 * Scratch buffers may hold pointers.
 *
 * Return: the span class.
 */
static inline unsigned int gomem_scratch_spc(unsigned int order)
{
	return gomem_spc_make(GOMEM_SCRATCH_CLASS + order, false);
}

size_t gomem_roundupsize(size_t size);

#endif /* GOMEM_SIZECLASS_H */
