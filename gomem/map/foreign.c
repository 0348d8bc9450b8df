// SPDX-License-Identifier: GPL-2.0
/*
 * foreign.c - find out who owns memory that is not gomem's.
 *
 * The address may be any value, even garbage. gomem looks first in which range
 * of the address space it lies, then at the state of its page, if it has one.
 * The memory at the address is never read. The page is not pinned: its owner
 * may free the page concurrently, and then the answer is stale.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/percpu.h>
#include <linux/pfn.h>
#include <linux/sched/task_stack.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "base/compat.h"
#include "map/foreign.h"

/*
 * Return the folio that an address lies in; NULL if there is no memory, or if
 * the memory is not online, since its struct page is not initialized then.
 */
static struct folio *folio_of(unsigned long addr)
{
	struct page *page = NULL;

	if (virt_addr_valid((void *)addr))
		page = pfn_to_online_page(PHYS_PFN(__pa(addr)));
	return page ? page_folio(page) : NULL;
}

/* Is vmalloc_to_page() safe for any address in the range of vmalloc()? */
static bool can_find_mapped(void)
{
	return !IS_ENABLED(CONFIG_SPARSEMEM) ||
	       IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP);
}

/**
 * gomem_mapped_page - find the page that is mapped in the range of vmalloc()
 * @addr: any address in that range
 *
 * Memory of a device may have no struct page. In a kernel with CONFIG_SPARSEMEM
 * but without a vmemmap, vmalloc_to_page() of such memory may fault. So there
 * the page is not looked up.
 *
 * Context: any.
 * Return: the page; NULL if there is none, if it is memory of a device, or if
 * it was not looked up.
 */
struct page *gomem_mapped_page(unsigned long addr)
{
	struct page *page = NULL;

	if (can_find_mapped())
		page = vmalloc_to_page((void *)addr);
	return page ? pfn_to_online_page(page_to_pfn(page)) : NULL;
}

/*
 * Number of the word of a slab's struct page that points to the slab's cache.
 * 0, which is the word of the flags, means that the number is unknown. Modules
 * cannot see the layout of struct slab. So gomem_foreign_init() searches slabs
 * of caches that it knows.
 */
static unsigned int cache_word __ro_after_init;

static const struct kmem_cache *word_of(struct folio *folio, unsigned int i)
{
	return READ_ONCE(((const struct kmem_cache **)&folio->page)[i]);
}

/*
 * Allocate an object of @s, and find the last word that points to @s in the
 * struct page of the object's slab. Return the number of the word; 0 if no word
 * points to @s, or if the allocation failed.
 */
static unsigned int __init find_cache_word(struct kmem_cache *s)
{
	void *p = kmem_cache_alloc(s, GFP_KERNEL);
	struct folio *folio = p ? folio_of((unsigned long)p) : NULL;
	unsigned int i, n = sizeof(struct page) / sizeof(void *);

	if (!p)
		return 0;
	for (i = n - 1; folio && i && word_of(folio, i) != s; i--)
		;
	kmem_cache_free(s, p);
	return folio ? i : 0;
}

/*
 * Number of the word of a struct kmem_cache that points to the cache's name; 0
 * if it is unknown. Modules cannot see the layout of the struct.
 */
static unsigned int name_word __ro_after_init;

/*
 * Limit of the search for name_word. On all kernels, name_word is less than
 * this limit, and a struct kmem_cache has more words than the limit.
 */
#define NAME_WORD_MAX	16

/* Size of a buffer for the name of a cache, at which the name is cut. */
#define CACHE_NAME_MAX	40

/*
 * Copy the text that word @word of the struct kmem_cache @s points to, up to
 * the first character that cannot be printed. The struct may be freed
 * concurrently, and the word may be no pointer, so reads may fail. Return false
 * if a read failed, or if the text is empty.
 */
static bool copy_name(const struct kmem_cache *s, unsigned int word, char *buf)
{
	const char *name;
	unsigned int i;

	if (copy_from_kernel_nofault(&name, (const char **)s + word,
				     sizeof(name)))
		return false;
	for (i = 0; i < CACHE_NAME_MAX - 1; i++) {
		if (copy_from_kernel_nofault(buf + i, name + i, 1))
			return false;
		if (!isascii(buf[i]) || !isprint(buf[i]))
			break;
	}
	buf[i] = '\0';
	return i;
}

/* Find the word of a cache of kmalloc() that points to the cache's name. */
static unsigned int __init find_name_word(const struct kmem_cache *s,
					  unsigned int size)
{
	char name[CACHE_NAME_MAX], want[CACHE_NAME_MAX];
	unsigned int i;

	snprintf(want, sizeof(want), "kmalloc-%u", size);
	for (i = NAME_WORD_MAX - 1; i; i--)
		if (copy_name(s, i, name) && !strcmp(name, want))
			break;
	return i;
}

/**
 * gomem_foreign_init - find which word of a slab's struct page points to the
 *	slab's cache, and which word of the cache points to its name
 *
 * The number of such a word is used only if it is the same for two caches.
 *
 * Context: may sleep.
 */
void __init gomem_foreign_init(void)
{
	struct kmem_cache **caches = kmalloc_caches[KMALLOC_NORMAL];
	unsigned int word = find_cache_word(caches[7]);

	if (word == find_cache_word(caches[8]))
		cache_word = word;
	word = find_name_word(caches[7], 128);
	if (word == find_name_word(caches[8], 256))
		name_word = word;
}

/* If an address lies in a slab, append the name of the slab's cache to @buf. */
static void add_cache_name(unsigned long addr, char *buf, size_t len)
{
	struct folio *folio = folio_of(addr);
	char name[CACHE_NAME_MAX];
	size_t n = strlen(buf);

	if (folio && folio_test_slab(folio) && cache_word && name_word &&
	    copy_name(word_of(folio, cache_word), name_word, name))
		snprintf(buf + n, len - n, "; the cache is %s", name);
}

static const char slab_text[] =
	"slab memory, kfree() or kmem_cache_free() owns it";

static const char *folio_text(struct folio *folio)
{
	if (folio_test_slab(folio))
		return slab_text;
	/*
	 * This test comes before the next one, because a folio of kmalloc() may
	 * have no references, like a free one.
	 */
	if (gomem_folio_is_kmalloc(folio))
		return "large memory of kmalloc(), kfree() owns it";
	if (!folio_ref_count(folio))
		return "in a free page of the kernel";
	if (folio_test_lru(folio))
		return "in a page of a process or of a file";
	if (folio_test_large(folio))
		return "in a compound page: kfree() owns it if kmalloc() made it, or free_pages()";
	return "in a page of the page allocator, free_pages() owns it";
}

/*
 * Only the offset of this variable is used, to compute a lower bound of per-CPU
 * pointers. In the per-CPU areas that are made at boot, the variables of all
 * modules share a range of PERCPU_MODULE_RESERVE bytes. The memory for
 * alloc_percpu() lies above that range. Variables of other modules may lie in
 * the range below gomem's. So the bound is the offset minus the range's length.
 */
static DEFINE_PER_CPU(char, below_allocated);

/* gomem assumes that each CPU's per-CPU area made at boot has at most 2 MiB. */
#define FIRST_AREA	SZ_2M

/*
 * Could a value be a per-CPU pointer? Such a pointer plus the per_cpu_offset()
 * of a CPU is the address of that CPU's memory. The pointer itself looks like
 * the address of a kernel variable, but on x86 before Linux 6.15 it is a small
 * number. The memory lies in a per-CPU area that was made at boot, or in one
 * that was mapped later in the range of vmalloc().
 */
static bool may_be_percpu(unsigned long addr)
{
	unsigned long below = (__force unsigned long)&below_allocated -
			      PERCPU_MODULE_RESERVE;
	void *mine = raw_cpu_ptr((void __percpu *)addr);

	if (!IS_ENABLED(CONFIG_SMP))
		return false;
	if (addr - below < FIRST_AREA)
		return true;
	return is_vmalloc_addr(mine) && gomem_mapped_page((unsigned long)mine);
}

#define RESERVED	"memory reserved at boot, nobody frees it"
#define OR_PERCPU	"; or a per-CPU pointer, free_percpu() owns it"
#define OR_STATIC	", or a static per-CPU variable"

static const char *reserved_text(unsigned long addr)
{
	return may_be_percpu(addr) ? RESERVED OR_PERCPU : RESERVED;
}

#define VMALLOC		"vmalloc memory, vfree() or kvfree() owns it"

/*
 * On arm64 the kernel's image lies in the range of vmalloc(). The pages of the
 * image are reserved; pages that vmalloc() maps never are. A per-CPU
 * pointer to memory in an area that was made at boot has a value in the image,
 * or in the part of the image that was freed at boot, where no page is mapped
 * any more.
 */
static const char *vmalloc_text(unsigned long addr)
{
	struct page *page = gomem_mapped_page(addr);

	if (page && PageReserved(page))
		return reserved_text(addr);
	if (page)
		return VMALLOC;
	if (may_be_percpu(addr))
		return "a per-CPU pointer, free_percpu() owns it, or nothing";
	if (!can_find_mapped())
		return VMALLOC;
	if (vmalloc_to_page((void *)addr))
		return "memory of a device, iounmap() owns it";
	return "nothing, no memory is mapped there, maybe since vfree() or iounmap()";
}

/*
 * Is this an address in the kernel's array of all struct page? Only the array
 * of CONFIG_SPARSEMEM_VMEMMAP has addresses of its own. In other kernels each
 * struct page lies in memory that is reserved at boot: see reserved_text().
 */
static bool in_struct_page(unsigned long addr)
{
#ifdef CONFIG_SPARSEMEM_VMEMMAP
	return pfn_to_online_page((addr - (unsigned long)vmemmap) /
				  sizeof(struct page));
#else
	return false;
#endif
}

/*
 * Name what lies at an address in the code or the variables of the kernel or a
 * module: a symbol, or only the module if the address has no symbol, or "[a
 * module]" if kallsyms does not give the module, either. Else return false.
 * Without CONFIG_KALLSYMS_ALL, variables have no symbols. Then kallsyms gives
 * the last symbol below a variable, and the module: only the module is used.
 * But since Linux 6.13 a module's variables may lie below its code, so that no
 * symbol of the module is below them. For these kallsyms gives nothing.
 */
static bool name_of(unsigned long addr, char *buf, size_t len)
{
	unsigned long offset, size;
	const char *plus, *module;

	/*
	 * The text is "name+0xOFFSET/0xSIZE", then " [MODULE]" for a symbol of
	 * a module. Without a symbol it is only a number.
	 */
	snprintf(buf, len, "%pS", (void *)addr);
	plus = strstr(buf, "+0x");
	if (plus && sscanf(plus, "+0x%lx/0x%lx", &offset, &size) == 2 &&
	    offset < size) {
		snprintf(buf, len, "%ps", (void *)addr);
		return true;
	}
	module = strrchr(buf, '[');
	if (module)
		memmove(buf, module, strlen(module) + 1);
	else if (gomem_in_module_range(addr) && gomem_mapped_page(addr))
		strscpy(buf, "[a module]", len);
	else
		return false;
	return true;
}

/*
 * Was the part of the kernel's image at @addr freed after boot? The answer is
 * right only if name_of() found a name for @addr. Otherwise @addr may not be in
 * the image. Freed parts still have names, since kallsyms keeps their symbols.
 */
static bool is_freed_image(unsigned long addr)
{
	struct folio *folio;

	if (is_vmalloc_addr((void *)addr))
		return can_find_mapped() && !gomem_mapped_page(addr);
	folio = folio_of(addr);
	return folio && !folio_test_reserved(folio);
}

/*
 * Describe an address by its symbol. If the value may be a per-CPU pointer
 * instead, say so, too. Return false if name_of() finds no name.
 */
static bool describe_named(unsigned long addr, char *buf, size_t len)
{
	size_t n;

	if (!name_of(addr, buf, len))
		return false;
	/*
	 * Code or data that was freed after boot is no longer at this address,
	 * although kallsyms still has its name. So if the value may also be a
	 * per-CPU pointer, take it for one, and omit the name.
	 */
	if (may_be_percpu(addr) && is_freed_image(addr)) {
		strscpy(buf,
			"a per-CPU pointer, free_percpu() owns it" OR_STATIC,
			len);
		return true;
	}
	n = strlen(buf);
	snprintf(buf + n, len - n, ", static, nobody frees it%s",
		 may_be_percpu(addr) ? OR_PERCPU : "");
	return true;
}

/* In User-Mode Linux, the kernel's addresses are below TASK_SIZE_MAX, too. */
static bool is_of_user_space(unsigned long addr)
{
	return !IS_ENABLED(CONFIG_UML) && addr < TASK_SIZE_MAX;
}

static const char *text_of(unsigned long addr)
{
	struct folio *folio;

	if (addr < PAGE_SIZE)
		return "nothing, in the page at NULL";
	if (is_of_user_space(addr))
		return "an address of user space" OR_PERCPU;
	if (object_is_on_stack((void *)addr))
		return "on the stack, nobody frees it";
	if (is_vmalloc_addr((void *)addr))
		return vmalloc_text(addr);
	folio = folio_of(addr);
	if (folio && folio_test_reserved(folio))
		return reserved_text(addr);
	if (folio)
		return folio_text(folio);
	if (may_be_percpu(addr))
		return "a per-CPU pointer, free_percpu() owns it, or nothing";
	if (in_struct_page(addr))
		return "a struct page, nobody frees it: free the memory that it stands for";
	return "nothing, the kernel has no memory there";
}

static void text_with_cache(unsigned long addr, char *buf, size_t len)
{
	const char *text = text_of(addr);

	strscpy(buf, text, len);
	if (text == slab_text)
		add_cache_name(addr, buf, len);
}

/**
 * gomem_foreign_describe - describe the owner of memory that is not gomem's
 * @addr: any value that is not in a gomem page
 * @buf: set to the text
 * @len: bytes in @buf
 *
 * Context: any.
 */
void gomem_foreign_describe(unsigned long addr, char *buf, size_t len)
{
	if (IS_ERR_VALUE(addr))
		snprintf(buf, len, "an error code, %ld", (long)addr);
	else if (is_of_user_space(addr) || !describe_named(addr, buf, len))
		text_with_cache(addr, buf, len);
}

/**
 * gomem_foreign_is_slab - check whether an address is in a kernel slab
 * @addr: any value
 *
 * For an address in a slab, the kernel's mem_dump_obj() can tell more than
 * gomem.
 *
 * Context: any.
 * Return: true if the address is in a slab.
 */
bool gomem_foreign_is_slab(unsigned long addr)
{
	struct folio *folio = folio_of(addr);

	return folio && folio_test_slab(folio);
}

/**
 * gomem_foreign_may_be_of - check whether an address may be in a cache's slab
 * @addr: any value
 * @s: one of the kernel's caches
 *
 * Context: any.
 * Return: false if the address is in no slab, or is known to be in a slab of
 * another cache.
 */
bool gomem_foreign_may_be_of(unsigned long addr, const struct kmem_cache *s)
{
	struct folio *folio = folio_of(addr);

	return folio && folio_test_slab(folio) &&
	       (!cache_word || word_of(folio, cache_word) == s);
}
