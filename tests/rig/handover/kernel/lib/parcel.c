// SPDX-License-Identifier: GPL-2.0
/* Stands for the kernel in rig/handover.sh: frees what modules allocate. */
#include <linux/parcel.h>

static void parcel_free_extra(union parcel_extra *extra)
{
	kfree(extra->text);
	kfree(extra);
}

static void parcel_free(struct parcel *p)
{
	kfree(p->label);
	kfree(p->owner);
	kfree(p->tag);
	kfree(p->hint);
	kfree(p->content.text);
	kfree(p->content.more);
	kfree(p->extra.blob);
	parcel_free_extra(&p->extra);
	if (p->flags & PARCEL_OWNS_NOTE)
		kfree(p->note);
	kmem_cache_free(p->ops->cachep, p->seal);
	kmem_cache_free(p->ops->spare, p->seal);
	kmem_cache_free(p->ops->theirs, p->seal);
	kfree(p);
}

static void parcel_release(struct kref *ref)
{
	struct parcel *p = container_of(ref, struct parcel, ref);

	parcel_free(p);
	kfree(p);
}

struct parcel *parcel_alloc(void)
{
	return kzalloc(sizeof(struct parcel), GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(parcel_alloc);

void parcel_put(struct parcel *p)
{
	kref_put(&p->ref, parcel_release);
}
EXPORT_SYMBOL_GPL(parcel_put);

void __parcel_register(struct parcel *p, struct module *owner)
{
	kref_init(&p->ref);
}
EXPORT_SYMBOL_GPL(__parcel_register);

/* The module's release function, if there is one, frees the object. */
static void crate_release(struct kref *ref)
{
	struct crate *c = container_of(ref, struct crate, ref);

	if (c->ops->release)
		c->ops->release(c);
	else
		kfree(c);
}

void crate_register(struct crate *c)
{
	kref_init(&c->ref);
}
EXPORT_SYMBOL_GPL(crate_register);

static void parcel_index_release(struct parcel_index *index)
{
	kfree(index->table);
	kvfree(index->pages);
	kfree(index);
}

struct parcel_index *parcel_index_create(void **table)
{
	struct parcel_index *index = kzalloc(sizeof(*index), GFP_KERNEL);

	index->table = table;
	return index;
}
EXPORT_SYMBOL_GPL(parcel_index_create);

void parcel_index_map(struct parcel_index *index, void **pages,
		      unsigned int flags)
{
	if (flags & PARCEL_KEEP)
		index->pages = pages;
}
EXPORT_SYMBOL_GPL(parcel_index_map);

static void parcel_pass(int way, void *data)
{
	kfree(data);
}

void parcel_consume(void *data)
{
	parcel_pass(1, data);
}
EXPORT_SYMBOL_GPL(parcel_consume);

/* Resizing frees the old memory. */
void parcel_grow(struct parcel *p, unsigned int n)
{
	long *roll = krealloc_array(p->roll, n, sizeof(*roll), GFP_KERNEL);

	p->roll = roll ?: p->roll;
	p->list = kvrealloc(p->list, n, GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(parcel_grow);

void parcel_read(const void *data)
{
	memcpy(parcel_buffer, data, 8);
}
EXPORT_SYMBOL_GPL(parcel_read);

void parcel_destroy_payload(struct parcel *p)
{
	struct payload *payload = parcel_payload(p);

	kfree(payload);
}
EXPORT_SYMBOL_GPL(parcel_destroy_payload);

static void sack_release(struct kref *ref)
{
	struct sack *s = container_of(ref, struct sack, ref);

	kfree(s->content);
	kfree(s);
}

void sack_register(struct sack *s)
{
	kref_init(&s->ref);
}
EXPORT_SYMBOL_GPL(sack_register);

static void method_end(struct method *m)
{
	kfree(m);
}

struct method *method_start(const struct method_ops *ops)
{
	return ops->init();
}
EXPORT_SYMBOL_GPL(method_start);

struct ledger {
	void *data;
};

static void ledger_close(struct ledger *l)
{
	kfree(l->data);
}

void ledger_open(void *data)
{
	struct ledger *l __free(kfree) = kzalloc(sizeof(*l), GFP_KERNEL);

	l->data = data;
}
EXPORT_SYMBOL_GPL(ledger_open);

void parcel_lots_create(const char *name, struct kmem_cache *cache)
{
	struct lots *lots = kzalloc(sizeof(*lots), GFP_KERNEL);

	lots->cache = cache;
	lots->first = kmem_cache_alloc(cache, GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(parcel_lots_create);

void parcel_lots_destroy(struct lots *lots)
{
	kmem_cache_free(lots->cache, lots->first);
	kfree(lots);
}
EXPORT_SYMBOL_GPL(parcel_lots_destroy);

void parcel_look_up(const char *name, struct kmem_cache *cache)
{
	parcel_size = kmem_cache_size(cache);
}
EXPORT_SYMBOL_GPL(parcel_look_up);

/*
 * linux/gomem_override.h replaces calls of build_skb() in modules, so
 * scripts/handover must not report memory that a module passes to build_skb().
 */
struct sk_buff *build_skb(void *data, unsigned int size)
{
	kfree(data);
	return NULL;
}
EXPORT_SYMBOL(build_skb);
