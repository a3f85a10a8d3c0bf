/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SVM: what vm.h stands on. APM volume 2, appendix B. */
#ifndef HVP_BARE_SVM_H
#define HVP_BARE_SVM_H

#include "vm.h"

enum {
	SVM_INTERCEPT_INTR = 0,
	SVM_INTERCEPT_NMI = 1,
	SVM_INTERCEPT_RDPMC = 15,
	SVM_INTERCEPT_IO = 27,
	SVM_INTERCEPT_MSR = 28,
	SVM_INTERCEPT_SHUTDOWN = 31,
	SVM_INTERCEPT_VMRUN = 32,
	SVM_INTERCEPT_VMMCALL = 33,
};

/* Offsets in the VMCB. */
enum {
	SVM_ASID = 0x58,
	SVM_EXIT_CODE = 0x70,
	SVM_EVENT = 0xa8,
	SVM_NEXT_RIP = 0xc8,
	SVM_CR4 = 0x548,
	SVM_RFLAGS = 0x570,
	SVM_RIP = 0x578,
	SVM_RSP = 0x5d8,
};

/* Numbers of segments there. */
enum { SVM_CS = 1, SVM_IDTR = 8 };

/* Codes of exits. */
enum {
	SVM_EXIT_EXCEPTION = 0x40,
	SVM_EXIT_INTR = 0x60,
	SVM_EXIT_IO = 0x7b,
	SVM_EXIT_VMMCALL = 0x81
};

#define EFER_SVME (1ULL << 12)

bool svm_is_there(void);
void svm_init(void);
void svm_reset(u64 rip);
void svm_intercept(u32 bit, bool is_set);
/* By the code of its exit. */
void svm_intercept_code(u32 code);
void svm_exit_on_io(bool exits);
void svm_exit_on_msr(u32 msr, bool on_read, bool on_write);
void svm_run(struct vm_run *run);

u64 svm_get(u32 offset);
void svm_put(u32 offset, u64 value, u32 size);
void svm_put_segment(u32 index, u32 selector, u32 attributes, u32 limit, u64 base);

extern const struct vm_path svm_path;

#endif
