/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm_path.inc"

	.pushsection .rodata.svm_before, "a"
	.globl	svm_before
	.balign	8
svm_before:
	.popsection
	.pushsection .rodata.svm_after, "a"
	.globl	svm_after
	.balign	8
svm_after:
	.popsection

	.text
	.globl	svm_enter
svm_enter:
	save
	toggle	RUN_ON
	wrmsr
	nops	svm_before, 8
	step	svm_before, movq RUN_VMCB(%r13), %rax	/* has the guest's RAX */
	step	svm_before, movq RUN_RCX(%r13), %rcx
	step	svm_before, movq RUN_RDX(%r13), %rdx
	step	svm_before, vmrun
	step	svm_after, stgi
	nops	svm_after, 5
	step	svm_after, movq %rcx, RUN_RCX(%r13)
	step	svm_after, movq %rdx, RUN_RDX(%r13)
	step	svm_after, movl (%r13), %ecx
	step	svm_after, movl RUN_OFF(%r13), %eax
	step	svm_after, movl RUN_OFF + 4(%r13), %edx
	step	svm_after, wrmsr
	restore
	.section .note.GNU-stack, "", @progbits
