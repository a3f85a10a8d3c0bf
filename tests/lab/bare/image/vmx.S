/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm_path.inc"

	.pushsection .rodata.vmx_before, "a"
	.globl	vmx_before
	.balign	8
vmx_before:
	.popsection
	.pushsection .rodata.vmx_after, "a"
	.globl	vmx_after
	.balign	8
vmx_after:
	.popsection

	.text
	.globl	vmx_enter
vmx_enter:
	save
	movl	$0x6c14, %eax			/* the host's RSP */
	vmwrite	%rsp, %rax
	testl	%esi, %esi
	jnz	1f
	toggle	RUN_ON
	wrmsr
	nops	vmx_before, 8
	step	vmx_before, movq RUN_RAX(%r13), %rax
	step	vmx_before, movq RUN_RCX(%r13), %rcx
	step	vmx_before, movq RUN_RDX(%r13), %rdx
	step	vmx_before, vmlaunch
	jmp	2f
1:	toggle	RUN_ON
	wrmsr
	.rept	8
	nop
	.endr
	movq	RUN_RAX(%r13), %rax
	movq	RUN_RCX(%r13), %rcx
	movq	RUN_RDX(%r13), %rdx
	vmresume
2:	pushfq
	popq	%rax
	restore

	.globl	vmx_exit_point
vmx_exit_point:
	nops	vmx_after, 5
	step	vmx_after, movq %rax, RUN_RAX(%r13)
	step	vmx_after, movq %rcx, RUN_RCX(%r13)
	step	vmx_after, movq %rdx, RUN_RDX(%r13)
	step	vmx_after, movl (%r13), %ecx
	step	vmx_after, movl RUN_OFF(%r13), %eax
	step	vmx_after, movl RUN_OFF + 4(%r13), %edx
	step	vmx_after, wrmsr
	xorl	%eax, %eax
	restore

	/* An NMI that made an exit blocks others until an IRET. */
	.globl	vm_unblock_nmi
vm_unblock_nmi:
	movq	%rsp, %rax
	pushq	$0x10
	pushq	%rax
	pushfq
	pushq	$0x08
	pushq	$1f
	iretq
1:	ret
	.section .note.GNU-stack, "", @progbits
