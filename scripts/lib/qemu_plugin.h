/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qemu_plugin.h - the part of QEMU's plugin interface, version 1, that
 * qemu_lines.c uses.
 *
 * QEMU's own header is not packaged.
 */
#ifndef GOMEM_QEMU_PLUGIN_H
#define GOMEM_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>

#define QEMU_PLUGIN_VERSION	1

/* Callbacks read no registers; memory callbacks are for loads and stores. */
#define QEMU_PLUGIN_CB_NO_REGS	0
#define QEMU_PLUGIN_MEM_RW	3

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

typedef void (*insn_cb)(unsigned int vcpu, void *data);
typedef void (*mem_cb)(unsigned int vcpu, unsigned int info, unsigned long addr,
		       void *data);
typedef void (*tb_cb)(unsigned long id, struct qemu_plugin_tb *tb);

void qemu_plugin_register_vcpu_tb_trans_cb(unsigned long id, tb_cb cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
unsigned long qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    insn_cb cb, int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, mem_cb cb,
				      int flags, int rw, void *data);
bool qemu_plugin_mem_is_store(unsigned int info);
void qemu_plugin_reset(unsigned long id, void (*cb)(unsigned long id));

#endif /* GOMEM_QEMU_PLUGIN_H */
