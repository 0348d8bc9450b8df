/* SPDX-License-Identifier: GPL-2.0 */
/*
 * look.h - find slots that are idle.
 *
 * An epoch has four looks. A slot is idle if its CPU did not use it from one
 * look to the next.
 */
#ifndef GOMEM_LOOK_H
#define GOMEM_LOOK_H

#include <linux/types.h>

struct gomem_mcache;
struct gomem_place;

bool gomem_look_at_cpu(int cpu);
bool gomem_slot_is_idle(const struct gomem_place *p);
bool gomem_tiny_is_idle(const struct gomem_mcache *mc);

#endif /* GOMEM_LOOK_H */
