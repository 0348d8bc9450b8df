/* SPDX-License-Identifier: GPL-2.0 */
/* Stands for the kernel's headers in the test rig/handover.sh. */
#ifndef _LINUX_PARCEL_H
#define _LINUX_PARCEL_H

#define PARCEL_OWNS_NOTE	1
#define PARCEL_KEEP		2

struct parcel_ops {
	void (*release)(struct parcel *p);
	void (*destroy)(struct parcel *p);
	struct kmem_cache *cachep;
	struct kmem_cache *spare;
	struct kmem_cache *theirs;
};

union parcel_extra {
	void *blob;
	char *text;
};

struct parcel {
	const struct parcel_ops *ops;
	char *label;
	char *owner;
	char *note;
	char *tag;
	char *seal;
	long *roll;
	long *list;
	unsigned int flags;
	struct kref ref;
	union {
		char *hint;
		long number;
	};
	struct {
		char *text;
		char *other;
		union {
			void *more;
			long none;
		};
	} content;
	union parcel_extra extra;
};

struct device {
	void *platform_data;
	void *data;
};

struct wagon {
	struct device dev;
};

struct crate {
	struct kref ref;
	const struct crate_ops *ops;
};

struct sack {
	struct kref ref;
	void *content;
};

struct method {
	const struct method_ops *ops;
};

struct payload {
	int len;
};

struct parcel_index {
	void **table;
	void **pages;
	void *data;
};

struct parcel *parcel_alloc(void);
void parcel_put(struct parcel *p);
struct parcel_index *parcel_index_create(void **table);
void parcel_index_map(struct parcel_index *index, void **pages,
		      unsigned int flags);
void parcel_consume(void *data);
void parcel_grow(struct parcel *p, unsigned int n);
void parcel_read(const void *data);
void parcel_destroy_payload(struct parcel *p);
void __parcel_register(struct parcel *p, struct module *owner);
void crate_register(struct crate *c);
void courier_take(void *data);
void parcel_send(struct parcel *p);
void parcel_lots_create(const char *name, struct kmem_cache *cache);
void parcel_look_up(const char *name, struct kmem_cache *cache);
void wagon_put(struct wagon *w);

#define parcel_register(p) __parcel_register(p, THIS_MODULE)

static inline void parcel_drop(void *data)
{
	kfree(data);
}

/*
 * Inline functions of a header are compiled into the module. So the module
 * allocates this sack: with the override header, from gomem.
 */
static inline struct sack *sack_alloc(void)
{
	struct sack *s = kzalloc(sizeof(*s), GFP_KERNEL);

	return s;
}

static inline void sack_fill(struct sack *s, void *content)
{
	s->content = content;
}

void sack_register(struct sack *s);
struct method *method_start(const struct method_ops *ops);
void ledger_open(void *data);

#endif /* _LINUX_PARCEL_H */
