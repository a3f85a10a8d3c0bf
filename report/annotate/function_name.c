/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/annotate/function_name.h"

#include <string.h>

#include "common/base/array.h"

/*
 * What a function is called in its class, namespace or trait: "get<long>(int)" of
 * "int ns::Box<a::b>::get<long>(int)".
 */
static const char *last_component(const char *symbol)
{
	const char *last = symbol;
	int depth = 0;

	for (const char *at = symbol; *at; at++) {
		if (*at == '(' && !depth && at != last)
			break;
		if (strchr("<([{", *at))
			depth++;
		else if (strchr(">)]}", *at))
			depth -= depth > 0;
		else if (!depth && at[0] == ':' && at[1] == ':')
			last = ++at + 1;
		else if (!depth && *at == ' ' && at[1] != '[' && strncmp(last, "operator", 8) != 0)
			last = at + 1;
	}
	return last;
}

/* What compilers put behind the name of a part or a copy of a function. */
static bool is_suffix(const char *text)
{
	static const char *const suffixes[] = {".isra.", ".constprop.", ".part.",
					       ".cold",	 ".llvm.",	".lto_priv."};

	if (!*text || strchr("(<", *text) || !strncmp(text, " [clone", 7))
		return true;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(suffixes); i++) {
		if (!strncmp(text, suffixes[i], strlen(suffixes[i])))
			return true;
	}
	return false;
}

bool hvp_function_is_called(const char *symbol, const char *name)
{
	const char *last = last_component(symbol);
	size_t size = strlen(name);

	if (!strncmp(last, name, size) && is_suffix(last + size))
		return true;
	return size > (size_t)(last - symbol) && !strncmp(symbol, name, size) &&
	       is_suffix(symbol + size);
}

const char *hvp_function_short_name(const char *symbol, size_t *ret_size)
{
	const char *last = last_component(symbol);
	size_t size = strcspn(last, "<(");

	/* Of operators and of closures the brackets are the name. */
	*ret_size = size && strncmp(last, "operator", 8) != 0 ? size : strlen(last);
	return last;
}
