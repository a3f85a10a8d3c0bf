/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the files of an image: the ELF file that was mapped, and the separate debug file that
 * belongs to it. By build id wherever there is one, because only that cannot be another version's.
 */
#ifndef HVP_SYMBOLIZER_FINDER_H
#define HVP_SYMBOLIZER_FINDER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/cli/log.h"
#include "symbolizer/elf/debuginfod.h"
#include "symbolizer/elf/elf_image.h"
#include "symbolizer/notes.h"
#include "symbolizer/symbolizer.h"

/* How the files are looked for; borrowed from the options, shared by all images. */
struct hvp_finder {
	/* The root of the host's files; NULL is the whole machine. */
	const char *host_root;
	const char *const *debug_dirs;
	bool use_debuginfod;
	enum hvp_naming naming;
	const volatile sig_atomic_t *interrupted;
	void (*progress)(void *arg, const char *stage, const char *path);
	void *progress_arg;
	const struct hvp_log *log;
	struct hvp_notes *notes;
	struct hvp_debuginfod *debuginfod;
};

/* Which file is wanted. */
struct hvp_wanted {
	/* Below this folder; NULL is the whole machine. */
	const char *root;
	const char *path;
	const uint8_t *build_id;
	uint8_t build_id_size;
	/*
	 * Where else the path may be meant: the roots of processes that mapped the file (containers).
	 * Only a file with the build id counts there.
	 */
	const uint32_t *pids;
	size_t num_pids;
};

/* Tells the user before something slow. */
void hvp_finder_progress(const struct hvp_finder *finder, const char *stage, const char *path);
/* The machine's own files and the user's copies of them; not what a guest wrote. */
bool hvp_finder_is_trusted(const struct hvp_finder *finder, const char *root);
/* Logs and destroys an error that only costs symbols. */
void hvp_finder_log_error(const struct hvp_finder *finder, struct hvp_error *err);

/*
 * The image's file, or in its absence a debug file with its build id (then *ret_is_debug). NULL and
 * a reason when there is none that fits: HVP_UNRESOLVED_NO_FILE, _OTHER_BUILD_ID or _BAD_FILE.
 */
struct hvp_elf *hvp_finder_open(const struct hvp_finder *finder, const struct hvp_wanted *wanted,
				bool *ret_is_debug, enum hvp_unresolved *ret_why);

/* The separate debug file of an ELF, or NULL. `wanted` says where the ELF is from. */
struct hvp_elf *hvp_finder_open_debug(const struct hvp_finder *finder,
				      const struct hvp_wanted *wanted, const struct hvp_elf *elf);

/* The debug file with the wanted build id, wherever such files are kept; NULL without one. */
struct hvp_elf *hvp_finder_open_by_build_id(const struct hvp_finder *finder,
					    const struct hvp_wanted *wanted);

/* A kernel module's file, which may be packed with xz; NULL when it cannot be read. */
struct hvp_elf *hvp_finder_open_module(const struct hvp_finder *finder, const char *root,
				       const char *path);

/* The file that .gnu_debugaltlink of a debug file names (dwz), or NULL. */
struct hvp_elf *hvp_finder_open_alternate(const struct hvp_finder *finder,
					  const struct hvp_wanted *wanted,
					  const struct hvp_elf *debug);

#endif
