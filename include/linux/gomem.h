/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem.h - a general-purpose allocator for kernel modules, designed like the
 * allocator of the Go runtime.
 *
 * Besides this include, a module needs two lines:
 *
 *	MODULE_IMPORT_NS(GOMEM_NS);			(in the source)
 *	KBUILD_EXTRA_SYMBOLS=.../Module.symvers		(on make's command line)
 *
 * These rules hold unless the comment of a function says otherwise:
 *
 * Context: process, softirq and hard interrupt context, like kmalloc(). The
 * fast path of a task leaves interrupts on. In NMI context an allocation or a
 * free is refused with a report. On PREEMPT_RT, as with kmalloc(), the caller
 * must not hold a raw spinlock and must not have preemption or interrupts off.
 * Of the functions that allocate or free, only gomem_free_rcu() has none of
 * these restrictions.
 *
 * Sleeping: an allocation may sleep only if its gfp allows it: GFP_KERNEL does,
 * GFP_NOWAIT and GFP_ATOMIC do not. An allocation that may sleep is a
 * preemption point, like kmalloc(): with preempt=voluntary another task that
 * waits for the CPU runs first, even if the memory is at hand. gomem_free()
 * never sleeps, except on the spinlocks of PREEMPT_RT.
 *
 * gfp flags:
 *
 *	- Flags about effort (GFP_NOFS, __GFP_NORETRY and so on) are passed to
 *	  the page allocator when memory has to be fetched from it.
 *	- __GFP_ZERO clears the object. __GFP_NOWARN suppresses the warning
 *	  about a failure. __GFP_NOFAIL retries until there is memory, if the
 *	  flags allow sleeping.
 *	- __GFP_DMA, __GFP_DMA32 and __GFP_HIGHMEM are refused: the result is
 *	  NULL and a report. Objects may come from any zone of the direct map.
 *	- With __GFP_THISNODE no memory is fetched from other nodes if the
 *	  CPU's node, or the node that the call names, has none left. Other
 *	  flags about placement are ignored.
 *	- __GFP_ACCOUNT is ignored. Objects of many owners share a page, so no
 *	  memory cgroup is charged.
 *
 * Sizes: an allocation of 0 bytes returns ZERO_SIZE_PTR. A size of up to 32 KiB
 * is rounded up to one of 67 size classes. A larger size, up to GOMEM_MAX_SIZE,
 * is rounded up to a multiple of 8 KiB. The objects of a size class lie in
 * spans: runs of pages cut into objects of that size. For sizes from 129 bytes
 * to 32 KiB, at most a sixth of a span of the usual length is lost to the
 * rounding, and to the tail after the last object. The first spans of a class,
 * and spans made while memory is fragmented, may be shorter and lose more.
 * gomem_usable_size() returns the size that an object really has.
 *
 * Tiny objects: noscan objects, which gomem_alloc_noscan() allocates, share
 * blocks of 16 bytes if they have 1 to 4 bytes. Each CPU cuts them from a
 * current block of its own. A noscan object of 9 to 15 bytes also shares that
 * block, if it fits there. So gomem_usable_size() may be just the size that was
 * asked for, rounded up to an even number, and may grow when the object after
 * it is freed. When a CPU moves on to another block, no new object gets the
 * unused bytes of the old block until all objects of the old block are freed.
 *
 * Alignment: at least 8 bytes. A noscan object of less than 16 bytes is aligned
 * to the lowest bit set in its size, rounded up to an even number. An object
 * whose requested size is a power of two is aligned to that size, as kmalloc()
 * promises. Two promises of kmalloc() do not hold:
 *
 *	- Since Linux 6.11 kmalloc() aligns any size to the largest power of two
 *	  that divides it: 2560 bytes to 512. gomem aligns to the largest power
 *	  of two that divides the size class: those 2560 bytes lie in an object
 *	  of 2688 bytes, aligned to 128.
 *	- krealloc() to a power of two returns an object that is aligned to it.
 *	  gomem_realloc() leaves an object that is large enough where it is,
 *	  aligned or not.
 *
 * For objects that need more alignment, create a typed cache, and set align in
 * its struct gomem_cache_args.
 *
 * Errors: an allocation that fails returns NULL. Misuse is, for example, a
 * double free, a pointer into the middle of an object, a pointer that is not
 * gomem's, a refused gfp or a size that overflows. Misuse is counted in
 * /sys/kernel/debug/gomem/stats and reported in the kernel log with the
 * caller's name. At most ten reports of each kind of misuse appear in five
 * seconds. Apart from the count and the report, a call that is misuse does
 * nothing.
 *
 * A freed object that is neither tiny nor larger than 32 KiB holds a secret key
 * in its first 8 bytes. If a cache's freed objects keep their contents, the key
 * is in the 8 bytes after the object. An allocation that finds the key
 * overwritten reports the object, and gomem never hands the object out again.
 * The cause may also be a double free: gomem does not notice the second free if
 * the key was overwritten before. Some misuse is not detected, or is taken for
 * other misuse:
 *
 *	- a second free after the memory has a new owner is not detected;
 *	- two frees of an object on two CPUs at the same moment may not be
 *	  detected;
 *	- without kfree_probe=1, kfree() of a gomem object is not detected when
 *	  it happens. The kernel warns, and the object stays allocated. Before
 *	  Linux 6.18 the kernel also drops a reference of the page. gomem finds
 *	  the missing reference at the latest when the page is about to go back
 *	  to the kernel;
 *	- a pointer to an even address in the middle of a tiny object is
 *	  reported as a double free, since an object may have started there
 *	  before.
 *
 * Memory: each NUMA node has a heap of its own, and memory comes from the node
 * of the CPU. Free memory returns to the kernel after a while. gomem's pages
 * are not slab pages, so sendpage_ok() returns true for them. Code that relies
 * on sendpage_ok() may send an object by a reference to its page. The network
 * may then read the object after it was freed.
 *
 * The algorithms are those of Go's runtime (malloc.go, mcache.go, mcentral.go,
 * mheap.go, mpagealloc.go). But callers free each object; there is no garbage
 * collector.
 */
#ifndef _LINUX_GOMEM_H
#define _LINUX_GOMEM_H

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/version.h>

#include <linux/gomem_classes.h>

/*
 * The version of gomem, in the form of semver.org. modinfo, the Makefile,
 * dkms.conf and the Debian packages take the version from here.
 */
#define GOMEM_VERSION	"0.1.0"

/*
 * The symbol namespace, as EXPORT_SYMBOL_NS_GPL() and MODULE_IMPORT_NS() of
 * this kernel expect it: a bare word before Linux 6.13, a string since then.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define GOMEM_NS	"GOMEM"
#else
#define GOMEM_NS	GOMEM
#endif

/*
 * Size of the largest object. With pages of 4 KiB, the kernel's buddy allocator
 * has no larger blocks.
 */
#define GOMEM_MAX_SIZE	(4UL << 20)

/* Typed caches: maximum size and alignment of an object, in bytes. */
#define GOMEM_CACHE_MAX_SIZE	GOMEM_MAX_SIZE
#define GOMEM_CACHE_MAX_ALIGN	8192

/* Scratch buffers: 2, 4, 8, 16 or 32 KiB. */
#define GOMEM_SCRATCH_MAX_ORDER		4
#define GOMEM_SCRATCH_SIZE(order)	(2048UL << (order))

struct device;
struct gomem_account;
struct gomem_arena;
struct gomem_cache;
struct module;

/* In its object, a head for gomem_free_rcu() begins below this offset. */
#define GOMEM_RCU_OFFSET_MAX	4096UL

/**
 * struct gomem_rcu_head - head that gomem_free_rcu() needs in an object
 * @word: belongs to the object's owner until gomem_free_rcu(), then to gomem
 *
 * It is half as large as a struct rcu_head. A struct rcu_head may be used
 * instead.
 */
struct gomem_rcu_head {
	unsigned long word;
};

/* The 8-byte head of kfree_rcu() since Linux 7.3. gomem accepts it, too. */
struct kvfree_rcu_head;

/* Not part of the API: called by the inline functions and macros below. */
void *__gomem_alloc(size_t size, gfp_t gfp) __alloc_size(1) __malloc;
void *__gomem_alloc_noscan(size_t size, gfp_t gfp) __alloc_size(1) __malloc;
void *__gomem_alloc_from(unsigned long slot_at, gfp_t gfp) __malloc;
void *__gomem_alloc_tiny(size_t size, gfp_t gfp) __alloc_size(1) __malloc;
void *__gomem_alloc_overflow(size_t n, size_t size, gfp_t gfp);
void __gomem_free_rcu(void *head, void *p);
struct gomem_account * __must_check
__gomem_account_create(const char *name, size_t soft, size_t hard,
		       void (*over)(struct gomem_account *account, void *arg),
		       void *arg, const struct module *owner);

/* True if @head points to one of the heads that gomem_free_rcu() accepts. */
#define __gomem_is_rcu_head(head)					\
	(__same_type(head, struct gomem_rcu_head *) ||			\
	 __same_type(head, struct kvfree_rcu_head *) ||			\
	 __same_type(head, struct rcu_head *))

/*
 * Return the offset, in bytes, of a size's slot in each CPU's array of slots. A
 * size class has two slots side by side. The second one is for noscan objects.
 */
#define __GOMEM_SLOT_SHIFT	6

static __always_inline unsigned long __gomem_slot_at(size_t size, bool noscan)
{
	return (__gomem_class_const(size) << 1 | noscan) << __GOMEM_SLOT_SHIFT;
}

/* True for noscan sizes that may share blocks: 1 to 4 and 9 to 15 bytes. */
static __always_inline bool __gomem_is_tiny(size_t size)
{
	return size - 1 < 15 && size - 5 > 3;
}

/**
 * gomem_alloc - allocate memory
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: GFP_KERNEL, GFP_ATOMIC, ... as for kmalloc()
 *
 * The memory is not cleared, unless @gfp has __GFP_ZERO or init_on_alloc is on,
 * by the kernel parameter or by CONFIG_INIT_ON_ALLOC_DEFAULT_ON. If @size is a
 * compile-time constant, its size class is computed at compile time.
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
 * Objects without pointers (text, packets, pixels) are called noscan. They lie
 * in spans of their own. kmemleak does not scan them, and a write beyond such
 * an object cannot overwrite pointers in its neighbour. Objects of 1 to 4 and
 * of 9 to 15 bytes may share blocks: see "Tiny objects" at the top of the file.
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
 * All gomem_usable_size() bytes are zero. Pages that the kernel has just
 * cleared (with init_on_alloc=1 or init_on_free=1) are not cleared again.
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
 * Return: as gomem_alloc() for @n * @size bytes. If the product overflows, NULL
 * with a report; __GFP_NOWARN suppresses that report.
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
 * @gfp: as for gomem_alloc(). With __GFP_THISNODE no other node is tried
 * @node: node id, or NUMA_NO_NODE for this CPU's node. A node without memory
 *	stands for the nearest node that has memory. A node that is not online
 *	stands for NUMA_NO_NODE
 *
 * If @node has no memory left, the memory comes from another node. A CPU caches
 * no objects of other nodes, unless its own node has no memory left. So an
 * allocation or a free of an object of another node takes a lock.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc(); NULL with a report if @node is not a valid node id.
 */
void *gomem_alloc_node(size_t size, gfp_t gfp, int node)
	__alloc_size(1) __malloc;

/**
 * gomem_realloc - change the size of an object
 * @p: the object. For NULL and ZERO_SIZE_PTR the call is a gomem_alloc()
 * @new_size: bytes wanted; 0 frees @p
 * @gfp: as for gomem_alloc()
 *
 * The contents are kept up to the smaller of both sizes. A noscan object stays
 * noscan. The object stays at its address if its usable size is large enough.
 * Outside of interrupts, an object with pages of its own may grow in place if
 * the memory after it is free. Each object above 32 KiB has pages of its own,
 * and so have most objects that gomem_realloc() has moved to more than 16 KiB.
 *
 * An object that grows by less than half of its size gets spare room, if the
 * CPU's node has memory for the room without reclaim. If @new_size is up to 16
 * KiB, the size becomes the next power of two, else about 1.5 * @new_size. The
 * object gets no spare room if @new_size is less than 16 or a power of two, or
 * if 1.5 * @new_size would exceed GOMEM_MAX_SIZE.
 *
 * With __GFP_ZERO the bytes beyond the old size read as zero, provided that the
 * object was allocated and always resized with __GFP_ZERO. The reason is that
 * gomem knows the usable size of an object, but not how much of it the caller
 * asked for. krealloc() has the same rule.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return:
 * * the object, moved or not
 * * ZERO_SIZE_PTR if @new_size is 0
 * * NULL on failure. @p is then unchanged and still belongs to the caller
 * * NULL with a report if @p is not a live object, or is one of a typed cache
 *   that has a constructor or is typesafe under RCU. The contents of such an
 *   object must stay in place
 */
void *gomem_realloc(const void *p, size_t new_size, gfp_t gfp) __must_check;

/**
 * gomem_memdup - allocate a copy of memory
 * @src: memory to copy
 * @len: bytes to copy
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the copy, to be freed with gomem_free(); ZERO_SIZE_PTR or NULL in the
 * cases in which gomem_alloc() returns them.
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
 * @p: result of a gomem allocation; NULL and ZERO_SIZE_PTR are ignored
 *
 * The object may have been allocated on any CPU and in any context. Scratch
 * buffers, arenas and memory from devm_gomem_alloc() are freed by functions of
 * their own.
 *
 * An object that is already free, a pointer into the middle of an object and a
 * pointer that is not gomem's are reported and left alone.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_free(const void *p);

/**
 * gomem_cleanup - have a function called when an object is freed
 * @p: a live object of any type: tiny, small, large, of a typed cache, a
 *	scratch buffer, or the handle of an arena. Not an object in an arena
 * @fn: the function
 * @arg: its argument
 * @gfp: for the 64 bytes from kmalloc() that the registration takes
 *
 * An object may have any number of cleanups, also with the same function. The
 * cleanup that was added last runs first. Each runs once, however the object is
 * freed: also by a bulk call, after a grace period, and when gomem_realloc()
 * moves the object. If gomem_realloc() leaves the object in place, the object
 * keeps its cleanups.
 *
 * @fn runs in the context of the free: possibly in an interrupt or under a
 * spinlock of the code that frees. It must not sleep. gomem holds no lock
 * meanwhile, so @fn may allocate with GFP_ATOMIC and free other objects. The
 * object is not live any more: @fn must not use it, free it or add a cleanup to
 * it. What @fn needs has to be reachable from @arg.
 *
 * The module that contains @fn must not be unloaded before its cleanups ran or
 * were canceled. Cleanups that are left when it is unloaded are reported, and
 * never run. The cleanups of a leaked object never run, either.
 *
 * While an object has a cleanup, the frees of all objects that begin in the
 * same page of 8 KiB, or in the same span of a typed cache, take the slow path.
 *
 * Context: any but NMI; may sleep if @gfp allows it. The caller owns the
 * object.
 * Return: 0, or -ENOMEM. -EINVAL with a report if @p is not a live object;
 * -EINVAL without a report if @p is NULL or ZERO_SIZE_PTR, or @fn is NULL.
 */
int __must_check gomem_cleanup(const void *p, void (*fn)(void *arg), void *arg,
			       gfp_t gfp);

/**
 * gomem_cleanup_cancel - remove a cleanup from an object
 * @p: the object, which another CPU may free meanwhile
 * @fn: as for gomem_cleanup()
 * @arg: as for gomem_cleanup()
 *
 * Context: any but NMI; never sleeps.
 * Return: true if such a cleanup was removed, and so will not run; false if the
 * object has none. If it has none because another CPU frees it, the cleanup may
 * still run there: synchronize_rcu() waits for its end.
 */
bool gomem_cleanup_cancel(const void *p, void (*fn)(void *arg), void *arg);

/**
 * gomem_account_create - create an account that allocations are charged to
 * @name: for the file accounts in debugfs; copied
 * @soft: bytes above which @over is called; 0: never
 * @hard: bytes that the account may have at most; 0: any number
 * @over: called when the account gets above @soft; or NULL
 * @arg: argument of @over
 *
 * An account sums the bytes and objects that are charged to it: by
 * gomem_account_alloc(), or between gomem_account_enter() and
 * gomem_account_exit(). An object is charged with its usable size, a tiny
 * object with 16 bytes, an arena with its blocks. The free of the object ends
 * the charge, whichever function and task frees it. gomem_realloc() moves the
 * charge to the new object, and changes it to the new usable size.
 *
 * @over runs once when the bytes exceed @soft, and again only after they have
 * been below 7/8 of @soft. It runs on a workqueue of the kernel, soon after the
 * allocation. It may sleep, allocate and free, also from this account. It must
 * not destroy the account.
 *
 * The account must be destroyed before the module that created it is unloaded,
 * and before the module that contains @over is unloaded. Otherwise gomem
 * reports the account when that module is unloaded, and closes it: @over does
 * not run any more, and no further object is charged to the account.
 *
 * An allocation that would exceed @hard fails: it returns NULL, and is counted
 * in the account. An allocation with __GFP_NOFAIL does not fail, and may exceed
 * @hard.
 *
 * The record of a charge takes 64 bytes from kmalloc(), with the gfp of the
 * allocation. If there is no memory for it, the allocation fails. While there
 * are accounts, each gomem allocation on the machine searches for the account
 * that its task has entered.
 *
 * Context: may sleep.
 * Return: the account; NULL if @name is NULL or empty, or there is no memory.
 */
static inline struct gomem_account * __must_check
gomem_account_create(const char *name, size_t soft, size_t hard,
		     void (*over)(struct gomem_account *account, void *arg),
		     void *arg)
{
	return __gomem_account_create(name, soft, hard, over, arg, THIS_MODULE);
}

/**
 * gomem_account_destroy - destroy an account
 * @account: the account, or NULL
 *
 * When this returns, no further object is charged to the account, and its
 * callback does not run any more. Objects that were charged to it before stay
 * charged until they are freed. Until the last of these objects is freed, the
 * debugfs file accounts lists the account as destroyed. Tasks that have entered
 * the account charge nothing from now on. A later use of @account is reported,
 * unless its memory was reused.
 *
 * Context: may sleep.
 */
void gomem_account_destroy(struct gomem_account *account);

/**
 * gomem_account_alloc - allocate an object, and charge it to an account
 * @account: the account; NULL: charge the object as gomem_alloc() does
 * @size: as for gomem_alloc()
 * @gfp: as for gomem_alloc()
 *
 * The object is charged to @account, whichever account the task has entered,
 * and also in an interrupt. An @account that was destroyed is reported, and
 * then treated like NULL.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc(); NULL also if the account is at its hard limit, or
 * if there is no memory for the charge.
 */
void *gomem_account_alloc(struct gomem_account *account, size_t size,
			  gfp_t gfp) __malloc;

/**
 * gomem_account_enter - charge what this task allocates to an account
 * @account: the account; NULL: charge nothing
 *
 * Until gomem_account_exit(), what this task allocates by any function of gomem
 * is charged to @account, except that gomem_account_alloc() charges the account
 * passed to it. An object that is charged to an account stays charged to it in
 * gomem_realloc(). What interrupts allocate meanwhile is not charged to
 * @account. The calls nest: only the account that was entered last is charged.
 * The task must call gomem_account_exit() once for each call of this function,
 * before the task ends. If there is no memory to note that the task has entered
 * @account, nothing is charged to it. The debugfs file accounts counts such
 * calls as missed. An @account that was destroyed is reported, and then treated
 * like NULL.
 *
 * Context: a task; never sleeps. In an interrupt it does nothing.
 * Return: the account that the task had entered before, or NULL. Pass it to
 * gomem_account_exit().
 */
struct gomem_account * __must_check
gomem_account_enter(struct gomem_account *account);

/**
 * gomem_account_exit - leave the account that was entered last
 * @old: what gomem_account_enter() returned when it entered that account
 *
 * Context: the task that called gomem_account_enter(); never sleeps.
 */
void gomem_account_exit(struct gomem_account *old);

/**
 * gomem_account_bytes - return the bytes that are charged to an account
 * @account: the account
 *
 * Context: any but NMI.
 * Return: the bytes now; 0 with a report if the account was destroyed.
 */
size_t gomem_account_bytes(const struct gomem_account *account);

/**
 * gomem_free_sensitive - clear an object, then free it
 * @p: as for gomem_free()
 *
 * Clears all gomem_usable_size() bytes in a way that the compiler cannot
 * optimize away. An object of a typed cache that has a constructor, or is
 * typesafe under RCU, is reported and left alone, since its contents must
 * outlive the free. For such an object clear the sensitive fields, then call
 * gomem_cache_free().
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_free_sensitive(const void *p);

/**
 * gomem_usable_size - return how many bytes an object really has
 * @p: an object, NULL or ZERO_SIZE_PTR
 *
 * The caller may use all of these bytes. But as with ksize(), a compiler with
 * object-size checks knows only the size that was asked for, and may report an
 * access beyond that size. The usable size of a tiny object may grow when the
 * object after it in the block is freed. So a caller that sums up usable sizes
 * must remember what it added for an object, and subtract that.
 *
 * Context: any.
 * Return: the bytes, at least what was asked for; 0 for NULL and ZERO_SIZE_PTR;
 * 0 with a report for a pointer that is not the first byte of a live object.
 */
size_t gomem_usable_size(const void *p);

/**
 * gomem_owns - tell whether memory is gomem's
 * @p: any value
 *
 * The answer follows from the page that @p lies in. The memory is not accessed.
 * An object at @p may be live or free.
 *
 * Context: any.
 * Return: true if the page belongs to one of gomem's spans; false for NULL,
 * ZERO_SIZE_PTR, memory of other allocators and anything else.
 */
bool gomem_owns(const void *p);

/**
 * gomem_dump_obj - log a description of an address
 * @p: any value
 *
 * Like mem_dump_obj(), this is for error paths and for debugging. It logs a few
 * lines: which allocator owns the memory, which object @p lies in, whether the
 * object is live, its neighbours, its span, and the caller of this function. If
 * the heap profile sampled the object, the lines also say who allocated the
 * object, and who freed it. These lines have no address in clear. The debugfs
 * file whatis gives the same description, but with addresses. For memory of the
 * kernel's slab allocator, the output of mem_dump_obj() follows, which may have
 * an address in clear.
 *
 * Of the memory of gomem's objects, only the words that mark free objects are
 * read. So the call is safe while other code writes to the objects.
 *
 * Context: any.
 */
void gomem_dump_obj(const void *p);

/**
 * gomem_alloc_bulk - allocate many objects of one size
 * @size: bytes of each object
 * @gfp: as for gomem_alloc()
 * @n: number of objects
 * @p: array that receives the @n pointers
 *
 * For sizes of up to 32 KiB this is much faster than @n calls of gomem_alloc().
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: @n, or 0 if there is not enough memory for all of them. In that case
 * no object is allocated, and the contents of @p are undefined.
 */
size_t gomem_alloc_bulk(size_t size, gfp_t gfp, size_t n, void **p)
	__must_check;

/**
 * gomem_free_bulk - free many objects
 * @n: number of objects
 * @p: the objects, of any sizes, in any order; NULL and ZERO_SIZE_PTR are
 *	skipped. The array must not lie in one of the objects. Its contents are
 *	undefined afterwards
 *
 * For objects of up to 32 KiB this is much faster than @n calls of
 * gomem_free(). It is fastest if each object lies in the same page as the one
 * before it in @p.
 * Each pointer that gomem_free() would not free is reported and left alone.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_free_bulk(size_t n, void **p);

/**
 * gomem_free_rcu - free an object after an RCU grace period
 * @ptr: result of a gomem allocation, as a pointer to its type; NULL is ignored
 * @field: name of the head in the object, at an offset below
 *	GOMEM_RCU_OFFSET_MAX: a struct gomem_rcu_head, a struct rcu_head, or a
 *	struct kvfree_rcu_head where the kernel has it
 *
 * gomem_free_rcu() is to gomem what kfree_rcu() is to kmalloc(). Each CPU
 * collects objects of all sizes in one queue. All objects that it queues while
 * a grace period runs share one RCU callback.
 *
 * Until the object is freed, gomem writes only to the first word of the head.
 * So readers may go on using all other fields.
 *
 * An object that gomem_free() would not free, or that waits already, is
 * reported at once and left alone. While an object waits, it must not be freed
 * in another way, and its head must not be written. gomem detects such misuse
 * late or not at all, and other objects in the same queue may be lost with the
 * object. In statistics and leak reports the object is live until it is freed.
 *
 * A module need not wait for its objects before it is unloaded. gomem calls
 * none of the module's code for them, except cleanups. If the module has
 * cleanups, its unload waits until those of the waiting objects have run.
 *
 * Context: any, including NMI; on PREEMPT_RT also with a raw spinlock held, and
 * with preemption or interrupts off. Never sleeps.
 */
#define gomem_free_rcu(ptr, field)					\
do {									\
	typeof(ptr) __gomem_p = (ptr);					\
									\
	BUILD_BUG_ON(offsetof(typeof(*__gomem_p), field) >=		\
		     GOMEM_RCU_OFFSET_MAX);				\
	BUILD_BUG_ON(offsetof(typeof(*__gomem_p), field) %		\
		     sizeof(void *));					\
	BUILD_BUG_ON(!__gomem_is_rcu_head(&__gomem_p->field));		\
	if (__gomem_p)							\
		__gomem_free_rcu(&__gomem_p->field, (void *)__gomem_p);	\
} while (0)

/**
 * gomem_free_rcu_mightsleep - like gomem_free_rcu(), for objects without a head
 * @p: as for gomem_free()
 *
 * The call allocates a head for the object. If there is no memory for the head,
 * the call itself waits for the grace period. If the same object is passed a
 * second time before it is freed, gomem reports the double free only after the
 * grace period of the second call.
 *
 * Context: process context; may sleep.
 */
void gomem_free_rcu_mightsleep(const void *p);

/**
 * gomem_rcu_barrier - wait for objects that were given to gomem_free_rcu()
 *
 * Returns when all objects that were given to gomem_free_rcu() or to
 * gomem_free_rcu_mightsleep() before, on any CPU, are freed.
 *
 * Context: process context; sleeps if any objects wait.
 */
void gomem_rcu_barrier(void);

/**
 * gomem_mempool_alloc - allocate an object for a memory pool
 * @gfp: as for gomem_alloc()
 * @size: bytes of an object, cast to a pointer
 *
 * Create a pool with a reserve of min gomem objects by::
 *
 *	mempool_create(min, gomem_mempool_alloc, gomem_mempool_free,
 *		       (void *)size)
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_alloc().
 */
void *gomem_mempool_alloc(gfp_t gfp, void *size);

/**
 * gomem_mempool_free - free an object for a memory pool
 * @p: the object
 * @size: ignored
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_mempool_free(void *p, void *size);

/**
 * devm_gomem_alloc - allocate memory that is freed with a device's resources
 * @dev: the device
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * The memory is freed when the driver is unbound from @dev. As for all managed
 * resources of @dev, the last one allocated is freed first.
 *
 * Context: process context; may sleep if @gfp allows it.
 * Return: as gomem_alloc(). Do not pass the memory to gomem_free() or
 * gomem_realloc(): they do not know about @dev.
 */
void *devm_gomem_alloc(struct device *dev, size_t size, gfp_t gfp)
	__alloc_size(2) __malloc;

/**
 * devm_gomem_zalloc - allocate cleared memory, freed with a device's resources
 * @dev: the device
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * Context: process context; may sleep if @gfp allows it.
 * Return: as devm_gomem_alloc().
 */
static inline void *devm_gomem_zalloc(struct device *dev, size_t size,
				      gfp_t gfp)
{
	return devm_gomem_alloc(dev, size, gfp | __GFP_ZERO);
}

/**
 * devm_gomem_free - free memory of a device before the driver is unbound
 * @dev: the device
 * @p: result of devm_gomem_alloc() for @dev; NULL and ZERO_SIZE_PTR are ignored
 *
 * Any other pointer is reported and left alone.
 *
 * Context: process context; never sleeps.
 */
void devm_gomem_free(struct device *dev, const void *p);

/**
 * gomem_scratch_get - get a buffer for a short time
 * @order: the buffer has GOMEM_SCRATCH_SIZE(@order) bytes, from 2 KiB for 0 to
 *	32 KiB for GOMEM_SCRATCH_MAX_ORDER
 * @gfp: as for gomem_alloc()
 *
 * Scratch buffers are for data that is too large for the stack, and that the
 * caller needs only until it returns. For tasks, a CPU keeps up to 32 KiB of
 * free buffers of each order; for interrupts, up to two more buffers of each
 * order. A buffer is aligned to its size. Only gomem_scratch_put() frees a
 * buffer; the functions that free, resize or clear other objects refuse it with
 * a report.
 *
 * The buffer is not cleared, unless @gfp has __GFP_ZERO or init_on_alloc is on,
 * by the kernel parameter or by CONFIG_INIT_ON_ALLOC_DEFAULT_ON.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the buffer; NULL if there is no memory; NULL with a report if @gfp is
 * refused or @order is over GOMEM_SCRATCH_MAX_ORDER.
 */
void *gomem_scratch_get(unsigned int order, gfp_t gfp) __malloc;

/**
 * gomem_scratch_put - give a scratch buffer back
 * @buf: result of gomem_scratch_get(); NULL is ignored
 *
 * The buffer may come from any CPU and any context. Any other pointer, and a
 * buffer that was given back already, is reported and left alone.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_scratch_put(void *buf);

/**
 * gomem_arena_create - create an arena
 * @gfp: as for gomem_alloc()
 *
 * An arena is for many objects that are freed at the same time. An allocation
 * from an arena only advances a pointer, so it costs next to nothing.
 * gomem_arena_destroy() frees all objects at once. A new arena has no memory.
 * It grows by blocks, which hold only objects of this arena. The first block
 * has 8 KiB, each further block twice as much as the one before, up to 256 KiB.
 * A block is longer if the object does not fit, and shorter if memory is
 * scarce. An object of more than 64 KiB gets a block of its own.
 *
 * An arena has no lock. Callers that share one must serialize their calls.
 * Different arenas are independent of each other.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the arena; NULL if there is no memory; NULL with a report if @gfp is
 * refused.
 */
struct gomem_arena *gomem_arena_create(gfp_t gfp) __must_check;

/**
 * gomem_arena_alloc - allocate memory from an arena
 * @arena: result of gomem_arena_create()
 * @size: bytes wanted, 0 to GOMEM_MAX_SIZE
 * @gfp: as for gomem_alloc()
 *
 * The memory is aligned to 8 bytes; if @size is a power of two from 8 bytes to
 * 8 KiB, to @size; if @size is a larger power of two, to 8 KiB. The memory
 * lives as long as the arena: gomem_free(), gomem_realloc() and
 * gomem_usable_size() refuse it with a report. kmemleak scans it for pointers.
 *
 * The memory is not cleared, unless @gfp has __GFP_ZERO or init_on_alloc is on,
 * by the kernel parameter or by CONFIG_INIT_ON_ALLOC_DEFAULT_ON.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return:
 * * the memory
 * * ZERO_SIZE_PTR if @size is 0
 * * NULL if there is no memory, @size is over GOMEM_MAX_SIZE or @gfp is refused
 * * NULL with a report if @arena was destroyed or is not an arena
 */
void *gomem_arena_alloc(struct gomem_arena *arena, size_t size, gfp_t gfp)
	__alloc_size(2) __malloc;

/**
 * gomem_arena_destroy - free an arena and everything in it
 * @arena: result of gomem_arena_create(); NULL is ignored
 *
 * An arena that was destroyed already is reported and left alone, and so is a
 * pointer that does not point to an arena.
 *
 * With the module parameter debug=1 the arena's memory is filled with
 * POISON_FREE, so that a pointer that is read from it faults when it is used.
 * With debug=1 the memory is also kept from use for up to epoch_ms, by default
 * 10 seconds. At the end of that time gomem reports writes to the memory.
 *
 * Context: any but NMI; never sleeps. The time grows with the number of blocks;
 * with debug=1 or init_on_free=1, with the number of bytes.
 */
void gomem_arena_destroy(struct gomem_arena *arena);

/**
 * struct gomem_cache_args - properties of a typed cache besides name and size
 * @align: alignment of each object, a power of two up to GOMEM_CACHE_MAX_ALIGN;
 *	0 stands for 8
 * @ctor: constructor, or NULL. Called once for each object before the object is
 *	handed out for the first time, possibly with preemption off. An object
 *	must be freed in its constructed state. __GFP_ZERO and init_on_alloc
 *	have no effect on a cache with a constructor. If the module that has the
 *	constructor is unloaded before the cache is destroyed, the cache is
 *	reported. From then on no object is constructed: an allocation gets an
 *	object that was freed since and that this CPU still keeps, or fails
 * @noscan: objects hold no pointers, see gomem_alloc_noscan()
 * @typesafe_by_rcu: the memory of a freed object may become another object of
 *	this cache at once, but nothing else before an RCU grace period is over
 *	(SLAB_TYPESAFE_BY_RCU). The contents of an object survive its free
 * @useroffset: offset of the part of an object that may be copied to and from
 *	user space, see gomem_usercopy_allowed()
 * @usersize: bytes of that part; 0 if there is none
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
 * gomem_cache_create - create a typed cache
 * @name: name for /sys/kernel/debug/gomem/caches and reports; it is copied
 * @size: bytes of an object, 1 to GOMEM_CACHE_MAX_SIZE
 * @args: further properties; NULL for the default
 *
 * The objects lie side by side in spans of their own. @size is rounded up to
 * the alignment, not to a size class. If the cache has a constructor or is
 * typesafe under RCU, gomem needs 8 more bytes after each object. The size with
 * these bytes must not exceed GOMEM_CACHE_MAX_SIZE.
 *
 * Context: process context; sleeps.
 * Return: the cache; NULL if there is no memory; NULL with a report if @name is
 * empty or @size or @args are invalid.
 */
struct gomem_cache *gomem_cache_create(const char *name, unsigned int size,
				       const struct gomem_cache_args *args)
	__must_check;

/**
 * gomem_cache_destroy - destroy a typed cache
 * @c: the cache; NULL is ignored
 *
 * Nobody may use the cache any more, except to free objects that are left. The
 * call first waits for all pending callbacks of call_rcu(), and then for all
 * objects that were given to gomem_free_rcu(). If objects are left after that,
 * their number is reported. They stay where they are and may still be freed,
 * but the cache's own bookkeeping stays allocated until gomem is unloaded. A
 * cache that was destroyed already is reported and left alone, and so is a
 * pointer that does not point to a cache.
 *
 * Context: process context; sleeps.
 */
void gomem_cache_destroy(struct gomem_cache *c);

/**
 * gomem_cache_shrink - give back the free memory of a typed cache
 * @c: the cache
 *
 * Takes the free objects that CPUs cache, and returns spans without objects to
 * the heap. A work item on each CPU takes that CPU's objects. This function
 * waits for the work items for a second at most. If real-time tasks keep a CPU
 * from running its work item for longer, that CPU's objects stay cached.
 *
 * Context: process context; sleeps.
 * Return: 0 if the cache has no span left, 1 if it has; -EINVAL with a report
 * if @c is not a cache.
 */
int gomem_cache_shrink(struct gomem_cache *c);

/**
 * gomem_cache_size - return the size of an object of a typed cache
 * @c: the cache
 *
 * Context: any.
 * Return: the size that was passed to gomem_cache_create().
 */
unsigned int gomem_cache_size(const struct gomem_cache *c);

/**
 * gomem_cache_alloc - allocate an object of a typed cache
 * @c: the cache
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the object; NULL if there is no memory; NULL with a report if @gfp is
 * refused, if the module of the constructor was unloaded, or if @c was
 * destroyed. After the unload, a task may still get an object that its CPU
 * keeps, since such an object was constructed before. A destroyed @c is
 * detected only until its memory is reused.
 */
void *gomem_cache_alloc(struct gomem_cache *c, gfp_t gfp) __malloc;

/**
 * gomem_cache_zalloc - allocate a cleared object of a typed cache
 * @c: the cache, which has no constructor
 * @gfp: as for gomem_alloc()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_cache_alloc().
 */
static __always_inline void *gomem_cache_zalloc(struct gomem_cache *c,
						gfp_t gfp)
{
	return gomem_cache_alloc(c, gfp | __GFP_ZERO);
}

/**
 * gomem_cache_alloc_node - allocate a typed object, if possible of a NUMA node
 * @c: the cache
 * @gfp: as for gomem_alloc(). With __GFP_THISNODE no other node is tried
 * @node: as for gomem_alloc_node()
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: as gomem_cache_alloc(); NULL with a report if @node is not a valid
 * node id.
 */
void *gomem_cache_alloc_node(struct gomem_cache *c, gfp_t gfp, int node)
	__malloc;

/**
 * gomem_cache_free - free an object of a typed cache
 * @c: the object's cache
 * @p: the object; NULL is ignored
 *
 * An object that is already free, an object of another cache, and a pointer
 * that does not point to an object are reported and left alone. gomem_free()
 * frees objects of typed caches, too.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_cache_free(struct gomem_cache *c, void *p);

/**
 * gomem_cache_alloc_bulk - allocate many objects of a typed cache
 * @c: the cache
 * @gfp: as for gomem_alloc()
 * @n: number of objects
 * @p: array that receives the @n pointers
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: @n, or 0 if there is not enough memory for all of them. In that case
 * no object is allocated, and the contents of @p are undefined.
 */
size_t gomem_cache_alloc_bulk(struct gomem_cache *c, gfp_t gfp, size_t n,
			      void **p) __must_check;

/**
 * gomem_cache_free_bulk - free many objects of a typed cache
 * @c: the objects' cache
 * @n: number of objects
 * @p: the objects, in any order; NULL is skipped. The array must not lie in one
 *	of the objects. Its contents are undefined afterwards
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_cache_free_bulk(struct gomem_cache *c, size_t n, void **p);

/**
 * gomem_usercopy_allowed - tell whether a copy to or from user space is allowed
 * @p: the first byte
 * @n: number of bytes
 *
 * The kernel's own check in copy_to_user() knows the bounds of slab objects,
 * but not those of gomem's objects. Call this before using a length that came
 * from user space.
 *
 * Context: any.
 * Return: true if all bytes lie in one live object or scratch buffer, up to
 * gomem_usable_size(). In an object of a typed cache, the bytes must lie in the
 * part that its struct gomem_cache_args gave as useroffset and usersize. In an
 * arena, they must lie in the allocated part of one block, which may hold
 * several objects. False for memory that was freed, given back or destroyed,
 * and for memory that is not gomem's. The cleared bytes of a freed noscan
 * object of less than 16 bytes may belong to the live object before it, whose
 * usable size includes them.
 */
bool gomem_usercopy_allowed(const void *p, size_t n);

/*
 * A pointer declared with __free(gomem) is passed to gomem_free() when it goes
 * out of scope, unless no_free_ptr() took it. NULL and error pointers are not
 * passed.
 */
#ifdef DEFINE_FREE	/* linux/slab.h includes linux/cleanup.h if it exists */
DEFINE_FREE(gomem, void *, if (!IS_ERR_OR_NULL(_T)) gomem_free(_T))
#endif

#endif /* _LINUX_GOMEM_H */
