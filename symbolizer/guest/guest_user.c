/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/guest/guest_user.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/guest/guest_programs.h"

#define MAX_MAPS ((size_t)16 << 20)

/* Where an executable part of a file is in some process of the guest. */
struct place {
	uint64_t begin, end;
	/* What to add to an address: gives the offset in the file, or the ELF's own address. */
	uint64_t bias;
	bool bias_gives_offset;
	struct hvp_image *image;
	/* Largest `end` of this and all before it. */
	uint64_t max_end;
};

struct hvp_guest_user {
	const struct hvp_guest_images *given;
	const char *root, *label;
	struct hvp_images *images;
	pthread_mutex_t lock;
	atomic_bool is_loaded;
	struct place *places;
	size_t num, capacity;
	/* Only the root was given: say which programs were assumed. */
	bool is_by_root;
	atomic_bool has_said_ambiguous;
};

struct hvp_error *hvp_guest_user_create(const struct hvp_guest_images *given, const char *root,
					const char *label, struct hvp_images *images,
					struct hvp_guest_user **ret)
{
	struct hvp_guest_user *user = calloc(1, sizeof(*user));

	if (!user)
		return hvp_error_no_memory;
	user->given = given;
	user->root = root;
	user->label = label;
	user->images = images;
	pthread_mutex_init(&user->lock, NULL);
	*ret = user;
	return NULL;
}

void hvp_guest_user_destroy(struct hvp_guest_user *user)
{
	if (!user)
		return;
	free(user->places);
	pthread_mutex_destroy(&user->lock);
	free(user);
}

static struct hvp_error *add_place(struct hvp_guest_user *user, const struct place *place)
{
	if (place->begin >= place->end)
		return NULL;
	hvp_try(hvp_array_reserve(&user->places, &user->capacity, user->num + 1,
				  sizeof(*user->places)));
	user->places[user->num++] = *place;
	return NULL;
}

static struct hvp_error *get_image(struct hvp_guest_user *user, const char *path,
				   struct hvp_image **ret)
{
	const struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_ELF, .path = path, .root = user->root};

	return hvp_images_get(user->images, &spec, ret);
}

/* "55d0c8e00000-55d0c8e21000 r-xp 00002000 fe:00 332383   /usr/bin/prog" (proc(5)). */
static bool parse_maps_line(const char *line, struct place *ret, const char **ret_path)
{
	int path_at = 0;
	uint64_t offset;
	char access[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %*u %n", &ret->begin,
		   &ret->end, access, &offset, &path_at) < 4 ||
	    !path_at)
		return false;
	*ret_path = line + path_at;
	ret->bias = offset - ret->begin;
	ret->bias_gives_offset = true;
	return access[2] == 'x';
}

static struct hvp_error *read_maps(struct hvp_guest_user *user, char *text)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));) {
		struct place place = {0};
		const char *path;

		if (!parse_maps_line(line, &place, &path) || *path != '/')
			continue;
		hvp_try(get_image(user, path, &place.image));
		hvp_try(add_place(user, &place));
	}
	return NULL;
}

static struct hvp_error *load_maps(struct hvp_guest_user *user, const char *path)
{
	size_t before = user->num;
	struct hvp_file file;
	struct hvp_error *err;

	hvp_try(hvp_file_read_below(NULL, path, MAX_MAPS, &file));
	err = read_maps(user, (char *)file.data);
	hvp_file_deinit(&file);
	if (!err && user->num == before)
		err = hvp_error_create(HVP_ERROR_FORMAT,
				       "%s has no executable mapping of a file; give a copy of the "
				       "guest's /proc/PID/maps",
				       path);
	return err;
}

/* The executable segments of a program, at its own addresses plus `base`. */
static struct hvp_error *add_segments(struct hvp_guest_user *user, struct hvp_image *image,
				      uint64_t base)
{
	for (size_t i = 0; i < image->elf->num_segments; i++) {
		const struct hvp_segment *segment = &image->elf->segments[i];
		const struct place place = {
			.begin = segment->address + base,
			.end = segment->address + base + segment->size,
			.bias = -base,
			.image = image,
		};

		if (segment->is_exec)
			hvp_try(add_place(user, &place));
	}
	return NULL;
}

static struct hvp_error *load_program(struct hvp_guest_user *user,
				      const struct hvp_guest_program *program)
{
	struct hvp_image *image;

	hvp_try(get_image(user, program->path, &image));
	hvp_image_open(user->images, image);
	if (!image->elf)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "program:%s in %s: %s", program->path,
					user->root, hvp_unresolved_text(image->open_why));
	if (image->elf->header.e_type != ET_EXEC && !program->has_base)
		return hvp_error_create(
			HVP_ERROR_USAGE,
			"program:%s is position-independent: add @0xBASE, or give a "
			"copy of its /proc/PID/maps as maps:FILE",
			program->path);
	return add_segments(user, image, program->has_base ? program->base : 0);
}

static struct hvp_error *add_found_program(void *arg, const char *path)
{
	struct hvp_guest_user *user = arg;
	struct hvp_image *image;

	hvp_try(get_image(user, path, &image));
	hvp_image_open(user->images, image);
	return image->elf ? add_segments(user, image, 0) : NULL;
}

static void note_error(struct hvp_guest_user *user, struct hvp_error *err)
{
	if (!err)
		return;
	hvp_notes_add(user->images->finder->notes, "programs of guest %s: %s", user->label,
		      hvp_error_message(err));
	hvp_error_destroy(err);
}

static void load_by_root(struct hvp_guest_user *user)
{
	bool is_cut_short = false;

	user->is_by_root = true;
	hvp_finder_progress(user->images->finder, "looking for programs in", user->root);
	note_error(user, hvp_guest_programs_walk(user->root, user->images->finder->interrupted,
						 add_found_program, user, &is_cut_short));
	if (is_cut_short)
		hvp_notes_add(user->images->finder->notes,
			      "programs of guest %s: %s was not searched to its end; give "
			      "program:PATH",
			      user->label, user->root);
}

static int by_begin(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return left->begin < right->begin ? -1 : left->begin > right->begin;
}

static void load(struct hvp_guest_user *user)
{
	const struct hvp_guest_images *given = user->given;
	uint64_t max_end = 0;

	for (size_t i = 0; given && i < given->num_maps; i++)
		note_error(user, load_maps(user, given->maps[i]));
	for (size_t i = 0; given && i < given->num_programs; i++)
		note_error(user, load_program(user, &given->programs[i]));
	if (!given || (!given->num_maps && !given->num_programs))
		load_by_root(user);
	if (user->num)
		qsort(user->places, user->num, sizeof(*user->places), by_begin);
	for (size_t i = 0; i < user->num; i++) {
		max_end = user->places[i].end > max_end ? user->places[i].end : max_end;
		user->places[i].max_end = max_end;
	}
}

static void load_once(struct hvp_guest_user *user)
{
	pthread_mutex_lock(&user->lock);
	if (!atomic_load(&user->is_loaded)) {
		load(user);
		atomic_store(&user->is_loaded, true);
	}
	pthread_mutex_unlock(&user->lock);
}

static uint64_t address_in(struct hvp_guest_user *user, const struct place *place, uint64_t address)
{
	uint64_t ret = address + place->bias;

	if (place->bias_gives_offset)
		(void)hvp_image_address(user->images, place->image, address + place->bias, &ret);
	return ret;
}

/* The first resolution through a program says what it stands on. */
static void note_assumption(struct hvp_guest_user *user, const struct place *place)
{
	if (user->is_by_root &&
	    !atomic_load_explicit(&place->image->is_located, memory_order_relaxed))
		hvp_notes_add(
			user->images->finder->notes,
			"user addresses of guest %s: resolved with %s, the only program at a fixed "
			"address in %s that covers them",
			user->label, place->image->path, user->root);
}

static void note_ambiguity(struct hvp_guest_user *user, const struct place *one,
			   const struct place *other)
{
	hvp_notes_add(user->images->finder->notes,
		      "user addresses of guest %s: %s and %s cover the same addresses, so none was "
		      "taken; give program:PATH or maps:FILE",
		      user->label, one->image->path, other->image->path);
}

struct hvp_image *hvp_guest_user_find(struct hvp_guest_user *user, uint64_t address,
				      uint64_t *ret_address)
{
	const struct place *found = NULL;
	size_t low = 0, high;

	if (!atomic_load_explicit(&user->is_loaded, memory_order_acquire))
		load_once(user);
	for (high = user->num; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (user->places[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low > 0 && user->places[low - 1].max_end > address; low--) {
		const struct place *place = &user->places[low - 1];

		if (address >= place->end)
			continue;
		if (found &&
		    (found->image != place->image ||
		     address_in(user, found, address) != address_in(user, place, address))) {
			if (!atomic_load_explicit(&user->has_said_ambiguous,
						  memory_order_relaxed) &&
			    !atomic_exchange(&user->has_said_ambiguous, true))
				note_ambiguity(user, found, place);
			return NULL;
		}
		found = place;
	}
	if (!found)
		return NULL;
	note_assumption(user, found);
	*ret_address = address_in(user, found, address);
	return found->image;
}
