/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs of `hvprof`. Each is one table row in a cmd_*.c of its own; a new one is declared here
 * and gets one line in the table of report/main.c.
 */
#ifndef HVP_COMMON_CLI_COMMANDS_H
#define HVP_COMMON_CLI_COMMANDS_H

#include "common/cli/options.h"

/* daemon/ */
extern const struct hvp_command hvp_cmd_record;
extern const struct hvp_command hvp_cmd_import;
extern const struct hvp_command hvp_cmd_list;
extern const struct hvp_command hvp_cmd_check;
extern const struct hvp_command hvp_cmd_stat;

/* report/ */
extern const struct hvp_command hvp_cmd_report;
extern const struct hvp_command hvp_cmd_annotate;
extern const struct hvp_command hvp_cmd_script;
extern const struct hvp_command hvp_cmd_info;

/* report/, about the program itself */
extern const struct hvp_command hvp_cmd_config;
extern const struct hvp_command hvp_cmd_completion;
extern const struct hvp_command hvp_cmd_help;

#endif
