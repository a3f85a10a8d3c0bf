/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/progress.h"

#include <time.h>

#include "common/cli/term.h"
#include "common/cli/text.h"

#define NS_PER_SECOND 1000000000ull
#define QUIET_NS (NS_PER_SECOND / 2)
#define REDRAW_NS (NS_PER_SECOND / 10)
#define MAX_LINE 512
#define CLEAR_LINE "\r\033[K"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

void hvp_progress_init(struct hvp_progress *progress, FILE *err, bool is_enabled)
{
	*progress = (struct hvp_progress){.err = err, .is_enabled = is_enabled};
}

void hvp_progress_stage(struct hvp_progress *progress, const char *stage, const char *unit,
			uint64_t total)
{
	if (!progress->is_enabled)
		return;
	progress->stage = stage;
	progress->unit = unit;
	progress->total = total;
	progress->start_ns = now_ns();
	/* A line that stands already goes on at once. */
	progress->next_ns = progress->start_ns + (progress->is_drawn ? 0 : QUIET_NS);
}

static void format_rest(const struct hvp_progress *progress, uint64_t done, double rate, char *buf,
			size_t size)
{
	char text[HVP_TEXT_NUMBER];

	if (!progress->total || done >= progress->total || rate <= 0)
		return;
	hvp_text_duration(
		text, (uint64_t)((double)(progress->total - done) / rate * (double)NS_PER_SECOND));
	snprintf(buf, size, ", %s left", text);
}

void hvp_progress_format(const struct hvp_progress *progress, uint64_t done, uint64_t elapsed_ns,
			 char *buf, size_t size)
{
	double rate = elapsed_ns ? (double)done * (double)NS_PER_SECOND / (double)elapsed_ns : 0;
	char count[HVP_TEXT_NUMBER], total[HVP_TEXT_NUMBER], speed[HVP_TEXT_NUMBER];
	char share[HVP_TEXT_NUMBER] = "", of[HVP_TEXT_NUMBER + 4] = "";
	char left[HVP_TEXT_NUMBER + 8] = "";

	if (progress->total) {
		snprintf(share, sizeof(share), "  %3.0f%%",
			 100.0 * (double)done / (double)progress->total);
		snprintf(of, sizeof(of), " of %s", hvp_text_number(total, progress->total));
	}
	format_rest(progress, done, rate, left, sizeof(left));
	snprintf(buf, size, "%s%s  %s%s%s%s, %s/s%s", progress->stage, share,
		 hvp_text_number(count, done), of, progress->unit ? " " : "",
		 progress->unit ? progress->unit : "", hvp_text_number(speed, (uint64_t)rate),
		 left);
}

static void draw(struct hvp_progress *progress, const char *line, uint64_t now)
{
	/* One column stays free: a full line would wrap and could not be cleared. */
	unsigned int width = hvp_term_width(progress->err) - 1;

	progress->next_ns = now + REDRAW_NS;
	progress->is_drawn = true;
	fprintf(progress->err, CLEAR_LINE "%.*s", (int)width, line);
	fflush(progress->err);
}

void hvp_progress_update(struct hvp_progress *progress, uint64_t done)
{
	char line[MAX_LINE];
	uint64_t now;

	if (!progress->is_enabled || !progress->stage)
		return;
	now = now_ns();
	if (now < progress->next_ns)
		return;
	hvp_progress_format(progress, done, now - progress->start_ns, line, sizeof(line));
	draw(progress, line, now);
}

void hvp_progress_show(struct hvp_progress *progress, const char *what, const char *on_what)
{
	char line[MAX_LINE];

	if (!progress->is_enabled)
		return;
	snprintf(line, sizeof(line), "%s %s", what, on_what);
	draw(progress, line, now_ns());
}

void hvp_progress_clear(struct hvp_progress *progress)
{
	if (!progress->is_drawn)
		return;
	fputs(CLEAR_LINE, progress->err);
	fflush(progress->err);
	progress->is_drawn = false;
}
