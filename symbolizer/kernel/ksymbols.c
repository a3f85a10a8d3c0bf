/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/ksymbols.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

/* How often one place is used anew before programs there lose their names. */
#define MAX_LAYERS 64u

struct program {
	uint64_t begin, size;
	const char *name;
	/* NULL: no layer was left. */
	struct hvp_image *image;
};

struct programs {
	struct program *items;
	size_t num, capacity;
};

static void programs_deinit(struct programs *programs)
{
	free(programs->items);
}

void hvp_ksymbols_init(struct hvp_ksymbols *ksymbols)
{
	*ksymbols = (struct hvp_ksymbols){0};
	hvp_spaces_init(&ksymbols->space);
}

void hvp_ksymbols_deinit(struct hvp_ksymbols *ksymbols)
{
	hvp_spaces_deinit(&ksymbols->space);
}

static int compare_programs(const void *a, const void *b)
{
	const struct program *left = a, *right = b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	if (left->size != right->size)
		return left->size < right->size ? -1 : 1;
	return strcmp(left->name, right->name);
}

static struct hvp_error *gather(const struct hvp_session *session, struct programs *programs)
{
	size_t kept = 0;

	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_KSYMBOL || record->ksymbol.is_gone ||
		    !record->ksymbol.size)
			continue;
		hvp_try(hvp_array_reserve(&programs->items, &programs->capacity, programs->num + 1,
					  sizeof(*programs->items)));
		programs->items[programs->num++] = (struct program){
			.begin = record->ksymbol.address,
			.size = record->ksymbol.size,
			.name = record->ksymbol.name,
		};
	}
	if (programs->num)
		qsort(programs->items, programs->num, sizeof(*programs->items), compare_programs);
	for (size_t i = 0; i < programs->num; i++) {
		if (!kept || compare_programs(&programs->items[kept - 1], &programs->items[i]))
			programs->items[kept++] = programs->items[i];
	}
	programs->num = kept;
	return NULL;
}

static struct hvp_error *layer_image(struct hvp_images *images, const char *name, size_t layer,
				     struct hvp_image **ret)
{
	const struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_KERNEL,
		.path = strncmp(name, "bpf_", 4) != 0 ? "[trampoline]" : "[bpf]",
		/* Apart from the pseudo modules of kallsyms, whose scope is a domain's number. */
		.scope = ((uint64_t)1 << 32) + layer,
	};

	return hvp_images_get(images, &spec, ret);
}

/* In order of address: each goes into the first layer that ends before it begins. */
static struct hvp_error *spread(struct programs *programs, struct hvp_images *images)
{
	uint64_t ends[MAX_LAYERS] = {0};

	for (size_t i = 0; i < programs->num; i++) {
		struct program *program = &programs->items[i];
		size_t layer = 0;

		while (layer < MAX_LAYERS && ends[layer] > program->begin)
			layer++;
		if (layer == MAX_LAYERS || program->size > UINT64_MAX - program->begin)
			continue;
		ends[layer] = program->begin + program->size;
		hvp_try(layer_image(images, program->name, layer, &program->image));
		hvp_try(hvp_symtab_add(&program->image->symtab, program->name, program->begin,
				       program->size, ends[layer], HVP_BINDING_GLOBAL));
	}
	return NULL;
}

static struct hvp_error *finish_tables(const struct programs *programs)
{
	for (size_t i = 0; i < programs->num; i++) {
		struct hvp_image *image = programs->items[i].image;

		if (!image || atomic_load(&image->has_table))
			continue;
		hvp_try(hvp_symtab_finish(&image->symtab));
		atomic_store(&image->is_open, true);
		atomic_store(&image->has_table, true);
	}
	return NULL;
}

static struct hvp_error *replay(struct hvp_ksymbols *ksymbols, const struct hvp_record *record,
				const struct programs *programs)
{
	const struct program key = {
		.begin = record->ksymbol.address,
		.size = record->ksymbol.size,
		.name = record->ksymbol.name,
	};
	const struct program *program;
	struct hvp_mapping mapping = {
		.begin = key.begin, .size = key.size, .file_offset = key.begin};

	if (record->ksymbol.is_gone)
		return hvp_spaces_unmap(&ksymbols->space, HVP_PID_KERNEL, record->time, key.begin,
					key.size);
	program = bsearch(&key, programs->items, programs->num, sizeof(key), compare_programs);
	if (!program || !program->image)
		return NULL;
	mapping.image = program->image;
	return hvp_spaces_map(&ksymbols->space, HVP_PID_KERNEL, record->time, &mapping);
}

struct hvp_error *hvp_ksymbols_read(struct hvp_ksymbols *ksymbols,
				    const struct hvp_session *session, struct hvp_images *images)
{
	hvp_scope(programs_deinit) struct programs programs = {0};

	hvp_try(gather(session, &programs));
	ksymbols->has_any = programs.num > 0;
	if (!programs.num)
		return NULL;
	hvp_try(spread(&programs, images));
	hvp_try(finish_tables(&programs));
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type == HVP_RECORD_KSYMBOL)
			hvp_try(replay(ksymbols, record, &programs));
	}
	return hvp_spaces_freeze(&ksymbols->space);
}

struct hvp_image *hvp_ksymbols_find(const struct hvp_ksymbols *ksymbols, uint64_t time,
				    uint64_t address)
{
	const struct hvp_piece *piece;

	if (!ksymbols->has_any)
		return NULL;
	piece = hvp_spaces_find(&ksymbols->space, HVP_PID_KERNEL, time, address);
	return piece ? piece->image : NULL;
}
