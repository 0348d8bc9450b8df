/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem.h - a general-purpose allocator for kernel modules, built the way the
 * Go runtime builds its own.
 *
 * A module that uses it needs two lines beside this include:
 *
 *	MODULE_IMPORT_NS(GOMEM_NS);			(in the source)
 *	KBUILD_EXTRA_SYMBOLS=.../Module.symvers		(on make's command line)
 *
 * Rules that hold for every function here:
 *
 * Context: process, softirq and hard interrupt context, like kmalloc(). A task's
 * fast path leaves interrupts on. Not NMI: an allocation or free there is refused
 * with a report. On PREEMPT_RT, like kmalloc(), not with a raw spinlock held, nor
 * with preemption or interrupts off. gomem_free_rcu() alone is for all of these.
 *
 * Sleeping: only an allocation whose gfp allows it (GFP_KERNEL does, GFP_NOWAIT
 * and GFP_ATOMIC do not) may sleep. Such an allocation is a preemption point, as
 * kmalloc() is: with preempt=voluntary another task that waits for the CPU gets it, even
 * if the memory is at hand. Freeing never sleeps.
 *
 * gfp: what the flags say about effort (GFP_NOFS, __GFP_NORETRY and so on) reaches
 * the page allocator when memory has to be fetched from it. __GFP_ZERO clears the
 * object, __GFP_NOWARN keeps failures quiet, __GFP_NOFAIL retries until memory is
 * there, if the flags allow sleeping. __GFP_DMA, __GFP_DMA32 and __GFP_HIGHMEM are
 * refused with a report and NULL: objects come from the direct map, of any zone in
 * it. With __GFP_THISNODE no other node's memory is fetched for want of this one's;
 * other flags about placement are ignored. So is __GFP_ACCOUNT: pages are shared by
 * objects of many owners, and charged to none.
 *
 * Sizes: 0 gives ZERO_SIZE_PTR. Up to 32 KiB a request is rounded up to one of
 * 67 size classes, above to a multiple of 8 KiB, up to GOMEM_MAX_SIZE. From 129
 * bytes to 32 KiB rounding and the tail of a span waste at most a sixth of it, as
 * in Go; gomem_usable_size() tells what an object got.
 *
 * Tiny objects: noscan ones of 1 to 5 bytes share blocks of 16, one of 9 to 15 bytes
 * a block that has room for it. So gomem_usable_size() may be what was asked for and no
 * more, and grow when a neighbour is freed. The rest of a block is lost until all of its
 * objects are freed.
 *
 * Alignment: 8 bytes at least; noscan objects of less than 16 bytes, to the lowest bit
 * set in their size. An object allocated with a size that is a power of two is naturally
 * aligned, as kmalloc() promises. Two promises of kmalloc() are not gomem's. Since Linux
 * 6.11 kmalloc() aligns any size to the largest power of two that divides it: 2560 bytes
 * to 512. gomem aligns to the largest power of two that divides the size class: those
 * 2560 bytes lie in an object of 2688, aligned to 128. krealloc() to a power of two is
 * naturally aligned; gomem_realloc() does not move an object that has room to align it.
 * Objects that need more alignment than their size says have a typed cache with it.
 *
 * Errors: an allocation that fails returns NULL. Misuse - a double free, a
 * pointer into the middle of an object, a pointer that is not gomem's, a
 * refused gfp, a size that overflows - is counted in /sys/kernel/debug/gomem/stats,
 * reported in the kernel log with the caller's name (ten of a kind in five seconds,
 * at most), and has no other effect. An object that was written to after it was
 * freed is never handed out again; that may be how a second free shows, where the
 * write hid it at first. What cannot be seen: a second free after the memory has a
 * new owner, or on two CPUs in the same moment. kfree() of an object is not gomem's to
 * see: the kernel warns, and the object stays allocated. Before 6.18 the kernel also drops
 * a reference of the page, which gomem reports when the page is to go back to the kernel.
 * Of a pointer into the middle of a tiny object it is not known whether an
 * object of its own was there once: it is reported, and counted as a double free.
 *
 * Memory: each NUMA node has a heap of its own, and memory comes from the node of the
 * CPU. What is free goes back to the kernel in time. Pages are no slab pages; where
 * the kernel asks whether a page may be shared by reference, as sendpage_ok() does,
 * it has no idea of the objects in it.
 *
 * The algorithms are those of Go's runtime (malloc.go, mcache.go, mcentral.go,
 * mheap.go, mpagealloc.go), with explicit free in place of a garbage collector.
 */
#ifndef _LINUX_GOMEM_H
#define _LINUX_GOMEM_H

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/version.h>

#include <linux/gomem_classes.h>

/*
 * The symbol namespace, spelt as EXPORT_SYMBOL_NS_GPL() and MODULE_IMPORT_NS()
 * of this kernel want it: 6.13 turned the bare word into a string.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define GOMEM_NS	"GOMEM"
#else
#define GOMEM_NS	GOMEM
#endif

/* The largest object: one Go palloc chunk, and the buddy allocator's limit. */
#define GOMEM_MAX_SIZE	(4UL << 20)

/* Typed caches: bytes of an object, and its alignment, at most. */
#define GOMEM_CACHE_MAX_SIZE	GOMEM_MAX_SIZE
#define GOMEM_CACHE_MAX_ALIGN	8192

/* Scratch buffers: 2, 4, 8, 16 or 32 KiB. */
#define GOMEM_SCRATCH_MAX_ORDER		4
#define GOMEM_SCRATCH_SIZE(order)	(2048UL << (order))

struct device;
struct gomem_arena;
struct gomem_cache;

/* Where in an object the head for gomem_free_rcu() has to begin: below this. */
#define GOMEM_RCU_OFFSET_MAX	4096UL

/**
 * struct gomem_rcu_head - what gomem_free_rcu() needs in an object
 * @word: gomem's while the object waits to be freed, and the owner's until then
 *
 * Half of a struct rcu_head, which will do as well.
 */
struct gomem_rcu_head {
	unsigned long word;
};

/* Linux 7.3 has one of 8 bytes, too, for kfree_rcu(). */
struct kvfree_rcu_head;

/* Not part of the API: what the inlines and macros below call. */
void *__gomem_alloc(size_t size, gfp_t gfp) __alloc_size(1) __malloc;
void *__gomem_alloc_noscan(size_t size, gfp_t gfp) __alloc_size(1) __malloc;
void *__gomem_alloc_from(unsigned long slot_at, gfp_t gfp) __malloc;
void *__gomem_alloc_tiny(size_t size, gfp_t gfp) __alloc_size(1) __malloc;
void *__gomem_alloc_overflow(size_t n, size_t size, gfp_t gfp);
void __gomem_free_rcu(void *head, void *p);

/* Is it the address of one of the heads that gomem_free_rcu() takes? */
#define __gomem_is_rcu_head(head)						\
	(__same_type(head, struct gomem_rcu_head *) ||				\
	 __same_type(head, struct kvfree_rcu_head *) ||				\
	 __same_type(head, struct rcu_head *))

/*
 * Where in each CPU's cache the slot of a size is: a size class has two, side by side, the
 * second one noscan.
 */
#define __GOMEM_SLOT_SHIFT	6

static __always_inline unsigned long __gomem_slot_at(size_t size, bool noscan)
{
	return (__gomem_class_const(size) << 1 | noscan) << __GOMEM_SLOT_SHIFT;
}

/* Noscan objects of these sizes share 16 bytes: 1 to 5, and 9 to 15. */
static __always_inline bool __gomem_is_tiny(size_t size)
{
	return size - 1 < 15 && size - 6 > 2;
}

/**
 * gomem_alloc - allocate memory
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: GFP_KERNEL, GFP_ATOMIC, ... as for kmalloc()
 *
 * The memory is not cleared, unless @gfp has __GFP_ZERO or the kernel was
 * started with init_on_alloc=1. A size that is a compile-time constant picks its
 * size class at compile time.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return:
 * * the memory, at least @size bytes
 * * ZERO_SIZE_PTR if @size is 0
 * * NULL if there is no memory, @size is over GOMEM_MAX_SIZE or @gfp is refused
 */
static __always_inline void *gomem_alloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && size && size <= GOMEM_SMALL_MAX)
		return __gomem_alloc_from(__gomem_slot_at(size, false), gfp);
	return __gomem_alloc(size, gfp);
}

/**
 * gomem_alloc_noscan - allocate memory that will hold no pointers
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * Pointer-free objects (text, packets, pixels) live in spans of their own:
 * kmemleak does not scan them, and an overflow of one cannot reach pointers in
 * its neighbour. Go calls such objects noscan. Those of 1 to 5 bytes share blocks: see
 * tiny objects above.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc().
 */
static __always_inline void *gomem_alloc_noscan(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && __gomem_is_tiny(size))
		return __gomem_alloc_tiny(size, gfp);
	if (__builtin_constant_p(size) && size && size <= GOMEM_SMALL_MAX)
		return __gomem_alloc_from(__gomem_slot_at(size, true), gfp);
	return __gomem_alloc_noscan(size, gfp);
}

/**
 * gomem_zalloc - allocate cleared memory
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * Everything up to gomem_usable_size() is cleared, but for memory that is new from a
 * kernel that has cleared it (init_on_alloc=1 or init_on_free=1).
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc().
 */
static __always_inline void *gomem_zalloc(size_t size, gfp_t gfp)
{
	return gomem_alloc(size, gfp | __GFP_ZERO);
}

/**
 * gomem_alloc_array - allocate an array
 * @n: number of elements
 * @size: bytes of one element
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc() for @n * @size bytes; NULL, with a report unless
 * @gfp has __GFP_NOWARN, if the product overflows.
 */
static __always_inline void *gomem_alloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return __gomem_alloc_overflow(n, size, gfp);
	return gomem_alloc(bytes, gfp);
}

/**
 * gomem_calloc - allocate a cleared array
 * @n: number of elements
 * @size: bytes of one element
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc_array().
 */
static __always_inline void *gomem_calloc(size_t n, size_t size, gfp_t gfp)
{
	return gomem_alloc_array(n, size, gfp | __GFP_ZERO);
}

/**
 * gomem_alloc_node - allocate memory, if possible of a NUMA node
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc(); with __GFP_THISNODE no other node will do
 * @node: node id, or NUMA_NO_NODE for this CPU's. A node without memory is taken as
 *	the nearest that has some, one that is not online as NUMA_NO_NODE
 *
 * If @node has no memory left, another one's is taken. Memory of another node than
 * this CPU's is not cached by this CPU, neither here nor when it is freed.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc(); NULL with a report if @node can be no node id.
 */
void *gomem_alloc_node(size_t size, gfp_t gfp, int node) __alloc_size(1) __malloc;

/**
 * gomem_realloc - change the size of an object
 * @p: the object; NULL or ZERO_SIZE_PTR make this gomem_alloc()
 * @new_size: bytes wanted; 0 frees @p
 * @gfp: as for gomem_alloc()
 *
 * The contents are kept up to the smaller of both sizes, as is the object's
 * being noscan. An object whose usable size is enough stays where it is, and so does a
 * large one, beyond 16 KiB, with free memory behind it. One that grows by less than half
 * gets half of @new_size as room for more, if there is memory for it at hand.
 *
 * With __GFP_ZERO what lies beyond the old size reads as zero, provided that the
 * object was allocated and always resized with __GFP_ZERO: gomem knows an
 * object's usable size, not how much of it the caller asked for (krealloc() has
 * the same rule).
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return:
 * * the object, moved or not
 * * ZERO_SIZE_PTR if @new_size is 0
 * * NULL on failure; @p is then unchanged and still the caller's. Also, with a
 *   report, if @p is no live object, or one of a typed cache that has a constructor or is
 *   typesafe under RCU: the contents of such an object have to stay
 */
void *gomem_realloc(const void *p, size_t new_size, gfp_t gfp) __must_check;

/**
 * gomem_memdup - allocate a copy of memory
 * @src: what to copy
 * @len: bytes to copy
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the copy, to be freed with gomem_free(); otherwise as gomem_alloc().
 */
void *gomem_memdup(const void *src, size_t len, gfp_t gfp) __alloc_size(2);

/**
 * gomem_strdup - allocate a copy of a string
 * @s: the string, or NULL
 * @gfp: as for gomem_alloc()
 *
 * The copy is noscan.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the copy, to be freed with gomem_free(); NULL if @s is NULL or there
 * is no memory.
 */
char *gomem_strdup(const char *s, gfp_t gfp);

/**
 * gomem_free - free an object
 * @p: what a gomem function returned; NULL and ZERO_SIZE_PTR are ignored
 *
 * On whichever CPU and in whichever context the object was allocated.
 *
 * An object that is free already, a pointer into the middle of one and a pointer
 * that is not gomem's are reported and left alone.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_free(const void *p);

/**
 * gomem_free_sensitive - clear an object, then free it
 * @p: as for gomem_free()
 *
 * Clears all gomem_usable_size() bytes in a way the compiler cannot drop. An object of a
 * typed cache that has a constructor, or is typesafe under RCU, is reported and left alone,
 * since its contents have to stay: clear what is sensitive, then call gomem_cache_free().
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_free_sensitive(const void *p);

/**
 * gomem_usable_size - how many bytes an object really has
 * @p: an object, NULL or ZERO_SIZE_PTR
 *
 * All of them may be used. That compilers with object-size checks only know of
 * the size asked for is the caller's to keep in mind, as with ksize(). Of a tiny object
 * it grows when its neighbour is freed: who adds up what objects have cannot subtract
 * it later.
 *
 * Context: any.
 * Return: the bytes, at least what was asked for; 0 for NULL and ZERO_SIZE_PTR;
 * 0 with a report for a pointer that is not the first byte of a live object.
 */
size_t gomem_usable_size(const void *p);

/**
 * gomem_owns - is this memory gomem's?
 * @p: any value
 *
 * Tells by the page @p lies in, without touching it. Says nothing about whether
 * the object there is allocated or free.
 *
 * Context: any.
 * Return: true if the page belongs to a gomem object or to a span of them; false
 * for NULL, ZERO_SIZE_PTR, memory of other allocators and anything else.
 */
bool gomem_owns(const void *p);

/**
 * gomem_dump_obj - log what an address is
 * @p: any value
 *
 * As mem_dump_obj(): for error paths, and while one looks for a bug. The log gets some
 * lines: whose memory @p lies in, which object, whether somebody has it, its neighbours,
 * its span, and who called. It gets no address in clear. The file whatis in debugfs tells
 * the same. For memory of the kernel's slab allocator mem_dump_obj() says more.
 *
 * What @p points to is not touched, but for a free object of gomem's.
 *
 * Context: any.
 */
void gomem_dump_obj(const void *p);

/**
 * gomem_alloc_bulk - allocate many objects of one size
 * @size: bytes of each
 * @gfp: as for gomem_alloc()
 * @n: how many
 * @p: where to put the @n pointers
 *
 * In much less time than @n calls of gomem_alloc(), for sizes up to 32 KiB.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: @n, or 0 if not all could be had; then none is allocated and the
 * contents of @p are undefined.
 */
size_t gomem_alloc_bulk(size_t size, gfp_t gfp, size_t n, void **p) __must_check;

/**
 * gomem_free_bulk - free many objects
 * @n: how many
 * @p: the objects, of any sizes, in any order; NULL and ZERO_SIZE_PTR are skipped. The
 *	array is in none of them, and its contents are undefined afterwards
 *
 * In much less time than @n calls of gomem_free(), for objects up to 32 KiB; the more so
 * where neighbours in @p are neighbours in memory. What gomem_free() would not free is
 * reported, each for itself, and left alone.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_free_bulk(size_t n, void **p);

/**
 * gomem_free_rcu - free an object after an RCU grace period
 * @ptr: what a gomem function returned, as a pointer to its type; NULL is ignored
 * @field: name of its head, which begins below GOMEM_RCU_OFFSET_MAX: a struct
 *	gomem_rcu_head, a struct rcu_head, or a struct kvfree_rcu_head where the kernel has it
 *
 * gomem_free_rcu() is for gomem's objects what kfree_rcu() is for those of kmalloc().
 * Objects of any size are collected: all objects that come while a grace period runs share
 * one callback with RCU.
 *
 * gomem writes to the first word of the head, and to nothing else, until the object is
 * freed. So readers may go on with all other fields.
 *
 * What gomem_free() would not free is reported at once and left alone; an object that
 * waits already counts as free. The object must not be freed in another way while it
 * waits, and its head must not be written: gomem notices that late or not at all, and
 * objects that wait behind it may be lost. Until it is freed it counts as a live one.
 *
 * The module whose object it is need not wait: no code of its is called.
 *
 * Context: any, NMI included; on PREEMPT_RT also with a raw spinlock held, and with
 * preemption or interrupts off. Never sleeps.
 */
#define gomem_free_rcu(ptr, field)						\
do {										\
	typeof(ptr) __gomem_p = (ptr);						\
										\
	BUILD_BUG_ON(offsetof(typeof(*__gomem_p), field) >= GOMEM_RCU_OFFSET_MAX); \
	BUILD_BUG_ON(offsetof(typeof(*__gomem_p), field) % sizeof(void *));	\
	BUILD_BUG_ON(!__gomem_is_rcu_head(&__gomem_p->field));			\
	if (__gomem_p)								\
		__gomem_free_rcu(&__gomem_p->field, (void *)__gomem_p);		\
} while (0)

/**
 * gomem_free_rcu_mightsleep - free an object without a head after a grace period
 * @p: as for gomem_free()
 *
 * Without memory for a head the call waits for the grace period itself. A second call with
 * the same object while it waits is reported later, when it is freed.
 *
 * Context: process context; may sleep.
 */
void gomem_free_rcu_mightsleep(const void *p);

/**
 * gomem_rcu_barrier - wait for objects that were given to gomem_free_rcu()
 *
 * Returns when all that were given before, on any CPU and either way, are freed.
 *
 * Context: process context; sleeps, if there are any.
 */
void gomem_rcu_barrier(void);

/**
 * gomem_mempool_alloc - gomem_alloc() as memory pools call it
 * @gfp: as for gomem_alloc()
 * @size: bytes of an object, as a pointer
 *
 * For a pool of @min objects that are gomem's::
 *
 *	mempool_create(min, gomem_mempool_alloc, gomem_mempool_free, (void *)size)
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc().
 */
void *gomem_mempool_alloc(gfp_t gfp, void *size);

/**
 * gomem_mempool_free - gomem_free() as memory pools call it
 * @p: the object
 * @size: not looked at
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_mempool_free(void *p, void *size);

/**
 * devm_gomem_alloc - allocate memory for a device
 * @dev: the device
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * The memory is freed when the driver is unbound from @dev, with its other resources
 * and the last first.
 *
 * Context: process context; may sleep if @gfp allows it.
 * Return: as gomem_alloc(). The memory is gomem_alloc()'s, too, but it is not to be
 * given to gomem_free() or gomem_realloc().
 */
void *devm_gomem_alloc(struct device *dev, size_t size, gfp_t gfp) __alloc_size(2) __malloc;

/**
 * devm_gomem_zalloc - allocate cleared memory for a device
 * @dev: the device
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * Context: process context; may sleep if @gfp allows it.
 * Return: as devm_gomem_alloc().
 */
static inline void *devm_gomem_zalloc(struct device *dev, size_t size, gfp_t gfp)
{
	return devm_gomem_alloc(dev, size, gfp | __GFP_ZERO);
}

/**
 * devm_gomem_free - free memory of a device early
 * @dev: the device
 * @p: what devm_gomem_alloc() returned for @dev; NULL and ZERO_SIZE_PTR are ignored
 *
 * Anything else is reported and left alone.
 *
 * Context: process context; never sleeps.
 */
void devm_gomem_free(struct device *dev, const void *p);

/**
 * gomem_scratch_get - get a buffer for a moment
 * @order: its size is GOMEM_SCRATCH_SIZE(@order): 2 KiB for 0, 32 KiB for
 *	GOMEM_SCRATCH_MAX_ORDER
 * @gfp: as for gomem_alloc()
 *
 * For what does not fit on the stack and is gone when the function returns: each CPU
 * keeps 32 KiB of free buffers of each order at hand. A buffer is aligned to its size.
 * It is no object of the heap: other functions than gomem_scratch_put(),
 * gomem_usable_size() and gomem_owns() refuse it, with a report.
 *
 * The buffer is not cleared, unless @gfp has __GFP_ZERO or the kernel was started
 * with init_on_alloc=1.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the buffer; NULL if there is no memory; NULL with a report if @gfp is
 * refused or @order is over GOMEM_SCRATCH_MAX_ORDER.
 */
void *gomem_scratch_get(unsigned int order, gfp_t gfp) __malloc;

/**
 * gomem_scratch_put - give a scratch buffer back
 * @buf: what gomem_scratch_get() returned; NULL is ignored
 *
 * On whichever CPU and in whichever context it was got. Anything else, a buffer that
 * was given back already among it, is reported and left alone.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_scratch_put(void *buf);

/**
 * gomem_arena_create - make an arena
 * @gfp: as for gomem_alloc()
 *
 * For many objects that have the same end: they are taken one behind the other from
 * memory that is the arena's alone, at next to no cost, and gomem_arena_destroy()
 * frees all of them. It has no memory at first; blocks are added as it grows, of 8 KiB
 * in the beginning and twice as much each time, up to 256 KiB.
 *
 * An arena has one user at a time: who shares one keeps calls apart. Different arenas
 * have nothing to do with each other.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the arena; NULL if there is no memory; NULL with a report if @gfp is refused.
 */
struct gomem_arena *gomem_arena_create(gfp_t gfp) __must_check;

/**
 * gomem_arena_alloc - allocate memory from an arena
 * @arena: what gomem_arena_create() returned
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * The memory is aligned to 8 bytes; if @size is a power of two, to that, up to 8 KiB.
 * It lives as long as the arena: gomem_free(), gomem_realloc() and gomem_usable_size()
 * refuse it, with a report. kmemleak looks for pointers in it.
 *
 * The memory is not cleared, unless @gfp has __GFP_ZERO or the kernel was started
 * with init_on_alloc=1.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return:
 * * the memory
 * * ZERO_SIZE_PTR if @size is 0
 * * NULL if there is no memory, @size is over GOMEM_MAX_SIZE or @gfp is refused
 * * NULL, with a report, if @arena was destroyed or is none
 */
void *gomem_arena_alloc(struct gomem_arena *arena, size_t size, gfp_t gfp)
	__alloc_size(2) __malloc;

/**
 * gomem_arena_destroy - free an arena and everything in it
 * @arena: what gomem_arena_create() returned; NULL is ignored
 *
 * One that was destroyed already, or is none, is reported and left alone.
 *
 * With the module parameter debug=1 what was the arena's memory is filled with
 * POISON_FREE, so that a pointer read from it faults where it is used, and given to
 * nobody for a while: writes to it are found and reported then.
 *
 * Context: any but NMI; never sleeps. Takes a moment for each block, with debug=1 or
 * init_on_free=1 for each byte.
 */
void gomem_arena_destroy(struct gomem_arena *arena);

/**
 * struct gomem_cache_args - what a typed cache is beyond name and size
 * @align: alignment of each object, a power of two up to GOMEM_CACHE_MAX_ALIGN; 0: 8
 * @ctor: called once for each object before it is handed out for the first time, with
 *	preemption off perhaps; the object is to be freed as constructed. __GFP_ZERO and
 *	init_on_alloc have no effect then. NULL: none
 * @noscan: objects hold no pointers, see gomem_alloc_noscan()
 * @typesafe_by_rcu: memory of an object may become another object of the cache at once,
 *	but nothing else before an RCU grace period is over (SLAB_TYPESAFE_BY_RCU).
 *	Contents survive the free
 * @useroffset: where in an object the part begins that may be copied to and from user
 *	space, see gomem_usercopy_allowed()
 * @usersize: bytes of that part; 0: none
 *
 * All zero is the default.
 */
struct gomem_cache_args {
	unsigned int align;
	void (*ctor)(void *obj);
	bool noscan;
	bool typesafe_by_rcu;
	unsigned int useroffset;
	unsigned int usersize;
};

/**
 * gomem_cache_create - make a typed cache
 * @name: for /sys/kernel/debug/gomem/caches and reports; is copied
 * @size: bytes of an object, 1 to GOMEM_CACHE_MAX_SIZE
 * @args: more about it; NULL for the default
 *
 * Objects of one size in spans of their own, side by side: @size is rounded up to the
 * alignment and not to a size class. With a constructor, or @typesafe_by_rcu, another 8
 * bytes go with each object, behind it, and both together may have GOMEM_CACHE_MAX_SIZE.
 *
 * Context: process context; sleeps.
 * Return: the cache; NULL if there is no memory; NULL with a report if @name is empty or
 * @size or @args make no sense.
 */
struct gomem_cache *gomem_cache_create(const char *name, unsigned int size,
				       const struct gomem_cache_args *args) __must_check;

/**
 * gomem_cache_destroy - destroy a typed cache
 * @c: the cache; NULL is ignored
 *
 * Nobody uses it any more. Waits for frees by gomem_free_rcu(), and by callbacks that were
 * given to call_rcu() before. Objects that were not freed are reported, with their number;
 * they stay where they are, and may still be freed, but the cache's memory is lost until
 * gomem is unloaded. A cache that was destroyed already, or is none, is reported.
 *
 * Context: process context; sleeps.
 */
void gomem_cache_destroy(struct gomem_cache *c);

/**
 * gomem_cache_shrink - give back what a typed cache has free
 * @c: the cache
 *
 * Takes what CPUs hold of it, and returns its empty spans to the heap.
 *
 * Context: process context; sleeps.
 * Return: 0 if nothing is left, 1 if spans are in use; -EINVAL, with a report, if @c is
 * no cache.
 */
int gomem_cache_shrink(struct gomem_cache *c);

/**
 * gomem_cache_size - bytes of an object of a typed cache
 * @c: the cache
 *
 * Context: any.
 * Return: what it was created with.
 */
unsigned int gomem_cache_size(const struct gomem_cache *c);

/**
 * gomem_cache_alloc - allocate an object of a typed cache
 * @c: the cache
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the object; NULL if there is no memory or @gfp is refused; NULL, with a report, if
 * @c was destroyed and its memory has no new owner yet.
 */
void *gomem_cache_alloc(struct gomem_cache *c, gfp_t gfp) __malloc;

/**
 * gomem_cache_zalloc - allocate a cleared object of a typed cache
 * @c: the cache, without a constructor
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_cache_alloc().
 */
static __always_inline void *gomem_cache_zalloc(struct gomem_cache *c, gfp_t gfp)
{
	return gomem_cache_alloc(c, gfp | __GFP_ZERO);
}

/**
 * gomem_cache_alloc_node - allocate an object of a typed cache, if possible of a node
 * @c: the cache
 * @gfp: as for gomem_alloc(); with __GFP_THISNODE no other node will do
 * @node: as for gomem_alloc_node()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_cache_alloc(); NULL with a report if @node can be no node id.
 */
void *gomem_cache_alloc_node(struct gomem_cache *c, gfp_t gfp, int node) __malloc;

/**
 * gomem_cache_free - free an object of a typed cache
 * @c: its cache
 * @p: the object; NULL is ignored
 *
 * An object that is free already, of another cache, or none, is reported and left alone.
 * gomem_free() frees it too.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_cache_free(struct gomem_cache *c, void *p);

/**
 * gomem_cache_alloc_bulk - allocate many objects of a typed cache
 * @c: the cache
 * @gfp: as for gomem_alloc()
 * @n: how many
 * @p: where to put the @n pointers
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: @n, or 0 if not all could be had; then none is allocated and the contents of
 * @p are undefined.
 */
size_t gomem_cache_alloc_bulk(struct gomem_cache *c, gfp_t gfp, size_t n, void **p)
	__must_check;

/**
 * gomem_cache_free_bulk - free many objects of a typed cache
 * @c: their cache
 * @n: how many
 * @p: the objects, in any order; NULLs are skipped. The array is in none of them, and its
 *	contents are undefined afterwards
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_cache_free_bulk(struct gomem_cache *c, size_t n, void **p);

/**
 * gomem_usercopy_allowed - may memory be copied to or from user space?
 * @p: the first byte
 * @n: how many
 *
 * The kernel's own check in copy_to_user() knows slab pages only, and sees no bounds in
 * gomem's. Ask this before a length that came from user space is used.
 *
 * Context: any.
 * Return: true if all of it lies in one live object or scratch buffer, up to
 * gomem_usable_size(); in an object of a typed cache: in the part that its cache was
 * created with; in an arena: in what was allocated of one of its blocks, which may be
 * several objects. False for what was freed, given back or destroyed, and for memory that
 * is not gomem's.
 */
bool gomem_usercopy_allowed(const void *p, size_t n);

/*
 * With __free(gomem) before its name a pointer is given to gomem_free() when it goes out
 * of scope, unless no_free_ptr() took it; NULL and error pointers are none.
 */
#ifdef DEFINE_FREE	/* linux/slab.h has it of linux/cleanup.h, if there is one */
DEFINE_FREE(gomem, void *, if (!IS_ERR_OR_NULL(_T)) gomem_free(_T))
#endif

#endif /* _LINUX_GOMEM_H */
