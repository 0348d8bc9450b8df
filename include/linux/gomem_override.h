/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem_override.h - let an unmodified module get its memory from gomem.
 *
 * The compiler includes this header before each file of the module. Put this
 * into the module's Kbuild:
 *
 *	ccflags-y += -I$(GOMEM)/include -include linux/gomem_override.h
 *
 * Or leave the Kbuild alone, and put KCFLAGS="-I... -include
 * linux/gomem_override.h" on make's command line. Both ways also need
 * KBUILD_EXTRA_SYMBOLS=.../Module.symvers.
 *
 * The header changes no macro of the kernel. It renames the symbols of the
 * allocator's functions in the object file: where the source, or an inline
 * function in a header, calls kfree(), the object file refers to
 * gomem_override_kfree. Therefore:
 *
 *	- pointers to the functions work;
 *	- structs may have members named kfree, kmalloc and so on;
 *	- headers may come in any order;
 *	- the compiler checks the kernel's prototypes as usual;
 *	- if the module itself defines a function with one of these names, its
 *	  calls reach its own function.
 *
 * These families of functions then belong to gomem: kmalloc(), kvmalloc(),
 * kstrdup(), bitmap_alloc(), kfree(), kfree_rcu() and kmem_cache_create(), and
 * mempools built on them. Some memory still comes from the kernel's allocator:
 * requests that gomem refuses (for a zone like ZONE_DMA, or for more than
 * GOMEM_MAX_SIZE), and results of kernel functions like kasprintf(). So the
 * functions that free an object, resize it or return its size find out at run
 * time which allocator owns it.
 *
 * The opposite case needs care: memory that the module allocates, and that the
 * kernel or another module frees. Documentation/override.rst lists which of
 * these cases are handled. In the other cases, call gomem_kernel_kmalloc()
 * instead of kmalloc(), pass each new cache concerned to gomem_kernel_cache(),
 * or exclude a file of the module in its Kbuild:
 *
 *	CFLAGS_file.o += -DGOMEM_OVERRIDE_OFF
 *
 * Only loadable modules can use the header. Code that is linked into the kernel
 * shares its memory with the rest of the kernel in more ways than this header
 * handles, and may run before gomem is initialized.
 */
#ifndef _LINUX_GOMEM_OVERRIDE_H
#define _LINUX_GOMEM_OVERRIDE_H

#if !defined(MODULE) && !defined(GOMEM_OVERRIDE_OFF)
#error "gomem_override.h is for modules: build this driver as one (=m), or call gomem_alloc()"
#endif

#include <linux/types.h>
#include <linux/version.h>

/**
 * gomem_kernel_kmalloc - allocate memory from the kernel's allocator
 * @size: bytes wanted
 * @gfp: as for kmalloc()
 *
 * Call this for memory that the kernel will free. It does what kmalloc() does
 * without this header.
 *
 * Context: as kmalloc(); may sleep if @gfp allows it.
 * Return: as kmalloc().
 */
void *gomem_kernel_kmalloc(size_t size, gfp_t gfp);

struct kmem_cache;

/**
 * gomem_kernel_cache - leave a cache to the kernel's allocator
 * @s: cache that kmem_cache_create() has returned, or NULL. No object may have
 *	been allocated from it yet
 *
 * Call this for a cache from which the module allocates and into which the
 * kernel frees. A cache from which only the kernel allocates does not need this
 * call: all its objects come from the kernel's allocator anyway.
 *
 * Context: may sleep.
 * Return: @s.
 */
struct kmem_cache *gomem_kernel_cache(struct kmem_cache *s);

/*
 * Import the namespace of gomem's symbols: the module's unchanged source does
 * not. Files built with GOMEM_OVERRIDE_OFF get the import, too: they may call
 * the functions above, which are in the namespace.
 */
#ifdef MODULE
static const char gomem_override_ns[]
	__used __section(".modinfo") __aligned(1) = "import_ns=GOMEM";
#endif

#ifndef GOMEM_OVERRIDE_OFF

/*
 * A name for which this kernel has no function does no harm. The _noprof names
 * are those of Linux 6.10 and later. kmalloc_nolock() is not listed: it
 * allocates in any context, which gomem cannot. So its memory comes from the
 * kernel's allocator.
 */
#pragma redefine_extname __kmalloc gomem_override_kmalloc
#pragma redefine_extname __kmalloc_noprof gomem_override_kmalloc
#pragma redefine_extname kmalloc_trace gomem_override_kmalloc_cache
#pragma redefine_extname kmalloc_trace_noprof gomem_override_kmalloc_cache
#pragma redefine_extname __kmalloc_cache_noprof gomem_override_kmalloc_cache
#pragma redefine_extname kmalloc_large gomem_override_kmalloc_large
#pragma redefine_extname kmalloc_large_noprof gomem_override_kmalloc_large
#pragma redefine_extname __kmalloc_large_noprof gomem_override_kmalloc_large
#pragma redefine_extname __kmalloc_node gomem_override_kmalloc_node
#pragma redefine_extname __kmalloc_node_noprof gomem_override_kmalloc_node
#pragma redefine_extname kmalloc_node_trace gomem_override_kmalloc_cache_node
#pragma redefine_extname kmalloc_node_trace_noprof gomem_override_kmalloc_cache_node
#pragma redefine_extname __kmalloc_cache_node_noprof gomem_override_kmalloc_cache_node
#pragma redefine_extname kmalloc_large_node gomem_override_kmalloc_large_node
#pragma redefine_extname kmalloc_large_node_noprof gomem_override_kmalloc_large_node
#pragma redefine_extname __kmalloc_large_node_noprof gomem_override_kmalloc_large_node
#pragma redefine_extname __kmalloc_node_track_caller gomem_override_kmalloc_node_track_caller
#pragma redefine_extname kmalloc_node_track_caller_noprof gomem_override_kmalloc_node_track_caller
#pragma redefine_extname __kmalloc_node_track_caller_noprof gomem_override_kmalloc_node_track_caller
#pragma redefine_extname krealloc gomem_override_krealloc
#pragma redefine_extname krealloc_noprof gomem_override_krealloc
#pragma redefine_extname krealloc_node_align_noprof gomem_override_krealloc_node_align
#pragma redefine_extname kfree gomem_override_kfree
#pragma redefine_extname kfree_nolock gomem_override_kfree_nolock
#pragma redefine_extname kfree_const gomem_override_kfree_const
#pragma redefine_extname kfree_sensitive gomem_override_kfree_sensitive
#pragma redefine_extname ksize gomem_override_ksize

#pragma redefine_extname kvmalloc_node gomem_override_kvmalloc_node
#pragma redefine_extname kvmalloc_node_noprof gomem_override_kvmalloc_node
#pragma redefine_extname __kvmalloc_node_noprof gomem_override_kvmalloc_node
#pragma redefine_extname kvrealloc gomem_override_kvrealloc
#pragma redefine_extname kvrealloc_noprof gomem_override_kvrealloc
#pragma redefine_extname kvrealloc_node_align_noprof gomem_override_kvrealloc_node_align
#pragma redefine_extname kvfree gomem_override_kvfree
#pragma redefine_extname kvfree_atomic gomem_override_kvfree_atomic
#pragma redefine_extname kvfree_sensitive gomem_override_kvfree_sensitive

#pragma redefine_extname kmemdup_nul gomem_override_kmemdup_nul
#pragma redefine_extname kmemdup_array gomem_override_kmemdup_array
#pragma redefine_extname kvmemdup gomem_override_kvmemdup
#pragma redefine_extname kstrdup gomem_override_kstrdup
#pragma redefine_extname kstrndup gomem_override_kstrndup
#pragma redefine_extname kfree_strarray gomem_override_kfree_strarray

/*
 * With CONFIG_FORTIFY_SOURCE the kernel's header gives kmemdup() a symbol name
 * of its own, which a pragma cannot change. gcc keeps the first name that it
 * sees, so declare gomem's name first. gcc then warns about the name in the
 * kernel's header: turn that warning off. clang reports an error instead, so
 * with clang kmemdup() stays the kernel's.
 */
#ifndef CONFIG_FORTIFY_SOURCE
#pragma redefine_extname kmemdup gomem_override_kmemdup
#pragma redefine_extname kmemdup_noprof gomem_override_kmemdup
#elif !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpragmas"
void *__real_kmemdup(const void *src, size_t len, gfp_t gfp)
	asm("gomem_override_kmemdup");
#endif

#pragma redefine_extname bitmap_alloc gomem_override_bitmap_alloc
#pragma redefine_extname bitmap_zalloc gomem_override_bitmap_zalloc
#pragma redefine_extname bitmap_alloc_node gomem_override_bitmap_alloc_node
#pragma redefine_extname bitmap_zalloc_node gomem_override_bitmap_zalloc_node
#pragma redefine_extname bitmap_free gomem_override_bitmap_free

#pragma redefine_extname kvfree_call_rcu gomem_override_kvfree_call_rcu
#pragma redefine_extname kvfree_rcu_barrier gomem_override_kvfree_rcu_barrier
#pragma redefine_extname kvfree_rcu_barrier_on_cache gomem_override_kvfree_rcu_barrier_on_cache
#pragma redefine_extname kfree_call_rcu_nolock gomem_override_kfree_call_rcu_nolock

/*
 * From 6.12 on, kmem_cache_create_usercopy() is an inline function that calls
 * __kmem_cache_create_args(). For an inline function, clang would warn that the
 * pragma has no effect.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#pragma redefine_extname kmem_cache_create_usercopy gomem_override_kmem_cache_create_usercopy
#endif
#pragma redefine_extname kmem_cache_create gomem_override_kmem_cache_create
#pragma redefine_extname __kmem_cache_create_args gomem_override_kmem_cache_create_args
#pragma redefine_extname kmem_cache_destroy gomem_override_kmem_cache_destroy
#pragma redefine_extname kmem_cache_shrink gomem_override_kmem_cache_shrink
#pragma redefine_extname kmem_cache_alloc gomem_override_kmem_cache_alloc
#pragma redefine_extname kmem_cache_alloc_noprof gomem_override_kmem_cache_alloc
#pragma redefine_extname kmem_cache_alloc_lru gomem_override_kmem_cache_alloc_lru
#pragma redefine_extname kmem_cache_alloc_lru_noprof gomem_override_kmem_cache_alloc_lru
#pragma redefine_extname kmem_cache_alloc_node gomem_override_kmem_cache_alloc_node
#pragma redefine_extname kmem_cache_alloc_node_noprof gomem_override_kmem_cache_alloc_node
#pragma redefine_extname kmem_cache_alloc_bulk gomem_override_kmem_cache_alloc_bulk
#pragma redefine_extname kmem_cache_alloc_bulk_noprof gomem_override_kmem_cache_alloc_bulk
#pragma redefine_extname kmem_cache_free gomem_override_kmem_cache_free
#pragma redefine_extname kmem_cache_free_bulk gomem_override_kmem_cache_free_bulk
#pragma redefine_extname kmem_cache_charge gomem_override_kmem_cache_charge

#pragma redefine_extname mempool_alloc_slab gomem_override_mempool_alloc_slab
#pragma redefine_extname mempool_free_slab gomem_override_mempool_free_slab
#pragma redefine_extname mempool_kmalloc gomem_override_mempool_kmalloc
#pragma redefine_extname mempool_kfree gomem_override_mempool_kfree
#pragma redefine_extname mempool_kvmalloc gomem_override_mempool_kvmalloc
#pragma redefine_extname mempool_kvfree gomem_override_mempool_kvfree

/* The kernel's check of lengths that are copied to and from user space. */
#pragma redefine_extname __check_object_size gomem_override_check_object_size

/*
 * Kernel functions that free memory which the module has allocated, or that
 * keep it, so that the kernel frees it later: build_skb() does so.
 */
#pragma redefine_extname kfree_link gomem_override_kfree_link
#pragma redefine_extname seq_release_private gomem_override_seq_release_private
#if IS_BUILTIN(CONFIG_NET)
#pragma redefine_extname build_skb gomem_override_build_skb
#pragma redefine_extname napi_build_skb gomem_override_napi_build_skb
#pragma redefine_extname slab_build_skb gomem_override_slab_build_skb
#endif
#if IS_BUILTIN(CONFIG_NET_CLS) && defined(CONFIG_NET_CLS_ACT)
#pragma redefine_extname tcf_exts_destroy gomem_override_tcf_exts_destroy
#pragma redefine_extname tcf_exts_change gomem_override_tcf_exts_change
#endif
#if IS_BUILTIN(CONFIG_KEYS)
#pragma redefine_extname user_free_preparse gomem_override_user_free_preparse
#pragma redefine_extname user_revoke gomem_override_user_revoke
#pragma redefine_extname user_destroy gomem_override_user_destroy
#endif
#if IS_BUILTIN(CONFIG_CRYPTO_HASH2)
#pragma redefine_extname shash_free_singlespawn_instance gomem_override_shash_free
#endif
#if IS_BUILTIN(CONFIG_DMA_SHARED_BUFFER)
#pragma redefine_extname dma_fence_free gomem_override_dma_fence_free
#endif

#endif /* !GOMEM_OVERRIDE_OFF */

#endif /* _LINUX_GOMEM_OVERRIDE_H */
