/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `hvprof` program: finds the command, lays configuration files and flags over its defaults,
 * runs it, and turns what comes back into a message and an exit status:
 *
 *	0 ok    1 failed    2 usage    3 finished but degraded (with --strict)    4...: the command
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/scope.h"
#include "common/cli/commands.h"
#include "common/cli/context.h"
#include "common/cli/help.h"
#include "common/cli/settings.h"
#include "common/cli/term.h"
#include "common/cli/text.h"
#include "report/cmd_help.h"

enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_DEGRADED = 3,
};

/* In the order of `hvprof help`. */
static const struct hvp_command *const commands[] = {
	/* clang-format off */
	&hvp_cmd_record,
	&hvp_cmd_import,
	&hvp_cmd_list,
	&hvp_cmd_check,
	&hvp_cmd_stat,
	&hvp_cmd_report,
	&hvp_cmd_annotate,
	&hvp_cmd_script,
	&hvp_cmd_info,
	&hvp_cmd_config,
	&hvp_cmd_completion,
	&hvp_cmd_help,
	NULL,
	/* clang-format on */
};

/* The options of `hvprof` itself, before or behind the command. */
struct globals {
	int color;
	unsigned int verbose;
	bool is_quiet;
	struct hvp_strings debug;
	bool is_strict;
	bool wants_version;
};

static const struct hvp_option global_options[] = {
	{.type = HVP_OPTION_GROUP, .help = "Options of every command:"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "color",
	 .offset = offsetof(struct globals, color),
	 .choices = hvp_color_modes,
	 .help = "colour the output; auto looks at the terminal and NO_COLOR"},
	{.type = HVP_OPTION_COUNT,
	 .letter = 'v',
	 .name = "verbose",
	 .offset = offsetof(struct globals, verbose),
	 .help = "say more on standard error; twice is more still"},
	{.type = HVP_OPTION_FLAG,
	 .letter = 'q',
	 .name = "quiet",
	 .offset = offsetof(struct globals, is_quiet),
	 .help = "say nothing on standard error but warnings and errors"},
	{.type = HVP_OPTION_LIST,
	 .name = "debug",
	 .value = "DOMAIN[:LEVEL],...",
	 .offset = offsetof(struct globals, debug),
	 .help = "messages of some parts alone: cli, source, domains, session, symbols, report or "
		 "all; level 1 or 2"},
	{.type = HVP_OPTION_FLAG,
	 .name = "strict",
	 .offset = offsetof(struct globals, is_strict),
	 .help = "exit with 3 when something was lost, throttled or not to be had"},
	{.type = HVP_OPTION_FLAG,
	 .name = "version",
	 .is_only_typed = true,
	 .offset = offsetof(struct globals, wants_version),
	 .help = "print the version and exit"},
	HVP_END_OF_OPTIONS,
};

/*
 * So that a configuration file can set them, and --help and completion find them, like a command's.
 */
static const struct hvp_command global_command = {
	.name = HVP_SETTINGS_GLOBAL,
	.options = global_options,
	.config_size = sizeof(struct globals),
};

static volatile sig_atomic_t interrupted;

/* Who asks a fourth time does not want to wait for data to be kept. */
static void on_signal(int number)
{
	if (interrupted < 3)
		interrupted++;
	else if (number == SIGINT)
		signal(SIGINT, SIG_DFL);
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction old;

		/*
		 * nohup ignores SIGHUP on purpose. SIGINT is ignored in background jobs of plain
		 * shells, where `kill -INT` must end a recording all the same.
		 */
		if (numbers[i] == SIGHUP && !sigaction(SIGHUP, NULL, &old) &&
		    old.sa_handler == SIG_IGN)
			continue;
		sigaction(numbers[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	/* A file that reaches the limit of `ulimit -f` is as full as a disk: EFBIG says so. */
	signal(SIGXFSZ, SIG_IGN);
}

/* A progress line that may stand there gives way. */
static void begin_message(const struct hvp_context *context)
{
	fputs(context->has_progress ? "\r\033[Khvprof" : "hvprof", context->err);
}

static void write_log(void *arg, enum hvp_log_level level, enum hvp_log_domain domain,
		      const char *line)
{
	struct hvp_context *context = arg;

	/* Threads log too. */
	flockfile(context->err);
	begin_message(context);
	if (level == HVP_LOG_WARNING)
		fputs(": warning", context->err);
	else if (level >= HVP_LOG_DEBUG)
		fprintf(context->err, ": %s", hvp_log_domain_name(domain));
	fputs(": ", context->err);
	hvp_text_print(context->err, line);
	putc('\n', context->err);
	funlockfile(context->err);
}

/* Prints an error and gives the exit status that it stands for. */
static int report_error(const struct hvp_context *context, struct hvp_error *err)
{
	const char *name = context->command ? context->command->name : NULL;
	bool is_usage = hvp_error_code(err) == HVP_ERROR_USAGE;

	fflush(context->out);
	begin_message(context);
	fprintf(context->err, "%s%s: ", name ? " " : "", name ? name : "");
	hvp_text_print(context->err, hvp_error_message(err));
	putc('\n', context->err);
	if (is_usage)
		fprintf(context->err, "(\"hvprof%s%s --help\" shows what there is)\n",
			name ? " " : "", name ? name : "");
	hvp_error_destroy(err);
	return is_usage ? STATUS_USAGE : STATUS_FAILED;
}

static struct hvp_error *apply_globals(struct hvp_context *context, const struct globals *globals)
{
	context->has_color = hvp_term_has_color((enum hvp_color_mode)globals->color, context->out);
	context->is_strict = globals->is_strict;
	context->is_quiet = globals->is_quiet;
	context->has_progress &= !globals->is_quiet;
	hvp_log_raise(&context->log, HVP_LOG_WARNING);
	if (globals->verbose)
		hvp_log_raise(&context->log, HVP_LOG_INFO);
	if (globals->verbose > 1)
		hvp_log_raise(&context->log, HVP_LOG_DEBUG);
	for (size_t i = 0; i < globals->debug.num; i++)
		hvp_try(hvp_log_parse(&context->log, globals->debug.items[i]));
	return NULL;
}

/* What the files say in sections that no command has would else be silently without effect. */
static void warn_of_sections(const struct hvp_context *context)
{
	for (size_t i = 0; i < context->settings->num; i++) {
		const struct hvp_setting *setting = &context->settings->items[i];

		if (strcmp(setting->section, HVP_SETTINGS_GLOBAL) &&
		    !hvp_command_find(commands, setting->section))
			hvp_log(&context->log, HVP_LOG_WARNING, HVP_LOG_CLI,
				"%s:%u: there is no command \"%s\"", setting->file, setting->line,
				setting->section);
	}
}

/* A word as a POSIX shell would need it. */
static void add_quoted(struct hvp_buf *line, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:,=+@%";

	if (*word && strspn(word, plain) == strlen(word)) {
		hvp_buf_add_bytes(line, word, strlen(word));
		return;
	}
	hvp_buf_add_u8(line, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			hvp_buf_add_bytes(line, "'\\''", 4);
		else
			hvp_buf_add_u8(line, (uint8_t)*word);
	}
	hvp_buf_add_u8(line, '\'');
}

static struct hvp_error *spell_command_line(struct hvp_buf *line, int argc, char **argv)
{
	hvp_buf_add_bytes(line, "hvprof", 6);
	for (int i = 1; i < argc; i++) {
		hvp_buf_add_u8(line, ' ');
		add_quoted(line, argv[i]);
	}
	hvp_buf_add_u8(line, '\0');
	return hvp_buf_check(line);
}

/* One run of the program: everything that is freed at its end. */
struct program {
	struct hvp_context context;
	struct hvp_settings settings;
	struct hvp_buf command_line;
	struct globals globals;
	/* The command's configuration. */
	void *config;
	/* What was left of the command line before and behind the command's name. */
	struct hvp_parse before, behind;
};

static void program_init(struct program *program)
{
	*program = (struct program){
		.context =
			{
				.out = stdout,
				.err = stderr,
				.has_progress = isatty(STDERR_FILENO),
				.interrupted = &interrupted,
				.commands = commands,
				.globals = &global_command,
			},
	};
	program->context.log.write = write_log;
	program->context.log.arg = &program->context;
	program->context.settings = &program->settings;
	hvp_buf_init(&program->command_line);
}

static void program_deinit(struct program *program)
{
	if (program->config)
		hvp_options_deinit(program->context.command, program->config);
	free(program->config);
	free(program->before.argv);
	free(program->behind.argv);
	hvp_options_deinit(&global_command, &program->globals);
	hvp_buf_deinit(&program->command_line);
	hvp_settings_deinit(&program->settings);
}

/* Defaults, then files, then flags. */
static struct hvp_error *configure(struct program *program, int argc, char **argv)
{
	const struct hvp_command *command = program->context.command;
	struct hvp_option_table tables[] = {
		{.options = command->options},
		{.options = global_options, .config = &program->globals},
	};

	program->config = calloc(1, command->config_size ? command->config_size : 1);
	if (!program->config)
		return hvp_error_no_memory;
	if (command->defaults)
		memcpy(program->config, command->defaults, command->config_size);
	tables[0].config = program->config;
	hvp_try(hvp_settings_apply(&program->settings, command->name, command, program->config));
	hvp_try(hvp_options_parse_tables(tables, 2, false, argc, argv, &program->behind));
	return apply_globals(&program->context, &program->globals);
}

static struct hvp_error *run_command(struct program *program, int *ret_status)
{
	struct hvp_context *context = &program->context;
	char **argv = program->before.argv;
	int argc = program->before.argc;

	context->command = hvp_command_find(commands, argv[0]);
	if (!context->command)
		return hvp_command_unknown(commands, argv[0]);
	hvp_try(configure(program, argc - 1, argv + 1));
	warn_of_sections(context);
	if (program->globals.wants_version)
		return hvp_help_print_version(context);
	if (program->behind.wants_help)
		return hvp_help_print_for(context, context->command);
	context->index_of_command = program->behind.command;
	return context->command->run(context, program->config, program->behind.argc,
				     program->behind.argv, ret_status);
}

static struct hvp_error *run(struct program *program, int argc, char **argv, int *ret_status)
{
	const struct hvp_option_table table = {.options = global_options,
					       .config = &program->globals};
	struct hvp_context *context = &program->context;

	hvp_try(spell_command_line(&program->command_line, argc, argv));
	context->command_line = (const char *)program->command_line.data;
	hvp_try(hvp_settings_load(&program->settings));
	hvp_try(hvp_settings_apply(&program->settings, HVP_SETTINGS_GLOBAL, &global_command,
				   &program->globals));
	hvp_try(hvp_options_parse_tables(&table, 1, true, argc - 1, argv + 1, &program->before));
	hvp_try(apply_globals(context, &program->globals));
	if (program->globals.wants_version)
		return hvp_help_print_version(context);
	if (program->before.wants_help || !program->before.argc)
		return hvp_help_print_overview(context);
	return run_command(program, ret_status);
}

/* What could not be written is a failure, except that nobody wants to read it. */
static int finish_output(const struct hvp_context *context, int status)
{
	bool has_failed = fflush(context->out) != 0 || ferror(context->out);
	int os_errno = errno;

	if (!has_failed)
		return status;
	if (os_errno == EPIPE) {
		/* As any filter ends whose reader is gone. */
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	return report_error(context,
			    hvp_error_from_errno(os_errno, "cannot write to standard output"));
}

int main(int argc, char **argv)
{
	struct program program;
	struct hvp_error *err;
	int status = STATUS_OK;

	setlocale(LC_CTYPE, "");
	catch_signals();
	program_init(&program);
	err = run(&program, argc, argv, &status);
	if (err)
		status = report_error(&program.context, err);
	else if (status == STATUS_OK && program.context.is_strict && program.context.is_degraded)
		status = STATUS_DEGRADED;
	status = finish_output(&program.context, status);
	program_deinit(&program);
	return status;
}
