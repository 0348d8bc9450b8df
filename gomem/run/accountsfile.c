// SPDX-License-Identifier: GPL-2.0
/*
 * accountsfile.c - the file accounts of debugfs.
 */
#include <linux/atomic.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/seq_file.h>

#include "api/account.h"
#include "api/client.h"
#include "api/exact.h"
#include "api/profile.h"
#include "api/usage.h"
#include "run/accountsfile.h"
#include "run/larges.h"

static const char *state_word(const struct gomem_account *a)
{
	switch (READ_ONCE(a->state)) {
	case GOMEM_ACCOUNT_LIVE:
		return "live";
	case GOMEM_ACCOUNT_CLOSED:
		return "closed";
	default:
		return "destroyed";
	}
}

/* A row of the file. */
struct line {
	s64 bytes;
	u64 error;
	s64 objects;
	s64 peak;
	u64 soft;
	u64 hard;
	s64 failures;
	s64 missed;
	u64 crossings;
	const char *state;
	const char *kind;
	const char *name;
};

static void show_line(struct seq_file *m, const struct line *l)
{
	seq_printf(m,
		   "%12lld %10llu %9lld %12lld %12llu %12llu %9lld %7lld %9llu  %s %s ",
		   l->bytes, l->error, l->objects, l->peak, l->soft, l->hard,
		   l->failures, l->missed, l->crossings, l->state, l->kind);
	seq_escape(m, l->name, " \t\n\\");
	seq_putc(m, '\n');
}

static void show_account(const struct gomem_account *a, void *arg)
{
	struct line l = {
		.bytes		= atomic64_read(&a->bytes),
		.objects	= atomic64_read(&a->objects),
		.peak		= atomic64_read(&a->peak),
		.soft		= a->soft,
		.hard		= a->hard,
		.failures	= atomic64_read(&a->failures),
		.missed		= atomic64_read(&a->missed),
		.crossings	= READ_ONCE(a->crossings),
		.state		= state_word(a),
		.kind		= "account",
		.name		= a->name,
	};

	show_line(arg, &l);
}

struct modules {
	struct seq_file *m;
	struct gomem_larges large;
};

/*
 * A module has a row while it has memory or a limit, or while it is loaded and
 * uses symbols of gomem. Built-in code has a row while it has memory or a
 * limit.
 */
static void show_module(struct gomem_client *c, void *arg)
{
	struct modules *mods = arg;
	struct gomem_large large = gomem_larges_of(&mods->large, c->id);
	struct gomem_usage *u = &c->usage;
	bool loaded = c == &gomem_kernel_client || READ_ONCE(c->mod);
	struct line l = {
		.bytes		= max(atomic64_read(&u->bytes), 0LL) +
				  large.bytes,
		.error		= int_sqrt64(max(atomic64_read(&u->variance),
						 0LL)) * GOMEM_USAGE_ERROR,
		.objects	= (max(atomic64_read(&u->objects), 0LL) +
				   (1 << 7)) / (1 << 8) + large.objects,
		.soft		= READ_ONCE(u->soft),
		.hard		= READ_ONCE(u->hard),
		.failures	= atomic64_read(&u->failures),
		.crossings	= READ_ONCE(u->crossings),
		.state		= loaded ? "live" : "unloaded",
		.kind		= "module",
		.name		= c->name,
	};

	if (!l.bytes && !l.soft && !l.hard && !(loaded && READ_ONCE(c->linked)))
		return;
	gomem_usage_raise(&u->peak, l.bytes);
	l.peak = atomic64_read(&u->peak);
	show_line(mods->m, &l);
}

static void show_legend(struct seq_file *m)
{
	seq_puts(m, "gomem accounts - version: 2\n");
	gomem_exact_show(m, gomem_profile_sampled());
	seq_puts(m, "# What is charged to each account, and what else the code of each module has. peak: most\n");
	seq_puts(m, "# bytes so far. soft, hard: limits in bytes, 0: none. failures: allocations that failed at\n");
	seq_puts(m, "# the hard limit or without memory for the charge. missed: calls of gomem_account_enter()\n");
	seq_puts(m, "# without memory. crossings: how often the soft limit was crossed. destroyed: the account is\n");
	seq_puts(m, "# gone, but not all of its objects. closed: its module is gone, too, and did not destroy it.\n");
	seq_puts(m, "# Accounts are exact. Modules are estimates, but for objects over 32 KiB: error as in the\n");
	seq_puts(m, "# file modules. Write \"MODULE soft=BYTES hard=BYTES\" to limit one\n");
	seq_printf(m, "#%11s %10s %9s %12s %12s %12s %9s %7s %9s  %s %s %s\n",
		   "bytes", "error", "objects", "peak", "soft", "hard",
		   "failures", "missed", "crossings", "state", "kind", "name");
}

/**
 * gomem_accounts_show - print all accounts, the oldest first, then the modules
 * @m: the file to print to
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_accounts_show(struct seq_file *m)
{
	struct modules mods = { .m = m };
	int err = gomem_larges_count(&mods.large);

	if (err)
		return err;
	gomem_larges_take_charged(&mods.large);
	show_legend(m);
	gomem_account_visit(show_account, m);
	show_module(&gomem_kernel_client, &mods);
	gomem_client_visit(show_module, &mods);
	gomem_larges_free(&mods.large);
	return 0;
}
