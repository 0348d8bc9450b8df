// SPDX-License-Identifier: GPL-2.0
/*
 * stackpages.c - find the pages of the kernel stacks of tasks.
 *
 * Functions leave words on the stack when they return. A refill, for example,
 * leaves the addresses of up to 64 objects. The scan for leaks would take these
 * for pointers. So it does not read the pages of stacks as it reads other
 * pages. Instead, run/stacks.c reads only the parts of stacks that are in use.
 *
 * The kernel keeps the stacks of some ended tasks for later tasks, in no list
 * that a module can read. But stacks are mapped in the range of vmalloc(),
 * aligned to their size, between two pages that are not mapped. The first word
 * is STACK_END_MAGIC. After the end of the task, the first words may be a
 * struct that points to the vm_struct of the stack instead. All memory that
 * looks like this, near the stacks of known tasks, is taken for a stack. So the
 * stacks of idle tasks, which are in no list of tasks, are found, too.
 *
 * Without CONFIG_VMAP_STACK, only the stack of the task that scans is found.
 * The scan then reads the pages of all other stacks as it reads other pages.
 */
#include <linux/magic.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "map/foreign.h"
#include "run/peek.h"
#include "run/stackpages.h"

/*
 * Search for stacks from this many bytes below the lowest stack that
 * find_range() finds, to this many bytes above the highest one.
 */
#define AROUND		SZ_64M

/* Check at most this many addresses, in 20 ms: each check takes about 20 ns. */
#define MOST_STEPS	BIT(20)

static int add_page(struct gomem_stackpages *sp, unsigned long pfn,
		    unsigned long addr)
{
	return xa_err(xa_store(&sp->pages, pfn, xa_mk_value(addr >> PAGE_SHIFT),
			       GFP_KERNEL));
}

static int add_own(struct gomem_stackpages *sp)
{
	unsigned long addr = (unsigned long)task_stack_page(current);
	unsigned int i;
	int err = 0;

	for (i = 0; i < GOMEM_STACK_PAGES && !err; i++, addr += PAGE_SIZE)
		err = add_page(sp, page_to_pfn(gomem_page_of((void *)addr)),
			       addr);
	return err;
}

#ifdef CONFIG_VMAP_STACK

/*
 * After its task has ended, a stack begins with this struct: the kernel waits
 * for a grace period, and then keeps the stack for a later task or frees it.
 * The struct stays in a stack that is kept. See struct vm_stack in
 * kernel/fork.c.
 */
struct left_stack {
	struct rcu_head rcu;
	struct vm_struct *area;
};

/* Is this the address of memory in use by the kernel's slab allocator? */
static bool is_slab(const void *p)
{
	return virt_addr_valid(p) && pfn_to_online_page(PHYS_PFN(__pa(p))) &&
	       PageSlab(virt_to_head_page(p));
}

/* Does memory at this address look like the start of a stack? */
static bool is_marked(unsigned long addr)
{
	struct left_stack left;
	struct vm_struct area;

	if (copy_from_kernel_nofault(&left, (void *)addr, sizeof(left)))
		return false;
	if (*(unsigned long *)&left == STACK_END_MAGIC)
		return true;
	/*
	 * A vm_struct is from kmalloc(). If left.area is not in a slab, it may
	 * be the address of a device's memory, which must not be read.
	 */
	return is_slab(left.area) &&
	       !copy_from_kernel_nofault(&area, left.area, sizeof(area)) &&
	       area.addr == (void *)addr;
}

/*
 * Does a stack begin at an address? A device's memory must not be read, so call
 * gomem_mapped_page() first: it returns NULL for such memory.
 */
static bool is_stack(unsigned long addr)
{
	unsigned long end = addr + THREAD_SIZE, at;

	if (!gomem_mapped_page(addr) || !is_marked(addr))
		return false;
	for (at = addr + PAGE_SIZE; at < end; at += PAGE_SIZE)
		if (!gomem_mapped_page(at))
			return false;
	return !gomem_mapped_page(end) && !gomem_mapped_page(addr - PAGE_SIZE);
}

static int add_stack(struct gomem_stackpages *sp, unsigned long addr)
{
	unsigned long end = addr + THREAD_SIZE;
	struct page *page;
	int err = 0;

	for (; addr < end && !err; addr += PAGE_SIZE) {
		page = gomem_mapped_page(addr);
		/* The stack may be gone in the meantime. */
		if (page)
			err = add_page(sp, page_to_pfn(page), addr);
	}
	return err;
}

/*
 * Return the lowest address at which the stack of a process begins, and set
 * @highest to the highest such address. Look at the first 1024 processes only:
 * add_all() also searches AROUND bytes below and above these two addresses.
 */
static unsigned long find_range(unsigned long *highest)
{
	unsigned long lowest = (unsigned long)task_stack_page(current), stack;
	unsigned int looked = 0;
	struct task_struct *p;

	*highest = lowest;
	rcu_read_lock();
	for_each_process(p) {
		stack = (unsigned long)READ_ONCE(p->stack);
		if (!stack)
			continue;
		lowest = min(lowest, stack);
		*highest = max(*highest, stack);
		if (++looked == 1024)
			break;
	}
	rcu_read_unlock();
	return lowest;
}

static int add_all(struct gomem_stackpages *sp)
{
	unsigned long highest, addr = find_range(&highest), steps;
	int err = 0;

	if (!is_vmalloc_addr((void *)addr))
		return 0;
	steps = (highest - addr + 2 * AROUND) / THREAD_SIZE;
	addr -= AROUND;
	for (steps = min(steps, MOST_STEPS); steps && !err; steps--) {
		if (is_vmalloc_addr((void *)addr) && is_stack(addr))
			err = add_stack(sp, addr);
		addr += THREAD_SIZE;
		if (!(steps % 256))
			cond_resched();
	}
	return err;
}

static bool is_gone(unsigned long pfn, unsigned long addr)
{
	struct page *page = NULL;

	if (is_vmalloc_addr((void *)addr))
		page = gomem_mapped_page(addr);
	else
		page = virt_to_page((void *)addr);
	return !page || page_to_pfn(page) != pfn;
}

#else

static int add_all(struct gomem_stackpages *sp)
{
	return 0;
}

static bool is_gone(unsigned long pfn, unsigned long addr)
{
	return false;
}

#endif

/**
 * gomem_stack_describe - name the task in whose stack an address lies
 * @addr: any value
 * @buf: set to the text
 * @len: bytes in @buf
 *
 * The idle tasks are not in the list of tasks, so their stacks are not found.
 *
 * Context: any.
 * Return: false if the address is in the stack of no task.
 */
bool gomem_stack_describe(unsigned long addr, char *buf, size_t len)
{
	struct task_struct *p, *t;
	unsigned long stack;
	bool found = false;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		/* A task that has ended, but was not reaped, has no stack. */
		stack = (unsigned long)READ_ONCE(t->stack);
		if (!stack || addr - stack >= THREAD_SIZE)
			continue;
		snprintf(buf, len, "stack of %s, task %d", t->comm, t->pid);
		found = true;
		goto out;
	}
out:
	rcu_read_unlock();
	return found;
}

/**
 * gomem_stackpages_find - find the pages of stacks
 * @sp: set to the result. The caller has to free it by gomem_stackpages_drop(),
 *	after an error, too
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_stackpages_find(struct gomem_stackpages *sp)
{
	xa_init(&sp->pages);
	return add_own(sp) ?: add_all(sp);
}

/**
 * gomem_stackpages_drop - free the result of gomem_stackpages_find()
 * @sp: the pages
 *
 * Context: may sleep.
 */
void gomem_stackpages_drop(struct gomem_stackpages *sp)
{
	xa_destroy(&sp->pages);
}

/**
 * gomem_stackpages_has - check whether a page was part of a stack
 * @sp: the pages
 * @pfn: number of the page
 *
 * Return: true if gomem_stackpages_find() found the page in a stack, and
 * gomem_stackpages_each_gone() has not removed it from @sp.
 */
bool gomem_stackpages_has(struct gomem_stackpages *sp, unsigned long pfn)
{
	return xa_load(&sp->pages, pfn);
}

/**
 * gomem_stackpages_each_gone - remove pages that are no longer part of a stack
 * @sp: the pages
 * @fn: called for each page that is not mapped any more at its stack's address,
 *	after the page was removed from the set
 * @arg: for @fn
 *
 * Context: may sleep.
 */
void gomem_stackpages_each_gone(struct gomem_stackpages *sp,
				gomem_stackpages_fn fn, void *arg)
{
	unsigned long pfn;
	void *entry;

	xa_for_each(&sp->pages, pfn, entry) {
		if (is_gone(pfn, xa_to_value(entry) << PAGE_SHIFT)) {
			xa_erase(&sp->pages, pfn);
			fn(pfn, arg);
		}
		cond_resched();
	}
}
