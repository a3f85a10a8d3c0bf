/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/symbolizer.h"

const char *hvp_unresolved_text(enum hvp_unresolved why)
{
	static const char *const texts[HVP_NUM_UNRESOLVED] = {
		[HVP_RESOLVED] = "resolved",
		[HVP_UNRESOLVED_GUEST_USER] =
			"programs in a guest: which process ran is not known to a stock kernel; "
			"give "
			"--guest NAME=root:DIR, and maps:FILE or program:PATH",
		[HVP_UNRESOLVED_GUEST_KERNEL] = "no images of this guest's kernel: give --guest "
						"NAME=kallsyms:FILE (a copy of "
						"its /proc/kallsyms, read as root)",
		[HVP_UNRESOLVED_MISMATCH] = "the images given for this kernel do not fit the "
					    "samples: another kernel or "
					    "another KASLR offset",
		[HVP_UNRESOLVED_NO_MAPPING] = "no mapping was recorded at this address and time",
		[HVP_UNRESOLVED_JIT] =
			"code made at run time without a /tmp/perf-PID.map: start the "
			"program with its option for perf maps",
		[HVP_UNRESOLVED_NO_FILE] = "the file is not here: give --symfs DIR with a copy of "
					   "it, or use debuginfod",
		[HVP_UNRESOLVED_OTHER_BUILD_ID] = "the file here has another build id than the one "
						  "that ran: give --symfs DIR "
						  "with the right one, or use debuginfod",
		[HVP_UNRESOLVED_NO_SYMBOL] = "the file has no symbol there: install its debug "
					     "symbols, or use debuginfod",
		[HVP_UNRESOLVED_RESTRICTED] = "kernel addresses were hidden from the collector: "
					      "sysctl kernel.kptr_restrict=0, "
					      "or record as root",
		[HVP_UNRESOLVED_BAD_FILE] = "the file is damaged; --debug=symbols says where",
	};

	return (unsigned int)why < HVP_NUM_UNRESOLVED ? texts[why] : "unknown";
}
