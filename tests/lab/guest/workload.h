/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workload - the frame of a guest's workload program.
 *
 * Every guest of the lab runs one program that alternates between a known hot function of its own
 * (user space) and a system call that spends its time in a known function of the guest's kernel.
 * Both halves get time slices of the same length, so the shares of user space and kernel stay
 * steady however fast the machine is.
 */
#ifndef LAB_WORKLOAD_H
#define LAB_WORKLOAD_H

struct workload {
	const char *name;
	/* called once in each thread before the first step; may be NULL */
	void (*init)(void);
	/* one short piece of work (well under a millisecond) in user space ... */
	void (*user_step)(void);
	/* ... and one in the kernel */
	void (*kernel_step)(void);
};

/* Each program defines exactly one. */
extern const struct workload workload;

/* Prints the message with errno's text and ends the program. */
_Noreturn void workload_die(const char *what);

/* Keeps the result of a computation alive without storing it. */
static inline void workload_consume(unsigned long value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

#endif
