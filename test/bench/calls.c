//go:build ignore

// calls COUNT getppid|socketpair|sendto|ioctl|fcntl
// calls COUNT open|read FILE
//
// Makes one call COUNT times, and prints how many nanoseconds of processor time that took. What socketpair and open
// return is closed each time, and what sendto sends is read.

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int, char **argv)
{
	long count = atol(argv[1]);
	int64_t start = now();

	if (strcmp(argv[2], "getppid") == 0) {
		while (count-- > 0)
			getppid();
	} else if (strcmp(argv[2], "socketpair") == 0) {
		while (count-- > 0) {
			int fds[2];
			if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
				err(1, "socketpair");
			close(fds[0]);
			close(fds[1]);
		}
	} else if (strcmp(argv[2], "sendto") == 0) {
		int fds[2];
		char byte = 0;
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
			err(1, "socketpair");
		while (count-- > 0)
			if (sendto(fds[0], &byte, 1, 0, NULL, 0) != 1 || read(fds[1], &byte, 1) != 1)
				err(1, "sendto, read");
	} else if (strcmp(argv[2], "ioctl") == 0) {
		while (count-- > 0) {
			struct winsize size; // on /dev/null: ENOTTY
			ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
		}
	} else if (strcmp(argv[2], "fcntl") == 0) {
		while (count-- > 0)
			fcntl(STDIN_FILENO, F_GETFD);
	} else {
		int flags = strcmp(argv[2], "read") == 0 ? O_RDONLY : O_RDWR;
		while (count-- > 0) {
			int fd = open(argv[3], flags | O_CLOEXEC);
			if (fd < 0)
				err(1, "%s", argv[3]);
			close(fd);
		}
	}
	printf("%lld\n", (long long)(now() - start));
	return 0;
}
