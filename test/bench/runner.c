//go:build ignore

// runner WARMUP ROUNDS {FILE ARGV0 [ARG]... ""}...
//
// Launches every contender once a round, in a fresh order each round, and times it from vfork to its exit. Writes to
// descriptor 3, when all is done, a line for each launch after the warm-up: contender, nanoseconds, minor page faults.

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct launch {
	int contender;
	int64_t time;
	long faults;
};

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct launch launch(int contender, char **words)
{
	struct rusage usage;
	int status;

	int64_t start = now();
	pid_t pid = vfork();
	if (pid == 0) {
		execv(words[0], words + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		err(1, "%s", words[0]);
	int64_t end = now();
	if (status != 0)
		errx(1, "%s: wait status %#x", words[0], status);
	return (struct launch){contender, end - start, usage.ru_minflt};
}

int main(int argc, char **argv)
{
	int warmup = atoi(argv[1]), rounds = atoi(argv[2]), n = 0;
	char **contenders[argc];
	for (int i = 3; i < argc; i++) {
		contenders[n++] = &argv[i];
		while (argv[i][0] != '\0')
			i++;
		argv[i] = NULL;
	}

	// Written once here, so that no launch pays for the pages.
	struct launch *all = malloc((size_t)rounds * n * sizeof *all);
	for (int i = 0; i < rounds * n; i++)
		all[i].contender = 0;
	int order[n];
	for (int i = 0; i < n; i++)
		order[i] = i;
	fcntl(3, F_SETFD, FD_CLOEXEC);
	for (int round = -warmup; round < rounds; round++) {
		for (int i = n - 1; i > 0; i--) {
			int j = random() % (i + 1), t = order[i];
			order[i] = order[j];
			order[j] = t;
		}
		for (int i = 0; i < n; i++) {
			struct launch l = launch(order[i], contenders[order[i]]);
			if (round >= 0)
				all[round * n + i] = l;
		}
	}

	FILE *out = fdopen(3, "w");
	for (int i = 0; i < rounds * n; i++)
		fprintf(out, "%d %lld %ld\n", all[i].contender, (long long)all[i].time, all[i].faults);
	return fclose(out) != 0;
}
