/* SPDX-License-Identifier: GPL-2.0 */
/*
 * check.h - verify the invariants of whole heaps.
 */
#ifndef GOMEM_CHECK_H
#define GOMEM_CHECK_H

struct gomem_heap;

const char *gomem_check(struct gomem_heap *h);
const char *gomem_check_all(void);

#endif /* GOMEM_CHECK_H */
