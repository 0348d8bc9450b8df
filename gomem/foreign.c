// SPDX-License-Identifier: GPL-2.0
/*
 * foreign.c - whose is what is not gomem's.
 *
 * Any value may come here, garbage among it. It is judged by where it lies, then by the
 * page it lies in, if there is one; what it points to is never touched. A page that
 * nobody holds may be freed meanwhile: then the answer is stale.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/percpu.h>
#include <linux/pfn.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "foreign.h"

/*
 * The page's, or that of the block it is part of; NULL if there is no memory. Memory that
 * is not online has a struct page that says nothing.
 */
static struct folio *folio_of(unsigned long addr)
{
	struct page *page = NULL;

	if (virt_addr_valid((void *)addr))
		page = pfn_to_online_page(PHYS_PFN(__pa(addr)));
	return page ? page_folio(page) : NULL;
}

static const char *folio_text(struct folio *folio)
{
	if (folio_test_reserved(folio))
		return "memory that the kernel had when it booted, nobody frees it";
	if (folio_test_slab(folio))
		return "slab memory, kfree() or kmem_cache_free() owns it";
	/* Before the reference count: such a folio has none. */
	if (gomem_folio_is_kmalloc(folio))
		return "large memory of kmalloc(), kfree() owns it";
	if (!folio_ref_count(folio))
		return "in a free page of the kernel's";
	if (folio_test_lru(folio))
		return "in a page of a process or of a file";
	if (folio_test_large(folio))
		return "in a compound page: kfree() owns it if kmalloc() made it, or free_pages()";
	return "in a page of the page allocator, free_pages() owns it";
}

/*
 * A per-CPU pointer is an offset to what each CPU has of its own: to memory there, if it
 * is one. Offsets are small numbers on most machines, and addresses among those of the
 * kernel's variables on x86 since 6.15.
 */
static bool may_be_percpu(unsigned long addr)
{
	void *mine = raw_cpu_ptr((void __percpu *)addr);

	return virt_addr_valid(mine) || is_vmalloc_addr(mine);
}

/*
 * Code, data, and variables of the kernel and of modules have names. An address behind
 * the end of a symbol is in none. A per-CPU pointer may be inside of one, which it
 * hardly begins.
 */
static bool describe_symbol(unsigned long addr, char *buf, size_t len)
{
	unsigned long offset, size;
	const char *plus;

	/* "name+0xOFFSET/0xSIZE", and the module's name; a number without a name. */
	snprintf(buf, len, "%pS", (void *)addr);
	plus = strstr(buf, "+0x");
	if (!plus || sscanf(plus, "+0x%lx/0x%lx", &offset, &size) != 2 || offset >= size)
		return false;
	snprintf(buf, len, "%ps, static, nobody frees it%s", (void *)addr,
		 offset && may_be_percpu(addr) ? "; or a per-CPU pointer, free_percpu() owns it" :
						 "");
	return true;
}

static const char *text_of(unsigned long addr)
{
	struct folio *folio;

	if (addr < PAGE_SIZE)
		return "nothing, in the page at NULL";
	if (addr < TASK_SIZE_MAX)
		return "an address of user space; or a per-CPU pointer, free_percpu() owns it";
	if (object_is_on_stack((void *)addr))
		return "on the stack, nobody frees it";
	if (is_vmalloc_addr((void *)addr))
		return "vmalloc memory, vfree() or kvfree() owns it";
	folio = folio_of(addr);
	if (folio)
		return folio_text(folio);
	if (may_be_percpu(addr))
		return "a per-CPU pointer, free_percpu() owns it, or nothing";
	return "nothing, there is no memory of the kernel's";
}

/**
 * gomem_foreign_describe - tell whose memory this is
 * @addr: any value that is not in a page of gomem's
 * @buf: where the text goes
 * @len: room there
 *
 * Context: any.
 */
void gomem_foreign_describe(unsigned long addr, char *buf, size_t len)
{
	if (IS_ERR_VALUE(addr))
		snprintf(buf, len, "an error code, %ld", (long)addr);
	else if (addr < TASK_SIZE_MAX || !describe_symbol(addr, buf, len))
		strscpy(buf, text_of(addr), len);
}

/**
 * gomem_foreign_is_slab - is this in a slab, of which the kernel knows more?
 * @addr: any value
 *
 * Context: any.
 * Return: the answer.
 */
bool gomem_foreign_is_slab(unsigned long addr)
{
	struct folio *folio = folio_of(addr);

	return folio && folio_test_slab(folio);
}
