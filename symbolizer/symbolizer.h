/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a sample's address to image, symbol, source line and inlined functions.
 *
 * Two steps, because the first is needed for every sample and the second only once per distinct
 * place:
 *
 *	locate    (mode, domain, process, time, address) -> (image, address in the image) or a reason why not
 *	describe  (image, address in the image) -> symbol, lines, inlines; loads ELF and DWARF lazily
 *
 * An image is known by its build id where there is one, so all processes and all domains that run
 * one file share its tables. A guest's kernel addresses are resolved with that guest's images
 * alone; no domain ever falls back on another's or on the host's.
 */
#ifndef HVP_SYMBOLIZER_SYMBOLIZER_H
#define HVP_SYMBOLIZER_SYMBOLIZER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/cli/log.h"
#include "common/session/reader.h"

struct hvp_symbolizer;

/* A program below a guest's root folder, and where it is loaded when it is position-independent. */
struct hvp_guest_program {
	char *path;
	bool has_base;
	uint64_t base;
};

/*
 * The images of one guest, as the command line has them; hvprof-guest-images(7) describes each
 * part:
 *
 *	NAME=kallsyms:FILE,modules:FILE,vmlinux:FILE,root:DIR,kaslr:0xOFFSET,text:0xADDRESS,program:PATH[@0xBASE],maps:FILE
 */
struct hvp_guest_images {
	/* Name, UUID or VMM pid; "*" serves every guest without an entry of its own. */
	char *guest;
	/* kallsyms may also be a System.map. */
	char *kallsyms, *modules, *vmlinux, *root;
	/* Which programs ran in the guest, and copies of its /proc/PID/maps. */
	struct hvp_guest_program *programs;
	size_t num_programs;
	char **maps;
	size_t num_maps;
	/*
	 * How far the kernel is from where vmlinux (or System.map) has it; text_address is the
	 * run-time address of _text.
	 */
	bool has_kaslr_offset, has_text_address;
	int64_t kaslr_offset;
	uint64_t text_address;
};

/*
 * HVP_ERROR_USAGE names the part that is wrong and lists the parts there are. On error `ret` is
 * empty.
 */
struct hvp_error *hvp_guest_images_parse(const char *spec,
					 struct hvp_guest_images *ret) hvp_must_use;
void hvp_guest_images_deinit(struct hvp_guest_images *images);

/* How much of a C++ or Rust name is written. */
enum hvp_naming {
	/* "ns::Box<int>::get": the parameters and results of C++ left out. */
	HVP_NAMING_SHORT,
	/* "int ns::Box<int>::get(long) const" */
	HVP_NAMING_FULL,
	/* As the linker has it. */
	HVP_NAMING_MANGLED,
};

struct hvp_symbolizer_options {
	/* Host files are looked for below this directory; NULL is "/". */
	const char *symfs;
	/*
	 * The host kernel's files; NULL: from the session, then from this machine if it is the same
	 * boot.
	 */
	const char *vmlinux, *kallsyms;
	/* What tells of the running kernel: boot id, kallsyms, modules, kcore. NULL: /proc. */
	const char *proc;
	/* Borrowed while the symbolizer lives. */
	const struct hvp_guest_images *guests;
	size_t num_guests;
	/*
	 * Directories for separate debug files and kernel modules of hosts and guests, beside /usr/lib/debug:
	 * laid out like it, or like a root with it; NULL-terminated or NULL.
	 */
	const char *const *debug_dirs;
	/*
	 * Ask the servers in $DEBUGINFOD_URLS for what is not here. Off: nothing leaves the
	 * machine.
	 */
	bool use_debuginfod;
	enum hvp_naming naming;
	/* Ends a wait for a server or a long load. May be NULL. */
	const volatile sig_atomic_t *interrupted;
	/* Told before anything slow starts: what, on which file. May be NULL. */
	void (*progress)(void *arg, const char *stage, const char *path);
	void *progress_arg;
	/* May be NULL. */
	const struct hvp_log *log;
};

/* Reads the session's records; opens no image yet. Borrows the session and the options' strings. */
struct hvp_error *hvp_symbolizer_create(const struct hvp_session *session,
					const struct hvp_symbolizer_options *options,
					struct hvp_symbolizer **ret) hvp_must_use;
void hvp_symbolizer_destroy(struct hvp_symbolizer *symbolizer);
HVP_DEFINE_SCOPE(hvp_symbolizer_destroy, struct hvp_symbolizer *);

/*
 * Why an address has no image or no symbol. hvp_unresolved_text() has the words, with what to do
 * about it.
 */
enum hvp_unresolved {
	HVP_RESOLVED = 0,
	/*
	 * A guest's user space: no root folder was given, or stock Linux does not tell which
	 * process ran.
	 */
	HVP_UNRESOLVED_GUEST_USER,
	/* A guest's kernel and no kallsyms, vmlinux or System.map was given for it. */
	HVP_UNRESOLVED_GUEST_KERNEL,
	/*
	 * The images given for this guest do not fit the samples (another kernel, another KASLR
	 * offset).
	 */
	HVP_UNRESOLVED_MISMATCH,
	/* No mapping was recorded at this address and time. */
	HVP_UNRESOLVED_NO_MAPPING,
	/* Anonymous executable memory without a perf-PID.map: a JIT. */
	HVP_UNRESOLVED_JIT,
	/* The file cannot be opened here; or its build id is another. */
	HVP_UNRESOLVED_NO_FILE,
	HVP_UNRESOLVED_OTHER_BUILD_ID,
	/* The file has no symbol there. */
	HVP_UNRESOLVED_NO_SYMBOL,
	/* kptr_restrict hid the kernel's addresses from the collector. */
	HVP_UNRESOLVED_RESTRICTED,
	/* The file is there and is broken; the log has the error. */
	HVP_UNRESOLVED_BAD_FILE,
};
#define HVP_NUM_UNRESOLVED 11

/* "no images given for this guest: --guest NAME=kallsyms:FILE,..." */
const char *hvp_unresolved_text(enum hvp_unresolved why);

/*
 * One image: an ELF file, a kernel, a module, a JIT map; or a stand-in such as "[guest user]".
 * Lives as long as the symbolizer.
 */
struct hvp_image;

/* A short name for a column: "libc.so.6", "[kernel]", "[kvm_amd]", "[guest user]", "[unknown]". */
const char *hvp_image_name(const struct hvp_image *image);
/* The path as recorded, or the name. */
const char *hvp_image_path(const struct hvp_image *image);
/* Dense: 0, 1, 2 in the order in which images are first met. */
uint32_t hvp_image_index(const struct hvp_image *image);
const struct hvp_image *hvp_symbolizer_image(const struct hvp_symbolizer *symbolizer,
					     uint32_t index);

/*
 * Which image and where in it; never fails: what cannot be located lands in a stand-in image (never
 * NULL) with the raw address. `*ret_address` is the address as the image's own symbol table has it
 * (ELF virtual address; for kernels the link-time address where a vmlinux is given, otherwise the
 * run-time one). Cheap: meant for every sample. Thread-safe.
 */
struct hvp_location {
	const struct hvp_image *image;
	uint64_t address;
	enum hvp_unresolved why;
};
void hvp_symbolizer_locate(struct hvp_symbolizer *symbolizer, const struct hvp_row *row,
			   uint64_t address, bool is_kernel, struct hvp_location *ret);

/* Lives as long as the symbolizer. Two places in one function have the same pointer. */
struct hvp_symbol {
	/* Demangled unless told otherwise. Control characters are never in it. */
	const char *name;
	uint64_t address;
	/* 0 when the table does not say. */
	uint64_t size;
};

/*
 * The symbol at a located address, or NULL and *ret_why. Thread-safe; the first call for an image
 * loads its table.
 */
const struct hvp_symbol *hvp_symbolizer_symbol(struct hvp_symbolizer *symbolizer,
					       const struct hvp_location *location,
					       enum hvp_unresolved *ret_why);

/* A frame at one address: the function, or one inlined into it. */
struct hvp_line {
	/* Innermost inlined function first; the last one is the symbol itself. */
	const char *function;
	/* As DWARF has it, NULL when unknown. */
	const char *file;
	uint32_t line;
	bool is_inlined;
};

/*
 * Source positions of an address, innermost first, from DWARF of the image or its separate debug
 * file. `*ret` is borrowed until the symbolizer dies; `*ret_num` 0 and NULL error: no line
 * information (the reason is in the log).
 */
struct hvp_error *hvp_symbolizer_lines(struct hvp_symbolizer *symbolizer,
				       const struct hvp_location *location,
				       const struct hvp_line **ret, size_t *ret_num) hvp_must_use;

/*
 * The machine code of [address, address + size) of an image, as ELF virtual addresses: from the
 * file, its debug file's twin, vmlinux, or a module; else, for the host's kernel since it booted,
 * of the function that begins at `address` from its memory (*ret_is_live). Caller frees `*ret`.
 * HVP_ERROR_NOT_FOUND says which file would have it.
 */
struct hvp_error *hvp_symbolizer_code(struct hvp_symbolizer *symbolizer,
				      const struct hvp_image *image, uint64_t address, size_t size,
				      uint8_t **ret, bool *ret_is_live) hvp_must_use;

/*
 * What went wrong or was assumed, one line each, for the head of a report; grows while describing.
 */
size_t hvp_symbolizer_num_notes(const struct hvp_symbolizer *symbolizer);
const char *hvp_symbolizer_note(const struct hvp_symbolizer *symbolizer, size_t index);

#endif
