/* SPDX-License-Identifier: GPL-2.0 */
/*
 * exact.h - let the heap profile record each object that certain modules
 * allocate, not only samples (module parameter profile_exact).
 */
#ifndef GOMEM_EXACT_H
#define GOMEM_EXACT_H

#include <linux/types.h>

struct seq_file;

/* Maximum number of modules that profile_exact may name. */
#define GOMEM_EXACT_MAX		16U

bool gomem_exact_is_on(void);
bool gomem_exact_wants(void);
int gomem_exact_set(const char *val);
void gomem_exact_show(struct seq_file *m, bool sampled);
void gomem_exact_exit(void);

#endif /* GOMEM_EXACT_H */
