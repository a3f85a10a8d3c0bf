/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hash - work for a hash function of the kernel, through AF_ALG; each thread has its own socket. */
#ifndef LAB_HASH_H
#define LAB_HASH_H

/* Opens the calling thread's socket for a hash as /proc/crypto names it; ends the program if it
 * cannot. */
void hash_open(const char *algorithm);

/* Hashes one buffer of 4 KiB. */
void hash_step(void);

#endif
