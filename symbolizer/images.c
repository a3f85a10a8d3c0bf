/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/images.h"

#include <stdlib.h>
#include <string.h>

#include "symbolizer/elf/demangle.h"
#include "symbolizer/elf/dwarf.h"
#include "symbolizer/jit_map.h"

#define PAGE_MASK ((uint64_t)4095)

void hvp_images_init(struct hvp_images *images, const struct hvp_finder *finder)
{
	*images = (struct hvp_images){.finder = finder};
	hvp_arena_init(&images->arena);
	hvp_map_init(&images->by_key);
	pthread_mutex_init(&images->lock, NULL);
}

static void image_deinit(struct hvp_image *image)
{
	hvp_dwarf_destroy(image->dwarf);
	hvp_elf_destroy(image->debug);
	hvp_elf_destroy(image->elf);
	hvp_symtab_deinit(&image->symtab);
	hvp_file_deinit(&image->text);
	pthread_mutex_destroy(&image->lock);
}

void hvp_images_deinit(struct hvp_images *images)
{
	for (uint32_t i = 0; i < atomic_load(&images->num); i++)
		image_deinit(hvp_images_at(images, i));
	for (size_t i = 0; i < HVP_MAX_IMAGE_BLOCKS && images->blocks[i]; i++)
		free(images->blocks[i]);
	hvp_map_deinit(&images->by_key);
	hvp_arena_deinit(&images->arena);
	pthread_mutex_destroy(&images->lock);
}

struct hvp_image *hvp_images_at(const struct hvp_images *images, uint32_t index)
{
	return &images->blocks[index / HVP_IMAGE_BLOCK][index % HVP_IMAGE_BLOCK];
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hvp_hash_u64(hash);
}

static uint64_t hash_of(const struct hvp_image_spec *spec)
{
	if (spec->build_id_size)
		return hash_bytes(1, spec->build_id, spec->build_id_size);
	return hash_bytes(
		hash_bytes(spec->scope + 2, spec->root, spec->root ? strlen(spec->root) : 0),
		spec->path, strlen(spec->path));
}

static bool has_key(const struct hvp_image *image, const struct hvp_image_spec *spec)
{
	if (spec->build_id_size)
		return image->build_id_size == spec->build_id_size &&
		       !memcmp(image->build_id, spec->build_id, spec->build_id_size);
	return !image->build_id_size && image->scope == spec->scope && image->kind == spec->kind &&
	       !strcmp(image->path, spec->path) &&
	       !strcmp(image->root ? image->root : "", spec->root ? spec->root : "");
}

static const char *name_of(const struct hvp_image_spec *spec)
{
	const char *slash = strrchr(spec->path, '/');

	if (spec->name)
		return spec->name;
	return slash && slash[1] ? slash + 1 : spec->path;
}

static const char *copy_text(struct hvp_arena *arena, const char *text)
{
	const char *escaped = hvp_escape_controls(text, arena);

	return escaped == text ? hvp_arena_strdup(arena, text) : escaped;
}

static struct hvp_error *add_image(struct hvp_images *images, const struct hvp_image_spec *spec,
				   struct hvp_image **ret)
{
	uint32_t index = atomic_load(&images->num);
	struct hvp_image **block = &images->blocks[index / HVP_IMAGE_BLOCK];
	struct hvp_image *image;

	if (index == HVP_IMAGE_BLOCK * HVP_MAX_IMAGE_BLOCKS)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "more than %u images", index);
	if (!*block)
		*block = calloc(HVP_IMAGE_BLOCK, sizeof(**block));
	if (!*block)
		return hvp_error_no_memory;
	image = &(*block)[index % HVP_IMAGE_BLOCK];
	image->kind = spec->kind;
	image->index = index;
	image->name = copy_text(&images->arena, name_of(spec));
	image->path = hvp_arena_strdup(&images->arena, spec->path);
	image->shown_path = copy_text(&images->arena, spec->path);
	image->root = spec->root ? hvp_arena_strdup(&images->arena, spec->root) : NULL;
	if (!image->name || !image->path || !image->shown_path || (spec->root && !image->root))
		return hvp_error_no_memory;
	if (spec->build_id_size)
		memcpy(image->build_id, spec->build_id, spec->build_id_size);
	image->build_id_size = spec->build_id_size;
	image->scope = spec->scope;
	image->why = spec->why;
	hvp_symtab_init(&image->symtab, images->finder->naming);
	pthread_mutex_init(&image->lock, NULL);
	atomic_store(&images->num, index + 1);
	*ret = image;
	return NULL;
}

static struct hvp_error *get_locked(struct hvp_images *images, const struct hvp_image_spec *spec,
				    struct hvp_image **ret)
{
	uint64_t key = hash_of(spec);
	uint64_t *place;
	bool is_new;

	for (;; key++) {
		place = hvp_map_insert(&images->by_key, key, &is_new);
		if (!place)
			return hvp_error_no_memory;
		if (is_new)
			break;
		*ret = hvp_images_at(images, (uint32_t)*place);
		if (has_key(*ret, spec))
			return NULL;
	}
	*place = atomic_load(&images->num);
	return add_image(images, spec, ret);
}

struct hvp_error *hvp_images_get(struct hvp_images *images, const struct hvp_image_spec *spec,
				 struct hvp_image **ret)
{
	struct hvp_error *err;

	pthread_mutex_lock(&images->lock);
	err = get_locked(images, spec, ret);
	pthread_mutex_unlock(&images->lock);
	return err;
}

static struct hvp_wanted wanted_of(const struct hvp_image *image)
{
	return (struct hvp_wanted){
		.root = image->root,
		.path = image->path,
		.build_id = image->build_id,
		.build_id_size = image->build_id_size,
		.pids = image->pids,
		.num_pids = image->num_pids < HVP_IMAGE_PIDS ? image->num_pids : HVP_IMAGE_PIDS,
	};
}

static void open_blob(struct hvp_images *images, struct hvp_image *image)
{
	struct hvp_file file;
	struct hvp_error *err =
		hvp_file_copy(image->path, image->blob->data, image->blob->size, &file);

	if (!err)
		err = hvp_elf_create(&file, &image->elf);
	if (err)
		image->open_why = HVP_UNRESOLVED_BAD_FILE;
	hvp_finder_log_error(images->finder, err);
}

static void open_locked(struct hvp_images *images, struct hvp_image *image)
{
	struct hvp_wanted wanted = wanted_of(image);

	if (atomic_load(&image->is_open))
		return;
	if (image->kind == HVP_IMAGE_ELF && image->blob)
		open_blob(images, image);
	else if (image->kind == HVP_IMAGE_ELF)
		image->elf = hvp_finder_open(images->finder, &wanted, &image->elf_is_debug,
					     &image->open_why);
	if (image->elf)
		image->open_why = HVP_RESOLVED;
	atomic_store(&image->is_open, true);
}

void hvp_image_open(struct hvp_images *images, struct hvp_image *image)
{
	if (atomic_load_explicit(&image->is_open, memory_order_acquire))
		return;
	pthread_mutex_lock(&image->lock);
	open_locked(images, image);
	pthread_mutex_unlock(&image->lock);
}

/* The separate debug file, once. */
static struct hvp_elf *open_debug_locked(struct hvp_images *images, struct hvp_image *image)
{
	struct hvp_wanted wanted = wanted_of(image);

	open_locked(images, image);
	if (!atomic_load(&image->has_debug) && image->elf && !image->elf_is_debug)
		image->debug = hvp_finder_open_debug(images->finder, &wanted, image->elf);
	atomic_store(&image->has_debug, true);
	return image->debug;
}

struct hvp_elf *hvp_image_debug_elf(struct hvp_images *images, struct hvp_image *image)
{
	open_locked(images, image);
	if (image->elf && hvp_elf_has_dwarf(image->elf))
		return image->elf;
	open_debug_locked(images, image);
	return image->debug && hvp_elf_has_dwarf(image->debug) ? image->debug : NULL;
}

/* .symtab of the file or of its debug file, and what only the file has. */
static struct hvp_error *fill_from_elf(struct hvp_images *images, struct hvp_image *image)
{
	bool is_found;

	hvp_try(hvp_elf_add_symtab(image->elf, &image->symtab, &is_found));
	hvp_try(hvp_elf_add_dynamic(image->elf, &image->symtab));
	if (is_found || !open_debug_locked(images, image))
		return NULL;
	return hvp_elf_add_symtab(image->debug, &image->symtab, &is_found);
}

static void load_elf_table(struct hvp_images *images, struct hvp_image *image)
{
	struct hvp_error *err;

	open_locked(images, image);
	image->table_why = image->open_why;
	if (!image->elf)
		return;
	err = fill_from_elf(images, image);
	if (!err)
		err = hvp_symtab_finish(&image->symtab);
	if (!err)
		return;
	image->symtab.num = 0;
	image->table_why = HVP_UNRESOLVED_BAD_FILE;
	hvp_notes_add(images->finder->notes, "%s", hvp_error_message(err));
	hvp_finder_log_error(images->finder, err);
}

void hvp_image_load_table(struct hvp_images *images, struct hvp_image *image)
{
	if (atomic_load_explicit(&image->has_table, memory_order_acquire))
		return;
	pthread_mutex_lock(&image->lock);
	if (!atomic_load(&image->has_table)) {
		if (image->kind == HVP_IMAGE_ELF)
			load_elf_table(images, image);
		else if (image->kind == HVP_IMAGE_JIT)
			image->table_why = hvp_jit_map_load(images->finder, image);
		else if (image->kind == HVP_IMAGE_STAND_IN)
			image->table_why = image->why;
		atomic_store(&image->has_table, true);
	}
	pthread_mutex_unlock(&image->lock);
}

/*
 * A debug file alone: objcopy --only-keep-debug rewrites file offsets, addresses stay. The one
 * executable segment as large as the recorded mapping is the one that was mapped.
 */
static bool address_by_mapping(const struct hvp_image *image, uint64_t offset, uint64_t *ret)
{
	const struct hvp_segment *found = NULL;

	for (size_t i = 0; i < image->elf->num_segments; i++) {
		const struct hvp_segment *segment = &image->elf->segments[i];
		uint64_t begin = segment->address & ~PAGE_MASK;

		if (!segment->is_exec || ((segment->address + segment->size - begin + PAGE_MASK) &
					  ~PAGE_MASK) != image->exec_size)
			continue;
		if (found)
			return false;
		found = segment;
	}
	if (!found)
		return false;
	*ret = offset - image->exec_offset + (found->address & ~PAGE_MASK);
	return true;
}

enum hvp_unresolved hvp_image_address(struct hvp_images *images, struct hvp_image *image,
				      uint64_t offset, uint64_t *ret)
{
	hvp_image_open(images, image);
	*ret = offset;
	if (image->elf && image->elf_is_debug)
		return address_by_mapping(image, offset, ret) ? HVP_RESOLVED
							      : HVP_UNRESOLVED_NO_FILE;
	if (image->elf)
		hvp_elf_offset_to_address(image->elf, offset, ret);
	return HVP_RESOLVED;
}
