/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/inquiry.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* For one VMM. QEMU answers in a few milliseconds. */
#define TIMEOUT_MS 500

/* A question, later its answer. */
struct item {
	struct item *next;
	char *socket_path;
	struct hvp_inquiry_answer answer;
};

struct queue {
	struct item *first, **last;
};

struct hvp_inquiry {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	/* From here on under the lock. */
	bool has_thread, stops, is_busy;
	struct queue questions, answers;
};

static void push(struct queue *queue, struct item *item)
{
	item->next = NULL;
	*queue->last = item;
	queue->last = &item->next;
}

static struct item *pop(struct queue *queue)
{
	struct item *item = queue->first;

	if (item)
		queue->first = item->next;
	if (!queue->first)
		queue->last = &queue->first;
	return item;
}

static void item_destroy(struct item *item)
{
	if (!item)
		return;
	hvp_inquiry_answer_deinit(&item->answer);
	free(item->socket_path);
	free(item);
}

struct hvp_error *hvp_inquiry_create(struct hvp_inquiry **ret)
{
	struct hvp_inquiry *inquiry = calloc(1, sizeof(*inquiry));
	pthread_condattr_t monotonic;

	if (!inquiry)
		return hvp_error_no_memory;
	pthread_mutex_init(&inquiry->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&inquiry->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	inquiry->questions.last = &inquiry->questions.first;
	inquiry->answers.last = &inquiry->answers.first;
	*ret = inquiry;
	return NULL;
}

void hvp_inquiry_destroy(struct hvp_inquiry *inquiry)
{
	struct item *item;

	if (!inquiry)
		return;
	pthread_mutex_lock(&inquiry->lock);
	inquiry->stops = true;
	pthread_cond_broadcast(&inquiry->changed);
	pthread_mutex_unlock(&inquiry->lock);
	if (inquiry->has_thread)
		pthread_join(inquiry->thread, NULL);
	while ((item = pop(&inquiry->questions)) || (item = pop(&inquiry->answers)))
		item_destroy(item);
	pthread_cond_destroy(&inquiry->changed);
	pthread_mutex_destroy(&inquiry->lock);
	free(inquiry);
}

static void *work(void *arg)
{
	struct hvp_inquiry *inquiry = arg;
	struct item *item;

	pthread_mutex_lock(&inquiry->lock);
	while (!inquiry->stops) {
		item = pop(&inquiry->questions);
		if (!item) {
			pthread_cond_wait(&inquiry->changed, &inquiry->lock);
			continue;
		}
		inquiry->is_busy = true;
		pthread_mutex_unlock(&inquiry->lock);
		item->answer.error = hvp_qmp_ask(item->socket_path, item->answer.pid, TIMEOUT_MS,
						 &item->answer.qmp);
		pthread_mutex_lock(&inquiry->lock);
		inquiry->is_busy = false;
		push(&inquiry->answers, item);
		pthread_cond_broadcast(&inquiry->changed);
	}
	pthread_mutex_unlock(&inquiry->lock);
	return NULL;
}

/* Signals are for the thread that records. */
static struct hvp_error *start(struct hvp_inquiry *inquiry)
{
	sigset_t all, before;
	int error;

	if (inquiry->has_thread)
		return NULL;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&inquiry->thread, NULL, work, inquiry);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return hvp_error_from_errno(error, "a thread that asks virtual machine monitors");
	inquiry->has_thread = true;
	return NULL;
}

struct hvp_error *hvp_inquiry_ask(struct hvp_inquiry *inquiry, uint32_t domain, uint32_t pid,
				  const char *socket_path)
{
	struct item *item;

	hvp_try(start(inquiry));
	item = calloc(1, sizeof(*item));
	if (!item || !(item->socket_path = strdup(socket_path))) {
		free(item);
		return hvp_error_no_memory;
	}
	item->answer.domain = domain;
	item->answer.pid = pid;
	pthread_mutex_lock(&inquiry->lock);
	push(&inquiry->questions, item);
	pthread_cond_broadcast(&inquiry->changed);
	pthread_mutex_unlock(&inquiry->lock);
	return NULL;
}

void hvp_inquiry_answer_deinit(struct hvp_inquiry_answer *answer)
{
	hvp_qmp_answer_deinit(&answer->qmp);
	hvp_error_destroy(answer->error);
	*answer = (struct hvp_inquiry_answer){0};
}

bool hvp_inquiry_next(struct hvp_inquiry *inquiry, struct hvp_inquiry_answer *ret)
{
	struct item *item;

	pthread_mutex_lock(&inquiry->lock);
	item = pop(&inquiry->answers);
	pthread_mutex_unlock(&inquiry->lock);
	if (!item)
		return false;
	*ret = item->answer;
	free(item->socket_path);
	free(item);
	return true;
}

void hvp_inquiry_wait(struct hvp_inquiry *inquiry, unsigned int timeout_ms)
{
	struct timespec end;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	pthread_mutex_lock(&inquiry->lock);
	while (!error && (inquiry->questions.first || inquiry->is_busy))
		error = pthread_cond_timedwait(&inquiry->changed, &inquiry->lock, &end);
	pthread_mutex_unlock(&inquiry->lock);
}
