/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry by the PVH boot protocol, the way to 64-bit mode, and the tables that the processor reads.
 * All memory below 4 GiB is mapped one to one, for every ring.
 */
#define XEN_ELFNOTE_PHYS32_ENTRY 18

	.section .note.pvh, "a", @note
	.long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad start

	.text
	.code32
	.globl start
start:
	movl	%ebx, %edi			/* struct hvm_start_info */
	movl	$start64, %ebx
	jmp	enter64

	/* The second processor comes here, with other segments. */
	.globl	second_start
second_start:
	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	$second_start64, %ebx

enter64:
	movl	$second_stack_end, %esp		/* for the far return; nobody else has it yet */
	movl	%cr4, %eax
	orl	$1 << 5, %eax			/* PAE */
	movl	%eax, %cr4
	movl	$level4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	orl	$1 << 8, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$1 << 31 | 1 << 16 | 1 << 5 | 1, %eax /* PG, WP, NE, PE */
	movl	%eax, %cr0
	lgdt	gdt_pointer
	pushl	$0x08
	pushl	%ebx
	lret

	.code64
second_start64:
	xorl	%eax, %eax
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movq	$second_stack_end, %rsp
	call	smp_second_main
1:	hlt
	jmp	1b

start64:
	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	xorl	%eax, %eax
	movw	%ax, %fs
	movw	%ax, %gs
	movq	$stack_end, %rsp
	movq	$tss, %rax			/* the TSS's base into its descriptor */
	movw	%ax, gdt_tss + 2
	shrq	$16, %rax
	movb	%al, gdt_tss + 4
	movb	%ah, gdt_tss + 7
	movw	$0x30, %ax
	ltr	%ax
	movl	%edi, %edi
	call	image_main
1:	hlt
	jmp	1b

	.data
	.balign	16
	.globl gdt
gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* 08: code, ring 0 */
	.quad	0x00cf93000000ffff		/* 10: data, ring 0 */
	.quad	0x00cf9b000000ffff		/* 18: code of 32 bits, on the way to 64 */
	.quad	0x00cff3000000ffff		/* 20: data, ring 3 */
	.quad	0x00affb000000ffff		/* 28: code, ring 3 */
gdt_tss:
	.quad	0x0000890000000067		/* 30: TSS */
	.quad	0
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt

	.balign	16
	.globl tss
tss:
	.long	0
	.quad	trap_stack_end			/* RSP0 */
	.fill	92, 1, 0

	/* Copied below 1 MiB: the second processor begins there, in real mode, at IP 0. */
	.code16
	.globl	smp_trampoline, smp_trampoline_end
smp_trampoline:
	cli
	lgdtl	%cs:second_gdt - smp_trampoline
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$0x18, $second_start
second_gdt:
	.word	gdt_end - gdt - 1
	.long	gdt
smp_trampoline_end:
	.code64

	.balign	4096
	.globl level4
level4:
	.quad	level3 + 7
	.fill	511, 8, 0
level3:
	.quad	0x00000087, 0x40000087, 0x80000087, 0xc0000087
	.fill	508, 8, 0

	.bss
	.balign	16
	.skip	16384
stack_end:
	.skip	16384
trap_stack_end:
	.skip	16384
second_stack_end:
	.section .note.GNU-stack, "", @progbits
