// SPDX-License-Identifier: GPL-2.0
/*
 * override.c - the kmalloc() family, as modules built with linux/gomem_override.h call
 * it.
 *
 * What gomem cannot do goes to the kernel's allocator: zones, and what is larger than
 * GOMEM_MAX_SIZE. So both kinds of memory are about, and who frees asks whose it is.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

/* For its one prototype. */
#define GOMEM_OVERRIDE_OFF
#include <linux/gomem_override.h>

#include "override.h"
#include "sizeclass.h"

#ifdef GOMEM_OVERRIDE_SUPPORTED

/**
 * gomem_override_align - find a size whose objects are as aligned as those of another
 * @size: the other, up to GOMEM_MAX_SIZE and not 0
 *
 * Return: the least that will do; of large objects the next power of two, or @size.
 */
size_t gomem_override_align(size_t size)
{
	size_t align = BIT(__ffs(size));

	if (is_power_of_2(size))
		return size;
	if (size > GOMEM_SMALL_MAX)
		return align > GOMEM_PAGE_SIZE ? roundup_pow_of_two(size) : size;
	while (gomem_class_size(gomem_sizeclass(size)) & (align - 1))
		size += align;
	return size;
}

typeof(GOMEM_KERNEL(__kmalloc)) gomem_override_kmalloc;
void *gomem_override_kmalloc(size_t size, gfp_t gfp)
{
	return gomem_override_alloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc, GOMEM_NS);

/* Sizes that are constants: the kernel's header has chosen a cache, not knowing better. */
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
void *gomem_override_kmalloc_node(DECL_BUCKET_PARAMS(size, b), gfp_t gfp, int node)
{
	return gomem_override_alloc_node(size, gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmalloc_node, GOMEM_NS);

typeof(GOMEM_KERNEL_KMALLOC_CACHE_NODE) gomem_override_kmalloc_cache_node;
void *gomem_override_kmalloc_cache_node(struct kmem_cache *s, gfp_t gfp, int node, size_t size)
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

typeof(GOMEM_KERNEL(__kmalloc_node_track_caller)) gomem_override_kmalloc_node_track_caller;
void *gomem_override_kmalloc_node_track_caller(DECL_BUCKET_PARAMS(size, b), gfp_t gfp, int node,
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

/* To the kernel's memory: gomem has nothing of the size or in the zone that is wanted. */
static void *move_to_kernel(const void *p, size_t size, gfp_t gfp)
{
	void *new = kmalloc(size, gfp);

	if (!new)
		return NULL;
	memcpy(new, p, min(size, gomem_usable_size(p)));
	gomem_free(p);
	return new;
}

typeof(GOMEM_KERNEL(krealloc)) gomem_override_krealloc;
void *gomem_override_krealloc(const void *p, size_t size, gfp_t gfp)
{
	if (ZERO_OR_NULL_PTR(p))
		return gomem_override_alloc(size, gfp);
	if (!gomem_override_owns(p))
		return krealloc(p, size, gfp);
	if (!gomem_override_takes(size, gfp))
		return move_to_kernel(p, size, gfp);
	return gomem_realloc(p, gomem_override_pad(size), gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_krealloc, GOMEM_NS);

typeof(GOMEM_KERNEL(kmemdup)) gomem_override_kmemdup;
void *gomem_override_kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = gomem_override_alloc(len, gfp);

	if (!ZERO_OR_NULL_PTR(p))
		memcpy(p, src, len);
	return p;
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmemdup, GOMEM_NS);

/* A string of @len bytes and its end; text is noscan. */
static char *dup_text(const char *s, size_t len, gfp_t gfp)
{
	char *p;

	if (likely(gomem_override_takes(len + 1, gfp)))
		p = gomem_alloc_noscan(gomem_override_pad(len + 1), gfp);
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
unsigned long *gomem_override_bitmap_alloc_node(unsigned int nbits, gfp_t gfp, int node)
{
	return gomem_override_alloc_node(BITS_TO_LONGS(nbits) * sizeof(long), gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_bitmap_alloc_node, GOMEM_NS);

typeof(bitmap_zalloc_node) gomem_override_bitmap_zalloc_node;
unsigned long *gomem_override_bitmap_zalloc_node(unsigned int nbits, gfp_t gfp, int node)
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
 * With little effort, as there is vmalloc() behind it; so the kernel does it for what is
 * larger than a page.
 */
static gfp_t without_effort(size_t size, gfp_t gfp)
{
	if (size <= PAGE_SIZE)
		return gfp;
	if (!(gfp & __GFP_RETRY_MAYFAIL))
		gfp |= __GFP_NORETRY;
	return (gfp | __GFP_NOWARN) & ~__GFP_NOFAIL;
}

static void *kv_alloc(size_t size, gfp_t gfp, int node)
{
	void *p;

	if (gomem_override_takes(size, gfp)) {
		p = gomem_alloc_node(size, without_effort(size, gfp), node);
		if (p || size <= PAGE_SIZE)
			return p;
	}
	return kvmalloc_node(size, gfp, node);
}

typeof(GOMEM_KERNEL_KVMALLOC_NODE) gomem_override_kvmalloc_node;
void *gomem_override_kvmalloc_node(DECL_BUCKET_PARAMS(size, b), gfp_t gfp, int node)
{
	return kv_alloc(size, gfp, node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvmalloc_node, GOMEM_NS);

typeof(kvfree) gomem_override_kvfree;
void gomem_override_kvfree(const void *p)
{
	if (gomem_override_owns(p))
		gomem_free(p);
	else
		kvfree(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree, GOMEM_NS);

typeof(kvfree_sensitive) gomem_override_kvfree_sensitive;
void gomem_override_kvfree_sensitive(const void *p, size_t len)
{
	if (gomem_override_owns(p))
		gomem_free_sensitive(p);
	else
		kvfree_sensitive(p, len);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_sensitive, GOMEM_NS);

/* From gomem's memory or none to a larger place, of whichever kind there is. */
static void *kv_grow(const void *p, size_t old, size_t size, gfp_t gfp)
{
	void *new = kv_alloc(size, gfp, NUMA_NO_NODE);

	if (ZERO_OR_NULL_PTR(new))
		return new;
	if (!ZERO_OR_NULL_PTR(p))
		memcpy(new, p, min(old, size));
	gomem_free(p);
	return new;
}

typeof(GOMEM_KERNEL(kvrealloc)) gomem_override_kvrealloc;
#ifdef GOMEM_KVREALLOC_OLD_SIZE
void *gomem_override_kvrealloc(const void *p, size_t old, size_t size, gfp_t gfp)
{
	if (!ZERO_OR_NULL_PTR(p) && !gomem_override_owns(p))
		return kvrealloc(p, old, size, gfp);
	if (old >= size)
		return (void *)p;
	return kv_grow(p, old, size, gfp);
}
#else
void *gomem_override_kvrealloc(const void *p, size_t size, gfp_t gfp)
{
	size_t old;

	if (!ZERO_OR_NULL_PTR(p) && !gomem_override_owns(p))
		return kvrealloc(p, size, gfp);
	/* Whatever @gfp asks for nothing is allocated. */
	if (!size) {
		gomem_free(p);
		return ZERO_SIZE_PTR;
	}
	old = gomem_usable_size(p);
	/* In place. */
	if (!ZERO_OR_NULL_PTR(p) && size <= old && gomem_override_takes(size, gfp))
		return gomem_realloc(p, gomem_override_pad(size), gfp);
	return kv_grow(p, old, size, gfp);
}
#endif
EXPORT_SYMBOL_NS_GPL(gomem_override_kvrealloc, GOMEM_NS);

/* False if it is the kernel's; @head is NULL where the caller may sleep. */
static bool free_rcu(struct rcu_head *head, void *p)
{
	if (!gomem_override_owns(p))
		return false;
	if (head)
		__gomem_free_rcu(head, p);
	else
		gomem_free_rcu_mightsleep(p);
	return true;
}

typeof(kvfree_call_rcu) gomem_override_kvfree_call_rcu;
#ifdef GOMEM_KVFREE_RCU_OFFSET
void gomem_override_kvfree_call_rcu(struct rcu_head *head, rcu_callback_t offset)
{
	unsigned long n = (unsigned long)offset;

	if (!free_rcu(head, head ? (void *)head - n : (void *)n))
		kvfree_call_rcu(head, offset);
}
#else
void gomem_override_kvfree_call_rcu(struct rcu_head *head, void *p)
{
	if (!free_rcu(head, p))
		kvfree_call_rcu(head, p);
}
#endif
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_call_rcu, GOMEM_NS);

#ifdef GOMEM_KVFREE_RCU_BARRIER
typeof(kvfree_rcu_barrier) gomem_override_kvfree_rcu_barrier;
void gomem_override_kvfree_rcu_barrier(void)
{
	gomem_rcu_barrier();
	kvfree_rcu_barrier();
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_rcu_barrier, GOMEM_NS);
#endif

void *gomem_kernel_kmalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_kernel_kmalloc, GOMEM_NS);

#endif /* GOMEM_OVERRIDE_SUPPORTED */
