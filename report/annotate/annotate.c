/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/annotate/annotate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "report/annotate/function_name.h"

/* A symbol without a size is taken to reach this far behind its last sample. */
#define UNSIZED_TAIL 16u
/* No function is larger; what is larger is a table that lies. */
#define MAX_FUNCTION_SIZE (4u << 20)

/* Calls `visit` for all places of the selection. */
static struct hvp_error *for_each_place(struct hvp_profile *profile, struct hvp_filter *filter,
					struct hvp_error *(*visit)(void *arg,
								   const struct hvp_place *place,
								   const struct hvp_spot *spot),
					void *arg)
{
	for (size_t i = 0; i < profile->scan.places.num; i++) {
		struct hvp_spot spot;
		bool is_wanted = true;

		hvp_try(hvp_profile_resolve(profile, i, &spot));
		if (filter)
			hvp_try(hvp_filter_match(filter, profile, &spot, &is_wanted));
		if (is_wanted)
			hvp_try(visit(arg, &profile->scan.places.places[i], &spot));
	}
	return NULL;
}

struct search {
	struct hvp_hot_functions *functions;
	const struct hvp_profile *profile;
	const char *name, *image;
	/* Symbol -> index + 1. */
	struct hvp_map by_symbol;
};

static bool is_image(const struct hvp_image *image, const char *name)
{
	return !strcmp(hvp_image_name(image), name) || !strcmp(hvp_image_path(image), name);
}

static struct hvp_error *count_function(void *arg, const struct hvp_place *place,
					const struct hvp_spot *spot)
{
	struct search *search = arg;
	struct hvp_hot_functions *functions = search->functions;
	const struct hvp_described *described = &search->profile->described[spot->described];
	uint64_t *index;
	bool is_new;

	functions->total += place->samples;
	if (described->why == HVP_UNRESOLVED_OTHER_BUILD_ID)
		functions->wrong_build += place->samples;
	if (!described->symbol ||
	    (search->name && !hvp_function_is_called(described->symbol->name, search->name)))
		return NULL;
	if (search->image &&
	    !is_image(hvp_symbolizer_image(search->profile->symbolizer, described->image),
		      search->image))
		return NULL;
	index = hvp_map_insert(&search->by_symbol, (uintptr_t)described->symbol, &is_new);
	if (!index)
		return hvp_error_no_memory;
	if (is_new) {
		hvp_try(hvp_array_reserve(&functions->items, &functions->capacity,
					  functions->num + 1, sizeof(*functions->items)));
		*index = functions->num++;
		functions->items[*index] = (struct hvp_hot_function){.image = described->image,
								     .symbol = described->symbol};
	}
	functions->items[*index].samples += place->samples;
	functions->items[*index].period += place->period;
	return NULL;
}

static int compare_functions(const void *left_arg, const void *right_arg)
{
	const struct hvp_hot_function *left = left_arg, *right = right_arg;

	if (left->samples != right->samples)
		return left->samples > right->samples ? -1 : 1;
	if (left->image != right->image)
		return left->image < right->image ? -1 : 1;
	return left->symbol->address < right->symbol->address
		       ? -1
		       : left->symbol->address > right->symbol->address;
}

static void search_deinit(struct search *search)
{
	hvp_map_deinit(&search->by_symbol);
}

struct hvp_error *hvp_hot_functions_init(struct hvp_hot_functions *ret, struct hvp_profile *profile,
					 struct hvp_filter *filter, const char *name,
					 const char *image)
{
	hvp_scope(search_deinit) struct search search = {
		.functions = ret, .profile = profile, .name = name, .image = image};

	*ret = (struct hvp_hot_functions){0};
	hvp_map_init(&search.by_symbol);
	hvp_try(for_each_place(profile, filter, count_function, &search));
	if (ret->num)
		qsort(ret->items, ret->num, sizeof(*ret->items), compare_functions);
	return NULL;
}

void hvp_hot_functions_deinit(struct hvp_hot_functions *functions)
{
	free(functions->items);
	*functions = (struct hvp_hot_functions){0};
}

/* The samples of one function: address -> index in `hits`. */
struct hits {
	const struct hvp_profile *profile;
	const struct hvp_symbol *symbol;
	struct hit {
		uint64_t address, samples, period;
	} * items;
	size_t num, capacity;
	struct hvp_map by_address;
	/* Who ran the function: one of its samples, without an address. */
	struct hvp_row row;
};

static void hits_deinit(struct hits *hits)
{
	free(hits->items);
	hvp_map_deinit(&hits->by_address);
}

static struct hvp_error *count_hit(void *arg, const struct hvp_place *place,
				   const struct hvp_spot *spot)
{
	struct hits *hits = arg;
	const struct hvp_described *described = &hits->profile->described[spot->described];
	uint64_t *index;
	bool is_new;

	if (described->symbol != hits->symbol)
		return NULL;
	hits->row = (struct hvp_row){.time = place->time,
				     .pid = place->pid,
				     .tid = place->tid,
				     .domain = place->key.domain,
				     .mode = place->key.mode};
	index = hvp_map_insert(&hits->by_address, described->address, &is_new);
	if (!index)
		return hvp_error_no_memory;
	if (is_new) {
		hvp_try(hvp_array_reserve(&hits->items, &hits->capacity, hits->num + 1,
					  sizeof(*hits->items)));
		*index = hits->num++;
		hits->items[*index] = (struct hit){.address = described->address};
	}
	hits->items[*index].samples += place->samples;
	hits->items[*index].period += place->period;
	return NULL;
}

static uint64_t size_of_function(const struct hvp_symbol *symbol, const struct hits *hits)
{
	uint64_t last = symbol->address;

	if (symbol->size)
		return symbol->size;
	for (size_t i = 0; i < hits->num; i++) {
		if (hits->items[i].address > last)
			last = hits->items[i].address;
	}
	return last - symbol->address + UNSIZED_TAIL;
}

/* The instruction that covers an address; NULL behind the end. */
static struct hvp_annotated_instruction *find_instruction(const struct hvp_annotation *annotation,
							  uint64_t address)
{
	size_t low = 0, high = annotation->num_instructions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (annotation->instructions[middle].code->address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	if (address >= annotation->instructions[low - 1].code->address +
			       annotation->instructions[low - 1].code->size)
		return NULL;
	return &annotation->instructions[low - 1];
}

static void place_hits(struct hvp_annotation *annotation, const struct hits *hits)
{
	for (size_t i = 0; i < hits->num; i++) {
		const struct hit *hit = &hits->items[i];
		struct hvp_annotated_instruction *instruction =
			find_instruction(annotation, hit->address);

		if (!instruction) {
			annotation->outside += hit->samples;
			continue;
		}
		if (instruction->code->address != hit->address)
			annotation->misplaced += hit->samples;
		instruction->samples += hit->samples;
		instruction->period += hit->period;
	}
}

/* The symbol at a target: of the image itself, or of the kernel that a module calls. */
static const struct hvp_symbol *find_target(const struct hvp_annotation *annotation,
					    struct hvp_profile *profile, const struct hvp_row *row,
					    uint64_t target, uint64_t *ret_offset)
{
	struct hvp_location location = {.image = annotation->image, .address = target};
	enum hvp_unresolved why;
	const struct hvp_symbol *symbol =
		hvp_symbolizer_symbol(profile->symbolizer, &location, &why);

	if (!symbol && hvp_mode_is_kernel(row->mode)) {
		hvp_symbolizer_locate(profile->symbolizer, row, target, true, &location);
		if (!location.why)
			symbol = hvp_symbolizer_symbol(profile->symbolizer, &location, &why);
	}
	if (symbol)
		*ret_offset = location.address - symbol->address;
	return symbol;
}

/* What jumps and calls go to: an instruction here, or a symbol. Numbers the labels in the order of the code. */
static void resolve_targets(struct hvp_annotation *annotation, struct hvp_profile *profile,
			    const struct hvp_row *row)
{
	uint32_t num_labels = 0;

	for (size_t i = 0; i < annotation->num_instructions; i++) {
		struct hvp_annotated_instruction *from = &annotation->instructions[i], *to;

		from->target = UINT32_MAX;
		if (!from->code->has_target)
			continue;
		to = find_instruction(annotation, from->code->target);
		if (to && to->code->address == from->code->target) {
			from->target = (uint32_t)(to - annotation->instructions);
			to->label = UINT32_MAX;
			continue;
		}
		from->target_symbol = find_target(annotation, profile, row, from->code->target,
						  &from->target_offset);
	}
	for (size_t i = 0; i < annotation->num_instructions; i++) {
		if (annotation->instructions[i].label)
			annotation->instructions[i].label = ++num_labels;
	}
}

/* The index of a line, which is made when it is new. */
static struct hvp_error *line_index(struct hvp_annotation *annotation,
				    const struct hvp_annotated_line *line, uint32_t *ret)
{
	/* Code goes back and forth between few lines: the newest are met again first. */
	for (size_t i = annotation->num_lines; i-- > 0;) {
		const struct hvp_annotated_line *other = &annotation->lines[i];

		if (other->line == line->line && other->file == line->file &&
		    other->inlined == line->inlined) {
			*ret = (uint32_t)i;
			return NULL;
		}
	}
	hvp_try(hvp_array_reserve(&annotation->lines, &annotation->capacity_lines,
				  annotation->num_lines + 1, sizeof(*annotation->lines)));
	*ret = (uint32_t)annotation->num_lines;
	annotation->lines[annotation->num_lines++] = *line;
	return NULL;
}

/* Equal strings of different compile units as one pointer, so that lines compare fast. */
static const char *unify(struct hvp_profile *profile, const char *text, struct hvp_error **err)
{
	uint32_t number = 0;

	if (!text || *err)
		return NULL;
	*err = hvp_strpool_intern(&profile->strings, text, &number);
	return *err ? NULL : hvp_strpool_text(&profile->strings, number);
}

static struct hvp_error *find_lines(struct hvp_annotation *annotation, struct hvp_profile *profile)
{
	for (size_t i = 0; i < annotation->num_instructions; i++) {
		struct hvp_annotated_instruction *instruction = &annotation->instructions[i];
		struct hvp_location location = {.image = annotation->image,
						.address = instruction->code->address};
		struct hvp_annotated_line line = {0};
		const struct hvp_line *lines = NULL;
		struct hvp_error *err = NULL;
		size_t num = 0;

		hvp_try(hvp_symbolizer_lines(profile->symbolizer, &location, &lines, &num));
		if (num) {
			line.file = unify(profile, lines[0].file, &err);
			line.line = lines[0].line;
			line.inlined = unify(profile,
					     lines[0].is_inlined ? lines[0].function : NULL, &err);
			annotation->has_lines = annotation->has_lines || line.file;
		}
		hvp_try(err);
		hvp_try(line_index(annotation, &line, &instruction->line));
		annotation->lines[instruction->line].samples += instruction->samples;
		annotation->lines[instruction->line].period += instruction->period;
	}
	return NULL;
}

static void find_sources(struct hvp_annotation *annotation, struct hvp_sources *sources)
{
	for (size_t i = 0; i < annotation->num_lines; i++) {
		struct hvp_annotated_line *line = &annotation->lines[i];

		if (line->file)
			line->text = hvp_sources_line(sources, line->file, line->line);
	}
}

static struct hvp_error *disassemble(struct hvp_annotation *annotation, struct hvp_profile *profile,
				     enum hvp_asm_syntax syntax)
{
	const struct hvp_symbol *symbol = annotation->function->symbol;
	const char *arch = hvp_session_info(profile->session, "host.arch");
	struct hvp_instruction *code = NULL;

	if (annotation->size > MAX_FUNCTION_SIZE)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"%s: the symbol table says it has %" PRIu64
					" bytes, which no function has",
					symbol->name, annotation->size);
	hvp_try(hvp_symbolizer_code(profile->symbolizer, annotation->image, symbol->address,
				    annotation->size, &annotation->code, &annotation->is_live));
	hvp_try(hvp_disassemble(arch, syntax, annotation->code, annotation->size, symbol->address,
				&annotation->arena, &code, &annotation->num_instructions));
	annotation->instructions =
		hvp_arena_calloc(&annotation->arena, annotation->num_instructions + 1,
				 sizeof(*annotation->instructions));
	if (!annotation->instructions)
		return hvp_error_no_memory;
	for (size_t i = 0; i < annotation->num_instructions; i++)
		annotation->instructions[i].code = &code[i];
	return NULL;
}

struct hvp_error *hvp_annotation_init(struct hvp_annotation *ret, struct hvp_profile *profile,
				      const struct hvp_hot_functions *functions,
				      const struct hvp_hot_function *function,
				      const struct hvp_annotate_options *options)
{
	hvp_scope(hits_deinit) struct hits hits = {.profile = profile, .symbol = function->symbol};

	*ret = (struct hvp_annotation){
		.function = function,
		.image = hvp_symbolizer_image(profile->symbolizer, function->image),
		.total = functions->total,
	};
	hvp_arena_init(&ret->arena);
	hvp_map_init(&hits.by_address);
	hvp_try(for_each_place(profile, options->filter, count_hit, &hits));
	ret->size = size_of_function(function->symbol, &hits);
	hvp_try(disassemble(ret, profile, options->syntax));
	place_hits(ret, &hits);
	resolve_targets(ret, profile, &hits.row);
	hvp_try(find_lines(ret, profile));
	find_sources(ret, options->sources);
	return NULL;
}

void hvp_annotation_deinit(struct hvp_annotation *annotation)
{
	hvp_arena_deinit(&annotation->arena);
	free(annotation->code);
	free(annotation->lines);
}

static int compare_lines(const void *left_arg, const void *right_arg, void *arg)
{
	const uint32_t *left_index = left_arg, *right_index = right_arg;
	const struct hvp_annotation *annotation = arg;
	uint64_t left = annotation->lines[*left_index].samples;
	uint64_t right = annotation->lines[*right_index].samples;

	if (left != right)
		return left > right ? -1 : 1;
	return *left_index < *right_index ? -1 : *left_index > *right_index;
}

struct hvp_error *hvp_annotation_hot_lines(const struct hvp_annotation *annotation, uint32_t **ret)
{
	uint32_t *order = calloc(annotation->num_lines + 1, sizeof(*order));

	if (!order)
		return hvp_error_no_memory;
	for (uint32_t i = 0; i < annotation->num_lines; i++)
		order[i] = i;
	if (annotation->num_lines)
		qsort_r(order, annotation->num_lines, sizeof(*order), compare_lines,
			(void *)annotation);
	*ret = order;
	return NULL;
}

const char *hvp_annotation_text(const struct hvp_annotation *annotation,
				const struct hvp_annotated_instruction *instruction, char *buf,
				size_t size)
{
	const struct hvp_instruction *code = instruction->code;

	if (instruction->target != UINT32_MAX)
		snprintf(buf, size, "%-7s .L%u", code->mnemonic,
			 annotation->instructions[instruction->target].label);
	else if (instruction->target_symbol && instruction->target_offset)
		snprintf(buf, size, "%-7s %s+0x%" PRIx64, code->mnemonic,
			 instruction->target_symbol->name, instruction->target_offset);
	else if (instruction->target_symbol)
		snprintf(buf, size, "%-7s %s", code->mnemonic, instruction->target_symbol->name);
	else if (*code->operands)
		snprintf(buf, size, "%-7s %s", code->mnemonic, code->operands);
	else
		snprintf(buf, size, "%s", code->mnemonic);
	return buf;
}
