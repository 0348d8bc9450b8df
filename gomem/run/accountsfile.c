// SPDX-License-Identifier: GPL-2.0
/*
 * accountsfile.c - the file accounts of debugfs.
 */
#include <linux/atomic.h>
#include <linux/seq_file.h>

#include "api/account.h"
#include "run/accountsfile.h"

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

static void show_account(const struct gomem_account *a, void *arg)
{
	struct seq_file *m = arg;

	seq_printf(m,
		   "%12lld %9lld %12lld %12llu %12llu %9lld %7lld %9llu  %s ",
		   atomic64_read(&a->bytes), atomic64_read(&a->objects),
		   atomic64_read(&a->peak), a->soft, a->hard,
		   atomic64_read(&a->failures), atomic64_read(&a->missed),
		   READ_ONCE(a->crossings), state_word(a));
	seq_escape(m, a->name, " \t\n\\");
	seq_putc(m, '\n');
}

/**
 * gomem_accounts_show - print all accounts, the oldest first
 * @m: where they go
 *
 * Context: any.
 */
void gomem_accounts_show(struct seq_file *m)
{
	seq_puts(m, "gomem accounts - version: 1\n");
	seq_puts(m, "# What is charged to each account. peak: most bytes so far. soft, hard: limits in bytes,\n");
	seq_puts(m, "# 0: none. failures: allocations that failed at the hard limit or without memory for\n");
	seq_puts(m, "# the charge. missed: sections without memory. crossings: of the soft limit. destroyed:\n");
	seq_puts(m, "# the account is gone, but not all of its objects. closed: so is its module, which did\n");
	seq_puts(m, "# not destroy it\n");
	seq_printf(m, "#%11s %9s %12s %12s %12s %9s %7s %9s  %s %s\n",
		   "bytes", "objects", "peak", "soft", "hard", "failures",
		   "missed", "crossings", "state", "name");
	gomem_account_visit(show_account, m);
}
