/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sizeclass.h - from a request to its size class, and from a class to how its
 * objects lie in a span.
 *
 * A span of class c is gomem_class_pages(c) pages with gomem_class_nelems(c)
 * objects side by side from its first byte; what is left behind the last one
 * is the tail, at most an eighth of the span. The tables are derived, proved
 * and written by scripts/mksizeclasses.
 *
 * Alignment: an object is aligned to the lowest bit set in its class size, as
 * far as the span itself is. Every power of two from 8 to GOMEM_SMALL_MAX is a
 * class, so page-aligned spans align such objects naturally up to 8 KiB; the
 * one-object spans of 16 KiB and 32 KiB need a page run aligned to their size.
 * No more is promised for other sizes: 2560 bytes come from the class of 2688,
 * which is aligned to 128 and not to 512.
 *
 * Behind the size classes come those of scratch buffers. They are classes in all
 * but one respect: no size leads to them, so gomem_alloc() never does. All have
 * spans of 32 KiB, or shorter ones for want of memory, aligned to their length; and
 * as buffers double there is no tail, so that each buffer is naturally aligned.
 *
 * The last class is that of blocks which tiny objects share (tiny.h): 16 bytes like
 * another one, but fewer in a span, since the tail has their masks.
 */
#ifndef GOMEM_SIZECLASS_H
#define GOMEM_SIZECLASS_H

#include <linux/gomem.h>
#include <linux/types.h>

#include "limits.h"

/*
 * Two tables, because a single one in steps of 8 bytes would take 4 KiB of
 * cache. Up to 1016 bytes sizes count in units of 8, above in units of 128.
 */
#define GOMEM_CLASS8_MAX	(1024 - 8)
#define GOMEM_CLASS8_LEN	(1024 / 8 + 1)
#define GOMEM_CLASS128_LEN	((GOMEM_SMALL_MAX - 1024) / 128 + 1)

/* The longest span of small objects, 80 KiB. */
#define GOMEM_CLASS_MAX_PAGES	10

/* Scratch buffers of order 0 have this class, those of order 1 the next one. */
#define GOMEM_SCRATCH_CLASS	GOMEM_NR_SIZE_CLASSES
#define GOMEM_TINY_CLASS	(GOMEM_SCRATCH_CLASS + GOMEM_SCRATCH_MAX_ORDER + 1)
#define GOMEM_NR_CLASSES	(GOMEM_TINY_CLASS + 1)

/*
 * A span class tells spans with pointers from spans without (noscan), so that
 * the two never share one. Those of class 0 are large objects. The span classes
 * below GOMEM_NR_HEAP_SPANCLASSES have objects of their size. Of the others only one of
 * the two is used: that with pointers for scratch buffers, noscan for tiny objects.
 */
#define GOMEM_NR_HEAP_SPANCLASSES	(2 * GOMEM_NR_SIZE_CLASSES)
#define GOMEM_NR_SPANCLASSES		(2 * GOMEM_NR_CLASSES)

extern const u16 gomem_class_to_size[GOMEM_NR_CLASSES];
extern const u8 gomem_class_to_pages[GOMEM_NR_CLASSES];
extern const u16 gomem_class_to_nelems[GOMEM_NR_CLASSES];
extern const u32 gomem_class_to_divmul[GOMEM_NR_CLASSES];
extern const u8 gomem_size_to_class8[GOMEM_CLASS8_LEN];
extern const u8 gomem_size_to_class128[GOMEM_CLASS128_LEN];

/**
 * gomem_sizeclass() - the size class that serves a request
 * @size: bytes asked for, at most GOMEM_SMALL_MAX: the tables end there
 *
 * Return: the first class whose objects hold @size bytes; 0 for 0 bytes.
 */
static inline unsigned int gomem_sizeclass(size_t size)
{
	if (likely(size <= GOMEM_CLASS8_MAX))
		return gomem_size_to_class8[(size + 7) / 8];

	/*
	 * ceil((size - 1024) / 128), with the constants folded first: for the
	 * sizes 1017 to 1024 that difference would be below zero.
	 */
	return gomem_size_to_class128[(size - (1024 - 127)) / 128];
}

/**
 * gomem_class_size() - object size of a class
 * @class: size class
 *
 * Return: bytes of an object; 0 for class 0, here and in all that follows.
 */
static inline unsigned int gomem_class_size(unsigned int class)
{
	return gomem_class_to_size[class];
}

/**
 * gomem_class_pages() - span length of a class
 * @class: size class
 *
 * Return: gomem pages of a span.
 */
static inline unsigned int gomem_class_pages(unsigned int class)
{
	return gomem_class_to_pages[class];
}

/**
 * gomem_class_span_bytes() - span length of a class, in bytes
 * @class: size class
 *
 * Return: bytes of a span, tail included.
 */
static inline unsigned int gomem_class_span_bytes(unsigned int class)
{
	return gomem_class_to_pages[class] * (unsigned int)GOMEM_PAGE_SIZE;
}

/**
 * gomem_class_nelems() - object count of a class
 * @class: size class
 *
 * Return: objects of a span.
 */
static inline unsigned int gomem_class_nelems(unsigned int class)
{
	return gomem_class_to_nelems[class];
}

/**
 * gomem_class_tail() - what the spans of a class cannot use
 * @class: size class
 *
 * Return: bytes of a span behind its last object.
 */
static inline unsigned int gomem_class_tail(unsigned int class)
{
	return gomem_class_span_bytes(class) -
	       gomem_class_nelems(class) * gomem_class_size(class);
}

/**
 * gomem_class_divmul() - what to multiply with in order to divide by the size
 * @class: size class
 *
 * Return: ceil(2^32 / size), see gomem_div().
 */
static inline u32 gomem_class_divmul(unsigned int class)
{
	return gomem_class_to_divmul[class];
}

/**
 * gomem_class_limit() - the bound of gomem_is_start()
 * @class: size class
 *
 * The product of an offset and divmul has the index of the object in its high
 * half, so that one comparison of whole products compares indices.
 *
 * Return: the smallest product that is behind the last object.
 */
static inline u64 gomem_class_limit(unsigned int class)
{
	return (u64)gomem_class_to_nelems[class] << 32;
}

/**
 * gomem_div() - the object at an offset
 * @offset: bytes from the start of the span, at most the bytes of the span.
 *	Exact up to there, and not beyond: the class of 27264 bytes has no
 *	bit to spare
 * @divmul: gomem_class_divmul() of the span's class
 *
 * Return: index of the object that @offset is in; that index is not below
 * gomem_class_nelems() if @offset is in the tail.
 */
static inline unsigned int gomem_div(unsigned int offset, u32 divmul)
{
	return ((u64)offset * divmul) >> 32;
}

/**
 * gomem_is_start() - does an object start at an offset?
 * @offset: bytes from the start of the span, at most the bytes of the span
 * @divmul: gomem_class_divmul() of the span's class
 * @limit: gomem_class_limit() of the span's class
 *
 * With one multiplication, after Lemire, Kaser and Kurz, "Faster remainder by
 * direct computation". Let product = offset * divmul. Its low half stands for
 * the fraction of offset / size: at a multiple of the size it is the rounding
 * error of divmul times the index, which stays below divmul, and each byte
 * further adds a whole divmul. The high half is the index, and a multiple of
 * the size that lies in the tail, or at its end, has the index nelems.
 *
 * That holds within the same bounds as gomem_div(), and is proved in the same
 * way: for every offset of every class, by mksizeclasses and by KUnit.
 *
 * Return: true if @offset is the first byte of one of the nelems objects.
 */
static inline bool gomem_is_start(unsigned int offset, u32 divmul, u64 limit)
{
	u64 product = (u64)offset * divmul;

	return (u32)product < divmul && product < limit;
}

/**
 * gomem_is_multiple() - does an object start at an offset, or could one in the tail?
 * @offset: bytes from the start of the span, at most the bytes of the span
 * @divmul: gomem_class_divmul() of the span's class; 0 if no offset will do
 *
 * The half of gomem_is_start() that takes but the lower half of the product.
 *
 * Return: true if @offset is a multiple of the size.
 */
static __always_inline bool gomem_is_multiple(u32 offset, u32 divmul)
{
	return offset * divmul < divmul;
}

/**
 * gomem_spc_make() - the span class of a size class
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
 * gomem_spc_class() - the size class of a span class
 * @spc: span class
 *
 * Return: the size class; 0 if the objects are large.
 */
static inline unsigned int gomem_spc_class(unsigned int spc)
{
	return spc >> 1;
}

/**
 * gomem_spc_noscan() - the other half of a span class
 * @spc: span class
 *
 * Return: true if the objects hold no pointers.
 */
static inline bool gomem_spc_noscan(unsigned int spc)
{
	return spc & 1;
}

/**
 * gomem_class_is_scratch() - is this a class of scratch buffers?
 * @class: size class
 *
 * Return: true if gomem_scratch_put() owns its objects, false if gomem_free() does.
 */
static inline bool gomem_class_is_scratch(unsigned int class)
{
	return class >= GOMEM_SCRATCH_CLASS && class < GOMEM_TINY_CLASS;
}

/**
 * gomem_scratch_spc() - the span class of scratch buffers
 * @order: order of the buffer, at most GOMEM_SCRATCH_MAX_ORDER
 *
 * They may hold pointers.
 *
 * Return: the span class.
 */
static inline unsigned int gomem_scratch_spc(unsigned int order)
{
	return gomem_spc_make(GOMEM_SCRATCH_CLASS + order, false);
}

size_t gomem_roundupsize(size_t size);

#endif /* GOMEM_SIZECLASS_H */
