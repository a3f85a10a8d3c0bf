/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SVM: what vm.h stands on. APM volume 2, appendix B. */
#ifndef HVP_BARE_SVM_H
#define HVP_BARE_SVM_H

#include "vm.h"

enum {
	SVM_INTERCEPT_INTR = 0,
	SVM_INTERCEPT_NMI = 1,
	SVM_INTERCEPT_RDPMC = 15,
	SVM_INTERCEPT_MSR = 28,
	SVM_INTERCEPT_SHUTDOWN = 31,
	SVM_INTERCEPT_VMRUN = 32,
	SVM_INTERCEPT_VMMCALL = 33,
};

#define EFER_SVME (1ULL << 12)

bool svm_is_there(void);
void svm_init(void);
void svm_reset(u64 rip);
void svm_intercept(u32 bit, bool is_set);
void svm_exit_on_msr(u32 msr, bool on_read, bool on_write);
void svm_run(struct vm_run *run);

extern const struct vm_path svm_path;

#endif
