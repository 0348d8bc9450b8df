// SPDX-License-Identifier: GPL-2.0
/*
 * kind.c - the kinds that the span classes are.
 */
#include <kunit/visibility.h>
#include <linux/cache.h>
#include <linux/log2.h>

#include "kind.h"
#include "span.h"

struct gomem_kind gomem_kinds[GOMEM_NR_SPANCLASSES] __ro_after_init;
EXPORT_SYMBOL_IF_KUNIT(gomem_kinds);

/**
 * gomem_kinds_init - make a kind of each span class
 */
void __init gomem_kinds_init(void)
{
	struct gomem_kind *k;
	unsigned int spc, class;

	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++) {
		class = gomem_spc_class(spc);
		k = &gomem_kinds[spc];
		k->size = gomem_class_size(class);
		k->divmul = gomem_class_divmul(class);
		k->npages = gomem_class_pages(class);
		k->nelems = gomem_class_nelems(class);
		k->spc = spc;
		k->desc = gomem_span_desc(k->nelems);
		k->aligned = is_power_of_2(k->size);
	}
}
