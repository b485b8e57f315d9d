//go:build ignore

// baseline -w PATH... -- COMMAND [ARG]...
//
// The least that a launch can cost: the system calls that snib makes for the same command line, and nothing else. The
// rights, the capabilities and the filter are constants, in policy.h, which the benchmark writes from what snib itself
// passes to the kernel; it also checks that both make the same calls. COMMAND is a path.

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "nolibc.h"
#include "policy.h"

static void must(long r)
{
	if (r < 0) {
		call(SYS_exit_group, 125, 0, 0, 0, 0);
		__builtin_unreachable();
	}
}

static void allow_beneath(long ruleset, const char *path, uint64_t access)
{
	long fd = call(SYS_openat, AT_FDCWD, (long)path, O_PATH | O_CLOEXEC, 0, 0);
	must(fd);
	struct landlock_path_beneath_attr attr = {.allowed_access = access, .parent_fd = fd};
	must(call(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, (long)&attr, 0, 0));
	call(SYS_close, fd, 0, 0, 0, 0);
}

void start(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + *stack + 1;

	must(call(SYS_close_range, 3, INT32_MAX, 0, 0, 0));
	must(call(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION, 0, 0));
	for (int fd = 0; fd < 3; fd++) {
		int domain;
		socklen_t size = sizeof domain;
		call(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, (long)&domain, (long)&size);
	}
	long ruleset = call(SYS_landlock_create_ruleset, (long)handled, sizeof handled, 0, 0, 0);
	must(ruleset);
	allow_beneath(ruleset, "/", access_slash);
	allow_beneath(ruleset, "/dev/null", access_null);
	for (argv++; (*argv)[1] == 'w'; argv += 2)
		allow_beneath(ruleset, argv[1], access_root);
	argv++;

	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
	must(call(SYS_capget, (long)&header, (long)held, 0, 0, 0));
	if (sizeof capabilities > 0) {
		must(call(SYS_capset, (long)&header, (long)capabilities, 0, 0, 0));
		must(call(SYS_capget, (long)&header, (long)held, 0, 0, 0));
	}
	must(call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(call(SYS_landlock_restrict_self, ruleset, 0, 0, 0, 0));
	struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = (struct sock_filter *)filter};
	must(call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&program, 0, 0));
	must(call(SYS_execve, (long)argv[0], (long)argv, (long)envp, 0, 0));
}
