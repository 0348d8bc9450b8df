// SPDX-License-Identifier: GPL-2.0
/*
 * modulesfile.c - the file modules of debugfs: how much memory the code of each
 *	module has.
 *
 * The numbers are those of the heap profile, summed by the module of the
 * innermost frame.
 */
#include <linux/kallsyms.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "map/origin.h"
#include "api/exact.h"
#include "api/profile.h"
#include "run/modulesfile.h"

/* Modules beyond this number share the last row. */
#define ROWS_MAX	512U

#define BUILT_IN	"kernel"
#define UNKNOWN		"(unknown)"
#define OTHERS		"(others)"

/**
 * struct row - the memory of a module
 * @name: the module
 * @loaded: one of its stacks is of a module that is still loaded
 * @objects: estimated number of live objects
 * @bytes: their bytes
 * @all_objects: estimated number of objects ever allocated
 * @all_bytes: their bytes
 */
struct row {
	char name[MODULE_NAME_LEN];
	bool loaded;
	u64 objects;
	u64 bytes;
	u64 all_objects;
	u64 all_bytes;
};

struct rows {
	struct row *row;
	unsigned int n;
	unsigned int room;
};

/*
 * Copy the name of the module out of a symbol, "name+0x1/0x2 [module]". Code
 * without a module is the kernel's own.
 */
static void module_of_symbol(const char *symbol, char *name)
{
	const char *from = strrchr(symbol, '[');

	if (from)
		strscpy(name, from + 1, MODULE_NAME_LEN);
	else
		strscpy(name, strchr(symbol, '+') ? BUILT_IN : UNKNOWN,
			MODULE_NAME_LEN);
	/* Behind the name may be a build id. */
	name[strcspn(name, "] ")] = '\0';
}

static struct row *find_row(struct rows *rows, const char *name)
{
	struct row *r;
	unsigned int i;

	for (i = 0; i < rows->n; i++)
		if (!strcmp(rows->row[i].name, name))
			return &rows->row[i];
	if (rows->n == rows->room)
		return &rows->row[rows->n - 1];
	r = &rows->row[rows->n++];
	strscpy(r->name, rows->n == rows->room ? OTHERS : name,
		sizeof(r->name));
	return r;
}

static void add_bucket(struct rows *rows, const struct gomem_profile_row *p)
{
	const struct gomem_bucket *b = p->b;
	char symbol[KSYM_SYMBOL_LEN], name[MODULE_NAME_LEN];
	u64 all = gomem_profile_scale(p->allocs, b->size, b->rate);
	u64 live = gomem_profile_scale(p->allocs - p->frees, b->size, b->rate);
	struct row *r;

	gomem_origin_site(b, symbol);
	module_of_symbol(symbol, name);
	r = find_row(rows, name);
	r->loaded |= !READ_ONCE(b->gone);
	r->objects += live;
	r->bytes += live * b->size;
	r->all_objects += all;
	r->all_bytes += all * b->size;
}

/* Most bytes first. */
static int by_bytes(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->all_bytes != y->all_bytes)
		return x->all_bytes < y->all_bytes ? 1 : -1;
	return 0;
}

static void show_legend(struct seq_file *m)
{
	seq_puts(m, "gomem modules - version: 1\n");
	gomem_exact_show(m);
	seq_puts(m, "# Memory by the module whose code called gomem: in use, and ever allocated.\n");
	seq_puts(m, "# " BUILT_IN ": built-in code. unloaded: gone, but not its objects\n");
	seq_printf(m, "# %14s %10s %16s %12s  %s\n", "bytes", "objects",
		   "all_bytes", "all_objects", "module");
}

static void show_row(struct seq_file *m, const struct row *r)
{
	if (!r->loaded && !r->objects)
		return;
	seq_printf(m, "%16llu %10llu %16llu %12llu  %s%s\n", r->bytes,
		   r->objects, r->all_bytes, r->all_objects, r->name,
		   r->loaded ? "" : " unloaded");
}

/**
 * gomem_modules_show - print the memory of each module, most bytes first
 * @m: where it goes
 * @unused: unused
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_modules_show(struct seq_file *m, void *unused)
{
	struct gomem_profile_row *buckets;
	struct rows rows = { };
	unsigned int i, n;

	buckets = gomem_profile_snapshot(&n, false);
	if (!buckets)
		return -ENOMEM;
	rows.room = min(n, ROWS_MAX - 1) + 1;
	rows.row = kvcalloc(rows.room, sizeof(*rows.row), GFP_KERNEL);
	if (!rows.row) {
		kvfree(buckets);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		add_bucket(&rows, &buckets[i]);
		cond_resched();
	}
	sort(rows.row, rows.n, sizeof(*rows.row), by_bytes, NULL);
	show_legend(m);
	for (i = 0; i < rows.n; i++)
		show_row(m, &rows.row[i]);
	kvfree(rows.row);
	kvfree(buckets);
	return 0;
}
