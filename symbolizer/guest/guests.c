/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which images belong to which kernel. What the user names goes first, then what the session
 * carries, then the paths that the session noted. Each domain gets its own; nothing is handed from
 * one to another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/session/format.h"
#include "symbolizer/symbolizer_internal.h"

/* The identity of one domain, put together from all its records. */
struct identity {
	uint32_t domain, pid;
	const char *name, *uuid;
};

struct identities {
	struct identity *items;
	size_t num, capacity;
	struct hvp_map by_domain;
};

static void identities_deinit(struct identities *identities)
{
	free(identities->items);
	hvp_map_deinit(&identities->by_domain);
}

static bool is_set(const char *text)
{
	return text && *text;
}

static struct hvp_error *add_identity(struct identities *identities,
				      const struct hvp_record_domain *domain)
{
	struct identity *identity;
	uint64_t *place;
	bool is_new;

	if (domain->domain == HVP_DOMAIN_HOST)
		return NULL;
	place = hvp_map_insert(&identities->by_domain, domain->domain, &is_new);
	if (!place)
		return hvp_error_no_memory;
	if (is_new) {
		hvp_try(hvp_array_reserve(&identities->items, &identities->capacity,
					  identities->num + 1, sizeof(*identities->items)));
		*place = identities->num;
		identities->items[identities->num++] =
			(struct identity){.domain = domain->domain, .name = "", .uuid = ""};
	}
	identity = &identities->items[*place];
	identity->pid = domain->pid ? domain->pid : identity->pid;
	identity->name = is_set(domain->name) ? domain->name : identity->name;
	identity->uuid = is_set(domain->uuid) ? domain->uuid : identity->uuid;
	return NULL;
}

static bool is_called(const struct identity *identity, const char *guest)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%u", identity->pid);
	return (*identity->name && !strcmp(guest, identity->name)) ||
	       (*identity->uuid && !strcasecmp(guest, identity->uuid)) ||
	       (identity->pid && !strcmp(guest, pid));
}

static const struct hvp_guest_images *find_given(const struct hvp_symbolizer_options *options,
						 const struct identity *identity)
{
	const struct hvp_guest_images *for_others = NULL;

	for (size_t i = 0; i < options->num_guests; i++) {
		if (is_called(identity, options->guests[i].guest))
			return &options->guests[i];
		if (!strcmp(options->guests[i].guest, "*"))
			for_others = &options->guests[i];
	}
	return for_others;
}

/*
 * The blobs of a session that are about kernels, in order: a thousand guests must not each walk all
 * records.
 */
struct blobs {
	const struct hvp_record_blob **items;
	size_t num, capacity;
};

static void blobs_deinit(struct blobs *blobs)
{
	free(blobs->items);
}

static struct hvp_error *gather_blobs(const struct hvp_session *session, struct blobs *blobs)
{
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_BLOB || !record->blob.size ||
		    (record->blob.kind != HVP_BLOB_KALLSYMS &&
		     record->blob.kind != HVP_BLOB_MODULES))
			continue;
		hvp_try(hvp_array_reserve(&blobs->items, &blobs->capacity, blobs->num + 1,
					  sizeof(*blobs->items)));
		blobs->items[blobs->num++] = &record->blob;
	}
	return NULL;
}

/* The last one wins: a collector that carries kallsyms anew does so because modules came. */
static const struct hvp_record_blob *find_blob(const struct blobs *blobs, enum hvp_blob_kind kind,
					       uint32_t domain)
{
	for (size_t i = blobs->num; i > 0; i--) {
		const struct hvp_record_blob *blob = blobs->items[i - 1];

		if (blob->kind == kind && blob->domain == domain)
			return blob;
	}
	return NULL;
}

/*
 * "guest.NAME.kallsyms" and so on, as noted when recording, under the name that the user gave
 * there.
 */
static const char *noted(const struct hvp_session *session, const struct identity *identity,
			 const char *part)
{
	char pid[16];
	const char *const names[] = {identity->name, identity->uuid, pid, "*"};

	snprintf(pid, sizeof(pid), "%u", identity->pid);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(names); i++) {
		hvp_scope(hvp_free_ptr) char *key = NULL;
		const char *value;

		if (asprintf(&key, HVP_INFO_GUEST_PREFIX "%s.%s", names[i], part) < 0) {
			key = NULL;
			return NULL;
		}
		value = hvp_session_info(session, key);
		if (is_set(value))
			return value;
	}
	return NULL;
}

/* Where the kernel is, as noted; the sessions that note it write C's hexadecimal. */
static void gather_noted_offset(const struct hvp_session *session, const struct identity *identity,
				struct hvp_kernel_sources *ret)
{
	const char *kaslr = noted(session, identity, "kaslr");
	const char *text = noted(session, identity, "text");

	ret->has_kaslr_offset = kaslr != NULL;
	ret->has_text_address = text != NULL;
	ret->kaslr_offset = kaslr ? (int64_t)strtoull(kaslr, NULL, 0) : 0;
	ret->text_address = text ? strtoull(text, NULL, 0) : 0;
}

static void gather_guest(const struct hvp_session *session, const struct blobs *blobs,
			 const struct identity *identity, const struct hvp_guest_images *given,
			 struct hvp_kernel_sources *ret)
{
	*ret = (struct hvp_kernel_sources){
		.label = *identity->name ? identity->name : "a guest",
		.domain = identity->domain,
		.is_guest = true,
		.kallsyms_blob = find_blob(blobs, HVP_BLOB_KALLSYMS, identity->domain),
		.modules_blob = find_blob(blobs, HVP_BLOB_MODULES, identity->domain),
		.vmlinux = noted(session, identity, "vmlinux"),
		.root = noted(session, identity, "root"),
	};
	if (!ret->kallsyms_blob)
		ret->kallsyms = noted(session, identity, "kallsyms");
	if (!ret->modules_blob)
		ret->modules = noted(session, identity, "modules");
	gather_noted_offset(session, identity, ret);
	if (!given)
		return;
	ret->kallsyms = given->kallsyms ? given->kallsyms : ret->kallsyms;
	ret->modules = given->modules ? given->modules : ret->modules;
	ret->vmlinux = given->vmlinux ? given->vmlinux : ret->vmlinux;
	ret->root = given->root ? given->root : ret->root;
	if (!given->has_kaslr_offset && !given->has_text_address)
		return;
	ret->has_kaslr_offset = given->has_kaslr_offset;
	ret->has_text_address = given->has_text_address;
	ret->kaslr_offset = given->kaslr_offset;
	ret->text_address = given->text_address;
}

static struct hvp_error *add_guest(struct hvp_symbolizer *symbolizer,
				   const struct hvp_symbolizer_options *options,
				   const struct blobs *blobs, const struct identity *identity)
{
	const struct hvp_guest_images *given = find_given(options, identity);
	struct hvp_kernel_sources sources;
	struct hvp_guest *guest;

	gather_guest(symbolizer->session, blobs, identity, given, &sources);
	hvp_try(hvp_array_reserve(&symbolizer->guests, &symbolizer->capacity_guests,
				  symbolizer->num_guests + 1, sizeof(*symbolizer->guests)));
	hvp_try(hvp_map_set(&symbolizer->guest_of_domain, identity->domain,
			    symbolizer->num_guests));
	guest = &symbolizer->guests[symbolizer->num_guests++];
	*guest = (struct hvp_guest){0};
	if (sources.root)
		hvp_try(hvp_guest_user_create(given, sources.root, sources.label,
					      &symbolizer->images, &guest->user));
	if (!sources.kallsyms && !sources.kallsyms_blob && !sources.vmlinux)
		return NULL;
	return hvp_kernel_create(&sources, &symbolizer->images, symbolizer->session,
				 &guest->kernel);
}

/* --guest for a name that the session does not have is a mistake that must not pass in silence. */
static void note_strangers(struct hvp_symbolizer *symbolizer,
			   const struct hvp_symbolizer_options *options,
			   const struct identities *identities)
{
	for (size_t i = 0; i < options->num_guests; i++) {
		const char *guest = options->guests[i].guest;
		bool is_known = !strcmp(guest, "*");

		for (size_t j = 0; j < identities->num && !is_known; j++)
			is_known = is_called(&identities->items[j], guest);
		if (!is_known)
			hvp_notes_add(
				&symbolizer->notes,
				"--guest %s=...: the session has no guest of this name, UUID or "
				"pid",
				guest);
	}
}

static struct hvp_error *read_guests(struct hvp_symbolizer *symbolizer,
				     const struct hvp_symbolizer_options *options,
				     const struct blobs *blobs)
{
	hvp_scope(identities_deinit) struct identities identities = {0};

	for (size_t i = 0; i < hvp_session_num_records(symbolizer->session); i++) {
		const struct hvp_record *record = hvp_session_record(symbolizer->session, i);

		if (record->type == HVP_RECORD_DOMAIN)
			hvp_try(add_identity(&identities, &record->domain));
	}
	for (size_t i = 0; i < identities.num; i++)
		hvp_try(add_guest(symbolizer, options, blobs, &identities.items[i]));
	note_strangers(symbolizer, options, &identities);
	return NULL;
}

static void read_build_id(const char *hex, struct hvp_kernel_sources *sources)
{
	unsigned int byte;

	for (; is_set(hex) && sources->build_id_size < HVP_BUILD_ID_MAX; hex += 2) {
		if (sscanf(hex, "%2x", &byte) != 1 || !hex[1])
			break;
		sources->build_id[sources->build_id_size++] = (uint8_t)byte;
	}
}

/* As perf names it: "[kernel.kallsyms]_text". */
static void read_recorded_text(const struct hvp_session *session,
			       struct hvp_kernel_sources *sources)
{
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_MMAP || record->mmap.pid != HVP_PID_KERNEL ||
		    strncmp(record->mmap.path, "[kernel", 7) != 0 || !record->mmap.address)
			continue;
		sources->recorded_text = record->mmap.address;
		sources->recorded_text_size = record->mmap.size;
		return;
	}
}

struct hvp_error *hvp_symbolizer_read_kernels(struct hvp_symbolizer *symbolizer,
					      const struct hvp_symbolizer_options *options)
{
	const struct hvp_session *session = symbolizer->session;
	hvp_scope(blobs_deinit) struct blobs blobs = {0};
	struct hvp_kernel_sources host = {
		.label = "the host",
		.domain = HVP_DOMAIN_HOST,
		.kallsyms = options->kallsyms,
		.vmlinux = options->vmlinux,
		.root = symbolizer->host_root,
		.is_live = symbolizer->is_live,
		.proc = options->proc,
		.release = hvp_session_info(session, HVP_INFO_KERNEL),
	};

	hvp_try(gather_blobs(session, &blobs));
	host.kallsyms_blob = find_blob(&blobs, HVP_BLOB_KALLSYMS, HVP_DOMAIN_HOST);
	host.modules_blob = find_blob(&blobs, HVP_BLOB_MODULES, HVP_DOMAIN_HOST);
	read_build_id(hvp_session_info(session, HVP_INFO_KERNEL_BUILD_ID), &host);
	read_recorded_text(session, &host);
	hvp_try(hvp_kernel_create(&host, &symbolizer->images, session, &symbolizer->host_kernel));
	return read_guests(symbolizer, options, &blobs);
}
