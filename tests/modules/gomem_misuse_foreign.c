// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_foreign.c - pass to gomem pointers that are not gomem's.
 */
#include <linux/gomem.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "gomem_misuse.h"

int static_data;

static int foreign(const struct misuse_case *c)
{
	gomem_free(c->p);
	return 0;
}

/* The address is in the direct map, but the kernel has no memory there. */
static int foreign_hole(const struct misuse_case *c)
{
	gomem_free(__va(BIT(44)));
	return 0;
}

static int foreign_stack(const struct misuse_case *c)
{
	int on_stack = 0;

	gomem_free(&on_stack);
	return on_stack;
}

static int with_kmalloc(const struct misuse_case *c)
{
	char *p = kmalloc(c->size, GFP_KERNEL);
	int err = use_and_check(c, p, c->size);

	kfree(p);
	return err;
}

static int with_vmalloc(const struct misuse_case *c)
{
	char *p = vmalloc(c->size);
	int err = use_and_check(c, p, c->size);

	vfree(p);
	return err;
}

/* Pass the address of memory that vmalloc() returned and vfree() freed. */
static int foreign_vfreed(const struct misuse_case *c)
{
	void *p = vmalloc(c->size);

	if (!p)
		return -ENOMEM;
	vfree(p);
	/* Hide from the compiler that the pointer is used after vfree(). */
	OPTIMIZER_HIDE_VAR(p);
	gomem_free(p);
	return 0;
}

/* Registers of a device. The page is that of the first HPET on x86. */
static int foreign_device(const struct misuse_case *c)
{
	void __iomem *p = ioremap(0xfed00000, PAGE_SIZE);

	if (!p)
		return -ENOMEM;
	gomem_free((void __force *)p);
	iounmap(p);
	return 0;
}

static int foreign_struct_page(const struct misuse_case *c)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	gomem_free(page);
	__free_page(page);
	return 0;
}

static DEFINE_PER_CPU(int, static_percpu);

static int foreign_static_percpu(const struct misuse_case *c)
{
	gomem_free((void *)(__force unsigned long)&static_percpu);
	return 0;
}

static void construct(void *obj)
{
}

/*
 * The kernel does not merge a cache that has a constructor with others. So this
 * cache keeps its name, which tests/kselftest/misuse.sh expects in the log.
 */
static int with_slab_cache(const struct misuse_case *c)
{
	struct kmem_cache *cache =
		kmem_cache_create("gomem_misuse", c->size, 0, 0, construct);
	char *p = cache ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;
	int err = use_and_check(c, p, c->size);

	if (p)
		kmem_cache_free(cache, p);
	kmem_cache_destroy(cache);
	return err;
}

static int with_page(const struct misuse_case *c)
{
	char *p = (char *)__get_free_page(GFP_KERNEL);
	int err = use_and_check(c, p, PAGE_SIZE);

	free_page((unsigned long)p);
	return err;
}

static int foreign_percpu(const struct misuse_case *c)
{
	void __percpu *p = alloc_percpu(long);

	if (!p)
		return -ENOMEM;
	gomem_free((void *)(__force unsigned long)p);
	free_percpu(p);
	return 0;
}

static int realloc_foreign(const struct misuse_case *c)
{
	return gomem_realloc(c->p, 100, GFP_KERNEL) ? -EIO : 0;
}

#define FOREIGN		"foreign_pointers_detected"

#define NOT_OURS	"no live object"
#define STATIC		", static, nobody frees it"
#define SLAB		"slab memory, kfree() or"

/* Without CONFIG_KALLSYMS_ALL, variables have no symbols to print. */
#define VARIABLE(named, unnamed) \
	(IS_ENABLED(CONFIG_KALLSYMS_ALL) ? \
		 NOT_OURS ".*" named STATIC : NOT_OURS ".*" unnamed)

const struct misuse_case foreign_cases[] = {
	{ "foreign_static", foreign, .p = &static_data, .counter = FOREIGN,
	  .report = VARIABLE("static_data .*", "\\[[a-z_ ]*\\]" STATIC) },
	{ "foreign_text", foreign, .p = foreign, .counter = FOREIGN,
	  .report = NOT_OURS ".*foreign .*" STATIC },
	{ "foreign_kernel", foreign, .p = &init_task, .counter = FOREIGN,
	  .report = VARIABLE("init_task",
			     "reserved at boot, nobody frees it") },
	/* An address of kernel text must not be taken for a per-CPU pointer. */
	{ "foreign_kernel_text", foreign, .p = (char *)kfree + 4,
	  .counter = FOREIGN, .report = NOT_OURS ".*kfree" STATIC ")" },
	{ "foreign_user", foreign, .p = (void *)0x400000, .counter = FOREIGN,
	  .report = NOT_OURS ".*address of user space" },
	{ "foreign_wild", foreign, .p = (void *)0xdead000000000100UL,
	  .counter = FOREIGN,
	  .report = NOT_OURS ".*the kernel has no memory there" },
	{ "foreign_error", foreign, .p = (void *)-ENOMEM, .counter = FOREIGN,
	  .report = NOT_OURS ".*an error code, -12" },
	{ "foreign_null_member", foreign, .p = (void *)0x28, .counter = FOREIGN,
	  .report = NOT_OURS ".*page at NULL" },
	{ "foreign_hole", foreign_hole, .counter = FOREIGN,
	  .report = NOT_OURS ".*the kernel has no memory there" },
	{ "foreign_stack", foreign_stack, .counter = FOREIGN,
	  .report = NOT_OURS ".*on the stack, nobody frees it" },
	{ "foreign_kmalloc", with_kmalloc, .use = free_it, .size = 100,
	  .counter = FOREIGN, .report = NOT_OURS ".*" SLAB },
	{ "foreign_kmalloc_large", with_kmalloc, .use = free_it, .size = SZ_64K,
	  .at = SZ_32K, .counter = FOREIGN,
	  .report = NOT_OURS
	  ".*\\(compound page: \\|memory of kmalloc(), \\)kfree() owns it" },
	{ "foreign_vmalloc", with_vmalloc, .use = free_it, .size = 100,
	  .counter = FOREIGN,
	  .report = NOT_OURS ".*vmalloc memory, vfree() or kvfree()" },
	{ "foreign_vfreed", foreign_vfreed, .size = 100, .counter = FOREIGN,
	  .report = NOT_OURS ".*nothing, no memory is mapped there" },
	{ "foreign_device", foreign_device, .counter = FOREIGN,
	  .report = NOT_OURS ".*memory of a device, iounmap() owns it" },
	{ "foreign_struct_page", foreign_struct_page, .counter = FOREIGN,
	  .report = NOT_OURS ".*a struct page, nobody frees it" },
	{ "foreign_static_percpu", foreign_static_percpu, .counter = FOREIGN,
	  .report = NOT_OURS ".*a per-CPU pointer, free_percpu() owns it" },
	{ "foreign_cache", with_slab_cache, .use = free_it, .size = 200,
	  .counter = FOREIGN,
	  .report = NOT_OURS ".*slab memory, .*; the cache is gomem_misuse)" },
	{ "foreign_page", with_page, .use = free_it, .counter = FOREIGN,
	  .report = NOT_OURS ".*page allocator, free_pages() owns it" },
	{ "foreign_percpu", foreign_percpu, .counter = FOREIGN,
	  .report = NOT_OURS ".*per-CPU pointer, free_percpu()" },
	{ "realloc_kmalloc", with_kmalloc, .size = 100, .use = realloc_it,
	  .counter = FOREIGN, .report = SLAB },
	{ "usable_kmalloc", with_kmalloc, .size = 100, .use = size_of_it,
	  .counter = FOREIGN, .report = SLAB },
	{ "sensitive_kmalloc", with_kmalloc, .size = 100,
	  .use = free_it_sensitive, .counter = FOREIGN, .report = SLAB },
	{ "scratch_put_kmalloc", with_kmalloc, .size = 100, .use = put_it,
	  .counter = FOREIGN, .report = SLAB },
	{ "realloc_foreign", realloc_foreign, .p = &static_data,
	  .counter = FOREIGN, .report = NOT_OURS },
	{}
};
