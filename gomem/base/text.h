/* SPDX-License-Identifier: GPL-2.0 */
/*
 * text.h - where gomem's code lies in a kernel that it is built into.
 *
 * In each section of the kernel's image, the linker keeps the order of the
 * object files. So gomem's code lies between the functions of the first file in
 * Kbuild, text_begin.c, and those of the last one, text_end.c. Code that the
 * compiler takes for unlikely to run has a section of its own, .text.unlikely.
 * Two more functions mark the limits there.
 *
 * With link-time optimization the order is not kept. Then gomem's frames may
 * stay in the stacks of the heap profile and of reports.
 */
#ifndef GOMEM_TEXT_H
#define GOMEM_TEXT_H

#define __gomem_unlikely	__section(".text.unlikely")

void gomem_text_begin(void);
void gomem_text_end(void);
void gomem_unlikely_begin(void);
void gomem_unlikely_end(void);

#endif /* GOMEM_TEXT_H */
