/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM in a process of its own, each sample of which is known: its vCPUs go round one instruction for ever. */
#ifndef DEVICE_GUESTS_H
#define DEVICE_GUESTS_H

#include <sys/types.h>

#include "session.h"

#define GUESTS_NAME "known-vmm"

/*
 * vCPUs 0, 2, ... are at CPL 0, the others at CPL 3, each in page tables of its own and under three
 * frames. With frame pointers, one for each vCPU, these are what is in RBP instead.
 */
pid_t guests_start(unsigned int num_vcpus, const uint64_t *frame_pointers);
/* It is killed, and gone. */
void guests_stop(pid_t pid);

/* Checks a guest's sample for what it has to be: instruction, CPL, address space, chain. */
void guests_look(const struct session *s, const struct hvpmu_record_sample *sample);

#endif
