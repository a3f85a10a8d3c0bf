/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring as it is used: a task writes records, an interrupt preempts it, an NMI preempts both, and a process on
 * another CPU reads. Here the task is a thread, the others are signals that timers send it.
 */
#include "tests/unit/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "hvpmu/hvpmu.h"
#include "hvpmu/ring.h"

#define SIZE (1u << 20)
#define TASK_RECORDS 50000u

enum context {
	TASK,
	IRQ,
	NMI,
	CONTEXTS,
};

/* A record says who wrote it, the how-manieth of him it is, and repeats that to its end. */
struct message {
	struct hvpmu_record header;
	uint64_t context;
	uint64_t number;
	uint64_t repeated[8];
};

static struct hvpmu_ring_page page;
static uint64_t data[SIZE / 8];
static struct hvpmu_ring ring;
static uint64_t written[CONTEXTS], failed[CONTEXTS];
static uint64_t nested; /* records written while another was unfinished */
static atomic_bool is_done;

static void write_message(enum context context)
{
	uint32_t size =
		(uint32_t)offsetof(struct message, repeated) + 8 * (uint32_t)(written[context] % 9);
	struct message *message;

	if (ring.nesting)
		nested++;
	message = hvpmu_ring_reserve(&ring, size);
	if (!message) {
		failed[context]++;
		return;
	}
	message->header = (struct hvpmu_record){.size = size, .type = HVPMU_RECORD_SAMPLE};
	message->context = context;
	message->number = written[context];
	for (uint32_t i = 0; offsetof(struct message, repeated) + 8 * i < size; i++)
		message->repeated[i] = written[context];
	written[context]++;
	hvpmu_ring_commit(&ring);
}

static void on_irq(int signal)
{
	(void)signal;
	for (int i = 0; i < 20; i++)
		write_message(IRQ);
}

static void on_nmi(int signal)
{
	(void)signal;
	write_message(NMI);
}

/* IRQs do not preempt NMIs, nor themselves; NMIs preempt IRQs. */
static void handle(int signal, void (*handler)(int), int also_blocked)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	if (also_blocked)
		sigaddset(&action.sa_mask, also_blocked);
	assert_int_equal(sigaction(signal, &action, NULL), 0);
}

struct reading {
	uint64_t next[CONTEXTS];
	uint64_t lost;
	const char *fault;
};

static const char *take(struct reading *reading, const struct hvpmu_record *record)
{
	const struct message *message = (const struct message *)record;

	if (record->type == HVPMU_RECORD_LOST) {
		reading->lost += ((const struct hvpmu_record_lost *)record)->count;
		return NULL;
	}
	if (record->type != HVPMU_RECORD_SAMPLE || message->context >= CONTEXTS)
		return "a record that nobody wrote";
	/* Each context's own numbers come in order; lost ones were never numbered. */
	if (message->number != reading->next[message->context])
		return "a record is missing, doubled or out of order";
	for (uint32_t at = (uint32_t)offsetof(struct message, repeated); at < record->size;
	     at += 8) {
		if (*(const uint64_t *)((const uint8_t *)record + at) != message->number)
			return "a record is not whole";
	}
	reading->next[message->context]++;
	return NULL;
}

static void *read_all(void *argument)
{
	struct reading *reading = argument;
	struct hvpmu_ring_reader reader;
	const struct hvpmu_record *record;
	bool is_last;

	if (hvpmu_ring_reader_init(&reader, &page, data, SIZE)) {
		reading->fault = "the ring is refused";
		return NULL;
	}
	do {
		is_last = atomic_load(&is_done);
		for (;;) {
			if (hvpmu_ring_next(&reader, &record))
				reading->fault = "the ring is damaged";
			if (!record || reading->fault)
				break;
			reading->fault = take(reading, record);
		}
		hvpmu_ring_release(&reader);
	} while (!is_last && !reading->fault);
	return NULL;
}

static timer_t start_timer(int signal, long nanoseconds)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal};
	struct itimerspec time = {.it_value.tv_nsec = nanoseconds,
				  .it_interval.tv_nsec = nanoseconds};
	timer_t timer;

	event._sigev_un._tid = gettid();
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &time, NULL), 0);
	return timer;
}

static void *write_all(void *argument)
{
	sigset_t signals;
	timer_t irq, nmi;

	(void)argument;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	irq = start_timer(SIGUSR1, 50000);
	nmi = start_timer(SIGUSR2, 30000);
	/* At least so many, and until both have preempted somebody: under a slow tool that takes longer. */
	while (written[TASK] < TASK_RECORDS || written[IRQ] < 1000 || written[NMI] < 1000) {
		write_message(TASK);
		/* ThreadSanitizer calls handlers later than the kernel, and then may leave all blocked. */
		if (written[TASK] % 1000 == 0)
			pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	}
	timer_delete(irq);
	timer_delete(nmi);
	return NULL;
}

static void every_record_is_whole_or_counted_as_lost(void **state)
{
	struct reading reading = {0};
	pthread_t reader, writer;
	uint64_t all_failed;

	(void)state;
	assert_int_equal(hvpmu_ring_init(&ring, &page, data, SIZE, sizeof(page), 0), 0);
	handle(SIGUSR1, on_irq, 0);
	handle(SIGUSR2, on_nmi, SIGUSR1);
	assert_int_equal(pthread_create(&reader, NULL, read_all, &reading), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
	assert_int_equal(pthread_join(writer, NULL), 0);
	atomic_store(&is_done, true);
	assert_int_equal(pthread_join(reader, NULL), 0);

	if (reading.fault)
		fail_msg("%s", reading.fault);
	all_failed = failed[TASK] + failed[IRQ] + failed[NMI];
	print_message("task %llu, IRQ %llu, NMI %llu records; %llu within another; %llu lost\n",
		      (unsigned long long)written[TASK], (unsigned long long)written[IRQ],
		      (unsigned long long)written[NMI], (unsigned long long)nested,
		      (unsigned long long)all_failed);
	for (int i = 0; i < CONTEXTS; i++)
		assert_int_equal(reading.next[i], written[i]);
	assert_int_equal(page.lost, all_failed);
	/* What was lost last is told with the next record, of which there may be none. */
	assert_int_equal(reading.lost + ring.lost, all_failed);
	assert_int_equal(ring.nesting, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_is_whole_or_counted_as_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
