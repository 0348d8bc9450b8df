/* SPDX-License-Identifier: GPL-2.0 */
/*
 * larges.h - count the large objects of each client: a module that may call
 * gomem, or the built-in code of the kernel.
 */
#ifndef GOMEM_LARGES_H
#define GOMEM_LARGES_H

#include <linux/types.h>

/* The live large objects of one client, which is a module or built-in code. */
struct gomem_large {
	u64 objects;
	u64 bytes;
};

/**
 * struct gomem_larges - counts of large objects, by client (api/client.h)
 * @of: array of counts, indexed by the client's number
 * @max: the highest client number in @of
 */
struct gomem_larges {
	struct gomem_large *of;
	unsigned int max;
};

int gomem_larges_count(struct gomem_larges *l);
void gomem_larges_take_charged(struct gomem_larges *l);
struct gomem_large gomem_larges_of(const struct gomem_larges *l,
				   unsigned int id);
void gomem_larges_free(struct gomem_larges *l);

#endif /* GOMEM_LARGES_H */
