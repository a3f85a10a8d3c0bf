/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program whose instructions' addresses the annotate test knows: it is linked with its code at 0x1000. */
	.text
	.globl	annotated
	.type	annotated, @function
annotated:
	movl	$1, %eax			/* 0x1000, 5 bytes */
1:	addl	$2, %eax			/* 0x1005, 3 bytes */
	cmpl	$100, %eax			/* 0x1008, 3 bytes */
	jne	1b				/* 0x100b, 2 bytes */
	call	other				/* 0x100d, 5 bytes */
	ret					/* 0x1012, 1 byte */
	.size	annotated, . - annotated

	.globl	other
	.type	other, @function
other:
	ret					/* 0x1013 */
	.size	other, . - other
	.section .note.GNU-stack, "", @progbits
