// SPDX-License-Identifier: GPL-2.0
/*
 * override.c - the kmalloc() family for modules built with
 * linux/gomem_override.h.
 *
 * A request that gomem refuses goes to the kernel's allocator: a request for a
 * zone, or for more than GOMEM_MAX_SIZE. So a module may have memory of both
 * allocators, and each function that frees or resizes checks which of the two
 * an object belongs to.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

/* Include the header for the prototype of gomem_kernel_kmalloc() only. */
#define GOMEM_OVERRIDE_OFF
#include <linux/gomem_override.h>

#include "base/sizeclass.h"
#include "override/override.h"

/**
 * gomem_override_align - find a size whose objects have kmalloc()'s alignment
 * @size: requested size, up to GOMEM_MAX_SIZE and not 0
 *
 * Let align be the largest power of two that divides @size.
 *
 * Return: the first of @size, @size + align, @size + 2 * align, ... whose
 * objects are aligned to align. If objects of @size are large, they are aligned
 * to a page: then the result is @size, or the next power of two if align is
 * more than a page.
 */
size_t gomem_override_align(size_t size)
{
	size_t align = BIT(__ffs(size));

	if (is_power_of_2(size))
		return size;
	if (size > GOMEM_SMALL_MAX)
		return align > GOMEM_PAGE_SIZE ?
		       roundup_pow_of_two(size) : size;
	while (gomem_class_size(gomem_sizeclass(size)) & (align - 1))
		size += align;
	return size;
}

typeof(GOMEM_KERNEL(__kmalloc)) gomem_override_kmalloc;
void *gomem_override_kmalloc(GOMEM_SIZE_PARAMS(size), gfp_t gfp)
{
	return gomem_override_alloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc, GOMEM_NS);

/*
 * The kernel's header calls this for constant sizes. @s, the kernel's cache for
 * this size, is ignored.
 */
typeof(GOMEM_KERNEL_KMALLOC_CACHE) gomem_override_kmalloc_cache;
void *gomem_override_kmalloc_cache(struct kmem_cache *s, gfp_t gfp, size_t size)
{
	return gomem_override_alloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc_cache, GOMEM_NS);

typeof(GOMEM_KERNEL_KMALLOC_LARGE) gomem_override_kmalloc_large;
void *gomem_override_kmalloc_large(size_t size, gfp_t gfp)
{
	return gomem_override_alloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc_large, GOMEM_NS);

typeof(GOMEM_KERNEL(__kmalloc_node)) gomem_override_kmalloc_node;
void *gomem_override_kmalloc_node(GOMEM_BUCKET_PARAMS(size), gfp_t gfp,
				  int node)
{
	return gomem_override_alloc_node(size, gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc_node, GOMEM_NS);

typeof(GOMEM_KERNEL_KMALLOC_CACHE_NODE) gomem_override_kmalloc_cache_node;
void *gomem_override_kmalloc_cache_node(struct kmem_cache *s, gfp_t gfp,
					int node, size_t size)
{
	return gomem_override_alloc_node(size, gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc_cache_node, GOMEM_NS);

typeof(GOMEM_KERNEL_KMALLOC_LARGE_NODE) gomem_override_kmalloc_large_node;
void *gomem_override_kmalloc_large_node(size_t size, gfp_t gfp, int node)
{
	return gomem_override_alloc_node(size, gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc_large_node, GOMEM_NS);

typeof(GOMEM_KERNEL_TRACK_CALLER) gomem_override_kmalloc_node_track_caller;
void *gomem_override_kmalloc_node_track_caller(GOMEM_BUCKET_PARAMS(size),
					       gfp_t gfp, int node,
					       unsigned long caller)
{
	return gomem_override_alloc_node(size, gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc_node_track_caller, GOMEM_NS);

typeof(kfree) gomem_override_kfree;
void gomem_override_kfree(const void *p)
{
	gomem_override_free(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kfree, GOMEM_NS);

typeof(kfree_const) gomem_override_kfree_const;
void gomem_override_kfree_const(const void *p)
{
	if (gomem_override_owns(p))
		gomem_free(p);
	else
		kfree_const(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kfree_const, GOMEM_NS);

typeof(kfree_sensitive) gomem_override_kfree_sensitive;
void gomem_override_kfree_sensitive(const void *p)
{
	if (gomem_override_owns(p))
		gomem_free_sensitive(p);
	else
		kfree_sensitive(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kfree_sensitive, GOMEM_NS);

typeof(ksize) gomem_override_ksize;
size_t gomem_override_ksize(const void *p)
{
	return gomem_override_owns(p) ? gomem_usable_size(p) : ksize(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_ksize, GOMEM_NS);

static void *move_resized(const void *p, size_t usable, void *new, size_t size)
{
	if (!new)
		return NULL;
	memcpy(new, p, min(size, usable));
	gomem_free(p);
	return new;
}

/* True if gomem_realloc() is sure to return an object aligned to @align. */
static bool stays_aligned(const void *p, size_t usable, size_t size,
			  unsigned long align)
{
	if (size <= usable)
		return IS_ALIGNED((unsigned long)p, align);
	return align <= (size > GOMEM_SMALL_MAX ? GOMEM_PAGE_SIZE : 8);
}

static bool is_on_node(const void *p, int node)
{
	return node == NUMA_NO_NODE || node == page_to_nid(virt_to_page(p));
}

/*
 * Return the usable size of an object. Return 0, with a report, if @p is not a
 * live object that gomem_free() would free. Return 0, too, if the object's
 * cache has a constructor or is typesafe under RCU, because then the contents
 * of the object have to stay. Kept out of line because of the variable noscan:
 * a function that passes on the address of a local variable makes no tail
 * calls. The tail calls of resize() save stack.
 */
static noinline size_t resizable(const void *p, unsigned long caller)
{
	bool noscan;

	return gomem_resizable_size(p, &noscan, GOMEM_USE_AFTER_FREE, caller);
}

/*
 * Resize a gomem object. The result is aligned as kmalloc() promises for
 * @size, and to @align at least. If @node is given and has memory, the result
 * is on @node. gomem_realloc() promises neither the alignment nor the node. If
 * its result may lack one of them, this function allocates another object.
 */
static void *resize(const void *p, size_t size, unsigned long align, gfp_t gfp,
		    int node, unsigned long caller)
{
	size_t usable;

	/*
	 * Nothing is allocated for size 0. So @gfp does not matter, even if
	 * gomem would refuse it.
	 */
	if (!size) {
		gomem_free(p);
		return ZERO_SIZE_PTR;
	}
	usable = resizable(p, caller);
	if (!usable)
		return NULL;
	align = max_t(unsigned long, align, BIT(__ffs(size)));
	if (gomem_override_takes(size, gfp) && is_on_node(p, node) &&
	    stays_aligned(p, usable, size, align) &&
	    (size <= usable || node == NUMA_NO_NODE))
		return gomem_realloc(p, size <= usable ?
				     size : gomem_override_pad(size), gfp);
	return move_resized(p, usable,
			    gomem_override_alloc_align(size, align, gfp, node),
			    size);
}

#ifdef GOMEM_HAVE_KREALLOC_ALIGN
typeof(krealloc_node_align_noprof) gomem_override_krealloc_node_align;
void *gomem_override_krealloc_node_align(const void *p,
					 GOMEM_SIZE_PARAMS(size),
					 unsigned long align, gfp_t gfp,
					 int node)
{
	if (ZERO_OR_NULL_PTR(p))
		return gomem_override_alloc_align(size, align, gfp, node);
	if (!gomem_override_owns(p))
		return krealloc_node_align(p, size, align, gfp, node);
	return resize(p, size, align, gfp, node, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_krealloc_node_align, GOMEM_NS);
#else
typeof(GOMEM_KERNEL(krealloc)) gomem_override_krealloc;
void *gomem_override_krealloc(const void *p, size_t size, gfp_t gfp)
{
	if (ZERO_OR_NULL_PTR(p))
		return gomem_override_alloc(size, gfp);
	if (!gomem_override_owns(p))
		return krealloc(p, size, gfp);
	return resize(p, size, 1, gfp, NUMA_NO_NODE, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_krealloc, GOMEM_NS);
#endif

typeof(GOMEM_KERNEL(kmemdup)) gomem_override_kmemdup;
void *gomem_override_kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = gomem_override_alloc(len, gfp);

	if (!ZERO_OR_NULL_PTR(p))
		memcpy(p, src, len);
	return p;
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmemdup, GOMEM_NS);

#ifdef GOMEM_HAVE_KMEMDUP_ARRAY
typeof(kmemdup_array) gomem_override_kmemdup_array;
void *gomem_override_kmemdup_array(const void *src, size_t n, size_t size,
				   gfp_t gfp)
{
	return gomem_override_kmemdup(src, size_mul(n, size), gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmemdup_array, GOMEM_NS);
#endif

/*
 * Copy @len bytes of text, and append a NUL. Text holds no pointers, so it is
 * allocated as noscan. Round the size up to a multiple of 8: a tiny object of
 * another size would be aligned less than an object from kmalloc().
 */
static char *dup_text(const char *s, size_t len, gfp_t gfp)
{
	char *p;

	if (likely(gomem_override_takes(len + 1, gfp)))
		p = gomem_alloc_noscan(gomem_override_pad(ALIGN(len + 1, 8)),
				       gfp);
	else
		p = kmalloc(len + 1, gfp);
	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

typeof(kmemdup_nul) gomem_override_kmemdup_nul;
char *gomem_override_kmemdup_nul(const char *s, size_t len, gfp_t gfp)
{
	return s ? dup_text(s, len, gfp) : NULL;
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmemdup_nul, GOMEM_NS);

typeof(kstrdup) gomem_override_kstrdup;
char *gomem_override_kstrdup(const char *s, gfp_t gfp)
{
	return s ? dup_text(s, strlen(s), gfp) : NULL;
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kstrdup, GOMEM_NS);

typeof(kstrndup) gomem_override_kstrndup;
char *gomem_override_kstrndup(const char *s, size_t max, gfp_t gfp)
{
	return s ? dup_text(s, strnlen(s, max), gfp) : NULL;
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kstrndup, GOMEM_NS);

typeof(kfree_strarray) gomem_override_kfree_strarray;
void gomem_override_kfree_strarray(char **array, size_t n)
{
	size_t i;

	if (!array)
		return;
	for (i = 0; i < n; i++)
		gomem_override_free(array[i]);
	gomem_override_free(array);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kfree_strarray, GOMEM_NS);

typeof(bitmap_alloc_node) gomem_override_bitmap_alloc_node;
unsigned long *gomem_override_bitmap_alloc_node(unsigned int nbits, gfp_t gfp,
						int node)
{
	return gomem_override_alloc_node(BITS_TO_LONGS(nbits) * sizeof(long),
					 gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_bitmap_alloc_node, GOMEM_NS);

typeof(bitmap_zalloc_node) gomem_override_bitmap_zalloc_node;
unsigned long *gomem_override_bitmap_zalloc_node(unsigned int nbits, gfp_t gfp,
						 int node)
{
	return gomem_override_bitmap_alloc_node(nbits, gfp | __GFP_ZERO, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_bitmap_zalloc_node, GOMEM_NS);

typeof(bitmap_alloc) gomem_override_bitmap_alloc;
unsigned long *gomem_override_bitmap_alloc(unsigned int nbits, gfp_t gfp)
{
	return gomem_override_alloc(BITS_TO_LONGS(nbits) * sizeof(long), gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_bitmap_alloc, GOMEM_NS);

typeof(bitmap_zalloc) gomem_override_bitmap_zalloc;
unsigned long *gomem_override_bitmap_zalloc(unsigned int nbits, gfp_t gfp)
{
	return gomem_override_bitmap_alloc(nbits, gfp | __GFP_ZERO);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_bitmap_zalloc, GOMEM_NS);

typeof(bitmap_free) gomem_override_bitmap_free;
void gomem_override_bitmap_free(const unsigned long *bitmap)
{
	gomem_override_free(bitmap);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_bitmap_free, GOMEM_NS);

/*
 * For a size above PAGE_SIZE, return a gfp that avoids heavy reclaim. The
 * kernel's kvmalloc() does the same: if there is no memory, vmalloc() is tried
 * next.
 */
static gfp_t without_effort(size_t size, gfp_t gfp)
{
	if (size <= PAGE_SIZE)
		return gfp;
	if (!(gfp & __GFP_RETRY_MAYFAIL))
		gfp |= __GFP_NORETRY;
	return (gfp | __GFP_NOWARN) & ~__GFP_NOFAIL;
}

/**
 * gomem_override_kv_alloc - allocate memory like kvmalloc()
 * @size: bytes wanted
 * @align: alignment wanted, a power of two
 * @gfp: as for kvmalloc()
 * @node: the node, or NUMA_NO_NODE
 *
 * Return: a gomem object; memory from the kernel's kvmalloc() if gomem refuses
 * the request, or if gomem has no memory and @size is above PAGE_SIZE; or NULL.
 */
void *gomem_override_kv_alloc(size_t size, unsigned long align, gfp_t gfp,
			      int node)
{
	void *p;

	if (gomem_override_takes(size, gfp)) {
		p = gomem_override_alloc_align(size, align,
					       without_effort(size, gfp), node);
		if (p || size <= PAGE_SIZE)
			return p;
	}
#ifdef GOMEM_HAVE_KVMALLOC_ALIGN
	return kvmalloc_node_align(size, align, gfp, node);
#else
	return kvmalloc_node(size, gfp, node);
#endif
}

typeof(GOMEM_KERNEL_KVMALLOC_NODE) gomem_override_kvmalloc_node;
#ifdef GOMEM_HAVE_KVMALLOC_ALIGN
void *gomem_override_kvmalloc_node(GOMEM_BUCKET_PARAMS(size),
				   unsigned long align, gfp_t gfp, int node)
{
	return gomem_override_kv_alloc(size, align, gfp, node);
}
#else
void *gomem_override_kvmalloc_node(GOMEM_BUCKET_PARAMS(size), gfp_t gfp,
				   int node)
{
	return gomem_override_kv_alloc(size, 1, gfp, node);
}
#endif
EXPORT_SYMBOL_NS_GPL(gomem_override_kvmalloc_node, GOMEM_NS);

#ifdef GOMEM_HAVE_KVMEMDUP
typeof(kvmemdup) gomem_override_kvmemdup;
void *gomem_override_kvmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = gomem_override_kv_alloc(len, 1, gfp, NUMA_NO_NODE);

	if (!ZERO_OR_NULL_PTR(p))
		memcpy(p, src, len);
	return p;
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvmemdup, GOMEM_NS);
#endif

typeof(kvfree) gomem_override_kvfree;
void gomem_override_kvfree(const void *p)
{
	if (gomem_override_owns(p))
		gomem_free(p);
	else
		kvfree(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree, GOMEM_NS);

#ifdef GOMEM_HAVE_KVFREE_ATOMIC
typeof(kvfree_atomic) gomem_override_kvfree_atomic;
void gomem_override_kvfree_atomic(const void *p)
{
	if (gomem_override_owns(p))
		gomem_free(p);
	else
		kvfree_atomic(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_atomic, GOMEM_NS);
#endif

typeof(kvfree_sensitive) gomem_override_kvfree_sensitive;
void gomem_override_kvfree_sensitive(const void *p, size_t len)
{
	if (gomem_override_owns(p))
		gomem_free_sensitive(p);
	else
		kvfree_sensitive(p, len);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_sensitive, GOMEM_NS);

/*
 * Copy @p to @new, free @p, and return @new. @p is a gomem object, or NULL or
 * ZERO_SIZE_PTR. @new is memory of either allocator. If @new is NULL or
 * ZERO_SIZE_PTR, leave @p as it is.
 */
static void *kv_move(const void *p, size_t old, void *new, size_t size)
{
	if (ZERO_OR_NULL_PTR(new))
		return new;
	if (!ZERO_OR_NULL_PTR(p))
		memcpy(new, p, min(old, size));
	gomem_free(p);
	return new;
}

#ifdef GOMEM_HAVE_KVREALLOC_OLD_SIZE
typeof(GOMEM_KERNEL(kvrealloc)) gomem_override_kvrealloc;
void *gomem_override_kvrealloc(const void *p, size_t old, size_t size,
			       gfp_t gfp)
{
	if (!ZERO_OR_NULL_PTR(p) && !gomem_override_owns(p))
		return kvrealloc(p, old, size, gfp);
	if (old >= size)
		return (void *)p;
	return kv_move(p, old,
		       gomem_override_kv_alloc(size, 1, gfp, NUMA_NO_NODE),
		       size);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvrealloc, GOMEM_NS);
#else
static void *kv_resize(const void *p, size_t size, unsigned long align,
		       gfp_t gfp, int node, unsigned long caller)
{
	size_t old;

	if (ZERO_OR_NULL_PTR(p))
		return gomem_override_kv_alloc(size, align, gfp, node);
	if (!size)
		return resize(p, 0, align, gfp, node, caller);
	old = resizable(p, caller);
	if (!old)
		return NULL;
	/*
	 * If @size fits, resize() leaves @p where it is, unless @align or @node
	 * requires a move. Else call gomem_override_kv_alloc(), which may fall
	 * back to memory of kvmalloc(). resize() does not.
	 */
	if (size <= old && gomem_override_takes(size, gfp))
		return resize(p, size, align, gfp, node, caller);
	return kv_move(p, old, gomem_override_kv_alloc(size, align, gfp, node),
		       size);
}

#ifdef GOMEM_HAVE_KVREALLOC_ALIGN
typeof(kvrealloc_node_align_noprof) gomem_override_kvrealloc_node_align;
void *gomem_override_kvrealloc_node_align(const void *p,
					  GOMEM_SIZE_PARAMS(size),
					  unsigned long align, gfp_t gfp,
					  int node)
{
	if (!ZERO_OR_NULL_PTR(p) && !gomem_override_owns(p))
		return kvrealloc_node_align(p, size, align, gfp, node);
	return kv_resize(p, size, align, gfp, node, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvrealloc_node_align, GOMEM_NS);
#else
typeof(GOMEM_KERNEL(kvrealloc)) gomem_override_kvrealloc;
void *gomem_override_kvrealloc(const void *p, size_t size, gfp_t gfp)
{
	if (!ZERO_OR_NULL_PTR(p) && !gomem_override_owns(p))
		return kvrealloc(p, size, gfp);
	return kv_resize(p, size, 1, gfp, NUMA_NO_NODE, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvrealloc, GOMEM_NS);
#endif
#endif

void *gomem_kernel_kmalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_kernel_kmalloc, GOMEM_NS);
