// SPDX-License-Identifier: GPL-2.0
/*
 * exact.c - let the heap profile record each object, not only samples, that the
 *	modules named by the module parameter profile_exact allocate.
 *
 * The module of an allocation is the client that gomem_client_calling()
 * returns.
 */
#include <kunit/visibility.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/sample.h"
#include "api/client.h"
#include "api/exact.h"
#include "api/watch.h"

#define ALL	"all"

/**
 * struct wanted - the modules that profile_exact names
 * @rcu: frees the struct after a grace period
 * @all: profile_exact is "all": record each object of all callers
 * @n: number of names
 * @name: names of modules
 *
 * Allocations on any CPU read the struct under RCU.
 */
struct wanted {
	struct rcu_head rcu;
	bool all;
	unsigned int n;
	char name[GOMEM_EXACT_MAX][MODULE_NAME_LEN];
};

/* Protects the variables below. Taken to set profile_exact, and at exit. */
static DEFINE_MUTEX(exact_mutex);
static struct wanted __rcu *wanted;
static bool ended;

static bool names(const struct wanted *w, const struct gomem_client *c)
{
	unsigned int i;

	/*
	 * profile_exact names only modules. So the name of gomem_kernel_client,
	 * "kernel", must not match, even if profile_exact has this name.
	 */
	if (c == &gomem_kernel_client)
		return false;
	for (i = 0; i < w->n; i++)
		if (!strcmp(w->name[i], c->name))
			return true;
	return false;
}

/**
 * gomem_exact_is_on - check whether the parameter profile_exact is set
 *
 * Context: any.
 * Return: true if profile_exact names modules or all callers; false if it is
 * empty.
 */
bool gomem_exact_is_on(void)
{
	return rcu_access_pointer(wanted);
}

/**
 * gomem_exact_wants - must the profile record this allocation, sampled or not?
 *
 * Context: any.
 * Return: true if profile_exact names the module for which gomem was called, or
 * all callers.
 */
bool gomem_exact_wants(void)
{
	const struct wanted *w;
	bool wants = false;

	rcu_read_lock();
	w = rcu_dereference(wanted);
	if (w)
		wants = w->all || names(w, gomem_client_calling());
	rcu_read_unlock();
	return wants;
}

/*
 * Copy the name of a module. Return false if no module can have this name.
 * Replace "-" by "_", as the kernel does.
 */
static bool copy_name(char *to, const char *from, size_t len)
{
	size_t i;

	if (!len || len >= MODULE_NAME_LEN)
		return false;
	for (i = 0; i < len; i++) {
		if (!isalnum(from[i]) && from[i] != '_' && from[i] != '-')
			return false;
		to[i] = from[i] == '-' ? '_' : from[i];
	}
	to[len] = '\0';
	return true;
}

/*
 * Copy the names in @val, which commas separate, to @w->name. Return false if
 * no module can have one of the names, if one is "all", or if there are more
 * than GOMEM_EXACT_MAX.
 */
static bool parse_names(struct wanted *w, const char *val, size_t len)
{
	const char *end = val + len, *comma;

	for (;;) {
		comma = memchr(val, ',', end - val) ?: end;
		if (w->n == GOMEM_EXACT_MAX ||
		    !copy_name(w->name[w->n], val, comma - val) ||
		    !strcmp(w->name[w->n], ALL))
			return false;
		w->n++;
		if (comma == end)
			return true;
		val = comma + 1;
	}
}

/*
 * Replace the wanted modules by @w; NULL: none. If gomem is being unloaded,
 * free @w and return -ENODEV.
 */
static int publish(struct wanted *w)
{
	struct wanted *old;

	mutex_lock(&exact_mutex);
	if (w && ended) {
		mutex_unlock(&exact_mutex);
		kfree(w);
		return -ENODEV;
	}
	old = rcu_replace_pointer(wanted, w, lockdep_is_held(&exact_mutex));
	if (w && !old)
		gomem_watch_begin();
	else if (old && !w)
		gomem_watch_end();
	mutex_unlock(&exact_mutex);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/**
 * gomem_exact_set - choose the modules whose objects are all recorded
 * @val: names with commas between them, "all", or "" for none
 *
 * Context: may sleep.
 * Return: 0; or -EINVAL, -ENOMEM or -ENODEV, with nothing changed.
 */
int gomem_exact_set(const char *val)
{
	size_t len = strcspn(val, "\n");
	struct wanted *w;

	if (val[len] && val[len + 1])
		return -EINVAL;
	if (!len)
		return publish(NULL);
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	w->all = len == strlen(ALL) && !strncmp(val, ALL, len);
	if (!w->all && !parse_names(w, val, len)) {
		kfree(w);
		return -EINVAL;
	}
	return publish(w);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_exact_set);

/* Print the value of profile_exact into @buf, a page. Return its length. */
static int print_wanted(char *buf)
{
	const struct wanted *w;
	int len = 0;
	unsigned int i;

	rcu_read_lock();
	w = rcu_dereference(wanted);
	if (w && w->all)
		len = scnprintf(buf, PAGE_SIZE, ALL);
	for (i = 0; w && i < w->n; i++)
		len += scnprintf(buf + len, PAGE_SIZE - len, "%s%s",
				 i ? "," : "", w->name[i]);
	rcu_read_unlock();
	return len;
}

/**
 * gomem_exact_show - say in a file's legend which numbers are estimates
 * @m: the file, whose numbers come from the heap profile
 * @sampled: the numbers may include records that were made with a profile_rate
 *	above 1, at which not each object is recorded. If so, the numbers
 *	stay estimates, although profile_rate may be 1 or 0 now
 *
 * Context: may sleep.
 */
void gomem_exact_show(struct seq_file *m, bool sampled)
{
	unsigned long rate = READ_ONCE(gomem_profile_rate);
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (rate > 1)
		seq_printf(m,
			   "# estimated from one sample in %lu bytes, see profile_rate\n",
			   rate);
	else if (sampled)
		seq_puts(m,
			 "# estimated in part: from samples that were taken while profile_rate was above 1\n");
	if (buf && print_wanted(buf))
		seq_printf(m, "# exact for what is allocated now by: %s\n",
			   buf);
	kfree(buf);
}

/**
 * gomem_exact_exit - clear profile_exact
 *
 * Called when nothing allocates any more.
 *
 * Context: may sleep.
 */
void gomem_exact_exit(void)
{
	mutex_lock(&exact_mutex);
	ended = true;
	mutex_unlock(&exact_mutex);
	publish(NULL);
}

static int set_exact(const char *val, const struct kernel_param *kp)
{
	return gomem_exact_set(val);
}

static int get_exact(char *buf, const struct kernel_param *kp)
{
	int len = print_wanted(buf);

	buf[len++] = '\n';
	buf[len] = '\0';
	return len;
}

static const struct kernel_param_ops exact_ops = {
	.set = set_exact,
	.get = get_exact,
};

module_param_cb(profile_exact, &exact_ops, NULL, 0644);
MODULE_PARM_DESC(profile_exact,
		 "Modules of which the heap profile records each object: up to 16 names with commas between them, or \"all\" (default none)");
