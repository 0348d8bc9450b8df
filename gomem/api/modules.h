/* SPDX-License-Identifier: GPL-2.0 */
/*
 * modules.h - what gomem does when another module is loaded or unloaded.
 */
#ifndef GOMEM_MODULES_H
#define GOMEM_MODULES_H

void gomem_modules_init(void);
void gomem_modules_exit(void);

#endif /* GOMEM_MODULES_H */
