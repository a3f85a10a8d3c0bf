/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests without an operating system: each step of one is what its VMM asks for, so that every instruction that it counts is known. */
#ifndef HOSTILE_VM_H
#define HOSTILE_VM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define VM_MEMORY_SIZE 0x400000u
#define VM_BUFFER 0x20000u
/* Nothing is there: accesses are the VMM's to serve. */
#define VM_MMIO 0x40000000u
#define VM_VECTOR 0x40
/* The return addresses of guest_framed, innermost first: guest_frame3, guest_frame2, guest_frame1. */
#define VM_FRAMES 3

struct vm {
	int fd;
	int vcpu;
	unsigned int id; /* of the vCPU */
	uint8_t *memory;
	struct kvm_run *run;
	uint32_t run_size;
	uint64_t user_msrs; /* accesses that came to the VMM */
};

/* How a step ended. An instruction that comes to the VMM at its end is not counted, as the guest is taken elsewhere before. */
enum vm_end {
	VM_DONE,
	VM_GP,
	VM_NMI,
	VM_INTERRUPT,
	VM_DEBUG,
	VM_SIGNAL,
};

/* The code of a guest. */
extern const char guest_code[], guest_loop[], guest_rdmsr[], guest_wrmsr[], guest_rdpmc[],
	guest_cpuid[], guest_cr4[], guest_out[], guest_in[], guest_outs[], guest_ins[],
	guest_rep_outs[], guest_rep_ins[], guest_read[], guest_write[], guest_rep_movs[],
	guest_gp[], guest_nmi[], guest_interrupt[], guest_framed[], guest_frame1[], guest_frame2[],
	guest_frame3[], guest_spin[], guest_cpuids[], guest_halt[], guest_away_by_cpuid[],
	guest_away_by_rdmsr[], guest_away_by_out[], guest_away_by_halt[], guest_back[],
	guest_debug[], guest_sti_rdmsr[], guest_sti_wrmsr[], guest_sti_rdpmc[], guest_toggles[],
	guest_nmis[], guest_nmi_returns[], guest_end[];

/* What the guest is told of its PMU. */
enum vm_pmu {
	VM_PMU,
	VM_PMU_OFF,	 /* KVM_CAP_PMU_CAPABILITY */
	VM_PMU_TOO_MUCH, /* CPUID has one counter more than KVM offers */
	VM_PMU_ONE,	 /* CPUID has one general counter and no fixed ones; on Intel alone */
	VM_PMU_NONE,	 /* CPUID has none; on Intel alone */
};

void vm_create(struct vm *ret, enum vm_pmu pmu);
/* Another vCPU of that VM, whose memory it shares but for page tables of its own. */
void vm_add_vcpu(const struct vm *vm, unsigned int id, struct vm *ret);
/* Before the VM goes. */
void vm_remove_vcpu(struct vm *vm);
/* With one vCPU. */
void vm_destroy(struct vm *vm);

/* Runs from a place in the guest's code. The registers are the guest's afterwards. */
enum vm_end vm_step(struct vm *vm, const char *from, struct kvm_regs *regs);
/* One instruction, as a debugger of the VMM's steps. */
void vm_debug(struct vm *vm, const char *from, struct kvm_regs *regs);
/* The instruction there is one that its VMM completes: it does, and the guest is not entered again. */
void vm_complete(struct vm *vm, const char *from, struct kvm_regs *regs);
/* A handler that returns, in place of the one that ends the step. */
void vm_set_handler(struct vm *vm, unsigned int vector, const char *handler);
struct kvm_vcpu_events vm_events(struct vm *vm);
/* What is on its way to the guest. */
void vm_move_events(struct vm *from, struct vm *to);
enum vm_end vm_loop(struct vm *vm,
		    uint64_t count); /* 2 * count instructions, count of them branches */
bool vm_rdmsr(struct vm *vm, uint32_t msr, uint64_t *ret);
bool vm_wrmsr(struct vm *vm, uint32_t msr, uint64_t value);
bool vm_rdpmc(struct vm *vm, uint32_t index, uint64_t *ret);
/* Where the guest was interrupted, by what the processor put on its stack: the offset in its code. */
uint64_t vm_interrupted_at(struct vm *vm, const struct kvm_regs *regs);
uint64_t vm_offset(const char *label);
/* In the guest. */
uint64_t vm_address(const char *label);
/* Where the page tables of a vCPU are: PML4, PDPT, PD. VM_MEMORY_SIZE is mapped there, and 1 GiB at VM_MMIO. */
uint64_t vm_cr3(unsigned int id);
/* The vCPU is at CPL 3 from now on, where it can end a step with IOPL 3 alone, or with a fault or an interrupt. */
void vm_go_to_user(struct vm *vm);

/* As the VMM, by KVM_GET_MSRS and KVM_SET_MSRS. */
bool vm_get(struct vm *vm, uint32_t msr, uint64_t *ret);
bool vm_set(struct vm *vm, uint32_t msr, uint64_t value);
void vm_set_lvtpc(struct vm *vm, uint32_t value);
uint32_t vm_get_lvtpc(struct vm *vm);

#endif
