/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/profile.h"

#include <stdlib.h>

#include "common/base/array.h"
#include "report/profile/aspace.h"

struct hvp_error *hvp_profile_init_empty(struct hvp_profile *ret, const struct hvp_session *session,
					 struct hvp_symbolizer *symbolizer, hvp_dim_set dims)
{
	*ret = (struct hvp_profile){.session = session, .symbolizer = symbolizer, .dims = dims};
	hvp_strpool_init(&ret->strings);
	hvp_map_init(&ret->image_of_path);
	hvp_map_init(&ret->by_symbol);
	hvp_try(hvp_domains_init(&ret->domains, session));
	return hvp_tasks_init(&ret->tasks, session);
}

struct hvp_error *hvp_profile_init(struct hvp_profile *ret, const struct hvp_session *session,
				   struct hvp_symbolizer *symbolizer,
				   const struct hvp_profile_options *options)
{
	struct hvp_scan_options scan = options->scan;
	hvp_dim_set dims = options->dims;

	hvp_try(hvp_profile_init_empty(ret, session, symbolizer, dims));
	scan.session = session;
	scan.tasks = &ret->tasks;
	scan.symbolizer = symbolizer;
	scan.by_vcpu = dims & HVP_DIM_BIT(HVP_DIM_VCPU);
	scan.by_cpu = dims & HVP_DIM_BIT(HVP_DIM_CPU);
	scan.by_pid = dims & HVP_DIM_BIT(HVP_DIM_PID);
	scan.by_address = scan.by_address ||
			  dims & (HVP_DIM_BIT(HVP_DIM_ADDRESS) | HVP_DIM_BIT(HVP_DIM_LINE));
	scan.by_raw_address = dims & HVP_DIM_BIT(HVP_DIM_ADDRESS);
	scan.by_tid = dims & HVP_DIM_BIT(HVP_DIM_TID);
	scan.by_aspace = dims & HVP_DIM_BIT(HVP_DIM_ASPACE);
	scan.by_comm_of_owners =
		dims & HVP_DIM_BIT(HVP_DIM_COMM) ? UINT32_MAX : options->comm_owners;
	if (options->comm_owners)
		ret->dims |= HVP_DIM_BIT(HVP_DIM_COMM);
	hvp_try(hvp_scan_run(&scan, &ret->scan));
	for (size_t i = 0; i < ret->scan.places.num; i++)
		hvp_try(hvp_domains_add(&ret->domains, ret->scan.places.places[i].key.domain));
	return NULL;
}

void hvp_profile_deinit(struct hvp_profile *profile)
{
	hvp_domains_deinit(&profile->domains);
	hvp_tasks_deinit(&profile->tasks);
	hvp_scan_deinit(&profile->scan);
	hvp_strpool_deinit(&profile->strings);
	hvp_map_deinit(&profile->image_of_path);
	hvp_map_deinit(&profile->by_symbol);
	for (size_t i = 0; i < profile->num_images; i++)
		hvp_map_deinit(&profile->images[i].addresses);
	free(profile->images);
	free(profile->described);
}

/* Makes the profile's images follow the symbolizer's up to `index`. */
static struct hvp_error *follow_images(struct hvp_profile *profile, uint32_t index)
{
	while (profile->num_images <= index) {
		uint32_t at = (uint32_t)profile->num_images, path;
		const struct hvp_image *image = hvp_symbolizer_image(profile->symbolizer, at);
		uint64_t *first;
		bool is_new;

		hvp_try(hvp_array_reserve(&profile->images, &profile->capacity_images,
					  profile->num_images + 1, sizeof(*profile->images)));
		hvp_try(hvp_strpool_intern(&profile->strings, hvp_image_path(image), &path));
		first = hvp_map_insert(&profile->image_of_path, path, &is_new);
		if (!first)
			return hvp_error_no_memory;
		if (is_new)
			*first = at;
		profile->images[at] = (struct hvp_profile_image){.canonical = (uint32_t)*first};
		hvp_map_init(&profile->images[at].addresses);
		profile->num_images++;
	}
	return NULL;
}

static struct hvp_error *describe_new(struct hvp_profile *profile,
				      const struct hvp_location *location,
				      struct hvp_described *described)
{
	enum hvp_unresolved why = location->why;

	*described = (struct hvp_described){
		.address = location->address,
		.image = hvp_image_index(location->image),
		.symbol = why ? NULL : hvp_symbolizer_symbol(profile->symbolizer, location, &why),
	};
	if (!described->symbol) {
		described->why = why ? why : HVP_UNRESOLVED_NO_SYMBOL;
		return NULL;
	}
	return hvp_strpool_intern(&profile->strings, described->symbol->name, &described->name);
}

/* The description of a location, made when the address is new. */
static struct hvp_error *describe(struct hvp_profile *profile, const struct hvp_location *location,
				  uint32_t *ret)
{
	uint32_t image = hvp_image_index(location->image);
	/*
	 * One address can be in a file that fits and, for another domain's stand-in, not: `why` is
	 * part of the key.
	 */
	uint64_t key = location->address ^ (uint64_t)location->why << 58;
	uint64_t *slot;
	bool is_new;

	hvp_try(follow_images(profile, image));
	slot = hvp_map_insert(&profile->images[image].addresses, key, &is_new);
	if (!slot)
		return hvp_error_no_memory;
	if (!is_new) {
		*ret = (uint32_t)*slot;
		return NULL;
	}
	*slot = profile->num_described;
	hvp_try(hvp_array_reserve(&profile->described, &profile->capacity_described,
				  profile->num_described + 1, sizeof(*profile->described)));
	*ret = (uint32_t)profile->num_described;
	return describe_new(profile, location, &profile->described[profile->num_described++]);
}

void hvp_profile_location(const struct hvp_profile *profile, uint32_t described,
			  struct hvp_location *ret)
{
	const struct hvp_described *from = &profile->described[described];

	*ret = (struct hvp_location){
		.image = hvp_symbolizer_image(profile->symbolizer, from->image),
		.address = from->address,
		.why = from->symbol ? HVP_RESOLVED : from->why,
	};
}

/* The innermost source line of a place, as a string number; "" is unknown. */
static struct hvp_error *describe_line(struct hvp_profile *profile, uint32_t index, uint32_t *ret)
{
	struct hvp_described *described = &profile->described[index];
	hvp_scope(hvp_free_ptr) char *text = NULL;
	const struct hvp_line *lines = NULL;
	struct hvp_location location;
	size_t num = 0;

	if (described->has_line) {
		*ret = described->line;
		return NULL;
	}
	described->has_line = true;
	*ret = 0;
	if (!described->symbol)
		return NULL;
	hvp_profile_location(profile, index, &location);
	hvp_try(hvp_symbolizer_lines(profile->symbolizer, &location, &lines, &num));
	if (!num || !lines[0].file)
		return NULL;
	if (asprintf(&text, "%s:%u", lines[0].file, lines[0].line) < 0)
		return hvp_error_no_memory;
	hvp_try(hvp_strpool_intern(&profile->strings, text, &described->line));
	*ret = described->line;
	return NULL;
}

uint64_t hvp_symbol_value(const struct hvp_described *described)
{
	return described->symbol ? (uint64_t)described->name + HVP_FIRST_NAME_VALUE
				 : described->why;
}

bool hvp_symbol_value_is_unresolved(uint64_t value, enum hvp_unresolved *ret_why)
{
	if (value == HVP_RESOLVED || value >= HVP_NUM_UNRESOLVED)
		return false;
	*ret_why = (enum hvp_unresolved)value;
	return true;
}

/* The description of a function as a whole. */
static struct hvp_error *describe_symbol(struct hvp_profile *profile, uint32_t image,
					 const struct hvp_symbol *symbol, uint32_t *ret)
{
	struct hvp_described described = {
		.symbol = symbol, .address = symbol->address, .image = image};
	uint64_t *slot;
	bool is_new;

	hvp_try(follow_images(profile, image));
	slot = hvp_map_insert(&profile->by_symbol, (uintptr_t)symbol, &is_new);
	if (!slot)
		return hvp_error_no_memory;
	if (is_new) {
		*slot = profile->num_described;
		hvp_try(hvp_array_reserve(&profile->described, &profile->capacity_described,
					  profile->num_described + 1, sizeof(described)));
		hvp_try(hvp_strpool_intern(&profile->strings, symbol->name, &described.name));
		profile->described[profile->num_described++] = described;
	}
	*ret = (uint32_t)*slot;
	return NULL;
}

/* Image, symbol, line and address of a description. */
static struct hvp_error *fill_described(struct hvp_profile *profile, struct hvp_spot *spot)
{
	const struct hvp_described *described = &profile->described[spot->described];

	spot->values[HVP_DIM_IMAGE] = profile->images[described->image].canonical;
	spot->values[HVP_DIM_SYMBOL] = hvp_symbol_value(described);
	spot->values[HVP_DIM_ADDRESS] = described->address;
	if (profile->dims & HVP_DIM_BIT(HVP_DIM_LINE)) {
		uint32_t line;

		hvp_try(describe_line(profile, spot->described, &line));
		spot->values[HVP_DIM_LINE] = line;
	}
	return NULL;
}

static struct hvp_error *fill_code(struct hvp_profile *profile, const struct hvp_location *location,
				   struct hvp_spot *spot)
{
	hvp_try(describe(profile, location, &spot->described));
	return fill_described(profile, spot);
}

/* The same for a place, which was located when it was read. */
static struct hvp_error *fill_place(struct hvp_profile *profile, const struct hvp_place_key *key,
				    struct hvp_spot *spot)
{
	const struct hvp_location location = {
		.image = hvp_symbolizer_image(profile->symbolizer, key->image),
		.address = key->kind == HVP_CODE_ADDRESS ? key->code : 0,
		.why = (enum hvp_unresolved)key->why,
	};

	if (key->kind != HVP_CODE_SYMBOL)
		return fill_code(profile, &location, spot);
	hvp_try(describe_symbol(profile, key->image,
				(const struct hvp_symbol *)(uintptr_t)key->code, &spot->described));
	return fill_described(profile, spot);
}

static void row_of_place(const struct hvp_place *place, struct hvp_row *row)
{
	*row = (struct hvp_row){
		.time = place->time,
		.guest_cr3 = place->key.aspace,
		.pid = place->pid,
		.tid = place->tid,
		.cpu = place->key.cpu,
		.domain = place->key.domain,
		.vcpu = place->key.vcpu,
		.stack = place->key.stack,
		.event = place->key.event,
		.mode = place->key.mode,
	};
}

/* What does not depend on the code. What the samples were not told apart by is mixed. */
static void fill_context(const struct hvp_profile *profile, const struct hvp_row *row,
			 uint32_t comm, uint64_t *values)
{
	const uint64_t aspace = hvp_aspace_of_row(row);
	const uint64_t known[HVP_NUM_DIMS] = {
		[HVP_DIM_VCPU] = row->vcpu == HVP_VCPU_NONE ? HVP_VALUE_NONE : row->vcpu,
		[HVP_DIM_CPU] = row->cpu,
		[HVP_DIM_PID] = row->pid,
		[HVP_DIM_TID] = row->tid,
		[HVP_DIM_COMM] = comm,
		[HVP_DIM_LINE] = HVP_VALUE_MIXED,
		[HVP_DIM_ASPACE] = aspace ? aspace : HVP_VALUE_NONE,
	};

	for (unsigned int i = 0; i < HVP_NUM_DIMS; i++)
		values[i] = profile->dims & HVP_DIM_BIT(i) ? known[i] : HVP_VALUE_MIXED;
	values[HVP_DIM_OWNER] = hvp_owner_of_row(row);
	values[HVP_DIM_DOMAIN] = row->domain != HVP_DOMAIN_HOST ? row->domain : HVP_VALUE_NONE;
	values[HVP_DIM_MODE] = row->mode;
	values[HVP_DIM_EVENT] = row->event;
}

struct hvp_error *hvp_profile_resolve_row(struct hvp_profile *profile, const struct hvp_row *row,
					  uint32_t comm, struct hvp_spot *ret)
{
	struct hvp_location location;

	fill_context(profile, row, comm, ret->values);
	hvp_symbolizer_locate(profile->symbolizer, row, row->ip, hvp_mode_is_kernel(row->mode),
			      &location);
	return fill_code(profile, &location, ret);
}

struct hvp_error *hvp_profile_resolve_call(struct hvp_profile *profile, const struct hvp_row *row,
					   const struct hvp_spot *spot, uint64_t address,
					   bool is_kernel, struct hvp_spot *ret)
{
	struct hvp_location location;

	*ret = *spot;
	hvp_symbolizer_locate(profile->symbolizer, row, address ? address - 1 : 0, is_kernel,
			      &location);
	return fill_code(profile, &location, ret);
}

struct hvp_error *hvp_profile_resolve(struct hvp_profile *profile, size_t index,
				      struct hvp_spot *ret)
{
	const struct hvp_place *place = &profile->scan.places.places[index];
	struct hvp_row row;

	row_of_place(place, &row);
	fill_context(profile, &row, place->key.comm, ret->values);
	ret->values[HVP_DIM_OWNER] = place->key.owner;
	return fill_place(profile, &place->key, ret);
}

struct hvp_chain hvp_profile_chain(const struct hvp_profile *profile, size_t index,
				   uint64_t frames[HVP_MAX_CHAIN])
{
	return hvp_session_stack(profile->session, profile->scan.places.places[index].key.stack,
				 frames);
}

struct hvp_error *hvp_profile_resolve_frame(struct hvp_profile *profile, size_t index,
					    const struct hvp_spot *spot, uint64_t address,
					    bool is_kernel, struct hvp_spot *ret)
{
	struct hvp_row row;

	row_of_place(&profile->scan.places.places[index], &row);
	return hvp_profile_resolve_call(profile, &row, spot, address, is_kernel, ret);
}
