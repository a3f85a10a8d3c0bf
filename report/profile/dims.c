/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/dims.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cli/suggest.h"

const struct hvp_dim_info hvp_dims[HVP_NUM_DIMS] = {
	[HVP_DIM_OWNER] = {"owner", NULL, "owner", HVP_KIND_TEXT,
			   "domain, hypervisor, host, idle or unknown"},
	[HVP_DIM_DOMAIN] = {"domain", "vm", "domain", HVP_KIND_TEXT, "name of the virtual machine"},
	[HVP_DIM_VCPU] = {"vcpu", NULL, "vCPU", HVP_KIND_NUMBER, "number of the virtual CPU"},
	[HVP_DIM_MODE] = {"mode", NULL, "mode", HVP_KIND_TEXT,
			  "guest-kernel, guest-user, host-kernel, host-user"},
	[HVP_DIM_CPU] = {"cpu", NULL, "CPU", HVP_KIND_NUMBER, "number of the physical CPU"},
	[HVP_DIM_PID] = {"pid", NULL, "pid", HVP_KIND_NUMBER, "host process"},
	[HVP_DIM_TID] = {"tid", NULL, "tid", HVP_KIND_NUMBER, "host thread"},
	[HVP_DIM_COMM] = {"comm", NULL, "comm", HVP_KIND_TEXT, "name of the host thread"},
	[HVP_DIM_IMAGE] = {"image", "dso", "image", HVP_KIND_TEXT,
			   "program, library, kernel or module"},
	[HVP_DIM_SYMBOL] = {"symbol", "sym", "symbol", HVP_KIND_TEXT, "function"},
	[HVP_DIM_LINE] = {"line", "srcline", "line", HVP_KIND_TEXT, "source file and line"},
	[HVP_DIM_EVENT] = {"event", NULL, "event", HVP_KIND_TEXT, "event that was sampled"},
	[HVP_DIM_ADDRESS] = {"address", "addr", "address", HVP_KIND_HEX,
			     "address of the instruction, as the image has it"},
	[HVP_DIM_ASPACE] = {"aspace", "cr3", "address space", HVP_KIND_HEX,
			    "address space within the guest: its page tables' root"},
};

bool hvp_dim_find(const char *word, enum hvp_dim *ret)
{
	for (unsigned int i = 0; i < HVP_NUM_DIMS; i++) {
		if (!strcasecmp(word, hvp_dims[i].name) ||
		    (hvp_dims[i].alias && !strcasecmp(word, hvp_dims[i].alias))) {
			*ret = i;
			return true;
		}
	}
	return false;
}

const char *hvp_dim_words(char buf[HVP_DIM_WORDS])
{
	size_t used = 0;

	for (unsigned int i = 0; i < HVP_NUM_DIMS; i++)
		used += (size_t)snprintf(buf + used, HVP_DIM_WORDS - used, "%s%s", i ? ", " : "",
					 hvp_dims[i].name);
	return buf;
}

static struct hvp_error *unknown_dim(const char *option, const char *word)
{
	struct hvp_suggestion suggestion;
	char words[HVP_DIM_WORDS];

	hvp_suggestion_init(&suggestion, word);
	for (unsigned int i = 0; i < HVP_NUM_DIMS; i++)
		hvp_suggestion_try(&suggestion, hvp_dims[i].name);
	if (suggestion.nearest)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s: no key \"%s\", did you mean \"%s\"? There are: %s",
					option, word, suggestion.nearest, hvp_dim_words(words));
	return hvp_error_create(HVP_ERROR_USAGE, "%s: no key \"%s\"; there are: %s", option, word,
				hvp_dim_words(words));
}

struct hvp_error *hvp_dim_list_parse(const char *option, const char *text, struct hvp_dim_list *ret)
{
	*ret = (struct hvp_dim_list){0};
	while (*text) {
		size_t size = strcspn(text, ",");
		enum hvp_dim dim;
		char word[32];

		snprintf(word, sizeof(word), "%.*s", (int)(size < 31 ? size : 31), text);
		text += size + (text[size] == ',');
		if (!hvp_dim_find(word, &dim))
			return unknown_dim(option, word);
		if (ret->set & HVP_DIM_BIT(dim))
			continue;
		ret->dims[ret->num++] = dim;
		ret->set |= HVP_DIM_BIT(dim);
	}
	if (!ret->num)
		return hvp_error_create(HVP_ERROR_USAGE, "%s: no key given", option);
	return NULL;
}
