// SPDX-License-Identifier: GPL-2.0
/*
 * A list that is read under RCU and changed concurrently. Replaced entries are
 * freed after all readers have left them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gomem.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/string.h>

struct entry {
	struct list_head link;
	struct rcu_head rcu;
	int value;
	char key[];
};

static LIST_HEAD(entries);
static DEFINE_MUTEX(entries_mutex);	/* serializes writers */

static int lookup(const char *key, int *value)
{
	struct entry *e;
	int err = -ENOENT;

	rcu_read_lock();
	list_for_each_entry_rcu(e, &entries, link) {
		if (strcmp(e->key, key))
			continue;
		*value = e->value;
		err = 0;
		break;
	}
	rcu_read_unlock();
	return err;
}

static int set(const char *key, int value)
{
	struct entry *e, *old;

	e = gomem_alloc(struct_size(e, key, strlen(key) + 1), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	e->value = value;
	memcpy(e->key, key, strlen(key) + 1);

	mutex_lock(&entries_mutex);
	list_for_each_entry(old, &entries, link) {
		if (strcmp(old->key, key))
			continue;
		list_replace_rcu(&old->link, &e->link);
		mutex_unlock(&entries_mutex);
		gomem_free_rcu(old, rcu);
		return 0;
	}
	list_add_rcu(&e->link, &entries);
	mutex_unlock(&entries_mutex);
	return 0;
}

static void clear(void)
{
	struct entry *e, *next;

	mutex_lock(&entries_mutex);
	list_for_each_entry_safe(e, next, &entries, link) {
		list_del_rcu(&e->link);
		gomem_free_rcu(e, rcu);
	}
	mutex_unlock(&entries_mutex);
}

static int __init lookup_init(void)
{
	int value, i, err = 0;

	for (i = 0; i < 100 && !err; i++)
		err = set(i % 2 ? "odd" : "even", i);
	err = err ?: lookup("odd", &value);
	if (err) {
		clear();
		return err;
	}
	pr_info("odd: %d\n", value);
	return 0;
}

/*
 * The exit need not wait for the grace period: gomem_free_rcu() runs no code of
 * this module. gomem itself frees the objects later.
 */
static void __exit lookup_exit(void)
{
	clear();
}

module_init(lookup_init);
module_exit(lookup_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("gomem example: RCU");
MODULE_LICENSE("GPL");
