/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cleanup.h - what a free does with the specials of its object.
 */
#ifndef GOMEM_CLEANUP_H
#define GOMEM_CLEANUP_H

void gomem_cleanup_run(const void *obj);

#endif /* GOMEM_CLEANUP_H */
