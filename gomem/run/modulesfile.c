// SPDX-License-Identifier: GPL-2.0
/*
 * modulesfile.c - the file "modules" of debugfs: how much memory each module
 *	has allocated from gomem, and how much of it is in use.
 *
 * The numbers of objects up to 32 KiB and of arenas come from the heap profile:
 * the row of a module sums up the buckets of which the module is the client
 * (api/client.c). So the file costs allocations no time, but these numbers are
 * estimates. The file says how far they may be off. Large objects in use are
 * counted exactly, by gomem_span.client.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "map/origin.h"
#include "api/client.h"
#include "api/exact.h"
#include "api/profile.h"
#include "run/larges.h"
#include "run/modulesfile.h"

/*
 * Maximum number of rows, one for each module. If at least this many modules
 * need a row, the last row sums up all those that have no row of their own.
 */
#define ROWS_MAX	512U

#define BUILT_IN	"kernel"
#define UNKNOWN		"(unknown)"
#define OTHERS		"(others)"

/**
 * struct row - the memory of a module
 * @name: the module
 * @loaded: the module is still loaded
 * @objects: estimated number of live objects
 * @bytes: their bytes
 * @variance: variance of @bytes, in KiB^2
 * @all_objects: estimated number of objects ever allocated
 * @all_bytes: their bytes
 */
struct row {
	char name[MODULE_NAME_LEN];
	bool loaded;
	u64 objects;
	u64 bytes;
	u64 variance;
	u64 all_objects;
	u64 all_bytes;
};

struct rows {
	struct row *row;
	unsigned int n;
	unsigned int room;
};

/*
 * Copy the name of the module out of a symbol, "name+0x1/0x2 [module]". A
 * symbol without a module is in built-in code. Text without a "+" is no symbol:
 * gomem_origin_site() found none.
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
	r->all_objects += all;
	r->all_bytes += all * b->size;
	/* add_large() counts large objects that are live. */
	if (b->large)
		return;
	r->objects += live;
	r->bytes += live * b->size;
	r->variance += gomem_profile_variance(p);
}

struct larges {
	struct rows *rows;
	struct gomem_larges n;
};

static void add_client(struct gomem_client *c, void *arg)
{
	const struct larges *l = arg;
	struct gomem_large n = gomem_larges_of(&l->n, c->id);
	struct row *r;

	if (!n.objects)
		return;
	r = find_row(l->rows, c->name);
	r->loaded |= c == &gomem_kernel_client || READ_ONCE(c->mod);
	r->objects += n.objects;
	r->bytes += n.bytes;
	/*
	 * The numbers of all allocations, freed ones included, are estimates.
	 * They may be lower than the numbers of live objects, in which large
	 * objects are counted exactly.
	 */
	r->all_objects = max(r->all_objects, r->objects);
	r->all_bytes = max(r->all_bytes, r->bytes);
}

/* Count the large objects. Return -ENOMEM if there is no memory to do so. */
static int add_large(struct rows *rows)
{
	struct larges l = { .rows = rows };
	int err = gomem_larges_count(&l.n);

	if (err)
		return err;
	add_client(&gomem_kernel_client, &l);
	gomem_client_visit(add_client, &l);
	gomem_larges_free(&l.n);
	return 0;
}

/* Compare for sort(): most bytes first. */
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
	seq_puts(m, "gomem modules - version: 2\n");
	gomem_exact_show(m, gomem_profile_sampled());
	seq_puts(m, "# Memory by the module whose code called gomem: in use, and ever allocated. Objects over\n");
	seq_puts(m, "# 32 KiB that are in use are counted exactly, at any rate\n");
	seq_puts(m, "# error: bytes are off by less in two of three cases, and by less than twice\n");
	seq_puts(m, "# that in 19 of 20. 0: bytes and objects are exact, if the profile has samples.\n");
	seq_puts(m, "# With few samples the error itself may be far off\n");
	seq_puts(m, "# " BUILT_IN ": built-in code.\n");
	seq_puts(m, "# unloaded: the module is gone, but has live objects\n");
	seq_printf(m, "# %14s %12s %10s %16s %12s  %s\n", "bytes", "error",
		   "objects", "all_bytes", "all_objects", "module");
}

static void show_row(struct seq_file *m, const struct row *r)
{
	if (!r->loaded && !r->objects)
		return;
	seq_printf(m, "%16llu %12llu %10llu %16llu %12llu  %s%s\n", r->bytes,
		   (u64)int_sqrt64(r->variance) * SZ_1K, r->objects,
		   r->all_bytes, r->all_objects, r->name,
		   r->loaded ? "" : " unloaded");
}

/**
 * gomem_modules_show - print the memory of each module, most bytes first
 * @m: the file to print to
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
	int err;

	buckets = gomem_profile_snapshot(&n, false);
	if (!buckets)
		return -ENOMEM;
	rows.room = min(n + gomem_client_max() + 1, ROWS_MAX - 1) + 1;
	rows.row = kvcalloc(rows.room, sizeof(*rows.row), GFP_KERNEL);
	if (!rows.row) {
		kvfree(buckets);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		add_bucket(&rows, &buckets[i]);
		cond_resched();
	}
	err = add_large(&rows);
	sort(rows.row, rows.n, sizeof(*rows.row), by_bytes, NULL);
	show_legend(m);
	for (i = 0; i < rows.n; i++)
		show_row(m, &rows.row[i]);
	kvfree(rows.row);
	kvfree(buckets);
	return err;
}
