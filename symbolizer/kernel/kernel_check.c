/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/kernel_check.h"

#include <stdlib.h>
#include <string.h>

#include "symbolizer/kernel/kernel_image.h"

#define MAX_IPS 4096u
#define MAX_CHUNKS 16u
#define MAX_COMPARED 2000u
/* With fewer samples nothing is concluded. */
#define MIN_SAMPLES 20u
/* One in a hundred may be outside: code that comes and goes. */
#define MAX_OUTSIDE_PERCENT 1u

/*
 * x86-64 (Documentation/arch/x86/x86_64/mm.rst): the kernel's image is in this gigabyte, modules
 * and BPF lie above it.
 */
#define X86_CORE_BEGIN 0xffffffff80000000ULL
#define X86_CORE_END 0xffffffffc0000000ULL
/*
 * A kernel that cannot be moved: text here, and modules from 512 MB on. One that can may have been
 * put here by chance.
 */
#define X86_FIXED_TEXT 0xffffffff81000000ULL
#define X86_FIXED_CORE_END 0xffffffffa0000000ULL

static bool is_of_kernel(const struct hvp_row *row, bool is_guest)
{
	return row->mode == (is_guest ? HVP_MODE_GUEST_KERNEL : HVP_MODE_HOST_KERNEL);
}

static struct hvp_error *read_chunk(const struct hvp_session *session, size_t index,
				    uint32_t domain, bool is_guest, struct hvp_batch *batch,
				    struct hvp_kernel_ips *ips)
{
	hvp_try(hvp_session_read_chunk(session, index, batch));
	for (size_t i = 0; i < batch->num_rows && ips->num < MAX_IPS; i++) {
		const struct hvp_row *row = &batch->rows[i];

		if (!is_of_kernel(row, is_guest) || (is_guest && row->domain != domain))
			continue;
		ips->ips[ips->num++] = row->ip;
	}
	return NULL;
}

struct hvp_error *hvp_kernel_ips_read(const struct hvp_session *session, uint32_t domain,
				      bool is_guest, struct hvp_kernel_ips *ret)
{
	size_t num_chunks = hvp_session_num_chunks(session), num_read = 0;
	struct hvp_batch batch;

	*ret = (struct hvp_kernel_ips){.ips = calloc(MAX_IPS, sizeof(*ret->ips))};
	if (!ret->ips)
		return hvp_error_no_memory;
	hvp_batch_init(&batch);
	batch.columns = ~HVP_COLUMN_TIME;
	for (size_t i = 0; i < num_chunks && num_read < MAX_CHUNKS && ret->num < MAX_IPS; i++) {
		const struct hvp_chunk_info *chunk = hvp_session_chunk(session, i);

		if (is_guest ? !chunk->has_guest : !chunk->has_host)
			continue;
		if (is_guest && !hvp_session_chunk_has_domain(session, i, domain))
			continue;
		num_read++;
		/* A chunk that cannot be read is said by the one who reads them all. */
		hvp_error_destroy(read_chunk(session, i, domain, is_guest, &batch, ret));
	}
	hvp_batch_deinit(&batch);
	return NULL;
}

void hvp_kernel_ips_deinit(struct hvp_kernel_ips *ips)
{
	free(ips->ips);
	*ips = (struct hvp_kernel_ips){0};
}

static bool is_inside(const struct hvp_kernel_range *ranges, size_t num_ranges, uint64_t ip)
{
	size_t low = 0, high = num_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].begin <= ip)
			low = middle + 1;
		else
			high = middle;
	}
	return low && ip < ranges[low - 1].end;
}

/* Text stands where the linker put it. Do the modules tell that KASLR may have put it there? */
static bool has_movable_modules(const struct hvp_kernel_range *ranges, size_t num_ranges)
{
	bool is_movable = false;

	for (size_t i = 0; i < num_ranges; i++) {
		if (ranges[i].begin >= X86_FIXED_CORE_END && ranges[i].begin < X86_CORE_END)
			return false;
		is_movable = is_movable || ranges[i].begin >= X86_CORE_END;
	}
	return is_movable;
}

void hvp_kernel_measure_fit(const struct hvp_kernel_ips *ips, const struct hvp_kernel_range *ranges,
			    size_t num_ranges, uint64_t text, struct hvp_kernel_fit *ret)
{
	uint64_t begin = (uint64_t)1 << 63, end = UINT64_MAX;

	if (text >= X86_CORE_BEGIN && text < X86_CORE_END) {
		begin = X86_CORE_BEGIN;
		end = text == X86_FIXED_TEXT && !has_movable_modules(ranges, num_ranges)
			      ? X86_FIXED_CORE_END
			      : X86_CORE_END;
	}
	*ret = (struct hvp_kernel_fit){.num = ips->num};
	for (size_t i = 0; i < ips->num; i++) {
		bool is_core = ips->ips[i] >= begin && ips->ips[i] < end;
		bool is_known = is_inside(ranges, num_ranges, ips->ips[i]);

		ret->num_known += is_known;
		ret->num_core += is_core;
		ret->num_inside += is_core && is_known;
		if (!is_known && (is_core || !ret->num_core))
			ret->example_outside = ips->ips[i];
	}
}

bool hvp_kernel_is_misfit(const struct hvp_kernel_fit *fit)
{
	size_t outside = fit->num_core - fit->num_inside;

	/* Not one is known: what was taken for modules was the core, somewhere else. */
	if (fit->num >= MIN_SAMPLES && !fit->num_known)
		return true;
	return fit->num_core >= MIN_SAMPLES && outside * 100 > fit->num_core * MAX_OUTSIDE_PERCENT;
}

/* Aliases stand together in kallsyms: the end of those of entry `i`. */
static size_t end_of_aliases(const struct hvp_kallsyms *kallsyms, size_t i)
{
	uint64_t address = kallsyms->symbols[i].address;

	while (i < kallsyms->num && kallsyms->symbols[i].address == address)
		i++;
	return i;
}

/*
 * Only what both tables must have: functions of the core, except at its borders, where linkers put
 * names of their own.
 */
static bool is_comparable(const struct hvp_kallsyms *kallsyms,
			  const struct hvp_kallsyms_symbol *symbol)
{
	return symbol->module == HVP_KALLSYMS_CORE && hvp_kallsyms_is_text(symbol->type) &&
	       symbol->address > kallsyms->text && symbol->address > kallsyms->stext &&
	       symbol->address < kallsyms->etext;
}

bool hvp_kernel_tables_agree(const struct hvp_kallsyms *kallsyms, const struct hvp_symtab *symtab,
			     uint64_t delta)
{
	size_t num_compared = 0, num_equal = 0, num_places = 0, end;
	size_t step = kallsyms->num / MAX_COMPARED + 1;

	for (size_t i = 0; i < kallsyms->num; i = end) {
		const struct hvp_symtab_entry *entry;
		bool is_equal = false;

		end = end_of_aliases(kallsyms, i);
		if (!is_comparable(kallsyms, &kallsyms->symbols[i]) || num_places++ % step)
			continue;
		entry = hvp_symtab_at(symtab, kallsyms->symbols[i].address - delta);
		for (size_t j = i; j < end && entry && !is_equal; j++)
			is_equal = !strcmp(entry->raw, kallsyms->symbols[j].name);
		num_compared++;
		num_equal += is_equal;
	}
	/* The rest: names that one of the tables leaves out. */
	return num_equal * 10 >= num_compared * 8;
}
