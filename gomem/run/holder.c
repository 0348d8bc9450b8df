// SPDX-License-Identifier: GPL-2.0
/*
 * holder.c - find a pointer to an object, then a pointer to the object that
 * contains the first pointer, and so on. The search ends at a pointer in memory
 * outside the heaps or in a register, after MOST_STEPS pointers, or if it finds
 * no further pointer.
 *
 * Each step scans all memory once, as each round of run/hunt.c does, and takes
 * the first pointer that it finds. There may be more pointers.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>

#include "base/hide.h"
#include "map/describe.h"
#include "map/pagemap.h"
#include "run/holder.h"
#include "run/marks.h"
#include "run/ram.h"
#include "run/stackpages.h"
#include "run/stacks.h"

#define MOST_STEPS	8

/* What the last step of a search found. */
enum outcome {
	NOT_ASKED,
	NO_OBJECT,
	NO_POINTER,
	REGISTER,
	POINTER,
};

/*
 * The answer of the last search, a list of addresses. The first is an address
 * in the object that was asked for. Each later address is where a pointer was
 * found: a pointer to the object in which the address before it lies. All are
 * stored as gomem_hide() returns them.
 */
static unsigned long hidden[MOST_STEPS + 1];
static unsigned int nr;
static enum outcome outcome;

/*
 * Protects hidden, nr and outcome. Held by tasks that search for pointers, or
 * that print the answer of the last search.
 */
static DEFINE_MUTEX(holder_mutex);

static int scan_once(struct gomem_marks *m)
{
	struct gomem_ram_counts n = { };

	gomem_marks_begin(m);
	return gomem_stacks_scan(m) ?: gomem_ram_scan(m, &n) ?:
	       gomem_stacks_scan(m) ?: gomem_marks_follow(m);
}

/*
 * Find a pointer to the object in which @addr lies, and set outcome. If there
 * is a pointer, set *@holder to its address, or to 0 if it is in a register.
 */
static int find_pointer(struct gomem_marks *m, unsigned long addr,
			unsigned long *holder)
{
	int err;

	outcome = NO_OBJECT;
	if (!gomem_marks_watch(m, addr))
		return 0;
	err = scan_once(m);
	if (!gomem_marks_holder(m, holder))
		outcome = NO_POINTER;
	else
		outcome = *holder ? POINTER : REGISTER;
	return err;
}

/*
 * Find a pointer to the object in which the last address of hidden[] lies, and
 * append the address of the pointer to hidden[].
 */
static int find_next(void)
{
	struct gomem_marks *m = gomem_marks_create();
	unsigned long holder = 0;
	int err;

	if (IS_ERR(m))
		return PTR_ERR(m);
	err = find_pointer(m, gomem_unhide(hidden[nr - 1]), &holder);
	gomem_marks_destroy(m);
	if (!err && outcome == POINTER)
		hidden[nr++] = gomem_hide(holder);
	return err;
}

static bool may_go_on(void)
{
	return outcome == POINTER && nr <= MOST_STEPS &&
	       gomem_pagemap_has_page(&gomem_pagemap,
				      gomem_unhide(hidden[nr - 1]));
}

/**
 * gomem_holder_find - find what points to an object, for gomem_holder_show()
 * @addr: an address in the object
 *
 * Context: may sleep; each step takes seconds for each GiB of memory.
 * Return: 0; -ENOMEM, or -EINTR after a signal.
 */
int gomem_holder_find(unsigned long addr)
{
	int err;

	if (mutex_lock_interruptible(&holder_mutex))
		return -EINTR;
	hidden[0] = gomem_hide(addr);
	nr = 1;
	do {
		err = find_next();
	} while (!err && may_go_on());
	if (err)
		outcome = NOT_ASKED;
	mutex_unlock(&holder_mutex);
	return err;
}

static void show_step(struct seq_file *m, unsigned long addr)
{
	char what[GOMEM_DESCRIPTION_MAX];

	if (!gomem_stack_describe(addr, what, sizeof(what))) {
		rcu_read_lock();
		gomem_describe(addr, what, sizeof(what));
		rcu_read_unlock();
	}
	seq_printf(m, "holder: %lx, %s\n", addr, what);
}

/**
 * gomem_holder_show - print what the last gomem_holder_find() found
 * @m: the file to print to; readable only for root, since addresses are shown
 *
 * Context: may sleep.
 */
void gomem_holder_show(struct seq_file *m)
{
	unsigned int i;

	/* Do not wait for a search: it takes seconds for each GiB. */
	if (!mutex_trylock(&holder_mutex)) {
		seq_puts(m, "\nholder: a search is in progress\n");
		return;
	}
	if (outcome != NOT_ASKED)
		seq_printf(m, "\nheld: %lx\n", gomem_unhide(hidden[0]));
	for (i = 1; outcome != NOT_ASKED && i < nr; i++)
		show_step(m, gomem_unhide(hidden[i]));
	if (outcome == NO_OBJECT)
		seq_puts(m, "holder: the address is in no live object\n");
	else if (outcome == NO_POINTER)
		seq_puts(m, "holder: nothing\n");
	else if (outcome == REGISTER)
		seq_puts(m, "holder: a register\n");
	mutex_unlock(&holder_mutex);
}
