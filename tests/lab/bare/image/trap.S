/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One stub of 16 bytes for each vector, and what they share. struct trap_frame has the layout. */
#define HAS_ERROR_CODE 0x60227d00		/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX */

	.text
	.balign	16
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept	256
	.balign	16
	.if	vector >= 32 || !((HAS_ERROR_CODE >> (vector & 31)) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	vector = vector + 1
	.endr

trap_common:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	cld
	call	trap_handle
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rbp
	popq	%rbx
	popq	%rdx
	popq	%rcx
	popq	%rax
	addq	$16, %rsp
	iretq
	.section .note.GNU-stack, "", @progbits
