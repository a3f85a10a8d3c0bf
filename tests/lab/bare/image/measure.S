/* SPDX-License-Identifier: GPL-2.0-or-later */
	.text
	.macro	save
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rdi, %r13
	movq	%rsi, %r12
	.endm

	.macro	restore
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.endm

	/* struct measure_toggle: `on` is at 8, `off` at 16. */
	.macro	toggle at
	movl	(%r13), %ecx
	movl	\at(%r13), %eax
	movl	\at + 4(%r13), %edx
	wrmsr
	.endm

	.globl	measure
measure:
	save
	toggle	8
	call	*%r12
	toggle	16
	restore

	.globl	measure_as_user
measure_as_user:
	save
	movq	%rsp, kernel_stack
	pushq	$0x23
	pushq	$user_stack_end
	pushq	$0x202				/* interrupts are on */
	pushq	$0x2b
	pushq	$measure_user_start
	toggle	8
	iretq
	.globl	measure_user_start
measure_user_start:
	call	*%r12
	int	$0x80
	.globl	measure_user_return
measure_user_return:
	movq	kernel_stack, %rsp
	toggle	16
	restore

	.macro	block name
	.balign	16
	.globl	block_\name
block_\name:
	.endm

	block	nothing
	ret

	block	nops
	.rept	1000
	nop
	.endr
	ret

	block	jumps
	.rept	64
	jmp	1f
1:
	.endr
	ret

	block	loop
	movl	$100, %ecx
1:	decl	%ecx
	jnz	1b
	ret

	block	spin
	movq	measure_spin_count, %rcx
	.globl	block_spin_loop
block_spin_loop:
	decq	%rcx
	jnz	block_spin_loop
	ret

	block	loop_instruction
	movl	$10, %ecx
1:	loop	1b
	ret

	block	not_taken
	xorl	%eax, %eax
	.rept	50
	testl	%eax, %eax
	jnz	1f
	.endr
1:	ret

	block	calls
	.rept	10
	call	block_nothing
	.endr
	ret

	block	indirect
	movl	$block_nothing, %eax
	movl	$1f, %edx
	call	*%rax
	jmp	*%rdx
1:	ret

	block	rep_stos
	movl	$100, %ecx
	movl	$buffer, %edi
	rep	stosb
	ret

	block	rep_movs
	movl	$64, %ecx
	movl	$buffer, %esi
	movl	$buffer + 2048, %edi
	rep	movsq
	ret

	block	rep_of_none
	xorl	%ecx, %ecx
	movl	$buffer, %edi
	rep	stosb
	ret

	block	repne_scas
	movl	$100, %ecx
	movl	$ladder, %edi
	movb	$7, %al
	repne	scasb
	ret

	block	repe_cmps
	movl	$100, %ecx
	movl	$ladder, %esi
	movl	$ladder + 1, %edi
	repe	cmpsb
	ret

	block	strings
	movl	$buffer, %edi
	.rept	10
	stosb
	.endr
	ret

	block	mmio
	movl	$0xfee00020, %edx
	.rept	10
	movl	(%rdx), %eax
	.endr
	ret

	/* MEASURE_LOADS, MEASURE_STORES, MEASURE_LOAD_STORES; an element of a repeated string instruction is one. */
	block	accesses
	movl	$buffer, %edi
	movl	$buffer + 2048, %esi
	movl	(%rdi), %eax
	addl	(%rdi), %eax
	cmpl	%eax, (%rdi)
	pushq	$1				/* a store */
	popq	%rax
	lodsb
	movl	%eax, (%rdi)
	stosl
	movl	$4, %ecx
	rep	stosb
	incl	(%rdi)
	addl	%eax, (%rdi)
	lock incl (%rdi)
	lock cmpxchgl %edx, (%rdi)
	xchgl	%eax, (%rdi)
	movsb
	movl	$5, %ecx
	rep	movsb
	lea	(%rdi), %rax
	ret

	block	serializing
	.rept	4
	xorl	%eax, %eax
	cpuid
	.endr
	ret

	block	rdtsc
	.rept	10
	rdtsc
	.endr
	ret

	block	pause
	.rept	5
	pause
	.endr
	ret

	block	fault
	.rept	10
	nop
	.endr
2:	ud2
3:	.rept	10
	nop
	.endr
	ret
	.pushsection .fixups, "a"
	.quad	2b, 3b
	.popsection

	.balign	4096
	.skip	4096 - 50
	.globl	block_two_pages
block_two_pages:
	.rept	100
	nop
	.endr
	ret

	.data
ladder:	.byte	0, 1, 2, 3, 4, 5, 6, 7, 8, 9

	.bss
	.globl	measure_spin_count
	.balign	16
measure_spin_count:
	.skip	16
kernel_stack:
	.skip	16
buffer:	.skip	4096
	.skip	4096
user_stack_end:
	.section .note.GNU-stack, "", @progbits
