/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of images. One that has a build id is one image for all processes and domains; others
 * are known by root and path. What needs the file (program headers, symbols, DWARF) is loaded when
 * first asked for, under the image's lock, and only read from then on.
 */
#ifndef HVP_SYMBOLIZER_IMAGES_H
#define HVP_SYMBOLIZER_IMAGES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/map.h"
#include "common/model/record.h"
#include "symbolizer/elf/finder.h"
#include "symbolizer/symbolizer.h"
#include "symbolizer/elf/symtab.h"

struct hvp_dwarf;
struct hvp_kernel;

enum hvp_image_kind {
	/* "[unknown]" and the like: no symbols, only a reason. */
	HVP_IMAGE_STAND_IN,
	/* A file, or the vDSO's copy. */
	HVP_IMAGE_ELF,
	/*
	 * Symbols from kallsyms: the core, a module, BPF programs. The table is there from the
	 * beginning.
	 */
	HVP_IMAGE_KERNEL,
	/* perf-PID.map. */
	HVP_IMAGE_JIT,
};

#define HVP_IMAGE_PIDS 4u

struct hvp_image {
	enum hvp_image_kind kind;
	uint32_t index;
	const char *name, *path;
	/* The path without control characters. */
	const char *shown_path;
	/* The file is looked for below it; NULL is the whole machine. */
	const char *root;
	uint8_t build_id[HVP_BUILD_ID_MAX];
	uint8_t build_id_size;
	uint64_t scope;
	/* Of stand-ins. */
	enum hvp_unresolved why;
	/*
	 * The first executable mapping of it, to place a debug file whose own file offsets mean
	 * nothing.
	 */
	uint64_t exec_offset, exec_size;
	/* Contents instead of a file, borrowed: vDSO, JIT map. May be NULL. */
	const struct hvp_record_blob *blob;
	/* The kernel that a HVP_IMAGE_KERNEL is part of; borrowed. */
	struct hvp_kernel *kernel;
	/*
	 * Of an image with a build id, on the machine itself: some of the processes that mapped it last;
	 * one may see the file where we do not.
	 */
	uint32_t pids[HVP_IMAGE_PIDS];
	size_t num_pids;
	atomic_bool is_located;

	pthread_mutex_t lock;
	/* From here on written under the lock, and read without it once the flag says so. */
	atomic_bool is_open, has_table, has_debug;
	struct hvp_elf *elf;
	bool elf_is_debug;
	enum hvp_unresolved open_why;
	struct hvp_elf *debug;
	/* The text that a JIT map's names are in. */
	struct hvp_file text;
	struct hvp_symtab symtab;
	enum hvp_unresolved table_why;
	bool has_looked_for_dwarf;
	struct hvp_dwarf *dwarf;
};

#define HVP_IMAGE_BLOCK 256u
#define HVP_MAX_IMAGE_BLOCKS 4096u

struct hvp_images {
	const struct hvp_finder *finder;
	struct hvp_arena arena;
	/* Hash of the key -> index; equal hashes take the next free key up. */
	struct hvp_map by_key;
	/* Blocks never move, so that readers need no lock. */
	struct hvp_image *blocks[HVP_MAX_IMAGE_BLOCKS];
	atomic_uint num;
	pthread_mutex_t lock;
};

void hvp_images_init(struct hvp_images *images, const struct hvp_finder *finder);
void hvp_images_deinit(struct hvp_images *images);

/* What an image is; strings are copied. */
struct hvp_image_spec {
	enum hvp_image_kind kind;
	/* NULL: the last part of the path. */
	const char *name;
	const char *path;
	const char *root;
	const uint8_t *build_id;
	uint8_t build_id_size;
	enum hvp_unresolved why;
	/*
	 * Tells apart what has equal paths (a JIT map per process, the kernels of domains); 0
	 * otherwise.
	 */
	uint64_t scope;
};

/* The image of that build id, or of that root, path and scope; made when it is new. Thread-safe. */
struct hvp_error *hvp_images_get(struct hvp_images *images, const struct hvp_image_spec *spec,
				 struct hvp_image **ret) hvp_must_use;
/* The index must exist. */
struct hvp_image *hvp_images_at(const struct hvp_images *images, uint32_t index);

/* Opens the file, once. What went wrong is in open_why; elf is then NULL. */
void hvp_image_open(struct hvp_images *images, struct hvp_image *image);
/* Loads the symbol table, once; table_why says what went wrong. */
void hvp_image_load_table(struct hvp_images *images, struct hvp_image *image);
/*
 * The ELF that has line information: the file itself or its debug file; NULL without. The image's
 * lock is held.
 */
struct hvp_elf *hvp_image_debug_elf(struct hvp_images *images, struct hvp_image *image);
/*
 * The address in the image of a byte of its file. Without the file *ret is the offset itself:
 * places stay distinct, and the reason comes with the symbol. Another reason: there is only a debug
 * file, and it cannot be placed.
 */
enum hvp_unresolved hvp_image_address(struct hvp_images *images, struct hvp_image *image,
				      uint64_t offset, uint64_t *ret);

#endif
